// experiments/slurm_queue.h: Slurm by its commands, never through a shell and without its library: sbatch, squeue,
// scancel. Jobs are known by names that are ours: ids are issued anew after a crash of slurmctld.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace bitwright {

struct SlurmJob {
  std::string id, name;
  std::string state;   // "PENDING", "RUNNING", "FAILED", ...: JOB STATE CODES of squeue(1)
  std::string reason;  // why it waits or ended
  std::string node;
  int exit_code = 0;                // of its script, which is that of its command; 0 where a signal ended it
  bool active() const;              // it waits, runs or will
  bool held_by_failure() const;     // its node could not start it, and Slurm will not try again by itself
  bool lost_without_fault() const;  // the cluster's end of it, not its own
};

struct SlurmRequest {
  std::string name;
  std::string folder;                // working directory, of the log as well: slurm-ID.log
  std::string script;                // file; see job_script()
  std::vector<std::string> command;  // the script's arguments
  std::vector<std::string> options;  // further ones of sbatch
};

// Starts its arguments as a process. Asked by the batch system to end, as at a time limit, it puts itself in the queue
// again: what it was at goes on from its checkpoint.
std::string job_script();

class SlurmQueue {
 public:
  // Throws ConfigError where PATH has no sbatch, squeue or scancel.
  SlurmQueue();

  // Empty, or why it was not taken, which may pass: slurmctld does not answer, or takes no further job now. Throws
  // ConfigError where it refuses the job.
  std::string submit(const SlurmRequest& request);
  // This user's jobs, ended ones as long as Slurm knows them, by name: of several the latest, of active ones where
  // there are such. Nothing where slurmctld does not answer.
  std::optional<std::map<std::string, SlurmJob>> jobs();
  void cancel(const std::set<std::string>& names);
};

// What squeue prints for the format that jobs() asks for.
std::map<std::string, SlurmJob> parse_jobs(const std::string& output);

}  // namespace bitwright
