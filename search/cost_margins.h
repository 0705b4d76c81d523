// search/cost_margins.h: how far what packages were measured to take lies above what was estimated, learnt from the
// results of a study, and estimates that allow for it.
//
// Of each quantity the margin is the 95 % quantile, by nearest rank, of measured / estimated over all results so far,
// and at least 1. Of fewer than twenty that is their maximum. A result counts by its largest ratio of all boards.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/trial.h"

namespace bitwright {

class CostMargins {
 public:
  // A result, in their order; one that was not measured teaches nothing.
  void add(const Trial& trial);
  // By quantity (core/quantity.h), each >= 1: those that were measured.
  const std::map<std::string, double>& margins() const { return margins_; }
  // What is held against limits: every quantity times its margin, of all boards alike. Objectives, and what the figures
  // are made of, stay as they are estimated.
  Estimates with_margins(Estimates estimates) const;
  // Another one after every change of a margin.
  int64_t revision() const { return revision_; }

 private:
  std::map<std::string, std::vector<double>> ratios_;  // measured / estimated
  std::map<std::string, double> margins_;
  int64_t revision_ = 0;
};

}  // namespace bitwright
