// experiments/trial_protocol.h: a trial is a process: one spec file in, one result file out, published whole and never
// replaced. The same protocol serves warm local workers and a batch system.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/parameters.h"
#include "core/quantized_model.h"
#include "core/trial.h"
#include "trainer/post_training.h"
#include "trainer/trainer.h"

namespace bitwright {

struct TrialSpec {
  std::string config_json;  // Study::config_json: data, recipe
  int64_t number = 0;
  int attempt = 1;  // ours: the store takes the first result of the current attempt only
  uint64_t seed = 0;
  // Epochs at which the training stopped before, rising, and at which it is to end, as is `may_go_on` from there: each
  // stage has a learning rate's schedule of its own. Empty: one stage, of the recipe's epochs.
  std::vector<int> stages;
  bool may_go_on = false;
  Network network;

  // The test set is scored too: a final evaluation, asked for by name, never within a search.
  bool score_test = false;
  // File that the trained network and its parameters are written to (trained_text), to be a `parent`; empty: none.
  std::string keep_parameters;
  // What the files with the training's states begin with: under_way_file(), written after an epoch, at most every
  // `checkpoint_seconds`, and end_file() of each stage that another follows, or may. Empty: none.
  std::string checkpoint;
  double checkpoint_seconds = 10.0;
  // File of trained_text: the training starts from these weights, where layers match. With `post_training`: the trained
  // network itself, in place of a training.
  std::string parent;
  // The network, a float one, is quantized to its integer twin after the training: what is exported and scored.
  std::optional<PostTrainingOptions> post_training;
};

struct TrialReport {
  int64_t number = 0;
  int attempt = 1;
  std::string execution, host;  // 32 hex digits drawn for it (core/identity.h), and where it ran
  std::string failure;          // empty, or one line
  Metrics metrics;              // on the validation set
  std::optional<Metrics> test;  // where the spec asked for it
  std::vector<EpochRecord> epochs;
  double train_seconds = 0.0;  // CPU, of training or of quantization after it
  std::optional<QuantizedModel> model;
};

// The state (trainer/checkpoint.h) of a stage of so many epochs, on its way and at its end.
std::string under_way_file(const std::string& checkpoint, int epochs);  // trial-7-e10.part
std::string end_file(const std::string& checkpoint, int epochs);        // trial-7-e10.end
bool is_end_file(const std::string& name);

std::string spec_text(const TrialSpec& spec);
TrialSpec parse_spec(const std::string& text);
std::string report_text(const TrialReport& report);
TrialReport parse_report(const std::string& text);
// A network and what it learnt.
std::string trained_text(const Parent& trained);
Parent parse_trained(const std::string& text, const std::string& place);

// With those above it; one that is there is left. Throws StoreError with the path.
void make_folder(const std::string& path);
// Writes `content` to folder/name so that a reader sees all of it or nothing: temporary file, fsync, link. Returns
// false, and leaves the file alone, if there is one already. Throws StoreError with the path if the disk refuses.
bool publish(const std::string& folder, const std::string& name, const std::string& content);
// The same, but in place of what is there: temporary file, fsync, rename, fsync of the folder.
void replace_file(const std::string& path, const std::string& content);

// The whole file; throws StoreError with the path if it cannot be read.
std::string read_file(const std::string& path);
// Its last line that is not empty; "" where there is none, or no such file.
std::string last_line(const std::string& path);
// What is in a folder, as far as it can be read.
std::vector<std::filesystem::path> files_in(const std::string& folder);

}  // namespace bitwright
