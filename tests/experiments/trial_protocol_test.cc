// SPDX-License-Identifier: Apache-2.0
#include "experiments/trial_protocol.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "core/error.h"
#include "deploy/process.h"

namespace bitwright {
namespace {

Network small_network() {
  Network network{.name = "small", .input = {16, 1, 1}};
  append(network, {.name = "conv1",
                   .op = Conv2d{.out_channels = 4, .kernel = {.h = 3}},
                   .weights = Format::kBinary,
                   .batch_norm = true,
                   .activations = Format::kBinary});
  append(network, {.name = "flat", .op = Flatten{}});
  append(network, {.name = "head", .op = Dense{.units = 2}, .bias = true});
  return network;
}

TEST(TrialProtocol, ASpecRoundTrips) {
  const TrialSpec spec{
      .config_json = R"({"name":"x"})", .number = 7, .attempt = 2, .seed = UINT64_MAX, .network = small_network()};
  const TrialSpec back = parse_spec(spec_text(spec));
  EXPECT_EQ(back.config_json, spec.config_json);
  EXPECT_EQ(back.number, 7);
  EXPECT_EQ(back.attempt, 2);
  EXPECT_EQ(back.seed, UINT64_MAX);
  EXPECT_EQ(back.network, spec.network);
}

TEST(TrialProtocol, AReportOfAFailureNeedsNoModel) {
  const TrialReport back = parse_report(report_text({.number = 3, .failure = "loss is not finite at epoch 2"}));
  EXPECT_EQ(back.failure, "loss is not finite at epoch 2");
  EXPECT_FALSE(back.model);
}

TEST(TrialProtocol, AForeignFileIsRefused) {
  EXPECT_THROW(parse_spec("not json"), StoreError);
  EXPECT_THROW(parse_report(R"({"schema": 2})"), StoreError);
}

TEST(Publish, TheFirstResultIsNeverReplaced) {
  const TemporaryDirectory folder;
  EXPECT_TRUE(publish(folder.path(), "result.json", "first"));
  EXPECT_FALSE(publish(folder.path(), "result.json", "second"));
  EXPECT_EQ(read_file(folder.path() + "/result.json"), "first");
}

TEST(Publish, LeavesNoTemporaryFileBehind) {
  const TemporaryDirectory folder;
  publish(folder.path(), "result.json", "first");
  publish(folder.path(), "result.json", "second");
  const auto files = std::filesystem::directory_iterator(folder.path());
  EXPECT_EQ(std::distance(begin(files), end(files)), 1);
}

TEST(Publish, NamesThePathThatCannotBeWritten) {
  try {
    publish("/nowhere/at/all", "result.json", "x");
    FAIL() << "no error";
  } catch (const StoreError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("/nowhere/at/all/result.json"));
  }
}

}  // namespace
}  // namespace bitwright
