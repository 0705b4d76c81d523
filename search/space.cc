// SPDX-License-Identifier: Apache-2.0
#include "search/space.h"

#include <algorithm>
#include <set>

#include "core/check.h"
#include "core/error.h"

namespace bitwright {
namespace {

using Parameters = std::map<std::string, std::string>;

// A changed ordinal dimension steps to a neighbour this often, else to any other choice.

const char* const kKinds[] = {"conv", "depthwise_separable", "residual"};
const char* const kHeads[] = {"flatten_dense", "global_pool_dense"};

[[noreturn]] void fail(const std::string& path, const std::string& rule) {
  throw ConfigError(path + ": " + rule);
}

void check_distinct(const std::string& path, const std::vector<std::string>& choices) {
  if (choices.empty()) fail(path, "at least one choice");
  std::set<std::string> seen;
  for (const std::string& choice : choices)
    if (!seen.insert(choice).second) fail(path + " = " + choice, "listed twice");
}

void check_names(const std::string& path, const std::vector<std::string>& names, std::span<const char* const> known) {
  for (const std::string& name : names)
    if (std::find(known.begin(), known.end(), name) == known.end())
      fail(path + " = " + name, fmt::format("one of {}", fmt::join(known, ", ")));
}

void check_range(const std::string& path, const std::vector<int>& numbers, int low, int high) {
  for (int n : numbers)
    if (n < low || n > high) fail(path + " = " + std::to_string(n), fmt::format("{}..{}", low, high));
}

void check_block(const std::string& path, const BlockSpace& block) {
  check_names(path + ".kind", block.kind, kKinds);
  check_range(path + ".channels", block.channels, 1, 1024);
  check_range(path + ".kernel", block.kernel, 1, 64);
  check_range(path + ".stride", block.stride, 1, 16);
  check_range(path + ".pool", block.pool, 1, 16);
  for (Format f : block.weights)
    if (!is_weight_format(f)) fail(path + ".weights = " + std::string(format_name(f)), "not a weight format");
  for (Format f : block.activations)
    if (!is_activation_format(f) || f == Format::kAccumulator)
      fail(path + ".activations = " + std::string(format_name(f)), "not an activation format");
}

void check_spec(const SpaceSpec& spec) {
  if (spec.min_blocks < 1 || spec.max_blocks > 12 || spec.min_blocks > spec.max_blocks)
    fail(fmt::format("space.blocks = {}..{}", spec.min_blocks, spec.max_blocks), "a range within 1..12");
  check_block("space.block", spec.block);
  check_block("space.first", spec.first);
  check_names("space.head", spec.head, kHeads);
  check_range("space.hidden", spec.hidden, 0, 4096);
  for (Format f : spec.head_weights)
    if (!is_weight_format(f)) fail("space.head_weights = " + std::string(format_name(f)), "not a weight format");
  if (spec.padding != "zero" && spec.padding != "valid") fail("space.padding = " + spec.padding, "zero or valid");
}

std::string block_name(int block) {
  return "block" + std::to_string(block);
}

bool contains(const std::vector<std::string>& list, const std::string& item) {
  return std::find(list.begin(), list.end(), item) != list.end();
}

// Assignments of `dimension` and of all that hangs below it.
double count(const std::vector<Dimension>& all, const Dimension& dimension) {
  double sum = 0.0;
  for (const std::string& choice : dimension.choices) {
    double product = 1.0;
    for (const Dimension& child : all)
      if (child.parent == dimension.name && contains(child.parent_values, choice)) product *= count(all, child);
    sum += product;
  }
  return sum;
}

// The branch of a residual block and its projection: signed, and of 4 bits at least, so that their sum says more than
// a sign; of 8 at most, so that their scale is near enough to any input's.
Format branch_format(Format activations) {
  if (activations == Format::kFloat32) return activations;
  constexpr Format kSigned[] = {Format::kInt4, Format::kInt5, Format::kInt6, Format::kInt7, Format::kInt8};
  return kSigned[std::clamp(bit_width(activations), 4, 8) - 4];
}

// Turns an assignment into layers, block after block.
class NetworkBuilder {
 public:
  NetworkBuilder(const SpaceSpec& spec, const Parameters& parameters, Network network)
      : spec_(spec), parameters_(parameters), network_(std::move(network)), channels_(network_.input.c) {}

