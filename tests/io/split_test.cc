// SPDX-License-Identifier: Apache-2.0
#include "core/io/split.h"

#include <fmt/format.h>
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

// With names, and a third bearing of each fault.
std::vector<RecordingInfo> named_rig() {
  std::vector<RecordingInfo> recordings = rig();
  for (int label : {1, 2})
    for (const char* load : {"0", "2"}) recordings.push_back({1100, label, load, "14"});
  for (size_t i = 0; i < recordings.size(); ++i) recordings[i].name = std::to_string(i);
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
            "data.held_out = 9: load has 0, 1, 2, 3");
  spec = spec_of("bearing");
  spec.held_out = "14";
  EXPECT_EQ(error_of<ConfigError>([&] { split_recordings(spec, rig(), kClasses); }),
            "data.held_out = 14: bearing has 0, 7, 21");
  spec = spec_of("leave-load");
  spec.window = 5000;
  EXPECT_EQ(error_of<ConfigError>([&] { split_recordings(spec, rig(), kClasses); }),
            "data: protocol leave-load leaves no window of 5000 samples to train (held_out \"3\")");
}

// ---- folds ----

// Every protocol with every way to validate, and each of its folds.
std::vector<DataSpec> every_fold() {
  std::vector<DataSpec> specs;
  for (const char* protocol : {"leave-load", "bearing", "time"})
    for (const char* by : {"fold", "load", "bearing", "recording"}) {
      DataSpec spec = spec_of(protocol);
      spec.validation_by = by;
      spec.folds = spec.validation_by == "fold" ? 4 : 0;
      const size_t folds = fold_names(spec, named_rig(), kClasses).size();
      for (spec.fold = 0; spec.fold < static_cast<int>(folds); ++spec.fold) specs.push_back(spec);
    }
  return specs;
}

std::string name_of(const DataSpec& spec) {
  return fmt::format("{} by {} {}", spec.protocol, spec.validation_by, spec.fold);
}

TEST(Folds, ShareNoSampleBetweenTheirSets) {
  for (const DataSpec& spec : every_fold()) {
    const Split split = split_recordings(spec, named_rig(), kClasses);
    const Samples train = samples_of(split.train, spec.window), test = samples_of(split.test, spec.window),
                  validation = samples_of(split.validation, spec.window);
    EXPECT_EQ(shared(train, test), 0u) << name_of(spec);
    EXPECT_EQ(shared(train, validation), 0u) << name_of(spec);
    EXPECT_EQ(shared(validation, test), 0u) << name_of(spec);
  }
}

TEST(Folds, LeaveAWindowBetweenStretchesOfOneRecording) {
  for (const DataSpec& spec : every_fold()) {
    const Split split = split_recordings(spec, named_rig(), kClasses);
    for (const WindowStart& train : split.train)
      for (const WindowStart& other : split.validation)
        ASSERT_TRUE(train.recording != other.recording || std::abs(other.start - train.start) >= 2 * spec.window)
            << name_of(spec);
  }
}

// The test set is the same whatever validates.
TEST(Folds, LeaveTheTestSetAlone) {
  for (const DataSpec& spec : every_fold()) {
    const Split split = split_recordings(spec, named_rig(), kClasses);
    EXPECT_EQ(split.test, split_recordings(spec_of(spec.protocol), named_rig(), kClasses).test) << name_of(spec);
  }
}

TEST(Folds, OfTimeValidateOnDifferentSamplesAndAllButTheGapsOnce) {
  DataSpec spec = spec_of("leave-load");
  spec.validation_by = "fold";
  spec.folds = 4;
  Samples all;
  size_t count = 0;
  for (spec.fold = 0; spec.fold < 4; ++spec.fold) {
    const Samples validation = samples_of(split_recordings(spec, named_rig(), kClasses).validation, spec.window);
    count += validation.size();
    all.insert(validation.begin(), validation.end());
  }
  EXPECT_EQ(all.size(), count);
  int64_t samples = 0, lost = 0;  // of a recording at most a gap and an unfilled window in each fold
  for (const RecordingInfo& recording : named_rig()) {
    if (recording.load == "3") continue;
    samples += recording.samples;
    lost += 4 * (spec.window - 1) + 3 * spec.window;
  }
  EXPECT_GE(static_cast<int64_t>(count), samples - lost);
}

TEST(Folds, OfAColumnHoldOutAllRecordingsOfOneValue) {
  DataSpec spec = spec_of("leave-load");
  spec.load_column = "load_hp";
  spec.validation_by = "load";
  EXPECT_EQ(fold_names(spec, named_rig(), kClasses),
            (std::vector<std::string>{"load_hp 0", "load_hp 1", "load_hp 2"}));  // 3 tests
  spec.fold = 1;
  const Split split = split_recordings(spec, named_rig(), kClasses);
  for (const WindowStart& w : split.validation) EXPECT_EQ(named_rig()[static_cast<size_t>(w.recording)].load, "1");
  for (const WindowStart& w : split.train) EXPECT_NE(named_rig()[static_cast<size_t>(w.recording)].load, "1");
  EXPECT_TRUE(split.warnings.empty());
}

