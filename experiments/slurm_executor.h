// experiments/slurm_executor.h: the trials of a search as jobs of a Slurm cluster, whose nodes share a folder with this
// machine.
//
// Slurm runs a job zero, one or two times. So every attempt at a trial has a folder of its own with its spec, below one
// for the study in FOLDER; its job has a name of ours; any execution publishes the result there, whole, and the first
// one stays. What the queue does not know and has no result is sent again. A search that was killed finds its jobs
// again by their names.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/store/file_guard.h"
#include "core/study.h"
#include "experiments/checkpoint_folder.h"
#include "experiments/slurm_queue.h"
#include "experiments/trial_protocol.h"
#include "search/run_study.h"

namespace bitwright {

struct SlurmExecutorOptions {
  std::string program;      // path of bitwright-trial, on the nodes too
  std::string folder;       // shared, absolute; made if absent
  std::string study_uuid;   // names jobs
  std::string config_json;  // Study::config_json
  Recipe recipe{};
  ExecutorSpec spec{};
  int jobs = 1;                                        // in the queue at once
  double poll_seconds = 2.0;                           // between two looks at queue and folders
  std::function<void(const std::string&)> on_warning;  // one line for people
};

class SlurmExecutor : public TrialExecutor {
 public:
  // Throws ConfigError where Slurm's commands are not there, StoreError where another search has the study's folder.
  explicit SlurmExecutor(SlurmExecutorOptions options);
  ~SlurmExecutor() override;  // the folder goes if nothing else is in it

  int capacity() const override { return options_.jobs * options_.spec.trials_per_job; }
  void submit(const Trial& trial) override;
  // An attempt of an earlier call: its job may wait, run or be done.
  bool adopt(const Trial& trial) override;
  std::optional<TrialResult> wait(double timeout_seconds) override;
  std::vector<TrialEpoch> take_epochs() override;
  void stop() override;
  void stored(const Trial& trial) override;

  // What the folder has of other trials of this study goes: their search was killed at the wrong moment.
  void keep_only(const std::set<int64_t>& trials) const;

 private:
  struct Attempt {
    Trial trial;
    std::string folder;
    std::string job;           // its name; of a batch that of the first trial
    int sends = 0;             // by this call
    int stillborn = 0;         // jobs that failed before the first sign of life
    double gone_since = -1.0;  // seconds of a clock that never goes back; -1: it is not
    std::string judged;        // id of the job whose end was judged
    std::string life;          // file of life, as last read
    double life_since = 0.0;   // when it changed
    bool alive = false;        // it changed since the last job was sent
    double judged_at = 0.0;    // when it was last looked at in the queue
    double ran_seconds = 0.0;  // since the first sign of life, while Slurm ran it
    int last_epoch = 0;        // told
  };

  std::string script() const;                           // of jobs
  std::string job_of(const Trial& trial) const;         // name of the job whose first attempt it is
  std::string folder_of(const std::string& job) const;  // its working directory, with its log
  std::string folder_of(int64_t number, int attempt) const;
  void cancel_others();
  void warn(const std::string& line) const;
  void write_spec(const Attempt& attempt) const;
  Attempt& follow(const Trial& trial);
  void send_waiting();
  void send(const std::vector<Attempt*>& batch);
  void look();
  void look_at(Attempt& attempt, const std::map<std::string, SlurmJob>& jobs);
  bool collect(Attempt& attempt);
  void read_life(Attempt& attempt);
  std::string judge_work(Attempt& attempt, const SlurmJob& job);
  const Attempt& latest_of(const std::string& job) const;
  void note_reason(const SlurmJob& job);
  void cancel_and_fail(Attempt& attempt, const std::string& why);
  void judge_end(Attempt& attempt, const SlurmJob* job);
  void judge_failure(Attempt& attempt, const SlurmJob& job);
  void send_again(Attempt& attempt, const SlurmJob* job);
  void note_answer(bool answers);
  void fail(Attempt& attempt, const std::string& why);

  SlurmExecutorOptions options_;
  std::string name_;  // of study and folder: what names of jobs begin with
  std::string home_;  // FOLDER/NAME
  std::optional<LockFile> lock_;
  std::map<std::string, std::string> reasons_;  // by job: why it waits, as was said
  std::optional<CheckpointFolder> checkpoints_;
  SlurmQueue queue_;
  bool answers_ = true;                  // slurmctld, last time
  std::string not_taken_;                // why the last job was not, as was said
  std::map<int64_t, Attempt> attempts_;  // by number of the trial
  std::vector<int64_t> waiting_;         // to be sent
  std::set<std::string> cancelled_;      // jobs that the queue may not know to be over
  std::set<std::string> lively_;         // jobs that began a training
  std::deque<TrialResult> results_;
  std::vector<TrialEpoch> epochs_;
  double looked_ = -1e9;
};

}  // namespace bitwright
