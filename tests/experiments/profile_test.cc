// `bitwright profile`: what it takes, and that what it prints adds up. Tiers that compile are in
// profile_emulator_test.cc.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>

#include "core/error.h"
#include "core/io/board_yaml.h"
#include "core/io/load_study.h"
#include "core/io/model_json.h"
#include "core/store/trial_store.h"
#include "deploy/emit.h"
#include "deploy/process.h"
#include "experiments/calibrate/drawn_weights.h"
#include "experiments/profile_input.h"
#include "experiments/profile_report.h"
#include "experiments/training_request.h"
#include "tests/io/temp_folder.h"

namespace bitwright {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

const std::string kAccepted =
    "; profile takes a network's YAML or the name of a built-in one, a package's folder, a QKeras model's JSON, or "
    "--study STUDY --trial N";

ProcessResult bitwright(const TempFolder& folder, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {BITWRIGHT_BINARY_DIR "/bitwright", "profile"});
  return run_process(arguments, {.directory = folder.path()});
}

NetworkProfile profile_of(const ProfileInput& input, const std::string& board = "nucleo-l476rg",
                          Execution execution = Execution::kLayers) {
  ProfileRequest request;
  request.board = load_board(board);
  request.execution = execution;
  return profile_network(input, request);
}

nlohmann::json json_of(const std::string& network, Execution execution = Execution::kLayers) {
  return nlohmann::json::parse(profile_json(profile_of(profile_input(network), "nucleo-l476rg", execution)));
}

// A package as export writes it.
std::string write_exported(const TempFolder& folder, const std::string& network, Execution execution) {
  const QuantizedModel model = with_random_weights(network_argument(network), 3);
  const std::vector<std::vector<int16_t>> inputs = {calibration_input(model.network, 3)};
  Package package = emit_c(lower(model, {}, execution), golden_vectors(model, inputs));
  package.files["model.json"] = nlohmann::json{{"schema", 1}, {"model", model}}.dump();
  write_package(package, folder.path() + "/package");
  return folder.path() + "/package";
}

std::string refusal(const std::string& path) {
  return error_of<ConfigError>([&] { profile_input(path); });
}

constexpr char kQkeras[] = R"({"class_name": "Sequential", "config": {"name": "net", "layers": [
  {"class_name": "InputLayer", "config": {"name": "in", "batch_input_shape": [null, 16]}},
  {"class_name": "QDense", "config": {"name": "fc", "units": 4, "use_bias": false, "kernel_quantizer": "binary"}}]}})";

constexpr char kStudy[] =
    "name: tiny\nboard: nucleo-f411re\n"
    "data: {kind: simulator, recordings: 16, samples: 6000, protocol: time}\n"
    "limits: {flash: 32 KiB}\n"
    "space:\n  min_blocks: 1\n  max_blocks: 1\n"
    "  block: {channels: [8], kernel: [8], stride: [4], weights: [binary], activations: [binary]}\n"
    "  head: [global_pool_dense]\n";

// A store with one failed trial, without weights, and one that was trained.
std::string write_store(const TempFolder& folder, const std::vector<std::string>& overrides = {}) {
  Study study = study_from_yaml(kStudy, "tiny.yaml", overrides);
  study.board.instruction_cache = {};  // as versions stored it that did not know of it
  StudyRecord record;
  record.name = "tiny";
  record.config_json = study_to_json(study);
  record.comparable_config = comparable_config(record.config_json);
  record.objectives = {"error"};
  const std::string path = folder.path() + "/tiny.bw.db";
  TrialStore store = TrialStore::create_or_open(path, record);
  for (const char* name : {"bearing_small", "bearing_tiny"}) {
    Trial trial;
    trial.candidate.network = network_argument(name);
    trial.candidate.hash = network_hash(trial.candidate.network);
    trial.source = "random";
    trial = store.begin(trial);
    const bool trained = trial.number == 1;
    trial.state = trained ? TrialState::kComplete : TrialState::kFailed;
    if (!trained) trial.failure = "diverged";
    std::vector<Artifact> artifacts;
    if (trained) artifacts.push_back({"model", nlohmann::json(with_random_weights(trial.candidate.network, 1)).dump()});
    store.finish(trial, artifacts);
  }
  return path;
}

// ---- what it takes

TEST(ProfileInput, ANetworkIsAFileOrBuiltIn) {
  const std::string file = BITWRIGHT_SOURCE_DIR "/configs/networks/bearing_tiny.yaml";
  EXPECT_EQ(profile_input(file).network, profile_input("bearing_tiny").network);
  EXPECT_EQ(profile_input("bearing_tiny").source, "network bearing_tiny");
  EXPECT_FALSE(profile_input("bearing_tiny").model);
}

