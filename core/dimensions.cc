// SPDX-License-Identifier: Apache-2.0
#include "core/dimensions.h"

#include <algorithm>

#include "core/format.h"

namespace bitwright {
namespace {

std::vector<std::string> texts(std::vector<int> numbers) {
  std::sort(numbers.begin(), numbers.end());
  std::vector<std::string> out;
  for (int n : numbers) out.push_back(std::to_string(n));
  return out;
}

// By width, so that a neighbour is the next cheaper or dearer format.
std::vector<std::string> texts(std::vector<Format> formats) {
  std::stable_sort(formats.begin(), formats.end(), [](Format a, Format b) { return bit_width(a) < bit_width(b); });
  std::vector<std::string> out;
  for (Format f : formats) out.emplace_back(format_name(f));
  return out;
}

std::vector<std::string> numbers_between(int low, int high) {
  std::vector<std::string> out;
  for (int n = low; n <= high; ++n) out.push_back(std::to_string(n));
  return out;
}

std::string block_name(int block) {
  return "block" + std::to_string(block);
}

template <class List>
const List& first_or(const List& first, const List& every, int block) {
  return block == 1 && !first.empty() ? first : every;
}

// Block i has its dimensions while at least i blocks are in use; a residual block has no stride.
void add_block(std::vector<Dimension>& dimensions, const SpaceSpec& spec, int block) {
  const auto pick = [&](auto list) -> const auto& {
    return first_or(spec.first.*list, spec.block.*list, block);
  };
  const std::string name = block_name(block), kind = name + ".kind";
  const auto kinds = pick(&BlockSpace::kind);
  dimensions.push_back(
      {kind, kinds, false, "blocks", numbers_between(std::max(block, spec.min_blocks), spec.max_blocks)});
  const auto add = [&](const char* field, std::vector<std::string> choices, std::vector<std::string> of_kinds) {
    dimensions.push_back({name + "." + field, std::move(choices), true, kind, std::move(of_kinds)});
  };
  add("channels", texts(pick(&BlockSpace::channels)), kinds);
  add("kernel", texts(pick(&BlockSpace::kernel)), kinds);
  add("stride", texts(pick(&BlockSpace::stride)), {"conv", "depthwise_separable"});
  add("pool", texts(pick(&BlockSpace::pool)), kinds);
  add("weights", texts(pick(&BlockSpace::weights)), kinds);
  add("activations", texts(pick(&BlockSpace::activations)), kinds);
}

}  // namespace

std::vector<Dimension> dimensions_of(const SpaceSpec& spec) {
  std::vector<Dimension> dimensions;
  dimensions.push_back({"blocks", numbers_between(spec.min_blocks, spec.max_blocks), true, "", {}});
  for (int block = 1; block <= spec.max_blocks; ++block) add_block(dimensions, spec, block);
  dimensions.push_back({"head", spec.head, false, "", {}});
  dimensions.push_back({"hidden", texts(spec.hidden), true, "head", {"flatten_dense"}});
  dimensions.push_back({"head_weights", texts(spec.head_weights), true, "", {}});
  return dimensions;
}

// An inactive parent is absent by the time that its child asks.
bool is_active(const Dimension& dimension, const std::map<std::string, std::string>& parameters) {
  if (dimension.parent.empty()) return true;
  const auto parent = parameters.find(dimension.parent);
  return parent != parameters.end() && std::ranges::count(dimension.parent_values, parent->second) > 0;
}

}  // namespace bitwright
