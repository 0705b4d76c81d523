// experiments/board_fits.h: how a network does on each board of a study, those that are only reported included.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "core/estimates.h"
#include "core/study.h"
#include "core/trial.h"

namespace bitwright {

struct BoardFit {
  Board board;
  bool needed = true;                  // else of report_boards
  std::optional<Estimates> estimates;  // none where the network's kernels were never measured on the core
  std::vector<Violation> violations;   // of a reported board: its memory and the study's other limits
  bool fits() const { return estimates && violations.empty(); }
};

// In the order of `board`, then of `report_boards`. Limits on flash and RAM are those of the boards that must be
// fitted; a reported board has its own flash and first RAM bank.
std::vector<BoardFit> board_fits(const Study& study, const Network& network);
// The same where the figures of the boards that must be fitted are known: `needed`, as rules_of() estimates them.
std::vector<BoardFit> board_fits(const Study& study, const Network& network, const Estimates& needed);

// In their order.
std::vector<std::string> board_names(const std::vector<Board>& boards);

// Whether there is more than one board to tell of.
bool tells_boards(const Study& study);

// A row a trial and board: whether it fits, flash, RAM, latency, energy, and of a duty cycle power and battery life.
// The first is the head.
std::vector<std::vector<std::string>> board_rows(const Study& study, const std::vector<Trial>& trials);
nlohmann::json board_fits_json(const Study& study, const Network& network);

// The study as if the board of that name, of `board` or `report_boards`, were its only one. Throws ConfigError for
// another name.
Study study_on_board(const Study& study, const std::string& name);

}  // namespace bitwright
