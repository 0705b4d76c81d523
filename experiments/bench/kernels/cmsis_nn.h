// experiments/bench/kernels/cmsis_nn.h: the same layers in int8 by CMSIS-NN, on the same emulator with the same flags.
//
// Nothing of CMSIS-NN is in this repository: the user names a checkout of https://github.com/ARM-software/CMSIS-NN.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "experiments/bench/kernels/kernel_figures.h"

namespace bitwright {

// arm_convolve_wrapper_s8, arm_depthwise_conv_wrapper_s8 and arm_fully_connected_s8 on random data, each checked
// against plain loops over the same requantization (cmsis_nn_peer.c). `cases` have int8 inputs and weights. A 1-D
// signal is a map of height 1, for which CMSIS-NN has a faster kernel. Throws ConfigError if `checkout` holds no
// CMSIS-NN, ToolError if it does not compile or computes something else.
std::vector<KernelFigure> measure_cmsis_nn(const std::string& core, const std::string& checkout,
                                           const std::vector<KernelCase>& cases, const Progress& progress = {});

// One line for when no checkout is given.
std::string cmsis_nn_skipped();

// The initialisers of `layers` in cmsis_nn_peer.c, for tests.
std::string cmsis_nn_layers(const std::vector<KernelCase>& cases);

}  // namespace bitwright
