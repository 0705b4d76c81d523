// Packages with constants in RAM, compiled and run.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "deploy/emit.h"
#include "deploy/verify.h"
#include "tests/support/compiled_packages.h"
#include "tests/support/random_network.h"

namespace bitwright {
namespace {

// Binary polynomials or bits, depthwise bytes, a dense layer: all kinds of tables.
Network network_of_tables() {
  Network network{"tables", {40, 1, 32}, Format::kBinary, {}};
  append(network, {.name = "conv",
                   .op = Conv2d{32, {5, 1, 1, 1}, Padding::kMinusOne},
                   .weights = Format::kBinary,
                   .pool = Window{2, 1, 2, 1},
                   .batch_norm = true,
                   .activations = Format::kInt8});
  append(network, {.name = "depth",
                   .op = DepthwiseConv2d{{3, 1, 1, 1}, Padding::kZero},
                   .weights = Format::kInt8,
                   .batch_norm = true,
                   .activations = Format::kTernary});
  append(network, {.name = "flat", .op = Flatten{}});
  append(network, {.name = "out", .op = Dense{10}, .weights = Format::kInt4, .bias = true});
  return network;
}

class PlacementVerify : public ::testing::Test {
 protected:
  // The package with `budget` bytes of constants in RAM.
  void write(int64_t budget) {
    const QuantizedModel model = testing::random_model(network_of_tables(), 3);
    std::vector<std::vector<int16_t>> inputs;
    for (uint64_t i = 0; i < 4; ++i) inputs.push_back(testing::random_input(model.network, i));
    Program program = lower(model);
    program.placement = place_constants(program, {.wait_states = 5}, budget);
    const Package package = emit_c(program, golden_vectors(model, inputs));
    report_ = nlohmann::json::parse(package.files.at("report.json"));
    write_package(package, folder_.path());
  }
  std::vector<TargetReport> verified(const std::vector<std::string>& targets) const {
    const VerifyReport report = verify(folder_.path(), {.targets = targets, .skip_missing = true});
    for (const TargetReport& t : report.targets)
      EXPECT_TRUE(t.bit_exact || !t.skipped.empty()) << t.target << t.failure;
    EXPECT_TRUE(report.keeps_promises());
    return report.targets;
  }

  testing::TemporaryFolder folder_;
  nlohmann::json report_;
};

TEST_F(PlacementVerify, ReportedBytesAreTheLinkersOnACore) {
  write(0);
  const TargetReport before = verified({"cortex-m4"}).at(0);
  if (!before.skipped.empty()) GTEST_SKIP() << before.skipped;
  EXPECT_EQ(before.data_bytes, 0);
  for (int64_t budget : {600, 1 << 20}) {
    write(budget);
    const TargetReport after = verified({"cortex-m4"}).at(0);
    const int64_t bytes = report_["fast_weights"]["bytes"];
    EXPECT_GT(bytes, 0);
    EXPECT_EQ(after.data_bytes, bytes);
    EXPECT_EQ(after.constant_bytes, before.constant_bytes - bytes);
    EXPECT_EQ(after.code_bytes, before.code_bytes);
  }
}

TEST_F(PlacementVerify, ClangAndTheSmallestCoreFindTheSameBytes) {
  write(1 << 20);
  const int64_t bytes = report_["fast_weights"]["bytes"];
  for (const TargetReport& t : verified({"cortex-m0plus", "cortex-m4-clang", "rv32imc"})) {
    if (!t.skipped.empty()) continue;
    EXPECT_EQ(t.data_bytes, bytes) << t.target;
  }
}

TEST_F(PlacementVerify, OutputsAreBitExactOnTheHost) {
  write(1 << 20);
  verified({"host-gcc", "host-clang"});
}

}  // namespace
}  // namespace bitwright
