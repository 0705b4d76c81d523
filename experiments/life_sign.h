// experiments/life_sign.h: that a training on another machine is at work: a file in its folder that changes every few
// seconds, whatever the clocks say. It goes with the folder.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "core/trial.h"

namespace bitwright {

// Written by a thread of its own from construction to destruction, and after every epoch. A disk that refuses is no
// reason to stop the training.
class LifeSigns {
 public:
  LifeSigns(std::string folder, double every_seconds = 5.0);
  ~LifeSigns();
  LifeSigns(const LifeSigns&) = delete;
  LifeSigns& operator=(const LifeSigns&) = delete;

  void add(const EpochRecord& epoch);

 private:
  void run();
  void write(const std::vector<EpochRecord>& epochs);

  const std::string folder_;
  const double every_seconds_;
  const std::string execution_;  // drawn at random: two executions of one job are told apart
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<EpochRecord> epochs_;
  bool over_ = false, told_ = false;
  int64_t beats_ = 0;
  std::thread thread_;
};

struct LifeSign {
  std::string text;                   // of the file: another one is a sign of life
  std::vector<EpochRecord> epochs{};  // of the latest execution, oldest first
};

// Nothing where there is none, or none that can be read.
std::optional<LifeSign> read_life_sign(const std::string& folder);

}  // namespace bitwright
