// SPDX-License-Identifier: Apache-2.0
#include "experiments/history_text.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "experiments/table.h"

namespace bitwright {

std::string render_history(const std::vector<HistoryRow>& history) {
  std::vector<std::vector<std::string>> rows = {
      {"finished", "trial", "state", "time", "CPU", "best", "front", "hypervolume"}};
  for (const HistoryRow& row : history)
    rows.push_back({std::to_string(row.sequence + 1), fmt::format("#{}", row.number), trial_state_name(row.state),
                    format_duration(row.elapsed_seconds), format_duration(row.train_seconds),
                    row.best_accuracy ? format_percent(*row.best_accuracy) : "-", std::to_string(row.front_size),
                    format_percent(row.hypervolume)});
  return render_table(rows);
}

nlohmann::json history_json(const std::vector<HistoryRow>& history) {
  nlohmann::json rows = nlohmann::json::array();
  for (const HistoryRow& row : history)
    rows.push_back({{"sequence", row.sequence},
                    {"trial", row.number},
                    {"state", trial_state_name(row.state)},
                    {"elapsed_seconds", row.elapsed_seconds},
                    {"train_seconds", row.train_seconds},
                    {"best_accuracy", row.best_accuracy ? nlohmann::json(*row.best_accuracy) : nlohmann::json()},
                    {"front", row.front_size},
                    {"hypervolume", row.hypervolume}});
  return rows;
}

std::string history_csv(const std::vector<HistoryRow>& history) {
  std::string text = "sequence,trial,state,elapsed_seconds,train_seconds,best_accuracy,front,hypervolume\n";
  for (const HistoryRow& row : history)
    text +=
        fmt::format("{},{},{},{:.3f},{:.3f},{},{},{:.9g}\n", row.sequence, row.number, trial_state_name(row.state),
                    row.elapsed_seconds, row.train_seconds,
                    row.best_accuracy ? fmt::format("{}", *row.best_accuracy) : "", row.front_size, row.hypervolume);
  return text;
}

}  // namespace bitwright
