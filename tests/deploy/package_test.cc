// The package as its user meets it: the C interface, and a consumer of each build system.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "core/hash.h"
#include "core/overlap.h"
#include "deploy/emit_interface.h"
#include "deploy/emit_metadata.h"
#include "deploy/emit_runtime.h"
#include "deploy/emit_source.h"
#include "deploy/report.h"
#include "tests/support/compiled_packages.h"
#include "tests/support/random_network.h"

namespace bitwright {
namespace {

namespace fs = std::filesystem;
using testing::CommandResult;
using ::testing::HasSubstr;
using testing::kStrictFlags;
using testing::run_command;
using ::testing::StartsWith;

// ---- two models

QuantizedModel integer_model(const std::string& name) {
  Network network{name, {16, 1, 2}, Format::kInt8, {}};
  append(network, {.name = "conv",
                   .op = Conv2d{8, {3, 1, 1, 1}, Padding::kZero},
                   .weights = Format::kBinary,
                   .batch_norm = true,
                   .activations = Format::kInt8});
  append(network, {.name = "flat", .op = Flatten{}});
  append(network, {.name = "out", .op = Dense{4}, .weights = Format::kInt8, .bias = true});
  return testing::random_model(network, 7);
}

// Its output is float32.
QuantizedModel float_model(const std::string& name) {
  Network network{name, {4, 4, 1}, Format::kUint8, {}};
  append(network, {.name = "conv",
                   .op = Conv2d{8, {3, 1, 1, 1}, Padding::kZero},
                   .weights = Format::kBinary,
                   .batch_norm = true,
                   .activations = Format::kInt8});
  append(network, {.name = "mean", .op = GlobalAvgPool{}, .activations = Format::kFloat32});
  return testing::random_model(network, 8);
}

// Packed input and output: 5-bit samples, ternary codes out.
QuantizedModel packed_model(const std::string& name) {
  Network network{name, {9, 1, 3}, Format::kInt5, {}};
  append(network, {.name = "conv",
                   .op = Conv2d{21, {3, 1, 1, 1}, Padding::kZero},
                   .weights = Format::kBinary,
                   .batch_norm = true,
                   .activations = Format::kTernary});
  return testing::random_model(network, 9);
}

// Runs column by column.
Program stream_program(const std::string& name, int columns = 256) {
  Network network{name, {columns, 1, 1}, Format::kInt8, {}};
  for (const char* layer : {"conv0", "conv1"})
    append(network, {.name = layer,
                     .op = Conv2d{24, {5, 1, 1, 1}, Padding::kValid},
                     .weights = Format::kBinary,
                     .pool = Window{2, 1, 2, 1},
                     .batch_norm = true,
                     .activations = Format::kInt8});
  append(network, {.name = "flat", .op = Flatten{}});
  append(network, {.name = "out", .op = Dense{5}, .weights = Format::kInt8});
  return lower(testing::random_model(network, 10), {}, Execution::kStream);
}

GoldenVectors golden_of(const QuantizedModel& model, int count = 3) {
  std::vector<std::vector<int16_t>> inputs;
  for (int i = 0; i < count; ++i) inputs.push_back(testing::random_input(model.network, static_cast<uint64_t>(i)));
  return golden_vectors(model, inputs);
}

Package package_of(const Program& program, const PackageOptions& options = {}) {
  return emit_c(program, golden_of(program.model), options);
}

Package package_of(const QuantizedModel& model, const PackageOptions& options = {}) {
  return package_of(lower(model), options);
}

// ---- a folder in which a consumer is written and built

void write_file(const std::string& path, const std::string& text) {
  fs::create_directories(fs::path(path).parent_path());
  std::ofstream(path) << text;
}

bool has_tool(const std::string& tool) {
  return run_command("command -v " + tool).status == 0;
}

class PackageTest : public ::testing::Test {
 protected:
  const std::string& path() const { return folder_.path(); }
  void write(const std::string& file, const std::string& text) { write_file(path() + "/" + file, text); }
  void unpack(const Package& package) { write_package(package, path() + "/" + package.name); }
  // In the folder; fails the test unless the command succeeds. What it printed.
  std::string run(const std::string& command) {
    const CommandResult result = run_command("cd " + path() + " && " + command);
    EXPECT_EQ(result.status, 0) << command << "\n" << result.output;
    return result.output;
  }

