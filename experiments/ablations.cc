// SPDX-License-Identifier: Apache-2.0
#include "experiments/ablations.h"

#include <fmt/format.h>

#include <cmath>

#include "trainer/schedule.h"

namespace bitwright {
namespace {

std::string rate(double value) {
  return fmt::format("training.learning_rate={}", value);
}

std::string epochs(double value) {
  return fmt::format("training.epochs={}", std::max(1L, std::lround(value)));
}

}  // namespace

std::vector<Ablation> ablations(const Recipe& base, const Network& network) {
  const double peak = peak_learning_rate(network, base);
  return {
      {"latent_init 0.5", {"training.latent_init=0.5"}},
      {"latent_init 0.025", {"training.latent_init=0.025"}},
      {"weight_scale tensor", {"training.weight_scale=tensor"}},
      {"weight_scale power_of_two", {"training.weight_scale=power_of_two"}},
      {"weight_scale learned", {"training.weight_scale=learned"}},
      {"surrogate identity", {"training.surrogate=identity"}},
      {"surrogate bi_real", {"training.surrogate=bi_real"}},
      {"surrogate reste", {"training.surrogate=reste"}},
      {"surrogate ede", {"training.surrogate=ede"}},
      {"activation_range lsq", {"training.activation_range=lsq"}},
      {"activation_range pact", {"training.activation_range=pact"}},
      {"stochastic_rounding", {"training.stochastic_rounding=true"}},
      {"float_weights 0.3", {"training.float_weights=0.3"}},
      {"float_activations 0.3", {"training.float_activations=0.3"}},
      {"float_both 0.3", {"training.float_weights=0.3", "training.float_activations=0.3"}},
      {"distillation 0.3", {"training.distillation=0.3"}},
      {"label_smoothing 0.1", {"training.label_smoothing=0.1"}},
      {"balanced_classes", {"training.balanced_classes=true"}},
      {"circular_shift", {"training.circular_shift=true"}},
      {"jitter 0.05", {"training.jitter=0.05"}},
      {"scaling 0.1", {"training.scaling=0.1"}},
      {"mixup 0.2", {"training.mixup=0.2"}},
      {"batch 32", {"training.batch_size=32"}},
      {"batch 128", {"training.batch_size=128"}},
      {"learning_rate x2", {rate(2.0 * peak)}},
      {"learning_rate x0.5", {rate(0.5 * peak)}},
      {"warmup 0", {"training.warmup_fraction=0"}},
      {"batch_norm_momentum 0.03", {"training.batch_norm_momentum=0.03"}},
      {"epochs x0.5", {epochs(0.5 * base.epochs)}},
      {"epochs x2", {epochs(2.0 * base.epochs)}},
  };
}

}  // namespace bitwright
