// SPDX-License-Identifier: Apache-2.0
#include "deploy/placement.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "core/rng.h"
#include "deploy/emit_source.h"
#include "deploy/knapsack.h"
#include "deploy/lower.h"
#include "deploy/report.h"
#include "tests/support/random_network.h"

namespace bitwright {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// ---- the knapsack

struct Worth {
  int64_t value = 0, words = 0;
};

Worth worth_of(const std::vector<KnapsackItem>& items, const std::vector<size_t>& subset) {
  Worth sum;
  for (size_t i : subset) sum.value += items[i].value, sum.words += items[i].words;
  return sum;
}

// Every subset, those with the earliest items first.
std::vector<size_t> best_of_all_subsets(const std::vector<KnapsackItem>& items, int64_t capacity) {
  const size_t n = items.size();
  std::vector<size_t> best;
  for (uint32_t mask = uint32_t{1} << n; mask-- > 0;) {
    std::vector<size_t> subset;
    for (size_t i = 0; i < n; ++i)
      if (mask >> (n - 1 - i) & 1) subset.push_back(i);
    const Worth worth = worth_of(items, subset), least = worth_of(items, best);
    if (worth.words > capacity) continue;
    if (worth.value > least.value || (worth.value == least.value && worth.words < least.words)) best = subset;
  }
  return best;
}

TEST(Knapsack, TakesWhatTryingAllSubsetsTakes) {
  Rng rng(3);
  for (int round = 0; round < 300; ++round) {
    std::vector<KnapsackItem> items;
    for (uint64_t n = rng.below(11); n-- > 0;)  // small numbers: many ties
      items.push_back({1 + static_cast<int64_t>(rng.below(9)), static_cast<int64_t>(rng.below(12))});
    const int64_t capacity = static_cast<int64_t>(rng.below(40));
    std::vector<size_t> expected = best_of_all_subsets(items, capacity);
    EXPECT_EQ(best_subset(items, capacity), expected) << "round " << round;
  }
}

TEST(Knapsack, IsNotGreedy) {
  const std::vector<KnapsackItem> items = {{3, 31}, {2, 20}, {2, 20}};  // the first has the best ratio
  EXPECT_THAT(best_subset(items, 4), ElementsAre(1, 2));
}

TEST(Knapsack, OfEqualsTheEarlierIsTaken) {
  const std::vector<KnapsackItem> items = {{2, 7}, {2, 7}, {2, 7}};
  EXPECT_THAT(best_subset(items, 5), ElementsAre(0, 1));
}

TEST(Knapsack, LeavesWhatIsWorthNothing) {
  const std::vector<KnapsackItem> items = {{2, 0}, {1, 1}};
  EXPECT_THAT(best_subset(items, 100), ElementsAre(1));
}

TEST(Knapsack, TakesNothingWithoutRoom) {
  const std::vector<KnapsackItem> items = {{2, 5}};
  EXPECT_THAT(best_subset(items, 1), IsEmpty());
  EXPECT_THAT(best_subset(items, 0), IsEmpty());
  EXPECT_THAT(best_subset({}, 9), IsEmpty());
}

// ---- how often constants are read

Network one_layer(Shape input, Format in, LayerSpec spec) {
  Network network{"one", input, in, {}};
  append(network, std::move(spec));
  return network;
}

int64_t passes(const Program& program, const std::string& suffix) {
  for (const LoweredOp& op : program.ops)
    for (const Constant& c : op.constants)
      if (c.suffix == suffix) return constant_passes(program, op, c);
  ADD_FAILURE() << "no constant " << suffix;
  return -1;
}

Program lowered_with(const Network& network, const std::string& kernel) {
  return lower(testing::random_model(network, 5), {kernel});
}

LayerSpec binary_conv(Conv2d conv) {
  return {.name = "conv", .op = conv, .weights = Format::kBinary, .batch_norm = true, .activations = Format::kBinary};
}

TEST(Passes, OneForEachWindowAndOneOverTablesForEachPixel) {
  LayerSpec spec = binary_conv({32, {3, 3, 1, 1}, Padding::kValid});
  spec.pool = Window{2, 2, 2, 2};
  const Program program = lowered_with(one_layer({10, 12, 32}, Format::kBinary, spec), "conv2d_a1w1");
  EXPECT_EQ(passes(program, "weights"), 8 * 10);
  EXPECT_EQ(passes(program, "threshold"), 4 * 5);
}

TEST(Passes, TwoForAWindowAtABorderThatIsSkipped) {
  const Network network = one_layer({10, 12, 32}, Format::kBinary, binary_conv({32, {3, 3, 1, 1}, Padding::kZero}));
  EXPECT_EQ(passes(lowered_with(network, "conv2d_a1w1"), "weights"), 10 * 12 + (10 * 12 - 8 * 10));
}

TEST(Passes, OneForTwoWindowsOfBytes) {
  const Network network = one_layer({7, 9, 4}, Format::kInt8,
                                    {.name = "conv",
                                     .op = Conv2d{8, {3, 3, 1, 1}, Padding::kZero},
                                     .weights = Format::kInt8,
                                     .batch_norm = true,
                                     .activations = Format::kInt8});
  const Program program = lowered_with(network, "conv2d_a16w8");
  EXPECT_EQ(passes(program, "weights"), (7 * 9 + 1) / 2);
  EXPECT_EQ(passes(program, "multiplier"), 7 * 9);
}

TEST(Passes, OneForADenseLayer) {
  const Network network =
      one_layer({1, 1, 300}, Format::kInt8, {.name = "dense", .op = Dense{8}, .weights = Format::kInt8, .bias = true});
  const Program program = lowered_with(network, "dense_a16w8");
  EXPECT_EQ(passes(program, "weights"), 1);
}

// 600 columns behind 5 taps: 604, ten a pair of blocks.
TEST(Passes, OneForTwoBlocksOfPolynomialsAndOneOverTablesForATile) {
  const Network network = one_layer({600, 1, 32}, Format::kBinary, binary_conv({32, {5, 1, 1, 1}, Padding::kMinusOne}));
  const Program program = lowered_with(network, "conv2d_a1w1_poly5");
  EXPECT_EQ(passes(program, "weights"), 61);
  EXPECT_EQ(passes(program, "reach"), 16);
}

TEST(Passes, OfAStreamAreThoseOfItsBands) {
  Network network{"signal", {256, 1, 1}, Format::kInt8, {}};
  for (const char* name : {"conv0", "conv1"})
    append(network, {.name = name,
                     .op = Conv2d{24, {5, 1, 1, 1}, Padding::kValid},
                     .weights = Format::kInt8,
                     .batch_norm = true,
                     .activations = Format::kInt8});
  append(network, {.name = "flat", .op = Flatten{}});
  append(network, {.name = "out", .op = Dense{5}, .weights = Format::kInt8});
  const Program program = lower(testing::random_model(network, 10), {}, Execution::kStream);
  ASSERT_TRUE(program.stream);
  const StreamStage& stage = program.stream->stages[0];
  ASSERT_EQ(program.kernels[0], "conv2d_a16w8");
  const int64_t expected = stage.outputs / stage.band * ((stage.band + 1) / 2) + (stage.outputs % stage.band + 1) / 2;
  EXPECT_EQ(constant_passes(program, program.ops[0], program.ops[0].constants[0]), expected);
  EXPECT_EQ(constant_passes(program, program.ops[3], program.ops[3].constants[0]), 1);
}

// ---- placement

Program hot_and_cold() {
  Network network{"net", {16, 16, 32}, Format::kBinary, {}};
  append(network, binary_conv({32, {3, 3, 1, 1}, Padding::kValid}));
  append(network, {.name = "flat", .op = Flatten{}});
  append(network, {.name = "out", .op = Dense{10}, .weights = Format::kInt8});
  return lower(testing::random_model(network, 1));
}

TEST(Placement, PrefersWhatIsReadOften) {
  const Program program = hot_and_cold();
  const ConstantPlacement placement = place_constants(program, {.wait_states = 5}, 2048);
  EXPECT_TRUE(placement.holds(0, "weights"));
  EXPECT_TRUE(placement.holds(0, "threshold"));
  EXPECT_FALSE(placement.holds(2, "weights"));  // 62,720 bytes, once
  EXPECT_LE(placement.bytes(), 2048);
}

TEST(Placement, CountsWordsOfFlashTimesWaitStates) {
  const Program program = hot_and_cold();
  const ConstantPlacement placement = place_constants(program, {.wait_states = 5, .read_bytes = 8}, 1 << 20);
  ASSERT_FALSE(placement.constants.empty());
  const PlacedConstant& weights = placement.constants[0];
  EXPECT_EQ(weights.suffix, "weights");
  EXPECT_EQ(weights.bytes, 32 * 9 * 4);
  EXPECT_EQ(weights.stall_cycles, 14 * 14 * (32 * 9 * 4 / 8) * 5);
  EXPECT_EQ(placement.stall_cycles(), placement.stall_cycles_before);
}

TEST(Placement, TakesTheSameArraysAtAnyNumberOfWaitStates) {
  const Program program = hot_and_cold();
  const ConstantPlacement two = place_constants(program, {.wait_states = 2}, 1300);
  const ConstantPlacement seven = place_constants(program, {.wait_states = 7}, 1300);
  ASSERT_EQ(two.constants.size(), seven.constants.size());
  for (size_t i = 0; i < two.constants.size(); ++i) EXPECT_EQ(two.constants[i].suffix, seven.constants[i].suffix);
}

TEST(Placement, IsEmptyWhereFlashDoesNotWait) {
  EXPECT_THAT(place_constants(hot_and_cold(), {.wait_states = 0}, 1 << 20).constants, IsEmpty());
}

TEST(Placement, AnArrayInRamIsNotConstAndHasItsMacro) {
  Program program = hot_and_cold();
  program.placement = place_constants(program, {.wait_states = 5}, 2048);
  EXPECT_THAT(emit_layer(program, program.ops[0]), HasSubstr("BW_FAST_WEIGHTS static uint32_t conv_weights[288] = {"));
  EXPECT_THAT(emit_layer(program, program.ops[2]), HasSubstr("BW_WEIGHTS static const uint32_t out_weights["));
}

TEST(Placement, ReportsNameArraysBytesAndStallCycles) {
  Program program = hot_and_cold();
  const auto before = nlohmann::json::parse(report_json(program, {}));
  EXPECT_FALSE(before.contains("fast_weights"));
  program.placement = place_constants(program, {.wait_states = 5}, 1152);
  const auto json = nlohmann::json::parse(report_json(program, {}));
  const int64_t bytes = program.placement.bytes();
  EXPECT_EQ(json["ram_total_bytes"], before["ram_total_bytes"].get<int64_t>() + bytes);
  EXPECT_EQ(json["weights_ro_bytes"], before["weights_ro_bytes"]);
  EXPECT_EQ(json["fast_weights"]["bytes"], bytes);
  EXPECT_EQ(json["fast_weights"]["stall_cycles_saved"], program.placement.stall_cycles());
  EXPECT_EQ(json["fast_weights"]["arrays"].size(), program.placement.constants.size());
  const std::string text = report_text(program, {});
  EXPECT_THAT(text, HasSubstr("fast weights (rw)"));
  EXPECT_THAT(text, HasSubstr("flash of 5 wait states and 8 bytes a read"));
}

}  // namespace
}  // namespace bitwright
