// SPDX-License-Identifier: Apache-2.0
#include "core/store/trial_rows.h"

#include <limits>
#include <map>
#include <set>

#include "core/io/model_json.h"

namespace bitwright {
namespace {

// The numbers of Estimates and Metrics under their names in the table value.
template <class E, class Visitor>
void visit_estimates(E& e, const Visitor& visit) {
  visit("flash_bytes", e.flash_bytes);
  visit("code_bytes", e.code_bytes);
  visit("constant_bytes", e.constant_bytes);
  visit("ram_bytes", e.ram_bytes);
  visit("arena_bytes", e.arena_bytes);
  visit("stack_bytes", e.stack_bytes);
  visit("macs", e.macs);
  visit("parameters", e.parameters);
  visit("instructions", e.instructions);
  visit("cycles", e.cycles);
  visit("latency_us", e.latency_us);
  visit("energy_uj", e.energy_uj);
  visit("average_power_uw", e.average_power_uw);
}

template <class M, class Visitor>
void visit_metrics(M& m, const Visitor& visit) {
  visit("accuracy", m.accuracy);
  visit("fake_quantized_accuracy", m.fake_quantized_accuracy);
  visit("train_accuracy", m.train_accuracy);
  visit("windows", m.windows);
  visit("differing", m.differing);
  visit("balanced_accuracy", m.balanced_accuracy);
  visit("macro_f1", m.macro_f1);
  visit("auc", m.auc);
  visit("threshold", m.threshold);
  visit("f1", m.f1);
  visit("r2", m.r2);
  visit("rmse", m.rmse);
  visit("mae", m.mae);
}

auto value_writer(const Database& database, int64_t number, const char* kind) {
  return [&database, number, kind = std::string(kind)](const char* name, auto value) {
    Statement(database, "INSERT INTO value VALUES (?, ?, ?, ?)", number, kind, std::string(name),
              static_cast<double>(value))
        .run();
  };
}

// Assigns the value called `name`, if it is there: a file of an earlier version may lack it.
auto value_reader(const std::map<std::string, double>& values) {
  return [&values](const char* name, auto& field) {
    const auto found = values.find(name);
    if (found != values.end()) field = static_cast<std::remove_reference_t<decltype(field)>>(found->second);
  };
}

void insert_layers(const Database& database, const Trial& trial) {
  int64_t index = 0;
  for (const LayerEstimate& layer : trial.estimates.layers)
    Statement(database, "INSERT INTO layer VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", trial.number, index++, layer.name,
              layer.kernel, layer.macs, layer.constant_bytes, layer.output_bytes, layer.instructions, layer.cycles)
        .run();
}

Opinion or_nulls(const std::optional<Opinion>& opinion) {
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  return opinion.value_or(Opinion{kNone, kNone, kNone, kNone, kNone});
}

// Of five columns from this one on.
std::optional<Opinion> opinion_at(const Statement& row, int column) {
  if (row.is_null(column)) return std::nullopt;
  return Opinion{row.real(column), row.real(column + 1), row.real(column + 2), row.real(column + 3),
                 row.real(column + 4)};
}

void insert_proposal(const Database& database, const Trial& trial) {
  const ProposalProvenance& from = trial.provenance;
  const Opinion opinion = or_nulls(from.opinion);
  Statement(database, "INSERT INTO proposal VALUES (?, ?, ?, ?, ?, ?, ?, ?)", trial.number, from.source, opinion.mean,
            opinion.deviation, opinion.log_success, opinion.log_acquisition, opinion.hypervolume, from.code)
      .run();
  int64_t index = 0;
  for (const int64_t parent : from.parents)
    Statement(database, "INSERT INTO proposal_parent VALUES (?, ?, ?)", trial.number, index++, parent).run();
  for (const auto& [rule, candidates] : from.rejected)
    Statement(database, "INSERT INTO proposal_rejection VALUES (?, ?, ?)", trial.number, rule, candidates).run();
}

TrialState state_from_name(const Database& database, const std::string& name) {
  for (TrialState s : {TrialState::kRunning, TrialState::kStopped, TrialState::kComplete, TrialState::kInfeasible,
                       TrialState::kFailed})
    if (trial_state_name(s) == name) return s;
  database.fail("unknown trial state " + name);
}

Network network_from(const Database& database, int64_t number, const std::string& json) {
  try {
    return read_json<Network>(json, "trial " + std::to_string(number));
  } catch (const ConfigError& e) {
    database.fail(e.what());
  }
}

Trial trial_from(const Database& database, const Statement& row, TrialDetail detail) {
  Trial trial;
  trial.number = row.integer(0);
  trial.state = state_from_name(database, row.text(1));
  trial.candidate.hash = row.text(2);
  if (detail == TrialDetail::kAll) trial.candidate.network = network_from(database, trial.number, row.text(3));
  trial.source = row.text(4);
  trial.seed = static_cast<uint64_t>(row.integer(5));
  trial.ask_watermark = row.integer(6);
  trial.rejected = row.integer(7);
  trial.attempt = static_cast<int>(row.integer(8));
  trial.failure = row.text(9);
  trial.train_seconds = row.is_null(10) ? 0.0 : row.real(10);
  trial.started_us = row.integer(11);
  trial.ended_us = row.integer(12);
  return trial;
}

// Reads the rows of one further table and hands each to its trial.
class TrialTables {
 public:
  TrialTables(const Database& database, const std::string& condition, std::vector<Trial>& trials)
      : database_(database), of_trials_(" WHERE trial IN (SELECT number FROM trial WHERE " + condition + ") ") {
    for (Trial& trial : trials) trials_[trial.number] = &trial;
  }

