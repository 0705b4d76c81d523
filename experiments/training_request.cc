// SPDX-License-Identifier: Apache-2.0
#include "experiments/training_request.h"

#include <fmt/format.h>

#include <filesystem>
#include <thread>

#include "core/embedded.h"
#include "core/error.h"
#include "core/io/config_reader.h"
#include "core/io/load_data.h"
#include "core/io/load_study.h"
#include "core/io/network_yaml.h"
#include "core/store/trial_store.h"
#include "experiments/study_session.h"

namespace bitwright {
namespace {

constexpr std::string_view kNetworks = "configs/networks/", kYaml = ".yaml";

std::vector<std::string> network_names() {
  std::vector<std::string> names;
  for (std::string_view path : embedded_files(kNetworks))
    names.emplace_back(path.substr(kNetworks.size(), path.size() - kNetworks.size() - kYaml.size()));
  return names;
}

Network network_of_trial(const std::string& path, int64_t number) {
  return trial_of(open_store(path), number).candidate.network;
}

Network requested_network(const TrainingRequest& request) {
  if (!request.network.empty()) return network_argument(request.network);
  if (request.trial < 0) throw ConfigError("--network or --trial is required: what to train");
  return network_of_trial(store_path(request.study, request.store), request.trial);
}

std::string network_place(const TrainingRequest& request) {
  return request.network.empty() ? fmt::format("trial {}", request.trial) : request.network;
}

}  // namespace

void add_training_options(CLI::App& command, TrainingRequest& request) {
  command.add_option("study", request.study, "The study's YAML: data, board, recipe")->required();
  command.add_option("overrides", request.overrides, "Fields to set: data.protocol=random");
  auto* network = command.add_option("--network", request.network, "A network's YAML, or the name of a built-in one");
  command.add_option("--trial", request.trial, "The network of this trial of the study's store")
      ->check(CLI::Range(int64_t{0}, int64_t{1} << 40))
      ->excludes(network);
  command.add_option("--store", request.store, "The store; by default NAME.bw.db in this folder");
  command.add_option("--seeds", request.seeds, "Trainings of everything, each from its own seed")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command.add_option("--jobs", request.jobs, "Trainings at once, one thread each; by default one a core")
      ->check(CLI::Range(1, 1024));
  command.add_flag("--json", request.json, "One JSON object on stdout");
  command.add_flag("-q,--quiet", request.quiet, "No progress on stderr");
}

Network network_argument(const std::string& file_or_name) {
  if (std::filesystem::exists(file_or_name)) return load_network(file_or_name);
  const std::string path = fmt::format("{}{}{}", kNetworks, file_or_name, kYaml);
  if (const auto yaml = embedded_file(path)) return network_from_yaml(std::string(*yaml), path);
  throw ConfigError(fmt::format("{}: neither a file nor a built-in network{}", file_or_name,
                                did_you_mean(file_or_name, network_names())));
}

void check_fits(const Network& network, const Dataset& data, const std::string& place) {
  const FrontEnd& front = data.front_end;
  if (network.input != front.output)
    throw ConfigError(fmt::format("{}: the network reads {}, an example of the data is {}", place,
                                  shape_text(network.input), shape_text(front.output)));
  if (network.input_format != front.format)
    throw ConfigError(fmt::format("{}: the network reads {} codes, the data are {}; set data.input_format={}", place,
                                  format_name(network.input_format), format_name(front.format),
                                  format_name(network.input_format)));
  const Shape given = infer_shapes(network).back().output, wanted = task_output(data);
  if (given == wanted) return;
  if (data.task == Task::kClassification && given == Shape{1, 1, given.c})
    throw ConfigError(fmt::format("{}: the network's head tells {} classes apart, the data have {}: {}", place, given.c,
                                  wanted.c, fmt::join(data.classes, ", ")));
  throw ConfigError(
      fmt::format("{}: the network gives {}, the data ask for {}", place, shape_text(given), shape_text(wanted)));
}

TrainingSetup load_setup(const TrainingRequest& request) {
  TrainingSetup setup;
  setup.study = load_study(request.study, request.overrides);
  setup.network = requested_network(request);
  const TrainingData data = load_training_data(setup.study);
  check_fits(setup.network, data.train, network_place(request));
  check_recipe(setup.study, data.train);
  if (request.test) load_test_data(setup.study, data.train.front_end);  // a mistake in it shows now, not after training
  for (int i = 0; i < request.seeds; ++i) setup.seeds.push_back(setup.study.search.seed + static_cast<uint64_t>(i));
  setup.task = data.train.task;
  setup.classes = data.train.classes;
  setup.validation_windows = data.validation.size();
  setup.warnings = data.warnings;
  return setup;
}

int worker_count(const TrainingRequest& request) {
  return request.jobs > 0 ? request.jobs : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

TrialSpec training_spec(const TrainingSetup& setup, uint64_t seed, bool score_test) {
  return {.config_json = setup.study.config_json, .seed = seed, .network = setup.network, .score_test = score_test};
}

}  // namespace bitwright
