// SPDX-License-Identifier: Apache-2.0
#include "experiments/bench/kernels/cmsis_nn.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>

#include "core/error.h"
#include "deploy/emulator_run.h"
#include "deploy/process.h"

namespace bitwright {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds kLimit{300};

// One layer in the peer's terms: which function, and the initialiser of its struct.
struct PeerLayer {
  const char* function;
  std::string initialiser;
};

PeerLayer peer_layer(const Network& network) {
  const LayerSpec& layer = network.layers.back();
  const auto [in, accumulators, out] = infer_shapes(network).back();
  const auto [window, padding] = slide_of(layer, in);
  const int before_h = padding_before(in.h, window.h, window.stride_h, padding);
  const int before_w = padding_before(in.w, window.w, window.stride_w, padding);
  const bool dense = std::holds_alternative<Dense>(layer.op);
  const bool depthwise = std::holds_alternative<DepthwiseConv2d>(layer.op);
  const char* operation = dense ? "DENSE" : depthwise ? "DEPTHWISE" : "CONV";
  const char* function = dense       ? "arm_fully_connected_s8"
                         : depthwise ? "arm_depthwise_conv_wrapper_s8"
                                     : "arm_convolve_wrapper_s8";
  // A signal lies along h with us, along w with CMSIS-NN.
  const bool turn = in.w == 1;
  const auto pair = [turn](int h, int w) { return turn ? fmt::format("{}, {}", w, h) : fmt::format("{}, {}", h, w); };
  return {function, fmt::format("{{{}, {}, {}, {}, {}, {}, {}}},", operation, pair(in.h, in.w), in.c,
                                pair(out.h, out.w), out.c, pair(window.h, window.w), pair(before_h, before_w))};
}

void write_file(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary);
  file << text;
  if (!file.flush()) throw ToolError(path + ": cannot be written");
}

// Sources of the integer layers, sorted.
std::vector<std::string> library_sources(const std::string& checkout) {
  std::vector<std::string> sources;
  for (const char* part :
       {"ConvolutionFunctions", "FullyConnectedFunctions", "NNSupportFunctions", "TransposeFunctions"}) {
    const fs::path folder = fs::path(checkout) / "Source" / part;
    if (!fs::is_directory(folder))
      throw ConfigError(fmt::format("--cmsis-nn = {}: must be a checkout of CMSIS-NN: no Source/{}", checkout, part));
    for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
      const std::string name = entry.path().stem().string();
      const bool is_float = name.ends_with("_f16") || name.ends_with("_f32");
      if (entry.path().extension() == ".c" && !is_float) sources.push_back(entry.path().string());
    }
  }
  std::sort(sources.begin(), sources.end());
  return sources;
}

std::string build_peer(const std::string& core, const std::string& checkout, const std::vector<KernelCase>& cases,
                       const std::string& folder) {
  write_file(folder + "/layers.h", cmsis_nn_layers(cases));
  std::vector<std::string> sources = library_sources(checkout);
  sources.emplace_back(BITWRIGHT_CMSIS_NN_PEER);
  return link_for_emulator(core, compile_for_core(core, sources, {"-I" + checkout + "/Include", "-I" + folder}, folder),
                           folder);
}

}  // namespace

std::string cmsis_nn_skipped() {
  return "CMSIS-NN: skipped; name a checkout of https://github.com/ARM-software/CMSIS-NN with --cmsis-nn PATH\n";
}

std::string cmsis_nn_layers(const std::vector<KernelCase>& cases) {
  std::string text;
  for (const KernelCase& c : cases) text += peer_layer(c.network).initialiser + "\n";
  return text;
}

std::vector<KernelFigure> measure_cmsis_nn(const std::string& core, const std::string& checkout,
                                           const std::vector<KernelCase>& cases, const Progress& progress) {
  if (progress) progress(core + " CMSIS-NN");
  const TemporaryDirectory folder;
  const std::string elf = build_peer(core, checkout, cases, folder.path());
  const EmulatedRun run = run_emulated(core, elf, {}, folder.path(), kLimit, {.separate = true});
  if (run.exit_status != 0 || run.profile.runs != static_cast<int64_t>(cases.size()))
    throw ToolError(fmt::format("{}: CMSIS-NN failed, status {}\n{}", core, run.exit_status, run.output));
  const std::vector<RunCounts> counts = count_each_run(core, run.profile, disassemble(elf));
  std::vector<KernelFigure> figures;
  for (size_t i = 0; i < cases.size(); ++i) {
    KernelFigure figure;
    figure.core = core;
    figure.shape = cases[i].shape;
    figure.pair = cases[i].pair;
    figure.kernel = peer_layer(cases[i].network).function;
    figure.macs = measured_macs(cases[i].network);
    figure.instructions = counts[i].instructions;
    if (has_cycle_model(core)) figure.cycles = counts[i].cycles;
    figures.push_back(figure);
  }
  return figures;
}

}  // namespace bitwright
