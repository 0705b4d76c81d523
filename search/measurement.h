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

// estimated: with Estimates::boards where there are several, as are `measured`.
MeasuredCosts measured_costs(const Estimates& estimated, const std::vector<BoardCosts>& measured);

// The measured figures in place of estimates: of the boards of these names, which the estimates are of, in their order.
// One counts where its estimate is this one: under other limits the same network may be another package.
Estimates with_measured(Estimates estimated, const std::vector<std::string>& boards, const MeasuredCosts& measured);

// Limits that the package breaks. Where a figure was measured, the message says so, and what was estimated.
std::vector<Violation> check_measured(const Estimates& estimated, const std::vector<std::string>& boards,
                                      const MeasuredCosts& measured, const CandidateRules& rules);

}  // namespace bitwright
