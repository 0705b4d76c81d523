// SPDX-License-Identifier: Apache-2.0
#include "experiments/calibrate/calibrate.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "core/error.h"
#include "deploy/emulator_run.h"
#include "deploy/process.h"
#include "experiments/calibrate/calibration_models.h"
#include "experiments/calibrate/least_squares.h"
#include "experiments/calibrate/measure.h"
#include "experiments/calibrate/stream_calibration.h"

namespace bitwright {
namespace {

// One kernel call, emulated.
struct Sample {
  std::string kernel;
  FeatureVector features{};
  std::string path;  // call_path()
  double instructions = 0.0, cycles = 0.0;
  std::vector<PredictedBranch> branches;
  int64_t stack_bytes = 0;
};

// Every call of the models' layers, emulated alone; by model.
std::vector<std::vector<Sample>> measure_layers(const std::string& core, const std::vector<QuantizedModel>& models,
                                                const std::vector<Kernels>& kernels,
                                                const std::vector<std::string>& runtime, const std::string& folder) {
  std::vector<std::vector<Sample>> samples(models.size());
  for (const MeasuredCall& call : measure_calls(core, models, runtime, folder, kernels)) {
    const Network& network = models[call.model].network;
    samples[call.model].push_back({call.kernel, layer_features(network, call.layer, call.shapes, call.kernel),
                                   call_path(network, call.layer, call.kernel), call.instructions, call.cycles,
                                   call.branches, call.stack_bytes});
  }
  return samples;
}

// ---- the fit

constexpr double kRidge = 0.01;

// Coefficients for `values`, one a sample, right in relation to `of`.
std::vector<double> coefficients_of(const std::vector<Sample>& samples, const std::vector<double>& values,
                                    const std::vector<double>& of) {
  std::vector<std::vector<double>> rows;
  std::vector<double> shares;
  for (size_t s = 0; s < samples.size(); ++s) {
    rows.emplace_back(samples[s].features.begin(), samples[s].features.end());
    for (double& feature : rows.back()) feature /= of[s];
    shares.push_back(values[s] / of[s]);
  }
  return ridge_least_squares(rows, shares, nonnegative_least_squares(rows, shares), kRidge);
}

LinearCost with_errors(LinearCost cost, const std::vector<Sample>& samples, const std::vector<double>& measured) {
  for (size_t s = 0; s < samples.size(); ++s) {
    const double error = std::abs(cost(samples[s].features) / measured[s] - 1.0);
    cost.mean_error += error / static_cast<double>(samples.size());
    cost.worst_error = std::max(cost.worst_error, error);
  }
  return cost;
}

std::vector<double> column(const std::vector<Sample>& samples, double Sample::*measured) {
  std::vector<double> values;
  for (const Sample& sample : samples) values.push_back(sample.*measured);
  return values;
}

// How often a branch went either way, by sample.
struct BranchSamples {
  std::vector<double> taken, not_taken;
  double weight = 0.0;  // mean share of the samples' cycles that its rarer way costs
  double cycles = 0.0;  // each time; of several branches that go alike, of all
  // Where it is the same way in all samples, its cost is linear.
  bool changes_sides() const {
    bool seldom_taken = false, seldom_not = false;
    for (size_t s = 0; s < taken.size(); ++s) {
      seldom_taken = seldom_taken || taken[s] < not_taken[s];
      seldom_not = seldom_not || not_taken[s] < taken[s];
    }
    return seldom_taken && seldom_not;
  }
};

// Those whose cost is not linear, the dearest first, at most kMostBranches.
std::vector<BranchSamples> branches_of(const std::vector<Sample>& samples, double penalty) {
  constexpr size_t kMostBranches = 24;
  constexpr double kLeastWeight = 3e-4;
  std::map<uint32_t, BranchSamples> by_address;
  for (size_t s = 0; s < samples.size(); ++s)
    for (const PredictedBranch& b : samples[s].branches) {
      BranchSamples& of = by_address[b.address];
      of.taken.resize(samples.size()), of.not_taken.resize(samples.size());
      of.taken[s] += b.taken, of.not_taken[s] += b.not_taken;
    }
  std::map<std::pair<std::vector<double>, std::vector<double>>, BranchSamples> alike;
  for (auto& [address, branch] : by_address) {
    if (!branch.changes_sides()) continue;
    BranchSamples& same = alike[std::minmax(branch.taken, branch.not_taken)];
    same.taken = branch.taken, same.not_taken = branch.not_taken;
    same.cycles += penalty;
  }
  std::vector<BranchSamples> branches;
  for (auto& [ways, branch] : alike) {
    for (size_t s = 0; s < samples.size(); ++s)
      branch.weight += branch.cycles * std::min(branch.taken[s], branch.not_taken[s]) / samples[s].cycles /
                       static_cast<double>(samples.size());
    if (branch.weight > kLeastWeight) branches.push_back(branch);
  }
  std::stable_sort(branches.begin(), branches.end(),
                   [](const BranchSamples& a, const BranchSamples& b) { return a.weight > b.weight; });
  branches.resize(std::min(branches.size(), kMostBranches));
  return branches;
}

// How often a branch goes one way, in few terms.
SparseSum times_of(const std::vector<Sample>& samples, const std::vector<double>& times) {
  constexpr size_t kMostTerms = 10;
  constexpr double kTolerance = 3e-4, kLeastTimes = 0.05;
  std::vector<std::vector<double>> rows;
  std::vector<double> shares;
  for (size_t s = 0; s < samples.size(); ++s) {
    rows.emplace_back(samples[s].features.begin(), samples[s].features.end());
    for (double& feature : rows.back()) feature /= samples[s].cycles;
    shares.push_back(times[s] / samples[s].cycles);
  }
  const std::vector<double> coefficients = sparse_least_squares(rows, shares, kMostTerms, kTolerance);
  SparseSum sum;
  for (size_t f = 0; f < coefficients.size(); ++f) {
    double largest = 0.0;  // times, in any sample
    for (const Sample& s : samples) largest = std::max(largest, std::abs(coefficients[f] * s.features[f]));
    if (largest > kLeastTimes) sum.terms.emplace_back(static_cast<Feature>(f), coefficients[f]);
  }
  return sum;
}

LinearCost fit_instructions(const std::vector<Sample>& samples) {
  const std::vector<double> measured = column(samples, &Sample::instructions);
  LinearCost cost;
  std::ranges::copy(coefficients_of(samples, measured, measured), cost.coefficients.begin());
  return with_errors(std::move(cost), samples, measured);
}

LinearCost fit_cycles(const std::vector<Sample>& samples, double penalty) {
  const std::vector<double> measured = column(samples, &Sample::cycles);
  LinearCost cost;
  std::vector<double> rest = measured;
  for (const BranchSamples& branch : branches_of(samples, penalty)) {
    cost.branches.push_back({branch.cycles, times_of(samples, branch.taken), times_of(samples, branch.not_taken)});
    for (size_t s = 0; s < samples.size(); ++s) rest[s] -= cost.branches.back()(samples[s].features);
  }
  std::ranges::copy(coefficients_of(samples, rest, measured), cost.coefficients.begin());
  return with_errors(std::move(cost), samples, measured);
}

KernelCost fit_kernel(const std::vector<Sample>& samples, double penalty) {
  KernelCost cost;
  cost.samples = static_cast<int>(samples.size());
  cost.instructions = fit_instructions(samples);
  cost.cycles = fit_cycles(samples, penalty);
  for (const Sample& s : samples) cost.stack_bytes[s.path] = std::max(cost.stack_bytes[s.path], s.stack_bytes);
  return cost;
}

// Those of every model's calibrated layer, the last that calls a kernel.
std::vector<Sample> last_layers(const std::vector<std::vector<Sample>>& samples) {
  std::vector<Sample> last;
  for (const std::vector<Sample>& model : samples) last.push_back(model.back());
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

// One emitted NAME.c: the kernel calls it makes, its code, and what running it adds to them.
struct GlueSample {
  double calls = 0.0, epilogues = 0.0, bytes = 0.0, instructions = 0.0, cycles = 0.0;
  int64_t stack_bytes = 0;
};

GlueSample glue_sample(const QuantizedModel& model, const MeasuredPackage& package, const std::vector<Sample>& layers) {
  const auto epilogues = std::ranges::count_if(layers, [](const Sample& s) { return has_epilogue(s.kernel); });
  GlueSample glue{static_cast<double>(layers.size()),
                  static_cast<double>(epilogues),
                  static_cast<double>(package.sizes.at(model.network.name + ".c").code),
                  package.instructions,
                  package.cycles,
                  0};
  int64_t deepest = 0;
  for (const Sample& layer : layers) {
    glue.instructions -= layer.instructions;
    glue.cycles -= layer.cycles;
    deepest = std::max(deepest, layer.stack_bytes);
  }
  glue.stack_bytes = package.stack_bytes - deepest;
  return glue;
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

// Layers of many kinds, whose calls need more of the run function's registers than those of a chain.
QuantizedModel mixed_model() {
  Network network{"mixed", {24, 1, 8}, Format::kInt8, {}};
  const auto add = [&](const char* name, const Op& op, Format weights, Format activations) {
    LayerSpec layer{.name = std::string("mixed_") + name, .op = op};
    layer.weights = weights, layer.activations = activations;
    return append(network, layer);
  };
  const int first = add("conv0", Conv2d{8, {3, 1}, Padding::kZero}, Format::kInt8, Format::kInt8);
  add("depthwise", DepthwiseConv2d{{3, 1}, Padding::kZero}, Format::kInt8, Format::kInt8);
  add("add", Add{first}, Format::kInt8, Format::kInt8);
  add("conv1", Conv2d{8, {3, 1}, Padding::kZero}, Format::kTernary, Format::kTernary);
  add("conv2", Conv2d{8, {3, 1}, Padding::kMinusOne}, Format::kTernary, Format::kTernary);
  add("pool", MaxPool2d{{2, 1, 2, 1}}, Format::kInt8, Format::kInt8);
  add("sums", AvgPool2d{{2, 1, 2, 1}}, Format::kInt8, Format::kUint8);
  add("flatten", Flatten{}, Format::kInt8, Format::kInt8);
  add("dense", Dense{8}, Format::kInt4, Format::kInt16);
  add("copies", Upsample2d{2, 1}, Format::kInt8, Format::kInt8);  // shallow: the last call may reuse the frame
  return with_random_weights(network, 1);
}

// Maxima of one pixel each, one after another: calls without an epilogue.
QuantizedModel epilogue_free_model(int calls) {
  Network network{fmt::format("plain{}", calls), {1, 1, 32}, Format::kInt8, {}};
  for (int i = 0; i < calls; ++i)
    append(network, {.name = fmt::format("{}_pool{}", network.name, i), .op = MaxPool2d{{1, 1, 1, 1}}});
  return with_random_weights(network, 1);
}

// Least squares of relative errors. What a call adds may be negative: one alone sets up more than one among others.
CallCost fit_bytes(const std::vector<GlueSample>& samples) {
  std::vector<std::vector<double>> rows;
  for (const GlueSample& s : samples)
    rows.push_back({1 / s.bytes, s.calls / s.bytes, (s.epilogues > 0 ? 1.0 : 0.0) / s.bytes, s.epilogues / s.bytes});
  const std::vector<double> x =
      ridge_least_squares(rows, std::vector<double>(rows.size(), 1.0), {0.0, 0.0, 0.0, 0.0}, 1e-9);
  CallCost cost{x[0], x[1], x[2], x[3], 0.0};
  for (const GlueSample& s : samples)
    cost.worst_error = std::max(cost.worst_error, std::abs(cost(s.calls, s.epilogues) - s.bytes));
  return cost;
}

// The line of least squares.
CallCost fit_calls(const std::vector<GlueSample>& samples, double GlueSample::*measured) {
  std::vector<std::vector<double>> rows;
  std::vector<double> values;
  for (const GlueSample& s : samples) {
    rows.push_back({1.0, s.calls});
    values.push_back(s.*measured);
  }
  const std::vector<double> x = ridge_least_squares(rows, values, {0.0, 0.0}, 1e-9);
  CallCost cost{.base = x[0], .per_call = x[1]};
  for (const GlueSample& s : samples)
    cost.worst_error = std::max(cost.worst_error, std::abs(cost(s.calls) - s.*measured));
  return cost;
}

// What the run function adds to its calls: packages against their layers alone. Instructions are those of the chains,
// whose layers cost the same in both.
void measure_glue(const std::string& core, const std::vector<std::string>& runtime, const std::string& folder,
                  std::vector<GlueSample> samples, CoreCosts& costs) {
  const auto measured = [&](const QuantizedModel& model) {
    return glue_sample(model, measure_package(core, model), measure_layers(core, {model}, {}, runtime, folder).front());
  };
  std::vector<GlueSample> chains;
  for (int calls : {1, 2, 3, 4, 6, 8, 12, 16}) chains.push_back(measured(chain_model(calls)));
  for (int calls : {1, 2, 3, 4, 6, 8}) samples.push_back(measured(epilogue_free_model(calls)));
  samples.push_back(measured(mixed_model()));
  samples.insert(samples.end(), chains.begin(), chains.end());
  costs.glue_bytes = fit_bytes(samples);
  costs.glue_instructions = fit_calls(chains, &GlueSample::instructions);
  costs.glue_cycles = fit_calls(chains, &GlueSample::cycles);
  for (const GlueSample& s : samples)
    costs.glue_stack_bytes = std::max(costs.glue_stack_bytes, s.stack_bytes + kUnseenStackBytes);
}

// Measures one kernel, adds it to the costs, and returns what a package of one of its layers tells of the glue.
GlueSample calibrate_kernel(const std::string& kernel, const CalibrationOptions& options,
                            const std::vector<std::string>& runtime, const std::string& folder, CoreCosts& costs) {
  const std::vector<QuantizedModel> models = covering_models(kernel, options.samples, options.seed);
  std::vector<Kernels> kernels;
  for (const QuantizedModel& model : models) kernels.push_back(calibration_kernels(model.network, kernel));
  const auto samples = measure_layers(costs.core, models, kernels, runtime, folder);
  const KernelCost& cost = costs.kernels[kernel] = fit_kernel(last_layers(samples), misprediction_cycles(costs.core));
  const MeasuredPackage package = measure_package(costs.core, models.front(), kernels.front());
  record_sizes(package, kernel, costs);
  options.progress(fmt::format("{} {}: instructions {:.2f} % mean, {:.2f} % worst; cycles {:.2f} %, {:.2f} %",
                               costs.core, kernel, 100 * cost.instructions.mean_error,
                               100 * cost.instructions.worst_error, 100 * cost.cycles.mean_error,
                               100 * cost.cycles.worst_error));
  return glue_sample(models.front(), package, samples.front());
}

void require_kernels(const std::vector<std::string>& names) {
  const std::vector<std::string> all = all_kernels();
  for (const std::string& name : names)
    if (std::find(all.begin(), all.end(), name) == all.end())
      throw ConfigError(fmt::format("--kernel = {}: must be one of {}", name, fmt::join(all, ", ")));
}

}  // namespace

std::vector<QuantizedModel> covering_models(const std::string& kernel, int count, uint64_t seed) {
  constexpr int kOften = 8;
  std::array<int, kFeatures> seen{};
  const auto adds = [&](const Network& network) {
    const int layer = calibrated_layer(network);
    const FeatureVector features =
        layer_features(network, layer, infer_shapes(network)[static_cast<size_t>(layer)], kernel);
    bool rare = false;
    for (size_t f = 0; f < kFeatures; ++f) rare = rare || (features[f] != 0.0 && seen[f] < kOften);
    for (size_t f = 0; rare && f < kFeatures; ++f) seen[f] += features[f] != 0.0 ? 1 : 0;
    return rare;
  };
  return calibration_models(kernel, count, seed, adds);
}

CoreCosts calibrate(const std::string& core, const CalibrationOptions& options) {
  require_kernels(options.kernels);
  if (!has_timing_table(core)) throw ConfigError(fmt::format("core = {}: has no timing table", core));
  CoreCosts costs;
  costs.core = core;
  costs.compiler = tool_version("arm-none-eabi-gcc");
  costs.flags = fmt::format("{} {}", fmt::join(core_flags(core), " "), fmt::join(kPackageFlags, " "));
  costs.runtime = runtime_digest();
  const TemporaryDirectory folder;
  const std::vector<std::string> runtime = compile_runtime(core, folder.path());
  std::vector<GlueSample> glue;
  for (const std::string& kernel : options.kernels.empty() ? all_kernels() : options.kernels)
    glue.push_back(calibrate_kernel(kernel, options, runtime, folder.path(), costs));
  if (!options.kernels.empty()) return costs;
  measure_glue(core, runtime, folder.path(), glue, costs);
  costs.stream = measure_streams(costs, options.progress);
  return costs;
}

CoreCosts calibrate_stream(const std::string& core, const std::function<void(const std::string& line)>& progress) {
  CoreCosts costs = core_costs(core);
  costs.stream = measure_streams(costs, progress);
  return costs;
}

std::string worst_fits(const CoreCosts& costs, size_t count) {
  std::vector<std::pair<double, std::string>> errors;
  for (const auto& [kernel, cost] : costs.kernels)
    for (const auto& [what, fit] : {std::pair{"instructions", &cost.instructions}, {"cycles", &cost.cycles}})
      errors.emplace_back(fit->mean_error, fmt::format("{} {} {:.2f} % ({:.1f} % at worst)", kernel, what,
                                                       100 * fit->mean_error, 100 * fit->worst_error));
  std::sort(errors.rbegin(), errors.rend());
  errors.resize(std::min(count, errors.size()));
  std::string line = costs.core + " worst fits:";
  for (const auto& [error, text] : errors) line += (line.ends_with(':') ? " " : ", ") + text;
  return line;
}

}  // namespace bitwright
