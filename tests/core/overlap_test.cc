// SPDX-License-Identifier: Apache-2.0
#include "core/overlap.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "core/error.h"
#include "core/rng.h"
#include "tests/core/networks.h"
#include "tests/support/random_network.h"

namespace bitwright {
namespace {

using testing::random_kernels;
using testing::random_network;

// ---- what a kernel reads and writes, word by word, as deploy/runtime does

struct Access {
  bool writes = false;
  int64_t word = 0;  // of the input, or of the output
};

class Trace {
 public:
  Trace(const Network& network, int layer, int from, const std::string& kernel)
      : g_(kernel_geometry(network.layers[layer], infer_shapes(network)[layer])),
        in_bits_(bit_width(storage_format(network, from))),
        out_bits_(bit_width(storage_format(network, layer))) {
    if (kernel == "upsample")
      copy_blocks();
    else if (has_weight_rows(kernel) || kernel == "conv2d_wf32")
      each_window();
    else
      each_output(!kernel.starts_with("conv2d"));
    if (filled_ > 0) accesses_.push_back({true, next_});
  }

  // No word is read after one was written to it, where the output starts `lead` bytes before the input.
  bool is_safe(int64_t lead) const {
    std::set<int64_t> written;  // words of the input
    for (const Access& a : accesses_)
      if (a.writes)
        written.insert(a.word - lead / 4);
      else if (written.contains(a.word))
        return false;
    return true;
  }

  int64_t output_bytes() const { return (g_.output.elements() * out_bits_ + 31) / 32 * 4; }

 private:
  void read(int64_t pixel, int64_t channel, int64_t channels) {
    const int64_t first = (pixel * g_.input.c + channel) * in_bits_, last = first + channels * in_bits_ - 1;
    for (int64_t word = first / 32; word <= last / 32; ++word) accesses_.push_back({false, word});
  }

  void write(int64_t bits) {
    for (filled_ += bits; filled_ >= 32; filled_ -= 32) accesses_.push_back({true, next_++});
  }

  // The window of accumulator (y, x), all channels or one.
  void read_window(int64_t y, int64_t x, int64_t channel, int64_t channels) {
    for (int64_t ky = 0; ky < g_.kernel.h; ++ky)
      for (int64_t kx = 0; kx < g_.kernel.w; ++kx) {
        const int64_t row = y * g_.kernel.stride_h + ky - g_.pad_top,
                      column = x * g_.kernel.stride_w + kx - g_.pad_left;
        if (row >= 0 && row < g_.input.h && column >= 0 && column < g_.input.w)
          read(row * g_.input.w + column, channel, channels);
      }
  }

  template <class Visit>
  void each_pooled(int64_t y, int64_t x, Visit visit) {
    for (int64_t py = 0; py < g_.pool.h; ++py)
      for (int64_t px = 0; px < g_.pool.w; ++px) visit(y * g_.pool.stride_h + py, x * g_.pool.stride_w + px);
  }

  void each_window() {
    for (int64_t y = 0; y < g_.output.h; ++y)
      for (int64_t x = 0; x < g_.output.w; ++x) {
        each_pooled(y, x, [&](int64_t ay, int64_t ax) { read_window(ay, ax, 0, g_.input.c); });
        for (int c = 0; c < g_.output.c; ++c) write(out_bits_);
      }
  }

  void each_output(bool channelwise) {
    for (int64_t y = 0; y < g_.output.h; ++y)
      for (int64_t x = 0; x < g_.output.w; ++x)
        for (int64_t c = 0; c < g_.output.c; ++c) {
          each_pooled(y, x, [&](int64_t ay, int64_t ax) {
            read_window(ay, ax, channelwise ? c : 0, channelwise ? 1 : g_.input.c);
          });
          write(out_bits_);
        }
  }

