// SPDX-License-Identifier: Apache-2.0
#include "core/overlap.h"

#include <algorithm>
#include <map>
#include <string_view>

namespace bitwright {
namespace {

// How a kernel mixes reading and writing.
enum class Order {
  kPixels,    // all of a pixel's window is read before the pixel is written: bw_each_window, bw_each_pair, bw_dense
  kElements,  // a window is read anew for each of the pixel's channels: bw_each_output of convolutions
  kChannels,  // ... and only the channel of it: pools, depthwise convolutions, adds
  kCopies,    // a pixel is written while it is read: bw_upsample
};

// Nothing for a kernel that is not known to write from front to back, each word once.
std::optional<Order> order_of(const std::string& kernel) {
  static const std::map<std::string, Order> orders = {
      {"upsample", Order::kCopies},      {"max_pool", Order::kChannels},   {"sum_pool", Order::kChannels},
      {"depthwise", Order::kChannels},   {"add", Order::kChannels},        {"log_variance", Order::kChannels},
      {"conv2d_axwx", Order::kElements}, {"conv2d", Order::kElements},     {"conv2d_wf32", Order::kPixels},
      {"conv2d_a1w1", Order::kPixels},   {"conv2d_a1wt", Order::kPixels},  {"conv2d_atw1", Order::kPixels},
      {"conv2d_atwt", Order::kPixels},   {"conv2d_a8w1", Order::kPixels},  {"conv2d_a16w1", Order::kPixels},
      {"conv2d_a16w2", Order::kPixels},  {"conv2d_a16w4", Order::kPixels}, {"conv2d_a16w8", Order::kPixels},
      {"dense_a16w2", Order::kPixels},   {"dense_a16w4", Order::kPixels},  {"dense_a16w8", Order::kPixels},
      {"conv2d_a16w8_few", Order::kPixels}};
  std::string name = kernel;
  for (const char* suffix : {"_to_f32", "_f32"})
    if (name.ends_with(suffix)) name.resize(name.size() - std::string_view(suffix).size());
  const auto found = orders.find(name);
  return found == orders.end() ? std::nullopt : std::optional(found->second);
}

// When each word of the input is read for the last time, in bits of the output put before. A word of the output is
// written once its bits are put, so that those below `time` / 32 are then gone.
class LastReads {
 public:
  LastReads(const Network& network, int layer, int from, Order order)
      : order_(order),
        g_(kernel_geometry(network.layers[static_cast<size_t>(layer)], layer_shapes(network, layer))),
        in_bits_(bit_width(storage_format(network, from))),
        pixel_bits_(int64_t{g_.output.c} * bit_width(storage_format(network, layer))),
        time_(static_cast<size_t>(g_.input.elements() * in_bits_ + 31) / 32, 0) {
    for (int64_t y = 0; y < g_.output.h; ++y)
      for (int64_t x = 0; x < g_.output.w; ++x) visit(y, x);
  }

  int64_t lead() const {
    int64_t words = 0;
    for (size_t word = 0; word < time_.size(); ++word)
      words = std::max(words, time_[word] / 32 - static_cast<int64_t>(word));
    return 4 * words;
  }

 private:
  void visit(int64_t y, int64_t x) {
    const int64_t start = (y * g_.output.w + x) * pixel_bits_;
    if (order_ == Order::kCopies) return copy(y / g_.kernel.h * g_.input.w + x / g_.kernel.w, start);
    const int64_t each = pixel_bits_ / g_.output.c;
    const Span rows = span(y, g_.pool.h, g_.pool.stride_h, g_.kernel.h, g_.kernel.stride_h, g_.pad_top, g_.input.h);
    const Span columns = span(x, g_.pool.w, g_.pool.stride_w, g_.kernel.w, g_.kernel.stride_w, g_.pad_left, g_.input.w);
    for (int64_t row = rows.first; row < rows.end; ++row) {
      const int64_t first = row * g_.input.w + columns.first, end = row * g_.input.w + columns.end;
      if (order_ != Order::kChannels)
        read(first * g_.input.c, end * g_.input.c, order_ == Order::kPixels ? start : start + pixel_bits_ - each);
      else
        for (int64_t pixel = first; pixel < end; ++pixel)
          for (int64_t c = 0; c < g_.input.c; ++c)
            read(pixel * g_.input.c + c, pixel * g_.input.c + c + 1, start + c * each);
    }
  }

  struct Span {
    int64_t first = 0, end = 0;
  };
  // Along one dimension, what the pooled windows of an output cover of the map.
  static Span span(int64_t output, int64_t pool, int64_t pool_stride, int64_t kernel, int64_t stride, int64_t pad,
                   int64_t size) {
    const int64_t start = output * pool_stride * stride - pad;
    return {std::max<int64_t>(start, 0), std::min(start + (pool - 1) * stride + kernel, size)};
  }

  void read(int64_t first, int64_t end, int64_t time) { read_bits(first * in_bits_, end * in_bits_, time); }

  void read_bits(int64_t first, int64_t end, int64_t time) {
    for (int64_t word = first / 32; word <= (end - 1) / 32; ++word)
      time_[static_cast<size_t>(word)] = std::max(time_[static_cast<size_t>(word)], time);
  }

  // A word's worth of bits at a time.
  void copy(int64_t pixel, int64_t start) {
    for (int64_t bit = 0; bit < pixel_bits_; bit += 32)
      read_bits(pixel * pixel_bits_ + bit, pixel * pixel_bits_ + std::min(bit + 32, pixel_bits_), start + bit);
  }

  Order order_;
  KernelGeometry g_;
  int64_t in_bits_, pixel_bits_;
  std::vector<int64_t> time_;
};

}  // namespace

std::optional<int64_t> safe_lead(const Network& network, int layer, int from, const std::string& kernel) {
  const std::optional<Order> order = order_of(kernel);
  if (!order) return std::nullopt;
  return LastReads(network, layer, from, *order).lead();
}

std::vector<Overlap> layer_overlaps(const Network& network, const TensorLifetimes& tensors, int layer,
                                    const std::string& kernel) {
  const LayerSpec& spec = network.layers[static_cast<size_t>(layer)];
  std::vector<Overlap> overlaps;
  const auto add = [&](int from) {
    const int in = tensors.owner[static_cast<size_t>(from) + 1];
    if (tensors.life[static_cast<size_t>(in)].last != layer) return;  // read again later
    if (const auto lead = safe_lead(network, layer, from, kernel)) overlaps.push_back({layer + 1, in, *lead});
  };
  add(spec.from);
  if (const auto* sum = std::get_if<Add>(&spec.op); sum && sum->with != spec.from) add(sum->with);
  return overlaps;
}

std::vector<Overlap> layer_overlaps(const Network& network, const TensorLifetimes& tensors, const Kernels& kernels) {
  std::vector<Overlap> all;
  for (int i = 0; i < static_cast<int>(network.layers.size()); ++i) {
    const auto of_layer = layer_overlaps(network, tensors, i, kernels[static_cast<size_t>(i)]);
    all.insert(all.end(), of_layer.begin(), of_layer.end());
  }
  return all;
}

MemoryPlan plan_layers(const Network& network, const Kernels& kernels) {
  const TensorLifetimes tensors = tensor_lifetimes(network);
  std::vector<Lifetime> scratch;
  const std::vector<int64_t> bytes = scratch_bytes(network, kernels);
  for (int i = 0; i < static_cast<int>(bytes.size()); ++i) scratch.push_back({bytes[static_cast<size_t>(i)], i, i});
  return place_tensors(network, tensors, scratch, layer_overlaps(network, tensors, kernels));
}

}  // namespace bitwright
