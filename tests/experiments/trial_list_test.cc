// SPDX-License-Identifier: Apache-2.0
#include "experiments/trial_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "core/io/csv.h"
#include "tests/experiments/trained_study.h"

namespace bitwright {
namespace {

// Of a store as it is read for a list.
class TrialList : public testing::Test {
 protected:
  TrialList() : study_({}, 8) {
    trials_ = study_.store().trials(TrialDetail::kFigures);
    trials_[3].state = TrialState::kFailed;
    trials_[3].failure = "worker ended: \"killed\", by signal 9";
    trials_[4].state = TrialState::kRunning;
    trials_[4].ended_us = 0;
    trials_[5].started_us = 1'764'207'000'250'000;
  }
  TrainedStudy study_;
  std::vector<Trial> trials_;
};

TEST_F(TrialList, WithoutNetworksTheFiguresAreTheSame) {
  const std::vector<Trial> whole = study_.store().trials();
  const std::vector<Trial> figures = study_.store().trials(TrialDetail::kFigures);
  ASSERT_EQ(figures.size(), whole.size());
  for (size_t i = 0; i < whole.size(); ++i) {
    EXPECT_EQ(figures[i].candidate.parameters, whole[i].candidate.parameters);
    EXPECT_EQ(figures[i].estimates.flash_bytes, whole[i].estimates.flash_bytes);
    EXPECT_EQ(figures[i].metrics.accuracy, whole[i].metrics.accuracy);
    EXPECT_TRUE(figures[i].candidate.network.layers.empty());
    EXPECT_FALSE(whole[i].candidate.network.layers.empty());
  }
}

TEST_F(TrialList, AsCsvHasAColumnForEveryParameterAndFigure) {
  const CsvTable table = parse_csv(trials_csv(trials_, wide_study({})), "list");
  ASSERT_EQ(table.rows.size(), 8u);
  const auto cell = [&](size_t row, const std::string& column) { return table.rows[row][table.column(column)]; };
  for (const auto& [name, value] : trials_[0].candidate.parameters) EXPECT_EQ(cell(0, name), value);
  EXPECT_EQ(cell(0, "estimate.flash_bytes"), std::to_string(trials_[0].estimates.flash_bytes));
  EXPECT_EQ(std::stod(cell(0, "validation.accuracy")), trials_[0].metrics.accuracy);
  EXPECT_EQ(cell(3, "state"), "FAIL");
  EXPECT_EQ(cell(3, "failure"), "worker ended: \"killed\", by signal 9");
  EXPECT_EQ(cell(3, "validation.accuracy"), "");
  EXPECT_EQ(cell(4, "ended"), "");
  EXPECT_EQ(cell(5, "started"), "2025-11-27T01:30:00.250000");
}

TEST_F(TrialList, AsJsonIsAnObjectALine) {
  std::istringstream lines(trials_json_lines(trials_));
  std::string line;
  for (const Trial& trial : trials_) {
    ASSERT_TRUE(std::getline(lines, line));
    const nlohmann::json json = nlohmann::json::parse(line);
    EXPECT_EQ(json["trial"], trial.number);
    EXPECT_EQ(json["parameters"], nlohmann::json(trial.candidate.parameters));
    EXPECT_EQ(json["validation"].is_null(), trial.state != TrialState::kComplete);
  }
  EXPECT_FALSE(std::getline(lines, line));
}

TEST_F(TrialList, HasWhatWasMeasuredAndTheAccuracyOfWhatBrokeALimitThere) {
  const Study study = wide_study({"search.measure=linked", "board=[nucleo-l476rg, nucleo-g071rb]"});
  trials_[2].state = TrialState::kInfeasible;
  trials_[2].metrics.windows = 100;
  trials_[2].measured["flash"] = {{"nucleo-l476rg", {1000.0, 1013.0}}, {"nucleo-g071rb", {1000.0, 990.0}}};
  const CsvTable table = parse_csv(trials_csv(trials_, study), "list");
  const auto cell = [&](size_t row, const std::string& column) { return table.rows[row][table.column(column)]; };
  EXPECT_EQ(cell(2, "measured.flash.nucleo-l476rg"), "1013");
  EXPECT_EQ(cell(2, "measured.flash.nucleo-g071rb"), "990");
  EXPECT_EQ(cell(2, "measured.ram.nucleo-g071rb"), "");
  EXPECT_EQ(cell(1, "measured.flash.nucleo-g071rb"), "");
  EXPECT_EQ(std::stod(cell(2, "validation.accuracy")), trials_[2].metrics.accuracy);
  const nlohmann::json json = nlohmann::json::parse(trials_json_lines({trials_[2]}));
  EXPECT_EQ(json["measured"]["flash"]["nucleo-l476rg"], 1013.0);
  EXPECT_FALSE(json["validation"].is_null());
  EXPECT_EQ(trials_csv(trials_, wide_study({})).find("measured"), std::string::npos);
}

TEST_F(TrialList, AsATableNamesObjectivesAndFailures) {
  const std::string table = render_trials(trials_, wide_study({}));
  EXPECT_THAT(table, testing::StartsWith("trial  state"));
  EXPECT_THAT(table, testing::HasSubstr("flash"));
  EXPECT_THAT(table, testing::HasSubstr("worker ended: \"killed\", by signal 9"));
}

}  // namespace
}  // namespace bitwright
