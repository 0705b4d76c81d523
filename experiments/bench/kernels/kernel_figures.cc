// SPDX-License-Identifier: Apache-2.0
#include "experiments/bench/kernels/kernel_figures.h"

#include <fmt/format.h>

#include <algorithm>

#include "deploy/process.h"
#include "estimators/choose_kernels.h"
#include "experiments/calibrate/calibration_models.h"
#include "experiments/calibrate/measure.h"

namespace bitwright {
namespace {

// Cases that follow one another and have the same shape: they share a program.
std::vector<std::vector<KernelCase>> by_shape(const std::vector<KernelCase>& cases) {
  std::vector<std::vector<KernelCase>> groups;
  for (const KernelCase& c : cases) {
    if (groups.empty() || groups.back().front().shape != c.shape) groups.emplace_back();
    groups.back().push_back(c);
  }
  return groups;
}

// A case with one of the kernels that can run it.
struct Variant {
  KernelFigure figure;  // not yet measured
  QuantizedModel model;
  Kernels kernels;
  int measured_layer() const { return static_cast<int>(kernels.size()) - 1; }
};

// All variants of a group run in one program, so each has names of its own.
Network renamed(Network network, size_t number) {
  network.name += fmt::format("_{}", number);
  for (LayerSpec& layer : network.layers) layer.name += fmt::format("_{}", number);
  return network;
}

std::vector<Variant> variants_of(const std::string& core, const std::vector<KernelCase>& group) {
  std::vector<Variant> variants;
  for (const KernelCase& c : group) {
    const Kernels chosen = kernels_on(core, c.network);
    for (const std::string& kernel : kernels_for(c.network, static_cast<int>(chosen.size()) - 1)) {
      KernelFigure figure{core, c.shape, c.pair, kernel, kernel == chosen.back(), measured_macs(c.network)};
      if (has_cycle_model(core)) figure.cycles = 0.0;
      Kernels kernels = chosen;
      kernels.back() = kernel;
      variants.push_back({figure, with_random_weights(renamed(c.network, variants.size()), /*seed=*/7), kernels});
    }
  }
  return variants;
}

// A layer may be more than one call: their sum.
void add_call(const MeasuredCall& call, KernelFigure& figure) {
  figure.instructions += call.instructions;
  if (figure.cycles) *figure.cycles += call.cycles;
  figure.stack_bytes = std::max(figure.stack_bytes, call.stack_bytes);
}

std::vector<Variant> measured(std::vector<Variant> variants, const std::string& core,
                              const std::vector<std::string>& runtime, const std::string& folder) {
  std::vector<QuantizedModel> models;
  std::vector<Kernels> kernels;
  for (const Variant& v : variants) {
    models.push_back(v.model);
    kernels.push_back(v.kernels);
  }
  for (const MeasuredCall& call : measure_calls(core, models, runtime, folder, kernels)) {
    Variant& variant = variants[call.model];
    if (call.layer == variant.measured_layer()) add_call(call, variant.figure);
  }
  return variants;
}

}  // namespace

bool has_cycle_model(const std::string& core) {
  return core != "cortex-m55";
}

Kernels kernels_on(const std::string& core, const Network& network, Execution execution, int64_t ram_limit) {
  Board board;
  board.core = core;
  Limits limits;
  limits.ram_bytes = ram_limit;
  return choose_kernels(network, board, limits, execution);
}

const KernelFigure* find_chosen(const std::vector<KernelFigure>& figures, const std::string& core,
                                const std::string& shape, const std::string& pair) {
  for (const KernelFigure& f : figures)
    if (f.chosen && f.core == core && f.shape == shape && f.pair == pair) return &f;
  return nullptr;
}

double times_as_fast(const KernelFigure& ours, const KernelFigure& peer) {
  if (ours.cycles && peer.cycles) return peer.cycles_per_mac() / ours.cycles_per_mac();
  return peer.instructions_per_mac() / ours.instructions_per_mac();
}

std::vector<KernelFigure> measure_kernels(const std::string& core, const std::vector<KernelCase>& cases,
                                          const Progress& progress) {
  const TemporaryDirectory folder;
  const std::vector<std::string> runtime = compile_runtime(core, folder.path());
  std::vector<KernelFigure> figures;
  for (const std::vector<KernelCase>& group : by_shape(cases)) {
    if (progress) progress(fmt::format("{} {}", core, group.front().shape));
    for (Variant& variant : measured(variants_of(core, group), core, runtime, folder.path()))
      figures.push_back(std::move(variant.figure));
  }
  return figures;
}

}  // namespace bitwright
