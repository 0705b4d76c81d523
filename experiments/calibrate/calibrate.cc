// SPDX-License-Identifier: Apache-2.0
#include "experiments/calibrate/calibrate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "core/embedded.h"
#include "core/kernel.h"
#include "deploy/emit.h"
#include "deploy/emulator_run.h"
#include "deploy/lower.h"
#include "deploy/process.h"
#include "experiments/calibrate/calibration_models.h"
#include "experiments/calibrate/least_squares.h"

namespace bitwright {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds kLimit{300};

// One kernel call, emulated.
struct Sample {
  FeatureVector features{};
  std::string path;  // call_path()
  double instructions = 0.0, cycles = 0.0;
  int64_t stack_bytes = 0;
};

void write_file(const std::string& path, const std::string& text) {
  fs::create_directories(fs::path(path).parent_path());
  std::ofstream file(path, std::ios::binary);
  file << text;
  if (!file.flush()) throw ToolError(path + ": cannot be written");
}

// ---- a program that calls every layer between the marks

constexpr char kProgramTop[] = R"(#include <stdio.h>
#include <string.h>
#include "bw_kernels.h"

__attribute__((noinline)) void bw_mark_begin(void);
__attribute__((noinline)) void bw_mark_end(void);
void bw_mark_begin(void) { __asm__ volatile("nop" ::: "memory"); }
void bw_mark_end(void) { __asm__ volatile("nop\n nop" ::: "memory"); }

#define STACK_WORDS 1024u
#define PAINT 0xA5C35A3Cu
#define BEGIN \
    __asm__ volatile("mov %0, sp" : "=r"(stack)); \
    for (i = 1; i <= STACK_WORDS; ++i) *(stack - i) = PAINT; \
    bw_mark_begin();
#define END \
    bw_mark_end(); \
    for (i = 0; i < STACK_WORDS && *(stack - STACK_WORDS + i) == PAINT;) ++i; \
    printf("stack %lu\n", 4ul * (STACK_WORDS - i));

static void check(const uint32_t *output, const uint32_t *expected, unsigned long bytes)
{
    printf("different %d\n", memcmp(output, expected, bytes) != 0);
}
)";

std::string words(const std::string& name, const std::vector<uint32_t>& values) {
  return emit_array(name, {"", "uint32_t", {values.begin(), values.end()}});
}

std::string run_function(const Program& program, const GoldenVectors& golden) {
  const std::string& name = program.model.network.name;
  std::string text = words(name + "_in", golden.inputs) + words(name + "_out", golden.outputs);
  for (const LoweredOp& op : program.ops) text += emit_layer(program, op);
  text +=
      fmt::format("static void {}(uint32_t *arena)\n{{\n    volatile uint32_t *stack;\n    unsigned long i;\n", name);
  text += fmt::format("    memcpy(&arena[{}], {}_in, {});\n", program.input_word, name, program.input_bytes);
  for (const LoweredOp& op : program.ops)
    if (!op.kernel.empty()) text += "    BEGIN\n" + emit_call(program, op) + "    END\n";
  return text +
         fmt::format("    check(&arena[{}], {}_out, {});\n}}\n", program.output_word, name, program.output_bytes);
}

struct LayerProgram {
  std::string text;
  std::vector<Sample> calls;  // in order, not yet measured
};

LayerProgram layer_program(const std::vector<QuantizedModel>& models) {
  LayerProgram result{kProgramTop, {}};
  std::string calls;
  int64_t arena_bytes = 4;
  for (const QuantizedModel& model : models) {
    const std::vector<std::vector<int16_t>> inputs = {calibration_input(model.network, 5)};
    const Program program = lower(model);
    result.text += run_function(program, golden_vectors(model, inputs));
    calls += fmt::format("    {}(arena);\n", model.network.name);
    arena_bytes = std::max(arena_bytes, program.plan.arena_bytes);
    for (const LoweredOp& op : program.ops)
      if (!op.kernel.empty())
        result.calls.push_back(
            {layer_features(model.network, op.layer, op.shapes), call_path(model.network, op.layer)});
  }
  result.text +=
      fmt::format("int main(void)\n{{\n    static uint32_t arena[{}];\n{}    return 0;\n}}\n", arena_bytes / 4, calls);
  return result;
}

std::vector<int64_t> printed_numbers(const std::string& output, const std::string& name) {
  std::vector<int64_t> numbers;
  std::istringstream words_of(output);
  for (std::string word; words_of >> word;) {
    int64_t number = 0;
    if (word == name && words_of >> number) numbers.push_back(number);
  }
  return numbers;
}

