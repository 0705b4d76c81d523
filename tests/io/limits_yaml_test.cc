// The limits, boards and duty cycle of a study: what is read, and the exact text of every refusal.
// SPDX-License-Identifier: Apache-2.0
#include "core/io/limits_yaml.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "core/io/board_yaml.h"
#include "core/io/load_study.h"
#include "tests/io/temp_folder.h"

namespace bitwright {
namespace {

using testing::ElementsAre;

// Its line 8 is the one that tests replace.
const std::string kStudy = R"(name: bearing
data:
  kind: simulator
  recordings: 8
  samples: 6000
board: nucleo-l476rg
limits:
  flash: 32 KiB
space:
  block:
    channels: [8, 16]
    kernel: 3
    weights: binary
    activations: binary
)";

Study study_of(const std::vector<std::string>& overrides, const std::string& text = kStudy) {
  return study_from_yaml(text, "s.yaml", overrides);
}

// kStudy with this instead of line 8.
std::string with_limit(const std::string& line) {
  std::string text = kStudy;
  return text.replace(text.find("flash: 32 KiB"), 13, line);
}

std::string error_in(const std::vector<std::string>& overrides, const std::string& text = kStudy) {
  return error_of<ConfigError>([&] { study_of(overrides, text); });
}
std::string error_of_limit(const std::string& line) {
  return error_in({}, with_limit(line));
}

std::string comparable(const Study& study) {
  return comparable_config(study.config_json);
}

TEST(Limits, ParametersAreCounted) {
  EXPECT_EQ(study_of({"limits.params=20000"}).limits.params, 20'000);
  EXPECT_EQ(study_of({"limits.params=20k"}).limits.params, 20'000);
  EXPECT_EQ(study_of({"limits.params=1.5 M"}).limits.params, 1'500'000);
  EXPECT_EQ(study_of({"limits.params=none"}).limits.params, 0);
  EXPECT_EQ(study_from_json(study_of({"limits.params=20k"}).config_json).limits.params, 20'000);
  const std::string count = "a whole number, with k or M for thousands or millions, or none";
  EXPECT_EQ(error_of_limit("params: 20 KiB"), "s.yaml:8:3: limits.params = 20 KiB: " + count);
  EXPECT_EQ(error_of_limit("params: 1.5"), "s.yaml:8:3: limits.params = 1.5: " + count);
  EXPECT_EQ(error_of_limit("params: 0"), "s.yaml:8:3: limits.params = 0: above 0, or none");
  EXPECT_EQ(error_of_limit("params: -5"), "s.yaml:8:3: limits.params = -5: above 0, or none");
}

TEST(Limits, AnAccuracyIsAShareOrAPercentage) {
  EXPECT_EQ(study_of({"limits.accuracy=95 %"}).accuracy_floor, 0.95);
  EXPECT_EQ(study_of({"limits.accuracy=95%"}).accuracy_floor, 0.95);
  EXPECT_EQ(study_of({"limits.accuracy=0.95"}).accuracy_floor, 0.95);
  EXPECT_EQ(study_of({"limits.accuracy=1"}).accuracy_floor, 1.0);
  EXPECT_EQ(study_of({}).accuracy_floor, 0.0);
  EXPECT_EQ(study_from_json(study_of({"limits.accuracy=97.3 %"}).config_json).accuracy_floor, 0.973);
  const std::string rule = ": a share above 0, such as 95 % or 0.95, or none";
  for (const std::string value : {"0", "-1 %", "101 %", "101", "high", "%"})
    EXPECT_EQ(error_of_limit("accuracy: '" + value + "'"), "s.yaml:8:3: limits.accuracy = " + value + rule);
  EXPECT_EQ(error_of_limit("accuracy: 95"), "s.yaml:8:3: limits.accuracy = 95" + rule + ", did you mean 95 % or 0.95?");
}

TEST(Limits, AveragePowerNeedsADutyCycle) {
  const Study study =
      study_of({"limits.average_power=1.5 mW", "duty_cycle.inferences_per_hour=60", "duty_cycle.sleep_current=1.2 uA"});
  EXPECT_EQ(study.limits.average_power_uw, 1500.0);
  EXPECT_EQ(error_of_limit("average_power: 100 uW"),
            "s.yaml:8:3: limits.average_power = 100 uW: needs duty_cycle.inferences_per_hour");
  EXPECT_EQ(error_of_limit("average_power: 100 uJ"),
            "s.yaml:8:3: limits.average_power = 100 uJ: a number with a unit of uW, nW, mW, or none");
}

// ---- what is left for the application ----

TEST(Limits, APartOfTheBoardsMemoryNamesTheWhole) {
  const Study study = study_of({"limits.ram=20 KiB of 96 KiB", "limits.flash=32 KiB of 1 MiB"});
  EXPECT_EQ(study.limits.ram_bytes, 20 * 1024);
  EXPECT_EQ(study.limits.ram_of_bytes, 96 * 1024);
  EXPECT_EQ(study.limits.flash_of_bytes, 1024 * 1024);
  const Study again = study_from_json(study.config_json);
  EXPECT_EQ(again.limits.ram_bytes, 20 * 1024);
  EXPECT_EQ(again.limits.ram_of_bytes, 96 * 1024);
  EXPECT_EQ(again.config_json, study.config_json);
}

TEST(Limits, NamingTheWholeMakesNoOtherStudy) {
  EXPECT_EQ(comparable(study_of({"limits.ram=20 KiB of 96 KiB", "limits.flash=32 KiB of 1 MiB"})),
            comparable(study_of({"limits.ram=20 KiB"})));
  EXPECT_NE(comparable(study_of({"limits.ram=21 KiB of 96 KiB"})), comparable(study_of({"limits.ram=20 KiB"})));
  nlohmann::json earlier = nlohmann::json::parse(comparable(study_of({"limits.ram=20 KiB"})));
  earlier["limits.ram"] = "20480 B of 98304 B";  // as a version stored it that compared it
  EXPECT_EQ(comparable_config(earlier.dump()), comparable(study_of({"limits.ram=20 KiB"})));
}

TEST(Limits, TheWholeMustBeWhatTheBoardHas) {
  EXPECT_EQ(error_of_limit("ram: 20 KiB of 64 KiB"),
            "s.yaml:8:3: limits.ram = 20 KiB of 64 KiB: sram1 of nucleo-l476rg has 96 KiB, not 64 KiB");
  EXPECT_EQ(error_of_limit("flash: 32 KiB of 128 KiB"),
            "s.yaml:8:3: limits.flash = 32 KiB of 128 KiB: nucleo-l476rg has 1024 KiB, not 128 KiB");
  EXPECT_EQ(error_of_limit("ram: 97 KiB of 96 KiB"),
            "s.yaml:8:3: limits.ram = 97 KiB of 96 KiB: a part of what the board has, so the first is at most the "
            "second");
  EXPECT_EQ(error_of_limit("ram: 20 of 96 KiB"),
            "s.yaml:8:3: limits.ram = 20 of 96 KiB: 20: a number with a unit of B, KiB, MiB, kB, MB");
  EXPECT_EQ(error_of_limit("ram: 20 KiB of all"),
            "s.yaml:8:3: limits.ram = 20 KiB of all: all: a number with a unit of B, KiB, MiB, kB, MB");
  EXPECT_EQ(error_of_limit("ram: 20 KiB of"),
            "s.yaml:8:3: limits.ram = 20 KiB of: what the board has is missing after `of`, as in 20 KiB of 64 KiB");
  EXPECT_EQ(error_of_limit("ram: 0 KiB of 96 KiB"), "s.yaml:8:3: limits.ram = 0 KiB of 96 KiB: 0 KiB: above 0");
}

TEST(Limits, AnotherBankMayHoldArenaAndStack) {
  const Study study = study_of({"limits.ram_bank=sram2"});
  EXPECT_EQ(study.board.ram.front().name, "sram2");
  EXPECT_EQ(study.limits.ram_bytes, 32 * 1024);
  EXPECT_EQ(study_from_json(study.config_json).config_json, study.config_json);
  EXPECT_NE(comparable(study), comparable(study_of({})));
  EXPECT_EQ(study_of({"limits.ram_bank=sram2", "limits.ram=20 KiB of 32 KiB"}).limits.ram_of_bytes, 32 * 1024);
  EXPECT_EQ(error_of_limit("ram_bank: sram3"),
            "s.yaml:8:3: limits.ram_bank = sram3: nucleo-l476rg has sram1, sram2, did you mean \"sram1\"?");
  EXPECT_EQ(error_in({"limits.ram=64 KiB"}, with_limit("ram_bank: sram2")),
            "command line: limits.ram = 64 KiB: sram2 of nucleo-l476rg has 32 KiB");
}

// ---- soft limits ----

TEST(SoftLimits, AddTheirQuantityToTheObjectives) {
  const Study study = study_of({"limits.soft.latency=5 ms", "limits.soft.flash=16 KiB", "limits.soft.params=1k"});
  EXPECT_EQ(study.soft_limits.latency_us, 5000.0);
  EXPECT_EQ(study.soft_limits.flash_bytes, 16 * 1024);
  EXPECT_THAT(study.objectives, ElementsAre("flash", "latency", "params"));
  const Study again = study_from_json(study.config_json);
  EXPECT_EQ(again.config_json, study.config_json);
  EXPECT_EQ(again.soft_limits.params, 1000);
}

TEST(SoftLimits, AreAtMostTheHardOnes) {
  EXPECT_EQ(error_in({"limits.soft.flash=33 KiB"}),
            "command line: limits.soft.flash = 33 KiB: at most the hard limit of 32 KiB");
  EXPECT_EQ(error_of_limit("soft: {flash: 2 MiB}"),
            "s.yaml:8:10: limits.soft.flash = 2 MiB: nucleo-l476rg has 1024 KiB");
  EXPECT_EQ(error_in({"limits.latency=5 ms", "limits.soft.latency=6 ms"}),
            "command line: limits.soft.latency = 6 ms: at most the hard limit of 5000 us");
  EXPECT_EQ(error_in({"limits.params=5k", "limits.soft.params=6k"}),
            "command line: limits.soft.params = 6k: at most the hard limit of 5000");
  EXPECT_NO_THROW(study_of({"limits.latency=5 ms", "limits.soft.latency=5 ms"}));
}

TEST(SoftLimits, AreCheckedAsHardOnes) {
  EXPECT_EQ(error_of_limit("soft: {latency: 5}"),
            "s.yaml:8:10: limits.soft.latency = 5: a number with a unit of us, ms, s, or none");
  EXPECT_EQ(error_of_limit("soft: {latency: 0 ms}"), "s.yaml:8:10: limits.soft.latency = 0 ms: above 0, or none");
  EXPECT_EQ(error_of_limit("soft: {average_power: 5 uW}"),
            "s.yaml:8:10: limits.soft.average_power = 5 uW: needs duty_cycle.inferences_per_hour");
  EXPECT_EQ(error_of_limit("soft: {latncy: 5 ms}"),
            "s.yaml:8:10: limits.soft.latncy: unknown key, did you mean \"latency\"?");
}

// ---- duty cycle ----

TEST(DutyCycle, IsReadAndStored) {
  const Study study = study_of({"board=nucleo-u083rc", "duty_cycle.inferences_per_hour=3600",
                                "duty_cycle.battery=0.22 Ah", "objectives=[flash, average_power]"});
  EXPECT_EQ(study.duty_cycle.inferences_per_hour, 3600.0);
  EXPECT_EQ(study.duty_cycle.battery_mah, 220.0);
  EXPECT_EQ(sleep_current_ua(study.board, study.duty_cycle), 0.825);
  EXPECT_EQ(study_from_json(study.config_json).config_json, study.config_json);
}

TEST(DutyCycle, TheStudysSleepCurrentWinsOverTheBoards) {
  const Study study =
      study_of({"board=nucleo-u083rc", "duty_cycle.inferences_per_hour=3600", "duty_cycle.sleep_current=4 uA"});
  EXPECT_EQ(sleep_current_ua(study.board, study.duty_cycle), 4.0);
}

TEST(DutyCycle, NeedsTheBoardsCurrents) {
  const std::string text = kStudy + "duty_cycle:\n  inferences_per_hour: 3600\n";
  EXPECT_EQ(error_in({}, text),
            "s.yaml:16:3: duty_cycle.inferences_per_hour = 3600: the file of nucleo-l476rg gives no sleep_current; "
            "duty_cycle.sleep_current sets it");
  EXPECT_EQ(error_in({"board=nucleo-f446re"}, text),
            "s.yaml:16:3: duty_cycle.inferences_per_hour = 3600: the file of nucleo-f446re gives no supply, current, "
            "sleep_current");
  EXPECT_EQ(error_in({}, kStudy + "duty_cycle:\n  inferences_per_hour: -1\n"),
            "s.yaml:16:3: duty_cycle.inferences_per_hour = -1: in 0.001..1000000000");
  EXPECT_EQ(error_in({}, kStudy + "duty_cycle:\n  battery: 220 mAh\n"),
            "s.yaml:16:3: duty_cycle.battery = 220 mAh: needs inferences_per_hour");
  EXPECT_EQ(error_in({}, kStudy + "duty_cycle:\n  battery: 220\n"),
            "s.yaml:16:3: duty_cycle.battery = 220: a number with a unit of mAh, Ah, or none");
  EXPECT_EQ(error_in({"objectives=average_power"}),
            "command line: objectives = average_power: average_power needs duty_cycle.inferences_per_hour");
}

TEST(DutyCycle, ASleepCurrentThatIsRefusedIsNotMissed) {
  EXPECT_EQ(error_in({"duty_cycle.inferences_per_hour=60", "duty_cycle.sleep_current=-1uA"}),
            "command line: duty_cycle.sleep_current = -1uA: above 0, or none");
}

TEST(Objectives, AreNotMissedWhereTheOnlyOneIsRefused) {
  const std::string line = error_in({"objectives=[accuracy]"});
  EXPECT_EQ(line.substr(0, line.find(": one of")), "command line: objectives[0] = accuracy");
  EXPECT_EQ(line.find('\n'), std::string::npos) << line;
  EXPECT_EQ(error_in({"objectives=[]"}), "command line: objectives = []: at least one value");
}

TEST(DutyCycle, TheBatteryMakesNoOtherStudyButTheCurrentsDo) {
  const std::vector<std::string> base = {"board=nucleo-u083rc", "duty_cycle.inferences_per_hour=60"};
  const auto with = [&](const std::string& further) {
    std::vector<std::string> overrides = base;
    overrides.push_back(further);
    return study_of(overrides);
  };
  const Study study = study_of(base);
  EXPECT_EQ(comparable(with("duty_cycle.battery=220 mAh")), comparable(study));
  EXPECT_NE(comparable(with("duty_cycle.inferences_per_hour=61")), comparable(study));
  nlohmann::json mended = nlohmann::json::parse(study.config_json);
  mended["board"]["sleep_current"] = "1 uA";
  EXPECT_NE(comparable_config(mended.dump()), comparable(study));
  EXPECT_EQ(comparable_config(comparable(study)), comparable(study));
  // Without a duty cycle nothing depends on it.
  nlohmann::json without = nlohmann::json::parse(study_of({"board=nucleo-u083rc"}).config_json);
  const std::string before = comparable_config(without.dump());
  without["board"]["sleep_current"] = "1 uA";
  EXPECT_EQ(comparable_config(without.dump()), before);
}

// It decides what was estimated, not who gives it.
TEST(DutyCycle, ASleepCurrentIsTheSameFromTheStudyOrTheBoard) {
  const auto with = [](const std::string& board, std::vector<std::string> further = {}) {
    further.insert(further.end(), {"board=" + board, "duty_cycle.inferences_per_hour=60"});
    return study_of(further);
  };
  const Study by_board = with("nucleo-u083rc");
  EXPECT_EQ(comparable(with("nucleo-u083rc", {"duty_cycle.sleep_current=0.825 uA"})), comparable(by_board));
  const Study by_study = with("nucleo-u083rc", {"duty_cycle.sleep_current=4 uA"});
  EXPECT_NE(comparable(by_study), comparable(by_board));
  nlohmann::json mended = nlohmann::json::parse(by_study.config_json);
  mended["board"]["sleep_current"] = "1 uA";  // which the study's wins over
  EXPECT_EQ(comparable_config(mended.dump()), comparable(by_study));
  const std::string two = "[nucleo-u083rc, nucleo-h743zi]";
  EXPECT_NE(comparable(with(two)), comparable(with(two, {"duty_cycle.sleep_current=0.825 uA"})));
  for (const Study& study : {by_board, by_study, with(two)})
    EXPECT_EQ(comparable_config(comparable(study)), comparable(study));
}

// ---- several boards ----

TEST(Boards, ACandidateMustFitEachOfAList) {
  const Study study = study_of({"board=[nucleo-l476rg, nucleo-f411re]"});
  EXPECT_EQ(study.board.name, "nucleo-l476rg");
  ASSERT_EQ(boards_of(study).size(), 2u);
  EXPECT_EQ(boards_of(study)[1].name, "nucleo-f411re");
  EXPECT_EQ(study.limits.ram_bytes, 0);  // each board's own
  const Study again = study_from_json(study.config_json);
  EXPECT_EQ(again.config_json, study.config_json);
  EXPECT_EQ(boards_of(again)[1].mcu, "STM32F411RE");
}

TEST(Boards, AListOfOneIsThatBoard) {
  EXPECT_EQ(study_of({"board=[nucleo-l476rg]"}).config_json, study_of({}).config_json);
}

TEST(Boards, MistakesInAListHaveTheirPlace) {
  const auto error_of_boards = [](const std::string& list) {
    std::string text = kStudy;
    return error_in({}, text.replace(text.find("nucleo-l476rg"), 13, list));
  };
  EXPECT_EQ(error_of_boards("[nucleo-l476rg, nucleo-f412re]"),
            fmt::format("s.yaml:6:24: board[1] = nucleo-f412re: unknown, did you mean \"nucleo-f411re\"?; known: {}",
                        fmt::join(board_names(), ", ")));
  EXPECT_EQ(error_of_boards("[nucleo-l476rg, nucleo-l476rg]"), "s.yaml:6:24: board[1] = nucleo-l476rg: given twice");
  EXPECT_EQ(error_of_boards("[]"), "s.yaml:6:1: board = []: at least one board");
  EXPECT_EQ(error_of_boards("[[nucleo-l476rg]]"), "s.yaml:6:9: board[0] = [nucleo-l476rg]: a board's name or file");
}

TEST(Boards, LimitsAreHeldAgainstEach) {
  const std::string boards = "board=[nucleo-l476rg, nucleo-f411re]";
  EXPECT_EQ(error_in({boards}, with_limit("flash: 600 KiB")),
            "s.yaml:8:3: limits.flash = 600 KiB: nucleo-f411re has 512 KiB");
  EXPECT_EQ(error_in({boards}, with_limit("ram: 20 KiB of 96 KiB")),
            "s.yaml:8:3: limits.ram = 20 KiB of 96 KiB: sram of nucleo-f411re has 128 KiB, not 96 KiB");
  EXPECT_EQ(error_in({boards}, with_limit("ram_bank: sram2")),
            "s.yaml:8:3: limits.ram_bank = sram2: nucleo-f411re has sram, did you mean \"sram\"?");
  EXPECT_EQ(error_in({"board=[nucleo-l476rg, nucleo-f446re]"}, with_limit("energy: 5 uJ")),
            "s.yaml:8:3: limits.energy = 5 uJ: the file of nucleo-f446re gives no supply, current");
  const Study both = study_of({"board=[nucleo-l476rg, nucleo-wba55cg]", "limits.ram_bank=sram2"});
  for (const Board& board : boards_of(both)) EXPECT_EQ(board.ram.front().name, "sram2");
}

TEST(Boards, OnesThatAreOnlyReportedMakeNoOtherStudy) {
  const Study study = study_of({"report_boards=[nucleo-h743zi, nucleo-f446re]", "limits.energy=5 uJ"});
  ASSERT_EQ(study.report_boards.size(), 2u);
  EXPECT_EQ(study_from_json(study.config_json).report_boards[1].name, "nucleo-f446re");
  EXPECT_EQ(comparable(study), comparable(study_of({"limits.energy=5 uJ"})));
  EXPECT_EQ(error_in({"board=nucleo-h743zi", "report_boards=[nucleo-f446re, nucleo-h743zi]"}),
            "command line: report_boards[1] = nucleo-h743zi: given twice");
  EXPECT_THAT(error_in({"report_boards=nucleo-x"}),
              testing::StartsWith("command line: report_boards = nucleo-x: unknown"));
}

TEST(Boards, OfAListDescriptionsMayBeMendedAndFiguresNot) {
  nlohmann::json config = nlohmann::json::parse(study_of({"board=[nucleo-l476rg, nucleo-f411re]"}).config_json);
  const std::string before = comparable_config(config.dump());
  config["board"][1]["title"] = "another";
  config["board"][1]["sources"]["clock"] = "page 2";
  EXPECT_EQ(comparable_config(config.dump()), before);
  config["board"][1]["clock"] = "1 MHz";
  EXPECT_NE(comparable_config(config.dump()), before);
}

}  // namespace
}  // namespace bitwright
