// deploy/elf_program.h: what an ELF file says of the program in it: for which core, where it lies, its functions.
// Sources: System V ABI, ELF-32; Arm IHI 0045 (build attributes).
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "deploy/cross_target.h"

namespace bitwright {

struct ElfSegment {
  uint32_t address = 0, bytes = 0;  // in memory
};

struct ElfFunction {
  std::string name;
  uint32_t bytes = 0;  // 0: unknown
};

struct ElfProgram {
  int machine = 0;              // 40: Arm, 243: RISC-V
  int arm_architecture = 0;     // Tag_CPU_arch: 12 Armv6-M, 10 v7-M, 13 v7E-M, 17 v8-M, 21 v8.1-M; 0: not said
  bool floating_point = false;  // Arm: holds instructions of a floating-point unit
  std::vector<ElfSegment> segments;
  std::map<uint32_t, ElfFunction> functions;  // by address, bit 0 cleared
};

// Throws ConfigError naming `place` unless it is a 32-bit little-endian executable.
ElfProgram parse_elf(std::string_view bytes, const std::string& place);

// Throws ConfigError if the emulated board of the target does not run the program: another instruction set, a core
// with less, memory that it does not have.
void check_fits(const ElfProgram& program, const CrossTarget& target, const std::string& place);

// The function that an address lies in; "?" if none is known.
std::string function_at(const ElfProgram& program, uint32_t address);

}  // namespace bitwright
