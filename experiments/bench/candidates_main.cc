// bitwright-candidates: how fast candidates are estimated and held against limits, and how many of a space fit which
// board. docs/estimates.md says how to read what it prints.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <ctime>
#include <exception>
#include <iostream>

#include "constraints/constraints.h"
#include "core/embedded.h"
#include "core/error.h"
#include "core/io/board_yaml.h"
#include "core/io/load_study.h"
#include "estimators/estimate.h"
#include "experiments/run_main.h"
#include "experiments/table.h"
#include "search/space.h"

namespace bitwright {
namespace {

struct Options {
  std::string study = "bearing";  // of configs/studies
  int candidates = 100'000, classes = 10;
  uint64_t seed = 1;
  Shape input = {600, 1, 1};
  std::vector<std::string> boards = {"nucleo-g071rb",      "nucleo-l073rz",    "nucleo-f103rb",   "nucleo-l152re",
                                     "nucleo-l476rg",      "nucleo-f411re",    "nucleo-u575zi-q", "nucleo-h743zi",
                                     "generic-sensor-40k", "raspberry-pi-pico"};
};

// Processor time, in seconds.
double cpu_seconds() {
  return static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
}

Study study_of(const Options& options) {
  const std::string place = fmt::format("configs/studies/{}.yaml", options.study);
  const auto yaml = embedded_file(place);
  if (!yaml) throw ConfigError(fmt::format("--study = {}: no {}", options.study, place));
  return study_from_yaml(std::string(*yaml), place, {"data.path=/"});  // a folder that exists; the data are not read
}

std::vector<Network> sound_networks(const Options& options, const Study& study, double& seconds) {
  const SearchSpace space(study.space, options.input, Format::kInt8, options.classes, "candidate");
  Rng rng(options.seed);
  std::vector<Network> networks;
  const double begin = cpu_seconds();
  for (int i = 0; i < options.candidates; ++i) {
    Candidate candidate = space.sample(rng);
    if (check_structure(candidate.network).empty()) networks.push_back(std::move(candidate.network));
  }
  seconds = cpu_seconds() - begin;
  return networks;
}

struct Tally {
  int64_t fit = 0, fit_study = 0;
  double seconds = 0.0;
};

// With the board's own limits, and with the study's besides.
Tally check_board(const std::vector<Network>& networks, const Board& board, const Limits& limits) {
  Tally tally;
  const double begin = cpu_seconds();
  for (const Network& network : networks) {
    const Estimates estimates = estimate(network, board, limits);
    tally.fit += check_budgets(estimates, {}, board).empty();
    tally.fit_study += check_budgets(estimates, limits, board).empty();
  }
  tally.seconds = cpu_seconds() - begin;
  return tally;
}

ExitCode check_candidates(const Options& options) {
  const Study study = study_of(options);
  double sampling = 0.0;
  const std::vector<Network> networks = sound_networks(options, study, sampling);
  std::cout << fmt::format("{} candidates of {}, {} of sound structure: {:.1f} us each to draw and check\n",
                           options.candidates, options.study, networks.size(), 1e6 * sampling / options.candidates);
  if (networks.empty()) throw ConfigError("no candidate is of sound structure");
  std::vector<std::vector<std::string>> rows = {
      {"board", "core", "fit the board", "and the study's limits", "us each", "estimates/s"}};
  const auto count = static_cast<double>(networks.size());
  for (const std::string& name : options.boards) {
    const Board board = load_board(name);
    const Tally tally = check_board(networks, board, study.limits);
    rows.push_back({name, board.core, format_percent(static_cast<double>(tally.fit) / options.candidates),
                    format_percent(static_cast<double>(tally.fit_study) / options.candidates),
                    fmt::format("{:.1f}", 1e6 * tally.seconds / count), fmt::format("{:.0f}", count / tally.seconds)});
  }
  std::cout << render_table(rows);
  return ExitCode::kDone;
}

int run(int argc, char** argv) {
  CLI::App app("How fast candidates are estimated and held against limits, and how many of a space fit which board.");
  Options options;
  app.add_option("--study", options.study, "Whose space: a name of configs/studies")->capture_default_str();
  app.add_option("--candidates", options.candidates)->check(CLI::PositiveNumber)->capture_default_str();
  app.add_option("--samples", options.input.h, "Of a signal of one channel that networks read")
      ->check(CLI::Range(1, 65535))
      ->capture_default_str();
  app.add_option("--classes", options.classes)->check(CLI::Range(1, 1000))->capture_default_str();
  app.add_option("--seed", options.seed)->capture_default_str();
  app.add_option("--board", options.boards, "May be repeated")->capture_default_str();
  if (const auto status = parse_arguments(app, argc, argv)) return *status;
  return static_cast<int>(check_candidates(options));
}

}  // namespace
}  // namespace bitwright

int main(int argc, char** argv) {
  return bitwright::run_main(bitwright::run, argc, argv);
}
