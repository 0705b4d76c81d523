// SPDX-License-Identifier: Apache-2.0
#include "core/io/load_data.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "core/embedded.h"
#include "core/error.h"
#include "core/io/load_study.h"
#include "core/io/npy.h"
#include "core/rng.h"
#include "tests/io/temp_folder.h"

namespace bitwright {
namespace {

// A rig of two classes and three loads; every sample of recording r is r * 10000 + its index in time, as int16 counts,
// so that a code tells where it comes from.
class Rig {
 public:
  Rig() {
    std::string index = "path,state,load,gain\n";
    for (int r = 0; r < 6; ++r) {
      std::vector<float> samples(1000);
      for (int i = 0; i < 1000; ++i) samples[static_cast<size_t>(i)] = static_cast<float>(r * 1000 + i);
      folder.write(fmt::format("r{}.npy", r), npy_file("f4", {1000}, samples));
      index += fmt::format("r{}.npy,{},{},2\n", r, r % 2 ? "worn" : "good", r / 2);
    }
    folder.write("index.csv", index);
    study.data.kind = "recordings";
    study.data.path = folder.path();
    study.data.index = "index.csv";
    study.data.label_column = "state";
    study.data.load_column = "load";
    study.data.gain_column = "gain";
    study.data.window = 50;
    study.data.hop = 20;
    study.data.protocol = "leave-load";
    study.data.held_out = "2";
    study.data.input_format = Format::kInt16;
  }
  TempFolder folder;
  Study study;
};

// What the front end undoes: the physical value of a code.
double real_of(const Dataset& data, int64_t example, int i) {
  return data.example(example)[static_cast<size_t>(i)] * data.front_end.step[0] + data.front_end.mean[0];
}

TEST(LoadData, CodesTellWhichSamplesTheyAre) {
  const Rig rig;
  const TrainingData data = load_training_data(rig.study);
  EXPECT_EQ(data.train.classes, (std::vector<std::string>{"good", "worn"}));
  EXPECT_EQ(data.train.size(), 4 * 38);      // 0, 20, ..., 740, 750 wide: (800 - 50) / 20 + 1
  EXPECT_EQ(data.validation.size(), 4 * 3);  // 850, 900, 950
  for (int64_t i = 0; i < data.train.size(); ++i) {
    const int recording = data.train.groups[static_cast<size_t>(i)];
    const double sample = 2.0 * (recording * 1000 + i % 38 * 20 + 7);  // gain 2
    EXPECT_NEAR(real_of(data.train, i, 7), sample, 0.6 * data.train.front_end.step[0]);
    EXPECT_EQ(data.train.labels[static_cast<size_t>(i)], recording % 2);
  }
  const Dataset test = load_test_data(rig.study, data.train.front_end);
  EXPECT_EQ(test.size(), 2 * 20);
  for (int32_t group : test.groups) EXPECT_GE(group, 4);
}

// The mean of the arithmetic progression that the training windows cover, weighted as windows overlap.
TEST(LoadData, LearnsTheFrontEndOnTheTrainingWindowsAlone) {
  const Rig rig;
  const FrontEnd front_end = load_training_data(rig.study).train.front_end;
  double sum = 0.0, squares = 0.0, count = 0.0;
  for (int r = 0; r < 4; ++r)
    for (int start = 0; start <= 740; start += 20)
      for (int i = 0; i < 50; ++i, ++count) sum += 2.0 * (r * 1000 + start + i);
  const double mean = sum / count;
  for (int r = 0; r < 4; ++r)
    for (int start = 0; start <= 740; start += 20)
      for (int i = 0; i < 50; ++i) squares += std::pow(2.0 * (r * 1000 + start + i) - mean, 2);
  EXPECT_NEAR(front_end.mean[0], mean, 1e-6);
  EXPECT_NEAR(front_end.step[0], 4.0 * std::sqrt(squares / count) / 32767, 1e-9);
  EXPECT_EQ(front_end.input_scale, 4.0 / 32767);
  EXPECT_EQ(front_end.output, (Shape{50, 1, 1}));
}

TEST(LoadData, ClipsSymmetrically) {
  Rig rig;
  rig.study.data.input_format = Format::kInt8;
  rig.study.data.clip_sigmas = 0.5;
  const Dataset train = load_training_data(rig.study).train;
  EXPECT_EQ(*std::min_element(train.codes.begin(), train.codes.end()), -127);
  EXPECT_EQ(*std::max_element(train.codes.begin(), train.codes.end()), 127);
}

TEST(LoadData, KeepsTheLabelsAskedForInTheirOrder) {
  Rig rig;
  rig.study.data.keep_labels = {"worn", "good"};
  EXPECT_EQ(load_training_data(rig.study).train.classes, (std::vector<std::string>{"worn", "good"}));
  rig.study.data.keep_labels = {"worn", "goood"};
  EXPECT_EQ(error_of<DataError>([&] { load_training_data(rig.study); }),
            rig.folder.path() + "/index.csv: column state has no \"goood\", did you mean \"good\"?");
}

TEST(LoadData, NamesTheFileAndIndexOfANan) {
  const Rig rig;
  std::vector<float> samples(1000, 1.0f);
  samples[321] = NAN;
  rig.folder.write("r3.npy", npy_file("f4", {1000}, samples));
  EXPECT_EQ(error_of<DataError>([&] { load_training_data(rig.study); }),
            rig.folder.path() + "/r3.npy: element 321 = nan: must be finite");
}

TEST(LoadData, RefusesAConstantChannel) {
  const Rig rig;
  for (int r = 0; r < 6; ++r)
    rig.folder.write(fmt::format("r{}.npy", r), npy_file("i2", {1000}, std::vector<int16_t>(1000, 3)));
  EXPECT_EQ(error_of<DataError>([&] { load_training_data(rig.study); }),
            rig.folder.path() + ": channel 0: constant (6) in the whole training set");
}

TEST(LoadData, NamesTheRowOfALabelOutOfRange) {
  Rig rig;
  rig.study.data.label_column = "load";
  rig.folder.write("labels.txt", "slow\nfast\n");
  EXPECT_EQ(error_of<DataError>([&] { load_training_data(rig.study); }),
            rig.folder.path() + "/index.csv:6: load = 2: labels.txt has 2 classes, 0..1");
}

TEST(LoadData, RefusesAGainOfZero) {
  const Rig rig;
  rig.folder.write("index.csv", "path,state,load,gain\nr0.npy,good,0,2\nr1.npy,worn,0,0\n");
  EXPECT_EQ(error_of<DataError>([&] { load_training_data(rig.study); }),
            rig.folder.path() + "/index.csv:3: gain = 0: a number above 0");
}

TEST(LoadData, RefusesAClassThatTheTrainingSetLacks) {
  const Rig rig;
  rig.folder.write("index.csv", "path,state,load,gain\nr0.npy,good,0,2\nr1.npy,worn,2,2\nr2.npy,good,2,2\n");
  EXPECT_EQ(error_of<DataError>([&] { load_training_data(rig.study); }),
            rig.folder.path() + ": class worn has no window in the training set");
}

// ---- npy ----

class NpyFolder {
 public:
  NpyFolder() {
    std::vector<uint8_t> x(40 * 6), y(40), groups(40);
    for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<uint8_t>(i % 251);
    for (size_t i = 0; i < y.size(); ++i) y[i] = i % 2, groups[i] = static_cast<uint8_t>(i / 8);
    for (const char* part : {"train", "test"}) {
      folder.write(fmt::format("x_{}.npy", part), npy_file("u1", {40, 3, 2}, x));
      folder.write(fmt::format("y_{}.npy", part), npy_file("u1", {40}, y));
    }
    folder.write("groups.npy", npy_file("u1", {40}, groups));
    folder.write("labels.txt", "even\nodd\n");
    study.data.kind = "npy";
    study.data.path = folder.path();
    study.data.protocol = "given";
  }
  TempFolder folder;
  Study study;
};

TEST(LoadData, LayoutDecidesWhatThreeDimensionsMean) {
  NpyFolder npy;
  EXPECT_EQ(load_training_data(npy.study).train.front_end.output, (Shape{3, 1, 2}));
  npy.study.data.layout = "image";
  EXPECT_EQ(load_training_data(npy.study).train.front_end.output, (Shape{3, 2, 1}));
}

TEST(LoadData, Uint8ImagesThatReach255AreTheirOwnCodes) {
  NpyFolder npy;
  npy.study.data.layout = "image";
  npy.study.data.input_format = Format::kUint8;
  std::vector<uint8_t> x(240, 9);
  x[0] = 255;
  npy.folder.write("x_train.npy", npy_file("u1", {40, 3, 2}, x));
  const Dataset train = load_training_data(npy.study).train;
  EXPECT_EQ(train.front_end.step, (std::vector<double>{1.0}));
  EXPECT_EQ(train.front_end.mean, (std::vector<double>{0.0}));
  EXPECT_EQ(train.front_end.input_scale, 1.0 / 64);
  EXPECT_EQ(train.codes[0], 255);
  EXPECT_EQ(train.codes[1], 9);
}

TEST(LoadData, WholeGroupsValidate) {
  NpyFolder npy;
  npy.study.data.group_file = "groups.npy";
  const TrainingData data = load_training_data(npy.study);
  EXPECT_EQ(data.validation.size(), 8);
  const std::set<int32_t> train(data.train.groups.begin(), data.train.groups.end());
  for (int32_t group : data.validation.groups) EXPECT_FALSE(train.contains(group));
}

TEST(LoadData, NamesTheRowOfANpyLabelOutOfRange) {
  const NpyFolder npy;
  std::vector<uint8_t> y(40, 0);
  y[17] = 12;
  npy.folder.write("y_train.npy", npy_file("u1", {40}, y));
  EXPECT_EQ(error_of<DataError>([&] { load_training_data(npy.study); }),
            npy.folder.path() + "/y_train.npy: row 17 = 12: labels.txt has 2 classes, 0..1");
}

TEST(LoadData, NamesTheLineOfAClassThatIsNotUtf8) {
  const NpyFolder npy;
  npy.folder.write("labels.txt", "\nh\xc3\xa9\nh\xe9\n");
  EXPECT_EQ(error_of<DataError>([&] { load_training_data(npy.study); }),
            npy.folder.path() + "/labels.txt:3: not UTF-8");
}

TEST(LoadData, RefusesLabelsOfAnotherLength) {
  const NpyFolder npy;
  npy.folder.write("y_train.npy", npy_file("u1", {39}, std::vector<uint8_t>(39)));
  EXPECT_EQ(error_of<DataError>([&] { load_training_data(npy.study); }),
            npy.folder.path() + "/y_train.npy: 39 labels for 40 examples");
}

TEST(LoadData, NamesAMissingFile) {
  const NpyFolder npy;
  std::filesystem::remove(npy.folder.path() + "/x_train.npy");
  EXPECT_EQ(error_of<DataError>([&] { load_training_data(npy.study); }),
            npy.folder.path() + "/x_train.npy: cannot be read: No such file or directory");
}

// ---- regression ----

class RegressionFolder : public NpyFolder {
 public:
  RegressionFolder() {
    study.data.task = Task::kRegression;
    std::filesystem::remove(folder.path() + "/labels.txt");
    for (int i = 0; i < 40; ++i) {
      torque_and_speed.push_back(100.0f + static_cast<float>(i));
      torque_and_speed.push_back(static_cast<float>(i % 5));
    }
    for (const char* part : {"train", "test"}) write_targets(part, torque_and_speed);
    folder.write("targets.txt", "torque\nspeed\n");
  }
  void write_targets(const std::string& part, const std::vector<float>& values) const {
    folder.write("y_" + part + ".npy", npy_file("f4", {static_cast<int64_t>(values.size()) / 2, 2}, values));
  }
  std::string error() const {
    return error_of<DataError>([&] { load_training_data(study); });
  }
  std::vector<float> torque_and_speed;
};

double real_target(const Dataset& data, size_t example, size_t t) {
  return data.targets[example * 2 + t] * data.target_deviation[t] + data.target_mean[t];
}

// Training examples 0..31 of 40: torque 100..131 has mean 115.5 and variance (32^2 - 1) / 12.
TEST(Regression, StandardisesTargetsByTheTrainingExamples) {
  const RegressionFolder folder;
  const TrainingData data = load_training_data(folder.study);
  EXPECT_EQ(data.train.target_names, (std::vector<std::string>{"torque", "speed"}));
  EXPECT_TRUE(data.train.classes.empty());
  EXPECT_EQ(data.train.size(), 32);
  EXPECT_EQ(data.validation.size(), 8);
  EXPECT_NEAR(data.train.target_mean[0], 115.5, 1e-9);
  EXPECT_NEAR(data.train.target_deviation[0], std::sqrt((32.0 * 32 - 1) / 12), 1e-9);
  for (size_t i = 0; i < 8; ++i)
    for (size_t t = 0; t < 2; ++t)
      EXPECT_NEAR(real_target(data.validation, i, t), folder.torque_and_speed[(32 + i) * 2 + t], 1e-4);
  const Dataset test = load_test_data(folder.study, data.train.front_end);
  EXPECT_EQ(test.target_mean, data.train.target_mean);
  EXPECT_EQ(test.target_deviation, data.train.target_deviation);
  EXPECT_NEAR(real_target(test, 39, 0), 139.0, 1e-4);
  EXPECT_EQ(summarize_data(folder.study).test, (std::vector<int64_t>{40}));
}

TEST(Regression, ValidatesOnWholeGroups) {
  RegressionFolder folder;
  folder.study.data.group_file = "groups.npy";
  folder.study.data.validation_by = "group";
  folder.study.data.fold = 3;
  for (int32_t group : load_training_data(folder.study).validation.groups) EXPECT_EQ(group, 3);
  EXPECT_EQ(fold_names(folder.study)[3], "groups 3");
}

TEST(Regression, OneColumnOfWholeNumbersNeedsNoNames) {
  const RegressionFolder folder;
  std::filesystem::remove(folder.folder.path() + "/targets.txt");
  std::vector<int32_t> y(40);
  for (size_t i = 0; i < y.size(); ++i) y[i] = static_cast<int32_t>(i);
  for (const char* part : {"train", "test"})
    folder.folder.write(fmt::format("y_{}.npy", part), npy_file("i4", {40}, y));
  EXPECT_EQ(load_training_data(folder.study).train.target_names, (std::vector<std::string>{"target"}));
}

TEST(Regression, RefusesTargetsThatCannotBeLearnt) {
  RegressionFolder folder;
  const std::string y = folder.folder.path() + "/y_train.npy: ";
  auto values = folder.torque_and_speed;
  for (size_t i = 1; i < values.size(); i += 2) values[i] = 3.0f;
  folder.write_targets("train", values);
  EXPECT_EQ(folder.error(), y + "target speed is constant (3) in the whole training set");
  values[7] = INFINITY;
  folder.write_targets("train", values);
  EXPECT_EQ(folder.error(), y + "element 7 = inf: must be finite");
  folder.write_targets("train", {1, 2, 3, 4});
  EXPECT_EQ(folder.error(), y + "2 rows of targets for 40 examples");
  folder.write_targets("train", folder.torque_and_speed);
  folder.folder.write("targets.txt", "torque\n");
  EXPECT_EQ(folder.error(), y + "2 targets, but targets.txt names 1");
}

// ---- anomalies ----

TEST(Anomaly, NormalIsClassZeroAndAloneTrains) {
  Rig rig;
  rig.study.data.task = Task::kAnomaly;
  rig.study.data.normal = "worn";
  const TrainingData data = load_training_data(rig.study);
  EXPECT_EQ(data.train.task, Task::kAnomaly);
  EXPECT_EQ(data.train.classes, (std::vector<std::string>{"worn", "good"}));
  EXPECT_EQ(data.train.size(), 2 * 38);
  EXPECT_EQ(data.validation.size(), 4 * 3);
  for (int64_t i = 0; i < data.train.size(); ++i) {
    EXPECT_EQ(data.train.labels[static_cast<size_t>(i)], 0);
    EXPECT_EQ(data.train.groups[static_cast<size_t>(i)] % 2, 1);  // odd recordings are worn
  }
  const Dataset test = load_test_data(rig.study, data.train.front_end);
  for (size_t i = 0; i < test.labels.size(); ++i) EXPECT_EQ(test.labels[i], test.groups[i] % 2 == 1 ? 0 : 1);
}

// Recordings 1 and 3 train: their mean, not that of all.
TEST(Anomaly, TheFrontEndKnowsNormalWindowsAlone) {
  Rig rig;
  rig.study.data.task = Task::kAnomaly;
  rig.study.data.normal = "worn";
  const Dataset train = load_training_data(rig.study).train;
  EXPECT_NEAR(train.front_end.mean[0], 2.0 * ((1000 + 3000) / 2.0 + 370 + 24.5), 1e-6);
}

TEST(Anomaly, SuggestsTheNormalClassThatWasMeant) {
  Rig rig;
  rig.study.data.task = Task::kAnomaly;
  rig.study.data.normal = "god";
  EXPECT_EQ(error_of<DataError>([&] { load_training_data(rig.study); }),
            rig.folder.path() + ": data.normal = god: no such class, did you mean \"good\"?; there are good, worn");
}

TEST(Anomaly, TestAndValidationNeedBothKinds) {
  Rig rig;
  rig.study.data.task = Task::kAnomaly;
  rig.study.data.normal = "good";
  rig.folder.write("index.csv", "path,state,load,gain\nr0.npy,good,0,2\nr1.npy,worn,2,2\nr2.npy,good,2,2\n");
  EXPECT_EQ(error_of<DataError>([&] { load_training_data(rig.study); }),
            rig.folder.path() + ": no anomalous window is in the validation set");
  rig.folder.write("index.csv", "path,state,load,gain\nr0.npy,good,2,2\nr1.npy,worn,0,2\nr2.npy,worn,2,2\n");
  EXPECT_EQ(error_of<DataError>([&] { load_training_data(rig.study); }),
            rig.folder.path() + ": no normal window is in the training set");
}

TEST(Anomaly, NpyTestSetsKeepTheOrderOfTheOtherClasses) {
  NpyFolder npy;
  npy.study.data.task = Task::kAnomaly;
  npy.study.data.normal = "odd";
  const TrainingData data = load_training_data(npy.study);
  EXPECT_EQ(data.train.classes, (std::vector<std::string>{"odd", "even"}));
  EXPECT_EQ(data.train.size(), 16);
  EXPECT_EQ(data.validation.size(), 8);
  EXPECT_EQ(load_test_data(npy.study, data.train.front_end).labels[0], 1);
}

// Runs of 1000 samples; samples 700..799 of each are anomalous.
class LabelledRuns {
 public:
  LabelledRuns() {
    std::vector<uint8_t> labels(1000, 0);
    std::fill(labels.begin() + 700, labels.begin() + 800, uint8_t{1});
    for (int r = 0; r < 3; ++r) {
      std::vector<float> x(1000);
      for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(r * 1000) + static_cast<float>(i);
      folder.write(fmt::format("runs/a{}_x.npy", r), npy_file("f4", {1000}, x));
      folder.write(fmt::format("runs/a{}_y.npy", r), npy_file("u1", {1000}, labels));
    }
    folder.write("runs.csv", "run\na0\na1\na2\n");
    folder.write("labels.txt", "normal\nanomaly\n");
    study.data.kind = "recordings";
    study.data.path = folder.path();
    study.data.index = "runs.csv";
    study.data.files = "runs/{run}_x.npy";
    study.data.label_files = "runs/{run}_y.npy";
    study.data.task = Task::kAnomaly;
    study.data.normal = "normal";
    study.data.window = 30;
    study.data.hop = 10;
    study.data.test_share = 0.25;
    study.data.validation_share = 0.25;
    study.data.input_format = Format::kInt16;
  }
  TempFolder folder;
  Study study;
};

TEST(Anomaly, AWindowIsAnomalousIfAnyOfItsSamplesIs) {
  const LabelledRuns runs;
  const TrainingData data = load_training_data(runs.study);
  std::set<int> anomalous;
  for (const Dataset* set : {&data.train, &data.validation})
    for (int64_t i = 0; i < set->size(); ++i) {
      const int start = static_cast<int>(std::lround(real_of(*set, i, 0))) % 1000;
      const bool touches = start + 30 > 700 && start < 800;
      EXPECT_EQ(set->labels[static_cast<size_t>(i)], touches ? 1 : 0) << start;
      if (touches) anomalous.insert(start);
    }
  EXPECT_EQ(anomalous, (std::set<int>{680, 710}));  // validation is 500..750 less a gap, end to end from 530
}

TEST(Anomaly, NamesTheRowOfASampleLabelOutOfRange) {
  const LabelledRuns runs;
  std::vector<uint8_t> labels(1000, 0);
  labels[5] = 2;
  const std::string path = runs.folder.write("runs/a1_y.npy", npy_file("u1", {1000}, labels));
  EXPECT_EQ(error_of<DataError>([&] { load_training_data(runs.study); }),
            path + ": row 5 = 2: labels.txt has 2 classes, 0..1");
  runs.folder.write("runs/a1_y.npy", npy_file("u1", {999}, std::vector<uint8_t>(999)));
  EXPECT_EQ(error_of<DataError>([&] { load_training_data(runs.study); }), path + ": 999 labels for 1000 samples");
}

TEST(Anomaly, NamesAColumnThatAFilePatternLacks) {
  LabelledRuns runs;
  runs.study.data.files = "runs/{rn}_x.npy";
  EXPECT_EQ(error_of<DataError>([&] { load_training_data(runs.study); }),
            runs.folder.path() + "/runs.csv: no column \"rn\", did you mean \"run\"?");
}

// ---- folds ----

TEST(LoadData, AFoldOfRecordingsMayLackAClassAndSaysSo) {
  Rig rig;
  rig.study.data.validation_by = "recording";
  EXPECT_EQ(fold_names(rig.study),
            (std::vector<std::string>{"recording r0.npy", "recording r1.npy", "recording r2.npy", "recording r3.npy"}));
  const TrainingData data = load_training_data(rig.study);
  EXPECT_EQ(data.warnings, (std::vector<std::string>{"class worn has no window in the validation set"}));
  for (int32_t group : data.validation.groups) EXPECT_EQ(group, 0);
  for (int32_t group : data.train.groups) EXPECT_NE(group, 0);
}

// ---- what is refused, in every kind ----

TEST(LoadData, RefusesEmptyFilesOfEveryKind) {
  const NpyFolder npy;
  npy.folder.write("x_train.npy", npy_file("u1", {0, 3, 2}, std::vector<uint8_t>()));
  npy.folder.write("y_train.npy", npy_file("u1", {0}, std::vector<uint8_t>()));
  EXPECT_EQ(error_of<DataError>([&] { load_training_data(npy.study); }),
            npy.folder.path() + ": no window is in the training set");
  const Rig rig;
  rig.folder.write("index.csv", "path,state,load,gain\n");
  EXPECT_EQ(error_of<DataError>([&] { load_training_data(rig.study); }),
            rig.folder.path() + "/index.csv: no recording is in use");
}

TEST(LoadData, RefusesAConstantChannelOfReadyExamples) {
  const NpyFolder npy;
  std::vector<uint8_t> x(240, 7);
  for (size_t i = 0; i < x.size(); i += 2) x[i] = static_cast<uint8_t>(i);
  npy.folder.write("x_train.npy", npy_file("u1", {40, 3, 2}, x));
  EXPECT_EQ(error_of<DataError>([&] { load_training_data(npy.study); }),
            npy.folder.path() + ": channel 1: constant (7) in the whole training set");
}

TEST(LoadData, RefusesNonFiniteReadyExamplesInTestToo) {
  const NpyFolder npy;
  std::vector<float> x(240, 1.0f);
  x[101] = -INFINITY;
  npy.folder.write("x_test.npy", npy_file("f4", {40, 3, 2}, x));
  const FrontEnd front_end = load_training_data(npy.study).train.front_end;
  EXPECT_EQ(error_of<DataError>([&] { load_test_data(npy.study, front_end); }),
            npy.folder.path() + "/x_test.npy: element 101 = -inf: must be finite");
}

TEST(LoadData, RefusesAnotherNumberOfChannels) {
  const Rig rig;
  rig.folder.write("r3.npy", npy_file("f4", {500, 2}, std::vector<float>(1000)));
  EXPECT_EQ(error_of<DataError>([&] { load_training_data(rig.study); }),
            rig.folder.path() + "/index.csv:5: a recording of 2 channels after one of 1");
}

// ---- the simulator and the real sets ----

TEST(LoadData, TheDemoHasFourClassesOnBothSides) {
  const Study study = study_from_yaml(std::string(*embedded_file("configs/studies/demo.yaml")), "demo.yaml");
  const DataSummary summary = summarize_data(study);
  EXPECT_EQ(summary.classes, (std::vector<std::string>{"healthy", "inner_race", "outer_race", "ball"}));
  EXPECT_EQ(summary.input, (Shape{600, 1, 1}));
  for (const auto& counts : {summary.train, summary.validation, summary.test})
    EXPECT_EQ(std::set<int64_t>(counts.begin(), counts.end()).size(), 1u);
  EXPECT_EQ(summary.test[0], 4 * 40);  // 16 recordings a class, a quarter of them with the last load
  EXPECT_TRUE(summary.warnings.empty());
}

Study shipped(const std::string& name) {
  const SharedFolder shared(shared_folder_of_tests());
  const std::string path = "configs/studies/" + name + ".yaml";
  return study_from_yaml(std::string(*embedded_file(path)), path);
}

TEST(RealData, BearingsSplitByLoad) {
  if (!std::filesystem::exists(shared_folder_of_tests() + "/data/cwru_12k_de"))
    GTEST_SKIP() << "skipped: cwru_12k_de (set BITWRIGHT_SHARED)";
  const Study study = shipped("bearing");
  const DataSummary summary = summarize_data(study);
  EXPECT_EQ(summary.classes.size(), 10u);
  EXPECT_EQ(summary.test[0], 121411 / 600);  // recordings.csv: 100.npy
  EXPECT_EQ(summary.test[1], 122917 / 600);  // 108.npy
  const TrainingData data = load_training_data(study);
  double sum = 0.0, squares = 0.0;
  for (int16_t code : data.train.codes) sum += code, squares += double{1} * code * code;
  const double count = static_cast<double>(data.train.codes.size()), scale = data.train.front_end.input_scale;
  EXPECT_NEAR(scale * sum / count, 0.0, 0.01);
  // The loudest faults exceed 4 standard deviations of the whole: a few in a hundred samples carry a quarter of the
  // power.
  EXPECT_NEAR(scale * scale * squares / count, 0.85, 0.15);
  const auto clipped = std::count_if(data.train.codes.begin(), data.train.codes.end(),
                                     [](int16_t code) { return std::abs(code) == 127; });
  EXPECT_LT(static_cast<double>(clipped), 0.03 * count);
}

TEST(RealData, BearingsWithoutFaultsTrainAnomalyDetectors) {
  if (!std::filesystem::exists(shared_folder_of_tests() + "/data/cwru_12k_de"))
    GTEST_SKIP() << "skipped: cwru_12k_de (set BITWRIGHT_SHARED)";
  Study study = shipped("bearing");
  study.data.task = Task::kAnomaly;
  study.data.normal = "Normal";
  const DataSummary summary = summarize_data(study);
  EXPECT_EQ(summary.classes.front(), "Normal");
  EXPECT_GT(summary.train[0], 0);
  EXPECT_EQ(std::accumulate(summary.train.begin() + 1, summary.train.end(), int64_t{0}), 0);
  EXPECT_GT(std::accumulate(summary.test.begin() + 1, summary.test.end(), int64_t{0}), summary.test[0]);
  study.data.validation_by = "load";
  EXPECT_EQ(fold_names(study).size(), 3u);
}

TEST(RealData, RunsWithSampleLabelsHoldBothKinds) {
  const std::string path = shared_folder_of_tests() + "/data/anomaly_skab";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << "skipped: anomaly_skab (set BITWRIGHT_SHARED)";
  const SharedFolder shared(shared_folder_of_tests());
  const std::string space = "space: {block: {channels: 4, kernel: 3, weights: int8, activations: int8}}\n";
  const Study study = study_from_yaml(
      "name: skab\nboard: nucleo-l476rg\ndata:\n  kind: recordings\n  path: ${BITWRIGHT_SHARED}/data/anomaly_skab\n"
      "  index: runs.csv\n  files: 'runs/{run}_x.npy'\n  label_files: 'runs/{run}_y.npy'\n  task: anomaly\n"
      "  normal: normal\n  window: 32\n  hop: 8\n" +
          space,
      "skab.yaml");
  const DataSummary summary = summarize_data(study);
  EXPECT_EQ(summary.input, (Shape{32, 1, 8}));
  EXPECT_EQ(summary.train[1], 0);
  EXPECT_GT(summary.train[0], 1000);
  for (const auto& counts : {summary.validation, summary.test})
    for (int64_t count : counts) EXPECT_GT(count, 20);
}

TEST(RealData, EachPersonIsAFold) {
  if (!std::filesystem::exists(shared_folder_of_tests() + "/data/uci_har"))
    GTEST_SKIP() << "skipped: uci_har (set BITWRIGHT_SHARED)";
  Study study = shipped("uci_har");
  study.data.validation_by = "group";
  study.data.fold = 1;
  const std::vector<std::string> names = fold_names(study);
  EXPECT_EQ(names.size(), 21u);
  const TrainingData data = load_training_data(study);
  const std::set<int32_t> people(data.validation.groups.begin(), data.validation.groups.end());
  ASSERT_EQ(people.size(), 1u);
  EXPECT_EQ(names[1], fmt::format("subject {}", *people.begin()));
}

TEST(RealData, PeopleAreOnOneSide) {
  if (!std::filesystem::exists(shared_folder_of_tests() + "/data/uci_har"))
    GTEST_SKIP() << "skipped: uci_har (set BITWRIGHT_SHARED)";
  const Study study = shipped("uci_har");
  const TrainingData data = load_training_data(study);
  EXPECT_EQ(data.train.size() + data.validation.size(), 7415);
  EXPECT_EQ(data.train.front_end.output, (Shape{128, 1, 6}));
  const std::set<int32_t> train(data.train.groups.begin(), data.train.groups.end());
  for (int32_t person : data.validation.groups) EXPECT_FALSE(train.contains(person));
  EXPECT_EQ(load_test_data(study, data.train.front_end).size(), 2996);
}

TEST(RealData, DigitsAreTheirOwnCodes) {
  if (!std::filesystem::exists(shared_folder_of_tests() + "/data/mnist_small"))
    GTEST_SKIP() << "skipped: mnist_small (set BITWRIGHT_SHARED)";
  const Study study = shipped("mnist_small");
  const TrainingData data = load_training_data(study);
  EXPECT_EQ(data.train.front_end.step, (std::vector<double>{1.0}));
  EXPECT_EQ(data.train.front_end.output, (Shape{28, 28, 1}));
}

}  // namespace
}  // namespace bitwright
