// SPDX-License-Identifier: Apache-2.0
#include "trainer/adaptive_rounding.h"

#include <algorithm>
#include <cmath>

#include "core/check.h"
#include "core/rng.h"

namespace bitwright {
namespace {

constexpr float kZeta = 1.1f, kGamma = -0.1f;  // the ends of the stretched sigmoid, eq. (23)
constexpr double kLargestCode = 127.0;
constexpr double kWarmUp = 0.2;  // share of the iterations without regularizer
constexpr double kFirstBeta = 20.0, kLastBeta = 2.0;

float sigmoid(float v) {
  return 1.0f / (1.0f + std::exp(-v));
}

float rectified(float s) {
  return std::clamp(s * (kZeta - kGamma) + kGamma, 0.0f, 1.0f);
}

float step_of(std::span<const float> steps, int64_t output) {
  return steps.size() == 1 ? steps[0] : steps[output];
}

// out[b][o] += sum over taps of inputs[b] * weights[tap][o] for the rows `examples`; inputs as in RoundingRows.
void multiply(const RoundingRows& rows, std::span<const int64_t> examples, const std::vector<float>& weights,
              std::vector<float>& out) {
  const int64_t taps = rows.taps, outputs = rows.outputs, row_size = rows.depthwise ? taps * outputs : taps;
  for (int64_t tap = 0; tap < taps; ++tap) {
    const float* w = weights.data() + tap * outputs;
    for (size_t b = 0; b < examples.size(); ++b) {
      const float* x = rows.inputs.data() + examples[b] * row_size + (rows.depthwise ? tap * outputs : tap);
      float* acc = out.data() + b * outputs;
      if (rows.depthwise)
        for (int64_t o = 0; o < outputs; ++o) acc[o] += x[o] * w[o];
      else
        for (int64_t o = 0; o < outputs; ++o) acc[o] += *x * w[o];
    }
  }
}

// gradient[tap][o] = sum over rows of inputs[b] * errors[b][o].
void multiply_transposed(const RoundingRows& rows, std::span<const int64_t> examples, const std::vector<float>& errors,
                         std::vector<float>& gradient) {
  const int64_t taps = rows.taps, outputs = rows.outputs, row_size = rows.depthwise ? taps * outputs : taps;
  std::fill(gradient.begin(), gradient.end(), 0.0f);
  for (int64_t tap = 0; tap < taps; ++tap) {
    float* g = gradient.data() + tap * outputs;
    for (size_t b = 0; b < examples.size(); ++b) {
      const float* x = rows.inputs.data() + examples[b] * row_size + (rows.depthwise ? tap * outputs : tap);
      const float* error = errors.data() + b * outputs;
      if (rows.depthwise)
        for (int64_t o = 0; o < outputs; ++o) g[o] += x[o] * error[o];
      else
        for (int64_t o = 0; o < outputs; ++o) g[o] += *x * error[o];
    }
  }
}

// The weights of one layer on their way to codes; all arrays [tap][output].
class Rounding {
 public:
  Rounding(std::span<const float> weights, std::span<const float> steps, const RoundingRows& rows);

  // 1 / the squared error of nearest rounding, of every output; 0 where there is none to reduce.
  void weigh_outputs();
  void step(std::span<const int64_t> examples, double beta, int iteration, const RoundingOptions& options);
  std::vector<int8_t> nearest() const {
    return codes([](const Weight& w) { return w.nearest; });
  }
  std::vector<int8_t> learnt() const {
    return codes([](const Weight& w) { return static_cast<float>(w.room != 0.0f && sigmoid(w.v) >= 0.5f); });
  }

 private:
  struct Weight {
    float base = 0.0f, room = 0.0f;      // floor code, and 1 where the ceiling is another code
    float nearest = 0.0f;                // 0: the floor is nearer, 1: the ceiling
    float v = 0.0f, m = 0.0f, s = 0.0f;  // V and Adam's moments
  };

  template <class Up>
  std::vector<int8_t> codes(const Up& up) const;
  void set_soft_weights();
  void set_errors(std::span<const int64_t> examples);
  float gradient_of(size_t i, double beta, double lambda) const;

