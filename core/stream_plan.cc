// SPDX-License-Identifier: Apache-2.0
#include "core/stream_plan.h"

#include <algorithm>
#include <numeric>

namespace bitwright {
namespace {

// A run should do at least this many multiply-accumulates, or the call costs more than it should.
constexpr int64_t kLeastMacs = 4096;

// Tiles of columns that a polynomial convolution does in a run.
constexpr int kStreamTiles = 3;

int columns_per_words(int64_t column_bits) {
  return static_cast<int>(32 / std::gcd<int64_t>(column_bits, 32));
}

int rounded_up(int64_t n, int64_t multiple) {
  return static_cast<int>((n + multiple - 1) / multiple * multiple);
}

bool slides(const Op& op) {
  return std::holds_alternative<Conv2d>(op) || std::holds_alternative<DepthwiseConv2d>(op) ||
         std::holds_alternative<MaxPool2d>(op) || std::holds_alternative<AvgPool2d>(op);
}

bool is_signal(const KernelGeometry& g) {
  return g.input.h == 1 && g.output.h == 1 && g.kernel.h == 1 && g.pool.h == 1;
}

// The kernel that adds up part of a dense layer, where there is one.
std::string part_kernel(const std::string& kernel) {
  const std::string part = "part_" + kernel_types(kernel);
  return std::ranges::count(part_kernels(), part) > 0 ? part : "";
}

// Outputs a run: enough work to be worth a call; of polynomials, three tiles of columns.
int band_of(const Network& network, const StreamStage& stage, const LayerShapes& shapes, const std::string& kernel) {
  const LayerSpec& spec = network.layers[stage.layer];
  const int align = columns_per_words(stage.out_bits);
  if (is_poly(kernel)) {
    const int columns = kStreamTiles * kStreamPolyTile * poly_layout(kernel).steps;
    return std::max(rounded_up((columns - stage.window) / stage.step + 2 - align, align), align);
  }
  const int64_t each = std::max<int64_t>(macs(spec, shapes) / std::max(1, stage.outputs), 256);
  return rounded_up(std::max<int64_t>(2, (kLeastMacs + each - 1) / each), align);
}

StreamStage stage_of(const Network& network, int layer, const LayerShapes& shapes, const KernelGeometry& g) {
  StreamStage s;
  s.layer = layer;
  s.step = g.kernel.stride_w * g.pool.stride_w;
  s.window = (g.pool.w - 1) * g.kernel.stride_w + g.kernel.w;
  s.pad = g.pad_left;
  s.inputs = g.input.w;
  s.outputs = g.output.w;
  s.column_bits = int64_t{shapes.input.c} * bit_width(storage_format(network, network.layers[layer].from));
  s.align = columns_per_words(s.column_bits);
  s.out_bits = int64_t{shapes.output.c} * bit_width(storage_format(network, layer));
  return s;
}

// Each column of the map in front of the flatten is a part of the sums.
StreamStage dense_stage(const Network& network, int layer, const StreamStage& before, const Shape& map) {
  StreamStage s;
  s.layer = layer;
  s.inputs = s.outputs = before.outputs;
  s.column_bits = int64_t{map.c} * bit_width(storage_format(network, before.layer));
  s.align = columns_per_words(s.column_bits);
  s.band = std::min(part_columns(map.c, bit_width(storage_format(network, before.layer))), s.outputs);
  return s;
}

// What the buffer must hold when the stage before it runs while this one cannot.
void set_capacities(std::vector<StreamStage>& stages) {
  stages.front().capacity = stages.front().inputs;
  for (size_t i = 1; i < stages.size(); ++i) {
    StreamStage& s = stages[i];
    // Columns between windows that do not touch stay until they are passed.
    const int64_t needed = int64_t{s.band - 1} * s.step + std::max(s.window, s.step) - 1 + (s.align - 1);
    s.capacity = rounded_up(std::min<int64_t>(needed + stages[i - 1].band, s.inputs), s.align);
  }
}

int64_t words(int64_t bytes) {
  return (bytes + 3) / 4 * 4;
}

}  // namespace

std::optional<StreamPlan> plan_stream(const Network& network, Kernels& kernels) {
  const std::vector<LayerShapes> shapes = infer_shapes(network);
  StreamPlan plan;
  const int layers = static_cast<int>(network.layers.size());
  int layer = 0;
  for (; layer < layers && network.layers[layer].from == layer - 1 && slides(network.layers[layer].op); ++layer) {
    const KernelGeometry g = kernel_geometry(network.layers[layer], shapes[layer]);
    if (!is_signal(g)) break;
    StreamStage stage = stage_of(network, layer, shapes[layer], g);
    stage.band = std::min(band_of(network, stage, shapes[layer], kernels[layer]), std::max(1, stage.outputs));
    plan.stages.push_back(stage);
  }
  // Whatever reads a streamed map later (an add) needs all of it.
  for (int i = layer; i < layers; ++i)
    if (const auto* add = std::get_if<Add>(&network.layers[i].op); add && add->with < layer - 1) return std::nullopt;
  if (plan.stages.empty()) return std::nullopt;
  const bool flat_dense = layer + 1 < layers && std::holds_alternative<Flatten>(network.layers[layer].op) &&
                          network.layers[layer].from == layer - 1 && network.layers[layer + 1].from == layer &&
                          std::holds_alternative<Dense>(network.layers[layer + 1].op);
  if (flat_dense)
    if (const std::string part = part_kernel(kernels[layer + 1]); !part.empty()) {
      plan.stages.push_back(dense_stage(network, layer + 1, plan.stages.back(), shapes[layer].input));
      plan.ends_dense = true;
      kernels[layer + 1] = part;
    }
  if (plan.stages.size() < 2) return std::nullopt;
  set_capacities(plan.stages);
  return plan;
}

MemoryPlan plan_stream_memory(const Network& network, const Kernels& kernels, const StreamPlan& stream) {
  const std::vector<int64_t> scratch = scratch_bytes(network, kernels, kStreamPolyTile);
  const int end = stream.last_layer();
  TensorLifetimes tensors = tensor_lifetimes(network);
  // Tensor t is the output of layer t - 1 and the input of the stage at layer t.
  for (int t = 0; t <= end; ++t) {
    Lifetime& life = tensors.life[static_cast<size_t>(t)];
    const auto stage = std::find_if(stream.stages.begin(), stream.stages.end(), [&](const StreamStage& s) {
      return s.layer == t || (stream.ends_dense && t == end - 1 && s.layer == end);
    });
    const bool kept = stage != stream.stages.end() && tensors.owner[static_cast<size_t>(t)] == t;
    life.bytes = kept ? words((stage->capacity * stage->column_bits + 7) / 8) : 0;
    life.first = 0, life.last = end;
  }
  Lifetime& result = tensors.life[static_cast<size_t>(end) + 1];
  result.first = 0;
  std::vector<Lifetime> extra;
  const int64_t most = *std::max_element(scratch.begin(), scratch.begin() + end + 1);
  for (int i = 0; i < static_cast<int>(scratch.size()); ++i)
    extra.push_back(i < end ? Lifetime{0, i, i} : i == end ? Lifetime{most, 0, end} : Lifetime{scratch[i], i, i});
  extra.push_back({kStageStateBytes * static_cast<int64_t>(stream.stages.size()), 0, end});
  const int64_t units = layer_shapes(network, end).output.c;
  extra.push_back({stream.ends_dense ? 4 * units : 0, 0, end});
  MemoryPlan plan = place_tensors(network, tensors, extra);
  plan.scratch_bytes.resize(scratch.size());
  for (int i = 0; i < end; ++i) plan.scratch_offsets[i] = plan.scratch_offsets[end];
  plan.sums_offset = plan.scratch_offsets.back();
  plan.scratch_offsets.pop_back();
  plan.state_offset = plan.scratch_offsets.back();
  plan.scratch_offsets.pop_back();
  return plan;
}

}  // namespace bitwright
