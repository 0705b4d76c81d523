// SPDX-License-Identifier: Apache-2.0
#include "core/io/model_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>

#include "core/io/network_yaml.h"
#include "core/rng.h"
#include "tests/io/temp_folder.h"

namespace bitwright {
namespace {

using nlohmann::json;

// Every epilogue: threshold, raw, requantize, none, float; a residual add, an upsampling and a log variance.
const std::string kNetwork = R"(name: tiny
input: {shape: [12, 1, 2], format: int8}
layers:
  - {name: a, op: conv, channels: 3, kernel: 3, padding: zero, weights: int8, batch_norm: true, activation: uint2}
  - {name: b, op: conv, channels: 3, kernel: 3, padding: zero, weights: binary, batch_norm: true, activation: int8}
  - {name: s, op: add, with: a, activation: int8}
  - {name: u, op: upsample, size: [2, 3]}
  - {name: v, op: global_log_variance, batch_norm: true, activation: int8}
  - {name: f, op: flatten}
  - {name: r, op: dense, units: 4, weights: ternary, bias: true, activation: none}
  - {name: o, op: dense, units: 2, weights: float32, bias: true, activation: float32}
)";

template <class T>
T any_bits(Rng& rng, T low, T high) {
  return static_cast<T>(low + static_cast<int64_t>(rng.below(static_cast<uint64_t>(int64_t{high} - low) + 1)));
}

QuantizedLayer random_layer(const Network& network, int index, Rng& rng) {
  const LayerSpec& spec = network.layers[static_cast<size_t>(index)];
  const LayerShapes shapes = infer_shapes(network)[static_cast<size_t>(index)];
  const auto channels = static_cast<size_t>(shapes.output.c);
  QuantizedLayer layer;
  layer.output_scale = rng.uniform() + 0.1;
  layer.inverse_step = static_cast<float>(rng.uniform());
  for (int64_t i = 0; i < weight_count(spec, shapes); ++i) {
    if (spec.weights == Format::kFloat32)
      layer.float_weights.push_back(std::bit_cast<float>(static_cast<uint32_t>(rng.below(0x7f800000))));
    else
      layer.weights.push_back(spec.weights == Format::kBinary ? (rng.below(2) ? 1 : -1) : any_bits<int8_t>(rng, -1, 1));
  }
  const Epilogue kind = epilogue(network, index);
  for (size_t c = 0; c < channels; ++c) {
    if (kind == Epilogue::kRaw) layer.bias.push_back(any_bits<int32_t>(rng, -(1 << 30), 1 << 30));
    if (kind == Epilogue::kThreshold) layer.descending.push_back(static_cast<uint8_t>(rng.below(2)));
    if (kind == Epilogue::kThreshold)
      for (int k = 0; k < threshold_count(spec.activations); ++k)
        layer.thresholds.push_back(static_cast<int32_t>(rng.next()));
    if (kind == Epilogue::kRequantize) {
      layer.multiplier.push_back(static_cast<int32_t>(rng.below(1u << 31)));
      layer.offset.push_back(static_cast<int64_t>(rng.below(1ull << 62)) * (rng.below(2) ? 1 : -1));
      layer.shift.push_back(static_cast<uint8_t>(rng.below(63)));
    }
    if (kind == Epilogue::kFloat) layer.float_scale.push_back(-0.0f);
    if (kind == Epilogue::kFloat) layer.float_offset.push_back(1e-42f);  // subnormal
  }
  return layer;
}

QuantizedModel random_model(uint64_t seed) {
  Rng rng(seed);
  QuantizedModel model;
  model.network = network_from_yaml(kNetwork, "n.yaml");
  model.input_scale = 4.0 / 127.0;
  for (int i = 0; i < static_cast<int>(model.network.layers.size()); ++i)
    model.layers.push_back(random_layer(model.network, i, rng));
  return model;
}

TEST(ModelJson, RoundTripsModelsToTheLastBit) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const QuantizedModel model = random_model(seed);
    const std::string text = json(model).dump();
    const auto again = read_json<QuantizedModel>(text, "model.json");
    EXPECT_EQ(again, model);
    EXPECT_EQ(json(again).dump(), text);
    EXPECT_TRUE(std::signbit(again.layers.back().float_scale[0]));
  }
}

TEST(ModelJson, ChecksTheModelItReads) {
  json j = random_model(1);
  j["layers"][0].erase("weights");
  EXPECT_EQ(error_of<ConfigError>([&] { read_json<QuantizedModel>(j.dump(), "m.json"); }),
            "m.json: model layer a: wrong number of weights");
  j = random_model(1);
  j["layers"][0]["weights"] = "AAA?";
  EXPECT_EQ(error_of<ConfigError>([&] { read_json<QuantizedModel>(j.dump(), "m.json"); }), "base64: illegal character");
  EXPECT_THAT(error_of<ConfigError>([] { read_json<QuantizedModel>("{\"network\":", "m.json"); }),
              testing::StartsWith("m.json: "));
}

// RFC 4648, section 10.
TEST(ModelJson, MistakesAreInWordsWithoutTheLibrarysCodes) {
  EXPECT_EQ(error_of<ConfigError>([] { read_json<Shape>("{", "m.json"); }).substr(0, 37),
            "m.json: not JSON: parse error at line");
  EXPECT_EQ(error_of<ConfigError>([] { read_json<Violation>("{}", "m.json"); }), "m.json: key 'rule' not found");
}

