// SPDX-License-Identifier: Apache-2.0
#include "core/io/load_study.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "core/embedded.h"
#include "core/error.h"
#include "core/io/board_yaml.h"
#include "tests/io/temp_folder.h"

namespace bitwright {
namespace {

const std::string kStudy = R"(name: bearing
data:
  kind: simulator
  recordings: 8
  samples: 6000
board: nucleo-l476rg
limits:
  flash: 32 KiB
  latency: 10 ms
space:
  block:
    channels: [8, 16]
    kernel: 3
    weights: binary
    activations: [binary, uint4]
search:
  trials: 50
  budget: 20m
)";

Study study_of(const std::string& text, const std::vector<std::string>& overrides = {}) {
  return study_from_yaml(text, "s.yaml", overrides);
}

std::string error_in(const std::string& text, const std::vector<std::string>& overrides = {}) {
  return error_of<ConfigError>([&] { study_of(text, overrides); });
}

// kStudy with a line replaced.
std::string study_with(const std::string& line, const std::string& other) {
  std::string text = kStudy;
  const size_t at = text.find(line);
  EXPECT_NE(at, std::string::npos) << line;
  return text.replace(at, line.size(), other);
}

TEST(LoadStudy, ReadsUnitsAndDefaults) {
  const Study study = study_of(kStudy);
  EXPECT_EQ(study.limits.flash_bytes, 32 * 1024);
  EXPECT_EQ(study.limits.latency_us, 10'000.0);
  EXPECT_EQ(study.search.budget_seconds, 1200.0);
  EXPECT_EQ(study.search.trials, 50);
  EXPECT_EQ(study.search.population, SearchSpec{}.population);
  EXPECT_EQ(study.space.block.kernel, (std::vector<int>{3}));
  EXPECT_EQ(study.space.block.activations, (std::vector<Format>{Format::kBinary, Format::kUint4}));
  EXPECT_EQ(study.board.mcu, "STM32L476RG");
}

TEST(LoadStudy, RunsLayersUnlessAskedForAStream) {
  EXPECT_EQ(study_of(kStudy).execution, Execution::kLayers);
  EXPECT_EQ(study_of(kStudy, {"execution=stream"}).execution, Execution::kStream);
  EXPECT_EQ(study_of(kStudy, {"execution=auto"}).execution, Execution::kAuto);
  EXPECT_EQ(error_in(kStudy, {"execution=columns"}), "command line: execution = columns: one of layers, stream, auto");
}

TEST(LoadStudy, AMissingLimitIsTheBoards) {
  const Study study = study_of(kStudy);
  EXPECT_EQ(study.limits.ram_bytes, study.board.ram.front().bytes);
  EXPECT_EQ(study.limits.energy_uj, 0.0);
}

// ---- broken files: the exact text that a user sees ----

TEST(LoadStudy, SuggestsTheKeyThatWasMeant) {
  EXPECT_EQ(error_in(study_with("  trials", "  trails")),
            "s.yaml:17:3: search.trails: unknown key, did you mean \"trials\"?");
}

TEST(LoadStudy, ListsTheLegalUnits) {
  EXPECT_EQ(error_in(study_with("32 KiB", "32 KB")),
            "s.yaml:8:3: limits.flash = 32 KB: a number with a unit of B, KiB, MiB, kB, MB, or none");
  EXPECT_EQ(error_in(study_with("10 ms", "10")),
            "s.yaml:9:3: limits.latency = 10: a number with a unit of us, ms, s, or none");
}

TEST(LoadStudy, RefusesALimitOfZero) {
  EXPECT_EQ(error_in(study_with("32 KiB", "0 KiB")), "s.yaml:8:3: limits.flash = 0 KiB: above 0, or none");
  EXPECT_EQ(error_in(study_with("10 ms", "-1 ms")), "s.yaml:9:3: limits.latency = -1 ms: above 0, or none");
}

TEST(LoadStudy, SaysHowToSetAMissingDataFolder) {
  const SharedFolder shared("/nowhere");
  const std::string text = study_with("  kind: simulator\n  recordings: 8\n  samples: 6000\n",
                                      "  kind: npy\n  path: ${BITWRIGHT_SHARED}/data/uci_har\n");
  EXPECT_EQ(error_in(text),
            "s.yaml:4:3: data.path = ${BITWRIGHT_SHARED}/data/uci_har: no such folder (/nowhere/data/uci_har); set "
            "BITWRIGHT_SHARED to the folder that holds data/, or give another path");
}

TEST(LoadStudy, RefusesADuplicateKey) {
  EXPECT_EQ(error_in(kStudy + "name: other\n"), "s.yaml:19:1: key \"name\" a second time, first in line 1");
}

TEST(LoadStudy, RefusesACyclicAlias) {
  EXPECT_EQ(error_in("name: a\ndata: &d\n  path: *d\n"), "s.yaml:3:9: an alias to a node that contains it");
}

TEST(LoadStudy, SuggestsTheBoardThatWasMeant) {
  EXPECT_EQ(error_in(study_with("nucleo-l476rg", "nucleo-l467rg")),
            fmt::format("s.yaml:6:1: board = nucleo-l467rg: unknown, did you mean \"nucleo-l476rg\"?; known: {}",
                        fmt::join(board_names(), ", ")));
}

TEST(LoadStudy, NamesThePlaceOfAMissingKeysParent) {
  EXPECT_EQ(error_in(study_with("  recordings: 8\n", "")), "s.yaml:3:3: data: missing key \"recordings\"");
}

TEST(LoadStudy, ReportsEveryMistakeAtOnceInTheFilesOrder) {
  std::string text = study_with("  trials: 50\n", "  trials: 0\n  population: 3\n");
  text.replace(text.find("[8, 16]"), 7, "[8, 0, 8]");
  text.replace(text.find("weights: binary"), 15, "weights: binry");
  EXPECT_EQ(
      error_in(text),
      "s.yaml:12:19: space.block.channels[1] = 0: in 1..1024\n"
      "s.yaml:12:22: space.block.channels[2] = 8: given twice\n"
      "s.yaml:14:5: space.block.weights = binry: one of binary, ternary, int2, int3, int4, int5, int6, int7, int8, "
      "float32, did you mean \"binary\"?\n"
      "s.yaml:17:3: search.trials = 0: in 1..1000000\n"
      "s.yaml:18:3: search.population = 3: in 4..1000000");
}

TEST(LoadStudy, RefusesALimitBeyondTheBoard) {
  EXPECT_EQ(error_in(study_with("32 KiB", "2 MiB")), "s.yaml:8:3: limits.flash = 2 MiB: nucleo-l476rg has 1024 KiB");
}

TEST(LoadStudy, RefusesFieldsOfAnotherKindOfData) {
  EXPECT_EQ(error_in(study_with("  samples: 6000\n", "  samples: 6000\n  layout: image\n")),
            "s.yaml:6:3: data.layout: unknown key");
}

TEST(LoadStudy, RefusesAMapWhereAValueBelongs) {
  EXPECT_EQ(error_in(study_with("trials: 50", "trials: {a: 1}")), "s.yaml:17:3: search.trials = {...}: one value");
  EXPECT_EQ(error_in(study_with("name: bearing", "name:")), "s.yaml:1:1: name: no value");
  EXPECT_EQ(error_in("just words\n"), "s.yaml:1:1: a map of `key: value` lines");
}

TEST(LoadStudy, NamesAFileThatIsNotThere) {
  EXPECT_EQ(error_of<ConfigError>([] { load_study("/nowhere/s.yaml"); }),
            "/nowhere/s.yaml: cannot be read: No such file or directory");
}

// ---- overrides ----

TEST(LoadStudy, OverridesWinOverTheFile) {
  const Study study =
      study_of(kStudy, {"search.trials=200", "space.block.weights=[ternary, int4]", "training.epochs=3"});
  EXPECT_EQ(study.search.trials, 200);
  EXPECT_EQ(study.space.block.weights, (std::vector<Format>{Format::kTernary, Format::kInt4}));
  EXPECT_EQ(study.recipe.epochs, 3);
}

TEST(LoadStudy, AWrongOverrideIsAMistakeOfTheCommandLine) {
  EXPECT_EQ(error_in(kStudy, {"search.trails=200"}),
            "command line: search.trails: unknown key, did you mean \"trials\"?");
  EXPECT_EQ(error_in(kStudy, {"search.trials=none"}),
            "command line: search.trials = none: a whole number, in 1..1000000");
  EXPECT_EQ(error_in(kStudy, {"trials"}), "command line: trials: an override is written search.trials=200");
  EXPECT_EQ(error_in(kStudy, {"name.x=1"}), "command line: name.x=1: \"x\" would lie inside a value");
}

// ---- what the store keeps ----

TEST(StudyJson, RoundTrips) {
  for (const std::string& text :
       {kStudy, study_with("  samples: 6000\n", "  samples: 6000\n  protocol: leave-load\n  held_out: '3'\n")}) {
    const Study study = study_of(text, {"training.learning_rate=0.1", "search.seed=18446744073709551615",
                                        "data.validation_share=0.3", "objectives=[ram, latency]"});
    const Study again = study_from_json(study.config_json);
    EXPECT_EQ(again.config_json, study.config_json);
    EXPECT_EQ(again.search.seed, 18446744073709551615u);
    EXPECT_EQ(again.recipe.learning_rate, 0.1);
    EXPECT_EQ(again.objectives, (std::vector<std::string>{"ram", "latency"}));
    EXPECT_EQ(again.space.block, study.space.block);
    EXPECT_EQ(again.board.sources, study.board.sources);
    EXPECT_EQ(again.limits.ram_bytes, study.limits.ram_bytes);
  }
}

TEST(StopRules, AreReadInTheirUnits) {
  const SearchSpec search = study_of(kStudy, {"search.sampler=bayesian", "search.least_gain=0.1 %",
                                              "search.energy_budget=0.5 kWh", "search.machine_power=12 W"})
                                .search;
  EXPECT_NEAR(search.least_gain, 0.001, 1e-15);
  EXPECT_EQ(search.energy_budget_j, 1.8e6);
  EXPECT_EQ(search.machine_power_w, 12.0);
  EXPECT_EQ(study_of(kStudy).search.energy_budget_j, 0.0);
  EXPECT_EQ(study_of(kStudy).search.least_gain, 0.0);
}

TEST(StopRules, NeedWhatTheyAreReckonedBy) {
  EXPECT_THAT(error_of<ConfigError>([] { study_of(kStudy, {"search.energy_budget=90 kJ"}); }),
              testing::HasSubstr("needs search.machine_power"));
  EXPECT_THAT(error_of<ConfigError>([] {
                study_of(kStudy, {"search.sampler=random", "search.least_gain=1 %"});
              }),
              testing::HasSubstr("needs search.sampler = bayesian, whose model knows what there is to gain"));
}

TEST(Executor, IsReadAndMayChangeWhileAStudyGoesOn) {
  const std::vector<std::string> changed = {"executor.kind=slurm",         "executor.trial_time=2h",
                                            "executor.trial_memory=2 KiB", "executor.extra=[--partition=a, --qos=b]",
                                            "executor.checkpoints=64 MiB", "executor.checkpoint_interval=60 s"};
  EXPECT_THAT(error_of<ConfigError>([&] { study_of(kStudy, changed); }), testing::HasSubstr("executor.trial_memory"));
  std::vector<std::string> right = changed;
  right[2] = "executor.trial_memory=2 GiB";
  const Study study = study_of(kStudy, right);
  EXPECT_EQ(study.executor.kind, "slurm");
  EXPECT_EQ(study.executor.trial_seconds, 7200.0);
  EXPECT_EQ(study.executor.checkpoint_bytes, int64_t{64} << 20);
  EXPECT_EQ(study.executor.checkpoint_seconds, 60.0);
  EXPECT_EQ(study.executor.trial_memory_bytes, int64_t{2} << 30);
  EXPECT_EQ(study_from_json(study.config_json).executor.trial_memory_bytes, int64_t{2} << 30);
  EXPECT_EQ(study.executor.extra, (std::vector<std::string>{"--partition=a", "--qos=b"}));
  EXPECT_EQ(comparable_config(study.config_json), comparable_config(study_of(kStudy).config_json));
  EXPECT_THAT(error_of<ConfigError>([&] { study_of(kStudy, {"executor.kind=pbs"}); }), testing::HasSubstr("slurm"));
  EXPECT_THAT(error_of<ConfigError>([&] { study_of(kStudy, {"executor.lease=5s"}); }), testing::HasSubstr("30 s"));
  for (const char* option : {"--job-name=mine", "short", "--output=x"})
    EXPECT_THAT(error_of<ConfigError>([&] { study_of(kStudy, {fmt::format("executor.extra=[{}]", option)}); }),
                testing::HasSubstr(option));
}

TEST(Rungs, AreSharesOfTheEpochsThatRise) {
  const auto rungs = [](const std::string& list, int epochs = 20) {
    return study_of(kStudy, {"search.rungs=" + list, fmt::format("training.epochs={}", epochs)}).search.rungs;
  };
  EXPECT_EQ(rungs("[10 %, 0.3]"), (std::vector<double>{0.1, 0.3}));
  EXPECT_TRUE(study_of(kStudy).search.rungs.empty());
  const auto error = [&](const std::string& list, int epochs = 20) {
    return error_of<ConfigError>([&] { rungs(list, epochs); });
  };
  EXPECT_THAT(error("[30 %, 10 %]"), testing::HasSubstr("different epochs before the last: 10 % of training.epochs"));
  EXPECT_THAT(error("[10 %, 20 %]", 4), testing::HasSubstr("20 % of training.epochs = 4 is epoch 1"));
  EXPECT_THAT(error("[90 %]", 4), testing::HasSubstr("90 % of training.epochs = 4 is epoch 4"));
  EXPECT_THAT(error("[none]"), testing::HasSubstr("rungs must rise"));
  EXPECT_THAT(error("[120 %]"), testing::HasSubstr("a share above 0"));
}

TEST(Measuring, MakesAnotherStudyAndIsNotAskedForByDefault) {
  EXPECT_EQ(study_of(kStudy).search.measure, Measure::kNone);
  const Study study = study_of(kStudy, {"search.measure=emulated"});
  EXPECT_EQ(study.search.measure, Measure::kEmulated);
  EXPECT_EQ(study_from_json(study.config_json).search.measure, Measure::kEmulated);
  EXPECT_NE(comparable_config(study.config_json), comparable_config(study_of(kStudy).config_json));
  nlohmann::json earlier = nlohmann::json::parse(study_of(kStudy).config_json);
  earlier["search"].erase("measure");  // as a version wrote it that could not
  EXPECT_EQ(comparable_config(earlier.dump()), comparable_config(study_of(kStudy).config_json));
  EXPECT_THAT(error_of<ConfigError>([] { study_of(kStudy, {"search.measure=twice"}); }),
              testing::HasSubstr("one of none, linked, emulated"));
}

TEST(StudyJson, HoldsEveryFieldOfItsKind) {
  const nlohmann::json json = nlohmann::json::parse(study_of(kStudy).config_json);
  const std::set<std::string> elsewhere = {"bearing_column", "files",       "fold",   "folds",        "gain_column",
                                           "group_file",     "index",       "keep",   "label_column", "label_files",
                                           "layout",         "load_column", "normal", "path"};
  for (const std::string& field : study_fields()) {
    if (field.starts_with("data.") && elsewhere.contains(field.substr(5))) continue;
    std::string pointer = "/" + field;
    std::replace(pointer.begin(), pointer.end(), '.', '/');
    EXPECT_TRUE(json.contains(nlohmann::json::json_pointer(pointer))) << field;
  }
}

TEST(StudyJson, DifferenceNamesWhatChanged) {
  const Study a = study_of(kStudy), b = study_of(kStudy, {"search.trials=200", "limits.flash=16 KiB"});
  EXPECT_EQ(config_difference(a.config_json, b.config_json),
            "limits.flash: 32768 B -> 16384 B\nsearch.trials: 50 -> 200\n");
  EXPECT_EQ(config_difference(a.config_json, a.config_json), "");
}

TEST(StudyJson, TrialsJobsAndBudgetDoNotMakeAnotherStudy) {
  const std::string base = comparable_config(study_of(kStudy).config_json);
  EXPECT_EQ(comparable_config(study_of(kStudy, {"search.trials=9", "search.jobs=4", "search.budget=1h"}).config_json),
            base);
  EXPECT_EQ(
      comparable_config(study_of(kStudy, {"search.energy_budget=1 kWh", "search.machine_power=12 W"}).config_json),
      base);
  EXPECT_EQ(comparable_config(study_of(kStudy, {"search.sampler=bayesian", "search.least_gain=0.1 %"}).config_json),
            comparable_config(study_of(kStudy, {"search.sampler=bayesian"}).config_json));
  EXPECT_NE(comparable_config(study_of(kStudy, {"search.seed=2"}).config_json), base);
}

// A study stored by 0.1 lacks these fields; opened by a later version it must go on.
TEST(StudyJson, FieldsOfLaterVersionsDoNotMakeAnotherStudyUntilTheyAreUsed) {
  nlohmann::json first = nlohmann::json::parse(study_of(kStudy).config_json);
  for (const char* key : {"device", "surrogate", "weight_scale", "activation_range", "stochastic_rounding",
                          "float_weights", "float_activations", "balanced_classes", "distillation",
                          "distillation_temperature", "teacher_epochs", "jitter", "scaling", "mixup"})
    EXPECT_EQ(first["training"].erase(key), 1u) << key;
  for (const char* key : {"task", "validation_by"}) EXPECT_EQ(first["data"].erase(key), 1u) << key;
  for (const char* key : {"execution", "duty_cycle", "report_boards"}) EXPECT_EQ(first.erase(key), 1u) << key;
  for (const char* key : {"average_power", "params", "accuracy", "ram_bank", "soft"})
    EXPECT_EQ(first["limits"].erase(key), 1u) << key;
  for (const char* key : {"designs", "warm_start"}) EXPECT_EQ(first["search"].erase(key), 1u) << key;
  EXPECT_EQ(comparable_config(study_of(kStudy).config_json), comparable_config(first.dump()));
  EXPECT_EQ(study_from_json(first.dump()).config_json, study_of(kStudy).config_json);
  EXPECT_NE(comparable_config(study_of(kStudy, {"training.surrogate=ede"}).config_json),
            comparable_config(first.dump()));
}

// A study stored by 0.1 describes its board in fewer words; opened by a later version it must go on.
TEST(StudyJson, ABoardThatIsDescribedInMoreWordsIsNoOtherStudy) {
  nlohmann::json first = nlohmann::json::parse(study_of(kStudy).config_json);
  for (const char* key : {"ram_total", "shared_memory", "flash_read", "instruction_cache", "data_cache", "prefetch",
                          "sleep_current", "regulator"})
    EXPECT_EQ(first["board"].erase(key), 1u) << key;
  first["board"]["sources"] = {{"clock", "page 1"},        {"flash", "page 1"},  {"ram", "page 2"},
                               {"flash_wait_states", "3"}, {"supply", "page 4"}, {"current", "page 5"}};
  EXPECT_EQ(study_from_json(first.dump()).board.clock_hz, 80'000'000);
  EXPECT_EQ(comparable_config(first.dump()), comparable_config(study_of(kStudy).config_json));
  first["board"]["clock"] = "40 MHz";
  EXPECT_NE(comparable_config(first.dump()), comparable_config(study_of(kStudy).config_json));
}

TEST(StudyJson, WhatAnEarlierVersionComparedIsComparedAsToday) {
  const std::string today = comparable_config(study_of(kStudy).config_json);
  EXPECT_EQ(comparable_config(today), today);
  nlohmann::json earlier = nlohmann::json::parse(today);
  earlier["board.title"] = "ST Nucleo-64";
  earlier["board.sources.clock"] = "page 1";
  EXPECT_EQ(comparable_config(earlier.dump()), today);
}

// ---- designs to try first ----

const std::string kDesign =
    "  designs:\n"
    "    - blocks: 1\n"
    "      block1.kind: conv\n"
    "      block1.channels: 16\n"
    "      block1.kernel: 3\n"
    "      block1.stride: 1\n"
    "      block1.pool: 1\n"
    "      block1.weights: binary\n"
    "      block1.activations: uint4\n"
    "      head: flatten_dense\n"
    "      hidden: 0\n"
    "      head_weights: int8\n";

// kStudy with kDesign, of which a line is replaced.
std::string design_with(const std::string& line, const std::string& other) {
  std::string text = kStudy + kDesign;
  const size_t at = text.rfind(line);
  EXPECT_NE(at, std::string::npos) << line;
  return text.replace(at, line.size(), other);
}

TEST(Designs, AreReadAndStoredWhole) {
  const Study study = study_of(kStudy + kDesign);
  ASSERT_EQ(study.search.designs.size(), 1u);
  EXPECT_EQ(study.search.designs[0].size(), 11u);
  EXPECT_EQ(study.search.designs[0].at("block1.channels"), "16");
  EXPECT_EQ(study_from_json(study.config_json).search.designs, study.search.designs);
  EXPECT_EQ(study_from_json(study.config_json).config_json, study.config_json);
}

TEST(Designs, AreHeldAgainstTheSpace) {
  EXPECT_EQ(error_in(design_with("block1.channels: 16", "block1.channels: 17")),
            "s.yaml:22:7: search.designs[0].block1.channels = 17: one of 8, 16");
  EXPECT_EQ(error_in(design_with("block1.channels: 16", "block1.chanels: 16")),
            "s.yaml:20:7: search.designs[0]: missing key \"block1.channels\"\n"
            "s.yaml:22:7: search.designs[0].block1.chanels: unknown key, did you mean \"block1.channels\"?");
  EXPECT_EQ(error_in(design_with("      hidden: 0\n", "")), "s.yaml:20:7: search.designs[0]: missing key \"hidden\"");
  EXPECT_EQ(error_in(kStudy + kDesign + "      block2.kernel: 3\n"),
            "s.yaml:31:7: search.designs[0].block2.kernel = 3: only where block2.kind is conv");
  EXPECT_EQ(error_in(kStudy + kDesign + "      block2.kind: conv\n"),
            "s.yaml:31:7: search.designs[0].block2.kind = conv: only where blocks is 2 or 3");
  EXPECT_EQ(error_in(kStudy + "  designs: first\n"), "s.yaml:19:3: search.designs = first: a list of maps");
  EXPECT_EQ(error_in(kStudy + "  designs: [first]\n"), "s.yaml:19:13: search.designs[0]: a map of `key: value` lines");
}

TEST(Designs, AMistakeIsReportedOnce) {
  EXPECT_EQ(error_in(design_with("blocks: 1", "blocks: 4")),
            "s.yaml:20:7: search.designs[0].blocks = 4: one of 1, 2, 3");
  EXPECT_EQ(error_in(design_with("block1.kind: conv", "block1.kind: dense")),
            "s.yaml:21:7: search.designs[0].block1.kind = dense: one of conv");
}

TEST(Designs, OthersMakeAnotherStudy) {
  const std::string with = comparable_config(study_of(kStudy + kDesign).config_json);
  EXPECT_NE(with, comparable_config(study_of(kStudy).config_json));
  EXPECT_NE(with, comparable_config(study_of(design_with("uint4", "binary")).config_json));
  EXPECT_EQ(config_difference(study_of(kStudy + kDesign).config_json,
                              study_of(design_with("activations: uint4", "activations: binary")).config_json),
            "search.designs.0.block1.activations: uint4 -> binary\n");
}

TEST(WarmStart, PathsStartAtTheStudysFolderAndAreStoredWhole) {
  const Study study = study_from_yaml(kStudy + "  warm_start: [before.bw.db, /data/first.bw.db]\n", "/studies/s.yaml");
  EXPECT_EQ(study.search.warm_start, (std::vector<std::string>{"/studies/before.bw.db", "/data/first.bw.db"}));
  EXPECT_EQ(study_from_json(study.config_json).search.warm_start, study.search.warm_start);
  EXPECT_NE(comparable_config(study.config_json), comparable_config(study_of(kStudy).config_json));
  EXPECT_EQ(error_in(kStudy + "  warm_start: [/a.db, /a.db]\n"),
            "s.yaml:19:23: search.warm_start[1] = /a.db: given twice");
}

TEST(LoadStudy, FoldsNeedTheirNumber) {
  const Study study = study_of(kStudy, {"data.validation_by=fold", "data.folds=5", "data.fold=4"});
  EXPECT_EQ(study_from_json(study.config_json).data.fold, 4);
  EXPECT_EQ(error_in(kStudy, {"data.validation_by=fold"}), "s.yaml:3:3: data: missing key \"folds\"");
  EXPECT_EQ(error_in(kStudy, {"data.validation_by=fold", "data.folds=5", "data.fold=5"}),
            "command line: data.fold = 5: in 0..4");
  EXPECT_EQ(error_in(kStudy, {"data.fold=1"}), "command line: data.fold: unknown key");
  EXPECT_EQ(error_in(kStudy, {"data.validation_by=laod"}),
            "command line: data.validation_by = laod: one of share, fold, load, recording, did you mean \"load\"?");
  EXPECT_EQ(error_in(kStudy, {"data.validation_by=load", "data.protocol=random"}),
            "command line: data.validation_by = load: protocol random draws what validates: share");
}

TEST(LoadStudy, EachTaskHasItsFields) {
  EXPECT_EQ(study_of(kStudy, {"data.task=anomaly", "data.normal=healthy"}).data.task, Task::kAnomaly);
  EXPECT_EQ(error_in(kStudy, {"data.task=anomaly"}), "s.yaml:3:3: data: missing key \"normal\"");
  EXPECT_EQ(error_in(kStudy, {"data.normal=healthy"}), "command line: data.normal: unknown key");
  EXPECT_EQ(error_in(kStudy, {"data.task=regression"}), "command line: data.task = regression: of kind npy only");
  EXPECT_EQ(error_in(kStudy, {"data.task=regresion"}),
            "command line: data.task = regresion: one of classification, regression, anomaly, did you mean "
            "\"regression\"?");
}

TEST(LoadStudy, EnumsAreWords) {
  const Study study = study_of(kStudy, {"training.surrogate=bi_real", "training.weight_scale=power_of_two",
                                        "training.activation_range=lsq", "training.device=cuda"});
  EXPECT_EQ(study.recipe.surrogate, Surrogate::kBiReal);
  EXPECT_EQ(study.recipe.weight_scale, WeightScale::kPowerOfTwo);
  EXPECT_EQ(study.recipe.activation_range, ActivationRange::kLsq);
  EXPECT_EQ(study_from_json(study.config_json).recipe.device, Device::kCuda);
  EXPECT_EQ(error_in(kStudy, {"training.surrogate=bireal"}),
            "command line: training.surrogate = bireal: one of clip, identity, bi_real, reste, ede, did you mean "
            "\"bi_real\"?");
}

TEST(StudyJson, RefusesAForeignText) {
  EXPECT_THAT(error_of<ConfigError>([] { study_from_json("{}"); }),
              testing::HasSubstr("stored configuration:1:1: missing key \"name\""));
}

// ---- the files that we ship ----

TEST(LoadStudy, EveryShippedStudyReads) {
  if (!std::filesystem::exists(shared_folder_of_tests() + "/data"))
    GTEST_SKIP() << "skipped: studies on real data (set BITWRIGHT_SHARED)";
  const SharedFolder shared(shared_folder_of_tests());
  for (std::string_view path : embedded_files("configs/studies/"))
    EXPECT_NO_THROW(study_from_yaml(std::string(*embedded_file(path)), std::string(path))) << path;
}

TEST(LoadStudy, TheDemoNeedsNoFiles) {
  const Study study = study_from_yaml(std::string(*embedded_file("configs/studies/demo.yaml")), "demo.yaml");
  EXPECT_EQ(study.data.path, "");
}

}  // namespace
}  // namespace bitwright
