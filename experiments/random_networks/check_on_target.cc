// SPDX-License-Identifier: Apache-2.0
#include "experiments/random_networks/check_on_target.h"

#include <fmt/format.h>

#include <chrono>
#include <filesystem>
#include <map>
#include <sstream>

#include "deploy/emulator_run.h"
#include "deploy/host_build.h"
#include "deploy/process.h"

namespace bitwright {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::minutes kLimit{10};

const HostBuild* find_host_build(const std::string& target) {
  for (const HostBuild& build : host_builds())
    if (build.name == target) return &build;
  return nullptr;
}

struct CheckOutput {
  std::string text;
  std::string end;  // how the program ended, if not by itself
};

// The line that says most of a program's end.
std::string telling_line(const std::string& output) {
  std::istringstream lines(output);
  for (std::string line; std::getline(lines, line);)
    if (line.find("runtime error: ") != std::string::npos || line.find("ERROR: ") != std::string::npos) return line;
  return "the program ended";
}

std::vector<std::string> not_yet_compiled(const std::vector<std::string>& sources, const std::string& objects) {
  std::vector<std::string> fresh;
  for (const std::string& source : sources)
    if (!fs::exists(fmt::format("{}/{}.o", objects, fs::path(source).stem().string()))) fresh.push_back(source);
  return fresh;
}

std::vector<std::string> objects_of(const std::vector<std::string>& sources, const std::string& folder) {
  std::vector<std::string> objects;
  for (const std::string& source : sources)
    objects.push_back(fmt::format("{}/{}.o", folder, fs::path(source).stem().string()));
  return objects;
}

CheckOutput run_on_host(const HostBuild& build, const std::vector<std::string>& sources, const std::string& folder,
                        const std::string& objects) {
  const std::vector<std::string> includes = {"-I" + folder + "/src", "-I" BITWRIGHT_CHECK_FOLDER};
  std::vector<std::string> all = compile_for_host(build, {folder + "/check.c"}, includes, objects);
  compile_for_host(build, not_yet_compiled(sources, objects), includes, objects);
  const std::vector<std::string> others = objects_of(sources, objects);
  all.insert(all.end(), others.begin(), others.end());
  link_for_host(build, all, objects + "/check");
  const ProcessResult run = run_process({objects + "/check"}, {.directory = folder, .limit = kLimit});
  if (run.timed_out) return {run.output, "it ran too long"};
  if (run.signal) return {run.output, fmt::format("signal {}", run.signal)};
  return {run.output, telling_line(run.errors)};
}

CheckOutput run_on_core(const std::string& target, const std::vector<std::string>& sources, const std::string& folder,
                        const std::string& objects) {
  std::vector<std::string> flags = {"-I" + folder + "/src", "-I" BITWRIGHT_CHECK_FOLDER};
  flags.insert(flags.end(), kWarningFlags.begin(), kWarningFlags.end());
  std::vector<std::string> all = compile_for_core(target, {folder + "/check.c"}, flags, objects);
  compile_for_core(target, not_yet_compiled(sources, objects), flags, objects);
  const std::vector<std::string> others = objects_of(sources, objects);
  all.insert(all.end(), others.begin(), others.end());
  const EmulatedRun run = run_emulated(target, link_for_emulator(target, all, objects), {}, folder, kLimit);
  return {run.output, fmt::format("the program ended with status {}", run.exit_status)};
}

std::vector<std::string> wrong_cases(const std::vector<CheckCase>& cases, const CheckOutput& output) {
  std::map<std::string, int64_t> runs;
  std::istringstream lines(output.text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream fields(line);
    std::string name;
    int64_t wrong = 0;
    if (fields >> name >> wrong) runs[name] = wrong;
  }
  std::vector<std::string> wrong;
  for (const CheckCase& check : cases)
    if (!runs.contains(check.name))
      wrong.push_back(fmt::format("{}: {}", check.name, output.end));
    else if (runs.at(check.name) != 0)
      wrong.push_back(fmt::format("{}: {} of its runs are wrong", check.name, runs.at(check.name)));
  return wrong;
}

}  // namespace

CheckResult check_on_target(const std::string& target, const std::vector<CheckCase>& cases,
                            const std::vector<std::string>& sources, const std::string& folder) {
  const auto begin = Clock::now();
  const std::string objects = folder + "/" + target;
  fs::create_directories(objects);
  const HostBuild* build = find_host_build(target);
  const CheckOutput output =
      build ? run_on_host(*build, sources, folder, objects) : run_on_core(target, sources, folder, objects);
  return {wrong_cases(cases, output), std::chrono::duration<double>(Clock::now() - begin).count()};
}

}  // namespace bitwright
