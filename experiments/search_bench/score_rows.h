// experiments/search_bench/score_rows.h: what searches reached, from the rows that they wrote.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "experiments/search_bench/problems.h"

namespace bitwright {

// Rows as csv_header() of search_run.h names them, those of a search in the order of its evaluations; a header may come
// again, of files one behind the other. Returns those of the problem with a further column `share`: reference_share of
// what the search has reached with this evaluation.
// Throws DataError, "stdin:12: f0 = x: a number", for a row that cannot be read; `file` is what messages call it.
std::string score_rows(const Problem& problem, const std::string& rows, const std::string& file);

}  // namespace bitwright
