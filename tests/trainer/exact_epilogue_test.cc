// SPDX-License-Identifier: Apache-2.0
#include "trainer/exact_epilogue.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "core/quantize.h"
#include "core/rng.h"

namespace bitwright {
namespace {

Network one_layer(LayerSpec layer) {
  Network network;
  network.input = {1, 1, 4};
  layer.name = "layer";
  append(network, std::move(layer));
  return network;
}

std::vector<float> accumulators(int bound) {
  std::vector<float> acc(2 * bound + 1);
  std::iota(acc.begin(), acc.end(), static_cast<float>(-bound));
  return acc;
}

TEST(ExactEpilogue, IsTheQuantizerOfTheFloat64Affine) {
  Rng rng(1);
  for (Format format : {Format::kBinary, Format::kTernary, Format::kInt2, Format::kUint4, Format::kInt5, Format::kUint8,
                        Format::kInt16})
    for (int trial = 0; trial < 100; ++trial) {
      const Network n = one_layer({.op = Dense{1}, .activations = format, .range_log2 = trial % 4 - 1});
      const double scale = activation_scale(format, n.layers[0].range_log2);
      const bool tie = trial % 2;  // multiples of a quarter step
      const Affine affine{{tie ? (trial % 9 - 4) * scale / 4 : rng.normal()},
                          {tie ? (trial % 7 - 3) * scale / 4 : rng.normal()}};
      const auto acc = accumulators(150);
      std::vector<float> out(acc.size());
      exact_epilogue(n, 0, affine, scale, {1, 1, std::ssize(acc)}, acc.data(), out.data());
      for (size_t i = 0; i < acc.size(); ++i)
        ASSERT_EQ(out[i], quantize_activation(affine.a[0] * acc[i] + affine.b[0], format, scale))
            << format_name(format);
    }
}

TEST(ExactEpilogue, AddsARoundedBiasToRawAccumulators) {
  const Network n = one_layer({.op = Dense{2}, .bias = true, .activations = Format::kAccumulator});
  const std::vector<float> acc = {10, 20, 30, 40};  // two examples, two channels
  std::vector<float> out(4);
  exact_epilogue(n, 0, {{0.5, 0.5}, {1.3, -0.7}}, 1.0, {2, 2, 1}, acc.data(), out.data());
  EXPECT_EQ(out, (std::vector<float>{13, 19, 33, 39}));
}

TEST(ExactEpilogue, RoundsTwiceInFloat32) {
  const Network n =
      one_layer({.op = Dense{1}, .weights = Format::kFloat32, .activations = Format::kFloat32, .relu = true});
  const float a = 0.1f, b = -0.3f;
  const std::vector<float> acc = {3.0f, -1.0f, 7.3f};
  std::vector<float> out(3);
  exact_epilogue(n, 0, {{a}, {b}}, 1.0, {1, 1, 3}, acc.data(), out.data());
  for (size_t i = 0; i < 3; ++i) {
    const float product = static_cast<float>(static_cast<double>(acc[i]) * a);  // exact, then rounded once
    EXPECT_EQ(out[i], std::max(0.0f, static_cast<float>(static_cast<double>(product) + b)));
  }
}

}  // namespace
}  // namespace bitwright
