// SPDX-License-Identifier: Apache-2.0
#include "experiments/progress.h"

#include <unistd.h>

#include <cstdio>

#include "experiments/table.h"

namespace bitwright {

std::string progress_line(const StudyProgress& p) {
  int64_t rejected = 0;
  for (const auto& [rule, count] : p.rejected) rejected += count;
  std::string line = fmt::format("trial {}/{}  running {}  failed {}  rejected {}",
                                 p.complete + p.infeasible + p.failed, p.wanted, p.running, p.failed, rejected);
  if (p.best) line += fmt::format("  best {} (#{})  front {}", format_percent(p.best_accuracy), *p.best, p.front_size);
  line += "  " + format_duration(p.elapsed_seconds);
  if (p.eta_seconds) line += "  ETA " + format_duration(*p.eta_seconds);
  return line;
}

ProgressDisplay::ProgressDisplay(bool quiet) : quiet_(quiet), terminal_(::isatty(STDERR_FILENO) == 1) {}

ProgressDisplay::~ProgressDisplay() {
  if (open_) std::fputc('\n', stderr);
}

void ProgressDisplay::show(const std::string& line) {
  if (quiet_) return;
  if (terminal_) {
    std::fprintf(stderr, "\r\033[K%s", line.c_str());
    open_ = true;
  } else {
    std::fprintf(stderr, "%s\n", line.c_str());
  }
  std::fflush(stderr);
}

}  // namespace bitwright
