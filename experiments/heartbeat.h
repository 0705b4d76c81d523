// experiments/heartbeat.h: something that is done every few seconds beside a training.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace bitwright {

class Heartbeat {
 public:
  // beat: called by a thread of its own at once, then every so many seconds, after every hurry(), and a last time at
  // the end; must not throw.
  Heartbeat(double every_seconds, std::function<void()> beat);
  ~Heartbeat();
  Heartbeat(const Heartbeat&) = delete;
  Heartbeat& operator=(const Heartbeat&) = delete;

  void hurry();  // returns at once

 private:
  void run();

  const double every_seconds_;
  const std::function<void()> beat_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool over_ = false, hurried_ = false;
  std::thread thread_;
};

}  // namespace bitwright
