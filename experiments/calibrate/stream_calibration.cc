// SPDX-License-Identifier: Apache-2.0
#include "experiments/calibrate/stream_calibration.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>

#include "core/check.h"
#include "core/error.h"
#include "core/execution.h"
#include "core/rng.h"
#include "deploy/emit.h"
#include "deploy/package_profile.h"
#include "deploy/process.h"
#include "deploy/reference.h"
#include "estimators/kernel_costs.h"
#include "estimators/stream_costs.h"
#include "experiments/calibrate/drawn_weights.h"
#include "experiments/calibrate/least_squares.h"
#include "experiments/calibrate/measure.h"

namespace bitwright {
namespace {

constexpr int kNetworks = 12;  // of each kind of last stage
constexpr uint64_t kSeed = 1;
constexpr char kStreamFile[] = "bw_stream.c", kMemmove[] = "lib_a-memmove.o";

// ---- networks

LayerSpec drawn_convolution(Rng& rng, int index) {
  LayerSpec layer{.name = fmt::format("conv{}", index)};
  const Window window{rng.between(1, 6), 1, rng.between(1, 2), 1};
  const Padding padding = rng.pick<Padding>({Padding::kValid, Padding::kZero});
  layer.op = Conv2d{rng.pick<int>({rng.between(1, 40), 8, 16, 32}), window, padding};
  if (rng.below(6) == 0) layer.op = DepthwiseConv2d{{rng.between(1, 4), 1}, Padding::kZero};
  layer.weights = rng.pick<Format>({Format::kBinary, Format::kTernary, Format::kInt4, Format::kInt8});
  layer.activations = rng.pick<Format>(
      {Format::kBinary, Format::kTernary, Format::kUint4, Format::kInt8, Format::kUint8, Format::kInt16});
  if (rng.below(3) == 0) layer.pool = Window{rng.between(2, 4), 1, rng.between(2, 4), 1};
  return layer;
}

Network drawn_signal(Rng& rng, const std::string& name, bool ends_dense) {
  Network n{name, {rng.between(40, 600), 1, rng.between(1, 4)}, Format::kInt8, {}};
  const int layers = rng.between(ends_dense ? 1 : 2, 4);
  for (int i = 0; i < layers; ++i) append(n, drawn_convolution(rng, i));
  if (!ends_dense) return n;
  append(n, {.name = "flat", .op = Flatten{}});
  append(n,
         {.name = "dense",
          .op = Dense{rng.pick<int>({rng.between(2, 12), rng.between(13, 40), 64, 128})},
          .weights = rng.pick<Format>({Format::kBinary, Format::kTernary, Format::kInt4, Format::kInt8}),
          .activations = rng.pick<Format>({Format::kAccumulator, Format::kInt8, Format::kBinary, Format::kFloat32})});
  return n;
}

// The kernel of a last stage that adds up, else empty; nothing where the network is no stream.
std::optional<std::string> last_stage(const Network& network) {
  try {
    const ExecutionPlan plan = plan_execution(network, default_kernels(network), Execution::kStream);
    if (!plan.stream) return std::nullopt;
    return plan.stream->ends_dense ? plan.kernels[static_cast<size_t>(plan.stream->last_layer())] : "";
  } catch (const StructureError&) {  // the map became too short
    return std::nullopt;
  }
}

// ---- one package

struct Speed {
  double instructions = 0.0, cycles = 0.0;
};

struct StreamSample {
  StreamCounts counts, part_counts;
  double stages = 0.0;
  Speed total, driver;              // driver: what neither kernels nor plain calls take
  std::string part;                 // kernel of a last stage that adds up
  Speed part_measured, part_extra;  // of its calls; of these beside the ordinary kernel
  double further_code_bytes = 0.0;  // beside kernels, files and libraries of a stream
  int64_t stack_bytes = 0;          // beside the deepest kernel and the run function
  StreamCost linked;                // its files' bytes
};

PackageProfile profile_stream(const std::string& core, const Program& program) {
  const TemporaryDirectory folder;
  const std::vector<std::vector<int16_t>> inputs = {calibration_input(program.model.network, kSeed)};
  write_package(emit_c(program, golden_vectors(program.model, inputs)), folder.path());
  return profile_package(folder.path(), core, program, {.emulate = true});
}

Speed speed_of(const EmulatedPart& part) {
  return {part.instructions, part.cycles};
}

void add_part(const Network& network, const ExecutionPlan& plan, const CoreCosts& costs,
              const EmulatedPackage& emulated, StreamSample& s) {
  if (!plan.stream->ends_dense) return;
  const int layer = plan.stream->last_layer();
  s.part = plan.kernels[static_cast<size_t>(layer)];
  s.part_counts = part_counts(network, plan.stream->stages.back(), layer_shapes(network, layer));
  s.part_measured = speed_of(emulated.layers[static_cast<size_t>(layer)]);
  const StageCosts ordinary =
      stage_costs(network, plan.stream->stages.back(), layer_shapes(network, layer), s.part, costs);
  s.part_extra = {s.part_measured.instructions - ordinary.instructions, s.part_measured.cycles - ordinary.cycles};
}

// The core's costs, of the stream those of its linked files alone.
CoreCosts bare_costs(CoreCosts costs, const LinkedPackage& linked) {
  StreamCost& stream = costs.stream.emplace();
  for (const LinkedFile& file : linked.files)
    if (file.name == kStreamFile || file.name == kMemmove)
      stream.file_bytes[file.name] = file.bytes.code + file.bytes.constants;
  for (const std::string& part : part_kernels()) {
    const auto file = std::ranges::find(linked.files, "bw_" + part + ".c", &LinkedFile::name);
    stream.parts[part].file_bytes = file == linked.files.end() ? 0 : file->bytes.code;
  }
  return costs;
}

StreamSample measure(const CoreCosts& of_core, const Network& network) {
  const Program program = lower(with_random_weights(network, kSeed), {}, Execution::kStream);
  const ExecutionPlan plan = plan_execution(network, default_kernels(network), Execution::kStream);
  const PackageProfile profile = profile_stream(of_core.core, program);
  const CoreCosts costs = bare_costs(of_core, profile.linked);
  const EmulatedPackage& emulated = *profile.emulated;
  const auto calls =
      static_cast<double>(plan.kernels.size() - std::count(plan.kernels.begin(), plan.kernels.end(), ""));
  StreamSample s;
  s.counts = stream_counts(*plan.stream);
  s.stages = static_cast<double>(plan.stream->stages.size());
  s.total = speed_of(emulated.total);
  s.driver = {emulated.between.instructions - costs.glue_instructions(calls),
              emulated.between.cycles - costs.glue_cycles(calls)};
  add_part(network, plan, costs, emulated, s);
  s.further_code_bytes = static_cast<double>(profile.linked.code_bytes + profile.linked.library_bytes -
                                             stream_code_bytes(network, plan, costs));
  s.stack_bytes = emulated.stack_bytes - stack_bytes(network, costed_kernels(network, plan.kernels), costs);
  s.linked = *costs.stream;
  return s;
}

// ---- the fit

// In relation to `of`.
void divide(std::vector<std::vector<double>>& rows, std::vector<double>& values, const std::vector<double>& of) {
  for (size_t i = 0; i < rows.size(); ++i) {
    for (double& count : rows[i]) count /= of[i];
    values[i] /= of[i];
  }
}

double worst_residual(const std::vector<std::vector<double>>& rows, const std::vector<double>& values,
                      const std::vector<double>& x) {
  double worst = 0.0;
  for (size_t i = 0; i < rows.size(); ++i)
    worst = std::max(worst, std::abs(std::inner_product(x.begin(), x.end(), rows[i].begin(), -values[i])));
  return worst;
}

StreamSpeed fit_driver(const std::vector<StreamSample>& samples, double Speed::*what) {
  std::vector<std::vector<double>> rows;
  std::vector<double> values, total;
  for (const StreamSample& s : samples) {
    rows.push_back({1.0, s.counts.runs, s.counts.checks, s.counts.moved_words});
    values.push_back(s.driver.*what);
    total.push_back(s.total.*what);
  }
  divide(rows, values, total);
  const std::vector<double> x = nonnegative_least_squares(rows, values);
  return {x[0], x[1], x[2], x[3], worst_residual(rows, values, x)};
}

PartSpeed fit_part(const std::vector<StreamSample>& samples, const std::string& part, double Speed::*what) {
  std::vector<std::vector<double>> rows;
  std::vector<double> values, measured;
  for (const StreamSample& s : samples) {
    if (s.part != part) continue;
    rows.push_back({s.part_counts.part_runs, s.part_counts.part_sums, s.part_counts.part_codes});
    values.push_back(s.part_extra.*what);
    measured.push_back(s.part_measured.*what);
  }
  divide(rows, values, measured);
  const std::vector<double> x = ridge_least_squares(rows, values, {0.0, 0.0, 0.0}, 1e-9);
  return {x[0], x[1], x[2], worst_residual(rows, values, x)};
}

// Code of a stream: its base, and that of a stage.
void fit_code(const std::vector<StreamSample>& samples, StreamCost& cost) {
  std::vector<std::vector<double>> rows;
  std::vector<double> bytes;
  for (const StreamSample& s : samples) {
    rows.push_back({1.0, s.stages});
    bytes.push_back(s.further_code_bytes);
  }
  const std::vector<double> x = nonnegative_least_squares(rows, bytes);
  cost.base_bytes = std::llround(x[0]);
  cost.stage_bytes = std::llround(x[1]);
}

}  // namespace

std::vector<Network> stream_networks(const std::string& last, int count, uint64_t seed) {
  BW_CHECK(last.empty() || std::ranges::count(part_kernels(), last) == 1);
  std::vector<Network> networks;
  for (uint64_t draw = 0; std::ssize(networks) < count; ++draw) {
    Rng rng(seed, draw);
    Network network = drawn_signal(rng, fmt::format("stream{}", draw), !last.empty());
    if (last_stage(network) == last) networks.push_back(std::move(network));
  }
  return networks;
}

StreamCost measure_streams(const CoreCosts& costs, const std::function<void(const std::string& line)>& progress) {
  std::vector<std::string> last_stages = {""};
  last_stages.insert(last_stages.end(), part_kernels().begin(), part_kernels().end());
  std::vector<StreamSample> samples;
  for (const std::string& last : last_stages) {
    progress(fmt::format("{}: emulating {} streams that end {}", costs.core, kNetworks,
                         last.empty() ? "in no dense layer" : "in " + last));
    for (const Network& network : stream_networks(last, kNetworks, kSeed)) samples.push_back(measure(costs, network));
  }
  StreamCost cost;
  cost.instructions = fit_driver(samples, &Speed::instructions);
  cost.cycles = fit_driver(samples, &Speed::cycles);
  progress(fmt::format("{} streams: instructions {:.2f} % worst, cycles {:.2f} %, of an inference", costs.core,
                       100 * cost.instructions.worst_error, 100 * cost.cycles.worst_error));
  fit_code(samples, cost);
  for (const StreamSample& s : samples) {
    cost.stack_bytes = std::max(cost.stack_bytes, s.stack_bytes + kUnseenStackBytes);
    for (const auto& [file, bytes] : s.linked.file_bytes) cost.file_bytes[file] = bytes;
  }
  for (const std::string& part : part_kernels()) {
    PartCost& of = cost.parts[part];
    of.instructions = fit_part(samples, part, &Speed::instructions);
    of.cycles = fit_part(samples, part, &Speed::cycles);
    for (const StreamSample& s : samples) of.file_bytes = std::max(of.file_bytes, s.linked.parts.at(part).file_bytes);
    progress(fmt::format("{} {}: instructions {:.2f} % worst, cycles {:.2f} %", costs.core, part,
                         100 * of.instructions.worst_error, 100 * of.cycles.worst_error));
  }
  return cost;
}

}  // namespace bitwright
