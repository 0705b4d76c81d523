// SPDX-License-Identifier: Apache-2.0
#include "experiments/check_estimates/measure_inferences.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "deploy/emit.h"
#include "deploy/emit_source.h"
#include "deploy/emulator_run.h"
#include "deploy/package_build.h"
#include "deploy/templates.h"
#include "experiments/calibrate/drawn_weights.h"

namespace bitwright {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::minutes kLimit{10};

// Before it: one file a package, with NAME_case().
constexpr char kCaseTop[] = R"(#include <stdio.h>
#include <string.h>

__attribute__((noinline)) void bw_mark_begin(void);
__attribute__((noinline)) void bw_mark_end(void);

#define STACK_WORDS 4096u
#define PAINT 0xA5C35A3Cu

#define RUN_CASE(name, NAME)                                                               \
    static void name##_case(uint32_t *arena)                                               \
    {                                                                                      \
        volatile uint32_t *stack;                                                          \
        unsigned long i;                                                                   \
        name##_t model;                                                                    \
        int failed = name##_init(&model, arena, NAME##_ARENA_BYTES) != NAME##_OK;          \
        memcpy(name##_input(&model), name##_in, NAME##_IN_BYTES);                          \
        __asm__ volatile("mov %0, sp" : "=r"(stack));                                      \
        for (i = 1; i <= STACK_WORDS; ++i) *(stack - i) = PAINT;                           \
        bw_mark_begin();                                                                   \
        failed |= name##_run(&model) != NAME##_OK;                                         \
        bw_mark_end();                                                                     \
        for (i = 0; i < STACK_WORDS && *(stack - STACK_WORDS + i) == PAINT;) ++i;          \
        failed |= memcmp(name##_output(&model), name##_out, NAME##_OUT_BYTES) != 0;        \
        printf("%s %d %lu\n", #name, failed, 4ul * (STACK_WORDS - i));                     \
    }
)";

constexpr char kMarks[] = R"(
void bw_mark_begin(void) { __asm__ volatile("nop" ::: "memory"); }
void bw_mark_end(void) { __asm__ volatile("nop\n nop" ::: "memory"); }
)";

void write_text(const std::string& path, const std::string& text) {
  fs::create_directories(fs::path(path).parent_path());
  std::ofstream file(path, std::ios::binary);
  file << text;
  if (!file.flush()) throw ToolError(path + ": cannot be written");
}

std::string words_text(const std::string& name, const std::vector<uint32_t>& words) {
  return emit_array(name, {"", "uint32_t", {words.begin(), words.end()}});
}

// Sources of all packages below folder/src; each one's test program apart, as they have one name.
struct Sources {
  std::vector<std::string> models, tests, runtime;  // models, tests: by program
  std::string main;
};

Sources write_sources(const std::vector<Program>& programs, const std::string& folder) {
  Sources sources;
  std::string cases, calls;
  int64_t arena_bytes = 4;
  for (const Program& program : programs) {
    const std::string& name = program.model.network.name;
    const std::vector<std::vector<int16_t>> inputs = {calibration_input(program.model.network, 5)};
    const GoldenVectors golden = golden_vectors(program.model, inputs);
    for (const auto& [path, text] : emit_c(program, golden).files) {
      if (path.starts_with("src/")) write_text(folder + "/" + path, text);
      if (path.starts_with("src/bw_") && path.ends_with(".c")) sources.runtime.push_back(folder + "/" + path);
      if (path == "test/golden_test.c") write_text(fmt::format("{}/test/{}_test.c", folder, name), text);
    }
    sources.models.push_back(fmt::format("{}/src/{}.c", folder, name));
    sources.tests.push_back(fmt::format("{}/test/{}_test.c", folder, name));
    cases +=
        fmt::format("#include \"{0}.h\"\n{1}{2}RUN_CASE({0}, {3})\n", name, words_text(name + "_in", golden.inputs),
                    words_text(name + "_out", golden.outputs), upper(name));
    calls += fmt::format("    {}_case(arena);\n", name);
    arena_bytes = std::max(arena_bytes, program.plan.arena_bytes);
  }
  std::sort(sources.runtime.begin(), sources.runtime.end());
  sources.runtime.erase(std::unique(sources.runtime.begin(), sources.runtime.end()), sources.runtime.end());
  sources.main = folder + "/main.c";
  write_text(sources.main, kCaseTop + cases + kMarks +
                               fmt::format("int main(void)\n{{\n    static uint32_t arena[{}];\n{}    return 0;\n}}\n",
                                           arena_bytes / 4, calls));
  return sources;
}

// The kernels of all programs in the linked one.
std::vector<std::string> kernel_functions(const std::string& core, const std::string& elf,
                                          const std::vector<Program>& programs) {
  const std::set<std::string> symbols = symbol_names(core, {elf}, Symbols::kDefined);
  std::set<std::string> functions;
  for (const Program& program : programs)
    for (const std::string& function : kernel_functions(program, symbols))
      if (!function.empty()) functions.insert(function);
  return {functions.begin(), functions.end()};
}

// `NAME FAILED STACK` a package.
void read_stacks(const std::string& core, const EmulatedRun& run, const std::vector<Program>& programs,
                 std::vector<MeasuredInference>& measured) {
  std::istringstream output(run.output);
  for (size_t p = 0; p < programs.size(); ++p) {
    const std::string& expected = programs[p].model.network.name;
    std::string name;
    int failed = 1;
    if (!(output >> name >> failed >> measured[p].stack_bytes) || name != expected || failed)
      throw ToolError(fmt::format("{}: {} differs from the reference, or the program ended early\n{}", core, expected,
                                  canonical_text(programs[p].model.network)));
  }
}

}  // namespace

std::vector<MeasuredInference> measure_inferences(const std::string& core, const std::vector<Program>& programs,
                                                  const std::string& folder) {
  const Sources sources = write_sources(programs, folder);
  const std::vector<std::string> includes = {"-I" + folder + "/src"};
  const std::vector<std::string> runtime = compile_for_core(core, sources.runtime, includes, folder);
  const std::vector<std::string> models = compile_for_core(core, sources.models, includes, folder);
  const std::vector<std::string> tests = compile_for_core(core, sources.tests, includes, folder);

  std::vector<MeasuredInference> measured(programs.size());
  for (size_t p = 0; p < programs.size(); ++p) {
    std::vector<std::string> objects = runtime;
    objects.push_back(models[p]);
    static_cast<PackageBytes&>(measured[p]) = package_bytes(measure_sizes(core, {tests[p]}, objects, folder), objects);
  }

  std::vector<std::string> all = compile_for_core(core, {sources.main}, includes, folder);
  all.insert(all.end(), models.begin(), models.end());
  all.insert(all.end(), runtime.begin(), runtime.end());
  const std::string elf = link_for_emulator(core, all, folder);
  const EmulatedRun run =
      run_emulated(core, elf, {}, folder, kLimit, {.separate = true, .parts = kernel_functions(core, elf, programs)});
  read_stacks(core, run, programs, measured);
  const std::vector<RunCounts> counts = count_each_run(core, run.profile, disassemble(elf));
  if (counts.size() != programs.size()) throw ToolError(core + ": some runs were not profiled");
  for (size_t p = 0; p < programs.size(); ++p) {
    measured[p].instructions = counts[p].instructions;
    measured[p].cycles = counts[p].cycles;
  }
  return measured;
}

}  // namespace bitwright
