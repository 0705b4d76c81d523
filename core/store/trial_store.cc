// SPDX-License-Identifier: Apache-2.0
#include "core/store/trial_store.h"

#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <random>

#include "core/check.h"
#include "core/error.h"
#include "core/hash.h"
#include "core/io/json_text.h"
#include "core/store/earlier_rows.h"
#include "core/store/file_guard.h"
#include "core/store/schema.h"
#include "core/store/sqlite.h"
#include "core/store/store_clock.h"
#include "core/store/trial_rows.h"

namespace bitwright {
namespace {

// Of events and attempts; 0: there are none.
int64_t last_time_us(const Database& database) {
  return database.integer(
      "SELECT max(coalesce((SELECT max(time_us) FROM event), 0), coalesce((SELECT max(max(started_us, "
      "coalesce(ended_us, 0))) FROM attempt), 0))");
}

// RFC 4122, version 4. Names the study among others; nothing that is searched depends on it.
std::string random_uuid() {
  std::random_device device;
  const auto word = [&] { return (uint64_t{device()} << 32) | device(); };
  const uint64_t high = (word() & ~uint64_t{0xf000}) | 0x4000u;
  const uint64_t low = (word() & ~(uint64_t{3} << 62)) | (uint64_t{1} << 63);
  return fmt::format("{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", high >> 32, (high >> 16) & 0xffff, high & 0xffff, low >> 48,
                     low & 0xffffffffffff);
}

void set_pragmas(const Database& database) {
  database.execute("PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA foreign_keys = ON");
}

// All that the file defines, to be compared with what the steps of its version define.
std::string schema_text(const Database& database) {
  std::string text;
  Statement rows(database, "SELECT type, name, coalesce(sql, '') FROM sqlite_schema ORDER BY type, name");
  while (rows.next()) text += rows.text(0) + " " + rows.text(1) + " " + rows.text(2) + "\n";
  return text;
}

int64_t version_of(const Database& database) {
  return database.integer("PRAGMA user_version");
}

// The steps that the file lacks. The caller holds the transaction.
void bring_up_to_date(const Database& database) {
  for (int64_t version = version_of(database); version < kSchemaVersion; ++version)
    database.execute(kSchemaSteps[static_cast<size_t>(version)]);
  database.execute(fmt::format("PRAGMA user_version = {}", kSchemaVersion));
}

std::string expected_schema(int64_t version) {
  const Database empty(":memory:", OpenMode::kReadWrite);
  for (int64_t step = 0; step < version; ++step) empty.execute(kSchemaSteps[static_cast<size_t>(step)]);
  return schema_text(empty);
}

// A file without tables: new, or left by a process killed while it made the store.
bool is_blank(const Database& database) {
  return database.integer("PRAGMA application_id") == 0 && version_of(database) == 0 &&
         database.integer("SELECT count(*) FROM sqlite_schema") == 0;
}

void check_identity(const Database& database) {
  if (database.integer("PRAGMA application_id") != kApplicationId) database.fail("this file is not a Bitwright store");
  const int64_t version = version_of(database);
  if (version > kSchemaVersion)
    database.fail(fmt::format("the store has format {}, made by a newer Bitwright; this one reads up to {}", version,
                              kSchemaVersion));
  if (schema_text(database) != expected_schema(version)) database.fail("the tables are not those of a Bitwright store");
}

bool ended_uncleanly(const std::string& path) {
  std::error_code none;
  return std::filesystem::file_size(path + "-wal", none) > 0 && !none;
}

// Empty where every row belongs to one that is there.
std::string orphaned_row(const Database& database) {
  Statement rows(database, "PRAGMA foreign_key_check");
  return rows.next() ? "a row of table " + rows.text(0) + " belongs to no trial" : "";
}

void check_pages(const Database& database) {
  database.announce("check after an unclean end");
  const std::string verdict = database.text("PRAGMA quick_check(1)");
  if (verdict != "ok") database.fail("the file is damaged (" + verdict + ")");
}

void check_foreign_keys(const Database& database) {
  const std::string orphan = orphaned_row(database);
  if (!orphan.empty()) database.fail(orphan);
}

void use_write_ahead_log(const Database& database, const StoreOptions& options) {
  database.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
  if (options.max_bytes <= 0) return;
  const int64_t pages = std::max<int64_t>(1, options.max_bytes / database.integer("PRAGMA page_size"));
  database.execute("PRAGMA max_page_count = " + std::to_string(pages));
}

// What the store holds must be readable: the user did not write it.
std::string json_of(const Database& database, const std::string& text) {
  if (!nlohmann::json::accept(text)) database.fail("the stored configuration is not JSON");
  return text;
}

std::string comparable_of(const Database& database, const StoreOptions& options) {
  const std::string stored = database.text("SELECT comparable_config FROM study");
  try {
    return options.comparable ? options.comparable(stored) : stored;
  } catch (const ConfigError& error) {
    database.fail(error.what());
  }
}

std::string describe_change(const StoreOptions& options, const std::string& stored, const std::string& wanted) {
  if (options.describe_change) return options.describe_change(stored, wanted);
  return "stored: " + stored + "\nwanted: " + wanted;
}

// A copy beside the file, whole or not there.
void back_up(const Database& database, const std::string& path) {
  const std::string part = path + ".part";
  std::error_code error;
  std::filesystem::remove(part, error);
  Statement(database, "VACUUM INTO ?", part).run();
  std::filesystem::rename(part, path, error);
  if (error) database.fail(path + ": " + error.message());
}

// Whole numbers as such, so that others can order them.
std::string choices_json(const std::vector<std::string>& choices) {
  nlohmann::json json = nlohmann::json::array();
  for (const std::string& choice : choices) {
    const bool whole = !choice.empty() && choice.size() < 10 && choice.find_first_not_of("0123456789") == choice.npos;
    json.push_back(whole ? nlohmann::json(std::stol(choice)) : nlohmann::json(choice));
  }
  return json.dump();
}

std::map<std::string, std::string> provenance_of(const StudyRecord& study) {
  auto provenance = study.provenance;
  provenance["sqlite"] = sqlite3_libversion();
  return provenance;
}

}  // namespace

std::string code_of(const std::map<std::string, std::string>& provenance) {
  std::string code;
  for (const char* key : {"version", "git_commit"})
    if (const auto found = provenance.find(key); found != provenance.end())
      code += (code.empty() ? "" : " ") + found->second;
  return code;
}

struct TrialStore::Impl {
  // The lock first, so that it is released last.
  std::optional<LockFile> lock;
  Database database;
  std::string code;     // of this run: ProposalProvenance::code
  StoreClock clock{0};  // likewise

