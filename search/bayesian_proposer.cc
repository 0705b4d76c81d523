// SPDX-License-Identifier: Apache-2.0
#include "search/bayesian_proposer.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <limits>
#include <utility>

#include "core/check.h"
#include "search/expected_improvement.h"
#include "search/hypervolume.h"
#include "search/initial_design.h"
#include "search/quantile.h"

namespace bitwright {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr size_t kLeastEvaluated = 4;  // results that a model is made of
constexpr double kTrusted = 0.3;       // weight of earlier studies at which no more points are needed before a model
constexpr size_t kNearest = 10;        // results to mutate where none keeps the limits
constexpr int kDrawsPerPoint = 12;     // on average, before a pool is left smaller

// A twentieth of its extent beyond all that was observed, limits kept or not: what keeps them may lie in several
// places, of which the front has seen one. Of measured objectives the worst fifth is left out, unless the front needs
// it. Points: {measured objectives..., known objectives...}.
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

std::shared_ptr<const EarlierModels> earlier_models(const DesignSpace& space, const BayesianOptions& options) {
  if (options.earlier.empty()) return nullptr;
  auto models = std::make_shared<EarlierModels>(space.inputs());
  for (const EarlierResults& results : options.earlier) {
    MatrixXd rows(std::ssize(results.points), std::ssize(space.inputs()));
    VectorXd targets(rows.rows());
    for (Index i = 0; i < rows.rows(); ++i) {
      const double error = results.errors[static_cast<size_t>(i)];
      rows.row(i) = space.encode(results.points[static_cast<size_t>(i)]);
      targets[i] = options.error_resolution > 0 ? log_error(error, options.error_resolution) : error;
    }
    if (targets.size() > 0) models->add(rows, targets);
  }
  return models;
}

DesignProposal proposal_of(WeighedPoint best, std::string source, const PointDrawer& drawer) {
  DesignProposal proposal = proposal_of(std::move(best.drawn), std::move(source), drawer);
  proposal.opinion = best.opinion;
  return proposal;
}

}  // namespace

size_t initial_points(const BayesianOptions& options, size_t inputs) {
  return std::min(static_cast<size_t>(options.initial_points), 2 * (inputs + 1));
}

// What is believed before a proposal.
struct BayesianProposer::Outlook {
  OutcomeModels models;
  std::vector<std::vector<double>> outcomes{};  // further_outcomes()
  std::vector<size_t> parents{};                // the front, or what is nearest to keeping the limits: of results_
  std::vector<ObjectiveVector> front{};         // as the models believe it, points under way included
  ObjectiveVector reference{};                  // empty: no result keeps all limits
  std::optional<KnownCostImprovement> improvement{};  // likewise
  double hypervolume = 0.0;                           // of the front, below the reference
};

BayesianProposer::BayesianProposer(const DesignSpace& space, uint64_t seed, BayesianOptions options)
    : space_(space),
      seed_(seed),
      options_(std::move(options)),
      inputs_(space.inputs()),
      results_(space),
      models_(inputs_, options_.error_resolution, options_.rungs.front(), earlier_models(space, options_)),
      trust_({.rungs = options_.rungs}) {
  BW_CHECK(options_.initial_points >= 1 && options_.initial_candidates >= 1);
  BW_CHECK(options_.pool >= 1 && options_.refinements >= 0 && options_.refined >= 1);
  BW_CHECK(options_.mutants >= 1 && options_.evolution_every >= 0);
}

void BayesianProposer::tell(const DesignResult& result) {
  const std::optional<size_t> entry = results_.add(result);
  if (!entry) return;
  if (*entry == rows_.size()) rows_.push_back(space_.encode(result.point));
  if (result.measured) trust_.add(result.number, trust_.rung_of(result.fidelity), result.measured->at(0));
  if (result.measured && result.fidelity == 1.0) evaluated_.push_back(*entry);
  models_.add(result, rows_[*entry]);
}

std::optional<DesignProposal> BayesianProposer::propose(int64_t number, const std::vector<DesignPoint>& pending) {
  std::optional<DesignProposal> proposal = continued_first(pending);
  if (!proposal) proposal = best_proposal(number, pending);
  if (proposal && !proposal->continues) proposal->fidelity = trust_.fidelity_of(trust_.rung_after(-1));
  return proposal;
}

