// trainer/preconditions.h: what a network, its data and a recipe must be before a training may start.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "core/dataset.h"
#include "core/network.h"
#include "core/recipe.h"

namespace bitwright {

// The first rule that is broken, in one line; empty if none is:
//   sizes of examples, labels and targets belong together; the network reads the examples and gives the task's output;
//   labels are classes, targets are finite; every class (anomalies: the normal one) has a training example;
//   two training examples at least, a batch no larger than the training set; no input channel is constant over it.
std::string why_not_trainable(const Network& network, const TrainingData& data, const Recipe& recipe);

// Those of them that concern data and recipe alone, whatever the network.
std::string why_not_batched(const Dataset& train, const Recipe& recipe);

}  // namespace bitwright
