// SPDX-License-Identifier: Apache-2.0
#include "search/successive_halving.h"

#include <utility>

#include "core/check.h"

namespace bitwright {
SuccessiveHalving::SuccessiveHalving(HalvingOptions options)
    : options_(std::move(options)), trust_(options_.trust), rungs_(options_.trust.rungs.size()) {
  BW_CHECK(options_.reduction >= 2);
}

void SuccessiveHalving::add(int64_t number, int rung, const ObjectiveVector& objectives) {
  rungs_.at(static_cast<size_t>(rung)).reached[number] = objectives;
  for (int below = 0; below < rung; ++below) rungs_[static_cast<size_t>(below)].left.insert(number);
  trust_.add(number, rung, objectives[0]);
}

void SuccessiveHalving::drop(int64_t number) {
  for (Rung& rung : rungs_) rung.left.insert(number);
}

std::optional<Promotion> SuccessiveHalving::next() {
  for (int rung = trust_.last_rung() - 1; rung >= 0; --rung) {
    Rung& here = rungs_[static_cast<size_t>(rung)];
    if (const std::optional<int64_t> best = best_waiting(here)) {
      here.left.insert(*best);
      return Promotion{*best, trust_.rung_after(rung)};
    }
  }
  return std::nullopt;
}

// The first trainings go on anyhow; of the others the fittest third of all that reached the rung.
std::optional<int64_t> SuccessiveHalving::best_waiting(const Rung& rung) const {
  std::vector<int64_t> numbers;
  std::vector<ObjectiveVector> points;
  for (const auto& [number, objectives] : rung.reached) {
    if (number < options_.trust.whole_trainings && !rung.left.contains(number)) return number;
    numbers.push_back(number), points.push_back(objectives);
  }
  const std::vector<size_t> order = fittest_first(points);
  for (size_t i = 0; i < order.size() / static_cast<size_t>(options_.reduction); ++i)
    if (!rung.left.contains(numbers[order[i]])) return numbers[order[i]];
  return std::nullopt;
}

}  // namespace bitwright
