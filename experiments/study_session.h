// experiments/study_session.h: from a study's file to what a search needs, and from a store to what people read.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/dataset.h"
#include "core/store/trial_store.h"
#include "core/study.h"
#include "search/pareto.h"
#include "search/run_study.h"
#include "search/space.h"

namespace bitwright {

// Where commands find the store of a study: `given`, or NAME.bw.db in the current folder for a study whose YAML is
// NAME.yaml.
std::string store_path(const std::string& study_file, const std::string& given);

// The store that a command was pointed at, by its file or by a study's YAML; it is there, else StoreError.
std::string path_of_store(const std::string& study_or_store);
// The same, opened for reading.
TrialStore open_store(const std::string& study_or_store);

// Throws ConfigError where the study has no trial of that number.
Trial trial_of(const TrialStore& store, int64_t number);

// The point that store and samplers know a study by, with this program's provenance and the data's digest.
StudyRecord study_record(const Study& study, const TrainingData& data);
// Throws ConfigError where `data` are not those that the stored trials were trained on.
void check_same_data(const StudyRecord& stored, const TrainingData& data, const std::string& place);
// Throws ConfigError where the study's recipe asks for more than the training set has.
void check_recipe(const Study& study, const Dataset& train);
// Of networks that read data.front_end's codes and give what data.task asks for. Throws ConfigError for anomalies: no
// space has a decoder.
SearchSpace space_of(const Study& study, const Dataset& data);
// The same from one of its networks, without the data.
SearchSpace space_of(const Study& study, const Network& network);
// That `trials` were scored on; 1 where none is complete.
int64_t validation_windows(const std::vector<Trial>& trials);
// Structure, then limits; what a candidate costs on the study's board, the worst of several. Margins, where something
// is measured, have learnt nothing yet.
CandidateRules rules_of(const Study& study);

// A point of the Pareto front, with its score on the test set where it has one.
struct FrontPoint {
  Trial trial;
  std::optional<Metrics> test;
};
// By falling validation accuracy, then by number.
std::vector<FrontPoint> front_of(const TrialStore& store);
// Of `trials`, which are the store's, perhaps with other costs.
std::vector<FrontPoint> front_of(const TrialStore& store, const std::vector<Trial>& trials, const Goals& goals);
// Scores those points of the finished front on the test set that have no score yet. Returns how many.
int score_front(const Study& study, const FrontEnd& front_end, TrialStore& store);

// Why a quantity has no figure on the boards that trials must fit; empty where it has one.
std::string why_unknown(const std::string& quantity, const Study& study);

// What must stand beside every result of the study: that its split leaks. Mostly nothing.
std::vector<std::string> result_warnings(const Study& study);
// What is said of every point: trial, accuracies, costs; with a duty cycle power and, where it can be told, battery
// life.
std::vector<std::string> front_titles(const Study& study);
std::vector<std::string> front_cells(const FrontPoint& point, const Study& study);
std::vector<Trial> trials_of(const std::vector<FrontPoint>& front);
// Study, boards and limits in a line, then a line a point, of several boards a line a point and board, then the
// warnings.
std::string render_front(const std::vector<FrontPoint>& front, const Study& study);

// The most accurate point that meets every condition of `pick`, as measured where its package was, a list like
// "ram<=8KiB,flash<=20KiB,accuracy>=97%"; an empty list takes the most accurate point. Throws ConfigError for a
// condition that cannot be read, for one on a quantity that a board of the study leaves unknown, and for one that no
// point meets.
Trial pick_trial(const std::vector<FrontPoint>& front, const std::string& pick, const Study& study);

}  // namespace bitwright