TEST(ProfileInput, ANetworkMayBeWrittenAnyWayThatYamlAllows) {
  const TempFolder folder;
  const std::string file =
      folder.write("flow.yaml",
                   "{name: flow, input: {shape: [1, 1, 16], format: int8},\n"
                   "  \"layers\": [{name: out, op: dense, units: 2, weights: int8, bias: true, activation: none}]}\n");
  EXPECT_EQ(profile_input(file).network.layers.size(), 1U);
  const std::string misspelt =
      folder.write("misspelt.yaml", "name: net\ninput: {shape: [16, 1, 1], format: int8}\nlayer: []\n");
  EXPECT_THAT(refusal(misspelt), HasSubstr("misspelt.yaml:3:1: layer: unknown"));
}

TEST(ProfileInput, APackageGivesItsModelItsKernelsAndHowItRuns) {
  const TempFolder folder;
  const ProfileInput input = profile_input(write_exported(folder, "bearing_golden", Execution::kStream));
  EXPECT_EQ(input.network, network_argument("bearing_golden"));
  ASSERT_TRUE(input.model);
  EXPECT_EQ(input.execution, Execution::kStream);
  ASSERT_EQ(input.kernels.size(), input.network.layers.size());
  EXPECT_EQ(input.kernels[3], "");  // a flatten
  EXPECT_THAT(input.kernels[4], StartsWith("part_"));
  const NetworkProfile profile = profile_of(input, "nucleo-l476rg", *input.execution);
  for (size_t i = 0; i < input.kernels.size(); ++i) EXPECT_EQ(profile.layers[i].kernel, input.kernels[i]);
}

TEST(ProfileInput, AModelAloneIsReadFromItsJson) {
  const TempFolder folder;
  const std::string package = write_exported(folder, "bearing_tiny", Execution::kLayers);
  const ProfileInput input = profile_input(package + "/model.json");
  EXPECT_EQ(input.network, network_argument("bearing_tiny"));
  EXPECT_TRUE(input.model);
}

TEST(ProfileInput, AQkerasModelIsRecognisedByItsContent) {
  const TempFolder folder;
  const ProfileInput input = profile_input(folder.write("anything.txt", kQkeras));
  EXPECT_THAT(input.source, StartsWith("QKeras model "));
  EXPECT_EQ(profile_of(input).ops.operations, (std::map<std::string, int64_t>{{"smux_1_8", 64}}));
}

TEST(ProfileInput, ATrialBringsTheStudysBoardAndLimitsAndItsWeightsIfItHasAny) {
  const TempFolder folder;
  const std::string store = write_store(folder);
  const ProfileInput failed = profile_input_of_trial(store, 0), trained = profile_input_of_trial(store, 1);
  EXPECT_EQ(failed.source, "trial 0 of tiny");
  EXPECT_EQ(failed.network, network_argument("bearing_small"));
  EXPECT_FALSE(failed.model);
  EXPECT_EQ(trained.network, network_argument("bearing_tiny"));
  EXPECT_TRUE(trained.model);
  EXPECT_EQ(trained.board->name, "nucleo-f411re");
  EXPECT_EQ(trained.board->instruction_cache.bytes(), 1024);
  EXPECT_EQ(trained.limits.flash_bytes, 32 * 1024);
  EXPECT_EQ(error_of<ConfigError>([&] { profile_input_of_trial(store, 2); }),
            store + ": there is no trial 2; the study has 2");
}

TEST(ProfileInput, ATrialsArenaLiesInTheBankThatTheStudyChose) {
  const TempFolder folder;
  const std::string store = write_store(folder, {"board=nucleo-l476rg", "limits.ram_bank=sram2"});
  EXPECT_EQ(profile_input_of_trial(store, 1).board->ram.front().name, "sram2");
}

TEST(ProfileInput, TheCommandTakesATrialByTheStudysYaml) {
  const TempFolder folder;
  write_store(folder);
  folder.write("tiny.yaml", kStudy);
  const ProcessResult run = bitwright(folder, {"--study", "tiny.yaml", "--trial", "1", "--json"});
  ASSERT_EQ(run.exit_status, 0) << run.errors;
  const auto json = nlohmann::json::parse(run.output);
  EXPECT_EQ(json["source"], "trial 1 of tiny");
  EXPECT_EQ(json["board"], "nucleo-f411re");
}

