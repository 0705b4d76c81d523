// SPDX-License-Identifier: Apache-2.0
#include "experiments/bench/kernels/limits.h"

#include <fmt/format.h>

#include <algorithm>

namespace bitwright {
namespace {

struct CycleLimit {
  const char *core, *shape, *pair;
  double cycles_per_mac;
};
constexpr CycleLimit kCycleLimits[] = {
    {"cortex-m4", "conv_k5", "W1A1", 0.25},     {"cortex-m4", "dense", "W1A1", 0.39},
    {"cortex-m4", "dense", "W1Au8", 1.15},      {"cortex-m4", "dense", "WtA1", 0.5},
    {"cortex-m4", "conv_k3", "W2A2", 0.7},      {"cortex-m4", "conv_k5", "W8A8", 1.8},
    {"cortex-m4", "conv_k5", "W4A8", 2.5},      {"cortex-m4", "dense", "W4A8", 2.5},

    {"cortex-m7", "conv_k5", "W1A1", 0.14},     {"cortex-m7", "dense", "W1A1", 0.22},
    {"cortex-m7", "dense", "W1Au8", 1.05},      {"cortex-m7", "dense", "WtA1", 0.28},
    {"cortex-m7", "conv_k3", "W2A2", 0.4},      {"cortex-m7", "conv_k5", "W8A8", 1.1},
    {"cortex-m7", "conv_k5", "W4A8", 1.6},      {"cortex-m7", "dense", "W4A8", 1.6},

    {"cortex-m0plus", "conv_k5", "W1A1", 0.65}, {"cortex-m0plus", "dense", "W1A1", 0.55},
};

// Times as fast as CMSIS-NN's int8 layer of the same shape.
struct SpeedLimit {
  const char *core, *shape, *pair;
  double times;
};
constexpr SpeedLimit kSpeedLimits[] = {
    {"cortex-m4", "conv_k5", "W1A1", 9.0},
    {"cortex-m4", "conv_k5", "W8A8", 1.3},
};

// Of bearing_golden (configs/networks) run column by column, kernels compiled for their layers. RAM is arena, static
// variables and stack; code is the runtime's and the model's, without libraries.
struct NetworkLimit {
  const char *core, *what;
  double limit;
  double (*measured)(const NetworkFigure&);
};
double cycles_of(const NetworkFigure& f) {
  return f.cycles.value_or(0.0);
}
double ram_of(const NetworkFigure& f) {
  return static_cast<double>(f.ram_bytes());
}
double code_of(const NetworkFigure& f) {
  return static_cast<double>(f.code_bytes);
}
constexpr NetworkLimit kNetworkLimits[] = {
    {"cortex-m4", "cycles", 1.5e6, cycles_of},   {"cortex-m4", "RAM, bytes", 2560, ram_of},
    {"cortex-m4", "code, bytes", 4096, code_of}, {"cortex-m7", "cycles", 1.0e6, cycles_of},
    {"cortex-m7", "RAM, bytes", 2560, ram_of},   {"cortex-m7", "code, bytes", 4096, code_of},
};

Verdict check(const CycleLimit& limit, const std::vector<KernelFigure>& ours) {
  Verdict verdict{limit.core, fmt::format("{} {}, cycles per MAC", limit.shape, limit.pair), {}, limit.cycles_per_mac};
  if (const KernelFigure* figure = find_chosen(ours, limit.core, limit.shape, limit.pair))
    verdict.measured = figure->cycles_per_mac();
  return verdict;
}

Verdict check(const SpeedLimit& limit, const std::vector<KernelFigure>& ours,
              const std::vector<KernelFigure>& cmsis_nn) {
  Verdict verdict{
      limit.core, fmt::format("{} {}, times CMSIS-NN's int8", limit.shape, limit.pair), {}, limit.times, true};
  const KernelFigure* figure = find_chosen(ours, limit.core, limit.shape, limit.pair);
  const KernelFigure* peer = find_chosen(cmsis_nn, limit.core, limit.shape, "W8A8");
  if (figure && peer) verdict.measured = times_as_fast(*figure, *peer);
  return verdict;
}

}  // namespace

std::vector<Verdict> check_kernels(const std::vector<KernelFigure>& ours, const std::vector<KernelFigure>& cmsis_nn) {
  std::vector<Verdict> verdicts;
  for (const CycleLimit& limit : kCycleLimits) verdicts.push_back(check(limit, ours));
  for (const SpeedLimit& limit : kSpeedLimits) verdicts.push_back(check(limit, ours, cmsis_nn));
  return verdicts;
}

std::vector<Verdict> check_network(const Network& network, const std::vector<NetworkFigure>& figures) {
  std::vector<Verdict> verdicts;
  if (!is_golden_bearing(network)) return verdicts;
  for (const NetworkLimit& limit : kNetworkLimits) {
    Verdict verdict{limit.core, fmt::format("bearing_golden streamed, {}", limit.what), {}, limit.limit};
    for (const NetworkFigure& f : figures)
      if (f.core == limit.core && f.form.execution == Execution::kStream && f.form.specialized)
        verdict.measured = limit.measured(f);
    verdicts.push_back(verdict);
  }
  return verdicts;
}

bool all_met(const std::vector<Verdict>& verdicts) {
  const auto measured = [](const Verdict& v) { return v.measured.has_value(); };
  return std::any_of(verdicts.begin(), verdicts.end(), measured) &&
         std::all_of(verdicts.begin(), verdicts.end(), [&](const Verdict& v) { return !measured(v) || v.met(); });
}

}  // namespace bitwright
