// SPDX-License-Identifier: Apache-2.0
#include "core/io/qkeras_model.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/op_profile.h"

namespace bitwright {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

json layer(const std::string& type, const std::string& name, json config = json::object()) {
  config["name"] = name;
  return {{"class_name", type}, {"config", config}};
}
json input(const json& shape) {
  return layer("InputLayer", "input_1", {{"batch_input_shape", shape}});
}
json sequential(const std::vector<json>& layers) {
  return {{"class_name", "Sequential"}, {"config", {{"name", "Net-1"}, {"layers", layers}}}};
}
json bits(int bits, int integer = 0) {
  return {{"class_name", "quantized_bits"}, {"config", {{"bits", bits}, {"integer", integer}, {"alpha", 1.0}}}};
}
json convolution(const std::string& name, int filters, const json& quantizer, const std::string& padding = "valid") {
  return layer("QConv2D", name,
               {{"filters", filters},
                {"kernel_size", {5, 1}},
                {"strides", {1, 1}},
                {"padding", padding},
                {"use_bias", false},
                {"activation", "linear"},
                {"kernel_quantizer", quantizer}});
}
json activation(const std::string& name, const std::string& quantizer) {
  return layer("QActivation", name, {{"activation", quantizer}});
}
QkerasModel read(const json& model) {
  return read_qkeras_model(model, "net.json");
}
std::string refusal_of(const json& model) {
  try {
    read(model);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "none";
}
std::string refusal(const std::vector<json>& layers) {
  return refusal_of(sequential(layers));
}

// The published bearing network as QKeras writes it, up to its last layers.
std::vector<json> bearing() {
  return {input({nullptr, 600, 1, 1}),
          activation("act_0", "quantized_bits(8,0,1)"),
          convolution("conv2d_1", 32, bits(8)),
          layer("BatchNormalization", "bn_1"),
          activation("act_1", "binary"),
          convolution("conv2d_2", 32, "binary(alpha=1)", "same"),
          layer("MaxPooling2D", "pool", {{"pool_size", {4, 1}}, {"strides", {4, 1}}}),
          layer("BatchNormalization", "bn_2"),
          activation("act_2", "binary")};
}

TEST(QkerasModel, OtherJsonThanKerasWritesIsOneClearLine) {
  json model = sequential(bearing());
  model["class_name"] = nullptr;
  EXPECT_EQ(refusal_of(model), "net.json: class_name = null: Sequential, Functional or Model");
  model = sequential(bearing());
  model["config"] = 3;
  EXPECT_EQ(refusal_of(model), "net.json: not a Keras model as to_json() writes it: cannot use at() with number");
  model = sequential(bearing());
  for (const json& odd : {json(nullptr), json(7), json("x"), json::array({1})}) {
    for (const char* key : {"class_name", "config"}) {
      json changed = model;
      changed["config"]["layers"][1][key] = odd;
      EXPECT_THAT(refusal_of(changed), testing::StartsWith("net.json: ")) << odd;
      EXPECT_THAT(refusal_of(changed), testing::Not(HasSubstr("json.exception"))) << odd;
    }
  }
}

TEST(QkerasModel, LayersThatAreComputedAtOnceBecomeOne) {
  const Network n = read(sequential(bearing())).network;
  EXPECT_EQ(n.name, "net_1");
  EXPECT_EQ(n.input, (Shape{600, 1, 1}));
  EXPECT_EQ(n.input_format, Format::kInt8);
  ASSERT_EQ(n.layers.size(), 2u);
  const LayerSpec& second = n.layers[1];
  EXPECT_EQ(n.layers[0].weights, Format::kInt8);
  EXPECT_TRUE(n.layers[0].batch_norm);
  EXPECT_EQ(second.pool, (Window{4, 1, 4, 1}));
  EXPECT_EQ(second.weights, Format::kBinary);
  EXPECT_EQ(second.activations, Format::kBinary);
  EXPECT_EQ(std::get<Conv2d>(second.op).padding, Padding::kZero);
  EXPECT_EQ(op_profile(n).operations, (std::map<std::string, int64_t>{{"smult_8_8", 95360}, {"sxor_1_1", 3051520}}));
}

TEST(QkerasModel, AModelKeptAsAStringIsReadToo) {
  const json text = sequential(bearing()).dump();
  EXPECT_TRUE(is_keras_model(text));
  EXPECT_EQ(read(text).network, read(sequential(bearing())).network);
  EXPECT_FALSE(is_keras_model(json{{"model", 1}}));
  EXPECT_FALSE(is_keras_model("free text"));
}

TEST(QkerasModel, AnInputWithoutAQuantizerCountsEightBitsWithoutSign) {
  const QkerasModel m = read(
      sequential({input({nullptr, 16}),
                  layer("QDense", "fc", {{"units", 4}, {"kernel_quantizer", bits(6)}, {"bias_quantizer", bits(6)}}),
                  layer("Activation", "softmax", {{"activation", "softmax"}})}));
  EXPECT_EQ(m.network.input, (Shape{1, 1, 16}));
  EXPECT_EQ(op_profile(m.network).operations, (std::map<std::string, int64_t>{{"smult_6_8", 64}}));
  EXPECT_THAT(m.notes, ElementsAre("softmax: softmax left out; it changes no decision",
                                   "biases of fc are 32-bit codes here, whatever their quantizer"));
}

TEST(QkerasModel, AQuantizerBehindAFlattenMovesBeforeIt) {
  const Network n =
      read(sequential({input({nullptr, 8, 1, 1}), convolution("c", 2, "binary"), layer("Flatten", "f"),
                       activation("a", "binary"),
                       layer("QDense", "d", {{"units", 3}, {"use_bias", false}, {"kernel_quantizer", "ternary"}})}))
          .network;
  EXPECT_EQ(n.layers[0].activations, Format::kBinary);
  EXPECT_EQ(n.layers[2].weights, Format::kTernary);
  EXPECT_EQ(storage_format(n, 1), Format::kBinary);
}

TEST(QkerasModel, ABatchNormWithoutAQuantizerGivesFloats) {
  const json fc = layer("QDense", "d", {{"units", 3}, {"use_bias", false}, {"kernel_quantizer", "binary"}});
  const Network n =
      read(sequential({input({nullptr, 8, 1, 1}), convolution("c", 2, "binary"), layer("BatchNormalization", "b"),
                       layer("Flatten", "f"), activation("a", "binary"), fc, layer("BatchNormalization", "last")}))
          .network;
  EXPECT_EQ(n.layers[0].activations, Format::kBinary);
  EXPECT_EQ(n.layers[2].activations, Format::kFloat32);
}

json node(json l, const std::vector<std::string>& inputs) {
  json list = json::array();
  for (const std::string& name : inputs) list.push_back(json::array({name, 0, 0, json::object()}));
  l["inbound_nodes"] = inputs.empty() ? json::array() : json::array({list});
  return l;
}
// Behind an input of 8 x 1 x 1, `input_1`; the last layer is the output.
json graph(std::vector<json> layers) {
  layers.insert(layers.begin(), node(input({nullptr, 8, 1, 1}), {}));
  const json output = json::array({layers.back()["config"]["name"], 0, 0});
  return {{"class_name", "Functional"},
          {"config", {{"name", "graph"}, {"layers", layers}, {"output_layers", json::array({output})}}}};
}
std::string refusal_of_graph(const json& model) {
  try {
    read(model);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "none";
}

TEST(QkerasModel, AGraphAddsWhatTwoLayersGive) {
  const Network n =
      read(graph({node(convolution("a", 2, bits(4), "same"), {"input_1"}),
                  node(activation("qa", "quantized_bits(4,1)"), {"a"}),
                  node(convolution("b", 2, bits(4), "same"), {"qa"}),
                  node(activation("qb", "quantized_bits(4,1)"), {"b"}), node(layer("Add", "sum"), {"qb", "qa"})}))
          .network;
  ASSERT_EQ(n.layers.size(), 3u);
  EXPECT_EQ(n.layers[2].from, 1);
  EXPECT_EQ(std::get<Add>(n.layers[2].op).with, 0);
}

TEST(QkerasModel, ALayersOwnQuantizerIsItsOwnWhoeverReadsItsInput) {
  json own = convolution("b", 2, bits(4), "same");
  own["config"]["activation"] = "quantized_bits(4,1)";
  const Network n = read(graph({node(convolution("a", 2, bits(4), "same"), {"input_1"}),
                                node(activation("qa", "quantized_bits(4,1)"), {"a"}), node(own, {"qa"}),
                                node(layer("Add", "sum"), {"b", "qa"})}))
                        .network;
  EXPECT_EQ(n.layers[0].activations, Format::kInt4);
  EXPECT_EQ(n.layers[1].activations, Format::kInt4);
}

class SumsWithTwoReaders : public ::testing::TestWithParam<json> {};

// What somebody else reads is not quantized, though a layer that changes no code stands between.
TEST_P(SumsWithTwoReaders, AreNotQuantizedForOneOfThem) {
  const json model =
      graph({node(convolution("a", 2, bits(4), "same"), {"input_1"}), node(GetParam(), {"a"}),
             node(activation("q", "quantized_bits(4,1)"), {"between"}), node(layer("Flatten", "other"), {"a"}),
             node(layer("QDense", "d", {{"units", 3}, {"use_bias", false}, {"kernel_quantizer", "ternary"}}), {"q"})});
  EXPECT_THAT(refusal_of_graph(model),
              HasSubstr("layer q: a quantizer must follow a layer's sums that nobody else reads"));
}

INSTANTIATE_TEST_SUITE_P(QkerasModel, SumsWithTwoReaders,
                         ::testing::Values(layer("Dropout", "between"), layer("Flatten", "between"),
                                           layer("MaxPooling2D", "between", {{"pool_size", {2, 1}}}),
                                           layer("Activation", "between", {{"activation", "linear"}})),
                         [](const auto& type) { return type.param["class_name"].template get<std::string>(); });

TEST(QkerasModel, WhatIsNoChainOfOneOutputIsRefused) {
  const json a = node(convolution("a", 2, bits(4), "same"), {"input_1"});
  const json twice = node(convolution("b", 2, bits(4), "same"), {"a", "input_1"});
  EXPECT_THAT(refusal_of_graph(graph({a, twice})), HasSubstr("layer b: is called more than once"));
  json two = graph({a, node(convolution("b", 2, bits(4), "same"), {"a"})});
  two["config"]["output_layers"] = {{"a", 0, 0}, {"b", 0, 0}};
  EXPECT_THAT(refusal_of_graph(two), HasSubstr("net.json: output_layers = a, b: must be one, the last layer"));
  two["config"]["output_layers"] = {{"a", 0, 0}};
  EXPECT_THAT(refusal_of_graph(two), HasSubstr("net.json: output_layers = a: must be one, the last layer"));
  const json second = layer("InputLayer", "input_2", {{"batch_input_shape", {nullptr, 8, 1, 1}}});
  EXPECT_THAT(refusal_of_graph(graph({second, a})),
              HasSubstr("net.json: layer input_2: a second input: a network has one"));
}

TEST(QkerasModel, WhatHasNoKernelIsRefusedByItsName) {
  const json in = input({nullptr, 8, 1, 1});
  EXPECT_THAT(refusal({in, layer("LSTM", "l")}), HasSubstr("net.json: layer l: LSTM: no such layer here"));
  EXPECT_THAT(refusal({in, convolution("c", 2, "quantized_po2(4,1)")}),
              HasSubstr("layer c: kernel_quantizer = quantized_po2"));
  EXPECT_THAT(refusal({in, convolution("c", 2, "binary"), layer("Activation", "a", {{"activation", "tanh"}})}),
              HasSubstr("layer a: activation = tanh: linear, relu, a last softmax or a quantizer"));
  EXPECT_THAT(
      refusal({in, convolution("c", 2, "binary"), activation("q", "binary"), layer("BatchNormalization", "bn")}),
      HasSubstr("layer bn: a batch norm must follow"));
  EXPECT_THAT(refusal({in, layer("QDense", "d", {{"units", "many"}})}),
              HasSubstr("layer d: units = \"many\": not what Keras writes"));
  EXPECT_THAT(refusal({in}), HasSubstr("net.json: no layer that computes"));
}

}  // namespace
}  // namespace bitwright
