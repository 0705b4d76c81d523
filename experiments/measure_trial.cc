// SPDX-License-Identifier: Apache-2.0
#include "experiments/measure_trial.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <functional>
#include <sstream>

#include "core/error.h"
#include "core/io/enum_words.h"
#include "core/io/model_json.h"
#include "deploy/cross_target.h"
#include "deploy/process.h"
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

// What programs say of what went wrong; a linker's last line does not.
constexpr std::array kTelling = {"error: ", "undefined reference", "cannot find", "overflowed", "No space left"};

bool tells(const std::string& line) {
  return !line.starts_with("collect2: ") &&
         std::ranges::any_of(kTelling, [&](const char* word) { return line.find(word) != std::string::npos; });
}

// The first line, and of those of a program behind it the first that tells what is wrong.
std::string in_a_line(const std::string& error) {
  std::istringstream lines(error);
  std::string first, reason;
  std::getline(lines, first);
  for (std::string line; std::getline(lines, line) && !tells(reason);)
    if (!line.empty() && (reason.empty() || tells(line))) reason = line;
  return reason.empty() ? first : first + ": " + reason;
}

// What it throws, in a line; empty: nothing.
std::string failure_of(const std::function<void()>& work) {
  try {
    work();
    return "";
  } catch (const Interrupted&) {
    throw;
  } catch (const std::exception& error) {
    return in_a_line(error.what());
  }
}

std::vector<BoardCosts> costs_on_boards(const ProfileInput& input, const Study& study) {
  std::vector<BoardCosts> costs;
  for (const Board& board : boards_of(study)) {
    const ProfileRequest request{.board = board, .tier = tier_of(study), .execution = study.execution};
    costs.push_back(costs_of(profile_network(input, request), study));
  }
  return costs;
}

// Sources, objects and program of a package take less.
constexpr uintmax_t kRoomBytes = 16 << 20;

void check_room() {
  const TemporaryDirectory folder;
  const uintmax_t room = std::filesystem::space(folder.path()).available;
  if (room < kRoomBytes) throw ToolError(fmt::format("{}: {} MiB are left there", folder.path(), room / (1 << 20)));
}

// A network that nothing can be wrong with: one dense layer, whose weights are drawn.
ProfileInput tiny_input() {
  ProfileInput input;
  input.source = "a network of one layer";
  input.network.name = "tiny";
  input.network.input = {1, 1, 4};
  append(input.network, {.name = "dense", .op = Dense{2}});
  return input;
}

}  // namespace

std::string why_not_measurable(const Study& study) {
  if (study.search.measure == Measure::kNone) return "";
  const std::string failure = failure_of([&] {
    check_room();
    costs_on_boards(tiny_input(), study);
  });
  return failure.empty() ? "" : fmt::format("search.measure = {}: {}", kMeasureWords[study.search.measure], failure);
}

void check_can_measure(const Study& study) {
  if (const std::string why = why_not_measurable(study); !why.empty())
    throw ConfigError(fmt::format("{}: {}", study.file, why));
}

Measurement measure_trial(const Study& study, const Trial& trial, const std::vector<Artifact>& artifacts) {
  Measurement measurement;
  const auto measure = [&] { measurement.boards = costs_on_boards(input_of(study, trial, artifacts), study); };
  if (failure_of(measure).empty()) return measurement;
  if (const std::string why = why_not_measurable(study); !why.empty())
    throw StoreError(fmt::format(
        "{}: trial {} is RUNNING still, and the same command goes on with it once that is mended", why, trial.number));
  if (const std::string failure = failure_of(measure); !failure.empty())
    measurement.failure = "its package could not be measured: " + failure;
  return measurement;
}

}  // namespace bitwright
