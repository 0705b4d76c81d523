// SPDX-License-Identifier: Apache-2.0
#include "core/metrics.h"

#include <numbers>
#include <numeric>

#include "core/check.h"

namespace bitwright {
namespace {

// Values of each example; the whole is a multiple of it.
size_t output_size(const Dataset& data, std::span<const float> outputs) {
  const auto elements = static_cast<size_t>(task_output(data).elements());
  BW_CHECK(outputs.size() == static_cast<size_t>(data.size()) * elements);
  return elements;
}

double ratio(double numerator, double denominator) {
  return denominator > 0.0 ? numerator / denominator : 0.0;
}

double harmonic_f1(int64_t true_positives, int64_t false_positives, int64_t false_negatives) {
  return ratio(2.0 * static_cast<double>(true_positives),
               static_cast<double>(2 * true_positives + false_positives + false_negatives));
}

// ---- classification ----

std::vector<int64_t> confusion_matrix(const Dataset& data, const std::vector<int32_t>& decided) {
  const size_t classes = data.classes.size();
  std::vector<int64_t> confusion(classes * classes, 0);
  for (size_t i = 0; i < decided.size(); ++i)
    ++confusion[static_cast<size_t>(data.labels[i]) * classes + static_cast<size_t>(decided[i])];
  return confusion;
}

double macro_f1(const std::vector<int64_t>& confusion, size_t classes) {
  double sum = 0.0;
  int occurring = 0;
  for (size_t c = 0; c < classes; ++c) {
    int64_t labelled = 0, decided = 0;
    for (size_t k = 0; k < classes; ++k) {
      labelled += confusion[c * classes + k];
      decided += confusion[k * classes + c];
    }
    if (labelled == 0) continue;
    const int64_t hits = confusion[c * classes + c];
    sum += harmonic_f1(hits, decided - hits, labelled - hits);
    ++occurring;
  }
  return ratio(sum, occurring);
}

double mean_of_occurring(const std::vector<double>& per_class) {
  double sum = 0.0;
  int occurring = 0;
  for (double value : per_class) {
    if (std::isnan(value)) continue;
    sum += value;
    ++occurring;
  }
  return ratio(sum, occurring);
}

// The softmax probability of a class as its log odds, which do not saturate: output less log-sum-exp of the others.
double log_odds(std::span<const float> output, size_t c) {
  double largest = -HUGE_VAL, sum = 0.0;
  for (size_t k = 0; k < output.size(); ++k)
    if (k != c) largest = std::max<double>(largest, output[k]);
  for (size_t k = 0; k < output.size(); ++k)
    if (k != c) sum += std::exp(output[k] - largest);
  return output[c] - largest - std::log(sum);
}

// Mean over the classes that occur beside others.
double one_against_rest_auc(const Dataset& data, std::span<const float> outputs, size_t classes) {
  const size_t examples = data.labels.size();
  std::vector<double> scores(examples);
  std::vector<bool> positive(examples);
  double sum = 0.0;
  int counted = 0;
  for (size_t c = 0; c < classes; ++c) {
    for (size_t i = 0; i < examples; ++i) {
      scores[i] = log_odds(outputs.subspan(i * classes, classes), c);
      positive[i] = data.labels[i] == static_cast<int32_t>(c);
    }
    const auto count = static_cast<size_t>(std::count(positive.begin(), positive.end(), true));
    if (count == 0 || count == examples) continue;
    sum += area_under_roc(scores, positive);
    ++counted;
  }
  return counted > 0 ? sum / counted : 0.5;
}

void score_classes(const Dataset& data, std::span<const float> outputs, Metrics& metrics) {
  const size_t classes = data.classes.size();
  metrics.confusion = confusion_matrix(data, decisions(data, outputs));
  int64_t hits = 0;
  for (size_t c = 0; c < classes; ++c) hits += metrics.confusion[c * classes + c];
  metrics.accuracy = static_cast<double>(hits) / static_cast<double>(data.size());
  metrics.balanced_accuracy = mean_of_occurring(recalls(metrics.confusion, static_cast<int>(classes)));
  metrics.macro_f1 = macro_f1(metrics.confusion, classes);
  metrics.auc = one_against_rest_auc(data, outputs, classes);
}

// ---- regression ----

// Both sums over standardised targets, so that targets of different units weigh alike; the mean is that of these data.
double r_squared(const Dataset& data, std::span<const float> outputs) {
  const size_t targets = data.target_names.size(), examples = data.labels.size();
  double residual = 0.0, total = 0.0;
  for (size_t t = 0; t < targets; ++t) {
    double mean = 0.0;
    for (size_t i = 0; i < examples; ++i) mean += data.targets[i * targets + t];
    mean /= static_cast<double>(examples);
    for (size_t i = t; i < outputs.size(); i += targets) {
      residual += std::pow(double{outputs[i]} - data.targets[i], 2);
      total += std::pow(data.targets[i] - mean, 2);
    }
  }
  return total > 0.0 ? 1.0 - residual / total : 0.0;
}

void score_targets(const Dataset& data, std::span<const float> outputs, Metrics& metrics) {
  const size_t targets = data.target_names.size();
  double squares = 0.0, magnitudes = 0.0;
  for (size_t i = 0; i < outputs.size(); ++i) {
    const double error = (double{outputs[i]} - data.targets[i]) * data.target_deviation[i % targets];
    squares += error * error;
    magnitudes += std::abs(error);
  }
  metrics.rmse = std::sqrt(squares / static_cast<double>(outputs.size()));
  metrics.mae = magnitudes / static_cast<double>(outputs.size());
  metrics.r2 = r_squared(data, outputs);
  metrics.accuracy = std::max(metrics.r2, 0.0);
}

// ---- anomalies ----

void score_anomalies(const Dataset& data, std::span<const float> outputs, double threshold, Metrics& metrics) {
  const std::vector<double> errors = reconstruction_errors(data, outputs);
  std::vector<bool> anomalous(errors.size());
  int64_t hits = 0, false_alarms = 0, misses = 0;
  for (size_t i = 0; i < errors.size(); ++i) {
    anomalous[i] = data.labels[i] != 0;
    const bool reported = errors[i] > threshold;
    hits += reported && anomalous[i];
    false_alarms += reported && !anomalous[i];
    misses += !reported && anomalous[i];
  }
  metrics.auc = metrics.accuracy = area_under_roc(errors, anomalous);
  metrics.threshold = threshold;
  metrics.f1 = harmonic_f1(hits, false_alarms, misses);
}

// ---- Student's t ----

// P(|T| <= sqrt(nu) tan theta) for nu degrees of freedom.
// Source: Abramowitz and Stegun, Handbook of Mathematical Functions, 26.7.3 (odd nu) and 26.7.4 (even nu).
double student_probability(double theta, int64_t nu) {
  const double cosine = std::cos(theta), square = cosine * cosine;
  const bool odd = nu % 2 == 1;
  double term = odd ? cosine : 1.0, sum = 0.0;
  for (int64_t k = odd ? 3 : 2; k <= nu; k += 2) {
    sum += term;
    term *= square * static_cast<double>(k - 1) / static_cast<double>(k);
  }
  const double series = std::sin(theta) * sum;
  return odd ? (theta + series) * 2.0 / std::numbers::pi : series;
}

// The t that lies within +-t with 95 % probability, by bisection over the angle.
double student_t95(int64_t nu) {
  double low = 0.0, high = std::numbers::pi / 2.0;
  while (true) {
    const double middle = (low + high) / 2.0;
    if (middle <= low || middle >= high) return std::sqrt(static_cast<double>(nu)) * std::tan(middle);
    (student_probability(middle, nu) < 0.95 ? low : high) = middle;
  }
}

}  // namespace

Metrics score_outputs(const Dataset& data, std::span<const float> outputs, double threshold) {
  output_size(data, outputs);
  Metrics metrics;
  metrics.windows = data.size();
  if (data.size() == 0) return metrics;
  switch (data.task) {
    case Task::kClassification: score_classes(data, outputs, metrics); break;
    case Task::kRegression: score_targets(data, outputs, metrics); break;
    case Task::kAnomaly: score_anomalies(data, outputs, threshold, metrics); break;
  }
  return metrics;
}

std::vector<int32_t> decisions(const Dataset& data, std::span<const float> outputs, double threshold) {
  const size_t elements = output_size(data, outputs);
  std::vector<int32_t> decided(data.labels.size(), 0);
  if (data.task == Task::kAnomaly) {
    const std::vector<double> errors = reconstruction_errors(data, outputs);
    for (size_t i = 0; i < errors.size(); ++i) decided[i] = errors[i] > threshold ? 1 : 0;
  }
  if (data.task == Task::kClassification)
    for (size_t i = 0; i < decided.size(); ++i) {
      const auto output = outputs.subspan(i * elements, elements);
      decided[i] = static_cast<int32_t>(std::max_element(output.begin(), output.end()) - output.begin());
    }
  return decided;
}

std::vector<double> reconstruction_errors(const Dataset& data, std::span<const float> outputs) {
  const auto elements = static_cast<size_t>(data.front_end.output.elements());
  BW_CHECK(outputs.size() == data.labels.size() * elements);
  std::vector<double> errors;
  errors.reserve(data.labels.size());
  for (int64_t i = 0; i < data.size(); ++i) {
    const std::span<const int16_t> input = data.example(i);
    const std::span<const float> output = outputs.subspan(static_cast<size_t>(i) * elements, elements);
    double sum = 0.0;
    for (size_t k = 0; k < elements; ++k) sum += std::pow(output[k] - input[k] * data.front_end.input_scale, 2);
    errors.push_back(sum / static_cast<double>(elements));
  }
  return errors;
}

double anomaly_threshold(const Dataset& train, std::span<const float> outputs) {
  const std::vector<double> errors = reconstruction_errors(train, outputs);
  std::vector<double> normal;
  for (size_t i = 0; i < errors.size(); ++i)
    if (train.labels[i] == 0) normal.push_back(errors[i]);
  if (normal.empty()) return 0.0;
  std::sort(normal.begin(), normal.end());
  return normal[(normal.size() * 99 + 99) / 100 - 1];
}

double area_under_roc(std::span<const double> scores, const std::vector<bool>& positive) {
  BW_CHECK(scores.size() == positive.size());
  std::vector<size_t> order(scores.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return scores[a] < scores[b]; });
  double wins = 0.0, positives = 0.0, negatives = 0.0;  // wins: pairs in which the positive is above, ties half
  for (size_t begin = 0, end = 0; begin < order.size(); begin = end) {
    double tied_positives = 0.0, tied_negatives = 0.0;
    for (; end < order.size() && scores[order[end]] == scores[order[begin]]; ++end)
      (positive[order[end]] ? tied_positives : tied_negatives) += 1.0;
    wins += tied_positives * (negatives + tied_negatives / 2.0);
    positives += tied_positives;
    negatives += tied_negatives;
  }
  return positives > 0.0 && negatives > 0.0 ? wins / (positives * negatives) : 0.5;
}

std::vector<double> recalls(std::span<const int64_t> confusion, int classes) {
  const auto side = static_cast<size_t>(classes);
  BW_CHECK(confusion.size() == side * side);
  std::vector<double> recall;
  for (size_t c = 0; c < side; ++c) {
    const auto row = confusion.subspan(c * side, side);
    const auto labelled = static_cast<double>(std::accumulate(row.begin(), row.end(), int64_t{0}));
    recall.push_back(static_cast<double>(row[c]) / labelled);  // 0 / 0 is NaN
  }
  return recall;
}

Summary summarize(std::span<const double> values) {
  Summary s;
  s.n = static_cast<int64_t>(values.size());
  if (values.empty()) return s;
  const auto n = static_cast<double>(s.n);
  s.mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
  s.min = *std::min_element(values.begin(), values.end());
  s.max = *std::max_element(values.begin(), values.end());
  if (s.n == 1) return s;
  double squares = 0.0;
  for (double value : values) squares += (value - s.mean) * (value - s.mean);
  s.deviation = std::sqrt(squares / (n - 1.0));
  s.half_width = student_t95(s.n - 1) * s.deviation / std::sqrt(n);
  return s;
}

}  // namespace bitwright
