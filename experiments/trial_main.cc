// experiments/trial_main.cc: the program bitwright-trial: trains one candidate, or many one after another. It alone
// links libtorch, whose load takes about a second, so local workers are long-lived.
//
//   bitwright-trial SPEC --out DIR    one trial: DIR/result.json
//   bitwright-trial --serve           lines `SPEC<tab>DIR` on stdin; on stdout `epoch JSON` lines and, once the result
//                                     is published, `done`
// SPDX-License-Identifier: Apache-2.0
#include <sys/prctl.h>

#include <csignal>
#include <iostream>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/io/load_data.h"
#include "core/io/load_study.h"
#include "core/io/model_json.h"
#include "deploy/reference.h"
#include "experiments/trial_protocol.h"
#include "trainer/export.h"
#include "trainer/trainer.h"

namespace bitwright {
namespace {

// The training data of the last study asked for: a worker serves one study.
class DataCache {
 public:
  const TrainingData& get(const Study& study, const std::string& config_json) {
    if (config_json != config_) {
      data_ = load_training_data(study);
      config_ = config_json;
    }
    return data_;
  }

 private:
  std::string config_;
  TrainingData data_;
};

TrialReport run_trial(const TrialSpec& spec, DataCache& cache, const EpochCallback& on_epoch) {
  TrialReport report{.number = spec.number, .attempt = spec.attempt};
  const Study study = study_from_json(spec.config_json);
  const TrainingData& data = cache.get(study, spec.config_json);
  const TrainOutcome outcome = train(spec.network, data, study.recipe, spec.seed, on_epoch);
  report.epochs = outcome.epochs;
  report.train_seconds = outcome.cpu_seconds;
  report.failure = outcome.failure;
  if (!report.failure.empty()) return report;
  report.model = export_quantized(spec.network, outcome.parameters, data.train.front_end.input_scale);
  report.metrics = {.accuracy = reference_accuracy(*report.model, data.validation),
                    .fake_quantized_accuracy = outcome.validation_accuracy,
                    .train_accuracy = outcome.train_accuracy,
                    .windows = data.validation.size()};
  return report;
}

// What a candidate does wrong is a result; what the user's data or disk does wrong ends the program.
TrialReport run_trial_caught(const TrialSpec& spec, DataCache& cache, const EpochCallback& on_epoch) {
  try {
    return run_trial(spec, cache, on_epoch);
  } catch (const StructureError& error) {
    return {.number = spec.number, .attempt = spec.attempt, .failure = error.what()};
  }
}

void serve_one(const std::string& spec_path, const std::string& out, DataCache& cache, bool chatty) {
  const TrialSpec spec = parse_spec(read_file(spec_path));
  const TrialReport report = run_trial_caught(spec, cache, [&](const EpochRecord& epoch) {
    if (chatty) std::cout << "epoch " << nlohmann::json(epoch).dump() << std::endl;
    return true;
  });
  publish(out, "result.json", report_text(report));
  if (chatty) std::cout << "done" << std::endl;
}

int serve() {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // a killed controller leaves no worker behind
  DataCache cache;
  for (std::string line; std::getline(std::cin, line);) {
    const size_t tab = line.find('\t');
    if (tab == std::string::npos) throw ConfigError("bitwright-trial: a line is SPEC<tab>DIR");
    serve_one(line.substr(0, tab), line.substr(tab + 1), cache, /*chatty=*/true);
  }
  return 0;
}

int run(int argc, char** argv) {
  const std::vector<std::string> args(argv + 1, argv + argc);
  if (args == std::vector<std::string>{"--serve"}) return serve();
  if (args.size() != 3 || args[1] != "--out") {
    std::cerr << "usage: bitwright-trial SPEC --out DIR | --serve\n";
    return static_cast<int>(ExitCode::kConfig);
  }
  DataCache cache;
  serve_one(args[0], args[2], cache, /*chatty=*/false);
  return 0;
}

}  // namespace
}  // namespace bitwright

int main(int argc, char** argv) {
  using bitwright::ExitCode;
  try {
    return bitwright::run(argc, argv);
  } catch (const bitwright::ConfigError& error) {
    std::cerr << "error: " << error.what() << "\n";
    return static_cast<int>(ExitCode::kConfig);
  } catch (const bitwright::StoreError& error) {
    std::cerr << "error: " << error.what() << "\n";
    return static_cast<int>(ExitCode::kStore);
  } catch (const std::exception& error) {
    std::cerr << "error: " << error.what() << "\n";
    return static_cast<int>(ExitCode::kFailed);
  }
}
