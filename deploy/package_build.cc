// SPDX-License-Identifier: Apache-2.0
#include "deploy/package_build.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "core/error.h"
#include "deploy/emit_specialized.h"
#include "deploy/emulator_run.h"

namespace bitwright {
namespace fs = std::filesystem;
namespace {

std::string kernel_function(const Program& program, const LoweredOp& op, const std::set<std::string>& symbols) {
  if (op.kernel.empty()) return "";
  if (const std::string own = unit_name(program, op); symbols.contains(own)) return own;
  const std::string begin = fmt::format("bw_{}_", op.kernel);
  for (auto it = symbols.lower_bound(begin); it != symbols.end() && it->starts_with(begin); ++it)
    if (it->size() == begin.size() + 8 && it->find_first_not_of("0123456789abcdef", begin.size()) == std::string::npos)
      return *it;
  throw ToolError(fmt::format("{}: the package has no function for its kernel, {}",
                              program.model.network.layers[static_cast<size_t>(op.layer)].name, op.kernel));
}

}  // namespace

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

BuiltPackage build_for_core(const PackageFiles& package, const CrossTarget& target, const std::string& folder) {
  std::vector<std::string> flags = {"-I" + package.folder + "/src", "-fstack-usage"};
  flags.insert(flags.end(), kWarningFlags.begin(), kWarningFlags.end());
  BuiltPackage built;
  built.objects = compile_for_core(target.name, package.sources, flags, folder);
  if (target.compiler == target.gcc) flags.push_back(kSeparateMarks);
  built.test = compile_for_core(target.name, {package.test}, flags, folder);
  std::vector<std::string> all = built.objects;
  all.insert(all.end(), built.test.begin(), built.test.end());
  built.elf = link_for_emulator(target.name, all, folder);
  return built;
}

std::vector<std::string> kernel_functions(const Program& program, const std::set<std::string>& symbols) {
  std::vector<std::string> functions;
  for (const LoweredOp& op : program.ops) functions.push_back(kernel_function(program, op, symbols));
  return functions;
}

Frames frames_of(const std::vector<std::string>& objects) {
  Frames frames;
  for (const std::string& object : objects) {
    std::ifstream in(fs::path(object).replace_extension(".su"), std::ios::binary);
    std::stringstream usage;
    if (in && (usage << in.rdbuf())) read_stack_usage(usage.str(), frames);
  }
  return frames;
}

std::vector<std::string> inferences(const std::string& core, const BuiltPackage& built) {
  const std::set<std::string> defined = symbol_names(core, built.objects, Symbols::kDefined);
  std::vector<std::string> names;
  for (const std::string& name : symbol_names(core, built.test, Symbols::kUndefined))
    if (defined.count(name) && (name.ends_with("_run") || name.ends_with("_push"))) names.push_back(name);
  return names;
}

int64_t printed_number(const std::string& output, const std::string& name) {
  std::istringstream lines(output);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream fields(line);
    std::string word;
    int64_t number = 0;
    if (fields >> word >> number && word == name) return number;
  }
  return -1;
}

}  // namespace bitwright
