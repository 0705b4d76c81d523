// SPDX-License-Identifier: Apache-2.0
#include "experiments/what_if_text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/io/load_study.h"
#include "core/io/model_json.h"
#include "experiments/front_json.h"
#include "experiments/limits_text.h"

namespace bitwright {
namespace {

constexpr const char* kLowerBound =
    "a lower bound: networks that the study's own board or limits forbade were never trained; a search for these may "
    "find better ones";

std::vector<std::string> notes_of(const WhatIf& answer) {
  if (!answer.lower_bound) return {};
  return {kLowerBound};
}

std::string boards_and_limits(const Study& study) {
  return board_names_text(study) + limits_text(study);
}

// "ram and latency"
std::string listed(const std::vector<std::string>& names) {
  if (names.empty()) return "nothing";
  std::string text = names.front();
  for (size_t i = 1; i < names.size(); ++i) text += (i + 1 < names.size() ? ", " : " and ") + names[i];
  return text;
}

std::string objectives_text(const WhatIf& answer) {
  const std::vector<std::string>&now = answer.study.objectives, &before = answer.searched.objectives;
  if (now == before) return "";
  return fmt::format("objectives: {}; searched for {}\n", fmt::join(now, ", "), fmt::join(before, ", "));
}

std::string counts_text(const WhatIf& answer) {
  std::string text = fmt::format("{} of {} trained networks fit", answer.fitting, answer.trained);
  for (const auto& [rule, count] : answer.rejected)
    text += fmt::format("{} {} {}", &rule == &answer.rejected.front().first ? "; rejected:" : ",", rule, count);
  return text + "\n";
}

std::string nearest_text(const WhatIf& answer) {
  std::string text = fmt::format("{} on {}\n", answer.study.name, boards_and_limits(answer.study));
  if (!answer.nearest) return text;
  text += fmt::format("the nearest is trial #{}:\n", answer.nearest->trial.number);
  for (const Violation& violation : answer.nearest->broken) text += "  " + violation.message + "\n";
  return text;
}

// Limits with their units, as a study's file has them.
nlohmann::json asked_json(const Study& study) {
  std::vector<std::string> boards;
  for (const Board& board : boards_of(study)) boards.push_back(board.name);
  return {{"boards", boards},
          {"limits", nlohmann::json::parse(study_to_json(study)).at("limits")},
          {"objectives", study.objectives}};
}

}  // namespace

std::string what_if_text(const WhatIf& answer) {
  std::string text =
      fmt::format("what if: {} changed; searched on {}\n", listed(answer.changed), boards_and_limits(answer.searched));
  text += objectives_text(answer) + counts_text(answer);
  text += answer.front.empty() ? nearest_text(answer) : render_front(answer.front, answer.study);
  for (const std::string& note : notes_of(answer)) text += "note: " + note + "\n";
  return text;
}

nlohmann::json what_if_json(const WhatIf& answer) {
  nlohmann::json what_if = {{"changed", answer.changed},         {"searched", asked_json(answer.searched)},
                            {"asked", asked_json(answer.study)}, {"trained", answer.trained},
                            {"fitting", answer.fitting},         {"rejected", answer.rejected},
                            {"lower_bound", answer.lower_bound}, {"notes", notes_of(answer)}};
  if (answer.nearest)
    what_if["nearest"] = {{"trial", answer.nearest->trial.number},
                          {"estimates", answer.nearest->trial.estimates},
                          {"violations", answer.nearest->broken}};
  nlohmann::json json = front_json(answer.front, answer.study);
  json["what_if"] = std::move(what_if);
  return json;
}

}  // namespace bitwright
