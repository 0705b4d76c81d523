// SPDX-License-Identifier: Apache-2.0
#include "core/store/trial_store.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "core/error.h"
#include "core/hash.h"
#include "core/io/model_json.h"
#include "core/rng.h"
#include "core/store/file_guard.h"
#include "core/store/schema.h"

namespace bitwright {
namespace {

using testing::HasSubstr;

class StoreTest : public testing::Test {
 protected:
  StoreTest() {
    std::string name = (std::filesystem::temp_directory_path() / "bitwright_XXXXXX").string();
    folder_ = mkdtemp(name.data());
  }
  ~StoreTest() override { std::filesystem::remove_all(folder_); }
  std::string path() const { return (folder_ / "study.db").string(); }
  TrialStore open(const StoreOptions& options = {}) const {
    return TrialStore::create_or_open(path(), record(), options);
  }

  static StudyRecord record() {
    StudyRecord r;
    r.name = "bearing";
    r.config_json = R"({"trials": 10})";
    r.comparable_config = "space A";
    r.seed = 0xfedcba9876543210;
    r.objectives = {"error", "flash"};
    r.provenance = {{"version", "0.1.0"}, {"git_commit", "1f0c9a52"}, {"host", "bench"}};
    return r;
  }

  // The file as another program sees and changes it.
  void sql(const std::string& statements) const {
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open(path().c_str(), &db), SQLITE_OK);
    char* error = nullptr;
    EXPECT_EQ(sqlite3_exec(db, statements.c_str(), nullptr, nullptr, &error), SQLITE_OK) << error;
    sqlite3_close(db);
  }
  // Of a query's first column.
  std::vector<std::string> texts(const std::string& query) const {
    sqlite3* db = nullptr;
    std::vector<std::string> rows;
    const auto add = [](void* to, int, char** values, char**) {
      static_cast<std::vector<std::string>*>(to)->emplace_back(values[0]);
      return 0;
    };
    EXPECT_EQ(sqlite3_open(path().c_str(), &db), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(db, query.c_str(), add, &rows, nullptr), SQLITE_OK);
    sqlite3_close(db);
    return rows;
  }

