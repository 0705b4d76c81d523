// SPDX-License-Identifier: Apache-2.0
#include "search/bayesian_proposer.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <iterator>
#include <limits>
#include <numeric>

#include "core/check.h"
#include "search/expected_improvement.h"
#include "search/initial_design.h"

namespace bitwright {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr size_t kLeastEvaluated = 4;  // results that a model is made of
constexpr size_t kNearest = 10;        // results to mutate where none keeps the limits
constexpr int kDrawsPerPoint = 12;     // on average, before a pool is left smaller
constexpr Index kFitEach = 40;         // results up to which every one is a reason to fit
constexpr Index kFitEvery = 4;         // afterwards

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

// A twentieth of its extent beyond all that was observed. Of measured objectives the worst fifth is left out, unless
// the front needs it. Points: {measured objectives..., known objectives...}.
ObjectiveVector reference_point(const std::vector<ObjectiveVector>& observed, const std::vector<ObjectiveVector>& front,
                                size_t measured) {
  ObjectiveVector high(observed.at(0).size());
  for (size_t k = 0; k < high.size(); ++k) {
    std::vector<double> values;
    for (const ObjectiveVector& point : observed) values.push_back(point[k]);
    const auto [low, most] = std::ranges::minmax(values);
    high[k] = k < measured ? quantile(values, 0.8) : most;
    for (const ObjectiveVector& point : front) high[k] = std::max(high[k], point[k]);
    high[k] += 0.05 * (high[k] - low) + 1e-9 * std::max(1.0, std::abs(high[k]));
  }
  return high;
}

ObjectiveVector joined(ObjectiveVector measured, const ObjectiveVector& known) {
  measured.insert(measured.end(), known.begin(), known.end());
  return measured;
}

bool all_equal(const VectorXd& values) {
  return values.minCoeff() == values.maxCoeff();
}

// Limits span decades where they are broken; what counts is the side, and how near. The sign is kept.
double compressed(double limit, double scale) {
  return std::copysign(std::log1p(std::abs(limit) / scale), limit);
}

double violation(const std::vector<double>& limits) {
  double sum = 0.0;
  for (const double limit : limits) sum += std::max(0.0, limit);
  return sum;
}

// Outcomes of measured objectives behind the first, in standard deviations: of each the eight quantiles of a normal
// distribution that stand for equal shares, in orders that differ.
std::vector<std::vector<double>> further_outcomes(size_t objectives) {
  constexpr std::array kQuantiles = {-1.5341, -0.8871, -0.4888, -0.1573, 0.1573, 0.4888, 0.8871, 1.5341};
  constexpr std::array<size_t, 3> kSteps = {1, 3, 5};
  if (objectives == 0) return {{}};
  BW_CHECK(objectives <= kSteps.size());
  std::vector<std::vector<double>> outcomes(kQuantiles.size());
  for (size_t i = 0; i < outcomes.size(); ++i)
    for (size_t k = 0; k < objectives; ++k) outcomes[i].push_back(kQuantiles[kSteps[k] * i % kQuantiles.size()]);
  return outcomes;
}

void best_first(std::vector<WeighedPoint>& points) {
  std::ranges::stable_sort(points, std::ranges::greater(),
                           [](const WeighedPoint& point) { return point.opinion.log_acquisition; });
}

DesignProposal proposal_of(WeighedPoint best, DesignProposal::Source source, int64_t rejected) {
  return {std::move(best.drawn.point), source, best.drawn.parent, best.opinion, rejected};
}

}  // namespace

struct BayesianProposer::Models {
  std::vector<GaussianProcess> objectives;  // measured; of the first's logarithm, unless none is taken
  std::vector<GaussianProcess> limits;      // measured, compressed
  std::optional<GaussianProcess> success;   // of labels; nothing: no evaluation has failed
};

