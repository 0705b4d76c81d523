// SPDX-License-Identifier: Apache-2.0
#include "deploy/reference.h"

#include <cmath>
#include <limits>

#include "core/check.h"
#include "core/error.h"
#include "core/log_variance.h"

namespace bitwright {
namespace {

// ---- windows

// Copies the window at accumulator (y, x) into `patch`, [kernel_h][kernel_w][c]. Taps in a border of 0 become 0: that
// is as good as skipping them, also in floating point, where a sum that starts from +0 never becomes -0 and so does
// not change when +0 or -0 is added (weights are finite).
template <class In, class T>
void gather(const std::vector<In>& in, const Shape& shape, const Slide& slide, int y, int x, T* patch) {
  const Window& k = slide.window;
  const int top = y * k.stride_h - padding_before(shape.h, k.h, k.stride_h, slide.padding);
  const int left = x * k.stride_w - padding_before(shape.w, k.w, k.stride_w, slide.padding);
  const T border = static_cast<T>(slide.padding == Padding::kPlusOne    ? 1
                                  : slide.padding == Padding::kMinusOne ? -1
                                                                        : 0);
  for (int row = top; row < top + k.h; ++row)
    for (int column = left; column < left + k.w; ++column, patch += shape.c) {
      if (row < 0 || row >= shape.h || column < 0 || column >= shape.w) {
        std::fill_n(patch, shape.c, border);
        continue;
      }
      const In* pixel = in.data() + (size_t(row) * shape.w + column) * shape.c;
      for (int c = 0; c < shape.c; ++c) patch[c] = static_cast<T>(pixel[c]);
    }
}

// ---- accumulators; X: a code or real of the input, W: of a weight, A: the accumulator

// acc[o] = sum over taps of patch[tap] * weights[o][tap]: integers, in any order.
template <class X>
void dot_rows(const X* patch, const std::vector<int16_t>& weights, int taps, int outputs, int32_t* acc) {
  for (int o = 0; o < outputs; ++o) {
    const int16_t* row = weights.data() + size_t(o) * taps;
    int32_t sum = 0;
    for (int tap = 0; tap < taps; ++tap) sum += static_cast<int32_t>(patch[tap]) * row[tap];
    acc[o] = sum;
  }
}

// The same, tap by tap for all outputs at once; weights [tap][o]. In floating point this is the order that the
// contract asks for: row, column, channel, each product rounded before it is added.
template <class X, class W, class A>
void add_taps(const X* patch, const std::vector<W>& weights, int taps, int outputs, A* acc) {
  std::fill_n(acc, outputs, A{0});
  for (int tap = 0; tap < taps; ++tap) {
    const W* column = weights.data() + size_t(tap) * outputs;
    const A x = static_cast<A>(patch[tap]);
    for (int o = 0; o < outputs; ++o) acc[o] += x * static_cast<A>(column[o]);
  }
}

template <class T, class Code>
std::vector<T> transposed(const std::vector<Code>& weights, int rows) {
  std::vector<T> out(weights.size());
  const size_t columns = weights.size() / rows;
  for (int r = 0; r < rows; ++r)
    for (size_t c = 0; c < columns; ++c) out[c * rows + r] = static_cast<T>(weights[r * columns + c]);
  return out;
}

// Below this many taps a dot product is too short for vector instructions; then outputs are the inner loop.
constexpr int kLongDot = 32;

// One layer, ready to run: weights in the type and order of its inner loop.
struct Layer {
  const LayerSpec* spec = nullptr;
  const QuantizedLayer* model = nullptr;
  LayerShapes shapes;
  Slide slide;
  Epilogue epilogue = Epilogue::kNone;
  Format storage = Format::kInt8, input = Format::kInt8;
  bool in_float = false;
  std::vector<int16_t> rows;         // [out][tap], long dot products of integers
  std::vector<int32_t> columns;      // [tap][out], short ones
  std::vector<float> float_columns;  // [tap][out], float accumulators
};

bool is_narrow(Format format) {
  return bit_width(format) <= 16;
}

bool uses_rows(const Layer& layer) {
  return !layer.rows.empty();
}

template <class X, class A, class Sum>
std::vector<A> each_position(const Layer& layer, const Tensor& in, int taps, const Sum& sum) {
  const Shape out = layer.shapes.accumulators;
  std::vector<A> acc(static_cast<size_t>(out.elements()));
  std::vector<X> patch(static_cast<size_t>(taps));
  A* at = acc.data();
  for (int y = 0; y < out.h; ++y)
    for (int x = 0; x < out.w; ++x, at += out.c) {
      if (in.storage == Format::kFloat32)
        gather(in.reals, layer.shapes.input, layer.slide, y, x, patch.data());
      else
        gather(in.codes, layer.shapes.input, layer.slide, y, x, patch.data());
      sum(patch.data(), at);
    }
  return acc;
}

int patch_size(const Layer& layer) {
  return layer.slide.window.h * layer.slide.window.w * layer.shapes.input.c;
}

// Conv2d and Dense.
std::vector<int32_t> convolve(const Layer& layer, const Tensor& in) {
  const int taps = patch_size(layer), outputs = layer.shapes.accumulators.c;
  if (!uses_rows(layer))
    return each_position<int32_t, int32_t>(layer, in, taps, [&](const int32_t* patch, int32_t* acc) {
      add_taps(patch, layer.columns, taps, outputs, acc);
    });
  if (is_narrow(in.storage))
    return each_position<int16_t, int32_t>(
        layer, in, taps, [&](const int16_t* patch, int32_t* acc) { dot_rows(patch, layer.rows, taps, outputs, acc); });
  return each_position<int32_t, int32_t>(
      layer, in, taps, [&](const int32_t* patch, int32_t* acc) { dot_rows(patch, layer.rows, taps, outputs, acc); });
}

std::vector<float> convolve_float(const Layer& layer, const Tensor& in) {
  const int taps = patch_size(layer), outputs = layer.shapes.accumulators.c;
  return each_position<float, float>(layer, in, taps, [&](const float* patch, float* acc) {
    add_taps(patch, layer.float_columns, taps, outputs, acc);
  });
}

// DepthwiseConv2d with weights [tap][channel]; AvgPool2d and GlobalAvgPool with weights of 1, which change no sum.
template <class A>
std::vector<A> per_channel(const Layer& layer, const Tensor& in, const std::vector<A>& weights) {
  const int channels = layer.shapes.input.c, taps = layer.slide.window.h * layer.slide.window.w;
  return each_position<A, A>(layer, in, taps * channels, [&](const A* patch, A* acc) {
    std::fill_n(acc, channels, A{0});
    for (int i = 0; i < taps; ++i)
      for (int c = 0; c < channels; ++c)
        acc[c] +=
            weights.empty() ? patch[i * channels + c] : patch[i * channels + c] * weights[size_t(i) * channels + c];
  });
}

// GlobalLogVariance of integers and of floats.
std::vector<int32_t> log_variance(const Layer& layer, const std::vector<int32_t>& codes) {
  const size_t channels = static_cast<size_t>(layer.shapes.input.c);
  const int64_t n = int64_t{layer.shapes.input.h} * layer.shapes.input.w;
  std::vector<int32_t> acc(channels);
  for (size_t c = 0; c < channels; ++c) {
    int64_t sum = 0, squares = 0;
    for (size_t i = c; i < codes.size(); i += channels) {
      sum += codes[i];
      squares += int64_t{codes[i]} * codes[i];
    }
    acc[c] = log2_steps(clamped_variance(static_cast<double>(n * squares - sum * sum), kSmallestCodeVariance));
  }
  return acc;
}

std::vector<float> log_variance(const Layer& layer, const std::vector<float>& reals) {
  const size_t channels = static_cast<size_t>(layer.shapes.input.c);
  const auto n = static_cast<float>(int64_t{layer.shapes.input.h} * layer.shapes.input.w);
  std::vector<float> acc(channels);
  for (size_t c = 0; c < channels; ++c) {
    float sum = 0.0f, squares = 0.0f;
    for (size_t i = c; i < reals.size(); i += channels) sum += reals[i] - reals[c];
    const float mean = sum / n;
    for (size_t i = c; i < reals.size(); i += channels) {
      const float from_first = reals[i] - reals[c], distance = from_first - mean, square = distance * distance;
      squares += square;
    }
    const float variance = n * squares;
    acc[c] = static_cast<float>(log2_steps(clamped_variance(variance, kSmallestVariance)));
  }
  return acc;
}

std::vector<int32_t> add_codes(const Tensor& a, int shift_a, const Tensor& b, int shift_b) {
  std::vector<int32_t> acc(a.codes.size());
  for (size_t i = 0; i < acc.size(); ++i) acc[i] = a.codes[i] * (1 << shift_a) + b.codes[i] * (1 << shift_b);
  return acc;
}

std::vector<float> add_reals(const Tensor& a, const Tensor& b) {
  std::vector<float> acc(a.reals.size());
  for (size_t i = 0; i < acc.size(); ++i) acc[i] = a.reals[i] + b.reals[i];
  return acc;
}

// The largest of every window, the first of equals.
template <class T>
std::vector<T> max_pooled(const std::vector<T>& in, const Shape& shape, const Window& pool, const Shape& out) {
  std::vector<T> result(static_cast<size_t>(out.elements()));
  T* best = result.data();
  for (int y = 0; y < out.h; ++y)
    for (int x = 0; x < out.w; ++x, best += out.c)
      for (int py = 0; py < pool.h; ++py)
        for (int px = 0; px < pool.w; ++px) {
          const T* at = in.data() + (size_t(y * pool.stride_h + py) * shape.w + x * pool.stride_w + px) * shape.c;
          for (int c = 0; c < out.c; ++c)
            if (py + px == 0 || at[c] > best[c]) best[c] = at[c];
        }
  return result;
}

// Every pixel as a block of op.h x op.w equal ones.
template <class T>
std::vector<T> upsampled(const std::vector<T>& in, const Shape& shape, const Upsample2d& op) {
  std::vector<T> result;
  result.reserve(in.size() * static_cast<size_t>(op.h) * static_cast<size_t>(op.w));
  for (int y = 0; y < shape.h * op.h; ++y)
    for (int x = 0; x < shape.w * op.w; ++x) {
      const auto pixel = in.begin() + ((int64_t{y} / op.h) * shape.w + x / op.w) * shape.c;
      result.insert(result.end(), pixel, pixel + shape.c);
    }
  return result;
}

// ---- epilogues: one accumulator to one output

int32_t raw(const QuantizedLayer& layer, int c, int32_t acc) {
  return layer.bias.empty() ? acc
                            : static_cast<int32_t>(static_cast<uint32_t>(acc) + static_cast<uint32_t>(layer.bias[c]));
}

int32_t threshold(const QuantizedLayer& layer, Format format, int c, int32_t acc) {
  const int levels = threshold_count(format);
  const int32_t* t = layer.thresholds.data() + size_t(c) * levels;
  int reached = 0;
  for (int k = 0; k < levels; ++k) reached += layer.descending[c] ? acc <= t[k] : acc >= t[k];
  return format == Format::kBinary ? 2 * reached - 1 : min_code(format) + reached;
}

int32_t requantize(const QuantizedLayer& layer, Format format, int c, int32_t acc) {
  const int64_t code = (int64_t{acc} * layer.multiplier[c] + layer.offset[c]) >> layer.shift[c];
  return static_cast<int32_t>(std::clamp<int64_t>(code, min_code(format), max_code(format)));
}

float affine(const QuantizedLayer& layer, bool relu, int c, float acc) {
  const float product = acc * layer.float_scale[c];
  const float y = product + layer.float_offset[c];
  return relu && !(y > 0.0f) ? 0.0f : y;
}

int32_t round_to_code(const QuantizedLayer& layer, Format format, float y) {
  if (format == Format::kBinary) return y >= 0.0f ? 1 : -1;
  const float steps = y * layer.inverse_step;
  const float code = std::floor(steps + 0.5f);
  const float low = static_cast<float>(min_code(format)), high = static_cast<float>(max_code(format));
  return static_cast<int32_t>(!(code > low) ? low : code >= high ? high : code);
}

template <class A>
Tensor finish(const Layer& layer, const std::vector<A>& acc) {
  Tensor out{layer.storage, {}, {}};
  const int channels = layer.shapes.output.c;
  const auto each = [&](auto& to, const auto& function) {
    to.resize(acc.size());
    for (size_t i = 0; i < acc.size(); i += channels)
      for (int c = 0; c < channels; ++c) to[i + c] = function(c, acc[i + c]);
  };
  const QuantizedLayer& m = *layer.model;
  const Format format = layer.storage;
  const auto real = [&](int c, A a) { return affine(m, layer.spec->relu, c, static_cast<float>(a)); };
  const auto whole = [](A a) { return static_cast<int32_t>(a); };
  switch (layer.epilogue) {
    case Epilogue::kRaw: each(out.codes, [&](int c, A a) { return raw(m, c, whole(a)); }); break;
    case Epilogue::kThreshold: each(out.codes, [&](int c, A a) { return threshold(m, format, c, whole(a)); }); break;
    case Epilogue::kRequantize: each(out.codes, [&](int c, A a) { return requantize(m, format, c, whole(a)); }); break;
    case Epilogue::kFloat:
      if (format == Format::kFloat32)
        each(out.reals, real);
      else
        each(out.codes, [&](int c, A a) { return round_to_code(m, format, real(c, a)); });
      break;
    case Epilogue::kNone: BW_CHECK(false);
  }
  return out;
}

template <class A>
Tensor pool_and_finish(const Layer& layer, const std::vector<A>& acc) {
  if (!layer.spec->pool) return finish(layer, acc);
  return finish(layer, max_pooled(acc, layer.shapes.accumulators, *layer.spec->pool, layer.shapes.output));
}

// ---- the network

Layer prepare(const QuantizedModel& model, int index, const LayerShapes& shapes) {
  const Network& network = model.network;
  Layer layer;
  layer.spec = &network.layers[index];
  layer.model = &model.layers[index];
  layer.shapes = shapes;
  layer.slide = slide_of(*layer.spec, shapes.input);
  layer.epilogue = epilogue(network, index);
  layer.storage = storage_format(network, index);
  layer.input = storage_format(network, layer.spec->from);
  layer.in_float = computes_in_float(network, index);
  if (!has_weights(layer.spec->op)) return layer;
  const int outputs = shapes.accumulators.c;
  const bool depthwise = std::holds_alternative<DepthwiseConv2d>(layer.spec->op);
  const std::vector<int8_t>& codes = layer.model->weights;
  if (layer.in_float)
    layer.float_columns = layer.spec->weights == Format::kFloat32
                              ? transposed<float>(layer.model->float_weights, outputs)
                              : transposed<float>(codes, outputs);
  else if (!depthwise && patch_size(layer) >= kLongDot)
    layer.rows.assign(codes.begin(), codes.end());
  else
    layer.columns = transposed<int32_t>(codes, outputs);
  return layer;
}

class Reference {
 public:
  explicit Reference(const QuantizedModel& model) : network_(model.network) {
    check_model(model);
    const auto shapes = infer_shapes(model.network);
    for (size_t i = 0; i < shapes.size(); ++i) layers_.push_back(prepare(model, static_cast<int>(i), shapes[i]));
  }

