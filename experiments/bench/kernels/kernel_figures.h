// experiments/bench/kernels/kernel_figures.h: what one layer takes on one core: exact instructions and, where
// deploy/timing.h has a model of the core, estimated cycles at zero wait states.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/execution.h"
#include "core/kernel.h"
#include "experiments/bench/kernels/kernel_cases.h"

namespace bitwright {

struct KernelFigure {
  std::string core;         // "cortex-m4"
  std::string shape, pair;  // names of kernel_cases.h
  std::string kernel;       // of ours, or the peer's function
  bool chosen = true;       // the one that kernels_on() this core has
  int64_t macs = 0;
  double instructions = 0.0;     // of the whole layer
  std::optional<double> cycles;  // of the whole layer; none for the Cortex-M55, whose model was never checked
  int64_t stack_bytes = 0;
  double instructions_per_mac() const { return instructions / static_cast<double>(macs); }
  // Only where there are cycles.
  double cycles_per_mac() const { return cycles.value() / static_cast<double>(macs); }
};

bool has_cycle_model(const std::string& core);
// What an emitted package for this core would run: the fastest kernels by its cost table.
// ram_limit: of arena and stack, in bytes; 0: none.
Kernels kernels_on(const std::string& core, const Network& network, Execution execution = Execution::kLayers,
                   int64_t ram_limit = 0);
// The one of the chosen kernel, or nothing.
const KernelFigure* find_chosen(const std::vector<KernelFigure>& figures, const std::string& core,
                                const std::string& shape, const std::string& pair);
// The peer's cycles for one of ours; instructions where the core has no cycle model.
double times_as_fast(const KernelFigure& ours, const KernelFigure& peer);

using Progress = std::function<void(const std::string& line)>;

// Lowers, compiles and emulates every case with every kernel that can run it (kernels_for()), with random weights and
// one random input, as an emitted package would run it. Throws ToolError if a tool is missing or an output differs from
// the integer reference.
std::vector<KernelFigure> measure_kernels(const std::string& core, const std::vector<KernelCase>& cases,
                                          const Progress& progress = {});

}  // namespace bitwright
