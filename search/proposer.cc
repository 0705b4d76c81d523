// SPDX-License-Identifier: Apache-2.0
#include "search/proposer.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "core/error.h"
#include "core/study.h"
#include "search/autoqkeras.h"
#include "search/bayesian_proposer.h"
#include "search/earlier_results.h"
#include "search/evolution.h"
#include "search/given_proposer.h"
#include "search/halving_proposer.h"
#include "search/nsga2.h"
#include "search/random_proposer.h"
#include "search/sobol_proposer.h"
#include "search/svm_cbo.h"

namespace bitwright {
namespace {

constexpr int kChildren = 100;    // rejected in a row, after which every other draw is from the whole space
constexpr double kCrossed = 0.7;  // of aging evolution's children

std::unique_ptr<Proposer> make_bayesian(const ProposerOptions& options, const DesignSpace& space) {
  return std::make_unique<BayesianProposer>(space, options.seed,
                                            BayesianOptions{.error_resolution = options.error_resolution,
                                                            .most_error = options.most_error,
                                                            .rungs = options.rungs,
                                                            .earlier = options.earlier});
}

// µNAS mutates alone.
std::unique_ptr<Proposer> make_evolution(const ProposerOptions& options, const DesignSpace& space,
                                         EvolutionFitness fitness) {
  return std::make_unique<AgingEvolution>(
      space, options.seed,
      EvolutionOptions{.population = options.population,
                       .tournament = options.tournament,
                       .crossover_share = fitness == EvolutionFitness::kPareto ? kCrossed : 0.0,
                       .fitness = fitness,
                       .most_error = options.most_error});
}

std::unique_ptr<Proposer> make_nsga2(const ProposerOptions& options, const DesignSpace& space) {
  return std::make_unique<Nsga2>(space, options.seed,
                                 Nsga2Options{.population = options.population, .most_error = options.most_error});
}

std::unique_ptr<Proposer> make_svm_cbo(const ProposerOptions& options, const DesignSpace& space) {
  return std::make_unique<SvmCbo>(space, options.seed, SvmCboOptions{.most_error = options.most_error});
}

std::unique_ptr<Proposer> make_any(const ProposerOptions& options, const DesignSpace& space) {
  const std::string& name = options.sampler;
  if (name == "autoqkeras") return std::make_unique<AutoQKeras>(space, options.seed);
  if (name == "bayesian") return make_bayesian(options, space);
  if (name == "evolution") return make_evolution(options, space, EvolutionFitness::kPareto);
  if (name == "munas") return make_evolution(options, space, EvolutionFitness::kRandomScalar);
  if (name == "nsga2") return make_nsga2(options, space);
  if (name == "random") return std::make_unique<RandomProposer>(space, options.seed);
  if (name == "sobol") return std::make_unique<SobolProposer>(space, options.seed);
  if (name == "svm_cbo") return make_svm_cbo(options, space);
  throw ConfigError(fmt::format("search.sampler = {}: one of {}", name, fmt::join(kSamplers, ", ")));
}

}  // namespace

DesignProposal proposal_of(DrawnPoint point, std::string source, const PointDrawer& drawer) {
  return {std::move(point.point), std::move(source), std::move(point.parents), std::nullopt, drawer.rejected()};
}

std::optional<size_t> ToldResults::add(const DesignResult& result) {
  keys_.insert(space_.key(result.point));
  KnownOutcome known = space_.known_outcome(result.point);
  if (!known.broken.empty()) return std::nullopt;
  Entry entry{result, std::move(known.objectives), {}, 0.0};
  if (result.measured) {
    entry.objectives = joined(*result.measured, entry.known);
    entry.violation = result.excess + std::max(0.0, result.measured->at(0) - most_error_);
    for (const double limit : result.limits) entry.violation += std::max(0.0, limit);
  }
  const auto [place, is_new] = index_.try_emplace(result.number, entries_.size());
  if (is_new) entries_.emplace_back();
  entries_[place->second] = std::move(entry);
  return place->second;
}

PointDrawer ToldResults::drawer(uint64_t seed, int64_t number, const std::vector<DesignPoint>& pending) const {
  std::set<std::string> taken = keys_;
  for (const DesignPoint& point : pending) taken.insert(space_.key(point));
  return PointDrawer(space_, std::move(taken), Rng(seed, static_cast<uint64_t>(number)));
}

std::optional<DesignProposal> random_proposal(PointDrawer& drawer, const std::string& source) {
  std::vector<DrawnPoint> found = collect(1, kLastDraws, [&] { return drawer.sample(); });
  if (found.empty()) return std::nullopt;
  return proposal_of(std::move(found[0]), source, drawer);
}

std::optional<DesignProposal> bred_proposal(PointDrawer& drawer, const std::string& source,
                                            const std::function<std::optional<DrawnPoint>()>& breed) {
  for (int draw = 0; draw < kLastDraws; ++draw) {
    const bool random = draw >= kChildren && draw % 2 == 1;
    if (auto point = random ? drawer.sample() : breed())
      return proposal_of(std::move(*point), random ? "random" : source, drawer);
  }
  return std::nullopt;
}

bool learns_from_earlier(const std::string& sampler) {
  return sampler == "bayesian" || sampler == "evolution" || sampler == "munas" || sampler == "nsga2";
}

std::vector<GivenPoint> earlier_points(const ProposerOptions& options, const DesignSpace& space) {
  if (options.earlier.empty() || !learns_from_earlier(options.sampler)) return {};
  const size_t count = options.sampler == "bayesian" ? initial_points({}, space.inputs().size()) / 3
                                                     : static_cast<size_t>(options.population) / 2;
  return earlier_front(space, options.earlier, count);
}

std::unique_ptr<Proposer> make_proposer(const ProposerOptions& options, const DesignSpace& space) {
  std::unique_ptr<Proposer> proposer = make_any(options, space);
  std::vector<GivenPoint> given = options.given;
  std::ranges::move(earlier_points(options, space), std::back_inserter(given));
  if (!given.empty())
    proposer = std::make_unique<GivenProposer>(space, std::move(proposer), std::move(given), options.rungs.front());
  if (options.rungs.size() == 1 || options.sampler == "bayesian") return proposer;
  return std::make_unique<HalvingProposer>(space, std::move(proposer), options.rungs);
}

}  // namespace bitwright