TEST(ModelJson, ArraysAreBase64) {
  const auto encoded = [](const std::string& text) {
    Parameters parameters{{LayerParameters{}}};
    parameters.layers[0].weights.assign(text.size() / 4, 0.0f);
    std::memcpy(parameters.layers[0].weights.data(), text.data(), text.size());
    return json(parameters)[0]["weights"].get<std::string>();
  };
  EXPECT_EQ(encoded("foob"), "Zm9vYg==");
  EXPECT_EQ(encoded("foobarfoobar"), "Zm9vYmFyZm9vYmFy");
}

TEST(ModelJson, SurvivesAnyEdit) {
  const std::string text = json(random_model(2)).dump();
  Rng rng(9);
  for (int round = 0; round < 2000; ++round) {
    std::string broken = text;
    for (int edit = 0; edit < 2; ++edit) broken[rng.below(broken.size())] = static_cast<char>(32 + rng.below(95));
    try {
      check_model(read_json<QuantizedModel>(broken, "m.json"));
    } catch (const ConfigError&) {
    }
  }
}

TEST(ModelJson, RoundTripsTheRecordsOfATrial) {
  const FrontEnd front_end{"raw", {600, 1, 2}, Format::kInt8, {0.1, -1e-300}, {1.0 / 3.0, 5e-324}, 4.0 / 127};
  EXPECT_EQ(json::parse(json(front_end).dump()).get<FrontEnd>(), front_end);

  EpochRecord epoch{3, 1e-3, std::nan(""), 0.1};
  epoch = json::parse(json(epoch).dump()).get<EpochRecord>();
  EXPECT_TRUE(std::isnan(epoch.train_loss));
  EXPECT_EQ(epoch.validation_accuracy, 0.1);

  Estimates estimates;
  estimates.flash_bytes = int64_t{1} << 53;
  estimates.latency_us = 0.1;
  estimates.layers.push_back({"conv0", "conv2d_a8w8", 1, 2, 3, 0.5, 0.25});
  const auto again = json::parse(json(estimates).dump()).get<Estimates>();
  EXPECT_EQ(again.flash_bytes, estimates.flash_bytes);
  EXPECT_EQ(again.latency_us, 0.1);
  EXPECT_EQ(again.layers[0].kernel, "conv2d_a8w8");

  const Violation violation = json(Violation{"flash", 2.0, 1.0, "too much"}).get<Violation>();
  EXPECT_EQ(violation.message, "too much");
}

TEST(ModelJson, AnEnergyThatIsNotKnownIsNullAndMayBeZeroOrAbsentInWhatIsRead) {
  json j = Estimates{};
  EXPECT_TRUE(j.at("energy_uj").is_null());
  EXPECT_TRUE(j.at("average_power_uw").is_null());
  EXPECT_EQ(j.get<Estimates>().energy_uj, 0.0);
  j["energy_uj"] = 0.0;
  j.erase("average_power_uw");
  EXPECT_EQ(j.get<Estimates>().energy_uj, 0.0);
  EXPECT_EQ(j.get<Estimates>().average_power_uw, 0.0);
  j["energy_uj"] = 2.5;
  EXPECT_EQ(json(j.get<Estimates>()).at("energy_uj"), 2.5);
}

TEST(ModelJson, RoundTripsRecipes) {
  Recipe recipe;
  recipe.epochs = 7;
  recipe.circular_shift = true;
  recipe.device = Device::kCuda;
  recipe.surrogate = Surrogate::kEde;
  recipe.weight_scale = WeightScale::kPowerOfTwo;
  recipe.activation_range = ActivationRange::kPact;
  recipe.mixup = 0.1;
  json j = recipe;
  EXPECT_EQ(j.at("surrogate"), "ede");
  EXPECT_EQ(json(j.get<Recipe>()), j);
  EXPECT_EQ(j.get<Recipe>().activation_range, ActivationRange::kPact);
  j["surrogate"] = "dorefa";
  EXPECT_EQ(error_of<ConfigError>([&] { j.get<Recipe>(); }), "surrogate dorefa: unknown");
}

TEST(ModelJson, RoundTripsMetricsAndReadsThoseOfTheFirstVersion) {
  Metrics metrics;
  metrics.accuracy = 0.1 + 0.2;
  metrics.windows = 1234;
  metrics.confusion = {3, 1, 0, 4};
  metrics.r2 = -2.5;
  metrics.rmse = 1e-300;
  const auto again = json::parse(json(metrics).dump()).get<Metrics>();
  EXPECT_EQ(again.accuracy, metrics.accuracy);
  EXPECT_EQ(again.confusion, metrics.confusion);
  EXPECT_EQ(again.r2, -2.5);
  EXPECT_EQ(again.rmse, 1e-300);
  const json first = {{"accuracy", 0.5}, {"fake_quantized_accuracy", 0.5}, {"train_accuracy", -1.0}, {"windows", 9}};
  EXPECT_EQ(first.get<Metrics>().windows, 9);
  EXPECT_EQ(first.get<Metrics>().macro_f1, 0.0);
}

TEST(ModelJson, RefusesACandidateWithAnotherNetworksHash) {
  const Network network = network_from_yaml(kNetwork, "n.yaml");
  json j = Candidate{{{"block1.channels", "3"}}, network, network_hash(network)};
  EXPECT_EQ(j.get<Candidate>().parameters.at("block1.channels"), "3");
  j["network"]["layers"][0]["weights"] = "int4";
  EXPECT_EQ(error_of<ConfigError>([&] { j.get<Candidate>(); }), "candidate: the hash is not its network's");
}

}  // namespace
}  // namespace bitwright
