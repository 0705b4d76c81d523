// SPDX-License-Identifier: Apache-2.0
#include "experiments/report.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/io/load_study.h"
#include "experiments/study_session.h"
#include "experiments/training_request.h"
#include "tests/experiments/tiny_study.h"
#include "tests/io/temp_folder.h"

namespace bitwright {
namespace {

using testing::HasSubstr;
using testing::Not;

// The report of a study whose only trial is as accurate as this.
std::string report_of(const std::vector<std::string>& overrides, double accuracy = 0.9) {
  const TempFolder folder;
  const Study study = study_from_yaml(kTinyStudy, "tiny.yaml", overrides);
  TrialStore store = TrialStore::create_or_open(folder.path() + "/tiny.bw.db", study_record(study, {}));
  Trial trial;
  trial.candidate.network = network_argument("bearing_tiny");
  trial.candidate.hash = network_hash(trial.candidate.network);
  trial.source = "random";
  trial.estimates = rules_of(study).estimate(trial.candidate.network);
  trial = store.begin(trial);
  trial.state = TrialState::kComplete;
  trial.metrics.accuracy = accuracy;
  store.finish(trial, {});
  return study_report(store, study, store.trial(0), {});
}

double cycles_on(const std::string& board) {
  const Study study = study_from_yaml(kTinyStudy, "tiny.yaml", {"board=" + board});
  return rules_of(study).estimate(network_argument("bearing_tiny")).cycles;
}

TEST(StudyReport, OfOneBoardIsUnderItsTitle) {
  const std::string text = report_of({"board=nucleo-h743zi"});
  EXPECT_THAT(text, testing::StartsWith("# tiny on ST Nucleo-144 with STM32H743ZI\n"));
  EXPECT_THAT(text, Not(HasSubstr("worst")));
  EXPECT_THAT(text, HasSubstr("## Trial #0 on nucleo-h743zi, layer by layer\n"));
}

// The front has the worst of both, the package is made for the first.
TEST(StudyReport, OfSeveralBoardsSaysWhoseFiguresItHas) {
  const std::string text = report_of({"board=[nucleo-h743zi, nucleo-u083rc]"});
  EXPECT_THAT(text, testing::StartsWith("# tiny on nucleo-h743zi and nucleo-u083rc\n"));
  EXPECT_THAT(text, HasSubstr("\nEach figure is the worst of nucleo-h743zi and nucleo-u083rc.\n"));
  EXPECT_THAT(text, HasSubstr("## Trial #0 on nucleo-h743zi, layer by layer\n"));
  ASSERT_LT(cycles_on("nucleo-h743zi"), cycles_on("nucleo-u083rc"));
  EXPECT_THAT(text, HasSubstr("\nEstimated for nucleo-h743zi: code "));
  EXPECT_THAT(text, HasSubstr(fmt::format(" instructions, {:.0f} cycles.\n", cycles_on("nucleo-h743zi"))));
}

}  // namespace
}  // namespace bitwright