TEST(ProfileInput, SomethingElseIsOneLineThatNamesWhatIsTaken) {
  const TempFolder folder;
  const std::string path = folder.path();
  EXPECT_EQ(refusal("bearing_smal"),
            "bearing_smal: neither a file nor a built-in network, did you mean \"bearing_small\"?" + kAccepted);
  EXPECT_EQ(refusal(path), path + ": a folder, but no package: no model.json and report.json" + kAccepted);
  EXPECT_EQ(refusal(write_store(folder)), path + "/tiny.bw.db: a study's store" + kAccepted);
  EXPECT_EQ(refusal(folder.write("s.yaml", kStudy)), path + "/s.yaml: a study" + kAccepted);
  EXPECT_EQ(refusal(BITWRIGHT_SOURCE_DIR "/configs/boards/nucleo-f411re.yaml"),
            BITWRIGHT_SOURCE_DIR "/configs/boards/nucleo-f411re.yaml: a board" + kAccepted);
  EXPECT_EQ(refusal(folder.write("a.md", "# Title: of a text\n")),
            path + "/a.md: no network: it has no layers" + kAccepted);
  EXPECT_EQ(refusal("/dev/zero"), "/dev/zero: a binary file" + kAccepted);
  const std::string large = folder.write("large.bin", "SQLite format 3");
  std::filesystem::resize_file(large, 65 << 20);
  EXPECT_EQ(refusal(large), large + ": a study's store" + kAccepted);
  EXPECT_EQ(refusal(folder.write("m.h5", "\x89HDF\r\n\x1a\n")), path + "/m.h5: an HDF5 file" + kAccepted);
  EXPECT_EQ(refusal(folder.write("a.json", "[1, 2]")), path + "/a.json: JSON, but no model" + kAccepted);
  EXPECT_EQ(refusal(folder.write("b.json", "{")), path + "/b.json: not JSON" + kAccepted);
  EXPECT_EQ(refusal(folder.write("c.json", R"({"model": 3})")).find("c.json: "), path.size() + 1);
  EXPECT_EQ(refusal(path + "/c.json").find("json.exception"), std::string::npos);
}

TEST(ProfileInput, OptionsThatDoNotGoTogetherAreOneClearLine) {
  const TempFolder folder;
  const auto error = [&](const std::vector<std::string>& arguments) {
    const ProcessResult run = bitwright(folder, arguments);
    EXPECT_EQ(run.exit_status, 2);
    EXPECT_EQ(run.output, "");
    return run.errors;
  };
  EXPECT_EQ(error({}), "error: profile: a network, package or QKeras model, or --study STUDY --trial N; one of them\n");
  EXPECT_EQ(error({"--study", "s.yaml"}), "error: profile: --study needs --trial N: which of its networks\n");
  EXPECT_EQ(error({"bearing_tiny", "--trial", "3"}), "error: profile: --trial needs --study STUDY\n");
  EXPECT_EQ(error({"bearing_tiny", "--tier", "emulatd"}),
            "error: --tier = emulatd: one of closed_form, linked, emulated, did you mean \"emulated\"?\n");
  EXPECT_EQ(error({"bearing_tiny", "--tier", "linked", "--board", "nucleo-f072rb"}),
            "error: --tier linked: there is no compiler and emulator for cortex-m0, the core of nucleo-f072rb\n");
}

TEST(ProfileInput, AMissingToolchainIsOneClearLine) {
  const TempFolder folder;
  const ProcessResult run = run_process({"/usr/bin/env", "PATH=" + folder.path(), BITWRIGHT_BINARY_DIR "/bitwright",
                                         "profile", "bearing_tiny", "--tier", "linked"});
  EXPECT_EQ(run.exit_status, 1);
  EXPECT_EQ(run.output, "");
  EXPECT_THAT(run.errors, StartsWith("error: arm-none-eabi-gcc is not installed: it is in the Debian package "));
  EXPECT_EQ(std::count(run.errors.begin(), run.errors.end(), '\n'), 1) << run.errors;
}

// ---- what it says

TEST(ProfileReport, TheBearingNetworkHasThePublishedFigures) {
  const NetworkProfile p = profile_of(profile_input("bearing_golden"));
  const std::string text = profile_text(p);
  EXPECT_THAT(text, HasSubstr("    sfmult_1_32                   : 305152       8.5 %\n"
                              "    smult_8_8                     : 95360        2.6 %\n"
                              "    sxor_1_1                      : 3204096     88.9 %\n"));
  for (const char* line : {"conv0_weights                  : 160   (8-bit unit)", ": 5120  (1-bit unit)",
                           ": 1024  (1-bit unit)", ": 305152 (1-bit unit)", "Total Bits                     : 312576"})
    EXPECT_THAT(text, HasSubstr(line));
  const auto json = nlohmann::json::parse(profile_json(p));
  EXPECT_EQ(json["op_types"], (nlohmann::json{{"sfmult_1_32", 305152}, {"smult_8_8", 95360}, {"sxor_1_1", 3204096}}));
  EXPECT_EQ(json["weights_by_bits"][0]["weights"], 5120 + 1024 + 305152);
  EXPECT_EQ(json["weights_by_bits"][0]["bytes"], 38912);
  EXPECT_EQ(json["weights_by_bits"][1],
            (nlohmann::json{
                {"bits", 8}, {"weights", 160}, {"total_bits", 1280}, {"share", 1280.0 / 312576}, {"bytes", 160}}));
  EXPECT_THAT(text, HasSubstr("not counted, as in QKeras: float32 weights, 576 of dense1\n"));
}

