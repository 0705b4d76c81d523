// SPDX-License-Identifier: Apache-2.0
#include "experiments/calibrate/measure.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "core/embedded.h"
#include "deploy/emit.h"
#include "deploy/emit_source.h"
#include "deploy/emulator_run.h"
#include "deploy/lower.h"
#include "deploy/package_build.h"
#include "deploy/process.h"
#include "experiments/calibrate/calibration_models.h"

namespace bitwright {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds kLimit{300};

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

#define BW_WEIGHTS

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
  std::vector<MeasuredCall> calls;  // in order, not yet measured
};

LayerProgram layer_program(const std::vector<QuantizedModel>& models, const std::vector<Kernels>& kernels) {
  LayerProgram result{kProgramTop, {}};
  std::string calls;
  int64_t arena_bytes = 4;
  for (size_t m = 0; m < models.size(); ++m) {
    const QuantizedModel& model = models[m];
    const std::vector<std::vector<int16_t>> inputs = {calibration_input(model.network, 5)};
    const Program program = lower(model, kernels.empty() ? Kernels{} : kernels.at(m));
    result.text += run_function(program, golden_vectors(model, inputs));
    calls += fmt::format("    {}(arena);\n", model.network.name);
    arena_bytes = std::max(arena_bytes, program.plan.arena_bytes);
    for (const LoweredOp& op : program.ops)
      if (!op.kernel.empty()) result.calls.push_back({m, op.layer, op.kernel, op.shapes});
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

}  // namespace

std::vector<std::string> compile_runtime(const std::string& core, const std::string& folder) {
  std::vector<std::string> sources;
  for (std::string_view path : embedded_files("deploy/runtime/")) {
    const std::string file = folder + "/" + fs::path(path).filename().string();
    write_file(file, std::string(*embedded_file(path)));
    if (file.ends_with(".c")) sources.push_back(file);
  }
  return compile_for_core(core, sources, {"-I" + folder}, folder);
}

std::vector<MeasuredCall> measure_calls(const std::string& core, const std::vector<QuantizedModel>& models,
                                        const std::vector<std::string>& runtime, const std::string& folder,
                                        const std::vector<Kernels>& kernels) {
  LayerProgram program = layer_program(models, kernels);
  write_file(folder + "/layers.c", program.text);
  std::vector<std::string> objects = compile_for_core(core, {folder + "/layers.c"}, {"-I" + folder}, folder);
  objects.insert(objects.end(), runtime.begin(), runtime.end());
  const std::string elf = link_for_emulator(core, objects, folder);
  const EmulatedRun run = run_emulated(core, elf, {}, folder, kLimit, {.separate = true});
  const std::vector<int64_t> stack = printed_numbers(run.output, "stack");
  const std::vector<int64_t> different = printed_numbers(run.output, "different");
  if (run.exit_status != 0 || stack.size() != program.calls.size() ||
      run.profile.runs != static_cast<int64_t>(stack.size()) || different.size() != models.size())
    throw ToolError(fmt::format("{}: the measuring program failed, status {}", core, run.exit_status));
  for (size_t m = 0; m < models.size(); ++m)
    if (different[m])
      throw ToolError(fmt::format("{}: {} differs from the reference\n{}", core, models[m].network.name,
                                  canonical_text(models[m].network)));
  const std::vector<std::vector<Stretch>> runs = stretches(run.profile, disassemble(elf));
  std::vector<MeasuredCall> calls = std::move(program.calls);
  for (size_t i = 0; i < calls.size(); ++i) {
    const RunCounts counts = count(core, runs[i]);
    calls[i].instructions = counts.instructions;
    calls[i].cycles = counts.cycles;
    calls[i].branches = predicted_branches(core, runs[i]);
    calls[i].stack_bytes = stack[i];
  }
  return calls;
}

MeasuredPackage measure_package(const std::string& core, const QuantizedModel& model, const Kernels& kernels) {
  const TemporaryDirectory folder;
  const std::vector<std::vector<int16_t>> inputs = {calibration_input(model.network, 5)};
  const Program program = lower(model, kernels);
  write_package(emit_c(program, golden_vectors(model, inputs)), folder.path());
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
  std::vector<std::string> functions = kernel_functions(program, symbol_names(core, {elf}, Symbols::kDefined));
  std::erase(functions, "");  // of layers without a call
  const EmulatedRun run =
      run_emulated(core, elf, {"golden/inputs.bin", "golden/outputs.bin"}, folder.path(), kLimit, {.parts = functions});
  const RunCounts counts = count_run(core, run.profile, disassemble(elf));
  measured.stack_bytes = printed_numbers(run.output, "stack").at(0);
  measured.instructions = counts.instructions;
  measured.cycles = counts.cycles;
  return measured;
}

}  // namespace bitwright
