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
  std::vector<LayerEstimate> layers;
};

// On one held-out set. `accuracy` is that of the integer model; the fake-quantized network's stands beside it, and
// a gap between the two is a defect to explain.
struct Metrics {
  double accuracy = 0.0;                 // share of windows, 0..1
  double fake_quantized_accuracy = 0.0;
  double train_accuracy = 0.0;           // fake-quantized, on the training set after the last epoch; -1 if not scored
  int64_t windows = 0;                   // in the held-out set
};

// A rule that a candidate breaks, and by how much, so that samplers can learn and repair.
struct Violation {
  std::string rule;      // "flash", "ram", "latency", "energy", "structure", "kernel"
  double value = 0.0;    // what the candidate has, in the unit of the rule (bytes, us, uJ)
  double limit = 0.0;
  std::string message;   // one line for people
};

}  // namespace bitwright
