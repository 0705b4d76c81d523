// SPDX-License-Identifier: Apache-2.0
#include "experiments/bench/kernels/network_figures.h"

#include <fmt/format.h>

#include <fstream>
#include <sstream>

#include "core/error.h"
#include "core/io/model_json.h"
#include "deploy/emit.h"
#include "deploy/emulator_run.h"
#include "deploy/process.h"
#include "deploy/verify.h"
#include "experiments/bench/kernels/kernel_figures.h"
#include "experiments/calibrate/calibration_models.h"
#include "experiments/training_request.h"

namespace bitwright {
namespace {

GoldenVectors random_windows(const QuantizedModel& model, int windows) {
  std::vector<std::vector<int16_t>> inputs;
  for (int i = 0; i < windows; ++i) inputs.push_back(calibration_input(model.network, static_cast<uint64_t>(i)));
  return golden_vectors(model, inputs);
}

void read_target(const TargetReport& target, NetworkFigure& figure) {
  if (!target.failure.empty()) throw ToolError(fmt::format("{}: {}", target.target, target.failure));
  figure.windows = target.vectors;
  figure.different = target.different;
  figure.instructions = target.instructions;
  if (has_cycle_model(figure.core)) figure.cycles = target.cycles;
  figure.static_bytes = target.data_bytes + target.bss_bytes;
  figure.stack_bytes = target.stack_bytes;
  figure.code_bytes = target.code_bytes;
  figure.library_bytes = target.library_bytes;
  figure.constant_bytes = target.constant_bytes;
}

// Progress of every stage, the columns between them, and the sums of a last dense layer.
int64_t state_bytes(const Program& program) {
  if (!program.stream) return 0;
  const std::vector<StreamStage>& stages = program.stream->stages;
  int64_t bytes = kStageStateBytes * static_cast<int64_t>(stages.size());
  for (size_t i = 0; i + 1 < stages.size(); ++i)
    bytes += program.plan.tensor_bytes[static_cast<size_t>(stages[i].layer) + 1];
  if (program.stream->ends_dense)
    bytes += 4 * program.ops[static_cast<size_t>(program.stream->last_layer())].shapes.output.c;
  return bytes;
}

QuantizedModel read_model(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  if (!file || !(text << file.rdbuf())) throw ConfigError(path + ": cannot be read");
  const nlohmann::json json = parse_json(text.str(), path);
  return read_json<QuantizedModel>((json.contains("model") ? json.at("model") : json).dump(), path);
}

}  // namespace

std::optional<NetworkFigure> measure_network(const std::string& core, const QuantizedModel& model, int windows,
                                             const NetworkForm& form) {
  const Program program = lower(model, kernels_on(core, model.network, form.execution, form.ram_limit), form.execution);
  if (form.execution == Execution::kStream && !program.stream) return std::nullopt;
  const TemporaryDirectory folder;
  PackageOptions options;
  options.specialize = form.specialized ? kSpecialize : 0;
  write_package(emit_c(program, random_windows(model, windows), options), folder.path());
  NetworkFigure figure;
  figure.core = core;
  figure.form = form;
  figure.arena_bytes = program.plan.arena_bytes;
  figure.input_bytes = program.input_bytes;
  figure.state_bytes = state_bytes(program);
  read_target(verify(folder.path(), {.targets = {core}}).targets.front(), figure);
  return figure;
}

Speed inferences_per_second(double cycles, double clock_hz) {
  return {clock_hz / (cycles * kCyclesUpper), clock_hz / cycles};
}

bool is_golden_bearing(const Network& network) {
  static const std::string hash = network_hash(network_argument("bearing_golden"));
  return network_hash(network) == hash;
}

QuantizedModel model_to_measure(const std::string& network, const std::string& weights) {
  if (weights.empty()) return with_random_weights(network_argument(network), /*seed=*/7);
  QuantizedModel model = read_model(weights);
  if (!network.empty() && network_hash(network_argument(network)) != network_hash(model.network))
    throw ConfigError(fmt::format("--weights = {}: must be of the network {}", weights, network));
  return model;
}

}  // namespace bitwright
