// Exact text of the emitter's pieces.
// SPDX-License-Identifier: Apache-2.0
#include "deploy/emit.h"

#include <gtest/gtest.h>

#include "core/error.h"
#include "core/kernel.h"
#include "deploy/emit_source.h"
#include "tests/support/compiled_packages.h"

namespace bitwright {
namespace {

// Binary input of 6 samples, binary convolution of 3 taps to 2 channels, pooled by 2, sign; flatten; dense to 2.
QuantizedModel small_model() {
  Network network{"tiny", {6, 1, 1}, Format::kBinary, {}};
  append(network, {.name = "conv1",
                   .op = Conv2d{2, {3, 1, 1, 1}, Padding::kPlusOne},
                   .weights = Format::kBinary,
                   .pool = Window{2, 1, 2, 1},
                   .batch_norm = true,
                   .activations = Format::kBinary});
  append(network, {.name = "flat", .op = Flatten{}});
  append(network, {.name = "out", .op = Dense{2}, .weights = Format::kTernary, .bias = true});
  QuantizedModel model{network, 0.5, std::vector<QuantizedLayer>(3)};
  model.layers[0].weights = {1, -1, 1, -1, -1, 1};
  model.layers[0].thresholds = {1, INT32_MAX};
  model.layers[0].descending = {0, 1};
  model.layers[2].weights = {1, 0, -1, 0, 1, 1, -1, -1, 0, 0, 1, 1};
  model.layers[2].bias = {5, -7};
  return model;
}

TEST(EmitC, LiteralsReadBackAsTheSameValue) {
  EXPECT_EQ(literal(0xdeadbeef, "uint32_t"), "0xdeadbeefu");
  EXPECT_EQ(literal(-5, "int16_t"), "-5");
  EXPECT_EQ(literal(62, "uint8_t"), "62u");
  EXPECT_EQ(literal(0x3f800000, "float"), "1.0f");
  EXPECT_EQ(literal(0x3dcccccd, "float"), "0.1f");
  EXPECT_EQ(literal(0xc1200000, "float"), "-10.0f");
}

TEST(EmitC, ArraysBreakAtColumn110) {
  const Constant c{"weights", "uint32_t", std::vector<int64_t>(10, 1)};
  EXPECT_EQ(
      emit_array("a_weights", c),
      "static const uint32_t a_weights[10] = {\n"
      "    0x00000001u, 0x00000001u, 0x00000001u, 0x00000001u, 0x00000001u, 0x00000001u, 0x00000001u, 0x00000001u,\n"
      "    0x00000001u, 0x00000001u\n};\n");
}

TEST(EmitC, ALayerIsItsTablesAndDescriptors) {
  const Program program = lower(small_model());
  EXPECT_EQ(emit_layer_comment(program, program.ops[0]),
            "/* conv1: conv 3x1, border of +1, max-pool 2x1 stride 2x1; 6x1x1 binary -> 3x1x2 binary.\n"
            " * binary weights [out][row][column][in], rows of whole words, in the order of bw_accumulate_bits.h.\n"
            " * Output: a code of binary: how many of the channel's thresholds are reached. 36 MACs, 88 bytes of "
            "constants. */\n");
  EXPECT_EQ(
      emit_layer(program, program.ops[0]),
      "BW_WEIGHTS static const uint32_t conv1_weights[2] = {\n    0x00000005u, 0x00000004u\n};\n"
      "BW_WEIGHTS static const int16_t conv1_threshold[2] = {\n    1, 4\n};\n"  // INT32_MAX acts as bound + 1
      "BW_WEIGHTS static const uint32_t conv1_descending[1] = {\n    0x00000002u\n};\n"
      "BW_STATIC_ASSERT(conv1_weights_size, sizeof conv1_weights == 8);\n"
      "static const bw_layer conv1_layer = {\n"
      "    .in_c = 1, .out_c = 2, .in_h = 1, .in_w = 6, .kernel_h = 1, .kernel_w = 3, .stride_h = 1, .stride_w = 1,\n"
      "    .pad_left = 1, .pool_h = 1, .pool_w = 2, .pool_stride_h = 1, .pool_stride_w = 2, .out_h = 1, .out_w = 3,\n"
      "    .in_bits = 1, .weight_bits = 1, .pad_code = 1, .weights = conv1_weights\n};\n"
      "static const bw_epilogue conv1_epilogue = {\n"
      "    .kind = 1, .bits = 1, .levels = 1, .low = 0, .high = 1, .narrow = conv1_threshold,\n"
      "    .extra = conv1_descending\n"
      "};\n");
}

// The output lies over the input, which is read before the first word is complete. The convolution works in five words:
// sums before and after pooling, and a window.
TEST(EmitC, ACallNamesKernelDescriptorsAndArenaWords) {
  const Program program = lower(small_model());
  EXPECT_EQ(emit_call(program, program.ops[0]),
            "    bw_conv2d_a1w1(&conv1_layer, &conv1_epilogue, &arena[0], &arena[0], &arena[1]);\n");
  EXPECT_EQ(emit_call(program, program.ops[1]), "");
}

TEST(EmitC, PackageHoldsItsKernelsAndNoOthers) {
  const QuantizedModel model = small_model();
  const Package package =
      emit_c(lower(model), golden_vectors(model, std::vector<std::vector<int16_t>>{{1, 1, 1, -1, -1, 1}}));
  EXPECT_EQ(package.files.count("src/bw_conv2d_a1w1.c"), 1u);
  EXPECT_EQ(package.files.count("src/bw_conv2d_a1wt.c"), 1u);
  EXPECT_EQ(package.files.count("src/bw_conv2d_axwx.c"), 0u);
  EXPECT_EQ(package.files.count("src/bw_float.h"), 0u);
  for (const char* path : {"src/tiny.h", "src/tiny.c", "src/tiny_selftest.c", "golden/inputs.bin", "golden/outputs.bin",
                           "test/golden_test.c", "CMakeLists.txt", "README.md", "report.txt", "LICENSE"})
    EXPECT_EQ(package.files.count(path), 1u) << path;
}

TEST(EmitC, ProvenanceCannotLeaveItsComment) {
  const QuantizedModel model = small_model();
  const GoldenVectors golden = golden_vectors(model, std::vector<std::vector<int16_t>>{{1, 1, 1, -1, -1, 1}});
  const Package package = emit_c(lower(model), golden, {.provenance = {"bitwright 0.1.0", "study a*/\nint x;"}});
  EXPECT_EQ(package.files.at("src/tiny.c").rfind("/* tiny.c, generated by bitwright 0.1.0: study a / int x;.\n", 0),
            0u);
}

TEST(Lower, RejectsABiasThatTheNetworkDoesNotHave) {
  QuantizedModel model = small_model();
  model.network.layers[2].bias = false;
  EXPECT_THROW(lower(model), StructureError);
}

TEST(Lower, SignatureChangesWithEveryPart) {
  QuantizedModel model = small_model();
  const std::string before = model_signature(model);
  EXPECT_EQ(before.size(), 64u);
  model.layers[2].bias[1] += 1;
  EXPECT_NE(model_signature(model), before);
}

TEST(Kernel, DimensionsThatTheDescriptorCannotHoldHaveNoKernel) {
  Network network{"net", {70000, 1, 1}, Format::kInt8, {}};
  append(network, {.name = "pool", .op = GlobalAvgPool{}});
  EXPECT_THROW(kernel_of(network, 0), StructureError);
}

TEST(Kernel, RuntimeFilesExist) {
  for (const std::string& file : runtime_files(testing::lowered(small_model()).kernels))
    EXPECT_EQ(testing::package_of(small_model()).files.count("src/" + file), 1u) << file;
}

}  // namespace
}  // namespace bitwright