 private:
  testing::TemporaryFolder folder_;
};

// "src/x.c" of every line.
std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

std::vector<std::string> c_files(const Package& package) {
  std::vector<std::string> files;
  for (const auto& [path, text] : package.files)
    if (path.starts_with("src/") && path.ends_with(".c")) files.push_back(path);
  return files;
}

// Runs the self test and one inference of `model`, prints "NAME ok".
std::string use_of(const std::string& name) {
  std::string text = R"(
#include "@name@.h"
#include <stdio.h>
static int use_@name@(void)
{
    BW_ARENA static uint32_t arena[@NAME@_ARENA_WORDS];
    static @name@_t model;
    if (@name@_init(&model, arena, sizeof arena) != @NAME@_OK || @name@_selftest(&model) != @NAME@_OK) {
        return 1;
    }
    printf("%s ok\n", @name@_info()->name);
    return 0;
}
)";
  return filled(text, {{"name", name}, {"NAME", upper(name)}});
}

std::string main_with(const std::vector<std::string>& names) {
  std::string text, calls;
  for (const std::string& name : names) {
    text += use_of(name);
    calls += (calls.empty() ? "" : " | ") + fmt::format("use_{}()", name);
  }
  return text + "int main(void)\n{\n    return " + calls + ";\n}\n";
}

// ---- the interface

TEST_F(PackageTest, InitSaysWhatIsWrongWithAnArena) {
  unpack(package_of(integer_model("tiny")));
  write("main.c", R"(
#include <stdio.h>
#include "tiny.h"
int main(void)
{
    static uint32_t arena[TINY_ARENA_WORDS + 1u];
    tiny_t model, unusable;
    tiny_in_t in[TINY_IN_ITEMS] = {0};
    tiny_out_t out[TINY_OUT_ITEMS];
    printf("%d %d", tiny_init(NULL, arena, sizeof arena), tiny_init(&unusable, NULL, sizeof arena));
    printf(" %d", tiny_init(&unusable, (uint8_t *)arena + 1, TINY_ARENA_BYTES));
    printf(" %d", tiny_init(&unusable, arena, TINY_ARENA_BYTES - 1u));
    printf(" %d %d\n", tiny_run(&unusable), tiny_selftest(&unusable));
    printf("%d", tiny_init(&model, arena, TINY_ARENA_BYTES));
    printf(" %d %d", tiny_run(NULL), tiny_infer(&model, NULL, out));
    printf(" %d %d\n", tiny_infer(&model, in, NULL), tiny_infer(&model, in, out));
    return 0;
}
)");
  run("cc " + std::string(kStrictFlags) + " -fsanitize=address,undefined -Itiny/src tiny/src/*.c main.c -o main");
  EXPECT_EQ(run("./main"), "1 1 2 3 1 1\n0 1 1 1 0\n");
}

TEST_F(PackageTest, InferGivesWhatTheReferenceGivesAndLeavesItsInputAlone) {
  const QuantizedModel model = integer_model("tiny");
  const auto input = testing::random_input(model.network, 99);
  const Tensor expected = reference_infer(model, input);
  unpack(package_of(model));
  write("main.c", fmt::format(R"(
#include <stdio.h>
#include "tiny.h"
int main(void)
{{
    static const tiny_in_t in[TINY_IN_ITEMS] = {{{}}};
    static uint32_t first[TINY_ARENA_WORDS], second[TINY_ARENA_WORDS];
    tiny_out_t out[TINY_OUT_ITEMS];
    tiny_t a, b;
    uint32_t i;
    (void)tiny_init(&a, first, sizeof first);
    (void)tiny_init(&b, second, sizeof second);
    for (i = 0u; i < TINY_IN_ITEMS; ++i) tiny_input(&b)[i] = in[i];
    if (tiny_infer(&a, in, out) != TINY_OK || tiny_run(&b) != TINY_OK) return 1;
    for (i = 0u; i < TINY_OUT_ITEMS; ++i) printf("%d ", (int)out[i]);
    for (i = 0u; i < TINY_OUT_ITEMS; ++i) if (out[i] != tiny_output(&b)[i]) return 2;
    printf("%u %u\n", tiny_argmax(&a), tiny_argmax(&b));
    return 0;
}}
)",
                              fmt::join(input, ", ")));
  run("cc " + std::string(kStrictFlags) + " -Itiny/src tiny/src/*.c main.c -o main");
  const int best = argmax(expected);
  EXPECT_EQ(run("./main"), fmt::format("{} {} {}\n", fmt::join(expected.codes, " "), best, best));
}

TEST_F(PackageTest, InfoTellsWhatTheModelIs) {
  PackageOptions options;
  options.provenance = {"bitwright 9.9.9", "study \"a\", trial 1"};
  options.units.output_names = {"zwölf", "say \"what??\"", "b", "c"};
  const QuantizedModel model = integer_model("tiny");
  unpack(package_of(model, options));
  write("main.c", R"(
#include <stdio.h>
#include "tiny.h"
int main(void)
{
    const tiny_info_t *info = tiny_info();
    uint32_t i;
    printf("%s|%s|%s|%s\n", info->name, info->generator, info->origin, info->signature);
    printf("%s %u %u %u %u %u %u\n", info->input.format, info->input.height, info->input.width, info->input.channels,
           info->input.items, info->input.bytes, info->input.bits);
    printf("%s %u %u\n", info->output.format, info->output.items, info->arena_bytes == TINY_ARENA_BYTES);
    for (i = 0u; i < info->output_name_count; ++i) printf("%s;", info->output_names[i]);
    printf("\n");
    for (i = 0u; i < info->layer_count; ++i)
        printf("%s %s %lu;", info->layers[i].name, info->layers[i].kernel, (unsigned long)info->layers[i].macc);
    printf("\n");
    for (i = 0u; i < info->operation_count; ++i)
        printf("%s %lu;", info->operations[i].operation, (unsigned long)info->operations[i].count);
    printf("\n");
    return 0;
}
)");
  run("cc " + std::string(kStrictFlags) + " -Itiny/src tiny/src/*.c main.c -o main");
  const Program program = lower(model);
  const std::string layers = fmt::format("conv {} 768;flat - 0;out {} 512;\n", program.kernels[0], program.kernels[2]);
  EXPECT_EQ(run("./main"), "tiny|bitwright 9.9.9|study \"a\", trial 1|" + program.signature +
                               "\nint8 16 1 2 32 32 8\nint32 4 1\nzwölf;say \"what??\";b;c;\n" + layers +
                               "smult_8_8 512;smux_1_8 768;\n");
}

// Changes the first hex digit behind `mark` in a file of the package.
void damage(Package& package, const std::string& file, const std::string& mark) {
  std::string& text = package.files.at(file);
  const size_t digit = text.find("0x", text.find(mark)) + 2;
  text[digit] = text[digit] == '0' ? '1' : '0';
}

constexpr char kPrintSelfTest[] = R"(
#include <stdio.h>
#include "tiny.h"
int main(void)
{
    static uint32_t arena[TINY_ARENA_WORDS];
    tiny_t model;
    (void)tiny_init(&model, arena, sizeof arena);
    printf("%d", tiny_selftest(&model));
    return 0;
}
)";

TEST_F(PackageTest, SelfTestFindsADamagedWeight) {
  Package package = package_of(integer_model("tiny"));
  damage(package, "src/tiny.c", "conv_weights[");
  unpack(package);
  write("main.c", kPrintSelfTest);
  run("cc -std=c99 -Itiny/src tiny/src/*.c main.c -o main");
  EXPECT_EQ(run("./main"), "4");  // TINY_ERR_CRC
}

TEST_F(PackageTest, SelfTestFindsAnotherOutput) {
  Package package = package_of(integer_model("tiny"));
  damage(package, "src/tiny_selftest.c", "output_words[");
  unpack(package);
  write("main.c", kPrintSelfTest);
  run("cc -std=c99 -Itiny/src tiny/src/*.c main.c -o main");
  EXPECT_EQ(run("./main"), "5");  // TINY_ERR_OUTPUT
}

TEST(Package, TheHeadersCrcIsThatOfTheConstants) {
  EXPECT_EQ(crc32("123456789"), 0xCBF43926u);  // the check value of this CRC
  const Program program = lower(integer_model("tiny"));
  EXPECT_THAT(package_of(program).files.at("src/tiny.h"),
              HasSubstr(fmt::format("TINY_WEIGHTS_CRC32 0x{:08X}u", crc32(constant_image(program)))));
}

