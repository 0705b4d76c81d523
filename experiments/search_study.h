// experiments/search_study.h: a whole search: data, store, workers, loop, test score of the finished front.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "core/study.h"
#include "experiments/study_session.h"

namespace bitwright {

struct SearchRequest {
  Study study;
  std::string store_path;
  std::string worker_program;  // path of bitwright-trial
  bool dry_run = false;        // propose and cost, train nothing, write nothing
  bool finish = false;         // the study ends with this call: its front is scored on the test set
  bool json = false;           // result on stdout as one object
  bool quiet = false;          // no progress on stderr
};

// Runs or goes on with the study. Once it is finished (all trials done, space exhausted, or `finish`), the front is
// scored on the test set, which nothing reads before. Prints its front and returns the exit code: kDone; kNothingFits,
// also where no trained candidate reaches the accuracy floor; or kResumable after Ctrl-C (the first finishes the
// running trials, the second stops at once) and where the time was over before a candidate to train was found.
int search_study(const SearchRequest& request);

}  // namespace bitwright
