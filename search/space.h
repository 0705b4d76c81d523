// search/space.h: the points of a search space and the networks they stand for.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/dimensions.h"
#include "core/network.h"
#include "core/rng.h"
#include "core/study.h"
#include "core/trial.h"

namespace bitwright {

class SearchSpace {
 public:
  // classes: outputs of every network, >= 1 (targets of a regression). Throws ConfigError where the lists cannot make a
  // network (empty list, no head).
  SearchSpace(const SpaceSpec& spec, Shape input, Format input_format, int classes, std::string network_name);

  const std::vector<Dimension>& dimensions() const { return dimensions_; }
  // Number of distinct assignments of the active dimensions; may exceed 2^64, hence a double.
  double size() const;

  // Each active dimension uniform over its choices, parents first.
  Candidate sample(Rng& rng) const;
  // Network and hash of an assignment. Inactive entries are dropped: the canonical form. Throws ConfigError for a value
  // that is missing or not a choice; a network whose windows do not fit is left to check_structure. Layers, of block 2:
  //   conv                  conv2 (stride, pool)
  //   depthwise_separable   dw2 (stride), pw2 (pool)
  //   residual              conv2a, conv2b, skip2 where channels or formats differ, add2, pool2
  // then gap or flatten and hidden, and logits: one per class, with bias, the accumulators themselves.
  Candidate decode(std::map<std::string, std::string> parameters) const;

 private:
  SpaceSpec spec_;
  Shape input_;
  Format input_format_;
  int classes_;
  std::string name_;
  std::vector<Dimension> dimensions_;
};

}  // namespace bitwright