TEST_F(PackageTest, FloatHelpersCodeSamplesAsTheTrainingDataWere) {
  PackageOptions options;
  options.units.input_mean = {2.5, -40.0};
  options.units.input_step = {0.125, 3.0};
  unpack(package_of(integer_model("tiny"), options));
  write("main.c", R"(
#include <stdio.h>
#include "tiny_float.h"
int main(void)
{
    static const float samples[] = {2.5f, 2.62f, 2.5f + 0.1875f, 2.5f - 0.1875f, 1000.0f, -1000.0f};
    static uint32_t arena[TINY_ARENA_WORDS];
    static float all[TINY_IN_ITEMS], out[TINY_OUT_ITEMS];
    tiny_t model;
    uint32_t i;
    for (i = 0u; i < 6u; ++i) printf("%d ", tiny_input_code(samples[i], 0u));
    printf("%d\n", tiny_input_code(-10.0f, 1u));
    for (i = 0u; i < TINY_IN_ITEMS; ++i) all[i] = (i % 2u == 0u) ? 2.75f : -46.0f;
    if (tiny_quantize_input(&model, NULL) != TINY_ERR_NULL) return 1;
    (void)tiny_init(&model, arena, sizeof arena);
    if (tiny_quantize_input(&model, all) != TINY_OK) return 1;
    printf("%d %d %d\n", tiny_input(&model)[0], tiny_input(&model)[1], tiny_input(&model)[TINY_IN_ITEMS - 1u]);
    if (tiny_run(&model) != TINY_OK || tiny_dequantize_output(&model, out) != TINY_OK) return 1;
    for (i = 0u; i < TINY_OUT_ITEMS; ++i)
        if (out[i] != TINY_OUT_SCALE * (float)tiny_output(&model)[i]) return 2;
    return 0;
}
)");
  run("cc " + std::string(kStrictFlags) + " -Itiny/src tiny/src/*.c main.c -o main");
  EXPECT_EQ(run("./main"), "0 1 2 -2 127 -127 10\n2 -2 -2\n");
}

TEST_F(PackageTest, FloatHelpersPackAndUnpackNarrowCodes) {
  const QuantizedModel model = packed_model("tiny");
  const auto input = testing::random_input(model.network, 5);
  const Tensor expected = reference_infer(model, input);
  PackageOptions options;
  options.units.input_mean = std::vector<double>(3, 1.0);
  options.units.input_step = std::vector<double>(3, 0.5);
  options.units.output_mean = std::vector<double>(21, 10.0);
  options.units.output_deviation = std::vector<double>(21, 3.0);
  unpack(package_of(model, options));
  std::vector<std::string> samples;  // -16 is no code that training data have
  for (int16_t code : input) samples.push_back(fmt::format("{}f", 1.0 + 0.5 * std::max<int>(code, -15)));
  for (std::string& s : samples)
    if (s.find('.') == std::string::npos) s.insert(s.size() - 1, ".0");
  write("main.c", fmt::format(R"(
#include <stdio.h>
#include "tiny_float.h"
int main(void)
{{
    static const float samples[TINY_IN_ITEMS] = {{{}}};
    static uint32_t arena[TINY_ARENA_WORDS];
    static float out[TINY_OUT_ITEMS];
    tiny_t model;
    uint32_t i;
    (void)tiny_init(&model, arena, sizeof arena);
    (void)tiny_quantize_input(&model, samples);
    (void)tiny_run(&model);
    (void)tiny_dequantize_output(&model, out);
    for (i = 0u; i < TINY_OUT_ITEMS; ++i) printf("%d ", (int)((out[i] - 10.0f) / 3.0f));
    return 0;
}}
)",
                              fmt::join(samples, ", ")));
  run("cc " + std::string(kStrictFlags) + " -fsanitize=address,undefined -Itiny/src tiny/src/*.c main.c -o main");
  std::vector<int16_t> clipped;
  for (int16_t code : input) clipped.push_back(std::max<int16_t>(code, -15));
  EXPECT_EQ(run("./main"), fmt::format("{} ", fmt::join(reference_infer(model, clipped).codes, " ")));
}

// A program that pushes the columns of the package "flow" in pieces of every size.
constexpr char kPushes[] = R"(
#include <stdio.h>
#include <string.h>
#include "flow.h"
static uint32_t arena[FLOW_ARENA_WORDS];
static flow_in_t in[FLOW_IN_BYTES]; /* whole words */
static flow_out_t expected[FLOW_OUT_ITEMS];

/* `size` columns at a time; by copy, or written in place. */
static int pushed(flow_t *model, uint32_t size, int in_place)
{
    uint32_t at, left;
    if (flow_reset(model) != FLOW_OK) return 0;
    for (at = 0u; at < FLOW_IN_COLUMNS; at += size) {
        flow_status_t status;
        left = FLOW_IN_COLUMNS - at;
        if (left > size) left = size;
        if (in_place) memcpy(flow_input(model) + at, in + at, left);
        status = flow_push(model, in_place ? NULL : in + at, left);
        if (status != ((at + left == FLOW_IN_COLUMNS) ? FLOW_OK : FLOW_MORE)) return 0;
    }
    return memcmp(flow_output(model), expected, FLOW_OUT_BYTES) == 0;
}

int main(void)
{
    flow_t model;
    uint32_t i;
    memset(arena, 0xEE, sizeof arena);
    for (i = 0u; i < FLOW_IN_ITEMS; ++i) in[i] = (flow_in_t)((i * 37u) % 251u - 125u);
    (void)flow_init(&model, arena, sizeof arena);
    for (i = 1u; i <= 3u; ++i) if (flow_push(&model, in, 1u) != FLOW_MORE) return 1;
    if (flow_infer(&model, in, expected) != FLOW_OK) return 2;
    if (flow_push(&model, in, 1u) != FLOW_ERR_SIZE) return 3; /* not before a reset */
    for (i = 1u; i <= FLOW_IN_COLUMNS; i += 3u) if (!pushed(&model, i, 0) || !pushed(&model, i, 1)) return 4;
    (void)flow_reset(&model);
    if (flow_push(&model, in, FLOW_IN_COLUMNS + 1u) != FLOW_ERR_SIZE || flow_push(&model, in, 0u) != FLOW_ERR_SIZE) return 5;
    if (flow_push(NULL, in, 1u) != FLOW_ERR_NULL || flow_reset(NULL) != FLOW_ERR_NULL) return 6;
    printf("equal\n");
    return 0;
}
)";

