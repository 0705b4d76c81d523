// SPDX-License-Identifier: Apache-2.0
#include "experiments/export_package.h"

#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/hash.h"
#include "core/io/load_data.h"
#include "core/io/load_study.h"
#include "core/io/model_json.h"
#include "core/op_profile.h"
#include "deploy/emit.h"
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

// An earlier package may be overwritten, anything else of the user's may not.
void check_folder(const std::string& folder) {
  const std::filesystem::path path = folder;
  if (!std::filesystem::exists(path)) return;
  if (!std::filesystem::is_directory(path)) throw ConfigError(folder + ": not a folder");
  if (!std::filesystem::is_empty(path) && !std::filesystem::exists(path / "model.json"))
    throw ConfigError(folder + ": holds something that is no package; name a new or empty folder");
}

// Words of X-CUBE-AI's report, so that both can be laid side by side.
nlohmann::json report_json(const QuantizedModel& model, const Trial& trial) {
  const Estimates& e = trial.estimates;
  nlohmann::json layers = nlohmann::json::array();
  for (const LayerEstimate& layer : e.layers)
    layers.push_back({{"name", layer.name},
                      {"kernel", layer.kernel},
                      {"macc", layer.macs},
                      {"rom_size", layer.constant_bytes},
                      {"output_bytes", layer.output_bytes}});
  return {{"schema", 1},
          {"c_name", model.network.name},
          {"params", e.parameters},
          {"macc", e.macs},
          {"weights_ro_bytes", e.constant_bytes},
          {"activations_rw_bytes", e.arena_bytes},
          {"code_bytes", e.code_bytes},
          {"stack_bytes", e.stack_bytes},
          {"estimated_instructions", e.instructions},
          {"estimated_cycles", e.cycles},
          {"validation_accuracy", trial.metrics.accuracy},
          {"op_types", op_profile(model.network).operations},
          {"layers", layers}};
}

}  // namespace

int export_package(const TrialStore& store, const Study& study, const Trial& trial, const std::string& folder,
                   int vectors) {
  const auto text = store.artifact(trial.number, "model");
  if (!text)
    throw ConfigError(fmt::format("{}: trial {} is {} and has no model to export", store.path(), trial.number,
                                  trial_state_name(trial.state)));
  check_folder(folder);
  const auto model = read_json<QuantizedModel>(*text, store.path());
  const TrainingData data = load_training_data(study);
  const auto inputs = spaced_examples(data.validation, vectors);
  const std::string config = sha256_hex(comparable_config(study.config_json)).substr(0, 12);
  Package package = emit_c(lower(model), golden_vectors(model, inputs),
                           {.generator = "bitwright " + version(),
                            .origin = fmt::format("study {}, trial {}, config {}", study.name, trial.number, config)});
  package.files["model.json"] = nlohmann::json{
      {"schema", 1},
      {"classes", data.train.classes},
      {"front_end", data.train.front_end},
      {"model", model}}.dump(1);
  package.files["report.json"] = report_json(model, trial).dump(2) + "\n";
  write_package(package, folder);
  return static_cast<int>(inputs.size());
}

}  // namespace bitwright
