// SPDX-License-Identifier: Apache-2.0
#include "trainer/fake_quantized_network.h"

#include <ATen/core/Tensor.h>
#include <ATen/ops/add.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/convolution.h>
#include <ATen/ops/convolution_backward.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/mul.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "core/check.h"
#include "core/quantize.h"
#include "trainer/affine.h"
#include "trainer/exact_epilogue.h"
#include "trainer/fixed_point.h"
#include "trainer/kernels.h"

namespace bitwright {
namespace {

struct Slice {
  size_t begin = 0, size = 0;
};

// Conv2d and DepthwiseConv2d as torch wants them. A column (width 1) is turned into a row, for which oneDNN is up to
// twice as fast; the bytes are the same.
struct Convolution {
  bool column = false;
  std::array<int64_t, 2> stride{}, padding{};
  std::array<int64_t, 4> border{};  // left, right, top, bottom where the padding must be written out
  bool has_border = false;
  float fill = 0.0f;
  int64_t groups = 1;
  std::array<int64_t, 2> kernel{};
};

struct Layer {
  LayerSpec spec;
  LayerSpec without_norm;  // spec, batch norm left out: its affine is scale and bias
  LayerShapes shapes;
  Epilogue epilogue = Epilogue::kNone;
  Convolution convolution;
  Slice weights, bias, gamma, beta;  // of learned()
  std::vector<float> running_mean, running_var;

  // Of the last update().
  at::Tensor weight;  // codes, torch's order
  std::vector<float> weight_scales;
  // Of the last forward pass.
  at::Tensor input;  // as the convolution read it, border included
  at::Tensor acc;    // after pooling
  at::Tensor out;
  std::vector<int32_t> largest;  // of pooling windows
  double acc_scale = 1.0;        // real units per code of what the layer accumulates
  double scale = 1.0;            // of `out`
  Affine affine;                 // of scale and bias
  std::vector<ChannelNorm> norms;
  std::vector<float> gain, offset;
  // Of the last backward pass: of the loss with respect to `out`.
  at::Tensor grad;
};

float* data(const at::Tensor& t) {
  return t.data_ptr<float>();
}

at::Tensor map(int64_t n, int64_t elements) {
  return at::empty({n, elements}, at::kFloat);
}

Extent extent(int64_t n, const Shape& s) {
  return {n, s.c, int64_t{s.h} * s.w};
}

Pooling pooling(const Shape& in, const Shape& out, const Window& window) {
  return {in.h, in.w, out.h, out.w, window.h, window.w, window.stride_h, window.stride_w};
}

Pooling sum_pooling(const Layer& layer) {
  const Shape& in = layer.shapes.input;
  const auto* average = std::get_if<AvgPool2d>(&layer.spec.op);
  return pooling(in, layer.shapes.accumulators, average ? average->window : Window{in.h, in.w});
}

bool is_convolution(const Op& op) {
  return std::holds_alternative<Conv2d>(op) || std::holds_alternative<DepthwiseConv2d>(op);
}

// 1- and 2-bit codes without a middle: their latents stay in [-1, 1].
bool has_clipped_latents(const LayerSpec& layer) {
  return layer.weights == Format::kBinary || layer.weights == Format::kTernary;
}

float code_of(Padding padding) {
  return padding == Padding::kMinusOne ? -1.0f : padding == Padding::kPlusOne ? 1.0f : 0.0f;
}

// What lies behind the last position, by Padding.
int64_t padding_after(int n, int window, int stride, Padding padding) {
  const int out = padded_outputs(n, window, stride, padding), before = padding_before(n, window, stride, padding);
  return padding == Padding::kValid ? 0 : std::max((out - 1) * stride + window - n - before, 0);
}

Convolution make_convolution(const Layer& layer) {
  const auto* conv = std::get_if<Conv2d>(&layer.spec.op);
  const auto* depthwise = std::get_if<DepthwiseConv2d>(&layer.spec.op);
  const Window& k = conv ? conv->kernel : depthwise->kernel;
  const Padding padding = conv ? conv->padding : depthwise->padding;
  const Shape& in = layer.shapes.input;
  const int64_t top = padding_before(in.h, k.h, k.stride_h, padding),
                left = padding_before(in.w, k.w, k.stride_w, padding);
  const int64_t bottom = padding_after(in.h, k.h, k.stride_h, padding),
                right = padding_after(in.w, k.w, k.stride_w, padding);
  Convolution c;
  c.column = in.w == 1 && k.w == 1;
  c.groups = conv ? 1 : in.c;
  c.fill = code_of(padding);
  c.has_border = top != bottom || left != right || (c.fill != 0.0f && top + left + bottom + right > 0);
  c.stride = {k.stride_h, k.stride_w};
  c.kernel = {k.h, k.w};
  if (!c.has_border) c.padding = {top, left};
  c.border = {left, right, top, bottom};
  if (c.column) {
    std::swap(c.stride[0], c.stride[1]);
    std::swap(c.kernel[0], c.kernel[1]);
    std::swap(c.padding[0], c.padding[1]);
    c.border = {top, bottom, 0, 0};
  }
  return c;
}

at::Tensor view(const Convolution& convolution, const at::Tensor& t, int64_t n, const Shape& s) {
  return convolution.column ? t.view({n, s.c, 1, s.h}) : t.view({n, s.c, s.h, s.w});
}

// Calls f(index in the order of LayerParameters, index in torch's order, output channel) for every weight.
template <class F>
void for_each_weight(const Layer& layer, F f) {
  const bool spatial = std::holds_alternative<Conv2d>(layer.spec.op);
  const size_t rows = layer.shapes.output.c, row = layer.weights.size / rows;
  const size_t inputs = spatial ? layer.shapes.input.c : 1, taps = row / inputs;
  for (size_t o = 0; o < rows; ++o)
    for (size_t t = 0; t < taps; ++t)
      for (size_t i = 0; i < inputs; ++i) f(o * row + t * inputs + i, o * row + i * taps + t, o);
}

float scale_of(const std::vector<float>& scales, size_t channel) {
  return scales.empty() ? 1.0f : scales[scales.size() == 1 ? 0 : channel];
}

// N x C x P <-> N x P x C.
void transpose(int64_t n, int64_t rows, int64_t columns, const float* in, float* out) {
  for (int64_t i = 0; i < n; ++i, in += rows * columns, out += rows * columns)
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t c = 0; c < columns; ++c) out[c * rows + r] = in[r * columns + c];
}

at::Tensor transposed(const at::Tensor& t, int64_t n, int64_t rows, int64_t columns) {
  if (rows == 1 || columns == 1) return t.view({n, rows * columns});
  at::Tensor out = map(n, rows * columns);
  transpose(n, rows, columns, data(t), data(out));
  return out;
}

}  // namespace

