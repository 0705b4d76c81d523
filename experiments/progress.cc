// SPDX-License-Identifier: Apache-2.0
#include "experiments/progress.h"

#include <unistd.h>

#include <cstdio>

#include "experiments/table.h"

namespace bitwright {

std::string progress_line(const StudyProgress& p) {
  int64_t rejected = 0;
  for (const auto& [rule, count] : p.rejected) rejected += count;
  const int64_t finished = p.complete + p.infeasible + p.failed;
  std::string line =
      !p.at_rungs ? fmt::format("trial {}/{}", finished, p.wanted)
                  : fmt::format("trial {:.1f}/{}  whole {}  stopped {}", p.trained, p.wanted, p.complete, p.stopped);
  line += fmt::format("  running {}  failed {}  rejected {}", p.running, p.failed, rejected);
  if (p.infeasible > 0) line += fmt::format("  beyond a limit {}", p.infeasible);
  if (p.best) line += fmt::format("  best {} (#{})  front {}", format_percent(p.best_accuracy), *p.best, p.front_size);
  line += "  " + format_duration(p.elapsed_seconds);
  if (p.eta_seconds) line += "  ETA " + format_duration(*p.eta_seconds);
  return line;
}

std::string given_up_text(const GivenUpRung& rung, int epochs) {
  return fmt::format(
      "note: no training stops at epoch {} any more: its errors do not foretell those of whole trainings (rank "
      "correlation {:.2f})",
      epochs, rung.correlation);
}

std::string margin_text(const LearntMargin& margin) {
  return fmt::format("note: limits on {} are kept with {:.2g} % to spare from here on, as measured packages ask for",
                     margin.quantity, 100.0 * (margin.ratio - 1.0));
}

ProgressDisplay::ProgressDisplay(bool quiet) : quiet_(quiet), terminal_(::isatty(STDERR_FILENO) == 1) {}

ProgressDisplay::~ProgressDisplay() {
  if (open_) std::fputc('\n', stderr);
}

void ProgressDisplay::say(const std::string& line) {
  if (quiet_) return;
  std::fprintf(stderr, "%s%s\n", open_ ? "\n" : "", line.c_str());
  open_ = false;
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
