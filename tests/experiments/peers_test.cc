// The scripts that compare the search with Optuna's: they run, and their rows are those of one search each.
// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "core/io/csv.h"
#include "deploy/process.h"
#include "tests/io/temp_folder.h"

namespace bitwright {
namespace {

using testing::HasSubstr;

const std::string kScripts = BITWRIGHT_SOURCE_DIR "/experiments/search_bench/";
const std::string kProgram = BITWRIGHT_BINARY_DIR "/bitwright-search-problem";

class Peers : public testing::Test {
 protected:
  void SetUp() override {
    if (!run_process({"/usr/bin/python3", "-c", "import optuna"}).ok())
      GTEST_SKIP() << "no Optuna: apt-get install python3-optuna";
  }

  ProcessResult peer(const std::string& name, const std::string& problem) {
    return run_process(
        {kScripts + "peers.py", "--program", kProgram, "--problem", problem, "--peer", name, "--evaluations", "14"});
  }
};

TEST_F(Peers, KeepTheKnownLimitsWhereTheyAreAsked) {
  for (const char* name : {"optuna-tpe-known", "optuna-nsga2-known", "optuna-random-known"}) {
    const ProcessResult run = peer(name, "mcu");
    ASSERT_TRUE(run.ok()) << run.errors;
    const CsvTable rows = parse_csv(run.output, name);
    ASSERT_EQ(rows.rows.size(), 14u);
    for (size_t i = 0; i < rows.rows.size(); ++i) {
      EXPECT_EQ(rows.rows[i][rows.column("peer")], name);
      EXPECT_EQ(rows.rows[i][rows.column("i")], std::to_string(i));
      EXPECT_EQ(rows.rows[i][rows.column("known_ok")], "1");
    }
  }
}

TEST_F(Peers, ProposeTheSameForTheSameSeed) {
  const auto points = [&] {
    CsvTable rows = parse_csv(peer("optuna-tpe", "osy").output, "osy");
    for (auto& row : rows.rows) row[rows.column("ask_cpu_s")].clear();
    return rows.rows;
  };
  const auto first = points();
  ASSERT_EQ(first.size(), 14u);
  EXPECT_EQ(points(), first);
}

TEST_F(Peers, AreComparedWithOursAndNotRunAgain) {
  const TempFolder folder;
  const std::vector<std::string> command = {kScripts + "compare.py",
                                            "--programs",
                                            BITWRIGHT_BINARY_DIR,
                                            "--problems",
                                            "bnh",
                                            "--seeds",
                                            "1",
                                            "--evaluations",
                                            "12",
                                            "--jobs",
                                            "1",
                                            "--out",
                                            folder.path()};
  const ProcessResult first = run_process(command), second = run_process(command);
  ASSERT_TRUE(first.ok()) << first.errors;
  EXPECT_THAT(first.errors, HasSubstr("4 of 4 searches"));
  EXPECT_THAT(first.output, HasSubstr("share at 12"));
  EXPECT_THAT(first.output, HasSubstr("Against the best peer of each problem"));
  for (const char* name : {"bitwright-bayesian", "optuna-tpe", "optuna-nsga2", "optuna-random"})
    EXPECT_THAT(first.output, HasSubstr(name));
  EXPECT_EQ(second.output, first.output);
  EXPECT_EQ(second.errors, "");
}

// 5 against 5 apart: 2 of the C(10, 5) orders. 3 against 4 with U = 4: 2 x 11 of the 35 orders. Holm's correction of
// 0.01, 0.04 and 0.03: 3 x 0.01, 2 x 0.03, and no less than that.
TEST(Compare, StatisticsAreThoseOfTheBook) {
  const ProcessResult run = run_process({"/usr/bin/python3", "-B", "-c",
                                         "from compare import *\n"
                                         "print(mann_whitney([1, 2, 3, 4, 5], [6, 7, 8, 9, 10]) * 252)\n"
                                         "print(mann_whitney([1, 4, 5], [2, 3, 6, 7]) * 35)\n"
                                         "print(mann_whitney([1, 1], [1, 1]))\n"
                                         "print(holm({'a': 0.01, 'b': 0.04, 'c': 0.03}))\n"},
                                        {.directory = kScripts});
  EXPECT_EQ(run.output, "2.0\n22.0\n1.0\n{'a': 0.03, 'c': 0.06, 'b': 0.06}\n") << run.errors;
}

}  // namespace
}  // namespace bitwright
