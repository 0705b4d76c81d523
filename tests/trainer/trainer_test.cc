// SPDX-License-Identifier: Apache-2.0
#include "trainer/trainer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <thread>

#include "core/error.h"
#include "core/metrics.h"
#include "core/rng.h"
#include "deploy/reference.h"
#include "trainer/export.h"
#include "trainer/torch_threads.h"

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
  EXPECT_NEAR(score_outputs(data.validation, reference_outputs(model, data.validation)).accuracy,
              outcome.validation_accuracy, 0.005);
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
  EXPECT_EQ(score_outputs(data.validation, reference_outputs(model, data.validation)).accuracy,
            outcome.validation_accuracy);
}

// ---- Recipes

struct NamedRecipe {
  const char* name;
  Recipe recipe;
};

class Recipes : public testing::TestWithParam<NamedRecipe> {};
INSTANTIATE_TEST_SUITE_P(
    Changes, Recipes,
    testing::Values(NamedRecipe{"identity", {.surrogate = Surrogate::kIdentity}},
                    NamedRecipe{"bi_real", {.surrogate = Surrogate::kBiReal}},
                    NamedRecipe{"reste", {.surrogate = Surrogate::kReste}},
                    NamedRecipe{"ede", {.surrogate = Surrogate::kEde}},
                    NamedRecipe{"tensor", {.weight_scale = WeightScale::kTensor}},
                    NamedRecipe{"power_of_two", {.weight_scale = WeightScale::kPowerOfTwo}},
                    NamedRecipe{"learned", {.weight_scale = WeightScale::kLearned}},
                    NamedRecipe{"lsq", {.activation_range = ActivationRange::kLsq}},
                    NamedRecipe{"pact", {.activation_range = ActivationRange::kPact}},
                    NamedRecipe{"stochastic", {.stochastic_rounding = true}},
                    NamedRecipe{"float_weights_first", {.float_weights = 0.4}},
                    NamedRecipe{"float_activations_first", {.float_activations = 0.4}},
                    NamedRecipe{"distillation", {.distillation = 0.5, .teacher_epochs = 6}},
                    NamedRecipe{"balanced", {.balanced_classes = true}},
                    NamedRecipe{"augmented", {.circular_shift = true, .jitter = 0.1, .scaling = 0.1, .mixup = 0.2}}),
    [](const auto& test) { return std::string(test.param.name); });

TEST_P(Recipes, LearnAndExportToTheAccuracyTheyMeasured) {
  for (const auto& [weights, activations] : {std::pair(Format::kBinary, Format::kBinary),
                                             {Format::kTernary, Format::kUint2},
                                             {Format::kInt4, Format::kInt5}}) {
    const Network network = sine_network(weights, activations);
    const TrainingData data = sine_data();
    Recipe recipe = GetParam().recipe;
    recipe.epochs = 12;
    recipe.batch_size = 32;
    const TrainOutcome outcome = train(network, data, recipe, 1);
    ASSERT_EQ(outcome.failure, "");
    EXPECT_GT(outcome.validation_accuracy, 0.9) << format_name(weights);
    const QuantizedModel model = export_quantized(network, outcome.parameters, data.train.front_end.input_scale);
    EXPECT_NEAR(score_outputs(data.validation, reference_outputs(model, data.validation)).accuracy,
                outcome.validation_accuracy, 0.01);
  }
}

TEST(Train, PowerOfTwoScalesOfWeightsAreThat) {
  const TrainOutcome outcome = train(sine_network(Format::kInt4, Format::kUint4), sine_data(),
                                     {.epochs = 2, .weight_scale = WeightScale::kPowerOfTwo}, 1);
  int steps = 0;
  for (const LayerParameters& layer : outcome.parameters.layers)
    for (float step : layer.weight_steps) {
      EXPECT_EQ(step, std::exp2(std::round(std::log2(step))));
      ++steps;
    }
  EXPECT_EQ(steps, 8 + 8 + 1);  // a step per channel, one for the head, whose accumulator is the output
}

// ---- Other tasks

