// SPDX-License-Identifier: Apache-2.0
#include "estimators/cost_table.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <mutex>

#include "core/embedded.h"
#include "core/error.h"
#include "core/hash.h"

namespace bitwright {
namespace {

std::string linear_text(const char* name, const LinearCost& cost) {
  std::string text = fmt::format("    {}: {{", name);
  for (size_t f = 0; f < kFeatures; ++f)
    if (cost.coefficients[f] != 0.0)
      text += fmt::format("{}: {:.6g}, ", feature_name(static_cast<Feature>(f)), cost.coefficients[f]);
  if (text.ends_with(", ")) text.resize(text.size() - 2);
  return text +
         fmt::format("}}\n    {}_error: {{mean: {:.5f}, worst: {:.5f}}}\n", name, cost.mean_error, cost.worst_error);
}

std::string kernel_text(const std::string& name, const KernelCost& kernel) {
  return fmt::format("  {}:\n    samples: {}\n", name, kernel.samples) +
         linear_text("instructions", kernel.instructions) + linear_text("cycles", kernel.cycles) +
         fmt::format("    stack_bytes: {}\n    library: [{}]\n", kernel.stack_bytes, fmt::join(kernel.library, ", "));
}

std::string bytes_text(const char* name, const std::map<std::string, int64_t>& bytes) {
  std::string text = fmt::format("{}:{}\n", name, bytes.empty() ? " {}" : "");
  for (const auto& [key, value] : bytes) text += fmt::format("  {}: {}\n", key, value);
  return text;
}

LinearCost read_linear(const YAML::Node& kernel, const std::string& name) {
  LinearCost cost;
  for (size_t f = 0; f < kFeatures; ++f)
    if (const YAML::Node value = kernel[name][std::string(feature_name(static_cast<Feature>(f)))])
      cost.coefficients[f] = value.as<double>();
  cost.mean_error = kernel[name + "_error"]["mean"].as<double>();
  cost.worst_error = kernel[name + "_error"]["worst"].as<double>();
  return cost;
}

KernelCost read_kernel(const YAML::Node& node) {
  KernelCost kernel;
  kernel.samples = node["samples"].as<int>();
  kernel.instructions = read_linear(node, "instructions");
  kernel.cycles = read_linear(node, "cycles");
  kernel.stack_bytes = node["stack_bytes"].as<int64_t>();
  kernel.library = node["library"].as<std::vector<std::string>>();
  return kernel;
}

CoreCosts read_costs(const YAML::Node& root) {
  CoreCosts costs;
  costs.core = root["core"].as<std::string>();
  costs.compiler = root["compiler"].as<std::string>();
  costs.flags = root["flags"].as<std::string>();
  costs.runtime = root["runtime"].as<std::string>();
  const YAML::Node glue = root["glue"];
  costs.glue_bytes = glue["bytes"].as<double>();
  costs.glue_bytes_per_call = glue["bytes_per_call"].as<double>();
  costs.glue_bytes_worst_error = glue["bytes_worst_error"].as<double>();
  costs.glue_instructions = glue["instructions"].as<double>();
  costs.glue_cycles = glue["cycles"].as<double>();
  costs.glue_stack_bytes = glue["stack_bytes"].as<int64_t>();
  costs.file_bytes = root["file_bytes"].as<std::map<std::string, int64_t>>();
  costs.library_bytes = root["library_bytes"].as<std::map<std::string, int64_t>>();
  for (const auto& entry : root["kernels"]) costs.kernels[entry.first.as<std::string>()] = read_kernel(entry.second);
  return costs;
}

}  // namespace

double LinearCost::operator()(const FeatureVector& features) const {
  double sum = 0.0;
  for (size_t f = 0; f < kFeatures; ++f) sum += coefficients[f] * features[f];
  return sum;
}

const KernelCost& CoreCosts::kernel(const std::string& name) const {
  const auto it = kernels.find(name);
  if (it == kernels.end()) throw MissingCost(fmt::format("kernel {} has no measured cost on {}", name, core));
  return it->second;
}

const CoreCosts& core_costs(const std::string& core) {
  static std::mutex mutex;
  static std::map<std::string, CoreCosts> tables;
  const std::lock_guard lock(mutex);
  if (const auto it = tables.find(core); it != tables.end()) return it->second;
  const std::string path = "configs/costs/" + core + ".yaml";
  const auto text = embedded_file(path);
  if (!text) throw MissingCost(fmt::format("core {} was not calibrated: no {}", core, path));
  return tables.emplace(core, parse_cost_table(std::string(*text), path)).first->second;
}

std::string cost_table_text(const CoreCosts& costs) {
  std::string text = fmt::format(
      "# SPDX-License-Identifier: Apache-2.0\n"
      "# Measured by emulating every kernel; written by the calibration, not by hand. Instructions and cycles of one "
      "call\n"
      "# are the sum of coefficient x feature (estimators/layer_features.h), cycles by the timing table of\n"
      "# deploy/timing.h at zero wait states. Errors are those of the fit, as a share of what was measured.\n"
      "core: {}\ncompiler: \"{}\"\nflags: \"{}\"\nruntime: \"{}\"\n",
      costs.core, costs.compiler, costs.flags, costs.runtime);
  text += fmt::format(
      "glue: {{bytes: {:.6g}, bytes_per_call: {:.6g}, bytes_worst_error: {:.6g}, instructions: {:.6g}, cycles: {:.6g}, "
      "stack_bytes: {}}}\n",
      costs.glue_bytes, costs.glue_bytes_per_call, costs.glue_bytes_worst_error, costs.glue_instructions,
      costs.glue_cycles, costs.glue_stack_bytes);
  text += bytes_text("file_bytes", costs.file_bytes) + bytes_text("library_bytes", costs.library_bytes) + "kernels:\n";
  for (const auto& [name, kernel] : costs.kernels) text += kernel_text(name, kernel);
  return text;
}

CoreCosts parse_cost_table(const std::string& text, const std::string& place) {
  try {
    return read_costs(YAML::Load(text));
  } catch (const YAML::Exception& error) {
    throw ConfigError(fmt::format("{}: not a cost table: {}", place, error.what()));
  }
}

std::string runtime_digest() {
  std::string all;
  for (std::string_view path : embedded_files("deploy/runtime/"))
    all += fmt::format("{}\n{}\n", path, *embedded_file(path));
  return sha256_hex(all);
}

}  // namespace bitwright
