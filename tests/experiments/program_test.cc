// The built program, run as a user runs it: output, exit codes, nothing written where nothing should be.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "deploy/process.h"
#include "tests/io/temp_folder.h"

namespace bitwright {
namespace {

using testing::HasSubstr;

ProcessResult bitwright(const TempFolder& folder, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), BITWRIGHT_BINARY_DIR "/bitwright");
  return run_process(arguments, {.directory = folder.path()});
}

const std::string kNetworks = BITWRIGHT_SOURCE_DIR "/configs/networks/";

TEST(Profile, TheGoldenBearingNetworkPrintsThePublishedCounts) {
  const TempFolder folder;
  const ProcessResult run = bitwright(folder, {"profile", kNetworks + "bearing_golden.yaml", "--json"});
  ASSERT_EQ(run.exit_status, 0) << run.errors;
  const auto json = nlohmann::json::parse(run.output);
  EXPECT_EQ(json["op_types"], (nlohmann::json{{"sfmult_1_32", 305152}, {"smult_8_8", 95360}, {"sxor_1_1", 3204096}}));
  std::map<int64_t, int> bits;  // weights -> bits of one
  for (const auto& [layer, weights] : json["weights"].items())
    bits[weights["count"].get<int64_t>()] = weights["bits"].get<int>();
  EXPECT_EQ(bits, (std::map<int64_t, int>{{160, 8}, {5120, 1}, {1024, 1}, {305152, 1}}));
}

TEST(Profile, TheGoldenApplianceNetworkPrintsThePublishedCounts) {
  const TempFolder folder;
  const ProcessResult run = bitwright(folder, {"profile", kNetworks + "appliance_golden.yaml", "--json"});
  ASSERT_EQ(run.exit_status, 0) << run.errors;
  EXPECT_EQ(nlohmann::json::parse(run.output)["op_types"],
            (nlohmann::json{{"smult_8_8", 276768}, {"sxor_1_1", 7831008}}));
}

TEST(Profile, SaysHowLayersFollowOneAnother) {
  const TempFolder folder;
  const auto profile = [&](const std::string& network) {
    return bitwright(folder, {"profile", network, "--stream", "--json"});
  };
  const ProcessResult signal = profile("bearing_golden"), images = profile("mnist_conv");
  EXPECT_EQ(nlohmann::json::parse(signal.output)["execution"], "stream");
  EXPECT_EQ(signal.errors, "");
  EXPECT_EQ(nlohmann::json::parse(images.output)["execution"], "layers");
  EXPECT_THAT(nlohmann::json::parse(images.output)["notes"],
              testing::ElementsAre("no stream: fewer than two of the first layers run along a signal, or a later add "
                                   "reads a map of theirs"));
  EXPECT_EQ(nlohmann::json::parse(signal.output)["notes"], nlohmann::json::array());
}

TEST(Export, AnUnknownUnitOfFastWeightsIsOneClearLine) {
  const TempFolder folder;
  const ProcessResult run = bitwright(folder, {"export", "none.yaml", "--fast-weights", "4 KB"});
  EXPECT_EQ(run.exit_status, 2);
  EXPECT_EQ(
      run.errors,
      "error: --fast-weights = 4 KB: a number with a unit of B, KiB, MiB, kB, MB, or bytes without one, or auto\n");
}

TEST(Verify, ABoardWhoseCoreIsNotTriedIsOneClearLine) {
  const ProcessResult run = bitwright(TempFolder(), {"verify", "package", "--board", "nucleo-f103rb", "--target",
                                                     "cortex-m33", "--target", "cortex-m4-clang"});
  EXPECT_EQ(run.exit_status, 2);
  EXPECT_EQ(run.errors, "error: --board = nucleo-f103rb: none of the targets is its core, cortex-m3\n");
}

TEST(Demo, WithoutTheTrainerItSaysWhatToBuildAndWritesNothing) {
  const TempFolder folder;
  std::filesystem::copy_file(BITWRIGHT_BINARY_DIR "/bitwright", folder.path() + "/bitwright");
  const ProcessResult run = run_process({folder.path() + "/bitwright", "demo"}, {.directory = folder.path()});
  EXPECT_EQ(run.exit_status, 4);
  EXPECT_THAT(run.errors, HasSubstr("bitwright-trial: not there; it trains networks: build it with ./do build"));
  EXPECT_FALSE(std::filesystem::exists(folder.path() + "/bitwright-demo"));
}