// The mean level and the amplitude of noise.
TrainingData regression_data() {
  const auto make = [](int count, uint64_t seed) {
    Dataset data;
    data.task = Task::kRegression;
    data.front_end.output = {32, 1, 1};
    data.front_end.input_scale = 1.0 / 32;
    data.target_names = {"level"};
    data.target_mean = {0.0};
    data.target_deviation = {1.0};
    Rng rng(seed);
    for (int i = 0; i < count; ++i) {
      const double level = rng.uniform(-1.7, 1.7);
      for (int t = 0; t < 32; ++t)
        data.codes.push_back(
            static_cast<int16_t>(std::clamp(std::lround(32 * (level + 0.3 * rng.normal())), -128l, 127l)));
      data.labels.push_back(0);
      data.groups.push_back(i);
      data.targets.push_back(static_cast<float>(level));
    }
    return data;
  };
  return {make(320, 1), make(100, 2)};
}

TEST(Train, LearnsARegression) {
  Network n = sine_network(Format::kInt4, Format::kUint8);
  n.input = {32, 1, 1};
  std::get<Dense>(n.layers.back().op).units = 1;
  const TrainingData data = regression_data();
  const TrainOutcome outcome = train(n, data, {.epochs = 20, .batch_size = 32}, 1);
  ASSERT_EQ(outcome.failure, "");
  EXPECT_GT(outcome.validation_accuracy, 0.9);  // R2
  const QuantizedModel model = export_quantized(n, outcome.parameters, data.train.front_end.input_scale);
  EXPECT_NEAR(score_outputs(data.validation, reference_outputs(model, data.validation)).accuracy,
              outcome.validation_accuracy, 0.01);
}

Network auto_encoder() {
  Network n;
  n.input = {64, 1, 1};
  const auto conv = [](const char* name, int channels, int stride) {
    return LayerSpec{.name = name,
                     .op = Conv2d{channels, {5, 1, stride, 1}, Padding::kZero},
                     .weights = Format::kInt8,
                     .batch_norm = true,
                     .activations = Format::kInt8,
                     .range_log2 = 2};
  };
  append(n, conv("down", 4, 4));
  append(n, {.name = "up", .op = Upsample2d{4, 1}});
  append(n, conv("smooth", 4, 1));
  append(n, {.name = "out", .op = Conv2d{1, {5, 1}, Padding::kZero}, .weights = Format::kInt8, .bias = true});
  return n;
}

// Slow sines are normal; fast ones an auto-encoder of a quarter of the samples cannot draw.
TEST(Train, LearnsToTellAnomaliesFromNormalSignals) {
  TrainingData data = sine_data();
  for (Dataset* set : {&data.train, &data.validation}) set->task = Task::kAnomaly;
  Dataset normal = data.train;
  normal.codes.clear(), normal.labels.clear(), normal.groups.clear();
  for (int64_t i = 0; i < data.train.size(); ++i) {
    if (data.train.labels[static_cast<size_t>(i)] != 0) continue;
    const auto codes = data.train.example(i);
    normal.codes.insert(normal.codes.end(), codes.begin(), codes.end());
    normal.labels.push_back(0);
    normal.groups.push_back(static_cast<int32_t>(i));
  }
  data.train = normal;
  const TrainOutcome outcome = train(auto_encoder(), data, {.epochs = 30, .batch_size = 16}, 1);
  ASSERT_EQ(outcome.failure, "");
  EXPECT_GT(outcome.validation_accuracy, 0.95);  // AUC
  EXPECT_EQ(outcome.train_accuracy, -1.0);
  const QuantizedModel model = export_quantized(auto_encoder(), outcome.parameters, data.train.front_end.input_scale);
  EXPECT_NEAR(score_outputs(data.validation, reference_outputs(model, data.validation)).accuracy,
              outcome.validation_accuracy, 0.005);
}

// ---- Stopping and going on

// As much as a state can hold: learnt steps, a teacher, random augmentation and rounding, mixed batches.
Recipe full_recipe() {
  return {.epochs = 4,
          .batch_size = 32,
          .max_train_examples = 300,
          .weight_scale = WeightScale::kLearned,
          .activation_range = ActivationRange::kLsq,
          .stochastic_rounding = true,
          .float_weights = 0.3,
          .distillation = 0.3,
          .teacher_epochs = 2,
          .circular_shift = true,
          .jitter = 0.05,
          .mixup = 0.2};
}