struct FakeQuantizedNetwork::State {
  Network network;
  double input_scale, momentum;
  std::vector<Layer> layers;
  std::vector<float> learned, gradients;
  at::Tensor input;
  int64_t count = 0;
  std::vector<float> outputs;

  std::span<float> part(Slice s) { return std::span(learned).subspan(s.begin, s.size); }
  std::span<const float> part(Slice s) const { return std::span(learned).subspan(s.begin, s.size); }
  float* gradient(Slice s) { return gradients.data() + s.begin; }

  const at::Tensor& output(int i) const { return i == kNetworkInput ? input : layers[i].out; }
  double scale(int i) const { return i == kNetworkInput ? input_scale : layers[i].scale; }

  Slice reserve(int64_t size);
  void add_layer(int index, const LayerShapes& shapes);
  LayerParameters channel_parameters(const Layer& layer) const;
  void quantize(int index);

  at::Tensor convolve(Layer& layer);
  at::Tensor sum(const Layer& layer);
  at::Tensor add(Layer& layer);
  at::Tensor accumulate(Layer& layer);
  at::Tensor max_pool(Layer& layer, const at::Tensor& in, const Shape& shape, const Window& window);
  void run_epilogue(int index, Phase phase);
  void run_training_epilogue(int index);
  void run(int index, Phase phase);

  void pass_back(int index, const at::Tensor& grad);
  at::Tensor epilogue_backward(Layer& layer);
  at::Tensor max_pool_backward(const Layer& layer, const at::Tensor& grad, const Shape& shape, const Window& window);
  void weight_gradient(const Layer& layer, const at::Tensor& grad);
  void convolve_backward(const Layer& layer, const at::Tensor& grad);
  void dense_backward(const Layer& layer, const at::Tensor& grad);
  void sum_backward(const Layer& layer, const at::Tensor& grad);
  void add_backward(const Layer& layer, const at::Tensor& grad);
  void run_backward(Layer& layer);
};

// ---- What is learned

Slice FakeQuantizedNetwork::State::reserve(int64_t size) {
  const Slice slice{learned.size(), static_cast<size_t>(size)};
  learned.resize(learned.size() + slice.size);
  return slice;
}

