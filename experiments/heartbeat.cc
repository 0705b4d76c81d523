// SPDX-License-Identifier: Apache-2.0
#include "experiments/heartbeat.h"

#include <chrono>

namespace bitwright {

Heartbeat::Heartbeat(double every_seconds, std::function<void()> beat)
    : every_seconds_(every_seconds), beat_(std::move(beat)) {
  thread_ = std::thread([this] { run(); });
}

Heartbeat::~Heartbeat() {
  {
    const std::lock_guard lock(mutex_);
    over_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void Heartbeat::hurry() {
  {
    const std::lock_guard lock(mutex_);
    hurried_ = true;
  }
  changed_.notify_one();
}

void Heartbeat::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    const bool last = over_;
    hurried_ = false;
    lock.unlock();  // it may take its time, and the training does not wait for it
    beat_();
    if (last) return;
    lock.lock();
    changed_.wait_for(lock, std::chrono::duration<double>(every_seconds_), [this] { return over_ || hurried_; });
  }
}

}  // namespace bitwright
