// core/trial.h: one evaluation of one candidate, as the store keeps it and samplers learn from it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/dataset.h"
#include "core/estimates.h"
#include "core/network.h"

namespace bitwright {

// A point of the search space and what it stands for.
struct Candidate {
  std::map<std::string, std::string> parameters;  // active ones only: "block1.channels" -> "16"
  Network network;
  std::string hash;                               // network_hash(network): 32 hex digits
};

enum class TrialState { kRunning, kComplete, kInfeasible, kFailed };
// "RUNNING", "COMPLETE", "INFEASIBLE", "FAIL".
std::string trial_state_name(TrialState state);

// One epoch of training.
struct EpochRecord {
  int epoch = 0;                 // from 1
  double learning_rate = 0.0;    // at its end
  double train_loss = 0.0;
  double validation_accuracy = 0.0;  // fake-quantized, 0..1
  bool operator==(const EpochRecord&) const = default;
};

struct Trial {
  int64_t number = 0;            // 0, 1, ... within the study
  Candidate candidate;
  TrialState state = TrialState::kRunning;
  std::string source;            // what proposed it: "random", "mutation of 12"
  uint64_t seed = 0;             // of training
  int64_t ask_watermark = 0;     // how many finished trials the proposal had seen
  int64_t rejected = 0;          // candidates that broke a limit and were passed over for this one
  Estimates estimates;
  std::vector<Violation> violations;  // of an infeasible trial
  Metrics metrics;               // of a complete one
  std::vector<EpochRecord> epochs;
  std::string failure;           // of a failed one: one line
  double train_seconds = 0.0;    // CPU
  int attempt = 1;
};

}  // namespace bitwright
