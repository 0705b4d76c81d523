// experiments/life_sign.h: that a training on another machine is at work: a file in its folder that changes every few
// seconds, whatever the clocks say. It goes with the folder.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "core/trial.h"
#include "experiments/heartbeat.h"

namespace bitwright {

// Written by a thread of its own from construction to destruction, and after every epoch. A disk that refuses is no
// reason to stop the training.
class LifeSigns {
 public:
  // execution: a name of its own, by which two executions of one job are told apart.
  LifeSigns(std::string folder, std::string execution, double every_seconds = 5.0);

  void add(const EpochRecord& epoch);

 private:
  std::vector<EpochRecord> epochs() const;
  void write();

  const std::string folder_;
  const std::string execution_;
  mutable std::mutex mutex_;
  std::vector<EpochRecord> epochs_;
  int64_t beats_ = 0;
  Heartbeat heartbeat_;  // the last member: it writes the others
};

struct LifeSign {
  std::string text;                   // of the file: another one is a sign of life
  std::vector<EpochRecord> epochs{};  // of the latest execution, oldest first
};

// Nothing where there is none, or none that can be read.
std::optional<LifeSign> read_life_sign(const std::string& folder);

}  // namespace bitwright
