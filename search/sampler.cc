// SPDX-License-Identifier: Apache-2.0
#include "search/sampler.h"

#include <utility>

#include "core/check.h"
#include "search/design_sampler.h"
#include "search/user_designs.h"

namespace bitwright {

Rng proposal_rng(uint64_t seed, int64_t number, int64_t attempt) {
  return Rng(seed, Rng(static_cast<uint64_t>(number), static_cast<uint64_t>(attempt)).next());
}

std::unique_ptr<Sampler> make_sampler(const SearchSpec& spec, const SearchSpace& space, const Goals& goals,
                                      const CandidateRules& rules, int64_t validation_examples,
                                      const std::vector<EarlierStudy>& earlier) {
  BW_CHECK(validation_examples >= 1);
  std::vector<double> rungs = spec.rungs;
  rungs.push_back(1.0);
  return std::make_unique<DesignSampler>(
      space, goals, rules, user_designs(spec.designs, space, rules).candidates, earlier,
      ProposerOptions{.sampler = spec.sampler,
                      .seed = spec.seed,
                      .population = spec.population,
                      .tournament = spec.tournament,
                      .error_resolution = 1.0 / static_cast<double>(validation_examples),
                      .rungs = std::move(rungs)});
}

}  // namespace bitwright
