// SPDX-License-Identifier: Apache-2.0
#include "core/memory_plan.h"

#include <algorithm>
#include <numeric>

#include "core/rng.h"

namespace bitwright {
namespace {

int64_t words(int64_t bytes) {
  return (bytes + 3) / 4 * 4;
}

// What is placed, and how far apart each two must lie.
class Rules {
 public:
  Rules(const std::vector<Lifetime>& buffers, const std::vector<Overlap>& overlaps)
      : buffers_(buffers), apart_(buffers.size() * buffers.size()) {
    for (size_t below = 0; below < size(); ++below)
      for (size_t above = 0; above < size(); ++above) apart_[below * size() + above] = words(buffers[below].bytes);
    for (const Overlap& o : overlaps)
      apart_[static_cast<size_t>(o.lower) * size() + static_cast<size_t>(o.upper)] = o.lead;
  }

  size_t size() const { return buffers_.size(); }
  const Lifetime& life(int i) const { return buffers_[static_cast<size_t>(i)]; }
  int64_t bytes(int i) const { return words(life(i).bytes); }
  bool is_alive(int i, int step) const { return bytes(i) > 0 && life(i).first <= step && step <= life(i).last; }
  bool meet(int i, int j) const { return life(i).first <= life(j).last && life(j).first <= life(i).last; }
  // The least offset of `above` counted from that of `below`, if it does not lie below it.
  int64_t apart(int below, int above) const {
    return apart_[static_cast<size_t>(below) * size() + static_cast<size_t>(above)];
  }

 private:
  const std::vector<Lifetime>& buffers_;
  std::vector<int64_t> apart_;
};

using Taken = std::vector<std::pair<int64_t, int64_t>>;  // offsets between the two are not free

// Lowest offset at which buffer `i` collides with none of those already placed. taken: memory to work in.
int64_t lowest_gap(const Rules& rules, const std::vector<int>& placed, const std::vector<int64_t>& offsets, int i,
                   Taken& taken) {
  taken.clear();
  for (int j : placed)
    if (rules.meet(i, j)) taken.emplace_back(offsets[j] - rules.apart(i, j), offsets[j] + rules.apart(j, i));
  std::sort(taken.begin(), taken.end());
  int64_t at = 0;
  for (const auto& [begin, end] : taken) {
    if (at <= begin) break;
    at = std::max(at, end);
  }
  return at;
}

Placement first_fit(const Rules& rules, const std::vector<int>& order) {
  Placement p{std::vector<int64_t>(rules.size(), 0)};
  std::vector<int> placed;
  Taken taken;
  for (int i : order) {
    p.offsets[i] = lowest_gap(rules, placed, p.offsets, i, taken);
    p.bytes = std::max(p.bytes, p.offsets[i] + rules.bytes(i));
    placed.push_back(i);
  }
  return p;
}

bool is_free(const Rules& rules, const std::vector<int>& placed, const std::vector<int64_t>& offsets, int i,
             int64_t at) {
  return std::none_of(placed.begin(), placed.end(), [&](int j) {
    return rules.meet(i, j) && at < offsets[j] + rules.apart(j, i) && offsets[j] < at + rules.apart(i, j);
  });
}

// Each buffer at the bottom of `capacity` bytes, else at their top, else in the lowest gap. In order of start, of
// several the longest first, a chain alternates between the ends, what lives for one step lies between them, and no
// more is needed than the largest sum alive at one step.
Placement two_ended(const Rules& rules, const std::vector<int>& order, int64_t capacity) {
  Placement p{std::vector<int64_t>(rules.size(), 0)};
  std::vector<int> placed;
  Taken taken;
  for (int i : order) {
    const int64_t top = std::max<int64_t>(0, capacity - rules.bytes(i));
    p.offsets[i] = is_free(rules, placed, p.offsets, i, 0)     ? 0
                   : is_free(rules, placed, p.offsets, i, top) ? top
                                                               : lowest_gap(rules, placed, p.offsets, i, taken);
    p.bytes = std::max(p.bytes, p.offsets[i] + rules.bytes(i));
    placed.push_back(i);
  }
  return p;
}

// What buffer `lower` can have in common with others at a step: no more than they take, nor than lies behind its lead.
int64_t most_shared(const std::vector<Lifetime>& buffers, const std::vector<Overlap>& overlaps, int lower, int step) {
  int64_t uppers = 0, behind = 0;
  const auto alive = [&](int i) { return buffers[i].first <= step && step <= buffers[i].last; };
  for (const Overlap& o : overlaps) {
    if (o.lower != lower || !alive(lower) || !alive(o.upper)) continue;
    uppers += words(buffers[o.upper].bytes);
    behind = std::max(behind, words(buffers[lower].bytes) - o.lead);
  }
  return std::min(uppers, behind);
}

// What each buffer takes at least of each step, as others may share the rest with it.
class Needs {
 public:
  Needs(const std::vector<Lifetime>& buffers, const std::vector<Overlap>& overlaps, const std::vector<int>& of)
      : buffers_(buffers), bytes_(buffers.size()) {
    for (const Lifetime& b : buffers) left_.resize(std::max(left_.size(), static_cast<size_t>(b.last) + 1), 0);
    for (const int i : of) {
      for (int step = buffers[i].first; step <= buffers[i].last; ++step)
        bytes_[i].push_back(words(buffers[i].bytes) - most_shared(buffers, overlaps, i, step));
      put_back(i);
    }
  }
  void take_out(int i) { add(i, -1); }
  void put_back(int i) { add(i, 1); }
  // The largest sum at one step of those that are not taken out.
  int64_t most() const { return *std::max_element(left_.begin(), left_.end()); }

