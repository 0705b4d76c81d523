// SPDX-License-Identifier: Apache-2.0
#include "estimators/cost_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <mutex>

#include "core/embedded.h"
#include "core/error.h"
#include "core/hash.h"
#include "core/io/yaml.h"
#include "core/kernel.h"

namespace bitwright {
namespace {

std::string sum_text(const SparseSum& sum) {
  std::vector<std::string> terms;
  for (const auto& [feature, coefficient] : sum.terms)
    terms.push_back(fmt::format("{}: {:.6g}", feature_name(feature), coefficient));
  return fmt::format("{{{}}}", fmt::join(terms, ", "));
}

std::string branches_text(const char* name, const std::vector<BranchCost>& branches) {
  if (branches.empty()) return "";
  std::string text = fmt::format("    {}_branches:\n", name);
  for (const BranchCost& branch : branches)
    text += fmt::format("      - {{cycles: {:.6g}, taken: {}, not_taken: {}}}\n", branch.cycles, sum_text(branch.taken),
                        sum_text(branch.not_taken));
  return text;
}

std::string linear_text(const char* name, const LinearCost& cost) {
  std::string text = fmt::format("    {}: {{", name);
  for (size_t f = 0; f < kFeatures; ++f)
    if (cost.coefficients[f] != 0.0)
      text += fmt::format("{}: {:.6g}, ", feature_name(static_cast<Feature>(f)), cost.coefficients[f]);
  if (text.ends_with(", ")) text.resize(text.size() - 2);
  return text +
         fmt::format("}}\n    {}_error: {{mean: {:.5f}, worst: {:.5f}}}\n", name, cost.mean_error, cost.worst_error) +
         branches_text(name, cost.branches);
}

std::string map_text(const std::map<std::string, int64_t>& values) {
  std::vector<std::string> items;
  for (const auto& [key, value] : values) items.push_back(fmt::format("{}: {}", key, value));
  return fmt::format("{}", fmt::join(items, ", "));
}

std::string kernel_text(const std::string& name, const KernelCost& kernel) {
  return fmt::format("  {}:\n    samples: {}\n", name, kernel.samples) +
         linear_text("instructions", kernel.instructions) + linear_text("cycles", kernel.cycles) +
         fmt::format("    stack_bytes: {{{}}}\n    file_bytes: {{{}}}\n    library: [{}]\n",
                     map_text(kernel.stack_bytes), map_text(kernel.file_bytes), fmt::join(kernel.library, ", "));
}

std::string bytes_text(const char* name, const std::map<std::string, int64_t>& bytes) {
  std::string text = fmt::format("{}:{}\n", name, bytes.empty() ? " {}" : "");
  for (const auto& [key, value] : bytes) text += fmt::format("  {}: {}\n", key, value);
  return text;
}

std::string call_text(const char* name, const CallCost& cost) {
  return fmt::format(
      "{}: {{base: {:.6g}, per_call: {:.6g}, first_epilogue: {:.6g}, per_epilogue: {:.6g}, worst_error: {:.6g}}}\n",
      name, cost.base, cost.per_call, cost.first_epilogue, cost.per_epilogue, cost.worst_error);
}

std::string part_text(const std::string& name, const PartCost& part) {
  const auto speed = [](const PartSpeed& s) {
    return fmt::format("{{per_run: {:.6g}, per_sum: {:.6g}, per_code: {:.6g}, worst_error: {:.5f}}}", s.per_run,
                       s.per_sum, s.per_code, s.worst_error);
  };
  return fmt::format("    {}:\n      instructions: {}\n      cycles: {}\n      file_bytes: {}\n", name,
                     speed(part.instructions), speed(part.cycles), part.file_bytes);
}

std::string stream_text(const StreamCost& stream) {
  const auto speed = [](const StreamSpeed& s) {
    return fmt::format(
        "{{base: {:.6g}, per_run: {:.6g}, per_check: {:.6g}, per_moved_word: {:.6g}, worst_error: {:.5f}}}", s.base,
        s.per_run, s.per_check, s.per_moved_word, s.worst_error);
  };
  std::string text = fmt::format(
      "stream:\n  instructions: {}\n  cycles: {}\n  base_bytes: {}\n  stage_bytes: {}\n  file_bytes: {{{}}}\n"
      "  stack_bytes: {}\n  parts:\n",
      speed(stream.instructions), speed(stream.cycles), stream.base_bytes, stream.stage_bytes,
      map_text(stream.file_bytes), stream.stack_bytes);
  for (const auto& [name, part] : stream.parts) text += part_text(name, part);
  return text;
}

// A node of the table, with the file's name for complaints.
class Node {
 public:
  Node(const YamlNode& yaml, const std::string& file) : yaml_(&yaml), file_(&file) {}