// Writes deploy/runtime below `folder` and compiles its sources.
std::vector<std::string> compile_runtime(const std::string& core, const std::string& folder) {
  std::vector<std::string> sources;
  for (std::string_view path : embedded_files("deploy/runtime/")) {
    const std::string file = folder + "/" + fs::path(path).filename().string();
    write_file(file, std::string(*embedded_file(path)));
    if (file.ends_with(".c")) sources.push_back(file);
  }
  return compile_for_core(core, sources, {"-I" + folder}, folder);
}

// Every call of the models' layers, emulated alone.
std::vector<Sample> measure_layers(const std::string& core, const std::vector<QuantizedModel>& models,
                                   const std::vector<std::string>& runtime, const std::string& folder) {
  LayerProgram program = layer_program(models);
  write_file(folder + "/layers.c", program.text);
  std::vector<std::string> objects = compile_for_core(core, {folder + "/layers.c"}, {"-I" + folder}, folder);
  objects.insert(objects.end(), runtime.begin(), runtime.end());
  const std::string elf = link_for_emulator(core, objects, folder);
  const EmulatedRun run = run_emulated(core, elf, {}, folder, kLimit, /*separate=*/true);
  const std::vector<int64_t> stack = printed_numbers(run.output, "stack");
  const std::vector<int64_t> different = printed_numbers(run.output, "different");
  if (run.exit_status != 0 || stack.size() != program.calls.size() ||
      run.profile.runs != static_cast<int64_t>(stack.size()) || different.size() != models.size())
    throw ToolError(fmt::format("{}: the calibration program failed, status {}", core, run.exit_status));
  for (size_t m = 0; m < models.size(); ++m)
    if (different[m])
      throw ToolError(fmt::format("{}: {} differs from the reference\n{}", core, models[m].network.name,
                                  canonical_text(models[m].network)));
  const std::vector<RunCounts> counts = count_each_run(core, run.profile, disassemble(elf));
  std::vector<Sample> samples = std::move(program.calls);
  for (size_t i = 0; i < samples.size(); ++i) {
    samples[i].instructions = counts[i].instructions;
    samples[i].cycles = counts[i].cycles;
    samples[i].stack_bytes = stack[i];
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

struct MeasuredPackage {
  ObjectBytes sizes;  // by the name of the source file, libraries by member
  std::set<std::string> sources;
  int64_t stack_bytes = 0;
  double instructions = 0.0, cycles = 0.0;
};

MeasuredPackage measure_package(const std::string& core, const QuantizedModel& model) {
  const TemporaryDirectory folder;
  const std::vector<std::vector<int16_t>> inputs = {calibration_input(model.network, 5)};
  write_package(emit_c(lower(model), golden_vectors(model, inputs)), folder.path());
  std::vector<std::string> sources;
  for (const auto& entry : fs::directory_iterator(folder.path() + "/src"))
    if (entry.path().extension() == ".c") sources.push_back(entry.path().string());
  const std::vector<std::string> include = {"-I" + folder.path() + "/src"};
  std::vector<std::string> objects = compile_for_core(core, sources, include, folder.path());
  const auto test = compile_for_core(core, {folder.path() + "/test/golden_test.c"}, include, folder.path());
  MeasuredPackage measured;
  for (const auto& [object, bytes] : measure_sizes(core, test, objects, folder.path())) {
    const bool ours = std::find(objects.begin(), objects.end(), object) != objects.end();
    const std::string name = ours ? fs::path(object).stem().string() + ".c" : object;
    measured.sizes[name] = bytes;
    if (ours) measured.sources.insert(name);
  }
  objects.insert(objects.end(), test.begin(), test.end());
  const std::string elf = link_for_emulator(core, objects, folder.path());
  const EmulatedRun run = run_emulated(core, elf, {"golden/inputs.bin", "golden/outputs.bin"}, folder.path(), kLimit);
  const RunCounts counts = count_run(core, run.profile, disassemble(elf));
  measured.stack_bytes = printed_numbers(run.output, "stack").at(0);
  measured.instructions = counts.instructions;
  measured.cycles = counts.cycles;
  return measured;
}

void record_sizes(const MeasuredPackage& package, const std::string& kernel, CoreCosts& costs) {
  KernelCost& cost = costs.kernels.at(kernel);
  for (const auto& [name, bytes] : package.sizes) {
    if (package.sources.count(name)) {
      if (name.starts_with("bw_")) costs.file_bytes[name] = bytes.code;
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
    for (const Sample& s : measure_layers(core, {model}, runtime, folder)) {
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
    const KernelCost cost = fit_kernel(last_layers(models, measure_layers(core, models, runtime, folder.path())));
    costs.kernels[kernel] = cost;
    const MeasuredPackage package = measure_package(core, models.front());
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