TEST_F(PackageTest, PushingColumnsGivesWhatARunGives) {
  const Program program = stream_program("flow");
  ASSERT_TRUE(program.stream);
  unpack(package_of(program));
  write("main.c", kPushes);
  run("cc " + std::string(kStrictFlags) + " -fsanitize=address,undefined -Iflow/src flow/src/*.c main.c -o main");
  EXPECT_EQ(run("./main"), "equal\n");
}

// Layers behind the stream ran at every push once its outputs were there, on maps that they had overwritten.
TEST_F(PackageTest, ColumnsThatNoOutputNeedsAreAwaited) {
  const Program program = stream_program("flow", 259);
  ASSERT_TRUE(program.stream);
  write("main.c", kPushes);
  for (int layers : {0, kSpecialize}) {
    unpack(package_of(program, {.specialize = layers}));
    run("cc " + std::string(kStrictFlags) + " -fsanitize=address,undefined -Iflow/src flow/src/*.c main.c -o main");
    EXPECT_EQ(run("./main"), "equal\n") << layers;
  }
}

// The binary polynomial kernel read and rewrote the word behind an output that ends with a whole word.
TEST_F(PackageTest, ABinaryConvolutionTouchesNoWordBehindItsOutput) {
  Network network{"edge", {40, 1, 8}, Format::kBinary, {}};
  append(network, {.name = "conv",
                   .op = Conv2d{32, {3, 1, 1, 1}, Padding::kZero},
                   .weights = Format::kBinary,
                   .activations = Format::kBinary});
  const QuantizedModel model = testing::random_model(network, 1);
  write("main.c", R"(
#include <stdlib.h>
#include "edge.c"
int main(void)
{
    uint32_t *in = calloc(EDGE_IN_BYTES, 1), *out = malloc(EDGE_OUT_BYTES), *scratch = malloc(SCRATCH_BYTES);
    KERNEL(&conv_layer, &conv_epilogue, in, out, scratch);
    free(in), free(out), free(scratch);
    return 0;
}
)");
  for (const std::string kernel : {"conv2d_a1w1", "conv2d_a1w1_poly4", "conv2d_a1w1_poly5"}) {
    const Program program = lower(model, {kernel});
    ASSERT_EQ(program.output_bytes * 8, 40 * 32);  // whole words, none left over
    unpack(package_of(program));
    run(
        fmt::format("cc -std=c99 -g -fsanitize=address -DKERNEL=bw_{} -DSCRATCH_BYTES={} -Iedge/src main.c "
                    "$(ls edge/src/bw_*.c) -o main",
                    kernel, program.plan.scratch_bytes[0]));
    run("./main");
  }
}

TEST_F(PackageTest, HooksStandAroundEveryLayerThatComputes) {
  unpack(package_of(integer_model("tiny")));
  write("hooks/my_config.h", R"(
void hook(char what, unsigned layer);
#define BW_PROFILE_ENTER(layer) hook('<', layer)
#define BW_PROFILE_LEAVE(layer) hook('>', layer)
)");
  write("main.c", R"(
#include <stdio.h>
#include "tiny.h"
void hook(char what, unsigned layer) { printf("%c%u", what, layer); }
int main(void)
{
    static uint32_t arena[TINY_ARENA_WORDS];
    tiny_t model;
    (void)tiny_init(&model, arena, sizeof arena);
    return (int)tiny_run(&model);
}
)");
  run("cc -std=c99 -DBW_CONFIG_FILE='\"my_config.h\"' -Ihooks -Itiny/src tiny/src/*.c main.c -o main");
  EXPECT_EQ(run("./main"), "<0>0<2>2");
}

TEST_F(PackageTest, ExampleOfHooksCompilesForACoreWithACycleCounter) {
  if (!has_tool("arm-none-eabi-gcc")) GTEST_SKIP() << "cycle counter: no arm-none-eabi-gcc";
  unpack(package_of(integer_model("tiny")));
  run("arm-none-eabi-gcc -mthumb -mcpu=cortex-m4 -O2 " + std::string(kStrictFlags) +
      " -DBW_CONFIG_FILE='\"profile_dwt.h\"' -Itiny/extras -Itiny/src -c tiny/src/*.c tiny/extras/profile_dwt.c");
}

// ---- compilers, sections, what is linked

TEST_F(PackageTest, IsCleanForTwoCompilersAndInCpp) {
  for (const Package& package : {package_of(integer_model("tiny")), package_of(float_model("real")),
                                 package_of(packed_model("narrow")), package_of(stream_program("flow"))})
    unpack(package);
  write("use.cc", R"(
#include "tiny.h"
#include "tiny_float.h"
#include "real.h"
#include "real_float.h"
#include "flow.h"
#include "narrow_float.h"
int main() { return tiny_init(nullptr, nullptr, 0) == TINY_ERR_NULL ? 0 : 1; }
)");
  for (const char* compiler : {"gcc", "clang"})
    for (const char* name : {"tiny", "real", "narrow", "flow"})
      if (has_tool(compiler))
        run(fmt::format("{0} {1} -fsyntax-only -I{2}/src {2}/src/*.c {2}/test/*.c", compiler, kStrictFlags, name));
  run("cc -std=c99 -Itiny/src -c tiny/src/tiny.c tiny/src/bw_*.c");
  run("g++ -std=c++11 -Wall -Wextra -Wpedantic -Werror -Itiny/src -Ireal/src -Iflow/src -Inarrow/src use.cc *.o -o "
      "use");
  run("./use");
}

TEST_F(PackageTest, PlacesWeightsArenaAndKernelsInTheSectionsOfItsConfiguration) {
  if (!has_tool("objdump")) GTEST_SKIP() << "sections: no objdump";
  unpack(package_of(integer_model("tiny")));
  write("hooks/my_config.h", R"(
#define BW_WEIGHTS_SECTION ".qspi"
#define BW_ARENA_SECTION ".dtcm"
#define BW_FAST_CODE_SECTION ".itcm"
)");
  write("main.c",
        "#include \"tiny.h\"\nextern uint32_t arena[TINY_ARENA_WORDS];\nBW_ARENA uint32_t arena[TINY_ARENA_WORDS];\n");
  run("cc " + std::string(kStrictFlags) +
      " -DBW_CONFIG_FILE='\"my_config.h\"' -Ihooks -Itiny/src -c tiny/src/tiny.c tiny/src/bw_conv*.c main.c");
  EXPECT_THAT(run("objdump -t tiny.o | grep conv_weights"), HasSubstr(".qspi"));
  EXPECT_THAT(run("objdump -t main.o | grep arena"), HasSubstr(".dtcm"));
  EXPECT_THAT(run("objdump -t bw_conv*.o | grep bw_conv2d.*_"), HasSubstr(".itcm"));
}

