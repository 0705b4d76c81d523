// SPDX-License-Identifier: Apache-2.0
#include "deploy/report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/arena_map.h"
#include "core/io/json_text.h"
#include "core/kernel.h"
#include "core/op_profile.h"
#include "deploy/templates.h"

namespace bitwright {
namespace {

using Json = nlohmann::ordered_json;

constexpr char kRule[] =
    "----------------------------------------------------------------------------------------------------\n";

// ---- what a report says of a layer

struct LayerRow {
  int m_id = 0;
  std::string name, type, connected_to, kernel, formats;
  Shape oshape;
  int64_t params = 0;      // weights, biases, folded batch-norm pairs
  int64_t param_size = 0;  // bytes of weights and tables
  int64_t macc = 0;
  int64_t c_size = 0;  // with descriptors
};

std::string tensor_name(const Network& network, int layer) {
  return layer == kNetworkInput ? "input" : network.layers[layer].name;
}

std::string formats_text(const Network& network, int index) {
  const LayerSpec& spec = network.layers[index];
  const auto format = [&](int layer) { return format_name(storage_format(network, layer)); };
  const std::string weights = has_weights(spec.op) ? fmt::format(" * {}", format_name(spec.weights)) : "";
  return fmt::format("{}{} -> {}", format(spec.from), weights, format(index));
}

int64_t layer_parameters(const LayerSpec& spec, const LayerShapes& shapes) {
  if (!has_accumulators(spec.op)) return 0;
  const int64_t channels = shapes.output.c;
  return weight_count(spec, shapes) + (spec.bias ? channels : 0) + (spec.batch_norm ? 2 * channels : 0);
}

LayerRow layer_row(const Program& program, const LoweredOp& op) {
  const Network& network = program.model.network;
  const LayerSpec& spec = network.layers[op.layer];
  LayerRow row;
  row.m_id = op.layer;
  row.name = spec.name;
  row.type = op_name(spec.op);
  row.connected_to = tensor_name(network, spec.from);
  if (const auto* add = std::get_if<Add>(&spec.op))
    row.connected_to += fmt::format(", {}", tensor_name(network, add->with));
  row.kernel = op.kernel.empty() ? "-" : op.kernel;
  row.formats = formats_text(network, op.layer);
  row.oshape = op.shapes.output;
  row.params = layer_parameters(spec, op.shapes);
  for (const Constant& c : op.constants) row.param_size += c.bytes();
  row.macc = macs(spec, op.shapes);
  row.c_size = constant_bytes(network, op.layer, op.kernel);
  return row;
}

struct Totals {
  int64_t params = 0, macc = 0, weights = 0, activations = 0;
  int64_t fast_weights = 0;  // of the weights: copied to RAM
  int64_t ram() const { return activations + fast_weights; }
};

Totals totals_of(const Program& program, const PackageOptions& options) {
  const Network& network = program.model.network;
  return {parameter_count(network), macs(network), weights_ro_bytes(program, options.specialize > 0),
          program.plan.arena_bytes, program.placement.bytes()};
}

// ---- text

// "3,204,096".
std::string grouped(int64_t value) {
  const std::string digits = fmt::format("{}", value < 0 ? -value : value);
  std::string text = value < 0 ? "-" : "";
  for (size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) text.push_back(',');
    text.push_back(digits[i]);
  }
  return text;
}

std::string bytes_text(int64_t bytes) {
  return fmt::format("{} B ({:.2f} KiB)", grouped(bytes), static_cast<double>(bytes) / 1024.0);
}

std::string line(const std::string& key, const std::string& value) {
  return fmt::format("{:<18} :   {}\n", key, value);
}

std::string batch_shape(const Shape& shape) {
  return fmt::format("1x{}", shape_text(shape));
}

std::string tensor_line(const std::string& name, Format format, const Shape& shape, int64_t bytes, double scale) {
  const std::string_view text = format_name(format);
  const std::string quantization =
      format == Format::kFloat32 ? "float" : fmt::format("QLinear({:.9g},0,{})", scale, text);
  return fmt::format("'{}', {}({}), {} Bytes, {}, activations", name, text, batch_shape(shape), grouped(bytes),
                     quantization);
}

std::string saving_text(const Totals& totals) {
  const int64_t in_float = 4 * totals.params, saved = totals.weights - in_float;
  if (in_float == 0) return "";
  const double percent = 100.0 * static_cast<double>(saved) / static_cast<double>(in_float);
  return fmt::format(" / {}({:+.1f} %) vs float model", grouped(saved), percent);
}

// "conv0 to dense column by column".
std::string execution_text(const Program& program) {
  if (!program.stream) return "layer by layer";
  const auto name = [&](const StreamStage& stage) { return program.model.network.layers[stage.layer].name; };
  return fmt::format("{} to {} column by column", name(program.stream->stages.front()),
                     name(program.stream->stages.back()));
}

std::string summary_text(const Program& program, const PackageOptions& options) {
  const QuantizedModel& model = program.model;
  const Totals totals = totals_of(program, options);
  const LoweredOp& last = program.ops.back();
  std::string out = kRule;
  out += line("c_name", model.network.name) + line("generator", one_line(options.provenance.generator));
  if (!options.provenance.origin.empty()) out += line("origin", one_line(options.provenance.origin));
  out += line("model_hash", program.signature) + line("params #", grouped(totals.params) + " items") + kRule;
  out += line("input 1/1", tensor_line("input", model.network.input_format, model.network.input, program.input_bytes,
                                       model.input_scale));
  out += line("output 1/1", tensor_line(model.network.layers.back().name, program.output_format, last.shapes.output,
                                        program.output_bytes, output_scale(model)));
  out += line("macc", grouped(totals.macc)) + line("execution", execution_text(program));
  out += line("weights (ro)", bytes_text(totals.weights) + " (1 segment)" + saving_text(totals));
  out += line("activations (rw)", bytes_text(totals.activations) + " (1 segment) *");
  if (totals.fast_weights > 0)
    out += line("fast weights (rw)", bytes_text(totals.fast_weights) + " of the weights, copied to RAM at start-up");
  const std::string fast = totals.fast_weights > 0 ? " + " + grouped(totals.fast_weights) : "";
  out +=
      line("ram (total)", bytes_text(totals.ram()) + fmt::format(" = {} + 0 + 0{}", grouped(totals.activations), fast));
  return out + kRule + "(*) input and output lie in the activations; the stack is not in ram (total)\n";
}

std::string estimates_text(const PackageOptions& options) {
  std::string out;
  if (options.specialize > 0)
    out +=
        line("specialized", fmt::format("kernels that at most {} layers use are compiled for each; what follows is of "
                                        "shared kernels, bitwright verify measures these",
                                        options.specialize));
  if (options.estimates) {
    const Estimates& e = *options.estimates;
    out += line("code", bytes_text(e.code_bytes) + ", estimated");
    out += line("stack", bytes_text(e.stack_bytes) + ", estimated");
    out += line("duration", fmt::format("{} cycles, {} instructions at zero wait states, estimated",
                                        grouped(std::llround(e.cycles)), grouped(std::llround(e.instructions))));
  }
  if (options.validation_accuracy)
    out += line("accuracy", fmt::format("{:.2f} % on the validation set", 100.0 * *options.validation_accuracy));
  return out.empty() ? "" : out + kRule;
}

// Columns as wide as their widest cell.
std::string table_text(const std::vector<std::vector<std::string>>& rows) {
  std::vector<size_t> width(rows.front().size(), 0);
  for (const auto& row : rows)
    for (size_t c = 0; c < row.size(); ++c) width[c] = std::max(width[c], row[c].size());
  std::string out;
  for (const auto& row : rows) {
    std::string text;
    for (size_t c = 0; c < row.size(); ++c) text += fmt::format("{:<{}}  ", row[c], width[c]);
    out += text.substr(0, text.find_last_not_of(' ') + 1) + "\n";
  }
  return out;
}

std::string layers_text(const Program& program) {
  std::vector<std::vector<std::string>> rows = {{"m_id", "layer (type)", "oshape", "param/size", "macc", "connected to",
                                                 "|", "c_size", "c_macc", "formats", "kernel"}};
  for (const LoweredOp& op : program.ops) {
    const LayerRow r = layer_row(program, op);
    const std::string oshape = fmt::format("[b:1,h:{},w:{},c:{}]", r.oshape.h, r.oshape.w, r.oshape.c);
    const std::string macc = r.macc == 0 ? "" : grouped(r.macc);
    rows.push_back({std::to_string(r.m_id), fmt::format("{} ({})", r.name, r.type), oshape,
                    r.params == 0 ? "" : fmt::format("{}/{}", grouped(r.params), grouped(r.param_size)), macc,
                    r.connected_to, "|", r.c_size == 0 ? "" : grouped(r.c_size), macc, r.formats, r.kernel});
  }
  return table_text(rows);
}

std::string operations_text(const Network& network) {
  std::vector<std::vector<std::string>> rows = {{"operation", "count"}};
  for (const auto& [name, count] : op_profile(network).operations) rows.push_back({name, grouped(count)});
  return rows.size() == 1 ? "" : "operations by type, as QKeras counts them\n" + table_text(rows) + kRule;
}

// ---- constants in RAM

std::string array_name(const Program& program, const PlacedConstant& c) {
  return program.model.network.layers[c.layer].name + "_" + c.suffix;
}

std::string placement_text(const Program& program) {
  const ConstantPlacement& placement = program.placement;
  if (placement.constants.empty()) return "";
  std::vector<std::vector<std::string>> rows = {{"array in RAM", "bytes", "passes", "stall cycles saved"}};
  for (const PlacedConstant& c : placement.constants)
    rows.push_back({array_name(program, c), grouped(c.bytes), grouped(c.passes), grouped(c.stall_cycles)});
  return fmt::format(
             "\nfast weights: {} of {} stall cycles of constants an inference, flash of {} wait states and {} "
             "bytes a read without cache\n",
             grouped(placement.stall_cycles()), grouped(placement.stall_cycles_before), placement.flash.wait_states,
             placement.flash.read_bytes) +
         table_text(rows) + kRule;
}

// ---- the arena over time

std::vector<ArenaRegion> regions_of(const Program& program) {
  return arena_regions(program.model.network, program.plan, program.stream);
}

std::vector<std::string> region_row(const ArenaRegion& r, char mark) {
  return {std::string(1, mark), r.name, fmt::format("[{}, {})", r.offset, r.offset + r.bytes), grouped(r.bytes),
          fmt::format("{}..{}", r.first, r.last)};
}

std::string stream_text(const Program& program) {
  return program.stream ? fmt::format("{}: all that these hold is there at once\n", execution_text(program)) : "";
}

std::string plan_text(const Program& program) {
  return fmt::format(
      "{} B, {}; an output may lie over an input that ends with it\n", grouped(program.plan.arena_bytes),
      program.plan.is_least ? "the least that these regions can take" : "the least that was found for these regions");
}

// ---- JSON

Json shape_json(const Shape& s) {
  return Json::array({1, s.h, s.w, s.c});
}

Json tensor_json(const std::string& name, Format format, const Shape& shape, int64_t bytes, double scale,
                 int64_t offset) {
  return {{"name", name},
          {"shape", shape_json(shape)},
          {"format", format_name(format)},
          {"bits", bit_width(format)},
          {"bytes", bytes},
          {"scale", scale},
          {"zero_point", 0},
          {"offset", offset}};
}

Json layer_json(const Program& program, const LoweredOp& op, const PackageOptions& options) {
  const LayerRow r = layer_row(program, op);
  Json json = {{"m_id", r.m_id},
               {"name", r.name},
               {"type", r.type},
               {"oshape", shape_json(r.oshape)},
               {"formats", r.formats},
               {"n_params", r.params},
               {"param_size", r.param_size},
               {"macc", r.macc},
               {"connected_to", r.connected_to},
               {"rom_size", r.c_size},
               {"kernel", r.kernel},
               {"output_bytes", packed_bytes(r.oshape.elements(), storage_format(program.model.network, op.layer))}};
  if (!options.estimates || options.estimates->layers.size() != program.ops.size()) return json;
  json["estimated_instructions"] = options.estimates->layers[static_cast<size_t>(op.layer)].instructions;
  json["estimated_cycles"] = options.estimates->layers[static_cast<size_t>(op.layer)].cycles;
  return json;
}

Json memory_json(const Program& program) {
  Json regions = Json::array();
  for (const ArenaRegion& r : regions_of(program))
    regions.push_back(
        {{"name", r.name}, {"offset", r.offset}, {"bytes", r.bytes}, {"first_step", r.first}, {"last_step", r.last}});
  return {{"arena_bytes", program.plan.arena_bytes},
          {"execution", program.stream ? "stream" : "layers"},
          {"is_least", program.plan.is_least},
          {"peak_step", program.plan.peak_step},
          {"streamed_layers", program.stream ? program.stream->last_layer() + 1 : 0},
          {"regions", regions}};
}

Json placement_json(const Program& program) {
  const ConstantPlacement& placement = program.placement;
  Json arrays = Json::array();
  for (const PlacedConstant& c : placement.constants)
    arrays.push_back({{"m_id", c.layer},
                      {"array", array_name(program, c)},
                      {"bytes", c.bytes},
                      {"passes", c.passes},
                      {"stall_cycles_saved", c.stall_cycles}});
  return {{"bytes", placement.bytes()},
          {"budget_bytes", placement.budget_bytes},
          {"flash_wait_states", placement.flash.wait_states},
          {"flash_read_bytes", placement.flash.read_bytes},
          {"stall_cycles_before", placement.stall_cycles_before},
          {"stall_cycles_saved", placement.stall_cycles()},
          {"arrays", arrays}};
}

void add_estimates(const PackageOptions& options, Json& json) {
  if (options.estimates) {
    json["code_bytes"] = options.estimates->code_bytes;
    json["stack_bytes"] = options.estimates->stack_bytes;
    json["estimated_instructions"] = options.estimates->instructions;
    json["estimated_cycles"] = options.estimates->cycles;
  }
  if (options.validation_accuracy) json["validation_accuracy"] = *options.validation_accuracy;
}

}  // namespace