  void copy_blocks() {
    for (int64_t y = 0; y < g_.output.h; ++y)
      for (int64_t x = 0; x < g_.output.w; ++x) {
        const int64_t pixel = y / g_.kernel.h * g_.input.w + x / g_.kernel.w;
        for (int64_t bit = 0; bit < g_.input.c * in_bits_; bit += 32) {
          const int64_t count = std::min<int64_t>(32, g_.input.c * in_bits_ - bit);
          const int64_t first = pixel * g_.input.c * in_bits_ + bit;
          for (int64_t word = first / 32; word <= (first + count - 1) / 32; ++word) accesses_.push_back({false, word});
          write(count);
        }
      }
  }

  KernelGeometry g_;
  int64_t in_bits_, out_bits_;
  int64_t next_ = 0, filled_ = 0;  // words written; bits of the next one
  std::vector<Access> accesses_;
};

void expect_least_safe_lead(const Network& network, int layer, int from, const std::string& kernel, int& checked) {
  const auto lead = safe_lead(network, layer, from, kernel);
  if (!lead) return;
  const Trace trace(network, layer, from, kernel);
  ASSERT_TRUE(trace.is_safe(*lead)) << kernel << "\n" << canonical_text(network);
  EXPECT_TRUE(*lead == 0 || !trace.is_safe(*lead - 4)) << kernel << "\n" << canonical_text(network);
  EXPECT_TRUE(trace.is_safe(*lead + 4));
  EXPECT_GE(*lead, 0);
  EXPECT_LE(*lead, trace.output_bytes());
  ++checked;
}

TEST(SafeLead, IsTheLeastThatTheTraceOfTheKernelAllows) {
  int checked = 0;
  for (uint64_t seed = 0; seed < 300; ++seed) {
    const Network network = random_network(seed);
    if (macs(network) > 10'000) continue;
    const Kernels kernels = random_kernels(network);
    for (int i = 0; i < static_cast<int>(kernels.size()); ++i) {
      const LayerSpec& spec = network.layers[i];
      expect_least_safe_lead(network, i, spec.from, kernels[i], checked);
      if (const auto* add = std::get_if<Add>(&spec.op))
        expect_least_safe_lead(network, i, add->with, kernels[i], checked);
    }
  }
  EXPECT_GT(checked, 300);
}

Network one_layer(const Shape& input, const LayerSpec& layer, Format format = Format::kInt8) {
  Network n{"one", input, format, {}};
  append(n, layer);
  return n;
}

LayerSpec conv_of(int channels, Window window, Format out, Padding padding = Padding::kZero) {
  LayerSpec layer{.name = "conv", .op = Conv2d{channels, window, padding}};
  layer.weights = Format::kInt8;
  layer.activations = out;
  return layer;
}

// 3 taps, 4 channels of a byte: the window of output x starts at column x - 1, and the output before it is written.
TEST(SafeLead, OfAConvolutionAlongASignalIsItsBorder) {
  const Network n = one_layer({16, 1, 4}, conv_of(4, {3, 1}, Format::kInt8));
  EXPECT_EQ(safe_lead(n, 0, kNetworkInput, "conv2d_a16w8"), 4);
  EXPECT_EQ(safe_lead(n, 0, kNetworkInput, "conv2d_axwx"), 4);  // its last channel completes the word
}

TEST(SafeLead, OfAPointwiseConvolutionIsNothing) {
  const Network n = one_layer({16, 1, 4}, conv_of(4, {1, 1}, Format::kInt8));
  EXPECT_EQ(safe_lead(n, 0, kNetworkInput, "conv2d_a16w8"), 0);
}

// Row 0 and row 1 of the output read row 0 of the input: two rows and a pixel are written before row 1 is safe.
TEST(SafeLead, OfAWindowOfThreeRowsIsARowAndAPixel) {
  const Network n = one_layer({8, 8, 4}, conv_of(4, {3, 3}, Format::kInt8));
  EXPECT_EQ(safe_lead(n, 0, kNetworkInput, "conv2d_a16w8"), 8 * 4 + 4);
}

TEST(SafeLead, OfBinaryOutputsOverBytesIsNothing) {
  const Network n = one_layer({64, 1, 32}, conv_of(32, {5, 1}, Format::kBinary));
  EXPECT_LE(*safe_lead(n, 0, kNetworkInput, "conv2d_a16w8"), 12);
}

// A block of 2 x 2 takes four times the input: the last pixel is read when all but its block is written.
TEST(SafeLead, OfAnUpsamplingLeavesTheInputAtItsEnd) {
  LayerSpec up{.name = "up", .op = Upsample2d{2, 2}};
  const Network n = one_layer({4, 4, 4}, up);
  EXPECT_EQ(safe_lead(n, 0, kNetworkInput, "upsample"), 4 * 64 - 64);
}

TEST(SafeLead, IsNoneOfPolynomialsAndFlattens) {
  LayerSpec layer = conv_of(32, {5, 1}, Format::kBinary);
  layer.weights = Format::kBinary;
  const Network n = one_layer({64, 1, 32}, layer, Format::kBinary);
  EXPECT_FALSE(safe_lead(n, 0, kNetworkInput, "conv2d_a1w1_poly5"));
  EXPECT_TRUE(safe_lead(n, 0, kNetworkInput, "conv2d_a1w1"));
  EXPECT_FALSE(safe_lead(one_layer({4, 1, 1}, {.name = "flat", .op = Flatten{}}), 0, kNetworkInput, ""));
}

TEST(PlanLayers, NeverTakesMoreThanWithoutOverlaps) {
  int64_t apart = 0, over = 0;
  for (uint64_t seed = 0; seed < 400; ++seed) {
    const Network n = random_network(seed);
    const Kernels kernels = random_kernels(n);
    const int64_t before = plan_memory(n, scratch_bytes(n, kernels)).arena_bytes;
    const int64_t after = plan_layers(n, kernels).arena_bytes;
    EXPECT_LE(after, before) << canonical_text(n);
    apart += before, over += after;
  }
  EXPECT_LT(over, apart * 9 / 10);
}

TEST(PlanLayers, PutsAResidualIntoTheOperandThatEndsThere) {
  Network n{"residual", {64, 1, 4}, Format::kInt8, {}};
  const int a = append(n, conv_of(4, {1, 1}, Format::kInt8));
  LayerSpec b = conv_of(4, {3, 1}, Format::kInt8);
  b.name = "b";
  append(n, b);
  append(n, {.name = "sum", .op = Add{a}, .activations = Format::kInt8});
  const MemoryPlan plan = plan_layers(n, {"conv2d_axwx", "conv2d_axwx", "add"});
  EXPECT_TRUE(plan.is_least);
  EXPECT_EQ(plan.arena_bytes, 2 * 256 + scratch_bytes(n, 2, "add"));
}

// What is read again later stays.
TEST(LayerOverlaps, AreOfOperandsThatEndWithTheLayer) {
  Network n{"residual", {64, 1, 4}, Format::kInt8, {}};
  const int a = append(n, conv_of(4, {1, 1}, Format::kInt8));
  LayerSpec b = conv_of(4, {3, 1}, Format::kInt8);
  b.name = "b";
  append(n, b);
  append(n, {.name = "sum", .op = Add{a}, .activations = Format::kInt8});
  const auto overlaps = layer_overlaps(n, tensor_lifetimes(n), {"conv2d_axwx", "conv2d_axwx", "add"});
  std::vector<std::pair<int, int>> pairs;
  for (const Overlap& o : overlaps) pairs.emplace_back(o.lower, o.upper);
  EXPECT_EQ(pairs, (std::vector<std::pair<int, int>>{{1, 0}, {3, 2}, {3, 1}}));
}

}  // namespace
}  // namespace bitwright
