// SPDX-License-Identifier: Apache-2.0
#include "experiments/bench/bench_networks.h"

#include <fmt/format.h>

#include <fstream>
#include <stdexcept>

#include "core/io/model_json.h"
#include "core/rng.h"

namespace bitwright {

std::vector<Network> load_bench_networks(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error(fmt::format("{}: cannot be read", path));
  return nlohmann::json::parse(file).get<std::vector<Network>>();
}

Dataset noise_for(const Network& network, int64_t examples, uint64_t seed) {
  const int low = min_code(network.input_format), high = max_code(network.input_format);
  const int classes = infer_shapes(network).back().output.c;
  Dataset data;
  data.front_end.output = network.input;
  data.front_end.format = network.input_format;
  data.front_end.input_scale = 2.0 / high;
  for (int c = 0; c < classes; ++c) data.classes.push_back(fmt::format("class{}", c));
  Rng rng(seed);
  for (int64_t i = 0; i < examples; ++i) {
    for (int64_t e = 0; e < network.input.elements(); ++e)
      data.codes.push_back(
          static_cast<int16_t>(low + static_cast<int>(rng.below(static_cast<uint64_t>(high - low + 1)))));
    data.labels.push_back(static_cast<int32_t>(i % classes));
    data.groups.push_back(static_cast<int32_t>(i));
  }
  return data;
}

}  // namespace bitwright
