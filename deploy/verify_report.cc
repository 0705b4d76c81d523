// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "core/io/json_text.h"
#include "deploy/timing.h"
#include "deploy/verify.h"

namespace bitwright {
namespace {

std::string verdict(const TargetReport& t) {
  if (!t.skipped.empty()) return "skipped: " + t.skipped;
  if (!t.failure.empty()) return t.failure;
  if (t.bit_exact) return fmt::format("bit-exact on {} vectors", t.vectors);
  return fmt::format("DIFFERENT on {} of {} vectors", t.different, t.vectors);
}

std::string flash_text(const TargetReport& t) {
  return fmt::format("flash {} B (code {}, library {}, constants {}), static RAM {} B", t.flash_bytes(), t.code_bytes,
                     t.library_bytes, t.constant_bytes, t.data_bytes + t.bss_bytes);
}

// "stack 292 B used, at most 312 B (net_run > bw_add)".
std::string stack_text(const TargetReport& t) {
  const std::string used = t.stack_bytes > 0 ? fmt::format(" {} B used", t.stack_bytes) : "";
  if (t.stack_path.empty()) return "stack" + used;
  return fmt::format("stack{}{} at most {} B ({})", used, used.empty() ? "" : ",", t.stack_bound_bytes,
                     fmt::join(t.stack_path, " > "));
}

std::string speed_text(const TargetReport& t) {
  const std::string instructions = fmt::format("{:.0f} instructions", t.instructions);
  if (t.cycles == 0) return instructions + " an inference";
  return fmt::format("{}, {:.0f}..{:.0f} cycles an inference (zero wait states)", instructions, t.cycles,
                     t.cycles_upper);
}

// What the board adds: its flash's waiting, and what that comes to at its clock.
std::vector<std::string> board_lines(const TargetReport& t) {
  if (!t.on_board) return {};
  const BoardCycles& on = *t.on_board;
  return {fmt::format("{:.0f}..{:.0f} cycles with the flash of {}: {:.0f}..{:.0f} us", on.cycles,
                      on.cycles * kCyclesUpper, on.board, on.latency_us, on.latency_us * kCyclesUpper),
          "flash: " + describe(on.flash), misses_text(on)};
}

nlohmann::ordered_json to_json(const TargetReport& t) {
  nlohmann::ordered_json json = {{"target", t.target},       {"bit_exact", t.bit_exact}, {"vectors", t.vectors},
                                 {"different", t.different}, {"failure", t.failure},     {"skipped", t.skipped},
                                 {"broken", t.broken}};
  if (!t.emulated) return json;
  json["code_bytes"] = t.code_bytes;
  json["library_bytes"] = t.library_bytes;
  json["constant_bytes"] = t.constant_bytes;
  json["data_bytes"] = t.data_bytes;
  json["bss_bytes"] = t.bss_bytes;
  json["stack_bytes"] = t.stack_bytes;
  json["stack_bound_bytes"] = t.stack_bound_bytes;
  json["stack_path"] = t.stack_path;
  json["instructions"] = t.instructions;
  json["cycles"] = t.cycles;
  json["cycles_upper"] = t.cycles_upper;
  json["instructions_by_class"] = t.instructions_by_class;
  if (!t.on_board) return json;
  const BoardCycles& on = *t.on_board;
  json["board"] = {{"name", on.board},
                   {"stall_cycles", on.stall_cycles},
                   {"cycles", on.cycles},
                   {"cycles_upper", on.cycles * kCyclesUpper},
                   {"latency_us", on.latency_us},
                   {"latency_us_upper", on.latency_us * kCyclesUpper},
                   {"flash", flash_json(on)}};
  return json;
}

}  // namespace

std::string render_text(const VerifyReport& report) {
  static constexpr char kLine[] = "{:<21} {}\n";
  std::string text;
  for (const TargetReport& t : report.targets) {
    text += fmt::format(kLine, t.target, verdict(t));
    if (t.instructions > 0)
      for (const std::string& line : {flash_text(t), stack_text(t), speed_text(t)})
        text += fmt::format(kLine, "", line);
    for (const std::string& line : board_lines(t)) text += fmt::format(kLine, "", line);
    for (const std::string& promise : t.broken) text += fmt::format(kLine, "", "BROKEN PROMISE: " + promise);
  }
  for (const std::string& file : report.changed_files) text += fmt::format("changed since export: {}\n", file);
  return text;
}

std::string render_json(const VerifyReport& report) {
  nlohmann::ordered_json json = {{"package", report.package},
                                 {"bit_exact", report.bit_exact()},
                                 {"keeps_promises", report.keeps_promises()},
                                 {"tools", report.tools}};
  json["schema"] = 1;
  json["changed_files"] = report.changed_files;
  json["targets"] = nlohmann::ordered_json::array();
  for (const TargetReport& t : report.targets) json["targets"].push_back(to_json(t));
  return json_text(json) + "\n";
}

}  // namespace bitwright
