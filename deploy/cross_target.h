// deploy/cross_target.h: what emitted C is compiled for and emulated on: a core, a compiler, an emulator.
//
// Tools, all from Debian 12: gcc-arm-none-eabi, libnewlib-arm-none-eabi and qemu-system-arm for Cortex-M, clang as its
// second compiler; gcc-riscv64-unknown-elf, picolibc-riscv64-unknown-elf and qemu-system-misc for RISC-V.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

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

enum class Isa { kArm, kRiscV };

// Addresses as the linker script writes them.
struct Region {
  std::string origin, length;
};

struct CrossTarget {
  std::string name;  // "cortex-m4", "cortex-m4-clang", "rv32imc"
  std::string core;  // "cortex-m4", "rv32imc"
  Isa isa = Isa::kArm;
  std::string compiler;            // program; links with `gcc`
  std::string gcc;                 // arm-none-eabi-gcc, riscv64-unknown-elf-gcc
  std::string binutils;            // prefix of nm and objdump
  std::vector<std::string> flags;  // code generation, the same for either compiler
  std::string emulator, machine;   // qemu-system-arm, mps2-an386
  Region vectors, flash, ram;
  bool trap_unaligned = false;  // ARMv6-M code on an ARMv7-M model
};

// Throws ToolError for a name that is not in cross_targets().
const CrossTarget& cross_target(const std::string& name);

// Every core with its gcc, then every Cortex-M with clang as CORE-clang, then rv32imc.
std::vector<std::string> cross_targets();
// Those with arm-none-eabi-gcc: "cortex-m0plus" (its code runs on a Cortex-M3 model with unaligned access trapped),
// "cortex-m3", "cortex-m4", "cortex-m7", "cortex-m33", "cortex-m55" (instructions only, no cycles: deploy/timing.h).
std::vector<std::string> emulated_cores();

// The first tool that a target lacks, as a line that names its Debian package; nothing if all are there: of those that
// build for it, and of these and its emulator.
std::optional<std::string> missing_compiler(const CrossTarget& target);
std::optional<std::string> missing_compiler_or_emulator(const CrossTarget& target);

// Code generation flags of a target, shared by estimates, verification and the advice in emitted packages.
std::vector<std::string> core_flags(const std::string& target);

}  // namespace bitwright
