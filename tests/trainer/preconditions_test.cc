// SPDX-License-Identifier: Apache-2.0
#include "trainer/preconditions.h"

#include <gtest/gtest.h>

#include <cmath>

namespace bitwright {
namespace {

TrainingData data_of(int examples) {
  TrainingData data;
  Dataset& train = data.train;
  train.front_end.output = {4, 1, 2};
  train.classes = {"idle", "busy"};
  for (int i = 0; i < examples; ++i) {
    for (int k = 0; k < 8; ++k) train.codes.push_back(static_cast<int16_t>(i * 8 + k));
    train.labels.push_back(i % 2);
  }
  return data;
}

Network network_of(int outputs) {
  Network n;
  n.input = {4, 1, 2};
  append(n, {.name = "flat", .op = Flatten{}});
  append(n, {.name = "out", .op = Dense{outputs}});
  return n;
}

const Recipe kRecipe{.batch_size = 4};

TEST(Preconditions, AllowWhatFits) {
  EXPECT_EQ(why_not_trainable(network_of(2), data_of(6), kRecipe), "");
}

TEST(Preconditions, NameTheClassWithoutAnExample) {
  TrainingData data = data_of(6);
  for (int32_t& label : data.train.labels) label = 0;
  EXPECT_EQ(why_not_trainable(network_of(2), data, kRecipe), "class busy has no training example");
}

TEST(Preconditions, NameTheConstantChannel) {
  TrainingData data = data_of(6);
  for (size_t i = 1; i < data.train.codes.size(); i += 2) data.train.codes[i] = 7;
  EXPECT_EQ(why_not_trainable(network_of(2), data, kRecipe), "channel 1 has the code 7 in every training example");
}

TEST(Preconditions, RefuseOneExampleAndBatchesBeyondTheSet) {
  EXPECT_EQ(why_not_trainable(network_of(2), data_of(1), {.batch_size = 1}), "1 training examples: at least 2");
  EXPECT_EQ(why_not_trainable(network_of(2), data_of(6), {.batch_size = 7}),
            "a batch of 7 is larger than the training set of 6");
  EXPECT_EQ(why_not_trainable(network_of(2), data_of(6), {.batch_size = 4, .max_train_examples = 3}),
            "a batch of 4 is larger than the training set of 3");
}

TEST(Preconditions, NameTheLabelOutOfRange) {
  TrainingData data = data_of(6);
  data.train.labels[3] = 2;
  EXPECT_EQ(why_not_trainable(network_of(2), data, kRecipe), "label 2 of example 3 of the training set is not in 0..1");
  data = data_of(6);
  data.validation = data.train;
  data.validation.labels[5] = -1;
  EXPECT_EQ(why_not_trainable(network_of(2), data, kRecipe),
            "label -1 of example 5 of the validation set is not in 0..1");
}

TEST(Preconditions, NameBothShapesThatDoNotMeet) {
  EXPECT_EQ(why_not_trainable(network_of(3), data_of(6), kRecipe), "the network gives 1x1x3, the data asks for 1x1x2");
  Network other = network_of(2);
  other.input = {2, 2, 2};
  EXPECT_EQ(why_not_trainable(other, data_of(6), kRecipe),
            "examples of the training set are 4x1x2, the network reads 2x2x2");
  other = network_of(2);
  other.input_format = Format::kInt16;
  EXPECT_EQ(why_not_trainable(other, data_of(6), kRecipe),
            "examples of the training set are int8, the network reads int16");
}

TEST(Preconditions, RefuseATargetThatIsNotFinite) {
  TrainingData data = data_of(6);
  data.train.task = Task::kRegression;
  data.train.target_names = {"speed"};
  data.train.targets.assign(6, 0.5f);
  EXPECT_EQ(why_not_trainable(network_of(1), data, kRecipe), "");
  data.train.targets[4] = NAN;
  EXPECT_EQ(why_not_trainable(network_of(1), data, kRecipe), "target 4 of the training set is not finite");
}

TEST(Preconditions, TrainAnAnomalyDetectorOnTheNormalClassAlone) {
  TrainingData data = data_of(6);
  data.train.task = Task::kAnomaly;
  EXPECT_EQ(why_not_trainable(network_of(2), data, kRecipe),
            "class busy is among the training examples of an anomaly detector");
}

}  // namespace
}  // namespace bitwright
