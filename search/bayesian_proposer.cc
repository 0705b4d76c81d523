// SPDX-License-Identifier: Apache-2.0
#include "search/bayesian_proposer.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <iterator>

#include "core/check.h"
#include "search/expected_improvement.h"

namespace bitwright {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr size_t kLeastTrained = 4;  // results that a model is made of
constexpr int kDrawsPerPoint = 12;   // on average, before a pool is left smaller
constexpr Index kFitEach = 40;       // results up to which every one is a reason to fit
constexpr Index kFitEvery = 4;       // afterwards

// Up to `count` points, of which `draw` makes one or none.
template <class Draw>
std::vector<DrawnPoint> collect(int count, int draws, const Draw& draw) {
  std::vector<DrawnPoint> points;
  for (int i = 0; i < draws && static_cast<int>(points.size()) < count; ++i)
    if (std::optional<DrawnPoint> point = draw()) points.push_back(std::move(*point));
  return points;
}

std::optional<DesignProposal> random_proposal(PointDrawer& drawer, int draws, DesignProposal::Source source) {
  std::vector<DrawnPoint> found = collect(1, draws, [&] { return drawer.sample(); });
  if (found.empty()) return std::nullopt;
  return DesignProposal{std::move(found[0].point), source, std::nullopt, std::nullopt, drawer.rejected()};
}

// The least value that a share of the values is not above.
double quantile(std::vector<double> values, double share) {
  const Index rank = static_cast<Index>(std::ceil(share * static_cast<double>(values.size()))) - 1;
  const auto nth = values.begin() + std::max<Index>(rank, 0);
  std::nth_element(values.begin(), nth, values.end());
  return *nth;
}

// A twentieth of its extent beyond all that trained. Of the errors the worst fifth is left out, unless the front needs
// it. Points: {error, known objectives...}.
ObjectiveVector reference_point(const std::vector<ObjectiveVector>& observed,
                                const std::vector<ObjectiveVector>& front) {
  ObjectiveVector low = observed.at(0), high = low;
  std::vector<double> errors;
  for (const ObjectiveVector& point : observed) {
    for (size_t k = 0; k < point.size(); ++k)
      low[k] = std::min(low[k], point[k]), high[k] = std::max(high[k], point[k]);
    errors.push_back(point[0]);
  }
  high[0] = quantile(errors, 0.8);
  for (const ObjectiveVector& point : front) high[0] = std::max(high[0], point[0]);
  for (size_t k = 0; k < high.size(); ++k)
    high[k] += 0.05 * (high[k] - low[k]) + 1e-9 * std::max(1.0, std::abs(high[k]));
  return high;
}

ObjectiveVector with_error(double error, const ObjectiveVector& known) {
  ObjectiveVector point = {error};
  point.insert(point.end(), known.begin(), known.end());
  return point;
}

bool all_equal(const VectorXd& values) {
  return values.minCoeff() == values.maxCoeff();
}

double believed_error(const GaussianProcess& log_error, const Eigen::RowVectorXd& row) {
  return std::exp(log_error.predict(row).mean[0]);
}

void best_first(std::vector<WeighedPoint>& points) {
  std::ranges::stable_sort(points, std::ranges::greater(),
                           [](const WeighedPoint& point) { return point.opinion.log_acquisition; });
}

DesignProposal proposal_of(WeighedPoint best, DesignProposal::Source source, int64_t rejected) {
  return {std::move(best.drawn.point), source, best.drawn.parent, best.opinion, rejected};
}

}  // namespace

// What is believed before a proposal.
struct BayesianProposer::Outlook {
  GaussianProcess error;                   // of its logarithm
  std::optional<GaussianProcess> success;  // of labels; nothing: no training has failed
  KnownCostImprovement improvement;
  std::vector<size_t> front;  // indices into results_
};

std::string to_string(DesignProposal::Source source) {
  constexpr std::array kNames = {"initial", "model", "evolution", "random"};
  return kNames.at(static_cast<size_t>(source));
}