  // Tensor t is the output of layer t - 1; tensor 0 the input.
  std::vector<Tensor> run(std::span<const int16_t> input) const {
    if (static_cast<int64_t>(input.size()) != network_.input.elements())
      throw StructureError("network " + network_.name + ": an input of the wrong size");
    std::vector<Tensor> tensors = {{network_.input_format, {input.begin(), input.end()}, {}}};
    for (int32_t code : tensors[0].codes)
      if (code < min_code(network_.input_format) || code > max_code(network_.input_format))
        throw StructureError("network " + network_.name + ": an input code outside its format");
    for (const Layer& layer : layers_) tensors.push_back(step(layer, tensors));
    return tensors;
  }

 private:
  static Tensor step(const Layer& layer, const std::vector<Tensor>& tensors) {
    const Tensor& in = tensors[layer.spec->from + 1];
    const Op& op = layer.spec->op;
    if (std::holds_alternative<Flatten>(op)) return in;
    if (const auto* pool = std::get_if<MaxPool2d>(&op)) return max_pool(layer, pool->window, in);
    if (const auto* factors = std::get_if<Upsample2d>(&op)) return upsample(layer, *factors, in);
    if (const auto* add = std::get_if<Add>(&op)) return sum(layer, in, tensors[add->with + 1]);
    if (std::holds_alternative<GlobalLogVariance>(op))
      return layer.in_float ? pool_and_finish(layer, log_variance(layer, in.reals))
                            : pool_and_finish(layer, log_variance(layer, in.codes));
    const bool convolution = std::holds_alternative<Conv2d>(op) || std::holds_alternative<Dense>(op);
    if (layer.in_float)
      return pool_and_finish(layer,
                             convolution ? convolve_float(layer, in) : per_channel(layer, in, layer.float_columns));
    return pool_and_finish(layer, convolution ? convolve(layer, in) : per_channel(layer, in, layer.columns));
  }

