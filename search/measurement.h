// search/measurement.h: what the package of a trained network was measured to take, beside what was estimated.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/trial.h"
#include "search/candidate_rules.h"

namespace bitwright {

// By quantity (core/quantity.h), in bytes, us, uJ or uW.
struct BoardCosts {
  std::string board;
  std::map<std::string, double> costs;
};

struct Measurement {
  std::vector<BoardCosts> boards;  // of all boards that a candidate must fit, in their order
  std::string failure;             // empty, or one line why nothing could be measured
};

// The measured figures in place of the estimates; what was not measured is as estimated. estimated: with
// Estimates::boards where there are several.
Estimates with_measured(Estimates estimated, const std::vector<BoardCosts>& measured);

// Of each quantity that was measured that of the board where it exceeds its estimate by the largest share.
std::map<std::string, MeasuredCost> measured_costs(const Estimates& estimated, const std::vector<BoardCosts>& measured);

// Limits that the package breaks. Each message says what was measured, the limit, and what was estimated.
std::vector<Violation> check_measured(const Estimates& estimated, const std::vector<BoardCosts>& measured,
                                      const CandidateRules& rules);

}  // namespace bitwright
