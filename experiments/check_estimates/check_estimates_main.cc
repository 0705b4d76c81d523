// bitwright-check-estimates: estimates of random networks against packages that were compiled, linked and emulated.
// docs/estimates.md says how to read what it prints.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <exception>
#include <future>
#include <iostream>
#include <map>
#include <span>

#include "core/embedded.h"
#include "core/error.h"
#include "core/io/network_yaml.h"
#include "deploy/emulator_run.h"
#include "deploy/process.h"
#include "deploy/timing.h"
#include "estimators/choose_kernels.h"
#include "estimators/estimate.h"
#include "experiments/calibrate/drawn_weights.h"
#include "experiments/calibrate/measure.h"
#include "experiments/check_estimates/measure_inferences.h"
#include "experiments/run_main.h"
#include "experiments/table.h"
#include "tests/support/random_network.h"

namespace bitwright {
namespace {

struct Options {
  std::vector<std::string> cores = {"cortex-m0plus", "cortex-m4", "cortex-m7", "cortex-m33"};
  uint64_t first = 1;
  int count = 300, chunk = 50;
  bool built_in = true;  // the networks of configs/networks, too
  bool kernels = false;  // every kernel call by itself, too
};

// One network on a core.
struct NetworkCheck {
  std::string name;
  bool floats = false;  // some layer computes in floating point
  Estimates estimated;
  MeasuredInference measured;
  double cycles_error() const { return estimated.cycles / measured.cycles - 1.0; }
  double instructions_error() const { return estimated.instructions / measured.instructions - 1.0; }
  double code_error() const {
    const auto bytes = static_cast<double>(measured.code_bytes + measured.library_bytes);
    return static_cast<double>(estimated.code_bytes) / bytes - 1.0;
  }
};

// One kernel call, by itself.
struct CallError {
  std::string kernel, network, layer;
  double instructions = 0.0, cycles = 0.0;
};

struct CoreResult {
  std::vector<NetworkCheck> networks;
  std::vector<CallError> calls;
  std::vector<std::string> mistakes;  // where an estimate must be exact, or an upper bound, and is not
};

bool uses_float(const Kernels& kernels) {
  return std::any_of(kernels.begin(), kernels.end(), [](const std::string& k) { return k.ends_with("_f32"); });
}

// False for a network of flattens alone: its run function is empty, and a ratio to it means nothing.
bool calls_kernels(const Kernels& kernels) {
  return std::any_of(kernels.begin(), kernels.end(), [](const std::string& k) { return !k.empty(); });
}

std::vector<Network> built_in_networks() {
  std::vector<Network> networks;
  for (std::string_view path : embedded_files("configs/networks/"))
    networks.push_back(network_from_yaml(std::string(*embedded_file(path)), std::string(path)));
  return networks;
}

std::vector<Network> networks_of(const Options& options) {
  std::vector<Network> networks = options.built_in ? built_in_networks() : std::vector<Network>{};
  for (uint64_t seed = options.first; seed < options.first + static_cast<uint64_t>(options.count); ++seed)
    networks.push_back(testing::random_network(seed));
  return networks;
}

void check_exact(const NetworkCheck& c, std::vector<std::string>& mistakes) {
  const auto expect = [&](const char* what, bool holds, int64_t estimated, int64_t measured) {
    if (!holds) mistakes.push_back(fmt::format("{}: {} estimated {}, measured {}", c.name, what, estimated, measured));
  };
  const auto& [e, m] = std::tie(c.estimated, c.measured);
  expect("constants", e.constant_bytes == m.constant_bytes, e.constant_bytes, m.constant_bytes);
  expect("static RAM", m.data_bytes + m.bss_bytes == 0, 0, m.data_bytes + m.bss_bytes);
  expect("stack", e.stack_bytes >= m.stack_bytes, e.stack_bytes, m.stack_bytes);
  expect("code", std::abs(c.code_error()) <= 0.02, e.code_bytes, m.code_bytes + m.library_bytes);
}

void add_calls(const std::string& core, const std::vector<QuantizedModel>& models, const std::vector<Kernels>& kernels,
               const std::vector<std::string>& runtime, const std::string& folder, CoreResult& result) {
  for (const MeasuredCall& call : measure_calls(core, models, runtime, folder, kernels)) {
    const Network& network = models[call.model].network;
    const KernelCost& cost = core_costs(core).kernel(call.kernel);
    const FeatureVector features = layer_features(network, call.layer, call.shapes, call.kernel);
    result.calls.push_back({call.kernel, network.name, network.layers[static_cast<size_t>(call.layer)].name,
                            cost.instructions(features) / call.instructions - 1.0,
                            cost.cycles(features) / call.cycles - 1.0});
  }
}

// Layers of all models in one program need different names.
void name_layers(Network& network) {
  for (LayerSpec& layer : network.layers) layer.name = network.name + "_" + layer.name;
}

// Networks with weights and the kernels that are chosen for them on a core.
struct Batch {
  std::vector<QuantizedModel> models;
  std::vector<Kernels> kernels;
};

Batch draw_batch(std::span<const Network> networks, const Board& board, uint64_t first_seed) {
  Batch batch;
  for (const Network& network : networks) {
    Kernels chosen = choose_kernels(network, board);
    ++first_seed;
    if (!calls_kernels(chosen)) continue;
    batch.models.push_back(with_random_weights(network, first_seed));
    batch.kernels.push_back(std::move(chosen));
  }
  return batch;
}

void check_packages(const Batch& batch, const Board& board, CoreResult& result) {
  std::vector<Program> programs;
  for (size_t i = 0; i < batch.models.size(); ++i) programs.push_back(lower(batch.models[i], batch.kernels[i]));
  const TemporaryDirectory folder;
  const std::vector<MeasuredInference> measured = measure_inferences(board.core, programs, folder.path());
  for (size_t i = 0; i < programs.size(); ++i) {
    const Network& network = batch.models[i].network;
    result.networks.push_back({network.name, uses_float(batch.kernels[i]), estimate(network, board), measured[i]});
    const NetworkCheck& check = result.networks.back();
    check_exact(check, result.mistakes);
    if (check.estimated.arena_bytes != programs[i].plan.arena_bytes)
      result.mistakes.push_back(fmt::format("{}: arena estimated {}, emitted {}", check.name,
                                            check.estimated.arena_bytes, programs[i].plan.arena_bytes));
  }
}

CoreResult check_core(const Options& options, const std::string& core, const std::vector<Network>& networks) {
  CoreResult result;
  Board board;
  board.core = core;
  board.clock_hz = 1'000'000;
  const TemporaryDirectory runtime_folder;
  const std::vector<std::string> runtime =
      options.kernels ? compile_runtime(core, runtime_folder.path()) : std::vector<std::string>{};
  const auto chunk = static_cast<size_t>(options.chunk);
  for (size_t begin = 0; begin < networks.size(); begin += chunk) {
    const size_t count = std::min(chunk, networks.size() - begin);
    Batch batch = draw_batch(std::span(networks).subspan(begin, count), board, begin);
    check_packages(batch, board, result);
    if (options.kernels) {
      for (QuantizedModel& model : batch.models) name_layers(model.network);
      add_calls(core, batch.models, batch.kernels, runtime, runtime_folder.path(), result);
    }
    std::cerr << fmt::format("{}: {} of {} networks\n", core, begin + count, networks.size());
  }
  return result;
}

// Of |error|.
struct Spread {
  double mean = 0.0, largest = 0.0;
  double within = 0.0;  // share of those of at most 0.5 %
};
template <class T, class F>
Spread spread(const std::vector<T>& of, F error) {
  Spread s;
  for (const T& one : of) {
    const double e = std::abs(error(one));
    s.mean += e / static_cast<double>(of.size());
    s.largest = std::max(s.largest, e);
    s.within += (e <= 0.005 ? 1.0 : 0.0) / static_cast<double>(of.size());
  }
  return s;
}

std::string per_cent(double share) {
  return fmt::format("{:.2f} %", 100 * share);
}

void add_row(const std::string& core, const std::string& what, const std::vector<NetworkCheck>& networks,
             std::vector<std::vector<std::string>>& rows) {
  if (networks.empty()) return;
  const Spread instructions = spread(networks, [](const NetworkCheck&c) { return c.instructions_error(); }),
               cycles = spread(networks, [](const NetworkCheck&c) { return c.cycles_error(); }),
               code = spread(networks, [](const NetworkCheck&c) { return c.code_error(); });
  rows.push_back({core, what, std::to_string(networks.size()), per_cent(instructions.mean),
                  per_cent(instructions.largest), per_cent(cycles.mean), per_cent(cycles.largest),
                  fmt::format("{:.0f} %", 100 * cycles.within), per_cent(code.mean), per_cent(code.largest)});
}

std::string worst_text(const std::string& core, std::vector<NetworkCheck> networks) {
  std::sort(networks.begin(), networks.end(), [](const NetworkCheck& a, const NetworkCheck& b) {
    return std::abs(a.cycles_error()) > std::abs(b.cycles_error());
  });
  std::string text;
  for (size_t i = 0; i < std::min<size_t>(networks.size(), 4); ++i) {
    const NetworkCheck& c = networks[i];
    std::map<std::string, double> shares;
    for (const LayerEstimate& layer : c.estimated.layers)
      if (!layer.kernel.empty()) shares[layer.kernel] += layer.cycles / c.estimated.cycles;
    std::string kernels;
    for (const auto& [kernel, share] : shares)
      if (share > 0.1) kernels += fmt::format(" {} {:.0f} %", kernel, 100 * share);
    text += fmt::format("  {} {}: cycles {:+.2f} % of {:.0f}:{}\n", core, c.name, 100 * c.cycles_error(),
                        c.measured.cycles, kernels);
  }
  return text;
}

void print_networks(const Options& options, const std::vector<CoreResult>& results) {
  std::vector<std::vector<std::string>> rows = {
      {"core", "networks", "number", "instructions", "worst", "cycles", "worst", "within 0.5 %", "code", "worst"}};
  std::string worst;
  for (size_t i = 0; i < results.size(); ++i) {
    std::vector<NetworkCheck> integers, floats, built_in;
    for (const NetworkCheck& c : results[i].networks)
      (!c.name.starts_with("net") ? built_in : c.floats ? floats : integers).push_back(c);
    add_row(options.cores[i], "of integers", integers, rows);
    add_row(options.cores[i], "with floats", floats, rows);
    add_row(options.cores[i], "built in", built_in, rows);
    worst += worst_text(options.cores[i], integers) + worst_text(options.cores[i], floats) +
             worst_text(options.cores[i], built_in);
  }
  std::cout << render_table(rows) << "worst:\n" << worst;
  for (size_t i = 0; i < results.size(); ++i)
    for (const std::string& mistake : results[i].mistakes)
      std::cout << fmt::format("WRONG on {}: {}\n", options.cores[i], mistake);
}

void print_calls(const std::string& core, const std::vector<CallError>& calls) {
  std::map<std::string, std::vector<CallError>> by_kernel;
  for (const CallError& call : calls) by_kernel[call.kernel].push_back(call);
  std::vector<std::vector<std::string>> rows = {
      {"core", "kernel", "calls", "instructions", "worst", "cycles", "worst", "where"}};
  for (const auto& [kernel, of] : by_kernel) {
    const Spread instructions = spread(of, [](const CallError&c) { return c.instructions; }),
                 cycles = spread(of, [](const CallError&c) { return c.cycles; });
    const auto worst = std::max_element(of.begin(), of.end(), [](const CallError& a, const CallError& b) {
      return std::abs(a.cycles) < std::abs(b.cycles);
    });
    rows.push_back({core, kernel, std::to_string(of.size()), per_cent(instructions.mean),
                    per_cent(instructions.largest), per_cent(cycles.mean), per_cent(cycles.largest),
                    worst->network + " " + worst->layer});
  }
  std::cout << render_table(rows);
}

ExitCode check_estimates(const Options& options) {
  for (const std::string& core : options.cores) core_costs(core);  // refuses a core without a table
  const std::vector<Network> networks = networks_of(options);
  std::vector<std::future<CoreResult>> running;
  for (const std::string& core : options.cores)
    running.push_back(std::async(std::launch::async, [&, core] { return check_core(options, core, networks); }));
  std::vector<CoreResult> results;
  for (std::future<CoreResult>& one : running) results.push_back(one.get());
  print_networks(options, results);
  for (size_t i = 0; options.kernels && i < results.size(); ++i) print_calls(options.cores[i], results[i].calls);
  const bool wrong =
      std::any_of(results.begin(), results.end(), [](const CoreResult& r) { return !r.mistakes.empty(); });
  return wrong ? ExitCode::kFailed : ExitCode::kDone;
}

int run(int argc, char** argv) {
  CLI::App app("Estimates of random networks against packages that were compiled, linked and emulated.");
  Options options;
  app.add_option("--core", options.cores, "Cores, of those with a cost table; may be repeated")->capture_default_str();
  app.add_option("--first", options.first, "Seed of the first network")->capture_default_str();
  app.add_option("--count", options.count, "Random networks")->check(CLI::NonNegativeNumber)->capture_default_str();
  app.add_option("--chunk", options.chunk, "Networks in one program")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_flag("!--random-only", options.built_in, "Without the networks of configs/networks");
  app.add_flag("--kernels", options.kernels, "Every kernel call by itself, too");
  if (const auto status = parse_arguments(app, argc, argv)) return *status;
  return static_cast<int>(check_estimates(options));
}

}  // namespace
}  // namespace bitwright

int main(int argc, char** argv) {
  return bitwright::run_main(bitwright::run, argc, argv);
}
