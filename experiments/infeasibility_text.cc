// SPDX-License-Identifier: Apache-2.0
#include "experiments/infeasibility_text.h"

#include <fmt/format.h>

#include <cmath>
#include <string>

#include "core/io/model_json.h"
#include "experiments/limits_text.h"
#include "experiments/search_outcome.h"
#include "experiments/table.h"

namespace bitwright {
namespace {

// The field that would let a violation pass, in its unit and rounded up: what a study file takes.
std::string remedy_text(const Violation& v) {
  const auto up = [](double value, double step) { return std::ceil(value / step) * step; };
  const auto limit = [&](const std::string& value) { return fmt::format("limits.{}='{}'", v.rule, value); };
  if (v.rule == "latency") return limit(fmt::format("{:.3f} ms", up(v.value / 1000, 0.001)));
  if (v.rule == "energy") return limit(fmt::format("{:.2f} uJ", up(v.value, 0.01)));
  if (v.rule == "average_power") return limit(fmt::format("{:.2f} uW", up(v.value, 0.01)));
  if (v.rule == "macs") return limit(fmt::format("{:.0f} MAC", v.value));
  if (v.rule == "params") return limit(fmt::format("{:.0f}", v.value));
  if (v.rule == "duty_cycle")
    return fmt::format("duty_cycle.inferences_per_hour={:.3f}", std::floor(3600e6 / v.value * 1000) / 1000);
  const std::string size = fmt::format("{:.3f} KiB", up(v.value / 1024, 0.125));
  return v.rule == "memory" ? size + " of memory for program and data" : limit(size);
}

std::string parameters_text(const Candidate& candidate) {
  std::string text;
  for (const auto& [name, value] : candidate.parameters) text += fmt::format(" {}={}", name, value);
  return text;
}

std::string estimates_text(const Estimates& e) {
  return fmt::format("flash {} (code {}, constants {}), ram {} (arena {}, stack {}), {}, {} MACs",
                     format_bytes(e.flash_bytes), format_bytes(e.code_bytes), format_bytes(e.constant_bytes),
                     format_bytes(e.ram_bytes), format_bytes(e.arena_bytes), format_bytes(e.stack_bytes),
                     format_microseconds(e.latency_us), format_count(static_cast<double>(e.macs)));
}

// Where a diagnosis was cut short: what it says holds, but a better candidate may exist.
std::string end_text(const Infeasibility& why) {
  switch (why.end) {
    case DiagnosisEnd::kWhole: return "";
    case DiagnosisEnd::kMaxCandidates:
      return fmt::format("looked at {} candidates, no further: a nearer one may exist\n", why.candidates);
    case DiagnosisEnd::kStopped:
      return fmt::format("stopped after {} candidates: a nearer one may exist\n", why.candidates);
  }
  return "";
}

}  // namespace

std::string infeasibility_text(const Infeasibility& why, const Study& study) {
  std::string text = fmt::format("of {} random candidates {} are sound; of these", why.sampled, why.sound);
  for (const auto& [rule, count] : why.broken)
    text += fmt::format("{} {} break {}", &rule == &why.broken.front().first ? "" : ",", count, rule);
  text += "\n";
  for (const LeastUse& least : why.impossible)
    text += fmt::format("{}: even the least that was found is too much: {}\n ", least.rule, least.violation.message) +
            parameters_text(least.candidate) + "\n";
  text += end_text(why);
  if (!why.nearest && why.end != DiagnosisEnd::kWhole) return text;
  if (!why.nearest) return text + "no network of the space can be built: its windows are larger than its maps\n";
  const std::string network =
      fmt::format("on {} {}\n ", figures_of_text(study), estimates_text(why.nearest_estimates)) +
      parameters_text(*why.nearest) + "\n";
  if (why.nearest_violations.empty())
    return text + "one candidate fits, which random proposals did not meet: " + network;
  text += "the nearest takes " + network + "it would fit with";
  for (const Violation& v : why.nearest_violations) text += fmt::format(" {}", remedy_text(v));
  return text + ", where the board has as much; or give the space smaller choices\n";
}

nlohmann::json infeasibility_json(const Infeasibility& why) {
  nlohmann::json impossible = nlohmann::json::array();
  for (const LeastUse& least : why.impossible)
    impossible.push_back(
        {{"rule", least.rule}, {"parameters", least.candidate.parameters}, {"violation", least.violation}});
  nlohmann::json json = {{"schema", 1},
                         {"reason", reason_text(StopReason::kNothingFits)},
                         {"sampled", why.sampled},
                         {"sound", why.sound},
                         {"broken", why.broken},
                         {"impossible", impossible},
                         {"candidates", why.candidates},
                         {"whole", why.end == DiagnosisEnd::kWhole}};
  if (why.nearest)
    json["nearest"] = {{"parameters", why.nearest->parameters},
                       {"estimates", why.nearest_estimates},
                       {"violations", why.nearest_violations}};
  return json;
}

}  // namespace bitwright
