// SPDX-License-Identifier: Apache-2.0
#include <iostream>
#include <nlohmann/json.hpp>

#include "constraints/constraints.h"
#include "core/error.h"
#include "core/io/json_text.h"
#include "core/io/load_study.h"
#include "experiments/board_fits.h"
#include "experiments/commands.h"
#include "experiments/front_json.h"
#include "experiments/limits_text.h"
#include "experiments/search_outcome.h"
#include "experiments/study_session.h"
#include "experiments/table.h"
#include "experiments/why_text.h"

namespace bitwright {
namespace {

struct Options {
  std::string study;
  int64_t trial = -1;
  bool why = false, json = false;
};

std::map<std::string, int64_t> count_states(const std::vector<Trial>& trials) {
  std::map<std::string, int64_t> counts;
  for (const Trial& trial : trials) ++counts[trial_state_name(trial.state)];
  return counts;
}

int status(const Options& options) {
  const TrialStore store = open_store(options.study);
  const StudyRecord record = store.study();
  const auto counts = count_states(store.trials());
  if (options.json) {
    std::cout << json_text(nlohmann::json{{"schema", 1},
                                          {"study", record.name},
                                          {"uuid", record.uuid},
                                          {"store", store.path()},
                                          {"trials", counts},
                                          {"rejected", store.rejected()},
                                          {"front", front_of(store).size()},
                                          {"provenance", record.provenance}})
              << "\n";
    return 0;
  }
  std::cout << fmt::format("{}  {}\n", record.name, store.path());
  for (const auto& [state, count] : counts) std::cout << fmt::format("{:12} {}\n", state, count);
  for (const auto& [rule, count] : store.rejected()) std::cout << fmt::format("rejected by {}: {}\n", rule, count);
  for (const auto& [key, value] : record.provenance) std::cout << fmt::format("{}: {}\n", key, value);
  return 0;
}

std::string layers_text(const Trial& trial) {
  std::vector<std::vector<std::string>> rows = {{"layer", "kernel", "MACs", "constants", "output", "cycles"}};
  for (const LayerEstimate& layer : trial.estimates.layers)
    rows.push_back({layer.name, layer.kernel.empty() ? "-" : layer.kernel, std::to_string(layer.macs),
                    format_bytes(layer.constant_bytes), format_bytes(layer.output_bytes),
                    fmt::format("{:.0f}", layer.cycles)});
  return render_table(rows);
}

std::string power_text(const Estimates& e) {
  if (e.energy_uj <= 0) return "";
  const std::string average =
      e.average_power_uw > 0 ? fmt::format("  average power {}", format_microwatts(e.average_power_uw)) : "";
  return fmt::format("energy {}{}\n", format_microjoules(e.energy_uj), average);
}

// What its package takes, beside what was estimated.
std::string measured_text(const Trial& trial) {
  if (trial.measured.empty()) return "";
  std::vector<std::vector<std::string>> rows = {{"", "estimated", "measured", "more", "on"}};
  for (const auto& [quantity, boards] : trial.measured)
    for (const auto& [board, cost] : boards) {
      const std::vector<std::string> texts = amount_texts(quantity, {cost.estimated, cost.measured});
      rows.push_back({quantity, texts[0], texts[1],
                      fmt::format("{:+.2f} %", 100.0 * (cost.measured / cost.estimated - 1.0)), board});
    }
  return render_table(rows);
}

std::string trial_text(const Trial& trial, const std::optional<Metrics>& test, const Study& study) {
  const Estimates& e = trial.estimates;
  std::string out = fmt::format("trial #{}  {}  from {}  seed {}  network {}\n", trial.number,
                                trial_state_name(trial.state), trial.source, trial.seed, trial.candidate.hash);
  for (const auto& [name, value] : trial.candidate.parameters) out += fmt::format("  {} = {}\n", name, value);
  if (!trial.host.empty()) out += fmt::format("trained on {}, execution {}\n", trial.host, trial.execution);
  if (!trial.failure.empty()) out += "failure: " + trial.failure + "\n";
  for (const Violation& v : trial.violations) out += "violation: " + v.message + "\n";
  if (trial.state == TrialState::kStopped)
    out += fmt::format("stopped after {:g} % of the epochs; it may go on\n", 100.0 * trial.fidelity);
  if (has_accuracy(trial))
    out += fmt::format("validation {} of {} windows (fake-quantized {}, training {})\n",
                       format_percent(trial.metrics.accuracy), trial.metrics.windows,
                       format_percent(trial.metrics.fake_quantized_accuracy),
                       format_percent(trial.metrics.train_accuracy));
  if (const std::string below = below_floor_text(study, trial); !below.empty()) out += below + "\n";
  if (test) out += fmt::format("test {} of {} windows\n", format_percent(test->accuracy), test->windows);
  out += fmt::format("{}: flash {} (code {}, constants {})  ram {} (arena {}, stack {})  {} MACs  {:.0f} cycles, {}\n",
                     figures_of_text(study), format_bytes(e.flash_bytes), format_bytes(e.code_bytes),
                     format_bytes(e.constant_bytes), format_bytes(e.ram_bytes), format_bytes(e.arena_bytes),
                     format_bytes(e.stack_bytes), format_count(static_cast<double>(e.macs)), e.cycles,
                     format_microseconds(e.latency_us));
  out += power_text(e) + measured_text(trial);
  if (tells_boards(study)) {
    if (!trial.measured.empty()) out += "boards, as estimated:\n";
    out += render_table(board_rows(study, {trial}));
  }
  if (!study.further_boards.empty()) out += "layers, as on the slowest board:\n";
  out += layers_text(trial);
  for (const EpochRecord& epoch : trial.epochs)
    out += fmt::format("epoch {:3}  loss {:.4f}  validation {}\n", epoch.epoch, epoch.train_loss,
                       format_percent(epoch.validation_accuracy));
  return out;
}

int show_why(const TrialStore& store, const Trial& trial, bool json) {
  WhyContext context;
  for (const int64_t number : trial.provenance.parents) context.parents.push_back(store.trial(number));
  for (const Continuation& continuation : store.continuations())
    if (continuation.trial == trial.number) context.continuations.push_back(continuation);
  if (!json) {
    std::cout << why_text(trial, context);
    return 0;
  }
  nlohmann::json why = why_json(trial, context);
  why.update({{"schema", 1}, {"trial", trial.number}});
  std::cout << json_text(why) << "\n";
  return 0;
}

int show(const Options& options) {
  const TrialStore store = open_store(options.study);
  const Study study = study_from_json(store.study().config_json);
  if (options.why) return show_why(store, trial_of(store, options.trial), options.json);
  if (options.trial >= 0) {
    const Trial trial = trial_of(store, options.trial);
    const auto test = store.test_metrics(options.trial);
    std::cout << (options.json ? json_text(trial_json(trial, test, study)) + "\n" : trial_text(trial, test, study));
    return 0;
  }
  const auto front = front_of(store);
  std::cout << (options.json ? json_text(front_json(front, study)) + "\n" : render_front(front, study));
  return 0;
}

}  // namespace

void add_status(CLI::App& app, CommandLine& line) {
  auto* command = app.add_subcommand("status", "Counts of a study, also while it runs");
  auto options = std::make_shared<Options>();
  command->add_option("study", options->study, "A study's YAML or its store")->required();
  command->add_flag("--json", options->json, "One JSON object on stdout");
  command->callback([=, &line] { line.action = [=] { return status(*options); }; });
}

void add_show(CLI::App& app, CommandLine& line) {
  auto* command = app.add_subcommand("show", "The Pareto front of a study, or one trial of it");
  auto options = std::make_shared<Options>();
  command->add_option("study", options->study, "A study's YAML or its store")->required();
  auto* trial = command->add_option("trial", options->trial, "Number of a trial");
  trial->check(CLI::Range(int64_t{0}, int64_t{1} << 40));
  command->add_flag("--why", options->why, "How the trial came to be proposed, and what was expected of it")
      ->needs(trial);
  command->add_flag("--json", options->json, "One JSON object on stdout");
  command->callback([=, &line] { line.action = [=] { return show(*options); }; });
}

}  // namespace bitwright
