// SPDX-License-Identifier: Apache-2.0
#include "deploy/emit_specialized.h"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "core/check.h"
#include "deploy/emit_source.h"

namespace bitwright {
namespace {

const std::string& layer_name(const Program& program, const LoweredOp& op) {
  return program.model.network.layers[op.layer].name;
}

const StreamStage* stage_of(const Program& program, const LoweredOp& op) {
  if (!program.stream) return nullptr;
  const auto& stages = program.stream->stages;
  const auto it = std::find_if(stages.begin(), stages.end(), [&](const StreamStage& s) { return s.layer == op.layer; });
  return it == stages.end() ? nullptr : &*it;
}

// ---- what a unit defines

// What a run changes; the rest stays constant.
std::string emit_run_layer(const Program& program, const LoweredOp& op) {
  std::vector<Field> fields = op.layer_fields;
  std::erase_if(fields, [](const Field& f) {
    return f.name == "in_w" || f.name == "pad_left" || f.name == "out_w" || f.name == "skip";
  });
  std::vector<std::string> items = initializers(layer_name(program, op), op, fields);
  items.insert(items.end(), {".in_w = (uint16_t)run->in_w", ".pad_left = (uint16_t)run->pad_left",
                             ".out_w = (uint16_t)run->outputs", ".skip = (uint8_t)run->skip"});
  return fmt::format("    const bw_layer layer = {{\n{}    }};\n", wrapped(items, 8));
}

// Adds the sums of the columns that are there.
std::string emit_part_call(const Program& program, const LoweredOp& op, const StreamStage& stage) {
  const int channels = op.shapes.input.c / stage.inputs;
  return fmt::format(
      "    bw_{0}(&{1}_layer, run->in, run->first * {2}u, run->outputs * {2}u, (int32_t *)&arena[{3}],\n"
      "        &arena[{4}]);\n",
      op.kernel, layer_name(program, op), channels, program.plan.sums_offset / 4, op.scratch_word);
}

std::string emit_run_call(const Program& program, const LoweredOp& op) {
  std::string out = fmt::format("    bw_{}(&layer, ", op.kernel);
  if (!op.epilogue_fields.empty()) out += fmt::format("&{}_epilogue, ", layer_name(program, op));
  out += "run->in, run->out";
  if (op.scratch_word >= 0) out += fmt::format(", &arena[{}]", op.scratch_word);
  return out + ");\n";
}

std::string unit_signature(const Program& program, const LoweredOp& op) {
  return fmt::format("void {}(bw_word *arena{})", unit_name(program, op),
                     stage_of(program, op) ? ", const bw_run *run" : "");
}

std::string crc_signature(const Program& program, const LoweredOp& op) {
  return fmt::format("uint32_t {}_crc32(uint32_t crc)", unit_name(program, op));
}

bool ends_in_sums(const Program& program, const LoweredOp& op) {
  return program.stream && program.stream->ends_dense && op.layer == program.stream->last_layer();
}

std::string finish_signature(const Program& program, const LoweredOp& op) {
  return fmt::format("void {}(bw_word *arena)", finish_name(program, op));
}

std::string unit_body(const Program& program, const LoweredOp& op) {
  const StreamStage* stage = stage_of(program, op);
  if (!stage) return emit_call(program, op);
  if (op.kernel.starts_with("part_")) return emit_part_call(program, op, *stage);
  const std::string unused = op.scratch_word < 0 ? "    (void)arena;\n" : "";
  return emit_run_layer(program, op) + emit_run_call(program, op) + unused;
}

constexpr char kUnit[] = R"(/* @unit@.c, @source@.
 * The kernel of @layer@, compiled with its constants. */
#define BW_SPECIALIZED
@macros@#include "bw_kernels.h"

#undef bw_@kernel@
#define bw_@kernel@ bw_@kernel@_here
#include "bw_@kernel@_inline.h"

#include "@name@_units.h"

@data@
BW_FAST_CODE @run@
{
@body@}
)";

constexpr char kCrc[] = R"(
@crc@
{
@crc_calls@    return crc;
}
)";

int64_t field_of(const LoweredOp& op, const std::string& name) {
  for (const Field& f : op.layer_fields)
    if (f.name == name) return f.value;
  return 0;
}

// Whether windows of accumulators reach beyond the map, in the dimension whose fields end in _h or _w.
bool reaches_beyond(const LoweredOp& op, const std::string& end) {
  const auto value = [&](const char* name) { return field_of(op, name + end); };
  const int64_t last = (value("out") - 1) * value("pool_stride") + value("pool") - 1;
  return field_of(op, end == "_h" ? "pad_top" : "pad_left") != 0 ||
         last * value("stride") + value("kernel") > value("in");
}

bool has_border(const LoweredOp& op) {
  return reaches_beyond(op, "_h") || reaches_beyond(op, "_w");
}

