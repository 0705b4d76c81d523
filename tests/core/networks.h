// tests/core/networks.h: published networks and small ones to vary.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/network.h"

namespace bitwright::testing {

inline LayerSpec conv(std::string name, int channels, int kernel_h, int kernel_w, Padding padding, Format weights,
                      Format activations) {
  LayerSpec layer;
  layer.name = std::move(name);
  layer.op = Conv2d{channels, {kernel_h, kernel_w, 1, 1}, padding};
  layer.weights = weights;
  layer.activations = activations;
  return layer;
}

inline LayerSpec dense(std::string name, int units, Format weights, Format activations) {
  LayerSpec layer;
  layer.name = std::move(name);
  layer.op = Dense{units};
  layer.weights = weights;
  layer.activations = activations;
  return layer;
}

inline LayerSpec plain(std::string name, Op op, Format activations = Format::kAccumulator) {
  LayerSpec layer;
  layer.name = std::move(name);
  layer.op = std::move(op);
  layer.activations = activations;
  return layer;
}

// Pau, "Ecosystem of tools for better productivity", tinyML Summit 2022: bearing faults from 600 samples of vibration.
inline Network bearing_network() {
  Network n{"bearing", {600, 1, 1}, Format::kInt8, {}};
  LayerSpec conv1 = conv("conv2d_1", 32, 5, 1, Padding::kValid, Format::kInt8, Format::kBinary);
  conv1.batch_norm = true;
  append(n, conv1);
  LayerSpec conv2 = conv("conv2d_2", 32, 5, 1, Padding::kZero, Format::kBinary, Format::kBinary);
  conv2.pool = Window{4, 1, 4, 1};
  conv2.batch_norm = true;
  append(n, conv2);
  append(n, conv("q_conv2d", 32, 1, 1, Padding::kValid, Format::kBinary, Format::kAccumulator));
  append(n, plain("flatten", Flatten{}));
  append(n, dense("q_dense", 64, Format::kBinary, Format::kAccumulator));
  append(n, dense("dense", 9, Format::kFloat32, Format::kFloat32));
  return n;
}

// The same talk: home appliances from a 33 x 33 map.
inline Network appliance_network() {
  Network n{"appliance", {33, 33, 1}, Format::kInt8, {}};
  LayerSpec conv1 = conv("conv1", 32, 3, 3, Padding::kValid, Format::kInt8, Format::kBinary);
  conv1.batch_norm = true;
  append(n, conv1);
  LayerSpec conv2 = conv("conv2", 32, 3, 3, Padding::kValid, Format::kBinary, Format::kBinary);
  conv2.pool = Window{3, 3, 3, 3};
  conv2.batch_norm = true;
  append(n, conv2);
  append(n, plain("flatten", Flatten{}));
  append(n, dense("dense", 31, Format::kBinary, Format::kAccumulator));
  return n;
}

// Reconstructs 512 samples: two convolutions that keep every fourth position, then twice an upsampling by 4 and a
// convolution.
inline Network auto_encoder(Format output = Format::kInt8) {
  Network n{"auto_encoder", {512, 1, 1}, Format::kInt8, {}};
  const auto strided = [](LayerSpec layer) {
    std::get<Conv2d>(layer.op).kernel.stride_h = 4;
    return layer;
  };
  append(n, strided(conv("enc1", 8, 5, 1, Padding::kZero, Format::kInt8, Format::kUint4)));
  append(n, strided(conv("enc2", 16, 5, 1, Padding::kZero, Format::kTernary, Format::kTernary)));
  append(n, plain("up1", Upsample2d{4, 1}));
  append(n, conv("dec1", 8, 5, 1, Padding::kZero, Format::kTernary, Format::kBinary));
  append(n, plain("up2", Upsample2d{4, 1}));
  append(n, conv("dec2", 1, 5, 1, Padding::kZero, Format::kInt8, output));
  return n;
}

}  // namespace bitwright::testing
