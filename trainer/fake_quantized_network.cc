// SPDX-License-Identifier: Apache-2.0
#include "trainer/fake_quantized_network.h"

#include <ATen/core/Tensor.h>
#include <ATen/ops/add.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/convolution.h>
#include <ATen/ops/convolution_backward.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/mul.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "core/check.h"
#include "core/log_variance.h"
#include "core/quantize.h"
#include "trainer/affine.h"
#include "trainer/convolution.h"
#include "trainer/device_maps.h"
#include "trainer/fixed_point.h"
#include "trainer/geometry.h"
#include "trainer/maps.h"
#include "trainer/torch_threads.h"

namespace bitwright {
namespace {

struct Slice {
  size_t begin = 0, size = 0;
};

struct Layer {
  LayerSpec spec;
  LayerSpec without_norm;  // spec, batch norm left out: its affine is scale and bias
  LayerShapes shapes;
  Epilogue epilogue = Epilogue::kNone;
  Convolution convolution;
  std::optional<DirectConvolution> direct;  // where it is faster than torch's
  // Of learned(); steps as their natural logarithms.
  Slice weights, bias, gamma, beta, weight_steps, activation_step;
  std::vector<float> running_mean, running_var;
  // Of set_parameters(), where neither the network learns them nor the recipe sets them.
  std::vector<float> given_weight_steps;
  float given_activation_step = 0.0f;

  // Of the last quantize().
  at::Tensor weight;       // codes, torch's order; real values while weights are float
  at::Tensor host_weight;  // the same in the CPU's memory
  std::vector<float> weight_scales;
  // Of the last forward pass.
  at::Tensor input;  // as the convolution read it, border included
  at::Tensor acc;    // after pooling
  at::Tensor out;
  at::Tensor largest;      // of pooling windows
  double acc_scale = 1.0;  // real units per code of what the layer accumulates
  double scale = 1.0;      // of `out`
  Quantizer quantizer;
  Affine affine;  // of scale and bias
  std::vector<ChannelNorm> norms;
  std::vector<float> gain, offset;
  // Of the last backward pass: of the loss with respect to `out`.
  at::Tensor grad;
};

// 1- and 2-bit codes without a middle: their latents stay in [-1, 1].
bool has_clipped_latents(const LayerSpec& layer) {
  return layer.weights == Format::kBinary || layer.weights == Format::kTernary;
}

bool has_quantized_weights(const LayerSpec& layer) {
  return has_weights(layer.op) && layer.weights != Format::kFloat32;
}

at::Tensor view(const Convolution& convolution, const at::Tensor& t, int64_t n, const Shape& s) {
  return convolution.column ? t.view({n, s.c, 1, s.h}) : t.view({n, s.c, s.h, s.w});
}

float scale_of(const std::vector<float>& scales, size_t channel) {
  return scales.empty() ? 1.0f : scales[scales.size() == 1 ? 0 : channel];
}

float power_of_two_near(float value) {
  return std::exp2(std::round(std::log2(value)));
}

float log_of(float step) {
  return std::log(step);
}

// arXiv 1902.08153, sec. 2.1; activations start with the network's own step.
void set_first_steps(const LayerSpec& layer, std::span<const float> weights, std::span<float> log_weight_steps,
                     std::span<float> log_activation_step) {
  const size_t rows = log_weight_steps.size();
  for (size_t r = 0; r < rows; ++r) {
    const auto row = weights.subspan(r * (weights.size() / rows), weights.size() / rows);
    double sum = 1e-6;
    for (float w : row) sum += std::fabs(w);
    log_weight_steps[r] =
        static_cast<float>(std::log(2.0 * sum / static_cast<double>(row.size()) / std::sqrt(max_code(layer.weights))));
  }
  for (float& step : log_activation_step)
    step = static_cast<float>(std::log(activation_scale(layer.activations, layer.range_log2)));
}

at::Device device_of(Device device) {
  const bool cuda = device == Device::kCuda || (device == Device::kAuto && sees_cuda());
  return cuda ? at::Device(at::kCUDA, 0) : at::Device(at::kCPU);
}

StepRule step_rule(ActivationRange range) {
  return range == ActivationRange::kLsq    ? StepRule::kLsq
         : range == ActivationRange::kPact ? StepRule::kPact
                                           : StepRule::kNone;
}

}  // namespace

struct FakeQuantizedNetwork::State {
  Network network;
  Recipe recipe;
  double input_scale;
  at::Device device;
  std::vector<Layer> layers;
  std::vector<float> learned, gradients;
  double progress = 0.0;
  uint32_t noise = 0;
  bool weights_are_float = false;      // what quantize() left
  bool activations_are_float = false;  // of the last forward pass: ramps in place of quantizers
  at::Tensor input;
  int64_t count = 0;
  std::vector<float> outputs;

