// core/trial.h: one evaluation of one candidate, as the store keeps it and samplers learn from it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
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

// kStopped: its training stopped at a rung, and may go on.
enum class TrialState { kRunning, kStopped, kComplete, kInfeasible, kFailed };
// "RUNNING", "STOPPED", "COMPLETE", "INFEASIBLE", "FAIL".
std::string trial_state_name(TrialState state);

// One epoch of training.
struct EpochRecord {
  int epoch = 0;                 // from 1
  double learning_rate = 0.0;    // at its end
  double train_loss = 0.0;
  double validation_accuracy = 0.0;  // fake-quantized, 0..1
  bool operator==(const EpochRecord&) const = default;
};

// What a model expected of a candidate before its training; an error is 1 - accuracy.
struct Opinion {
  double mean = 0.0, deviation = 1.0;  // of log(error), or of the first objective where no logarithm is taken
  double log_success = 0.0;            // log P(the training succeeds and keeps the measured limits)
  double log_acquisition = 0.0;        // log of what is expected of it, success included: what it was chosen for
  double hypervolume = 0.0;            // of the front as believed, which the acquisition adds to; 0: to none
  bool operator==(const Opinion&) const = default;
};

// How a candidate came to be proposed.
struct ProposalProvenance {
  std::string source;                       // "initial", "model", "evolution", "random", ...; empty: not stored
  std::vector<int64_t> parents;             // trials that it comes from, perhaps at several removes
  std::optional<Opinion> opinion;           // of a search by models
  std::map<std::string, int64_t> rejected;  // rule, or "duplicate" -> candidates passed over for this one
  std::string code;                         // "0.1.0 1f0c9a52": version and commit of what proposed; set by the store
};

// What a candidate's package was measured to take on a board, beside its estimate there, in bytes, us, uJ or uW.
struct MeasuredCost {
  double estimated = 0.0, measured = 0.0;
  bool operator==(const MeasuredCost&) const = default;
};
using MeasuredCosts = std::map<std::string, std::map<std::string, MeasuredCost>>;  // by quantity, core/quantity.h; board

struct Trial {
  int64_t number = 0;            // 0, 1, ... within the study
  Candidate candidate;
  TrialState state = TrialState::kRunning;
  std::string source;            // what proposed it, in a line: "random", "mutation of 12"
  uint64_t seed = 0;             // of training
  int64_t ask_watermark = 0;     // how many finished trials the proposal had seen
  int64_t rejected = 0;          // candidates that broke a limit and were passed over for this one, each once
  ProposalProvenance provenance;
  double fidelity = 1.0;         // share of the recipe's epochs, above 0, that its training is to reach, or reached
  std::vector<double> rungs;     // such shares at which it stopped before, rising
  Estimates estimates;
  std::vector<Violation> violations;  // of an infeasible trial
  Metrics metrics;               // of a complete one; of a stopped one, as it is; of one whose package broke a limit
  MeasuredCosts measured;        // empty: its package was not built
  std::vector<EpochRecord> epochs;
  std::string failure;           // of a failed one: one line
  double train_seconds = 0.0;    // CPU
  int attempt = 1;
  std::string execution, host;   // of that attempt: 32 hex digits drawn for it, and where; empty: not known
  int64_t started_us = 0;        // UTC, microseconds since 1970; set by the store, as is
  int64_t ended_us = 0;          // 0 while it runs
};

// Whether its network was scored, if only at a rung: `metrics` are there.
bool has_accuracy(const Trial& trial);

// That a training which stopped at a rung goes on, and how that came to be proposed.
struct Continuation {
  int64_t trial = 0;
  double fidelity = 1.0;          // to which it goes on
  int64_t next_trial = 0;         // how many trials there were
  int64_t ask_watermark = 0;      // how many results the proposal had seen
  ProposalProvenance provenance;  // source, opinion and code
};

}  // namespace bitwright
