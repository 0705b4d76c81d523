// core/recipe.h: how a candidate is trained. Defaults are those measured best for 1..8-bit networks.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace bitwright {

struct Recipe {
  int epochs = 20;                     // 1..10000; cost grows in proportion
  int batch_size = 64;                 // 1..65536
  double learning_rate = 0.0;          // 0: by the lowest weight width: 1e-2 for 1-2 bits, 4e-3 for 3-8, 2e-3 float
  double final_learning_rate = 1e-5;   // end of the cosine
  double warmup_fraction = 0.1;        // of all steps, linear from 0; 0..0.9
  double batch_norm_momentum = 0.1;    // of the running statistics, 0..1
  double latent_init = 0.1;            // latent weights of 1- and 2-bit layers start uniform in +-this
  double label_smoothing = 0.0;        // 0..0.5
  bool circular_shift = false;         // augmentation: rotate the signal by a random number of samples
  int patience = 0;                    // stop after this many epochs without a better validation accuracy; 0: never
  int max_train_examples = 0;          // use only this many, drawn by the seed; 0: all
};

}  // namespace bitwright
