// SPDX-License-Identifier: Apache-2.0
#include "trainer/convolution.h"

#include <algorithm>
#include <cstring>

#define BW_INLINE [[gnu::always_inline]] inline
// Machine code for AVX-512 and for AVX2 with FMA beside the portable one.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define BW_TARGET(arch) __attribute__((target(arch)))
#define BW_MACHINE_IS(arch) __builtin_cpu_supports(arch)
#else
#define BW_TARGET(arch)
#define BW_MACHINE_IS(arch) false
#endif

namespace bitwright {
namespace {

using Run = DirectConvolution::Run;

constexpr int64_t kBytesAtOnce = 256 * 1024;  // of rows: they stay in the second-level cache
constexpr int64_t kBlock = 32;                // positions of a tile, a multiple of every unit's lanes times kSteps
constexpr int64_t kProductPositions = 2048;   // that weight gradients sum before they add to the result

// Vector units: the tiles below fill their registers with sums.
struct Avx512 {
  typedef float Vector __attribute__((vector_size(64)));
  static constexpr int kLanes = 16, kSteps = 2, kOutputs = 8, kProductOutputs = 4, kProductTaps = 6;
};
struct Avx2 {
  typedef float Vector __attribute__((vector_size(32)));
  static constexpr int kLanes = 8, kSteps = 2, kOutputs = 4, kProductOutputs = 2, kProductTaps = 5;
};
struct Portable {
  typedef float Vector __attribute__((vector_size(16)));
  static constexpr int kLanes = 4, kSteps = 2, kOutputs = 4, kProductOutputs = 2, kProductTaps = 4;
};

template <class Vector>
BW_INLINE void load(const float* from, Vector& v) {
  std::memcpy(&v, from, sizeof v);
}

// result[o][q] = sum over k < taps of weights[k][o] * in[offsets[k] + q], o < outputs, q < positions rounded up to
// kBlock.
struct Correlation {
  const float* in;
  const int64_t* offsets;
  int64_t taps;
  const float* weights;
  int64_t outputs, positions;
  float* result;
  int64_t row;  // from result[o] to result[o + 1]
};

template <class Unit, int kOutputs>
BW_INLINE void correlate_tile(const Correlation& c, int64_t first, int64_t q) {
  typename Unit::Vector sum[kOutputs][Unit::kSteps] = {};
  for (int64_t k = 0; k < c.taps; ++k) {
    const float* in = c.in + c.offsets[k] + q;
    const float* weights = c.weights + k * c.outputs + first;
    for (int s = 0; s < Unit::kSteps; ++s) {
      typename Unit::Vector x;
      load(in + s * Unit::kLanes, x);
      for (int o = 0; o < kOutputs; ++o) sum[o][s] += weights[o] * x;
    }
  }
  float* result = c.result + first * c.row + q;
  for (int o = 0; o < kOutputs; ++o) std::memcpy(result + o * c.row, sum[o], sizeof sum[o]);
}

// Tiles as many outputs as registers hold, or as are left; tells how many.
template <class Unit, int kOutputs = Unit::kOutputs>
BW_INLINE int64_t correlate_outputs(const Correlation& c, int64_t first, int64_t q) {
  if constexpr (kOutputs > 1)
    if (c.outputs - first < kOutputs) return correlate_outputs<Unit, kOutputs - 1>(c, first, q);
  correlate_tile<Unit, kOutputs>(c, first, q);
  return kOutputs;
}

template <class Unit>
BW_INLINE void correlate_on(const Correlation& c) {
  for (int64_t q = 0; q < c.positions; q += Unit::kLanes * Unit::kSteps)
    for (int64_t o = 0; o < c.outputs;) o += correlate_outputs<Unit>(c, o, q);
}

BW_TARGET("arch=x86-64-v4") void correlate_avx512(const Correlation& c) {
  correlate_on<Avx512>(c);
}
BW_TARGET("arch=x86-64-v3") void correlate_avx2(const Correlation& c) {
  correlate_on<Avx2>(c);
}
void correlate(const Correlation& c) {
  if (BW_MACHINE_IS("x86-64-v4")) return correlate_avx512(c);
  if (BW_MACHINE_IS("x86-64-v3")) return correlate_avx2(c);
  correlate_on<Portable>(c);
}

// sums[o][k] += sum over begin <= q < end of grad[o][q] * in[offsets[k] + q], o < outputs, k < taps; end - begin is a
// multiple of the lanes.
struct Products {
  const float* grad;
  int64_t row, outputs;
  const float* in;
  const int64_t* offsets;
  int64_t taps, begin, end;
  float* sums;
};

template <class Unit>
BW_INLINE float sum_of_lanes(const typename Unit::Vector& v) {
  float lanes[Unit::kLanes], sum = 0.0f;
  std::memcpy(lanes, &v, sizeof lanes);
  for (float x : lanes) sum += x;
  return sum;
}

template <class Unit, int kOutputs, int kTaps>
BW_INLINE void products_tile(const Products& p, int64_t output, int64_t tap) {
  typename Unit::Vector sum[kOutputs][kTaps] = {};
  const float* grad = p.grad + output * p.row;
  for (int64_t q = p.begin; q < p.end; q += Unit::kLanes) {
    typename Unit::Vector grads[kOutputs], in;
    for (int o = 0; o < kOutputs; ++o) load(grad + o * p.row + q, grads[o]);
    for (int k = 0; k < kTaps; ++k) {
      load(p.in + p.offsets[tap + k] + q, in);
      for (int o = 0; o < kOutputs; ++o) sum[o][k] += grads[o] * in;
    }
  }
  for (int o = 0; o < kOutputs; ++o)
    for (int k = 0; k < kTaps; ++k) p.sums[(output + o) * p.taps + tap + k] += sum_of_lanes<Unit>(sum[o][k]);
}

template <class Unit, int kOutputs, int kTaps = Unit::kProductTaps>
BW_INLINE int64_t products_of_taps(const Products& p, int64_t output, int64_t tap) {
  if constexpr (kTaps > 1)
    if (p.taps - tap < kTaps) return products_of_taps<Unit, kOutputs, kTaps - 1>(p, output, tap);
  products_tile<Unit, kOutputs, kTaps>(p, output, tap);
  return kTaps;
}

template <class Unit, int kOutputs = Unit::kProductOutputs>
BW_INLINE int64_t products_of_outputs(const Products& p, int64_t output) {
  if constexpr (kOutputs > 1)
    if (p.outputs - output < kOutputs) return products_of_outputs<Unit, kOutputs - 1>(p, output);
  for (int64_t k = 0; k < p.taps;) k += products_of_taps<Unit, kOutputs>(p, output, k);
  return kOutputs;
}

template <class Unit>
BW_INLINE void add_products_on(const Products& p) {
  for (int64_t o = 0; o < p.outputs;) o += products_of_outputs<Unit>(p, o);
}

BW_TARGET("arch=x86-64-v4") void add_products_avx512(const Products& p) {
  add_products_on<Avx512>(p);
}
BW_TARGET("arch=x86-64-v3") void add_products_avx2(const Products& p) {
  add_products_on<Avx2>(p);
}
void add_products(const Products& p) {
  if (BW_MACHINE_IS("x86-64-v4")) return add_products_avx512(p);
  if (BW_MACHINE_IS("x86-64-v3")) return add_products_avx2(p);
  add_products_on<Portable>(p);
}

// Most lines are too short to be worth a call.
BW_INLINE void copy(const float* from, int64_t count, float* to) {
  constexpr int64_t kFew = 4;
  if (count < kFew)
    for (int64_t i = 0; i < count; ++i) to[i] = from[i];
  else if (count < 16 * kFew)
    for (int64_t i = 0; i < count; i += kFew) {
      const int64_t at = std::min(i, count - kFew);
      std::memcpy(to + at, from + at, kFew * sizeof(float));
    }
  else
    std::memcpy(to, from, static_cast<size_t>(count) * sizeof(float));
}

int64_t divide_up(int64_t a, int64_t b) {
  return (a + b - 1) / b;
}

int64_t round_up(int64_t a, int64_t multiple) {
  return divide_up(a, multiple) * multiple;
}

void read_map(const std::vector<Run>& runs, const float* map, float* row) {
  for (const Run& r : runs)
    if (r.stride == 1)
      copy(map + r.map, r.count, row + r.row);
    else
      for (int64_t i = 0; i < r.count; ++i) row[r.row + i] = map[r.map + i * r.stride];
}

void write_map(const std::vector<Run>& runs, const float* row, float* map) {
  for (const Run& r : runs)
    if (r.stride == 1)
      copy(row + r.row, r.count, map + r.map);
    else
      for (int64_t i = 0; i < r.count; ++i) map[r.map + i * r.stride] = row[r.row + i];
}

}  // namespace

ConvolutionShape convolution_shape(const Convolution& c, const LayerShapes& shapes) {
  const Shape &in = shapes.input, &out = shapes.accumulators;
  ConvolutionShape s;
  s.inputs = in.c, s.outputs = out.c, s.groups = c.groups;
  s.h = c.column ? 1 : in.h, s.w = c.column ? in.h : in.w;
  s.out_h = c.column ? 1 : out.h, s.out_w = c.column ? out.h : out.w;
  s.kernel_h = c.kernel[0], s.kernel_w = c.kernel[1];
  s.stride_h = c.stride[0], s.stride_w = c.stride[1];
  s.left = c.border[0], s.right = c.border[1], s.top = c.border[2], s.bottom = c.border[3];
  s.fill = c.fill;
  return s;
}

// Measured against oneDNN 2.6 on one EPYC core with AVX-512, batch 64, forward and backward together; times faster
// where true:
//   1-D, depthwise       1.5 to 8    k5 s1 24 channels 4.2; 0.6 to 0.8 below 16 positions
//   1-D, dense           1.3 to 2.6  8 -> 12 1.4, 24 -> 24 1.8, 1 -> 32 1.5; 32 -> 64 0.9, 100 -> 100 0.9
//   2-D, depthwise       1.1 to 2.3  16 channels of 28 x 28 1.4; stride 2 0.7, 7 x 7 0.6
//   2-D, pointwise       1.1 to 2.2
//   2-D, other           1.2 to 4.3  4 -> 8 4.3, 20 -> 20 1.6; 16 -> 16 0.8, 1 -> 16 0.7, stride 2 0.8, 7 x 7 0.6
// oneDNN reorders maps into blocks of 16 channels and wastes what they do not fill; its depthwise backward pass in 1-D
// is slower still. Rows here waste the border, and time on copying short lines.
bool direct_convolution_pays(const ConvolutionShape& s) {
  constexpr int64_t kBlockChannels = 16, kMostWeights = 2048;
  if (!BW_MACHINE_IS("x86-64-v3")) return false;
  const bool line = s.h == 1 && s.kernel_h == 1;
  if (line && s.groups > 1) return s.out_w >= 16;
  if (s.groups == 1 && s.inputs * s.outputs > kMostWeights) return false;
  const bool fills_blocks = s.inputs % kBlockChannels == 0 && s.outputs % kBlockChannels == 0;
  if (line) return !fills_blocks;
  if (s.stride_h * s.stride_w > 1) return false;
  if (s.groups > 1) return s.out_w >= 14;
  if (s.kernel_h * s.kernel_w == 1) return true;
  return s.out_w >= 10 && (s.outputs % kBlockChannels != 0 || (!fills_blocks && s.inputs >= 4));
}

DirectConvolution::DirectConvolution(const ConvolutionShape& shape)
    : shape_(shape), phases_(shape.stride_h * shape.stride_w) {
  const int64_t row_h = divide_up(shape.top + shape.h + shape.bottom, shape.stride_h);
  row_w_ = divide_up(shape.left + shape.w + shape.right, shape.stride_w);
  margin_ = round_up(shift(kernel_size() - 1), kBlock);
  example_ = row_h * row_w_;
  const int64_t in_rows = shape.inputs * phases_, result_rows = std::max(in_rows, shape.outputs);
  const int64_t example_bytes = example_ * (in_rows + shape.outputs + result_rows) * int64_t{sizeof(float)};
  at_once_ = std::clamp<int64_t>(kBytesAtOnce / example_bytes, 1, 64);
  row_ = round_up(at_once_ * example_, kBlock) + margin_;
  in_rows_.assign(static_cast<size_t>(in_rows * row_), shape.fill);
  grad_rows_.assign(static_cast<size_t>(margin_ + shape.outputs * row_), 0.0f);
  result_rows_.assign(static_cast<size_t>(result_rows * row_), 0.0f);
  weights_.resize(static_cast<size_t>(shape.outputs * group_inputs() * kernel_size()));
  set_offsets();
  set_runs();
}

// Of a tap along an example's part of a row.
int64_t DirectConvolution::shift(int64_t tap) const {
  return tap / shape_.kernel_w / shape_.stride_h * row_w_ + tap % shape_.kernel_w / shape_.stride_w;
}

int64_t DirectConvolution::phase(int64_t tap) const {
  return tap / shape_.kernel_w % shape_.stride_h * shape_.stride_w + tap % shape_.kernel_w % shape_.stride_w;
}

void DirectConvolution::set_offsets() {
  backward_phases_.resize(static_cast<size_t>(phases_));
  for (int64_t c = 0; c < group_inputs(); ++c)
    for (int64_t t = 0; t < kernel_size(); ++t) offsets_.push_back((c * phases_ + phase(t)) * row_ + shift(t));
  for (int64_t t = 0; t < kernel_size(); ++t) backward_phases_[static_cast<size_t>(phase(t))].taps.push_back(t);
  for (Phase& p : backward_phases_)
    for (int64_t o = 0; o < group_outputs(); ++o)
      for (int64_t t : p.taps) p.offsets.push_back(o * row_ - shift(t));
}

void DirectConvolution::set_runs() {
  const ConvolutionShape& s = shape_;
  const auto add = [](std::vector<Run>& runs, Run run) {
    if (!runs.empty() && runs.back().continues(run)) return void(runs.back().count += run.count);
    runs.push_back(run);
  };
  for (int64_t y = s.top; y < s.top + s.h; ++y)
    for (int64_t x = s.left; x < s.left + std::min(s.stride_w, s.w); ++x) {
      const int64_t phase = y % s.stride_h * s.stride_w + x % s.stride_w;
      add(in_runs_, {(y - s.top) * s.w + x - s.left, phase * row_ + y / s.stride_h * row_w_ + x / s.stride_w,
                     divide_up(s.left + s.w - x, s.stride_w), s.stride_w});
    }
  for (int64_t y = 0; y < s.out_h; ++y) add(out_runs_, {y * s.out_w, y * row_w_, s.out_w, 1});
}

void DirectConvolution::read_input(int64_t n, const float* in) {
  for (int64_t i = 0; i < n; ++i)
    for (int64_t c = 0; c < shape_.inputs; ++c, in += shape_.h * shape_.w)
      read_map(in_runs_, in, &in_rows_[c * phases_ * row_ + i * example_]);
}

// Between the maps rows stay zero.
void DirectConvolution::read_gradient(int64_t n, const float* grad_out) {
  for (int64_t i = 0; i < n; ++i)
    for (int64_t o = 0; o < shape_.outputs; ++o, grad_out += shape_.out_h * shape_.out_w)
      read_map(out_runs_, grad_out, grad_rows() + o * row_ + i * example_);
  if (n < at_once_)
    for (int64_t o = 0; o < shape_.outputs; ++o)
      std::fill_n(grad_rows() + o * row_ + n * example_, (at_once_ - n) * example_, 0.0f);
}

void DirectConvolution::write_output(int64_t n, float* out) const {
  for (int64_t i = 0; i < n; ++i)
    for (int64_t o = 0; o < shape_.outputs; ++o, out += shape_.out_h * shape_.out_w)
      write_map(out_runs_, &result_rows_[o * row_ + i * example_], out);
}

void DirectConvolution::write_input_gradient(int64_t n, float* grad_in) const {
  for (int64_t i = 0; i < n; ++i)
    for (int64_t c = 0; c < shape_.inputs; ++c, grad_in += shape_.h * shape_.w)
      write_map(in_runs_, &result_rows_[c * phases_ * row_ + i * example_], grad_in);
}

// [group][input and tap][output]
void DirectConvolution::order_weights_for_outputs(const float* weights) {
  const int64_t outputs = group_outputs(), taps = group_inputs() * kernel_size();
  float* to = weights_.data();
  for (int64_t g = 0; g < shape_.groups; ++g, weights += outputs * taps)
    for (int64_t k = 0; k < taps; ++k)
      for (int64_t o = 0; o < outputs; ++o) *to++ = weights[o * taps + k];
}

// [group][phase][output and tap][input]
void DirectConvolution::order_weights_for_inputs(const float* weights) {
  const int64_t inputs = group_inputs(), outputs = group_outputs(), size = kernel_size();
  float* to = weights_.data();
  for (int64_t g = 0; g < shape_.groups; ++g, weights += outputs * inputs * size)
    for (const Phase& phase : backward_phases_)
      for (int64_t o = 0; o < outputs; ++o)
        for (int64_t t : phase.taps)
          for (int64_t c = 0; c < inputs; ++c) *to++ = weights[(o * inputs + c) * size + t];
}

void DirectConvolution::forward(int64_t n, const float* in, const float* weights, float* out) {
  const int64_t inputs = group_inputs(), outputs = group_outputs(), taps = std::ssize(offsets_);
  order_weights_for_outputs(weights);
  for (int64_t i = 0; i < n; i += at_once_) {
    const int64_t count = std::min(at_once_, n - i);
    read_input(count, in + i * shape_.in_elements());
    for (int64_t g = 0; g < shape_.groups; ++g)
      correlate({&in_rows_[g * inputs * phases_ * row_], offsets_.data(), taps, &weights_[g * outputs * taps], outputs,
                 count * example_, &result_rows_[g * outputs * row_], row_});
    write_output(count, out + i * shape_.out_elements());
  }
}

void DirectConvolution::add_weight_gradient(int64_t n, float* grad_weights) {
  const int64_t inputs = group_inputs(), outputs = group_outputs(), taps = std::ssize(offsets_);
  const int64_t positions = round_up(n * example_, kBlock);
  for (int64_t g = 0; g < shape_.groups; ++g)
    for (int64_t q = 0; q < positions; q += kProductPositions)
      add_products({grad_rows() + g * outputs * row_, row_, outputs, &in_rows_[g * inputs * phases_ * row_],
                    offsets_.data(), taps, q, std::min(positions, q + kProductPositions),
                    grad_weights + g * outputs * taps});
}

void DirectConvolution::correlate_gradient(int64_t n) {
  const int64_t inputs = group_inputs(), outputs = group_outputs();
  const float* weights = weights_.data();
  for (int64_t g = 0; g < shape_.groups; ++g)
    for (int64_t p = 0; p < phases_; ++p) {
      const Phase& phase = backward_phases_[static_cast<size_t>(p)];
      const int64_t taps = std::ssize(phase.offsets);
      correlate({grad_rows() + g * outputs * row_, phase.offsets.data(), taps, weights, inputs, n * example_,
                 &result_rows_[(g * inputs * phases_ + p) * row_], phases_ * row_});
      weights += taps * inputs;
    }
}

void DirectConvolution::backward(int64_t n, const float* in, const float* weights, const float* grad_out,
                                 float* grad_in, float* grad_weights) {
  const int64_t in_size = shape_.in_elements(), out_size = shape_.out_elements();
  order_weights_for_inputs(weights);
  std::fill_n(grad_weights, weights_.size(), 0.0f);
  for (int64_t i = 0; i < n; i += at_once_) {
    const int64_t count = std::min(at_once_, n - i);
    read_input(count, in + i * in_size);
    read_gradient(count, grad_out + i * out_size);
    add_weight_gradient(count, grad_weights);
    if (!grad_in) continue;
    correlate_gradient(count);
    write_input_gradient(count, grad_in + i * in_size);
  }
}

}  // namespace bitwright
