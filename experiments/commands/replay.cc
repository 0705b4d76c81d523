// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <iostream>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/io/json_text.h"
#include "experiments/commands.h"
#include "experiments/progress.h"
#include "experiments/store_replay.h"
#include "experiments/study_session.h"
#include "experiments/version.h"

namespace bitwright {
namespace {

constexpr int64_t kToldEvery = 100;  // proposals, where lines stay

struct Options {
  std::string study;
  bool json = false, quiet = false;
};

nlohmann::json replay_json(const Replay& replay, const std::vector<std::string>& notes) {
  nlohmann::json differences = nlohmann::json::array();
  for (const ReplayDifference& difference : replay.differences)
    differences.push_back({{"trial", difference.number}, {"text", difference.text}});
  return {{"schema", 1},
          {"proposals", replay.proposals},
          {"equal", replay.equal()},
          {"differences", differences},
          {"notes", notes}};
}

int replay(const Options& options) {
  const TrialStore store = open_store(options.study);
  const std::vector<std::string> notes = replay_notes(store.study(), store.trials(), build_provenance());
  for (const std::string& note : notes) std::cerr << "note: " << note << "\n";
  ProgressDisplay display(options.quiet);
  const int64_t proposals = store.size() + std::ssize(store.continuations());
  const Replay replayed = replay_store(store, [&](const Replay& replay) {
    if (!display.terminal() && replay.proposals % kToldEvery != 0) return;
    display.show(fmt::format("proposal {}/{}  different {}", replay.proposals, proposals, replay.differences.size()));
  });
  std::cout << (options.json ? json_text(replay_json(replayed, notes)) + "\n" : replay_text(replayed));
  return static_cast<int>(replayed.differences.empty() ? ExitCode::kDone : ExitCode::kDiffers);
}

}  // namespace

void add_replay(CLI::App& app, CommandLine& line) {
  auto* command = app.add_subcommand("replay", "Make every proposal of a study anew and compare");
  auto options = std::make_shared<Options>();
  command->add_option("study", options->study, "A study's YAML or its store")->required();
  command->add_flag("--json", options->json, "One JSON object on stdout");
  command->add_flag("-q,--quiet", options->quiet, "No progress on stderr");
  command->callback([=, &line] { line.action = [=] { return replay(*options); }; });
}

}  // namespace bitwright
