// SPDX-License-Identifier: Apache-2.0
#include "experiments/bench/plain_torch_network.h"

#include <torch/torch.h>

#include <algorithm>
#include <string>
#include <vector>

#include "core/check.h"
#include "core/quantize.h"

namespace bitwright {
namespace {

using torch::Tensor;
using Sizes = std::vector<int64_t>;

// Forward `quantized`, backward the gradient of `latent`.
Tensor straight_through(const Tensor& latent, const Tensor& quantized) {
  return latent + (quantized - latent).detach();
}

Tensor binary_codes(const Tensor& x) {
  return torch::where(x >= 0, torch::ones_like(x), -torch::ones_like(x));
}

// core/quantize.h, in real units: scale * code. dims: those a scale is shared over.
Tensor quantize_weights(const Tensor& w, Format format, const Sizes& dims) {
  if (format == Format::kBinary) return binary_codes(w) * w.abs().mean(dims, true);
  if (format == Format::kTernary) {
    const Tensor kept = (w.abs() > 0.7 * w.abs().mean(dims, true)).to(torch::kFloat);
    return w.sign() * kept * (w.abs() * kept).sum(dims, true) / kept.sum(dims, true).clamp_min(1.0);
  }
  const double high = max_code(format), low = format == Format::kInt2 ? -2.0 : -high;
  const Tensor scale = (format == Format::kInt2 ? w.abs().mean(dims, true) : w.abs().amax(dims, true) / high);
  return torch::clamp(torch::round(w / scale), low, high) * scale;
}

bool has_clipped_latents(const LayerSpec& spec) {
  return has_weights(spec.op) && (spec.weights == Format::kBinary || spec.weights == Format::kTernary);
}

Tensor fake_quantize_weights(const Tensor& latent, const LayerSpec& spec, bool per_channel) {
  if (spec.weights == Format::kFloat32) return latent;
  Sizes dims;
  for (int64_t d = per_channel ? 1 : 0; d < latent.dim(); ++d) dims.push_back(d);
  const Tensor w = has_clipped_latents(spec) ? latent.clamp(-1.0, 1.0) : latent;
  return straight_through(w, quantize_weights(w, spec.weights, dims));
}

Tensor activate(const Tensor& y, const LayerSpec& spec) {
  if (spec.relu) return torch::relu(y);
  if (!is_integer(spec.activations)) return y;
  if (spec.activations == Format::kBinary) return straight_through(y.clamp(-1.0, 1.0), binary_codes(y));
  const double step = activation_scale(spec.activations, spec.range_log2);
  const Tensor level = (y / step).clamp(min_code(spec.activations), max_code(spec.activations));
  return straight_through(level, torch::floor(level + 0.5)) * step;
}

// One layer of the network. Maps are N x C x L for signals, N x C x H x W for images.
struct PlainLayerImpl : torch::nn::Module {
  PlainLayerImpl(const Network& network, int index, const LayerShapes& layer_shapes)
      : spec(network.layers[index]),
        shapes(layer_shapes),
        signal(network.input.w == 1),
        per_channel(epilogue(network, index) != Epilogue::kRaw) {
    if (has_weights(spec.op)) weight = register_parameter("weight", torch::empty(weight_sizes()).uniform_(-0.1, 0.1));
    if (spec.bias) bias = register_parameter("bias", torch::zeros({shapes.output.c}));
    const auto options = torch::nn::BatchNormOptions(shapes.output.c).eps(kBatchNormEpsilon).momentum(0.1);
    if (spec.batch_norm && signal) norm1d = register_module("norm", torch::nn::BatchNorm1d(options));
    if (spec.batch_norm && !signal) norm2d = register_module("norm", torch::nn::BatchNorm2d(options));
  }

  Sizes of(int64_t h, int64_t w) const { return signal ? Sizes{h} : Sizes{h, w}; }
  Sizes map_sizes(int64_t n, const Shape& s) const { return signal ? Sizes{n, s.c, s.h} : Sizes{n, s.c, s.h, s.w}; }

  const Window& kernel() const {
    const auto* conv = std::get_if<Conv2d>(&spec.op);
    return conv ? conv->kernel : std::get<DepthwiseConv2d>(spec.op).kernel;
  }

