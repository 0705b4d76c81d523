// SPDX-License-Identifier: Apache-2.0
#include "experiments/train_table/net_choices.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>

#include "core/rng.h"
#include "search/space.h"

namespace bitwright {
namespace {

// All lists of `depth` of the space's numbers of channels.
std::vector<std::vector<int>> channel_lists(const std::vector<int>& channels, int depth) {
  std::vector<std::vector<int>> lists = {{}};
  for (int block = 0; block < depth; ++block) {
    std::vector<std::vector<int>> longer;
    for (const std::vector<int>& list : lists)
      for (int c : channels) {
        longer.push_back(list);
        longer.back().push_back(c);
      }
    lists = std::move(longer);
  }
  return lists;
}

void add_choices(const BlockSpace& block, const std::vector<int>& channels, std::vector<NetChoice>& choices) {
  for (int kernel : block.kernel)
    for (Format weights : block.weights)
      for (Format activations : block.activations)
        for (int stride : block.stride) choices.push_back({channels, kernel, weights, activations, stride});
}

}  // namespace

std::vector<NetChoice> net_choices(const SpaceSpec& space) {
  std::vector<NetChoice> choices;
  for (int depth = space.min_blocks; depth <= space.max_blocks; ++depth)
    for (const std::vector<int>& channels : channel_lists(space.block.channels, depth))
      add_choices(space.block, channels, choices);
  return choices;
}

std::vector<NetChoice> shuffled_net_choices(const SpaceSpec& space) {
  std::vector<NetChoice> choices = net_choices(space);
  Rng(1).shuffle(choices);
  return choices;
}

Network network_of(const NetChoice& choice, const SpaceSpec& space, Shape input, Format input_format, int classes) {
  std::map<std::string, std::string> parameters = {
      {"blocks", std::to_string(choice.channels.size())},
      {"head", space.head.at(0)},
      {"hidden", std::to_string(space.hidden.at(0))},
      {"head_weights", std::string(format_name(space.head_weights.at(0)))},
  };
  for (size_t i = 0; i < choice.channels.size(); ++i) {
    const std::string block = fmt::format("block{}.", i + 1);
    parameters[block + "kind"] = "conv";
    parameters[block + "channels"] = std::to_string(choice.channels[i]);
    parameters[block + "kernel"] = std::to_string(choice.kernel);
    parameters[block + "stride"] = std::to_string(choice.stride);
    parameters[block + "pool"] = "1";
    parameters[block + "weights"] = format_name(choice.weights);
    parameters[block + "activations"] = format_name(choice.activations);
  }
  return SearchSpace(space, input, input_format, classes, "net").decode(std::move(parameters)).network;
}

std::string choice_text(const NetChoice& choice) {
  return fmt::format("{},{},{},{},{}", fmt::join(choice.channels, "-"), choice.kernel, format_name(choice.weights),
                     format_name(choice.activations), choice.stride);
}

}  // namespace bitwright
