// core/estimates.h: what a candidate costs and how well it does.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace bitwright {

struct LayerEstimate {
  std::string name;
  std::string kernel;          // "conv2d_a1w1", ...
  int64_t macs = 0;
  int64_t constant_bytes = 0;  // packed weights, epilogue tables, descriptor
  int64_t output_bytes = 0;    // packed output tensor
  double instructions = 0.0;
  double cycles = 0.0;         // zero wait states
};

// A pure function of the network and the board: estimators/estimate.h.
struct Estimates {
  int64_t flash_bytes = 0;     // code + constants
  int64_t code_bytes = 0;
  int64_t constant_bytes = 0;
  int64_t ram_bytes = 0;       // arena (input and output included) + stack
  int64_t arena_bytes = 0;
  int64_t stack_bytes = 0;
  int64_t macs = 0;
  int64_t parameters = 0;
  double instructions = 0.0;   // one inference
  double cycles = 0.0;
  double latency_us = 0.0;     // at the board's clock
  double energy_uj = 0.0;      // one inference; 0 if the board file gives no current
  double average_power_uw = 0.0;  // of the study's duty cycle: estimators/duty_cycle.h; 0 without one
  std::vector<LayerEstimate> layers;
  // Of a study with several boards: each one's own figures, in its order, while those above are the worst of them
  // (estimators/worst_board.h). Else empty; the store keeps the worst.
  std::vector<Estimates> boards;
};

// Of the integer model on one held-out set; what the fake-quantized network says stands beside it, and a gap between the
// two is a defect to explain. Definitions: core/metrics.h.
struct Metrics {
  // What a search maximises, 0..1: the share of windows named right; for anomalies the area under the ROC curve; for
  // regression R2, at least 0.
  double accuracy = 0.0;
  double fake_quantized_accuracy = 0.0;
  double train_accuracy = 0.0;           // fake-quantized, on the training set; -1 if not scored
  int64_t windows = 0;                   // in the held-out set
  int64_t differing = 0;                 // windows whose decision differs between the two
  // classification
  double balanced_accuracy = 0.0, macro_f1 = 0.0;
  double auc = 0.0;                      // one class against the rest, mean of the classes; anomalies: against normal
  std::vector<int64_t> confusion;        // classes x classes, rows are labels; not kept by the store
  // anomalies: an example is reported where its reconstruction error is above the threshold
  double threshold = 0.0, f1 = 0.0;      // threshold: learnt on the training set alone
  // regression: R2 as it is, also below 0; errors in the target's own unit
  double r2 = 0.0, rmse = 0.0, mae = 0.0;
};

// A rule that a candidate breaks, and by how much, so that samplers can learn and repair.
struct Violation {
  // "flash", "ram", "memory", "latency", "energy", "macs", "params", "average_power", "duty_cycle", "structure",
  // "kernel"
  std::string rule;
  double value = 0.0;    // what the candidate has, in the unit of the rule (bytes, us, uJ, uW)
  double limit = 0.0;
  std::string message;   // one line for people
};

}  // namespace bitwright
