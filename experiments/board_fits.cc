// SPDX-License-Identifier: Apache-2.0
#include "experiments/board_fits.h"

#include <fmt/format.h>

#include "constraints/constraints.h"
#include "core/error.h"
#include "core/io/config_reader.h"
#include "core/io/model_json.h"
#include "estimators/cost_table.h"
#include "estimators/duty_cycle.h"
#include "estimators/estimate.h"
#include "experiments/table.h"

namespace bitwright {
namespace {

// A board that is only reported has its own flash and RAM.
Limits limits_on(const Study& study, bool needed) {
  Limits limits = study.limits;
  if (!needed) limits.flash_bytes = limits.flash_of_bytes = limits.ram_bytes = limits.ram_of_bytes = 0;
  return limits;
}

Study alone(const Study& study, const Board& board, bool needed) {
  Study one = study;
  one.board = board;
  one.further_boards.clear();
  one.limits = limits_on(study, needed);
  return one;
}

BoardFit judged(const Study& study, const Board& board, bool needed, std::optional<Estimates> estimates) {
  BoardFit fit{board, needed, std::move(estimates), {}};
  if (fit.estimates) fit.violations = check_budgets(*fit.estimates, limits_on(study, needed), board, study.duty_cycle);
  return fit;
}

BoardFit fit_of(const Study& study, const Board& board, bool needed, const Network& network) {
  try {
    return judged(study, board, needed,
                  estimate(network, board, limits_on(study, needed), study.execution, study.duty_cycle));
  } catch (const MissingCost&) {
    return judged(study, board, needed, std::nullopt);
  }
}

void add_reported(const Study& study, const Network& network, std::vector<BoardFit>& fits) {
  for (const Board& board : study.report_boards) fits.push_back(fit_of(study, board, /*needed=*/false, network));
}

std::vector<std::string> row_of(const Study& study, const Trial& trial, const BoardFit& fit) {
  std::vector<std::string> row = {fmt::format("#{}", trial.number), fit.board.name};
  if (!fit.estimates) {
    row.emplace_back("unknown: no costs of its core");
    row.resize(study.duty_cycle.given() ? 9 : 7, "-");
    return row;
  }
  const Estimates& e = *fit.estimates;
  row.push_back(fit.fits() ? "yes" : "no: " + fit.violations.front().message);
  row.insert(row.end(), {format_bytes(e.flash_bytes), format_bytes(e.ram_bytes), format_microseconds(e.latency_us),
                         format_microjoules(e.energy_uj)});
  if (!study.duty_cycle.given()) return row;
  row.push_back(format_microwatts(e.average_power_uw));
  row.push_back(format_life(battery_hours(e.average_power_uw, fit.board, study.duty_cycle)));
  return row;
}

}  // namespace

std::vector<std::string> board_names(const std::vector<Board>& boards) {
  std::vector<std::string> names;
  for (const Board& board : boards) names.push_back(board.name);
  return names;
}

std::vector<BoardFit> board_fits(const Study& study, const Network& network) {
  std::vector<BoardFit> fits;
  for (const Board& board : boards_of(study)) fits.push_back(fit_of(study, board, /*needed=*/true, network));
  add_reported(study, network, fits);
  return fits;
}

std::vector<BoardFit> board_fits(const Study& study, const Network& network, const Estimates& needed) {
  const std::vector<Board> boards = boards_of(study);
  std::vector<BoardFit> fits;
  for (size_t i = 0; i < boards.size(); ++i)
    fits.push_back(judged(study, boards[i], /*needed=*/true, boards.size() == 1 ? needed : needed.boards.at(i)));
  add_reported(study, network, fits);
  return fits;
}

bool tells_boards(const Study& study) {
  return !study.further_boards.empty() || !study.report_boards.empty();
}

std::vector<std::vector<std::string>> board_rows(const Study& study, const std::vector<Trial>& trials) {
  std::vector<std::vector<std::string>> rows = {{"trial", "board", "fits", "flash", "ram", "latency", "energy"}};
  if (study.duty_cycle.given()) rows.front().insert(rows.front().end(), {"power", "battery"});
  for (const Trial& trial : trials)
    for (const BoardFit& fit : board_fits(study, trial.candidate.network)) rows.push_back(row_of(study, trial, fit));
  return rows;
}

nlohmann::json board_fits_json(const Study& study, const Network& network) {
  nlohmann::json all = nlohmann::json::array();
  for (const BoardFit& fit : board_fits(study, network)) {
    all.push_back({{"board", fit.board.name},
                   {"needed", fit.needed},
                   {"known", fit.estimates.has_value()},
                   {"fits", fit.fits()},
                   {"violations", fit.violations}});
    if (!fit.estimates) continue;
    const Estimates& e = *fit.estimates;
    all.back().update({{"flash_bytes", e.flash_bytes},
                       {"ram_bytes", e.ram_bytes},
                       {"latency_us", e.latency_us},
                       {"energy_uj", known(e.energy_uj)}});
    if (!study.duty_cycle.given()) continue;
    all.back()["average_power_uw"] = known(e.average_power_uw);
    all.back()["battery_hours"] = known(battery_hours(e.average_power_uw, fit.board, study.duty_cycle));
  }
  return all;
}

Study study_on_board(const Study& study, const std::string& name) {
  std::vector<std::string> names;
  for (const Board& board : boards_of(study)) {
    if (board.name == name) return alone(study, board, /*needed=*/true);
    names.push_back(board.name);
  }
  for (const Board& board : study.report_boards) {
    if (board.name == name) return alone(study, board, /*needed=*/false);
    names.push_back(board.name);
  }
  throw ConfigError(
      fmt::format("--board = {}: the study has {}{}", name, fmt::join(names, ", "), did_you_mean(name, names)));
}

}  // namespace bitwright