double sum_of(const nlohmann::json& list, const std::string& key) {
  double sum = 0.0;
  for (const auto& item : list) sum += item.is_number() ? item.get<double>() : item[key].get<double>();
  return sum;
}

void expect_whole(const nlohmann::json& json) {
  EXPECT_NEAR(sum_of(json["op_type_shares"], ""), 1.0, 1e-12);
  EXPECT_NEAR(sum_of(json["weights_by_bits"], "share"), 1.0, 1e-12);
  EXPECT_EQ(sum_of(json["weights_by_bits"], "total_bits"), json["total_bits"]);
  EXPECT_NEAR(sum_of(json["layers"], "flash_share") + sum_of(json["shared_flash"], "share"), 1.0, 1e-12);
  EXPECT_EQ(sum_of(json["layers"], "flash_bytes") + sum_of(json["shared_flash"], "bytes"), json["flash_bytes"]);
  EXPECT_NEAR(sum_of(json["layers"], "share") + json["between_layers"]["share"].get<double>(), 1.0, 1e-12);
  const double cycles = json["cycles"];
  EXPECT_NEAR(sum_of(json["layers"], "cycles") + json["between_layers"]["cycles"].get<double>(), cycles, 1e-6 * cycles);
  EXPECT_GT(json["between_layers"]["cycles"], 0.0);
}

TEST(ProfileReport, SharesAddUpToTheWhole) {
  for (const char* network : {"bearing_golden", "bearing_small", "mnist_conv", "har_separable"}) {
    SCOPED_TRACE(network);
    expect_whole(json_of(network));
  }
  expect_whole(json_of("bearing_golden", Execution::kStream));
}

// The words of the line of a table that begins with `first`.
std::vector<std::string> words_of(const std::string& text, const std::string& first) {
  std::istringstream words(text.substr(text.find("\n" + first + " ") + 1));
  std::string line, word;
  std::getline(words, line);
  std::istringstream in(line);
  std::vector<std::string> found;
  while (in >> word) found.push_back(word);
  return found;
}

TEST(ProfileReport, TextAndJsonSayTheSame) {
  const NetworkProfile p = profile_of(profile_input("bearing_small"));
  const std::string text = profile_text(p), costs = text.substr(text.find(" live RAM B "));
  const auto json = nlohmann::json::parse(profile_json(p));
  const auto percent = [](const nlohmann::json& share) { return fmt::format("{:.2f}", 100 * share.get<double>()); };
  for (const auto& layer : json["layers"]) {
    const auto rounded = [&](const char* key) { return fmt::format("{:.0f}", layer[key].get<double>()); };
    EXPECT_THAT(words_of(costs, layer["name"]),
                ElementsAre(layer["name"].get<std::string>(), layer["kernel"].get<std::string>(),
                            rounded("flash_bytes"), percent(layer["flash_share"]), "%", rounded("live_bytes"),
                            rounded("instructions"), rounded("cycles"), percent(layer["share"]), "%", "-"));
    EXPECT_THAT(text, testing::ContainsRegex(fmt::format(" {} +{} ", layer["input"].get<std::string>(),
                                                         layer["output"].get<std::string>())));
  }
  for (const auto& region : json["memory"]["regions"])
    EXPECT_THAT(
        text, testing::ContainsRegex(fmt::format("{} +{} +{} +{} +{}\n", region["name"].get<std::string>(),
                                                 region["offset"].get<int64_t>(), region["bytes"].get<int64_t>(),
                                                 region["from"].get<std::string>(), region["to"].get<std::string>())));
  const auto bytes = [&](const char* key) { return json[key].get<int64_t>(); };
  const auto count = [&](const char* key) { return json[key].get<double>(); };
  EXPECT_THAT(text, HasSubstr(fmt::format("\nflash         {} B: code {}, constants {}\n", bytes("flash_bytes"),
                                          bytes("code_bytes"), bytes("constant_bytes"))));
  EXPECT_THAT(text, HasSubstr(fmt::format("\nRAM           {} B: arena {}, stack {} B, estimated\n", bytes("ram_bytes"),
                                          bytes("arena_bytes"), bytes("stack_bytes"))));
  EXPECT_THAT(text,
              HasSubstr(fmt::format("\ninstructions  {:.0f}\ncycles        {:.0f} .. {:.0f} without wait states\n",
                                    count("instructions"), count("cycles"), count("cycles_upper"))));
  EXPECT_THAT(text, HasSubstr(json["dominant"]["cycles"]["name"].get<std::string>() + ": " +
                              percent(json["dominant"]["cycles"]["share"]) + " %"));
}

