// `bitwright emulate` on a program compiled here, counted by hand.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <sstream>

#include "core/error.h"
#include "deploy/elf_program.h"
#include "deploy/emulator_run.h"
#include "deploy/process.h"
#include "tests/io/temp_folder.h"

namespace bitwright {
namespace {

using testing::HasSubstr;

// A loop of five instructions a pass, a hundred passes a run, three runs, over a table of constants.
constexpr std::string_view kProgram = R"(#include <stdint.h>
#include <stdio.h>
__attribute__((noinline)) void bw_mark_begin(void) { __asm volatile("" ::: "memory"); }
__attribute__((noinline)) void bw_mark_end(void) { __asm volatile("nop" ::: "memory"); }
static const uint32_t table[100] = {1, 2, 3};
__attribute__((noinline)) uint32_t sum_table(const uint32_t *word, int n)
{
    uint32_t sum = 0;
    __asm volatile("1: ldr r3, [%1]\n\tadds %1, #4\n\tadd %0, r3\n\tsubs %2, #1\n\tbne 1b"
                   : "+l"(sum), "+l"(word), "+l"(n)
                   : "m"(table)
                   : "r3", "cc");
    return sum;
}
int main(int argc, char **argv)
{
    uint32_t sum = 0;
    for (int run = 0; run < 3; run++) {
        bw_mark_begin();
        sum += sum_table(table, 100);
        bw_mark_end();
    }
    printf("sum %u of %s\n", (unsigned)sum, argc > 1 ? argv[1] : "nothing");
    return argc;
}
)";

ProcessResult emulate(const TempFolder& folder, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {BITWRIGHT_BINARY_DIR "/bitwright", "emulate"});
  return run_process(arguments, {.directory = folder.path()});
}

nlohmann::json emulate_json(const TempFolder& folder, std::vector<std::string> arguments) {
  arguments.push_back("--json");
  const ProcessResult run = emulate(folder, arguments);
  EXPECT_TRUE(run.ok()) << run.errors;
  return run.ok() ? nlohmann::json::parse(run.output) : nlohmann::json();
}

std::string refusal(const TempFolder& folder, const std::vector<std::string>& arguments) {
  const ProcessResult run = emulate(folder, arguments);
  EXPECT_EQ(run.exit_status, 2) << run.output;
  return run.errors;
}

// The program linked with what --start-files writes, by the command that it prints.
std::string build(const TempFolder& folder, const std::string& core, std::string_view program = kProgram) {
  const ProcessResult start = emulate(folder, {"--core", core, "--start-files", "start"});
  EXPECT_EQ(start.exit_status, 0) << start.errors;
  std::istringstream words(start.output);
  std::vector<std::string> command{std::istream_iterator<std::string>(words), {}};
  for (std::string& word : command) {
    if (word == "PROGRAM.c") word = folder.write("program.c", std::string(program));
    if (word == "PROGRAM.elf") word = core + ".elf";
  }
  const ProcessResult compiled = run_process(command, {.directory = folder.path()});
  EXPECT_EQ(compiled.exit_status, 0) << compiled.errors;
  return core + ".elf";
}

class Emulate : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* program : {"arm-none-eabi-gcc", "qemu-system-arm"})
      if (!find_program(program)) GTEST_SKIP() << "emulate: no " << program;
  }
  TempFolder folder;
};

TEST_F(Emulate, CountsALoopAsByHand) {
  const auto json = emulate_json(folder, {build(folder, "cortex-m4"), "--core", "cortex-m4", "--arguments", "arm"});
  EXPECT_EQ(json["runs"], 3);
  EXPECT_EQ(json["exit_status"], 2);
  EXPECT_EQ(json["output"], "sum 18 of arm\n");
  EXPECT_GE(json["instructions_by_class"]["load"], 100);
  EXPECT_LE(json["instructions_by_class"]["load"], 102);  // main may load an address
  // Five instructions a pass; the load 2 cycles, the branch 2 where taken.
  const auto& function = json["functions"][0];
  EXPECT_EQ(function["name"], "sum_table");
  EXPECT_GE(function["instructions"], 500);
  EXPECT_LE(function["instructions"], 510);
  EXPECT_GE(function["cycles"], 699);
  EXPECT_LE(function["cycles"], 715);
  EXPECT_DOUBLE_EQ(json["cycles"][1], 1.15 * json["cycles"][0].get<double>());
  EXPECT_FALSE(json.contains("board_cycles"));
}

TEST_F(Emulate, JsonOfOutputThatIsNotUtf8HasAReplacementCharacter) {
  constexpr std::string_view program = "#include <stdio.h>\nint main(void) { puts(\"h\\xe9!\"); return 0; }\n";
  const auto json = emulate_json(folder, {build(folder, "cortex-m4", program), "--core", "cortex-m4"});
  EXPECT_EQ(json["output"], "h\xef\xbf\xbd!\n");
}