 private:
  std::filesystem::path folder_;
};

Network network_with(int channels) {
  Network n;
  n.name = "toy";
  n.input = {16, 1, 1};
  LayerSpec conv;
  conv.name = "conv1";
  conv.op = Conv2d{channels, {3, 1, 1, 1}, Padding::kZero};
  conv.weights = Format::kTernary;
  conv.pool = Window{2, 1, 2, 1};
  conv.batch_norm = true;
  conv.activations = Format::kUint4;
  conv.range_log2 = -1;
  append(n, conv);
  LayerSpec pool;
  pool.name = "gap";
  pool.op = GlobalAvgPool{};
  pool.activations = Format::kInt8;
  append(n, pool);
  LayerSpec dense;
  dense.name = "logits";
  dense.op = Dense{3};
  dense.bias = true;
  append(n, dense);
  return n;
}

// A proposal with something in every field; different for every `channels`.
Trial proposal(int channels) {
  Trial t;
  t.candidate.parameters = {{"blocks", "1"}, {"block1.channels", std::to_string(channels)}};
  t.candidate.network = network_with(channels);
  t.candidate.hash = network_hash(t.candidate.network);
  t.source = "mutation of 7";
  t.seed = 0xffffffffffffffff;
  t.ask_watermark = 3;
  t.rejected = 2;
  t.provenance = {.source = "model",
                  .opinion = Opinion{-3.2, 1.0 / 3, -1e-300, -2.5, 0.1},
                  .rejected = {{"duplicate", 1}, {"flash", 3}}};
  t.estimates = {.flash_bytes = 5001,
                 .code_bytes = 4000,
                 .constant_bytes = 1001,
                 .ram_bytes = 640,
                 .arena_bytes = 512,
                 .stack_bytes = 128,
                 .macs = 1234567890123,
                 .parameters = 77,
                 .instructions = 1e5 / 3,
                 .cycles = 2e5 / 3,
                 .latency_us = 0.1,
                 .energy_uj = 1e-300,
                 .layers = {{"conv1", "conv2d_a8w2", 1, 2, 3, 4.5, 5.5}, {"logits", "dense_a8w8", 6, 7, 8, 9.5, 10.5}}};
  return t;
}

Trial completed(Trial t) {
  t.state = TrialState::kComplete;
  t.metrics = {.accuracy = 0.1 + 0.2,
               .fake_quantized_accuracy = 0.75,
               .train_accuracy = -1.0,
               .windows = 640,
               .differing = 3,
               .balanced_accuracy = 1.0 / 3,
               .macro_f1 = 0.2,
               .auc = 0.9,
               .threshold = 1e-300,
               .f1 = 0.7,
               .rmse = 1e30,
               .mae = 1e-30};
  t.epochs = {{1, 0.01, 1.5, 0.5}, {2, 0.001, 0.75, 0.625}};
  t.train_seconds = 12.25;
  return t;
}

void expect_equal(const Trial& a, const Trial& b) {
  EXPECT_EQ(a.number, b.number);
  EXPECT_EQ(a.state, b.state);
  EXPECT_EQ(a.candidate.parameters, b.candidate.parameters);
  EXPECT_EQ(a.candidate.network, b.candidate.network);
  EXPECT_EQ(a.candidate.hash, b.candidate.hash);
  EXPECT_EQ(a.source, b.source);
  EXPECT_EQ(a.seed, b.seed);
  EXPECT_EQ(a.ask_watermark, b.ask_watermark);
  EXPECT_EQ(a.rejected, b.rejected);
  EXPECT_EQ(a.provenance.source, b.provenance.source);
  EXPECT_EQ(a.provenance.parents, b.provenance.parents);
  EXPECT_EQ(a.provenance.opinion, b.provenance.opinion);
  EXPECT_EQ(a.provenance.rejected, b.provenance.rejected);
  EXPECT_EQ(a.provenance.code, b.provenance.code);
  EXPECT_EQ(a.started_us, b.started_us);
  EXPECT_EQ(a.attempt, b.attempt);
  EXPECT_EQ(a.execution, b.execution);
  EXPECT_EQ(a.host, b.host);
  EXPECT_EQ(a.failure, b.failure);
  EXPECT_EQ(a.train_seconds, b.train_seconds);
  EXPECT_EQ(a.measured, b.measured);
  EXPECT_EQ(a.metrics.accuracy, b.metrics.accuracy);
  EXPECT_EQ(a.metrics.fake_quantized_accuracy, b.metrics.fake_quantized_accuracy);
  EXPECT_EQ(a.metrics.train_accuracy, b.metrics.train_accuracy);
  EXPECT_EQ(a.metrics.windows, b.metrics.windows);
  EXPECT_EQ(a.metrics.differing, b.metrics.differing);
  EXPECT_EQ(a.metrics.balanced_accuracy, b.metrics.balanced_accuracy);
  EXPECT_EQ(a.metrics.macro_f1, b.metrics.macro_f1);
  EXPECT_EQ(a.metrics.auc, b.metrics.auc);
  EXPECT_EQ(a.metrics.threshold, b.metrics.threshold);
  EXPECT_EQ(a.metrics.f1, b.metrics.f1);
  EXPECT_EQ(a.metrics.rmse, b.metrics.rmse);
  EXPECT_EQ(a.metrics.mae, b.metrics.mae);
  EXPECT_EQ(a.estimates.flash_bytes, b.estimates.flash_bytes);
  EXPECT_EQ(a.estimates.code_bytes, b.estimates.code_bytes);
  EXPECT_EQ(a.estimates.constant_bytes, b.estimates.constant_bytes);
  EXPECT_EQ(a.estimates.ram_bytes, b.estimates.ram_bytes);
  EXPECT_EQ(a.estimates.arena_bytes, b.estimates.arena_bytes);
  EXPECT_EQ(a.estimates.stack_bytes, b.estimates.stack_bytes);
  EXPECT_EQ(a.estimates.macs, b.estimates.macs);
  EXPECT_EQ(a.estimates.parameters, b.estimates.parameters);
  EXPECT_EQ(a.estimates.instructions, b.estimates.instructions);
  EXPECT_EQ(a.estimates.cycles, b.estimates.cycles);
  EXPECT_EQ(a.estimates.latency_us, b.estimates.latency_us);
  EXPECT_EQ(a.estimates.energy_uj, b.estimates.energy_uj);
  ASSERT_EQ(a.estimates.layers.size(), b.estimates.layers.size());
  for (size_t i = 0; i < a.estimates.layers.size(); ++i) {
    const LayerEstimate &x = a.estimates.layers[i], &y = b.estimates.layers[i];
    EXPECT_EQ(std::tie(x.name, x.kernel, x.macs, x.constant_bytes, x.output_bytes, x.instructions, x.cycles),
              std::tie(y.name, y.kernel, y.macs, y.constant_bytes, y.output_bytes, y.instructions, y.cycles));
  }
  ASSERT_EQ(a.epochs.size(), b.epochs.size());
  for (size_t i = 0; i < a.epochs.size(); ++i) {
    EXPECT_EQ(a.epochs[i].epoch, b.epochs[i].epoch);
    EXPECT_EQ(a.epochs[i].learning_rate, b.epochs[i].learning_rate);
    EXPECT_EQ(a.epochs[i].train_loss, b.epochs[i].train_loss);
    EXPECT_EQ(a.epochs[i].validation_accuracy, b.epochs[i].validation_accuracy);
  }
}

template <class F>
std::string store_error(const F& f) {
  try {
    f();
  } catch (const StoreError& e) {
    return e.what();
  }
  return "no error";
}

TEST_F(StoreTest, GivesBackEveryFieldOfATrialToTheLastBit) {
  Trial expected;
  {
    TrialStore store = open();
    const Trial begun = store.begin(proposal(4));
    expect_equal(store.trial(0), begun);
    expected = completed(begun);
    store.finish(expected, {{"model", std::string("a\0b\xff", 4)}, {"log", ""}});
  }
  const TrialStore store = TrialStore::open_read_only(path());
  expect_equal(store.trial(0), expected);
  EXPECT_EQ(store.artifact(0, "model"), std::string("a\0b\xff", 4));
  EXPECT_EQ(store.artifact(0, "log"), "");
  EXPECT_EQ(store.artifact(0, "map"), std::nullopt);
  EXPECT_EQ(store.integrity(), "");
}

TEST_F(StoreTest, GivesBackTheStudyWithItsProvenance) {
  open();
  const StudyRecord study = TrialStore::open_read_only(path()).study();
  EXPECT_EQ(study.name, "bearing");
  EXPECT_EQ(study.seed, record().seed);
  EXPECT_EQ(study.objectives, record().objectives);
  EXPECT_EQ(study.comparable_config, "space A");
  EXPECT_EQ(study.provenance.at("host"), "bench");
  EXPECT_EQ(study.provenance.at("sqlite"), sqlite3_libversion());
  EXPECT_THAT(study.uuid, testing::MatchesRegex("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"));
  EXPECT_GT(study.created_us, 1700000000000000);
}

TEST_F(StoreTest, KeepsTheStudyAndTakesTheNewestConfigWhereItIsOpenedAgain) {
  const std::string uuid = open().study().uuid;
  StudyRecord more = record();
  more.config_json = R"({"trials": 20})";
  TrialStore store = TrialStore::create_or_open(path(), more);
  EXPECT_EQ(store.study().uuid, uuid);
  EXPECT_EQ(store.study().config_json, R"({"trials": 20})");
  ASSERT_EQ(store.events().size(), 2u);
  EXPECT_EQ(store.events()[1].kind, "opened");
}

TEST_F(StoreTest, ReplacesAChangedStudyThatHasNoTrial) {
  const std::string uuid = open().study().uuid;
  StudyRecord changed = record();
  changed.comparable_config = "space B";
  changed.objectives = {"error", "latency"};
  TrialStore store = TrialStore::create_or_open(path(), changed);
  EXPECT_EQ(store.study().comparable_config, "space B");
  EXPECT_EQ(store.study().objectives, changed.objectives);
  EXPECT_NE(store.study().uuid, uuid);
  EXPECT_EQ(store.events().back().kind, "replaced");
  EXPECT_EQ(store.integrity(), "");
}

TEST_F(StoreTest, RefusesAChangedStudyAndSaysWhatChanged) {
  open().begin(proposal(4));
  StudyRecord changed = record();
  changed.comparable_config = "space B";
  const auto message = [&](const StoreOptions& options) -> std::string {
    try {
      TrialStore::create_or_open(path(), changed, options);
    } catch (const ConfigError& e) {
      return e.what();
    }
    return "accepted";
  };
  EXPECT_EQ(message({}), path() +
                             ": the study in this file was started with other settings; take another file\n"
                             "stored: space A\nwanted: space B");
  EXPECT_THAT(message({.describe_change = [](const auto& a, const auto& b) { return a + " became " + b; }}),
              HasSubstr("\nspace A became space B"));
  EXPECT_EQ(open().study().comparable_config, "space A");
}

TEST_F(StoreTest, AConfigurationThatCannotBeReadIsTheStoresFault) {
  open();
  const StoreOptions options{.comparable = [](const std::string&) -> std::string { throw ConfigError("no JSON"); }};
  EXPECT_THROW(TrialStore::create_or_open(path(), record(), options), StoreError);
  sql("UPDATE study SET config_json = '{'");
  try {
    TrialStore::open_read_only(path()).study();
    FAIL() << "accepted";
  } catch (const StoreError& error) {
    EXPECT_THAT(error.what(), HasSubstr("the stored configuration is not JSON"));
  }
}

TEST_F(StoreTest, GoesOnWhereOnlyWhatNoLongerCountsDiffers) {
  open().begin(proposal(4));
  StudyRecord today = record();
  today.comparable_config = "space";
  const StoreOptions options{.comparable = [](const std::string& stored) { return stored.substr(0, 5); }};
  EXPECT_EQ(TrialStore::create_or_open(path(), today, options).study().comparable_config, "space A");
}

TEST_F(StoreTest, NumbersTrialsFromZeroAndFinishesThemInAnyOrder) {
  TrialStore store = open();
  for (int i = 0; i < 4; ++i) EXPECT_EQ(store.begin(proposal(4 + i)).number, i);
  for (int64_t number : {2, 0, 3}) store.finish(completed(store.trial(number)));
  std::vector<int64_t> order;
  for (const Trial& t : store.finished()) order.push_back(t.number);
  EXPECT_EQ(order, (std::vector<int64_t>{2, 0, 3}));
  ASSERT_EQ(store.running().size(), 1u);
  EXPECT_EQ(store.running()[0].number, 1);
  EXPECT_EQ(store.trials().size(), 4u);
}

TEST_F(StoreTest, RefusesACandidateThatItHas) {
  TrialStore store = open();
  store.begin(proposal(4));
  EXPECT_THAT(store_error([&] { store.begin(proposal(4)); }),
              HasSubstr("begin trial 1: UNIQUE constraint failed: trial.hash"));
  EXPECT_TRUE(store.contains(proposal(4).candidate.hash));
  EXPECT_FALSE(store.contains(proposal(5).candidate.hash));
  EXPECT_EQ(store.size(), 1);
  EXPECT_EQ(store.rejected().at("flash"), 3);  // the whole transaction was undone
}

TEST_F(StoreTest, TakesTheFirstResultAndRefusesTheSecond) {
  TrialStore store = open();
  Trial t = completed(store.begin(proposal(4)));
  store.finish(t);
  t.metrics.accuracy = 0.9;
  EXPECT_EQ(store_error([&] { store.finish(t); }),
            path() + ": finish trial 0: a result of attempt 1 is not wanted: its state is COMPLETE");
  EXPECT_EQ(store.trial(0).metrics.accuracy, 0.1 + 0.2);
}

TEST_F(StoreTest, RefusesTheResultOfAnAttemptThatWasGivenUp) {
  TrialStore store = open();
  const Trial first = store.begin(proposal(4));
  store.epoch(0, {1, 0.1, 9.0, 0.1});
  const Trial second = store.begin_attempt(0, "interrupted");
  EXPECT_EQ(second.attempt, 2);
  EXPECT_EQ(second.candidate.hash, first.candidate.hash);
  EXPECT_EQ(second.seed, first.seed);
  EXPECT_TRUE(second.epochs.empty());
  EXPECT_THAT(store_error([&] { store.finish(completed(first)); }), HasSubstr("attempt 1 is not wanted"));
  store.finish(completed(second));
  expect_equal(store.trial(0), completed(second));
  EXPECT_THAT(store_error([&] { store.begin_attempt(0, "again"); }), HasSubstr("its state is COMPLETE"));
  EXPECT_THAT(store_error([&] { store.begin_attempt(9, "again"); }), HasSubstr("its state is unknown"));
}

TEST_F(StoreTest, CountsFailedAttemptsButNotInterruptedOnes) {
  TrialStore store = open();
  store.begin(proposal(4));
  EXPECT_EQ(store.failed_attempts(0), 0);
  store.begin_attempt(0, "interrupted");
  EXPECT_EQ(store.failed_attempts(0), 0);
  store.begin_attempt(0, "out of memory");
  EXPECT_EQ(store.failed_attempts(0), 1);
}

TEST_F(StoreTest, KeepsFailuresViolationsAndLossesThatAreNotNumbers) {
  TrialStore store = open();
  Trial failed = store.begin(proposal(4));
  store.epoch(0, {1, 0.1, std::nan(""), 0.25});
  store.epoch(0, {2, 0.1, INFINITY, 0.25});
  failed.state = TrialState::kFailed;
  failed.failure = "loss is not finite at epoch 1";
  store.finish(failed);
  Trial infeasible = store.begin(proposal(5));
  infeasible.state = TrialState::kInfeasible;
  infeasible.violations = {{"ram", 700, 640, "60 bytes too many"}};
  store.finish(infeasible);
  EXPECT_EQ(store.trial(0).failure, failed.failure);
  ASSERT_EQ(store.trial(0).epochs.size(), 2u);
  EXPECT_TRUE(std::isnan(store.trial(0).epochs[0].train_loss));
  EXPECT_TRUE(std::isinf(store.trial(0).epochs[1].train_loss));
  ASSERT_EQ(store.trial(1).violations.size(), 1u);
  EXPECT_EQ(store.trial(1).violations[0].message, "60 bytes too many");
  EXPECT_EQ(store.trial(1).violations[0].limit, 640);
}

TEST_F(StoreTest, TakesTestMetricsOnceAndOnlyForACompleteTrial) {
  TrialStore store = open();
  const Trial t = store.begin(proposal(4));
  EXPECT_THAT(store_error([&] { store.set_test_metrics(0, {.accuracy = 0.5}); }), HasSubstr("its state is RUNNING"));
  store.finish(completed(t));
  EXPECT_EQ(store.test_metrics(0), std::nullopt);
  store.set_test_metrics(0, {.accuracy = 0.5, .windows = 9});
  EXPECT_EQ(store.test_metrics(0)->accuracy, 0.5);
  EXPECT_EQ(store.test_metrics(0)->windows, 9);
  EXPECT_EQ(store.trial(0).metrics.windows, 640);  // those of validation stand beside them
  EXPECT_THAT(store_error([&] { store.set_test_metrics(0, {.accuracy = 0.9}); }), HasSubstr("it is scored once"));
}

TEST_F(StoreTest, AddsUpRejectionsByRule) {
  TrialStore store = open();
  store.begin(proposal(4));
  Trial other = proposal(5);
  other.provenance.rejected = {{"flash", 2}};
  store.begin(other);
  EXPECT_EQ(store.rejected(), (std::map<std::string, int64_t>{{"duplicate", 1}, {"flash", 5}}));
}

TEST_F(StoreTest, RefusesASecondWriterAndLetsReadersIn) {
  TrialStore store = open();
  store.begin(proposal(4));
  const std::string error = store_error([&] { open(); });
  EXPECT_THAT(error, HasSubstr(path() + ".lock: lock: another search of this study is running (pid " +
                               std::to_string(getpid()) + " on "));
  const TrialStore reader = TrialStore::open_read_only(path());
  EXPECT_EQ(reader.size(), 1);
  store.begin(proposal(5));
  EXPECT_EQ(reader.size(), 2);
  TrialStore tries = TrialStore::open_read_only(path());
  EXPECT_THAT(store_error([&] { tries.begin(proposal(6)); }), HasSubstr("readonly"));
}

// A name that its holder removed and another process made anew is not held twice: the lock is that of the new file.
TEST_F(StoreTest, ALockThatItsHolderRemovesCanBeTakenAgainByOneOnly) {
  const std::string lock = path() + ".guard";
  {
    const LockFile held(lock);
    std::filesystem::remove(lock);
  }
  const LockFile again(lock);
  EXPECT_TRUE(std::filesystem::exists(lock));
  EXPECT_THROW(LockFile{lock}, StoreError);
}

TEST_F(StoreTest, ReleasesItsLockAtTheEnd) {
  open();
  EXPECT_EQ(open().size(), 0);
}

TEST_F(StoreTest, LeavesForeignFilesAlone) {
  const std::string text =
      "not a database, but long enough to be taken for the first page of one by a hasty reader.....";
  std::ofstream(path()) << text << text;
  EXPECT_EQ(store_error([&] { open(); }), path() + ": open: file is not a database");
  EXPECT_EQ(std::filesystem::file_size(path()), 2 * text.size());
  std::filesystem::remove(path());
  sql("CREATE TABLE notes (text TEXT)");
  EXPECT_EQ(store_error([&] { open(); }), path() + ": open: this file is not a Bitwright store");
  EXPECT_EQ(store_error([&] { TrialStore::open_read_only(path()); }),
            path() + ": open: this file is not a Bitwright store");
  EXPECT_THAT(store_error([&] { TrialStore::open_read_only(path() + "x"); }), HasSubstr("unable to open"));
}

TEST_F(StoreTest, RefusesANewerFormatAndTablesThatAreNotOurs) {
  open();
  sql(fmt::format("PRAGMA user_version = {}", kSchemaVersion + 1));
  EXPECT_EQ(store_error([&] { open(); }),
            path() + ": open: the store has format 6, made by a newer Bitwright; this one reads up to 5");
  sql("PRAGMA user_version = 5; CREATE TRIGGER t AFTER INSERT ON trial BEGIN DELETE FROM event; END");
  EXPECT_THAT(store_error([&] { open(); }), HasSubstr("the tables are not those of a Bitwright store"));
  EXPECT_THAT(store_error([&] { TrialStore::open_read_only(path()); }), HasSubstr("not those"));
}

TEST_F(StoreTest, GivesBackHowATrialWasProposed) {
  TrialStore store = open();
  store.begin(proposal(4));
  store.begin(proposal(5));
  Trial child = proposal(6);
  child.provenance.parents = {1, 0};
  child.provenance.opinion->log_acquisition = -INFINITY;
  store.begin(child);
  Trial drawn = proposal(7);
  drawn.provenance = {.source = "random"};
  store.begin(drawn);
  const std::vector<Trial> trials = store.trials();
  EXPECT_EQ(trials[0].provenance.opinion, proposal(4).provenance.opinion);
  EXPECT_EQ(trials[2].provenance.parents, child.provenance.parents);
  EXPECT_EQ(trials[2].provenance.opinion, child.provenance.opinion);
  EXPECT_EQ(trials[3].provenance.source, "random");
  EXPECT_EQ(trials[3].provenance.opinion, std::nullopt);
  EXPECT_TRUE(trials[3].provenance.rejected.empty());
  EXPECT_EQ(trials[3].provenance.code, "0.1.0 1f0c9a52");
  EXPECT_EQ(store.integrity(), "");
}

// ---- what was read of earlier studies ----

const std::vector<EarlierStudy> kEarlier = {
    {"/data/a.bw.db",
     "11111111-1111-4111-8111-111111111111",
     "a",
     {{7, {{"blocks", "1"}, {"head", "flatten_dense"}}, 1.0 / 3.0}, {2, {{"blocks", "2"}}, 0.0}}},
    {"/data/b.bw.db", "22222222-2222-4222-8222-222222222222", "b", {}}};

TEST_F(StoreTest, KeepsWhatWasReadOfEarlierStudies) {
  {
    TrialStore store = open();
    EXPECT_TRUE(store.earlier().empty());
    store.set_earlier({kEarlier[1]});
    store.set_earlier(kEarlier);
    EXPECT_EQ(store.earlier(), kEarlier);
    store.begin(proposal(4));
    EXPECT_EQ(
        store_error([&] { store.set_earlier({}); }),
        path() + ": store the results of earlier studies: the study has trials, which were proposed without them");
  }
  EXPECT_EQ(TrialStore::open_read_only(path()).earlier(), kEarlier);
  EXPECT_EQ(open().integrity(), "");
}

TEST_F(StoreTest, NoticesResultsOfAnEarlierStudyThatWereChanged) {
  open().set_earlier(kEarlier);
  sql("UPDATE earlier_result SET error = 0.25 WHERE trial = 2");
  EXPECT_THAT(store_error([&] { TrialStore::open_read_only(path()).earlier(); }),
              HasSubstr("the results of the earlier study /data/a.bw.db are not those that were read"));
}

// ---- files of earlier versions ----

// As version 1 left it: one complete trial.
class FirstFormatTest : public StoreTest {
 protected:
  FirstFormatTest() {
    const Trial t = proposal(4);
    sql(fmt::format("PRAGMA application_id = {}; PRAGMA user_version = 1; {}", kApplicationId, kSchemaSteps[0]));
    sql(fmt::format(
        "INSERT INTO study VALUES (1, '{:036}', 'bearing', '{{}}', 'space A', '{}', 5, 1700000000000000);"
        "INSERT INTO objective VALUES (0, 'error');"
        "INSERT INTO trial VALUES (0, 'COMPLETE', 0, '{}', '{}', 'mutation of 7', 9, 0, 2, 1, '', 12.25, 10, 20);"
        "INSERT INTO value VALUES (0, 'validation', 'accuracy', 0.75);"
        "INSERT INTO rejection VALUES ('flash', 2)",
        7, sha256_hex("space A"), t.candidate.hash, nlohmann::json(t.candidate.network).dump()));
  }
  std::string copy() const { return path() + ".format1"; }
};

TEST_F(FirstFormatTest, ItsTablesAreThoseThatWereReleased) {
  EXPECT_EQ(sha256_hex(kSchemaSteps[0]), "5ecc2bd966ea230e8a9a76322330e4c637b4440082cd4ce98f1cf01ad2246a14");
}

TEST_F(FirstFormatTest, IsReadAsItIs) {
  const TrialStore store = TrialStore::open_read_only(path());
  const Trial trial = store.trial(0);
  EXPECT_EQ(trial.source, "mutation of 7");
  EXPECT_EQ(trial.metrics.accuracy, 0.75);
  EXPECT_EQ(trial.provenance.source, "");
  EXPECT_FALSE(std::filesystem::exists(copy()));
}

TEST_F(FirstFormatTest, IsBroughtToThisOneAfterACopyWhereAStudyGoesOn) {
  {
    TrialStore store = open();
    EXPECT_EQ(store.trial(0).source, "mutation of 7");
    EXPECT_EQ(store.begin(proposal(5)).number, 1);
    EXPECT_EQ(store.trial(1).provenance.source, "model");
    EXPECT_EQ(store.rejected().at("flash"), 5);
    EXPECT_EQ(store.events()[0].kind, "upgraded");
    EXPECT_EQ(store.events()[0].json, R"({"from": 1, "to": 5})");
    EXPECT_EQ(store.integrity(), "");
  }
  EXPECT_EQ(open().events().size(), 3u);  // upgraded, opened, opened: once is enough
  const TrialStore before = TrialStore::open_read_only(copy());
  EXPECT_EQ(before.size(), 1);
  EXPECT_EQ(before.trial(0).metrics.accuracy, 0.75);
}

TEST_F(FirstFormatTest, IsToldWhatItsParametersCanBe) {
  StudyRecord study = record();
  study.dimensions = {{"blocks", {"1", "2"}}, {"head", {"flatten_dense"}}};
  for (int time = 0; time < 2; ++time) TrialStore::create_or_open(path(), study);
  EXPECT_EQ(texts("SELECT name || choices FROM dimension ORDER BY idx"),
            (std::vector<std::string>{"blocks[1,2]", R"(head["flatten_dense"])"}));
}

TEST_F(FirstFormatTest, StaysWhatItIsWhereItsStudyIsAnother) {
  StudyRecord other = record();
  other.comparable_config = "space B";
  EXPECT_THROW(TrialStore::create_or_open(path(), other), ConfigError);
  EXPECT_FALSE(std::filesystem::exists(copy()));
}

TEST_F(FirstFormatTest, StaysWhatItIsWhereTheCopyCannotBeMade) {
  std::filesystem::create_directories(copy());
  std::ofstream(copy() + "/file") << "in the way";
  EXPECT_THAT(store_error([&] { open(); }), HasSubstr("upgrade from format 1: "));
  EXPECT_EQ(TrialStore::open_read_only(path()).events().size(), 0u);
}

// As version 2 left it: a complete trial and one that runs, each with rows that belong to it.
TEST_F(StoreTest, AFileOfTheSecondFormatKeepsAllItsRows) {
  EXPECT_EQ(sha256_hex(kSchemaSteps[1]), "0bd2a16123c9a7798d3261d281f1d2f552a4822562720ea9e1c7ea5216390e03");
  EXPECT_EQ(sha256_hex(kSchemaSteps[2]), "e0241bc0b9ed718170894036b2d0b924c15af42e734bc7c6aaf5294ca766f6f0");
  sql(fmt::format("PRAGMA application_id = {}; PRAGMA user_version = 2; {} {}", kApplicationId, kSchemaSteps[0],
                  kSchemaSteps[1]));
  sql(
      fmt::format("INSERT INTO study VALUES (1, '{:036}', 'bearing', '{{}}', 'space A', '{}', 5, 1700000000000000);"
                  "INSERT INTO objective VALUES (0, 'error')",
                  7, sha256_hex("space A")));
  for (const int number : {0, 1}) {
    const Trial t = proposal(4 + number);
    sql(
        fmt::format("INSERT INTO trial VALUES ({0}, {1}, '{2}', '{3}', 'model', 9, 0, 2, 1, '', {4});"
                    "INSERT INTO proposal VALUES ({0}, 'model', -3.5, 0.5, 0, -1, 2, '0.1.0 abc');"
                    "INSERT INTO attempt (trial, n, started_us) VALUES ({0}, 1, 10);"
                    "INSERT INTO param VALUES ({0}, 'blocks', '1')",
                    number, number == 0 ? "'COMPLETE', 0" : "'RUNNING', NULL", t.candidate.hash,
                    nlohmann::json(t.candidate.network).dump(), number == 0 ? "12.25, 10, 20" : "NULL, 30, NULL"));
  }
  const std::vector<Trial> before = TrialStore::open_read_only(path()).trials();
  EXPECT_EQ(TrialStore::open_read_only(path()).results().size(), 1u);
  TrialStore store = open();
  EXPECT_EQ(store.integrity(), "");
  const std::vector<Trial> after = store.trials();
  ASSERT_EQ(after.size(), 2u);
  for (size_t i = 0; i < 2; ++i) expect_equal(before[i], after[i]);
  EXPECT_EQ(after[0].provenance.opinion->mean, -3.5);
  store.finish(completed(store.begin_attempt(1, "interrupted")));
  EXPECT_EQ(store.results().size(), 2u);
  EXPECT_THAT(store_error([&] { store.set_earlier({}); }), HasSubstr("the study has trials"));
  sql("PRAGMA foreign_keys = ON; DELETE FROM param");
  EXPECT_EQ(store.integrity(), "");
}

// As versions 3 and 4 left them: a complete trial and one that stopped at a rung.
class LaterFormatTest : public StoreTest, public testing::WithParamInterface<int> {};

TEST_P(LaterFormatTest, AFileKeepsAllItsRows) {
  EXPECT_EQ(sha256_hex(kSchemaSteps[2]), "e0241bc0b9ed718170894036b2d0b924c15af42e734bc7c6aaf5294ca766f6f0");
  EXPECT_EQ(sha256_hex(kSchemaSteps[3]), "2bcedd685cb64eaed6a3fa55f1405ec0956de74782968b4308434188d8b4ed4b");
  sql(fmt::format("PRAGMA application_id = {}; PRAGMA user_version = {}", kApplicationId, GetParam()));
  for (int step = 0; step < GetParam(); ++step) sql(kSchemaSteps[static_cast<size_t>(step)]);
  sql(
      fmt::format("INSERT INTO study VALUES (1, '{:036}', 'bearing', '{{}}', 'space A', '{}', 5, 1700000000000000);"
                  "INSERT INTO objective VALUES (0, 'error')",
                  7, sha256_hex("space A")));
  for (const int number : {0, 1}) {
    const Trial t = proposal(4 + number);
    sql(fmt::format(
        "INSERT INTO trial VALUES ({0}, '{1}', {0}, '{2}', '{3}', 'model', 9, 0, 2, 1, '', 12.25, 10, 20);"
        "INSERT INTO proposal VALUES ({0}, 'model', -3.5, 0.5, 0, -1, 2, '0.1.0 abc');"
        "INSERT INTO attempt (trial, n, started_us) VALUES ({0}, 1, 10);"
        "INSERT INTO value VALUES ({0}, 'validation', 'accuracy', 0.5)",
        number, number == 0 ? "COMPLETE" : "STOPPED", t.candidate.hash, nlohmann::json(t.candidate.network).dump()));
  }
  sql("INSERT INTO stage VALUES (0, 1, 0.1, 1, 0, '', NULL, NULL, NULL, NULL, NULL, '', 1, 0.5, 12.25, 20)");
  const std::vector<Trial> before = TrialStore::open_read_only(path()).trials();
  TrialStore store = open();
  EXPECT_TRUE(std::filesystem::exists(fmt::format("{}.format{}", path(), GetParam())));
  EXPECT_EQ(store.integrity(), "");
  const std::vector<Trial> after = store.trials();
  ASSERT_EQ(after.size(), 2u);
  for (size_t i = 0; i < 2; ++i) expect_equal(before[i], after[i]);
  EXPECT_EQ(after[1].fidelity, 0.1);
  Trial measured = completed(store.go_on({.trial = 1, .fidelity = 1.0, .ask_watermark = 2, .provenance = {}}));
  measured.measured["flash"]["nucleo-l476rg"] = {1000.0, 1040.0};
  store.finish(measured);
  EXPECT_EQ(store.trial(1).measured, measured.measured);
  EXPECT_TRUE(store.results()[1].measured.empty());  // as it stopped
  EXPECT_EQ(store.results()[2].measured, measured.measured);
}

INSTANTIATE_TEST_SUITE_P(Formats, LaterFormatTest, testing::Values(3, 4));

TEST_F(StoreTest, KeepsWhatThePackageOfATrialTakesAndTheAccuracyOfOneThatBreaksALimit) {
  TrialStore store = open();
  Trial t = completed(store.begin(proposal(4)));
  t.state = TrialState::kInfeasible;
  t.violations = {{"flash", 1040.0, 1024.0, "flash exceeds the limit, as measured; estimated 1000 B"}};
  t.measured["flash"] = {{"nucleo-l476rg", {1000.0, 1040.0}}, {"pico", {2000.0, 2001.0}}};
  t.measured["latency"] = {{"pico", {0.1, 1.0 / 3.0}}};
  store.finish(t);
  expect_equal(store.trial(0), t);
}

TEST_F(StoreTest, KeepsWhereAnAttemptRanAndAsWhichExecution) {
  TrialStore store = open();
  store.begin(proposal(4));
  Trial t = completed(store.begin_attempt(0, "interrupted"));
  t.execution = "00112233445566778899aabbccddeeff";
  t.host = "node7";
  store.finish(t);
  expect_equal(store.trial(0), t);
  EXPECT_EQ(texts("SELECT n || coalesce(execution, '-') || coalesce(host, '-') FROM attempt ORDER BY n"),
            (std::vector<std::string>{"1--", "200112233445566778899aabbccddeeffnode7"}));
}

// ---- trainings that stop at rungs ----

Trial stopped(Trial t, double accuracy, double seconds) {
  t.state = TrialState::kStopped;
  t.metrics = {.accuracy = accuracy, .windows = 640};
  t.epochs = {{1, 0.01, 1.5, accuracy}};
  t.train_seconds = seconds;
  return t;
}

Trial begin_at(TrialStore& store, int channels, double fidelity) {
  Trial t = proposal(channels);
  t.fidelity = fidelity;
  return store.begin(std::move(t));
}

TEST_F(StoreTest, ATrainingThatStopsAtARungIsNotFinishedAndMayGoOn) {
  TrialStore store = open();
  store.finish(stopped(begin_at(store, 4, 0.1), 0.5, 3.0), {});
  EXPECT_EQ(store.trial(0).state, TrialState::kStopped);
  EXPECT_EQ(store.trial(0).fidelity, 0.1);
  EXPECT_EQ(store.trial(0).metrics.accuracy, 0.5);
  EXPECT_TRUE(store.finished().empty());
  EXPECT_TRUE(store.running().empty());
  ASSERT_EQ(store.stopped().size(), 1u);
  const Trial again = store.go_on({.trial = 0,
                                   .fidelity = 1.0,
                                   .ask_watermark = 1,
                                   .provenance = {.source = "rung", .opinion = Opinion{-2.0, 0.5, 0.0, -1.0, 3.0}}});
  EXPECT_EQ(again.state, TrialState::kRunning);
  EXPECT_EQ(again.fidelity, 1.0);
  EXPECT_EQ(again.attempt, 2);
  EXPECT_EQ(store.failed_attempts(0), 0);
  Trial whole = completed(again);
  store.finish(whole, {{"model", "codes"}});
  whole.train_seconds = 3.0 + 12.25;  // of both stages
  expect_equal(store.trial(0), whole);
  ASSERT_EQ(store.finished().size(), 1u);
  EXPECT_EQ(store.integrity(), "");
}

// What a trial had at a rung stays, in the order in which results came in.
TEST_F(StoreTest, ResultsAreThoseOfEveryStageInTheirOrder) {
  TrialStore store = open();
  const Trial first = begin_at(store, 4, 0.1), second = begin_at(store, 5, 0.1), third = begin_at(store, 6, 1.0);
  store.finish(stopped(second, 0.6, 2.0));
  store.finish(stopped(first, 0.5, 3.0));
  const Trial on = store.go_on({.trial = 1, .fidelity = 0.3, .ask_watermark = 2, .provenance = {.source = "halving"}});
  store.finish(completed(third));
  store.finish(stopped(on, 0.7, 4.0));
  store.finish(completed(store.go_on({.trial = 1, .fidelity = 1.0, .ask_watermark = 4, .provenance = {}})));
  std::vector<std::string> seen;
  for (const Trial& t : store.results())
    seen.push_back(fmt::format("#{} {} {} {:.3g} {}", t.number, trial_state_name(t.state), t.fidelity,
                               t.metrics.accuracy, t.train_seconds));
  EXPECT_THAT(seen, testing::ElementsAre("#1 STOPPED 0.1 0.6 2", "#0 STOPPED 0.1 0.5 3", "#2 COMPLETE 1 0.3 12.25",
                                         "#1 STOPPED 0.3 0.7 4", "#1 COMPLETE 1 0.3 12.25"));
  EXPECT_THAT(on.rungs, testing::ElementsAre(0.1));
  EXPECT_THAT(store.trial(1).rungs, testing::ElementsAre(0.1, 0.3));
  EXPECT_THAT(store.results().at(0).rungs, testing::ElementsAre());
  EXPECT_THAT(store.trial(2).rungs, testing::ElementsAre());
  const std::vector<Continuation> continuations = store.continuations();
  ASSERT_EQ(continuations.size(), 2u);
  EXPECT_EQ(continuations[0].trial, 1);
  EXPECT_EQ(continuations[0].fidelity, 0.3);
  EXPECT_EQ(continuations[0].next_trial, 3);
  EXPECT_EQ(continuations[0].ask_watermark, 2);
  EXPECT_EQ(continuations[0].provenance.source, "halving");
  EXPECT_EQ(continuations[0].provenance.opinion, std::nullopt);
  EXPECT_EQ(continuations[0].provenance.code, "0.1.0 1f0c9a52");
}

TEST_F(StoreTest, OnlyWhatStoppedGoesOnAndALateResultOfTheStageBeforeIsRefused) {
  TrialStore store = open();
  const Trial begun = begin_at(store, 4, 0.1);
  const auto go_on = [&] { store.go_on({.trial = 0, .fidelity = 1.0, .provenance = {}}); };
  EXPECT_EQ(store_error(go_on), path() + ": go on with trial 0: its state is RUNNING");
  store.finish(stopped(begun, 0.5, 3.0));
  go_on();
  EXPECT_EQ(store_error(go_on), path() + ": go on with trial 0: its state is RUNNING");
  EXPECT_THAT(store_error([&] { store.finish(stopped(begun, 0.6, 3.0)); }), HasSubstr("a result of attempt 1"));
  Trial failed = store.trial(0);
  failed.state = TrialState::kFailed;
  failed.failure = "loss is not finite at epoch 7";
  store.finish(failed);
  EXPECT_EQ(store.trial(0).metrics.windows, 0);  // what it had at the rung is its stage's
  EXPECT_EQ(store.results()[0].metrics.accuracy, 0.5);
  EXPECT_EQ(store_error(go_on), path() + ": go on with trial 0: its state is FAIL");
  EXPECT_EQ(store.integrity(), "");
}

TEST_F(StoreTest, NoticesAnArtifactThatWasChanged) {
  {
    TrialStore store = open();
    store.finish(completed(store.begin(proposal(4))), {{"model", "codes"}});
  }
  sql("UPDATE artifact SET content = x'00'");
  EXPECT_THAT(store_error([&] { TrialStore::open_read_only(path()).artifact(0, "model"); }),
              HasSubstr("artifact model of trial 0 does not match its SHA-256"));
}

TEST_F(StoreTest, ReportsAStoreCutShort) {
  {
    TrialStore store = open();
    for (int i = 1; i < 40; ++i) store.finish(completed(store.begin(proposal(i))), {{"model", std::string(9000, 'x')}});
  }
  std::filesystem::resize_file(path(), std::filesystem::file_size(path()) / 2);
  EXPECT_NE(store_error([&] { TrialStore::open_read_only(path()).trials(); }), "no error");
}

TEST_F(StoreTest, AFullDiskIsAnErrorThatLeavesTheEarlierRowsWhole) {
  const int64_t limit = 404 << 10;  // full while a trial is finished: its artifact is the largest write
  int64_t finished = 0;
  {
    TrialStore store = open({.max_bytes = limit});
    const std::string error = store_error([&] {
      for (int i = 1; i < 1000; ++i) {
        store.finish(completed(store.begin(proposal(i))), {{"model", std::string(20000, 'x')}});
        ++finished;
      }
    });
    EXPECT_THAT(error,
                HasSubstr("the disk is full (database or disk is full): make room and run the same command again"));
    EXPECT_THAT(error, HasSubstr("finish trial " + std::to_string(finished)));
  }
  EXPECT_GT(finished, 10);
  TrialStore store = open();  // there is room again
  EXPECT_EQ(store.integrity(), "");
  EXPECT_EQ(static_cast<int64_t>(store.finished().size()), finished);
  for (const Trial& t : store.finished()) EXPECT_EQ(store.artifact(t.number, "model")->size(), 20000u);
  ASSERT_EQ(store.running().size(), 1u);
  store.finish(completed(store.begin_attempt(finished, "interrupted")), {{"model", "x"}});
  EXPECT_TRUE(store.running().empty());
}

// Full at each of the first 200 pages, from the first one of the file that is being made.
TEST_F(StoreTest, EveryWriteThatMeetsAFullDiskIsUndoneWhole) {
  constexpr int64_t kPage = 4096;
  size_t most = 0;
  for (int64_t pages = 1; pages <= 200; ++pages) {
    std::filesystem::remove(path());
    size_t finished = 0;
    const std::string error = store_error([&] {
      TrialStore store = open({.max_bytes = pages * kPage});
      for (int i = 1; i < 1000; ++i, ++finished)
        store.finish(completed(store.begin(proposal(i))), {{"model", std::string(9000, 'x')}});
    });
    ASSERT_THAT(error, AllOf(HasSubstr(path()), HasSubstr("the disk is full"))) << pages;
    TrialStore store = open();  // there is room again
    ASSERT_EQ(store.integrity(), "") << pages;
    ASSERT_EQ(store.finished().size(), finished) << pages;
    for (const Trial& t : store.finished()) ASSERT_EQ(store.artifact(t.number, "model")->size(), 9000u);
    ASSERT_LE(store.running().size(), 1u) << pages;
    most = std::max(most, finished);
  }
  EXPECT_GT(most, 20u);
}

TEST_F(StoreTest, TimesNeverGoBackWhateverTheClockOfTheMachineSays) {
  constexpr int64_t kDay = 86'400'000'000;
  int64_t tomorrow = 0;
  {
    TrialStore store = open();
    tomorrow = store.begin(proposal(4)).started_us + kDay;
  }
  sql(fmt::format("UPDATE event SET time_us = {}", tomorrow));  // as if it had been a day fast
  TrialStore store = open();
  Trial trial = completed(store.begin_attempt(0, "interrupted"));
  store.finish(trial);
  trial = store.trial(0);
  EXPECT_GE(trial.ended_us, tomorrow);
  EXPECT_LT(trial.ended_us, tomorrow + kDay / 24);
  EXPECT_GE(store.begin(proposal(5)).started_us, trial.ended_us);
}

TEST_F(StoreTest, AKillWhileTheFileIsMadeLeavesOneThatOpens) {
  Rng rng(3);
  for (int round = 0; round < 30; ++round) {
    std::filesystem::remove(path());
    const pid_t child = fork();
    if (child == 0) {
      open();
      _exit(0);
    }
    std::this_thread::sleep_for(std::chrono::microseconds(rng.below(12000)));
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    TrialStore store = open();
    EXPECT_EQ(store.integrity(), "");
    EXPECT_EQ(store.begin(proposal(4)).number, 0);
  }
}

TEST(FileSystem, OfTheNetworkIsToldFromALocalOne) {
  EXPECT_EQ(network_file_system(0x6969), "NFS");
  EXPECT_EQ(network_file_system(0x65735546), "FUSE");
  EXPECT_EQ(network_file_system(0xffffffffff534d42), "CIFS");  // f_type is signed on some machines
  EXPECT_EQ(network_file_system(0xef53), std::nullopt);        // ext4
  EXPECT_EQ(network_file_system(0x01021994), std::nullopt);    // tmpfs
  EXPECT_EQ(store_error([] { check_file_system("/no/such/folder/study.db"); }),
            "/no/such/folder/study.db: open: folder /no/such/folder: No such file or directory");
}

}  // namespace
}  // namespace bitwright
