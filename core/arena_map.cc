// SPDX-License-Identifier: Apache-2.0
#include "core/arena_map.h"

#include <algorithm>
#include <string_view>

namespace bitwright {
namespace {

constexpr int64_t kColumns = 64;

std::string tensor_name(const Network& network, size_t tensor) {
  return tensor == 0 ? "input" : network.layers[tensor - 1].name;
}

// Of a stream: its scratch memory, the stages' state and the sums of a last dense layer, for as long as it runs.
void add_stream_regions(const Network& network, const MemoryPlan& plan, const StreamPlan& stream,
                        std::vector<ArenaRegion>& regions) {
  const int end = stream.last_layer();
  const auto last = static_cast<size_t>(end);
  const int64_t state = kStageStateBytes * static_cast<int64_t>(stream.stages.size());
  const int64_t sums = stream.ends_dense ? 4 * infer_shapes(network)[last].output.c : 0;
  regions.push_back({"stream scratch", plan.scratch_offsets[last], plan.scratch_bytes[last], 0, end});
  regions.push_back({"stream state", plan.state_offset, state, 0, end});
  regions.push_back({"stream sums", plan.sums_offset, sums, 0, end});
}

}  // namespace

std::vector<ArenaRegion> arena_regions(const Network& network, const MemoryPlan& plan,
                                       const std::optional<StreamPlan>& stream) {
  std::vector<ArenaRegion> regions;
  for (size_t t = 0; t < plan.tensor_bytes.size(); ++t)
    regions.push_back(
        {tensor_name(network, t), plan.tensor_offsets[t], plan.tensor_bytes[t], plan.first_step[t], plan.last_step[t]});
  if (stream) add_stream_regions(network, plan, *stream, regions);
  const int streamed = stream ? stream->last_layer() : -1;
  for (size_t i = static_cast<size_t>(streamed + 1); i < plan.scratch_bytes.size(); ++i) {
    const int step = static_cast<int>(i);
    regions.push_back(
        {network.layers[i].name + " scratch", plan.scratch_offsets[i], plan.scratch_bytes[i], step, step});
  }
  std::erase_if(regions, [](const ArenaRegion& r) { return r.bytes == 0; });
  return regions;
}

int64_t alive_bytes(const std::vector<ArenaRegion>& regions, int step) {
  std::vector<std::pair<int64_t, int64_t>> alive;
  for (const ArenaRegion& r : regions)
    if (r.is_alive(step)) alive.emplace_back(r.offset, r.offset + r.bytes);
  std::sort(alive.begin(), alive.end());
  int64_t bytes = 0, end = 0;
  for (const auto& [first, last] : alive) {
    bytes += std::max<int64_t>(0, last - std::max(first, end));
    end = std::max(end, last);
  }
  return bytes;
}

char region_letter(size_t region) {
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  return region < kLetters.size() ? kLetters[region] : '#';
}

std::string arena_row(const std::vector<ArenaRegion>& regions, int step, int64_t arena_bytes) {
  const int64_t columns = std::min(kColumns, arena_bytes / 4);
  std::string row(static_cast<size_t>(columns), '.');
  for (size_t r = regions.size(); r-- > 0;) {
    if (!regions[r].is_alive(step)) continue;
    const int64_t first = regions[r].offset * columns / arena_bytes;
    const int64_t end = ((regions[r].offset + regions[r].bytes) * columns + arena_bytes - 1) / arena_bytes;
    std::fill(row.begin() + first, row.begin() + end, region_letter(r));
  }
  return row;
}

}  // namespace bitwright
