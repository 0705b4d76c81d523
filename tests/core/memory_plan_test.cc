// SPDX-License-Identifier: Apache-2.0
#include "core/memory_plan.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "core/execution.h"
#include "core/rng.h"
#include "tests/core/networks.h"

namespace bitwright {
namespace {

using namespace testing;

bool together(const Lifetime& a, const Lifetime& b) {
  return a.first <= b.last && b.first <= a.last;
}

int64_t rounded(int64_t bytes) {
  return (bytes + 3) / 4 * 4;
}

// How far `above` must start after `below`.
int64_t apart(const std::vector<Lifetime>& buffers, const std::vector<Overlap>& overlaps, size_t below, size_t above) {
  for (const Overlap& o : overlaps)
    if (o.lower == static_cast<int>(below) && o.upper == static_cast<int>(above)) return o.lead;
  return rounded(buffers[below].bytes);
}

bool may_lie(const std::vector<Lifetime>& buffers, const std::vector<Overlap>& overlaps,
             const std::vector<int64_t>& offsets, size_t i, size_t j) {
  return !together(buffers[i], buffers[j]) || offsets[i] + apart(buffers, overlaps, i, j) <= offsets[j] ||
         offsets[j] + apart(buffers, overlaps, j, i) <= offsets[i];
}

void expect_no_overlap(const std::vector<Lifetime>& buffers, const Placement& p,
                       const std::vector<Overlap>& overlaps = {}) {
  ASSERT_EQ(p.offsets.size(), buffers.size());
  for (size_t i = 0; i < buffers.size(); ++i) {
    EXPECT_EQ(p.offsets[i] % 4, 0);
    EXPECT_LE(p.offsets[i] + rounded(buffers[i].bytes), p.bytes);
    for (size_t j = 0; j < i; ++j) {
      if (buffers[i].bytes == 0 || buffers[j].bytes == 0) continue;
      EXPECT_TRUE(may_lie(buffers, overlaps, p.offsets, i, j)) << i << " and " << j;
    }
  }
}

int64_t largest_sum(const std::vector<Lifetime>& buffers) {
  int64_t most = 0;
  for (int step = 0; step < 32; ++step) {
    int64_t sum = 0;
    for (const Lifetime& b : buffers)
      if (b.first <= step && step <= b.last) sum += rounded(b.bytes);
    most = std::max(most, sum);
  }
  return most;
}

// True if all buffers from `i` on fit into `bytes`, trying every word as the place of each.
bool fits(const std::vector<Lifetime>& buffers, const std::vector<Overlap>& overlaps, int64_t bytes,
          std::vector<int64_t>& offsets) {
  const size_t i = offsets.size();
  if (i == buffers.size()) return true;
  for (int64_t at = 0; at + rounded(buffers[i].bytes) <= bytes; at += 4) {
    offsets.push_back(at);
    bool free = true;
    for (size_t j = 0; j < i && free; ++j) free = may_lie(buffers, overlaps, offsets, i, j);
    if (free && fits(buffers, overlaps, bytes, offsets)) return true;
    offsets.pop_back();
  }
  return false;
}

int64_t brute_force_bytes(const std::vector<Lifetime>& buffers, const std::vector<Overlap>& overlaps = {}) {
  for (int64_t bytes = 0;; bytes += 4) {
    std::vector<int64_t> offsets;
    if (fits(buffers, overlaps, bytes, offsets)) return bytes;
  }
}

std::vector<Lifetime> random_buffers(Rng& rng, int count, int steps, int most_bytes) {
  std::vector<Lifetime> buffers;
  for (int i = 0; i < count; ++i) {
    const int a = static_cast<int>(rng.below(steps)), b = static_cast<int>(rng.below(steps));
    buffers.push_back({static_cast<int64_t>(rng.below(most_bytes + 1)), std::min(a, b), std::max(a, b)});
  }
  return buffers;
}

TEST(Place, EqualsTheBruteForceOptimum) {
  Rng rng(1);
  for (int round = 0; round < 300; ++round) {
    const auto buffers = random_buffers(rng, 6, 6, 20);
    const Placement p = place(buffers);
    expect_no_overlap(buffers, p);
    EXPECT_EQ(p.bytes, brute_force_bytes(buffers)) << "round " << round;
  }
}

// Buffers that end where others begin may lie under these.
std::vector<Overlap> random_overlaps(Rng& rng, const std::vector<Lifetime>& buffers) {
  std::vector<Overlap> overlaps;
  for (size_t upper = 0; upper < buffers.size(); ++upper)
    for (size_t lower = 0; lower < buffers.size(); ++lower)
      if (lower != upper && buffers[lower].first == buffers[upper].last && rng.below(3) != 0) {
        const auto words = static_cast<uint64_t>(rounded(buffers[lower].bytes) / 4);
        const auto lead = static_cast<int64_t>(4 * rng.below(words + 1));
        overlaps.push_back({static_cast<int>(lower), static_cast<int>(upper), lead});
      }
  return overlaps;
}

TEST(Place, EqualsTheBruteForceOptimumWhereBuffersMayOverlap) {
  Rng rng(11);
  int saved = 0;
  for (int round = 0; round < 300; ++round) {
    const auto buffers = random_buffers(rng, 6, 4, 20);
    const auto overlaps = random_overlaps(rng, buffers);
    const Placement p = place(buffers, overlaps);
    expect_no_overlap(buffers, p, overlaps);
    EXPECT_EQ(p.bytes, brute_force_bytes(buffers, overlaps)) << "round " << round;
    EXPECT_TRUE(p.is_least);
    EXPECT_LE(p.bound, p.bytes);
    saved += p.bytes < place(buffers).bytes;
  }
  EXPECT_GT(saved, 50);
}

TEST(Place, NeverTakesMoreWhereBuffersMayOverlap) {
  Rng rng(12);
  for (int round = 0; round < 100; ++round) {
    const auto buffers = random_buffers(rng, 9 + static_cast<int>(rng.below(15)), 12, 5000);
    const auto overlaps = random_overlaps(rng, buffers);
    const Placement p = place(buffers, overlaps);
    expect_no_overlap(buffers, p, overlaps);
    EXPECT_GE(p.bytes, p.bound);
    EXPECT_LE(p.bytes, place(buffers).bytes);
  }
}

TEST(Place, NeverOverlapsAndNeverGoesBelowTheLargestSum) {
  Rng rng(2);
  for (int round = 0; round < 200; ++round) {
    const auto buffers = random_buffers(rng, 5 + static_cast<int>(rng.below(26)), 20, 5000);
    const Placement p = place(buffers);
    expect_no_overlap(buffers, p);
    EXPECT_GE(p.bytes, largest_sum(buffers));
  }
}

TEST(Place, BuffersThatNeverMeetShareOnePlace) {
  EXPECT_EQ(place({{100, 0, 1}, {64, 2, 3}, {100, 4, 4}}).bytes, 100);
}

TEST(Place, SizesAreRoundedUpToWords) {
  EXPECT_EQ(place({{1, 0, 0}, {5, 0, 0}}).bytes, 12);
}

TEST(Place, NothingNeedsNothing) {
  EXPECT_EQ(place({}).bytes, 0);
  EXPECT_EQ(place({{0, 0, 3}}).bytes, 0);
}

TEST(PackedBytes, AreWholeWordsOfBits) {
  EXPECT_EQ(packed_bytes(1, Format::kBinary), 4);
  EXPECT_EQ(packed_bytes(32, Format::kBinary), 4);
  EXPECT_EQ(packed_bytes(33, Format::kBinary), 8);
  EXPECT_EQ(packed_bytes(16, Format::kTernary), 4);
  EXPECT_EQ(packed_bytes(11, Format::kInt3), 8);  // 33 bits
  EXPECT_EQ(packed_bytes(600, Format::kInt8), 600);
  EXPECT_EQ(packed_bytes(9, Format::kFloat32), 36);
}

Network random_chain(Rng& rng) {
  Network n{"chain", {1, 1, 1 + static_cast<int>(rng.below(300))}, Format::kInt8, {}};
  const int layers = 1 + static_cast<int>(rng.below(15));
  const Format formats[] = {Format::kBinary, Format::kTernary, Format::kInt4, Format::kInt8, Format::kInt16};
  for (int i = 0; i < layers; ++i)
    append(n,
           dense(fmt::format("d{}", i), 1 + static_cast<int>(rng.below(300)), Format::kBinary, formats[rng.below(5)]));
  return n;
}

TEST(PlanMemory, AChainNeedsItsLargestNeighbouringPair) {
  Rng rng(3);
  for (int round = 0; round < 100; ++round) {
    const Network n = random_chain(rng);
    const MemoryPlan plan = plan_memory(n);
    int64_t largest = 0;
    for (size_t t = 0; t + 1 < plan.tensor_bytes.size(); ++t)
      largest = std::max(largest, plan.tensor_bytes[t] + plan.tensor_bytes[t + 1]);
    EXPECT_EQ(plan.arena_bytes, largest);
    EXPECT_EQ(plan.tensor_bytes[plan.peak_step] + plan.tensor_bytes[plan.peak_step + 1], largest);
  }
}

TEST(PlanMemory, AChainWithScratchMemoryNeedsItsFullestStep) {
  Rng rng(4);
  for (int round = 0; round < 300; ++round) {
    const Network n = random_chain(rng);
    std::vector<int64_t> scratch;
    for (size_t i = 0; i < n.layers.size(); ++i) scratch.push_back(4 * static_cast<int64_t>(rng.below(100)));
    const MemoryPlan plan = plan_memory(n, scratch);
    int64_t fullest = 0;
    for (size_t i = 0; i < n.layers.size(); ++i)
      fullest = std::max(fullest, plan.tensor_bytes[i] + scratch[i] + plan.tensor_bytes[i + 1]);
    EXPECT_EQ(plan.arena_bytes, fullest);
  }
}

// 149 x 32 int8 accumulators beside their 149 x 32 binary inputs: 4768 + 596.
TEST(PlanMemory, TheBearingNetworkNeeds5364Bytes) {
  const MemoryPlan plan = plan_memory(bearing_network());
  EXPECT_EQ(plan.tensor_bytes, (std::vector<int64_t>{600, 2384, 596, 4768, 0, 256, 36}));
  EXPECT_EQ(plan.arena_bytes, 5364);
  EXPECT_EQ(plan.peak_step, 2);
}

TEST(PlanMemory, FlattenSharesThePlaceOfItsInput) {
  const MemoryPlan plan = plan_memory(bearing_network());
  EXPECT_EQ(plan.tensor_offsets[4], plan.tensor_offsets[3]);
  EXPECT_EQ(plan.last_step[3], 4);  // the dense layer still reads it
}

TEST(PlanMemory, AResidualKeepsItsInputUntilTheAdd) {
  Network n{"residual", {64, 1, 4}, Format::kInt8, {}};
  const int a = append(n, conv("a", 4, 1, 1, Padding::kValid, Format::kInt8, Format::kInt8));
  append(n, conv("b", 4, 3, 1, Padding::kZero, Format::kInt8, Format::kInt8));
  append(n, conv("c", 4, 3, 1, Padding::kZero, Format::kInt8, Format::kInt8));
  append(n, plain("sum", Add{a}, Format::kInt8));
  const MemoryPlan plan = plan_memory(n);
  EXPECT_EQ(plan.last_step[a + 1], 3);
  EXPECT_EQ(plan.arena_bytes, 3 * 256);
}

// 16 ternary channels: 32 positions take 128 B, 128 positions 512 B.
// Two convolutions of a signal of `columns`.
Network two_convolutions(int columns) {
  Network n{"signal", {columns, 1, 4}, Format::kInt8, {}};
  append(n, {.name = "conv0", .op = Conv2d{8, {3, 1}}, .activations = Format::kInt8});
  append(n, {.name = "conv1", .op = Conv2d{1, {3, 1}}, .activations = Format::kInt8});
  return n;
}

TEST(NoStreamReason, IsEmptyWhereThereIsAStream) {
  const Network n = two_convolutions(400);
  EXPECT_EQ(no_stream_reason(n, default_kernels(n)), "");
}

TEST(NoStreamReason, ComparesArenasWhereAStreamWouldTakeMore) {
  const Network n = two_convolutions(6);
  const Kernels kernels = default_kernels(n);
  const int64_t layers = plan_execution(n, kernels, Execution::kLayers).memory.arena_bytes;
  const std::string reason = no_stream_reason(n, kernels);
  EXPECT_TRUE(reason.starts_with("it would take an arena of ")) << reason;
  EXPECT_TRUE(reason.ends_with(fmt::format("layer by layer {} B", layers))) << reason;
}

TEST(NoStreamReason, NamesWhatAStreamNeeds) {
  Network n = two_convolutions(400);
  n.input = {20, 20, 4};
  EXPECT_EQ(no_stream_reason(n, default_kernels(n)),
            "fewer than two of the first layers run along a signal, or a later add reads a map of theirs");
}

TEST(PlanMemory, AnUpsamplingReadsOnePlaceAndWritesAnother) {
  const MemoryPlan plan = plan_memory(auto_encoder());
  EXPECT_EQ(plan.tensor_bytes, (std::vector<int64_t>{512, 512, 128, 512, 128, 512, 512}));
  const int64_t in = plan.tensor_offsets[2], out = plan.tensor_offsets[3];
  EXPECT_TRUE(in + 128 <= out || out + 512 <= in);
  EXPECT_EQ(plan.arena_bytes, 512 + 512);
}

TEST(PlanMemory, TheOutputLivesToTheEnd) {
  Network n{"early", {64, 1, 1}, Format::kInt8, {}};
  append(n, conv("a", 1, 1, 1, Padding::kValid, Format::kInt8, Format::kInt8));
  append(n, plain("f", Flatten{}));
  const MemoryPlan plan = plan_memory(n);
  EXPECT_EQ(plan.last_step.back(), 1);
  EXPECT_EQ(plan.tensor_offsets[2], plan.tensor_offsets[1]);
}

}  // namespace
}  // namespace bitwright
