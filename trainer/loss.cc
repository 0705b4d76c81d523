// SPDX-License-Identifier: Apache-2.0
#include "trainer/loss.h"

#include <algorithm>
#include <cmath>

namespace bitwright {
namespace {

// Of one example; gradient is not yet divided by the number of examples.
double example_loss(std::span<const float> logits, size_t label, double smoothing, std::span<float> gradient) {
  const double largest = *std::ranges::max_element(logits);
  double sum = 0.0;
  for (float z : logits) sum += std::exp(z - largest);
  const double log_sum = std::log(sum) + largest, even = smoothing / static_cast<double>(logits.size());
  double loss = 0.0;
  for (size_t k = 0; k < logits.size(); ++k) {
    const double target = even + (k == label ? 1.0 - smoothing : 0.0), log_probability = logits[k] - log_sum;
    loss -= target * log_probability;
    gradient[k] = static_cast<float>(std::exp(log_probability) - target);
  }
  return loss;
}

}  // namespace

double cross_entropy(std::span<const float> logits, std::span<const int32_t> labels, double smoothing,
                     std::span<float> gradient) {
  const size_t classes = logits.size() / labels.size();
  double loss = 0.0;
  for (size_t i = 0; i < labels.size(); ++i)
    loss += example_loss(logits.subspan(i * classes, classes), static_cast<size_t>(labels[i]), smoothing,
                         gradient.subspan(i * classes, classes));
  const double examples = static_cast<double>(labels.size());
  for (float& g : gradient) g = static_cast<float>(g / examples);
  return loss / examples;
}

int64_t count_correct(std::span<const float> logits, std::span<const int32_t> labels) {
  const size_t classes = logits.size() / labels.size();
  int64_t correct = 0;
  for (size_t i = 0; i < labels.size(); ++i) {
    const auto row = logits.subspan(i * classes, classes);
    correct += std::ranges::max_element(row) - row.begin() == labels[i];
  }
  return correct;
}

}  // namespace bitwright
