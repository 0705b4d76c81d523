// trainer/checkpoint.h: everything a training needs to go on as if it had never stopped, and its file. No torch type.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "core/parameters.h"
#include "core/trial.h"

namespace bitwright {

// Flat arrays are in the order of FakeQuantizedNetwork::learned() and running_statistics().
struct TrainingState {
  // SHA-256 of network, data, seed and of the recipe but for its epochs: a state goes on only where it came from.
  std::string fingerprint;
  int schedule_epochs = 0;  // the recipe's epochs: the learning rate's schedule is that long
  int64_t step = 0;         // steps done
  int64_t batch = 0;        // of these, in the epoch that is under way
  double epoch_loss = 0.0;  // their summed loss
  std::vector<float> learned, first_moment, second_moment, running_statistics;
  std::vector<int64_t> order;        // of the epoch under way, or of the last one
  std::vector<uint64_t> generators;  // states of the private generators
  std::vector<EpochRecord> epochs;   // finished ones
  int64_t epochs_since_better = 0;
  double best_score = -HUGE_VAL;
  Parameters best;     // of the best epoch so far; without layers before the first epoch's end
  Parameters teacher;  // of the float twin, where the recipe distils
  bool operator==(const TrainingState&) const = default;
};

// File: magic "BWCKPT\n\0", version, length, body, SHA-256 of all before it; little endian, so the same on every host.
inline constexpr uint32_t kCheckpointVersion = 1;
std::string serialize_state(const TrainingState& state);
// Throws StoreError naming `place` and the rule: not a checkpoint, another version, cut off, checksum differs.
TrainingState parse_state(const std::string& bytes, const std::string& place);

}  // namespace bitwright