 private:
  void add(int i, int sign) {
    for (size_t k = 0; k < bytes_[i].size(); ++k)
      left_[static_cast<size_t>(buffers_[i].first) + k] += sign * bytes_[i][k];
  }

  const std::vector<Lifetime>& buffers_;
  std::vector<std::vector<int64_t>> bytes_;  // by buffer, from its first step on
  std::vector<int64_t> left_;                // by step
};

// The least that `together`, all of which meet, take by themselves: first fit in every order.
int64_t least_of(const Rules& rules, std::vector<int> together) {
  int64_t least = first_fit(rules, together).bytes;
  while (std::next_permutation(together.begin(), together.end()))
    least = std::min(least, first_fit(rules, together).bytes);
  return least;
}

// No placement takes less than what is alive at one step: of few buffers, what they take by themselves.
int64_t least_bytes(const Rules& rules, const std::vector<int64_t>& alive) {
  constexpr size_t kPermuted = 4;
  int64_t most = 0;
  std::vector<int> before;
  for (size_t step = 0; step < alive.size(); ++step) {
    std::vector<int> together;
    for (int i = 0; i < static_cast<int>(rules.size()); ++i)
      if (rules.is_alive(i, static_cast<int>(step))) together.push_back(i);
    most = std::max(most, alive[step]);
    if (together.size() <= kPermuted && together != before) most = std::max(most, least_of(rules, together));
    before = together;
  }
  return most;
}

// Of the least placements take one whose offsets have the least sum. First fit in the order of its offsets gives no
// buffer a higher one, so it gives it again: a search over orders in which offsets do not fall, equal ones by index, is
// exact. It is cut where a prefix, or what must still lie above it, needs as much as the best.
struct OrderSearch {
  const Rules& rules;
  Needs needs;  // of those not yet placed
  int64_t bound;
  Placement best;
  std::vector<int> placed;
  std::vector<int64_t> offsets;
  int64_t budget;  // nodes
  Taken taken;

  bool comes_after_the_last(int i) const {
    if (placed.empty()) return true;
    const int last = placed.back();
    return offsets[i] > offsets[last] || (offsets[i] == offsets[last] && i > last);
  }

