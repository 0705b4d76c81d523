// core/io/qkeras_model.h: what a QKeras model computes with, from the JSON that Keras's to_json() gives: topology and
// number formats. No weights, and of scales only what formats have: enough for all that a network costs.
//
// Layers that Keras has apart become one: convolution or dense layer, max-pooling of its sums, batch norm, quantizer.
// An activation behind a flatten or a max-pooling moves before it, where it computes the same.
// Read are QDense, QConv1D, QConv2D, QDepthwiseConv2D and their Batchnorm kind; Dense, Conv1D, Conv2D,
// DepthwiseConv2D, whose weights are float32; QActivation and Activation; BatchNormalization; MaxPooling1D and 2D,
// (Q)AveragePooling1D and 2D, (Q)GlobalAveragePooling1D and 2D; Flatten, Dropout, Add, UpSampling1D and 2D. Batch norms
// of other layers, strings that Keras calls activations but linear, relu and a last softmax, powers of two and {0, 1}
// have no kernel.
// Sources: QKeras 0.9.0, qkeras/qlayers.py; Keras 2 and 3, to_json().
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "core/network.h"

namespace bitwright {

struct QkerasModel {
  Network network;
  std::vector<std::string> notes;  // what was left out or taken for granted, a line each
};

// Whether a JSON document is a Keras model, whatever its layers: {"class_name": "Sequential", "config": ...}, or that
// as a string, as some collections keep it.
bool is_keras_model(const nlohmann::json& document);

// Throws ConfigError `place: layer NAME: rule`, StructureError where shapes do not close.
QkerasModel read_qkeras_model(const nlohmann::json& document, const std::string& place);

}  // namespace bitwright