void FakeQuantizedNetwork::State::add_layer(int index, const LayerShapes& shapes) {
  Layer& layer = layers.emplace_back();
  layer.spec = layer.without_norm = network.layers[index];
  layer.without_norm.batch_norm = false;
  layer.shapes = shapes;
  layer.epilogue = epilogue(network, index);
  const int64_t channels = shapes.output.c, norms = layer.spec.batch_norm ? channels : 0;
  layer.weights = reserve(weight_count(layer.spec, shapes));
  layer.bias = reserve(layer.spec.bias ? channels : 0);
  layer.gamma = reserve(norms);
  layer.beta = reserve(norms);
  layer.running_mean.assign(norms, 0.0f);
  layer.running_var.assign(norms, 1.0f);
  layer.norms.resize(norms);
  if (is_convolution(layer.spec.op)) layer.convolution = make_convolution(layer);
}

// All but the weights.
LayerParameters FakeQuantizedNetwork::State::channel_parameters(const Layer& layer) const {
  const auto copy = [&](Slice s) { return std::vector<float>(part(s).begin(), part(s).end()); };
  return {{}, copy(layer.bias), copy(layer.gamma), copy(layer.beta), layer.running_mean, layer.running_var};
}

void FakeQuantizedNetwork::State::quantize(int index) {
  Layer& layer = layers[index];
  if (!has_weights(layer.spec.op)) return;
  const auto latent = part(layer.weights);
  const QuantizedWeights q = quantize_layer(network, index, layer.shapes, latent);
  layer.weight_scales = q.scales;
  if (!layer.weight.defined()) layer.weight = at::empty({static_cast<int64_t>(latent.size())}, at::kFloat);
  float* weight = data(layer.weight);
  for_each_weight(layer, [&](size_t ours, size_t theirs, size_t) {
    weight[theirs] = q.codes.empty() ? latent[ours] : static_cast<float>(q.codes[ours]);
  });
}

// ---- Forward

at::Tensor FakeQuantizedNetwork::State::convolve(Layer& layer) {
  const Convolution& c = layer.convolution;
  layer.input = view(c, output(layer.spec.from), count, layer.shapes.input);
  if (c.has_border) layer.input = at::constant_pad_nd(layer.input, c.border, c.fill);
  const int64_t inputs = layer.shapes.input.c / c.groups;
  layer.weight = layer.weight.view({layer.shapes.output.c, inputs, c.kernel[0], c.kernel[1]});
  return at::convolution(layer.input, layer.weight, {}, c.stride, c.padding, {1, 1}, false, {0, 0}, c.groups);
}

at::Tensor FakeQuantizedNetwork::State::sum(const Layer& layer) {
  at::Tensor out = map(count, layer.shapes.accumulators.elements());
  sum_pool_forward(count * layer.shapes.input.c, sum_pooling(layer), data(output(layer.spec.from)), data(out));
  return out;
}

at::Tensor FakeQuantizedNetwork::State::add(Layer& layer) {
  const int with = std::get<Add>(layer.spec.op).with;
  const double from_scale = scale(layer.spec.from), with_scale = scale(with);
  layer.acc_scale = std::min(from_scale, with_scale);
  return at::add(at::mul(output(layer.spec.from), from_scale / layer.acc_scale), output(with),
                 with_scale / layer.acc_scale);
}

at::Tensor FakeQuantizedNetwork::State::accumulate(Layer& layer) {
  layer.acc_scale = scale(layer.spec.from);
  if (is_convolution(layer.spec.op)) return convolve(layer);
  if (std::holds_alternative<Add>(layer.spec.op)) return add(layer);
  if (!std::holds_alternative<Dense>(layer.spec.op)) return sum(layer);
  layer.input = output(layer.spec.from).view({count, layer.shapes.input.c});
  layer.weight = layer.weight.view({layer.shapes.output.c, layer.shapes.input.c});
  return at::mm(layer.input, layer.weight.t());
}

at::Tensor FakeQuantizedNetwork::State::max_pool(Layer& layer, const at::Tensor& in, const Shape& shape,
                                                 const Window& window) {
  at::Tensor out = map(count, layer.shapes.output.elements());
  layer.largest.resize(static_cast<size_t>(out.numel()));
  max_pool_forward(count * shape.c, pooling(shape, layer.shapes.output, window), data(in), data(out),
                   layer.largest.data());
  return out;
}

