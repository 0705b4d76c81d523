// SPDX-License-Identifier: Apache-2.0
#include "experiments/board_fits.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/embedded.h"
#include "core/error.h"
#include "core/io/load_study.h"
#include "core/io/network_yaml.h"
#include "experiments/duty_cycle_text.h"
#include "experiments/front_json.h"
#include "experiments/limits_text.h"
#include "experiments/study_session.h"
#include "tests/experiments/tiny_study.h"
#include "tests/io/temp_folder.h"

namespace bitwright {
namespace {

using testing::HasSubstr;

Study study_of(const std::vector<std::string>& overrides) {
  return study_from_yaml(kTinyStudy, "tiny.yaml", overrides);
}

Network bearing() {
  return network_from_yaml(std::string(*embedded_file("configs/networks/bearing_pooled.yaml")), "bearing_pooled");
}

Trial complete(const Study& study) {
  Trial trial;
  trial.number = 7;
  trial.state = TrialState::kComplete;
  trial.candidate.network = bearing();
  trial.estimates = rules_of(study).estimate(trial.candidate.network);
  trial.metrics.accuracy = 0.9;
  return trial;
}

TEST(RulesOf, SeveralBoardsTakesTheWorstOfThem) {
  const std::vector<std::string> names = {"nucleo-u083rc", "nucleo-h743zi"};
  const Estimates both = rules_of(study_of({"board=[nucleo-u083rc, nucleo-h743zi]"})).estimate(bearing());
  ASSERT_EQ(both.boards.size(), 2u);
  for (size_t i = 0; i < names.size(); ++i) {
    const Estimates alone = rules_of(study_of({"board=" + names[i]})).estimate(bearing());
    EXPECT_EQ(both.boards[i].flash_bytes, alone.flash_bytes) << names[i];
    EXPECT_EQ(both.boards[i].latency_us, alone.latency_us) << names[i];
    EXPECT_GE(both.flash_bytes, alone.flash_bytes);
    EXPECT_GE(both.ram_bytes, alone.ram_bytes);
    EXPECT_GE(both.latency_us, alone.latency_us);
    EXPECT_GE(both.energy_uj, alone.energy_uj);
  }
  EXPECT_EQ(both.latency_us, both.boards[0].latency_us);  // the Cortex-M0+
}

TEST(RulesOf, ACandidateMustFitEveryBoard) {
  const CandidateRules rules = rules_of(study_of({"board=[nucleo-h743zi, nucleo-u083rc]", "limits.latency=20 ms"}));
  const Estimates e = rules.estimate(bearing());
  ASSERT_LT(e.boards[0].latency_us, 20'000);
  ASSERT_GT(e.boards[1].latency_us, 20'000);
  const auto violations = rules.check_budgets(e);
  ASSERT_EQ(violations.size(), 1u);
  EXPECT_THAT(violations[0].message, testing::StartsWith("nucleo-u083rc: latency "));
}

TEST(RulesOf, ADutyCycleGivesAveragePower) {
  const Study study = study_of({"board=nucleo-u083rc", "duty_cycle.inferences_per_hour=60"});
  const Estimates e = rules_of(study).estimate(bearing());
  const double asleep = 0.825 * 3.3;
  EXPECT_DOUBLE_EQ(e.average_power_uw, e.energy_uj / 60 + asleep * (1 - e.latency_us * 60 / 3600e6));
  const Study busy = study_of({"board=nucleo-u083rc", "duty_cycle.inferences_per_hour=1000000"});
  const auto violations = rules_of(busy).check_budgets(rules_of(busy).estimate(bearing()));
  ASSERT_EQ(violations.size(), 1u);
  EXPECT_EQ(violations[0].rule, "duty_cycle");
}

TEST(BoardFits, ReportedBoardsHaveTheirOwnMemoryAndTheStudysOtherLimits) {
  const Study study = study_of({"limits.flash=1 KiB", "limits.latency=20 ms", "limits.macs=1 MMAC",
                                "report_boards=[nucleo-h743zi, nucleo-u083rc, nucleo-f072rb]"});
  const std::vector<BoardFit> fits = board_fits(study, bearing());
  ASSERT_EQ(fits.size(), 4u);
  EXPECT_TRUE(fits[0].needed);
  EXPECT_FALSE(fits[0].fits());  // 1 KiB of flash
  EXPECT_EQ(fits[0].violations[0].rule, "flash");
  EXPECT_FALSE(fits[1].needed);
  EXPECT_TRUE(fits[1].fits());  // whatever the first board's limit on flash
  ASSERT_EQ(fits[2].violations.size(), 1u);
  EXPECT_EQ(fits[2].violations[0].rule, "latency");
  EXPECT_FALSE(fits[3].estimates);  // a Cortex-M0
  EXPECT_FALSE(fits[3].fits());
}

TEST(BoardFits, OfKnownFiguresAreThoseEstimatedAnew) {
  for (const std::string boards : {"nucleo-h743zi", "[nucleo-h743zi, nucleo-u083rc]"}) {
    const Study study = study_of({"board=" + boards, "report_boards=nucleo-f411re", "limits.latency=20 ms"});
    const std::vector<BoardFit> anew = board_fits(study, bearing()),
                                known = board_fits(study, bearing(), rules_of(study).estimate(bearing()));
    ASSERT_EQ(known.size(), anew.size());
    for (size_t i = 0; i < anew.size(); ++i) {
      EXPECT_EQ(known[i].board.name, anew[i].board.name);
      EXPECT_EQ(known[i].estimates->latency_us, anew[i].estimates->latency_us);
      EXPECT_EQ(known[i].fits(), anew[i].fits());
    }
  }
}

TEST(RenderFront, TellsOfEveryBoard) {
  const Study study = study_of({"board=[nucleo-h743zi, nucleo-u083rc]", "report_boards=nucleo-f072rb"});
  const std::string text = render_front({{complete(study), {}}}, study);
  EXPECT_THAT(text, HasSubstr("tiny on nucleo-h743zi and nucleo-u083rc\n"));
  EXPECT_THAT(text, HasSubstr("\neach figure is the worst of nucleo-h743zi and nucleo-u083rc\n"));
  EXPECT_THAT(text, HasSubstr("\nby board, estimated anew:\n"));
  EXPECT_THAT(text, HasSubstr("nucleo-u083rc"));
  EXPECT_THAT(text, HasSubstr("unknown: no costs of its core"));
  const Study one = study_of({});
  EXPECT_THAT(render_front({{complete(one), {}}}, one),
              testing::Not(testing::AnyOf(HasSubstr("fits"), HasSubstr("worst"))));
}

TEST(RenderFront, ShowsPowerAndBatteryOfADutyCycle) {
  const Study study =
      study_of({"board=nucleo-u083rc", "duty_cycle.inferences_per_hour=60", "duty_cycle.battery=220 mAh"});
  const std::string text = render_front({{complete(study), {}}}, study);
  EXPECT_THAT(text, HasSubstr("power"));
  EXPECT_THAT(text, HasSubstr(" uW"));
  EXPECT_THAT(text, HasSubstr("years"));
}

TEST(TrialJson, TellsOfEveryBoard) {
  const Study study = study_of({"board=[nucleo-h743zi, nucleo-u083rc]", "report_boards=nucleo-f072rb"});
  const nlohmann::json json = trial_json(complete(study), {}, study);
  ASSERT_EQ(json["boards"].size(), 3u);
  EXPECT_EQ(json["boards"][1]["board"], "nucleo-u083rc");
  EXPECT_EQ(json["boards"][1]["latency_us"], json["estimates"]["latency_us"]);  // the worst
  EXPECT_FALSE(json["boards"][2]["known"]);
  EXPECT_FALSE(trial_json(complete(study_of({})), {}, study_of({})).contains("boards"));
}

TEST(DutyCycleText, NamesItsSourcesAndWhatItOmits) {
  const std::string text = duty_cycle_text(study_of({"board=nucleo-u083rc", "duty_cycle.inferences_per_hour=60"}));
  EXPECT_THAT(text, HasSubstr("60 inferences an hour, one every 60 s"));
  EXPECT_THAT(text, HasSubstr("2.7 uW asleep (0.825 uA)"));
  EXPECT_THAT(text, HasSubstr("ST DS14463"));
  EXPECT_THAT(text, HasSubstr("self-discharge"));
  const std::string own = duty_cycle_text(
      study_of({"board=nucleo-u083rc", "duty_cycle.inferences_per_hour=60", "duty_cycle.sleep_current=5 uA"}));
  EXPECT_THAT(own, HasSubstr("sleep current: duty_cycle.sleep_current"));
  EXPECT_EQ(duty_cycle_text(study_of({})), "");
}

TEST(LimitsText, SaysWhatALimitIsAPartOfAndWhatIsSoft) {
  EXPECT_EQ(limits_text(study_of({"limits.flash=32 KiB", "limits.ram=20 KiB of 96 KiB", "limits.params=20k",
                                  "limits.accuracy=95 %", "limits.soft.latency=5 ms"})),
            "  flash <= 32.0 KiB  ram <= 20.0 KiB of 96.0 KiB  params <= 20.0 k  accuracy >= 95.00 %  soft: latency <= "
            "5.0 ms");
}

TEST(StudyOnBoard, MakesAReportedBoardTheOnlyOneWithItsOwnMemory) {
  const Study study =
      study_of({"board=[nucleo-l476rg, nucleo-f411re]", "report_boards=nucleo-h743zi", "limits.flash=32 KiB"});
  const Study needed = study_on_board(study, "nucleo-f411re");
  EXPECT_EQ(needed.board.name, "nucleo-f411re");
  EXPECT_TRUE(needed.further_boards.empty());
  EXPECT_EQ(needed.limits.flash_bytes, 32 * 1024);
  EXPECT_EQ(study_on_board(study, "nucleo-h743zi").limits.flash_bytes, 0);
  EXPECT_EQ(error_of<ConfigError>([&] { study_on_board(study, "nucleo-h743zl"); }),
            "--board = nucleo-h743zl: the study has nucleo-l476rg, nucleo-f411re, nucleo-h743zi, did you mean "
            "\"nucleo-h743zi\"?");
}

}  // namespace
}  // namespace bitwright