PrefixModel::PrefixModel(std::vector<ModelInput> inputs) : inputs_(std::move(inputs)), fitted_(inputs_) {}

GaussianProcess PrefixModel::given(const MatrixXd& points, const VectorXd& targets) {
  const Index n = targets.size();
  Index count = n < kFitEach ? n : n - n % kFitEvery;
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

BayesianProposer::BayesianProposer(const DesignSpace& space, uint64_t seed, BayesianOptions options)
    : space_(space), seed_(seed), options_(options), error_(space.inputs()), success_(space.inputs()) {
  BW_CHECK(options_.initial_points >= 1 && options_.pool >= 1 && options_.refinements >= 0 && options_.refined >= 1);
  BW_CHECK(options_.mutants >= 1 && options_.evolution_every >= 0 && options_.last_draws >= 1);
}

void BayesianProposer::tell(const DesignResult& result) {
  told_.insert(space_.key(result.point));
  std::optional<ObjectiveVector> known = space_.known_objectives(result.point);
  if (!known) return;
  if (result.error) trained_.push_back(results_.size());
  results_.push_back({result, std::move(*known), space_.encode(result.point)});
}

std::optional<DesignProposal> BayesianProposer::propose(int64_t number, const std::vector<DesignPoint>& pending) {
  using Source = DesignProposal::Source;
  PointDrawer drawer = drawer_of(number, pending);
  if (is_initial(pending.size())) return random_proposal(drawer, options_.last_draws, Source::kInitial);
  const Outlook outlook = look_ahead(pending);
  if (is_evolution_turn(number)) {
    const std::vector<DrawnPoint> mutant = mutants_of_front(outlook, 1, drawer);
    if (!mutant.empty()) return proposal_of(weigh(outlook, mutant)[0], Source::kEvolution, drawer.rejected());
  }
  std::vector<WeighedPoint> points = weigh(outlook, pool(outlook, drawer));
  if (points.empty()) return random_proposal(drawer, options_.last_draws, Source::kRandom);
  best_first(points);
  for (int round = 0; round < options_.refinements; ++round) refine(outlook, drawer, points);
  return proposal_of(std::move(points[0]), Source::kModel, drawer.rejected());
}

// A stream of its own for every proposal.
PointDrawer BayesianProposer::drawer_of(int64_t number, const std::vector<DesignPoint>& pending) const {
  std::set<std::string> taken = told_;
  for (const DesignPoint& point : pending) taken.insert(space_.key(point));
  return PointDrawer(space_, std::move(taken), Rng(seed_, static_cast<uint64_t>(number)));
}

bool BayesianProposer::is_initial(size_t pending) const {
  const size_t wanted = std::min(static_cast<size_t>(options_.initial_points), 2 * (space_.inputs().size() + 1));
  return results_.size() + pending < wanted || trained_.size() < kLeastTrained;
}

bool BayesianProposer::is_evolution_turn(int64_t number) const {
  return options_.evolution_every > 0 && number % options_.evolution_every == options_.evolution_every - 1;
}

GaussianProcess BayesianProposer::error_model() {
  MatrixXd points(trained_.size(), space_.inputs().size());
  VectorXd targets(points.rows());
  for (Index i = 0; i < points.rows(); ++i) {
    const Result& result = results_[trained_[static_cast<size_t>(i)]];
    points.row(i) = result.row;
    targets[i] = log_error(*result.told.error, options_.error_resolution);
  }
  return error_.given(points, targets);
}

std::optional<GaussianProcess> BayesianProposer::success_model() {
  if (trained_.size() == results_.size()) return std::nullopt;
  MatrixXd points(results_.size(), space_.inputs().size());
  VectorXd labels(points.rows());
  for (Index i = 0; i < points.rows(); ++i) {
    const Result& result = results_[static_cast<size_t>(i)];
    points.row(i) = result.row;
    labels[i] = result.told.error ? 1.0 : 0.0;
  }
  return success_.given(points, labels);
}

BayesianProposer::Outlook BayesianProposer::look_ahead(const std::vector<DesignPoint>& pending) {
  GaussianProcess error = error_model();
  std::vector<ObjectiveVector> observed, believed;
  for (const size_t i : trained_) {
    const Result& result = results_[i];
    observed.push_back(with_error(*result.told.error, result.known));
    believed.push_back(with_error(believed_error(error, result.row), result.known));
  }
  std::vector<size_t> front;
  std::vector<ObjectiveVector> front_points;
  const std::vector<int> ranks = non_dominated_rank(believed);
  for (size_t i = 0; i < ranks.size(); ++i)
    if (ranks[i] == 0) front.push_back(trained_[i]), front_points.push_back(believed[i]);
  const ObjectiveVector reference = reference_point(observed, front_points);
  for (const DesignPoint& point : pending) {
    const Eigen::RowVectorXd row = space_.encode(point);
    if (const auto known = space_.known_objectives(point))
      front_points.push_back(with_error(believed_error(error, row), *known));
    error.add_pending(row);
  }
  return {std::move(error), success_model(), KnownCostImprovement(front_points, reference), std::move(front)};
}

std::vector<DrawnPoint> BayesianProposer::mutants_of_front(const Outlook& outlook, int count,
                                                           PointDrawer& drawer) const {
  return collect(count, kDrawsPerPoint * count, [&] { return mutant_of_front(outlook, drawer); });
}

std::optional<DrawnPoint> BayesianProposer::mutant_of_front(const Outlook& outlook, PointDrawer& drawer) const {
  const DesignResult& parent = results_[outlook.front[drawer.rng().below(outlook.front.size())]].told;
  return drawer.mutant(parent.point, parent.number);
}

std::vector<DrawnPoint> BayesianProposer::pool(const Outlook& outlook, PointDrawer& drawer) const {
  return collect(options_.pool, kDrawsPerPoint * options_.pool, [&] {
    return drawer.rng().uniform() < options_.random_share ? drawer.sample() : mutant_of_front(outlook, drawer);
  });
}

std::vector<WeighedPoint> BayesianProposer::weigh(const Outlook& outlook, std::vector<DrawnPoint> drawn) const {
  MatrixXd rows(drawn.size(), space_.inputs().size());
  for (Index i = 0; i < rows.rows(); ++i) rows.row(i) = space_.encode(drawn[static_cast<size_t>(i)].point);
  const GaussianPosterior error = outlook.error.predict(rows);
  std::optional<GaussianPosterior> success;
  if (outlook.success) success = outlook.success->predict(rows);
  std::vector<WeighedPoint> points;
  for (Index i = 0; i < rows.rows(); ++i) {
    DrawnPoint& point = drawn[static_cast<size_t>(i)];
    DesignOpinion opinion{.mean = error.mean[i], .deviation = error.deviation[i]};
    if (success) opinion.log_success = log_success_probability(success->mean[i], success->deviation[i]);
    opinion.log_acquisition =
        opinion.log_success + outlook.improvement.log_improvement({opinion.mean, opinion.deviation}, point.known);
    points.push_back({std::move(point), opinion});
  }
  return points;
}

// Adds mutants of the best; best first before and after.
void BayesianProposer::refine(const Outlook& outlook, PointDrawer& drawer, std::vector<WeighedPoint>& points) const {
  std::vector<DrawnPoint> mutants;
  for (size_t i = 0; i < std::min(points.size(), static_cast<size_t>(options_.refined)); ++i) {
    const DrawnPoint& parent = points[i].drawn;
    const auto draw = [&] { return drawer.mutant(parent.point, parent.parent); };
    std::ranges::move(collect(options_.mutants, options_.mutants, draw), std::back_inserter(mutants));
  }
  std::ranges::move(weigh(outlook, std::move(mutants)), std::back_inserter(points));
  best_first(points);
}

}  // namespace bitwright
