// SPDX-License-Identifier: Apache-2.0
#include "experiments/measure_trial.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.h"
#include "core/io/enum_words.h"
#include "core/io/model_json.h"
#include "deploy/cross_target.h"
#include "estimators/duty_cycle.h"
#include "experiments/profile_tiers.h"

namespace bitwright {
namespace {

Tier tier_of(const Study& study) {
  return study.search.measure == Measure::kLinked ? Tier::kLinked : Tier::kEmulated;
}

ProfileInput input_of(const Study& study, const Trial& trial, const std::vector<Artifact>& artifacts) {
  const auto model = std::ranges::find(artifacts, "model", &Artifact::kind);
  if (model == artifacts.end()) throw ConfigError("there is no trained model");
  ProfileInput input;
  input.source = fmt::format("trial {} of {}", trial.number, study.name);
  input.model = read_json<QuantizedModel>(model->content, input.source);
  input.network = input.model->network;
  input.limits = study.limits;
  input.duty_cycle = study.duty_cycle;
  return input;
}

// What is not known on a board is left out.
BoardCosts costs_of(const NetworkProfile& profile, const Study& study) {
  BoardCosts taken{
      profile.board.name,
      {{"flash", static_cast<double>(profile.flash_bytes())}, {"ram", static_cast<double>(profile.ram_bytes())}}};
  if (profile.tier != Tier::kEmulated) return taken;
  Estimates speed;
  speed.latency_us = profile.latency_us;
  speed.energy_uj = profile.energy_uj;
  speed.average_power_uw = average_power_uw(speed, profile.board, study.duty_cycle);
  if (speed.latency_us > 0.0) taken.costs["latency"] = speed.latency_us;
  if (speed.energy_uj > 0.0) taken.costs["energy"] = speed.energy_uj;
  if (speed.average_power_uw > 0.0) taken.costs["average_power"] = speed.average_power_uw;
  return taken;
}

// A compiler says more than a line.
std::string failure_text(const std::string& error) {
  return "its package could not be measured: " + error.substr(0, error.find('\n'));
}

}  // namespace

void check_can_measure(const Study& study) {
  if (study.search.measure == Measure::kNone) return;
  const std::vector<std::string> targets = cross_targets();
  for (const Board& board : boards_of(study)) {
    if (std::ranges::count(targets, board.core) == 0)
      throw ConfigError(fmt::format("{}: search.measure = {}: there is no compiler and emulator for {}, the core of {}",
                                    study.file, kMeasureWords[study.search.measure], board.core, board.name));
    if (const auto missing = missing_tool(cross_target(board.core), study.search.measure == Measure::kEmulated))
      throw ToolError(fmt::format("search.measure = {}: {}", kMeasureWords[study.search.measure], *missing));
  }
}

Measurement measure_trial(const Study& study, const Trial& trial, const std::vector<Artifact>& artifacts) {
  Measurement measurement;
  try {
    const ProfileInput input = input_of(study, trial, artifacts);
    for (const Board& board : boards_of(study)) {
      const ProfileRequest request{.board = board, .tier = tier_of(study), .execution = study.execution};
      measurement.boards.push_back(costs_of(profile_network(input, request), study));
    }
  } catch (const ToolError& error) {
    measurement.failure = failure_text(error.what());
  } catch (const ConfigError& error) {
    measurement.failure = failure_text(error.what());
  }
  return measurement;
}

}  // namespace bitwright