void FakeQuantizedNetwork::State::run_training_epilogue(int index) {
  Layer& layer = layers[index];
  const Extent e = extent(count, layer.shapes.output);
  const LayerSpec& spec = layer.spec;
  const Quantizer quantizer = make_quantizer(spec.activations, layer.scale, spec.relu);
  const auto gamma = part(layer.gamma), beta = part(layer.beta);
  for (size_t c = 0; c < layer.norms.size(); ++c)
    layer.norms[c] = {static_cast<float>(layer.affine.a[c]), static_cast<float>(layer.affine.b[c]), gamma[c], beta[c]};
  if (spec.batch_norm)
    return batch_norm_forward(e, data(layer.acc), quantizer, momentum, layer.norms.data(), layer.running_mean.data(),
                              layer.running_var.data(), data(layer.out));
  layer.gain.assign(layer.affine.a.begin(), layer.affine.a.end());
  layer.offset.assign(layer.affine.b.begin(), layer.affine.b.end());
  if (layer.epilogue == Epilogue::kRaw) {
    const auto bias = raw_bias(layer.affine, accumulator_bound(network, index));
    layer.gain.assign(bias.size(), 1.0f);
    layer.offset.assign(bias.begin(), bias.end());
  }
  affine_forward(e, data(layer.acc), layer.gain.data(), layer.offset.data(), quantizer, data(layer.out));
}

void FakeQuantizedNetwork::State::run_epilogue(int index, Phase phase) {
  Layer& layer = layers[index];
  const LayerParameters parameters = channel_parameters(layer);
  const LayerSpec& spec = phase == Phase::kTrain ? layer.without_norm : layer.spec;
  layer.affine = fold_affine(spec, layer.shapes, parameters, layer.weight_scales, layer.acc_scale);
  const bool raw = layer.epilogue == Epilogue::kRaw;
  layer.scale = raw ? layer.affine.a.front() : activation_scale(spec.activations, spec.range_log2);
  layer.out = layer.acc;
  if (raw && !spec.bias) return;
  layer.out = map(count, layer.shapes.output.elements());
  if (phase == Phase::kTrain) return run_training_epilogue(index);
  exact_epilogue(network, index, layer.affine, extent(count, layer.shapes.output), data(layer.acc), data(layer.out));
}

void FakeQuantizedNetwork::State::run(int index, Phase phase) {
  Layer& layer = layers[index];
  const Shape& in = layer.shapes.input;
  layer.scale = scale(layer.spec.from);
  if (const auto* pool = std::get_if<MaxPool2d>(&layer.spec.op)) {
    layer.out = max_pool(layer, output(layer.spec.from), in, pool->window);
    return;
  }
  if (std::holds_alternative<Flatten>(layer.spec.op)) {
    layer.out = transposed(output(layer.spec.from), count, in.c, int64_t{in.h} * in.w);
    return;
  }
  layer.acc = accumulate(layer).contiguous();
  if (layer.spec.pool) layer.acc = max_pool(layer, layer.acc, layer.shapes.accumulators, *layer.spec.pool);
  run_epilogue(index, phase);
}

// ---- Backward

// Adds to the gradient of what `index` gave; the network's input needs none.
void FakeQuantizedNetwork::State::pass_back(int index, const at::Tensor& grad) {
  if (index == kNetworkInput) return;
  at::Tensor& sum = layers[index].grad;
  const at::Tensor flat = grad.contiguous().view({count, -1});
  sum = sum.defined() ? at::add(sum, flat) : flat;
}

// Sets the gradients of bias, gamma and beta; gives that of the pooled accumulators.
at::Tensor FakeQuantizedNetwork::State::epilogue_backward(Layer& layer) {
  if (layer.epilogue == Epilogue::kRaw && !layer.spec.bias) return layer.grad;
  const Extent e = extent(count, layer.shapes.output);
  const Quantizer quantizer = make_quantizer(layer.spec.activations, layer.scale, layer.spec.relu);
  at::Tensor out = map(count, layer.shapes.output.elements());
  if (layer.spec.batch_norm) {  // which takes any bias away again: its gradient is 0
    batch_norm_backward(e, data(layer.acc), data(layer.grad), quantizer, layer.norms.data(), data(out));
    for (size_t c = 0; c < layer.norms.size(); ++c) {
      gradient(layer.gamma)[c] = layer.norms[c].grad_gamma;
      gradient(layer.beta)[c] = layer.norms[c].grad_beta;
    }
    return out;
  }
  std::vector<float> grad_offset(static_cast<size_t>(e.c));
  affine_backward(e, data(layer.acc), layer.gain.data(), layer.offset.data(), data(layer.grad), quantizer, data(out),
                  grad_offset.data());
  const float per_bias = layer.epilogue == Epilogue::kRaw ? static_cast<float>(1.0 / layer.scale) : 1.0f;
  for (size_t c = 0; c < layer.bias.size; ++c) gradient(layer.bias)[c] = grad_offset[c] * per_bias;
  return out;
}

