// core/store/trial_rows.h: a Trial as rows of several tables. Inside core/store only; callers hold the transaction.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/store/sqlite.h"
#include "core/store/trial_store.h"
#include "core/trial.h"

namespace bitwright {

// With a stage, where its training stops at a rung.
void insert_candidate(const Database& database, const Trial& trial);
void insert_stage(const Database& database, const Continuation& continuation);
// The position of the next result among all.
int64_t next_sequence(const Database& database);
// Of the stage that the trial was in, if any: trial has its result.
void end_stage(const Database& database, const Trial& trial, int64_t sequence, int64_t ended_us);
void insert_result(const Database& database, const Trial& trial);
void insert_metrics(const Database& database, int64_t number, const char* kind, const Metrics& metrics);
void insert_epoch(const Database& database, int64_t number, int attempt, const EpochRecord& epoch);

// Trials for which the SQL `condition` on the table trial holds, in the order of the SQL `order`.
std::vector<Trial> select_trials(const Database& database, const std::string& condition, const std::string& order,
                                 TrialDetail detail = TrialDetail::kAll);
// TrialStore::results() and continuations().
std::vector<Trial> select_results(const Database& database);
std::vector<Continuation> select_continuations(const Database& database);
std::optional<Metrics> select_metrics(const Database& database, int64_t number, const char* kind);

}  // namespace bitwright