TEST_F(PackageTest, PlacesFastWeightsInTheSectionOfItsConfiguration) {
  if (!has_tool("objdump")) GTEST_SKIP() << "sections: no objdump";
  Program program = lower(integer_model("tiny"));
  program.placement = place_constants(program, {.wait_states = 1}, 1 << 20);
  unpack(package_of(program));
  run("cc " + std::string(kStrictFlags) + " -DBW_FAST_WEIGHTS_SECTION='\".dtcm_data\"' -Itiny/src -c tiny/src/tiny.c");
  EXPECT_THAT(run("objdump -t tiny.o | grep conv_weights"), HasSubstr(".dtcm_data"));
}

TEST_F(PackageTest, GivesIarItsPragmas) {
  unpack(package_of(integer_model("tiny")));
  write("use.c",
        "#define BW_WEIGHTS_SECTION \".qspi\"\n#include \"bw_config.h\"\nBW_WEIGHTS static const int x = 0;\nBW_ARENA "
        "static int a;\n");
  const std::string text = run("cc -E -P -D__ICCARM__ -Itiny/src use.c");
  EXPECT_THAT(text, HasSubstr("#pragma location = \".qspi\""));
  EXPECT_THAT(text, HasSubstr("#pragma data_alignment = 8"));
}

TEST_F(PackageTest, AnIntegerNetworkLinksNoFloatAndNoHeap) {
  if (!has_tool("arm-none-eabi-gcc")) GTEST_SKIP() << "linked symbols: no arm-none-eabi-gcc";
  unpack(package_of(integer_model("tiny")));
  write("main.c", R"(
#include "tiny.h"
static uint32_t arena[TINY_ARENA_WORDS];
static tiny_t model;
int main(void)
{
    return (int)tiny_init(&model, arena, sizeof arena) + (int)tiny_selftest(&model) + (int)tiny_info()->macc;
}
)");
  run("arm-none-eabi-gcc -mthumb -mcpu=cortex-m0plus -O2 -std=c99 -ffunction-sections -Wl,--gc-sections "
      "-nostartfiles -Wl,-e,main -Itiny/src tiny/src/*.c main.c -o main.elf");
  const std::string symbols = run("arm-none-eabi-nm main.elf");
  EXPECT_THAT(symbols, HasSubstr("tiny_selftest"));
  for (const char* unwanted : {"__aeabi_f", "__aeabi_d", "float", "malloc", "printf"})
    EXPECT_EQ(symbols.find(unwanted), std::string::npos) << unwanted << "\n" << symbols;
}

// ---- several models in one image

// Every global symbol of an object is the model's, or a weak one of the kernels.
void expect_own_symbols(const std::string& nm, const std::string& name) {
  for (const std::string& line : lines_of(nm)) {
    std::istringstream words(line);
    std::string address, kind, symbol;
    if (!(words >> address >> kind >> symbol)) continue;
    const bool kernel = symbol.starts_with("bw_") && symbol.ends_with("_" + runtime_version());
    EXPECT_TRUE(kernel ? kind == "W" || kind == "V" : symbol.starts_with(name + "_")) << line;
  }
}

TEST_F(PackageTest, TwoModelsLinkIntoOneImageWithoutLibraries) {
  for (const Package& package : {package_of(integer_model("tiny")), package_of(float_model("real"))}) unpack(package);
  write("main.c", main_with({"tiny", "real"}));
  for (const char* name : {"tiny", "real"}) {
    run(fmt::format("mkdir -p o/{0} && cd o/{0} && cc {1} -O2 -c ../../{0}/src/*.c", name, kStrictFlags));
    expect_own_symbols(run(fmt::format("nm -g --defined-only o/{}/*.o", name)), name);
  }
  run("cc -std=c99 -Itiny/src -Ireal/src main.c o/tiny/*.o o/real/*.o -o main");
  EXPECT_EQ(run("./main"), "tiny ok\nreal ok\n");
  EXPECT_EQ(run("nm main | grep -c ' bw_conv2d_a8w1_[0-9a-f]*$'"), "1\n");  // one copy
}

// Packages of two versions of Bitwright: the kernels of the second have another name and here do nothing.
TEST_F(PackageTest, ModelsWithKernelsOfTwoVersionsLinkIntoOneImage) {
  Package other = package_of(integer_model("other"));
  std::string& names = other.files.at("src/bw_names.h");
  for (size_t at; (at = names.find(runtime_version())) != std::string::npos;) names.replace(at, 8, "00000000");
  unpack(package_of(integer_model("tiny")));
  unpack(other);
  write("main.c", main_with({"tiny", "other"}));
  for (const char* name : {"tiny", "other"})
    run(fmt::format("mkdir -p o/{0} && cd o/{0} && cc {1} -O2 -c ../../{0}/src/*.c", name, kStrictFlags));
  run("cc -std=c99 -Itiny/src -Iother/src main.c o/tiny/*.o o/other/*.o -o main");
  EXPECT_EQ(run("./main"), "tiny ok\nother ok\n");
  EXPECT_EQ(run("nm main | grep -c ' bw_conv2d_a8w1_[0-9a-f]*$'"), "2\n");
}

TEST(EmitRuntime, FindsTheFunctionsThatAFileDefinesForOthers) {
  const std::string source =
      "#include \"x.h\"\n/* void bw_no(int a)\nbw_not(either) */\nvoid bw_declared(int a);\n"
      "static void bw_local(void)\n{\n}\nBW_INLINE int bw_inlined(int a)\n{\n    return a;\n}\n"
      "void bw_one(const int *in,\n            int *out)\n{\n    bw_call(in);\n}\nconst int *bw_two(int a)\n{\n}\n";
  EXPECT_EQ(external_functions(source), (std::vector<std::string>{"bw_one", "bw_two"}));
  const std::string marked = with_kernel_attributes(source);
  EXPECT_THAT(marked, HasSubstr("\nBW_KERNEL void bw_one("));
  EXPECT_THAT(marked, HasSubstr("\nBW_KERNEL const int *bw_two("));
  EXPECT_EQ(marked.size(), source.size() + 2 * std::string("BW_KERNEL ").size());
}

