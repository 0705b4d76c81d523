// SPDX-License-Identifier: Apache-2.0
#include "deploy/host_build.h"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>

#include "deploy/emulator_run.h"
#include "deploy/process.h"

namespace bitwright {
namespace {

constexpr std::chrono::minutes kLimit{5};

std::vector<std::string> flags_of(const HostBuild& build) {
  std::vector<std::string> flags = {build.compiler, "-std=c99", "-O2", "-ffp-contract=off"};
  if (build.compiler == "gcc") flags.push_back(kSeparateMarks);
  if (build.sanitized) flags.insert(flags.end(), {"-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"});
  return flags;
}

// The sanitizers' libraries are a package apart of clang's.
bool links(const HostBuild& build) {
  const TemporaryDirectory folder;
  const std::string source = folder.path() + "/probe.c";
  std::ofstream(source) << "int main(void) { return 0; }\n";
  std::vector<std::string> command = flags_of(build);
  command.insert(command.end(), {source, "-o", folder.path() + "/probe"});
  return run_process(command).ok();
}

}  // namespace

const std::vector<HostBuild>& host_builds() {
  static const std::vector<HostBuild> all = {{"host-gcc", "gcc"},
                                             {"host-gcc-sanitized", "gcc", true},
                                             {"host-clang", "clang"},
                                             {"host-clang-sanitized", "clang", true}};
  return all;
}

std::optional<std::string> missing_tool(const HostBuild& build) {
  const std::string& compiler = build.compiler;
  if (!find_program(compiler)) return fmt::format("{0} is not installed: it is in the Debian package {0}", compiler);
  if (build.sanitized && !links(build))
    return fmt::format("{}'s sanitizers are not installed: they are in the Debian package {}", compiler,
                       compiler == "gcc" ? "libgcc-12-dev" : "libclang-rt-dev");
  return std::nullopt;
}

std::vector<std::string> compile_for_host(const HostBuild& build, const std::vector<std::string>& sources,
                                          const std::vector<std::string>& extra_flags, const std::string& folder) {
  std::vector<std::string> flags = flags_of(build);
  flags.insert(flags.end(), kWarningFlags.begin(), kWarningFlags.end());
  flags.insert(flags.end(), extra_flags.begin(), extra_flags.end());
  std::vector<std::string> objects;
  for (const std::string& source : sources) {
    objects.push_back(fmt::format("{}/{}.o", folder, std::filesystem::path(source).stem().string()));
    std::vector<std::string> command = flags;
    command.insert(command.end(), {"-c", source, "-o", objects.back()});
    const ProcessResult compiled = run_process(command, {.directory = {}, .limit = kLimit});
    if (!compiled.ok())
      throw ToolError(fmt::format("{}: {} does not compile\n{}", build.compiler, source, compiled.errors));
  }
  return objects;
}

void link_for_host(const HostBuild& build, const std::vector<std::string>& objects, const std::string& program) {
  std::vector<std::string> command = flags_of(build);
  command.insert(command.end(), objects.begin(), objects.end());
  command.insert(command.end(), {"-lm", "-o", program});
  const ProcessResult linked = run_process(command, {.directory = {}, .limit = kLimit});
  if (!linked.ok()) throw ToolError(fmt::format("{}: {} does not link\n{}", build.compiler, program, linked.errors));
}

}  // namespace bitwright
