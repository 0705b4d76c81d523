// SPDX-License-Identifier: Apache-2.0
#include "trainer/trainer.h"

#include <time.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/check.h"
#include "core/rng.h"
#include "trainer/batch.h"
#include "trainer/fake_quantized_network.h"
#include "trainer/kernels.h"
#include "trainer/loss.h"
#include "trainer/schedule.h"
#include "trainer/torch_threads.h"

namespace bitwright {
namespace {

constexpr int64_t kEvaluationBatch = 256;
// Independent streams of the training seed.
enum Stream : uint64_t { kInitialisation, kOrder, kSubset, kShift };

double thread_cpu_seconds() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

std::vector<int64_t> numbers_up_to(int64_t n) {
  std::vector<int64_t> out(static_cast<size_t>(n));
  std::iota(out.begin(), out.end(), 0);
  return out;
}

std::vector<int64_t> training_subset(const Dataset& data, const Recipe& recipe, uint64_t seed) {
  auto examples = numbers_up_to(data.size());
  if (recipe.max_train_examples <= 0 || recipe.max_train_examples >= data.size()) return examples;
  Rng(seed, kSubset).shuffle(examples);
  examples.resize(static_cast<size_t>(recipe.max_train_examples));
  return examples;
}

// Calls visit(outputs, labels) for each batch of the data set, in its order.
template <class F>
void evaluate(FakeQuantizedNetwork& network, const Dataset& data, F visit) {
  const auto examples = numbers_up_to(data.size());
  Batch batch;
  for (int64_t begin = 0; begin < data.size(); begin += kEvaluationBatch) {
    const auto count = static_cast<size_t>(std::min(kEvaluationBatch, data.size() - begin));
    gather(data, std::span(examples).subspan(static_cast<size_t>(begin), count), nullptr, batch);
    visit(network.forward(batch.codes, batch.size(), Phase::kEvaluate), batch.labels);
  }
}

double accuracy(FakeQuantizedNetwork& network, const Dataset& data) {
  if (data.size() == 0) return 0.0;
  int64_t correct = 0;
  evaluate(network, data, [&](std::span<const float> outputs, std::span<const int32_t> labels) {
    correct += count_correct(outputs, labels);
  });
  return static_cast<double>(correct) / static_cast<double>(data.size());
}

// One training: the network, Adam's moments, and where it stands.
class Training {
 public:
  Training(const Network& network, const TrainingData& data, const Recipe& recipe, uint64_t seed)
      : data_(data),
        recipe_(recipe),
        network_(network, data.train.front_end.input_scale, recipe.batch_norm_momentum),
        peak_(peak_learning_rate(network, recipe)),
        examples_(training_subset(data.train, recipe, seed)),
        order_(seed, kOrder),
        shift_(seed, kShift),
        first_moment_(network_.learned().size()),
        second_moment_(network_.learned().size()) {
    Rng rng(seed, kInitialisation);
    network_.initialize(recipe.latent_init, rng);
  }

  FakeQuantizedNetwork& network() { return network_; }

  // One pass over the examples and the validation set; the record's loss is not finite where training broke.
  EpochRecord run_epoch(int epoch) {
    EpochRecord record{epoch};
    order_.shuffle(examples_);
    const int64_t batches = batches_per_epoch();
    for (int64_t i = 0; i < batches; ++i) {
      record.learning_rate = learning_rate_at(step_, recipe_.epochs * batches, peak_, recipe_);
      record.train_loss += run_step(i, record.learning_rate) / static_cast<double>(batches);
      if (!std::isfinite(record.train_loss)) return record;
    }
    record.validation_accuracy = accuracy(network_, data_.validation);
    return record;
  }

 private:
  // A last short batch is left out, unless it is the only one.
  int64_t batch_size() const { return std::min<int64_t>(recipe_.batch_size, std::ssize(examples_)); }
  int64_t batches_per_epoch() const { return std::ssize(examples_) / batch_size(); }