TEST(RandomNetworks, ACountOfNoneIsOneClearLine) {
  const ProcessResult run = run_process({BITWRIGHT_BINARY_DIR "/bitwright-random-networks", "--count", "0"});
  EXPECT_EQ(run.exit_status, 2);
  EXPECT_EQ(run.errors, "error: --count = 0: at least 1\n");
}

// The boards that `bitwright boards ARGUMENTS` lists, by name.
std::map<std::string, nlohmann::json> boards(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {"boards", "--json"});
  const ProcessResult run = bitwright(TempFolder(), arguments);
  EXPECT_EQ(run.exit_status, 0) << run.errors;
  std::map<std::string, nlohmann::json> found;
  const auto json = nlohmann::json::parse(run.output);
  for (const auto& board : json["boards"]) found[board["name"]] = board;
  return found;
}

TEST(Boards, EveryBoardIsListedWithItsSources) {
  const auto all = boards({});
  EXPECT_GE(all.size(), 40u);
  for (const auto& [name, board] : all) EXPECT_FALSE(board["sources"].empty()) << name;
}

TEST(Boards, WhatNoDocumentSaysIsNull) {
  const auto all = boards({});
  EXPECT_TRUE(all.at("nucleo-l476rg")["sleep_current_ua"].is_null());
  EXPECT_TRUE(all.at("nucleo-l476rg")["asleep_uw"].is_null());
  EXPECT_GT(all.at("nucleo-u083rc")["sleep_current_ua"], 0.0);
  EXPECT_TRUE(all.at("nucleo-l476rg")["shared_memory_bytes"].is_null());
}

TEST(Boards, FiltersChooseByFlashRamClockCoreAndFamily) {
  const auto all = boards({});
  const auto found = boards({"--flash", ">=128KiB", "--ram", "> 64 KiB", "--clock", "<=100MHz", "--core", "cortex-m4"});
  EXPECT_TRUE(found.contains("nucleo-f411re"));
  for (const auto& [name, board] : all) {
    const bool meets = board["flash_bytes"] >= 128 * 1024 && board["ram"][0]["bytes"] > 64 * 1024 &&
                       board["clock_hz"] <= 100'000'000 && board["core"] == "cortex-m4";
    EXPECT_EQ(found.contains(name), meets) << name;
  }
  for (const auto& [name, board] : boards({"--family", "stm32l4"}))
    EXPECT_THAT(board["mcu"].get<std::string>(), testing::StartsWith("STM32L4")) << name;
}

TEST(Boards, NoBoardIsALineOfItsOwn) {
  EXPECT_TRUE(boards({"--flash", ">1000MiB"}).empty());
  EXPECT_EQ(bitwright(TempFolder(), {"boards", "--flash", ">1000MiB"}).output, "no board meets this\n");
}

TEST(Boards, SaysWhatIsKnownOfNetworksOnTheCore) {
  const auto all = boards({});
  EXPECT_EQ(all.at("generic-cortex-m4")["estimates"], "cycles");
  EXPECT_EQ(all.at("generic-cortex-m55")["estimates"], "instructions only");
  EXPECT_EQ(all.at("generic-rv32imc")["estimates"], "instructions only");
  EXPECT_EQ(all.at("nucleo-f072rb")["estimates"], "none");
}

TEST(Boards, OneBoardIsShownWithTheSourceOfEveryFigure) {
  const std::string text = bitwright(TempFolder(), {"boards", "nucleo-f411re"}).output;
  EXPECT_THAT(text, testing::StartsWith("nucleo-f411re: ST Nucleo-64 with STM32F411RE, STM32F411RE\n"));
  EXPECT_THAT(text, testing::ContainsRegex("flash_wait_states +3 +ST DS10314 rev 8, table 15"));
  EXPECT_THAT(text, testing::ContainsRegex("data_cache +128 B: 8 lines of 16 B +STM32CubeF4"));
  EXPECT_THAT(text, testing::ContainsRegex("sleep_current +-\n"));
}