  Node operator[](std::string_view key) const {
    const YamlNode* child = yaml_->find(key);
    if (!child) fail(fmt::format("{} is missing", key));
    return {*child, *file_};
  }
  const std::string& text() const {
    if (yaml_->kind != YamlNode::Kind::kScalar) fail("must be a scalar");
    return yaml_->scalar;
  }
  template <class T>
  T number() const {
    T value{};
    const std::string& digits = text();
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc{} || end != digits.data() + digits.size()) fail("must be a number");
    return value;
  }
  // Calls visit(key, node) for every entry of a map.
  template <class Visit>
  void each(Visit visit) const {
    if (yaml_->kind != YamlNode::Kind::kMap) fail("must be a map");
    for (size_t i = 0; i < yaml_->keys.size(); ++i) visit(yaml_->keys[i], Node(yaml_->items[i], *file_));
  }
  // Calls visit(node) for every item of a list.
  template <class Visit>
  void each_item(Visit visit) const {
    if (yaml_->kind != YamlNode::Kind::kList) fail("must be a list");
    for (const YamlNode& item : yaml_->items) visit(Node(item, *file_));
  }
  bool has(std::string_view key) const { return yaml_->find(key) != nullptr; }
  std::vector<std::string> list() const {
    if (yaml_->kind != YamlNode::Kind::kList) fail("must be a list");
    std::vector<std::string> items;
    for (const YamlNode& item : yaml_->items) items.push_back(Node(item, *file_).text());
    return items;
  }
  [[noreturn]] void fail(const std::string& rule) const {
    throw ConfigError(fmt::format("{}: cost table: {}", place_text(*file_, yaml_->place), rule));
  }

 private:
  const YamlNode* yaml_;
  const std::string* file_;
};

Feature feature_of(const std::string& name, const Node& node) {
  for (size_t f = 0; f < kFeatures; ++f)
    if (feature_name(static_cast<Feature>(f)) == name) return static_cast<Feature>(f);
  node.fail("no feature is called " + name);
}

SparseSum read_sum(const Node& node) {
  SparseSum sum;
  node.each([&](const std::string& key, const Node& value) {
    sum.terms.emplace_back(feature_of(key, value), value.number<double>());
  });
  return sum;
}

LinearCost read_linear(const Node& kernel, const std::string& name) {
  LinearCost cost;
  kernel[name].each([&](const std::string& key, const Node& value) {
    cost.coefficients[static_cast<size_t>(feature_of(key, value))] = value.number<double>();
  });
  cost.mean_error = kernel[name + "_error"]["mean"].number<double>();
  cost.worst_error = kernel[name + "_error"]["worst"].number<double>();
  if (kernel.has(name + "_branches"))
    kernel[name + "_branches"].each_item([&](const Node& branch) {
      cost.branches.push_back(
          {branch["cycles"].number<double>(), read_sum(branch["taken"]), read_sum(branch["not_taken"])});
    });
  return cost;
}

std::map<std::string, int64_t> read_bytes(const Node& node) {
  std::map<std::string, int64_t> bytes;
  node.each([&](const std::string& key, const Node& value) { bytes[key] = value.number<int64_t>(); });
  return bytes;
}

KernelCost read_kernel(const Node& node) {
  KernelCost kernel;
  kernel.samples = node["samples"].number<int>();
  kernel.instructions = read_linear(node, "instructions");
  kernel.cycles = read_linear(node, "cycles");
  kernel.stack_bytes = read_bytes(node["stack_bytes"]);
  kernel.file_bytes = read_bytes(node["file_bytes"]);
  kernel.library = node["library"].list();
  return kernel;
}

CallCost read_call(const Node& node) {
  return {node["base"].number<double>(), node["per_call"].number<double>(), node["first_epilogue"].number<double>(),
          node["per_epilogue"].number<double>(), node["worst_error"].number<double>()};
}

StreamSpeed read_stream_speed(const Node& node) {
  return {node["base"].number<double>(), node["per_run"].number<double>(), node["per_check"].number<double>(),
          node["per_moved_word"].number<double>(), node["worst_error"].number<double>()};
}

PartSpeed read_part_speed(const Node& node) {
  return {node["per_run"].number<double>(), node["per_sum"].number<double>(), node["per_code"].number<double>(),
          node["worst_error"].number<double>()};
}

StreamCost read_stream(const Node& node) {
  StreamCost stream;
  stream.instructions = read_stream_speed(node["instructions"]);
  stream.cycles = read_stream_speed(node["cycles"]);
  stream.base_bytes = node["base_bytes"].number<int64_t>();
  stream.stage_bytes = node["stage_bytes"].number<int64_t>();
  stream.file_bytes = read_bytes(node["file_bytes"]);
  stream.stack_bytes = node["stack_bytes"].number<int64_t>();
  node["parts"].each([&](const std::string& name, const Node& part) {
    stream.parts[name] = {read_part_speed(part["instructions"]), read_part_speed(part["cycles"]),
                          part["file_bytes"].number<int64_t>()};
  });
  return stream;
}

CoreCosts read_costs(const Node& root) {
  CoreCosts costs;
  costs.core = root["core"].text();
  costs.compiler = root["compiler"].text();
  costs.flags = root["flags"].text();
  costs.runtime = root["runtime"].text();
  costs.glue_bytes = read_call(root["glue_bytes"]);
  costs.glue_instructions = read_call(root["glue_instructions"]);
  costs.glue_cycles = read_call(root["glue_cycles"]);
  costs.glue_stack_bytes = root["glue_stack_bytes"].number<int64_t>();
  if (root.has("stream")) costs.stream = read_stream(root["stream"]);
  costs.library_bytes = read_bytes(root["library_bytes"]);
  root["kernels"].each([&](const std::string& name, const Node& node) { costs.kernels[name] = read_kernel(node); });
  return costs;
}

// In line, or which part of bw_epilogue.c.
std::string epilogue_name(const Network& network, int layer) {
  switch (epilogue(network, layer)) {
    case Epilogue::kNone: return "none";
    case Epilogue::kRaw: return "raw";
    case Epilogue::kRequantize: return "requantize";
    case Epilogue::kFloat: return "float";
    case Epilogue::kThreshold: break;
  }
  const bool in_line = network.layers[static_cast<size_t>(layer)].activations == Format::kBinary &&
                       has_narrow_thresholds(network, layer);
  return in_line ? "binary" : "threshold";
}

std::string table_path(const std::string& core) {
  return "configs/costs/" + core + ".yaml";
}

}  // namespace