at::Tensor FakeQuantizedNetwork::State::max_pool_backward(const Layer& layer, const at::Tensor& grad,
                                                          const Shape& shape, const Window& window) {
  at::Tensor out = map(count, shape.elements());
  bitwright::max_pool_backward(count * shape.c, pooling(shape, layer.shapes.output, window), data(grad),
                               layer.largest.data(), data(out));
  return out;
}

// grad: of the codes. The latent gets that of scale * code.
void FakeQuantizedNetwork::State::weight_gradient(const Layer& layer, const at::Tensor& grad) {
  const at::Tensor held = grad.contiguous();
  const float* of_codes = data(held);
  float* of_latents = gradient(layer.weights);
  const auto latent = part(layer.weights);
  const float clip = has_clipped_latents(layer.spec) ? 1.0f : INFINITY;
  for_each_weight(layer, [&](size_t ours, size_t theirs, size_t channel) {
    const float g = of_codes[theirs] / scale_of(layer.weight_scales, channel);
    of_latents[ours] = std::fabs(latent[ours]) <= clip ? g : 0.0f;
  });
}

void FakeQuantizedNetwork::State::convolve_backward(const Layer& layer, const at::Tensor& grad) {
  const Convolution& c = layer.convolution;
  const bool needs_input = layer.spec.from != kNetworkInput;
  auto [grad_input, grad_weight, unused] =
      at::convolution_backward(view(c, grad, count, layer.shapes.accumulators), layer.input, layer.weight, c10::nullopt,
                               c.stride, c.padding, {1, 1}, false, {0, 0}, c.groups, {needs_input, true, false});
  weight_gradient(layer, grad_weight);
  if (!needs_input) return;
  if (c.has_border) {
    const at::Tensor inside = view(c, output(layer.spec.from), count, layer.shapes.input);
    grad_input = grad_input.narrow(3, c.border[0], inside.size(3)).narrow(2, c.border[2], inside.size(2));
  }
  pass_back(layer.spec.from, grad_input);
}

void FakeQuantizedNetwork::State::dense_backward(const Layer& layer, const at::Tensor& grad) {
  const at::Tensor g = grad.view({count, layer.shapes.output.c});
  weight_gradient(layer, at::mm(g.t(), layer.input));
  if (layer.spec.from != kNetworkInput) pass_back(layer.spec.from, at::mm(g, layer.weight));
}

void FakeQuantizedNetwork::State::sum_backward(const Layer& layer, const at::Tensor& grad) {
  at::Tensor out = map(count, layer.shapes.input.elements());
  sum_pool_backward(count * layer.shapes.input.c, sum_pooling(layer), data(grad), data(out));
  pass_back(layer.spec.from, out);
}

void FakeQuantizedNetwork::State::add_backward(const Layer& layer, const at::Tensor& grad) {
  for (int source : {layer.spec.from, std::get<Add>(layer.spec.op).with})
    pass_back(source, at::mul(grad, scale(source) / layer.acc_scale));
}

void FakeQuantizedNetwork::State::run_backward(Layer& layer) {
  const Shape& in = layer.shapes.input;
  if (const auto* pool = std::get_if<MaxPool2d>(&layer.spec.op))
    return pass_back(layer.spec.from, max_pool_backward(layer, layer.grad, in, pool->window));
  if (std::holds_alternative<Flatten>(layer.spec.op))
    return pass_back(layer.spec.from, transposed(layer.grad, count, int64_t{in.h} * in.w, in.c));
  at::Tensor grad = epilogue_backward(layer);
  if (layer.spec.pool) grad = max_pool_backward(layer, grad, layer.shapes.accumulators, *layer.spec.pool);
  if (is_convolution(layer.spec.op)) return convolve_backward(layer, grad);
  if (std::holds_alternative<Dense>(layer.spec.op)) return dense_backward(layer, grad);
  if (std::holds_alternative<Add>(layer.spec.op)) return add_backward(layer, grad);
  sum_backward(layer, grad);
}

// ---- The class

