// experiments/bench/bench_networks.h: the six networks whose training is timed, and data of their shapes.
// networks.json holds the networks of configs/networks/ of the same names, so that a build without YAML and a Python
// program read them too; a test holds the two against each other.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/dataset.h"
#include "core/network.h"

namespace bitwright {

// Throws std::runtime_error, or ConfigError and StructureError, naming what is wrong.
std::vector<Network> load_bench_networks(const std::string& path);

// Uniform codes that the network's input format holds; classes, one per output, in turn.
Dataset noise_for(const Network& network, int64_t examples, uint64_t seed);

}  // namespace bitwright
