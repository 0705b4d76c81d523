// SPDX-License-Identifier: Apache-2.0
#include "experiments/life_sign.h"

#include <filesystem>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/io/model_json.h"
#include "experiments/trial_protocol.h"

namespace bitwright {
namespace {

constexpr const char* kFile = "/life.json";

}  // namespace

LifeSigns::LifeSigns(std::string folder, std::string execution, double every_seconds)
    : folder_(std::move(folder)), execution_(std::move(execution)), heartbeat_(every_seconds, [this] { write(); }) {}

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
