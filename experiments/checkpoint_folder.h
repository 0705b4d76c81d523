// experiments/checkpoint_folder.h: the states of a study's trainings on disk, as TrialSpec::checkpoint names them. No
// result depends on them: what is gone is trained again.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <set>
#include <string>

#include "core/trial.h"

namespace bitwright {

class CheckpointFolder {
 public:
  // Makes the folder. most_bytes: of what stopped at rungs; 0: no limit. Throws StoreError with the path.
  CheckpointFolder(std::string path, int64_t most_bytes);
  ~CheckpointFolder();  // the folder goes if it is empty
  CheckpointFolder(const CheckpointFolder&) = delete;
  CheckpointFolder& operator=(const CheckpointFolder&) = delete;

  std::string of_trial(int64_t number) const;  // TrialSpec::checkpoint

  // A trial whose result is in the store. Of one that stopped at a rung the end remains; where all of these are too
  // large together the oldest go.
  void stored(const Trial& trial) const;
  // Those of other trials go: of finished ones, whose search was killed at the wrong moment.
  void keep_only(const std::set<int64_t>& trials) const;

 private:
  void keep_to_size() const;

  std::string path_;
  int64_t most_bytes_;
};

}  // namespace bitwright
