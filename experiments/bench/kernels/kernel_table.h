// experiments/bench/kernels/kernel_table.h: the benchmark's figures for people and as JSON.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "experiments/bench/kernels/limits.h"

namespace bitwright {

// A row per shape, pair and kernel that can run it, two columns per core: instructions and cycles per
// multiply-accumulate, with a star at the kernel that is chosen. "-": not measured, or no cycle model. cores: the order
// of the columns.
std::string kernel_table(const std::vector<KernelFigure>& figures, const std::vector<std::string>& cores);

// A row per shape and core: CMSIS-NN's int8 layer, and how many times as fast the chosen kernel of every pair is. For a
// core without a cycle model instructions are compared.
std::string peer_table(const std::vector<KernelFigure>& ours, const std::vector<KernelFigure>& cmsis_nn);

// A row per core, and for the golden bearing network its speed beside the published one.
std::string network_table(const Network& network, const std::vector<NetworkFigure>& figures);

// A row per limit: "met", "NOT MET" or "not measured".
std::string verdict_table(const std::vector<Verdict>& verdicts);

nlohmann::ordered_json kernel_json(const std::vector<KernelFigure>& figures);
nlohmann::ordered_json network_json(const Network& network, const std::vector<NetworkFigure>& figures);
nlohmann::ordered_json verdict_json(const std::vector<Verdict>& verdicts);

}  // namespace bitwright
