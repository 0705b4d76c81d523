// core/network.h: the network language. A Network is shapes, operators and number formats: no weights, no torch.
//
// Feature maps are HWC with batch 1, on the host and on the device alike; a 1-D signal of n samples and c channels
// is {n, 1, c}, its kernels k x 1. Layers form a directed acyclic graph in list order; the last one is the output.
//
// One layer is one fused step (design: the numeric contract):
//   op over packed inputs and weights -> accumulators -> optional max-pooling -> per-channel affine
//   (bias, batch norm) -> activation quantizer -> packed outputs
// MaxPool2d, Flatten and Upsample2d stand alone: they move codes and change none.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/format.h"

namespace bitwright {

struct Shape {
  int h = 1, w = 1, c = 1;  // each >= 1
  int64_t elements() const { return int64_t{h} * w * c; }
  bool operator==(const Shape&) const = default;
};

// "600x1x32".
std::string shape_text(const Shape& shape);

// Every mode but kValid gives ceil(n / stride) outputs, with TensorFlow's split of the border
// (total = max((out-1)*stride + k - n, 0), before = total / 2, the odd one after), filled with the code named.
enum class Padding : uint8_t { kValid, kZero, kMinusOne, kPlusOne };

struct Window {
  int h = 1, w = 1;                // kernel or pooling window, >= 1
  int stride_h = 1, stride_w = 1;  // >= 1
  bool operator==(const Window&) const = default;
};

struct Conv2d {
  int out_channels = 1;
  Window kernel;
  Padding padding = Padding::kValid;
  bool operator==(const Conv2d&) const = default;
};
// One kernel per channel (multiplier 1).
struct DepthwiseConv2d {
  Window kernel;
  Padding padding = Padding::kValid;
  bool operator==(const DepthwiseConv2d&) const = default;
};
// Input must be flat: {1, 1, c}.
struct Dense {
  int units = 1;
  bool operator==(const Dense&) const = default;
};
// Windows lie wholly inside the map: floor((n - size) / stride) + 1 outputs.
struct MaxPool2d {
  Window window;
  bool operator==(const MaxPool2d&) const = default;
};
// The accumulator is the integer sum of the window; 1/area is part of the affine.
struct AvgPool2d {
  Window window;
  bool operator==(const AvgPool2d&) const = default;
};
struct GlobalAvgPool {
  bool operator==(const GlobalAvgPool&) const = default;
};
// How strongly each channel varies over the map, whatever its mean: log2 of n^2 times the variance, n = h * w, by
// core/log_variance.h. After a convolution, the logarithm of the power in each filter's band (the variance layer of
// arXiv 2104.01233; squares, mean and logarithm of arXiv 1703.05051). Needs an activation format, and n times the
// largest code within 2^26.
struct GlobalLogVariance {
  bool operator==(const GlobalLogVariance&) const = default;
};
// {h, w, c} -> {1, 1, h*w*c}, row-major over (h, w, c): no data moves.
struct Flatten {
  bool operator==(const Flatten&) const = default;
};
// Residual: output of `from` + output of layer `with` (kNetworkInput: the network's input). Equal shapes; both
// scales powers of two, so that the sum of left-shifted codes is exact.
struct Add {
  int with = -1;
  bool operator==(const Add&) const = default;
};

// Nearest neighbour: every pixel becomes a block of `h` x `w` equal ones, so that {h, w, c} becomes
// {h * op.h, w * op.w, c}: output (y, x) is input (y / op.h, x / op.w), rounded down.
struct Upsample2d {
  int h = 1, w = 1;  // 1..kMaxUpsampling
  bool operator==(const Upsample2d&) const = default;
};
inline constexpr int kMaxUpsampling = 64;

using Op = std::variant<Conv2d, DepthwiseConv2d, Dense, MaxPool2d, AvgPool2d, GlobalAvgPool, Flatten, Add, Upsample2d,
                        GlobalLogVariance>;

inline constexpr int kNetworkInput = -1;

struct LayerSpec {
  std::string name;  // [a-z][a-z0-9_]*: one word in logs, store and emitted C
  Op op;
  int from = kNetworkInput;        // index of the layer whose output is read
  Format weights = Format::kInt8;  // of Conv2d, DepthwiseConv2d, Dense; ignored elsewhere
  bool bias = false;               // one per output channel
  std::optional<Window> pool;      // max-pooling of the accumulators, before the affine
  bool batch_norm = false;
  Format activations = Format::kAccumulator;  // of the output; ignored without accumulators
  bool relu = false;                          // only with activations kFloat32
  // log2 of the real range of a quantized activation: uintN covers [0, 2^r), intN and int16 [-2^r, 2^r).
  // Binary and ternary codes have scale 1 and ignore it.
  int range_log2 = 1;
  bool operator==(const LayerSpec&) const = default;
};

struct Network {
  std::string name = "network";  // [a-z][a-z0-9_]*
  Shape input;
  Format input_format = Format::kInt8;  // binary, ternary, int2..int8, uint2..uint8 or int16
  std::vector<LayerSpec> layers;
  bool operator==(const Network&) const = default;
};

// The layer whose codes `layer` gives: itself, or the one whose codes it moves; kNetworkInput where that is the input.
int source_of(const Network& network, int layer);

// Appends a layer that reads the last one (or the input) and returns its index.
int append(Network& network, LayerSpec layer);

// Shapes of one layer: what it reads, its accumulators (before pooling) and what it writes.
struct LayerShapes {
  Shape input, accumulators, output;
};
// Throws StructureError naming the first layer whose shapes or formats do not close, or that has a tensor or kernel
// of more than 2^24 elements.
std::vector<LayerShapes> infer_shapes(const Network& network);
// Of one layer of a network that infer_shapes() accepts; nothing is checked.
LayerShapes layer_shapes(const Network& network, int layer);

// Outputs and leading border of a window over n positions, per Padding.
int padded_outputs(int n, int window, int stride, Padding padding);
int padding_before(int n, int window, int stride, Padding padding);

// The window that an operator slides over its input, and the border it adds; 1x1 where it slides none.
struct Slide {
  Window window;
  Padding padding = Padding::kValid;
};
// MaxPool2d is not meant: its window slides over accumulators, as that of LayerSpec::pool.
Slide slide_of(const LayerSpec& layer, const Shape& input);

// Conv2d, DepthwiseConv2d and Dense have weights; these and AvgPool2d, GlobalAvgPool and Add have accumulators
// (so pool, bias, batch_norm and activations apply to them).
bool has_weights(const Op& op);
bool has_accumulators(const Op& op);
// "conv", "depthwise", "dense", "max_pool", "avg_pool", "global_avg_pool", "flatten", "add", "upsample",
// "global_log_variance".
std::string op_name(const Op& op);

// Multiply-accumulates of a layer by the rules of print_qstats: accumulator positions x kernel products.
// Zero for layers without weights.
int64_t macs(const LayerSpec& layer, const LayerShapes& shapes);
int64_t macs(const Network& network);
// Weights of a layer, biases and batch norm not counted.
int64_t weight_count(const LayerSpec& layer, const LayerShapes& shapes);
// Weights, biases and folded batch-norm pairs (two per channel).
int64_t parameter_count(const Network& network);

// How accumulators become outputs.
enum class Epilogue : uint8_t {
  kNone,        // MaxPool2d, Flatten, Upsample2d: no accumulators
  kRaw,         // activations none: accumulator (+ int32 bias) is the output
  kThreshold,   // up to 4 bits: integer thresholds per channel
  kRequantize,  // 5..16 bits: Q31 multiplier, shift, 64-bit offset per channel
  kFloat,       // float accumulators or float output: float32 scale and offset per channel
};

// Format in which a tensor lies in memory. `layer` is an index or kNetworkInput. The kAccumulator output of an
// integer layer is the narrowest of int8, int16, int32 that holds every accumulator its formats can produce;
// int32 if the layer has a bias or is the network's last; float32 if it computes in floating point.
Format storage_format(const Network& network, int layer);
// True when the layer accumulates in float32: float weights or a float input.
bool computes_in_float(const Network& network, int layer);
Epilogue epilogue(const Network& network, int layer);
// Largest |accumulator| that the formats of the layer allow, before bias.
int64_t accumulator_bound(const Network& network, int layer);

// Real units per code of a quantized activation: 1 for binary and ternary, 2^range_log2 / 2^bits for uintN,
// 2^(range_log2 + 1) / 2^bits for intN and int16.
double activation_scale(Format format, int range_log2);
// log2 of the scale of a tensor if it is a power of two known before training (all quantized activations).
std::optional<int> scale_log2(const Network& network, int layer);

// One line per layer, with every field that has a meaning for its operator and nothing else: equal networks, and
// only those, have equal text. The network's and the layers' names are left out.
std::string canonical_text(const Network& network);
// 128 bits of SHA-256 of canonical_text, as 32 hex digits.
std::string network_hash(const Network& network);

}  // namespace bitwright
