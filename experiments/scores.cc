// SPDX-License-Identifier: Apache-2.0
#include "experiments/scores.h"

#include <fmt/format.h>

#include <cmath>

#include "experiments/table.h"

namespace bitwright {
namespace {

std::vector<double> values_of(const std::vector<Metrics>& runs, double Metrics::*value) {
  std::vector<double> values;
  for (const Metrics& run : runs) values.push_back(run.*value);
  return values;
}

std::string interval_text(const Score& score, const Summary& s) {
  if (s.n < 2) return "-";
  double low = s.mean - s.half_width, high = s.mean + s.half_width;
  if (score.unit != Score::Unit::kOther) low = std::max(low, 0.0), high = std::min(high, 1.0);
  return fmt::format("{} .. {}", format_score(score, low), format_score(score, high));
}

std::vector<std::string> summary_row(const Score& score, const Summary& s) {
  return {score.name, format_score(score, s.mean), format_score(score, s.deviation), interval_text(score, s),
          fmt::format("{} .. {}", format_score(score, s.min), format_score(score, s.max))};
}

// [class][run], without the runs whose set lacks the class.
std::vector<std::vector<double>> recalls_by_class(const ScoredSet& set) {
  std::vector<std::vector<double>> values(set.classes.size());
  for (const Metrics& run : set.runs) {
    const auto of_run = recalls(run.confusion, static_cast<int>(set.classes.size()));
    for (size_t c = 0; c < values.size(); ++c)
      if (std::isfinite(of_run[c])) values[c].push_back(of_run[c]);
  }
  return values;
}

std::vector<int64_t> summed_confusion(const ScoredSet& set) {
  std::vector<int64_t> sum(set.classes.size() * set.classes.size());
  for (const Metrics& run : set.runs)
    for (size_t i = 0; i < sum.size(); ++i) sum[i] += run.confusion[i];
  return sum;
}

std::string render_confusion(const ScoredSet& set) {
  const size_t n = set.classes.size();
  const std::vector<int64_t> sum = summed_confusion(set);
  std::vector<std::vector<std::string>> rows = {{"is / taken for"}};
  rows[0].insert(rows[0].end(), set.classes.begin(), set.classes.end());
  for (size_t label = 0; label < n; ++label) {
    rows.push_back({set.classes[label]});
    for (size_t c = 0; c < n; ++c) rows.back().push_back(std::to_string(sum[label * n + c]));
  }
  return render_table(rows);
}

// Windows that the integer and the fake-quantized network decide differently, and all windows.
std::pair<int64_t, int64_t> differing(const std::vector<Metrics>& runs) {
  int64_t differ = 0, windows = 0;
  for (const Metrics& run : runs) differ += run.differing, windows += run.windows;
  return {differ, windows};
}

Summary gap(const std::vector<Metrics>& runs) {
  std::vector<double> gaps;
  for (const Metrics& run : runs) gaps.push_back(run.accuracy - run.fake_quantized_accuracy);
  return summarize(gaps);
}

// A regression decides nothing.
std::string gap_text(const ScoredSet& set) {
  const std::string points = fmt::format("integer - fake-quantized: {:+.2f} points", 100.0 * gap(set.runs).mean);
  const auto [differ, windows] = differing(set.runs);
  if (set.task == Task::kRegression) return fmt::format("{} of R2\n", points);
  return fmt::format("{}; {} of {} windows decided differently\n", points, differ, windows);
}

}  // namespace

std::vector<Score> scores_of(Task task) {
  using Unit = Score::Unit;
  switch (task) {
    case Task::kClassification:
      return {{"accuracy", "accuracy", Unit::kPercent, &Metrics::accuracy},
              {"balanced accuracy", "balanced_accuracy", Unit::kPercent, &Metrics::balanced_accuracy},
              {"macro-F1", "macro_f1", Unit::kPercent, &Metrics::macro_f1},
              {"AUC", "auc", Unit::kShare, &Metrics::auc}};
    case Task::kAnomaly:
      return {{"AUC", "accuracy", Unit::kShare, &Metrics::accuracy},
              {"F1", "f1", Unit::kPercent, &Metrics::f1},
              {"threshold", "threshold", Unit::kOther, &Metrics::threshold}};
    case Task::kRegression:
      return {{"R2", "r2", Unit::kOther, &Metrics::r2},
              {"RMSE", "rmse", Unit::kOther, &Metrics::rmse},
              {"MAE", "mae", Unit::kOther, &Metrics::mae}};
  }
  return {};
}

std::string format_score(const Score& score, double value) {
  switch (score.unit) {
    case Score::Unit::kPercent: return format_percent(value);
    case Score::Unit::kShare: return fmt::format("{:.4f}", value);
    case Score::Unit::kOther: return fmt::format("{:.4g}", value);
  }
  return {};
}

std::string render_scores(const ScoredSet& set) {
  std::vector<std::vector<std::string>> rows = {{set.name, "mean", "deviation", "95 % interval", "min .. max"}};
  for (const Score& score : scores_of(set.task))
    rows.push_back(summary_row(score, summarize(values_of(set.runs, score.value))));
  const bool classes = set.task == Task::kClassification;
  if (classes) {
    const auto by_class = recalls_by_class(set);
    for (size_t c = 0; c < by_class.size(); ++c)
      if (!by_class[c].empty())
        rows.push_back(summary_row({.name = fmt::format("recall of {}", set.classes[c])}, summarize(by_class[c])));
  }
  return render_table(rows) + (classes ? fmt::format("\n{}", render_confusion(set)) : "") + gap_text(set);
}

nlohmann::json summary_json(const Summary& s) {
  return {{"n", s.n},     {"mean", s.mean}, {"deviation", s.deviation}, {"half_width", s.half_width},
          {"min", s.min}, {"max", s.max}};
}

nlohmann::json scores_json(const ScoredSet& set) {
  nlohmann::json json = nlohmann::json::object();
  for (const Score& score : scores_of(set.task))
    json[score.key] = summary_json(summarize(values_of(set.runs, score.value)));
  if (set.task == Task::kClassification) {
    const auto by_class = recalls_by_class(set);
    json["recall"] = nlohmann::json::object();
    for (size_t c = 0; c < by_class.size(); ++c)
      if (!by_class[c].empty()) json["recall"][set.classes[c]] = summary_json(summarize(by_class[c]));
    json["classes"] = set.classes;
    json["confusion"] = summed_confusion(set);
  }
  const auto [differ, windows] = differing(set.runs);
  json["gap"] = summary_json(gap(set.runs));
  json["differing"] = differ;
  json["windows"] = windows;
  return json;
}

std::string format_mean(const std::vector<double>& shares) {
  if (shares.empty()) return "-";
  const Summary s = summarize(shares);
  return s.n < 2 ? fmt::format("{:.2f} %", 100.0 * s.mean)
                 : fmt::format("{:.2f} +- {:.2f} %", 100.0 * s.mean, 100.0 * s.deviation);
}

std::vector<double> accuracies(const std::vector<Metrics>& runs) {
  return values_of(runs, &Metrics::accuracy);
}

}  // namespace bitwright
