// `bitwright front` with other limits, boards and objectives than a study was searched for.
// SPDX-License-Identifier: Apache-2.0
#include "experiments/what_if.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "core/io/board_yaml.h"
#include "core/io/load_study.h"
#include "core/rng.h"
#include "deploy/process.h"
#include "estimators/cost_table.h"
#include "experiments/what_if_text.h"
#include "search/space.h"
#include "tests/experiments/trained_study.h"

namespace bitwright {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

const TrainedStudy& trained() {
  static const TrainedStudy study({"limits.ram=16 KiB", "limits.latency=100 ms"});
  return study;
}

WhatIf asked(const WhatIfChanges& changes) {
  return what_if(trained().store(), changes);
}

std::string error(const TrainedStudy& study, const WhatIfChanges& changes) {
  return error_of<ConfigError>([&] { what_if(study.store(), changes); });
}
std::string error(const WhatIfChanges& changes) {
  return error(trained(), changes);
}

// ---- the answer

// A question, and the same as a study's file would say it.
struct Question {
  WhatIfChanges changes;
  std::vector<std::string> overrides;
};

std::vector<Question> questions() {
  return {
      {{.limits = {"ram=4KiB"}}, {"limits.ram=4 KiB", "limits.latency=100 ms"}},
      {{.limits = {"latency=none", "accuracy=80%"}}, {"limits.ram=16 KiB", "limits.accuracy=0.8"}},
      {{.limits = {"ram=none", "energy=500uJ", "macs=300kMAC", "params=2k"}},
       {"limits.latency=100 ms", "limits.energy=500 uJ", "limits.macs=300 kMAC", "limits.params=2000"}},
      {{.boards = {"nucleo-c031c6"}}, {"board=nucleo-c031c6", "limits.latency=100 ms"}},  // all of its RAM is 12 KiB
      {{.limits = {"latency=20ms"}, .boards = {"nucleo-u083rc", "nucleo-h743zi"}, .objectives = {"ram", "latency"}},
       {"board=[nucleo-u083rc, nucleo-h743zi]", "limits.ram=16 KiB", "limits.latency=20 ms",
        "objectives=[ram, latency]"}}};
}

// The complete trials that keep the study's limits, costed by it.
std::vector<Trial> that_fit(const Study& study) {
  std::vector<Trial> fitting;
  const CandidateRules rules = rules_of(study);
  for (Trial& trial : trained().store().trials()) {
    trial.estimates = rules.estimate(trial.candidate.network);
    if (rules.check_budgets(trial.estimates).empty() && trial.metrics.accuracy >= study.accuracy_floor)
      fitting.push_back(trial);
  }
  return fitting;
}

TEST(WhatIf, IsTheStoredTrialsFilteredAndEstimatedAsAStudyOfThatFileWould) {
  for (const Question& question : questions()) {
    const Study study = wide_study(question.overrides);
    const std::vector<Trial> fitting = that_fit(study);
    const WhatIf answer = asked(question.changes);
    EXPECT_EQ(answer.trained, 60);
    EXPECT_EQ(answer.fitting, static_cast<int64_t>(fitting.size()));
    EXPECT_TRUE(answer.fitting > 0 && answer.fitting < 60) << answer.fitting;
    const std::vector<size_t> front = pareto_front(fitting, goals_of(study));
    ASSERT_EQ(answer.front.size(), front.size());
    for (size_t i = 0; i < front.size(); ++i) {
      const Trial &point = answer.front[i].trial, &expected = fitting[front[i]];
      EXPECT_EQ(point.number, expected.number);
      EXPECT_EQ(point.estimates.flash_bytes, expected.estimates.flash_bytes);
      EXPECT_EQ(point.estimates.ram_bytes, expected.estimates.ram_bytes);
      EXPECT_EQ(point.estimates.latency_us, expected.estimates.latency_us);
      EXPECT_EQ(point.estimates.energy_uj, expected.estimates.energy_uj);
    }
  }
}

TEST(WhatIf, WithTheStudysOwnLimitsIsTheStudysFront) {
  const WhatIf answer = asked({.limits = {"ram=16KiB"}});
  const std::vector<FrontPoint> front = front_of(trained().store());
  ASSERT_EQ(answer.front.size(), front.size());
  for (size_t i = 0; i < front.size(); ++i) {
    EXPECT_EQ(answer.front[i].trial.number, front[i].trial.number);
    EXPECT_EQ(answer.front[i].trial.estimates.flash_bytes, front[i].trial.estimates.flash_bytes);
  }
  EXPECT_THAT(answer.changed, ElementsAre());
  EXPECT_FALSE(answer.lower_bound);
}

// A package that broke a limit may keep a looser one; one that was measured is judged by that, whatever is estimated.
TEST(WhatIf, JudgesByWhatWasMeasuredAndTakesInWhatBrokeALimit) {
  TrainedStudy study({"search.measure=linked"}, 3);
  Trial trial;
  const SearchSpace space(wide_study({}).space, {600, 1, 1}, Format::kInt8, 4, "tiny");
  Rng rng(12);
  do {
    trial.candidate = space.sample(rng);
    trial.estimates = rules_of(wide_study({})).estimate(trial.candidate.network);
  } while (study.store().contains(trial.candidate.hash) || trial.estimates.flash_bytes > 40'000);
  trial = study.writable().begin(std::move(trial));
  trial.state = TrialState::kInfeasible;
  trial.metrics = {.accuracy = 1.0, .windows = 100};
  const auto flash = static_cast<double>(trial.estimates.flash_bytes);
  trial.measured["flash"]["nucleo-l476rg"] = {flash, flash + 13.0};
  trial.violations = {{"flash", flash + 13.0, flash, "as measured"}};
  study.writable().finish(trial);
  const auto asked = [&](double bytes) {
    return what_if(study.store(), {.limits = {fmt::format("flash={}B", bytes), "accuracy=99%"}});
  };
  const WhatIf loose = asked(flash + 13.0), tight = asked(flash + 12.0);
  EXPECT_EQ(loose.trained, 4);
  ASSERT_EQ(loose.front.size(), 1u);
  EXPECT_EQ(loose.front[0].trial.number, trial.number);
  EXPECT_EQ(static_cast<double>(loose.front[0].trial.estimates.flash_bytes), flash);  // objectives are estimates
  EXPECT_TRUE(tight.front.empty());
  EXPECT_THAT(tight.nearest->broken[0].message,
              testing::EndsWith(fmt::format(" by 1 B, as measured; estimated {} B", flash)));
}

TEST(WhatIf, ShowsTestScoresWhereTheStoreHasThemAndScoresNone) {
  for (const FrontPoint& point : asked({.boards = {"nucleo-f411re"}}).front)
    EXPECT_EQ(point.test.has_value(), point.trial.number % 5 == 0) << point.trial.number;
}

TEST(WhatIf, CountsWhatEachRuleRejects) {
  std::map<std::string, int64_t> expected;
  const Study study = wide_study({"limits.ram=3 KiB", "limits.latency=10 ms", "limits.accuracy=0.7"});
  const CandidateRules rules = rules_of(study);
  for (const Trial& trial : trained().store().trials()) {
    for (const Violation& v : rules.check_budgets(rules.estimate(trial.candidate.network))) ++expected[v.rule];
    if (trial.metrics.accuracy < 0.7) ++expected["accuracy"];
  }
  ASSERT_EQ(expected.size(), 3u);
  const WhatIf answer = asked({.limits = {"ram=3KiB", "latency=10ms", "accuracy=70%"}});
  EXPECT_EQ((std::map<std::string, int64_t>(answer.rejected.begin(), answer.rejected.end())), expected);
  for (size_t i = 1; i < answer.rejected.size(); ++i)
    EXPECT_GE(answer.rejected[i - 1].second, answer.rejected[i].second);
}

TEST(WhatIf, AFrontIsALowerBoundWhereALimitIsLooserOrGoneOrTheBoardIsAnother) {
  const auto lower_bound = [](const WhatIfChanges& changes) { return asked(changes).lower_bound; };
  EXPECT_TRUE(lower_bound({.limits = {"ram=17KiB"}}));
  EXPECT_TRUE(lower_bound({.limits = {"latency=none"}}));
  EXPECT_TRUE(lower_bound({.limits = {"ram=4KiB"}, .boards = {"nucleo-f411re"}}));
  EXPECT_FALSE(lower_bound({.limits = {"ram=15KiB", "latency=100ms", "energy=1mJ"}}));
  EXPECT_FALSE(lower_bound({.limits = {"accuracy=60%"}}));  // what a floor refuses was trained
  EXPECT_FALSE(lower_bound({.boards = {"nucleo-l476rg"}}));
  EXPECT_FALSE(lower_bound({.objectives = {"ram"}}));
}

TEST(WhatIf, WhereNothingFitsNamesTheNearest) {
  const WhatIf answer = asked({.limits = {"ram=256B", "accuracy=40%"}});
  EXPECT_EQ(static_cast<int>(exit_code(answer)), 3);
  EXPECT_TRUE(answer.front.empty());
  int64_t least = INT64_MAX;
  for (const Trial& trial : that_fit(wide_study({}))) least = std::min(least, trial.estimates.ram_bytes);
  ASSERT_TRUE(answer.nearest);
  EXPECT_LE(answer.nearest->trial.estimates.ram_bytes, least);
  ASSERT_EQ(answer.nearest->broken.size(), 1u);
  EXPECT_EQ(answer.nearest->broken[0].rule, "ram");
  EXPECT_FALSE(asked({.limits = {"ram=4KiB"}}).nearest);
}

TEST(WhatIf, BelowAFloorTheMostAccurateIsTheNearest) {
  const WhatIf answer = asked({.limits = {"accuracy=1.0"}});
  ASSERT_TRUE(answer.nearest);
  double best = 0.0;
  for (const Trial& trial : trained().store().trials()) best = std::max(best, trial.metrics.accuracy);
  EXPECT_EQ(answer.nearest->trial.metrics.accuracy, best);
  EXPECT_EQ(
      answer.nearest->broken[0].message,
      fmt::format("accuracy {:.2f} % is below the limit of 100.00 % by {:.2f} points", 100 * best, 100 * (1 - best)));
}

TEST(WhatIf, OfAStoreWithoutATrainedNetworkNothingFits) {
  const TrainedStudy study({}, 0);
  const WhatIf answer = what_if(study.store(), {.limits = {"ram=8KiB"}});
  EXPECT_EQ(exit_code(answer), ExitCode::kNothingFits);
  EXPECT_FALSE(answer.nearest);
  EXPECT_EQ(what_if_text(answer),
            "what if: ram changed; searched on nucleo-l476rg  flash <= 1024.0 KiB  ram <= 96.0 KiB\n"
            "0 of 0 trained networks fit\n"
            "tiny on nucleo-l476rg  flash <= 1024.0 KiB  ram <= 8.0 KiB\n");
}

// ---- the study that is asked for

TEST(ChangedStudy, ABoardOfTheStudyIsTheStudysOwn) {
  const Study searched = wide_study({"board=[nucleo-l476rg, nucleo-l496zg]", "limits.ram_bank=sram2"});
  const Study study = changed_study(searched, {.boards = {"nucleo-l476rg"}});
  EXPECT_EQ(study.board.ram.front().name, "sram2");
  EXPECT_EQ(study.limits.ram_bytes, 32 * 1024);
  EXPECT_TRUE(study.further_boards.empty());
}

TEST(ChangedStudy, ABoardThatWasReportedIsTheOneThatCounts) {
  const Study study =
      changed_study(wide_study({"report_boards=[nucleo-f411re, nucleo-u083rc]"}), {.boards = {"nucleo-f411re"}});
  EXPECT_EQ(study.board.name, "nucleo-f411re");
  ASSERT_EQ(study.report_boards.size(), 1u);
  EXPECT_EQ(study.report_boards[0].name, "nucleo-u083rc");
}

TEST(ChangedStudy, ALimitBeyondTheNewBoardIsWhatThatHas) {
  const Study searched = wide_study({"limits.flash=64 KiB", "limits.ram=20 KiB of 96 KiB"});
  const Study small = changed_study(searched, {.boards = {"nucleo-c031c6"}});
  EXPECT_EQ(small.limits.flash_bytes, 32 * 1024);
  EXPECT_EQ(small.limits.ram_bytes, 12 * 1024);
  const Study large = changed_study(searched, {.boards = {"nucleo-f411re"}});
  EXPECT_EQ(large.limits.flash_bytes, 64 * 1024);
  EXPECT_EQ(large.limits.ram_bytes, 20 * 1024);
  EXPECT_EQ(changed_study(wide_study({}), {.boards = {"nucleo-f411re"}}).limits.ram_bytes, 128 * 1024);
}

TEST(ChangedStudy, ALiftedLimitIsTheBoards) {
  EXPECT_EQ(changed_study(wide_study({"limits.ram=8 KiB"}), {.limits = {"ram=none"}}).limits.ram_bytes, 96 * 1024);
}

// ---- what cannot be read

TEST(WhatIf, WhatCannotBeReadIsOneClearLine) {
  const std::string quantities = "flash, ram, latency, energy, average_power, macs, params, accuracy";
  EXPECT_EQ(error({.limits = {"rom=8KiB"}}),
            "--limit = rom=8KiB: written ram=8KiB or ram=none, of " + quantities + ", did you mean \"ram\"?");
  EXPECT_EQ(error({.limits = {"ram"}}), "--limit = ram: written ram=8KiB or ram=none, of " + quantities);
  EXPECT_EQ(error({.limits = {"soft.ram=8KiB"}}),
            "--limit = soft.ram=8KiB: written ram=8KiB or ram=none, of " + quantities);
  EXPECT_EQ(error({.limits = {"ram=8KiB", "ram=none"}}), "--limit = ram=none: ram is given twice");
  EXPECT_EQ(error({.limits = {"ram=8KB"}}),
            "command line: limits.ram = 8KB: a number with a unit of B, KiB, MiB, kB, MB, or none");
  EXPECT_EQ(error({.limits = {"ram="}}), "command line: limits.ram: no value");
  EXPECT_EQ(error({.limits = {"ram=1MiB"}}), "command line: limits.ram = 1MiB: sram1 of nucleo-l476rg has 96 KiB");
  EXPECT_EQ(error({.limits = {"accuracy=97"}}),
            "command line: limits.accuracy = 97: a share above 0, such as 95 % or 0.95, or none, did you mean 97 % or "
            "0.97?");
  EXPECT_THAT(error({.boards = {"nucleo-f411"}}),
              StartsWith("board nucleo-f411: unknown, did you mean \"nucleo-f411re\"? (known: "));
  EXPECT_EQ(error({.boards = {"nucleo-f411re", "nucleo-f411re"}}), "--board = nucleo-f411re: given twice");
  EXPECT_THAT(error({.boards = {"./none.yaml"}}), StartsWith("./none.yaml: cannot be read"));
  EXPECT_THAT(error({.boards = {"nucleo-f072rb"}}), StartsWith("core cortex-m0 was not calibrated"));
  EXPECT_EQ(error({.objectives = {"rum"}}),
            "command line: objectives[0] = rum: one of flash, ram, latency, energy, average_power, macs, params, did "
            "you mean \"ram\"?");
}

TEST(WhatIf, PowerThatABoardLeavesUnknownIsOneClearLine) {
  EXPECT_EQ(error({.limits = {"energy=5uJ"}, .boards = {"nucleo-f446re"}}),
            "command line: limits.energy = 5uJ: the file of nucleo-f446re gives no supply, current");
  EXPECT_EQ(error({.limits = {"average_power=5uW"}}),
            "command line: limits.average_power = 5uW: needs duty_cycle.inferences_per_hour");
  const TrainedStudy power({"board=nucleo-u083rc", "duty_cycle.inferences_per_hour=60", "objectives=average_power"}, 0);
  EXPECT_EQ(error(power, {.boards = {"nucleo-l476rg"}}),
            "--board: average_power is a limit or an objective, but the file of nucleo-l476rg gives no sleep_current");
  EXPECT_EQ(error(power, {.boards = {"nucleo-l476rg"}, .objectives = {"flash"}}), "");
}

// ---- in words and as JSON

TEST(WhatIfText, SaysWhatWasChangedWhatFitsAndThatItIsALowerBound) {
  const WhatIf answer = asked({.limits = {"latency=none"}, .boards = {"nucleo-c031c6"}});
  const std::string text = what_if_text(answer);
  ASSERT_THAT(answer.rejected, ElementsAre(testing::Pair("flash", 60 - answer.fitting)));
  EXPECT_THAT(text, StartsWith(fmt::format("what if: board, flash, ram and latency changed; searched on nucleo-l476rg  "
                                           "flash <= 1024.0 KiB  ram <= 16.0 KiB  latency <= 100.0 ms\n"
                                           "{} of 60 trained networks fit; rejected: flash {}\n"
                                           "tiny on nucleo-c031c6  flash <= 32.0 KiB  ram <= 12.0 KiB\ntrial ",
                                           answer.fitting, 60 - answer.fitting)));
  EXPECT_THAT(text, testing::EndsWith("note: a lower bound: networks that the study's own board or limits forbade were "
                                      "never trained; a search for these may find better ones\n"));
  EXPECT_THAT(what_if_text(asked({.limits = {"ram=4KiB"}})), Not(HasSubstr("note:")));
  EXPECT_THAT(what_if_text(asked({.objectives = {"ram", "macs"}})),
              HasSubstr("\nobjectives: ram, macs; searched for flash\n60 of 60 trained networks fit\n"));
}

TEST(WhatIfText, WhereNothingFitsSaysByHowMuchTheNearestMisses) {
  const WhatIf answer = asked({.limits = {"ram=256B"}});
  const Trial& nearest = answer.nearest->trial;
  EXPECT_THAT(what_if_text(answer),
              HasSubstr(fmt::format("\n0 of 60 trained networks fit; rejected: ram 60, latency {}\n"
                                    "tiny on nucleo-l476rg  flash <= 1024.0 KiB  ram <= 256 B  latency <= 100.0 ms\n"
                                    "the nearest is trial #{}:\n  {}\n",
                                    answer.rejected.at(1).second, nearest.number, answer.nearest->broken[0].message)));
}

TEST(WhatIfJson, HasTheFrontAndWhatWasAsked) {
  const WhatIf answer = asked({.limits = {"ram=4KiB"}, .boards = {"nucleo-f411re"}});
  const nlohmann::json json = what_if_json(answer), &what_if = json["what_if"];
  EXPECT_EQ(json["front"].size(), answer.front.size());
  EXPECT_EQ(json["boards"], nlohmann::json({"nucleo-f411re"}));
  EXPECT_EQ(json["front"][0]["estimates"]["ram_bytes"], answer.front[0].trial.estimates.ram_bytes);
  EXPECT_EQ(what_if["changed"], nlohmann::json({"board", "flash", "ram"}));
  EXPECT_EQ(what_if["searched"]["boards"], nlohmann::json({"nucleo-l476rg"}));
  EXPECT_EQ(what_if["searched"]["limits"]["ram"], "16384 B");
  EXPECT_EQ(what_if["asked"]["limits"]["ram"], "4096 B");
  EXPECT_EQ(what_if["asked"]["objectives"], nlohmann::json({"flash"}));
  EXPECT_EQ(what_if["trained"], 60);
  EXPECT_EQ(what_if["fitting"], answer.fitting);
  EXPECT_EQ(what_if["rejected"][0], nlohmann::json::array({"ram", answer.rejected[0].second}));
  EXPECT_TRUE(what_if["lower_bound"]);
  EXPECT_EQ(what_if["notes"].size(), 1u);
  EXPECT_FALSE(what_if.contains("nearest"));
  const nlohmann::json none = what_if_json(asked({.limits = {"ram=256B"}}));
  EXPECT_EQ(none["front"], nlohmann::json::array());
  EXPECT_EQ(none["what_if"]["nearest"]["violations"][0]["rule"], "ram");
  EXPECT_EQ(none["what_if"]["notes"], nlohmann::json::array());
}

// ---- the program

ProcessResult front(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {BITWRIGHT_BINARY_DIR "/bitwright", "front", "tiny.bw.db"});
  return run_process(arguments, {.directory = trained().folder().path()});
}

TEST(Front, WithoutChangesIsWhatShowPrints) {
  const ProcessResult shown =
      run_process({BITWRIGHT_BINARY_DIR "/bitwright", "show", "tiny.bw.db"}, {.directory = trained().folder().path()});
  EXPECT_EQ(front({}).output, shown.output);
  EXPECT_EQ(front({}).exit_status, 0);
  EXPECT_FALSE(nlohmann::json::parse(front({"--json"}).output).contains("what_if"));
}

TEST(Front, AnswersAWhatIf) {
  const ProcessResult run = front({"--limit", "ram=4KiB", "--limit", "latency=none", "--board", "nucleo-f411re"});
  EXPECT_EQ(run.exit_status, 0) << run.errors;
  EXPECT_EQ(run.output, what_if_text(asked({.limits = {"ram=4KiB", "latency=none"}, .boards = {"nucleo-f411re"}})));
  const ProcessResult json = front({"--objective", "ram", "--json"});
  EXPECT_EQ(nlohmann::json::parse(json.output)["what_if"]["changed"], nlohmann::json({"objectives"}));
}

TEST(Front, ExitCodesAreThreeWhereNothingFitsAndTwoForAMistake) {
  const ProcessResult none = front({"--limit", "ram=256B"});
  EXPECT_EQ(none.exit_status, 3);
  EXPECT_EQ(none.errors, "error: none of 60 trained networks fits the limits\n");
  EXPECT_THAT(none.output, HasSubstr("the nearest is trial #"));
  const ProcessResult wrong = front({"--limit", "ram=8KB"});
  EXPECT_EQ(wrong.exit_status, 2);
  EXPECT_EQ(wrong.errors,
            "error: command line: limits.ram = 8KB: a number with a unit of B, KiB, MiB, kB, MB, or none\n");
  EXPECT_EQ(wrong.output, "");
}

}  // namespace
}  // namespace bitwright