  static Tensor max_pool(const Layer& layer, const Window& window, const Tensor& in) {
    const Shape from = layer.shapes.input, to = layer.shapes.output;
    if (in.storage == Format::kFloat32) return {in.storage, {}, max_pooled(in.reals, from, window, to)};
    return {in.storage, max_pooled(in.codes, from, window, to), {}};
  }

  static Tensor upsample(const Layer& layer, const Upsample2d& op, const Tensor& in) {
    const Shape from = layer.shapes.input;
    if (in.storage == Format::kFloat32) return {in.storage, {}, upsampled(in.reals, from, op)};
    return {in.storage, upsampled(in.codes, from, op), {}};
  }

  static Tensor sum(const Layer& layer, const Tensor& a, const Tensor& b) {
    if (layer.in_float) return pool_and_finish(layer, add_reals(a, b));
    return pool_and_finish(layer, add_codes(a, layer.model->shift_from, b, layer.model->shift_with));
  }

  const Network& network_;
  std::vector<Layer> layers_;
};

template <class T>
int largest(const std::vector<T>& values) {
  return static_cast<int>(std::max_element(values.begin(), values.end()) - values.begin());
}

}  // namespace

std::vector<Tensor> reference_layers(const QuantizedModel& model, std::span<const int16_t> input) {
  std::vector<Tensor> tensors = Reference(model).run(input);
  tensors.erase(tensors.begin());
  return tensors;
}

Tensor reference_infer(const QuantizedModel& model, std::span<const int16_t> input) {
  return Reference(model).run(input).back();
}

int argmax(const Tensor& output) {
  return output.storage == Format::kFloat32 ? largest(output.reals) : largest(output.codes);
}

std::vector<float> reference_outputs(const QuantizedModel& model, const Dataset& data) {
  const Reference reference(model);
  const double scale = model.layers.back().output_scale;
  std::vector<float> outputs;
  for (int64_t i = 0; i < data.size(); ++i) {
    const Tensor output = reference.run(data.example(i)).back();
    for (float real : output.reals) outputs.push_back(real);
    for (int32_t code : output.codes) outputs.push_back(static_cast<float>(scale * code));
  }
  return outputs;
}

}  // namespace bitwright
