// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iostream>

#include "core/error.h"
#include "core/io/board_yaml.h"
#include "core/io/config_reader.h"
#include "experiments/commands.h"
#include "experiments/profile_input.h"
#include "experiments/profile_report.h"
#include "experiments/profile_tiers.h"

namespace bitwright {
namespace {

constexpr char kBoard[] = "nucleo-l476rg";

struct Options {
  std::string model, study, board, tier = tier_name(Tier::kClosedForm);
  int64_t trial = -1;
  int specialize = 0;
  bool stream = false, layers = false, json = false;
};

Tier tier_of(const std::string& name) {
  const std::vector<std::string>& names = tier_names();
  const auto it = std::find(names.begin(), names.end(), name);
  if (it == names.end())
    throw ConfigError(fmt::format("--tier = {}: one of {}{}", name, fmt::join(names, ", "), did_you_mean(name, names)));
  return static_cast<Tier>(it - names.begin());
}

ProfileInput read_input(const Options& options) {
  if (options.model.empty() == options.study.empty())
    throw ConfigError("profile: a network, package or QKeras model, or --study STUDY --trial N; one of them");
  if (!options.study.empty() && options.trial < 0)
    throw ConfigError("profile: --study needs --trial N: which of its networks");
  if (options.study.empty() && options.trial >= 0) throw ConfigError("profile: --trial needs --study STUDY");
  return options.study.empty() ? profile_input(options.model) : profile_input_of_trial(options.study, options.trial);
}

ProfileRequest request_of(const Options& options, const ProfileInput& input) {
  ProfileRequest request;
  request.board =
      options.board.empty() && input.board ? *input.board : load_board(options.board.empty() ? kBoard : options.board);
  request.tier = tier_of(options.tier);
  request.execution = options.stream   ? Execution::kStream
                      : options.layers ? Execution::kLayers
                                       : input.execution.value_or(Execution::kLayers);
  request.specialize = options.specialize;
  if (options.specialize > 0 && (request.tier == Tier::kClosedForm || !input.package.empty()))
    throw ConfigError(
        "--specialize: of packages that --tier linked or emulated makes; closed forms are of shared kernels");
  if (!input.package.empty() && (options.stream || options.layers))
    throw ConfigError(
        fmt::format("{}: a package runs as it was exported, without --stream or --layers", input.package));
  return request;
}

int profile(const Options& options) {
  const ProfileInput input = read_input(options);
  const ProfileRequest request = request_of(options, input);
  const NetworkProfile result = profile_network(input, request);
  std::cout << (options.json ? profile_json(result) : profile_text(result));
  return 0;
}

}  // namespace

void add_profile(CLI::App& app, CommandLine& line) {
  auto* command = app.add_subcommand(
      "profile", "What a network is made of and takes: op types, weights, memory map, cost by layer");
  auto options = std::make_shared<Options>();
  command->add_option("model", options->model,
                      "A network's YAML or the name of a built-in one, a package's folder, a QKeras model's JSON");
  command->add_option("--study", options->study, "A study's YAML or its store, instead");
  command->add_option("--trial", options->trial, "The network of this trial of it")
      ->check(CLI::Range(int64_t{0}, int64_t{1} << 40));
  command->add_option("--board", options->board,
                      fmt::format("Board that the cost is for; by default the study's, or {}", kBoard));
  command
      ->add_option("--tier", options->tier,
                   fmt::format("How cost is known: {}; all but the first compile the package with arm-none-eabi-gcc",
                               fmt::join(tier_names(), ", ")))
      ->capture_default_str();
  auto* stream = command->add_flag("--stream", options->stream,
                                   "With the first layers of a signal column by column, where that takes less RAM; "
                                   "else a note says why not");
  command->add_flag("--layers", options->layers, "Every layer over its whole map; by default as study or package")
      ->excludes(stream);
  command
      ->add_flag("--specialize{2}", options->specialize,
                 "Of linked and emulated: compile every kernel that at most two layers use for each of them, as export "
                 "does")
      ->check(CLI::Range(0, 1000));
  command->add_flag("--json", options->json, "One JSON object on stdout");
  command->footer("docs/profile.md explains the tiers and what is printed. Exit code 1: a tool is missing.");
  command->callback([=, &line] { line.action = [=] { return profile(*options); }; });
}

}  // namespace bitwright