std::string call_path(const Network& network, int layer, const std::string& kernel) {
  if (is_poly(kernel)) return "poly";
  if (is_sliced(kernel)) return "sliced";
  const LayerSpec& spec = network.layers[static_cast<size_t>(layer)];
  const auto* conv = std::get_if<Conv2d>(&spec.op);
  const bool border =
      conv && !has_weight_rows(kernel) && (conv->padding == Padding::kMinusOne || conv->padding == Padding::kPlusOne);
  return epilogue_name(network, layer) + (border ? "_border" : "");
}

double SparseSum::operator()(const FeatureVector& features) const {
  double sum = 0.0;
  for (const auto& [feature, coefficient] : terms) sum += coefficient * features[static_cast<size_t>(feature)];
  return sum;
}

double BranchCost::operator()(const FeatureVector& features) const {
  return cycles * std::max(0.0, std::min(taken(features), not_taken(features)));
}

double LinearCost::linear(const FeatureVector& features) const {
  double sum = 0.0;
  for (size_t f = 0; f < kFeatures; ++f) sum += coefficients[f] * features[f];
  return sum;
}

double LinearCost::operator()(const FeatureVector& features) const {
  double sum = linear(features);
  for (const BranchCost& branch : branches) sum += branch(features);
  return std::max(sum, 0.0);
}

const KernelCost& CoreCosts::kernel(const std::string& name) const {
  const auto it = kernels.find(name);
  if (it == kernels.end()) throw MissingCost(fmt::format("kernel {} has no measured cost on {}", name, core));
  return it->second;
}

const PartCost& StreamCost::part(const std::string& name) const {
  const auto it = parts.find(name);
  if (it == parts.end()) throw MissingCost(fmt::format("kernel {} has no measured cost", name));
  return it->second;
}

int64_t CoreCosts::stack_bytes(const Network& network, int layer, const std::string& name) const {
  if (name.empty()) return 0;
  const KernelCost& cost = kernel(name);
  if (const auto it = cost.stack_bytes.find(call_path(network, layer, name)); it != cost.stack_bytes.end())
    return it->second;
  int64_t deepest = 0;
  for (const auto& [path, bytes] : cost.stack_bytes) deepest = std::max(deepest, bytes);
  return deepest;
}

bool has_cost_table(const std::string& core) {
  return embedded_file(table_path(core)).has_value();
}

const CoreCosts& core_costs(const std::string& core) {
  static std::mutex mutex;
  static std::map<std::string, CoreCosts> tables;
  const std::lock_guard lock(mutex);
  if (const auto it = tables.find(core); it != tables.end()) return it->second;
  const std::string path = table_path(core);
  const auto text = embedded_file(path);
  if (!text)
    throw MissingCost(
        fmt::format("core {} was not calibrated: no {}; bitwright boards names those that were", core, path));
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
  text += call_text("glue_bytes", costs.glue_bytes) + call_text("glue_instructions", costs.glue_instructions) +
          call_text("glue_cycles", costs.glue_cycles) + fmt::format("glue_stack_bytes: {}\n", costs.glue_stack_bytes);
  if (costs.stream) text += stream_text(*costs.stream);
  text += bytes_text("library_bytes", costs.library_bytes) + "kernels:\n";
  for (const auto& [name, kernel] : costs.kernels) text += kernel_text(name, kernel);
  return text;
}

CoreCosts parse_cost_table(const std::string& text, const std::string& place) {
  const YamlNode yaml = parse_yaml(text, place);
  return read_costs({yaml, place});
}

std::string runtime_digest() {
  std::string all;
  for (std::string_view path : embedded_files("deploy/runtime/"))
    all += fmt::format("{}\n{}\n", path, *embedded_file(path));
  return sha256_hex(all);
}

}  // namespace bitwright