TEST(Folds, AClassWithOneValueValidatesOnItsLastShareInEveryFold) {
  DataSpec spec = spec_of("leave-load");
  spec.validation_by = "bearing";
  EXPECT_EQ(fold_names(spec, named_rig(), kClasses),
            (std::vector<std::string>{"bearing 7", "bearing 14", "bearing 21"}));
  for (spec.fold = 0; spec.fold < 3; ++spec.fold) {
    const Split split = split_recordings(spec, named_rig(), kClasses);
    std::set<int> train, validation;
    for (const WindowStart& w : split.train) train.insert(named_rig()[static_cast<size_t>(w.recording)].label);
    for (const WindowStart& w : split.validation)
      validation.insert(named_rig()[static_cast<size_t>(w.recording)].label);
    EXPECT_EQ(train, (std::set<int>{0, 1, 2}));
    EXPECT_EQ(validation, (std::set<int>{0, 1, 2}));
    EXPECT_EQ(split.warnings, (std::vector<std::string>{"class healthy has one bearing only to train on: the last 20 % "
                                                        "of it in time validate"}));
  }
}

TEST(Folds, NamesSayWhatExistsWhereAFoldDoesNot) {
  DataSpec spec = spec_of("leave-load");
  spec.validation_by = "load";
  spec.fold = 3;
  EXPECT_EQ(error_of<ConfigError>([&] { split_recordings(spec, named_rig(), kClasses); }),
            "data.fold = 3: 0..2 are load 0, load 1, load 2");
  spec.validation_by = "recording";
  EXPECT_EQ(fold_names(spec, named_rig(), kClasses).size(), 19u);  // 24 less those with load 3
  spec.validation_by = "fold";
  spec.folds = 2;
  EXPECT_EQ(fold_names(spec, named_rig(), kClasses), (std::vector<std::string>{"fold 1 of 2", "fold 2 of 2"}));
  spec = spec_of("bearing");
  spec.validation_by = "bearing";
  EXPECT_EQ(error_of<ConfigError>([&] { fold_names(spec, rig(), kClasses); }),
            "data.validation_by = bearing: no class has two values of bearing to train on");
  spec.validation_by = "share";
  EXPECT_TRUE(fold_names(spec, named_rig(), kClasses).empty());
}

// Labels 0, 1, 2 in turn; ten groups, unequal.
std::vector<int32_t> labels_in_turn(size_t n) {
  std::vector<int32_t> labels;
  for (size_t i = 0; i < n; ++i) labels.push_back(static_cast<int32_t>(i % 3));
  return labels;
}

TEST(Folds, OfExamplesPartitionThem) {
  const std::vector<int32_t> labels = labels_in_turn(100);
  std::vector<int64_t> groups;
  for (size_t i = 0; i < labels.size(); ++i) groups.push_back(static_cast<int64_t>(std::sqrt(i)));
  DataSpec spec;
  spec.group_file = "subject_train.npy";
  for (const char* by : {"fold", "group"})
    for (const auto& used : {std::vector<int64_t>(), groups}) {
      spec.validation_by = by;
      spec.folds = 4;
      if (spec.validation_by == "group" && used.empty()) continue;
      std::vector<int> times(100, 0);
      const auto folds = static_cast<int>(fold_names(spec, used).size());
      for (spec.fold = 0; spec.fold < folds; ++spec.fold) {
        std::set<int64_t> inside, outside;
        const std::vector<int64_t> chosen = validation_examples(spec, labels, used);
        for (int64_t i : chosen) ++times[static_cast<size_t>(i)];
        for (int64_t i = 0; i < 100 && !used.empty(); ++i)
          (std::binary_search(chosen.begin(), chosen.end(), i) ? inside : outside).insert(used[static_cast<size_t>(i)]);
        for (int64_t group : inside) EXPECT_FALSE(outside.contains(group));
      }
      EXPECT_EQ(times, std::vector<int>(100, 1)) << by;
      spec.fold = 0;
    }
}

TEST(Folds, OfExamplesHoldEachClassInProportion) {
  DataSpec spec;
  spec.validation_by = "fold";
  spec.folds = 5;
  for (spec.fold = 0; spec.fold < 5; ++spec.fold) {
    std::vector<int> count(3, 0);
    const auto labels = labels_in_turn(90);
    for (int64_t i : validation_examples(spec, labels, {}))
      ++count[static_cast<size_t>(labels[static_cast<size_t>(i)])];
    EXPECT_EQ(count, (std::vector<int>{6, 6, 6}));
  }
}

TEST(Folds, GroupsAreNamedByTheirFile) {
  DataSpec spec;
  spec.group_file = "subject_train.npy";
  spec.validation_by = "group";
  EXPECT_EQ(fold_names(spec, std::vector<int64_t>{14, 3, 14}), (std::vector<std::string>{"subject 3", "subject 14"}));
  spec.fold = 1;
  EXPECT_EQ(validation_examples(spec, {0, 0, 0}, {14, 3, 14}), (std::vector<int64_t>{0, 2}));
  spec.fold = 2;
  EXPECT_EQ(error_of<ConfigError>([&] {
              validation_examples(spec, {0, 0, 0}, {14, 3, 14});
            }),
            "data.fold = 2: 0..1 are subject 3, subject 14");
  spec.validation_by = "fold";
  spec.folds = 3;
  EXPECT_EQ(error_of<ConfigError>([&] {
              validation_examples(spec, {0, 0, 0}, {14, 3, 14});
            }),
            "data.folds = 3: subject_train.npy has 2 groups");
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
