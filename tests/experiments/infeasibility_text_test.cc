// SPDX-License-Identifier: Apache-2.0
#include "experiments/infeasibility_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bitwright {
namespace {

using testing::HasSubstr;

Violation too_much_flash(double bytes) {
  return {.rule = "flash", .value = bytes, .limit = 2048, .message = "flash is too much"};
}

// Nothing that was found keeps the flash.
Infeasibility of_flash() {
  Infeasibility why;
  why.sampled = 200, why.sound = 180, why.candidates = 900;
  why.broken = {{"flash", 180}, {"latency", 20}};
  why.impossible = {{"flash", {.parameters = {{"blocks", "1"}}}, too_much_flash(2263)}};
  why.nearest = Candidate{.parameters = {{"blocks", "2"}}};
  why.nearest_violations = {too_much_flash(2263)};
  return why;
}

TEST(InfeasibilityText, WhatIsCertainComesFirst) {
  EXPECT_THAT(infeasibility_text(of_flash(), {}),
              testing::StartsWith("of 200 random candidates 180 are sound; of these 180 break flash, 20 break latency\n"
                                  "flash: even the least that was found is too much: flash is too much\n"
                                  "  blocks=1\n"
                                  "the nearest takes on "));
}

TEST(InfeasibilityText, TheRemedyIsRoundedUpToWhatAStudyTakes) {
  EXPECT_THAT(infeasibility_text(of_flash(), {}),
              HasSubstr("\n  blocks=2\nit would fit with limits.flash='2.250 KiB'"));
}

TEST(InfeasibilityText, ADiagnosisCutShortSaysSoBeforeWhatIsOnlyNear) {
  Infeasibility why = of_flash();
  why.end = DiagnosisEnd::kStopped;
  const std::string cut = "  blocks=1\nstopped after 900 candidates: a nearer one may exist\n";
  EXPECT_THAT(infeasibility_text(why, {}), HasSubstr(cut + "the nearest takes on "));
  why.nearest.reset();
  EXPECT_THAT(infeasibility_text(why, {}), testing::EndsWith(cut));
}

TEST(InfeasibilityText, OneThatFitsAfterAllIsNoNearestOne) {
  Infeasibility why = of_flash();
  why.nearest_violations.clear();
  EXPECT_THAT(infeasibility_text(why, {}), HasSubstr("one candidate fits, which random proposals did not meet: on "));
}

TEST(InfeasibilityText, WhereNothingCanBeBuiltThereIsNothingNear) {
  EXPECT_THAT(infeasibility_text({.sampled = 200}, {}),
              testing::EndsWith("no network of the space can be built: its windows are larger than its maps\n"));
}

}  // namespace
}  // namespace bitwright
