// SPDX-License-Identifier: Apache-2.0
#include "experiments/fast_weights_budget.h"

#include <gtest/gtest.h>

#include <limits>

#include "core/error.h"

namespace bitwright {
namespace {

TEST(FastWeightsBudget, ReadsBytesAndTheUnitsOfLimits) {
  EXPECT_EQ(fast_weights_budget(""), 0);
  EXPECT_EQ(fast_weights_budget("0"), 0);
  EXPECT_EQ(fast_weights_budget("4096"), 4096);
  EXPECT_EQ(fast_weights_budget("4KiB"), 4096);
  EXPECT_EQ(fast_weights_budget("1.5 kB"), 1500);
  EXPECT_EQ(fast_weights_budget("auto"), std::numeric_limits<int64_t>::max());
}

TEST(FastWeightsBudget, RefusesWhatIsNoAmountOfMemory) {
  for (const char* text : {"-1", "4 KB", "KiB", "4 s", "none", "0 KiB"})
    EXPECT_THROW(fast_weights_budget(text), ConfigError) << text;
}

}  // namespace
}  // namespace bitwright
