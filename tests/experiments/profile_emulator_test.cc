// `bitwright profile` on packages that are compiled and emulated, held against `verify`, which counts in another way,
// and against the closed forms.
// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "core/io/board_yaml.h"
#include "core/io/model_json.h"
#include "deploy/emit.h"
#include "deploy/process.h"
#include "deploy/verify.h"
#include "estimators/choose_kernels.h"
#include "experiments/calibrate/drawn_weights.h"
#include "experiments/profile_report.h"
#include "experiments/training_request.h"
#include "tests/io/temp_folder.h"

namespace bitwright {
namespace {

using testing::HasSubstr;

ProfileRequest request(Tier tier, const std::string& board, Execution execution = Execution::kLayers) {
  ProfileRequest r;
  r.board = load_board(board);
  r.tier = tier;
  r.execution = execution;
  return r;
}

NetworkProfile profile(const std::string& network, const ProfileRequest& r) {
  return profile_network(profile_input(network), r);
}

// Three layers of a stream have one kernel.
constexpr char kChain[] = R"(name: chain
input: {shape: [600, 1, 1], format: int8}
layers:
  - {name: conv0, op: conv, channels: 16, kernel: 5, padding: valid, weights: int8, batch_norm: true, activation: uint4}
  - {name: conv1, op: conv, channels: 16, kernel: 5, padding: zero, weights: int4, batch_norm: true, activation: uint4}
  - {name: conv2, op: conv, channels: 16, kernel: 3, stride: 2, padding: zero, weights: int4,
     batch_norm: true, activation: uint4}
  - {name: conv3, op: conv, channels: 8, kernel: 3, padding: zero, weights: int4, pool: 4,
     batch_norm: true, activation: uint4}
  - {name: flatten0, op: flatten}
  - {name: dense0, op: dense, units: 4, weights: int8, activation: none}
)";

// As export writes it, with the kernels for the board.
std::string write_exported(const TempFolder& folder, const std::string& network, const Board& board,
                           Execution execution = Execution::kLayers, int specialize = 0) {
  const QuantizedModel model = with_random_weights(network_argument(network), 1);
  const std::vector<std::vector<int16_t>> inputs = {calibration_input(model.network, 1)};
  PackageOptions options;
  options.specialize = specialize;
  const Kernels kernels = choose_kernels(model.network, board, {}, execution);
  Package package = emit_c(lower(model, kernels, execution), golden_vectors(model, inputs), options);
  package.files["model.json"] = nlohmann::json{{"schema", 1}, {"model", model}}.dump();
  write_package(package, folder.path() + "/package");
  return folder.path() + "/package";
}

Speed sum_of(const NetworkProfile& p) {
  Speed sum = p.between;
  for (const LayerCosts& layer : p.layers) {
    sum.instructions += layer.speed.instructions;
    sum.cycles += layer.speed.cycles;
    sum.board_cycles += layer.speed.board_cycles;
  }
  return sum;
}

int64_t flash_of(const NetworkProfile& p) {
  int64_t bytes = 0;
  for (const LayerCosts& layer : p.layers) bytes += layer.flash_bytes;
  for (const SharedFlash& shared : p.shared) bytes += shared.bytes;
  return bytes;
}

void expect_whole(const NetworkProfile& p) {
  const Speed sum = sum_of(p);
  EXPECT_NEAR(sum.instructions, p.total.instructions, 1e-6 * p.total.instructions);
  EXPECT_NEAR(sum.cycles, p.total.cycles, 1e-6 * p.total.cycles);
  EXPECT_NEAR(sum.board_cycles, p.total.board_cycles, 1e-6 * p.total.board_cycles);
  EXPECT_EQ(flash_of(p), p.flash_bytes());
  double classes = 0.0;
  for (const auto& [kind, n] : p.instructions_by_class) classes += n;
  EXPECT_EQ(classes, p.total.instructions);
}

// verify counts the same package's same inference as one run, with and without the flash.
TEST(EmulatedProfile, LayersAndCallsAddUpToWhatVerifyCounts) {
  for (Execution execution : {Execution::kLayers, Execution::kStream}) {
    const TempFolder folder;
    const Board board = load_board("nucleo-l476rg");
    const std::string package = write_exported(folder, folder.write("chain.yaml", kChain), board, execution);
    const NetworkProfile p = profile(package, request(Tier::kEmulated, board.name, execution));
    EXPECT_EQ(p.execution, execution);
    expect_whole(p);
    const VerifyReport report = verify(package, {.targets = {board.core}, .board = board});
    ASSERT_TRUE(report.bit_exact());
    const TargetReport& t = report.targets[0];
    EXPECT_EQ(p.total.instructions, t.instructions);
    EXPECT_NEAR(p.total.cycles, t.cycles, 1e-6 * t.cycles);
    ASSERT_TRUE(t.on_board);
    EXPECT_EQ(p.on_board->memory, t.on_board->memory);
    EXPECT_NEAR(p.total.board_cycles, t.on_board->cycles, 1e-6 * t.cycles);
    EXPECT_GT(t.on_board->stall_cycles, 0.0);
    EXPECT_EQ(p.code_bytes, t.code_bytes);
    EXPECT_EQ(p.library_bytes, t.library_bytes);
    EXPECT_EQ(p.constant_bytes, t.constant_bytes);
    EXPECT_EQ(p.stack_bytes, t.stack_bound_bytes);
    EXPECT_EQ(p.stack_used_bytes, t.stack_bytes);
    EXPECT_EQ(nlohmann::json::parse(render_json(report))["targets"][0]["board"]["flash"],
              nlohmann::json::parse(profile_json(p))["flash_model"]);
    for (const std::string& line :
         {std::string("cycles with the flash of nucleo-l476rg"), std::string("4 wait states")})
      EXPECT_THAT(render_text(report), HasSubstr(line));
  }
}

void expect_near_closed_form(const std::string& network, const std::string& board, Execution execution, double of_total,
                             double of_layers) {
  const NetworkProfile estimated = profile(network, request(Tier::kClosedForm, board, execution)),
                       counted = profile(network, request(Tier::kEmulated, board, execution));
  SCOPED_TRACE(network + " on " + board);
  expect_whole(counted);
  EXPECT_NEAR(estimated.total.cycles / counted.total.cycles, 1.0, of_total);
  EXPECT_EQ(estimated.memory.arena_bytes, counted.memory.arena_bytes);
  for (size_t i = 0; i < counted.layers.size(); ++i) {
    if (execution == Execution::kLayers) {  // a stage of a stream may have its descriptor as code
      EXPECT_EQ(estimated.layers[i].flash_bytes, counted.layers[i].flash_bytes) << counted.layers[i].name;
    }
    EXPECT_NEAR(estimated.layers[i].speed.cycles, counted.layers[i].speed.cycles,
                of_layers * counted.layers[i].speed.cycles + 0.005 * counted.total.cycles)
        << counted.layers[i].name;
    EXPECT_EQ(counted.layers[i].kernel.empty(), counted.layers[i].speed.instructions == 0.0);
  }
}

TEST(EmulatedProfile, TheClosedFormIsWithinOnePerCent) {
  for (const char* board : {"nucleo-l476rg", "nucleo-g071rb", "nucleo-u575zi-q"})
    expect_near_closed_form("bearing_small", board, Execution::kLayers, 0.01, 0.02);
}

TEST(EmulatedProfile, LayersOfAStreamThatHaveOneKernelAreToldApart) {
  const TempFolder folder;
  const std::string chain = folder.write("chain.yaml", kChain);
  const NetworkProfile p = profile(chain, request(Tier::kClosedForm, "nucleo-l476rg", Execution::kStream));
  ASSERT_EQ(p.execution, Execution::kStream);
  ASSERT_EQ(p.layers[1].kernel, p.layers[2].kernel);
  ASSERT_EQ(p.layers[1].kernel, p.layers[3].kernel);
  expect_near_closed_form(chain, "nucleo-l476rg", Execution::kStream, 0.02, 0.02);
}

class UntimedCores : public ::testing::TestWithParam<const char*> {};

TEST_P(UntimedCores, GiveInstructionsAlone) {
  const ProfileRequest r = request(Tier::kEmulated, GetParam());
  const NetworkProfile p = profile("bearing_tiny", r);
  EXPECT_GT(p.total.instructions, 0.0);
  EXPECT_EQ(p.total.cycles, 0.0);
  EXPECT_EQ(sum_of(p).instructions, p.total.instructions);
  EXPECT_EQ(p.layers[3].name, "pool0");
  for (const LayerCosts& layer : p.layers) {
    EXPECT_GT(layer.speed.instructions, 0.0) << layer.name;
    EXPECT_GT(layer.flash_bytes, 0) << layer.name;
  }
  EXPECT_THAT(profile_text(p), HasSubstr("instructions alone: "));
  EXPECT_TRUE(nlohmann::json::parse(profile_json(p))["cycles"].is_null());
}

TEST_P(UntimedCores, GiveNoSpeedWhereNothingRuns) {
  const ProfileRequest r = request(Tier::kLinked, GetParam());
  const auto json = nlohmann::json::parse(profile_json(profile("bearing_tiny", r)));
  for (const auto& costs : {json, json["layers"][0], json["between_layers"]}) {
    EXPECT_TRUE(costs["instructions"].is_null());
    EXPECT_TRUE(costs["cycles"].is_null());
  }
  EXPECT_TRUE(json["layers"][0]["share"].is_null());
  EXPECT_GT(json["layers"][0]["flash_share"], 0.0);
}

INSTANTIATE_TEST_SUITE_P(EmulatedProfile, UntimedCores, ::testing::Values("generic-cortex-m55", "generic-rv32imc"));

TEST(LinkedProfile, CodeThatWasCompiledForALayerIsTheLayers) {
  ProfileRequest shared = request(Tier::kLinked, "nucleo-l476rg"), own = shared;
  own.specialize = 2;
  const NetworkProfile a = profile("bearing_small", shared), b = profile("bearing_small", own);
  EXPECT_EQ(flash_of(a), a.flash_bytes());
  EXPECT_EQ(flash_of(b), b.flash_bytes());
  EXPECT_LT(b.flash_bytes(), a.flash_bytes());
  for (size_t i = 0; i < a.layers.size(); ++i) EXPECT_GT(b.layers[i].flash_bytes, a.layers[i].flash_bytes + 50);
  EXPECT_THAT(profile_text(a), HasSubstr("note: weights drawn at random, seed 1: network bearing_small has none\n"));
  EXPECT_THAT(profile_text(a),
              HasSubstr("\ntier linked       flash and stack of the linked package; "
                        "instructions and cycles are closed forms\n                  arm-none-eabi-gcc: "));
}

TEST(EmulatedProfile, ASpecialisedStreamAddsUpToo) {
  const TempFolder folder;
  const Board board = load_board("nucleo-l476rg");
  const std::string package = write_exported(folder, folder.write("chain.yaml", kChain), board, Execution::kStream, 2);
  const NetworkProfile p = profile(package, request(Tier::kEmulated, board.name, Execution::kStream));
  EXPECT_EQ(p.execution, Execution::kStream);
  expect_whole(p);
  for (const LayerCosts& layer : p.layers) EXPECT_EQ(layer.kernel.empty(), layer.speed.cycles == 0.0) << layer.name;
  EXPECT_GT(p.layers[0].flash_bytes, 2000);  // its own kernel's code, too
  EXPECT_LT(p.layers[1].flash_bytes, 1300);  // three layers share theirs
  EXPECT_THAT(p.notes, testing::Contains("one inference of the package's first golden vector"));
}

TEST(EmulatedProfile, TheSameCommandPrintsTheSameBytes) {
  const TempFolder folder;
  const auto print = [&](const char* format) {
    const ProcessResult run =
        run_process({BITWRIGHT_BINARY_DIR "/bitwright", "profile", "bearing_tiny", "--tier", "emulated", format},
                    {.directory = folder.path()});
    EXPECT_TRUE(run.ok()) << run.errors;
    return run.output;
  };
  for (const char* format : {"--layers", "--json"}) {
    const std::string first = print(format);
    EXPECT_EQ(first, print(format));
    EXPECT_THAT(first, testing::Not(HasSubstr("/tmp")));
  }
}

}  // namespace
}  // namespace bitwright
