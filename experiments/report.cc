// SPDX-License-Identifier: Apache-2.0
#include "experiments/report.h"

#include "estimators/estimate.h"
#include "experiments/board_fits.h"
#include "experiments/duty_cycle_text.h"
#include "experiments/limits_text.h"
#include "experiments/study_session.h"
#include "experiments/table.h"

namespace bitwright {
namespace {

std::string row(const std::vector<std::string>& cells) {
  return fmt::format("| {} |\n", fmt::join(cells, " | "));
}

std::string head(const std::vector<std::string>& cells) {
  return row(cells) + row(std::vector<std::string>(cells.size(), "---"));
}

std::string front_section(const std::vector<FrontPoint>& front, const Study& study) {
  std::vector<std::string> titles = front_titles(study);
  titles.emplace_back("network");
  std::string out = "## Front\n\n" + head(titles);
  for (const FrontPoint& point : front) {
    std::vector<std::string> cells = front_cells(point, study);
    cells.push_back(fmt::format("`{}`", point.trial.candidate.hash.substr(0, 12)));
    out += row(cells);
  }
  if (!study.further_boards.empty()) out += fmt::format("\nEach figure is {}.\n", figures_of_text(study));
  const std::string limits = limits_text(study);
  if (!limits.empty()) out += fmt::format("\nLimits:{}.\n", limits.substr(1));
  const std::string duty = duty_cycle_text(study);
  return duty.empty() ? out : out + "\n```\n" + duty + "```\n";
}

std::string boards_section(const std::vector<FrontPoint>& front, const Study& study) {
  if (!tells_boards(study)) return "";
  const auto rows = board_rows(study, trials_of(front));
  std::string out = "## Boards\n\n" + head(rows.front());
  for (size_t i = 1; i < rows.size(); ++i) out += row(rows[i]);
  return out + "\n";
}

// Of the board that the package is made for: as stored, of several boards, whose worst is stored, anew.
Estimates package_estimates(const Trial& trial, const Study& study) {
  if (study.further_boards.empty()) return trial.estimates;
  return estimate(trial.candidate.network, study.board, study.limits, study.execution, study.duty_cycle);
}

std::string layer_section(const Trial& trial, const Estimates& estimates, const Board& board) {
  std::string out = fmt::format("## Trial #{} on {}, layer by layer\n\n", trial.number, board.name) +
                    head({"layer", "operator", "weights", "outputs", "kernel", "MACs", "constants", "cycles"});
  for (size_t i = 0; i < estimates.layers.size(); ++i) {
    const LayerEstimate& e = estimates.layers[i];
    const LayerSpec& spec = trial.candidate.network.layers[i];
    out += row({spec.name, op_name(spec.op), has_weights(spec.op) ? std::string(format_name(spec.weights)) : "-",
                has_accumulators(spec.op) ? std::string(format_name(spec.activations)) : "-",
                e.kernel.empty() ? "-" : e.kernel, std::to_string(e.macs), format_bytes(e.constant_bytes),
                fmt::format("{:.0f}", e.cycles)});
  }
  return out;
}

std::string verification_section(const Estimates& e, const Board& board, const VerifyReport& measured) {
  std::string out = "## Verification\n\n";
  out += head({"target", "vectors", "different", "code", "constants", "stack", "instructions", "cycles"});
  for (const TargetReport& t : measured.targets) {
    const auto bytes = [&](int64_t n) { return t.emulated ? format_bytes(n) : std::string("-"); };
    out += row({t.target, std::to_string(t.vectors), std::to_string(t.different), bytes(t.code_bytes),
                bytes(t.constant_bytes), bytes(t.stack_bytes), t.emulated ? fmt::format("{:.0f}", t.instructions) : "-",
                t.emulated ? fmt::format("{:.0f}..{:.0f}", t.cycles, t.cycles_upper) : "-"});
  }
  return out +
         fmt::format(
             "\nEstimated for {}: code {}, constants {}, stack {}, arena {}, {:.0f} instructions, {:.0f} cycles.\n",
             board.name, format_bytes(e.code_bytes), format_bytes(e.constant_bytes), format_bytes(e.stack_bytes),
             format_bytes(e.arena_bytes), e.instructions, e.cycles);
}

std::string provenance_section(const StudyRecord& record) {
  std::string out = "## Provenance\n\n";
  out += head({"what", "value"}) + row({"study", record.uuid});
  for (const auto& [key, value] : record.provenance) out += row({key, value});
  return out + "\nConfiguration:\n\n```json\n" + record.config_json + "\n```\n";
}

}  // namespace

std::string study_report(const TrialStore& store, const Study& study, const Trial& chosen,
                         const VerifyReport& measured) {
  const bool one_board = study.further_boards.empty();
  std::string out = fmt::format("# {} on {}\n\n", study.name, one_board ? study.board.title : board_names_text(study));
  const std::vector<FrontPoint> front = front_of(store);
  const Estimates estimates = package_estimates(chosen, study);
  for (const std::string& warning : result_warnings(study)) out += fmt::format("**Warning:** {}\n\n", warning);
  return out + front_section(front, study) + "\n" + boards_section(front, study) +
         layer_section(chosen, estimates, study.board) + "\n" + verification_section(estimates, study.board, measured) +
         "\n" + provenance_section(store.study());
}

}  // namespace bitwright