// ---- build systems

TEST_F(PackageTest, RunsItsGoldenVectorsUnderCtest) {
  unpack(package_of(integer_model("tiny")));
  run("cmake -S tiny -B build -DCMAKE_C_FLAGS='-Wall -Wextra -Werror' && cmake --build build");
  EXPECT_THAT(run("ctest --test-dir build"), HasSubstr("100% tests passed"));
}

TEST_F(PackageTest, ServesACMakeConsumerByAddSubdirectoryAndByFetchContent) {
  unpack(package_of(integer_model("tiny")));
  unpack(package_of(float_model("real")));
  write("main.c", main_with({"tiny", "real"}));
  write("CMakeLists.txt", R"(
cmake_minimum_required(VERSION 3.14)
project(app LANGUAGES C)
enable_testing()
add_subdirectory(tiny)
include(FetchContent)
FetchContent_Declare(real SOURCE_DIR ${CMAKE_CURRENT_SOURCE_DIR}/real)
FetchContent_MakeAvailable(real)
add_executable(app main.c)
target_link_libraries(app PRIVATE bitwright::tiny bitwright::real)
)");
  run("cmake -S . -B build && cmake --build build");
  EXPECT_EQ(run("build/app"), "tiny ok\nreal ok\n");
}

TEST_F(PackageTest, ServesAMakefileByItsFragment) {
  if (!has_tool("make")) GTEST_SKIP() << "make fragment: no make";
  unpack(package_of(integer_model("tiny")));
  unpack(package_of(float_model("real")));
  write("main.c", main_with({"tiny", "real"}));
  write("Makefile", R"(
include tiny/tiny.mk
include real/real.mk
app: main.c $(TINY_SOURCES) $(REAL_SOURCES)
	$(CC) $(TINY_CPPFLAGS) $(REAL_CPPFLAGS) $(TINY_CFLAGS) -o $@ $^
)");
  run("make app");
  EXPECT_EQ(run("./app"), "tiny ok\nreal ok\n");
}

TEST_F(PackageTest, FileListNamesEverySourceAndHeader) {
  const Package package = package_of(integer_model("tiny"));
  std::vector<std::string> expected;
  for (const auto& [path, text] : package.files)
    if (path.starts_with("src/")) expected.push_back(path);
  EXPECT_THAT(lines_of(package.files.at("files.txt")), ::testing::UnorderedElementsAreArray(expected));
}

// KEY=VALUE a line.
std::map<std::string, std::string> properties_of(const std::string& text) {
  std::map<std::string, std::string> properties;
  for (const std::string& line : lines_of(text)) {
    const size_t equals = line.find('=');
    EXPECT_NE(equals, std::string::npos) << line;
    properties[line.substr(0, equals)] = line.substr(equals + 1);
  }
  return properties;
}

constexpr char kArduinoStub[] = R"(#pragma once
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
struct SerialPort {
  void begin(unsigned long) {}
  void print(const char *text) { printf("%s", text); }
  void print(long number) { printf("%ld", number); }
  void print(unsigned long number) { printf("%lu", number); }
  void print(unsigned int number) { printf("%u", number); }
  void print(int number) { printf("%d", number); }
  void print(double number) { printf("%g", number); }
  template <class T> void println(T value) { print(value); printf("\n"); }
};
static SerialPort Serial;
static inline unsigned long micros() { return 0; }
static inline void delay(unsigned long) { exit(0); }
)";

// As the builder does: C files of src/ and the sketch, which becomes C++ behind an include of Arduino.h.
TEST_F(PackageTest, ServesAnArduinoSketch) {
  for (const Package& package : {package_of(integer_model("tiny")), package_of(packed_model("narrow"))}) {
    const std::string& name = package.name;
    unpack(package);
    const auto properties = properties_of(package.files.at("library.properties"));
    for (const char* key : {"name", "version", "author", "maintainer", "sentence", "paragraph", "category", "url",
                            "architectures", "includes"})
      EXPECT_TRUE(properties.count(key)) << key;
    EXPECT_EQ(properties.at("category"), "Data Processing");
    EXPECT_TRUE(package.files.count("src/" + properties.at("includes")));
    const std::string sketch = name + "/examples/" + name + "_demo/" + name + "_demo.ino";
    write("core/Arduino.h", kArduinoStub);
    run(fmt::format("(echo '#include <Arduino.h>'; cat {}) > sketch.cpp", sketch));
    write("main.cpp", "void setup();\nvoid loop();\nint main()\n{\n  setup();\n  for (;;) loop();\n}\n");
    run(fmt::format("rm -f *.o && cc -Os -w -std=gnu11 -ffunction-sections -fdata-sections -c -I{0}/src {0}/src/*.c",
                    name));
    run(
        fmt::format("g++ -Os -std=gnu++11 -fno-exceptions -fno-rtti -Wall -Wextra -Werror -Wl,--gc-sections -Icore "
                    "-I{}/src main.cpp sketch.cpp *.o -o sketch",
                    name));
    EXPECT_THAT(run("./sketch"), StartsWith(name + " self test: passed\n"));
  }
}

// As the library builder does: everything below srcDir, with the manifest's flags, into an archive.
TEST_F(PackageTest, ServesAPlatformIoProject) {
  const Package package = package_of(float_model("real"));
  unpack(package);
  const auto json = nlohmann::json::parse(package.files.at("library.json"));
  for (const char* key :
       {"name", "version", "description", "keywords", "license", "frameworks", "platforms", "headers"})
    EXPECT_TRUE(json.at(key).is_string()) << key;
  const std::string source = "real/" + json.at("build").at("srcDir").get<std::string>();
  const std::string include = "real/" + json.at("build").at("includeDir").get<std::string>();
  EXPECT_TRUE(fs::exists(path() + "/" + include + "/" + json.at("headers").get<std::string>()));
  std::string flags;
  for (const auto& flag : json.at("build").at("flags")) flags += " " + flag.get<std::string>();
  write("main.c", main_with({"real"}));
  run("mkdir o && cd o && cc -Os -std=gnu99" + flags + " -c ../" + source + "/*.c -I../" + include);
  run("ar rcs libreal.a o/*.o && cc -I" + include + " main.c libreal.a -o main");
  EXPECT_EQ(run("./main"), "real ok\n");
}

