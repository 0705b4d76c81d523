// SPDX-License-Identifier: Apache-2.0
#include "deploy/knapsack.h"

#include <algorithm>

#include "core/check.h"

namespace bitwright {
namespace {

struct Best {
  int64_t value = 0, words = 0;
};

bool is_no_worse(const Best& a, const Best& b) {
  return a.value != b.value ? a.value > b.value : a.words <= b.words;
}

}  // namespace

std::vector<size_t> best_subset(std::span<const KnapsackItem> items, int64_t capacity) {
  int64_t all = 0;
  for (const KnapsackItem& item : items) {
    BW_CHECK(item.words > 0);
    all += item.words;
  }
  const int64_t width = std::clamp<int64_t>(capacity, 0, all) + 1;
  std::vector<Best> best(static_cast<size_t>(width));  // by room: of the items from the present one on
  std::vector<bool> takes(items.size() * static_cast<size_t>(width));
  const auto bit = [&](size_t item, int64_t room) {
    return item * static_cast<size_t>(width) + static_cast<size_t>(room);
  };
  for (size_t i = items.size(); i-- > 0;)
    for (int64_t room = width - 1; room >= items[i].words; --room) {  // downwards: less room is not done yet
      const Best& rest = best[static_cast<size_t>(room - items[i].words)];
      const Best with = {rest.value + items[i].value, rest.words + items[i].words};
      if (!is_no_worse(with, best[static_cast<size_t>(room)])) continue;
      best[static_cast<size_t>(room)] = with;
      takes[bit(i, room)] = true;
    }
  std::vector<size_t> taken;
  int64_t room = width - 1;
  for (size_t i = 0; i < items.size(); ++i) {
    if (!takes[bit(i, room)]) continue;
    taken.push_back(i);
    room -= items[i].words;
  }
  return taken;
}

}  // namespace bitwright
