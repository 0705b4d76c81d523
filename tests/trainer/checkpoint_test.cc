// SPDX-License-Identifier: Apache-2.0
#include "trainer/checkpoint.h"

#include <gtest/gtest.h>

#include "core/error.h"

namespace bitwright {
namespace {

TrainingState sample() {
  TrainingState s;
  s.fingerprint = "f00d";
  s.schedule_epochs = 20;
  s.step = 77;
  s.batch = 3;
  s.epoch_loss = 0.1 + 0.2;
  s.learned = {1.5f, -0.0f, 3e-30f};
  s.first_moment = {1, 2, 3};
  s.second_moment = {4, 5, 6};
  s.running_statistics = {0.5f};
  s.order = {2, 0, 1};
  s.generators = {~uint64_t{0}, 1};
  s.epochs = {{1, 0.01, 2.5, 0.75}, {2, 0.005, 1.25, 0.8}};
  s.epochs_since_better = 1;
  s.best_score = 0.8;
  s.best.layers = {{.weights = {1, 2}, .weight_steps = {0.25f}, .activation_step = 0.5f}, {}};
  s.teacher.layers = {{.gamma = {1}}};
  return s;
}

std::string error_of(const std::string& bytes) {
  try {
    parse_state(bytes, "run.ckpt");
  } catch (const StoreError& error) {
    return error.what();
  }
  return "";
}

TEST(Checkpoint, ComesBackAsItWas) {
  EXPECT_EQ(parse_state(serialize_state(sample()), "x"), sample());
  EXPECT_EQ(parse_state(serialize_state({}), "x"), TrainingState{});
}

TEST(Checkpoint, NoticesEveryFlippedByte) {
  const std::string bytes = serialize_state(sample());
  for (size_t i = 0; i < bytes.size(); ++i) {
    std::string damaged = bytes;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x10);
    EXPECT_NE(error_of(damaged), "") << i;
  }
}

TEST(Checkpoint, NoticesEveryCut) {
  const std::string bytes = serialize_state(sample());
  for (size_t n = 0; n < bytes.size(); ++n) EXPECT_NE(error_of(bytes.substr(0, n)), "") << n;
}

TEST(Checkpoint, SaysWhatIsWrong) {
  std::string bytes = serialize_state(sample());
  EXPECT_EQ(error_of("no"), "run.ckpt: checkpoint: not one, or cut off");
  std::string damaged = bytes;
  damaged[damaged.size() / 2] ^= 1;
  EXPECT_EQ(error_of(damaged), "run.ckpt: checkpoint: checksum differs");
  bytes[8] = 9;
  EXPECT_EQ(error_of(bytes), "run.ckpt: checkpoint: version 9, this program reads 1");
}

}  // namespace
}  // namespace bitwright
