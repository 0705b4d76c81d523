// SPDX-License-Identifier: Apache-2.0
#include "experiments/life_sign.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <thread>

#include "tests/io/temp_folder.h"

namespace bitwright {
namespace {

constexpr std::chrono::milliseconds kMoment{5};

// Waits for a sign other than `last`.
LifeSign next_sign(const std::string& folder, const std::string& last) {
  for (int i = 0; i < 2000; ++i, std::this_thread::sleep_for(kMoment))
    if (auto sign = read_life_sign(folder); sign && sign->text != last) return *sign;
  ADD_FAILURE() << "no sign in ten seconds";
  return {};
}

TEST(LifeSigns, ChangeWhileNothingHappens) {
  const TempFolder folder;
  const LifeSigns life(folder.path(), "a", 0.01);
  const std::string first = next_sign(folder.path(), "").text;
  EXPECT_NE(next_sign(folder.path(), first).text, first);
}

TEST(LifeSigns, TellEpochsAtOnce) {
  const TempFolder folder;
  LifeSigns life(folder.path(), "a", 3600.0);
  const LifeSign first = next_sign(folder.path(), "");
  EXPECT_TRUE(first.epochs.empty());
  life.add({1, 0.1, 2.0, 0.25});
  const LifeSign second = next_sign(folder.path(), first.text);
  ASSERT_EQ(second.epochs.size(), 1u);
  EXPECT_EQ(second.epochs[0].validation_accuracy, 0.25);
}

TEST(LifeSigns, TheLastOneHasAllEpochs) {
  const TempFolder folder;
  {
    LifeSigns life(folder.path(), "a", 3600.0);
    for (int epoch = 1; epoch <= 50; ++epoch) life.add({epoch, 0.1, 2.0, 0.25});
  }
  EXPECT_EQ(read_life_sign(folder.path())->epochs.size(), 50u);
}

TEST(LifeSigns, TwoExecutionsAreToldApart) {
  const TempFolder folder;
  std::string text;
  for (int execution = 0; execution < 2; ++execution) {
    { const LifeSigns life(folder.path(), std::to_string(execution), 3600.0); }
    EXPECT_NE(std::exchange(text, read_life_sign(folder.path())->text), read_life_sign(folder.path())->text);
  }
}

TEST(LifeSigns, AFolderThatIsGoneIsNoReasonToStop) {
  const TempFolder folder;
  LifeSigns life(folder.path() + "/none", "a", 0.01);
  life.add({1, 0.1, 2.0, 0.25});
  EXPECT_FALSE(read_life_sign(folder.path() + "/none"));
}

TEST(LifeSigns, AFileCutShortIsNoSign) {
  const TempFolder folder;
  folder.write("life.json", "{\"beats\":3,\"epo");
  EXPECT_FALSE(read_life_sign(folder.path()));
}

}  // namespace
}  // namespace bitwright
