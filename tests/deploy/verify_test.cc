// A small package written by hand, so that verification is tested without the emitter.
// SPDX-License-Identifier: Apache-2.0
#include "deploy/verify.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "deploy/emulator_run.h"
#include "deploy/process.h"

namespace bitwright {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

// Four outputs of eight inputs each; 32 bytes of weights, one of them data-free of any library call.
constexpr std::string_view kModel = R"(#include "tiny.h"
static const int8_t tiny_weights[32] = {1, -2, 3, -4, 5, -6, 7, -8, 8, 7, 6, 5, 4, 3, 2, 1,
                                        -1, -1, 1, 1, -1, -1, 1, 1, 9, 0, 0, 9, 0, 0, 9, 0};
void tiny_run(const int8_t input[8], int32_t output[4])
{
    for (int i = 0; i < 4; i++) {
        int32_t sum = 0;
        for (int k = 0; k < 8; k++)
            sum += tiny_weights[8 * i + k] * input[k];
        output[i] = sum;
    }
}
int tiny_unused(int x)
{
    return 3 * x;
}
)";
constexpr std::string_view kHeader = R"(#include <stdint.h>
void tiny_run(const int8_t input[8], int32_t output[4]);
int tiny_unused(int x);
)";
constexpr std::string_view kTest = R"(#include "tiny.h"
#include <stdio.h>
#include <string.h>
__attribute__((noinline)) void bw_mark_begin(void);
__attribute__((noinline)) void bw_mark_end(void);
__attribute__((noinline)) void bw_mark_begin(void) { __asm volatile(""); }
__attribute__((noinline)) void bw_mark_end(void) { __asm volatile(""); }
int main(int argc, char **argv)
{
    int8_t input[8];
    int32_t golden[4], output[4];
    int vectors = 0, different = 0;
    FILE *inputs = argc == 3 ? fopen(argv[1], "rb") : NULL, *outputs = argc == 3 ? fopen(argv[2], "rb") : NULL;
    if (!inputs || !outputs)
        return 2;
    while (fread(input, sizeof input, 1, inputs) == 1 && fread(golden, sizeof golden, 1, outputs) == 1) {
        bw_mark_begin();
        tiny_run(input, output);
        bw_mark_end();
        vectors++;
        different += memcmp(output, golden, sizeof output) != 0;
    }
#ifdef __arm__
    printf("stack 8\n"); /* as if it had been painted */
#endif
    printf("vectors %d\ndifferent %d\n", vectors, different);
    return different != 0;
}
)";
constexpr int kWeights[32] = {1,  -2, 3, -4, 5,  -6, 7, -8, 8, 7, 6, 5, 4, 3, 2, 1,
                              -1, -1, 1, 1,  -1, -1, 1, 1,  9, 0, 0, 9, 0, 0, 9, 0};

class Verify : public ::testing::Test {
 protected:
  void SetUp() override {
    write("src/tiny.c", kModel);
    write("src/tiny.h", kHeader);
    write("test/golden_test.c", kTest);
    std::string inputs, outputs;
    for (int v = 0; v < 5; ++v) add_vector(v, inputs, outputs);
    write("golden/inputs.bin", inputs);
    write("golden/outputs.bin", outputs);
  }

  static void add_vector(int v, std::string& inputs, std::string& outputs) {
    int8_t x[8];
    for (int k = 0; k < 8; ++k) x[k] = static_cast<int8_t>((37 * v + 11 * k) % 256 - 128);
    inputs.append(reinterpret_cast<const char*>(x), 8);
    for (int i = 0; i < 4; ++i) {
      int32_t sum = 0;
      for (int k = 0; k < 8; ++k) sum += kWeights[8 * i + k] * x[k];
      outputs.append(reinterpret_cast<const char*>(&sum), 4);
    }
  }

