// SPDX-License-Identifier: Apache-2.0
#include "core/io/qkeras_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/qkeras_text.h"
#include "tests/io/temp_folder.h"

namespace bitwright {
namespace {

using nlohmann::json;

std::optional<QkerasQuantizer> read(const std::string& text) {
  return read_qkeras_quantizer(json::parse(text), "layer conv1");
}
std::string error(const std::string& text) {
  return error_of<ConfigError>([&] { read(text); });
}

TEST(QkerasJson, ReadsADictionaryAndIgnoresKeysItDoesNotKnow) {
  const auto quantizer = read(R"({"class_name": "quantized_bits", "module": "qkeras.quantizers",
      "registered_name": "qkeras>quantized_bits", "shared_object_id": 3, "__passive_serialization__": true,
      "config": {"bits": 4, "integer": 0, "symmetric": 1, "keep_negative": true, "alpha": "auto_po2", "name": "q",
                 "use_stochastic_rounding": false, "qnoise_factor": 1.0, "var_name": null,
                 "from_2030": {"a": [1]}, "and": ["b"]}})");
  ASSERT_TRUE(quantizer);
  EXPECT_EQ(qkeras_text(*quantizer), "quantized_bits(bits=4,symmetric=True,alpha='auto_po2')");
}

TEST(QkerasJson, ReadsEveryFormOfAlpha) {
  const auto alpha = [](const std::string& value) {
    return std::get<Binary>(*read(R"({"class_name": "binary", "config": {"alpha": )" + value + "}}")).alpha;
  };
  EXPECT_EQ(alpha("null"), QkerasAlpha{});
  EXPECT_EQ(alpha("2"), (QkerasAlpha{AlphaRule::kFixed, {{}, {2.0f}}}));
  EXPECT_EQ(alpha("0.5"), (QkerasAlpha{AlphaRule::kFixed, {{}, {0.5f}}}));
  EXPECT_EQ(alpha("[[[1, 2], [3, 4]]]"), (QkerasAlpha{AlphaRule::kFixed, {{1, 2, 2}, {1.0f, 2.0f, 3.0f, 4.0f}}}));
  EXPECT_EQ(alpha("\"auto\""), (QkerasAlpha{AlphaRule::kAuto, {}}));
}

TEST(QkerasJson, NullAndLinearAreNotQuantized) {
  EXPECT_EQ(read("null"), std::nullopt);
  EXPECT_EQ(read("\"linear\""), std::nullopt);
  EXPECT_EQ(read("\"ternary(alpha=1)\""), parse_qkeras_quantizer("ternary(alpha=1)"));
}

TEST(QkerasJson, IsReadBackAsWritten) {
  for (const char* text :
       {"quantized_bits(4,0,1,alpha='auto_po2',scale_axis=0)", "quantized_linear(4,alpha=[[0.1, 0.7]])",
        "quantized_relu(4,2,0,0.25,qnoise_factor=0.3)", "binary(alpha=0.1)", "stochastic_binary(temperature=5)",
        "bernoulli(1,5)", "ternary(threshold=0.1)", "stochastic_ternary('auto')", "quantized_tanh(4,symmetric=True)",
        "quantized_sigmoid(4)", "quantized_ulaw(4,1)", "quantized_po2(4,8)", "quantized_relu_po2(4,8,0.5)",
        "quantized_hswish(4,relu_shift=2)", "binary_tanh"}) {
    const QkerasQuantizer quantizer = parse_qkeras_quantizer(text);
    EXPECT_EQ(read(write_qkeras_quantizer(quantizer).dump()), quantizer) << text;
  }
}

// What every version since 2020 accepts: from_config passes the keys on as arguments.
TEST(QkerasJson, WritesTheKeysThatEveryVersionKnows) {
  EXPECT_EQ(write_qkeras_quantizer(parse_qkeras_quantizer("quantized_relu(4,2)")), json::parse(R"({
      "class_name": "quantized_relu", "config": {"bits": 4, "integer": 2, "use_sigmoid": false, "negative_slope": 0.0,
      "use_stochastic_rounding": false, "relu_upper_bound": null}})"));
  EXPECT_EQ(write_qkeras_quantizer(parse_qkeras_quantizer("binary(alpha=[0.1, 1])")), json::parse(R"({
      "class_name": "binary",
      "config": {"use_01": false, "alpha": [0.1, 1.0], "use_stochastic_rounding": false}})"));
}

TEST(QkerasJson, SaysWhatIsWrong) {
  EXPECT_EQ(error("3"), "layer conv1: a text, null or a dictionary with class_name wanted");
  EXPECT_EQ(error("\"relu\""), "layer conv1: relu: relu: no quantizer of QKeras");
  EXPECT_EQ(error(R"({"class_name": "Dense", "config": {}})"), "layer conv1: Dense: no quantizer of QKeras");
  EXPECT_EQ(error(R"({"class_name": "binary", "config": []})"), "layer conv1: config: a dictionary wanted");
  EXPECT_EQ(error(R"({"class_name": "binary", "config": {"alpha": [[1], [2, 3]]}})"),
            "layer conv1: alpha = '[[1],[2,3]]': a number, an array, 'auto', 'auto_po2' or None");
  EXPECT_EQ(error(R"({"class_name": "binary", "config": {"alpha": {"value": 1}}})"),
            "layer conv1: alpha = '{\"value\":1}': a number, an array, 'auto', 'auto_po2' or None");
  EXPECT_EQ(error(R"({"class_name": "quantized_po2", "config": {"bits": 99}})"),
            "layer conv1: bits = 99: from 2 to 31");
}

}  // namespace
}  // namespace bitwright
