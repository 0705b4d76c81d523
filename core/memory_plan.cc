// SPDX-License-Identifier: Apache-2.0
#include "core/memory_plan.h"

#include <algorithm>
#include <numeric>

namespace bitwright {
namespace {

bool overlap(const Lifetime& a, const Lifetime& b) {
  return a.first <= b.last && b.first <= a.last;
}

int64_t words(int64_t bytes) {
  return (bytes + 3) / 4 * 4;
}

// Lowest offset at which buffer `i` collides with none of those already placed.
int64_t lowest_gap(const std::vector<Lifetime>& buffers, const std::vector<int>& placed,
                   const std::vector<int64_t>& offsets, int i) {
  std::vector<std::pair<int64_t, int64_t>> taken;
  for (int j : placed)
    if (overlap(buffers[i], buffers[j])) taken.emplace_back(offsets[j], offsets[j] + words(buffers[j].bytes));
  std::sort(taken.begin(), taken.end());
  int64_t at = 0;
  for (const auto& [begin, end] : taken) {
    if (begin - at >= words(buffers[i].bytes)) break;
    at = std::max(at, end);
  }
  return at;
}

Placement first_fit(const std::vector<Lifetime>& buffers, const std::vector<int>& order) {
  Placement p{std::vector<int64_t>(buffers.size(), 0), 0};
  std::vector<int> placed;
  for (int i : order) {
    p.offsets[i] = lowest_gap(buffers, placed, p.offsets, i);
    p.bytes = std::max(p.bytes, p.offsets[i] + words(buffers[i].bytes));
    placed.push_back(i);
  }
  return p;
}

bool is_free(const std::vector<Lifetime>& buffers, const std::vector<int>& placed, const std::vector<int64_t>& offsets,
             int i, int64_t at) {
  return std::none_of(placed.begin(), placed.end(), [&](int j) {
    return overlap(buffers[i], buffers[j]) && at < offsets[j] + words(buffers[j].bytes) &&
           offsets[j] < at + words(buffers[i].bytes);
  });
}

// Each buffer at the bottom of `capacity` bytes, else at their top, else in the lowest gap. In order of start, of
// several the longest first, a chain alternates between the ends, what lives for one step lies between them, and no
// more is needed than the largest sum alive at one step.
Placement two_ended(const std::vector<Lifetime>& buffers, const std::vector<int>& order, int64_t capacity) {
  Placement p{std::vector<int64_t>(buffers.size(), 0), 0};
  std::vector<int> placed;
  for (int i : order) {
    const int64_t top = std::max<int64_t>(0, capacity - words(buffers[i].bytes));
    p.offsets[i] = is_free(buffers, placed, p.offsets, i, 0)     ? 0
                   : is_free(buffers, placed, p.offsets, i, top) ? top
                                                                 : lowest_gap(buffers, placed, p.offsets, i);
    p.bytes = std::max(p.bytes, p.offsets[i] + words(buffers[i].bytes));
    placed.push_back(i);
  }
  return p;
}

int64_t lower_bound(const std::vector<Lifetime>& buffers) {
  int64_t most = 0;
  for (const Lifetime& at : buffers) {
    int64_t sum = 0;
    for (const Lifetime& b : buffers)
      if (b.first <= at.first && at.first <= b.last) sum += words(b.bytes);
    most = std::max(most, sum);
  }
  return most;
}

// Some optimal placement is the first fit of some order (each buffer as low as those below it allow), so a search
// over orders, cut where a prefix already needs as much as the best, is exact.
struct OrderSearch {
  const std::vector<Lifetime>& buffers;
  int64_t bound;
  Placement best;
  std::vector<int> placed;
  std::vector<int64_t> offsets;
  int64_t budget = 200000;  // nodes; all orders of 8 buffers have fewer

  void descend(std::vector<int>& left, int64_t bytes) {
    if (best.bytes == bound || budget-- <= 0) return;
    if (left.empty()) {
      if (bytes < best.bytes) best = {offsets, bytes};
      return;
    }
    for (size_t k = 0; k < left.size(); ++k) {
      const int i = left[k];
      offsets[i] = lowest_gap(buffers, placed, offsets, i);
      const int64_t top = std::max(bytes, offsets[i] + words(buffers[i].bytes));
      if (top >= best.bytes) continue;
      std::swap(left[k], left.back());
      left.pop_back();
      placed.push_back(i);
      descend(left, top);
      placed.pop_back();
      left.push_back(i);
      std::swap(left[k], left.back());
    }
  }
};

}  // namespace

Placement place(const std::vector<Lifetime>& buffers) {
  std::vector<int> by_start;
  for (size_t i = 0; i < buffers.size(); ++i)
    if (buffers[i].bytes > 0) by_start.push_back(static_cast<int>(i));
  std::stable_sort(by_start.begin(), by_start.end(), [&](int a, int b) {
    if (buffers[a].first != buffers[b].first) return buffers[a].first < buffers[b].first;
    return buffers[a].last > buffers[b].last;
  });
  const int64_t bound = lower_bound(buffers);
  Placement best = two_ended(buffers, by_start, bound);
  if (best.bytes == bound) return best;
  std::vector<int> by_size = by_start, by_length = by_start;
  std::stable_sort(by_size.begin(), by_size.end(), [&](int a, int b) { return buffers[a].bytes > buffers[b].bytes; });
  std::stable_sort(by_length.begin(), by_length.end(), [&](int a, int b) {
    return buffers[a].last - buffers[a].first > buffers[b].last - buffers[b].first;
  });
  for (const std::vector<int>* order : {&by_size, &by_start, &by_length})
    if (const Placement other = first_fit(buffers, *order); other.bytes < best.bytes) best = other;
  if (by_size.size() > 12 || best.bytes == bound) return best;
  OrderSearch search{buffers, bound, best, {}, std::vector<int64_t>(buffers.size(), 0)};
  search.descend(by_size, 0);
  return search.best;
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

MemoryPlan place_tensors(const Network& network, const TensorLifetimes& tensors, const std::vector<Lifetime>& scratch) {
  const int layers = static_cast<int>(network.layers.size());
  std::vector<Lifetime> life = tensors.life;
  life.insert(life.end(), scratch.begin(), scratch.end());
  const Placement placement = place(life);
  MemoryPlan plan;
  plan.arena_bytes = placement.bytes;
  for (const Lifetime& buffer : scratch) plan.scratch_bytes.push_back(buffer.bytes);
  plan.scratch_offsets.assign(placement.offsets.begin() + layers + 1, placement.offsets.end());
  for (int t = 0; t <= layers; ++t) {
    const int owner = tensors.owner[t];
    plan.tensor_bytes.push_back(owner == t ? life[t].bytes : 0);
    plan.tensor_offsets.push_back(placement.offsets[owner]);
    plan.first_step.push_back(life[owner].first);
    plan.last_step.push_back(life[owner].last);
  }
  int64_t most = -1;
  for (int step = 0; step < layers; ++step) {
    int64_t alive = 0;
    for (const Lifetime& b : life)
      if (b.first <= step && step <= b.last) alive += b.bytes;
    if (alive > most) most = alive, plan.peak_step = step;
  }
  return plan;
}

MemoryPlan plan_memory(const Network& network, const std::vector<int64_t>& scratch_bytes) {
  std::vector<Lifetime> scratch;
  for (size_t i = 0; i < scratch_bytes.size(); ++i)
    scratch.push_back({scratch_bytes[i], static_cast<int>(i), static_cast<int>(i)});
  return place_tensors(network, tensor_lifetimes(network), scratch);
}

}  // namespace bitwright