TEST_F(Emulate, OfABoardAddsItsFlashItsClockAndItsCurrent) {
  const std::string elf = build(folder, "cortex-m4");
  const auto core = emulate_json(folder, {elf, "--core", "cortex-m4"});
  const auto json = emulate_json(folder, {elf, "--board", "nucleo-l476rg"});
  EXPECT_EQ(json["cycles"], core["cycles"]);
  EXPECT_GE(json["flash"]["data_loads"], 100);
  EXPECT_GT(json["flash"]["stall_cycles"], 0);
  EXPECT_DOUBLE_EQ(json["board_cycles"][0],
                   json["cycles"][0].get<double>() + json["flash"]["stall_cycles"].get<double>());
  EXPECT_DOUBLE_EQ(json["latency_us"][0], json["board_cycles"][0].get<double>() / 80.0);
  EXPECT_GT(json["energy_uj"][0], 0);
  EXPECT_EQ(emulate(folder, {elf, "--board", "nucleo-l476rg"}).output,
            emulate(folder, {elf, "--board", "nucleo-l476rg"}).output);
}

TEST_F(Emulate, CountsBetweenFunctionsThatAreNamed) {
  const std::string elf = build(folder, "cortex-m4");
  const auto json =
      emulate_json(folder, {elf, "--core", "cortex-m4", "--begin", "bw_mark_end", "--end", "bw_mark_begin"});
  EXPECT_LT(json["instructions"], 100000);
  EXPECT_EQ(json["instructions_by_class"].value("load_multiple", 0) > 0, true);  // printf
  EXPECT_THAT(refusal(folder, {elf, "--core", "cortex-m4", "--begin", "nowhere"}),
              HasSubstr("cortex-m4.elf: has no function nowhere"));
  EXPECT_EQ(refusal(folder, {elf, "--core", "cortex-m4", "--begin", "main", "--end", "main"}),
            "error: --begin and --end = main: the same function twice\n");
}

TEST_F(Emulate, AnM55GivesInstructionsAlone) {
  const ProcessResult run = emulate(folder, {build(folder, "cortex-m55"), "--core", "cortex-m55"});
  EXPECT_TRUE(run.ok()) << run.errors;
  EXPECT_THAT(run.output, HasSubstr("instructions alone: cortex-m55 has no timing table"));
}

TEST_F(Emulate, WhatDoesNotFitIsOneClearLine) {
  const std::string elf = build(folder, "cortex-m4");
  EXPECT_EQ(refusal(folder, {elf, "--core", "cortex-m0plus"}),
            "error: cortex-m4.elf: built for Armv7E-M, which a cortex-m0plus does not run\n");
  EXPECT_EQ(refusal(folder, {elf, "--core", "rv32imc"}),
            "error: cortex-m4.elf: for ELF machine 40, but rv32imc is machine 243 (RISC-V)\n");
  EXPECT_THAT(refusal(folder, {elf, "--core", "cortex-m33"}), HasSubstr("outside the emulated board"));
  EXPECT_EQ(refusal(folder, {folder.write("note.elf", "no program"), "--core", "cortex-m4"}),
            fmt::format("error: {}: not an ELF file\n", folder.path() + "/note.elf"));
  EXPECT_EQ(refusal(folder, {"absent.elf", "--core", "cortex-m4"}), "error: absent.elf: cannot be read\n");
  EXPECT_EQ(refusal(folder, {".", "--core", "cortex-m4"}), "error: .: is a folder\n");
  EXPECT_EQ(refusal(folder, {"--core", "cortex-m4", "--start-files", "note.elf"}),
            "error: note.elf: cannot be a folder: Not a directory\n");
  EXPECT_EQ(refusal(folder, {elf}), "error: emulate: --board or --core, one of them\n");
  EXPECT_THAT(refusal(folder, {elf, "--core", "cortex-m5"}), HasSubstr("core cortex-m5: not one of"));
}

TEST_F(Emulate, AProgramThatDoesNotEndMeetsTheLimit) {
  const std::string source = folder.write("program.c", "int main(void) { for (;;) __asm volatile(\"\"); }");
  const std::vector<std::string> objects = compile_for_core("cortex-m4", {source}, {}, folder.path());
  const ProcessResult run =
      emulate(folder, {link_for_emulator("cortex-m4", objects, folder.path()), "--core", "cortex-m4", "--limit", "1"});
  EXPECT_EQ(run.exit_status, 1);
  EXPECT_EQ(run.errors, "error: cortex-m4: the emulated program ran longer than 1 s\n");
}