TEST(ProfileReport, NamesWhatDominates) {
  const std::string text = profile_text(profile_of(profile_input("bearing_golden"), "nucleo-f411re"));
  EXPECT_THAT(text, testing::ContainsRegex("most flash    dense0: [67][0-9]\\.[0-9]+ % of [0-9]+ B\n"));
  EXPECT_THAT(
      profile_text(profile_of(profile_input("bearing_small"))),
      testing::ContainsRegex("most flash    code of kernels and calls: [0-9.]+ % of [0-9]+ B; of the layers' own "
                             "conv2: 10\\.[0-9]+ %\n"));
  EXPECT_THAT(text,
              testing::ContainsRegex("most RAM      arena fullest at dense0: its input 4768 B \\+ its output 256 B "
                                     "\\+ its scratch 256 B - 256 B shared = 5024 B; [0-9]+ B in all"));
  EXPECT_THAT(text, testing::ContainsRegex("most cycles   conv1: [0-9.]+ % of [0-9]+ cycles\n"));
  EXPECT_THAT(text, testing::ContainsRegex("most energy   conv1: [0-9.]+ % of [0-9.]+ uJ\n"));
  Board dark = load_board("nucleo-f411re");
  dark.current_ua_per_mhz = 0;
  ProfileRequest request;
  request.board = dark;
  const NetworkProfile p = profile_network(profile_input("bearing_golden"), request);
  EXPECT_THAT(profile_text(p), HasSubstr("most energy   not known: the file of nucleo-f411re gives no current\n"));
  EXPECT_TRUE(nlohmann::json::parse(profile_json(p))["dominant"]["energy"].is_null());
}

TEST(ProfileReport, SaysWhatTheBoardIsTooSmallFor) {
  ProfileRequest request;
  request.board = load_board("nucleo-f411re");
  EXPECT_THAT(profile_network(profile_input("bearing_golden"), request).exceeds, testing::IsEmpty());
  request.board.flash_bytes = 16 * 1024;
  request.board.ram.front().bytes = 4 * 1024;
  const NetworkProfile p = profile_network(profile_input("bearing_golden"), request);
  ASSERT_EQ(p.exceeds.size(), 2u);
  EXPECT_THAT(p.exceeds[0], testing::MatchesRegex("flash [0-9.]+ KiB exceeds the 16 KiB of .* by .*"));
  EXPECT_THAT(p.exceeds[1], testing::MatchesRegex("ram [0-9.]+ KiB exceeds the 4 KiB of .* by .*"));
  EXPECT_THAT(profile_text(p), HasSubstr("\ndoes not fit: " + p.exceeds[0] + "\ndoes not fit: " + p.exceeds[1] + "\n"));
  EXPECT_EQ(nlohmann::json::parse(profile_json(p))["exceeds"], nlohmann::json(p.exceeds));
}

TEST(ProfileReport, TheSameCommandPrintsTheSameBytes) {
  const TempFolder folder;
  for (const char* format : {"--stream", "--json"}) {
    const ProcessResult a = bitwright(folder, {"bearing_golden", format}),
                        b = bitwright(folder, {"bearing_golden", format});
    EXPECT_EQ(a.exit_status, 0) << a.errors;
    EXPECT_FALSE(a.output.empty());
    EXPECT_EQ(a.output, b.output);
  }
}

TEST(ProfileReport, SaysWhatACoreLeavesOut) {
  const auto last_line = [](const std::string& board) {
    const std::string text = profile_text(profile_of(profile_input("bearing_tiny"), board));
    return text.substr(text.rfind('\n', text.size() - 2) + 1);
  };
  EXPECT_THAT(last_line("nucleo-l476rg"), testing::EndsWith("peripherals' wait states, waiting for flash\n"));
  EXPECT_THAT(last_line("nucleo-h743zi"), HasSubstr("tightly coupled memory, misses of cached RAM and write-back"));
}

}  // namespace
}  // namespace bitwright
