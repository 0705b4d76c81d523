// SPDX-License-Identifier: Apache-2.0
#include "trainer/trainer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "core/rng.h"
#include "deploy/reference.h"
#include "trainer/export.h"

namespace bitwright {
namespace {

// Sines of three frequencies, random phase, some noise.
Dataset sines(int count, uint64_t seed) {
  Dataset data;
  data.front_end.output = {64, 1, 1};
  data.front_end.input_scale = 1.0 / 48;
  data.classes = {"slow", "medium", "fast"};
  Rng rng(seed);
  for (int i = 0; i < count; ++i) {
    const double frequency = 3.0 + 4.0 * (i % 3), phase = rng.uniform(0.0, 2.0 * std::numbers::pi);
    for (int t = 0; t < 64; ++t) {
      const double x = std::sin(phase + 2.0 * std::numbers::pi * frequency * t / 64) + 0.2 * rng.normal();
      data.codes.push_back(static_cast<int16_t>(std::clamp(std::lround(64 * x), -128l, 127l)));
    }
    data.labels.push_back(i % 3);
    data.groups.push_back(i);
  }
  return data;
}

TrainingData sine_data() {
  return {sines(390, 1), sines(120, 2)};
}

Network sine_network(Format weights = Format::kBinary, Format activations = Format::kBinary) {
  Network n;
  n.input = {64, 1, 1};
  append(n, {.name = "c1",
             .op = Conv2d{8, {8, 1, 2, 1}},
             .weights = Format::kInt8,
             .batch_norm = true,
             .activations = activations});
  append(n, {.name = "c2",
             .op = Conv2d{8, {5, 1}, Padding::kZero},
             .weights = weights,
             .pool = Window{2, 1, 2, 1},
             .batch_norm = true,
             .activations = activations});
  append(n, {.name = "gap", .op = GlobalAvgPool{}});
  append(n, {.name = "out", .op = Dense{3}, .weights = Format::kInt8, .bias = true});
  return n;
}

class TrainedFormats : public testing::TestWithParam<std::pair<Format, Format>> {};
INSTANTIATE_TEST_SUITE_P(
    Pairs, TrainedFormats,
    testing::Values(std::pair(Format::kBinary, Format::kBinary), std::pair(Format::kTernary, Format::kTernary),
                    std::pair(Format::kInt2, Format::kUint2), std::pair(Format::kInt4, Format::kUint4),
                    std::pair(Format::kInt8, Format::kInt8), std::pair(Format::kFloat32, Format::kFloat32)),
    [](const auto& test) {
      return std::string(format_name(test.param.first)) + "_" + std::string(format_name(test.param.second));
    });

TEST_P(TrainedFormats, LearnSeparableSinesAndKeepThatAsIntegers) {
  const Network network = sine_network(GetParam().first, GetParam().second);
  const TrainingData data = sine_data();
  const TrainOutcome outcome = train(network, data, {.epochs = 12, .batch_size = 32}, 1);
  EXPECT_EQ(outcome.failure, "");
  EXPECT_GT(outcome.validation_accuracy, 0.95);
  EXPECT_EQ(fake_quantized_accuracy(network, outcome.parameters, data.validation), outcome.validation_accuracy);
  const QuantizedModel model = export_quantized(network, outcome.parameters, data.train.front_end.input_scale);
  EXPECT_NEAR(reference_accuracy(model, data.validation), outcome.validation_accuracy, 0.005);
}

// Residual, padding with -1, depthwise, a 2-D map, flatten: two images that differ in the direction of their stripes.
TEST(Train, LearnsStripesWithAResidualNetworkIn2d) {
  Network n;
  n.input = {8, 8, 1};
  append(n, {.name = "c1",
             .op = Conv2d{6, {3, 3}, Padding::kZero},
             .weights = Format::kInt4,
             .batch_norm = true,
             .activations = Format::kBinary});
  append(n, {.name = "dw",
             .op = DepthwiseConv2d{{3, 2}, Padding::kMinusOne},
             .weights = Format::kTernary,
             .batch_norm = true,
             .activations = Format::kInt4});
  append(n, {.name = "sum", .op = Add{0}, .activations = Format::kInt4, .range_log2 = 2});
  append(n, {.name = "pool", .op = MaxPool2d{{2, 2, 2, 2}}});
  append(n, {.name = "flat", .op = Flatten{}});
  append(n, {.name = "out", .op = Dense{2}, .weights = Format::kBinary, .bias = true});
  const auto stripes = [](int count, uint64_t seed) {
    Dataset data;
    data.front_end.output = {8, 8, 1};
    data.front_end.input_scale = 1.0 / 64;
    data.classes = {"rows", "columns"};
    Rng rng(seed);
    for (int i = 0; i < count; ++i) {
      const int phase = static_cast<int>(rng.below(4));
      for (int y = 0; y < 8; ++y)
        for (int x = 0; x < 8; ++x) {
          const bool bright = ((i % 2 ? x : y) + phase) / 2 % 2;
          data.codes.push_back(
              static_cast<int16_t>(std::clamp((bright ? 60 : -60) + 30 * rng.normal(), -128.0, 127.0)));
        }
      data.labels.push_back(i % 2);
      data.groups.push_back(i);
    }
    return data;
  };
  const TrainingData data{stripes(256, 1), stripes(100, 2)};
  const TrainOutcome outcome = train(n, data, {.epochs = 10, .batch_size = 32}, 3);
  ASSERT_EQ(outcome.failure, "");
  EXPECT_GT(outcome.validation_accuracy, 0.95);
  const QuantizedModel model = export_quantized(n, outcome.parameters, 1.0 / 64);
  EXPECT_EQ(reference_accuracy(model, data.validation), outcome.validation_accuracy);
}

TEST(Train, GivesTheSameParametersForTheSameSeed) {
  const Recipe recipe{.epochs = 3, .label_smoothing = 0.1, .circular_shift = true, .max_train_examples = 200};
  const TrainOutcome a = train(sine_network(), sine_data(), recipe, 5);
  const TrainOutcome b = train(sine_network(), sine_data(), recipe, 5);
  const TrainOutcome c = train(sine_network(), sine_data(), recipe, 6);
  EXPECT_EQ(a.parameters, b.parameters);
  EXPECT_NE(a.parameters, c.parameters);
}

TEST(Train, KeepsTheBestEpochTheLatestOfEquals) {
  const TrainingData data = sine_data();
  const TrainOutcome outcome = train(sine_network(), data, {.epochs = 8}, 2);
  ASSERT_EQ(outcome.epochs.size(), 8u);
  double best = 0.0;
  for (const EpochRecord& record : outcome.epochs) best = std::max(best, record.validation_accuracy);
  EXPECT_EQ(outcome.validation_accuracy, best);
  EXPECT_LT(outcome.epochs.back().train_loss, outcome.epochs.front().train_loss);
  EXPECT_DOUBLE_EQ(outcome.epochs.back().learning_rate, Recipe{}.final_learning_rate);
  EXPECT_GT(outcome.cpu_seconds, 0.0);
}

TEST(Train, EndsWhenTheCallerSaysSo) {
  const auto twice = [](const EpochRecord& record) { return record.epoch < 2; };
  EXPECT_EQ(train(sine_network(), sine_data(), {.epochs = 8}, 2, twice).epochs.size(), 2u);
}

TEST(Train, EndsWhenPatienceDoes) {
  TrainingData data = sine_data();
  data.validation.labels.assign(data.validation.labels.size(), 0);
  for (auto& code : data.validation.codes) code = 0;  // every example alike: accuracy is 0 or 1 and seldom moves
  const TrainOutcome outcome = train(sine_network(), data, {.epochs = 60, .patience = 3}, 2);
  EXPECT_LT(outcome.epochs.size(), 60u);
  const size_t n = outcome.epochs.size();
  ASSERT_GE(n, 4u);
  double before = 0.0, last = 0.0;
  for (size_t i = 0; i < n; ++i)
    (i + 3 < n ? before : last) = std::max(i + 3 < n ? before : last, outcome.epochs[i].validation_accuracy);
  EXPECT_LE(last, before);
}

TEST(Train, ReportsALossThatIsNotFinite) {
  Network n = sine_network(Format::kFloat32, Format::kFloat32);
  n.layers.back().weights = Format::kFloat32;
  n.layers.back().activations = Format::kFloat32;
  const TrainOutcome outcome = train(n, sine_data(), {.epochs = 3, .learning_rate = 1e38, .warmup_fraction = 0.0}, 1);
  EXPECT_EQ(outcome.failure, "loss is not finite at epoch 1");
}

TEST(Train, UsesASetSmallerThanABatch) {
  TrainingData data{sines(10, 1), sines(6, 2)};
  const TrainOutcome outcome = train(sine_network(), data, {.epochs = 2, .batch_size = 64}, 1);
  EXPECT_EQ(outcome.failure, "");
  EXPECT_EQ(outcome.epochs.size(), 2u);
}

TEST(Train, ManagesWithoutAValidationSet) {
  TrainingData data{sines(64, 1), {}};
  const TrainOutcome outcome = train(sine_network(), data, {.epochs = 2}, 1);
  EXPECT_EQ(outcome.failure, "");
  EXPECT_EQ(outcome.validation_accuracy, 0.0);
}

TEST(Matmul, RunsOnABlasWorthItsName) {
  const double gflops = matmul_gflops();
  EXPECT_GT(gflops, 0.1);
  EXPECT_LT(gflops, 10000.0);
}

}  // namespace
}  // namespace bitwright
