// Frames and calls of short disassemblies, added up by hand.
// SPDX-License-Identifier: Apache-2.0
#include "deploy/stack_analysis.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

namespace bitwright {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// net_run calls conv, which calls epilogue in a loop and ends in a jump to memset; nobody calls unused.
constexpr std::string_view kChain = R"(
program.elf:     file format elf32-littlearm

00008000 <net_run>:
    8000:	b510      	push	{r4, lr}
    8002:	4604      	mov	r4, r0
    8004:	f000 f802 	bl	800c <conv>
    8008:	bd10      	pop	{r4, pc}
    800a:	bf00      	nop

0000800c <conv>:
    800c:	b5f0      	push	{r4, r5, r6, r7, lr}
    800e:	b083      	sub	sp, #12
    8010:	f000 f808 	bl	8024 <epilogue>
    8014:	3c01      	subs	r4, #1
    8016:	d1fb      	bne.n	8010 <conv+0x4>
    8018:	b003      	add	sp, #12
    801a:	e8bd 40f0 	ldmia.w	sp!, {r4, r5, r6, r7, lr}
    801e:	f000 b805 	b.w	802c <memset>
    8022:	bf00      	nop

00008024 <epilogue>:
    8024:	4b00      	ldr	r3, [pc, #0]	@ (8028 <epilogue+0x4>)
    8026:	4770      	bx	lr
    8028:	00009000 	.word	0x00009000

0000802c <memset>:
    802c:	b570      	push	{r4, r5, r6, lr}
    802e:	e7fd      	b.n	802c <memset>

00008030 <unused>:
    8030:	b5ff      	push	{r0, r1, r2, r3, r4, r5, r6, r7, lr}
    8032:	4798      	blx	r3
)";

StackBound bound_of(std::string_view disassembly, std::string_view usage = "", std::string_view root = "net_run") {
  Frames frames;
  read_stack_usage(usage, frames);
  return bound_stack(read_call_graph(disassembly), frames, root);
}

// One function of the given instructions, called `net_run`.
std::string function(const std::string& instructions) {
  return "00008000 <net_run>:\n" + instructions;
}

TEST(StackUsage, ReadsWhatGccAndClangWrite) {
  Frames frames;
  read_stack_usage("/tmp/net.c:31:6:net_run\t24\tstatic\n/tmp/net.c:9:add\t8\tdynamic\n", frames);
  read_stack_usage("bw_add.h:4:12:add\t16\tdynamic,bounded\n", frames);
  EXPECT_EQ(frames, (Frames{{"net_run", {24, false}}, {"add", {16, true}}}));
}

TEST(StackUsage, RefusesAnotherText) {
  Frames frames;
  EXPECT_THROW(read_stack_usage("net_run 24 static\n", frames), std::runtime_error);
}

TEST(BoundStack, AddsUpTheDeepestChainOfCalls) {
  const StackBound bound = bound_of(kChain);
  EXPECT_EQ(bound.bytes, 2 * 4 + (5 * 4 + 12) + 4 * 4);
  EXPECT_THAT(bound.path, ElementsAre("net_run", "conv", "memset"));
  EXPECT_THAT(bound.problems, IsEmpty());
}

TEST(BoundStack, TakesTheCompilersFrameWhereItIsLarger) {
  EXPECT_EQ(bound_of(kChain, "conv.c:1:6:conv\t40\tstatic\n").bytes, 8 + 40 + 16);
  EXPECT_EQ(bound_of(kChain, "conv.c:1:6:conv\t8\tstatic\n").bytes, 8 + 32 + 16);
}

TEST(BoundStack, FindsTheFrameOfAClone) {
  const std::string clone = "00008000 <net_run.part.0>:\n    8000:\tbd00      \tpop\t{pc}\n";
  EXPECT_EQ(bound_of(clone, "net.c:1:6:net_run\t48\tstatic\n", "net_run.part.0").bytes, 48);
}

TEST(BoundStack, CountsEveryWayToTakeStack) {
  EXPECT_EQ(bound_of(function("    8000:\tb5f0      \tpush\t{r4-r7, lr}\n"
                              "    8002:\te92d 0f00 \tstmdb\tsp!, {r8, r9, sl, fp}\n"
                              "    8006:\ted2d 8b04 \tvpush\t{d8-d9}\n"
                              "    800a:\ted2d 0a01 \tvpush\t{s0}\n"
                              "    800e:\tf84d 4d08 \tstr.w\tr4, [sp, #-8]!\n"
                              "    8012:\tf5ad 7d00 \tsub.w\tsp, sp, #512\n"
                              "    8016:\t4770      \tbx\tlr\n"))
                .bytes,
            20 + 16 + 16 + 4 + 8 + 512);
}

TEST(BoundStack, ReadsRiscV) {
  const StackBound bound = bound_of(R"(
80000000 <net_run>:
80000000:	1141                	add	sp,sp,-16
80000002:	c606                	sw	ra,12(sp)
80000004:	200d                	jal	80000026 <conv>
80000006:	00b56463          	bltu	a0,a1,80000000 <net_run>
8000000a:	40b2                	lw	ra,12(sp)
8000000c:	0141                	add	sp,sp,16
8000000e:	a801                	j	8000001e <epilogue>

8000001e <epilogue>:
8000001e:	1101                	add	sp,sp,-32
80000020:	8082                	ret

80000026 <conv>:
80000026:	7139                	add	sp,sp,-64
80000028:	8082                	ret
)");
  EXPECT_EQ(bound.bytes, 16 + 64);
  EXPECT_THAT(bound.path, ElementsAre("net_run", "conv"));
  EXPECT_THAT(bound.problems, IsEmpty());
}

TEST(BoundStack, NamesARecursion) {
  const std::string two = function(
                              "    8000:\tb510      \tpush\t{r4, lr}\n"
                              "    8002:\tf000 f802 \tbl\t8008 <add>\n"
                              "    8006:\tbd10      \tpop\t{r4, pc}\n") +
                          "00008008 <add>:\n"
                          "    8008:\tf7ff fffa \tbl\t8000 <net_run>\n"
                          "    800c:\t4770      \tbx\tlr\n";
  EXPECT_THAT(bound_of(two).problems, ElementsAre("recursion: net_run > add > net_run"));
}

TEST(BoundStack, ALoopToTheFirstInstructionIsNoRecursion) {
  EXPECT_THAT(bound_of(function("    8000:\t3801      \tsubs\tr0, #1\n"
                                "    8002:\tdcfd      \tble.n\t8000 <net_run>\n"
                                "    8004:\t4770      \tbx\tlr\n"))
                  .problems,
              IsEmpty());
}

TEST(BoundStack, AFarJumpByBlIsNoRecursion) {
  const StackBound bound = bound_of(function("    8000:\tb510      \tpush\t{r4, lr}\n"
                                             "    8002:\t3801      \tsubs\tr0, #1\n"
                                             "    8004:\tf7ff fffd \tbl\t8002 <net_run+0x2>\n"
                                             "    8008:\tbd10      \tpop\t{r4, pc}\n"));
  EXPECT_EQ(bound.bytes, 8);
  EXPECT_THAT(bound.problems, IsEmpty());
}

TEST(BoundStack, NamesACallThroughAPointer) {
  for (const char* call : {"blx\tr3", "bx\tr3"})
    EXPECT_THAT(bound_of(function(std::string("    8000:\t4798      \t") + call + "\n")).problems,
                ElementsAre("net_run calls through a pointer"))
        << call;
  EXPECT_THAT(bound_of(kChain).problems, IsEmpty()) << "unused calls one, but nobody calls it";
}

TEST(BoundStack, NamesAFrameThatDependsOnData) {
  const std::vector<std::string> problem = {"net_run takes an amount of stack that depends on data"};
  const std::string moved = function("    8000:\tebad 0d03 \tsub.w\tsp, sp, r3\n    8004:\t4770      \tbx\tlr\n");
  EXPECT_EQ(bound_of(moved).problems, problem);
  EXPECT_EQ(bound_of(moved, "net.c:1:6:net_run\t8\tdynamic\n").problems, problem);
  // A large frame whose size stands in a register: the compiler knows better.
  EXPECT_THAT(bound_of(moved, "net.c:1:6:net_run\t4096\tstatic\n").problems, IsEmpty());
}

TEST(BoundStack, NamesACallOutOfTheProgram) {
  EXPECT_THAT(bound_of(function("    8000:\tf7ff fffe \tbl\t0 <memcpy>\n    8004:\t4770      \tbx\tlr\n")).problems,
              ElementsAre("net_run calls 0x0, which the program does not hold"));
}

// As in libgcc: a label in the middle of a function, which jumps back.
TEST(BoundStack, ALabelInAssemblerIsPartOfItsFunction) {
  const StackBound bound = bound_of(R"(
00008000 <net_run>:
    8000:	b510      	push	{r4, lr}
    8002:	2900      	cmp	r1, #0

00008004 <.skip_div0_test>:
    8004:	b404      	push	{r2}
    8006:	d1fc      	bne.n	8002 <net_run+0x2>
    8008:	bd10      	pop	{r4, pc}
)");
  EXPECT_EQ(bound.bytes, 12);
  EXPECT_THAT(bound.path, ElementsAre("net_run"));
  EXPECT_THAT(bound.problems, IsEmpty());
}

TEST(BoundStack, RefusesARootThatIsNotThere) {
  EXPECT_THROW(bound_of(kChain, "", "other_run"), std::runtime_error);
}

}  // namespace
}  // namespace bitwright
