// SPDX-License-Identifier: Apache-2.0
#include "search/outcome_models.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "core/check.h"
#include "search/expected_improvement.h"
#include "search/quantile.h"

namespace bitwright {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr Index kFitEach = 40;  // results up to which every one is a reason to fit
constexpr Index kFitEvery = 4;  // afterwards

bool all_equal(const VectorXd& values) {
  return values.minCoeff() == values.maxCoeff();
}

// Limits span decades where they are broken; what counts is the side, and how near. The sign is kept.
double compressed(double limit, double scale) {
  return std::copysign(std::log1p(std::abs(limit) / scale), limit);
}

std::vector<ModelInput> with_fidelity(std::vector<ModelInput> inputs, double least_fidelity) {
  if (least_fidelity < 1.0) inputs.emplace_back();
  return inputs;
}

}  // namespace

PrefixModel::PrefixModel(std::vector<ModelInput> inputs) : inputs_(std::move(inputs)), fitted_(inputs_) {}

Index PrefixModel::fitted_part(Index n) {
  return n < kFitEach ? n : n - n % kFitEvery;
}

GaussianProcess PrefixModel::given(const MatrixXd& points, const VectorXd& targets) {
  const Index n = targets.size();
  Index count = fitted_part(n);
  if (all_equal(targets.head(count))) count = n;  // a first failure, say
  if (count != fitted_count_) {
    fitted_ = GaussianProcess(inputs_, {.starts = 1});
    fitted_.fit(points.topRows(count), targets.head(count));
    fitted_count_ = count;
  }
  GaussianProcess model = fitted_;
  model.condition(points, targets);
  return model;
}

MatrixXd OutcomeModels::of_whole_trainings(const MatrixXd& rows) const {
  if (!of_fidelity) return rows;
  MatrixXd whole(rows.rows(), rows.cols() + 1);
  whole << rows, VectorXd::Zero(rows.rows());
  return whole;
}

void OutcomeModels::add_pending(const Eigen::RowVectorXd& row) {
  const MatrixXd whole = of_whole_trainings(row);
  for (GaussianProcess& model : objectives) model.add_pending(whole);
  for (GaussianProcess& model : limits) model.add_pending(whole);
  if (forest) forest->add_pending(whole);
}

ObjectiveVector OutcomeModels::believed(const Eigen::RowVectorXd& row) const {
  ObjectiveVector point;
  for (const GaussianPosterior& posterior : predict(row)) point.push_back(posterior.mean[0]);
  if (of_logarithm) point[0] = std::exp(point[0]);
  return point;
}

std::vector<GaussianPosterior> OutcomeModels::predict(const MatrixXd& rows) const {
  const MatrixXd whole = of_whole_trainings(rows);
  std::vector<GaussianPosterior> posteriors;
  for (size_t k = 0; k < objectives.size(); ++k)
    posteriors.push_back(k == 0 && forest ? forest->predict(whole) : objectives[k].predict(whole));
  if (belief.weight == 0.0) return posteriors;
  const VectorXd means = earlier->means(belief.study, rows);
  for (Index i = 0; i < rows.rows(); ++i) posteriors[0].mean[i] += belief.of(means[i]);
  return posteriors;
}

VectorXd OutcomeModels::log_success(const MatrixXd& rows) const {
  const MatrixXd whole = of_whole_trainings(rows);
  VectorXd sum = VectorXd::Zero(rows.rows());
  const auto add = [&](const GaussianProcess& model, const auto& log_probability) {
    const GaussianPosterior posterior = model.predict(whole);
    for (Index i = 0; i < rows.rows(); ++i) sum[i] += log_probability(posterior.mean[i], posterior.deviation[i]);
  };
  if (success) add(*success, log_success_probability);
  for (const GaussianProcess& limit : limits) add(limit, log_kept_probability);
  return sum;
}

ResultModels::ResultModels(std::vector<ModelInput> inputs, double error_resolution, double least_fidelity,
                           std::shared_ptr<const EarlierModels> earlier)
    : inputs_(with_fidelity(std::move(inputs), least_fidelity)),
      error_resolution_(error_resolution),
      least_fidelity_(least_fidelity),
      earlier_(std::move(earlier)),
      success_(inputs_),
      forest_choice_(inputs_) {
  BW_CHECK(error_resolution >= 0 && least_fidelity > 0 && least_fidelity <= 1);
}

void ResultModels::add(const DesignResult& result, Eigen::RowVectorXd row) {
  if (result.measured) {
    BW_CHECK(!result.measured->empty());
    evaluated_.push_back(observed_.size());
    objectives_.resize(result.measured->size(), PrefixModel(inputs_));
    limits_.resize(result.limits.size(), PrefixModel(inputs_));
  }
  std::vector<double> earlier;
  for (size_t study = 0; earlier_ && study < earlier_->size(); ++study)
    earlier.push_back(earlier_->means(study, row)[0]);
  if (least_fidelity_ < 1.0) {
    row.conservativeResize(row.size() + 1);
    row[row.size() - 1] = std::log(result.fidelity) / std::log(least_fidelity_);
  }
  observed_.push_back({result, std::move(row), std::move(earlier)});
}

ResultModels::Targets ResultModels::targets_of(const std::vector<size_t>& observed,
                                               const std::function<double(const Observed&)>& target) const {
  Targets targets{MatrixXd(observed.size(), inputs_.size()), VectorXd(observed.size())};
  for (Index i = 0; i < targets.values.size(); ++i) {
    const Observed& each = observed_[observed[static_cast<size_t>(i)]];
    targets.points.row(i) = each.row;
    targets.values[i] = target(each);
  }
  return targets;
}

