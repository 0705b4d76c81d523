// SPDX-License-Identifier: Apache-2.0
#include "experiments/checkpoint_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>

#include "core/error.h"
#include "experiments/trial_protocol.h"
#include "tests/io/temp_folder.h"

namespace bitwright {
namespace {

using testing::UnorderedElementsAre;

Trial trial(int64_t number, TrialState state) {
  Trial t;
  t.number = number;
  t.state = state;
  return t;
}

class CheckpointFolderTest : public testing::Test {
 protected:
  std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const auto& file : files_in(folder_.path())) names.push_back(file.filename());
    return names;
  }
  // So long ago.
  void age(const std::string& name, std::chrono::hours hours) const {
    const std::string path = folder_.path() + "/" + name;
    std::filesystem::last_write_time(path, std::filesystem::file_time_type::clock::now() - hours);
  }

  TempFolder folder_;
};

TEST_F(CheckpointFolderTest, OfAFinishedTrialNothingRemains) {
  const CheckpointFolder checkpoints(folder_.path(), 0);
  for (const char* name : {"trial-1-e3.end", "trial-1-e9.part", "trial-1.ckpt", "trial-11-e3.end", "mine.txt"})
    folder_.write(name, "x");
  checkpoints.stored(trial(1, TrialState::kComplete));
  EXPECT_THAT(names(), UnorderedElementsAre("trial-11-e3.end", "mine.txt"));
}

TEST_F(CheckpointFolderTest, OfAStoppedTrialTheEndRemains) {
  const CheckpointFolder checkpoints(folder_.path(), 0);
  for (const char* name : {"trial-1-e3.end", "trial-1-e12.end", "trial-1-e12.part", "trial-2-e3.part"})
    folder_.write(name, "x");
  checkpoints.stored(trial(1, TrialState::kStopped));
  EXPECT_THAT(names(), UnorderedElementsAre("trial-1-e12.end", "trial-2-e3.part"));
}

TEST_F(CheckpointFolderTest, TheOldestEndsGoWhereAllAreTooLarge) {
  const CheckpointFolder checkpoints(folder_.path(), 250);
  for (int i = 1; i <= 3; ++i) {
    const std::string name = "trial-" + std::to_string(i) + "-e3.end";
    folder_.write(name, std::string(100, 'x'));
    age(name, std::chrono::hours(i));
  }
  folder_.write("trial-9-e3.part", std::string(900, 'x'));  // under way: not counted
  checkpoints.stored(trial(2, TrialState::kStopped));
  EXPECT_THAT(names(), UnorderedElementsAre("trial-1-e3.end", "trial-2-e3.end", "trial-9-e3.part"));
}

TEST_F(CheckpointFolderTest, OnlyThoseOfOpenTrialsAreKept) {
  const CheckpointFolder checkpoints(folder_.path(), 0);
  for (const char* name :
       {"trial-1-e3.end", "trial-2-e3.end", "trial-2-e9.part.77.tmp", "trial-12-e3.end", "trial-x", "mine.txt"})
    folder_.write(name, "x");
  checkpoints.keep_only({2, 3});
  EXPECT_THAT(names(), UnorderedElementsAre("trial-2-e3.end", "trial-2-e9.part.77.tmp", "trial-x", "mine.txt"));
}

TEST_F(CheckpointFolderTest, AFolderThatCannotBeMadeIsNamed) {
  const std::string path = folder_.write("file", "x") + "/checkpoints";
  try {
    const CheckpointFolder checkpoints(path, 0);
    ADD_FAILURE() << "made";
  } catch (const StoreError& error) {
    EXPECT_THAT(error.what(), testing::StartsWith(path + ": cannot create: "));
  }
}

}  // namespace
}  // namespace bitwright
