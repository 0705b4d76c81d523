// SPDX-License-Identifier: Apache-2.0
#include "trainer/equalization.h"

#include <algorithm>
#include <cmath>
#include <optional>

namespace bitwright {
namespace {

constexpr double kLargestFactor = 64.0;
constexpr int kMostSweeps = 200;
constexpr double kConverged = 1e-4;  // of log s

std::optional<int> only_reader(const Network& network, int index) {
  std::optional<int> reader;
  for (int i = index + 1; i < std::ssize(network.layers); ++i) {
    const auto* add = std::get_if<Add>(&network.layers[i].op);
    if (network.layers[i].from != index && !(add && add->with == index)) continue;
    if (reader) return std::nullopt;
    reader = i;
  }
  return reader;
}

bool passes_factors(const LayerSpec& layer) {
  if (std::holds_alternative<AvgPool2d>(layer.op) || std::holds_alternative<GlobalAvgPool>(layer.op))
    return !layer.batch_norm;
  return !has_accumulators(layer.op);
}

double gain(const LayerSpec& layer, const LayerParameters& p, int64_t channel) {
  if (!layer.batch_norm) return 1.0;
  return std::fabs(p.gamma[channel]) / std::sqrt(p.running_var[channel] + kBatchNormEpsilon);
}

// The channel of the map before, of weight `tap` in row `output`.
int64_t channel_read(const LayerSpec& layer, int64_t output, int64_t tap, int channels) {
  return (std::holds_alternative<DepthwiseConv2d>(layer.op) ? output : tap) % channels;
}

void scale_outputs(const LayerSpec& layer, const std::vector<double>& factors, LayerParameters& p) {
  const auto scale = [&](std::vector<float>& values) {
    const size_t row = values.size() / factors.size();
    for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(values[i] / factors[i / row]);
  };
  for (auto* values : layer.batch_norm ? std::vector{&p.gamma, &p.beta} : std::vector{&p.weights, &p.bias})
    if (!values->empty()) scale(*values);
}

void scale_inputs(const LayerSpec& layer, int outputs, const std::vector<double>& factors, LayerParameters& p) {
  const int64_t taps = std::ssize(p.weights) / outputs;
  for (int64_t i = 0; i < std::ssize(p.weights); ++i) {
    const int64_t channel = channel_read(layer, i / taps, i % taps, static_cast<int>(factors.size()));
    p.weights[i] = static_cast<float>(p.weights[i] * factors[channel]);
  }
}

// eq. (11), with all factors of a channel so far, `total`, kept within the limit.
std::vector<double> factors_of(const std::vector<double>& r1, const std::vector<double>& r2,
                               std::vector<double>& total) {
  std::vector<double> factors(r1.size(), 1.0);
  for (size_t i = 0; i < r1.size(); ++i) {
    if (r1[i] <= 0.0 || r2[i] <= 0.0) continue;
    const double wanted = std::clamp(total[i] * std::sqrt(r1[i] / r2[i]), 1.0 / kLargestFactor, kLargestFactor);
    factors[i] = wanted / total[i];
    total[i] = wanted;
  }
  return factors;
}

}  // namespace

std::vector<EqualizedPair> equalized_pairs(const Network& float_network) {
  std::vector<EqualizedPair> pairs;
  for (int first = 0; first < std::ssize(float_network.layers); ++first) {
    if (!has_weights(float_network.layers[first].op)) continue;
    std::optional<int> reader = only_reader(float_network, first);
    while (reader && passes_factors(float_network.layers[*reader])) reader = only_reader(float_network, *reader);
    if (reader && has_weights(float_network.layers[*reader].op)) pairs.push_back({first, *reader});
  }
  return pairs;
}

std::vector<double> output_ranges(const LayerSpec& layer, const LayerShapes& shapes,
                                  const LayerParameters& parameters) {
  std::vector<double> ranges(shapes.output.c, 0.0);
  const int64_t row = std::ssize(parameters.weights) / shapes.output.c;
  for (int64_t i = 0; i < std::ssize(parameters.weights); ++i) {
    double& range = ranges[i / row];
    range = std::max(range, gain(layer, parameters, i / row) * std::fabs(parameters.weights[i]));
  }
  return ranges;
}

std::vector<double> input_ranges(const LayerSpec& layer, const LayerShapes& shapes, const LayerParameters& parameters,
                                 int channels) {
  std::vector<double> ranges(channels, 0.0);
  const int64_t row = std::ssize(parameters.weights) / shapes.output.c;
  for (int64_t i = 0; i < std::ssize(parameters.weights); ++i) {
    double& range = ranges[channel_read(layer, i / row, i % row, channels)];
    range = std::max(range, gain(layer, parameters, i / row) * std::fabs(parameters.weights[i]));
  }
  return ranges;
}

Parameters equalize(const Network& float_network, Parameters parameters) {
  const auto shapes = infer_shapes(float_network);
  const auto pairs = equalized_pairs(float_network);
  std::vector<std::vector<double>> totals;
  for (const EqualizedPair& pair : pairs) totals.emplace_back(shapes[pair.first].output.c, 1.0);
  double largest_log = HUGE_VAL;
  for (int sweep = 0; sweep < kMostSweeps && largest_log > kConverged; ++sweep) {
    largest_log = 0.0;
    for (size_t k = 0; k < pairs.size(); ++k) {
      const auto [first, second] = pairs[k];
      const LayerSpec &from = float_network.layers[first], &to = float_network.layers[second];
      LayerParameters &p = parameters.layers[first], &q = parameters.layers[second];
      const auto factors = factors_of(output_ranges(from, shapes[first], p),
                                      input_ranges(to, shapes[second], q, shapes[first].output.c), totals[k]);
      scale_outputs(from, factors, p);
      scale_inputs(to, shapes[second].output.c, factors, q);
      for (double factor : factors) largest_log = std::max(largest_log, std::fabs(std::log(factor)));
    }
  }
  return parameters;
}

}  // namespace bitwright
