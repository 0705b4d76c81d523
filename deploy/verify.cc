// SPDX-License-Identifier: Apache-2.0
#include "deploy/verify.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>

#include "core/error.h"
#include "core/hash.h"
#include "deploy/emulator_run.h"
#include "deploy/host_build.h"
#include "deploy/package_build.h"
#include "deploy/process.h"
#include "deploy/stack_analysis.h"
#include "deploy/symbol_rules.h"

namespace bitwright {
namespace {

namespace fs = std::filesystem;

std::optional<std::string> file_bytes(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream bytes;
  if (!in || !(bytes << in.rdbuf())) return std::nullopt;
  return bytes.str();
}

const HostBuild* find_host_build(const std::string& target) {
  for (const HostBuild& build : host_builds())
    if (build.name == target) return &build;
  return nullptr;
}

std::optional<std::string> missing_tool(const std::string& target) {
  const HostBuild* build = find_host_build(target);
  return build ? missing_tool(*build) : missing_compiler_or_emulator(cross_target(target));
}

std::vector<std::string> tools_of(const std::string& target) {
  if (const HostBuild* build = find_host_build(target)) return {build->compiler};
  const CrossTarget& t = cross_target(target);
  return {t.compiler, t.gcc, t.emulator};
}

// The line that says most of a program's end: a sanitizer's finding, or else the last.
std::string telling_line(const std::string& output) {
  std::istringstream lines(output);
  std::string last = "no output";
  for (std::string line; std::getline(lines, line);) {
    if (line.find("runtime error: ") != std::string::npos || line.find("ERROR: ") != std::string::npos) return line;
    if (line.find_first_not_of(' ') != std::string::npos) last = line;
  }
  return last;
}

void read_verdict(TargetReport& target, int exit_status, const std::string& output) {
  const int64_t vectors = printed_number(output, "vectors"), different = printed_number(output, "different");
  target.vectors = std::max<int64_t>(0, vectors);
  target.different = std::max<int64_t>(0, different);
  target.stack_bytes = std::max<int64_t>(0, printed_number(output, "stack"));
  if (vectors < 0 || different < 0 || exit_status > 1 || (exit_status == 1 && different == 0))
    target.failure = fmt::format("the test program gave no verdict, status {}: {}", exit_status, telling_line(output));
  else if (vectors == 0)
    target.failure = "the test program compared no vector";
  target.bit_exact = target.failure.empty() && exit_status == 0 && target.different == 0;
}

TargetReport verify_on_host(const PackageFiles& package, const HostBuild& build, std::chrono::seconds limit) {
  const TemporaryDirectory folder;
  const std::string program = folder.path() + "/golden_test";
  std::vector<std::string> sources = package.sources;
  sources.push_back(package.test);
  link_for_host(build, compile_for_host(build, sources, {"-I" + package.folder + "/src"}, folder.path()), program);

  TargetReport target;
  target.target = build.name;
  const ProcessResult run =
      run_process({program, kGoldenFiles[0], kGoldenFiles[1]}, {.directory = package.folder, .limit = limit});
  if (run.timed_out)
    target.failure = fmt::format("the test program ran longer than {} s", limit.count());
  else if (run.signal)
    target.failure = fmt::format("the test program ended by signal {}", run.signal);
  else
    read_verdict(target, run.exit_status, run.output + run.errors);
  target.stack_bytes = 0;  // says nothing about a board
  return target;
}

// Of RISC-V instructions alone.
void read_counts(TargetReport& target, const Profile& profile, const std::string& disassembly) {
  const CrossTarget& cross = cross_target(target.target);
  if (profile.runs <= 0) return;
  if (cross.isa == Isa::kRiscV) {
    target.instructions = count_instructions(profile);
    return;
  }
  const RunCounts counts = count_run(cross.core, profile, parse_disassembly(disassembly));
  target.instructions = counts.instructions;
  target.cycles = counts.cycles;
  target.cycles_upper = counts.cycles * kCyclesUpper;
  target.instructions_by_class = counts.by_class;
}

// A core with a floating-point unit needs no helper for a float where none should be.
double float_operations(const TargetReport& target) {
  double sum = 0.0;
  for (const char* kind : {"float_arithmetic", "float_multiply_accumulate", "float_divide"})
    if (const auto it = target.instructions_by_class.find(kind); it != target.instructions_by_class.end())
      sum += it->second;
  return sum;
}

void check_calls(TargetReport& target, const std::set<std::string>& functions) {
  if (const std::vector<std::string> forbidden = forbidden_functions(functions); !forbidden.empty())
    target.broken.push_back(fmt::format("uses {}", fmt::join(forbidden, ", ")));
  if (float_operations(target) > 0 && !has_float_kernel(functions))
    target.broken.push_back("computes in floating point, although no layer does");
}

void check_stack(TargetReport& target, const CallGraph& graph, const Frames& frames,
                 const std::vector<std::string>& roots) {
  const StackBound bound = bound_stacks(graph, frames, roots);
  for (const std::string& problem : bound.problems) target.broken.push_back("stack without a bound: " + problem);
  target.stack_bound_bytes = bound.bytes;
  target.stack_path = bound.path;
  if (!roots.empty() && target.stack_bytes > target.stack_bound_bytes)
    target.broken.push_back(fmt::format("stack: {} B were used, more than the bound of {} B", target.stack_bytes,
                                        target.stack_bound_bytes));
}

// The board whose flash is simulated on this core: cycles of a core with a timing table wait for it.
const Board* board_of(const CrossTarget& cross, const VerifyOptions& options) {
  const bool has_it = options.board && options.board->core == cross.core && has_timing_table(cross.core);
  return has_it ? &*options.board : nullptr;
}

TargetReport verify_on_core(const PackageFiles& package, const CrossTarget& cross, const VerifyOptions& options) {
  const TemporaryDirectory folder;
  const BuiltPackage built = build_for_core(package, cross, folder.path());
  TargetReport target;
  target.target = cross.name;
  target.emulated = true;
  const ObjectBytes sizes = measure_sizes(cross.name, built.test, built.objects, folder.path());
  static_cast<PackageBytes&>(target) = package_bytes(sizes, built.objects);

  const Board* board = board_of(cross, options);
  ProfileOptions profile;
  if (board) profile.flash = flash_model(*board);
  const EmulatedRun run = run_emulated(cross.name, built.elf, kGoldenFiles, package.folder, options.limit, profile);
  read_verdict(target, run.exit_status, run.output);
  const std::string disassembly = disassembly_text(cross.name, built.elf);
  read_counts(target, run.profile, disassembly);
  if (board && run.profile.runs > 0)
    target.on_board =
        board_cycles(*board, target.cycles, run.profile.memory.at(0), static_cast<double>(run.profile.runs));

  const std::vector<std::string> linked = {folder.path() + "/sizes.elf"};
  std::set<std::string> names = symbol_names(cross.name, linked, Symbols::kDefined);
  names.merge(symbol_names(cross.name, linked, Symbols::kUndefined));
  check_calls(target, names);
  check_stack(target, read_call_graph(disassembly), frames_of(built.objects), inferences(cross.name, built));
  return target;
}

TargetReport verify_on(const std::string& target, const PackageFiles& package, const VerifyOptions& options) {
  if (const auto missing = missing_tool(target)) {
    if (!options.skip_missing) throw ToolError(*missing);
    TargetReport report;
    report.target = target;
    report.skipped = *missing;
    return report;
  }
  const HostBuild* build = find_host_build(target);
  return build ? verify_on_host(package, *build, options.limit)
               : verify_on_core(package, cross_target(target), options);
}

// Paths in manifest.sha256 whose file has other bytes or is gone. Nothing where the package has no manifest.
std::vector<std::string> changed_files(const std::filesystem::path& folder) {
  std::vector<std::string> changed;
  std::ifstream manifest(folder / "manifest.sha256");
  std::string digest, path;
  while (manifest >> digest >> path) {
    const auto bytes = file_bytes(folder / path);
    if (!bytes || sha256_hex(*bytes) != digest) changed.push_back(path);
  }
  return changed;
}

}  // namespace

bool VerifyReport::bit_exact() const {
  const auto tried = [](const TargetReport& t) { return t.skipped.empty(); };
  return std::any_of(targets.begin(), targets.end(), tried) && changed_files.empty() &&
         std::all_of(targets.begin(), targets.end(), [&](const auto& t) { return t.bit_exact || !tried(t); });
}

bool VerifyReport::keeps_promises() const {
  return std::all_of(targets.begin(), targets.end(), [](const auto& t) { return t.broken.empty(); });
}

std::vector<std::string> verify_targets() {
  std::vector<std::string> names;
  for (const HostBuild& build : host_builds()) names.push_back(build.name);
  for (const std::string& target : cross_targets()) names.push_back(target);
  return names;
}

void check_targets(const std::vector<std::string>& targets, const std::string& option) {
  const std::vector<std::string> known = verify_targets();
  for (const std::string& target : targets)
    if (std::find(known.begin(), known.end(), target) == known.end())
      throw ConfigError(fmt::format("{} = {}: must be one of {}", option, target, fmt::join(known, ", ")));
}

std::string manifest_text(const std::map<std::string, std::string>& files) {
  std::string text;
  for (const auto& [path, bytes] : files) text += fmt::format("{}  {}\n", sha256_hex(bytes), path);
  return text;
}

VerifyReport verify(const std::string& package_folder, const VerifyOptions& options) {
  const PackageFiles package = find_package(package_folder);
  check_targets(options.targets);
  VerifyReport report;
  report.package = package_folder;
  report.changed_files = changed_files(package_folder);
  for (const std::string& target : options.targets) {
    try {
      report.targets.push_back(verify_on(target, package, options));
    } catch (const ToolError& error) {
      if (report.changed_files.empty()) throw;
      throw ToolError(fmt::format("changed since export: {}\n{}", fmt::join(report.changed_files, ", "), error.what()));
    }
    if (!report.targets.back().skipped.empty()) continue;
    for (const std::string& tool : tools_of(target))
      if (!report.tools.count(tool)) report.tools[tool] = tool_version(tool);
  }
  return report;
}

}  // namespace bitwright
