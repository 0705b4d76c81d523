// SPDX-License-Identifier: Apache-2.0
#include "experiments/interrupts.h"

#include <unistd.h>

#include <atomic>
#include <csignal>

#include "core/error.h"

namespace bitwright {
namespace {

std::atomic<int> count = 0;

void on_interrupt(int) {
  if (++count > 2) ::_exit(static_cast<int>(ExitCode::kResumable));
}

}  // namespace

void catch_interrupts() {
  count = 0;
  struct sigaction action {};
  action.sa_handler = on_interrupt;
  action.sa_flags = SA_RESTART;
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
}

int interrupts() {
  return count;
}

}  // namespace bitwright
