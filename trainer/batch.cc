// SPDX-License-Identifier: Apache-2.0
#include "trainer/batch.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "trainer/loss.h"

namespace bitwright {
namespace {

// HWC codes to CHW floats; row y of the result is row y + shift of the example, around the end.
void copy_example(std::span<const int16_t> codes, const Shape& shape, int64_t shift, float* out) {
  const int64_t positions = int64_t{shape.h} * shape.w, start = shift * shape.w;
  for (int64_t c = 0; c < shape.c; ++c) {
    const int16_t* channel = codes.data() + c;
    for (int64_t p = start; p < positions; ++p) *out++ = channel[p * shape.c];
    for (int64_t p = 0; p < start; ++p) *out++ = channel[p * shape.c];
  }
}

void copy_codes(const Dataset& data, std::span<const int64_t> examples, Rng* shift, Batch& batch) {
  const Shape& shape = data.front_end.output;
  const size_t elements = static_cast<size_t>(shape.elements());
  batch.codes.resize(examples.size() * elements);
  batch.labels.resize(examples.size());
  for (size_t i = 0; i < examples.size(); ++i) {
    const int64_t rotation = shift ? static_cast<int64_t>(shift->below(static_cast<uint64_t>(shape.h))) : 0;
    copy_example(data.example(examples[i]), shape, rotation, batch.codes.data() + i * elements);
    batch.labels[i] = data.labels[static_cast<size_t>(examples[i])];
  }
}

// The batch's codes, in real units and HWC order.
std::vector<float> input_targets(const Dataset& data, const Batch& batch) {
  const Shape& shape = data.front_end.output;
  const size_t positions = static_cast<size_t>(shape.h) * shape.w, channels = static_cast<size_t>(shape.c);
  std::vector<float> targets(batch.codes.size());
  size_t at = 0;
  for (size_t first = 0; first < targets.size(); first += positions * channels)
    for (size_t p = 0; p < positions; ++p)
      for (size_t c = 0; c < channels; ++c)
        targets[at++] = static_cast<float>(batch.codes[first + c * positions + p] * data.front_end.input_scale);
  return targets;
}

std::vector<float> regression_targets(const Dataset& data, std::span<const int64_t> examples) {
  const size_t width = data.target_names.size();
  std::vector<float> targets;
  for (int64_t i : examples) {
    const auto row = std::span(data.targets).subspan(static_cast<size_t>(i) * width, width);
    targets.insert(targets.end(), row.begin(), row.end());
  }
  return targets;
}

void set_targets(const Dataset& data, std::span<const int64_t> examples, double label_smoothing, Batch& batch) {
  switch (data.task) {
    case Task::kClassification:
      batch.targets = class_targets(batch.labels, static_cast<int>(data.classes.size()), label_smoothing);
      break;
    case Task::kRegression: batch.targets = regression_targets(data, examples); break;
    case Task::kAnomaly: batch.targets = input_targets(data, batch); break;
  }
}

void scale_examples(double spread, Rng& rng, Batch& batch) {
  const size_t elements = batch.codes.size() / batch.labels.size();
  for (size_t i = 0; i < batch.labels.size(); ++i) {
    const auto factor = static_cast<float>(std::max(0.0, 1.0 + spread * rng.normal()));
    for (float& code : std::span(batch.codes).subspan(i * elements, elements)) code *= factor;
  }
}

// rows[i] = share * rows[i] + (1 - share) * rows[partner[i]]
void mix_rows(std::span<const size_t> partner, float share, std::vector<float>& rows) {
  const std::vector<float> before = rows;
  const size_t width = rows.size() / partner.size();
  for (size_t i = 0; i < partner.size(); ++i)
    for (size_t j = 0; j < width; ++j)
      rows[i * width + j] = share * before[i * width + j] + (1.0f - share) * before[partner[i] * width + j];
}

void mix_examples(double alpha, Rng& rng, Batch& batch) {
  std::vector<size_t> partner(batch.labels.size());
  std::iota(partner.begin(), partner.end(), size_t{0});
  rng.shuffle(partner);
  const auto share = static_cast<float>(symmetric_beta(alpha, rng));
  mix_rows(partner, share, batch.codes);
  mix_rows(partner, share, batch.targets);
}

void add_noise(double deviation, Rng& rng, Batch& batch) {
  for (float& code : batch.codes) code += static_cast<float>(deviation * rng.normal());
}

void round_to_format(Format format, Batch& batch) {
  const auto low = static_cast<float>(min_code(format)), high = static_cast<float>(max_code(format));
  for (float& code : batch.codes) code = std::clamp(std::nearbyint(code), low, high);
}

// Gamma(shape, 1).
double gamma_variate(double shape, Rng& rng) {
  if (shape < 1.0) return gamma_variate(shape + 1.0, rng) * std::pow(1.0 - rng.uniform(), 1.0 / shape);
  const double d = shape - 1.0 / 3.0, c = 1.0 / std::sqrt(9.0 * d);
  for (;;) {
    const double x = rng.normal(), v = std::pow(1.0 + c * x, 3.0);
    if (v > 0.0 && std::log(1.0 - rng.uniform()) < 0.5 * x * x + d - d * v + d * std::log(v)) return d * v;
  }
}

}  // namespace

double symmetric_beta(double alpha, Rng& rng) {
  const double a = gamma_variate(alpha, rng), b = gamma_variate(alpha, rng);
  return a + b > 0.0 ? a / (a + b) : 0.5;
}

void gather(const Dataset& data, std::span<const int64_t> examples, bool with_targets, Batch& batch) {
  copy_codes(data, examples, nullptr, batch);
  if (with_targets) set_targets(data, examples, 0.0, batch);
}

void gather_augmented(const Dataset& data, std::span<const int64_t> examples, const Recipe& recipe, Rng& rng,
                      Batch& batch) {
  copy_codes(data, examples, recipe.circular_shift ? &rng : nullptr, batch);
  if (recipe.scaling > 0.0) scale_examples(recipe.scaling, rng, batch);
  set_targets(data, examples, recipe.label_smoothing, batch);
  if (recipe.mixup > 0.0) mix_examples(recipe.mixup, rng, batch);
  if (recipe.jitter > 0.0) add_noise(recipe.jitter / data.front_end.input_scale, rng, batch);
  if (recipe.scaling > 0.0 || recipe.mixup > 0.0 || recipe.jitter > 0.0) round_to_format(data.front_end.format, batch);
}

}  // namespace bitwright
