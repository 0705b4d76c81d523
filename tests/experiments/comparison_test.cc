// SPDX-License-Identifier: Apache-2.0
#include "experiments/comparison.h"

#include <gtest/gtest.h>

#include "core/io/config_reader.h"

namespace bitwright {
namespace {

// Whether `value`, in bytes, is as `text` says; the rule that the text breaks.
std::pair<bool, std::string> compared(const std::string& text, double value) {
  Comparison comparison;
  const std::string rule = parse_comparison(text, quantity(kBytes).parse, comparison);
  return {rule.empty() && comparison.holds(value), rule};
}

TEST(Comparison, EachComparatorDecidesAtTheBound) {
  for (const auto& [text, below, at, above] : {std::tuple{">=1KiB", false, true, true},
                                               {"<=1KiB", true, true, false},
                                               {">1KiB", false, false, true},
                                               {"<1KiB", true, false, false},
                                               {"=1KiB", false, true, false},
                                               {" >= 1 KiB", false, true, true}}) {
    EXPECT_EQ(compared(text, 1023).first, below) << text;
    EXPECT_EQ(compared(text, 1024).first, at) << text;
    EXPECT_EQ(compared(text, 1025).first, above) << text;
  }
}

TEST(Comparison, SaysWhichRuleATextBreaks) {
  EXPECT_EQ(compared("1KiB", 0).second, "begins with >=, <=, >, < or =");
  EXPECT_EQ(compared("", 0).second, "begins with >=, <=, >, < or =");
  EXPECT_EQ(compared(">=", 0).second, "a number with a unit of B, KiB, MiB, kB, MB");
  EXPECT_EQ(compared("=>1KiB", 0).second, "a number with a unit of B, KiB, MiB, kB, MB");
  EXPECT_EQ(compared("<1MHz", 0).second, "a number with a unit of B, KiB, MiB, kB, MB");
}

}  // namespace
}  // namespace bitwright
