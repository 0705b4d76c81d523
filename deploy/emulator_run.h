// deploy/emulator_run.h: builds C for a target of deploy/cross_target.h and runs it in qemu, counting what it executes.
//
// Only runs take the emulator, and the host's cc for its profile plugin, which is compiled once into the user's cache
// ($XDG_CACHE_HOME or ~/.cache). `core` is a target's name throughout; a tool that fails is a ToolError.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "deploy/cross_target.h"
#include "deploy/flash_model.h"
#include "deploy/link_map.h"
#include "deploy/timing.h"

namespace bitwright {

// Flags of every compilation of emitted C for a board.
inline const std::vector<std::string> kPackageFlags = {"-std=c99", "-O2", "-ffunction-sections", "-fdata-sections",
                                                       "-ffp-contract=off"};

// What emitted C must pass without a warning, whatever compiles it.
inline const std::vector<std::string> kWarningFlags = {
    "-Wall",   "-Wextra", "-Wpedantic",          "-Wconversion",         "-Wshadow",
    "-Wundef", "-Wvla",   "-Wstrict-prototypes", "-Wmissing-prototypes", "-Werror"};

// Keeps gcc from folding the marks bw_mark_begin() and bw_mark_end(), which are empty, into one function.
inline constexpr char kSeparateMarks[] = "-fno-ipa-icf";

// Compiles C sources to objects `folder`/NAME.o. Returns the objects in the same order.
std::vector<std::string> compile_for_core(const std::string& core, const std::vector<std::string>& sources,
                                          const std::vector<std::string>& extra_flags, const std::string& folder);

// Links objects with the start-up code to a program for the emulator. Returns the ELF file's path.
std::string link_for_emulator(const std::string& core, const std::vector<std::string>& objects,
                              const std::string& folder);

// Writes what link_for_emulator() adds to a program, startup.c and link.ld, to a folder; nothing for RISC-V, where it
// is picolibc's. Returns what a compiler's command line has to hold besides the program and the core's flags.
std::vector<std::string> write_start_files(const std::string& core, const std::string& folder);

// Links only what `users` need of `objects`, with libc and libgcc but without start-up code, to `folder`/sizes.elf, and
// tells what it takes.
// Objects are named as given, members of archives by the member's name ("lib_a-memcpy.o").
ObjectBytes measure_sizes(const std::string& core, const std::vector<std::string>& users,
                          const std::vector<std::string>& objects, const std::string& folder);

struct EmulatedRun {
  int exit_status = 0;
  std::string output;  // of the program
  Profile profile;     // between its calls of bw_mark_begin() and bw_mark_end()
};

inline constexpr size_t kMostParts = 1024;

struct ProfileOptions {
  bool separate = false;                                     // profile every run between the marks by itself
  std::string begin = "bw_mark_begin", end = "bw_mark_end";  // functions; the profile is empty if there are none
  // Where a new part of a run begins (Profile::parts), at most kMostParts: where one of these functions is called, and
  // where a jump leads to one of these addresses, say behind a call.
  std::vector<std::string> parts;
  std::vector<uint32_t> part_addresses;
  bool whole = false;               // no marks: all that runs, as one run
  std::optional<FlashModel> flash;  // count its misses, of the target's region of flash
};

// Runs a program with arguments that hold no blanks, in `directory`. Throws ToolError if the emulator fails or takes
// longer than `limit`.
EmulatedRun run_emulated(const std::string& core, const std::string& elf, const std::vector<std::string>& arguments,
                         const std::string& directory, std::chrono::seconds limit, const ProfileOptions& options = {});

// Of an Arm program.
Disassembly disassemble(const std::string& elf);
// What objdump -d prints.
std::string disassembly_text(const std::string& core, const std::string& elf);

// Bytes of the constants and initialised variables of a program, by name, those of the same name together.
std::map<std::string, int64_t> constant_sizes(const std::string& core, const std::string& elf);

// Names that nm lists in all of `objects` together, global or not.
enum class Symbols { kDefined, kUndefined };
std::set<std::string> symbol_names(const std::string& core, const std::vector<std::string>& objects, Symbols which);

}  // namespace bitwright