  const RoundingRows& rows_;
  std::vector<float> steps_;  // one per output
  std::vector<Weight> weights_;
  std::vector<float> importance_;
  std::vector<float> sigmoid_, soft_, errors_, gradient_;
};

Rounding::Rounding(std::span<const float> weights, std::span<const float> steps, const RoundingRows& rows)
    : rows_(rows),
      weights_(weights.size()),
      sigmoid_(weights.size()),
      soft_(weights.size()),
      gradient_(weights.size()) {
  for (int64_t o = 0; o < rows.outputs; ++o) {
    steps_.push_back(step_of(steps, o));
    for (int64_t tap = 0; tap < rows.taps; ++tap) {
      const double code = std::clamp(double{weights[o * rows.taps + tap]} / steps_[o], -kLargestCode, kLargestCode);
      const double floor = std::floor(code), rest = code - floor;
      Weight& w = weights_[tap * rows.outputs + o];
      w.base = static_cast<float>(floor);
      w.room = rest > 0.0 ? 1.0f : 0.0f;
      w.nearest = rest > 0.5 || (rest == 0.5 && code > 0.0) ? 1.0f : 0.0f;            // half away from zero
      w.v = static_cast<float>(-std::log((kZeta - kGamma) / (rest - kGamma) - 1.0));  // h(V) = rest
    }
  }
}

template <class Up>
std::vector<int8_t> Rounding::codes(const Up& up) const {
  std::vector<int8_t> out(weights_.size());
  for (int64_t o = 0; o < rows_.outputs; ++o)
    for (int64_t tap = 0; tap < rows_.taps; ++tap) {
      const Weight& w = weights_[tap * rows_.outputs + o];
      out[o * rows_.taps + tap] = static_cast<int8_t>(w.base + up(w));
    }
  return out;
}

void Rounding::weigh_outputs() {
  for (double error : reconstruction_error(nearest(), steps_, rows_))
    importance_.push_back(error > 0.0 ? static_cast<float>(1.0 / error) : 0.0f);
}

void Rounding::set_soft_weights() {
  for (size_t i = 0; i < weights_.size(); ++i) {
    const Weight& w = weights_[i];
    sigmoid_[i] = sigmoid(w.v);
    soft_[i] = steps_[i % steps_.size()] * (w.base + w.room * rectified(sigmoid_[i]));
  }
}

// Derivative of the mean squared error by the accumulator.
void Rounding::set_errors(std::span<const int64_t> examples) {
  const size_t outputs = steps_.size();
  errors_.assign(examples.size() * outputs, 0.0f);
  multiply(rows_, examples, soft_, errors_);
  for (size_t b = 0; b < examples.size(); ++b)
    for (size_t o = 0; o < outputs; ++o) {
      float& error = errors_[b * outputs + o];
      error = 2.0f * (error - rows_.targets[examples[b] * outputs + o]) * importance_[o] /
              static_cast<float>(examples.size());
    }
}

float Rounding::gradient_of(size_t i, double beta, double lambda) const {
  const float s = sigmoid_[i], h = s * (kZeta - kGamma) + kGamma;
  if (h <= 0.0f || h >= 1.0f || weights_[i].room == 0.0f) return 0.0f;
  float by_h = gradient_[i] * steps_[i % steps_.size()];
  if (lambda > 0.0) {
    const float distance = std::fabs(2.0f * h - 1.0f);
    const float slope = static_cast<float>(2.0 * lambda * beta) * std::pow(distance, static_cast<float>(beta) - 1.0f);
    by_h += h > 0.5f ? -slope : slope;
  }
  return by_h * (kZeta - kGamma) * s * (1.0f - s);
}

// Adam (arXiv 1412.6980, alg. 1), moments 0.9 and 0.999.
void Rounding::step(std::span<const int64_t> examples, double beta, int iteration, const RoundingOptions& options) {
  set_soft_weights();
  set_errors(examples);
  multiply_transposed(rows_, examples, errors_, gradient_);
  const double lambda = beta > 0.0 ? options.regularization : 0.0;
  const auto first = static_cast<float>(options.learning_rate / (1.0 - std::pow(0.9, iteration + 1)));
  const auto second = static_cast<float>(1.0 / (1.0 - std::pow(0.999, iteration + 1)));
  for (size_t i = 0; i < weights_.size(); ++i) {
    Weight& w = weights_[i];
    const float g = gradient_of(i, beta, lambda);
    w.m += 0.1f * (g - w.m);
    w.s += 0.001f * (g * g - w.s);
    w.v -= first * w.m / (std::sqrt(w.s * second) + 1e-8f);
  }
}

// 0 during the warm-up.
double beta_at(double progress) {
  if (progress < kWarmUp) return 0.0;
  return kFirstBeta + (kLastBeta - kFirstBeta) * (progress - kWarmUp) / (1.0 - kWarmUp);
}

}  // namespace

std::vector<double> reconstruction_error(std::span<const int8_t> codes, std::span<const float> steps,
                                         const RoundingRows& rows) {
  std::vector<float> weights(codes.size());
  for (int64_t o = 0; o < rows.outputs; ++o)
    for (int64_t tap = 0; tap < rows.taps; ++tap)
      weights[tap * rows.outputs + o] = step_of(steps, o) * static_cast<float>(codes[o * rows.taps + tap]);
  std::vector<double> error(rows.outputs, 0.0);
  std::vector<float> row(rows.outputs);
  for (int64_t i = 0; i < rows.count; ++i) {
    std::fill(row.begin(), row.end(), 0.0f);
    multiply(rows, std::span(&i, 1), weights, row);
    for (int64_t o = 0; o < rows.outputs; ++o) {
      const double difference = double{row[o]} - rows.targets[i * rows.outputs + o];
      error[o] += difference * difference / static_cast<double>(rows.count);
    }
  }
  return error;
}

std::vector<int8_t> learn_rounding(std::span<const float> weights, std::span<const float> steps,
                                   const RoundingRows& rows, const RoundingOptions& options) {
  BW_CHECK(rows.count > 0 && std::ssize(weights) == rows.taps * rows.outputs);
  Rounding rounding(weights, steps, rows);
  rounding.weigh_outputs();
  Rng rng(options.seed);
  std::vector<int64_t> examples(std::min<int64_t>(options.batch, rows.count));
  for (int i = 0; i < options.iterations; ++i) {
    for (int64_t& example : examples) example = static_cast<int64_t>(rng.below(rows.count));
    rounding.step(examples, beta_at(static_cast<double>(i) / options.iterations), i, options);
  }
  std::vector<int8_t> codes = rounding.learnt();
  const std::vector<int8_t> nearest = rounding.nearest();
  const auto learnt_error = reconstruction_error(codes, steps, rows);
  const auto nearest_error = reconstruction_error(nearest, steps, rows);
  for (int64_t o = 0; o < rows.outputs; ++o)
    if (!(learnt_error[o] <= nearest_error[o]))
      std::copy_n(nearest.begin() + o * rows.taps, rows.taps, codes.begin() + o * rows.taps);
  return codes;
}

}  // namespace bitwright
