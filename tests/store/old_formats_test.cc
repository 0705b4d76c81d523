// Stores that programs of earlier formats wrote: read as they are, and gone on with.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "core/store/store_care.h"
#include "core/store/trial_store.h"
#include "tests/io/temp_folder.h"

namespace bitwright {
namespace {

class OldFormat : public testing::TestWithParam<int> {
 protected:
  OldFormat() {
    std::ifstream in(fmt::format("{}/tests/store/formats/format{}.sql", BITWRIGHT_SOURCE_DIR, GetParam()));
    std::stringstream statements;
    statements << in.rdbuf();
    sqlite3* database = nullptr;
    EXPECT_EQ(sqlite3_open(path().c_str(), &database), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(database, statements.str().c_str(), nullptr, nullptr, nullptr), SQLITE_OK)
        << sqlite3_errmsg(database);
    sqlite3_close(database);
  }
  std::string path() const { return folder_.path() + "/old.bw.db"; }
  // What results told, and will tell, a search.
  std::vector<std::string> results() const {
    std::vector<std::string> all;
    for (const Trial& t : TrialStore::open_read_only(path()).results())
      all.push_back(fmt::format("{} {} {} {} {} {} {} {} {}", t.number, trial_state_name(t.state), t.fidelity, t.seed,
                                t.candidate.hash, t.metrics.accuracy, t.estimates.flash_bytes, t.provenance.source,
                                t.epochs.size()));
    return all;
  }

  TempFolder folder_;
};

TEST_P(OldFormat, IsReadAsItIs) {
  EXPECT_THAT(check_store(path()), testing::ElementsAre());
  const TrialStore store = TrialStore::open_read_only(path());
  EXPECT_EQ(store.study().name, "demo");
  EXPECT_GE(store.size(), 3);
  EXPECT_EQ(store.trial(0).state, TrialState::kComplete);
  EXPECT_GT(store.trial(0).metrics.accuracy, 0.5);
  EXPECT_GT(store.trial(0).estimates.layers.size(), 1u);
  EXPECT_EQ(store.stopped().size(), GetParam() < 3 ? 0u : 1u);
  EXPECT_TRUE(store.artifact(0, "model"));
  EXPECT_FALSE(std::filesystem::exists(fmt::format("{}.format{}", path(), GetParam())));
}

TEST_P(OldFormat, IsGoneOnWithWithAllThatItHas) {
  const StudyRecord study = TrialStore::open_read_only(path()).study();
  const std::vector<std::string> before = results();
  {
    TrialStore store = TrialStore::create_or_open(path(), study);
    Trial next = store.trial(1);
    next.candidate.hash = std::string(32, '0');
    store.begin(next);
  }
  EXPECT_EQ(results(), before);
  EXPECT_THAT(check_store(path()), testing::ElementsAre());
  EXPECT_EQ(TrialStore::open_read_only(path()).events().end()[-2].kind, "upgraded");
  EXPECT_THAT(check_store(fmt::format("{}.format{}", path(), GetParam())), testing::ElementsAre());
}

INSTANTIATE_TEST_SUITE_P(Formats, OldFormat, testing::Values(2, 3, 4));

}  // namespace
}  // namespace bitwright
