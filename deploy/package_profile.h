// deploy/package_profile.h: what a package takes on a core, layer by layer: as linked, and one inference as emulated.
//
// A layer's bytes are those of its arrays and descriptors, LAYER_weights and so on, and of the kernel that was compiled
// for it alone; the rest is shared. A layer's instructions are those from the call of its kernel until that returns;
// those between are what calls the kernels, and in streams moves their columns along (bw_stream.h). Calls are told
// apart by where they return to: of a kernel that several layers of a stream use, the place that is first returned to
// is the first of these layers, as no stage can run before the one that feeds it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "deploy/flash_model.h"
#include "deploy/link_map.h"
#include "deploy/lower.h"
#include "deploy/stack_analysis.h"

namespace bitwright {

struct LinkedLayer {
  int64_t constant_bytes = 0;
  int64_t code_bytes = 0;  // of a kernel of its own
  int64_t bytes() const { return constant_bytes + code_bytes; }
};

// A file of the package or a member of a library, without what is a layer's.
struct LinkedFile {
  std::string name;  // "bw_conv2d_a1w1.c", "lib_a-memcpy.o"
  SectionBytes bytes;
};

struct LinkedPackage : PackageBytes {
  std::vector<LinkedLayer> layers;  // of the network
  std::vector<LinkedFile> files;    // that keep something, by name
  StackBound stack;                 // of an inference
};

struct EmulatedPart {
  double instructions = 0.0, cycles = 0.0;  // zero wait states
  double stall_cycles = 0.0;                // by the flash model
};

struct EmulatedPackage {
  std::vector<EmulatedPart> layers;        // of the network; nothing for a flatten
  EmulatedPart between;                    // what calls the kernels
  EmulatedPart total;                      // the sum of all
  std::map<std::string, double> by_class;  // instructions; empty for RISC-V
  MemoryCounts memory;                     // by the flash model
  int64_t stack_bytes = 0;                 // painted and read back; 0: not on this core
  // Layers of a stream whose calls one place in the code makes: their sums are shared out by `weights`.
  std::vector<std::string> shared_layers;
};

struct PackageProfileOptions {
  bool emulate = false;
  std::optional<FlashModel> flash;  // of the emulation
  // Of a stream's layers, by which sums are shared out that cannot be told apart; by layer.
  std::vector<double> weights;
  std::chrono::seconds limit{300};
};

struct PackageProfile {
  std::map<std::string, std::string> tools;  // program -> first line of its --version
  LinkedPackage linked;
  std::optional<EmulatedPackage> emulated;  // of the first golden vector
};

// program: what the package at `folder` was emitted from. target: of cross_targets(). Throws ToolError where a tool is
// missing, the package does not compile, its output differs from the golden one, or its calls are not the program's;
// ConfigError where the folder is no package.
PackageProfile profile_package(const std::string& folder, const std::string& target, const Program& program,
                               const PackageProfileOptions& options = {});

// Exposed for tests: where calls of these functions return to, from what objdump -d prints; by address.
struct CallSites {
  std::map<std::string, uint32_t> functions;  // of those asked for, that are there
  std::vector<uint32_t> returns;
};
CallSites find_call_sites(const std::string& disassembly, const std::vector<std::string>& functions);

// Also: which layer each call belongs to. calls: the kernel's function and the address that it returns to, in the order
// of execution. functions: of every layer, empty where it calls none. Of each distinct call its layers, mostly one.
struct KernelCall {
  std::string function;
  uint32_t returns_to = 0;
  auto operator<=>(const KernelCall&) const = default;
};
std::map<KernelCall, std::vector<size_t>> layers_of_calls(const std::vector<KernelCall>& calls,
                                                          const std::vector<std::string>& functions);

}  // namespace bitwright
