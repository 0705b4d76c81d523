// core/store/schema.h: the tables of a store, version by version. What each column means: docs/store.md.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>

namespace bitwright {

inline constexpr int64_t kApplicationId = 0x42575354;  // "BWST", at byte 68 of the file

// What each version adds to the one before; a released step never changes. Times are microseconds of UTC since 1970; a
// REAL that is NULL was not a number.
inline constexpr std::array kSchemaSteps = {
    // 1
    R"sql(
CREATE TABLE meta (
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE study (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  uuid TEXT NOT NULL CHECK (length(uuid) = 36),
  name TEXT NOT NULL,
  config_json TEXT NOT NULL,
  comparable_config TEXT NOT NULL,
  comparable_sha256 TEXT NOT NULL CHECK (length(comparable_sha256) = 64),
  seed INTEGER NOT NULL,
  created_us INTEGER NOT NULL
) STRICT;

CREATE TABLE objective (
  idx INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE trial (
  number INTEGER PRIMARY KEY CHECK (number >= 0),
  state TEXT NOT NULL CHECK (state IN ('RUNNING', 'COMPLETE', 'INFEASIBLE', 'FAIL')),
  finish_sequence INTEGER UNIQUE,
  hash TEXT NOT NULL UNIQUE,
  network_json TEXT NOT NULL,
  source TEXT NOT NULL,
  seed INTEGER NOT NULL,
  ask_watermark INTEGER NOT NULL CHECK (ask_watermark >= 0),
  rejected INTEGER NOT NULL CHECK (rejected >= 0),
  attempt INTEGER NOT NULL CHECK (attempt >= 1),
  failure TEXT NOT NULL DEFAULT '',
  train_seconds REAL,
  started_us INTEGER NOT NULL,
  ended_us INTEGER,
  CHECK ((state = 'RUNNING') = (finish_sequence IS NULL)),
  CHECK ((state = 'RUNNING') = (ended_us IS NULL))
) STRICT;

CREATE TABLE attempt (
  trial INTEGER NOT NULL REFERENCES trial (number),
  n INTEGER NOT NULL CHECK (n >= 1),
  started_us INTEGER NOT NULL,
  ended_us INTEGER,
  reason TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (trial, n)
) STRICT, WITHOUT ROWID;

CREATE TABLE param (
  trial INTEGER NOT NULL REFERENCES trial (number),
  name TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (trial, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE value (
  trial INTEGER NOT NULL REFERENCES trial (number),
  kind TEXT NOT NULL CHECK (kind IN ('estimate', 'validation', 'test')),
  name TEXT NOT NULL,
  value REAL,
  PRIMARY KEY (trial, kind, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE layer (
  trial INTEGER NOT NULL REFERENCES trial (number),
  idx INTEGER NOT NULL,
  name TEXT NOT NULL,
  kernel TEXT NOT NULL,
  macs INTEGER NOT NULL,
  constant_bytes INTEGER NOT NULL,
  output_bytes INTEGER NOT NULL,
  instructions REAL,
  cycles REAL,
  PRIMARY KEY (trial, idx)
) STRICT, WITHOUT ROWID;

CREATE TABLE violation (
  trial INTEGER NOT NULL REFERENCES trial (number),
  idx INTEGER NOT NULL,
  rule TEXT NOT NULL,
  value REAL,
  bound REAL,
  message TEXT NOT NULL,
  PRIMARY KEY (trial, idx)
) STRICT, WITHOUT ROWID;

CREATE TABLE epoch (
  trial INTEGER NOT NULL REFERENCES trial (number),
  attempt INTEGER NOT NULL,
  epoch INTEGER NOT NULL CHECK (epoch >= 1),
  learning_rate REAL,
  train_loss REAL,
  validation_accuracy REAL,
  PRIMARY KEY (trial, attempt, epoch)
) STRICT, WITHOUT ROWID;

CREATE TABLE artifact (
  trial INTEGER NOT NULL REFERENCES trial (number),
  kind TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  sha256 TEXT NOT NULL CHECK (length(sha256) = 64),
  content BLOB NOT NULL,
  PRIMARY KEY (trial, kind)
) STRICT;

CREATE TABLE rejection (
  rule TEXT PRIMARY KEY,
  candidates INTEGER NOT NULL CHECK (candidates >= 0)
) STRICT, WITHOUT ROWID;

CREATE TABLE event (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  time_us INTEGER NOT NULL,
  kind TEXT NOT NULL,
  json TEXT NOT NULL
) STRICT;
)sql",
    // 2: how each trial came to be proposed, and what of earlier studies
    R"sql(
CREATE TABLE proposal (
  trial INTEGER PRIMARY KEY REFERENCES trial (number),
  source TEXT NOT NULL,
  mean REAL,
  deviation REAL,
  log_success REAL,
  log_acquisition REAL,
  hypervolume REAL,
  code TEXT NOT NULL,
  CHECK ((mean IS NULL) = (deviation IS NULL))
) STRICT;

CREATE TABLE proposal_parent (
  trial INTEGER NOT NULL REFERENCES trial (number),
  idx INTEGER NOT NULL,
  parent INTEGER NOT NULL REFERENCES trial (number),
  PRIMARY KEY (trial, idx)
) STRICT, WITHOUT ROWID;

CREATE TABLE proposal_rejection (
  trial INTEGER NOT NULL REFERENCES trial (number),
  rule TEXT NOT NULL,
  candidates INTEGER NOT NULL CHECK (candidates >= 0),
  PRIMARY KEY (trial, rule)
) STRICT, WITHOUT ROWID;

CREATE TABLE earlier_study (
  idx INTEGER PRIMARY KEY CHECK (idx >= 0),
  path TEXT NOT NULL,
  uuid TEXT NOT NULL,
  name TEXT NOT NULL,
  results INTEGER NOT NULL CHECK (results >= 0),
  sha256 TEXT NOT NULL CHECK (length(sha256) = 64)
) STRICT;

CREATE TABLE earlier_result (
  study INTEGER NOT NULL REFERENCES earlier_study (idx),
  idx INTEGER NOT NULL CHECK (idx >= 0),
  trial INTEGER NOT NULL,
  parameters TEXT NOT NULL,
  error REAL NOT NULL,
  PRIMARY KEY (study, idx)
) STRICT, WITHOUT ROWID;
)sql",
    // 3: trainings that stop at rungs, and which of them went on. A table's CHECK changes by way of a new table; foreign
    // keys must not be enforced meanwhile.
    R"sql(
CREATE TABLE trial_with_stops (
  number INTEGER PRIMARY KEY CHECK (number >= 0),
  state TEXT NOT NULL CHECK (state IN ('RUNNING', 'STOPPED', 'COMPLETE', 'INFEASIBLE', 'FAIL')),
  finish_sequence INTEGER UNIQUE,
  hash TEXT NOT NULL UNIQUE,
  network_json TEXT NOT NULL,
  source TEXT NOT NULL,
  seed INTEGER NOT NULL,
  ask_watermark INTEGER NOT NULL CHECK (ask_watermark >= 0),
  rejected INTEGER NOT NULL CHECK (rejected >= 0),
  attempt INTEGER NOT NULL CHECK (attempt >= 1),
  failure TEXT NOT NULL DEFAULT '',
  train_seconds REAL,
  started_us INTEGER NOT NULL,
  ended_us INTEGER,
  CHECK ((state = 'RUNNING') = (finish_sequence IS NULL)),
  CHECK ((state = 'RUNNING') = (ended_us IS NULL))
) STRICT;
INSERT INTO trial_with_stops SELECT * FROM trial;
DROP TABLE trial;
ALTER TABLE trial_with_stops RENAME TO trial;

CREATE TABLE stage (
  idx INTEGER PRIMARY KEY CHECK (idx >= 0),
  trial INTEGER NOT NULL REFERENCES trial (number),
  fidelity REAL NOT NULL CHECK (fidelity > 0 AND fidelity <= 1),
  next_trial INTEGER NOT NULL CHECK (next_trial >= trial),
  ask_watermark INTEGER NOT NULL CHECK (ask_watermark >= 0),
  source TEXT NOT NULL,
  mean REAL,
  deviation REAL,
  log_success REAL,
  log_acquisition REAL,
  hypervolume REAL,
  code TEXT NOT NULL,
  finish_sequence INTEGER UNIQUE,
  accuracy REAL,
  train_seconds REAL,
  ended_us INTEGER,
  UNIQUE (trial, fidelity),
  CHECK ((finish_sequence IS NULL) = (ended_us IS NULL))
) STRICT;
)sql"};
inline constexpr auto kSchemaVersion = static_cast<int64_t>(kSchemaSteps.size());  // PRAGMA user_version

}  // namespace bitwright