  void descend(std::vector<int>& left, int64_t bytes) {
    if (best.bytes == bound || budget-- <= 0) return;
    if (left.empty()) {
      if (bytes < best.bytes) best = {offsets, bytes};
      return;
    }
    for (size_t k = 0; k < left.size(); ++k) {
      const int i = left[k];
      offsets[i] = lowest_gap(rules, placed, offsets, i, taken);
      const int64_t top = std::max(bytes, offsets[i] + rules.bytes(i));
      if (top >= best.bytes || !comes_after_the_last(i)) continue;
      needs.take_out(i);
      if (offsets[i] + needs.most() < best.bytes) {
        std::swap(left[k], left.back());
        left.pop_back();
        placed.push_back(i);
        descend(left, top);
        placed.pop_back();
        left.push_back(i);
        std::swap(left[k], left.back());
      }
      needs.put_back(i);
    }
  }
};

// The buffers that are placed, and what may overlap.
struct Puzzle {
  const std::vector<Lifetime>& buffers;
  const std::vector<Overlap>& overlaps;
  Rules rules;
};

// Searches orders of `of` for less than `known`, a placement, down to `bound`; true if no other takes less.
bool search_orders(const Puzzle& puzzle, std::vector<int> of, int64_t bound, int64_t nodes, Placement& known) {
  OrderSearch search{puzzle.rules,
                     Needs(puzzle.buffers, puzzle.overlaps, of),
                     bound,
                     known,
                     {},
                     std::vector<int64_t>(puzzle.buffers.size(), 0),
                     nodes,
                     {}};
  search.descend(of, 0);
  known = search.best;
  return search.budget > 0;
}

// Exchanges of two buffers in the order that do not make it worse, drawn from a fixed sequence.
Placement exchanged(const Rules& rules, std::vector<int> order, Placement best, int64_t bound) {
  constexpr int kExchanges = 400;
  Rng rng(1);
  for (int i = 0; i < kExchanges && best.bytes > bound; ++i) {
    int& a = order[rng.below(order.size())];
    int& b = order[rng.below(order.size())];
    std::swap(a, b);
    Placement other = first_fit(rules, order);
    if (other.bytes <= best.bytes)
      best = std::move(other);
    else
      std::swap(a, b);
  }
  return best;
}

// Buffers whose orders are searched, and the nodes of that: all orders of 8 have fewer than kAllOrders.
constexpr size_t kExactSearched = 8, kMostSearched = 12;
constexpr int64_t kAllOrders = 200000, kSomeOrders = 10000;

using Less = bool (*)(const Lifetime&, const Lifetime&);

std::vector<int> ordered(const std::vector<Lifetime>& buffers, std::vector<int> order, Less less) {
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return less(buffers[a], buffers[b]); });
  return order;
}

std::vector<int> by_start(const std::vector<Lifetime>& buffers) {
  std::vector<int> order;
  for (size_t i = 0; i < buffers.size(); ++i)
    if (buffers[i].bytes > 0) order.push_back(static_cast<int>(i));
  return ordered(buffers, order, [](const Lifetime& a, const Lifetime& b) {
    return a.first != b.first ? a.first < b.first : a.last > b.last;
  });
}

// With which first fit is tried. Where outputs lie over inputs, a chain goes down from the last to the first.
std::vector<std::vector<int>> fit_orders(const std::vector<Lifetime>& buffers) {
  const std::vector<int> start = by_start(buffers);
  return {
      ordered(buffers, start, [](const Lifetime& a, const Lifetime& b) { return a.bytes > b.bytes; }), start,
      ordered(buffers, start, [](const Lifetime& a, const Lifetime& b) { return a.last - a.first > b.last - b.first; }),
      std::vector<int>(start.rbegin(), start.rend()),
      ordered(buffers, start, [](const Lifetime& a, const Lifetime& b) { return a.last > b.last; })};
}

// No placement takes less than what is alive at two steps, one after the other, takes by itself. Stops at `enough`.
int64_t least_of_two_steps(const Puzzle& puzzle, int64_t bound, int64_t enough) {
  int steps = 0;
  for (const Lifetime& b : puzzle.buffers) steps = std::max(steps, b.last + 1);
  for (int step = 0; step + 1 < steps && bound < enough; ++step) {
    std::vector<int> together;
    for (int i = 0; i < static_cast<int>(puzzle.buffers.size()); ++i)
      if (puzzle.rules.is_alive(i, step) || puzzle.rules.is_alive(i, step + 1)) together.push_back(i);
    if (together.size() > kExactSearched) continue;
    Placement by_itself = first_fit(puzzle.rules, together);
    if (search_orders(puzzle, together, bound, kAllOrders, by_itself)) bound = std::max(bound, by_itself.bytes);
  }
  return bound;
}

Placement best_placement(const std::vector<Lifetime>& buffers, const std::vector<Overlap>& overlaps) {
  const Puzzle puzzle{buffers, overlaps, Rules(buffers, overlaps)};
  const Rules& rules = puzzle.rules;
  int64_t bound = least_bytes(rules, bytes_alive(buffers, overlaps));
  const std::vector<std::vector<int>> orders = fit_orders(buffers);
  std::vector<int> best_order = orders[0];
  Placement best = two_ended(rules, orders[1], bound);
  for (const std::vector<int>& order : orders) {
    if (best.bytes == bound) break;
    if (Placement other = first_fit(rules, order); other.bytes < best.bytes)
      best = std::move(other), best_order = order;
  }
  const size_t count = orders[0].size();
  bool complete = false;
  if (best.bytes > bound) bound = least_of_two_steps(puzzle, bound, best.bytes);
  if (best.bytes > bound && count <= kMostSearched)
    complete = search_orders(puzzle, orders[0], bound, count <= kExactSearched ? kAllOrders : kSomeOrders, best);
  if (best.bytes > bound && !complete) best = exchanged(rules, best_order, best, bound);
  best.bound = bound;
  best.is_least = complete || best.bytes == bound;
  return best;
}

}  // namespace

