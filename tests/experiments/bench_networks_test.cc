// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <filesystem>

#include "core/io/model_json.h"
#include "core/io/network_yaml.h"
#include "experiments/bench/bench_networks.h"

namespace bitwright {
namespace {

const std::filesystem::path kSource = BITWRIGHT_SOURCE_DIR;

// After a change of those files, the message holds what networks.json must be.
TEST(BenchNetworks, AreThoseOfTheConfigurations) {
  std::vector<Network> expected;
  for (const char* name :
       {"bearing_golden", "appliance_golden", "bearing_pooled", "bearing_tiny", "har_separable", "mnist_conv"})
    expected.push_back(load_network((kSource / "configs/networks" / (std::string(name) + ".yaml")).string()));
  const auto networks = load_bench_networks((kSource / "experiments/bench/networks.json").string());
  EXPECT_EQ(networks, expected) << nlohmann::json(expected).dump(1);
}

// The numbers that their files state.
TEST(BenchNetworks, HaveTheirStatedMultiplyAccumulates) {
  std::vector<int64_t> all;
  for (const Network& network : load_bench_networks((kSource / "experiments/bench/networks.json").string()))
    all.push_back(macs(network));
  EXPECT_EQ(all, (std::vector<int64_t>{3605184, 8107776, 644672, 31216, 131616, 409568}));
}

}  // namespace
}  // namespace bitwright