FakeQuantizedNetwork::FakeQuantizedNetwork(const Network& network, double input_scale, double batch_norm_momentum)
    : state_(std::make_unique<State>()) {
  state_->network = network;
  state_->input_scale = input_scale;
  state_->momentum = batch_norm_momentum;
  const auto shapes = infer_shapes(network);
  for (size_t i = 0; i < shapes.size(); ++i) state_->add_layer(static_cast<int>(i), shapes[i]);
  state_->gradients.resize(state_->learned.size());
}

FakeQuantizedNetwork::~FakeQuantizedNetwork() = default;

void FakeQuantizedNetwork::initialize(double latent_init, Rng& rng) {
  for (Layer& layer : state_->layers) {
    const bool narrow = has_weights(layer.spec.op) && bit_width(layer.spec.weights) <= 2;
    const double fan_in = static_cast<double>(layer.weights.size) / layer.shapes.output.c;
    const double spread = narrow ? latent_init : std::sqrt(3.0 / fan_in);
    for (float& w : state_->part(layer.weights)) w = static_cast<float>(rng.uniform(-spread, spread));
    std::ranges::fill(state_->part(layer.gamma), 1.0f);
  }
  update();
}

void FakeQuantizedNetwork::set_parameters(const Parameters& parameters) {
  std::vector<LayerShapes> shapes;
  for (const Layer& layer : state_->layers) shapes.push_back(layer.shapes);
  check_parameters(state_->network, shapes, parameters);
  for (size_t i = 0; i < shapes.size(); ++i) {
    Layer& layer = state_->layers[i];
    const LayerParameters& p = parameters.layers[i];
    std::ranges::copy(p.weights, state_->part(layer.weights).begin());
    std::ranges::copy(p.bias, state_->part(layer.bias).begin());
    std::ranges::copy(p.gamma, state_->part(layer.gamma).begin());
    std::ranges::copy(p.beta, state_->part(layer.beta).begin());
    layer.running_mean = p.running_mean;
    layer.running_var = p.running_var;
    state_->quantize(static_cast<int>(i));
  }
}

Parameters FakeQuantizedNetwork::parameters() const {
  Parameters out;
  for (const Layer& layer : state_->layers) {
    out.layers.push_back(state_->channel_parameters(layer));
    const auto weights = state_->part(layer.weights);
    out.layers.back().weights.assign(weights.begin(), weights.end());
  }
  return out;
}

std::span<float> FakeQuantizedNetwork::learned() {
  return state_->learned;
}

std::span<const float> FakeQuantizedNetwork::gradients() const {
  return state_->gradients;
}

void FakeQuantizedNetwork::update() {
  for (size_t i = 0; i < state_->layers.size(); ++i) {
    const Layer& layer = state_->layers[i];
    if (has_clipped_latents(layer.spec))
      for (float& w : state_->part(layer.weights)) w = std::clamp(w, -1.0f, 1.0f);
    state_->quantize(static_cast<int>(i));
  }
}

std::span<const float> FakeQuantizedNetwork::forward(std::span<const float> codes, int64_t count, Phase phase) {
  State& s = *state_;
  BW_CHECK(static_cast<int64_t>(codes.size()) == count * s.network.input.elements());
  s.count = count;
  s.input = at::from_blob(const_cast<float*>(codes.data()), {count, s.network.input.elements()}, at::kFloat);
  for (size_t i = 0; i < s.layers.size(); ++i) s.run(static_cast<int>(i), phase);
  const Layer& last = s.layers.back();
  const Extent e = extent(count, last.shapes.output);
  s.outputs.resize(static_cast<size_t>(e.elements()));
  transpose(count, e.c, e.p, data(last.out), s.outputs.data());
  for (float& y : s.outputs) y = static_cast<float>(y * last.scale);
  return s.outputs;
}

void FakeQuantizedNetwork::backward(std::span<const float> output_gradients) {
  State& s = *state_;
  BW_CHECK(output_gradients.size() == s.outputs.size());
  std::ranges::fill(s.gradients, 0.0f);
  for (Layer& layer : s.layers) layer.grad.reset();
  Layer& last = s.layers.back();
  const Extent e = extent(s.count, last.shapes.output);
  last.grad = map(s.count, e.c * e.p);
  transpose(s.count, e.p, e.c, output_gradients.data(), data(last.grad));
  last.grad.mul_(last.scale);
  for (size_t i = s.layers.size(); i-- > 0;)
    if (s.layers[i].grad.defined()) s.run_backward(s.layers[i]);
}

}  // namespace bitwright
