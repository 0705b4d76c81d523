// SPDX-License-Identifier: Apache-2.0
#include "experiments/table.h"

#include <gtest/gtest.h>

namespace bitwright {
namespace {

TEST(RenderTable, NumbersAreFlushRightAndWordsFlushLeft) {
  EXPECT_EQ(render_table({{"layer", "bytes"}, {"conv1", "8"}, {"d", "1024"}}),
            "layer  bytes\n"
            "conv1      8\n"
            "d       1024\n");
}

TEST(FormatBytes, CountsInKibibytesFrom1024On) {
  EXPECT_EQ(format_bytes(1023), "1023 B");
  EXPECT_EQ(format_bytes(1024), "1.0 KiB");
  EXPECT_EQ(format_bytes(33690), "32.9 KiB");
}

TEST(FormatDuration, ShowsHoursMinutesSeconds) {
  EXPECT_EQ(format_duration(3661.9), "01:01:01");
  EXPECT_EQ(format_duration(-1), "00:00:00");
}

TEST(FormatMicroseconds, ChangesToMillisecondsAt1000) {
  EXPECT_EQ(format_microseconds(999), "999 us");
  EXPECT_EQ(format_microseconds(14120), "14.1 ms");
}

TEST(FormatPower, IsADashWhereNothingIsKnown) {
  EXPECT_EQ(format_microwatts(55.94), "55.9 uW");
  EXPECT_EQ(format_microwatts(3003), "3.0 mW");
  EXPECT_EQ(format_microwatts(0), "-");
  EXPECT_EQ(format_microjoules(8.4), "8.4 uJ");
  EXPECT_EQ(format_microjoules(0), "-");
}

TEST(FormatPower, OfLittleIsNotShownAsNone) {
  EXPECT_EQ(format_microwatts(0.001), "1 nW");
  EXPECT_EQ(format_microjoules(0.0123), "12 nJ");
  EXPECT_EQ(format_microseconds(0.25), "0.25 us");
}

TEST(FormatLife, IsInHoursDaysOrYears) {
  EXPECT_EQ(format_life(47), "47 hours");
  EXPECT_EQ(format_life(48), "2 days");
  EXPECT_EQ(format_life(24 * 700), "700 days");
  EXPECT_EQ(format_life(24 * 365.25 * 3), "3.0 years");
  EXPECT_EQ(format_life(0), "-");
}

}  // namespace
}  // namespace bitwright