TEST_F(Emulate, AProgramThatLocksUpIsOneClearLine) {
  // Jumps to where no memory is from a fault handler of its own.
  const std::string program = R"(
int main(void)
{
    static unsigned vectors[16] __attribute__((aligned(128))) = {0};
    *(volatile unsigned *)0xE000ED08 = (unsigned)vectors;
    ((void (*)(void))0xF0000001)();
    return 0;
}
)";
  const ProcessResult run = emulate(folder, {build(folder, "cortex-m4", program), "--core", "cortex-m4"});
  EXPECT_EQ(run.exit_status, 1);
  EXPECT_EQ(run.errors, "error: cortex-m4: the emulated program locked up: a fault that its vectors do not handle\n");
}

TEST_F(Emulate, AFaultIsToldFromAnExitStatusOfOne) {
  const auto output = [&](std::string_view program) {
    return emulate(folder, {build(folder, "cortex-m4", program), "--core", "cortex-m4"}).output;
  };
  EXPECT_THAT(output("int main(void) { return *(volatile int *)0xF0000000; }"),
              testing::StartsWith("cortex-m4.elf on cortex-m4: ended by a fault\n"));
  EXPECT_THAT(output("int main(void) { return 1; }"),
              testing::StartsWith("cortex-m4.elf on cortex-m4: exit status 1\n"));
}

TEST_F(Emulate, AProgramWithoutSymbolsIsOneClearLine) {
  const std::string elf = build(folder, "cortex-m4");
  EXPECT_TRUE(run_process({"arm-none-eabi-strip", elf}, {.directory = folder.path()}).ok());
  EXPECT_EQ(refusal(folder, {elf, "--core", "cortex-m4"}),
            "error: cortex-m4.elf: has no symbols, which tell code from constants; take the program before strip\n");
}

TEST_F(Emulate, ACutFileIsRefusedAndNeverReadPastItsEnd) {
  const std::string path = folder.path() + "/" + build(folder, "cortex-m4");
  std::ifstream file(path, std::ios::binary);
  const std::string elf{std::istreambuf_iterator<char>(file), {}};
  const ElfProgram whole = parse_elf(elf, "whole");
  EXPECT_EQ(whole.arm_architecture, 13);
  EXPECT_TRUE(whole.floating_point);
  for (size_t bytes = 0; bytes < elf.size(); bytes += 1 + bytes / 16) {
    const auto cut = [&] { parse_elf(std::string_view(elf).substr(0, bytes), "cut"); };
    EXPECT_THROW(cut(), ConfigError) << bytes;  // the sections' table is at the end
  }
}

TEST_F(Emulate, ARiscVProgramGivesInstructionsAlone) {
  if (const auto missing = missing_compiler_or_emulator(cross_target("rv32imc")))
    GTEST_SKIP() << "emulate: " << *missing;
  constexpr std::string_view program = R"(
__attribute__((noinline)) void bw_mark_begin(void) { __asm volatile("" ::: "memory"); }
__attribute__((noinline)) void bw_mark_end(void) { __asm volatile("nop" ::: "memory"); }
__attribute__((noinline)) void loop(int n) { __asm volatile("1: addi %0, %0, -1\n\tbnez %0, 1b" : "+r"(n)); }
int main(void)
{
    bw_mark_begin();
    loop(100);
    bw_mark_end();
    return 0;
}
)";
  const auto json = emulate_json(folder, {build(folder, "rv32imc", program), "--core", "rv32imc"});
  EXPECT_EQ(json["functions"][0]["name"], "loop");
  EXPECT_EQ(json["functions"][0]["instructions"], 201);
  EXPECT_FALSE(json.contains("cycles"));
}

// The memory of two runs counted apart is that of the two together, and the first misses more.
TEST_F(Emulate, RunsCountedApartHaveMemoryOfTheirOwn) {
  const std::string elf = folder.path() + "/" + build(folder, "cortex-m4");
  ProfileOptions options;
  options.flash = FlashModel{5, 8, {128, 8, 0}, {128, 8, 0}, true};
  const auto run = [&] { return run_emulated("cortex-m4", elf, {}, folder.path(), std::chrono::seconds(60), options); };
  const Profile together = run().profile;
  options.separate = true;
  const Profile apart = run().profile;
  ASSERT_EQ(apart.memory.size(), 3u);
  EXPECT_EQ(apart.memory[0].data_misses + apart.memory[1].data_misses + apart.memory[2].data_misses,
            together.memory.at(0).data_misses);
  EXPECT_GE(apart.memory[0].data_misses, 50);  // 400 bytes in lines of 8
  EXPECT_EQ(apart.memory[1].data_misses, 0);
  EXPECT_GE(apart.memory[1].data_loads, 100);
  options.flash->data = {4, 8, 2};  // too small: every run misses
  for (const MemoryCounts& memory : run().profile.memory) EXPECT_GE(memory.data_misses, 50);
}

}  // namespace
}  // namespace bitwright