std::string source_line(const Provenance& provenance) {
  const std::string origin = provenance.origin.empty() ? "" : fmt::format(": {}", one_line(provenance.origin));
  return fmt::format("generated by {}{}", one_line(provenance.generator), origin);
}

int64_t weights_ro_bytes(const Program& program, bool specialized) {
  const int64_t stage_bytes = specialized ? kPlacedStageBytes : kStageBytes;
  int64_t bytes = program.stream ? stage_bytes * static_cast<int64_t>(program.stream->stages.size()) : 0;
  for (const LoweredOp& op : program.ops) bytes += constant_bytes(program.model.network, op.layer, op.kernel);
  return bytes;
}

std::string memory_map(const Program& program) {
  const int64_t arena_bytes = program.plan.arena_bytes;
  const std::vector<ArenaRegion> regions = regions_of(program);
  std::vector<std::vector<std::string>> steps = {
      {"step", "layer", "bytes", fmt::format("0 .. {}", grouped(arena_bytes))}};
  for (const LoweredOp& op : program.ops)
    steps.push_back({std::to_string(op.layer), program.model.network.layers[op.layer].name,
                     grouped(alive_bytes(regions, op.layer)), arena_row(regions, op.layer, arena_bytes)});
  std::vector<std::vector<std::string>> legend = {{"", "region", "arena", "bytes", "steps"}};
  for (size_t r = 0; r < regions.size(); ++r) legend.push_back(region_row(regions[r], region_letter(r)));
  return stream_text(program) + table_text(steps) + "\n" + table_text(legend) + plan_text(program);
}

