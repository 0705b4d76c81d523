// core/recipe.h: how a candidate is trained. The defaults are those that `bitwright ablate` found best for networks of
// 1 to 8 bits. What each quantizer and surrogate computes: trainer/kernels.h and core/quantize.h.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace bitwright {

// Gradient of an activation quantizer around its steps, as a factor of the incoming gradient.
enum class Surrogate : uint8_t {
  kClip,      // 1 inside the range, 0 outside (arXiv 1602.02830)
  kIdentity,  // 1 everywhere (arXiv 1308.3432)
  kBiReal,    // binary: 2 - 2|y| where |y| <= 1 (approx-sign, arXiv 1808.00278); others as kClip
  kReste,     // binary: the derivative of |y|^(1/o), o rising from 1 to 3 in training (arXiv 2308.06689); others kClip
  kEde,       // binary: k t (1 - tanh^2(t y)), t rising from 0.1 to 10 (arXiv 1909.10788); others as kClip
};

// Real units per weight code.
enum class WeightScale : uint8_t {
  kChannel,     // statistics of the latent weights, one for each output channel (core/quantize.h)
  kTensor,      // likewise, one for the layer
  kPowerOfTwo,  // kChannel rounded to the nearest power of two, in log2
  kLearned,     // LSQ: a step for each output channel learns with the weights (arXiv 1902.08153); binary: as kChannel
};

// Range of quantized activations; binary, ternary and whatever an Add reads keep the network's own.
enum class ActivationRange : uint8_t {
  kFixed,  // the network's range_log2: power-of-two steps
  kLsq,    // the step learns (arXiv 1902.08153); starts at the network's
  kPact,   // the upper end learns from what lies beyond it (arXiv 1805.06085); starts at the network's
};

enum class Device : uint8_t { kAuto, kCpu, kCuda };  // kAuto: CUDA where libtorch sees one

struct Recipe {
  int epochs = 20;                     // 1..10000; cost grows in proportion
  int batch_size = 64;                 // 1..65536, at most the training examples
  double learning_rate = 0.0;          // 0: by the lowest weight width: 1e-2 for 1-2 bits, 4e-3 for 3-8, 2e-3 float
  double final_learning_rate = 1e-5;   // end of the cosine
  double warmup_fraction = 0.1;        // of all steps, linear from 0; 0..0.9
  double batch_norm_momentum = 0.1;    // of the running statistics, 0..1
  double latent_init = 0.1;            // latent weights of 1- and 2-bit layers start uniform in +-this
  int patience = 0;                    // stop after this many epochs without a better validation score; 0: never
  int max_train_examples = 0;          // use only this many, drawn by the seed; 0: all
  Device device = Device::kAuto;

  // quantizers
  Surrogate surrogate = Surrogate::kClip;
  WeightScale weight_scale = WeightScale::kChannel;
  ActivationRange activation_range = ActivationRange::kFixed;
  bool stochastic_rounding = false;    // of activations of more than one bit, while training (arXiv 1502.02551)
  double float_weights = 0.0;          // share of the epochs, 0..0.9, that begin with float weights ...
  double float_activations = 0.0;      // ... and with float activations (clipped to their range)

  // loss
  double label_smoothing = 0.0;        // 0..0.5
  bool balanced_classes = false;       // weigh a class by 1 / its share
  double distillation = 0.0;           // 0..1: this much of the loss is the teacher's (arXiv 1503.02531)
  double distillation_temperature = 2.0;  // 0.1..100
  int teacher_epochs = 10;             // 1..10000, of the network's float twin, trained first

  // augmentation of training examples, drawn anew every epoch
  bool circular_shift = false;         // rotate the signal by a random number of samples
  double jitter = 0.0;                 // 0..1: added normal noise, in deviations of the input
  double scaling = 0.0;                // 0..0.9: factor of 1 + this * normal for the whole example
  double mixup = 0.0;                  // 0..10: alpha of the beta distribution (arXiv 1710.09412); 0: none
};

}  // namespace bitwright
