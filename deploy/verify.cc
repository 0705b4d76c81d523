// SPDX-License-Identifier: Apache-2.0
#include "deploy/verify.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>

#include "core/error.h"
#include "core/hash.h"
#include "deploy/emulator_run.h"
#include "deploy/process.h"

namespace bitwright {
namespace {

namespace fs = std::filesystem;

const std::vector<std::string> kGoldenFiles = {"golden/inputs.bin", "golden/outputs.bin"};

struct PackageFiles {
  std::string folder;                // absolute
  std::vector<std::string> sources;  // src/*.c, sorted
  std::string test;
};

PackageFiles find_package(const std::string& folder) {
  PackageFiles package;
  package.folder = fs::absolute(folder).lexically_normal().string();
  package.test = package.folder + "/test/golden_test.c";
  for (const std::string& file : kGoldenFiles)
    if (!fs::exists(package.folder + "/" + file))
      throw ConfigError(fmt::format("{}: not a package: no {}", folder, file));
  if (!fs::exists(package.test)) throw ConfigError(folder + ": not a package: no test/golden_test.c");
  if (fs::is_directory(package.folder + "/src"))
    for (const fs::directory_entry& entry : fs::directory_iterator(package.folder + "/src"))
      if (entry.path().extension() == ".c") package.sources.push_back(entry.path().string());
  if (package.sources.empty()) throw ConfigError(folder + ": not a package: no src/*.c");
  std::sort(package.sources.begin(), package.sources.end());
  return package;
}

void check_cores(const std::vector<std::string>& cores) {
  const std::vector<std::string> known = emulated_cores();
  for (const std::string& core : cores)
    if (std::find(known.begin(), known.end(), core) == known.end())
      throw ConfigError(fmt::format("core = {}: must be one of {}", core, fmt::join(known, ", ")));
}

// `NAME 12` on a line of the program's output.
std::optional<int64_t> printed_number(const std::string& output, const std::string& name) {
  std::istringstream lines(output);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream fields(line);
    std::string word;
    int64_t number = 0;
    if (fields >> word >> number && word == name) return number;
  }
  return std::nullopt;
}

std::string last_line(const std::string& text) {
  const size_t end = text.find_last_not_of("\n ");
  if (end == std::string::npos) return "no output";
  const size_t begin = text.find_last_of('\n', end);
  return text.substr(begin == std::string::npos ? 0 : begin + 1,
                     end - (begin == std::string::npos ? 0 : begin + 1) + 1);
}

void read_verdict(TargetReport& target, int exit_status, const std::string& output) {
  const auto vectors = printed_number(output, "vectors"), different = printed_number(output, "different");
  target.vectors = vectors.value_or(0);
  target.different = different.value_or(0);
  target.stack_bytes = printed_number(output, "stack").value_or(0);
  if (!vectors || !different || exit_status > 1 || (exit_status == 1 && *different == 0))
    target.failure = fmt::format("the test program gave no verdict, status {}: {}", exit_status, last_line(output));
  else if (*vectors == 0)
    target.failure = "the test program compared no vector";
  target.bit_exact = target.failure.empty() && exit_status == 0 && target.different == 0;
}

TargetReport verify_on_host(const PackageFiles& package, const VerifyOptions& options) {
  require_tool("cc", "gcc");
  const TemporaryDirectory build;
  const std::string program = build.path() + "/golden_test";
  std::vector<std::string> argv = {"cc",           "-std=c99",
                                   "-O2",          "-Wall",
                                   "-Wextra",      "-Wpedantic",
                                   "-Werror",      "-ffp-contract=off",
                                   "-fno-ipa-icf", "-I" + package.folder + "/src"};
  argv.insert(argv.end(), package.sources.begin(), package.sources.end());
  argv.insert(argv.end(), {package.test, "-lm", "-o", program});
  const ProcessResult compiled = run_process(argv, {.directory = {}, .limit = std::chrono::minutes(5)});
  if (!compiled.ok()) throw ToolError("cc: the package does not compile\n" + compiled.errors);

  TargetReport target;
  target.target = "host";
  const ProcessResult run =
      run_process({program, kGoldenFiles[0], kGoldenFiles[1]}, {.directory = package.folder, .limit = options.limit});
  if (run.timed_out)
    target.failure = fmt::format("the test program ran longer than {} s", options.limit.count());
  else if (run.signal)
    target.failure = fmt::format("the test program ended by signal {}", run.signal);
  else
    read_verdict(target, run.exit_status, run.output + run.errors);
  target.stack_bytes = 0;  // says nothing about a board
  return target;
}

void read_sizes(TargetReport& target, const ObjectBytes& sizes, const std::vector<std::string>& objects) {
  for (const auto& [object, bytes] : sizes) {
    const bool of_package = std::find(objects.begin(), objects.end(), object) != objects.end();
    target.code_bytes += of_package ? bytes.code : 0;
    target.constant_bytes += of_package ? bytes.constants : 0;
    target.library_bytes += of_package ? 0 : bytes.code + bytes.constants;
    target.data_bytes += bytes.data;
    target.bss_bytes += bytes.bss;
  }
}

void read_counts(TargetReport& target, const RunCounts& counts) {
  target.instructions = counts.instructions;
  target.cycles = counts.cycles;
  target.cycles_upper = counts.cycles * kCyclesUpper;
  target.instructions_by_class = counts.by_class;
}

TargetReport verify_on_core(const PackageFiles& package, const std::string& core, const VerifyOptions& options) {
  const TemporaryDirectory build;
  const std::vector<std::string> include = {"-I" + package.folder + "/src", "-Wall", "-Wextra", "-Wpedantic",
                                            "-Werror"};
  const std::vector<std::string> objects = compile_for_core(core, package.sources, include, build.path());
  // The marks are empty functions: they must stay two.
  std::vector<std::string> test_flags = include;
  test_flags.push_back("-fno-ipa-icf");
  const std::vector<std::string> test = compile_for_core(core, {package.test}, test_flags, build.path());

  TargetReport target;
  target.target = core;
  read_sizes(target, measure_sizes(core, test, objects, build.path()), objects);
  std::vector<std::string> all = objects;
  all.insert(all.end(), test.begin(), test.end());
  const std::string elf = link_for_emulator(core, all, build.path());
  const EmulatedRun run = run_emulated(core, elf, kGoldenFiles, package.folder, options.limit);
  read_verdict(target, run.exit_status, run.output);
  if (run.profile.runs > 0) read_counts(target, count_run(core, run.profile, disassemble(elf)));
  return target;
}

std::string verdict(const TargetReport& target) {
  if (!target.failure.empty()) return target.failure;
  if (target.bit_exact) return fmt::format("bit-exact on {} vectors", target.vectors);
  return fmt::format("DIFFERENT on {} of {} vectors", target.different, target.vectors);
}

nlohmann::ordered_json to_json(const TargetReport& t) {
  nlohmann::ordered_json json = {{"target", t.target},
                                 {"bit_exact", t.bit_exact},
                                 {"vectors", t.vectors},
                                 {"different", t.different},
                                 {"failure", t.failure}};
  if (t.target == "host") return json;
  json["code_bytes"] = t.code_bytes;
  json["library_bytes"] = t.library_bytes;
  json["constant_bytes"] = t.constant_bytes;
  json["data_bytes"] = t.data_bytes;
  json["bss_bytes"] = t.bss_bytes;
  json["stack_bytes"] = t.stack_bytes;
  json["instructions"] = t.instructions;
  json["cycles"] = t.cycles;
  json["cycles_upper"] = t.cycles_upper;
  json["instructions_by_class"] = t.instructions_by_class;
  return json;
}

std::optional<std::string> file_bytes(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream bytes;
  if (!in || !(bytes << in.rdbuf())) return std::nullopt;
  return bytes.str();
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
  return !targets.empty() && changed_files.empty() &&
         std::all_of(targets.begin(), targets.end(), [](const auto& t) { return t.bit_exact; });
}

std::string manifest_text(const std::map<std::string, std::string>& files) {
  std::string text;
  for (const auto& [path, bytes] : files) text += fmt::format("{}  {}\n", sha256_hex(bytes), path);
  return text;
}

VerifyReport verify(const std::string& package_folder, const VerifyOptions& options) {
  const PackageFiles package = find_package(package_folder);
  check_cores(options.cores);
  VerifyReport report;
  report.package = package_folder;
  report.changed_files = changed_files(package_folder);
  if (options.host) {
    report.targets.push_back(verify_on_host(package, options));
    report.tools["cc"] = tool_version("cc");
  }
  if (options.cores.empty()) return report;
  require_tool("arm-none-eabi-gcc", "gcc-arm-none-eabi");
  require_tool("qemu-system-arm", "qemu-system-arm");
  for (const std::string& core : options.cores) report.targets.push_back(verify_on_core(package, core, options));
  for (const char* tool : {"arm-none-eabi-gcc", "qemu-system-arm"}) report.tools[tool] = tool_version(tool);
  return report;
}

std::string render_text(const VerifyReport& report) {
  std::string text;
  for (const TargetReport& t : report.targets) {
    text += fmt::format("{:<14} {}\n", t.target, verdict(t));
    if (t.target == "host" || t.instructions == 0) continue;
    text += fmt::format("{:14} flash {} B (code {}, library {}, constants {}), static RAM {} B, stack {} B\n", "",
                        t.code_bytes + t.library_bytes + t.constant_bytes + t.data_bytes, t.code_bytes, t.library_bytes,
                        t.constant_bytes, t.data_bytes + t.bss_bytes, t.stack_bytes);
    text += fmt::format("{:14} {:.0f} instructions, {:.0f}..{:.0f} cycles an inference (zero wait states)\n", "",
                        t.instructions, t.cycles, t.cycles_upper);
  }
  for (const std::string& file : report.changed_files) text += fmt::format("changed since export: {}\n", file);
  return text;
}

std::string render_json(const VerifyReport& report) {
  nlohmann::ordered_json json = {
      {"package", report.package}, {"bit_exact", report.bit_exact()}, {"tools", report.tools}};
  json["schema"] = 1;
  json["changed_files"] = report.changed_files;
  json["targets"] = nlohmann::ordered_json::array();
  for (const TargetReport& t : report.targets) json["targets"].push_back(to_json(t));
  return json.dump(2) + "\n";
}

}  // namespace bitwright