TEST(Boards, AFilterThatCannotBeReadIsOneClearLine) {
  const auto error = [](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "boards");
    const ProcessResult run = bitwright(TempFolder(), arguments);
    EXPECT_EQ(run.exit_status, 2);
    EXPECT_EQ(run.output, "");
    return run.errors;
  };
  EXPECT_EQ(error({"--flash", "128KiB"}), "error: --flash = 128KiB: begins with >=, <=, >, < or =\n");
  EXPECT_EQ(error({"--ram", ">=128MHz"}), "error: --ram = >=128MHz: a number with a unit of B, KiB, MiB, kB, MB\n");
  EXPECT_EQ(error({"--clock", "=>1MHz"}), "error: --clock = =>1MHz: a number with a unit of Hz, kHz, MHz\n");
  EXPECT_THAT(error({"--core", "cortex-m5"}), testing::StartsWith("error: --core = cortex-m5: one of cortex-m0, "));
  EXPECT_EQ(error({"nucleo-f411re", "--flash", ">1KiB"}),
            "error: boards nucleo-f411re: filters choose from all boards; leave out the name or them\n");
}

TEST(Boards, ABrokenFileIsRefusedByFileLineAndRule) {
  const std::string head = "name: b\ntitle: A board\nmcu: M\ncore: cortex-m4\nfpu: true\n";
  const std::string sources = "sources: {clock: DS1, flash: DS1, ram: DS1, ram_total: DS1}\n";
  const auto error = [&](const std::string& clock, const std::string& bank, const std::string& tail) {
    const TempFolder folder;
    folder.write("b.yaml", head + "clock: " + clock + "\nflash: 1 MiB\nram: [{name: sram, size: " + bank +
                               "}]\nram_total: 96 KiB\n" + tail);
    const ProcessResult run = bitwright(folder, {"boards", "./b.yaml"});
    EXPECT_EQ(run.exit_status, 2);
    EXPECT_EQ(run.output, "");
    return run.errors;
  };
  EXPECT_EQ(error("80 mhz", "96 KiB", sources),
            "error: ./b.yaml:6:1: clock = 80 mhz: a number with a unit of Hz, kHz, MHz\n");
  EXPECT_EQ(error("-80 MHz", "96 KiB", sources), "error: ./b.yaml:6:1: clock = -80 MHz: above 0\n");
  EXPECT_EQ(error("80 MHz", "128 KiB", sources),
            "error: ./b.yaml:8:20: ram[0].size = 128 KiB: more than the part has: ram_total is 98304 B\n");
  EXPECT_EQ(error("80 MHz", "96 KiB", "sources: {flash: DS1, ram: DS1, ram_total: DS1}\n"),
            "error: ./b.yaml:6:1: clock = 80 MHz: no source; sources.clock names the document and the place\n");
}

TEST(CommandLine, AnUnknownCommandNamesTheNearestOne) {
  const TempFolder folder;
  const ProcessResult run = bitwright(folder, {"serach", "x.yaml"});
  EXPECT_EQ(run.exit_status, 2);
  EXPECT_EQ(run.errors, "error: serach: unknown command, did you mean \"search\"?\n");
}

TEST(CommandLine, NoCommandIsAUsageError) {
  EXPECT_EQ(bitwright(TempFolder(), {}).exit_status, 2);
}

// A study that is right but for what a test breaks in it.
std::string study(const std::string& head = "", const std::string& tail = "") {
  return "name: broken\n" + (head.empty() ? "board: nucleo-l476rg\n" : head) +
         "data: {kind: simulator, recordings: 16, samples: 6000, protocol: time}\n"
         "limits: {flash: 32 KiB}\n"
         "space:\n"
         "  min_blocks: 1\n"
         "  max_blocks: 1\n"
         "  block: {channels: [8], kernel: [8], stride: [4], weights: [binary], activations: [binary]}\n"
         "  head: [global_pool_dense]\n" +
         tail;
}

// ---- commands that train: what they refuse before any training

ProcessResult evaluate(const TempFolder& folder, std::vector<std::string> arguments) {
  folder.write("tiny.yaml", study());
  arguments.insert(arguments.begin(), {"evaluate", "tiny.yaml"});
  return bitwright(folder, arguments);
}

TEST(Evaluate, ANetworkOfAnotherHeadIsOneClearLine) {
  const TempFolder folder;
  const ProcessResult run = evaluate(folder, {"--network", "bearing_golden"});
  EXPECT_EQ(run.exit_status, 2);
  EXPECT_EQ(run.errors,
            "error: bearing_golden: the network's head tells 9 classes apart, the data have 4: healthy, "
            "inner_race, outer_race, ball\n");
  EXPECT_EQ(run.output, "");
}

