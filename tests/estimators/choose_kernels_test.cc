// SPDX-License-Identifier: Apache-2.0
#include "estimators/choose_kernels.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "core/overlap.h"
#include "estimators/kernel_costs.h"
#include "tests/core/networks.h"
#include "tests/support/random_network.h"

namespace bitwright {
namespace {

using namespace testing;

Board board(const std::string& core) {
  Board b;
  b.core = core;
  return b;
}

int64_t flash_bytes(const Network& n, const Kernels& kernels, const CoreCosts& costs) {
  return code_bytes(kernels, costs) + constant_bytes(n, kernels);
}
int64_t ram_bytes(const Network& n, const Kernels& kernels, const CoreCosts& costs) {
  return plan_layers(n, kernels).arena_bytes + stack_bytes(n, kernels, costs);
}

// They need a multiplication with a sum of 64 bits in few cycles.
TEST(ChooseKernels, PolynomialsRunTheBearingNetworksSecondLayerOnlyOnCoresThatMultiplyFast) {
  for (const char* core : {"cortex-m4", "cortex-m7", "cortex-m33"})
    EXPECT_EQ(choose_kernels(bearing_network(), board(core))[1], "conv2d_a1w1_poly5") << core;
  EXPECT_EQ(choose_kernels(bearing_network(), board("cortex-m0plus"))[1], "conv2d_a1w1_sliced");
}

TEST(ChooseKernels, WithoutATableTakesThePortableOnes) {
  EXPECT_EQ(choose_kernels(bearing_network(), board("cortex-m55")), default_kernels(bearing_network()));
}

TEST(ChooseKernels, EveryKernelCanRunItsLayer) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    const Network n = random_network(seed);
    const Kernels kernels = choose_kernels(n, board("cortex-m4"), {.flash_bytes = 4000, .ram_bytes = 1000});
    ASSERT_EQ(kernels.size(), n.layers.size());
    for (int i = 0; i < static_cast<int>(kernels.size()); ++i) {
      const std::vector<std::string> able = kernels_for(n, i);
      const std::string& kernel = kernels[static_cast<size_t>(i)];
      EXPECT_TRUE(able.empty() ? kernel.empty() : std::find(able.begin(), able.end(), kernel) != able.end()) << seed;
    }
  }
}

TEST(ChooseKernels, GivesSpeedForFlashThatIsShort) {
  const Network n = bearing_network();
  const CoreCosts& costs = core_costs("cortex-m4");
  const Kernels fast = fastest_kernels(n, costs);
  const int64_t flash = flash_bytes(n, fast, costs) - 1;
  const Kernels small = kernels_within(n, fast, costs, {.flash_bytes = flash});
  EXPECT_NE(small, fast);
  EXPECT_LE(flash_bytes(n, small, costs), flash);
}

TEST(ChooseKernels, GivesSpeedForRamThatIsShort) {
  const Network n = bearing_network();
  const CoreCosts& costs = core_costs("cortex-m4");
  const Kernels fast = fastest_kernels(n, costs);
  const int64_t ram = ram_bytes(n, fast, costs) - 1;
  const Kernels small = kernels_within(n, fast, costs, {.ram_bytes = ram});
  EXPECT_NE(small, fast);
  EXPECT_LE(ram_bytes(n, small, costs), ram);
}

TEST(ChooseKernels, KeepsTheFastestWhereTheyFit) {
  const Network n = bearing_network();
  const CoreCosts& costs = core_costs("cortex-m4");
  const Kernels fast = fastest_kernels(n, costs);
  const MemoryLimits limits{flash_bytes(n, fast, costs), ram_bytes(n, fast, costs)};
  EXPECT_EQ(kernels_within(n, fast, costs, limits), fast);
}

TEST(ChooseKernels, GiveBackMemoryThatProgramAndDataShare) {
  const Network n = bearing_network();
  const CoreCosts& costs = core_costs("cortex-m4");
  const Kernels fast = fastest_kernels(n, costs);
  const int64_t both = flash_bytes(n, fast, costs) + ram_bytes(n, fast, costs);
  EXPECT_EQ(kernels_within(n, fast, costs, {.both_bytes = both}), fast);
  const Kernels small = kernels_within(n, fast, costs, {.both_bytes = both - 1});
  EXPECT_LT(flash_bytes(n, small, costs) + ram_bytes(n, small, costs), both);
}

TEST(MemoryLimits, AreTheTighterOfTheStudysAndTheBoards) {
  Board b = board("cortex-m4");
  EXPECT_EQ(memory_limits(b).flash_bytes, 0);
  b.flash_bytes = 1000;
  b.ram = {{"sram1", 200}, {"sram2", 5000}};
  EXPECT_EQ(memory_limits(b).flash_bytes, 1000);
  EXPECT_EQ(memory_limits(b).ram_bytes, 200);
  EXPECT_EQ(memory_limits(b, {.flash_bytes = 500, .ram_bytes = 300}).flash_bytes, 500);
  EXPECT_EQ(memory_limits(b, {.flash_bytes = 500, .ram_bytes = 300}).ram_bytes, 200);
  EXPECT_EQ(memory_limits(b).both_bytes, 0);
  b.shared_memory_bytes = 5000;
  EXPECT_EQ(memory_limits(b).both_bytes, 5000);
}

}  // namespace
}  // namespace bitwright