Network full_network() {
  return sine_network(Format::kInt4, Format::kUint4);
}

// Stops after `step` steps, through bytes as a file would hold them.
TrainingState stopped_at(int64_t step, const Recipe& recipe) {
  std::string bytes;
  const TrainOutcome outcome = train(full_network(), sine_data(), recipe, 9,
                                     TrainOptions{.on_checkpoint =
                                                      [&](const TrainingState& state) {
                                                        if (state.step < step) return true;
                                                        bytes = serialize_state(state);
                                                        return false;
                                                      },
                                                  .checkpoint_steps = 1});
  EXPECT_TRUE(outcome.stopped);
  return parse_state(bytes, "test");
}

TEST(Resume, AtTenRandomStepsEndsInTheSameBytes) {
  const TrainOutcome whole = train(full_network(), sine_data(), full_recipe(), 9);
  ASSERT_EQ(whole.failure, "");
  Rng rng(10);
  for (int i = 0; i < 10; ++i) {
    const auto step = static_cast<int64_t>(1 + rng.below(4 * 9 - 1));
    const TrainingState state = stopped_at(step, full_recipe());
    EXPECT_EQ(state.step, step);
    const TrainOutcome rest = train(full_network(), sine_data(), full_recipe(), 9, TrainOptions{.resume = &state});
    EXPECT_EQ(rest.parameters, whole.parameters) << step;
    ASSERT_EQ(rest.epochs.size(), whole.epochs.size());
    for (size_t e = 0; e < rest.epochs.size(); ++e) EXPECT_EQ(rest.epochs[e].train_loss, whole.epochs[e].train_loss);
  }
}

TEST(Resume, BesideAnotherTrainingEndsInTheSameBytes) {
  const TrainOutcome alone = train(full_network(), sine_data(), full_recipe(), 9);
  TrainOutcome beside, other;
  std::thread second([&] { other = train(sine_network(), sine_data(), {.epochs = 20}, 4); });
  beside = train(full_network(), sine_data(), full_recipe(), 9);
  second.join();
  EXPECT_EQ(beside.parameters, alone.parameters);
  EXPECT_EQ(other.parameters, train(sine_network(), sine_data(), {.epochs = 20}, 4).parameters);
}

TEST(Resume, ARungGoesOnWithTheScheduleOfTheNext) {
  Recipe first = full_recipe(), next = full_recipe();
  first.epochs = 2, next.epochs = 6;
  TrainingState end;
  train(full_network(), sine_data(), first, 9, TrainOptions{.on_checkpoint = [&](const TrainingState& state) {
          end = state;
          return true;
        }});
  const TrainOutcome outcome = train(full_network(), sine_data(), next, 9, TrainOptions{.resume = &end});
  ASSERT_EQ(outcome.failure, "");
  ASSERT_EQ(outcome.epochs.size(), 6u);
  EXPECT_EQ(outcome.epochs[0].train_loss, end.epochs[0].train_loss);
  EXPECT_GT(outcome.epochs[2].learning_rate, outcome.epochs[1].learning_rate);  // the longer cosine is still high
  EXPECT_NEAR(outcome.epochs[5].learning_rate, Recipe{}.final_learning_rate, 1e-9);
}

TEST(Resume, RefusesTheStateOfAnotherTraining) {
  const TrainingState state = stopped_at(5, full_recipe());
  Recipe other = full_recipe();
  const auto error = [&](const Recipe& recipe, uint64_t seed) -> std::string {
    try {
      train(full_network(), sine_data(), recipe, seed, TrainOptions{.resume = &state});
    } catch (const StructureError& e) {
      return e.what();
    }
    return "";
  };
  EXPECT_EQ(error(other, 10), "checkpoint: of another network, data set, seed or recipe");
  other.mixup = 0.3;
  EXPECT_EQ(error(other, 9), "checkpoint: of another network, data set, seed or recipe");
  other = full_recipe();
  other.epochs = 7;
  EXPECT_EQ(error(other, 9), "checkpoint: in the middle of a training of 4 epochs, not 7");
  const TrainingState between = stopped_at(2 * 9, full_recipe());  // two epochs of four are done
  EXPECT_EQ(between.batch, 0);
  EXPECT_THROW(train(full_network(), sine_data(), other, 9, TrainOptions{.resume = &between}), StructureError);
}