// What zephyr_library and its companions do, and an application that links the libraries whole, as Zephyr does.
constexpr char kZephyrStub[] = R"(
cmake_minimum_required(VERSION 3.20)
project(zephyr_stub LANGUAGES C)
add_library(zephyr_interface INTERFACE)
macro(zephyr_library_named name)
  set(ZEPHYR_CURRENT_LIBRARY ${name})
  add_library(${name} STATIC)
  target_link_libraries(${name} PUBLIC zephyr_interface)
  set_property(GLOBAL APPEND PROPERTY ZEPHYR_LIBS ${name})
endmacro()
function(zephyr_library_sources)
  target_sources(${ZEPHYR_CURRENT_LIBRARY} PRIVATE ${ARGN})
endfunction()
function(zephyr_include_directories)
  target_include_directories(zephyr_interface INTERFACE ${ARGN})
endfunction()
function(zephyr_library_compile_options)
  target_compile_options(${ZEPHYR_CURRENT_LIBRARY} PRIVATE ${ARGN})
endfunction()
set(CONFIG_BITWRIGHT_TINY y)
set(CONFIG_BITWRIGHT_REAL y)
foreach(module tiny real off)
  add_subdirectory(${${module}_MODULE} ${module}_build)
endforeach()
get_property(libraries GLOBAL PROPERTY ZEPHYR_LIBS)
add_executable(app main.c)
target_link_libraries(app PRIVATE -Wl,--whole-archive ${libraries} -Wl,--no-whole-archive zephyr_interface)
)";

TEST_F(PackageTest, ServesAZephyrApplicationAsAModule) {
  std::string modules;
  for (const Package& package :
       {package_of(integer_model("tiny")), package_of(float_model("real")), package_of(integer_model("off"))}) {
    unpack(package);
    const std::string name = package.name;
    const YAML::Node module = YAML::Load(package.files.at("zephyr/module.yml"));
    EXPECT_EQ(module["name"].as<std::string>(), "bitwright_" + name);
    const std::string cmake = module["build"]["cmake"].as<std::string>();
    EXPECT_TRUE(package.files.count(cmake + "/CMakeLists.txt"));
    const std::string kconfig = package.files.at(module["build"]["kconfig"].as<std::string>());
    EXPECT_THAT(kconfig, HasSubstr("\nconfig BITWRIGHT_" + upper(name) + "\n\tbool \""));
    modules += fmt::format(" -D{0}_MODULE={1}/{0}/{2}", name, path(), cmake);
  }
  write("app/main.c", main_with({"tiny", "real"}));
  write("app/CMakeLists.txt", kZephyrStub);
  run("cmake -S app -B build" + modules + " && cmake --build build");
  EXPECT_EQ(run("build/app"), "tiny ok\nreal ok\n");
  EXPECT_EQ(run("find build -name 'libbitwright_off*'"), "");  // not chosen
}

// The elements of a document with their attributes, in order; fails the test where tags do not nest.
struct XmlElement {
  std::string tag, text;
  std::map<std::string, std::string> attributes;
};

std::map<std::string, std::string> attributes_of(std::string_view tag) {
  std::map<std::string, std::string> attributes;
  for (size_t at = tag.find(' '); at != std::string::npos; at = tag.find(' ', at)) {
    const size_t equals = tag.find('=', ++at);
    const size_t end = equals == std::string::npos ? equals : tag.find('"', equals + 2);
    if (end == std::string::npos || tag[equals + 1] != '"') break;
    attributes[std::string(tag.substr(at, equals - at))] = tag.substr(equals + 2, end - equals - 2);
    at = end;
  }
  return attributes;
}

std::vector<XmlElement> parse_xml(const std::string& text) {
  std::vector<XmlElement> elements;
  std::vector<std::string> open;
  for (size_t at = text.find('<'); at != std::string::npos; at = text.find('<', at)) {
    const size_t end = text.find('>', at);
    EXPECT_NE(end, std::string::npos);
    const std::string_view tag = std::string_view(text).substr(at + 1, end - at - 1);
    at = end;
    if (tag.starts_with("?")) continue;
    if (tag.starts_with("/")) {
      EXPECT_FALSE(open.empty());
      if (open.empty()) break;
      EXPECT_EQ(open.back(), tag.substr(1));
      open.pop_back();
      continue;
    }
    const std::string name(tag.substr(0, tag.find_first_of(" /")));
    elements.push_back({name, text.substr(end + 1, text.find('<', end) - end - 1), attributes_of(tag)});
    if (!tag.ends_with("/")) open.push_back(name);
  }
  EXPECT_TRUE(open.empty());
  return elements;
}

TEST_F(PackageTest, PackDescriptionNamesEverySourceOfAComponent) {
  PackageOptions options;
  options.provenance.origin = "study <a> & \"b\"";
  options.label = {"2.1.0", "Acme", "A. Uthor", "https://example.org/?a=1&b=2"};
  const Package package = package_of(integer_model("tiny"), options);
  const std::string text = package.files.at("Acme.tiny.pdsc");
  std::map<std::string, std::string> values;
  std::vector<std::string> sources;
  for (const XmlElement& e : parse_xml(text)) {
    values[e.tag] = e.text;
    if (e.tag == "component") {
      EXPECT_EQ(e.attributes.at("Cclass"), "Machine Learning");
      EXPECT_EQ(e.attributes.at("Csub"), "tiny");
      EXPECT_EQ(e.attributes.at("Cversion"), "2.1.0");
    }
    if (e.tag == "release") {
      EXPECT_EQ(e.attributes.at("version"), "2.1.0");
      EXPECT_EQ(e.attributes.count("date"), 0u);
    }
    if (e.tag != "file") continue;
    const std::string& file = e.attributes.at("name");
    if (e.attributes.at("category") == "source") sources.push_back(file);
    if (e.attributes.at("category") != "include") {
      EXPECT_TRUE(package.files.count(file)) << file;
    }
  }
  EXPECT_EQ(values.at("vendor"), "Acme");
  EXPECT_EQ(values.at("name"), "tiny");
  EXPECT_EQ(sources, c_files(package));
  if (!has_tool("xmllint")) return;
  unpack(package);
  run("xmllint --noout tiny/Acme.tiny.pdsc");
}

