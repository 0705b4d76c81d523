// experiments/train_table/net_choices.h: the nets of the table of trained nets: those of a study's search space whose
// blocks have all in common but their channels.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "core/network.h"
#include "core/study.h"

namespace bitwright {

struct NetChoice {
  std::vector<int> channels;  // of each block
  int kernel = 3;
  Format weights = Format::kInt8, activations = Format::kUint8;
  int stride = 1;  // of every block
  bool operator==(const NetChoice&) const = default;
};

// Every combination once, shallow nets first, in the order of the space's lists.
std::vector<NetChoice> net_choices(const SpaceSpec& space);
// The same set, shuffled alike on every machine: any stretch of it is a fair sample.
std::vector<NetChoice> shuffled_net_choices(const SpaceSpec& space);

// The space's network of these choices, with the first of its heads. Throws ConfigError where the space lacks one.
Network network_of(const NetChoice& choice, const SpaceSpec& space, Shape input, Format input_format, int classes);

// "8-16-4,3,ternary,uint4,2": the first columns of a row, and its identity.
std::string choice_text(const NetChoice& choice);

}  // namespace bitwright