  Impl(const std::string& path, std::optional<LockFile> held, OpenMode mode)
      : lock(std::move(held)), database(path, mode) {}

  void create(const StudyRecord& study);
  void insert_study(const StudyRecord& study);
  void insert_dimensions(const StudyRecord& study);
  void replace_study(const StudyRecord& study);
  void go_on(const StudyRecord& study, const StoreOptions& options);
  void upgrade();
  void insert_event(const std::string& kind, const std::string& json);
  std::string state_of(int64_t number) const;
  int attempt_of(int64_t number) const;
  void insert_attempt(int64_t number, int64_t started_us);
};

void TrialStore::Impl::insert_event(const std::string& kind, const std::string& json) {
  Statement(database, "INSERT INTO event (time_us, kind, json) VALUES (?, ?, ?)", clock.now_us(), kind, json).run();
}

void TrialStore::Impl::create(const StudyRecord& study) {
  database.announce("create");
  Transaction transaction(database);
  bring_up_to_date(database);
  database.execute(fmt::format("PRAGMA application_id = {}", kApplicationId));
  insert_study(study);
  insert_event("created", json_text(nlohmann::json(provenance_of(study)), -1));
  transaction.commit();
}

void TrialStore::Impl::insert_study(const StudyRecord& study) {
  Statement(database, "INSERT INTO study VALUES (1, ?, ?, ?, ?, ?, ?, ?)", random_uuid(), study.name, study.config_json,
            study.comparable_config, sha256_hex(study.comparable_config), static_cast<int64_t>(study.seed),
            clock.now_us())
      .run();
  for (size_t i = 0; i < study.objectives.size(); ++i)
    Statement(database, "INSERT INTO objective VALUES (?, ?)", static_cast<int64_t>(i), study.objectives[i]).run();
  for (const auto& [key, value] : provenance_of(study))
    Statement(database, "INSERT INTO meta VALUES (?, ?)", key, value).run();
  insert_dimensions(study);
}

void TrialStore::Impl::insert_dimensions(const StudyRecord& study) {
  int64_t index = 0;
  for (const StoredDimension& dimension : study.dimensions)
    Statement(database, "INSERT INTO dimension VALUES (?, ?, ?)", index++, dimension.name,
              choices_json(dimension.choices))
        .run();
}

void TrialStore::Impl::replace_study(const StudyRecord& study) {
  Transaction transaction(database);
  for (const char* table : {"earlier_result", "earlier_study", "study", "objective", "meta", "rejection", "dimension"})
    database.execute(fmt::format("DELETE FROM {}", table));
  insert_study(study);
  insert_event("replaced", json_text(nlohmann::json(provenance_of(study)), -1));
  transaction.commit();
}

// The settings that may change between two runs (number of trials, jobs) are those of the latest.
void TrialStore::Impl::go_on(const StudyRecord& study, const StoreOptions& options) {
  const std::string stored = comparable_of(database, options);
  const bool same = stored == study.comparable_config;
  if (!same && database.integer("SELECT count(*) FROM trial") > 0)
    throw ConfigError(database.path() +
                      ": the study in this file was started with other settings; take another file\n" +
                      describe_change(options, stored, study.comparable_config));
  upgrade();
  if (!same) return replace_study(study);
  Transaction transaction(database);
  Statement(database, "UPDATE study SET config_json = ?", study.config_json).run();
  if (database.integer("SELECT count(*) FROM dimension") == 0)
    insert_dimensions(study);  // of an earlier version's file
  insert_event("opened", json_text(nlohmann::json(study.provenance), -1));
  transaction.commit();
}

// A file of an earlier version becomes one of this, after a copy of it.
void TrialStore::Impl::upgrade() {
  const int64_t version = version_of(database);
  if (version == kSchemaVersion) return;
  database.announce(fmt::format("upgrade from format {}", version));
  back_up(database, fmt::format("{}.format{}", database.path(), version));
  database.execute("PRAGMA foreign_keys = OFF");  // while tables that rows belong to are replaced
  Transaction transaction(database);
  bring_up_to_date(database);
  check_foreign_keys(database);
  insert_event("upgraded", fmt::format("{{\"from\": {}, \"to\": {}}}", version, kSchemaVersion));
  transaction.commit();
  database.execute("PRAGMA foreign_keys = ON");
  database.announce("open");
}

std::string TrialStore::Impl::state_of(int64_t number) const {
  Statement row(database, "SELECT state FROM trial WHERE number = ?", number);
  return row.next() ? row.text(0) : "unknown";
}

int TrialStore::Impl::attempt_of(int64_t number) const {
  Statement row(database, "SELECT attempt FROM trial WHERE number = ?", number);
  return row.next() ? static_cast<int>(row.integer(0)) : 0;
}

void TrialStore::Impl::insert_attempt(int64_t number, int64_t started_us) {
  Statement(database,
            "INSERT INTO attempt (trial, n, started_us) SELECT number, attempt, ? FROM trial WHERE number = ?",
            started_us, number)
      .run();
}

TrialStore::TrialStore(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TrialStore::TrialStore(TrialStore&&) noexcept = default;
TrialStore& TrialStore::operator=(TrialStore&&) noexcept = default;
TrialStore::~TrialStore() = default;

TrialStore TrialStore::create_or_open(const std::string& path, const StudyRecord& study, const StoreOptions& options) {
  check_file_system(path);
  LockFile lock(path + ".lock");
  const bool unclean = ended_uncleanly(path);
  auto impl = std::make_unique<Impl>(path, std::move(lock), OpenMode::kReadWrite);
  const Database& database = impl->database;
  set_pragmas(database);
  const bool blank = is_blank(database);
  if (!blank) check_identity(database);
  if (unclean) check_pages(database);
  use_write_ahead_log(database, options);
  impl->code = code_of(study.provenance);
  impl->clock = StoreClock(blank ? 0 : last_time_us(database));
  blank ? impl->create(study) : impl->go_on(study, options);
  return TrialStore(std::move(impl));
}

TrialStore TrialStore::open_read_only(const std::string& path) {
  auto impl = std::make_unique<Impl>(path, std::nullopt, OpenMode::kReadOnly);
  set_pragmas(impl->database);
  check_identity(impl->database);
  impl->database.announce("read");
  return TrialStore(std::move(impl));
}

const std::string& TrialStore::path() const {
  return impl_->database.path();
}

StudyRecord TrialStore::study() const {
  StudyRecord study;
  Statement row(impl_->database, "SELECT uuid, name, config_json, comparable_config, seed, created_us FROM study");
  if (!row.next()) impl_->database.fail("the store has no study");
  study.uuid = row.text(0);
  study.name = row.text(1);
  study.config_json = json_of(impl_->database, row.text(2));
  study.comparable_config = row.text(3);
  study.seed = static_cast<uint64_t>(row.integer(4));
  study.created_us = row.integer(5);
  Statement names(impl_->database, "SELECT name FROM objective ORDER BY idx");
  while (names.next()) study.objectives.push_back(names.text(0));
  Statement facts(impl_->database, "SELECT key, value FROM meta");
  while (facts.next()) study.provenance[facts.text(0)] = facts.text(1);
  return study;
}

Trial TrialStore::begin(Trial trial) {
  const Database& database = impl_->database;
  trial.number = next_number();
  trial.attempt = 1;
  trial.state = TrialState::kRunning;
  trial.provenance.code = impl_->code;
  trial.started_us = impl_->clock.now_us();
  database.announce("begin trial " + std::to_string(trial.number));
  Transaction transaction(database);
  insert_candidate(database, trial);
  for (const auto& [rule, candidates] : trial.provenance.rejected)
    Statement(database,
              "INSERT INTO rejection VALUES (?, ?) ON CONFLICT (rule) DO UPDATE SET candidates = candidates + "
              "excluded.candidates",
              rule, candidates)
        .run();
  transaction.commit();
  return trial;
}

Trial TrialStore::go_on(Continuation continuation) {
  const Database& database = impl_->database;
  const int64_t number = continuation.trial;
  continuation.next_trial = next_number();
  continuation.provenance.code = impl_->code;
  database.announce(fmt::format("go on with trial {}", number));
  Transaction transaction(database);
  Statement(database,
            "UPDATE trial SET state = 'RUNNING', finish_sequence = NULL, ended_us = NULL, attempt = attempt + 1 WHERE "
            "number = ? AND state = 'STOPPED'",
            number)
      .run();
  if (sqlite3_changes(database.handle()) == 0) database.fail("its state is " + impl_->state_of(number));
  impl_->insert_attempt(number, impl_->clock.now_us());
  insert_stage(database, continuation);
  transaction.commit();
  return trial(number);
}

Trial TrialStore::begin_attempt(int64_t number, const std::string& reason) {
  const Database& database = impl_->database;
  database.announce("begin trial " + std::to_string(number) + " again");
  Transaction transaction(database);
  Statement(database, "UPDATE trial SET attempt = attempt + 1 WHERE number = ? AND state = 'RUNNING'", number).run();
  if (sqlite3_changes(database.handle()) == 0) database.fail("its state is " + impl_->state_of(number));
  const int64_t now = impl_->clock.now_us();
  Statement(database, "UPDATE attempt SET ended_us = ?, reason = ? WHERE trial = ? AND ended_us IS NULL", now, reason,
            number)
      .run();
  impl_->insert_attempt(number, now);
  transaction.commit();
  return trial(number);
}

void TrialStore::epoch(int64_t number, const EpochRecord& epoch) {
  const Database& database = impl_->database;
  database.announce("store an epoch of trial " + std::to_string(number));
  Transaction transaction(database);
  if (impl_->state_of(number) != "RUNNING") database.fail("its state is " + impl_->state_of(number));
  insert_epoch(database, number, impl_->attempt_of(number), epoch);
  transaction.commit();
}

void TrialStore::finish(const Trial& trial, const std::vector<Artifact>& artifacts) {
  BW_CHECK(trial.state != TrialState::kRunning);
  const Database& database = impl_->database;
  database.announce("finish trial " + std::to_string(trial.number));
  Transaction transaction(database);
  const int64_t now = impl_->clock.now_us();
  const int64_t sequence = next_sequence(database);
  Statement(
      database,
      "UPDATE trial SET state = ?, finish_sequence = ?, failure = ?, train_seconds = coalesce(train_seconds, 0) + "
      "?, ended_us = ? WHERE number = ? AND attempt = ? AND state = 'RUNNING'",
      trial_state_name(trial.state), sequence, trial.failure, trial.train_seconds, now, trial.number, trial.attempt)
      .run();
  if (sqlite3_changes(database.handle()) == 0)
    database.fail(fmt::format("a result of attempt {} is not wanted: its state is {}", trial.attempt,
                              impl_->state_of(trial.number)));
  Statement(
      database,
      "UPDATE attempt SET ended_us = ?, reason = ?, execution = nullif(?, ''), host = nullif(?, '') WHERE trial = ? "
      "AND n = ?",
      now, trial.failure.empty() ? "finished" : trial.failure, trial.execution, trial.host, trial.number, trial.attempt)
      .run();
  end_stage(database, trial, sequence, now);
  insert_result(database, trial);
  for (const Artifact& a : artifacts)
    Statement(database, "INSERT INTO artifact VALUES (?, ?, ?, ?, ?)", trial.number, a.kind,
              static_cast<int64_t>(a.content.size()), sha256_hex(a.content), std::string_view(a.content))
        .run();
  transaction.commit();
}

void TrialStore::set_test_metrics(int64_t number, const Metrics& metrics) {
  const Database& database = impl_->database;
  database.announce("store the test metrics of trial " + std::to_string(number));
  Transaction transaction(database);
  if (impl_->state_of(number) != "COMPLETE") database.fail("its state is " + impl_->state_of(number));
  if (test_metrics(number)) database.fail("the test set was scored before; it is scored once");
  insert_metrics(database, number, "test", metrics);
  transaction.commit();
}

void TrialStore::event(const std::string& kind, const std::string& json) {
  impl_->database.announce("store an event");
  impl_->insert_event(kind, json);
}

void TrialStore::set_earlier(const std::vector<EarlierStudy>& studies) {
  const Database& database = impl_->database;
  database.announce("store the results of earlier studies");
  Transaction transaction(database);
  if (size() > 0) database.fail("the study has trials, which were proposed without them");
  replace_earlier(database, studies);
  transaction.commit();
}

int64_t TrialStore::size() const {
  return impl_->database.integer("SELECT count(*) FROM trial");
}

int64_t TrialStore::next_number() const {
  return impl_->database.integer("SELECT coalesce(max(number) + 1, 0) FROM trial");
}

int64_t TrialStore::begun_us() const {
  return impl_->database.integer("SELECT coalesce(min(started_us), 0) FROM trial");
}

bool TrialStore::contains(const std::string& hash) const {
  return Statement(impl_->database, "SELECT 1 FROM trial WHERE hash = ?", hash).next();
}

Trial TrialStore::trial(int64_t number) const {
  std::vector<Trial> found = select_trials(impl_->database, "number = " + std::to_string(number), "number");
  if (found.empty()) impl_->database.fail("there is no trial " + std::to_string(number));
  return std::move(found.front());
}

std::vector<Trial> TrialStore::trials(TrialDetail detail) const {
  return select_trials(impl_->database, "true", "number", detail);
}

std::vector<Trial> TrialStore::finished() const {
  return select_trials(impl_->database, "state NOT IN ('RUNNING', 'STOPPED')", "finish_sequence");
}

std::vector<Trial> TrialStore::running() const {
  return select_trials(impl_->database, "state = 'RUNNING'", "number");
}

std::vector<Trial> TrialStore::stopped() const {
  return select_trials(impl_->database, "state = 'STOPPED'", "number");
}

std::vector<Trial> TrialStore::results() const {
  return select_results(impl_->database);
}

std::vector<Continuation> TrialStore::continuations() const {
  return select_continuations(impl_->database);
}

int TrialStore::failed_attempts(int64_t number) const {
  Statement row(impl_->database,
                "SELECT count(*) FROM attempt WHERE trial = ? AND reason NOT IN ('', 'finished', 'interrupted')",
                number);
  return row.next() ? static_cast<int>(row.integer(0)) : 0;
}

std::optional<std::string> TrialStore::artifact(int64_t number, const std::string& kind) const {
  const Database& database = impl_->database;
  Statement row(database, "SELECT content, sha256 FROM artifact WHERE trial = ? AND kind = ?", number, kind);
  if (!row.next()) return std::nullopt;
  std::string content = row.text(0);
  if (sha256_hex(content) != row.text(1))
    database.fail(fmt::format("artifact {} of trial {} does not match its SHA-256", kind, number));
  return content;
}

std::optional<Metrics> TrialStore::test_metrics(int64_t number) const {
  return select_metrics(impl_->database, number, "test");
}

std::map<std::string, int64_t> TrialStore::rejected() const {
  std::map<std::string, int64_t> rules;
  Statement rows(impl_->database, "SELECT rule, candidates FROM rejection");
  while (rows.next()) rules[rows.text(0)] = rows.integer(1);
  return rules;
}

std::vector<Event> TrialStore::events() const {
  std::vector<Event> all;
  Statement rows(impl_->database, "SELECT seq, time_us, kind, json FROM event ORDER BY seq");
  while (rows.next()) all.push_back({rows.integer(0), rows.integer(1), rows.text(2), rows.text(3)});
  return all;
}

std::vector<EarlierStudy> TrialStore::earlier() const {
  return version_of(impl_->database) < 2 ? std::vector<EarlierStudy>{} : select_earlier(impl_->database);
}

std::string TrialStore::integrity() const {
  const std::string verdict = impl_->database.text("PRAGMA integrity_check(10)");
  return verdict != "ok" ? verdict : orphaned_row(impl_->database);
}

}  // namespace bitwright
