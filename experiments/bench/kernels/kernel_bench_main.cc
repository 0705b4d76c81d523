// bitwright-kernel-bench: instructions and cycles of every C kernel on every core, and of whole networks.
// docs/kernels.md says how to read what it prints.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>

#include "core/error.h"
#include "deploy/emulator_run.h"
#include "experiments/bench/kernels/cmsis_nn.h"
#include "experiments/bench/kernels/kernel_table.h"
#include "experiments/run_main.h"

namespace bitwright {
namespace {

struct Options {
  std::vector<std::string> cores, shapes, pairs;
  std::string cmsis_nn, network, weights;
  int windows = 3;
  int64_t ram_limit = 0;
  bool check = false, json = false;
};

// "m4" and "cortex-m4" mean the same; none means all.
std::vector<std::string> cores_of(const std::vector<std::string>& names) {
  const std::vector<std::string> known = emulated_cores();
  if (names.empty()) return known;
  std::vector<std::string> cores;
  for (const std::string& name : names) {
    cores.push_back(name.starts_with("cortex-") ? name : "cortex-" + name);
    if (std::find(known.begin(), known.end(), cores.back()) == known.end())
      throw ConfigError(fmt::format("--core = {}: must be one of {}", name, fmt::join(known, ", ")));
  }
  return cores;
}

void to_stderr(const std::string& line) {
  std::cerr << line << "\n";
}

nlohmann::ordered_json heading() {
  return {{"schema", 1},
          {"compiler", tool_version("arm-none-eabi-gcc")},
          {"flags", fmt::format("{}", fmt::join(kPackageFlags, " "))}};
}

int exit_code(const Options& options, const std::vector<Verdict>& verdicts) {
  return static_cast<int>(options.check && !all_met(verdicts) ? ExitCode::kFailed : ExitCode::kDone);
}

int bench_kernels(const Options& options) {
  const std::vector<std::string> cores = cores_of(options.cores);
  const std::vector<KernelCase> cases = kernel_cases(options.shapes, options.pairs);
  std::vector<KernelFigure> ours, peer;
  const auto append = [](std::vector<KernelFigure>& to, const std::vector<KernelFigure>& from) {
    to.insert(to.end(), from.begin(), from.end());
  };
  if (!options.cmsis_nn.empty())
    for (const std::string& core : cores)
      append(peer, measure_cmsis_nn(core, options.cmsis_nn, kernel_cases(options.shapes, {"W8A8"}), to_stderr));
  for (const std::string& core : cores) append(ours, measure_kernels(core, cases, to_stderr));
  const std::vector<Verdict> verdicts = check_kernels(ours, peer);
  if (options.json) {
    nlohmann::ordered_json json = heading();
    json["kernels"] = kernel_json(ours);
    json["cmsis_nn"] = kernel_json(peer);
    json["limits"] = verdict_json(verdicts);
    std::cout << json.dump(2) << "\n";
    return exit_code(options, verdicts);
  }
  std::cout << kernel_table(ours, cores) << "\n"
            << (options.cmsis_nn.empty() ? cmsis_nn_skipped() : peer_table(ours, peer));
  if (options.check) std::cout << "\n" << verdict_table(verdicts);
  return exit_code(options, verdicts);
}

int bench_network(const Options& options) {
  const QuantizedModel model = model_to_measure(options.network, options.weights);
  std::vector<NetworkFigure> figures;
  for (const std::string& core : cores_of(options.cores)) {
    to_stderr(core + " " + model.network.name);
    for (Execution execution : {Execution::kLayers, Execution::kStream})
      for (bool specialized : {false, true}) {
        const int64_t ram_limit = execution == Execution::kStream ? options.ram_limit : 0;
        const auto figure = measure_network(core, model, options.windows, {execution, specialized, ram_limit});
        if (!figure) continue;
        figures.push_back(*figure);
        if (ram_limit > 0 && figure->ram_bytes() > ram_limit)
          to_stderr(fmt::format("--ram = {}: no kernels keep {} within it, streamed on {}: {} bytes", ram_limit,
                                model.network.name, core, figure->ram_bytes()));
      }
  }
  const std::vector<Verdict> verdicts = check_network(model.network, figures);
  if (options.json) {
    nlohmann::ordered_json json = heading();
    json["network"] = network_json(model.network, figures);
    json["limits"] = verdict_json(verdicts);
    std::cout << json.dump(2) << "\n";
  } else {
    std::cout << network_table(model.network, figures);
    if (options.check) std::cout << "\n" << verdict_table(verdicts);
  }
  const auto differs = [](const NetworkFigure& f) { return f.different > 0; };
  if (std::any_of(figures.begin(), figures.end(), differs)) return static_cast<int>(ExitCode::kDiffers);
  return exit_code(options, verdicts);
}

int run(int argc, char** argv) {
  CLI::App app("Instructions and estimated cycles of the C kernels on emulated Cortex-M cores.");
  Options options;
  app.add_option("--core", options.cores, "m0plus, m3, m4, m7, m33; may be repeated; all by default");
  app.add_option("--shape", options.shapes, "Only these shapes: conv_k5, dense, ...");
  app.add_option("--pair", options.pairs, "Only these pairs of formats: W1A1, W8A8, ...");
  app.add_option("--cmsis-nn", options.cmsis_nn, "A checkout of CMSIS-NN to measure beside");
  auto* network =
      app.add_option("--network", options.network, "Measure this network instead: a built-in name or a YAML file");
  app.add_option("--weights", options.weights, "... with the weights of this model.json; else random ones");
  app.add_option("--windows", options.windows, "... on so many random inputs")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--ram", options.ram_limit, "... streamed with kernels that keep arena and stack within so many bytes")
      ->check(CLI::Range(int64_t{0}, int64_t{1} << 40))
      ->needs(network);
  app.add_flag("--check", options.check, "Hold the figures against their limits; status 1 if one is not met");
  app.add_flag("--json", options.json, "One JSON object on stdout");
  if (const auto status = parse_arguments(app, argc, argv)) return *status;
  return options.network.empty() && options.weights.empty() ? bench_kernels(options) : bench_network(options);
}

}  // namespace
}  // namespace bitwright

int main(int argc, char** argv) {
  return bitwright::run_main(bitwright::run, argc, argv);
}
