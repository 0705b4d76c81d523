// experiments/training_request.h: what evaluate, baseline and ablate are asked: a study, a network, seeds.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <vector>

#include "core/dataset.h"
#include "core/study.h"
#include "experiments/trial_protocol.h"

namespace bitwright {

struct TrainingRequest {
  std::string study;                   // the YAML
  std::vector<std::string> overrides;  // "data.protocol=random"
  std::string network;                 // a file, or the name of a network inside the program; empty: by `trial`
  int64_t trial = -1;                  // of the study's store
  std::string store;                   // empty: the study's own
  int seeds = 3;
  int jobs = 0;  // 0: the machine's cores
  bool test = false, json = false, quiet = false;
};

// Adds study, overrides and the options that all three have.
void add_training_options(CLI::App& command, TrainingRequest& request);

// Everything that trainings need, read and checked.
struct TrainingSetup {
  Study study;
  Network network;
  std::vector<uint64_t> seeds;  // the study's search.seed and those that follow
  // Of the data: what results are read by.
  Task task = Task::kClassification;
  std::vector<std::string> classes;
  int64_t validation_windows = 0;
  std::vector<std::string> warnings;
};

// Throws ConfigError where study, data or network are wrong or do not fit each other.
TrainingSetup load_setup(const TrainingRequest& request);

// A file, or the name of a network inside the program: "bearing_golden". Throws ConfigError.
Network network_argument(const std::string& file_or_name);

// Throws ConfigError `place: ...` naming both shapes where the network does not read data's codes or its output is not
// what the data's task asks for.
void check_fits(const Network& network, const Dataset& data, const std::string& place);

// Trainings at once.
int worker_count(const TrainingRequest& request);

// One training of the setup's network.
TrialSpec training_spec(const TrainingSetup& setup, uint64_t seed, bool score_test);

}  // namespace bitwright
