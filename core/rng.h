// core/rng.h: the seeded generator through which all randomness enters. Same seed, same numbers, on every machine.
//
// SplitMix64 (Steele, Lea, Flood: "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014): 64 bits of state,
// equidistributed, good enough for search and data, not for secrets. The standard library's distributions differ
// between implementations, so those that we need are here.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <concepts>
#include <cstdint>
#include <numbers>
#include <utility>
#include <vector>

namespace bitwright {

class Rng {
 public:
  explicit Rng(uint64_t seed) : state_(seed) {}
  // An independent stream: for example one per (study seed, trial number). Both are mixed, so that the starts of
  // neighbouring streams lie nowhere near each other in the one sequence that all states run through.
  Rng(uint64_t seed, uint64_t stream) : state_(mix(mix(seed) ^ stream)) {}

  // To go on later as if never stopped.
  uint64_t state() const { return state_; }
  static Rng from_state(uint64_t state) { return Rng(state); }

  uint64_t next() { return mix(std::exchange(state_, state_ + kIncrement)); }
  // Uniform in [0, 1), 53 bits.
  double uniform() { return static_cast<double>(next() >> 11) * 0x1p-53; }
  double uniform(double low, double high) { return low + (high - low) * uniform(); }
  // Uniform in [0, n); n >= 1. Exact by rejection.
  uint64_t below(uint64_t n) {
    const uint64_t limit = UINT64_MAX - UINT64_MAX % n;
    uint64_t value;
    do value = next();
    while (value >= limit);
    return value % n;
  }
  // Uniform in [low, high]; low <= high.
  template <std::integral T>
  T between(T low, T high) {
    return static_cast<T>(low + static_cast<T>(below(static_cast<uint64_t>(high - low) + 1)));
  }
  // True with this probability.
  bool chance(double share) { return uniform() < share; }
  // One of the items, of which there is one at least.
  template <class T>
  T pick(const std::vector<T>& items) {
    return items[below(items.size())];
  }
  // Standard normal (Box and Muller, 1958), one of the pair used.
  double normal() {
    const double u = 1.0 - uniform(), v = uniform();
    return std::sqrt(-2.0 * std::log(u)) * std::cos(2.0 * std::numbers::pi * v);
  }
  // Fisher and Yates.
  template <class T>
  void shuffle(std::vector<T>& items) {
    for (size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[below(i)]);
  }

 private:
  static constexpr uint64_t kIncrement = 0x9e3779b97f4a7c15u;
  // One to one.
  static uint64_t mix(uint64_t state) {
    uint64_t z = state + kIncrement;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }

  uint64_t state_;
};

}  // namespace bitwright