  // The batch's loss; NaN where a parameter is no longer finite.
  double run_step(int64_t index, double learning_rate) {
    const auto size = static_cast<size_t>(batch_size());
    gather(data_.train, std::span(examples_).subspan(static_cast<size_t>(index) * size, size),
           recipe_.circular_shift ? &shift_ : nullptr, batch_);
    const auto outputs = network_.forward(batch_.codes, batch_.size(), Phase::kTrain);
    gradient_.resize(outputs.size());
    const double loss = cross_entropy(outputs, batch_.labels, recipe_.label_smoothing, gradient_);
    if (!std::isfinite(loss)) return loss;
    network_.backward(gradient_);
    const auto learned = network_.learned();
    if (!adam_step(std::ssize(learned), ++step_, learning_rate, network_.gradients().data(), learned.data(),
                   first_moment_.data(), second_moment_.data()))
      return NAN;
    network_.update();
    return loss;
  }

  const TrainingData& data_;
  const Recipe& recipe_;
  FakeQuantizedNetwork network_;
  double peak_;
  std::vector<int64_t> examples_;
  Rng order_, shift_;
  std::vector<float> first_moment_, second_moment_;
  int64_t step_ = 0;
  Batch batch_;
  std::vector<float> gradient_;
};

// Runs epochs until the recipe, its patience or the caller ends them; keeps the best parameters.
void run_epochs(Training& training, const Recipe& recipe, const EpochCallback& on_epoch, TrainOutcome& outcome) {
  double best = -1.0;
  int since_better = 0;
  for (int epoch = 1; epoch <= recipe.epochs; ++epoch) {
    const EpochRecord record = training.run_epoch(epoch);
    if (!std::isfinite(record.train_loss)) {
      outcome.failure = "loss is not finite at epoch " + std::to_string(epoch);
      return;
    }
    since_better = record.validation_accuracy > best ? 0 : since_better + 1;
    if (record.validation_accuracy >= best) {
      best = record.validation_accuracy;
      outcome.parameters = training.network().parameters();
    }
    outcome.epochs.push_back(record);
    if (on_epoch && !on_epoch(record)) return;
    if (recipe.patience > 0 && since_better >= recipe.patience) return;
  }
}

void check_data(const Network& network, const Dataset& data) {
  BW_CHECK(data.front_end.output == network.input);
  BW_CHECK(std::ssize(data.codes) == data.size() * network.input.elements());
}

std::string first_line(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

}  // namespace

TrainOutcome train(const Network& network, const TrainingData& data, const Recipe& recipe, uint64_t seed,
                   const EpochCallback& on_epoch) {
  BW_CHECK(data.train.size() > 0);
  check_data(network, data.train);
  if (data.validation.size() > 0) check_data(network, data.validation);
  use_one_torch_thread();
  TrainOutcome outcome;
  const double start = thread_cpu_seconds();
  try {
    Training training(network, data, recipe, seed);
    run_epochs(training, recipe, on_epoch, outcome);
    if (outcome.failure.empty()) {
      training.network().set_parameters(outcome.parameters);
      outcome.validation_accuracy = accuracy(training.network(), data.validation);
      outcome.train_accuracy = accuracy(training.network(), data.train);
    }
  } catch (const std::exception& error) {  // libtorch's: most likely memory
    outcome.failure = first_line(error.what());
  }
  outcome.cpu_seconds = thread_cpu_seconds() - start;
  return outcome;
}

double fake_quantized_accuracy(const Network& network, const Parameters& parameters, const Dataset& data) {
  check_data(network, data);
  use_one_torch_thread();
  FakeQuantizedNetwork fake(network, data.front_end.input_scale, 0.0);
  fake.set_parameters(parameters);
  return accuracy(fake, data);
}

std::vector<float> fake_quantized_outputs(const Network& network, const Parameters& parameters, const Dataset& data) {
  check_data(network, data);
  use_one_torch_thread();
  FakeQuantizedNetwork fake(network, data.front_end.input_scale, 0.0);
  fake.set_parameters(parameters);
  std::vector<float> all;
  evaluate(fake, data, [&](std::span<const float> outputs, std::span<const int32_t>) {
    all.insert(all.end(), outputs.begin(), outputs.end());
  });
  return all;
}

}  // namespace bitwright
