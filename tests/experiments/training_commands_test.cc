// evaluate, baseline and ablate by the built program, on the simulator.
// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "deploy/process.h"
#include "tests/experiments/tiny_study.h"
#include "tests/io/temp_folder.h"

namespace bitwright {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const std::string kStudy = kTinyStudy + "training: {epochs: 2}\n";

const std::string kNetwork =
    "name: small\n"
    "input: {shape: [600, 1, 1], format: int8}\n"
    "layers:\n"
    "  - {name: conv1, op: conv, channels: 8, kernel: 16, stride: 8, padding: valid, weights: int4, batch_norm: true, "
    "activation: uint2}\n"
    "  - {name: pool, op: global_avg_pool, activation: int8}\n"
    "  - {name: head, op: dense, units: 4, weights: int8, bias: true, activation: none}\n";

class TrainingCommands : public testing::Test {
 protected:
  TrainingCommands() {
    folder_.write("tiny.yaml", kStudy);
    folder_.write("small.yaml", kNetwork);
  }

  ProcessResult run(const std::string& command, const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {
        BITWRIGHT_BINARY_DIR "/bitwright", command, "tiny.yaml", "--network", "small.yaml", "-q"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_process(arguments, {.directory = folder_.path(), .limit = std::chrono::minutes(4)});
  }

  nlohmann::json json_of(const std::string& command, std::vector<std::string> more) {
    more.push_back("--json");
    const ProcessResult result = run(command, more);
    EXPECT_EQ(result.exit_status, 0) << result.errors;
    return nlohmann::json::parse(result.output, nullptr, false);
  }

  TempFolder folder_;
};

// Everything but times.
std::vector<std::string> outcomes(const nlohmann::json& evaluation) {
  std::vector<std::string> lines;
  for (const auto& network : evaluation["networks"])
    for (const auto& run : network["runs"])
      lines.push_back(run["model_sha256"].dump() + run["validation"].dump() + run["fold"].dump());
  return lines;
}

TEST_F(TrainingCommands, TwoJobsGiveTheNumbersOfOne) {
  const auto one = json_of("evaluate", {"--seeds", "2", "--float", "--jobs", "1"});
  const auto two = json_of("evaluate", {"--seeds", "2", "--float", "--jobs", "2"});
  EXPECT_EQ(outcomes(one).size(), 4u);
  EXPECT_EQ(outcomes(one), outcomes(two));
}

TEST_F(TrainingCommands, EverySeedIsAnotherTraining) {
  const auto runs = json_of("evaluate", {"--seeds", "2"})["networks"][0]["runs"];
  EXPECT_NE(runs[0]["model_sha256"], runs[1]["model_sha256"]);
}

TEST_F(TrainingCommands, TheTestSetIsScoredOnRequestAndSaysWhatThatMeans) {
  const ProcessResult without = run("evaluate", {"--seeds", "1"});
  EXPECT_EQ(without.exit_status, 0) << without.errors;
  EXPECT_THAT(without.output, testing::Not(HasSubstr("test")));
  EXPECT_THAT(run("evaluate", {"--seeds", "1", "--test"}).output, HasSubstr("test (final evaluation)"));
}

TEST_F(TrainingCommands, EveryRecordingOfAFoldValidatesOnce) {
  const auto runs = json_of("evaluate", {"--seeds", "1", "--folds", "2"})["networks"][0]["runs"];
  ASSERT_EQ(runs.size(), 2u);
  EXPECT_NE(runs[0]["fold"], runs[1]["fold"]);
  EXPECT_NE(runs[0]["model_sha256"], runs[1]["model_sha256"]);
}

TEST_F(TrainingCommands, ALeakingSplitSaysSo) {
  EXPECT_THAT(run("evaluate", {"--seeds", "1", "data.protocol=random"}).output, HasSubstr("\nwarning: "));
}

TEST_F(TrainingCommands, AblateListsTheBaseThenTheChangesInTheirOrder) {
  const auto json = json_of("ablate", {"--seeds", "1", "--only", "batch 128,latent_init 0.5"});
  std::vector<std::string> changes;
  for (const auto& row : json["changes"]) changes.push_back(row["change"]);
  EXPECT_THAT(changes, ElementsAre("base", "latent_init 0.5", "batch 128"));
  EXPECT_EQ(json["set"], "validation");
}

TEST_F(TrainingCommands, AnUnknownChangeIsGuessed) {
  const ProcessResult result = run("ablate", {"--only", "batch 23"});
  EXPECT_EQ(result.exit_status, 2);
  EXPECT_THAT(result.errors,
              testing::StartsWith("error: --only: batch 23: no such change, did you mean \"batch 32\"?"));
}

TEST_F(TrainingCommands, ABaselineHasARowForEveryWayToTheBoard) {
  const auto rows = json_of("baseline", {"--seeds", "1", "--test"})["rows"];
  std::vector<std::string> names;
  for (const auto& row : rows) {
    names.push_back(row["name"]);
    EXPECT_TRUE(row.contains("validation")) << row["name"];
    EXPECT_TRUE(row.contains("test")) << row["name"];
  }
  EXPECT_THAT(names, ElementsAre("float32", "int8 PTQ, min-max", "+ MSE ranges", "+ cross-layer equalization",
                                 "+ bias correction", "+ adaptive rounding", "int8 QAT", "this network"));
  // Bytes against floats. Its flash is not less: so few weights do not pay for the integer kernels' code.
  EXPECT_LT(rows[1]["cost"]["ram_bytes"], rows[0]["cost"]["ram_bytes"]);
}

}  // namespace
}  // namespace bitwright