// An objective as the models see it.
double ResultModels::modelled(const DesignResult& result, size_t objective) const {
  const double value = (*result.measured)[objective];
  return objective == 0 && error_resolution_ > 0 ? log_error(value, error_resolution_) : value;
}

// By share: least squares, drawn to a slope of 1 by as much as one more training of average distance would.
std::map<double, ResultModels::Line> ResultModels::lines_to_whole_trainings(
    const std::vector<size_t>& evaluated) const {
  std::map<int64_t, double> whole;
  for (const size_t i : evaluated)
    if (const DesignResult& result = observed_[i].result; result.fidelity == 1.0)
      whole[result.number] = modelled(result, 0);
  std::map<double, std::vector<std::pair<double, double>>> pairs;
  for (const size_t i : evaluated)
    if (const DesignResult& result = observed_[i].result; result.fidelity < 1.0 && whole.contains(result.number))
      pairs[result.fidelity].emplace_back(modelled(result, 0), whole[result.number]);
  std::map<double, Line> lines;
  for (const auto& [share, points] : pairs) {
    const auto n = static_cast<double>(points.size());
    double mean_x = 0.0, mean_y = 0.0, xx = 0.0, xy = 0.0;
    for (const auto& [x, y] : points) {
      mean_x += x / n;
      mean_y += y / n;
    }
    for (const auto& [x, y] : points) {
      xx += (x - mean_x) * (x - mean_x);
      xy += (x - mean_x) * (y - mean_y);
    }
    const double slope = xx > 0.0 ? (xy + xx / n) / (xx + xx / n) : 1.0;
    lines[share] = {mean_y - slope * mean_x, slope};
  }
  return lines;
}

EarlierBelief ResultModels::belief() const {
  if (!earlier_) return {};
  std::vector<std::vector<double>> means(earlier_->size());
  std::vector<double> results;
  for (Index i = 0; i < PrefixModel::fitted_part(std::ssize(evaluated_)); ++i) {
    const Observed& each = observed_[evaluated_[static_cast<size_t>(i)]];
    if (each.result.fidelity < 1.0) continue;
    results.push_back(modelled(each.result, 0));
    for (size_t study = 0; study < means.size(); ++study) means[study].push_back(each.earlier[study]);
  }
  return belief_in(means, results);
}

// What earlier studies leave of it.
ResultModels::Targets ResultModels::first_targets(const std::map<double, Line>& lines,
                                                  const EarlierBelief& belief) const {
  return targets_of(evaluated_, [&](const Observed& each) {
    const double value = modelled(each.result, 0);
    const auto line = lines.find(each.result.fidelity);
    const double whole = line == lines.end() ? value : line->second.offset + line->second.slope * value;
    return belief.weight == 0.0 ? whole : whole - belief.of(each.earlier[belief.study]);
  });
}

ResultModels::Targets ResultModels::further_targets(size_t objective) const {
  return targets_of(evaluated_, [&](const Observed& each) { return modelled(each.result, objective); });
}

ResultModels::Targets ResultModels::limit_targets(size_t limit, const std::vector<size_t>& fitted) const {
  std::vector<double> sizes;
  for (const size_t i : fitted) sizes.push_back(std::abs(observed_[i].result.limits[limit]));
  const double scale = std::max(quantile(sizes, 0.5), 1e-12);
  return targets_of(evaluated_, [&](const Observed& each) { return compressed(each.result.limits[limit], scale); });
}

ResultModels::Targets ResultModels::success_targets() const {
  std::vector<size_t> all(observed_.size());
  std::iota(all.begin(), all.end(), size_t{0});
  return targets_of(all, [](const Observed& each) { return each.result.measured ? 1.0 : 0.0; });
}

// Of the first `count` that did not fail.
std::vector<Index> ResultModels::whole_trainings(Index count) const {
  std::vector<Index> whole;
  for (Index i = 0; i < count; ++i)
    if (observed_[evaluated_[static_cast<size_t>(i)]].result.fidelity == 1.0) whole.push_back(i);
  return whole;
}

std::optional<RandomForest> ResultModels::better_forest(const Targets& targets) {
  const GaussianProcess& model = objectives_[0].fitted();
  return forest_choice_.given(targets.points, targets.values, model, whole_trainings(model.observations()));
}

OutcomeModels ResultModels::models() {
  OutcomeModels models;
  models.belief = belief();
  models.earlier = earlier_;
  models.of_logarithm = error_resolution_ > 0;
  models.of_fidelity = least_fidelity_ < 1.0;
  // What targets are scaled by must not change between two fits: a proposal would depend on when others were asked for.
  const auto part = PrefixModel::fitted_part(static_cast<Index>(evaluated_.size()));
  const std::vector<size_t> fitted(evaluated_.begin(), evaluated_.begin() + part);
  const std::map<double, Line> lines = lines_to_whole_trainings(fitted);
  for (size_t k = 0; k < objectives_.size(); ++k) {
    const Targets targets = k == 0 ? first_targets(lines, models.belief) : further_targets(k);
    models.objectives.push_back(objectives_[k].given(targets.points, targets.values));
    if (k == 0) models.forest = better_forest(targets);
  }
  for (size_t k = 0; k < limits_.size(); ++k) {
    const Targets targets = limit_targets(k, fitted);
    models.limits.push_back(limits_[k].given(targets.points, targets.values));
  }
  if (evaluated_.size() == observed_.size()) return models;
  const Targets targets = success_targets();
  models.success = success_.given(targets.points, targets.values);
  return models;
}

}  // namespace bitwright