std::vector<int64_t> bytes_alive(const std::vector<Lifetime>& buffers, const std::vector<Overlap>& overlaps) {
  int steps = 0;
  for (const Lifetime& b : buffers) steps = std::max(steps, b.last + 1);
  std::vector<int64_t> alive(static_cast<size_t>(steps), 0), saved(alive);
  for (const Lifetime& b : buffers)
    for (int step = b.first; step <= b.last; ++step) alive[static_cast<size_t>(step)] += words(b.bytes);
  for (int step = 0; step < steps; ++step)
    for (size_t lower = 0; lower < buffers.size(); ++lower)
      saved[static_cast<size_t>(step)] += most_shared(buffers, overlaps, static_cast<int>(lower), step);
  for (size_t step = 0; step < alive.size(); ++step) alive[step] -= saved[step];
  return alive;
}

Placement place(const std::vector<Lifetime>& buffers, const std::vector<Overlap>& overlaps) {
  Placement best = best_placement(buffers, overlaps);
  if (overlaps.empty() || best.is_least) return best;
  Placement apart = best_placement(buffers, {});
  if (apart.bytes >= best.bytes) return best;
  apart.bound = best.bound;
  apart.is_least = apart.bytes == best.bound;
  return apart;
}

int64_t packed_bytes(int64_t elements, Format storage) {
  return (elements * bit_width(storage) + 31) / 32 * 4;
}

TensorLifetimes tensor_lifetimes(const Network& network) {
  const auto shapes = infer_shapes(network);
  const int layers = static_cast<int>(network.layers.size());
  TensorLifetimes t;
  t.owner.resize(layers + 1);
  std::iota(t.owner.begin(), t.owner.end(), 0);
  t.life.resize(layers + 1);
  t.life[0] = {packed_bytes(network.input.elements(), network.input_format), 0, 0};
  for (int i = 0; i < layers; ++i) {
    const LayerSpec& layer = network.layers[i];
    const auto read = [&](int from) { t.life[t.owner[from + 1]].last = std::max(t.life[t.owner[from + 1]].last, i); };
    read(layer.from);
    if (const auto* add = std::get_if<Add>(&layer.op)) read(add->with);
    if (std::holds_alternative<Flatten>(layer.op))
      t.owner[i + 1] = t.owner[layer.from + 1];
    else
      t.life[i + 1] = {packed_bytes(shapes[i].output.elements(), storage_format(network, i)), i, i};
  }
  t.life[t.owner[layers]].last = layers - 1;
  return t;
}

MemoryPlan place_tensors(const Network& network, const TensorLifetimes& tensors, const std::vector<Lifetime>& scratch,
                         const std::vector<Overlap>& overlaps) {
  const int layers = static_cast<int>(network.layers.size());
  std::vector<Lifetime> life = tensors.life;
  life.insert(life.end(), scratch.begin(), scratch.end());
  const Placement placement = place(life, overlaps);
  MemoryPlan plan;
  plan.arena_bytes = placement.bytes;
  plan.is_least = placement.is_least;
  for (const Lifetime& buffer : scratch) plan.scratch_bytes.push_back(buffer.bytes);
  plan.scratch_offsets.assign(placement.offsets.begin() + layers + 1, placement.offsets.end());
  for (int t = 0; t <= layers; ++t) {
    const int owner = tensors.owner[t];
    plan.tensor_bytes.push_back(owner == t ? life[t].bytes : 0);
    plan.tensor_offsets.push_back(placement.offsets[owner]);
    plan.first_step.push_back(life[owner].first);
    plan.last_step.push_back(life[owner].last);
  }
  const std::vector<int64_t> alive = bytes_alive(life, overlaps);
  plan.peak_step = static_cast<int>(std::max_element(alive.begin(), alive.end()) - alive.begin());
  return plan;
}

MemoryPlan plan_memory(const Network& network, const std::vector<int64_t>& scratch_bytes) {
  std::vector<Lifetime> scratch;
  for (size_t i = 0; i < scratch_bytes.size(); ++i)
    scratch.push_back({scratch_bytes[i], static_cast<int>(i), static_cast<int>(i)});
  return place_tensors(network, tensor_lifetimes(network), scratch);
}

}  // namespace bitwright
