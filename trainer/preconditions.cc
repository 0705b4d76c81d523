// SPDX-License-Identifier: Apache-2.0
#include "trainer/preconditions.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace bitwright {
namespace {

std::string why_not_read(const Dataset& data, const char* set, const Network& network) {
  const size_t examples = data.labels.size();
  if (data.front_end.output != network.input)
    return fmt::format("examples of the {} set are {}, the network reads {}", set, shape_text(data.front_end.output),
                       shape_text(network.input));
  if (data.front_end.format != network.input_format)
    return fmt::format("examples of the {} set are {}, the network reads {}", set, format_name(data.front_end.format),
                       format_name(network.input_format));
  if (data.codes.size() != examples * static_cast<size_t>(network.input.elements()))
    return fmt::format("{} codes in the {} set of {} examples", data.codes.size(), set, examples);
  if (data.task == Task::kRegression && data.targets.size() != examples * data.target_names.size())
    return fmt::format("{} targets in the {} set of {} examples", data.targets.size(), set, examples);
  const auto bad = std::ranges::find_if(data.targets, [](float t) { return !std::isfinite(t); });
  if (bad != data.targets.end())
    return fmt::format("target {} of the {} set is not finite", bad - data.targets.begin(), set);
  return "";
}

std::string why_not_labelled(const Dataset& data, const char* set) {
  if (data.task == Task::kRegression) return "";
  const auto classes = std::ssize(data.classes);
  for (size_t i = 0; i < data.labels.size(); ++i)
    if (data.labels[i] < 0 || data.labels[i] >= classes)
      return fmt::format("label {} of example {} of the {} set is not in 0..{}", data.labels[i], i, set, classes - 1);
  return "";
}

std::string why_not_complete(const Dataset& train) {
  if (train.task == Task::kRegression) return "";
  std::vector<int64_t> counts(train.classes.size());
  for (int32_t label : train.labels) ++counts[static_cast<size_t>(label)];
  for (size_t c = 0; c < counts.size(); ++c) {
    const bool wanted = train.task == Task::kClassification || c == 0;
    if (wanted && counts[c] == 0) return fmt::format("class {} has no training example", train.classes[c]);
    if (!wanted && counts[c] > 0)
      return fmt::format("class {} is among the training examples of an anomaly detector", train.classes[c]);
  }
  return "";
}

std::string why_not_varied(const Dataset& train) {
  const auto channels = static_cast<size_t>(train.front_end.output.c);
  for (size_t c = 0; c < channels; ++c) {
    size_t i = c;
    while (i < train.codes.size() && train.codes[i] == train.codes[c]) i += channels;
    if (i >= train.codes.size())
      return fmt::format("channel {} has the code {} in every training example", c, train.codes[c]);
  }
  return "";
}

std::string why_not_output(const Network& network, const Dataset& train) {
  const Shape wanted = task_output(train), given = infer_shapes(network).back().output;
  if (wanted == given) return "";
  return fmt::format("the network gives {}, the data asks for {}", shape_text(given), shape_text(wanted));
}

}  // namespace

std::string why_not_batched(const Dataset& train, const Recipe& recipe) {
  const int64_t examples =
      recipe.max_train_examples > 0 ? std::min<int64_t>(recipe.max_train_examples, train.size()) : train.size();
  if (examples < 2) return fmt::format("{} training examples: at least 2", examples);
  if (recipe.batch_size > examples)
    return fmt::format("a batch of {} is larger than the training set of {}", recipe.batch_size, examples);
  return "";
}

std::string why_not_trainable(const Network& network, const TrainingData& data, const Recipe& recipe) {
  std::string why = why_not_read(data.train, "training", network);
  if (why.empty() && data.validation.size() > 0) why = why_not_read(data.validation, "validation", network);
  if (why.empty()) why = why_not_labelled(data.train, "training");
  if (why.empty()) why = why_not_labelled(data.validation, "validation");
  if (why.empty()) why = why_not_batched(data.train, recipe);
  if (why.empty()) why = why_not_complete(data.train);
  if (why.empty()) why = why_not_varied(data.train);
  if (why.empty()) why = why_not_output(network, data.train);
  return why;
}

}  // namespace bitwright
