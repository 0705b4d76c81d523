// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <iostream>

#include "core/error.h"
#include "core/store/store_care.h"
#include "experiments/commands.h"
#include "experiments/study_session.h"

namespace bitwright {
namespace {

struct Options {
  std::string study, destination;
};

int check(const Options& options) {
  const std::string path = path_of_store(options.study);
  const std::vector<std::string> problems = check_store(path);
  for (const std::string& problem : problems) std::cerr << "error: " << problem << "\n";
  if (problems.empty()) std::cout << path << ": sound\n";
  return static_cast<int>(problems.empty() ? ExitCode::kDone : ExitCode::kStore);
}

int back_up(const Options& options) {
  back_up_store(path_of_store(options.study), options.destination);
  std::cout << options.destination << ": written\n";
  return static_cast<int>(ExitCode::kDone);
}

int salvage(const Options& options) {
  const Salvage salvaged = salvage_store(path_of_store(options.study), options.destination);
  std::cout << fmt::format("{}: {} trials saved, {} lost\n", options.destination, salvaged.kept, salvaged.lost.size());
  if (!salvaged.lost.empty()) std::cout << fmt::format("lost: #{}\n", fmt::join(salvaged.lost, " #"));
  for (const std::string& table : salvaged.tables) std::cout << fmt::format("lost: the table {}\n", table);
  return static_cast<int>(salvaged.lost.empty() && salvaged.tables.empty() ? ExitCode::kDone : ExitCode::kStore);
}

}  // namespace

void add_store(CLI::App& app, CommandLine& line) {
  auto* command = app.add_subcommand("store", "Check a study's store, copy it, or save what is left of a damaged one");
  command->require_subcommand(1);
  const auto add = [&](const std::string& name, const std::string& what, int (*action)(const Options&), bool copies) {
    auto options = std::make_shared<Options>();
    auto* one = command->add_subcommand(name, what);
    one->add_option("study", options->study, "A study's YAML or its store")->required();
    if (copies) one->add_option("destination", options->destination, "A file that is not there yet")->required();
    one->callback([=, &line] { line.action = [=] { return action(*options); }; });
  };
  add("check", "Whether all of it is sound: pages, rows, the SHA-256 of every model; also while a search runs", check,
      false);
  add("backup", "A copy as of one moment, also while a search runs", back_up, true);
  add("salvage", "A new store of all trials that can be read whole; the damaged one stays as it is", salvage, true);
}

}  // namespace bitwright
