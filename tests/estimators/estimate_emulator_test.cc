// Estimates against packages that were compiled, linked and emulated.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <tuple>

#include "core/error.h"
#include "core/execution.h"
#include "deploy/emit.h"
#include "deploy/lower.h"
#include "deploy/process.h"
#include "deploy/verify.h"
#include "estimators/choose_kernels.h"
#include "estimators/estimate.h"
#include "experiments/calibrate/drawn_weights.h"
#include "experiments/check_estimates/measure_inferences.h"
#include "tests/core/networks.h"
#include "tests/support/random_network.h"

namespace bitwright {
namespace {

// Mean and largest |difference| over the networks.
struct Difference {
  double sum = 0.0, largest = 0.0;
  int count = 0;
  uint64_t worst_seed = 0;
  void add(double difference, uint64_t seed) {
    sum += std::abs(difference);
    ++count;
    if (std::abs(difference) <= largest) return;
    largest = std::abs(difference);
    worst_seed = seed;
  }
  double mean() const { return count ? sum / count : 0.0; }
};

struct Pair {
  Estimates estimated;
  TargetReport measured;
};

Pair compare(const Network& network, uint64_t seed, const std::string& core, Execution execution = Execution::kLayers) {
  const QuantizedModel model = testing::random_model(network, seed);
  const std::vector<std::vector<int16_t>> inputs = {testing::random_input(network, seed)};
  Board board;
  board.core = core;
  board.clock_hz = 1'000'000;
  const TemporaryDirectory folder;
  const Program program = lower(model, choose_kernels(network, board, {}, execution), execution);
  write_package(emit_c(program, golden_vectors(model, inputs)), folder.path());
  std::vector<std::string> targets = {core};
  if (core == "cortex-m4") targets.insert(targets.begin(), "host-gcc");  // once per network is enough
  const VerifyReport report = verify(folder.path(), {.targets = targets});
  EXPECT_TRUE(report.bit_exact()) << "seed " << seed << "\n" << render_text(report);
  const Estimates estimated = estimate(network, board, {}, execution);
  EXPECT_EQ(estimated.arena_bytes, program.plan.arena_bytes);
  return {estimated, report.targets.back()};
}

struct Speed {
  Difference instructions, cycles;
  template <class Measured>
  void add(const Estimates& estimated, const Measured& measured, uint64_t seed) {
    instructions.add(estimated.instructions / measured.instructions - 1, seed);
    cycles.add(estimated.cycles / measured.cycles - 1, seed);
  }
  void print(const char* what) const {
    fmt::print("  {:2} {}: instructions {:.2f} %, {:.2f} % (seed {}); cycles {:.2f} %, {:.2f} % (seed {})\n",
               instructions.count, what, 100 * instructions.mean(), 100 * instructions.largest, instructions.worst_seed,
               100 * cycles.mean(), 100 * cycles.largest, cycles.worst_seed);
  }
};

bool uses_float(const Estimates& estimates) {
  return std::any_of(estimates.layers.begin(), estimates.layers.end(),
                     [](const LayerEstimate& layer) { return layer.kernel.ends_with("_f32"); });
}

// False for a network of flattens alone: its run function is empty, and a ratio to it means nothing.
bool calls_kernels(const Estimates& estimates) {
  return std::any_of(estimates.layers.begin(), estimates.layers.end(),
                     [](const LayerEstimate& layer) { return !layer.kernel.empty(); });
}

class EstimateAgainstEmulator : public ::testing::TestWithParam<const char*> {};

// All networks of a core in one program; `./do estimates` does more of them.
TEST_P(EstimateAgainstEmulator, AgreesOnRandomNetworks) {
  constexpr uint64_t kNetworks = 16;
  Board board;
  board.core = GetParam();
  board.clock_hz = 1'000'000;
  std::vector<Program> programs;
  std::vector<Estimates> estimates;
  for (uint64_t seed = 1; seed <= kNetworks; ++seed) {
    const Network network = testing::random_network(seed);
    estimates.push_back(estimate(network, board));
    programs.push_back(lower(with_random_weights(network, seed), choose_kernels(network, board)));
    EXPECT_EQ(estimates.back().arena_bytes, programs.back().plan.arena_bytes) << "seed " << seed;
  }
  const TemporaryDirectory folder;
  const std::vector<MeasuredInference> measured = measure_inferences(board.core, programs, folder.path());
  Difference constants, code, stack;
  Speed integer, with_floats;
  for (uint64_t seed = 1; seed <= kNetworks; ++seed) {
    const auto& [e, m] = std::tie(estimates[seed - 1], measured[seed - 1]);
    EXPECT_EQ(e.constant_bytes, m.constant_bytes) << "seed " << seed;
    EXPECT_EQ(m.data_bytes + m.bss_bytes, 0) << "seed " << seed;
    EXPECT_GE(e.stack_bytes, m.stack_bytes) << "seed " << seed;
    const auto code_bytes = static_cast<double>(m.code_bytes + m.library_bytes);
    EXPECT_NEAR(static_cast<double>(e.code_bytes), code_bytes, 0.02 * code_bytes) << "seed " << seed;
    constants.add(static_cast<double>(e.constant_bytes - m.constant_bytes), seed);
    code.add(static_cast<double>(e.code_bytes) - code_bytes, seed);
    stack.add(static_cast<double>(e.stack_bytes - m.stack_bytes), seed);
    if (calls_kernels(e)) (uses_float(e) ? with_floats : integer).add(e, m, seed);
  }
  fmt::print("{}, {} random networks, estimated against measured: mean and largest difference\n", GetParam(),
             kNetworks);
  fmt::print("  constants {:.1f}, {:.0f} B; code {:.1f}, {:.0f} B; stack {:.1f}, {:.0f} B\n", constants.mean(),
             constants.largest, code.mean(), code.largest, stack.mean(), stack.largest);
  integer.print("of integers alone");
  with_floats.print("with float layers");
  EXPECT_LE(stack.largest, 80);
  EXPECT_LE(integer.instructions.mean(), 0.015);
  EXPECT_LE(integer.cycles.mean(), 0.025);
  // Floating point in software takes as long as its operands make it: no closed form of the shapes can be close.
  EXPECT_LE(with_floats.instructions.mean(), 0.10);
  EXPECT_LE(with_floats.cycles.mean(), 0.10);
}

// Of signals that run as streams (ADR 0018): as close as layers one after another (docs/estimates.md).
TEST_P(EstimateAgainstEmulator, AgreesOnStreams) {
  Speed speed;
  Difference code, stack;
  int streams = 0;
  for (uint64_t seed = 100; streams < 4; ++seed) try {
      const Network network = testing::random_signal_network(seed);
      if (!plan_execution(network, default_kernels(network), Execution::kStream).stream) continue;
      const Pair pair = compare(network, seed, GetParam(), Execution::kStream);
      const auto& [e, m] = pair;
      ++streams;
      // A stage works on a copy of its layer's descriptor, 48 bytes, which the compiler may write out as code.
      const auto copies = static_cast<int64_t>(48 * network.layers.size());
      EXPECT_LE(m.constant_bytes, e.constant_bytes) << "seed " << seed;
      EXPECT_GE(m.constant_bytes, e.constant_bytes - copies) << "seed " << seed;
      EXPECT_GE(e.stack_bytes, m.stack_bytes) << "seed " << seed;
      speed.add(e, m, seed);
      code.add(static_cast<double>(e.code_bytes) / static_cast<double>(m.code_bytes + m.library_bytes) - 1, seed);
      stack.add(static_cast<double>(e.stack_bytes - m.stack_bytes), seed);
    } catch (const StructureError&) {  // the map became too short
    }
  fmt::print("{}, streams: code {:.2f} %, {:.2f} %; stack {:.0f}, {:.0f} B\n", GetParam(), 100 * code.mean(),
             100 * code.largest, stack.mean(), stack.largest);
  speed.print("streams");
  EXPECT_LE(code.largest, 0.02);
  EXPECT_LE(stack.largest, 160);
  for (const Difference* of : {&speed.instructions, &speed.cycles}) {
    EXPECT_LE(of->mean(), 0.01);
    EXPECT_LE(of->largest, 0.015);
  }
}

// Every layer's branches predicted by themselves, as estimates have it (docs/estimates.md): verify counts a whole
// inference.
MeasuredInference by_layer(const Network& network, const std::string& core) {
  Board board;
  board.core = core;
  const TemporaryDirectory folder;
  const Program program = lower(testing::random_model(network, 1), choose_kernels(network, board));
  return measure_inferences(board.core, {program}, folder.path()).front();
}

// Two of its six layers are upsamplings; its output is a signal again.
TEST_P(EstimateAgainstEmulator, AgreesOnADecoder) {
  for (Format output : {Format::kInt8, Format::kInt16, Format::kAccumulator}) {
    const auto [e, m] = compare(testing::auto_encoder(output), 1, GetParam());
    EXPECT_EQ(e.constant_bytes, m.constant_bytes);
    const auto code_bytes = static_cast<double>(m.code_bytes + m.library_bytes);
    EXPECT_NEAR(static_cast<double>(e.code_bytes), code_bytes, 0.02 * code_bytes);
    EXPECT_GE(e.stack_bytes, m.stack_bytes);
    EXPECT_NEAR(static_cast<double>(e.stack_bytes), static_cast<double>(m.stack_bytes), 64);
    EXPECT_NEAR(e.instructions / m.instructions, 1.0, 0.02);
    EXPECT_NEAR(e.cycles / by_layer(testing::auto_encoder(output), GetParam()).cycles, 1.0, 0.03);
  }
}

INSTANTIATE_TEST_SUITE_P(Cores, EstimateAgainstEmulator,
                         ::testing::Values("cortex-m0plus", "cortex-m3", "cortex-m4", "cortex-m7", "cortex-m33"),
                         [](const auto& test) { return std::string(test.param).substr(7); });

}  // namespace
}  // namespace bitwright
