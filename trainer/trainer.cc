// SPDX-License-Identifier: Apache-2.0
#include "trainer/trainer.h"

#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <cmath>

#include "core/check.h"
#include "core/error.h"
#include "core/metrics.h"
#include "trainer/post_training.h"
#include "trainer/preconditions.h"
#include "trainer/torch_threads.h"
#include "trainer/training.h"

namespace bitwright {
namespace {

// Beyond it a loss tells of nothing that could still be learnt.
constexpr double kLargestLoss = 1e8;

double thread_cpu_seconds() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

std::string first_line(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

// Steps until the epoch is over; false where the caller stopped it or the loss broke (outcome.failure).
bool run_epoch(Training& training, const TrainOptions& options, TrainOutcome& outcome) {
  while (!training.epoch_is_over()) {
    const double loss = training.run_step();
    if (!(std::fabs(loss) <= kLargestLoss)) {
      outcome.failure = fmt::format("loss is not finite at epoch {}", training.epoch());
      if (std::isfinite(loss)) outcome.failure = fmt::format("loss of {:.3g} at epoch {}", loss, training.epoch());
      return false;
    }
    const int64_t every = options.checkpoint_steps;
    const bool due = every > 0 && training.step() % every == 0 && !training.epoch_is_over();
    if (due && options.on_checkpoint && !options.on_checkpoint(training.state())) {
      outcome.stopped = true;
      return false;
    }
  }
  return true;
}

// Runs epochs until the recipe, its patience or the caller ends them.
void run_epochs(Training& training, const Recipe& recipe, const TrainOptions& options, TrainOutcome& outcome) {
  while (training.epoch() <= recipe.epochs) {
    if (recipe.patience > 0 && training.epochs_since_better() >= recipe.patience) return;
    if (!run_epoch(training, options, outcome)) return;
    const EpochRecord record = training.finish_epoch();
    const bool goes_on = (!options.on_epoch || options.on_epoch(record)) &&
                         (!options.on_checkpoint || options.on_checkpoint(training.state()));
    if (!goes_on) {
      outcome.stopped = true;
      return;
    }
  }
}

// The float twin, trained by the same recipe for its own number of epochs, without a teacher of its own.
std::string give_teacher(Training& training, const Network& network, const TrainingData& data, const Recipe& recipe,
                         uint64_t seed) {
  const Network twin = float_twin(network);
  Parameters parameters = training.teacher();
  if (parameters.layers.empty()) {
    Recipe alone = recipe;
    alone.distillation = 0.0;
    alone.epochs = recipe.teacher_epochs;
    TrainOutcome outcome = train(twin, data, alone, seed, TrainOptions{});
    if (!outcome.failure.empty()) return "teacher: " + outcome.failure;
    parameters = std::move(outcome.parameters);
  }
  training.set_teacher(twin, parameters);
  return "";
}

FakeQuantizedNetwork trained(const Network& network, const Parameters& parameters, double input_scale,
                             Device device = Device::kAuto) {
  FakeQuantizedNetwork fake(network, input_scale, Recipe{.device = device});
  fake.set_parameters(parameters);
  return fake;
}

// The best epoch scored the validation set already.
void score(const Network& network, const TrainingData& data, Device device, TrainOutcome& outcome) {
  for (const EpochRecord& epoch : outcome.epochs)
    outcome.validation_accuracy = std::max(outcome.validation_accuracy, epoch.validation_accuracy);
  outcome.train_accuracy = -1.0;
  if (data.train.task == Task::kAnomaly) return;  // one class
  auto fake = trained(network, outcome.parameters, data.train.front_end.input_scale, device);
  outcome.train_accuracy = score_outputs(data.train, outputs_of(fake, data.train)).accuracy;
}

void run_training(const Network& network, const TrainingData& data, const Recipe& recipe, uint64_t seed,
                  const TrainOptions& options, TrainOutcome& outcome) {
  Training training(network, data, recipe, seed);
  if (options.resume) training.restore(*options.resume);
  if (options.parent) training.inherit(options.parent->network, options.parent->parameters);
  if (recipe.distillation > 0.0) outcome.failure = give_teacher(training, network, data, recipe, seed);
  if (outcome.failure.empty()) run_epochs(training, recipe, options, outcome);
  if (!outcome.failure.empty()) return;
  outcome.epochs = training.epochs();
  outcome.parameters = training.best();
  if (!outcome.parameters.layers.empty()) score(network, data, recipe.device, outcome);
}

void check_readable(const Network& network, const Dataset& data) {
  BW_CHECK(data.front_end.output == network.input);
  BW_CHECK(std::ssize(data.codes) == data.size() * network.input.elements());
}

}  // namespace

TrainOutcome train(const Network& network, const TrainingData& data, const Recipe& recipe, uint64_t seed,
                   const TrainOptions& options) {
  BW_CHECK(!(options.resume && options.parent));
  TrainOutcome outcome;
  outcome.failure = why_not_trainable(network, data, recipe);
  if (recipe.device == Device::kCuda && !sees_cuda())
    outcome.failure = "training.device = cuda: libtorch sees no such device";
  if (!outcome.failure.empty()) return outcome;
  use_one_torch_thread();
  const double start = thread_cpu_seconds();
  try {
    run_training(network, data, recipe, seed, options, outcome);
  } catch (const StructureError&) {  // a checkpoint of something else: the caller's mistake, not the candidate's
    throw;
  } catch (const std::exception& error) {  // libtorch's: most likely memory
    outcome.failure = first_line(error.what());
  }
  outcome.cpu_seconds = thread_cpu_seconds() - start;
  return outcome;
}

TrainOutcome train(const Network& network, const TrainingData& data, const Recipe& recipe, uint64_t seed,
                   const EpochCallback& on_epoch) {
  return train(network, data, recipe, seed, TrainOptions{.on_epoch = on_epoch});
}

std::vector<float> fake_quantized_outputs(const Network& network, const Parameters& parameters, const Dataset& data,
                                          Device device) {
  check_readable(network, data);
  use_one_torch_thread();
  auto fake = trained(network, parameters, data.front_end.input_scale, device);
  return outputs_of(fake, data);
}

double fake_quantized_accuracy(const Network& network, const Parameters& parameters, const Dataset& data) {
  return score_outputs(data, fake_quantized_outputs(network, parameters, data)).accuracy;
}

std::vector<std::vector<float>> fake_quantized_layers(const Network& network, const Parameters& parameters,
                                                      const Dataset& data) {
  check_readable(network, data);
  use_one_torch_thread();
  auto fake = trained(network, parameters, data.front_end.input_scale);
  std::vector<std::vector<float>> all(network.layers.size());
  for_each_batch(fake, data, [&](std::span<const float>) {
    for (size_t i = 0; i < all.size(); ++i) {
      const auto outputs = fake.layer_output(static_cast<int>(i));
      all[i].insert(all[i].end(), outputs.begin(), outputs.end());
    }
  });
  return all;
}

}  // namespace bitwright
