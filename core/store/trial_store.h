// core/store/trial_store.h: one SQLite file per study, the only memory between steps. Schema and promises:
// docs/store.md.
//
// Every call is one transaction, on disk (synchronous = FULL) when it returns: a process killed at any moment loses
// nothing that was acknowledged. One controller writes; any number of readers look on. Not thread-safe.
//
// Everything here throws StoreError `path: operation: reason`: the disk is full, the file is foreign or newer, another
// controller holds it, it lies on a network file system, a trial is finished twice.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/earlier_study.h"
#include "core/trial.h"

namespace bitwright {

// A parameter of the space and its choices, in order.
struct StoredDimension {
  std::string name;  // "block1.channels"
  std::vector<std::string> choices;
};

// What the file is about. The store makes `uuid`, `created_us` and provenance["sqlite"] itself.
struct StudyRecord {
  std::string uuid;  // RFC 4122, version 4
  std::string name;
  std::string config_json;        // all of the study's settings, as normalised
  std::string comparable_config;  // those that must not change between two runs of one study
  uint64_t seed = 0;
  std::vector<std::string> objectives;      // minimised, the error first
  std::vector<StoredDimension> dimensions;  // for other programs; not read back
  std::map<std::string, std::string>
      provenance;          // "version", "git_commit", "compiler", "host", "cpu", "dataset_sha256"
  int64_t created_us = 0;  // UTC, microseconds since 1970
};

// ProposalProvenance::code of what that program proposes: "0.1.0 1f0c9a52", version and commit.
std::string code_of(const std::map<std::string, std::string>& provenance);

// A file of a trial: the quantized model, a log. Its bytes lie in the store.
struct Artifact {
  std::string kind;  // "model", "log": one of a kind per trial
  std::string content;
};

struct StoreOptions {
  // What of a stored comparable_config counts; by default all. An earlier version may have stored more.
  std::function<std::string(const std::string& stored)> comparable;
  // One or more lines for people: how `wanted` differs from `stored`. By default both texts.
  std::function<std::string(const std::string& stored, const std::string& wanted)> describe_change;
  int64_t max_bytes = 0;  // the file grows no further; 0: as long as the disk has room
};

struct Event {
  int64_t sequence = 0;  // from 1
  int64_t time_us = 0;   // UTC
  std::string kind;
  std::string json;
};

// What is read of trials. kFigures: networks, layers and epochs are left out, which take nearly all of the time.
enum class TrialDetail { kAll, kFigures };

class TrialStore {
 public:
  // Makes the file, or goes on with the study in it and returns once this process is its only writer (`<path>.lock`).
  // A file of an earlier version is brought to this one; `<path>.format1` is a copy of what it was.
  // A stored study without a trial is replaced if it differs. Throws ConfigError where one with trials does:
  // comparable_config is not what options.comparable leaves of that of the stored study.
  static TrialStore create_or_open(const std::string& path, const StudyRecord& study, const StoreOptions& options = {});
  // For reports, also while a search is running. Only the const functions may be called.
  static TrialStore open_read_only(const std::string& path);
  TrialStore(TrialStore&&) noexcept;
  TrialStore& operator=(TrialStore&&) noexcept;
  ~TrialStore();

  const std::string& path() const;
  StudyRecord study() const;

  // A RUNNING row with candidate, source, provenance, seed, ask_watermark, fidelity and estimates. The store gives
  // number, attempt, time and the code that proposed, and adds up what was rejected for this one, by rule. Throws where
  // the candidate's hash is stored already.
  Trial begin(Trial trial);
  // A STOPPED trial is RUNNING again, a further attempt, to a greater fidelity. The store gives next_trial and the
  // code.
  Trial go_on(Continuation continuation);
  // A further attempt at a RUNNING trial: same number, candidate and seed. `reason` ends the attempt before it:
  // "interrupted", or the failure.
  Trial begin_attempt(int64_t number, const std::string& reason);
  void epoch(int64_t number, const EpochRecord& epoch);
  // Ends a RUNNING trial, or stops it at a rung: state, metrics, violations or failure, what was measured, execution
  // and host, epochs (if any, in place of those stored one by one), artifacts; trial.train_seconds are those since it
  // began or went on. The first result of the current attempt counts; any other is refused.
  void finish(const Trial& trial, const std::vector<Artifact>& artifacts = {});
  // Scored once, for the finished front; a second time is refused.
  void set_test_metrics(int64_t number, const Metrics& metrics);
  void event(const std::string& kind, const std::string& json);
  // What proposals know of earlier studies; refused once there is a trial.
  void set_earlier(const std::vector<EarlierStudy>& studies);

  int64_t size() const;         // trials of any state
  int64_t next_number() const;  // size(), unless the store was salvaged and trials were lost
  int64_t begun_us() const;     // when the first trial began; 0 where there is none
  bool contains(const std::string& hash) const;
  Trial trial(int64_t number) const;
  std::vector<Trial> trials(TrialDetail detail = TrialDetail::kAll) const;  // by number
  std::vector<Trial> finished() const;  // in the order of finish(); those that stopped at a rung are not
  std::vector<Trial> running() const;   // by number; of a killed controller: to be begun again
  std::vector<Trial> stopped() const;   // by number
  // What finish() was told, in that order: a trial that went on is there as it stopped at each rung, with its accuracy
  // there alone. Each train_seconds are those since the trial's result before.
  std::vector<Trial> results() const;
  std::vector<Continuation> continuations() const;  // in the order of proposing
  // Attempts at this trial that failed, those that a kill interrupted not counted.
  int failed_attempts(int64_t number) const;
  std::optional<std::string> artifact(int64_t number, const std::string& kind) const;
  std::optional<Metrics> test_metrics(int64_t number) const;
  // Rule -> candidates that broke it, in all; one that breaks two counts under both.
  std::map<std::string, int64_t> rejected() const;
  std::vector<Event> events() const;
  // As it was read before the first trial, whatever became of those files.
  std::vector<EarlierStudy> earlier() const;
  // SQLite's integrity_check and foreign_key_check: empty if all is well, else their first lines.
  std::string integrity() const;

 private:
  struct Impl;
  explicit TrialStore(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace bitwright
