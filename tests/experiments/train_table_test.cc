// The table of trained nets: which nets, and that a kill costs no finished row.
// SPDX-License-Identifier: Apache-2.0
#include "experiments/train_table/train_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <set>
#include <sstream>
#include <thread>

#include "core/embedded.h"
#include "core/error.h"
#include "core/io/load_study.h"
#include "deploy/process.h"
#include "experiments/train_table/net_choices.h"
#include "experiments/train_table/row_file.h"
#include "tests/io/temp_folder.h"

namespace bitwright {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const char* const kTiny =
    "name: tiny\n"
    "board: nucleo-l476rg\n"
    "data: {kind: simulator, recordings: 16, samples: 2000, window: 64, hop: 64, protocol: time}\n"
    "space:\n"
    "  min_blocks: 1\n"
    "  max_blocks: 1\n"
    "  block: {channels: [4], kernel: [3], stride: [1, 2], pool: [1], weights: [ternary, int8], activations: [uint4]}\n"
    "  head: [global_pool_dense]\n"
    "  hidden: [0]\n"
    "  head_weights: [int8]\n"
    "training: {epochs: 9}\n";

std::string text_of(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

std::vector<std::string> rows_of(const std::string& path) {
  std::istringstream text(text_of(path));
  std::vector<std::string> rows;
  bool in_rows = false;
  for (std::string line; std::getline(text, line); in_rows |= line.starts_with("channels,"))
    if (in_rows) rows.push_back(line);
  std::sort(rows.begin(), rows.end());
  return rows;
}

class TrainTable : public testing::Test {
 protected:
  TrainTableResult train(const std::string& file, int64_t limit = 0) {
    return train_table(study_from_yaml(kTiny, "tiny.yaml"),
                       {.out = folder_.path() + "/" + file, .limit = limit, .compare = true});
  }
  std::string path(const std::string& file) const { return folder_.path() + "/" + file; }

  TempFolder folder_;
};

TEST_F(TrainTable, HasEveryNetOnceAndNoneThatDoesNotClose) {
  const Study study = study_from_yaml(std::string(*embedded_file("configs/studies/table.yaml")), "table.yaml",
                                      {"data.path=" + folder_.path()});  // the data may not be there
  std::set<std::string> nets;
  for (const NetChoice& choice : shuffled_net_choices(study.space)) {
    const Network network = network_of(choice, study.space, {256, 1, 1}, Format::kInt8, 10);
    EXPECT_EQ(infer_shapes(network).back().output, (Shape{1, 1, 10}));
    nets.insert(canonical_text(network));
  }
  EXPECT_EQ(nets.size(), 4032u);
}

TEST_F(TrainTable, GoesOnToTheSameRowsAfterALineWasCutOff) {
  const TrainTableResult whole = train("whole.csv", 2);
  EXPECT_EQ(whole.rows, 2);
  EXPECT_GT(whole.compared, 0);
  EXPECT_EQ(whole.differing, 0);
  const std::string text = text_of(path("whole.csv"));
  folder_.write("torn.csv", text.substr(0, text.size() - 7));
  const TrainTableResult rest = train("torn.csv", 2);
  EXPECT_EQ(rest.rows, 1);
  EXPECT_EQ(rest.skipped, 1);
  EXPECT_EQ(text_of(path("torn.csv")), text);
}

TEST_F(TrainTable, GoesOnToTheSameRowsAfterAKill) {
  const std::string out = path("killed.csv");
  const std::vector<std::string> command = {BITWRIGHT_BINARY_DIR "/bitwright-train-table", "--study",
                                            folder_.write("tiny.yaml", kTiny), "--out", out};
  const pid_t child = spawn_process(command, {});
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(2);
  while (rows_of(out).empty() && std::chrono::steady_clock::now() < deadline)
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  ::kill(child, SIGKILL);
  wait_for_process(child);
  ASSERT_FALSE(rows_of(out).empty());
  EXPECT_TRUE(run_process(command).ok());
  train("whole.csv");
  EXPECT_EQ(rows_of(out).size(), 4u);
  EXPECT_EQ(rows_of(out), rows_of(path("whole.csv")));
}

TEST_F(TrainTable, RowsDoNotDependOnShards) {
  train("one.csv");
  for (int shard : {0, 1})
    train_table(study_from_yaml(kTiny, "tiny.yaml"), {.out = path("shards.csv"), .shard = shard, .shards = 2});
  EXPECT_EQ(rows_of(path("shards.csv")), rows_of(path("one.csv")));
}

TEST_F(TrainTable, RefusesAStudyOfOtherEpochs) {
  const Study study = study_from_yaml(kTiny, "tiny.yaml", {"training.epochs=8"});
  EXPECT_EQ(error_of<ConfigError>([&] { train_table(study, {.out = path("x.csv")}); }),
            "tiny.yaml: training.epochs = 8: 9");
}

TEST(RowFile, BeginsAnewWhereTheHeaderWasCutOff) {
  const TempFolder folder;
  const std::string path = folder.write("rows.csv", "# a\nb,");
  RowFile(path, "# a\nb,c\n").append("1,2");
  EXPECT_EQ(text_of(path), "# a\nb,c\n1,2\n");
}

TEST(RowFile, NamesTheFirstFieldsOfItsRows) {
  const TempFolder folder;
  const std::string path = folder.write("rows.csv", "# a\n4-8,3,0.5\n8,9,0.25\n8,1");
  EXPECT_THAT(RowFile(path, "# a\n").keys(2), ElementsAre("4-8,3", "8,9"));
}

TEST(RowFile, RefusesOneOfOtherSettingsOrInUse) {
  const TempFolder folder;
  const std::string path = folder.path() + "/rows.csv";
  const RowFile file(path, "# seven epochs\n");
  EXPECT_THAT(error_of<StoreError>([&] { RowFile(path, "# seven epochs\n"); }), HasSubstr("another process has it"));
  const std::string other = folder.write("other.csv", "# seven epochs\n1\n");
  EXPECT_EQ(error_of<ConfigError>([&] { RowFile(other, "# nine epochs\n"); }),
            other + ": written with other settings: # seven epochs");
}

}  // namespace
}  // namespace bitwright