  // `columns` come after the trial's number, which is column 0.
  template <class Visit>
  void each(const std::string& columns, const std::string& table, const std::string& order, const Visit& visit) const {
    Statement rows(database_, "SELECT trial, " + columns + " FROM " + table + of_trials_ + "ORDER BY trial, " + order);
    while (rows.next())
      if (const auto trial = trials_.find(rows.integer(0)); trial != trials_.end()) visit(*trial->second, rows);
  }

 private:
  const Database& database_;
  std::string of_trials_;
  std::map<int64_t, Trial*> trials_;
};

void read_values(const TrialTables& tables) {
  tables.each("kind, name, value", "value", "name", [](Trial& trial, const Statement& row) {
    const std::string kind = row.text(1), name = row.text(2);
    const auto read = [&](const char* field_name, auto& field) {
      if (name == field_name) field = static_cast<std::remove_reference_t<decltype(field)>>(row.real(3));
    };
    if (kind == "estimate") visit_estimates(trial.estimates, read);
    if (kind == "validation") visit_metrics(trial.metrics, read);
  });
}

void read_lists(const TrialTables& tables) {
  tables.each("name, value", "param", "name",
              [](Trial& trial, const Statement& row) { trial.candidate.parameters[row.text(1)] = row.text(2); });
  tables.each("rule, value, bound, message", "violation", "idx", [](Trial& trial, const Statement& row) {
    trial.violations.push_back({row.text(1), row.real(2), row.real(3), row.text(4)});
  });
}

void read_layers_and_epochs(const TrialTables& tables) {
  tables.each("name, kernel, macs, constant_bytes, output_bytes, instructions, cycles", "layer", "idx",
              [](Trial& trial, const Statement& row) {
                trial.estimates.layers.push_back({row.text(1), row.text(2), row.integer(3), row.integer(4),
                                                  row.integer(5), row.real(6), row.real(7)});
              });
  tables.each("attempt, epoch, learning_rate, train_loss, validation_accuracy", "epoch", "epoch",
              [](Trial& trial, const Statement& row) {
                if (row.integer(1) != trial.attempt) return;
                trial.epochs.push_back({static_cast<int>(row.integer(2)), row.real(3), row.real(4), row.real(5)});
              });
}

void read_proposals(const TrialTables& tables) {
  tables.each("source, mean, deviation, log_success, log_acquisition, hypervolume, code", "proposal", "trial",
              [](Trial& trial, const Statement& row) {
                trial.provenance.source = row.text(1);
                trial.provenance.opinion = opinion_at(row, 2);
                trial.provenance.code = row.text(7);
              });
  tables.each("parent", "proposal_parent", "idx",
              [](Trial& trial, const Statement& row) { trial.provenance.parents.push_back(row.integer(1)); });
  tables.each("rule, candidates", "proposal_rejection", "rule",
              [](Trial& trial, const Statement& row) { trial.provenance.rejected[row.text(1)] = row.integer(2); });
}

void read_stages(const TrialTables& tables) {
  std::set<int64_t> seen;
  tables.each("fidelity", "stage", "idx", [&](Trial& trial, const Statement& row) {
    if (!seen.insert(trial.number).second) trial.rungs.push_back(trial.fidelity);
    trial.fidelity = row.real(1);
  });
}

bool has_stages(const Database& database) {
  return database.integer("PRAGMA user_version") >= 3;
}

void read_measurements(const TrialTables& tables) {
  tables.each("name, board, estimated, measured", "measurement", "name", [](Trial& trial, const Statement& row) {
    trial.measured[row.text(1)][row.text(2)] = {row.real(3), row.real(4)};
  });
}

void read_executions(const TrialTables& tables) {
  tables.each("n, execution, host", "attempt", "n", [](Trial& trial, const Statement& row) {
    if (row.integer(1) != trial.attempt) return;
    if (!row.is_null(2)) trial.execution = row.text(2);
    if (!row.is_null(3)) trial.host = row.text(3);
  });
}

// The trial, of which little more than that is known: it went on since.
Trial stopped_at(Trial trial, double fidelity, double accuracy, int64_t ended_us) {
  trial.state = TrialState::kStopped;
  trial.fidelity = fidelity;
  std::erase_if(trial.rungs, [&](double rung) { return rung >= fidelity; });
  trial.metrics = {.accuracy = accuracy};
  trial.violations.clear();
  trial.measured.clear();
  trial.execution.clear();
  trial.host.clear();
  trial.epochs.clear();
  trial.failure.clear();
  trial.ended_us = ended_us;
  return trial;
}

// What trials had at rungs, and of those that have not gone on what it took from the rung before.
void add_stages(const Database& database, const std::map<int64_t, Trial>& trials, std::map<int64_t, Trial>& results) {
  Statement rows(database,
                 "SELECT finish_sequence, trial, fidelity, accuracy, ended_us, train_seconds FROM stage WHERE "
                 "finish_sequence IS NOT NULL");
  while (rows.next()) {
    const Trial& trial = trials.at(rows.integer(1));
    const auto [result, went_on] =
        results.try_emplace(rows.integer(0), stopped_at(trial, rows.real(2), rows.real(3), rows.integer(4)));
    result->second.train_seconds = rows.real(5);
  }
}

}  // namespace

void insert_candidate(const Database& database, const Trial& trial) {
  const nlohmann::json network = trial.candidate.network;
  Statement(database,
            "INSERT INTO trial (number, state, hash, network_json, source, seed, ask_watermark, rejected, attempt, "
            "started_us) VALUES (?, 'RUNNING', ?, ?, ?, ?, ?, ?, ?, ?)",
            trial.number, trial.candidate.hash, network.dump(), trial.source, static_cast<int64_t>(trial.seed),
            trial.ask_watermark, trial.rejected, trial.attempt, trial.started_us)
      .run();
  Statement(database, "INSERT INTO attempt (trial, n, started_us) VALUES (?, ?, ?)", trial.number, trial.attempt,
            trial.started_us)
      .run();
  for (const auto& [name, value] : trial.candidate.parameters)
    Statement(database, "INSERT INTO param VALUES (?, ?, ?)", trial.number, name, value).run();
  visit_estimates(trial.estimates, value_writer(database, trial.number, "estimate"));
  insert_layers(database, trial);
  insert_proposal(database, trial);
  if (trial.fidelity < 1.0)
    insert_stage(database, {.trial = trial.number,
                            .fidelity = trial.fidelity,
                            .next_trial = trial.number,
                            .ask_watermark = trial.ask_watermark,
                            .provenance = {}});
}

void insert_stage(const Database& database, const Continuation& stage) {
  const ProposalProvenance& from = stage.provenance;
  const Opinion opinion = or_nulls(from.opinion);
  Statement(
      database,
      "INSERT INTO stage (idx, trial, fidelity, next_trial, ask_watermark, source, mean, deviation, log_success, "
      "log_acquisition, hypervolume, code) SELECT coalesce(max(idx) + 1, 0), ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ? FROM "
      "stage",
      stage.trial, stage.fidelity, stage.next_trial, stage.ask_watermark, from.source, opinion.mean, opinion.deviation,
      opinion.log_success, opinion.log_acquisition, opinion.hypervolume, from.code)
      .run();
}

int64_t next_sequence(const Database& database) {
  return database.integer(
      "SELECT max((SELECT coalesce(max(finish_sequence), -1) FROM trial), (SELECT coalesce(max(finish_sequence), -1) "
      "FROM stage)) + 1");
}

void end_stage(const Database& database, const Trial& trial, int64_t sequence, int64_t ended_us) {
  Statement(database,
            "UPDATE stage SET finish_sequence = ?, accuracy = ?, train_seconds = ?, ended_us = ? WHERE trial = ? AND "
            "finish_sequence IS NULL",
            sequence, trial.metrics.accuracy, trial.train_seconds, ended_us, trial.number)
      .run();
}

void insert_result(const Database& database, const Trial& trial) {
  Statement(database, "DELETE FROM value WHERE trial = ? AND kind = 'validation'", trial.number).run();  // of a stop
  if (has_accuracy(trial)) insert_metrics(database, trial.number, "validation", trial.metrics);
  for (const auto& [name, boards] : trial.measured)
    for (const auto& [board, cost] : boards)
      Statement(database, "INSERT INTO measurement VALUES (?, ?, ?, ?, ?)", trial.number, name, board, cost.estimated,
                cost.measured)
          .run();
  int64_t index = 0;
  for (const Violation& v : trial.violations)
    Statement(database, "INSERT INTO violation VALUES (?, ?, ?, ?, ?, ?)", trial.number, index++, v.rule, v.value,
              v.limit, v.message)
        .run();
  if (trial.epochs.empty()) return;
  Statement(database, "DELETE FROM epoch WHERE trial = ? AND attempt = ?", trial.number, trial.attempt).run();
  for (const EpochRecord& epoch : trial.epochs) insert_epoch(database, trial.number, trial.attempt, epoch);
}

void insert_metrics(const Database& database, int64_t number, const char* kind, const Metrics& metrics) {
  visit_metrics(metrics, value_writer(database, number, kind));
}

void insert_epoch(const Database& database, int64_t number, int attempt, const EpochRecord& epoch) {
  Statement(database, "INSERT OR REPLACE INTO epoch VALUES (?, ?, ?, ?, ?, ?)", number, attempt, epoch.epoch,
            epoch.learning_rate, epoch.train_loss, epoch.validation_accuracy)
      .run();
}

std::vector<Trial> select_trials(const Database& database, const std::string& condition, const std::string& order,
                                 TrialDetail detail) {
  const Snapshot snapshot(database);
  std::vector<Trial> trials;
  Statement rows(database, "SELECT number, state, hash, " +
                               std::string(detail == TrialDetail::kAll ? "network_json" : "NULL") +
                               ", source, seed, ask_watermark, rejected, attempt, failure, "
                               "train_seconds, started_us, ended_us FROM trial WHERE " +
                               condition + " ORDER BY " + order);
  while (rows.next()) trials.push_back(trial_from(database, rows, detail));
  const TrialTables tables(database, condition, trials);
  read_values(tables);
  read_lists(tables);
  if (detail == TrialDetail::kAll) read_layers_and_epochs(tables);
  if (database.integer("PRAGMA user_version") >= 2) read_proposals(tables);
  if (has_stages(database)) read_stages(tables);
  if (database.integer("PRAGMA user_version") < 5) return trials;
  read_measurements(tables);
  read_executions(tables);
  return trials;
}

std::vector<Trial> select_results(const Database& database) {
  const Snapshot snapshot(database);
  std::map<int64_t, Trial> trials, results;  // by number, by sequence
  for (Trial& trial : select_trials(database, "true", "number")) trials.emplace(trial.number, std::move(trial));
  Statement rows(database, "SELECT finish_sequence, number FROM trial WHERE finish_sequence IS NOT NULL");
  while (rows.next()) results.emplace(rows.integer(0), trials.at(rows.integer(1)));
  if (has_stages(database)) add_stages(database, trials, results);
  std::vector<Trial> in_order;
  for (auto& [sequence, trial] : results) in_order.push_back(std::move(trial));
  return in_order;
}

std::vector<Continuation> select_continuations(const Database& database) {
  std::vector<Continuation> continuations;
  if (!has_stages(database)) return continuations;
  Statement rows(database,
                 "SELECT trial, fidelity, next_trial, ask_watermark, source, mean, deviation, log_success, "
                 "log_acquisition, hypervolume, code FROM stage WHERE next_trial > trial ORDER BY idx");
  while (rows.next())
    continuations.push_back(
        {.trial = rows.integer(0),
         .fidelity = rows.real(1),
         .next_trial = rows.integer(2),
         .ask_watermark = rows.integer(3),
         .provenance = {.source = rows.text(4), .opinion = opinion_at(rows, 5), .code = rows.text(10)}});
  return continuations;
}

std::optional<Metrics> select_metrics(const Database& database, int64_t number, const char* kind) {
  Statement rows(database, "SELECT name, value FROM value WHERE trial = ? AND kind = ?", number, std::string(kind));
  std::map<std::string, double> values;
  while (rows.next()) values[rows.text(0)] = rows.real(1);
  if (values.empty()) return std::nullopt;
  Metrics metrics;
  visit_metrics(metrics, value_reader(values));
  return metrics;
}

}  // namespace bitwright
