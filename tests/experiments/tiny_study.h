// tests/experiments/tiny_study.h: a study on the simulator, whose trainings take a second.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace bitwright {

// Name, board and data; the rest is the test's.
inline const std::string kTinyHead =
    "name: tiny\n"
    "board: nucleo-l476rg\n"
    "data: {kind: simulator, recordings: 16, samples: 6000, protocol: time}\n";

inline const std::string kTinyStudy =
    kTinyHead +
    "space:\n"
    "  block: {channels: [4], kernel: [8], weights: [binary], activations: [binary]}\n";

}  // namespace bitwright
