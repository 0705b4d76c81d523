// Cycles of short sequences, added up by hand from the tables in deploy/timing.h.
// SPDX-License-Identifier: Apache-2.0
#include "deploy/timing.h"

#include <gtest/gtest.h>

namespace bitwright {
namespace {

// objdump -d of a dot-product loop: loads, a multiply-accumulate, a counter.
constexpr std::string_view kLoop = R"(
program.elf:     file format elf32-littlearm

00008000 <dot>:
    8000:	b510      	push	{r4, lr}
    8002:	6803      	ldr	r3, [r0, #0]
    8004:	680c      	ldr	r4, [r1, #0]
    8006:	fb23 c204 	smlad	r2, r3, r4, r2
    800a:	3804      	subs	r0, #4
    800c:	d1f9      	bne.n	8002 <dot+0x2>
    800e:	bd10      	pop	{r4, pc}
    8010:	00001234 	.word	0x00001234
)";

std::vector<Instruction> block_at(const Disassembly& code, uint32_t address, size_t count) {
  std::vector<Instruction> block;
  for (size_t k = 0; k < count; ++k) {
    block.push_back(code.at(address));
    address += static_cast<uint32_t>(block.back().bytes);
  }
  return block;
}

Instruction one(std::string_view mnemonic, std::string_view operands, int bytes = 2) {
  return decode(0, bytes, mnemonic, operands);
}

double cycles(std::string_view core, std::vector<Instruction> block, double taken = 0.0) {
  return block_cycles(core, block, taken);
}

TEST(Disassembly, ReadsCodeAndLeavesDataOut) {
  const Disassembly code = parse_disassembly(kLoop);
  EXPECT_EQ(code.size(), 7u);
  EXPECT_EQ(code.at(0x8006).bytes, 4);
  EXPECT_EQ(code.at(0x8006).kind, InstructionClass::kMultiplyAccumulate);
  EXPECT_EQ(code.at(0x800c).target, 0x8002u);
  EXPECT_EQ(code.at(0x800e).registers, 2);
  EXPECT_TRUE(code.at(0x800e).writes_pc);
}

TEST(Decode, KnowsMnemonicsWithConditionFlagsAndWidth) {
  EXPECT_EQ(one("bls.n", "8002 <f>").kind, InstructionClass::kConditionalBranch);
  EXPECT_EQ(one("bl", "8002 <f>", 4).kind, InstructionClass::kCall);
  EXPECT_EQ(one("ble.w", "8002 <f>", 4).kind, InstructionClass::kConditionalBranch);
  EXPECT_EQ(one("bics", "r0, r1").kind, InstructionClass::kAlu);
  EXPECT_EQ(one("lsls", "r0, r1, #2").kind, InstructionClass::kShift);
  EXPECT_EQ(one("mls", "r0, r1, r2, r3", 4).kind, InstructionClass::kMultiplyAccumulate);
  EXPECT_EQ(one("ldrne.w", "r0, [r1], #4", 4).kind, InstructionClass::kLoad);
  EXPECT_EQ(one("muls", "r0, r1").kind, InstructionClass::kMultiply);
  EXPECT_EQ(one("ittee", "eq").kind, InstructionClass::kIt);
  EXPECT_EQ(one("add.w", "r0, r1, r2, lsl #3", 4).kind, InstructionClass::kShift);
  EXPECT_EQ(one("vfma.f32", "s0, s1, s2", 4).kind, InstructionClass::kFloatMultiplyAccumulate);
  EXPECT_EQ(one("vldmia", "r0!, {s16-s19}", 4).registers, 4);
  EXPECT_EQ(one("vpush", "{d8-d9}", 4).registers, 4);
}

TEST(Cycles, OfTheLoopOnACortexM4) {
  const Disassembly code = parse_disassembly(kLoop);
  // ldr 2, second independent ldr 1, smlad 1, subs 1, bne 1 (not taken) or 2 (taken).
  EXPECT_EQ(block_cycles("cortex-m4", block_at(code, 0x8002, 5), 0.0), 6.0);
  EXPECT_EQ(block_cycles("cortex-m4", block_at(code, 0x8002, 5), 1.0), 7.0);
  EXPECT_EQ(block_cycles("cortex-m4", block_at(code, 0x8002, 5), 0.75), 6.75);
  // push of 2: 3; pop of 2 with pc: 3 + 2.
  EXPECT_EQ(block_cycles("cortex-m4", block_at(code, 0x8000, 1), 0.0), 3.0);
  EXPECT_EQ(block_cycles("cortex-m4", block_at(code, 0x800e, 1), 0.0), 5.0);
}

TEST(Cycles, OfTheLoopOnACortexM0Plus) {
  const Disassembly code = parse_disassembly(kLoop);
  // Loads do not pipeline: 2 + 2, then three single cycles and the branch (the sum; an M0+ has no smlad).
  EXPECT_EQ(block_cycles("cortex-m0plus", block_at(code, 0x8002, 5), 1.0), 8.0);
}

TEST(Cycles, ALongMultiplicationIsSlowOnTheM3Only) {
  const std::vector<Instruction> block = {one("smull", "r0, r1, r2, r3", 4), one("smlal", "r4, r5, r6, r7", 4)};
  EXPECT_EQ(cycles("cortex-m3", block), 9.0);
  EXPECT_EQ(cycles("cortex-m4", block), 2.0);
}

TEST(Cycles, AnAddressJustComputedStallsTheM4ButNotTheM33) {
  const std::vector<Instruction> block = {one("adds", "r1, r1, r2"), one("ldr", "r0, [r1, #0]")};
  EXPECT_EQ(cycles("cortex-m4", block), 4.0);
  EXPECT_EQ(cycles("cortex-m33", block), 3.0);
}

TEST(Cycles, ADependentLoadDoesNotPipeline) {
  EXPECT_EQ(cycles("cortex-m4", {one("ldr", "r1, [r0, #0]"), one("ldr", "r2, [r1, #0]")}), 4.0);
  EXPECT_EQ(cycles("cortex-m4", {one("ldr", "r1, [r0, #0]"), one("ldr", "r2, [r0, #4]")}), 3.0);
}

TEST(Cycles, AFloatResultUsedAtOnceCostsOneMore) {
  EXPECT_EQ(cycles("cortex-m4", {one("vmul.f32", "s0, s1, s2", 4), one("vadd.f32", "s3, s0, s3", 4)}), 3.0);
  EXPECT_EQ(cycles("cortex-m4", {one("vmul.f32", "s0, s1, s2", 4), one("vadd.f32", "s3, s4, s3", 4)}), 2.0);
}

TEST(Cycles, ABranchToAnInstructionOffAWordBoundaryStalls) {
  const std::vector<Instruction> block = {one("b.n", "8002 <f>")};
  EXPECT_EQ(block_cycles("cortex-m4", block, 1.0, false), 2.0);
  EXPECT_EQ(block_cycles("cortex-m4", block, 1.0, true), 3.0);
  EXPECT_EQ(block_cycles("cortex-m0plus", block, 1.0, true), 2.0);
}

TEST(Cycles, TheM7IssuesTwoIndependentInstructionsACycle) {
  EXPECT_EQ(cycles("cortex-m7", {one("adds", "r0, r1, r2"), one("subs", "r3, r4, r5")}), 1.0);
  EXPECT_EQ(cycles("cortex-m7", {one("add", "r0, r1"), one("add", "r2, r0")}), 2.0);
  EXPECT_EQ(cycles("cortex-m7", {one("lsls", "r0, r1, #1"), one("lsls", "r2, r3, #1")}), 2.0);
  EXPECT_EQ(cycles("cortex-m7", {one("ldr", "r0, [r1, #0]"), one("ldr", "r2, [r3, #0]")}), 1.0);
  EXPECT_EQ(cycles("cortex-m7", {one("str", "r0, [r1, #0]"), one("str", "r2, [r3, #0]")}), 2.0);
}

TEST(Cycles, TheM7ForwardsAnAccumulatorButNotAFactor) {
  const Instruction first = one("smlad", "r0, r1, r2, r0", 4);
  EXPECT_EQ(cycles("cortex-m7", {first, one("smlad", "r0, r3, r4, r0", 4)}), 2.0);
  EXPECT_EQ(cycles("cortex-m7", {first, one("smlad", "r5, r0, r4, r5", 4)}), 3.0);
}

TEST(Cycles, TheM7PaysForTheRarerDirectionOfABranch) {
  const std::vector<Instruction> block = {one("bne.n", "8002 <f>")};
  EXPECT_EQ(cycles("cortex-m7", block, 0.0), 1.0);
  EXPECT_EQ(cycles("cortex-m7", block, 1.0), 1.0);
  EXPECT_EQ(cycles("cortex-m7", block, 0.75), 3.0);
}

TEST(Cycles, OfAnUnknownCoreAreRefused) {
  EXPECT_THROW(cycles("cortex-m55", {one("adds", "r0, r1, r2")}), std::runtime_error);
}

TEST(CountRun, AddsUpBlocksAndDividesByRuns) {
  // Two runs of four iterations: the loop block 8 times, 6 of them taken; prologue and epilogue twice.
  const Profile profile = parse_profile("block 8000 2 1 0 2 0\nblock 8002 12 5 0 8 6\nblock 800e 2 1 0 2 2\nruns 2\n");
  const RunCounts counts = count_run("cortex-m4", profile, parse_disassembly(kLoop));
  EXPECT_EQ(counts.instructions, 1 + 4 * 5 + 1);
  EXPECT_EQ(counts.cycles, 3 + (6 * 7 + 2 * 6) / 2.0 + 5);
  EXPECT_EQ(counts.by_class.at("load"), 8);
  EXPECT_EQ(counts.by_class.at("multiply_accumulate"), 4);
}

// Instructions of a Cortex-M55: sixteen products at a time, in a loop without a branch's cost.
constexpr std::string_view kVectorLoop = R"(
00008000 <dot>:
    8000:	f040 e001 	dls	lr, r0
    8004:	ed90 1f00 	vldrw.u32	q0, [r0], #16
    8008:	ee2a 0f01 	vmladav.s8	r0, q5, q0
    800c:	ee3f 0b00 	vmov.f32	s1, s0
    8010:	f00f c007 	le	lr, 8004 <dot+0x4>
)";

TEST(CountRun, CountsVectorInstructionsAndNoCyclesWithoutATimingTable) {
  EXPECT_FALSE(has_timing_table("cortex-m55"));
  for (const char* core : {"cortex-m0plus", "cortex-m3", "cortex-m4", "cortex-m7", "cortex-m33"})
    EXPECT_TRUE(has_timing_table(core)) << core;
  const Profile profile = parse_profile("block 8000 20 5 0 1 1\nblock 8004 16 4 0 3 2\nruns 1\n");
  const RunCounts counts = count_run("cortex-m55", profile, parse_disassembly(kVectorLoop));
  EXPECT_EQ(counts.instructions, 17);
  EXPECT_EQ(counts.cycles, 0);
  EXPECT_EQ(counts.by_class,
            (std::map<std::string, double>{{"alu", 1}, {"vector", 8}, {"float_move", 4}, {"compare_branch", 4}}));
}

// binutils 2.40 on `cset r1, ne` of Armv8.1-M, as clang uses it.
TEST(CountRun, AnInstructionThatTheDisassemblerDoesNotKnowIsCounted) {
  const Disassembly code = parse_disassembly("    8000:\tea5f 910f \t\t\t@ <UNDEFINED> instruction: 0xea5f910f\n");
  EXPECT_EQ(code.at(0x8000).bytes, 4);
  EXPECT_EQ(count_run("cortex-m55", parse_profile("block 8000 4 1 0 2 0\nruns 1\n"), code).instructions, 2);
}

TEST(CountRun, CountsInstructionsOfAnySetFromTheProfileAlone) {
  EXPECT_EQ(count_instructions(parse_profile("block 80000000 6 2 0 8 0\nblock 80000006 4 1 0 4 4\nruns 2\n")), 10);
}

TEST(CountRun, KeepsRunsApart) {
  const Profile profile = parse_profile("block 8000 2 1 0 1 0\nblock 8000 2 1 1 3 0\nruns 2\n");
  const std::vector<RunCounts> runs = count_each_run("cortex-m4", profile, parse_disassembly(kLoop));
  ASSERT_EQ(runs.size(), 2u);
  EXPECT_EQ(runs[0].cycles, 3);
  EXPECT_EQ(runs[1].cycles, 9);
}

TEST(CountRun, ABlockCutInTwoCostsWhatItCostsWhole) {
  const Disassembly code = parse_disassembly(kLoop);
  const Profile whole = parse_profile("block 8002 12 5 0 8 6\nruns 1\n");
  // Cut between the two loads, which pipeline.
  const Profile cut = parse_profile("block 8002 2 1 0 8 0\nblock 8004 10 4 0 8 6\nruns 1\n");
  for (const char* core : {"cortex-m4", "cortex-m7"})
    EXPECT_EQ(count_run(core, cut, code).cycles, count_run(core, whole, code).cycles) << core;
  // The second half is also entered twice by itself.
  const Profile entered = parse_profile("block 8002 2 1 0 8 0\nblock 8004 10 4 0 10 10\nruns 1\n");
  EXPECT_EQ(count_run("cortex-m4", entered, code).cycles, 8 * 7 + 2 * 6);
}

TEST(CountRun, RefusesAProfileOfAnotherProgram) {
  const Profile profile = parse_profile("block 9000 2 1 0 2 0\nruns 1\n");
  EXPECT_THROW(count_run("cortex-m4", profile, parse_disassembly(kLoop)), std::runtime_error);
  EXPECT_THROW(parse_profile("blok 9000 2 1 2 0\n"), std::runtime_error);
}

// Where the emulator cut the code must not matter: half of the loop's turns enter it behind its first instruction.
TEST(Timing, ABranchIsPredictedWhicheverStretchLeadsToIt) {
  const Disassembly code = parse_disassembly(kLoop);
  const Profile profile = parse_profile("block 8002 12 5 0 4 4\nblock 8004 10 4 0 4 0\nruns 1\n");
  const auto runs = stretches(profile, code);
  ASSERT_EQ(predicted_branches("cortex-m7", runs[0]).size(), 1u);
  const Profile always = parse_profile("block 8002 12 5 0 4 4\nblock 8004 10 4 0 4 4\nruns 1\n");
  EXPECT_EQ(count_run("cortex-m7", profile, code).cycles - count_run("cortex-m7", always, code).cycles,
            misprediction_cycles("cortex-m7") * 4);
}

// The loop goes back three times of four in one part and once of four in the other: each part predicts by itself.
TEST(Timing, BranchesArePredictedInEachPartOfARunByItself) {
  const Disassembly code = parse_disassembly(kLoop);
  const Profile parts = parse_profile(
      "block 8002 12 5 0 4 3\nblock 8002 12 5 1 4 1\npart 0 0 0\npart 1 0 8000\nruns 1\n");
  const Profile whole = parse_profile("block 8002 12 5 0 8 4\nruns 1\n");
  ASSERT_EQ(parts.parts.size(), 2u);
  EXPECT_EQ(parts.parts[1].address, 0x8000u);
  EXPECT_EQ(count_run("cortex-m7", whole, code).cycles - count_run("cortex-m7", parts, code).cycles,
            misprediction_cycles("cortex-m7") * (4 - 2));
  EXPECT_EQ(count_run("cortex-m4", whole, code).cycles, count_run("cortex-m4", parts, code).cycles);
  EXPECT_EQ(count_run("cortex-m7", parts, code).instructions, 40);
}

TEST(Timing, PartsGoToTheirRuns) {
  const Disassembly code = parse_disassembly(kLoop);
  const Profile profile = parse_profile(
      "block 8000 2 1 0 1 0\nblock 8000 2 1 1 2 0\nblock 8000 2 1 2 4 0\n"
      "part 0 0 0\npart 1 0 8000\npart 2 1 0\nruns 2\n");
  const std::vector<RunCounts> runs = count_each_run("cortex-m4", profile, code);
  ASSERT_EQ(runs.size(), 2u);
  EXPECT_EQ(runs[0].instructions, 3);
  EXPECT_EQ(runs[1].instructions, 4);
}

TEST(Timing, NamesTheBranchesOfACoreThatPredictsThem) {
  const Disassembly code = parse_disassembly(kLoop);
  const auto runs = stretches(parse_profile("block 8002 12 5 0 8 6\nruns 1\n"), code);
  const std::vector<PredictedBranch> branches = predicted_branches("cortex-m7", runs[0]);
  ASSERT_EQ(branches.size(), 1u);
  EXPECT_EQ(branches[0].address, 0x800cu);
  EXPECT_EQ(branches[0].taken, 6);
  EXPECT_EQ(branches[0].not_taken, 2);
  EXPECT_TRUE(predicted_branches("cortex-m4", runs[0]).empty());
}

}  // namespace
}  // namespace bitwright
