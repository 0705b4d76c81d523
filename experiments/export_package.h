// experiments/export_package.h: from a trained model, of a trial in the store or not, to a C package on disk.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/dataset.h"
#include "core/estimates.h"
#include "core/execution.h"
#include "core/quantized_model.h"
#include "core/store/trial_store.h"
#include "core/study.h"

namespace bitwright {

// Weights and tables in RAM: deploy/placement.h.
struct FastWeights {
  int64_t budget_bytes = 0;    // 0: none; never more are placed than the RAM limit leaves beside arena and stack
  int flash_wait_states = -1;  // -1: the board's
};

// How a package differs from the model's plain one.
struct PackageForm {
  Execution execution = Execution::kLayers;
  FastWeights fast;
  int specialize = 0;  // PackageOptions::specialize
};

struct FastArray {
  std::string name;  // in the emitted C: "conv1_weights"
  int64_t bytes = 0;
};

// What a package became.
struct ExportedPackage {
  int vectors = 0;  // golden
  bool streamed = false;
  std::string no_stream;          // where a stream was asked for and there is none: why
  std::vector<FastArray> in_ram;  // in the order of layers
};

// What a package tells of its model's training.
struct ModelOrigin {
  std::string text;  // "trial 12", "network bearing_golden, seed 1"
  double validation_accuracy = 0.0;
};

// Writes a package as export_package() does. data: of the study.
ExportedPackage export_model(const QuantizedModel& model, const Study& study, const TrainingData& data,
                             const ModelOrigin& origin, const std::string& folder, int vectors,
                             const PackageForm& form);

// Writes the package of a complete trial to `folder`, which is made if absent and must hold nothing but an earlier
// package. Its golden vectors are `vectors` windows of the validation set, evenly spaced over it, with the outputs of
// the integer reference. form.execution: the study's, or another. Throws ConfigError (folder in use; a trial without a
// model; fast weights for flash without wait states).
ExportedPackage export_package(const TrialStore& store, const Study& study, const Trial& trial,
                               const std::string& folder, int vectors, const PackageForm& form);

}  // namespace bitwright
