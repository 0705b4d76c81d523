// SPDX-License-Identifier: Apache-2.0
#include <iostream>
#include <nlohmann/json.hpp>

#include "core/execution.h"
#include "core/io/board_yaml.h"
#include "core/op_profile.h"
#include "estimators/choose_kernels.h"
#include "estimators/estimate.h"
#include "experiments/commands.h"
#include "experiments/table.h"
#include "experiments/training_request.h"

namespace bitwright {
namespace {

struct Options {
  std::string file, board = "nucleo-l476rg";
  bool stream = false, json = false;
};

nlohmann::json profile_json(const Network& network, const OpProfile& profile, const Estimates& estimates,
                            const Board& board, const ExecutionPlan& execution) {
  nlohmann::json weights = nlohmann::json::object();
  for (const LayerProfile& layer : profile.layers)
    weights[layer.layer] = {{"count", layer.weights}, {"bits", layer.bits}, {"biases", layer.biases}};
  nlohmann::json layers = nlohmann::json::array();
  for (const LayerEstimate& layer : estimates.layers)
    layers.push_back({{"name", layer.name},
                      {"kernel", layer.kernel},
                      {"macs", layer.macs},
                      {"constant_bytes", layer.constant_bytes},
                      {"output_bytes", layer.output_bytes},
                      {"cycles", layer.cycles}});
  return {{"schema", 1},
          {"network", network.name},
          {"op_types", profile.operations},
          {"weights", weights},
          {"total_bits", profile.total_bits},
          {"macs", estimates.macs},
          {"parameters", estimates.parameters},
          {"board", board.name},
          {"execution", execution.stream ? "stream" : "layers"},
          {"flash_bytes", estimates.flash_bytes},
          {"ram_bytes", estimates.ram_bytes},
          {"arena_bytes", estimates.arena_bytes},
          {"cycles", estimates.cycles},
          {"latency_us", estimates.latency_us},
          {"layers", layers}};
}

// One line a buffer: where it lies in the arena and between which layers it is alive.
std::string memory_map(const Network& network, const ExecutionPlan& execution) {
  const MemoryPlan& plan = execution.memory;
  std::vector<std::vector<std::string>> rows = {{"tensor", "offset", "bytes", "from layer", "to layer"}};
  const auto add = [&](const std::string& name, int64_t offset, int64_t bytes, size_t first, size_t last) {
    if (bytes > 0)
      rows.push_back(
          {name, std::to_string(offset), std::to_string(bytes), network.layers[first].name, network.layers[last].name});
  };
  for (size_t t = 0; t < plan.tensor_bytes.size(); ++t)
    add(t == 0 ? "input" : network.layers[t - 1].name, plan.tensor_offsets[t], plan.tensor_bytes[t],
        static_cast<size_t>(plan.first_step[t]), static_cast<size_t>(plan.last_step[t]));
  for (size_t i = 0; i < plan.scratch_bytes.size(); ++i)
    add("scratch of " + network.layers[i].name, plan.scratch_offsets[i], plan.scratch_bytes[i], i, i);
  if (execution.stream) {
    const auto end = static_cast<size_t>(execution.stream->last_layer());
    add("state of the stream", plan.state_offset,
        kStageStateBytes * static_cast<int64_t>(execution.stream->stages.size()), 0, end);
    if (execution.stream->ends_dense)
      add("sums of " + network.layers[end].name, plan.sums_offset, 4 * infer_shapes(network)[end].output.c, 0, end);
  }
  return render_table(rows) +
         fmt::format("arena {} B{}, fullest at {}\n", plan.arena_bytes, plan.is_least ? ", the least possible" : "",
                     network.layers[plan.peak_step].name);
}

int profile(const Options& options) {
  const Network network = network_argument(options.file);
  const Board board = load_board(options.board);
  const OpProfile ops = op_profile(network);
  const Execution execution = options.stream ? Execution::kStream : Execution::kLayers;
  const Estimates e = estimate(network, board, {}, execution);
  const Kernels kernels = choose_kernels(network, board, {}, execution);
  const ExecutionPlan plan = plan_execution(network, kernels, execution);
  if (options.stream && !plan.stream)
    std::cerr << fmt::format("note: no stream: {}\n", no_stream_reason(network, kernels));
  if (options.json) {
    std::cout << profile_json(network, ops, e, board, plan).dump(2) << "\n";
    return 0;
  }
  std::cout << qstats_text(ops) << "\n"
            << layer_table(network) << "\n"
            << memory_map(network, plan)
            << fmt::format("on {}: flash {} (code {}, constants {})  ram {} (arena {}, stack {})  {:.0f} cycles, {}\n",
                           board.name, format_bytes(e.flash_bytes), format_bytes(e.code_bytes),
                           format_bytes(e.constant_bytes), format_bytes(e.ram_bytes), format_bytes(e.arena_bytes),
                           format_bytes(e.stack_bytes), e.cycles, format_microseconds(e.latency_us));
  return 0;
}

}  // namespace

void add_profile(CLI::App& app, CommandLine& line) {
  auto* command = app.add_subcommand("profile", "Op types, weights, memory map and cost of a network");
  auto options = std::make_shared<Options>();
  command->add_option("network", options->file, "A network's YAML, or the name of a built-in one")->required();
  command->add_option("--board", options->board, "Board that the cost is for")->capture_default_str();
  command->add_flag("--stream", options->stream,
                    "With the first layers of a signal column by column, where that takes less RAM; else a note says "
                    "why not");
  command->add_flag("--json", options->json, "One JSON object on stdout");
  command->callback([=, &line] { line.action = [=] { return profile(*options); }; });
}

}  // namespace bitwright
