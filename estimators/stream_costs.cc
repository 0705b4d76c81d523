// SPDX-License-Identifier: Apache-2.0
#include "estimators/stream_costs.h"

#include <algorithm>
#include <array>
#include <map>

#include "estimators/kernel_costs.h"
#include "estimators/layer_features.h"

namespace bitwright {
namespace {

// Coefficients of StreamCounts, in their order, and what an inference takes besides.
struct Driver {
  std::array<double, 4> per_count{};
  double base = 0.0;
  double operator()(const StreamCounts& n) const {
    return base + per_count[0] * n.runs + per_count[1] * n.checks + per_count[2] * n.moved_words +
           per_count[3] * n.part_sums;
  }
};

struct Measured {
  Driver instructions, cycles;
  int64_t base_bytes = 0;                     // emitted code of a stream, ...
  int64_t stage_bytes = 0;                    // ... and of a stage, beside plain calls
  std::map<std::string, int64_t> file_bytes;  // of bw_stream.c and of the part_ kernels
  int64_t memmove_bytes = 0;                  // of libc; it links memset, too
  int64_t stack_bytes = 0;                    // deepest seen
};

// Sixteen random signals (tests/support/random_network.h), each emulated as layers and as a stream: what the stream
// takes beside its kernels, by least squares; overheads are then right to 0.3 % of an inference on average, to 1.5 % at
// worst. Code: of the sources compiled with the flags of the core's cost table.
const std::map<std::string, Measured>& measurements() {
  static const std::map<std::string, Measured> of_core = {
      {"cortex-m0plus",
       {{{62.4, 108.4, 8.4, 79.1}, 678.5},
        {{67.1, 176.9, 11.3, 136.7}, 1482.9},
        147,
        142,
        {{"bw_stream.c", 376},
         {"bw_part_a8w1.c", 1060},
         {"bw_part_a16w1.c", 2324},
         {"bw_part_a16w2.c", 1068},
         {"bw_part_a16w4.c", 1068},
         {"bw_part_a16w8.c", 1008}},
        176,
        104}},
      {"cortex-m3",
       {{{60.4, 56.5, 8.9, 37.8}, 749.0},
        {{55.5, 85.5, 13.8, 63.5}, 2150.6},
        150,
        121,
        {{"bw_stream.c", 384},
         {"bw_part_a8w1.c", 972},
         {"bw_part_a16w1.c", 1872},
         {"bw_part_a16w2.c", 980},
         {"bw_part_a16w4.c", 992},
         {"bw_part_a16w8.c", 920}},
        252,
        112}},
      {"cortex-m4",
       {{{64.3, 64.4, 8.2, 43.2}, 0.0},
        {{81.8, 96.1, 11.0, 69.7}, 51.0},
        165,
        119,
        {{"bw_stream.c", 388},
         {"bw_part_a8w1.c", 972},
         {"bw_part_a16w1.c", 1440},
         {"bw_part_a16w2.c", 1208},
         {"bw_part_a16w4.c", 1144},
         {"bw_part_a16w8.c", 1192}},
        254,
        112}},
      {"cortex-m33",
       {{{86.4, 58.2, 8.3, 30.2}, 0.0},
        {{195.1, 51.0, 11.4, 37.7}, 326.2},
        150,
        121,
        {{"bw_stream.c", 384},
         {"bw_part_a8w1.c", 980},
         {"bw_part_a16w1.c", 1424},
         {"bw_part_a16w2.c", 1196},
         {"bw_part_a16w4.c", 1136},
         {"bw_part_a16w8.c", 1200}},
        254,
        112}},
      {"cortex-m7",
       {{{84.6, 59.1, 8.0, 30.6}, 0.0},
        {{122.1, 46.6, 6.5, 27.3}, 261.9},
        150,
        121,
        {{"bw_stream.c", 388},
         {"bw_part_a8w1.c", 960},
         {"bw_part_a16w1.c", 1536},
         {"bw_part_a16w2.c", 1228},
         {"bw_part_a16w4.c", 1164},
         {"bw_part_a16w8.c", 1228}},
        254,
        112}},
  };
  return of_core;
}

const Measured& measured(const CoreCosts& costs) {
  const auto found = measurements().find(costs.core);
  if (found == measurements().end()) throw MissingCost("streams on " + costs.core + ": not measured");
  return found->second;
}

double runs_of(const StreamStage& stage) {
  return (stage.outputs + stage.band - 1) / stage.band;
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

StreamCounts stream_counts(const Network& network, const StreamPlan& stream) {
  StreamCounts n;
  const size_t stages = stream.stages.size();
  n.checks = static_cast<double>(stages);  // the last time none can run
  for (size_t i = 0; i < stages; ++i) {
    const double runs = runs_of(stream.stages[i]);
    n.runs += runs;
    n.checks += runs * static_cast<double>(stages - i);
    if (i > 0) n.moved_words += (runs - 1) * kept_words(stream.stages[i]);
  }
  if (stream.ends_dense)
    n.part_sums = runs_of(stream.stages.back()) * layer_shapes(network, stream.last_layer()).output.c;
  return n;
}

StageCosts stage_costs(const Network& network, const StreamStage& stage, const LayerShapes& shapes,
                       const std::string& kernel, const CoreCosts& costs) {
  const KernelCost& cost = costs.kernel(costed_kernel(network, stage.layer, kernel));
  const auto add = [&](StageCosts& sum, const LayerPart& part, double times) {
    const FeatureVector features =
        layer_features(network, stage.layer, shapes, costed_kernel(network, stage.layer, kernel), part);
    sum.instructions += times * cost.instructions(features);
    sum.cycles += times * cost.cycles(features);
  };
  StageCosts sum;
  add(sum, {0, kStreamPolyTile}, 1);
  if (kernel.starts_with("part_") || stage.outputs <= stage.band) return sum;
  // What the bands cost beside the map, both without a border.
  add(sum, {stage.outputs, kStreamPolyTile}, -1);
  add(sum, {stage.band, kStreamPolyTile}, stage.outputs / stage.band);
  if (const int rest = stage.outputs % stage.band; rest > 0) add(sum, {rest, kStreamPolyTile}, 1);
  return sum;
}

StageCosts driver_costs(const Network& network, const StreamPlan& stream, const CoreCosts& costs) {
  const StreamCounts counts = stream_counts(network, stream);
  return {measured(costs).instructions(counts), measured(costs).cycles(counts)};
}

int64_t stream_code_bytes(const Network& network, const ExecutionPlan& plan, const CoreCosts& costs) {
  const Measured& m = measured(costs);
  Kernels kernels = plan.kernels;
  FurtherCode further{{{"bw_stream.c", m.file_bytes.at("bw_stream.c")}}, {}};
  if (costs.library_bytes.contains("lib_a-memset.o")) further.members.insert("lib_a-memset.o");
  if (plan.stream->ends_dense) {
    std::string& part = kernels[static_cast<size_t>(plan.stream->last_layer())];
    further.files["bw_" + part + ".c"] = m.file_bytes.at("bw_" + part + ".c");
    const KernelCost& dense = costs.kernel(costed_kernel(network, plan.stream->last_layer(), part));
    for (const auto& [file, bytes] : dense.file_bytes)
      if (file.starts_with("bw_finish")) further.files[file] = bytes;
    part.clear();
  }
  return code_bytes(kernels, costs, further) + m.memmove_bytes + m.base_bytes +
         m.stage_bytes * static_cast<int64_t>(plan.stream->stages.size());
}

int64_t stream_stack_bytes(const CoreCosts& costs) {
  return measured(costs).stack_bytes;
}

}  // namespace bitwright
