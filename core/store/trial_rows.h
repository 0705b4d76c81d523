// core/store/trial_rows.h: a Trial as rows of several tables. Inside core/store only; callers hold the transaction.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/store/sqlite.h"
#include "core/trial.h"

namespace bitwright {

void insert_candidate(const Database& database, const Trial& trial);
void insert_result(const Database& database, const Trial& trial);
void insert_metrics(const Database& database, int64_t number, const char* kind, const Metrics& metrics);
void insert_epoch(const Database& database, int64_t number, int attempt, const EpochRecord& epoch);

// Trials for which the SQL `condition` on the table trial holds, in the order of the SQL `order`.
std::vector<Trial> select_trials(const Database& database, const std::string& condition, const std::string& order);
std::optional<Metrics> select_metrics(const Database& database, int64_t number, const char* kind);

}  // namespace bitwright
