// core/study.h: everything a study's YAML says, checked. Read by core/io/load_study.h.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/board.h"
#include "core/dataset.h"
#include "core/execution.h"
#include "core/format.h"
#include "core/recipe.h"

namespace bitwright {

// Where examples come from and how they are split.
struct DataSpec {
  std::string kind;            // "recordings", "npy", "simulator"
  std::string path;            // folder, absolute; empty for the simulator
  Task task = Task::kClassification;  // kRegression: npy alone
  std::string normal;          // kAnomaly: the class that is normal, which alone trains
  // recordings: one long signal each, cut into windows
  std::string index = "recordings.csv";  // relative to path
  std::string files = "{path}";          // of each row, relative to path; {name} is the row's value in that column
  std::string label_files;               // kAnomaly: likewise, a label for every sample instead of label_column
  std::string label_column, load_column, bearing_column, gain_column;  // of the index; gain and others may be empty
  std::vector<std::string> keep_labels;  // labels in use, in class order; empty: all found, sorted
  int window = 600;            // samples
  int hop = 300;               // training windows start every so many samples; held-out ones never overlap
  // "leave-load", "bearing", "time", "random" (recordings, simulator); "given" (npy: the files' own split)
  std::string protocol = "time";
  std::string held_out;        // leave-load: the load that tests; bearing: the bearing that tests
  // What of the training part validates: core/io/split.h. "share"; "fold"; "load", "bearing" (recordings), "recording"
  // (recordings, simulator); "group" (npy)
  std::string validation_by = "share";
  double validation_share = 0.2;  // last part in time of every training recording; npy: of the training groups
  int folds = 0;               // of validation_by "fold": 2..1000
  int fold = 0;                // of all but "share": which fold validates, from 0
  double test_share = 0.2;     // protocols time and random
  uint64_t split_seed = 1;
  // npy: files x_train.npy, y_train.npy, x_test.npy, y_test.npy; optional groups for an honest validation cut
  std::string layout = "series";  // of 3-D x: "series" is [n, samples, channels], "image" is [n, height, width]
  std::string group_file;      // "subject_train.npy"; empty: validation is every k-th example's block in order
  Format input_format = Format::kInt8;
  double clip_sigmas = 4.0;    // full scale of the input codes, in standard deviations of the training part
  // simulator
  int simulated_recordings = 0;
  int simulated_samples = 0;
};

// One layer choice list each; every combination that its condition allows is a point of the space.
struct BlockSpace {
  std::vector<std::string> kind;        // "conv", "depthwise_separable", "residual"
  std::vector<int> channels;            // 1..1024
  std::vector<int> kernel;              // odd or even, 1..64; k x 1 for 1-D inputs, k x k for 2-D
  std::vector<int> stride;              // 1..16
  std::vector<int> pool;                // 1 (none)..16
  std::vector<Format> weights;
  std::vector<Format> activations;
  bool operator==(const BlockSpace&) const = default;
};

struct SpaceSpec {
  int min_blocks = 1, max_blocks = 3;   // 1..12
  BlockSpace block;                     // for every block
  BlockSpace first;                     // lists that replace those of `block` in the first one; empty list: as block
  std::vector<std::string> head;        // "flatten_dense", "global_pool_dense"
  std::vector<int> hidden;              // units of a dense layer before the last; 0: none
  std::vector<Format> head_weights;     // of the dense layers
  std::string padding = "zero";         // "zero" or "valid"
};

// Search methods: search/proposer.h makes each.
inline constexpr std::array<const char*, 8> kSamplers = {"autoqkeras", "bayesian", "evolution", "munas",
                                                         "nsga2", "random", "sobol", "svm_cbo"};

// What is measured of networks that would join the front: nothing; flash and RAM of the linked package; these and, in
// the emulator, latency and energy.
enum class Measure { kNone, kLinked, kEmulated };

struct SearchSpec {
  std::string sampler = "bayesian";     // one of kSamplers
  uint64_t seed = 1;
  int trials = 100;                     // trained candidates, those that stop at rungs by their share; 1..1000000
  double budget_seconds = 0.0;          // wall time of a call; 0: none
  double energy_budget_j = 0.0;         // of the study: CPU seconds of its trainings x machine_power_w; 0: none
  double machine_power_w = 0.0;         // that one busy core takes, the machine's idle share included; 0: not given
  double least_gain = 0.0;              // share of the front's hypervolume that a model must expect; 0: none
  // Shares of the recipe's epochs at which trainings stop until it is known which are worth the rest: rising, above 0,
  // below 1. Empty: every training is whole.
  std::vector<double> rungs;
  Measure measure = Measure::kNone;
  int jobs = 1;                         // trainings at once, one thread each
  int population = 20;                  // evolution, munas, nsga2; >= 4
  int tournament = 5;                   // 2..population
  // Tried first, in order: a value for each dimension of the space that is active, "block1.channels" -> "16".
  std::vector<std::map<std::string, std::string>> designs;
  std::vector<std::string> warm_start;  // stores of earlier studies, absolute paths
};

// What trains, and how much of it a training may have. All of it may change while a study goes on.
struct ExecutorSpec {
  std::string kind = "local";           // "local": workers on this machine; "slurm": jobs of a cluster
  double trial_seconds = 0.0;           // wall time of a training, after which it has failed; 0: no limit
  int64_t trial_memory_bytes = 0;       // likewise; 0: no limit
  int64_t checkpoint_bytes = int64_t{1} << 30;  // of trainings that stopped at rungs, the oldest go; 0: no limit
  double checkpoint_seconds = 10.0;     // of a training, after which its state is written once an epoch ends
  double lease_seconds = 300.0;         // without a sign of life of a training that began: it has failed; 0: for ever
  // slurm
  std::string folder;                   // that nodes and this machine share, absolute; empty: beside the store
  int trials_per_job = 1;               // one after another; 1..1000
  double result_grace_seconds = 30.0;   // that the result of a job which is gone may take to be seen here
  std::string gres;                     // "gpu:1": of each job; empty: none
  std::vector<std::string> extra;       // further options of sbatch, one an element: "--partition=gpu"
};

struct Study {
  std::string name;                     // [a-z][a-z0-9_]*
  std::string file;                     // as given by the user
  std::string config_json;              // normalised: what the store keeps and compares
  DataSpec data;
  Board board;                          // the first, which packages are made for
  std::vector<Board> further_boards;    // that a candidate must fit as well
  std::vector<Board> report_boards;     // nothing must fit these; results say what would
  Limits limits;
  double accuracy_floor = 0.0;          // of the validation accuracy, 0..1; 0: none. No front has less
  Limits soft_limits;                   // of objectives: to be below one gains nothing; 0: none
  std::string ram_bank;                 // that holds arena and stack, first of each board's; empty: the board's own
  DutyCycle duty_cycle;
  Execution execution = Execution::kLayers;
  SpaceSpec space;
  SearchSpec search;
  ExecutorSpec executor;
  Recipe recipe;
  // minimised besides the error: any of "flash", "ram", "latency", "energy", "average_power", "macs", "params"
  std::vector<std::string> objectives = {"flash"};
};

// Epochs of a training that is to reach this share of the recipe's.
inline int epochs_at(double fidelity, const Recipe& recipe) {
  return std::max(1, static_cast<int>(std::lround(fidelity * recipe.epochs)));
}

// The boards that a candidate must fit, the first of them study.board.
inline std::vector<Board> boards_of(const Study& study) {
  std::vector<Board> boards = {study.board};
  boards.insert(boards.end(), study.further_boards.begin(), study.further_boards.end());
  return boards;
}

}  // namespace bitwright