TEST(Evaluate, ANetworkOfAnotherInputNamesBothShapes) {
  const TempFolder folder;
  const ProcessResult run = evaluate(folder, {"--network", "appliance_golden"});
  EXPECT_EQ(run.exit_status, 2);
  EXPECT_EQ(run.errors, "error: appliance_golden: the network reads 33x33x1, an example of the data is 600x1x1\n");
}

TEST(Evaluate, ATrialNeedsAStore) {
  const TempFolder folder;
  const ProcessResult run = evaluate(folder, {"--trial", "3"});
  EXPECT_EQ(run.exit_status, 4);
  EXPECT_EQ(run.errors, "error: tiny.bw.db: there is no such store; bitwright search makes it\n");
}

TEST(Evaluate, WithoutANetworkItSaysWhatIsMissing) {
  const TempFolder folder;
  const ProcessResult run = evaluate(folder, {});
  EXPECT_EQ(run.exit_status, 2);
  EXPECT_EQ(run.errors, "error: --network or --trial is required: what to train\n");
}

struct Broken {
  std::string what, yaml, line;
};

void PrintTo(const Broken& broken, std::ostream* out) {
  *out << broken.what;
}

TEST(Check, ABoardOfACoreThatWasNeverMeasuredIsOneClearLine) {
  const TempFolder folder;
  folder.write("s.yaml", study("board: nucleo-f072rb\n"));
  for (const std::string command : {"check", "search"}) {
    const ProcessResult run = bitwright(folder, {command, "s.yaml"});
    EXPECT_EQ(run.exit_status, 2) << command;
    EXPECT_EQ(run.errors,
              "error: core cortex-m0 was not calibrated: no configs/costs/cortex-m0.yaml; bitwright boards names those "
              "that were\n");
  }
  EXPECT_FALSE(std::filesystem::exists(folder.path() + "/s.bw.db"));
}

TEST(Check, WhereNoRandomCandidateFitsOneThatDoesIsLookedFor) {
  const TempFolder folder;
  std::string wide = study();
  const std::string one = "channels: [8], kernel: [8], stride: [4], weights: [binary]", max = "max_blocks: 1";
  wide.replace(wide.find(one), one.size(),
               "channels: [8, 12, 16, 20, 24, 28, 32, 40], kernel: [8, 12, 16, 24], stride: [4, 3, 2, 1], "
               "weights: [binary, int2, int4, int8]");
  wide.replace(wide.find(max), max.size(), "max_blocks: 3");
  const std::string min = "min_blocks: 1";
  wide.replace(wide.find(min), min.size(), "min_blocks: 3");
  folder.write("s.yaml", wide);
  const ProcessResult none = bitwright(folder, {"check", "s.yaml", "limits.latency=1 us"});
  EXPECT_EQ(none.exit_status, 3);
  EXPECT_EQ(none.errors, "error: no candidate of the space fits the limits\n");
  const std::string remedy = "it would fit with limits.latency='";
  const size_t at = none.output.find(remedy);
  ASSERT_NE(at, std::string::npos) << none.output;
  const size_t begin = at + remedy.size();
  const std::string least = none.output.substr(begin, none.output.find('\'', begin) - begin);
  const ProcessResult rare = bitwright(folder, {"check", "s.yaml", "limits.latency=" + least});
  EXPECT_EQ(rare.exit_status, 0) << rare.errors;
  EXPECT_THAT(rare.output, HasSubstr("of 1000 random ones 0 fit"));
  EXPECT_THAT(rare.output, HasSubstr("one candidate fits, which random proposals did not meet"));
}

