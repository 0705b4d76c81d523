// experiments/ablations.h: what `bitwright ablate` changes in a recipe, one thing at a time.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "core/network.h"
#include "core/recipe.h"

namespace bitwright {

struct Ablation {
  std::string name;                    // "latent_init 0.5": as the table shows it and as --only takes it
  std::vector<std::string> overrides;  // "training.latent_init=0.5"
};

// In the order of the table. Changes by a factor (learning rate, epochs) start from `base`, the learning rate that a
// recipe leaves open from the one that the network gets.
std::vector<Ablation> ablations(const Recipe& base, const Network& network);

}  // namespace bitwright
