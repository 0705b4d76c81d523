// deploy/emulator_run.h: builds C for a Cortex-M core and runs it in qemu-system-arm, counting what it executes.
//
// Tools, all from Debian: gcc-arm-none-eabi, libnewlib-arm-none-eabi, qemu-system-arm (7.2 was tried), and the host's
// cc for the profile plugin, which is compiled once into the user's cache ($XDG_CACHE_HOME or ~/.cache).
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <stdexcept>
#include <string>
#include <vector>

#include "deploy/link_map.h"
#include "deploy/timing.h"

namespace bitwright {

// A program or a library that the work needs is not installed; what() names the Debian package. Also thrown when a
// compiler rejects a source that it should take; what() then holds its messages.
class ToolError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Throws ToolError unless PATH has `program`, which Debian ships in `package`.
void require_tool(const std::string& program, const std::string& package);
// First line of `program --version`.
std::string tool_version(const std::string& program);

// Cores that can be emulated: "cortex-m0plus" (its code runs on a Cortex-M3 model with unaligned access trapped),
// "cortex-m3", "cortex-m4", "cortex-m7", "cortex-m33".
std::vector<std::string> emulated_cores();
// Code generation flags of a core, shared by estimates, verification and the advice in emitted packages.
// Throws ToolError for a core not in emulated_cores().
std::vector<std::string> core_flags(const std::string& core);

// Flags of every compilation of emitted C for a board.
inline const std::vector<std::string> kPackageFlags = {"-std=c99", "-O2", "-ffunction-sections", "-fdata-sections",
                                                       "-ffp-contract=off"};

// Compiles C sources to objects `folder`/NAME.o. Returns the objects in the same order.
std::vector<std::string> compile_for_core(const std::string& core, const std::vector<std::string>& sources,
                                          const std::vector<std::string>& extra_flags, const std::string& folder);

// Links objects with the start-up code to a program for the emulator. Returns the ELF file's path.
std::string link_for_emulator(const std::string& core, const std::vector<std::string>& objects,
                              const std::string& folder);

// Links only what `users` need of `objects`, with libc and libgcc but without start-up code, and tells what it takes.
// Objects are named as given, members of archives by the member's name ("lib_a-memcpy.o").
ObjectBytes measure_sizes(const std::string& core, const std::vector<std::string>& users,
                          const std::vector<std::string>& objects, const std::string& folder);

struct EmulatedRun {
  int exit_status = 0;
  std::string output;  // of the program
  Profile profile;     // between its calls of bw_mark_begin() and bw_mark_end()
};

// Runs a program with arguments that hold no blanks, in `directory`. The profile is empty if the program has no marks.
// `separate`: profile every run between the marks by itself. Throws ToolError if the emulator fails or takes longer
// than `limit`.
EmulatedRun run_emulated(const std::string& core, const std::string& elf, const std::vector<std::string>& arguments,
                         const std::string& directory, std::chrono::seconds limit, bool separate = false);

Disassembly disassemble(const std::string& elf);

}  // namespace bitwright
