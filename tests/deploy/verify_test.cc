// A small package written by hand, so that verification is tested without the emitter.
// SPDX-License-Identifier: Apache-2.0
#include "deploy/verify.h"

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
int tiny_unused(int x) { return 3 * x; }
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
    printf("vectors %d\ndifferent %d\nstack 24\n", vectors, different);
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

TEST_F(Verify, ACorrectPackageIsBitExactOnEveryCore) {
  const VerifyReport report = verify(folder_.path(), {.cores = emulated_cores()});
  ASSERT_EQ(report.targets.size(), 6u);
  for (const TargetReport& target : report.targets) {
    EXPECT_TRUE(target.bit_exact) << target.target << ": " << target.failure;
    EXPECT_EQ(target.vectors, 5);
    EXPECT_EQ(target.failure, "");
  }
  EXPECT_TRUE(report.bit_exact());
}

TEST_F(Verify, MeasuresConstantsCodeAndInstructionsOfTheModelAlone) {
  const TargetReport target = verify(folder_.path(), {.cores = {"cortex-m4"}, .host = false}).targets.at(0);
  EXPECT_EQ(target.constant_bytes, 32);
  EXPECT_GT(target.code_bytes, 20);
  EXPECT_LT(target.code_bytes, 200);  // a C library would be thousands
  EXPECT_EQ(target.library_bytes, 0);
  EXPECT_EQ(target.data_bytes + target.bss_bytes, 0);
  EXPECT_EQ(target.stack_bytes, 24);
  // 32 multiply-accumulates: each at least two loads and a multiplication, at most some 12 instructions.
  EXPECT_GE(target.instructions, 3 * 32);
  EXPECT_LE(target.instructions, 12 * 32);
  EXPECT_GE(target.instructions_by_class.at("load"), 2 * 32);
  EXPECT_GT(target.cycles, target.instructions);
  EXPECT_DOUBLE_EQ(target.cycles_upper, 1.15 * target.cycles);
}

TEST_F(Verify, CountsAreTheSameEveryTime) {
  const VerifyOptions options{.cores = {"cortex-m4", "cortex-m7"}, .host = false};
  EXPECT_EQ(verify(folder_.path(), options).targets, verify(folder_.path(), options).targets);
}

TEST_F(Verify, AFlippedWeightIsDifferentEverywhere) {
  replace_in("src/tiny.c", "{1, -2, 3", "{1, -3, 3");
  const VerifyReport report = verify(folder_.path(), {.cores = {"cortex-m4"}});
  EXPECT_FALSE(report.bit_exact());
  for (const TargetReport& target : report.targets) EXPECT_EQ(target.different, 5) << target.target;
  EXPECT_THAT(render_text(report), ::testing::HasSubstr("DIFFERENT on 5 of 5 vectors"));
}

TEST_F(Verify, AFlippedGoldenByteIsOneDifferentVector) {
  std::string golden = read("golden/outputs.bin");
  golden[17] = static_cast<char>(golden[17] ^ 1);
  write("golden/outputs.bin", golden);
  const VerifyReport report = verify(folder_.path(), {.cores = {"cortex-m7"}});
  EXPECT_FALSE(report.bit_exact());
  for (const TargetReport& target : report.targets) EXPECT_EQ(target.different, 1) << target.target;
}

TEST_F(Verify, ACrashIsAFailureAndNotAVerdict) {
  replace_in("test/golden_test.c", "int vectors = 0", "*(volatile int *)0xfffffff0 = 1; int vectors = 0");
  const VerifyReport report = verify(folder_.path(), {.cores = {"cortex-m4"}});
  for (const TargetReport& target : report.targets) {
    EXPECT_FALSE(target.bit_exact) << target.target;
    EXPECT_NE(target.failure, "") << target.target;
  }
}

TEST_F(Verify, NoVectorsAreNotBitExact) {
  write("golden/inputs.bin", "");
  EXPECT_EQ(verify(folder_.path(), {.cores = {}}).targets.at(0).failure, "the test program compared no vector");
}

TEST_F(Verify, AWarningOfTheHostCompilerIsAnError) {
  replace_in("src/tiny.c", "int32_t sum = 0;", "int32_t sum = 0; int idle;");
  EXPECT_THROW(verify(folder_.path(), {.cores = {}}), ToolError);
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

TEST_F(Verify, RefusesAnUnknownCore) {
  EXPECT_THROW(verify(folder_.path(), {.cores = {"cortex-m55"}}), ConfigError);
}

TEST_F(Verify, NamesTheDebianPackageOfAMissingTool) {
  const std::string path = std::getenv("PATH");
  setenv("PATH", "/nonexistent", 1);
  std::string message;
  try {
    verify(folder_.path(), {.host = false});
  } catch (const ToolError& error) {
    message = error.what();
  }
  setenv("PATH", path.c_str(), 1);
  EXPECT_EQ(message, "arm-none-eabi-gcc is not installed: it is in the Debian package gcc-arm-none-eabi");
}

TEST_F(Verify, JsonHoldsTheSameNumbers) {
  const VerifyReport report = verify(folder_.path(), {.cores = {"cortex-m0plus"}});
  const nlohmann::json json = nlohmann::json::parse(render_json(report));
  EXPECT_EQ(json["targets"][1]["cycles"], report.targets[1].cycles);
  EXPECT_EQ(json["bit_exact"], true);
  EXPECT_EQ(json["tools"].size(), 3u);
}

}  // namespace
}  // namespace bitwright
