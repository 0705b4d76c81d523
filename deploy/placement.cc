// SPDX-License-Identifier: Apache-2.0
#include "deploy/placement.h"

#include <algorithm>

#include "core/check.h"
#include "core/kernel.h"
#include "deploy/knapsack.h"
#include "deploy/lower.h"

namespace bitwright {
namespace {

int64_t quotient_up(int64_t a, int64_t b) {
  return (a + b - 1) / b;
}

// One call of a kernel, over all rows and `columns` columns of the output.
struct Call {
  KernelGeometry g;
  std::string kernel;
  int columns = 1;
  int poly_tile = kPolyTile;

  int64_t outputs() const { return int64_t{g.output.h} * columns; }
  int64_t windows() const { return outputs() * g.pool.h * g.pool.w; }
  int64_t poly_rows() const { return int64_t{g.output.h} * g.pool.h; }
  // Columns of a row that polynomials hold, the last kernel_w - 1 without a window.
  int64_t poly_columns() const { return int64_t{columns - 1} * g.pool.stride_w + g.pool.w + g.kernel.w - 1; }
  int64_t poly_tiles() const {
    return poly_rows() * quotient_up(poly_columns(), int64_t{poly_tile} * poly_layout(kernel).steps);
  }
  int64_t poly_block_pairs() const {
    return poly_rows() * quotient_up(poly_columns(), int64_t{2} * poly_layout(kernel).steps);
  }
  int64_t few_pairs() const { return int64_t{g.output.h} * quotient_up(columns, 2); }
};

// Accumulators along one axis whose window lies in the map.
int64_t windows_inside(int outputs, int pool, int pool_stride, int stride, int pad, int kernel, int size) {
  int64_t inside = 0;
  for (int y = 0; y < outputs; ++y)
    for (int p = 0; p < pool; ++p) {
      const int first = (y * pool_stride + p) * stride - pad;
      inside += first >= 0 && first + kernel <= size ? 1 : 0;
    }
  return inside;
}

// Windows that conv2d_a1w1 and a1wt compute twice: those at a border that is skipped.
int64_t windows_twice(const KernelGeometry& g, const std::string& kernel) {
  const std::string types = kernel_types(kernel);
  if (g.padding != Padding::kZero || is_poly(kernel) || is_sliced(kernel) || is_depthwise(kernel) ||
      (types != "a1w1" && types != "a1wt"))
    return 0;
  const int64_t all = int64_t{g.output.h} * g.output.w * g.pool.h * g.pool.w;
  return all -
         windows_inside(g.output.h, g.pool.h, g.pool.stride_h, g.kernel.stride_h, g.pad_top, g.kernel.h, g.input.h) *
             windows_inside(g.output.w, g.pool.w, g.pool.stride_w, g.kernel.stride_w, g.pad_left, g.kernel.w,
                            g.input.w);
}

// Kernels of bw_each_pair.
bool takes_pairs(const std::string& kernel) {
  const std::string types = kernel_types(kernel);
  return kernel.starts_with("conv2d_") && (types == "a16w2" || types == "a16w4" || types == "a16w8");
}

int64_t weight_passes(const Call& call) {
  if (is_poly(call.kernel)) return call.poly_block_pairs();
  if (is_few(call.kernel)) return call.few_pairs();
  // A window reads one entry of each table, 8 of its 64 bytes: a line of flash of four.
  if (is_sliced(call.kernel)) return quotient_up(call.windows(), 4);
  return takes_pairs(call.kernel) ? quotient_up(call.windows(), 2) : call.windows();
}

int64_t table_passes(const Call& call, const std::string& suffix) {
  if (is_few(call.kernel)) return call.few_pairs();
  if (is_sliced(call.kernel) && suffix == "start") {  // one of the ways in which a window is cut
    const SlicedLayout layout = sliced_layout(call.g);
    return quotient_up(call.windows(), int64_t{layout.rows.count()} * layout.columns.count());
  }
  if (!is_poly(call.kernel)) return call.outputs();
  if (suffix == "tap_sums")  // in the first and the last tile of a row; in all of a row at the border
    return has_border(call.g)
               ? (call.g.kernel.h > 1 ? call.poly_tiles() : std::min(call.poly_tiles(), 2 * call.poly_rows()))
               : 0;
  if (is_poly2(call.kernel) && suffix == "reach") return call.poly_tiles() + call.poly_rows();
  return call.poly_tiles();
}

int64_t passes_of_call(const Call& call, const Constant& constant) {
  return constant.suffix == "weights" ? weight_passes(call) : table_passes(call, constant.suffix);
}

const StreamStage* stage_of(const Program& program, int layer) {
  if (!program.stream) return nullptr;
  for (const StreamStage& stage : program.stream->stages)
    if (stage.layer == layer) return &stage;
  return nullptr;
}

}  // namespace

bool ConstantPlacement::holds(int layer, std::string_view suffix) const {
  return std::any_of(constants.begin(), constants.end(),
                     [&](const PlacedConstant& c) { return c.layer == layer && c.suffix == suffix; });
}

int64_t ConstantPlacement::bytes() const {
  int64_t sum = 0;
  for (const PlacedConstant& c : constants) sum += c.bytes;
  return sum;
}

int64_t ConstantPlacement::stall_cycles() const {
  int64_t sum = 0;
  for (const PlacedConstant& c : constants) sum += c.stall_cycles;
  return sum;
}

int64_t constant_passes(const Program& program, const LoweredOp& op, const Constant& constant) {
  if (op.kernel.starts_with("part_")) return 1;
  const KernelGeometry g = kernel_geometry(program.model.network.layers[op.layer], op.shapes);
  Call call = {g, op.kernel, g.output.w, program.stream ? kStreamPolyTile : kPolyTile};
  const int64_t twice = constant.suffix == "weights" ? windows_twice(g, op.kernel) : 0;
  const StreamStage* stage = stage_of(program, op.layer);
  if (stage == nullptr) return passes_of_call(call, constant) + twice;
  call.columns = stage->band;
  int64_t passes = twice + stage->outputs / stage->band * passes_of_call(call, constant);
  call.columns = stage->outputs % stage->band;
  if (call.columns > 0) passes += passes_of_call(call, constant);
  return passes;
}

ConstantPlacement place_constants(const Program& program, const FlashTiming& flash, int64_t budget_bytes) {
  BW_CHECK(flash.wait_states >= 0 && flash.read_bytes > 0);
  std::vector<PlacedConstant> all;
  std::vector<KnapsackItem> items;
  ConstantPlacement placement = {flash, budget_bytes, {}, 0};
  for (const LoweredOp& op : program.ops)
    for (const Constant& c : op.constants) {
      const int64_t passes = constant_passes(program, op, c);
      const int64_t stalls = passes * quotient_up(c.bytes(), flash.read_bytes) * flash.wait_states;
      BW_CHECK(c.bytes() % 4 == 0);
      if (c.bytes() == 0) continue;
      all.push_back({op.layer, c.suffix, c.bytes(), passes, stalls});
      items.push_back({c.bytes() / 4, stalls});
      placement.stall_cycles_before += stalls;
    }
  for (size_t i : best_subset(items, budget_bytes / 4)) placement.constants.push_back(all[i]);
  return placement;
}

}  // namespace bitwright
