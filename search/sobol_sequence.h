// search/sobol_sequence.h: points that fill a cube evenly: of the first 2^m every 2^-m of each axis holds one.
// Source: Sobol, "On the Distribution of Points in a Cube...", 1967; direction numbers: Joe and Kuo, "Constructing
// Sobol Sequences with Better Two-Dimensional Projections", SIAM J. Sci. Comput. 30, 2008, as in Boost.Random; the
// digital shift: L'Ecuyer and Lemieux, "Recent Advances in Randomized Quasi-Monte Carlo Methods", 2002. The first point
// is kept: Owen, "On Dropping the First Sobol' Point", 2020.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace bitwright {

class SobolSequence {
 public:
  // dimensions: 1..3667. With a seed every axis is shifted by 64 random bits, exclusive or: the points stay as even,
  // and each alone is uniform.
  explicit SobolSequence(size_t dimensions, std::optional<uint64_t> seed = std::nullopt);
  ~SobolSequence();

  // A number in [0, 1) a dimension. O(dimensions x log(index)); index from 0, in the order of Gray codes.
  std::vector<double> point(uint64_t index);

 private:
  struct Generator;

  std::unique_ptr<Generator> generator_;
  std::vector<uint64_t> shifts_;
};

}  // namespace bitwright