  State(const Network& n, double scale, const Recipe& r)
      : network(n), recipe(r), input_scale(scale), device(device_of(r.device)) {}

  std::span<float> part(Slice s) { return std::span(learned).subspan(s.begin, s.size); }
  std::span<const float> part(Slice s) const { return std::span(learned).subspan(s.begin, s.size); }
  std::span<float> gradient(Slice s) { return std::span(gradients).subspan(s.begin, s.size); }

  const at::Tensor& output(int i) const { return i == kNetworkInput ? input : layers[i].out; }
  double scale(int i) const { return i == kNetworkInput ? input_scale : layers[i].scale; }

  Slice reserve(int64_t size);
  void add_layer(int index, const LayerShapes& shapes);
  LayerParameters channel_parameters(const Layer& layer) const;
  std::vector<float> weight_steps(int index) const;
  float activation_step(const Layer& layer) const;
  void quantize(int index);
  void quantize_all(bool as_float);

  bool runs_directly(const Layer& layer) const;
  at::Tensor convolve(Layer& layer);
  at::Tensor add(Layer& layer);
  double smallest_variance(const Layer& layer) const;
  at::Tensor accumulate(Layer& layer);
  at::Tensor max_pool(Layer& layer, const at::Tensor& in, const Shape& shape, const Window& window);
  Quantizer training_quantizer(int index) const;
  at::Tensor training_epilogue(int index);
  void run_epilogue(int index, Phase phase);
  bool move(Layer& layer);
  void run(int index, Phase phase);

