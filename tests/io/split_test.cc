// SPDX-License-Identifier: Apache-2.0
#include "core/io/split.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "tests/io/temp_folder.h"

namespace bitwright {
namespace {

const std::vector<std::string> kClasses = {"healthy", "inner", "outer"};

// Three classes, four loads, two bearings for the faults and one for the healthy class.
std::vector<RecordingInfo> rig() {
  std::vector<RecordingInfo> recordings;
  for (int label = 0; label < 3; ++label)
    for (int load = 0; load < 4; ++load)
      for (int bearing = 0; bearing < (label == 0 ? 1 : 2); ++bearing)
        recordings.push_back({997 + 131 * load + label, label, std::to_string(load),
                              label == 0     ? "0"
                              : bearing == 0 ? "7"
                                             : "21"});
  return recordings;
}

DataSpec spec_of(const std::string& protocol) {
  DataSpec spec;
  spec.kind = "recordings";
  spec.load_column = "load";
  spec.bearing_column = "bearing";
  spec.window = 40;
  spec.hop = 15;
  spec.protocol = protocol;
  spec.held_out = protocol == "bearing" ? "21" : "3";
  return spec;
}

using Samples = std::set<std::pair<int, int64_t>>;

Samples samples_of(const std::vector<WindowStart>& windows, int length) {
  Samples samples;
  for (const WindowStart& window : windows)
    for (int64_t i = 0; i < length; ++i) samples.insert({window.recording, window.start + i});
  return samples;
}

size_t shared(const Samples& a, const Samples& b) {
  size_t count = 0;
  for (const auto& sample : a) count += b.contains(sample);
  return count;
}

class HonestSplit : public testing::TestWithParam<const char*> {};

TEST_P(HonestSplit, SharesNoSampleBetweenItsSets) {
  for (double validation_share : {0.1, 0.2, 0.35}) {
    DataSpec spec = spec_of(GetParam());
    spec.validation_share = validation_share;
    const auto recordings = rig();
    const Split split = split_recordings(spec, recordings, kClasses);
    const Samples train = samples_of(split.train, spec.window), test = samples_of(split.test, spec.window),
                  validation = samples_of(split.validation, spec.window);
    EXPECT_EQ(shared(train, test), 0u);
    EXPECT_EQ(shared(train, validation), 0u);
    EXPECT_EQ(shared(validation, test), 0u);
    for (const Samples& samples : {train, validation, test})
      for (const auto& [recording, sample] : samples)
        ASSERT_LT(sample, recordings[static_cast<size_t>(recording)].samples);
  }
}

TEST_P(HonestSplit, HeldOutWindowsDoNotOverlap) {
  const DataSpec spec = spec_of(GetParam());
  const Split split = split_recordings(spec, rig(), kClasses);
  for (const auto& windows : {split.test, split.validation})
    EXPECT_EQ(samples_of(windows, spec.window).size(), windows.size() * static_cast<size_t>(spec.window));
}

// Correlation reaches over a border, so that the nearest samples of two sets are a window apart.
TEST_P(HonestSplit, LeavesAWindowBetweenStretchesOfOneRecording) {
  const DataSpec spec = spec_of(GetParam());
  const Split split = split_recordings(spec, rig(), kClasses);
  for (const WindowStart& train : split.train)
    for (const auto& windows : {split.validation, split.test})
      for (const WindowStart& other : windows)
        EXPECT_TRUE(train.recording != other.recording || other.start >= train.start + 2 * spec.window);
}

INSTANTIATE_TEST_SUITE_P(Protocols, HonestSplit, testing::Values("leave-load", "bearing", "time"));

TEST(Split, LeaveLoadTestsThatLoadAlone) {
  const auto recordings = rig();
  const Split split = split_recordings(spec_of("leave-load"), recordings, kClasses);
  for (const WindowStart& w : split.test) EXPECT_EQ(recordings[static_cast<size_t>(w.recording)].load, "3");
  for (const WindowStart& w : split.train) EXPECT_NE(recordings[static_cast<size_t>(w.recording)].load, "3");
  EXPECT_TRUE(split.warnings.empty());
}

TEST(Split, BearingTestsThatBearingAndTheLastLoadOfAClassWithOne) {
  const auto recordings = rig();
  const Split split = split_recordings(spec_of("bearing"), recordings, kClasses);
  for (const WindowStart& w : split.test) {
    const RecordingInfo& recording = recordings[static_cast<size_t>(w.recording)];
    EXPECT_EQ(recording.label == 0 ? recording.load : recording.bearing, recording.label == 0 ? "3" : "21");
  }
  for (const WindowStart& w : split.train) EXPECT_NE(recordings[static_cast<size_t>(w.recording)].bearing, "21");
  EXPECT_EQ(split.warnings,
            (std::vector<std::string>{"class healthy has one bearing only: its recordings with load 3 test"}));
}

TEST(Split, RandomLeaksAndSaysSo) {
  const DataSpec spec = spec_of("random");
  const Split split = split_recordings(spec, rig(), kClasses);
  EXPECT_GT(shared(samples_of(split.train, spec.window), samples_of(split.test, spec.window)), 0u);
  ASSERT_EQ(split.warnings.size(), 1u);
  EXPECT_THAT(split.warnings[0], testing::HasSubstr("protocol random leaks"));
}

TEST(Split, RandomUsesEveryWindowOnce) {
  const Split split = split_recordings(spec_of("random"), rig(), kClasses);
  std::set<WindowStart> all;
  for (const auto& windows : {split.train, split.validation, split.test}) all.insert(windows.begin(), windows.end());
  EXPECT_EQ(all.size(), split.train.size() + split.validation.size() + split.test.size());
}

TEST(Split, RefusesAnEmptySet) {
  DataSpec spec = spec_of("leave-load");
  spec.held_out = "9";
  EXPECT_EQ(error_of<ConfigError>([&] { split_recordings(spec, rig(), kClasses); }),
            "data: protocol leave-load leaves no window of 40 samples to test (held_out \"9\")");
}

TEST(Split, ValidatesOnWholeGroups) {
  DataSpec spec;
  spec.validation_share = 0.25;
  std::vector<int32_t> labels(200);
  std::vector<int64_t> groups(200);
  for (size_t i = 0; i < groups.size(); ++i) groups[i] = static_cast<int64_t>(i % 10);
  const std::vector<int64_t> chosen = validation_examples(spec, labels, groups);
  EXPECT_EQ(chosen.size(), 60u);  // three groups of twenty reach 50
  std::set<int64_t> inside, outside;
  for (int64_t i = 0; i < 200; ++i)
    (std::binary_search(chosen.begin(), chosen.end(), i) ? inside : outside).insert(groups[static_cast<size_t>(i)]);
  EXPECT_EQ(inside.size() + outside.size(), 10u);
}

TEST(Split, ValidatesOnTheLastOfEachClassWithoutGroups) {
  DataSpec spec;
  spec.validation_share = 0.5;
  EXPECT_EQ(validation_examples(spec, {0, 1, 0, 1, 0, 1, 0, 1}, {}), (std::vector<int64_t>{4, 5, 6, 7}));
}

}  // namespace
}  // namespace bitwright
