// experiments/bench/kernels/network_figures.h: what a whole network takes on one core, as its emitted package.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/quantized_model.h"
#include "deploy/lower.h"

namespace bitwright {

// How the package is made.
struct NetworkForm {
  Execution execution = Execution::kLayers;  // not kAuto
  bool specialized = false;                  // kernels compiled for their layers (deploy/emit_specialized.h)
  int64_t ram_limit = 0;                     // for the choice of kernels, arena and stack in bytes; 0: none
};

struct NetworkFigure {
  std::string core;
  NetworkForm form;
  int64_t windows = 0, different = 0;  // inputs run, and those with another output than the integer reference
  double instructions = 0.0;           // of one inference, mean over the windows
  std::optional<double> cycles;        // as in KernelFigure
  int64_t arena_bytes = 0;             // input and output lie in it
  int64_t input_bytes = 0;             // of the arena
  int64_t state_bytes = 0;             // of the arena: what a streamed network keeps from one column to the next
  int64_t static_bytes = 0;            // variables of the package
  int64_t stack_bytes = 0;             // deepest, painted and read back
  int64_t code_bytes = 0, library_bytes = 0, constant_bytes = 0;
  int64_t ram_bytes() const { return arena_bytes + static_bytes + stack_bytes; }
};

// Emits the package, compiles, links and emulates it on random inputs. windows: >= 1. Throws ToolError if a tool is
// missing or the program gives no verdict; a difference is a figure. Nothing where the network cannot run so.
std::optional<NetworkFigure> measure_network(const std::string& core, const QuantizedModel& model, int windows,
                                             const NetworkForm& form);

// Inferences in a second at a clock, at zero wait states: between cycles * kCyclesUpper and cycles.
struct Speed {
  double low = 0.0, high = 0.0;
};
Speed inferences_per_second(double cycles, double clock_hz);

// True for any network of the structure of configs/networks/bearing_golden.yaml, whatever its weights.
bool is_golden_bearing(const Network& network);
// What was published for that network with one-bit weights and a float head. Board and clock were not stated; the speed
// of its float32 version points to an STM32H7 at 400 to 480 MHz.
inline constexpr double kPublishedInferencesPerSecond = 72.0;
inline constexpr double kPublishedClockHz = 480e6;

// A built-in network's name or a file of one, with random weights; or, where `weights` names a file, the model in it:
// model.json of an exported package, or a QuantizedModel as JSON. Throws ConfigError, also where both are given and
// are different networks.
QuantizedModel model_to_measure(const std::string& network, const std::string& weights);

}  // namespace bitwright
