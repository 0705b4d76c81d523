// deploy/timing.h: instructions and cycles of a profiled run, from the disassembly and a timing table per core.
//
// All figures are for zero-wait-state memory; deploy/flash_model.h adds what flash costs. The tables, the source of
// each rule and what is known of their error are in docs/timing.md. Nothing was fitted.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "deploy/flash_model.h"

namespace bitwright {

// Real cycles lie between the model's and this factor times them (zero wait states).
inline constexpr double kCyclesUpper = 1.15;

enum class InstructionClass : uint8_t {
  kAlu,
  kShift,
  kSimd,
  kIt,
  kMultiply,
  kMultiplyAccumulate,
  kLongMultiply,
  kLongMultiplyAccumulate,
  kDivide,
  kLoad,
  kStore,
  kLoadMultiple,
  kStoreMultiple,
  kBranch,
  kConditionalBranch,
  kCompareBranch,
  kCall,
  kIndirectBranch,
  kTableBranch,
  kFloatLoad,
  kFloatStore,
  kFloatMove,
  kFloatArithmetic,
  kFloatMultiplyAccumulate,
  kFloatDivide,
  kVector,  // of the vector extension (MVE), whatever it does
};
// "alu", "multiply_accumulate", ...
std::string_view class_name(InstructionClass kind);

// A set of registers, one bit each: r0..r15, s0..s31 (dN is s2N and s2N+1), the flags, the FPSCR.
using RegisterSet = uint64_t;

struct Instruction {
  uint32_t address = 0;
  int bytes = 2;  // 2 or 4
  InstructionClass kind = InstructionClass::kAlu;
  RegisterSet reads = 0, writes = 0;
  RegisterSet address_registers = 0;  // inside [ ]
  RegisterSet base = 0;               // the first of them, if it is written back
  int registers = 1;                  // words moved by a load or store (of one or of many)
  bool writes_pc = false;
  uint32_t target = 0;  // of a direct branch
};

// One instruction as objdump prints it: `vfma.f32`, `s0, s1, s2`.
Instruction decode(uint32_t address, int bytes, std::string_view mnemonic, std::string_view operands);

// The output of `arm-none-eabi-objdump -d`, by address. Data among the code is left out.
using Disassembly = std::map<uint32_t, Instruction>;
Disassembly parse_disassembly(std::string_view text);

// What deploy/emulator/bw_profile_plugin.c writes.
struct BlockCount {
  uint32_t address = 0, bytes = 0, instructions = 0;
  int64_t run = 0;  // or the part, where runs have parts
  int64_t executions = 0;
  int64_t jumps = 0;  // executions that did not go on at the next address
};
// Of a run: from one of the places where a part begins (ProfileOptions) to the next.
struct RunPart {
  int64_t run = 0;
  uint32_t address = 0;  // of the place; 0: the run's begin
};
struct Profile {
  std::vector<BlockCount> blocks;
  std::vector<MemoryCounts> memory;  // of every run counted by itself, or part, if the emulator had a flash model
  std::vector<RunPart> parts;        // empty: runs have none
  int64_t runs = 0;                  // how often the begin mark was passed
};
// Throws std::runtime_error on a line that is not one of a profile.
Profile parse_profile(std::string_view text);

// Whether cycles are known for a core: instructions alone of one without a table ("cortex-m55"), as nobody has
// published what it was held against.
bool has_timing_table(std::string_view core);

// Cycles of one execution of a straight block, averaged over `taken`, the share of executions whose last branch
// was taken (0..1). `off_word`: the branch's target is a 32-bit instruction off a word boundary.
// core: one with a timing table: "cortex-m0plus", "cortex-m3", "cortex-m4", "cortex-m7", "cortex-m33".
double block_cycles(std::string_view core, std::span<const Instruction> block, double taken, bool off_word = false);

// Code that runs from its first to its last instruction, put together from the emulator's blocks, which end at its
// pages, so that cycles do not depend on where the linker put the code.
struct Stretch {
  std::vector<Instruction> instructions;  // at least one
  double executions = 0.0;
  double taken = 0.0;     // share of executions whose last branch was taken
  bool off_word = false;  // that branch's target is a 32-bit instruction off a word boundary
};
// Of every run that was profiled by itself, or every part. Throws std::runtime_error if the profile holds an address
// that the disassembly does not, or no run.
std::vector<std::vector<Stretch>> stretches(const Profile& profile, const Disassembly& code);

// A conditional branch, whichever stretches end with it: how they are cut depends on the emulator's pages.
struct PredictedBranch {
  uint32_t address = 0;
  double taken = 0.0, not_taken = 0.0;  // executions
};
// By address. Empty for a core that does not predict branches.
std::vector<PredictedBranch> predicted_branches(std::string_view core, std::span<const Stretch> stretches);
// What such a branch costs each time that it goes the way in which it goes more seldom; 0 for other cores.
double misprediction_cycles(std::string_view core);

struct RunCounts {  // of one run: totals divided by Profile::runs
  double instructions = 0.0;
  double cycles = 0.0;                     // 0 for a core without a timing table
  std::map<std::string, double> by_class;  // instructions
};
// Instructions of one run alone, of any instruction set: total divided by Profile::runs, which must not be 0.
double count_instructions(const Profile& profile);
RunCounts count(std::string_view core, std::span<const Stretch> stretches);
// Throw std::runtime_error as stretches() does.
RunCounts count_run(std::string_view core, const Profile& profile, const Disassembly& code);
// Of every run by itself, where they were profiled separately. A branch of a core that predicts them is predicted in
// each part of a run by itself: one layer's loops say nothing of the next one's.
std::vector<RunCounts> count_each_run(std::string_view core, const Profile& profile, const Disassembly& code);

}  // namespace bitwright
