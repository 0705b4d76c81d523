// experiments/bench/kernels/limits.h: what the kernels and the golden bearing network must reach, and whether they do.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "experiments/bench/kernels/kernel_figures.h"
#include "experiments/bench/kernels/network_figures.h"

namespace bitwright {

// One limit beside what was measured.
struct Verdict {
  std::string core, what;          // "cortex-m4", "conv_k5 W1A1, cycles per MAC"
  std::optional<double> measured;  // nothing: that case was not run
  double limit = 0.0;
  bool at_least = false;  // a lower limit
  bool met() const { return measured && (at_least ? *measured >= limit : *measured <= limit); }
};

// Cycles per multiply-accumulate, and how many times as fast as CMSIS-NN's int8 layer of the same shape.
std::vector<Verdict> check_kernels(const std::vector<KernelFigure>& ours, const std::vector<KernelFigure>& cmsis_nn);
// Cycles, RAM and code of the streamed and specialised network, if it is the golden bearing network; else nothing.
std::vector<Verdict> check_network(const Network& network, const std::vector<NetworkFigure>& figures);

// At least one limit was measured, and every one that was is met.
bool all_met(const std::vector<Verdict>& verdicts);

}  // namespace bitwright
