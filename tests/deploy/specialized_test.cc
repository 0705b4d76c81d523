// Packages whose kernels are compiled for their layers: what they hold, take and promise.
// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "core/io/network_yaml.h"
#include "deploy/emit.h"
#include "deploy/emit_specialized.h"
#include "deploy/verify.h"
#include "tests/core/networks.h"
#include "tests/support/compiled_packages.h"
#include "tests/support/random_network.h"

namespace bitwright {
namespace {

using ::testing::Contains;
using testing::dense;
using ::testing::HasSubstr;
using ::testing::Key;
using ::testing::Not;
using testing::plain;
using testing::random_input;
using testing::random_model;
using testing::run_command;
using testing::TemporaryFolder;

Package specialized_package(const Program& program, int layers) {
  std::vector<std::vector<int16_t>> inputs;
  for (uint64_t i = 0; i < 3; ++i) inputs.push_back(random_input(program.model.network, i));
  return emit_c(program, golden_vectors(program.model, inputs), {.specialize = layers});
}

// Two layers share a kernel, the others have theirs to themselves.
Network network_of_two_kernels(const std::string& name) {
  Network n{name, {8, 1, 4}, Format::kInt8, {}};
  append(n, plain("flat", Flatten{}));
  append(n, dense("wide", 16, Format::kInt8, Format::kInt8));
  append(n, dense("deep", 8, Format::kInt8, Format::kInt8));
  append(n, dense("head", 3, Format::kBinary, Format::kAccumulator));
  return n;
}

TEST(Specialized, KernelsOfAtMostSoManyLayersAreCompiledForThem) {
  const Program program = lower(random_model(network_of_two_kernels("net"), 1));
  EXPECT_EQ(specialized_layers(program, 0), std::set<int>{});
  EXPECT_EQ(specialized_layers(program, 1), std::set<int>{3});
  EXPECT_EQ(specialized_layers(program, 2), (std::set<int>{1, 2, 3}));
}

TEST(Specialized, PackageHoldsAKernelOnceAsSourceOrToInclude) {
  const Program program = lower(random_model(network_of_two_kernels("net"), 1));
  const auto& files = specialized_package(program, 1).files;
  EXPECT_THAT(files, Contains(Key("src/net_head_conv2d_a8w1.c")));
  EXPECT_THAT(files, Contains(Key("src/bw_conv2d_a8w1_inline.h")));
  EXPECT_THAT(files, Not(Contains(Key("src/bw_conv2d_a8w1.c"))));
  EXPECT_THAT(files, Contains(Key("src/bw_dense_a16w8.c")));
  EXPECT_THAT(files, Not(Contains(Key("src/bw_dense_a16w8_inline.h"))));
}

TEST(Specialized, ReportsSayThatEstimatesAreOfSharedKernels) {
  const Program program = lower(random_model(network_of_two_kernels("net"), 1));
  const auto& files = specialized_package(program, 1).files;
  EXPECT_TRUE(nlohmann::json::parse(files.at("report.json")).at("specialized").get<bool>());
  EXPECT_THAT(files.at("report.txt"), HasSubstr("shared kernels, bitwright verify measures these"));
}

// Of two models in one image, each has the kernels that are compiled for it, and both the shared ones.
TEST(Specialized, TwoModelsLinkIntoOneImage) {
  const TemporaryFolder folder;
  for (const char* name : {"one", "two"})
    write_package(specialized_package(lower(random_model(network_of_two_kernels(name), 1)), 1), folder.path());
  const auto built = run_command("cd " + folder.path() + " && cc " + testing::kStrictFlags +
                                 " -Isrc src/*.c test/golden_test.c -o golden_test && ./golden_test golden/*puts.bin");
  EXPECT_EQ(built.output, "vectors 3\ndifferent 0\nstack 0\n");
}

// The kernels that a Cortex-M4 takes where RAM is short.
Program published_network(Execution execution) {
  const Network network = load_network(BITWRIGHT_SOURCE_DIR "/configs/networks/bearing_golden.yaml");
  Kernels kernels = default_kernels(network);
  for (size_t i = 0; i < kernels.size(); ++i)
    for (const std::string& kernel : kernels_for(network, static_cast<int>(i)))
      if (is_sliced(kernel) || is_few(kernel)) kernels[i] = kernel;
  return lower(random_model(network, 1), kernels, execution);
}

TargetReport verified(const Program& program, int layers) {
  const TemporaryFolder folder;
  write_package(specialized_package(program, layers), folder.path());
  const VerifyReport report = verify(folder.path(), {.targets = {"cortex-m4"}, .skip_missing = true});
  EXPECT_TRUE(report.keeps_promises());
  return report.targets.front();
}

// Kernels, schedule and interface; 10.6 KB with shared kernels.
TEST(Specialized, PublishedNetworkTakesLittleCode) {
  const TargetReport stream = verified(published_network(Execution::kStream), 2);
  if (!stream.skipped.empty()) GTEST_SKIP() << stream.skipped;
  EXPECT_TRUE(stream.bit_exact) << stream.failure;
  EXPECT_LE(stream.code_bytes, 3300);
  const TargetReport layers = verified(published_network(Execution::kLayers), 2);
  EXPECT_TRUE(layers.bit_exact) << layers.failure;
  EXPECT_LE(layers.code_bytes, 2600);
}

TEST(Specialized, TakesWeightsInRam) {
  Program program = published_network(Execution::kStream);
  program.placement = place_constants(program, {.wait_states = 5}, 8192);
  ASSERT_GT(program.placement.bytes(), 0);
  const TargetReport report = verified(program, 2);
  if (!report.skipped.empty()) GTEST_SKIP() << report.skipped;
  EXPECT_TRUE(report.bit_exact) << report.failure;
  EXPECT_EQ(report.data_bytes, program.placement.bytes());
}

}  // namespace
}  // namespace bitwright