// What is believed before a proposal.
struct BayesianProposer::Outlook {
  Models models;
  std::optional<KnownCostImprovement> improvement;  // nothing: no result keeps all limits
  std::vector<std::vector<double>> outcomes;        // further_outcomes()
  std::vector<size_t> parents;                      // the front, or what is nearest to keeping the limits: of results_
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
    : space_(space), seed_(seed), options_(options), success_(space.inputs()) {
  BW_CHECK(options_.initial_points >= 1 && options_.initial_candidates >= 1);
  BW_CHECK(options_.error_resolution >= 0);
  BW_CHECK(options_.pool >= 1 && options_.refinements >= 0 && options_.refined >= 1);
  BW_CHECK(options_.mutants >= 1 && options_.evolution_every >= 0 && options_.last_draws >= 1);
}

void BayesianProposer::tell(const DesignResult& result) {
  told_.insert(space_.key(result.point));
  std::optional<ObjectiveVector> known = space_.known_objectives(result.point);
  if (!known) return;
  if (result.measured) {
    BW_CHECK(!result.measured->empty());
    evaluated_.push_back(results_.size());
    objectives_.resize(result.measured->size(), PrefixModel(space_.inputs()));
    limits_.resize(result.limits.size(), PrefixModel(space_.inputs()));
  }
  results_.push_back({result, std::move(*known), space_.encode(result.point)});
}

std::optional<DesignProposal> BayesianProposer::propose(int64_t number, const std::vector<DesignPoint>& pending) {
  using Source = DesignProposal::Source;
  PointDrawer drawer = drawer_of(number, pending);
  if (is_initial(pending.size())) return initial_proposal(drawer, pending);
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
  return results_.size() + pending < wanted || evaluated_.size() < kLeastEvaluated;
}

bool BayesianProposer::is_evolution_turn(int64_t number) const {
  return options_.evolution_every > 0 && number % options_.evolution_every == options_.evolution_every - 1;
}

std::optional<DesignProposal> BayesianProposer::initial_proposal(PointDrawer& drawer,
                                                                 const std::vector<DesignPoint>& pending) const {
  const std::vector<DrawnPoint> drawn =
      collect(options_.initial_candidates, options_.last_draws, [&] { return drawer.sample(); });
  if (drawn.empty()) return std::nullopt;
  std::vector<PlacedPoint> candidates, there;
  for (const DrawnPoint& point : drawn) candidates.push_back({space_.encode(point.point), point.known});
  for (const Result& result : results_) there.push_back({result.row, result.known});
  for (const DesignPoint& point : pending)
    if (auto known = space_.known_objectives(point)) there.push_back({space_.encode(point), std::move(*known)});
  const size_t chosen = farthest(space_.inputs(), candidates, there);
  return DesignProposal{drawn[chosen].point, DesignProposal::Source::kInitial, {}, {}, drawer.rejected()};
}

GaussianProcess BayesianProposer::model_of(PrefixModel& model, const std::vector<size_t>& results,
                                           const std::function<double(const DesignResult&)>& target) const {
  MatrixXd points(results.size(), space_.inputs().size());
  VectorXd targets(points.rows());
  for (Index i = 0; i < points.rows(); ++i) {
    const Result& result = results_[results[static_cast<size_t>(i)]];
    points.row(i) = result.row;
    targets[i] = target(result.told);
  }
  return model.given(points, targets);
}

BayesianProposer::Models BayesianProposer::models() {
  Models models;
  const bool logarithm = options_.error_resolution > 0;
  for (size_t k = 0; k < objectives_.size(); ++k)
    models.objectives.push_back(model_of(objectives_[k], evaluated_, [&](const DesignResult& result) {
      const double value = (*result.measured)[k];
      return k == 0 && logarithm ? log_error(value, options_.error_resolution) : value;
    }));
  for (size_t k = 0; k < limits_.size(); ++k) {
    std::vector<double> sizes;
    for (const size_t i : evaluated_) sizes.push_back(std::abs(results_[i].told.limits[k]));
    const double scale = std::max(quantile(sizes, 0.5), 1e-12);
    models.limits.push_back(model_of(limits_[k], evaluated_,
                                     [&](const DesignResult& result) { return compressed(result.limits[k], scale); }));
  }
  std::vector<size_t> all(results_.size());
  std::iota(all.begin(), all.end(), size_t{0});
  if (evaluated_.size() < results_.size())
    models.success = model_of(success_, all, [](const DesignResult& result) { return result.measured ? 1.0 : 0.0; });
  return models;
}

bool BayesianProposer::keeps_limits(const Result& result) const {
  return violation(result.told.limits) <= 0.0;
}

// What the models say of the objectives at a point, the known ones behind.
ObjectiveVector BayesianProposer::believed(const Models& models, const Eigen::RowVectorXd& row,
                                           const ObjectiveVector& known) const {
  ObjectiveVector point;
  for (const GaussianProcess& model : models.objectives) point.push_back(model.predict(row).mean[0]);
  if (options_.error_resolution > 0) point[0] = std::exp(point[0]);
  return joined(std::move(point), known);
}

BayesianProposer::Outlook BayesianProposer::look_ahead(const std::vector<DesignPoint>& pending) {
  Outlook outlook{models(), {}, further_outcomes(objectives_.size() - 1), {}};
  std::vector<size_t> sound;
  std::vector<ObjectiveVector> observed, means, front;
  for (const size_t i : evaluated_) {
    const Result& result = results_[i];
    if (!keeps_limits(result)) continue;
    sound.push_back(i);
    observed.push_back(joined(*result.told.measured, result.known));
    means.push_back(believed(outlook.models, result.row, result.known));
  }
  const std::vector<int> ranks = non_dominated_rank(means);
  for (size_t i = 0; i < ranks.size(); ++i)
    if (ranks[i] == 0) outlook.parents.push_back(sound[i]), front.push_back(means[i]);
  if (front.empty()) outlook.parents = nearest_to_limits();
  ObjectiveVector reference;
  if (!front.empty()) {
    reference = reference_point(observed, front, objectives_.size());
    reference[0] = std::min(reference[0], options_.most_error);
  }
  for (const DesignPoint& point : pending) {
    const Eigen::RowVectorXd row = space_.encode(point);
    if (const auto known = space_.known_objectives(point)) front.push_back(believed(outlook.models, row, *known));
    for (GaussianProcess& model : outlook.models.objectives) model.add_pending(row);
    for (GaussianProcess& model : outlook.models.limits) model.add_pending(row);
  }
  if (!reference.empty()) outlook.improvement.emplace(front, reference);
  return outlook;
}

// Where none keeps them all.
std::vector<size_t> BayesianProposer::nearest_to_limits() const {
  std::vector<size_t> nearest = evaluated_;
  std::ranges::stable_sort(nearest, {}, [&](size_t i) { return violation(results_[i].told.limits); });
  nearest.resize(std::min(nearest.size(), kNearest));
  return nearest;
}

std::vector<DrawnPoint> BayesianProposer::mutants_of_front(const Outlook& outlook, int count,
                                                           PointDrawer& drawer) const {
  return collect(count, kDrawsPerPoint * count, [&] { return mutant_of_front(outlook, drawer); });
}

std::optional<DrawnPoint> BayesianProposer::mutant_of_front(const Outlook& outlook, PointDrawer& drawer) const {
  const DesignResult& parent = results_[outlook.parents[drawer.rng().below(outlook.parents.size())]].told;
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
  std::vector<GaussianPosterior> objectives;
  for (const GaussianProcess& model : outlook.models.objectives) objectives.push_back(model.predict(rows));
  const VectorXd log_success = log_success_of(outlook.models, rows);
  std::vector<WeighedPoint> points;
  for (Index i = 0; i < rows.rows(); ++i) {
    DrawnPoint& point = drawn[static_cast<size_t>(i)];
    DesignOpinion opinion{objectives[0].mean[i], objectives[0].deviation[i], log_success[i], log_success[i]};
    if (outlook.improvement) opinion.log_acquisition += log_improvement(outlook, objectives, i, point.known);
    points.push_back({std::move(point), opinion});
  }
  return points;
}

VectorXd BayesianProposer::log_success_of(const Models& models, const MatrixXd& rows) const {
  VectorXd sum = VectorXd::Zero(rows.rows());
  const auto add = [&](const GaussianProcess& model, const auto& log_probability) {
    const GaussianPosterior posterior = model.predict(rows);
    for (Index i = 0; i < rows.rows(); ++i) sum[i] += log_probability(posterior.mean[i], posterior.deviation[i]);
  };
  if (models.success) add(*models.success, log_success_probability);
  for (const GaussianProcess& limit : models.limits) add(limit, log_kept_probability);
  return sum;
}

// Of the point at row i.
double BayesianProposer::log_improvement(const Outlook& outlook, const std::vector<GaussianPosterior>& objectives,
                                         Index i, const ObjectiveVector& known) const {
  const ErrorBelief first{objectives[0].mean[i], objectives[0].deviation[i], options_.error_resolution > 0};
  double sum = -std::numeric_limits<double>::infinity();
  for (const std::vector<double>& outcome : outlook.outcomes) {
    ObjectiveVector costs;
    for (size_t k = 0; k < outcome.size(); ++k)
      costs.push_back(objectives[k + 1].mean[i] + objectives[k + 1].deviation[i] * outcome[k]);
    sum = log_add(sum, outlook.improvement->log_improvement(first, joined(std::move(costs), known)));
  }
  return sum - std::log(static_cast<double>(outlook.outcomes.size()));
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
