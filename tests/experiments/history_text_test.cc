// SPDX-License-Identifier: Apache-2.0
#include "experiments/history_text.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace bitwright {
namespace {

const std::vector<HistoryRow> kHistory = {
    {.sequence = 0, .number = 2, .state = TrialState::kFailed, .elapsed_seconds = 61.25, .train_seconds = 60.5},
    {.sequence = 1,
     .number = 0,
     .elapsed_seconds = 3700,
     .train_seconds = 120.5,
     .best_accuracy = 0.9884,
     .front_size = 1,
     .hypervolume = 0.4375}};

TEST(HistoryText, IsATable) {
  EXPECT_EQ(render_history(kHistory),
            "finished  trial  state         time       CPU     best  front  hypervolume\n"
            "       1  #2     FAIL      00:01:01  00:01:00        -      0       0.00 %\n"
            "       2  #0     COMPLETE  01:01:40  00:02:00  98.84 %      1      43.75 %\n");
}

TEST(HistoryText, IsCommaSeparated) {
  EXPECT_EQ(history_csv(kHistory),
            "sequence,trial,state,elapsed_seconds,train_seconds,best_accuracy,front,hypervolume\n"
            "0,2,FAIL,61.250,60.500,,0,0\n"
            "1,0,COMPLETE,3700.000,120.500,0.9884,1,0.4375\n");
}

TEST(HistoryText, IsJson) {
  const nlohmann::json json = history_json(kHistory);
  EXPECT_TRUE(json[0]["best_accuracy"].is_null());
  EXPECT_EQ(json[1]["best_accuracy"], 0.9884);
  EXPECT_EQ(json[1]["hypervolume"], 0.4375);
  EXPECT_EQ(json[1]["sequence"], 1);
}

}  // namespace
}  // namespace bitwright