std::string report_text(const Program& program, const PackageOptions& options) {
  return summary_text(program, options) + estimates_text(options) + "\n" + layers_text(program) + kRule +
         operations_text(program.model.network) + placement_text(program) + "\nthe arena over time\n" +
         memory_map(program);
}

std::string report_json(const Program& program, const PackageOptions& options) {
  const QuantizedModel& model = program.model;
  const Totals totals = totals_of(program, options);
  Json json = {{"schema", 2},
               {"c_name", model.network.name},
               {"generator", options.provenance.generator},
               {"origin", options.provenance.origin},
               {"model_signature", program.signature},
               {"params", totals.params},
               {"macc", totals.macc},
               {"weights_ro_bytes", totals.weights},
               {"activations_rw_bytes", totals.activations},
               {"ram_total_bytes", totals.ram()}};
  if (totals.fast_weights > 0) json["fast_weights"] = placement_json(program);
  json["specialized"] = options.specialize > 0;
  add_estimates(options, json);
  json["op_types"] = op_profile(model.network).operations;
  json["inputs"] = Json::array({tensor_json("input", model.network.input_format, model.network.input,
                                            program.input_bytes, model.input_scale, 4 * program.input_word)});
  json["outputs"] = Json::array(
      {tensor_json(model.network.layers.back().name, program.output_format, program.ops.back().shapes.output,
                   program.output_bytes, output_scale(model), 4 * program.output_word)});
  json["layers"] = Json::array();
  for (const LoweredOp& op : program.ops) json["layers"].push_back(layer_json(program, op, options));
  json["memory"] = memory_json(program);
  return json_text(json) + "\n";
}

}  // namespace bitwright
