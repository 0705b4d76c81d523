// experiments/profile_tiers.h: what a network costs on a board, by one of three ways of knowing it: closed forms, the
// linker, the emulator. docs/profile.md says what each is good for.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/arena_map.h"
#include "core/board.h"
#include "core/memory_plan.h"
#include "core/network.h"
#include "core/op_profile.h"
#include "deploy/board_cycles.h"
#include "experiments/profile_input.h"

namespace bitwright {

enum class Tier { kClosedForm, kLinked, kEmulated };

// "closed_form", "linked", "emulated".
const std::vector<std::string>& tier_names();
std::string tier_name(Tier tier);

// Instructions and cycles: of a layer, of all calls between layers, of an inference. 0: not known on this core.
struct Speed {
  double instructions = 0.0, cycles = 0.0;  // zero wait states
  double board_cycles = 0.0;                // with the board's flash; of the emulated tier
};

struct LayerCosts {
  std::string name, kernel;  // no kernel: a flatten, which is no call
  int64_t flash_bytes = 0;   // its constants, and the code of a kernel compiled for it alone
  int64_t live_bytes = 0;    // of the arena while it runs
  Speed speed;
};

// Flash that is no layer's: kernels, libraries, tables of streams.
struct SharedFlash {
  std::string name;
  int64_t bytes = 0;
};

struct NetworkProfile {
  std::string source;
  Network network;
  Board board;
  Tier tier = Tier::kClosedForm;
  std::vector<std::string> notes;
  std::map<std::string, std::string> tools;  // program -> first line of its --version
  OpProfile ops;

  Execution execution = Execution::kLayers;  // as planned
  MemoryPlan memory;
  std::vector<ArenaRegion> regions;

  std::vector<LayerCosts> layers;
  std::vector<SharedFlash> shared;                                // the most first
  int64_t code_bytes = 0, library_bytes = 0, constant_bytes = 0;  // of flash; library_bytes 0: within code_bytes
  int64_t data_bytes = 0;                                         // constants in RAM, with their copy in flash
  int64_t stack_bytes = 0;                                        // what it may take: estimated, or the bound
  int64_t stack_used_bytes = 0;                                   // of the emulated tier: in this inference
  std::vector<std::string> stack_path;                            // where the bound is reached
  int64_t flash_bytes() const { return code_bytes + library_bytes + constant_bytes + data_bytes; }
  int64_t ram_bytes() const { return memory.arena_bytes + data_bytes + stack_bytes; }
  std::vector<std::string> exceeds;  // a line each of the board's memories that are too small

  Speed between, total;
  std::map<std::string, double> instructions_by_class;  // of the emulated tier
  std::optional<BoardCycles> on_board;                  // of the emulated tier, of a core with a timing table
  // At the board's clock, of the cycles with its flash where they are known; 0: not known.
  double latency_us = 0.0, energy_uj = 0.0;
};

struct ProfileRequest {
  Board board;
  Tier tier = Tier::kClosedForm;
  Execution execution = Execution::kLayers;
  int specialize = 0;  // PackageOptions::specialize, of what is emitted; not of a package
};

// Throws ConfigError (a core without a cost table, or without an emulator), ToolError (deploy/cross_target.h).
NetworkProfile profile_network(const ProfileInput& input, const ProfileRequest& request);

}  // namespace bitwright