  Network build(int classes) {
    const int blocks = number("blocks");
    for (block_ = 1; block_ <= blocks; ++block_) add_block();
    add_head(classes);
    return std::move(network_);
  }

 private:
  const std::string& text(const std::string& name) const { return parameters_.at(name); }
  int number(const std::string& name) const { return std::stoi(text(name)); }
  Format format(const std::string& name) const { return format_from_name(text(name)).value(); }
  std::string field(const char* name) const { return block_name(block_) + "." + name; }
  std::string name(const char* stem, const char* suffix = "") const { return stem + std::to_string(block_) + suffix; }

  // k x k, and k x 1 over a signal.
  Window window(int size, int stride) const {
    return network_.input.w == 1 ? Window{size, 1, stride, 1} : Window{size, size, stride, stride};
  }
  Padding padding() const { return spec_.padding == "valid" ? Padding::kValid : Padding::kZero; }

  void add_block() {
    const std::string& kind = text(field("kind"));
    const int channels = number(field("channels"));
    if (kind == "conv") add_conv(channels);
    if (kind == "depthwise_separable") add_depthwise_separable(channels);
    if (kind == "residual") add_residual(channels);
    channels_ = channels;
    activations_ = format(field("activations"));
  }

  static LayerSpec plain(std::string layer_name, Op op, Format weights = Format::kInt8) {
    LayerSpec layer;
    layer.name = std::move(layer_name);
    layer.op = op;
    layer.weights = weights;
    return layer;
  }
  LayerSpec normalised(std::string layer_name, Op op, Format weights, Format activations) const {
    LayerSpec layer = plain(std::move(layer_name), op, weights);
    layer.batch_norm = true;
    layer.activations = activations;
    layer.relu = activations == Format::kFloat32;
    return layer;
  }
  LayerSpec block_layer(std::string layer_name, Op op) const {
    return normalised(std::move(layer_name), op, format(field("weights")), format(field("activations")));
  }
  void set_pool(LayerSpec& layer) const {
    const int pool = number(field("pool"));
    if (pool > 1) layer.pool = window(pool, pool);
  }

  void add_conv(int channels) {
    const Window kernel = window(number(field("kernel")), number(field("stride")));
    LayerSpec conv = block_layer(name("conv"), Conv2d{channels, kernel, padding()});
    set_pool(conv);
    append(network_, conv);
  }

  void add_depthwise_separable(int channels) {
    const Window kernel = window(number(field("kernel")), number(field("stride")));
    append(network_, block_layer(name("dw"), DepthwiseConv2d{kernel, padding()}));
    LayerSpec pointwise = block_layer(name("pw"), Conv2d{channels, Window{}, Padding::kValid});
    set_pool(pointwise);
    append(network_, pointwise);
  }

  // He et al., "Deep Residual Learning for Image Recognition", CVPR 2016, fig. 2, with stride 1 and zero padding, so
  // that both sides of the sum are equally long; pooling follows the sum.
  void add_residual(int channels) {
    const int input = static_cast<int>(network_.layers.size()) - 1;
    const Window kernel = window(number(field("kernel")), 1);
    const Format activations = format(field("activations"));
    append(network_, block_layer(name("conv", "a"), Conv2d{channels, kernel, Padding::kZero}));
    LayerSpec second = block_layer(name("conv", "b"), Conv2d{channels, kernel, Padding::kZero});
    second.activations = branch_format(activations);
    second.relu = false;
    int branch = append(network_, second);
    int skip = input;
    if (needs_projection(channels, activations)) {
      LayerSpec projection = second;
      projection.name = name("skip");
      projection.op = Conv2d{channels, Window{}, Padding::kValid};
      projection.from = input;
      network_.layers.push_back(projection);
      skip = branch + 1;
    }
    LayerSpec sum = normalised(name("add"), Add{skip}, Format::kInt8, activations);
    sum.from = branch;
    network_.layers.push_back(sum);
    const int pool = number(field("pool"));
    if (pool > 1) append(network_, plain(name("pool"), MaxPool2d{window(pool, pool)}));
  }

