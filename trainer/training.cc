// SPDX-License-Identifier: Apache-2.0
#include "trainer/training.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/error.h"
#include "core/hash.h"
#include "core/metrics.h"
#include "trainer/kernels.h"
#include "trainer/loss.h"
#include "trainer/schedule.h"

namespace bitwright {
namespace {

constexpr int64_t kEvaluationBatch = 256;
// Independent streams of the training seed.
enum Stream : uint64_t { kInitialisation, kOrder, kSubset, kAugmentation, kNoise };

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

// 1 / (classes * share of the class), so that the mean over the examples is 1.
std::vector<float> balanced_weights(const Dataset& data, const std::vector<int64_t>& examples) {
  std::vector<double> counts(data.classes.size());
  for (int64_t i : examples) counts[static_cast<size_t>(data.labels[static_cast<size_t>(i)])] += 1.0;
  std::vector<float> weights;
  for (double count : counts)
    weights.push_back(static_cast<float>(static_cast<double>(examples.size()) /
                                         (static_cast<double>(counts.size()) * std::max(count, 1.0))));
  return weights;
}

// All of the recipe that a state depends on: not how long it is.
std::string text_of(const Recipe& r) {
  return fmt::format("{} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {}", r.batch_size,
                     r.learning_rate, r.final_learning_rate, r.warmup_fraction, r.batch_norm_momentum, r.latent_init,
                     r.patience, r.max_train_examples, static_cast<int>(r.device), static_cast<int>(r.surrogate),
                     static_cast<int>(r.weight_scale), static_cast<int>(r.activation_range), r.stochastic_rounding,
                     r.float_weights, r.float_activations, r.label_smoothing, r.balanced_classes, r.distillation,
                     r.distillation_temperature, r.teacher_epochs, r.circular_shift, r.jitter, r.scaling, r.mixup);
}

template <class T>
std::string_view bytes_of(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

std::string fingerprint_of(const Network& network, const TrainingData& data, const Recipe& recipe, uint64_t seed) {
  std::string text = canonical_text(network) + text_of(recipe) + fmt::format(" {}\n", seed);
  for (const Dataset* set : {&data.train, &data.validation}) {
    text += fmt::format("{} {}\n", static_cast<int>(set->task), set->front_end.input_scale);
    for (const std::string_view bytes : {bytes_of(set->codes), bytes_of(set->labels), bytes_of(set->targets)})
      text += sha256_hex(bytes) + "\n";
  }
  return sha256_hex(text);
}

bool hands_on(const LayerSpec& ours, const LayerSpec& theirs, const LayerParameters& a, const LayerParameters& b) {
  return ours.name == theirs.name && ours.op == theirs.op && a.weights.size() == b.weights.size() &&
         a.bias.size() == b.bias.size() && a.gamma.size() == b.gamma.size();
}

}  // namespace

void for_each_batch(FakeQuantizedNetwork& network, const Dataset& data,
                    const std::function<void(std::span<const float>)>& visit) {
  const auto examples = numbers_up_to(data.size());
  Batch batch;
  for (int64_t begin = 0; begin < data.size(); begin += kEvaluationBatch) {
    const auto count = static_cast<size_t>(std::min(kEvaluationBatch, data.size() - begin));
    gather(data, std::span(examples).subspan(static_cast<size_t>(begin), count), /*with_targets=*/false, batch);
    visit(network.forward(batch.codes, batch.size(), Phase::kEvaluate));
  }
}

std::vector<float> outputs_of(FakeQuantizedNetwork& network, const Dataset& data) {
  std::vector<float> all;
  for_each_batch(network, data,
                 [&](std::span<const float> outputs) { all.insert(all.end(), outputs.begin(), outputs.end()); });
  return all;
}

Training::Training(const Network& network, const TrainingData& data, const Recipe& recipe, uint64_t seed)
    : network_(network),
      data_(data),
      recipe_(recipe),
      seed_(seed),
      fake_(network, data.train.front_end.input_scale, recipe),
      peak_(peak_learning_rate(network, recipe)),
      order_(seed, kOrder),
      augmentation_(seed, kAugmentation) {
  Rng rng(seed, kInitialisation);
  fake_.initialize(rng);
  state_.fingerprint = fingerprint_of(network, data, recipe, seed);
  state_.schedule_epochs = recipe.epochs;
  state_.first_moment.resize(fake_.learned().size());
  state_.second_moment.resize(fake_.learned().size());
  state_.order = training_subset(data.train, recipe, seed);
  if (recipe.balanced_classes && data.train.task == Task::kClassification)
    class_weights_ = balanced_weights(data.train, state_.order);
}

void Training::inherit(const Network& network, const Parameters& parameters) {
  Parameters ours = fake_.parameters();
  for (size_t i = 0; i < network_.layers.size(); ++i)
    for (size_t j = 0; j < network.layers.size(); ++j) {
      LayerParameters theirs = parameters.layers[j];
      if (!hands_on(network_.layers[i], network.layers[j], ours.layers[i], theirs)) continue;
      theirs.weight_steps = ours.layers[i].weight_steps;
      theirs.activation_step = ours.layers[i].activation_step;
      ours.layers[i] = std::move(theirs);
    }
  fake_.set_parameters(ours);
}

void Training::restore(const TrainingState& state) {
  const bool patient = recipe_.patience == 0 || state.epochs_since_better < recipe_.patience;
  const bool ended = state.batch == 0 && state.schedule_epochs <= recipe_.epochs &&
                     (std::ssize(state.epochs) == state.schedule_epochs || !patient);
  if (state.fingerprint != state_.fingerprint)
    throw StructureError("checkpoint: of another network, data set, seed or recipe");
  if (state.schedule_epochs != recipe_.epochs && !ended)
    throw StructureError(fmt::format("checkpoint: in the middle of a training of {} epochs, not {}",
                                     state.schedule_epochs, recipe_.epochs));
  if (state.learned.size() != fake_.learned().size() || state.generators.size() != 2)
    throw StructureError("checkpoint: of another version of this program");
  state_ = state;
  state_.schedule_epochs = recipe_.epochs;
  std::ranges::copy(state.learned, fake_.learned().begin());
  fake_.set_running_statistics(state.running_statistics);
  fake_.update();
  order_ = Rng::from_state(state.generators[0]);
  augmentation_ = Rng::from_state(state.generators[1]);
}

const TrainingState& Training::state() {
  state_.learned.assign(fake_.learned().begin(), fake_.learned().end());
  state_.running_statistics = fake_.running_statistics();
  state_.generators = {order_.state(), augmentation_.state()};
  return state_;
}

void Training::set_teacher(const Network& network, const Parameters& parameters) {
  teacher_.emplace(network, data_.train.front_end.input_scale, Recipe{.device = recipe_.device});
  teacher_->set_parameters(parameters);
  state_.teacher = parameters;
}

// A last short batch is left out.
int64_t Training::batches_per_epoch() const {
  return std::ssize(state_.order) / recipe_.batch_size;
}

void Training::add_distillation(std::span<const float> outputs, double& loss) {
  const auto theirs = teacher_->forward(batch_.codes, batch_.size(), Phase::kEvaluate);
  const int classes = static_cast<int>(data_.train.classes.size());
  distilled_.resize(outputs.size());
  const double distance = data_.train.task == Task::kClassification
                              ? distillation(outputs, theirs, classes, recipe_.distillation_temperature, distilled_)
                              : mean_squared_error(outputs, theirs, distilled_);
  const auto share = static_cast<float>(recipe_.distillation);
  loss = (1.0 - share) * loss + share * distance;
  for (size_t i = 0; i < gradient_.size(); ++i) gradient_[i] = (1.0f - share) * gradient_[i] + share * distilled_[i];
}

// Sets gradient_.
double Training::loss_of(std::span<const float> outputs) {
  gradient_.resize(outputs.size());
  double loss = 0.0;
  if (data_.train.task == Task::kClassification) {
    std::vector<float> weights;
    if (!class_weights_.empty())
      for (int32_t label : batch_.labels) weights.push_back(class_weights_[static_cast<size_t>(label)]);
    loss = cross_entropy(outputs, batch_.targets, static_cast<int>(data_.train.classes.size()), weights, gradient_);
  } else {
    loss = mean_squared_error(outputs, batch_.targets, gradient_);
  }
  if (teacher_) add_distillation(outputs, loss);
  return loss;
}

double Training::run_step() {
  const int64_t steps = recipe_.epochs * batches_per_epoch();
  if (state_.batch == 0) order_.shuffle(state_.order);
  const auto size = static_cast<size_t>(recipe_.batch_size);
  gather_augmented(data_.train, std::span(state_.order).subspan(static_cast<size_t>(state_.batch) * size, size),
                   recipe_, augmentation_, batch_);
  fake_.set_progress(
      static_cast<double>(state_.step) / static_cast<double>(steps),
      static_cast<uint32_t>(Rng(seed_, kNoise).next() + static_cast<uint64_t>(state_.step) * 0x9e3779b9u));
  const double loss = loss_of(fake_.forward(batch_.codes, batch_.size(), Phase::kTrain));
  if (!std::isfinite(loss)) return loss;
  fake_.backward(gradient_);
  learning_rate_ = learning_rate_at(state_.step, steps, peak_, recipe_);
  ++state_.step, ++state_.batch;
  state_.epoch_loss += loss;
  const auto learned = fake_.learned();
  if (!adam_step(std::ssize(learned), state_.step, learning_rate_, fake_.gradients().data(), learned.data(),
                 state_.first_moment.data(), state_.second_moment.data()))
    return NAN;
  fake_.update();
  return loss;
}

const EpochRecord& Training::finish_epoch() {
  const Metrics metrics = score_outputs(data_.validation, outputs_of(fake_, data_.validation));
  const EpochRecord record{.epoch = epoch(),
                           .learning_rate = learning_rate_,
                           .train_loss = state_.epoch_loss / static_cast<double>(state_.batch),
                           .validation_accuracy = metrics.accuracy};
  // R2 below 0 still tells a better epoch from a worse one.
  const double score = data_.train.task == Task::kRegression ? metrics.r2 : metrics.accuracy;
  state_.batch = 0;
  state_.epoch_loss = 0.0;
  state_.epochs_since_better = score > state_.best_score ? 0 : state_.epochs_since_better + 1;
  if (score >= state_.best_score) {
    state_.best_score = score;
    state_.best = fake_.parameters();
  }
  return state_.epochs.emplace_back(record);
}

}  // namespace bitwright
