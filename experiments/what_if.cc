// SPDX-License-Identifier: Apache-2.0
#include "experiments/what_if.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "constraints/constraints.h"
#include "core/io/board_yaml.h"
#include "core/io/config_reader.h"
#include "core/io/limits_yaml.h"
#include "core/io/load_study.h"
#include "core/quantity.h"
#include "estimators/cost_table.h"
#include "experiments/board_fits.h"
#include "experiments/table.h"
#include "search/measurement.h"
#include "search/pareto.h"

namespace bitwright {
namespace {

// One that the study knows is as stored: its banks are in the order of limits.ram_bank.
Board board_called(const Study& study, const std::string& name) {
  for (const auto& boards : {boards_of(study), study.report_boards})
    for (const Board& board : boards)
      if (board.name == name) return board;
  return load_board(name);
}

std::vector<Board> boards_called(const Study& study, const std::vector<std::string>& names) {
  std::vector<Board> boards;
  std::set<std::string> read;
  for (const std::string& name : names) {
    boards.push_back(board_called(study, name));
    if (!read.insert(boards.back().name).second) throw ConfigError(fmt::format("--board = {}: given twice", name));
    core_costs(boards.back().core);  // throws where no network could be estimated
  }
  return boards;
}

void drop_whole_board(int64_t& limit, int64_t has) {
  if (limit == has) limit = 0;
}

void end_at_board(int64_t& limit, int64_t has) {
  if (limit > has) limit = has;
}

// What is not limited by the study but by its board is limited by the new boards.
void move_memory_limits(Limits& limits, const Study& searched, const std::vector<Board>& boards) {
  if (searched.further_boards.empty()) {
    drop_whole_board(limits.flash_bytes, searched.board.flash_bytes);
    drop_whole_board(limits.ram_bytes, searched.board.ram.front().bytes);
  }
  for (const Board& board : boards) {
    end_at_board(limits.flash_bytes, board.flash_bytes);
    end_at_board(limits.ram_bytes, board.ram.front().bytes);
  }
}

void put_boards(Study& study, std::vector<Board> boards) {
  move_memory_limits(study.limits, study, boards);
  const std::vector<std::string> names = board_names(boards);
  std::erase_if(study.report_boards,
                [&](const Board& board) { return std::find(names.begin(), names.end(), board.name) != names.end(); });
  study.ram_bank.clear();
  study.board = std::move(boards.front());
  study.further_boards.assign(std::make_move_iterator(boards.begin() + 1), std::make_move_iterator(boards.end()));
}

std::vector<std::string> limited_quantities() {
  std::vector<std::string> names = quantity_names();
  names.emplace_back("accuracy");
  return names;
}

// The quantities of "ram=8KiB" and the like. Their values are read with the study's other limits.
void check_quantities(const std::vector<std::string>& limits) {
  const std::vector<std::string> names = limited_quantities();
  std::set<std::string> given;
  for (const std::string& limit : limits) {
    const std::string name = limit.substr(0, limit.find('='));
    const bool known = std::find(names.begin(), names.end(), name) != names.end();
    if (!known || name == limit)
      throw ConfigError(fmt::format("--limit = {}: written ram=8KiB or ram=none, of {}{}", limit,
                                    fmt::join(names, ", "), known ? "" : did_you_mean(name, names)));
    if (!given.insert(name).second) throw ConfigError(fmt::format("--limit = {}: {} is given twice", limit, name));
  }
}

// The changes as a study's file would say them. Limits always stand there, so that those of the study are held against
// its boards once more.
YamlNode as_written(const WhatIfChanges& changes) {
  YamlNode root;
  root.place = {0, 0};  // the command line
  apply_override(root, "limits={}");
  for (const std::string& limit : changes.limits) apply_override(root, "limits." + limit);
  if (!changes.objectives.empty())
    apply_override(root, fmt::format("objectives={}", nlohmann::json(changes.objectives).dump()));
  return root;
}

// What visit_limits() and visit_objectives() leave to the duty cycle of a study's file.
void check_average_power(const Study& study) {
  const bool asked = study.limits.average_power_uw > 0 || std::find(study.objectives.begin(), study.objectives.end(),
                                                                    "average_power") != study.objectives.end();
  const std::string why = asked ? why_unknown("average_power", study) : "";
  if (!why.empty()) throw ConfigError("--board: average_power is a limit or an objective, but " + why);
}

bool is_looser(double limit, double than) {
  return than > 0 && (limit == 0 || limit > than);
}

// The floor on accuracy is not among them: what it refuses was trained.
bool forbids_less(const Study& study, const Study& searched) {
  return std::any_of(quantities().begin(), quantities().end(), [&](const Quantity& quantity) {
    return is_looser(quantity.limit(study.limits), quantity.limit(searched.limits));
  });
}

bool has_other_boards(const Study& study, const Study& searched) {
  const auto boards = [](const Study& s) { return nlohmann::json::parse(study_to_json(s)).at("board"); };
  return boards(study) != boards(searched);
}

std::vector<std::string> differences(const Study& study, const Study& searched) {
  std::vector<std::string> changed;
  if (has_other_boards(study, searched)) changed.emplace_back("board");
  for (const Quantity& quantity : quantities())
    if (quantity.limit(study.limits) != quantity.limit(searched.limits)) changed.emplace_back(quantity.name);
  if (study.accuracy_floor != searched.accuracy_floor) changed.emplace_back("accuracy");
  if (study.objectives != searched.objectives) changed.emplace_back("objectives");
  return changed;
}

Violation below_floor(double accuracy, double floor) {
  return {"accuracy", accuracy, floor,
          fmt::format("accuracy {} is below the limit of {} by {:.2f} points", format_percent(accuracy),
                      format_percent(floor), 100.0 * (floor - accuracy))};
}

// Costs the trial, and says what it breaks, as measured where it was: one violation a rule. One that only broke a limit
// before is as complete as others.
std::vector<Violation> judge(Trial& trial, const CandidateRules& rules, const Study& study) {
  trial.state = TrialState::kComplete;
  trial.violations.clear();
  std::vector<Violation> broken;
  try {
    trial.estimates = rules.estimate(trial.candidate.network);
    broken = worst_by_rule(check_measured(trial.estimates, board_names(boards_of(study)), trial.measured, rules));
  } catch (const MissingCost& missing) {
    trial.estimates = {};
    broken.push_back({"kernel", 1, 0, missing.what()});
  }
  if (!reaches_floor(trial, goals_of(study)))
    broken.push_back(below_floor(trial.metrics.accuracy, study.accuracy_floor));
  return broken;
}

double distance(const std::vector<Violation>& broken) {
  double sum = 0.0;
  for (const Violation& v : broken) sum += v.rule == "accuracy" ? 1.0 - v.value / v.limit : overshoot(v);
  return sum;
}

std::vector<std::pair<std::string, int64_t>> most_first(const std::map<std::string, int64_t>& counts) {
  std::vector<std::pair<std::string, int64_t>> sorted(counts.begin(), counts.end());
  std::stable_sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  return sorted;
}

void judge_all(const TrialStore& store, WhatIf& answer) {
  const CandidateRules rules = rules_of(answer.study);
  std::vector<Trial> fitting;
  std::map<std::string, int64_t> rejected;
  std::optional<NearMiss> nearest;
  for (Trial& trial : store.finished()) {
    if (!has_accuracy(trial)) continue;
    ++answer.trained;
    std::vector<Violation> broken = judge(trial, rules, answer.study);
    for (const Violation& violation : broken) ++rejected[violation.rule];
    if (broken.empty())
      fitting.push_back(std::move(trial));
    else if (!nearest || distance(broken) < distance(nearest->broken))
      nearest = NearMiss{std::move(trial), std::move(broken)};
  }
  answer.fitting = static_cast<int64_t>(fitting.size());
  answer.rejected = most_first(rejected);
  answer.front = front_of(store, fitting, goals_of(answer.study));
  if (fitting.empty()) answer.nearest = std::move(nearest);
}

}  // namespace

Study changed_study(const Study& searched, const WhatIfChanges& changes) {
  check_quantities(changes.limits);
  Study study = searched;
  study.limits.flash_of_bytes = study.limits.ram_of_bytes = 0;  // what else lies there is the study's matter
  if (!changes.boards.empty()) put_boards(study, boards_called(searched, changes.boards));
  const YamlNode root = as_written(changes);
  Mistakes mistakes("command line");
  FieldReader reader(root, "", mistakes);
  visit_limits(reader, study);
  visit_objectives(reader, study);
  mistakes.throw_if_any();
  check_average_power(study);
  complete_limits(study);
  return study;
}

WhatIf what_if(const TrialStore& store, const WhatIfChanges& changes) {
  WhatIf answer;
  answer.searched = study_from_json(store.study().config_json);
  answer.study = changed_study(answer.searched, changes);
  answer.changed = differences(answer.study, answer.searched);
  answer.lower_bound = has_other_boards(answer.study, answer.searched) || forbids_less(answer.study, answer.searched);
  judge_all(store, answer);
  return answer;
}

ExitCode exit_code(const WhatIf& answer) {
  return answer.fitting > 0 ? ExitCode::kDone : ExitCode::kNothingFits;
}

}  // namespace bitwright