TEST(Check, TellsHowManyFitEachBoardAndWhatPowerTheyTake) {
  const TempFolder folder;
  folder.write("s.yaml", study("board: [nucleo-u083rc, nucleo-h743zi]\n",
                               "report_boards: nucleo-f411re\n"
                               "duty_cycle: {inferences_per_hour: 60}\n"));
  const ProcessResult run = bitwright(folder, {"check", "s.yaml"});
  EXPECT_EQ(run.exit_status, 0) << run.errors;
  EXPECT_THAT(run.output, HasSubstr("limits: flash <= 32.0 KiB\n"));
  EXPECT_THAT(run.output, HasSubstr("fit nucleo-u083rc and nucleo-h743zi"));
  EXPECT_THAT(run.output, HasSubstr("  on nucleo-f411re: "));
  EXPECT_THAT(run.output, HasSubstr("duty cycle: 60 inferences an hour"));
  EXPECT_THAT(run.output, HasSubstr("ST DS12110"));
  EXPECT_THAT(run.output, HasSubstr("average power of those that fit "));
  const auto json = nlohmann::json::parse(bitwright(folder, {"check", "s.yaml", "--json"}).output);
  EXPECT_EQ(json["fit_on"].size(), 3u);
  EXPECT_GT(json["average_power_uw"]["least"], 0.825 * 3.3);
}

TEST(Check, WarnsWherePackagesCannotBeMeasured) {
  const TempFolder folder;
  folder.write("s.yaml", study("board: nucleo-f411re\n"));
  const auto run = [&](const std::vector<std::string>& arguments) {
    std::vector<std::string> command = {"/usr/bin/env", "PATH=/nowhere", BITWRIGHT_BINARY_DIR "/bitwright"};
    command.insert(command.end(), arguments.begin(), arguments.end());
    return run_process(command, {.directory = folder.path()});
  };
  const std::string why = "search.measure = linked: arm-none-eabi-gcc is not installed";
  const ProcessResult check = run({"check", "s.yaml", "search.measure=linked"});
  EXPECT_EQ(check.exit_status, 0) << check.errors;
  EXPECT_THAT(check.output, HasSubstr("\nwarning: " + why));
  const ProcessResult dry = run({"search", "s.yaml", "search.measure=linked", "--dry-run"});
  EXPECT_EQ(dry.exit_status, 0) << dry.errors;
  EXPECT_THAT(dry.errors, HasSubstr("warning: s.yaml: " + why));
  EXPECT_THAT(run({"check", "s.yaml"}).output, testing::Not(HasSubstr("search.measure")));
}

class BrokenStudy : public testing::TestWithParam<Broken> {};

TEST_P(BrokenStudy, IsOneClearLineExitCodeTwoAndNothingWritten) {
  const TempFolder folder;
  folder.write("broken.yaml", GetParam().yaml);
  for (const std::string command : {"check", "search"}) {
    const ProcessResult run = bitwright(folder, {command, "broken.yaml"});
    EXPECT_EQ(run.exit_status, 2) << command;
    EXPECT_THAT(run.errors, HasSubstr(GetParam().line)) << command;
    EXPECT_EQ(std::count(run.errors.begin(), run.errors.end(), '\n'), 1) << run.errors;
    EXPECT_EQ(run.output, "") << command;
  }
  const auto files = std::filesystem::directory_iterator(folder.path());
  EXPECT_EQ(std::distance(begin(files), end(files)), 1);
}

std::string alias_bomb() {
  std::string yaml = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 10; ++i) {
    yaml += fmt::format("a{}: &a{} [", i, i);
    for (int k = 0; k < 10; ++k) yaml += fmt::format("{}*a{}", k ? ", " : "", i - 1);
    yaml += "]\n";
  }
  return yaml;
}

INSTANTIATE_TEST_SUITE_P(
    Yaml, BrokenStudy,
    testing::Values(Broken{"UnknownKey", study("", "serach: {trials: 3}\n"),
                           "broken.yaml:10:1: serach: unknown key, did you mean \"search\"?"},
                    Broken{"WrongUnit", study("", "search: {budget: 3 KiB}\n"),
                           "broken.yaml:10:10: search.budget = 3 KiB: a number with a unit of s, m, h, d, or none"},
                    Broken{"DuplicateKey", study("", "name: again\n"),
                           "broken.yaml:10:1: key \"name\" a second time, first in line 1"},
                    Broken{"UnknownBoard", study("board: nucleo-l467rg\n"), "did you mean \"nucleo-l476rg\"?"},
                    Broken{"CyclicAlias", study("", "search: &loop\n  trials: *loop\n"), "broken.yaml:11:11: "},
                    Broken{"AliasBomb", alias_bomb(), "broken.yaml:"}),
    [](const auto& test) { return test.param.what; });

}  // namespace
}  // namespace bitwright
