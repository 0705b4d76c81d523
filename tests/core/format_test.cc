// SPDX-License-Identifier: Apache-2.0
#include "core/format.h"

#include <gtest/gtest.h>

#include "core/embedded.h"
#include "core/hash.h"
#include "core/trial.h"

#include <fstream>
#include <sstream>

namespace bitwright {
namespace {

std::vector<Format> all_formats() {
  std::vector<Format> formats;
  for (int i = 0; i <= static_cast<int>(Format::kAccumulator); ++i) formats.push_back(static_cast<Format>(i));
  return formats;
}

TEST(Format, EveryNameLeadsBackToItsFormat) {
  for (Format f : all_formats()) EXPECT_EQ(format_from_name(format_name(f)), f);
  EXPECT_EQ(format_from_name("int9"), std::nullopt);
  EXPECT_EQ(format_from_name("INT8"), std::nullopt);
}

TEST(Format, CodesFillTheBitsOfTheirFormat) {
  for (Format f : all_formats()) {
    if (!is_integer(f) || f == Format::kBinary || f == Format::kTernary) continue;
    EXPECT_EQ(int64_t{max_code(f)} - min_code(f) + 1, int64_t{1} << bit_width(f)) << format_name(f);
    EXPECT_EQ(min_code(f), is_unsigned(f) ? 0 : -(int64_t{1} << (bit_width(f) - 1))) << format_name(f);
  }
  EXPECT_EQ(min_code(Format::kBinary), -1);
  EXPECT_EQ(max_code(Format::kTernary), 1);
}

TEST(Format, WeightsAndActivationsHaveTheirOwnLists) {
  const auto count = [](bool (*is)(Format)) {
    int n = 0;
    for (Format f : all_formats()) n += is(f);
    return n;
  };
  EXPECT_EQ(count(is_weight_format), 10);      // binary, ternary, int2..int8, float32
  EXPECT_EQ(count(is_activation_format), 19);  // all but int32
}

// FIPS 180-4, examples of SHA-256.
TEST(Hash, IsSha256) {
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(TrialState, EveryStateHasItsName) {
  EXPECT_EQ(trial_state_name(TrialState::kRunning), "RUNNING");
  EXPECT_EQ(trial_state_name(TrialState::kFailed), "FAIL");
}

TEST(Embedded, FilesAreThoseOfTheTree) {
  std::ostringstream licence;
  licence << std::ifstream(BITWRIGHT_SOURCE_DIR "/LICENSE").rdbuf();
  ASSERT_FALSE(licence.str().empty());
  EXPECT_EQ(embedded_file("LICENSE"), licence.str());
  EXPECT_EQ(embedded_file("LICENSE2"), std::nullopt);
}

TEST(Embedded, AListIsSortedAndHoldsOnlyItsPrefix) {
  const auto names = embedded_files("configs/boards/");
  EXPECT_FALSE(names.empty());
  EXPECT_TRUE(std::is_sorted(names.begin(), names.end()));
  for (std::string_view name : names) {
    EXPECT_TRUE(name.starts_with("configs/boards/")) << name;
    EXPECT_TRUE(embedded_file(name).has_value()) << name;
  }
}

}  // namespace
}  // namespace bitwright
