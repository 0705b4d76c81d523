// SPDX-License-Identifier: Apache-2.0
#include "trainer/loss.h"

#include <algorithm>
#include <cmath>

namespace bitwright {
namespace {

// Natural logarithms of softmax(logits / temperature).
void log_softmax(std::span<const float> logits, double temperature, std::vector<double>& out) {
  const double largest = *std::ranges::max_element(logits);
  double sum = 0.0;
  for (double z : logits) sum += std::exp((z - largest) / temperature);
  const double log_sum = std::log(sum);
  out.clear();
  for (double z : logits) out.push_back((z - largest) / temperature - log_sum);
}

}  // namespace

std::vector<float> class_targets(std::span<const int32_t> labels, int classes, double smoothing) {
  std::vector<float> targets(labels.size() * static_cast<size_t>(classes), static_cast<float>(smoothing / classes));
  for (size_t i = 0; i < labels.size(); ++i)
    targets[i * static_cast<size_t>(classes) + static_cast<size_t>(labels[i])] += static_cast<float>(1.0 - smoothing);
  return targets;
}

double cross_entropy(std::span<const float> logits, std::span<const float> targets, int classes,
                     std::span<const float> weights, std::span<float> gradient) {
  const size_t width = static_cast<size_t>(classes), examples = logits.size() / width;
  std::vector<double> log_probability;
  double loss = 0.0;
  for (size_t i = 0; i < examples; ++i) {
    log_softmax(logits.subspan(i * width, width), 1.0, log_probability);
    const double share = (weights.empty() ? 1.0 : weights[i]) / static_cast<double>(examples);
    for (size_t k = i * width; k < (i + 1) * width; ++k) {
      const double log_p = log_probability[k - i * width];
      loss -= share * targets[k] * log_p;
      gradient[k] = static_cast<float>(share * (std::exp(log_p) - targets[k]));
    }
  }
  return loss;
}

double distillation(std::span<const float> logits, std::span<const float> teacher, int classes, double temperature,
                    std::span<float> gradient) {
  const size_t width = static_cast<size_t>(classes), examples = logits.size() / width;
  std::vector<double> ours, theirs;
  double loss = 0.0;
  for (size_t i = 0; i < examples; ++i) {
    log_softmax(logits.subspan(i * width, width), temperature, ours);
    log_softmax(teacher.subspan(i * width, width), temperature, theirs);
    for (size_t k = 0; k < width; ++k) {
      const double p = std::exp(theirs[k]);
      loss += temperature * temperature * p * (theirs[k] - ours[k]);
      gradient[i * width + k] =
          static_cast<float>(temperature * (std::exp(ours[k]) - p) / static_cast<double>(examples));
    }
  }
  return loss / static_cast<double>(examples);
}

double mean_squared_error(std::span<const float> outputs, std::span<const float> targets, std::span<float> gradient) {
  const double count = static_cast<double>(outputs.size());
  double loss = 0.0;
  for (size_t i = 0; i < outputs.size(); ++i) {
    const double error = static_cast<double>(outputs[i]) - targets[i];
    loss += error * error;
    gradient[i] = static_cast<float>(2.0 * error / count);
  }
  return loss / count;
}

}  // namespace bitwright