  Sizes weight_sizes() const {
    if (std::holds_alternative<Dense>(spec.op)) return {shapes.output.c, shapes.input.c};
    const bool depthwise = std::holds_alternative<DepthwiseConv2d>(spec.op);
    Sizes sizes = {shapes.output.c, depthwise ? 1 : shapes.input.c};
    for (int64_t k : of(kernel().h, kernel().w)) sizes.push_back(k);
    return sizes;
  }

  Tensor pad(const Tensor& x, const Window& k, Padding padding) const {
    if (padding == Padding::kValid) return x;
    const Shape& in = shapes.input;
    const auto border = [&](int n, int window, int stride) {
      const int before = padding_before(n, window, stride, padding);
      return std::pair(before,
                       std::max((padded_outputs(n, window, stride, padding) - 1) * stride + window - n - before, 0));
    };
    const auto [top, bottom] = border(in.h, k.h, k.stride_h);
    const auto [left, right] = border(in.w, k.w, k.stride_w);
    const double code = padding == Padding::kMinusOne ? -1.0 : padding == Padding::kPlusOne ? 1.0 : 0.0;
    const Sizes sides = signal ? Sizes{top, bottom} : Sizes{left, right, top, bottom};
    return torch::constant_pad_nd(x, sides, code);
  }

  Tensor convolve(const Tensor& x, const Tensor& w) const {
    const auto* conv = std::get_if<Conv2d>(&spec.op);
    const Padding padding = conv ? conv->padding : std::get<DepthwiseConv2d>(spec.op).padding;
    const int64_t groups = conv ? 1 : shapes.input.c;
    const Window& k = kernel();
    const bool odd_zero =
        padding == Padding::kZero && k.h % 2 == 1 && k.w % 2 == 1 && k.stride_h == 1 && k.stride_w == 1;
    const Sizes sides = odd_zero ? of(k.h / 2, k.w / 2) : of(0, 0), stride = of(k.stride_h, k.stride_w);
    const Tensor in = odd_zero ? x : pad(x, k, padding);
    return signal ? torch::conv1d(in, w, {}, stride, sides, 1, groups)
                  : torch::conv2d(in, w, {}, stride, sides, 1, groups);
  }

  Tensor max_pool(const Tensor& x, const Window& w) const {
    const Sizes size = of(w.h, w.w), stride = of(w.stride_h, w.stride_w);
    return signal ? torch::max_pool1d(x, size, stride) : torch::max_pool2d(x, size, stride);
  }

  Tensor average(const Tensor& x) const {
    const auto* op = std::get_if<AvgPool2d>(&spec.op);
    if (!op) return signal ? x.mean({2}, true) : x.mean({2, 3}, true);
    const Window& w = op->window;
    const Sizes size = of(w.h, w.w), stride = of(w.stride_h, w.stride_w);
    return signal ? torch::avg_pool1d(x, size, stride) : torch::avg_pool2d(x, size, stride);
  }

  // HWC order, as the weights of the dense layer that follows.
  Tensor flatten(const Tensor& x) const {
    const Tensor channels_last = signal ? x.permute({0, 2, 1}) : x.permute({0, 2, 3, 1});
    return channels_last.reshape(map_sizes(x.size(0), shapes.output));
  }

  Tensor accumulate(const Tensor& x, const Tensor& with) const {
    if (with.defined()) return x + with;
    if (!has_weights(spec.op)) return average(x);
    const Tensor w = fake_quantize_weights(weight, spec, per_channel);
    if (!std::holds_alternative<Dense>(spec.op)) return convolve(x, w);
    return torch::linear(x.flatten(1), w).view(map_sizes(x.size(0), shapes.output));
  }

  // with: the second input of Add, else undefined.
  Tensor forward(const Tensor& x, const Tensor& with) {
    if (const auto* pool = std::get_if<MaxPool2d>(&spec.op)) return max_pool(x, pool->window);
    if (std::holds_alternative<Flatten>(spec.op)) return flatten(x);
    Tensor y = accumulate(x, with);
    if (spec.pool) y = max_pool(y, *spec.pool);
    if (spec.bias) y = y + bias.view(signal ? Sizes{1, -1, 1} : Sizes{1, -1, 1, 1});
    if (spec.batch_norm) y = signal ? norm1d->forward(y) : norm2d->forward(y);
    return activate(y, spec);
  }