std::optional<DesignProposal> BayesianProposer::best_proposal(int64_t number, const std::vector<DesignPoint>& pending) {
  PointDrawer drawer = results_.drawer(seed_, number, pending);
  if (is_initial(pending)) return initial_proposal(drawer, pending);
  const Outlook outlook = look_ahead(pending);
  if (is_evolution_turn(number)) {
    const std::vector<DrawnPoint> mutant = mutants_of_front(outlook, 1, drawer);
    if (!mutant.empty()) return proposal_of(weigh(outlook, mutant)[0], "evolution", drawer);
  }
  std::vector<WeighedPoint> points = weigh(outlook, pool(outlook, drawer));
  if (points.empty()) {
    auto last = continued(outlook, pending, -std::numeric_limits<double>::infinity());
    return last ? last : random_proposal(drawer);
  }
  best_first(points);
  for (int round = 0; round < options_.refinements; ++round) refine(outlook, drawer, points);
  if (auto better = continued(outlook, pending, points[0].opinion.log_acquisition)) return better;
  return proposal_of(std::move(points[0]), outlook.models.source(), drawer);
}

// Entries of trainings that stopped at a rung and are not under way.
std::vector<size_t> BayesianProposer::stopped(const std::vector<DesignPoint>& pending) const {
  std::vector<size_t> entries;
  for (size_t i = 0; i < rows_.size(); ++i) {
    const DesignResult& told = results_.entries()[i].told;
    if (told.measured && told.fidelity < 1.0 && std::ranges::count(pending, told.point) == 0) entries.push_back(i);
  }
  return entries;
}

std::optional<DesignProposal> BayesianProposer::continued_first(const std::vector<DesignPoint>& pending) const {
  if (std::ssize(evaluated_) >= trust_.whole_trainings()) return std::nullopt;
  const std::vector<size_t> entries = stopped(pending);
  return entries.empty() ? std::nullopt : std::optional(continuation(entries[0], std::nullopt));
}

// Of no less gain by remaining epoch than another point, of which log_acquisition is expected.
std::optional<DesignProposal> BayesianProposer::continued(const Outlook& outlook,
                                                          const std::vector<DesignPoint>& pending,
                                                          double log_acquisition) const {
  const std::vector<size_t> entries = stopped(pending);
  std::vector<DrawnPoint> points;
  for (const size_t i : entries) points.push_back({results_.entries()[i].told.point, results_.entries()[i].known, {}});
  if (points.empty()) return std::nullopt;
  const std::vector<WeighedPoint> weighed = weigh(outlook, std::move(points));
  std::optional<size_t> best;
  double most = log_acquisition;
  for (size_t i = 0; i < entries.size(); ++i) {
    const double remaining = 1.0 - results_.entries()[entries[i]].told.fidelity;
    const double by_epoch = weighed[i].opinion.log_acquisition - std::log(remaining);
    if (by_epoch < most || (best && by_epoch == most)) continue;
    best = i;
    most = by_epoch;
  }
  return best ? std::optional(continuation(entries[*best], weighed[*best].opinion)) : std::nullopt;
}

DesignProposal BayesianProposer::continuation(size_t entry, std::optional<Opinion> opinion) const {
  const DesignResult& told = results_.entries()[entry].told;
  return {.point = told.point,
          .source = opinion ? "rung" : "first",
          .opinion = opinion,
          .fidelity = trust_.fidelity_of(trust_.rung_after(trust_.rung_of(told.fidelity))),
          .continues = told.number};
}

bool BayesianProposer::is_initial(const std::vector<DesignPoint>& pending) const {
  const auto first_time = [&](const DesignPoint& point) { return !results_.contains(point); };
  const auto proposed = rows_.size() + static_cast<size_t>(std::ranges::count_if(pending, first_time));
  if (evaluated_.size() < kLeastEvaluated) return true;
  return proposed < initial_points(options_, inputs_.size()) && models_.belief().weight < kTrusted;
}

bool BayesianProposer::is_evolution_turn(int64_t number) const {
  return options_.evolution_every > 0 && number % options_.evolution_every == options_.evolution_every - 1;
}

std::optional<DesignProposal> BayesianProposer::initial_proposal(PointDrawer& drawer,
                                                                 const std::vector<DesignPoint>& pending) const {
  std::vector<DrawnPoint> drawn = collect(options_.initial_candidates, kLastDraws, [&] { return drawer.sample(); });
  if (drawn.empty()) return std::nullopt;
  std::vector<PlacedPoint> candidates, there;
  for (const DrawnPoint& point : drawn) candidates.push_back({space_.encode(point.point), point.known});
  for (size_t i = 0; i < rows_.size(); ++i) there.push_back({rows_[i], results_.entries()[i].known});
  for (const DesignPoint& point : pending) {
    KnownOutcome known = space_.known_outcome(point);
    if (known.broken.empty()) there.push_back({space_.encode(point), std::move(known.objectives)});
  }
  return proposal_of(std::move(drawn[farthest(inputs_, candidates, there)]), "initial", drawer);
}

