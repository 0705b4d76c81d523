// experiments/train_table/train_table.h: trains every net of a study's table and writes a row for each
// (docs/search_bench.md).
//
// Columns: channels of the blocks "8-16-4", kernel, weights, activations, stride, seed; then the share of the
// validation windows that the net takes for another class after 1, 3 and 9 epochs, all three of one training whose
// learning rate goes through one cosine of 9 epochs, and 1 where training failed; errors that it did not reach are
// empty. Errors are of the network as it is after that epoch (not of the best so far), fake-quantized. Scoring rounds
// as the integer model does (trainer/exact_epilogue.h), whose accumulators a float32 holds exactly in these nets, so
// that they are the integer model's errors, without the cost of running it three times: `compare` counts the windows
// that differ.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "core/study.h"

namespace bitwright {

struct TrainTableOptions {
  std::string out = "table.csv";  // resumed where it exists: rows that it has are not trained again
  uint64_t seed = 1;              // of every training, and a column
  int shard = 0, shards = 1;      // only nets shard, shard + shards, ... of the shuffled ones
  int64_t limit = 0;              // only the first so many of the shuffled nets; 0: all
  bool compare = false;           // run the integer model of the best epoch on the validation windows too
};

struct TrainTableResult {
  int64_t rows = 0, failed = 0, skipped = 0;  // trained now; of these failed; in the file before
  double cpu_seconds = 0.0;                   // of the trainings
  int64_t compared = 0, differing = 0;        // windows decided by both models; of these otherwise by the integer one
  bool interrupted = false;                   // by experiments/interrupts.h: nets are left
};

// Study: a classification, trained for 9 epochs. Throws ConfigError, DataError, StoreError.
TrainTableResult train_table(const Study& study, const TrainTableOptions& options);

// Comment lines that name all that the rows depend on (commit, data, libtorch, processor, data and training settings),
// then the columns' names. data_hash: of the windows' codes and labels.
std::string table_header(const Study& study, const std::string& data_hash);

}  // namespace bitwright
