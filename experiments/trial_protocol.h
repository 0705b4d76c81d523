// experiments/trial_protocol.h: a trial is a process: one spec file in, one result file out, published whole and never
// replaced. The same protocol serves warm local workers and a batch system.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "core/quantized_model.h"
#include "core/trial.h"

namespace bitwright {

struct TrialSpec {
  std::string config_json;  // Study::config_json: data, recipe
  int64_t number = 0;
  int attempt = 1;  // ours: the store takes the first result of the current attempt only
  uint64_t seed = 0;
  Network network;
};

struct TrialReport {
  int64_t number = 0;
  int attempt = 1;
  std::string failure;  // empty, or one line
  Metrics metrics;
  std::vector<EpochRecord> epochs;
  double train_seconds = 0.0;  // CPU
  std::optional<QuantizedModel> model;
};

std::string spec_text(const TrialSpec& spec);
TrialSpec parse_spec(const std::string& text);
std::string report_text(const TrialReport& report);
TrialReport parse_report(const std::string& text);

// Writes `content` to folder/name so that a reader sees all of it or nothing: temporary file, fsync, link. Returns
// false, and leaves the file alone, if there is one already. Throws StoreError with the path if the disk refuses.
bool publish(const std::string& folder, const std::string& name, const std::string& content);

// The whole file; throws StoreError with the path if it cannot be read.
std::string read_file(const std::string& path);

}  // namespace bitwright
