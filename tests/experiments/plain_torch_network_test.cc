// The two trainings that the benchmark times compute the same function.
// SPDX-License-Identifier: Apache-2.0
#include "experiments/bench/plain_torch_network.h"

#include <gtest/gtest.h>

#include <numeric>

#include "experiments/bench/bench_networks.h"
#include "trainer/trainer.h"

namespace bitwright {
namespace {

const std::string kNetworks = BITWRIGHT_SOURCE_DIR "/experiments/bench/networks.json";
constexpr int64_t kBatch = 64;

// One batch is the whole training set and the learning rate constant, so that each epoch is one step of known rate.
TrainOutcome train_steps(const Network& network, int steps, double learning_rate) {
  TrainingData data{noise_for(network, kBatch, 1), {}, {}};
  data.validation = noise_for(network, std::ssize(data.train.classes), 2);
  const Recipe recipe{.epochs = steps,
                      .batch_size = kBatch,
                      .learning_rate = learning_rate,
                      .final_learning_rate = learning_rate,
                      .warmup_fraction = 0.0};
  return train(network, data, recipe, 1);
}

std::vector<double> losses(const TrainOutcome& outcome) {
  std::vector<double> out;
  for (const EpochRecord& epoch : outcome.epochs) out.push_back(epoch.train_loss);
  return out;
}

std::vector<double> plain_losses(const Network& network, const Parameters& start, int steps, double learning_rate) {
  PlainTorchTraining plain(network, noise_for(network, kBatch, 1), learning_rate);
  plain.set_parameters(start);
  std::vector<int64_t> all(kBatch);
  std::iota(all.begin(), all.end(), 0);
  std::vector<double> out;
  for (int i = 0; i < steps; ++i) out.push_back(plain.step(all));
  return out;
}

class PlainTorch : public testing::TestWithParam<int> {
 protected:
  Network network_ = load_bench_networks(kNetworks).at(static_cast<size_t>(GetParam()));
  // A step of 1e-30 moves no float: what the trainer started from.
  TrainOutcome start_ = train_steps(network_, 1, 1e-30);
};

TEST_P(PlainTorch, HasTheTrainersLossOnTheSameParametersAndBatch) {
  ASSERT_EQ(start_.failure, "");
  const double loss = losses(start_).front();
  EXPECT_NEAR(plain_losses(network_, start_.parameters, 1, 1e-3).front(), loss, 1e-3 * loss);
}

// Four steps of Adam follow the gradients. Their rounding tips some codes and the signs of the smallest, so the paths
// part.
TEST_P(PlainTorch, LearnsAtTheTrainersPace) {
  const auto ours = losses(train_steps(network_, 4, 1e-3)), plain = plain_losses(network_, start_.parameters, 4, 1e-3);
  ASSERT_EQ(ours.size(), 4u);
  EXPECT_LT(ours.back(), ours.front());
  for (size_t i = 1; i < 4; ++i) EXPECT_NEAR(plain[i], ours[i], 0.1 * ours[i]);
}

INSTANTIATE_TEST_SUITE_P(Networks, PlainTorch, testing::Range(0, 6), [](const auto& test) {
  return load_bench_networks(kNetworks).at(static_cast<size_t>(test.param)).name;
});

}  // namespace
}  // namespace bitwright
