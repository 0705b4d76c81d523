// SPDX-License-Identifier: Apache-2.0
#include "experiments/calibrate/calibrate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "deploy/emulator_run.h"
#include "deploy/process.h"
#include "experiments/calibrate/calibration_models.h"
#include "experiments/calibrate/least_squares.h"
#include "experiments/calibrate/measure.h"

namespace bitwright {
namespace {

// One kernel call, emulated.
struct Sample {
  FeatureVector features{};
  std::string path;  // call_path()
  double instructions = 0.0, cycles = 0.0;
  int64_t stack_bytes = 0;
};

// Every call of the models' layers, emulated alone.
std::vector<Sample> measure_layers(const std::string& core, const std::vector<QuantizedModel>& models,
                                   const std::vector<Kernels>& kernels, const std::vector<std::string>& runtime,
                                   const std::string& folder) {
  std::vector<Sample> samples;
  for (const MeasuredCall& call : measure_calls(core, models, runtime, folder, kernels)) {
    const Network& network = models[call.model].network;
    samples.push_back({layer_features(network, call.layer, call.shapes, call.kernel),
                       call_path(network, call.layer, call.kernel), call.instructions, call.cycles, call.stack_bytes});
  }
  return samples;
}

// ---- the fit

LinearCost fit(const std::vector<Sample>& samples, double Sample::*measured) {
  std::vector<std::vector<double>> rows;
  for (const Sample& s : samples) {
    rows.emplace_back(s.features.begin(), s.features.end());
    for (double& feature : rows.back()) feature /= s.*measured;
  }
  const std::vector<double> x = nonnegative_least_squares(rows, std::vector<double>(samples.size(), 1.0));
  LinearCost cost;
  std::copy(x.begin(), x.end(), cost.coefficients.begin());
  for (const Sample& s : samples) {
    const double error = std::abs(cost(s.features) / (s.*measured) - 1.0);
    cost.mean_error += error / static_cast<double>(samples.size());
    cost.worst_error = std::max(cost.worst_error, error);
  }
  return cost;
}

KernelCost fit_kernel(const std::vector<Sample>& samples) {
  KernelCost cost;
  cost.samples = static_cast<int>(samples.size());
  cost.instructions = fit(samples, &Sample::instructions);
  cost.cycles = fit(samples, &Sample::cycles);
  for (const Sample& s : samples) cost.stack_bytes[s.path] = std::max(cost.stack_bytes[s.path], s.stack_bytes);
  return cost;
}

// The samples of the last layer of every model: those before it only make its inputs.
std::vector<Sample> last_layers(const std::vector<QuantizedModel>& models, const std::vector<Sample>& samples) {
  std::vector<Sample> last;
  size_t at = 0;
  for (const QuantizedModel& model : models) {
    at += model.network.layers.size();  // no Flatten among them
    last.push_back(samples.at(at - 1));
  }
  return last;
}

// ---- sizes and the emitted run function

void record_sizes(const MeasuredPackage& package, const std::string& kernel, CoreCosts& costs) {
  KernelCost& cost = costs.kernels.at(kernel);
  const std::vector<std::string> files = runtime_files({kernel});
  for (const auto& [name, bytes] : package.sizes) {
    if (package.sources.count(name)) {
      if (bytes.code > 0 && std::find(files.begin(), files.end(), name) != files.end())
        cost.file_bytes[name] = bytes.code;
      continue;
    }
    if (bytes.code + bytes.constants == 0) continue;
    costs.library_bytes[name] = bytes.code + bytes.constants;
    if (std::find(cost.library.begin(), cost.library.end(), name) == cost.library.end()) cost.library.push_back(name);
  }
}

// One emitted NAME.c: the kernel calls it makes and its code.
struct GlueSample {
  double calls = 0.0, bytes = 0.0;
};

GlueSample glue_sample(const QuantizedModel& model, const MeasuredPackage& package) {
  return {static_cast<double>(model.network.layers.size()),
          static_cast<double>(package.sizes.at(model.network.name + ".c").code)};
}

// Dense layers one after another, so that the run function has many calls and little else happens.
QuantizedModel chain_model(int calls) {
  QuantizedModel model = calibration_models("conv2d_a1w1", 1, 1).front();
  model.network.name = fmt::format("chain{}", calls);
  model.network.input = {1, 1, 32};
  model.network.input_format = Format::kBinary;
  LayerSpec layer;
  layer.op = Dense{32};
  layer.weights = layer.activations = Format::kBinary;
  QuantizedLayer weights;
  for (int i = 0; i < 32 * 32; ++i) weights.weights.push_back(i % 3 ? 1 : -1);
  weights.thresholds.assign(32, 0);
  weights.descending.assign(32, 0);
  model.network.layers.clear();
  model.layers.assign(static_cast<size_t>(calls), weights);
  for (int i = 0; i < calls; ++i) {
    layer.name = fmt::format("{}_dense{}", model.network.name, i);
    append(model.network, layer);
  }
  return model;
}

void fit_glue_bytes(const std::vector<GlueSample>& samples, CoreCosts& costs) {
  std::vector<std::vector<double>> rows;
  std::vector<double> bytes;
  for (const GlueSample& s : samples) {
    rows.push_back({1.0, s.calls});
    bytes.push_back(s.bytes);
  }
  const std::vector<double> x = nonnegative_least_squares(rows, bytes);
  costs.glue_bytes = x[0];
  costs.glue_bytes_per_call = x[1];
  for (const GlueSample& s : samples)
    costs.glue_bytes_worst_error = std::max(costs.glue_bytes_worst_error, std::abs(x[0] + x[1] * s.calls - s.bytes));
}

// What the run function adds to its calls: a package against its layers alone.
void measure_glue(const std::string& core, const std::vector<std::string>& runtime, const std::string& folder,
                  std::vector<GlueSample> samples, CoreCosts& costs) {
  for (int calls : {1, 2, 3, 4, 6, 8, 12, 16}) {
    const QuantizedModel model = chain_model(calls);
    const MeasuredPackage package = measure_package(core, model);
    samples.push_back(glue_sample(model, package));
    if (calls != 4) continue;
    int64_t deepest = 0;
    costs.glue_instructions = package.instructions;
    costs.glue_cycles = package.cycles;
    for (const Sample& s : measure_layers(core, {model}, {}, runtime, folder)) {
      costs.glue_instructions -= s.instructions;
      costs.glue_cycles -= s.cycles;
      deepest = std::max(deepest, s.stack_bytes);
    }
    costs.glue_stack_bytes = package.stack_bytes - deepest;
  }
  fit_glue_bytes(samples, costs);
}

}  // namespace

CoreCosts calibrate(const std::string& core, const CalibrationOptions& options) {
  CoreCosts costs;
  costs.core = core;
  costs.compiler = tool_version("arm-none-eabi-gcc");
  costs.flags = fmt::format("{} {}", fmt::join(core_flags(core), " "), fmt::join(kPackageFlags, " "));
  costs.runtime = runtime_digest();
  const TemporaryDirectory folder;
  const std::vector<std::string> runtime = compile_runtime(core, folder.path());
  std::vector<GlueSample> glue;
  for (const std::string& kernel : all_kernels()) {
    const std::vector<QuantizedModel> models = calibration_models(kernel, options.samples, options.seed);
    std::vector<Kernels> kernels;
    for (const QuantizedModel& model : models) kernels.push_back(calibration_kernels(model.network, kernel));
    const KernelCost cost =
        fit_kernel(last_layers(models, measure_layers(core, models, kernels, runtime, folder.path())));
    costs.kernels[kernel] = cost;
    const MeasuredPackage package = measure_package(core, models.front(), kernels.front());
    record_sizes(package, kernel, costs);
    glue.push_back(glue_sample(models.front(), package));
    options.progress(fmt::format("{} {}: instructions {:.2f} % mean, {:.2f} % worst; cycles {:.2f} %, {:.2f} %", core,
                                 kernel, 100 * cost.instructions.mean_error, 100 * cost.instructions.worst_error,
                                 100 * cost.cycles.mean_error, 100 * cost.cycles.worst_error));
  }
  measure_glue(core, runtime, folder.path(), glue, costs);
  return costs;
}

}  // namespace bitwright