  void set_parameters(const LayerParameters& p) {
    const auto copy = [](Tensor& to, const std::vector<float>& from) {
      if (!from.empty()) to.copy_(torch::tensor(from).view(to.sizes()));
    };
    if (std::holds_alternative<Conv2d>(spec.op)) {  // [out][kh][kw][in] -> [out][in][kh][kw]
      const auto positions = int64_t{kernel().h} * kernel().w;
      const Tensor rows = torch::tensor(p.weights).view({shapes.output.c, positions, shapes.input.c});
      weight.copy_(rows.transpose(1, 2).reshape(weight.sizes()));
    } else {
      copy(weight, p.weights);
    }
    copy(bias, p.bias);
    if (!spec.batch_norm) return;
    copy(signal ? norm1d->weight : norm2d->weight, p.gamma);
    copy(signal ? norm1d->bias : norm2d->bias, p.beta);
  }

  LayerSpec spec;
  LayerShapes shapes;
  bool signal, per_channel;
  Tensor weight, bias;
  torch::nn::BatchNorm1d norm1d{nullptr};
  torch::nn::BatchNorm2d norm2d{nullptr};
};
TORCH_MODULE(PlainLayer);

struct PlainNetworkImpl : torch::nn::Module {
  explicit PlainNetworkImpl(const Network& network) {
    const auto shapes = infer_shapes(network);
    for (size_t i = 0; i < shapes.size(); ++i)
      layers.push_back(register_module(network.layers[i].name, PlainLayer(network, static_cast<int>(i), shapes[i])));
  }

  // Logits, N x classes.
  Tensor forward(const Tensor& input) {
    std::vector<Tensor> outputs;
    const auto output = [&](int i) { return i == kNetworkInput ? input : outputs[static_cast<size_t>(i)]; };
    for (PlainLayer& layer : layers) {
      const auto* add = std::get_if<Add>(&layer->spec.op);
      outputs.push_back(layer->forward(output(layer->spec.from), add ? output(add->with) : Tensor()));
    }
    return outputs.back().flatten(1);
  }

  std::vector<PlainLayer> layers;
};
TORCH_MODULE(PlainNetwork);

// HWC codes -> N x C x L or N x C x H x W, real units.
Tensor real_inputs(const Dataset& data) {
  const Shape& s = data.front_end.output;
  const Tensor codes = torch::tensor(std::vector<float>(data.codes.begin(), data.codes.end()));
  const Tensor maps = codes.view({data.size(), s.h, s.w, s.c}).permute({0, 3, 1, 2}).contiguous();
  return (s.w == 1 ? maps.squeeze(3) : maps) * data.front_end.input_scale;
}

}  // namespace

struct PlainTorchTraining::State {
  State(const Network& spec, const Dataset& data, double learning_rate)
      : network(spec),
        optimizer(network->parameters(), torch::optim::AdamOptions(learning_rate)),
        inputs(real_inputs(data)),
        labels(torch::tensor(std::vector<int64_t>(data.labels.begin(), data.labels.end()))) {
    for (PlainLayer& layer : network->layers)
      if (has_clipped_latents(layer->spec)) clipped.push_back(layer->weight);
  }

  PlainNetwork network;
  torch::optim::Adam optimizer;
  Tensor inputs, labels;
  std::vector<Tensor> clipped;
};

PlainTorchTraining::PlainTorchTraining(const Network& network, const Dataset& data, double learning_rate) {
  BW_CHECK(data.front_end.output == network.input);
  torch::set_num_threads(1);
  state_ = std::make_unique<State>(network, data, learning_rate);
}

PlainTorchTraining::~PlainTorchTraining() = default;

void PlainTorchTraining::set_parameters(const Parameters& parameters) {
  const torch::NoGradGuard guard;
  BW_CHECK(parameters.layers.size() == state_->network->layers.size());
  for (size_t i = 0; i < parameters.layers.size(); ++i)
    state_->network->layers[i]->set_parameters(parameters.layers[i]);
}

double PlainTorchTraining::step(std::span<const int64_t> examples) {
  State& s = *state_;
  const Tensor index = torch::tensor(std::vector<int64_t>(examples.begin(), examples.end()));
  s.optimizer.zero_grad();
  const Tensor logits = s.network->forward(s.inputs.index_select(0, index));
  const Tensor loss = torch::nn::functional::cross_entropy(logits, s.labels.index_select(0, index));
  loss.backward();
  s.optimizer.step();
  const torch::NoGradGuard guard;
  for (Tensor& latent : s.clipped) latent.clamp_(-1.0, 1.0);
  return loss.item<double>();
}

}  // namespace bitwright
