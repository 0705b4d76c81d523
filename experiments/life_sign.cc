// SPDX-License-Identifier: Apache-2.0
#include "experiments/life_sign.h"

#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <random>

#include "core/error.h"
#include "core/io/model_json.h"
#include "experiments/trial_protocol.h"

namespace bitwright {
namespace {

constexpr const char* kFile = "/life.json";

std::string random_name() {
  std::random_device device;
  return fmt::format("{:08x}{:08x}{:08x}{:08x}", device(), device(), device(), device());
}

}  // namespace

LifeSigns::LifeSigns(std::string folder, double every_seconds)
    : folder_(std::move(folder)), execution_(random_name()), heartbeat_(every_seconds, [this] { write(); }) {}

void LifeSigns::add(const EpochRecord& epoch) {
  {
    const std::lock_guard lock(mutex_);
    epochs_.push_back(epoch);
  }
  heartbeat_.hurry();
}

std::vector<EpochRecord> LifeSigns::epochs() const {
  const std::lock_guard lock(mutex_);
  return epochs_;
}

void LifeSigns::write() {
  const nlohmann::json life = {{"execution", execution_}, {"beats", ++beats_}, {"epochs", epochs()}};
  try {
    replace_file(folder_ + kFile, life.dump());
  } catch (const StoreError&) {  // the result will tell
  }
}

std::optional<LifeSign> read_life_sign(const std::string& folder) {
  std::error_code unreadable;
  if (!std::filesystem::exists(folder + kFile, unreadable)) return std::nullopt;
  try {
    LifeSign life{.text = read_file(folder + kFile)};
    const nlohmann::json json = nlohmann::json::parse(life.text);
    life.epochs = json.at("epochs").get<std::vector<EpochRecord>>();
    return life;
  } catch (const std::exception&) {  // gone meanwhile, or cut short by a disk that is full
    return std::nullopt;
  }
}

}  // namespace bitwright
