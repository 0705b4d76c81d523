// experiments/search_bench/trained_nets.h: the table of trained nets as a problem: real trainings, and an exact answer.
// docs/search_bench.md says how the table came about.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "experiments/search_bench/problems.h"
#include "experiments/train_table/net_choices.h"

namespace bitwright {

// Share of the validation windows taken for another class, after 1, 3 and 9 epochs of one training.
using RungErrors = std::array<double, 3>;

struct TrainedNet {
  NetChoice choice;
  std::array<RungErrors, 2> errors{};          // of two trainings: the table's seeds 1 and 2
  double flash_bytes = 0.0, latency_us = 0.0;  // estimated for the study's board
  std::vector<double> known_limits;            // of flash and RAM; <= 0 where kept
};

struct TrainedNets {
  SpaceSpec space;
  std::vector<TrainedNet> nets;  // in the order of net_choices
};

// The nets of configs/studies/table.yaml with the errors of the committed table. Throws DataError where a net lacks
// one.
TrainedNets load_trained_nets();

// The net that a point of nets_problem stands for.
const TrainedNet& net_at(const TrainedNets& trained, const ProblemPoint& point);

// `nets`: {error, flash bytes, latency us}. A point is the depth, then the position of each choice in the study's
// list: channels0, channels1, channels2, kernel, weights, activations, stride. The outcome has the mean error of the
// two trainings, an evaluation one of the two; its rungs are RungErrors. The reference is the exact front.
// `nets-log`: the same with the logarithm of every objective, an error of 0 being half a window: every halving of an
// error or a cost counts alike, at the cheap end of the front as at the accurate one.
// `nets-early` is `nets-log` with another target: the errors after 3 epochs of the second training, as an earlier study
// on other data would have them.
enum class NetsScale { kLinear, kLogarithm };
enum class NetsTarget { kTrained, kEarly };
Problem nets_problem(std::shared_ptr<const TrainedNets> trained, NetsScale scale = NetsScale::kLinear,
                     NetsTarget target = NetsTarget::kTrained);

}  // namespace bitwright
