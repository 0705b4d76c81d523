// SPDX-License-Identifier: Apache-2.0
#include "experiments/training_request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "core/io/load_study.h"
#include "core/io/npy.h"
#include "experiments/ablations.h"
#include "tests/experiments/tiny_study.h"
#include "tests/io/temp_folder.h"

namespace bitwright {
namespace {

Network network(int classes) {
  Network net{.name = "n", .input = {16, 1, 1}};
  append(net, {.name = "flat", .op = Flatten{}});
  append(net, {.name = "head", .op = Dense{.units = classes}});
  return net;
}

Dataset data() {
  Dataset set;
  set.front_end.output = {16, 1, 1};
  set.classes = {"ball", "inner", "outer"};
  return set;
}

std::string complaint(const Network& net, const Dataset& set) {
  return error_of<ConfigError>([&] { check_fits(net, set, "net.yaml"); });
}

TEST(CheckFits, ANetworkMadeForTheDataPasses) {
  EXPECT_EQ(complaint(network(3), data()), "");
}

TEST(CheckFits, AnotherInputNamesBothShapes) {
  Dataset set = data();
  set.front_end.output = {128, 1, 9};
  EXPECT_EQ(complaint(network(3), set), "net.yaml: the network reads 16x1x1, an example of the data is 128x1x9");
}

TEST(CheckFits, AnotherFormatSaysWhatToSet) {
  Dataset set = data();
  set.front_end.format = Format::kUint8;
  EXPECT_EQ(complaint(network(3), set),
            "net.yaml: the network reads int8 codes, the data are uint8; set data.input_format=int8");
}

TEST(CheckFits, AnotherNumberOfClassesNamesThem) {
  EXPECT_EQ(complaint(network(9), data()),
            "net.yaml: the network's head tells 9 classes apart, the data have 3: ball, inner, outer");
}

TEST(CheckFits, AnAutoEncoderGivesItsInputsShape) {
  Dataset set = data();
  set.task = Task::kAnomaly;
  EXPECT_EQ(complaint(network(3), set), "net.yaml: the network gives 1x1x3, the data ask for 16x1x1");
}

// Found before hours of training, not after them.
TEST(LoadSetup, ATestSetThatIsAskedForIsReadFirst) {
  TempFolder folder;
  std::vector<uint8_t> x(40 * 16), y(40);
  for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<uint8_t>(i * i % 251);
  for (size_t i = 0; i < y.size(); ++i) y[i] = i % 2;
  folder.write("x_train.npy", npy_file("u1", {40, 16, 1}, x));
  folder.write("y_train.npy", npy_file("u1", {40}, y));
  folder.write("labels.txt", "even\nodd\n");
  folder.write("study.yaml",
               "name: tiny\nboard: nucleo-l476rg\ndata: {kind: npy, path: ., layout: series}\n"
               "space:\n  block: {channels: [4], kernel: [8], weights: [binary], activations: [binary]}\n"
               "training: {batch_size: 8}\n");
  folder.write("net.yaml",
               "name: net\ninput: {shape: [16, 1, 1], format: int8}\nlayers:\n  - {name: flat, op: flatten}\n"
               "  - {name: head, op: dense, units: 2, weights: int8}\n");
  TrainingRequest request{.study = folder.path() + "/study.yaml", .network = folder.path() + "/net.yaml"};
  EXPECT_EQ(load_setup(request).seeds.size(), 3u);
  request.test = true;
  EXPECT_EQ(error_of<DataError>([&] { load_setup(request); }),
            folder.path() + "/x_test.npy: cannot be read: No such file or directory");
}

TEST(NetworkArgument, ABuiltInNetworkIsFoundByItsName) {
  EXPECT_EQ(network_argument("bearing_golden").input, (Shape{600, 1, 1}));
}

TEST(NetworkArgument, AMisspeltNameIsGuessed) {
  EXPECT_EQ(error_of<ConfigError>([] { network_argument("bearing_goldn"); }),
            "bearing_goldn: neither a file nor a built-in network, did you mean \"bearing_golden\"?");
}

// ---- ablations

TEST(Ablations, EachChangesItsFieldsAndNoOther) {
  const Study base = study_from_yaml(kTinyStudy, "tiny.yaml");
  EXPECT_GE(ablations(base.recipe, network(3)).size(), 25u);
  for (const Ablation& change : ablations(base.recipe, network(3))) {
    const Study changed = study_from_yaml(kTinyStudy, "tiny.yaml", change.overrides);
    const std::string difference = config_difference(base.config_json, changed.config_json);
    EXPECT_EQ(std::count(difference.begin(), difference.end(), '\n'), std::ssize(change.overrides))
        << change.name << ": " << difference;
  }
}

TEST(Ablations, NamesAreUnique) {
  std::set<std::string> names;
  for (const Ablation& change : ablations({}, network(3))) EXPECT_TRUE(names.insert(change.name).second) << change.name;
}

// An int8 network gets 4e-3 where the recipe leaves the rate open.
TEST(Ablations, FactorsOfTheLearningRateStartFromTheNetworksOwn) {
  std::map<std::string, std::vector<std::string>> overrides;
  for (const Ablation& change : ablations({}, network(3))) overrides[change.name] = change.overrides;
  EXPECT_EQ(overrides["learning_rate x2"], std::vector<std::string>{"training.learning_rate=0.008"});
  EXPECT_EQ(overrides["learning_rate x0.5"], std::vector<std::string>{"training.learning_rate=0.002"});
}

}  // namespace
}  // namespace bitwright