  std::string path(const std::string& name) const { return folder_.path() + "/" + name; }
  void write(const std::string& name, std::string_view text) const {
    std::filesystem::create_directories(std::filesystem::path(path(name)).parent_path());
    std::ofstream(path(name), std::ios::binary) << text;
  }
  std::string read(const std::string& name) const {
    std::ifstream file(path(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  void replace_in(const std::string& name, const std::string& what, const std::string& by) const {
    std::string text = read(name);
    const size_t at = text.find(what);
    ASSERT_NE(at, std::string::npos);
    write(name, text.replace(at, what.size(), by));
  }

  TemporaryDirectory folder_;
};

TEST_F(Verify, ACorrectPackageIsBitExactAndKeepsItsPromisesOnEveryTarget) {
  const VerifyReport report = verify(folder_.path(), {.targets = verify_targets(), .skip_missing = true});
  ASSERT_EQ(report.targets.size(), verify_targets().size());
  for (const TargetReport& target : report.targets) {
    if (!target.skipped.empty()) {
      fmt::print("{}: skipped: {}\n", target.target, target.skipped);
      continue;
    }
    EXPECT_TRUE(target.bit_exact) << target.target << ": " << target.failure;
    EXPECT_EQ(target.vectors, 5);
    EXPECT_THAT(target.broken, IsEmpty()) << target.target;
    EXPECT_EQ(target.emulated, !target.target.starts_with("host-"));
    EXPECT_EQ(target.instructions > 0, target.emulated) << target.target;
    const bool calibrated = target.target.starts_with("cortex-") && !target.target.starts_with("cortex-m55");
    EXPECT_EQ(target.cycles > 0, calibrated) << target.target;
  }
  EXPECT_TRUE(report.bit_exact());
  EXPECT_TRUE(report.keeps_promises());
}

TEST_F(Verify, TriesTwoHostCompilersSixCoresTwoCrossCompilersAndAnotherInstructionSet) {
  const std::vector<std::string> targets = verify_targets();
  EXPECT_EQ(targets.size(), 4u + 2 * 6u + 1u);
  for (const char* name :
       {"host-gcc", "host-gcc-sanitized", "host-clang", "host-clang-sanitized", "cortex-m0plus", "cortex-m3",
        "cortex-m4", "cortex-m7", "cortex-m33", "cortex-m55", "cortex-m4-clang", "rv32imc"})
    EXPECT_THAT(targets, Contains(name));
}

TEST_F(Verify, MeasuresConstantsCodeAndInstructionsOfTheModelAlone) {
  const TargetReport target = verify(folder_.path(), {.targets = {"cortex-m4"}}).targets.at(0);
  EXPECT_EQ(target.constant_bytes, 32);
  EXPECT_GT(target.code_bytes, 20);
  EXPECT_LT(target.code_bytes, 200);  // a C library would be thousands
  EXPECT_EQ(target.library_bytes, 0);
  EXPECT_EQ(target.data_bytes + target.bss_bytes, 0);
  EXPECT_EQ(target.stack_bytes, 8);
  EXPECT_GE(target.stack_bound_bytes, 8);
  EXPECT_LE(target.stack_bound_bytes, 9 * 4);  // all that a leaf can save
  EXPECT_THAT(target.stack_path, ElementsAre("tiny_run"));
  // 32 multiply-accumulates: each at least two loads and a multiplication, at most some 12 instructions.
  EXPECT_GE(target.instructions, 3 * 32);
  EXPECT_LE(target.instructions, 12 * 32);
  EXPECT_GE(target.instructions_by_class.at("load"), 2 * 32);
  EXPECT_GT(target.cycles, target.instructions);
  EXPECT_DOUBLE_EQ(target.cycles_upper, 1.15 * target.cycles);
}

TEST_F(Verify, CountsAreTheSameEveryTime) {
  const VerifyOptions options{.targets = {"cortex-m4", "cortex-m7"}};
  EXPECT_EQ(verify(folder_.path(), options).targets, verify(folder_.path(), options).targets);
}

TEST_F(Verify, AFlippedWeightIsDifferentEverywhere) {
  replace_in("src/tiny.c", "{1, -2, 3", "{1, -3, 3");
  const VerifyReport report = verify(folder_.path(), {.targets = {"host-gcc", "cortex-m4"}});
  EXPECT_FALSE(report.bit_exact());
  for (const TargetReport& target : report.targets) EXPECT_EQ(target.different, 5) << target.target;
  EXPECT_THAT(render_text(report), HasSubstr("DIFFERENT on 5 of 5 vectors"));
}

TEST_F(Verify, AFlippedGoldenByteIsOneDifferentVector) {
  std::string golden = read("golden/outputs.bin");
  golden[17] = static_cast<char>(golden[17] ^ 1);
  write("golden/outputs.bin", golden);
  const VerifyReport report = verify(folder_.path(), {.targets = {"host-gcc", "cortex-m7"}});
  EXPECT_FALSE(report.bit_exact());
  for (const TargetReport& target : report.targets) EXPECT_EQ(target.different, 1) << target.target;
}

TEST_F(Verify, ACrashIsAFailureAndNotAVerdict) {
  replace_in("test/golden_test.c", "int vectors = 0", "*(volatile int *)0xfffffff0 = 1; int vectors = 0");
  const VerifyReport report = verify(folder_.path(), {.targets = {"host-gcc", "cortex-m4"}});
  for (const TargetReport& target : report.targets) {
    EXPECT_FALSE(target.bit_exact) << target.target;
    EXPECT_NE(target.failure, "") << target.target;
  }
}

TEST_F(Verify, NoVectorsAreNotBitExact) {
  write("golden/inputs.bin", "");
  EXPECT_EQ(verify(folder_.path(), {.targets = {"host-gcc"}}).targets.at(0).failure,
            "the test program compared no vector");
}

TEST_F(Verify, AWarningIsAnErrorOfEveryCompiler) {
  replace_in("src/tiny.c", "int32_t sum = 0;", "int32_t sum = 0; int16_t narrow = sum; sum = narrow;");
  for (const char* target : {"host-gcc", "host-clang", "cortex-m4", "cortex-m4-clang", "rv32imc"})
    EXPECT_THROW(verify(folder_.path(), {.targets = {target}}), ToolError) << target;
}

// One byte past the weights is read and not used.
TEST_F(Verify, TheSanitizersSeeWhatTheOutputsDoNotShow) {
  replace_in("src/tiny.c", "int32_t sum = 0;",
             "int32_t sum = *(volatile const int8_t *)&tiny_weights[11 * i - 1 + (i == 0)] * 0;");
  const VerifyReport report =
      verify(folder_.path(), {.targets = {"host-gcc", "host-gcc-sanitized", "host-clang-sanitized"}});
  EXPECT_TRUE(report.targets[0].bit_exact);
  for (size_t i : {1u, 2u}) {
    EXPECT_FALSE(report.targets[i].bit_exact);
    EXPECT_THAT(report.targets[i].failure, HasSubstr("AddressSanitizer: global-buffer-overflow"));
  }
}

TEST_F(Verify, AHeapAndADoubleAreBrokenPromises) {
  replace_in("src/tiny.c", "#include \"tiny.h\"", "#include \"tiny.h\"\n#include <stdlib.h>");
  replace_in("src/tiny.c", "int32_t sum = 0;",
             "int32_t sum = 0; double *volatile mean = malloc(sizeof *mean); if (mean) { *mean = input[0] * 0.5; sum = "
             "(int32_t)*mean - (int32_t)*mean; } free(mean);");
  const VerifyReport report = verify(folder_.path(), {.targets = {"cortex-m0plus", "rv32imc"}});
  EXPECT_TRUE(report.bit_exact());
  EXPECT_FALSE(report.keeps_promises());
  for (const TargetReport& target : report.targets) {
    ASSERT_FALSE(target.broken.empty()) << target.target;
    const bool arm = target.target == "cortex-m0plus";
    for (const char* name : {arm ? " __aeabi_dmul," : " __muldf3,", " free,", " malloc"})
      EXPECT_THAT(target.broken[0], HasSubstr(name)) << target.target;
  }
  EXPECT_THAT(render_text(report), HasSubstr("BROKEN PROMISE: uses "));
}

TEST_F(Verify, AFloatWhereNoLayerIsFloatIsABrokenPromiseOnACoreWithAFloatUnitToo) {
  replace_in("src/tiny.c", "int32_t sum = 0;", "int32_t sum = (int32_t)((float)input[i] * 0.001f);");
  EXPECT_THAT(verify(folder_.path(), {.targets = {"cortex-m4"}}).targets[0].broken,
              ElementsAre("computes in floating point, although no layer does"));
}

TEST_F(Verify, AStackWithoutABoundIsABrokenPromise) {
  replace_in("src/tiny.c", "void tiny_run(", "static int (*volatile step)(int) = tiny_unused;\nvoid tiny_run(");
  replace_in("src/tiny.c", "int32_t sum = 0;", "int32_t sum = step(0);");
  EXPECT_THAT(verify(folder_.path(), {.targets = {"cortex-m4"}}).targets[0].broken,
              ElementsAre("stack without a bound: tiny_run calls through a pointer"));
}

TEST_F(Verify, AStackDeeperThanItsBoundIsABrokenPromise) {
  replace_in("test/golden_test.c", "stack 8", "stack 4000");
  EXPECT_THAT(verify(folder_.path(), {.targets = {"cortex-m4"}}).targets[0].broken,
              ElementsAre(HasSubstr("stack: 4000 B were used, more than the bound of ")));
}

TEST_F(Verify, RefusesWhatIsNotAPackage) {
  std::filesystem::remove(path("golden/outputs.bin"));
  try {
    verify(folder_.path());
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_EQ(std::string(error.what()), folder_.path() + ": not a package: no golden/outputs.bin");
  }
}

TEST_F(Verify, RefusesAnUnknownTarget) {
  EXPECT_THROW(verify(folder_.path(), {.targets = {"cortex-m99"}}), ConfigError);
  try {
    check_targets({"host-gcc", "cortex-m99"}, "--target");
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), StartsWith("--target = cortex-m99: must be one of host-gcc, "));
  }
}

TEST_F(Verify, NamesChangedFilesBeforeWhatTheCompilerSays) {
  write("manifest.sha256", manifest_text({{"src/tiny.c", std::string(kModel)}, {"src/tiny.h", std::string(kHeader)}}));
  replace_in("src/tiny.c", "int32_t sum = 0;", "int32_t sum;;");
  try {
    verify(folder_.path(), {.targets = {"host-gcc"}});
    FAIL();
  } catch (const ToolError& error) {
    EXPECT_THAT(error.what(), StartsWith("changed since export: src/tiny.c\n"));
  }
}

// Runs without any program to be found.
template <class Function>
void without_tools(Function function) {
  const std::string path = std::getenv("PATH");
  setenv("PATH", "/nonexistent", 1);
  function();
  setenv("PATH", path.c_str(), 1);
}

TEST_F(Verify, NamesTheDebianPackageOfAMissingTool) {
  std::string message;
  without_tools([&] {
    try {
      verify(folder_.path(), {.targets = {"cortex-m4"}});
    } catch (const ToolError& error) {
      message = error.what();
    }
  });
  EXPECT_EQ(message, "arm-none-eabi-gcc is not installed: it is in the Debian package gcc-arm-none-eabi");
}

TEST_F(Verify, SkipsWhatIsNotInstalledWithALineAndGivesNoVerdict) {
  VerifyReport report;
  without_tools([&] { report = verify(folder_.path(), {.targets = verify_targets(), .skip_missing = true}); });
  EXPECT_FALSE(report.bit_exact());
  EXPECT_THAT(render_text(report), HasSubstr("\nhost-clang            skipped: clang is not installed: it is in the "
                                             "Debian package clang\n"));
  EXPECT_THAT(render_text(report), HasSubstr("Debian package gcc-riscv64-unknown-elf\n"));
}

TEST_F(Verify, ASkippedTargetIsNoDifference) {
  const VerifyReport report{.package = "net",
                            .tools = {},
                            .targets = {{.target = "host-gcc", .bit_exact = true},
                                        {.target = "rv32imc", .skipped = "qemu-system-riscv32 is not installed"}},
                            .changed_files = {}};
  EXPECT_TRUE(report.bit_exact());
}

TEST_F(Verify, JsonHoldsTheSameNumbers) {
  const VerifyReport report = verify(folder_.path(), {.targets = {"host-gcc", "cortex-m0plus"}});
  const nlohmann::json json = nlohmann::json::parse(render_json(report));
  EXPECT_EQ(json["targets"][1]["cycles"], report.targets[1].cycles);
  EXPECT_EQ(json["targets"][1]["stack_bound_bytes"], report.targets[1].stack_bound_bytes);
  EXPECT_EQ(json["bit_exact"], true);
  EXPECT_EQ(json["keeps_promises"], true);
  EXPECT_EQ(json["tools"].size(), 3u);
}

}  // namespace
}  // namespace bitwright
