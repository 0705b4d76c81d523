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
#include "deploy/verify.h"
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
  for (const char* part : {"src", "golden", "test"}) std::filesystem::remove_all(path / part);
}

std::string upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::toupper(c); });
  return text;
}

// From the sensor's value to the input's code, and the classes' names: what a model cannot be fed or read without.
std::string front_end_header(const std::string& name, const Dataset& data) {
  const FrontEnd& f = data.front_end;
  std::vector<std::string> mean, step, classes;
  for (double m : f.mean) mean.push_back(fmt::format("{:#.9g}f", m));
  for (double s : f.step) step.push_back(fmt::format("{:#.9g}f", s));
  for (const std::string& c : data.classes) classes.push_back(nlohmann::json(c).dump());
  return fmt::format(
      R"(/* {0}_frontend.h: sensor values -> input codes of {0}, and the names of its outputs. Uses float. */
#ifndef {1}_FRONTEND_H
#define {1}_FRONTEND_H
#include <stdint.h>

static const float {0}_mean[{2}] = {{{3}}};
static const float {0}_step[{2}] = {{{4}}};
static const char *const {0}_classes[{5}] = {{{6}}};

/* value: one sample of `channel` in the unit of the training data. Nearest code, half away from zero, saturated. */
static inline int32_t {0}_input_code(float value, uint32_t channel)
{{
    const float code = (value - {0}_mean[channel]) / {0}_step[channel];
    if (code >= {7}.0f) {{
        return {7};
    }}
    if (code <= {8}.0f) {{
        return {8};
    }}
    return (int32_t)(code >= 0.0f ? code + 0.5f : code - 0.5f);
}}

#endif
)",
      name, upper(name), f.mean.size(), fmt::join(mean, ", "), fmt::join(step, ", "), data.classes.size(),
      fmt::join(classes, ", "), max_code(f.format), std::max(min_code(f.format), -max_code(f.format)));
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
  const auto model = read_json<QuantizedModel>(*text, store.path());
  const TrainingData data = load_training_data(study);
  check_same_data(store.study(), data, store.path());
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
  package.files[fmt::format("src/{}_frontend.h", study.name)] = front_end_header(study.name, data.train);
  package.files["manifest.sha256"] = manifest_text(package.files);
  clear_folder(folder);
  write_package(package, folder);
  return static_cast<int>(inputs.size());
}

}  // namespace bitwright
