// SPDX-License-Identifier: Apache-2.0
#include "experiments/slurm_queue.h"

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <sstream>

#include "core/error.h"
#include "deploy/process.h"

namespace bitwright {
namespace {

constexpr std::chrono::seconds kPatience{30};  // for a command of Slurm's
constexpr const char* kFormat = "JobID:|,State:|,Reason:|,NodeList:|,exit_code:|,Name:|";

// slurmctld is down, starting or busy, or as many jobs wait as may; the request may come through later.
bool is_passing(const std::string& errors) {
  constexpr std::array kTexts = {"Unable to contact slurm controller",
                                 "Connection refused",
                                 "Socket timed out",
                                 "Zero Bytes were transmitted",
                                 "Connection timed out",
                                 "Communication connection failure",
                                 "Slurm backup controller in standby mode",
                                 "temporarily unable to accept job",
                                 "Resource temporarily unavailable",
                                 "Unexpected message received",
                                 "munge",
                                 "Protocol authentication error",
                                 "SubmitJob"};  // QOSMaxSubmitJobPerUserLimit, AssocMaxSubmitJobLimit and the like
  for (const char* text : kTexts)
    if (errors.find(text) != errors.npos) return true;
  return false;
}

std::string first_line(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

// Of two jobs of one name.
bool counts_before(const SlurmJob& a, const SlurmJob& b) {
  if (a.active() != b.active()) return a.active();
  return std::atoll(a.id.c_str()) > std::atoll(b.id.c_str());
}

// "512", as of wait(2), or "2:0".
int exit_code_of(const std::string& text) {
  const int status = std::atoi(text.c_str());
  if (text.find(':') != text.npos) return status;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 0;
}

ProcessResult run(const std::vector<std::string>& command) {
  return run_process(command, {.limit = kPatience});
}

}  // namespace

bool SlurmJob::active() const {
  static const std::set<std::string> kEnded = {"BOOT_FAIL", "CANCELLED", "COMPLETED",     "DEADLINE", "FAILED",
                                               "NODE_FAIL", "PREEMPTED", "OUT_OF_MEMORY", "REVOKED",  "TIMEOUT"};
  return !kEnded.contains(state);
}

bool SlurmJob::held_by_failure() const {
  return state == "PENDING" && (reason.find("requeued") != reason.npos || reason == "JobHoldMaxRequeue");
}

bool SlurmJob::lost_without_fault() const {
  return reason == "JobLaunchFailure" || state == "BOOT_FAIL" || state == "NODE_FAIL" || state == "PREEMPTED" ||
         state == "REVOKED" || state == "CANCELLED" || state == "COMPLETED";
}

std::string job_script() {
  return "#!/bin/sh\n"
         "trap 'scontrol requeue \"$SLURM_JOB_ID\"' USR1\n"
         "\"$@\" &\n"
         "wait $!\n"
         "status=$?\n"
         "while kill -0 $! 2>/dev/null; do\n"  // a signal ends a wait, not the process
         "  wait $!\n"
         "  status=$?\n"
         "done\n"
         "exit $status\n";
}

SlurmQueue::SlurmQueue() {
  for (const char* program : {"sbatch", "squeue", "scancel"})
    if (!find_program(program))
      throw ConfigError(fmt::format("executor.kind = slurm: there is no {} in PATH: install slurm-client", program));
}

std::string SlurmQueue::submit(const SlurmRequest& request) {
  std::vector<std::string> command = {"sbatch",
                                      "--parsable",
                                      "--requeue",
                                      "--export=NONE",
                                      "--signal=B:USR1@60",
                                      "--job-name=" + request.name,
                                      "--chdir=" + request.folder,
                                      "--output=" + request.folder + "/slurm-%j.log"};
  command.insert(command.end(), request.options.begin(), request.options.end());
  command.push_back(request.script);
  command.insert(command.end(), request.command.begin(), request.command.end());
  const ProcessResult result = run(command);
  if (result.ok()) return "";
  if (result.timed_out) return "sbatch does not come back";
  if (is_passing(result.errors)) return first_line(result.errors);
  throw ConfigError(fmt::format("executor: sbatch refuses the job: {}", first_line(result.errors)));
}

std::optional<std::map<std::string, SlurmJob>> SlurmQueue::jobs() {
  const ProcessResult result =
      run({"squeue", "--noheader", "--states=all", fmt::format("--user={}", ::geteuid()), "--Format", kFormat});
  return result.ok() ? std::optional(parse_jobs(result.output)) : std::nullopt;
}

// One name a call: scancel takes a list for a name.
void SlurmQueue::cancel(const std::set<std::string>& names) {
  for (const std::string& name : names) run({"scancel", fmt::format("--user={}", ::geteuid()), "--name=" + name});
}

std::map<std::string, SlurmJob> parse_jobs(const std::string& output) {
  std::map<std::string, SlurmJob> jobs;
  std::istringstream lines(output);
  for (std::string line; std::getline(lines, line);) {
    SlurmJob job;
    std::istringstream fields(line);
    for (std::string* field : {&job.id, &job.state, &job.reason, &job.node}) std::getline(fields, *field, '|');
    std::string exit_status;
    std::getline(fields, exit_status, '|');
    job.exit_code = exit_code_of(exit_status);
    std::getline(fields, job.name);
    if (job.name.ends_with('|')) job.name.pop_back();
    const auto found = jobs.find(job.name);
    if (found == jobs.end() || counts_before(job, found->second)) jobs[job.name] = job;
  }
  return jobs;
}

}  // namespace bitwright