TEST(Package, NamesEveryFileThatItsMetadataNeed) {
  const Package package = package_of(integer_model("tiny"));
  for (const char* path : {"src/tiny.h",
                           "src/tiny.c",
                           "src/tiny_selftest.c",
                           "src/tiny_info.c",
                           "src/tiny_float.h",
                           "src/tiny_float.c",
                           "src/bw_config.h",
                           "golden/inputs.bin",
                           "golden/outputs.bin",
                           "test/golden_test.c",
                           "CMakeLists.txt",
                           "library.properties",
                           "library.json",
                           "zephyr/module.yml",
                           "zephyr/CMakeLists.txt",
                           "zephyr/Kconfig",
                           "Bitwright.tiny.pdsc",
                           "tiny.mk",
                           "files.txt",
                           "examples/tiny_demo/tiny_demo.ino",
                           "extras/profile_dwt.h",
                           "README.md",
                           "report.txt",
                           "report.json",
                           "LICENSE"})
    EXPECT_EQ(package.files.count(path), 1u) << path;
  for (const auto& [path, text] : package.files) {
    EXPECT_EQ(text.find("@name@"), std::string::npos) << path;
    EXPECT_EQ(text.find("@NAME@"), std::string::npos) << path;
  }
  for (const std::string& file : c_files(package)) {
    EXPECT_THAT(package.files.at("CMakeLists.txt"), HasSubstr("\n  " + file)) << file;
    EXPECT_THAT(package.files.at("zephyr/CMakeLists.txt"), HasSubstr("    ../" + file)) << file;
  }
}

TEST(Package, IsTheSameBytesForTheSameModel) {
  EXPECT_EQ(package_of(integer_model("tiny")).files, package_of(integer_model("tiny")).files);
}

// ---- reports

TEST(Report, AddsUpTheLayers) {
  const Program program = lower(integer_model("tiny"));
  const auto json = nlohmann::json::parse(report_json(program, {}));
  int64_t params = 0, macc = 0, rom = 0;
  for (const auto& layer : json.at("layers")) {
    params += layer.at("n_params").get<int64_t>();
    macc += layer.at("macc").get<int64_t>();
    rom += layer.at("rom_size").get<int64_t>();
  }
  EXPECT_EQ(params, 48 + 16 + 512 + 4);  // weights, batch norm; weights, bias
  EXPECT_EQ(json.at("params"), params);
  EXPECT_EQ(macc, 768 + 512);
  EXPECT_EQ(json.at("macc"), macc);
  EXPECT_EQ(json.at("weights_ro_bytes"), rom);
  EXPECT_EQ(json.at("activations_rw_bytes"), program.plan.arena_bytes);
  EXPECT_EQ(json.at("op_types"), (nlohmann::json{{"smult_8_8", 512}, {"smux_1_8", 768}}));
  EXPECT_EQ(json.at("layers")[2].at("connected_to"), "flat");
  EXPECT_FALSE(json.contains("estimated_cycles"));
}

TEST(Report, SpeaksTheWordsOfXCubeAi) {
  PackageOptions options;
  options.estimates = Estimates{.code_bytes = 1234567, .stack_bytes = 100, .instructions = 5e6, .cycles = 7e6};
  options.validation_accuracy = 0.9876;
  const std::string text = report_text(lower(integer_model("tiny")), options);
  for (const char* words :
       {"params #           :   580 items\n", "macc               :   1,280\n",
        "weights (ro)       :   ", "activations (rw)   :   ", "ram (total)        :   ",
        "input 1/1          :   'input', int8(1x16x1x2), 32 Bytes, QLinear(",
        "output 1/1         :   'out', int32(1x1x1x4), 16 Bytes, ", "m_id  layer (type)", "0     conv (conv)",
        "[b:1,h:16,w:1,c:8]", "1,234,567 B", "7,000,000 cycles", "98.76 % on the validation set"})
    EXPECT_THAT(text, HasSubstr(words));
}

// Three steps; what is alive at each fills its part of the row.
TEST(Report, MapsTheArenaOverTime) {
  const Program program = lower(integer_model("tiny"));
  const auto lines = lines_of(memory_map(program));
  ASSERT_GE(lines.size(), 4u);
  EXPECT_THAT(lines[0], StartsWith("step  layer"));
  for (size_t step = 0; step < 3; ++step) {
    EXPECT_THAT(lines[1 + step], StartsWith(std::to_string(step)));
    const std::string bar = lines[1 + step].substr(lines[1 + step].find_last_of(' ') + 1);
    EXPECT_EQ(bar.find('a') != std::string::npos, step == 0) << bar;  // the input
  }
}

// The tensor that a region of a report holds; -1: none.
int tensor_of(const Network& network, const std::string& region) {
  for (size_t i = 0; i < network.layers.size(); ++i)
    if (network.layers[i].name == region) return static_cast<int>(i) + 1;
  return region == "input" ? 0 : -1;
}

bool may_overlap(const Program& program, const nlohmann::json& lower, const nlohmann::json& upper) {
  if (program.stream) return false;
  const Network& network = program.model.network;
  for (const Overlap& o : layer_overlaps(network, tensor_lifetimes(network), program.kernels))
    if (o.lower == tensor_of(network, lower.at("name")) && o.upper == tensor_of(network, upper.at("name")))
      return lower.at("offset").get<int64_t>() + o.lead <= upper.at("offset").get<int64_t>();
  return false;
}

// No two regions that are alive at one step share a byte, unless one is the output of that step and starts far enough
// before its input; none reaches beyond the arena.
TEST(Report, ItsMemoryRegionsDoNotOverlap) {
  std::vector<Program> programs = {stream_program("flow")};
  for (uint64_t seed = 0; seed < 30; ++seed)
    programs.push_back(testing::lowered(testing::random_model(testing::random_network(seed), seed)));
  for (const Program& program : programs) {
    const auto memory = nlohmann::json::parse(report_json(program, {})).at("memory");
    const auto& regions = memory.at("regions");
    for (size_t a = 0; a < regions.size(); ++a)
      for (size_t b = 0; b < regions.size(); ++b) {
        const int64_t begin = regions[a].at("offset"), end = begin + regions[a].at("bytes").get<int64_t>();
        EXPECT_LE(end, memory.at("arena_bytes").get<int64_t>());
        const bool at_once = regions[a].at("first_step") <= regions[b].at("last_step") &&
                             regions[b].at("first_step") <= regions[a].at("last_step");
        if (a == b || !at_once || may_overlap(program, regions[a], regions[b]) ||
            may_overlap(program, regions[b], regions[a]))
          continue;
        const int64_t other = regions[b].at("offset");
        EXPECT_FALSE(other >= begin && other < end) << program.model.network.name << " " << memory.dump(1);
      }
  }
}

}  // namespace
}  // namespace bitwright