BayesianProposer::Outlook BayesianProposer::look_ahead(const std::vector<DesignPoint>& pending) {
  Outlook outlook{models_.models()};
  outlook.outcomes = further_outcomes(outlook.models.objectives.size() - 1);
  add_front(outlook);
  add_pending(outlook, pending);
  if (outlook.reference.empty()) return outlook;
  outlook.improvement.emplace(outlook.front, outlook.reference);
  outlook.hypervolume = hypervolume(outlook.front, outlook.reference);
  return outlook;
}

// The front by what the models believe, not by what noise made of it.
void BayesianProposer::add_front(Outlook& outlook) const {
  std::vector<size_t> sound;
  std::vector<ObjectiveVector> observed, means;
  for (const size_t i : evaluated_) {
    const ToldResults::Entry& entry = results_.entries()[i];
    observed.push_back(entry.objectives);
    if (entry.violation > 0.0) continue;
    sound.push_back(i);
    means.push_back(joined(outlook.models.believed(rows_[i]), entry.known));
  }
  const std::vector<int> ranks = non_dominated_rank(means);
  for (size_t i = 0; i < ranks.size(); ++i)
    if (ranks[i] == 0) outlook.parents.push_back(sound[i]), outlook.front.push_back(means[i]);
  if (outlook.front.empty()) {
    outlook.parents = nearest_to_limits();
    return;
  }
  outlook.reference = reference_point(observed, outlook.front, outlook.models.objectives.size());
  outlook.reference[0] = std::min(outlook.reference[0], options_.most_error);
}

// Where none keeps them all.
std::vector<size_t> BayesianProposer::nearest_to_limits() const {
  std::vector<size_t> nearest = evaluated_;
  std::ranges::stable_sort(nearest, {}, [&](size_t i) { return results_.entries()[i].violation; });
  nearest.resize(std::min(nearest.size(), kNearest));
  return nearest;
}

void BayesianProposer::add_pending(Outlook& outlook, const std::vector<DesignPoint>& pending) const {
  for (const DesignPoint& point : pending) {
    const Eigen::RowVectorXd row = space_.encode(point);
    const KnownOutcome known = space_.known_outcome(point);
    if (known.broken.empty()) outlook.front.push_back(joined(outlook.models.believed(row), known.objectives));
    outlook.models.add_pending(row);
  }
}

std::vector<DrawnPoint> BayesianProposer::mutants_of_front(const Outlook& outlook, int count,
                                                           PointDrawer& drawer) const {
  return collect(count, kDrawsPerPoint * count, [&] { return mutant_of_front(outlook, drawer); });
}

std::optional<DrawnPoint> BayesianProposer::mutant_of_front(const Outlook& outlook, PointDrawer& drawer) const {
  const DesignResult& parent = results_.entries()[drawer.rng().pick(outlook.parents)].told;
  return drawer.mutant(parent.point, {parent.number});
}

std::vector<DrawnPoint> BayesianProposer::pool(const Outlook& outlook, PointDrawer& drawer) const {
  return collect(options_.pool, kDrawsPerPoint * options_.pool, [&] {
    return drawer.rng().uniform() < options_.random_share ? drawer.sample() : mutant_of_front(outlook, drawer);
  });
}

std::vector<WeighedPoint> BayesianProposer::weigh(const Outlook& outlook, std::vector<DrawnPoint> drawn) const {
  const MatrixXd rows = encoded(space_, drawn);
  const std::vector<GaussianPosterior> objectives = outlook.models.predict(rows);
  const VectorXd log_success = outlook.models.log_success(rows);
  std::vector<WeighedPoint> points;
  for (Index i = 0; i < rows.rows(); ++i) {
    DrawnPoint& point = drawn[static_cast<size_t>(i)];
    Opinion opinion{objectives[0].mean[i], objectives[0].deviation[i], log_success[i], log_success[i],
                    outlook.hypervolume};
    if (outlook.improvement) opinion.log_acquisition += log_improvement(outlook, objectives, i, point.known);
    points.push_back({std::move(point), opinion});
  }
  return points;
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
    const auto draw = [&] { return drawer.mutant(parent.point, parent.parents); };
    std::ranges::move(collect(options_.mutants, options_.mutants, draw), std::back_inserter(mutants));
  }
  std::ranges::move(weigh(outlook, std::move(mutants)), std::back_inserter(points));
  best_first(points);
}

}  // namespace bitwright