  // The sum needs equal shapes, and on both sides either codes of a power-of-two scale (which the network's input
  // has not) or floats.
  bool needs_projection(int channels, Format activations) const {
    const bool floats = activations == Format::kFloat32;
    return channels != channels_ || block_ == 1 || floats != (activations_ == Format::kFloat32);
  }

  void add_head(int classes) {
    const Format weights = format("head_weights");
    if (text("head") == "global_pool_dense") {
      append(network_, global_pool());
    } else {
      append(network_, plain("flatten", Flatten{}));
      const int hidden = number("hidden");
      if (hidden > 0) append(network_, normalised("hidden", Dense{hidden}, weights, activations_));
    }
    LayerSpec logits = plain("logits", Dense{classes}, weights);
    logits.bias = true;
    append(network_, logits);
  }

  // Averages stay within the range of what they average: [-1, 1) holds those of binary and ternary codes.
  LayerSpec global_pool() const {
    LayerSpec layer = plain("gap", GlobalAvgPool{});
    const bool floats = activations_ == Format::kFloat32;
    const bool unit = activations_ == Format::kBinary || activations_ == Format::kTernary;
    layer.activations = floats ? Format::kFloat32 : Format::kInt8;
    layer.range_log2 = unit ? 0 : LayerSpec{}.range_log2;
    return layer;
  }

  const SpaceSpec& spec_;
  const Parameters& parameters_;
  Network network_;
  int block_ = 1;
  int channels_;                           // of the last block, or of the input
  Format activations_ = Format::kFloat32;  // of the last block
};

}  // namespace

SearchSpace::SearchSpace(const SpaceSpec& spec, Shape input, Format input_format, int classes, std::string network_name)
    : spec_(spec), input_(input), input_format_(input_format), classes_(classes), name_(std::move(network_name)) {
  BW_CHECK(classes_ >= 1);
  check_spec(spec_);
  dimensions_ = dimensions_of(spec_);
  for (const Dimension& d : dimensions_) check_distinct("space." + d.name, d.choices);
}

double SearchSpace::size() const {
  double product = 1.0;
  for (const Dimension& d : dimensions_)
    if (d.parent.empty()) product *= count(dimensions_, d);
  return product;
}

Candidate SearchSpace::sample(Rng& rng) const {
  Parameters parameters;
  for (const Dimension& d : dimensions_)
    if (is_active(d, parameters)) parameters[d.name] = d.choices[rng.below(d.choices.size())];
  return decode(std::move(parameters));
}

Candidate SearchSpace::decode(std::map<std::string, std::string> parameters) const {
  Candidate candidate;
  for (const Dimension& d : dimensions_) {
    if (!is_active(d, candidate.parameters)) continue;
    const auto given = parameters.find(d.name);
    if (given == parameters.end()) fail(d.name, "has no value");
    if (!contains(d.choices, given->second)) fail(d.name + " = " + given->second, "not in the search space");
    candidate.parameters.insert(*given);
  }
  const Network empty{.name = name_, .input = input_, .input_format = input_format_, .layers = {}};
  candidate.network = NetworkBuilder(spec_, candidate.parameters, empty).build(classes_);
  candidate.hash = network_hash(candidate.network);
  return candidate;
}

}  // namespace bitwright
