// experiments/progress.h: one live line on stderr; on a terminal it is rewritten in place.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "search/run_study.h"

namespace bitwright {

// "trial 87/200  running 2  failed 1  rejected 2301  best 98.84 % (#71)  front 6  00:12:31  ETA 00:16:40"
// Where trainings stop at rungs: "trial 87.3/200  whole 61  stopped 118  running 2 ...", by the share of their epochs.
std::string progress_line(const StudyProgress& progress);
// epochs: after which trainings stop at that rung.
std::string given_up_text(const GivenUpRung& rung, int epochs);
std::string margin_text(const LearntMargin& margin);

class ProgressDisplay {
 public:
  // `quiet`: nothing at all.
  explicit ProgressDisplay(bool quiet);
  ~ProgressDisplay();  // ends the line
  bool terminal() const { return terminal_; }
  void show(const std::string& line);
  void say(const std::string& line);  // and keeps it

 private:
  bool quiet_, terminal_, open_ = false;
};

}  // namespace bitwright
