// SPDX-License-Identifier: Apache-2.0
#include "estimators/stream_costs.h"

#include <algorithm>

#include "estimators/kernel_costs.h"
#include "estimators/layer_features.h"

namespace bitwright {
namespace {

const StreamCost& measured(const CoreCosts& costs) {
  if (!costs.stream) throw MissingCost("streams on " + costs.core + ": not measured");
  return *costs.stream;
}

double runs_of(const StreamStage& stage) {
  return (stage.outputs + stage.band - 1) / stage.band;
}

// The stage's dense layer on so many columns alone. Bytes with a sign whose weights are bits are moved to scratch
// memory without it, which saves flipping them for every output.
Network on_columns(const Network& network, const StreamStage& stage, const std::string& kernel, int columns) {
  Format format = storage_format(network, stage.layer - 1);
  const int channels = static_cast<int>(stage.column_bits) / bit_width(format);
  if (kernel == "part_a8w1" && format == Format::kInt8) format = Format::kUint8;
  LayerSpec dense = network.layers[static_cast<size_t>(stage.layer)];
  dense.from = kNetworkInput;
  return {"columns", {1, 1, columns * channels}, format, {dense}};
}

// A dense layer that adds up: its ordinary kernel, in parts instead of at once, and what was measured beside. Branches
// are another function's, and predicted otherwise: what they cost is within what was measured.
StageCosts part_costs(const Network& network, const StreamStage& stage, const LayerShapes& shapes,
                      const std::string& kernel, const CoreCosts& costs) {
  StageCosts sum;
  const auto add = [&](const Network& columns, double times) {
    const std::string costed = costed_kernel(columns, 0, kernel);
    const FeatureVector features = layer_features(columns, 0, layer_shapes(columns, 0), costed);
    sum.instructions += times * costs.kernel(costed).instructions.linear(features);
    sum.cycles += times * costs.kernel(costed).cycles.linear(features);
  };
  const auto add_sums = [&](int columns, double times) {  // without the epilogue
    Network part = on_columns(network, stage, kernel, columns);
    part.layers[0].activations = Format::kAccumulator;
    add(part, times);
  };
  add(on_columns(network, stage, kernel, stage.outputs), 1);
  add_sums(stage.outputs, -1);
  add_sums(stage.band, stage.outputs / stage.band);
  if (const int rest = stage.outputs % stage.band; rest > 0) add_sums(rest, 1);
  const PartCost& part = measured(costs).part(kernel);
  const StreamCounts counts = part_counts(network, stage, shapes);
  return {sum.instructions + part.instructions(counts), sum.cycles + part.cycles(counts)};
}

// Words of the columns that two runs share.
double kept_words(const StreamStage& stage) {
  return static_cast<double>(std::max(stage.window - stage.step, 0)) * static_cast<double>(stage.column_bits) / 32.0;
}

}  // namespace

std::string costed_kernel(const Network& network, int layer, const std::string& kernel) {
  if (!kernel.starts_with("part_")) return kernel;
  const std::string types = kernel_types(kernel);
  const std::string name = (types == "a8w1" || types == "a16w1" ? "conv2d_" : "dense_") + types;
  return epilogue(network, layer) == Epilogue::kFloat ? name + "_to_f32" : name;
}

Kernels costed_kernels(const Network& network, Kernels kernels) {
  for (size_t i = 0; i < kernels.size(); ++i) kernels[i] = costed_kernel(network, static_cast<int>(i), kernels[i]);
  return kernels;
}

StreamCounts stream_counts(const StreamPlan& stream) {
  StreamCounts n;
  const size_t stages = stream.stages.size();
  n.checks = static_cast<double>(stages);  // the last time none can run
  for (size_t i = 0; i < stages; ++i) {
    const double runs = runs_of(stream.stages[i]);
    n.runs += runs;
    n.checks += runs * static_cast<double>(stages - i);
    if (i > 0) n.moved_words += (runs - 1) * kept_words(stream.stages[i]);
  }
  return n;
}

StreamCounts part_counts(const Network& network, const StreamStage& stage, const LayerShapes& shapes) {
  const bool narrow = bit_width(storage_format(network, stage.layer - 1)) < 8;
  return {.part_runs = runs_of(stage),
          .part_sums = runs_of(stage) * shapes.output.c,
          .part_codes = narrow ? static_cast<double>(shapes.input.elements()) : 0.0};
}

StageCosts stage_costs(const Network& network, const StreamStage& stage, const LayerShapes& shapes,
                       const std::string& kernel, const CoreCosts& costs) {
  if (kernel.starts_with("part_")) return part_costs(network, stage, shapes, kernel, costs);
  const KernelCost& cost = costs.kernel(kernel);
  const auto add = [&](StageCosts& sum, const LayerPart& part, double times) {
    const FeatureVector features = layer_features(network, stage.layer, shapes, kernel, part);
    sum.instructions += times * cost.instructions(features);
    sum.cycles += times * cost.cycles(features);
  };
  StageCosts sum;
  add(sum, {0, kStreamPolyTile}, 1);
  if (stage.outputs <= stage.band) return sum;
  // What the bands cost beside the map, both without a border.
  add(sum, {stage.outputs, kStreamPolyTile}, -1);
  add(sum, {stage.band, kStreamPolyTile}, stage.outputs / stage.band);
  if (const int rest = stage.outputs % stage.band; rest > 0) add(sum, {rest, kStreamPolyTile}, 1);
  return sum;
}

StageCosts driver_costs(const StreamPlan& stream, const CoreCosts& costs) {
  const StreamCounts counts = stream_counts(stream);
  return {measured(costs).instructions(counts), measured(costs).cycles(counts)};
}

int64_t stream_code_bytes(const Network& network, const ExecutionPlan& plan, const CoreCosts& costs) {
  const StreamCost& stream = measured(costs);
  Kernels kernels = plan.kernels;
  FurtherCode further{stream.file_bytes, {}};
  if (costs.library_bytes.contains("lib_a-memset.o")) further.members.insert("lib_a-memset.o");
  if (plan.stream->ends_dense) {
    std::string& part = kernels[static_cast<size_t>(plan.stream->last_layer())];
    further.files["bw_" + part + ".c"] = stream.part(part).file_bytes;
    const KernelCost& dense = costs.kernel(costed_kernel(network, plan.stream->last_layer(), part));
    for (const auto& [file, bytes] : dense.file_bytes)
      if (file.starts_with("bw_finish")) further.files[file] = bytes;
    further.members.insert(dense.library.begin(),
                           dense.library.end());  // a float epilogue's, without a unit for floats
    part.clear();
  }
  return code_bytes(kernels, costs, further) + stream.base_bytes +
         stream.stage_bytes * static_cast<int64_t>(plan.stream->stages.size());
}

int64_t stream_stack_bytes(const CoreCosts& costs) {
  return measured(costs).stack_bytes;
}

}  // namespace bitwright
