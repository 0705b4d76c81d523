// experiments/timing_points/validation.h: how far off the timing tables are on points measured on silicon.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <vector>

#include "experiments/timing_points/timing_point.h"

namespace bitwright {

struct PointError {
  std::string name, board;
  double instructions = 0.0;                     // with those left out of the file
  double core_cycles = 0.0, stall_cycles = 0.0;  // model, zero wait states and what memory adds
  double silicon_cycles = 0.0;                   // clock / published throughput
  double estimate() const { return core_cycles + stall_cycles; }
  double error() const { return estimate() / silicon_cycles - 1.0; }
};
PointError point_error(const TimingPoint& point);

struct ErrorSummary {
  double mean_absolute = 0.0, worst_absolute = 0.0, mean = 0.0;  // of error()
  double rank_correlation = 0.0;  // Spearman's, of estimates and silicon in cycles; no two are equal
};
// At least two points.
ErrorSummary summarize(std::span<const PointError> points);

// Those of configs/timing_points, by name.
std::vector<TimingPoint> published_points();

// The table, then a line of the summary.
std::string errors_text(std::span<const PointError> points);

}  // namespace bitwright