  void pass_back(int index, const at::Tensor& grad);
  void step_gradient(Layer& layer);
  at::Tensor epilogue_backward(Layer& layer);
  void weight_step_gradient(const Layer& layer, const float* of_codes);
  void weight_gradient(const Layer& layer, const at::Tensor& grad);
  void convolve_backward(Layer& layer, const at::Tensor& grad);
  void dense_backward(const Layer& layer, const at::Tensor& grad);
  void add_backward(const Layer& layer, const at::Tensor& grad);
  void log_variance_backward(const Layer& layer, const at::Tensor& grad);
  bool move_back(const Layer& layer);
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
  const bool learns_steps = recipe.weight_scale == WeightScale::kLearned && has_quantized_weights(layer.spec) &&
                            layer.spec.weights != Format::kBinary;
  const bool learns_range = recipe.activation_range != ActivationRange::kFixed && may_learn_step(network, index);
  layer.weights = reserve(weight_count(layer.spec, shapes));
  layer.bias = reserve(layer.spec.bias ? channels : 0);
  layer.gamma = reserve(norms);
  layer.beta = reserve(norms);
  layer.weight_steps = reserve(!learns_steps ? 0 : layer.epilogue == Epilogue::kRaw ? 1 : channels);
  layer.activation_step = reserve(learns_range);
  layer.running_mean.assign(norms, 0.0f);
  layer.running_var.assign(norms, 1.0f);
  layer.norms.resize(norms);
  if (!is_convolution(layer.spec.op)) return;
  layer.convolution = make_convolution(layer.spec, shapes);
  const ConvolutionShape shape = convolution_shape(layer.convolution, shapes);
  if (device.is_cpu() && direct_convolution_pays(shape)) layer.direct.emplace(shape);
}

// All but the weights and their steps.
LayerParameters FakeQuantizedNetwork::State::channel_parameters(const Layer& layer) const {
  const auto copy = [&](Slice s) { return std::vector<float>(part(s).begin(), part(s).end()); };
  return {.weights = {},
          .bias = copy(layer.bias),
          .gamma = copy(layer.gamma),
          .beta = copy(layer.beta),
          .running_mean = layer.running_mean,
          .running_var = layer.running_var,
          .weight_steps = {},
          .activation_step = activation_step(layer)};
}

float FakeQuantizedNetwork::State::activation_step(const Layer& layer) const {
  return layer.activation_step.size > 0 ? std::exp(part(layer.activation_step).front()) : layer.given_activation_step;
}

// Steps where the recipe asks for others than quantize_weights() takes by itself, else none.
std::vector<float> FakeQuantizedNetwork::State::weight_steps(int index) const {
  const Layer& layer = layers[index];
  std::vector<float> steps;
  for (float log_step : part(layer.weight_steps)) steps.push_back(std::exp(log_step));
  if (!steps.empty() || !has_quantized_weights(layer.spec)) return steps;
  if (recipe.weight_scale != WeightScale::kTensor && recipe.weight_scale != WeightScale::kPowerOfTwo)
    return layer.given_weight_steps;
  const bool per_channel = recipe.weight_scale == WeightScale::kPowerOfTwo && layer.epilogue != Epilogue::kRaw;
  steps = quantize_weights(part(layer.weights), layer.shapes.output.c, layer.spec.weights, per_channel).scales;
  if (recipe.weight_scale == WeightScale::kPowerOfTwo) std::ranges::transform(steps, steps.begin(), power_of_two_near);
  return steps;
}

void FakeQuantizedNetwork::State::quantize(int index) {
  Layer& layer = layers[index];
  if (!has_weights(layer.spec.op)) return;
  const auto latent = part(layer.weights);
  QuantizedWeights q;
  if (!weights_are_float) q = quantize_layer(network, index, layer.shapes, latent, weight_steps(index));
  if (!layer.host_weight.defined()) layer.host_weight = at::empty({std::ssize(latent)}, at::kFloat);
  float* weight = layer.host_weight.data_ptr<float>();
  for_each_weight(layer.spec, layer.shapes, [&](size_t ours, size_t theirs, size_t) {
    weight[theirs] = q.codes.empty() ? latent[ours] : static_cast<float>(q.codes[ours]);
  });
  layer.weight_scales = std::move(q.scales);
  layer.weight = device.is_cpu() ? layer.host_weight : layer.host_weight.to(device);
}

void FakeQuantizedNetwork::State::quantize_all(bool as_float) {
  weights_are_float = as_float;
  for (size_t i = 0; i < layers.size(); ++i) quantize(static_cast<int>(i));
}

// ---- Forward

bool FakeQuantizedNetwork::State::runs_directly(const Layer& layer) const {
  return layer.direct && !maps::runs_on_torch(output(layer.spec.from));
}

at::Tensor FakeQuantizedNetwork::State::convolve(Layer& layer) {
  const at::Tensor& in = output(layer.spec.from);
  if (runs_directly(layer)) return maps::convolve(*layer.direct, in, layer.weight);
  const Convolution& c = layer.convolution;
  layer.input = view(c, in, count, layer.shapes.input);
  if (c.has_border) layer.input = at::constant_pad_nd(layer.input, c.border, c.fill);
  const int64_t inputs = layer.shapes.input.c / c.groups;
  layer.weight = layer.weight.view({layer.shapes.output.c, inputs, c.kernel[0], c.kernel[1]});
  return at::convolution(layer.input, layer.weight, {}, c.stride, c.padding, {1, 1}, false, {0, 0}, c.groups);
}

at::Tensor FakeQuantizedNetwork::State::add(Layer& layer) {
  const int with = std::get<Add>(layer.spec.op).with;
  const double from_scale = scale(layer.spec.from), with_scale = scale(with);
  layer.acc_scale = std::min(from_scale, with_scale);
  return at::add(at::mul(output(layer.spec.from), from_scale / layer.acc_scale), output(with),
                 with_scale / layer.acc_scale);
}

// Codes have whole variances; real values, which float layers and float phases give, any.
double FakeQuantizedNetwork::State::smallest_variance(const Layer& layer) const {
  const int source = source_of(network, layer.spec.from);
  if (source == kNetworkInput) return kSmallestCodeVariance;
  const bool is_real = layers[source].epilogue == Epilogue::kRaw ? weights_are_float : activations_are_float;
  return is_real || !is_integer(storage_format(network, source)) ? kSmallestVariance : kSmallestCodeVariance;
}

at::Tensor FakeQuantizedNetwork::State::accumulate(Layer& layer) {
  layer.acc_scale = scale(layer.spec.from);
  if (is_convolution(layer.spec.op)) return convolve(layer);
  if (std::holds_alternative<Add>(layer.spec.op)) return add(layer);
  if (std::holds_alternative<GlobalLogVariance>(layer.spec.op))
    return maps::log_variance_forward(output(layer.spec.from), layer.shapes.input.c, smallest_variance(layer));
  if (!std::holds_alternative<Dense>(layer.spec.op))
    return maps::sum_pool_forward(output(layer.spec.from), layer.shapes.input.c, sum_pooling(layer.spec, layer.shapes));
  layer.input = output(layer.spec.from).view({count, layer.shapes.input.c});
  layer.weight = layer.weight.view({layer.shapes.output.c, layer.shapes.input.c});
  return at::mm(layer.input, layer.weight.t());
}

at::Tensor FakeQuantizedNetwork::State::max_pool(Layer& layer, const at::Tensor& in, const Shape& shape,
                                                 const Window& window) {
  auto [out, largest] = maps::max_pool_forward(in, shape.c, make_pooling(shape, layer.shapes.output, window));
  layer.largest = largest;
  return out;
}

Quantizer FakeQuantizedNetwork::State::training_quantizer(int index) const {
  const Layer& layer = layers[index];
  Quantizer q = make_quantizer(layer.spec.activations, layer.scale, layer.spec.relu);
  q.surrogate = recipe.surrogate;
  q.sharpness = surrogate_sharpness(recipe.surrogate, progress);
  if (recipe.stochastic_rounding) q.noise = (noise + static_cast<uint32_t>(index)) | 1u;
  const bool quantizes = q.kind == Quantizer::kSign || q.kind == Quantizer::kLevels;
  if (quantizes && activations_are_float) {
    if (q.kind == Quantizer::kSign) q.low = -1.0f, q.high = 1.0f;
    q.kind = Quantizer::kRamp;
  }
  return q;
}

at::Tensor FakeQuantizedNetwork::State::training_epilogue(int index) {
  Layer& layer = layers[index];
  const Extent e = extent(count, layer.shapes.output);
  layer.quantizer = training_quantizer(index);
  const auto gamma = part(layer.gamma), beta = part(layer.beta);
  for (size_t c = 0; c < layer.norms.size(); ++c)
    layer.norms[c] = {static_cast<float>(layer.affine.a[c]), static_cast<float>(layer.affine.b[c]), gamma[c], beta[c]};
  if (layer.spec.batch_norm)
    return maps::batch_norm_forward(e, layer.acc, layer.quantizer, recipe.batch_norm_momentum, layer.norms,
                                    layer.running_mean, layer.running_var);
  layer.gain.assign(layer.affine.a.begin(), layer.affine.a.end());
  layer.offset.assign(layer.affine.b.begin(), layer.affine.b.end());
  if (layer.epilogue == Epilogue::kRaw) {
    const auto bias = raw_bias(layer.affine, accumulator_bound(network, index));
    layer.gain.assign(bias.size(), 1.0f);
    layer.offset.assign(bias.begin(), bias.end());
  }
  return maps::affine_forward(e, layer.acc, layer.gain, layer.offset, layer.quantizer);
}

void FakeQuantizedNetwork::State::run_epilogue(int index, Phase phase) {
  Layer& layer = layers[index];
  const LayerParameters parameters = channel_parameters(layer);
  const LayerSpec& spec = phase == Phase::kTrain ? layer.without_norm : layer.spec;
  layer.affine = fold_affine(spec, layer.shapes, parameters, layer.weight_scales, layer.acc_scale);
  const bool raw = layer.epilogue == Epilogue::kRaw;
  layer.scale = raw ? layer.affine.a.front() : output_scale(spec, parameters.activation_step);
  if (raw && !spec.bias)
    layer.out = layer.acc;
  else if (phase == Phase::kTrain)
    layer.out = training_epilogue(index);
  else
    layer.out =
        maps::exact_epilogue(network, index, layer.affine, layer.scale, extent(count, layer.shapes.output), layer.acc);
}

// The layers that move codes and change none; false for the others.
bool FakeQuantizedNetwork::State::move(Layer& layer) {
  const at::Tensor& from = output(layer.spec.from);
  const Shape& in = layer.shapes.input;
  if (const auto* pool = std::get_if<MaxPool2d>(&layer.spec.op))
    layer.out = max_pool(layer, from, in, pool->window);
  else if (std::holds_alternative<Flatten>(layer.spec.op))
    layer.out = maps::transposed(from, in.c, int64_t{in.h} * in.w);
  else if (std::holds_alternative<Upsample2d>(layer.spec.op))
    layer.out = maps::sum_pool_backward(from, in.c, upsampling(layer.shapes));
  else
    return false;
  layer.scale = scale(layer.spec.from);
  return true;
}

void FakeQuantizedNetwork::State::run(int index, Phase phase) {
  Layer& layer = layers[index];
  if (move(layer)) return;
  layer.acc = accumulate(layer).contiguous().view({count, -1});
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

// Of the activation step, from the gradient of the codes; after the layer's gain and offset are known.
void FakeQuantizedNetwork::State::step_gradient(Layer& layer) {
  if (layer.activation_step.size == 0) return;
  if (layer.spec.batch_norm) {
    layer.gain.resize(layer.norms.size());
    layer.offset.resize(layer.norms.size());
    for (size_t c = 0; c < layer.norms.size(); ++c) {
      const ChannelNorm& norm = layer.norms[c];
      layer.gain[c] = norm.gamma * norm.rstd * norm.scale;
      layer.offset[c] = norm.beta - norm.mean * layer.gain[c];
    }
  }
  gradient(layer.activation_step)[0] = static_cast<float>(
      maps::log_step_gradient(extent(count, layer.shapes.output), layer.acc, layer.gain, layer.offset, layer.grad,
                              layer.quantizer, step_rule(recipe.activation_range)));
}

// Sets the gradients of bias, gamma, beta and step; gives that of the pooled accumulators.
at::Tensor FakeQuantizedNetwork::State::epilogue_backward(Layer& layer) {
  if (layer.epilogue == Epilogue::kRaw && !layer.spec.bias) return layer.grad;
  const Extent e = extent(count, layer.shapes.output);
  step_gradient(layer);
  if (layer.spec.batch_norm) {  // which takes any bias away again: its gradient is 0
    const at::Tensor out = maps::batch_norm_backward(e, layer.acc, layer.grad, layer.quantizer, layer.norms);
    for (size_t c = 0; c < layer.norms.size(); ++c) {
      gradient(layer.gamma)[c] = layer.norms[c].grad_gamma;
      gradient(layer.beta)[c] = layer.norms[c].grad_beta;
    }
    return out;
  }
  std::vector<float> grad_offset(static_cast<size_t>(e.c));
  const at::Tensor out =
      maps::affine_backward(e, layer.acc, layer.gain, layer.offset, layer.grad, layer.quantizer, grad_offset);
  const float per_bias = layer.epilogue == Epilogue::kRaw ? static_cast<float>(1.0 / layer.scale) : 1.0f;
  for (size_t c = 0; c < layer.bias.size; ++c) gradient(layer.bias)[c] = grad_offset[c] * per_bias;
  return out;
}

// d(step code) / d ln(step) = step times: code - w / step inside the range, its end outside (arXiv 1902.08153, eq. 3).
void FakeQuantizedNetwork::State::weight_step_gradient(const Layer& layer, const float* of_codes) {
  const auto latent = part(layer.weights);
  const auto steps = gradient(layer.weight_steps);
  const float* codes = layer.host_weight.data_ptr<float>();
  const auto low = static_cast<float>(min_weight_code(layer.spec.weights)),
             high = static_cast<float>(max_code(layer.spec.weights));
  for_each_weight(layer.spec, layer.shapes, [&](size_t ours, size_t theirs, size_t channel) {
    const float v = latent[ours] / scale_of(layer.weight_scales, channel);
    const float slope = v < low ? low : v > high ? high : codes[theirs] - v;
    steps[steps.size() == 1 ? 0 : channel] += of_codes[theirs] * slope;
  });
}

// grad: of the codes. The latent gets that of scale * code.
void FakeQuantizedNetwork::State::weight_gradient(const Layer& layer, const at::Tensor& grad) {
  const at::Tensor held = grad.to(at::kCPU).contiguous();
  const float* of_codes = held.data_ptr<float>();
  const auto of_latents = gradient(layer.weights);
  const auto latent = part(layer.weights);
  const bool learns_steps = layer.weight_steps.size > 0 && !weights_are_float;
  const float low = learns_steps ? static_cast<float>(min_weight_code(layer.spec.weights)) : -1.0f;
  const float high = learns_steps ? static_cast<float>(max_code(layer.spec.weights)) : 1.0f;
  const bool clips = learns_steps || has_clipped_latents(layer.spec);
  for_each_weight(layer.spec, layer.shapes, [&](size_t ours, size_t theirs, size_t channel) {
    const float scale = scale_of(layer.weight_scales, channel), unit = learns_steps ? scale : 1.0f;
    const bool inside = !clips || (latent[ours] >= low * unit && latent[ours] <= high * unit);
    of_latents[ours] = inside ? of_codes[theirs] / scale : 0.0f;
  });
  if (learns_steps) weight_step_gradient(layer, of_codes);
}

void FakeQuantizedNetwork::State::convolve_backward(Layer& layer, const at::Tensor& grad) {
  const Convolution& c = layer.convolution;
  const bool needs_input = layer.spec.from != kNetworkInput;
  if (runs_directly(layer)) {
    const auto [of_input, of_weights] =
        maps::convolve_backward(*layer.direct, output(layer.spec.from), layer.weight, grad, needs_input);
    weight_gradient(layer, of_weights);
    if (needs_input) pass_back(layer.spec.from, of_input);
    return;
  }
  auto [grad_input, grad_weight, unused] =
      at::convolution_backward(view(c, grad, count, layer.shapes.accumulators), layer.input, layer.weight, {}, c.stride,
                               c.padding, {1, 1}, false, {0, 0}, c.groups, {needs_input, true, false});
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

void FakeQuantizedNetwork::State::add_backward(const Layer& layer, const at::Tensor& grad) {
  for (int source : {layer.spec.from, std::get<Add>(layer.spec.op).with})
    pass_back(source, at::mul(grad, scale(source) / layer.acc_scale));
}

void FakeQuantizedNetwork::State::log_variance_backward(const Layer& layer, const at::Tensor& grad) {
  if (layer.spec.from == kNetworkInput) return;
  pass_back(layer.spec.from,
            maps::log_variance_backward(output(layer.spec.from), grad, layer.shapes.input.c, smallest_variance(layer)));
}

bool FakeQuantizedNetwork::State::move_back(const Layer& layer) {
  const Shape& in = layer.shapes.input;
  at::Tensor grad;
  if (const auto* pool = std::get_if<MaxPool2d>(&layer.spec.op))
    grad =
        maps::max_pool_backward(layer.grad, layer.largest, in.c, make_pooling(in, layer.shapes.output, pool->window));
  else if (std::holds_alternative<Flatten>(layer.spec.op))
    grad = maps::transposed(layer.grad, int64_t{in.h} * in.w, in.c);
  else if (std::holds_alternative<Upsample2d>(layer.spec.op))
    grad = maps::sum_pool_forward(layer.grad, in.c, upsampling(layer.shapes));
  else
    return false;
  pass_back(layer.spec.from, grad);
  return true;
}

void FakeQuantizedNetwork::State::run_backward(Layer& layer) {
  if (move_back(layer)) return;
  at::Tensor grad = epilogue_backward(layer);
  if (layer.spec.pool)
    grad = maps::max_pool_backward(grad, layer.largest, layer.shapes.output.c,
                                   make_pooling(layer.shapes.accumulators, layer.shapes.output, *layer.spec.pool));
  if (is_convolution(layer.spec.op)) return convolve_backward(layer, grad);
  if (std::holds_alternative<Dense>(layer.spec.op)) return dense_backward(layer, grad);
  if (std::holds_alternative<Add>(layer.spec.op)) return add_backward(layer, grad);
  if (std::holds_alternative<GlobalLogVariance>(layer.spec.op)) return log_variance_backward(layer, grad);
  pass_back(layer.spec.from,
            maps::sum_pool_backward(grad, layer.shapes.input.c, sum_pooling(layer.spec, layer.shapes)));
}

// ---- The class

FakeQuantizedNetwork::FakeQuantizedNetwork(const Network& network, double input_scale, const Recipe& recipe)
    : state_(std::make_unique<State>(network, input_scale, recipe)) {
  const auto shapes = infer_shapes(network);
  for (size_t i = 0; i < shapes.size(); ++i) state_->add_layer(static_cast<int>(i), shapes[i]);
  state_->gradients.resize(state_->learned.size());
}

FakeQuantizedNetwork::FakeQuantizedNetwork(FakeQuantizedNetwork&&) noexcept = default;
FakeQuantizedNetwork::~FakeQuantizedNetwork() = default;

void FakeQuantizedNetwork::initialize(Rng& rng) {
  for (Layer& layer : state_->layers) {
    const bool narrow = has_weights(layer.spec.op) && bit_width(layer.spec.weights) <= 2;
    const double fan_in = static_cast<double>(layer.weights.size) / layer.shapes.output.c;
    const double spread = narrow ? state_->recipe.latent_init : std::sqrt(3.0 / fan_in);
    const auto weights = state_->part(layer.weights);
    for (float& w : weights) w = static_cast<float>(rng.uniform(-spread, spread));
    std::ranges::fill(state_->part(layer.gamma), 1.0f);
    set_first_steps(layer.spec, weights, state_->part(layer.weight_steps), state_->part(layer.activation_step));
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
    const auto weights = state_->part(layer.weights);
    std::ranges::copy(p.weights, weights.begin());
    std::ranges::copy(p.bias, state_->part(layer.bias).begin());
    std::ranges::copy(p.gamma, state_->part(layer.gamma).begin());
    std::ranges::copy(p.beta, state_->part(layer.beta).begin());
    layer.running_mean = p.running_mean;
    layer.running_var = p.running_var;
    layer.given_weight_steps = p.weight_steps;
    layer.given_activation_step = p.activation_step;
    set_first_steps(layer.spec, weights, state_->part(layer.weight_steps), state_->part(layer.activation_step));
    if (p.weight_steps.size() == layer.weight_steps.size)  // what is learnt starts from there
      std::ranges::transform(p.weight_steps, state_->part(layer.weight_steps).begin(), log_of);
    if (p.activation_step > 0.0f)
      for (float& step : state_->part(layer.activation_step)) step = log_of(p.activation_step);
  }
  state_->quantize_all(false);
}

Parameters FakeQuantizedNetwork::parameters() const {
  Parameters out;
  for (size_t i = 0; i < state_->layers.size(); ++i) {
    const Layer& layer = state_->layers[i];
    LayerParameters p = state_->channel_parameters(layer);
    const auto weights = state_->part(layer.weights);
    p.weights.assign(weights.begin(), weights.end());
    p.weight_steps = state_->weight_steps(static_cast<int>(i));
    out.layers.push_back(std::move(p));
  }
  return out;
}

std::span<float> FakeQuantizedNetwork::learned() {
  return state_->learned;
}

std::span<const float> FakeQuantizedNetwork::gradients() const {
  return state_->gradients;
}

std::vector<float> FakeQuantizedNetwork::running_statistics() const {
  std::vector<float> all;
  for (const Layer& layer : state_->layers)
    for (const auto* values : {&layer.running_mean, &layer.running_var})
      all.insert(all.end(), values->begin(), values->end());
  return all;
}

void FakeQuantizedNetwork::set_running_statistics(std::span<const float> values) {
  for (Layer& layer : state_->layers)
    for (auto* part : {&layer.running_mean, &layer.running_var}) {
      BW_CHECK(values.size() >= part->size());
      std::ranges::copy(values.first(part->size()), part->begin());
      values = values.subspan(part->size());
    }
  BW_CHECK(values.empty());
}

void FakeQuantizedNetwork::update() {
  for (const Layer& layer : state_->layers)
    if (has_clipped_latents(layer.spec))
      for (float& w : state_->part(layer.weights)) w = std::clamp(w, -1.0f, 1.0f);
  state_->quantize_all(state_->weights_are_float);
}

void FakeQuantizedNetwork::set_progress(double progress, uint32_t noise) {
  state_->progress = progress;
  state_->noise = noise;
}

std::span<const float> FakeQuantizedNetwork::forward(std::span<const float> codes, int64_t count, Phase phase) {
  State& s = *state_;
  BW_CHECK(std::ssize(codes) == count * s.network.input.elements());
  const bool as_float = phase == Phase::kTrain && s.progress < s.recipe.float_weights;
  if (as_float != s.weights_are_float) s.quantize_all(as_float);
  s.activations_are_float = phase == Phase::kTrain && s.progress < s.recipe.float_activations;
  s.count = count;
  s.input = maps::from_host(codes, count, s.device);
  for (size_t i = 0; i < s.layers.size(); ++i) s.run(static_cast<int>(i), phase);
  const Layer& last = s.layers.back();
  const Extent e = extent(count, last.shapes.output);
  s.outputs.resize(static_cast<size_t>(e.elements()));
  maps::to_host(maps::transposed(last.out, e.c, e.p), s.outputs);
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
  last.grad = maps::transposed(at::mul(maps::from_host(output_gradients, s.count, s.device), last.scale), e.p, e.c);
  for (size_t i = s.layers.size(); i-- > 0;)
    if (s.layers[i].grad.defined()) s.run_backward(s.layers[i]);
}

std::vector<float> FakeQuantizedNetwork::layer_output(int index) const {
  const Layer& layer = state_->layers[index];
  std::vector<float> values(static_cast<size_t>(layer.out.numel()));
  maps::to_host(layer.out, values);
  for (float& y : values) y = static_cast<float>(y * layer.scale);
  return values;
}

}  // namespace bitwright
