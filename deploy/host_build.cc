// SPDX-License-Identifier: Apache-2.0
#include "deploy/host_build.h"

#include <fmt/format.h>

#include <fstream>

#include "deploy/emulator_run.h"
#include "deploy/process.h"

namespace bitwright {
namespace {

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

void compile_on_host(const HostBuild& build, const std::vector<std::string>& sources, const std::string& include_folder,
                     const std::string& program) {
  std::vector<std::string> command = flags_of(build);
  command.insert(command.end(), kWarningFlags.begin(), kWarningFlags.end());
  command.push_back("-I" + include_folder);
  command.insert(command.end(), sources.begin(), sources.end());
  command.insert(command.end(), {"-lm", "-o", program});
  const ProcessResult compiled = run_process(command, {.directory = {}, .limit = std::chrono::minutes(5)});
  if (!compiled.ok()) throw ToolError(build.compiler + ": the package does not compile\n" + compiled.errors);
}

}  // namespace bitwright
