// SPDX-License-Identifier: Apache-2.0
#include "experiments/training_runs.h"

#include <fmt/format.h>

#include <iostream>
#include <stdexcept>

#include "experiments/interrupts.h"

namespace bitwright {

TrainingRuns::TrainingRuns(const std::string& program, int jobs, bool quiet)
    : pool_({.program = program,
             .work_folder = folder_.path() + "/work",
             .jobs = jobs,
             .on_warning = [](const std::string& line) { std::cerr << "warning: " << line << "\n"; }}),
      display_(quiet) {
  catch_interrupts();
}

std::vector<TrialReport> TrainingRuns::run(std::vector<TrialSpec> specs) {
  const int64_t first = submitted_;
  std::vector<TrialReport> reports(specs.size());
  wanted_ += static_cast<int64_t>(specs.size());
  while (done_ < wanted_) {
    while (submitted_ < wanted_ && pool_.idle()) {
      TrialSpec& spec = specs[submitted_ - first];
      spec.number = submitted_++;
      pool_.submit(spec);
    }
    const auto report = pool_.wait(0.5);
    pool_.take_epochs();
    if (interrupts() > 0) throw std::runtime_error("stopped before the end; nothing was kept");
    if (!report) continue;
    reports[report->number - first] = *report;
    ++done_;
    display_.show(fmt::format("training {}/{}  running {}", done_, wanted_, submitted_ - done_));
  }
  return reports;
}

size_t print_failures(const std::string& what, const std::vector<TrialReport>& reports) {
  size_t failed = 0;
  for (const TrialReport& report : reports) {
    if (report.failure.empty()) continue;
    ++failed;
    std::cerr << fmt::format("error: {}: {}\n", what, report.failure);
  }
  return failed;
}

}  // namespace bitwright
