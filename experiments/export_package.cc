// SPDX-License-Identifier: Apache-2.0
#include "experiments/export_package.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/hash.h"
#include "core/io/load_data.h"
#include "core/io/load_study.h"
#include "core/io/model_json.h"
#include "deploy/emit.h"
#include "deploy/verify.h"
#include "estimators/choose_execution.h"
#include "estimators/choose_kernels.h"
#include "estimators/estimate.h"
#include "experiments/study_session.h"
#include "experiments/version.h"

namespace bitwright {
namespace {

std::vector<std::vector<int16_t>> spaced_examples(const Dataset& data, int count) {
  const int64_t n = std::min<int64_t>(count, data.size());
  std::vector<std::vector<int16_t>> examples;
  for (int64_t i = 0; i < n; ++i) {
    const auto codes = data.example(i * data.size() / n);
    examples.emplace_back(codes.begin(), codes.end());
  }
  return examples;
}

bool is_package(const std::filesystem::path& folder) {
  const auto holds = [&](const char* file) { return std::filesystem::exists(folder / file); };
  return holds("model.json") && holds("golden/inputs.bin") && holds("test/golden_test.c");
}

// An earlier package may be replaced, anything else of the user's may not.
void clear_folder(const std::string& folder) {
  const std::filesystem::path path = folder;
  if (!std::filesystem::exists(path)) return;
  if (!std::filesystem::is_directory(path)) throw ConfigError(folder + ": not a folder");
  if (std::filesystem::is_empty(path)) return;
  if (!is_package(path)) throw ConfigError(folder + ": holds something that is no package; name a new or empty folder");
  for (const char* part : {"src", "golden", "test", "docs", "examples", "extras", "zephyr"})
    std::filesystem::remove_all(path / part);
  for (const auto& entry : std::filesystem::directory_iterator(path))  // named after the model
    if (entry.path().extension() == ".mk" || entry.path().extension() == ".pdsc") std::filesystem::remove(entry.path());
}

// From the sensor's value to the input's code, and from the output to the unit of what was learnt: what a model cannot
// be fed or read without.
Units units_of(const Dataset& data) {
  Units units;
  units.input_mean = data.front_end.mean;
  units.input_step = data.front_end.step;
  switch (data.task) {
    case Task::kClassification: units.output_names = data.classes; break;
    case Task::kRegression:
      units.output_names = data.target_names;
      units.output_mean = data.target_mean;
      units.output_deviation = data.target_deviation;
      break;
    case Task::kAnomaly:  // the input again, in the sensor's unit
      units.output_mean = data.front_end.mean;
      for (double step : data.front_end.step) units.output_deviation.push_back(step / data.front_end.input_scale);
  }
  return units;
}

// RAM that arena and stack leave of the study's limit, or of the board's first bank; and the program, where it lies in
// the same memory.
int64_t ram_left(const Study& study, const Program& program, const Estimates& estimates) {
  const MemoryLimits limits = memory_limits(study.board, study.limits);
  int64_t limit = limits.ram_bytes;
  if (limits.both_bytes > 0) limit = std::min(limit, limits.both_bytes - estimates.flash_bytes);
  return std::max<int64_t>(0, limit - program.plan.arena_bytes - estimates.stack_bytes);
}

ConstantPlacement place_fast_weights(const Study& study, const Program& program, const Estimates& estimates,
                                     const FastWeights& fast) {
  if (fast.budget_bytes == 0) return {};
  const int wait_states = fast.flash_wait_states >= 0 ? fast.flash_wait_states : study.board.flash_wait_states;
  if (wait_states == 0)
    throw ConfigError(
        fmt::format("fast weights: flash of {} has 0 wait states, so none would save a cycle; --flash-wait-states "
                    "sets another number",
                    study.board.name));
  return place_constants(program, {.wait_states = wait_states},
                         std::min(fast.budget_bytes, ram_left(study, program, estimates)));
}

std::vector<FastArray> arrays_in_ram(const Program& program) {
  std::vector<FastArray> arrays;
  for (const PlacedConstant& placed : program.placement.constants)
    arrays.push_back(
        {program.model.network.layers[static_cast<size_t>(placed.layer)].name + "_" + placed.suffix, placed.bytes});
  return arrays;
}

}  // namespace

ExportedPackage export_model(const QuantizedModel& model, const Study& study, const TrainingData& data,
                             const ModelOrigin& origin, const std::string& folder, int vectors,
                             const PackageForm& form) {
  const auto inputs = spaced_examples(data.validation, vectors);
  const std::string config = sha256_hex(comparable_config(study.config_json)).substr(0, 12);
  PackageOptions options;
  options.specialize = form.specialize;
  options.provenance = {"bitwright " + version(),
                        fmt::format("study {}, {}, config {}", study.name, origin.text, config)};
  options.units = units_of(data.train);
  const Execution execution =
      choose_execution(model.network, study.board, study.limits, form.execution, study.duty_cycle);
  // Anew, not the trial's: those may be of an older program's kernels.
  options.estimates = estimate(model.network, study.board, study.limits, execution, study.duty_cycle);
  options.validation_accuracy = origin.validation_accuracy;
  // The kernels of these estimates.
  const Kernels kernels = choose_kernels(model.network, study.board, study.limits, execution);
  Program program = lower(model, kernels, execution);
  program.placement = place_fast_weights(study, program, *options.estimates, form.fast);
  Package package = emit_c(program, golden_vectors(model, inputs), options);
  package.files["model.json"] = nlohmann::json{
      {"schema", 1},
      {"classes", data.train.classes},
      {"front_end", data.train.front_end},
      {"model", model}}.dump(1);
  package.files["manifest.sha256"] = manifest_text(package.files);
  clear_folder(folder);
  write_package(package, folder);
  ExportedPackage exported{static_cast<int>(inputs.size()), program.stream.has_value(), "", arrays_in_ram(program)};
  if (form.execution == Execution::kStream) exported.no_stream = no_stream_reason(model.network, kernels);
  return exported;
}

ExportedPackage export_package(const TrialStore& store, const Study& study, const Trial& trial,
                               const std::string& folder, int vectors, const PackageForm& form) {
  const auto text = store.artifact(trial.number, "model");
  if (!text)
    throw ConfigError(fmt::format("{}: trial {} is {} and has no model to export", store.path(), trial.number,
                                  trial_state_name(trial.state)));
  const auto model = read_json<QuantizedModel>(*text, store.path());
  const TrainingData data = load_training_data(study);
  check_same_data(store.study(), data, store.path());
  const ModelOrigin origin{fmt::format("trial {}", trial.number), trial.metrics.accuracy};
  return export_model(model, study, data, origin, folder, vectors, form);
}

}  // namespace bitwright
