// SPDX-License-Identifier: Apache-2.0
#include "core/store/store_care.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <filesystem>
#include <fstream>

#include "core/error.h"
#include "core/rng.h"
#include "core/store/trial_store.h"
#include "tests/io/temp_folder.h"

namespace bitwright {
namespace {

using testing::HasSubstr;

constexpr int kTrials = 60;

StudyRecord record() {
  return {.name = "bearing",
          .config_json = "{}",
          .comparable_config = "space A",
          .seed = 5,
          .objectives = {"error", "flash"},
          .dimensions = {{"units", {"2", "3"}}},
          .provenance = {{"version", "0.1.0"}}};
}

Trial proposal(int units) {
  Trial trial;
  trial.candidate.parameters = {{"units", std::to_string(units)}};
  trial.candidate.network = {.name = "n", .input = {1, 1, 4}};
  append(trial.candidate.network, {.name = "head", .op = Dense{.units = units}});
  trial.candidate.hash = fmt::format("{:032}", units);
  trial.provenance = {.source = "random"};
  trial.estimates.layers = {{"head", "dense"}};
  return trial;
}

// A store of sixty finished trials and one that runs, about 1 MiB of pages of all kinds.
class StoreCare : public testing::Test {
 protected:
  StoreCare() {
    TrialStore store = TrialStore::create_or_open(path(), record());
    for (int i = 0; i < kTrials; ++i) {
      Trial trial = store.begin(proposal(2 + i));
      trial.state = TrialState::kComplete;
      trial.metrics = {.accuracy = 0.5 + i / 200.0, .windows = 100};
      trial.measured["flash"] = {{"nucleo-l476rg", {1000.0, 1000.0 + i}}, {"pico", {900.0, 901.0}}};
      trial.host = "node" + std::to_string(i);
      for (int epoch = 1; epoch <= 30; ++epoch) trial.epochs.push_back({epoch, 0.01, 0.5, 0.25});
      store.finish(trial, {{"model", std::string(9000, static_cast<char>('a' + i % 26))}});
    }
    store.begin(proposal(1000));
  }
  std::string path() const { return folder_.path() + "/study.db"; }
  std::string other() const { return folder_.path() + "/other.db"; }
  void sql(const std::string& statements) const {
    sqlite3* database = nullptr;
    ASSERT_EQ(sqlite3_open(path().c_str(), &database), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(database, statements.c_str(), nullptr, nullptr, nullptr), SQLITE_OK)
        << sqlite3_errmsg(database);
    sqlite3_close(database);
  }
  // Overwrites whole pages, but the first.
  void damage(int pages, uint64_t seed) const {
    constexpr int64_t kPage = 4096;
    Rng rng(seed);
    std::fstream file(path(), std::ios::in | std::ios::out | std::ios::binary);
    const auto count = static_cast<int64_t>(std::filesystem::file_size(path())) / kPage;
    for (int i = 0; i < pages; ++i) {
      file.seekp(kPage * rng.between(int64_t{1}, count - 1));
      file << std::string(kPage, static_cast<char>(rng.below(256)));
    }
  }
  TempFolder folder_;
};

TEST_F(StoreCare, ASoundStoreHasNoProblems) {
  EXPECT_THAT(check_store(path()), testing::IsEmpty());
}

TEST_F(StoreCare, ProblemsAreNamed) {
  sql("UPDATE artifact SET content = x'00' WHERE trial = 7; DELETE FROM value WHERE trial = 9 AND kind = 'validation';"
      "UPDATE trial SET network_json = '{' WHERE number = 11; DELETE FROM trial WHERE number = 13");
  const std::string all = fmt::format("{}", fmt::join(check_store(path()), "\n"));
  EXPECT_THAT(all, HasSubstr("artifact model of trial 7 does not match its SHA-256"));
  EXPECT_THAT(all, HasSubstr("trial 9 is complete without a result"));
  EXPECT_THAT(all, HasSubstr("trial 11"));
  EXPECT_THAT(all, HasSubstr("belongs to no trial"));
}

TEST_F(StoreCare, ADamagedPageIsAProblem) {
  damage(3, 1);
  EXPECT_THAT(check_store(path()), testing::Not(testing::IsEmpty()));
}

TEST_F(StoreCare, ACopyIsMadeWhileASearchHasTheStoreAndReplacesNothing) {
  {
    TrialStore writer = TrialStore::create_or_open(path(), record());
    writer.begin(proposal(2000));
    back_up_store(path(), other());
  }
  const TrialStore copy = TrialStore::open_read_only(other());
  EXPECT_EQ(copy.size(), kTrials + 2);
  EXPECT_EQ(copy.study().uuid, TrialStore::open_read_only(path()).study().uuid);
  EXPECT_THAT(check_store(other()), testing::IsEmpty());
  try {
    back_up_store(path(), other());
    ADD_FAILURE() << "replaced";
  } catch (const StoreError& error) {
    EXPECT_THAT(error.what(), HasSubstr("other.db: it is there already"));
  }
  EXPECT_FALSE(std::filesystem::exists(other() + ".part"));
}

TEST_F(StoreCare, WhatIsNoStoreIsNotCopied) {
  std::ofstream(path()) << "text";
  EXPECT_THROW(back_up_store(path(), other()), StoreError);
  EXPECT_THROW(salvage_store(path(), other()), StoreError);
  EXPECT_FALSE(std::filesystem::exists(other()));
}

TEST_F(StoreCare, OfASoundStoreEverythingIsSaved) {
  const Salvage salvaged = salvage_store(path(), other());
  EXPECT_EQ(salvaged.kept, kTrials + 1);
  EXPECT_THAT(salvaged.lost, testing::IsEmpty());
  EXPECT_THAT(salvaged.tables, testing::IsEmpty());
  const TrialStore before = TrialStore::open_read_only(path()), after = TrialStore::open_read_only(other());
  EXPECT_EQ(after.study().uuid, before.study().uuid);
  for (int64_t number = 0; number <= kTrials; ++number) {
    EXPECT_EQ(after.trial(number).candidate.hash, before.trial(number).candidate.hash);
    EXPECT_EQ(after.trial(number).metrics.accuracy, before.trial(number).metrics.accuracy);
    EXPECT_EQ(after.trial(number).measured, before.trial(number).measured);
    EXPECT_EQ(after.trial(number).host, before.trial(number).host);
    EXPECT_EQ(after.artifact(number, "model"), before.artifact(number, "model"));
  }
  EXPECT_EQ(after.events().size(), before.events().size() + 1);
  EXPECT_EQ(after.events().back().kind, "salvaged");
}

TEST_F(StoreCare, OfADamagedStoreEveryTrialThatIsSavedIsWholeAndASearchGoesOn) {
  const std::string damaged_before = path() + ".copy";
  int64_t kept = 0, made = 0;
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    std::filesystem::copy_file(path(), damaged_before, std::filesystem::copy_options::overwrite_existing);
    damage(4, seed);
    try {
      const Salvage salvaged = salvage_store(path(), other());
      ++made;
      kept += salvaged.kept;
      EXPECT_EQ(salvaged.kept + std::ssize(salvaged.lost), kTrials + 1) << seed;
      EXPECT_THAT(check_store(other()), testing::IsEmpty()) << seed;
      TrialStore store = TrialStore::create_or_open(other(), record());
      for (const Trial& trial : store.finished()) {
        EXPECT_EQ(trial.metrics.accuracy, 0.5 + static_cast<double>(trial.number) / 200.0);
        EXPECT_EQ(store.artifact(trial.number, "model")->size(), 9000u);
      }
      const Trial next = store.begin(proposal(3000));
      EXPECT_GT(next.number, salvaged.kept - 2);
      EXPECT_EQ(store.integrity(), "");
    } catch (const StoreError& error) {
      EXPECT_THAT(error.what(), HasSubstr("there is no telling which study it is")) << seed;
    }
    for (const char* suffix : {"", "-wal", "-shm", ".lock"}) std::filesystem::remove(other() + suffix);
    std::filesystem::copy_file(damaged_before, path(), std::filesystem::copy_options::overwrite_existing);
  }
  EXPECT_GE(made, 7);
  EXPECT_GT(kept, made * kTrials / 2);
}

TEST_F(StoreCare, ASalvagedStudyWithRungsGoesOn) {
  {
    TrialStore store = TrialStore::create_or_open(path(), record());
    for (int i = 0; i < 3; ++i) {
      Trial trial = proposal(4000 + i);
      trial.fidelity = 0.1;
      trial = store.begin(std::move(trial));
      trial.state = TrialState::kStopped;
      store.finish(trial);
    }
  }
  sql(fmt::format("UPDATE trial SET network_json = '{{' WHERE number = {}", kTrials + 1));
  EXPECT_EQ(salvage_store(path(), other()).lost, (std::vector<int64_t>{kTrials + 1}));
  TrialStore store = TrialStore::create_or_open(other(), record());
  Trial next = proposal(5000);
  next.fidelity = 0.1;
  EXPECT_EQ(store.begin(std::move(next)).number, kTrials + 4);
  EXPECT_EQ(store.go_on({.trial = kTrials + 3, .fidelity = 1.0, .provenance = {}}).state, TrialState::kRunning);
  EXPECT_EQ(store.integrity(), "");
}

TEST_F(StoreCare, WhileASearchHasTheStoreItIsNotSalvaged) {
  const TrialStore writer = TrialStore::create_or_open(path(), record());
  EXPECT_THROW(salvage_store(path(), other()), StoreError);
}

}  // namespace
}  // namespace bitwright
