// SPDX-License-Identifier: Apache-2.0
#include "experiments/life_sign.h"

#include <fmt/format.h>

#include <chrono>
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
    : folder_(std::move(folder)), every_seconds_(every_seconds), execution_(random_name()) {
  thread_ = std::thread([this] { run(); });
}

LifeSigns::~LifeSigns() {
  {
    const std::lock_guard lock(mutex_);
    over_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void LifeSigns::add(const EpochRecord& epoch) {
  {
    const std::lock_guard lock(mutex_);
    epochs_.push_back(epoch);
    told_ = true;
  }
  changed_.notify_one();
}

void LifeSigns::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    const bool last = over_;
    told_ = false;
    const std::vector<EpochRecord> epochs = epochs_;
    lock.unlock();  // a disk may take its time, and the training does not wait for it
    write(epochs);
    if (last) return;
    lock.lock();
    changed_.wait_for(lock, std::chrono::duration<double>(every_seconds_), [this] { return over_ || told_; });
  }
}

void LifeSigns::write(const std::vector<EpochRecord>& epochs) {
  const nlohmann::json life = {{"execution", execution_}, {"beats", ++beats_}, {"epochs", epochs}};
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
