// experiments/profile_input.h: what `bitwright profile` can be pointed at, and what it reads of each.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/board.h"
#include "core/execution.h"
#include "core/kernel.h"
#include "core/quantized_model.h"

namespace bitwright {

struct ProfileInput {
  std::string source;  // "network bearing_small", "package out", "QKeras model net.json", "trial 3 of bearing"
  Network network;
  std::optional<QuantizedModel> model;  // with trained weights, where the source has them
  std::vector<std::string> notes;       // what was left out or taken for granted, a line each

  // Of a package: its folder, and what it was emitted with.
  std::string package;
  Kernels kernels;
  bool specialized = false;            // some of them compiled for their layers
  std::optional<Execution> execution;  // of a trial: the study's

  // Of a trial: the study's.
  std::optional<Board> board;
  Limits limits;
  DutyCycle duty_cycle;
};

// A network's YAML, or the name of a built-in one; a package's folder or its model.json; a QKeras model's JSON. Throws
// ConfigError, which names these where `path` is something else.
ProfileInput profile_input(const std::string& path);

// study: its YAML or its store, as `bitwright export` takes them. Throws ConfigError, or StoreError without a store.
ProfileInput profile_input_of_trial(const std::string& study, int64_t trial);

}  // namespace bitwright
