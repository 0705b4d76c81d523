// SPDX-License-Identifier: Apache-2.0
#include "core/io/network_yaml.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/embedded.h"
#include "core/error.h"
#include "tests/io/temp_folder.h"

namespace bitwright {
namespace {

Network golden(const std::string& name) {
  const std::string path = "configs/networks/" + name + ".yaml";
  return network_from_yaml(std::string(*embedded_file(path)), path);
}

std::vector<int64_t> macs_of(const Network& network) {
  std::vector<int64_t> all;
  const auto shapes = infer_shapes(network);
  for (size_t i = 0; i < shapes.size(); ++i)
    if (has_weights(network.layers[i].op)) all.push_back(macs(network.layers[i], shapes[i]));
  return all;
}

// docs: the bearing network prints smult_8_8 95360 (conv0), sfmult_1_32 305152 (dense0, whose input QKeras takes for a
// float), sxor_1_1 3204096 (the rest of the binary layers); flatten gives 4768.
TEST(GoldenNetworks, BearingHasItsPublishedOperations) {
  const Network network = golden("bearing_golden");
  EXPECT_EQ(macs_of(network), (std::vector<int64_t>{95360, 3204096 - 149 * 32 * 32, 149 * 32 * 32, 305152, 576}));
  EXPECT_EQ(infer_shapes(network)[3].output, (Shape{1, 1, 4768}));
  EXPECT_EQ(network.layers[1].pool, (Window{4, 1, 4, 1}));
}

// docs: smult_8_8 276768 (conv0), sxor_1_1 7831008 (conv1 and dense0).
TEST(GoldenNetworks, ApplianceHasItsPublishedOperations) {
  const std::vector<int64_t> all = macs_of(golden("appliance_golden"));
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0], 276768);
  EXPECT_EQ(all[1] + all[2], 7831008);
}

const std::string kEveryOp = R"(name: every_op
input: {shape: [32, 16, 2], format: uint8}
layers:
  - {name: stem, op: conv, channels: 8, kernel: [5, 3], stride: [2, 1], padding: zero, weights: int4, batch_norm: true, activation: uint4, range_log2: 2}
  - {name: dw, op: depthwise, kernel: 3, padding: zero, weights: int8, bias: true, activation: int8}
  - {name: pw, op: conv, channels: 8, kernel: 1, weights: ternary, pool: {size: 2, stride: 1}, activation: int8, range_log2: -1}
  - {name: side, op: avg_pool, from: dw, size: 2, stride: 1, activation: int8}
  - {name: sum, op: add, from: pw, with: side, activation: uint4}
  - {name: pool, op: max_pool, size: [3, 2], stride: 2}
  - {name: up, op: upsample, size: [2, 3]}
  - {name: up_again, op: upsample, size: 2}
  - {name: global, op: global_avg_pool, activation: int8}
  - {name: spread, op: global_log_variance, from: up, batch_norm: true, activation: int8, range_log2: 2}
  - {name: flat, op: flatten}
  - {name: out, op: dense, units: 3, weights: float32, bias: true, activation: float32, relu: true}
)";

TEST(NetworkYaml, RoundTripsEveryOperatorAndField) {
  for (const Network& network :
       {network_from_yaml(kEveryOp, "n.yaml"), golden("bearing_golden"), golden("appliance_golden")})
    EXPECT_EQ(network_from_yaml(network_to_yaml(network), "again"), network);
}

TEST(NetworkYaml, AScalarIsAColumnForSignalsAndASquareForImages) {
  const auto kernel = [](const std::string& shape) {
    const Network network =
        network_from_yaml("name: n\ninput: {shape: " + shape + ", format: int8}\nlayers:\n" +
                              "  - {name: c, op: conv, channels: 1, kernel: 3, stride: 2, weights: int8}\n",
                          "n.yaml");
    return std::get<Conv2d>(network.layers[0].op).kernel;
  };
  EXPECT_EQ(kernel("[9, 1, 1]"), (Window{3, 1, 2, 1}));
  EXPECT_EQ(kernel("[9, 9, 1]"), (Window{3, 3, 2, 2}));
}

std::string error_in(const std::string& layers) {
  return error_of<ConfigError>(
      [&] { network_from_yaml("name: n\ninput: {shape: [8, 1, 1], format: int8}\nlayers:\n" + layers, "n.yaml"); });
}

TEST(NetworkYaml, ReportsAShapeThatDoesNotCloseAtItsLayer) {
  EXPECT_EQ(error_in("  - {name: c, op: conv, channels: 2, kernel: 9, weights: int8}\n"),
            "n.yaml:4:5: layers[0]: layer c: a window of 9x1 does not fit into its input of 8x1x1");
  EXPECT_EQ(error_in("  - {name: f, op: flatten}\n  - {name: f, op: dense, units: 2, weights: int8}\n"),
            "n.yaml:5:5: layers[1]: layer f: the name is used twice");
}

