// trainer/adaptive_rounding.h: learns for every weight of one layer whether to round it down or up. No torch type.
// Source: Nagel et al., "Up or Down? Adaptive Rounding for Post-Training Quantization", ICML 2020 (arXiv 2004.10568).
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace bitwright {

// Inputs and wanted accumulators of one layer at `count` positions of its output.
struct RoundingRows {
  int64_t count = 0, taps = 0, outputs = 0;  // each >= 1
  bool depthwise = false;                    // every output has taps of its own
  std::vector<float> inputs;   // what the quantized network reads: [count][taps], depthwise [count][taps][outputs]
  std::vector<float> targets;  // accumulators of the float network, in real units: [count][outputs]
};

// Adam on V, full precision otherwise. The paper runs 10,000 iterations; 1,000 take 15 s for a layer of 300,000
// weights.
struct RoundingOptions {
  int iterations = 1000;
  int batch = 32;  // rows an iteration
  double learning_rate = 0.1;
  double regularization = 0.3;  // lambda of eq. (21), the error of nearest rounding being 1 for every output
  uint64_t seed = 1;
};

// Codes of weights [outputs][taps]: each the floor or the ceiling of weight / step, within [-127, 127].
// steps: one per output, or one in all; > 0. Minimises, output by output,
//   E (input . (step * (floor(w / step) + h(V))) - target)^2 + lambda sum 1 - |2 h(V) - 1|^beta       eq. (21) to (25)
// with h the rectified sigmoid (zeta 1.1, gamma -0.1) and beta falling from 20 to 2. An output whose learnt codes miss
// its targets by more than nearest rounding does keeps the nearest codes.
std::vector<int8_t> learn_rounding(std::span<const float> weights, std::span<const float> steps,
                                   const RoundingRows& rows, const RoundingOptions& options);

// Mean squared difference between targets and what codes give, one per output.
std::vector<double> reconstruction_error(std::span<const int8_t> codes, std::span<const float> steps,
                                         const RoundingRows& rows);

}  // namespace bitwright
