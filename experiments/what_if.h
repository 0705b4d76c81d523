// experiments/what_if.h: what the trained networks of a study would be worth under other limits, on other boards, for
// other objectives. Nothing is trained, and the test set is not read: accuracies are as stored, since a network's
// integers are the same on every board; costs are estimated anew.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/error.h"
#include "core/store/trial_store.h"
#include "core/study.h"
#include "experiments/study_session.h"

namespace bitwright {

// In place of the study's own; empty: as the study has it.
struct WhatIfChanges {
  std::vector<std::string> limits;      // "ram=8KiB", "latency=none": as under `limits` in a study, each quantity once
  std::vector<std::string> boards;      // names, of the study's or of the program's, or files; each once
  std::vector<std::string> objectives;  // besides the error
  bool any() const { return !limits.empty() || !boards.empty() || !objectives.empty(); }
};

// The study with the changes, held against the rules of a study's file. With other boards a limit on flash or RAM that
// is all that the study's one board has is none; one beyond a new board is what that has; and the arena lies in a new
// board's first bank. Throws ConfigError.
Study changed_study(const Study& searched, const WhatIfChanges& changes);

// A trained network that does not keep the limits.
struct NearMiss {
  Trial trial;
  std::vector<Violation> broken;  // one a rule: of several boards the worst
};

struct WhatIf {
  Study searched, study;             // as stored, and as changed
  std::vector<std::string> changed;  // "board", quantities, "accuracy", "objectives": what differs between the two
  // A limit is looser or gone, or a board is another: networks that may fit now were never trained.
  bool lower_bound = false;
  int64_t trained = 0, fitting = 0;
  std::vector<std::pair<std::string, int64_t>> rejected;  // rule -> trained networks that break it, most first
  std::vector<FrontPoint> front;                          // of those that fit; costs are the study's as changed
  // Where none fits, the one whose violations, each as a share of its limit, have the least sum.
  std::optional<NearMiss> nearest;
};

// Estimates every complete trial as a search of the changed study would. Rules of `rejected` are those of
// check_budgets(), "accuracy" for the floor, and "kernel" where a board's core has no costs of a kernel. Throws
// ConfigError, MissingCost for a core without costs.
WhatIf what_if(const TrialStore& store, const WhatIfChanges& changes);

// kNothingFits where no trained network does.
ExitCode exit_code(const WhatIf& answer);

}  // namespace bitwright