TEST(NetworkYaml, AnAddCannotReadTheInputWhoseScaleIsTheDatas) {
  const std::string rule = "layer s: add cannot read the network's input, whose scale is the data's: no power of two";
  const std::string c = "  - {name: c, op: conv, channels: 1, kernel: 1, weights: int8, activation: int8}\n";
  EXPECT_EQ(error_in(c + "  - {name: s, op: add, with: input, activation: int8}\n"), "n.yaml:5:5: layers[1]: " + rule);
  EXPECT_EQ(error_in(c + "  - {name: s, op: add, from: input, with: c, activation: int8}\n"),
            "n.yaml:5:5: layers[1]: " + rule);
}

TEST(NetworkYaml, NoLayerHasTheNameOfTheInput) {
  EXPECT_EQ(error_in("  - {name: input, op: flatten}\n"),
            "n.yaml:4:6: layers[0].name = input: another name: `input` is what the network reads");
}

TEST(NetworkYaml, ReportsAMapThatNoKernelTakesAtItsLayer) {
  const std::string text =
      "name: n\ninput: {shape: [100000, 1, 8], format: int8}\nlayers:\n"
      "  - {name: a, op: conv, channels: 2, kernel: 3, weights: int8}\n";
  EXPECT_EQ(error_of<ConfigError>([&] { network_from_yaml(text, "n.yaml"); }),
            "n.yaml:4:5: layers[0]: layer a: no kernel for a height, width, window or stride over 65535");
}

// The package of `int8` would have to define int8_t.
TEST(NetworkYaml, RefusesANameWhoseTypeCHas) {
  for (const char* name : {"int8", "uint_fast16", "size", "float"})
    EXPECT_EQ(error_of<ConfigError>([&] {
                network_from_yaml(fmt::format("name: {}\ninput: {{shape: [8, 1, 1], format: int8}}\n"
                                              "layers: [{{name: f, op: flatten}}]\n",
                                              name),
                                  "n.yaml");
              }),
              fmt::format("n.yaml:1:1: name = {0}: another name: the C package's type {0}_t is one of C's own", name));
}

TEST(NetworkYaml, ReportsEveryWrongFieldAtOnce) {
  EXPECT_EQ(error_in("  - {name: c, op: conv, chanels: 2, kernel: [1, 2, 3], weights: int9}\n"
                     "  - {name: d, op: dens, units: 2}\n"
                     "  - {name: e, op: add, with: cc}\n"),
            "n.yaml:4:5: layers[0]: missing key \"channels\"\n"
            "n.yaml:4:25: layers[0].chanels: unknown key, did you mean \"channels\"?\n"
            "n.yaml:4:37: layers[0].kernel = [1, 2, 3]: n or [height, width]\n"
            "n.yaml:4:56: layers[0].weights = int9: one of binary, ternary, int2, int3, int4, int5, int6, int7, int8, "
            "uint2, uint3, uint4, uint5, uint6, uint7, uint8, int16, int32, float32, none, did you mean \"int2\"?\n"
            "n.yaml:5:15: layers[1].op = dens: one of conv, depthwise, dense, max_pool, avg_pool, global_avg_pool, "
            "flatten, add, upsample, global_log_variance, did you mean \"dense\"?\n"
            "n.yaml:6:24: layers[2].with = cc: no layer before this one has the name, did you mean \"c\"?");
}

// Shapes were once inferred through both sides of every add: 2^200 steps.
TEST(NetworkYaml, ReadsALongResidualChainAtOnce) {
  std::string text =
      "name: n\ninput: {shape: [8, 1, 2], format: int8}\nlayers:\n"
      "  - {name: l0, op: conv, channels: 2, kernel: 1, weights: int4, activation: int4}\n";
  for (int i = 1; i <= 200; ++i)
    text += fmt::format("  - {{name: l{}, op: add, with: l{}, activation: int4}}\n", i, i - 1);
  EXPECT_EQ(network_from_yaml(text, "n.yaml").layers.size(), 201u);
}

TEST(NetworkYaml, UpsamplesASignalAlongTimeAndAnImageAlongBothSides) {
  const auto size = [](const std::string& shape) {
    const std::string input = "name: n\ninput: {shape: " + shape + ", format: int8}\nlayers:\n";
    return network_from_yaml(input + "  - {name: u, op: upsample, size: 4}\n", "n.yaml").layers[0].op;
  };
  EXPECT_EQ(size("[9, 1, 1]"), Op(Upsample2d{4, 1}));
  EXPECT_EQ(size("[9, 9, 1]"), Op(Upsample2d{4, 4}));
}

TEST(NetworkYaml, ReportsAnUpsamplingOutOfRangeAtItsSize) {
  EXPECT_EQ(error_in("  - {name: u, op: upsample, size: 65}\n"), "n.yaml:4:29: layers[0].size = 65: in 1..64");
  EXPECT_EQ(error_in("  - {name: u, op: upsample}\n"), "n.yaml:4:5: layers[0]: missing key \"size\"");
  EXPECT_EQ(error_in("  - {name: u, op: upsample, size: 2, stride: 2}\n"),
            "n.yaml:4:38: layers[0].stride: unknown key");
}

TEST(NetworkYaml, RefusesAFieldThatItsOperatorDoesNotHave) {
  EXPECT_EQ(error_in("  - {name: f, op: flatten, units: 3}\n"), "n.yaml:4:28: layers[0].units: unknown key");
}

}  // namespace
}  // namespace bitwright
