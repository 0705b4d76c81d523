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
    // 3: trainings that stop at rungs, and which of them went on. A table's CHECK changes by way of a new table;
    // foreign
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
)sql",
    // 4: what each parameter can be, and the study as Optuna reads one: views with the names and columns of its tables.
    R"sql(
CREATE TABLE dimension (
  idx INTEGER PRIMARY KEY CHECK (idx >= 0),
  name TEXT NOT NULL UNIQUE,
  choices TEXT NOT NULL CHECK (choices LIKE '[%]')
) STRICT;

CREATE VIEW version_info AS SELECT 1 AS version_info_id, 12 AS schema_version, '3.0.0' AS library_version;
CREATE VIEW alembic_version AS SELECT 'v3.0.0.d' AS version_num;

CREATE VIEW studies AS SELECT id AS study_id, name AS study_name FROM study;
CREATE VIEW study_directions AS
SELECT idx + 1 AS study_direction_id, 'MINIMIZE' AS direction, 1 AS study_id, idx AS objective FROM objective;
CREATE VIEW study_user_attributes AS
SELECT 1 AS study_user_attribute_id, id AS study_id, 'uuid' AS key, json_quote(uuid) AS value_json FROM study;
CREATE VIEW study_system_attributes AS
SELECT 1 AS study_system_attribute_id, id AS study_id, 'study:metric_names' AS key,
  (SELECT json_group_array(name) FROM (SELECT name FROM objective ORDER BY idx)) AS value_json
FROM study;

CREATE VIEW trials AS
SELECT number + 1 AS trial_id, number, 1 AS study_id,
  CASE state WHEN 'STOPPED' THEN 'PRUNED' WHEN 'INFEASIBLE' THEN 'FAIL' ELSE state END AS state,
  strftime('%Y-%m-%d %H:%M:%f', started_us / 1e6, 'unixepoch') AS datetime_start,
  strftime('%Y-%m-%d %H:%M:%f', ended_us / 1e6, 'unixepoch') AS datetime_complete
FROM trial;
CREATE VIEW trial_params AS
SELECT p.trial * 1000 + d.idx AS param_id, p.trial + 1 AS trial_id, p.name AS param_name,
  CAST((SELECT c.key FROM json_each(d.choices) c WHERE CAST(c.value AS TEXT) = p.value) AS REAL) AS param_value,
  json_object('name', 'CategoricalDistribution', 'attributes', json_object('choices', json(d.choices)))
    AS distribution_json
FROM param p JOIN dimension d ON d.name = p.name;
CREATE VIEW trial_values AS
SELECT t.number * 100 + o.idx AS trial_value_id, t.number + 1 AS trial_id, o.idx AS objective,
  CASE o.name WHEN 'error' THEN 1 - v.value ELSE v.value END AS value, 'FINITE' AS value_type
FROM trial t JOIN objective o JOIN value v ON v.trial = t.number
  AND v.kind = CASE o.name WHEN 'error' THEN 'validation' ELSE 'estimate' END
  AND v.name = CASE o.name WHEN 'error' THEN 'accuracy' WHEN 'flash' THEN 'flash_bytes' WHEN 'ram' THEN 'ram_bytes'
    WHEN 'latency' THEN 'latency_us' WHEN 'energy' THEN 'energy_uj' WHEN 'average_power' THEN 'average_power_uw'
    WHEN 'params' THEN 'parameters' ELSE o.name END
WHERE t.state = 'COMPLETE';
CREATE VIEW trial_intermediate_values AS
SELECT e.trial * 10001 + e.epoch AS trial_intermediate_value_id, e.trial + 1 AS trial_id, e.epoch AS step,
  1 - e.validation_accuracy AS intermediate_value,
  CASE WHEN e.validation_accuracy IS NULL THEN 'NAN' ELSE 'FINITE' END AS intermediate_value_type
FROM epoch e JOIN trial t ON t.number = e.trial AND t.attempt = e.attempt;
CREATE VIEW trial_user_attributes AS
SELECT v.trial * 1000 + (SELECT count(*) FROM value w WHERE w.trial = v.trial AND (w.kind, w.name) < (v.kind, v.name))
    AS trial_user_attribute_id,
  v.trial + 1 AS trial_id, v.kind || '.' || v.name AS key, coalesce(CAST(v.value AS TEXT), 'null') AS value_json
FROM value v;
CREATE VIEW trial_system_attributes AS
SELECT 0 AS trial_system_attribute_id, 0 AS trial_id, '' AS key, '' AS value_json WHERE false;
CREATE VIEW trial_heartbeats AS
SELECT 0 AS trial_heartbeat_id, 0 AS trial_id, '' AS heartbeat WHERE false;
)sql",
    // 5: what packages were measured to take, and where trainings ran
    R"sql(
CREATE TABLE measurement (
  trial INTEGER NOT NULL REFERENCES trial (number),
  name TEXT NOT NULL,
  board TEXT NOT NULL,
  estimated REAL NOT NULL,
  measured REAL NOT NULL,
  PRIMARY KEY (trial, name, board)
) STRICT, WITHOUT ROWID;

ALTER TABLE attempt ADD COLUMN execution TEXT;
ALTER TABLE attempt ADD COLUMN host TEXT;
)sql"};
inline constexpr auto kSchemaVersion = static_cast<int64_t>(kSchemaSteps.size());  // PRAGMA user_version

}  // namespace bitwright