TEST(Inheritance, StartsFromTheParentWhereLayersAgree) {
  const TrainingData data = sine_data();
  const Network parent = sine_network(Format::kInt4, Format::kUint4);
  const TrainOutcome trained = train(parent, data, {.epochs = 10, .batch_size = 32}, 1);
  Network child = parent;
  child.layers[1].weights = Format::kTernary;  // latents of the same size
  const Parent given{parent, trained.parameters};
  const Recipe brief{.epochs = 2, .batch_size = 32, .learning_rate = 1e-3};
  const double with = train(child, data, brief, 3, TrainOptions{.parent = &given}).validation_accuracy;
  const double without = train(child, data, brief, 3).validation_accuracy;
  EXPECT_GT(with, 0.9);
  EXPECT_GT(with, without);
}

TEST(Train, GivesTheSameParametersForTheSameSeed) {
  const Recipe recipe{.epochs = 3, .max_train_examples = 200, .label_smoothing = 0.1, .circular_shift = true};
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

TEST(Train, ReportsALossThatExploded) {
  TrainingData data = regression_data();
  for (float& target : data.train.targets) target *= 1e6f;
  Network n = sine_network(Format::kInt4, Format::kUint8);
  n.input = {32, 1, 1};
  std::get<Dense>(n.layers.back().op).units = 1;
  const TrainOutcome outcome = train(n, data, {.epochs = 3}, 1);
  EXPECT_THAT(outcome.failure, testing::MatchesRegex("loss of .*e\\+[0-9]+ at epoch 1"));
}

// R2 of the first epochs is below 0, and the best of them is still the best.
TEST(Train, ChoosesTheBestEpochOfARegressionThatIsWorseThanItsMean) {
  TrainingData data = regression_data();
  for (float& target : data.validation.targets) target += 50.0f;
  Network n = sine_network(Format::kInt4, Format::kUint8);
  n.input = {32, 1, 1};
  std::get<Dense>(n.layers.back().op).units = 1;
  double best = -HUGE_VAL, chosen = 0.0;
  train(n, data, {.epochs = 6, .batch_size = 32}, 1, TrainOptions{.on_checkpoint = [&](const TrainingState& state) {
          const double r2 = score_outputs(data.validation, fake_quantized_outputs(n, state.best, data.validation)).r2;
          EXPECT_GE(r2, best);
          best = std::max(best, r2), chosen = state.best_score;
          return true;
        }});
  EXPECT_LT(best, 0.0);
  EXPECT_NEAR(chosen, best, 1e-6 * std::fabs(best));
}

TEST(Train, RefusesASetSmallerThanABatch) {
  TrainingData data{sines(10, 1), sines(6, 2)};
  const TrainOutcome outcome = train(sine_network(), data, {.epochs = 2, .batch_size = 64}, 1);
  EXPECT_EQ(outcome.failure, "a batch of 64 is larger than the training set of 10");
  EXPECT_TRUE(outcome.epochs.empty());
}

TEST(Train, RunsOnACudaDeviceOrSaysThatThereIsNone) {
  EXPECT_EQ(train(sine_network(), sine_data(), {.epochs = 1, .device = Device::kCuda}, 1).failure,
            sees_cuda() ? "" : "training.device = cuda: libtorch sees no such device");
}

TEST(Train, ManagesWithoutAValidationSet) {
  TrainingData data{sines(64, 1), {}};
  const TrainOutcome outcome = train(sine_network(), data, {.epochs = 2}, 1);
  EXPECT_EQ(outcome.failure, "");
  EXPECT_EQ(outcome.validation_accuracy, 0.0);
}

}  // namespace
}  // namespace bitwright
