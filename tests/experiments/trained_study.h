// tests/experiments/trained_study.h: a study whose trials are there without a training.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/io/load_study.h"
#include "core/rng.h"
#include "core/store/trial_store.h"
#include "experiments/study_session.h"
#include "search/space.h"
#include "tests/experiments/tiny_study.h"
#include "tests/io/temp_folder.h"

namespace bitwright {

inline const std::string kWideStudy =
    kTinyHead +
    "space:\n"
    "  max_blocks: 2\n"
    "  block: {channels: [2, 4, 8, 16, 32], kernel: [4, 8], stride: [1, 2, 4],\n"
    "          weights: [binary, ternary, int4, int8], activations: [binary, uint4]}\n"
    "  head: [global_pool_dense, flatten_dense]\n";

inline Study wide_study(const std::vector<std::string>& overrides) {
  return study_from_yaml(kWideStudy, "tiny.yaml", overrides);
}

// A store of trained networks of the study's space that keep its limits, with accuracies drawn at random; every fifth
// was scored on the test set.
class TrainedStudy {
 public:
  explicit TrainedStudy(const std::vector<std::string>& overrides, int64_t trials = 60)
      : store_(TrialStore::create_or_open(path(), study_record(wide_study(overrides), {}))) {
    const Study study = wide_study(overrides);
    const SearchSpace space(study.space, {600, 1, 1}, Format::kInt8, 4, study.name);
    const CandidateRules rules = rules_of(study);
    Rng rng(11);
    while (store_.size() < trials) {
      Trial trial;
      trial.candidate = space.sample(rng);
      if (store_.contains(trial.candidate.hash) || !rules.check_structure(trial.candidate.network).empty()) continue;
      trial.estimates = rules.estimate(trial.candidate.network);
      if (rules.check_budgets(trial.estimates).empty()) add(std::move(trial), rng.uniform(0.5, 1.0));
    }
  }

  std::string path() const { return folder_.path() + "/tiny.bw.db"; }
  const TempFolder& folder() const { return folder_; }
  const TrialStore& store() const { return store_; }
  TrialStore& writable() { return store_; }

 private:
  void add(Trial trial, double accuracy) {
    trial.source = "random";
    trial = store_.begin(std::move(trial));
    trial.state = TrialState::kComplete;
    trial.metrics.accuracy = accuracy;
    for (int epoch = 1; epoch <= 12; ++epoch) trial.epochs.push_back({epoch, 0.001, 0.5, accuracy});
    store_.finish(trial);
    if (trial.number % 5 == 0) store_.set_test_metrics(trial.number, {.accuracy = accuracy - 0.01});
  }

  TempFolder folder_;
  TrialStore store_;
};

}  // namespace bitwright
