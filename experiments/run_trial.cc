// SPDX-License-Identifier: Apache-2.0
#include "experiments/run_trial.h"

#include <ctime>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/io/load_data.h"
#include "core/io/load_study.h"
#include "core/metrics.h"
#include "deploy/reference.h"
#include "experiments/staged_training.h"
#include "trainer/export.h"

namespace bitwright {
namespace {

double process_cpu_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// Adds what training did to the report and returns its parameters.
Parameters train_into(TrialReport& report, const TrainingData& data, const Recipe& recipe, const TrialSpec& spec,
                      const std::optional<Parent>& parent, const TrialHooks& hooks) {
  TrainOutcome outcome = train_in_stages(data, recipe, spec, parent, hooks);
  report.epochs = std::move(outcome.epochs);
  report.train_seconds = outcome.cpu_seconds;
  report.failure = std::move(outcome.failure);
  report.metrics.train_accuracy = outcome.train_accuracy;
  return std::move(outcome.parameters);
}

Parent quantize(TrialReport& report, const Parent& trained, const Dataset& train, const PostTrainingOptions& options) {
  const double start = process_cpu_seconds();
  QuantizedTwin twin = quantize_after_training(trained.network, trained.parameters, train, options);
  report.train_seconds += process_cpu_seconds() - start;
  report.metrics.train_accuracy = -1.0;
  return {std::move(twin.network), std::move(twin.parameters)};
}

// What TrialSpec asks to be scored; nothing after a failure.
std::optional<Parent> trained_network(TrialReport& report, const TrialSpec& spec, const TrainingData& data,
                                      const Recipe& recipe, const TrialHooks& hooks) {
  std::optional<Parent> parent;
  if (!spec.parent.empty()) parent = parse_trained(read_file(spec.parent), spec.parent);
  Parent trained{spec.network, {}};
  if (parent && spec.post_training) {
    if (canonical_text(parent->network) != canonical_text(spec.network))
      throw StructureError(fmt::format("{}: another network than the one to quantize", spec.parent));
    trained.parameters = parent->parameters;
    report.metrics.train_accuracy = -1.0;
  } else {
    trained.parameters = train_into(report, data, recipe, spec, parent, hooks);
    if (!report.failure.empty()) return std::nullopt;
  }
  if (!spec.keep_parameters.empty()) replace_file(spec.keep_parameters, trained_text(trained));
  return spec.post_training ? quantize(report, trained, data.train, *spec.post_training) : trained;
}

Metrics score(const QuantizedModel& model, const Parent& trained, const Dataset& data, double threshold,
              Device device) {
  const std::vector<float> integer = reference_outputs(model, data);
  const std::vector<float> fake = fake_quantized_outputs(trained.network, trained.parameters, data, device);
  Metrics metrics = score_outputs(data, integer, threshold);
  metrics.fake_quantized_accuracy = score_outputs(data, fake, threshold).accuracy;
  const auto a = decisions(data, integer, threshold), b = decisions(data, fake, threshold);
  for (size_t i = 0; i < a.size(); ++i) metrics.differing += a[i] != b[i];
  return metrics;
}

void score_into(TrialReport& report, const TrialSpec& spec, const Study& study, const Parent& trained,
                const TrainingData& data, DataCache& cache) {
  report.model = export_quantized(trained.network, trained.parameters, data.train.front_end.input_scale);
  const double threshold = data.train.task == Task::kAnomaly
                               ? anomaly_threshold(data.train, reference_outputs(*report.model, data.train))
                               : 0.0;
  const double train_accuracy = report.metrics.train_accuracy;
  report.metrics = score(*report.model, trained, data.validation, threshold, study.recipe.device);
  report.metrics.train_accuracy = train_accuracy;
  if (!spec.score_test) return;
  report.test = score(*report.model, trained, cache.test(study), threshold, study.recipe.device);
  report.test->train_accuracy = train_accuracy;
}

}  // namespace

const TrainingData& DataCache::training(const Study& study) {
  const std::string section = nlohmann::json::parse(study.config_json).at("data").dump();
  if (section != section_) {
    section_.clear();
    test_.reset();
    training_ = load_training_data(study);
    section_ = section;
  }
  return training_;
}

const Dataset& DataCache::test(const Study& study) {
  const TrainingData& data = training(study);
  if (!test_) test_ = load_test_data(study, data.train.front_end);
  return *test_;
}

TrialReport run_trial(const TrialSpec& spec, DataCache& cache, const TrialHooks& hooks) {
  TrialReport report{.number = spec.number, .attempt = spec.attempt};
  const Study study = study_from_json(spec.config_json);
  const TrainingData& data = cache.training(study);
  try {
    if (const auto trained = trained_network(report, spec, data, study.recipe, hooks))
      score_into(report, spec, study, *trained, data, cache);
  } catch (const StructureError& error) {
    return {.number = spec.number, .attempt = spec.attempt, .failure = error.what()};
  }
  return report;
}

}  // namespace bitwright
