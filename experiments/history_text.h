// experiments/history_text.h: how a front grew, for people, scripts and spreadsheets.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "search/history.h"

namespace bitwright {

// A line a finished trial.
std::string render_history(const std::vector<HistoryRow>& history);
nlohmann::json history_json(const std::vector<HistoryRow>& history);
// With a line of titles; seconds, shares of 1.
std::string history_csv(const std::vector<HistoryRow>& history);

}  // namespace bitwright