std::string emit_unit(const Program& program, const LoweredOp& op, Values v) {
  v["unit"] = unit_name(program, op);
  v["layer"] = layer_name(program, op);
  v["kernel"] = op.kernel;
  const bool is_float = op.kernel.ends_with("f32") || op.epilogue_type == "bw_float_epilogue";
  v["macros"] = is_float ? "#define BW_SPECIALIZED_F32\n" : "";
  if (!has_border(op)) v["macros"] += "#define BW_NO_BORDER\n";
  const bool changes = stage_of(program, op) && !op.kernel.starts_with("part_");
  v["data"] = emit_layer_comment(program, op) + emit_layer(program, op, !changes);
  v["run"] = unit_signature(program, op);
  v["body"] = unit_body(program, op);
  v["crc"] = crc_signature(program, op);
  v["crc_calls"] = emit_crc_calls(program, op);
  std::string text = filled(kUnit, v);
  if (ends_in_sums(program, op))
    text += fmt::format("\nBW_FAST_CODE {}\n{{\n{}}}\n", finish_signature(program, op), emit_finish_sums(program, op));
  return text + (op.constants.empty() ? "" : filled(kCrc, v));
}

constexpr char kUnits[] = R"(/* @name@_units.h, @source@.
 * Layers whose kernels are compiled for them, in files of their own; what @name@.c alone calls. */
#ifndef @NAME@_UNITS_H
#define @NAME@_UNITS_H

#include "bw_crc32.h"
#include "bw_kernels.h"
@headers@
@declarations@
#endif
)";

std::string emit_units_header(const Program& program, const std::set<int>& specialized, Values v) {
  v["headers"] = program.stream ? "#include \"bw_run.h\"\n" : "";
  v["declarations"] = "";
  for (const LoweredOp& op : program.ops)
    if (specialized.count(op.layer) > 0) {
      v["declarations"] += unit_signature(program, op) + ";\n";
      if (ends_in_sums(program, op)) v["declarations"] += finish_signature(program, op) + ";\n";
      if (!op.constants.empty()) v["declarations"] += crc_signature(program, op) + ";\n";
    }
  return filled(kUnits, v);
}

// ---- files

constexpr char kRuntime[] = "deploy/runtime/";
constexpr char kInlineEnd[] = "_inline.h";

// Names of the runtime's headers that a text includes. Where it is not for floats, not those that only such units take.
std::vector<std::string> includes_of(const std::string& text, bool to_float) {
  std::vector<std::string> names;
  std::istringstream lines(text);
  std::string line, condition;
  const std::string start = "#include \"";
  while (std::getline(lines, line)) {
    if (line.starts_with("#ifdef ")) condition = line.substr(7);
    if (line.starts_with("#if defined(")) condition = line.substr(12, line.find(')') - 12);
    if (line.starts_with("#el") || line.starts_with("#endif")) condition.clear();
    if (!line.starts_with(start) || (condition == "BW_SPECIALIZED_F32" && !to_float)) continue;
    names.push_back(line.substr(start.size(), line.rfind('"') - start.size()));
  }
  return names;
}

}  // namespace

std::set<int> specialized_layers(const Program& program, int most_layers) {
  std::map<std::string, int> uses;
  for (const LoweredOp& op : program.ops) ++uses[op.kernel];
  std::set<int> layers;
  for (const LoweredOp& op : program.ops)
    if (!op.kernel.empty() && uses[op.kernel] <= most_layers) layers.insert(op.layer);
  return layers;
}

std::string unit_name(const Program& program, const LoweredOp& op) {
  return fmt::format("{}_{}_{}", program.model.network.name, layer_name(program, op), op.kernel);
}

std::string finish_name(const Program& program, const LoweredOp& op) {
  return unit_name(program, op) + (op.epilogue_type == "bw_float_epilogue" ? "_finish_f32" : "_finish");
}

std::map<std::string, std::string> emit_units(const Program& program, const std::set<int>& specialized,
                                              const Values& values) {
  std::map<std::string, std::string> files;
  for (const LoweredOp& op : program.ops)
    if (specialized.count(op.layer) > 0) files[unit_name(program, op) + ".c"] = emit_unit(program, op, values);
  if (!files.empty()) files[program.model.network.name + "_units.h"] = emit_units_header(program, specialized, values);
  return files;
}

bool is_inline(const std::string& file) {
  return file.ends_with(kInlineEnd);
}

std::string source_of(const std::string& file) {
  if (!is_inline(file)) return file;
  return file.substr(0, file.size() - std::string(kInlineEnd).size()) + ".c";
}

std::set<std::string> included_files(const std::vector<std::string>& roots, bool to_float) {
  std::set<std::string> files;
  std::vector<std::string> open = roots;
  while (!open.empty()) {
    const std::string file = open.back();
    open.pop_back();
    if (!files.insert(file).second) continue;
    for (const std::string& name : includes_of(embedded(kRuntime + source_of(file)), to_float)) open.push_back(name);
  }
  return files;
}

}  // namespace bitwright
