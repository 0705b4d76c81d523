// SPDX-License-Identifier: Apache-2.0
#include "deploy/emit_interface.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "core/check.h"
#include "core/hash.h"
#include "core/kernel.h"
#include "core/op_profile.h"
#include "deploy/emit_source.h"
#include "deploy/emit_specialized.h"
#include "deploy/report.h"

namespace bitwright {
namespace {

// ---- C types of the network's input and output

// A natural C type, or words of packed codes.
std::string c_type(Format format) {
  switch (format) {
    case Format::kInt8: return "int8_t";
    case Format::kUint8: return "uint8_t";
    case Format::kInt16: return "int16_t";
    case Format::kInt32: return "int32_t";
    case Format::kFloat32: return "float";
    default: return "uint32_t";
  }
}

bool is_packed(Format format) {
  return c_type(format) == "uint32_t";
}

std::string layout(Format format, const Shape& shape) {
  const std::string what = fmt::format("{} {}, HWC", shape_text(shape), format_name(format));
  if (!is_packed(format)) return what;
  return what + fmt::format(", {} bits a code in 32-bit words, least significant first", bit_width(format));
}

std::string item_meaning(Format format) {
  return is_packed(format) ? fmt::format("a word of {}-bit codes, least significant first", bit_width(format))
                           : "one item";
}

Shape output_shape(const Program& program) {
  return program.ops.back().shapes.output;
}

// "in" or "out": KEY_h, KEY_type, ... of one tensor.
void add_tensor(const std::string& key, Format format, const Shape& shape, int64_t bytes, double scale, int64_t word,
                Values& v) {
  v[key + "_layout"] = layout(format, shape);
  v[key + "_shape"] = shape_text(shape);
  v[key + "_format"] = format_name(format);
  v[key + "_bytes"] = std::to_string(bytes);
  v[key + "_bits"] = std::to_string(bit_width(format));
  v[key + "_elements"] = std::to_string(shape.elements());
  v[key + "_h"] = std::to_string(shape.h);
  v[key + "_w"] = std::to_string(shape.w);
  v[key + "_c"] = std::to_string(shape.c);
  v[key + "_scale"] = float_literal(static_cast<float>(scale));
  v[key + "_type"] = c_type(format);
  v[key + "_type_meaning"] = item_meaning(format);
  v[key + "_word"] = std::to_string(word);
}

constexpr char kArgmaxDeclaration[] = R"(
/* Index of the largest output, the first of equals. */
uint32_t @name@_argmax(const @name@_t *model);
)";

constexpr char kArgmax[] = R"(
uint32_t @name@_argmax(const @name@_t *model)
{
    const @name@_out_t *output = @name@_output(model);
    uint32_t best = 0u, i;
    for (i = 1u; i < @NAME@_OUT_ITEMS; ++i) {
        if (output[i] > output[best]) {
            best = i;
        }
    }
    return best;
}
)";

// ---- streams

std::string copy_columns(int64_t column_bits) {
  if (column_bits % 8 != 0) return "";
  return fmt::format(R"(            if (samples != NULL) {{
                uint8_t *input = (uint8_t *)@name@_input(model);
                (void)memcpy(&input[{0}u * model->columns], samples, {0}u * (size_t)columns);
            }}
)",
                     column_bits / 8);
}

// What a program without a stream leaves out.
void add_stream(const Program& program, Values& v) {
  for (const char* key :
       {"stream_headers", "stream_fields", "stream_init", "stream_run", "stream_declarations", "stream_functions"})
    v[key] = "";
  v["stream_status"] = "  /* self test: an output differs from the reference's */";
  if (!program.stream) return;
  const StreamStage& first = program.stream->stages.front();
  const bool whole_bytes = first.column_bits % 8 == 0;
  v["in_columns"] = std::to_string(first.inputs);
  v["column_bits"] = std::to_string(first.column_bits);
  v["state_word"] = std::to_string(program.plan.state_offset / 4);
  v["column_bytes_text"] = whole_bytes ? "bytes" : "bytes (never: a column is no whole number of them)";
  v["refuse_copy"] = whole_bytes ? "" : " || (samples != NULL)";
  v["copy_columns"] = filled(copy_columns(first.column_bits), v);
  v["stream_headers"] = "#include \"bw_finish.h\"\n#include \"bw_stream.h\"\n";
  v["stream_fields"] = "    uint32_t columns; /* of the input that were pushed */\n";
  v["stream_status"] = filled(
      ", /* self test: an output differs from the reference's */\n    @NAME@_MORE = 6        /* no error: the outputs "
      "need more columns */",
      v);
  v["stream_init"] = "        model->columns = 0u;\n        begin_stream(words);\n";
  v["stream_run"] = filled("        model->columns = @NAME@_IN_COLUMNS;\n", v);
  v["stream_declarations"] = filled_template("stream.h", v);
  v["stream_functions"] = filled_template("stream.c", v);
}

// ---- the weights' CRC

void append_little_endian(std::string& bytes, const Constant& constant) {
  const int64_t width = constant.bytes() / static_cast<int64_t>(constant.values.size());
  for (int64_t value : constant.values)
    for (int64_t i = 0; i < width; ++i) bytes += static_cast<char>(static_cast<uint64_t>(value) >> (8 * i) & 0xff);
}

std::string crc_calls(const Program& program, const std::set<int>& specialized) {
  std::string calls;
  for (const LoweredOp& op : program.ops)
    if (specialized.count(op.layer) == 0)
      calls += emit_crc_calls(program, op);
    else if (!op.constants.empty())
      calls += fmt::format("    crc = {}_crc32(crc);\n", unit_name(program, op));
  return calls;
}

// ---- NAME_info.c

std::string layer_rows(const Program& program) {
  const Network& network = program.model.network;
  std::string rows;
  for (const LoweredOp& op : program.ops)
    rows += fmt::format("    {{\"{}\", \"{}\", {}u, {}u}},\n", network.layers[op.layer].name,
                        op.kernel.empty() ? "-" : op.kernel, macs(network.layers[op.layer], op.shapes),
                        constant_bytes(network, op.layer, op.kernel));
  return rows;
}

// A table of operations or of names; both may be absent.
std::string operation_table(const std::string& name, const OpProfile& profile) {
  if (profile.operations.empty()) return "";
  std::string rows;
  for (const auto& [operation, count] : profile.operations)
    rows += fmt::format("    {{\"{}\", {}u}},\n", operation, count);
  return fmt::format("\nstatic const {}_operation_info_t operations[{}] = {{\n{}}};\n", name, profile.operations.size(),
                     rows);
}

std::string name_table(const std::vector<std::string>& names) {
  if (names.empty()) return "";
  std::string rows;
  for (const std::string& name : names) rows += "    " + c_string(name) + ",\n";
  return fmt::format("static const char *const output_names[{}] = {{\n{}}};\n\n", names.size(), rows);
}

std::string emit_info(const Program& program, const Units& units, Values v) {
  const Network& network = program.model.network;
  const OpProfile profile = op_profile(network);
  v["layer_count"] = std::to_string(program.ops.size());
  v["layer_rows"] = layer_rows(program);
  v["operation_rows"] = operation_table(network.name, profile);
  v["operation_count"] = std::to_string(profile.operations.size());
  v["operations_pointer"] = profile.operations.empty() ? "NULL" : "operations";
  v["output_names"] = name_table(units.output_names);
  v["output_name_count"] = std::to_string(units.output_names.size());
  v["output_names_pointer"] = units.output_names.empty() ? "NULL" : "output_names";
  return filled_template("info.c", v);
}

// ---- NAME_selftest.c

std::string emit_selftest(const Program& program, const GoldenVectors& golden, Values values) {
  const int64_t vectors = std::min<int64_t>(golden.count, 2);
  const auto words = [&](const char* name, const std::vector<uint32_t>& all, int64_t bytes) {
    return emit_array(name, {"", "uint32_t", {all.begin(), all.begin() + vectors * bytes / 4}});
  };
  values["vectors"] = std::to_string(vectors);
  values["arrays"] = words("input_words", golden.inputs, program.input_bytes) +
                     words("output_words", golden.outputs, program.output_bytes);
  return filled_template("selftest.c", values);
}

// ---- NAME_float.c

constexpr char kRounding[] = R"(    int32_t result;
    if (code >= @high@.0f) {
        result = @high@;
    } else if (code > @low@.0f) {
        result = (int32_t)((code >= 0.0f) ? (code + 0.5f) : (code - 0.5f));
    } else { /* also where the sample is not a number */
        result = @low@;
    }
    return result;
)";

constexpr char kSign[] = "    return (code >= 0.0f) ? 1 : -1;\n";

constexpr char kPutItem[] = R"(static void put_code(@name@_in_t *input, uint32_t i, int32_t code)
{
    input[i] = (@name@_in_t)code;
}
)";

// Into words that are 0 there.
constexpr char kPutField[] = R"(/* Into words that hold 0 there. */
static void put_code(uint32_t *input, uint32_t i, int32_t code)
{
    const uint32_t bit = i * @NAME@_IN_BITS, shift = bit % 32u;
    const uint32_t field = @input_field@;
    input[bit / 32u] |= field << shift;
    if ((shift + @NAME@_IN_BITS) > 32u) {
        input[(bit / 32u) + 1u] |= field >> (32u - shift);
    }
}
)";

constexpr char kGetItem[] = R"(static float get_code(const @name@_out_t *output, uint32_t i)
{
    return (float)output[i];
}
)";

constexpr char kGetField[] = R"(static float get_code(const uint32_t *output, uint32_t i)
{
    const uint32_t bit = i * @NAME@_OUT_BITS, shift = bit % 32u;
    uint32_t field = output[bit / 32u] >> shift;
    if ((shift + @NAME@_OUT_BITS) > 32u) {
        field |= output[(bit / 32u) + 1u] << (32u - shift);
    }
    field &= @output_mask@;
    return @output_code@;
}
)";

std::string mask_text(int bits) {
  return fmt::format("0x{:X}u", (uint64_t{1} << bits) - 1);
}

void add_input_code(Format format, Values& v) {
  const bool binary = format == Format::kBinary;
  v["high"] = std::to_string(max_code(format));
  v["low"] = std::to_string(std::max(min_code(format), -max_code(format)));  // as the data sets' codes are made
  v["rounding"] = binary ? kSign : filled(kRounding, v);
  v["input_field"] = binary ? "(code > 0) ? 1u : 0u" : fmt::format("(uint32_t)code & {}", mask_text(bit_width(format)));
  v["put_code"] = filled(is_packed(format) ? kPutField : kPutItem, v);
}

void add_output_code(Format format, Values& v) {
  if (!is_packed(format)) {
    v["get_code"] = filled(kGetItem, v);
    return;
  }
  const std::string sign = fmt::format("0x{:X}u", uint64_t{1} << (bit_width(format) - 1));
  v["output_mask"] = mask_text(bit_width(format));
  v["output_code"] = format == Format::kBinary ? "(field != 0u) ? 1.0f : -1.0f"
                     : is_unsigned(format)     ? "(float)field"
                                               : fmt::format("(float)(int32_t)((field ^ {0}) - {0})", sign);
  v["get_code"] = filled(kGetField, v);
}

std::string float_rows(const std::vector<double>& values) {
  std::string rows;
  for (double value : values) rows += "    " + float_literal(static_cast<float>(value)) + ",\n";
  return rows;
}

// What the network gives, and where the outputs have a unit of their own, that unit.
void add_output_units(const Units& units, const Shape& shape, Values& v) {
  v["output_tables"] = "";
  v["output_meaning"] = "scale * (code - zero point)";
  v["output_value"] = v["NAME"] + "_OUT_SCALE * get_code(output, i)";
  if (units.output_mean.empty()) return;
  BW_CHECK(static_cast<int>(units.output_mean.size()) == shape.c);
  BW_CHECK(units.output_mean.size() == units.output_deviation.size());
  v["output_tables"] = fmt::format(
      "/* value = mean + deviation * what the network gives, by channel. */\n"
      "static const float output_mean[{0}_OUT_CHANNELS] = {{\n{1}}};\n"
      "static const float output_deviation[{0}_OUT_CHANNELS] = {{\n{2}}};\n",
      v["NAME"], float_rows(units.output_mean), float_rows(units.output_deviation));
  v["output_meaning"] = "in the unit of the training data";
  v["output_value"] = fmt::format(
      "output_mean[i % {0}_OUT_CHANNELS] +\n                        "
      "output_deviation[i % {0}_OUT_CHANNELS] * ({0}_OUT_SCALE * get_code(output, i))",
      v["NAME"]);
}

void add_input_units(const Units& units, const Shape& shape, double input_scale, Values& v) {
  const auto channels = static_cast<size_t>(shape.c);
  const bool given = !units.input_mean.empty();
  BW_CHECK(!given || (units.input_mean.size() == channels && units.input_step.size() == channels));
  v["input_mean"] = float_rows(given ? units.input_mean : std::vector<double>(channels, 0.0));
  v["input_step"] = float_rows(given ? units.input_step : std::vector<double>(channels, input_scale));
}

Values float_values(const Program& program, const Units& units, Values v) {
  const Network& network = program.model.network;
  add_input_units(units, network.input, program.model.input_scale, v);
  add_output_units(units, output_shape(program), v);
  add_input_code(network.input_format, v);
  add_output_code(program.output_format, v);
  return v;
}

std::string emit_source(const Program& program, const std::set<int>& specialized, Values v) {
  v["layers"] = emit_layers(program, specialized);
  v["crc_calls"] = crc_calls(program, specialized);
  v["unit_headers"] = specialized.empty() ? "" : fmt::format("#include \"{}_units.h\"\n", v["name"]);
  if (!specialized.empty()) v["stream_headers"] = "";
  v["argmax"] = is_packed(program.output_format) ? "" : filled(kArgmax, v);
  return filled_template("model.c", v);
}

}  // namespace

std::string c_string(const std::string& text) {
  std::string out = "\"";
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte >= 0x7f)
      out += fmt::format("\\{:03o}", byte);
    else if (c == '"' || c == '\\' || c == '?')  // no trigraphs
      out += fmt::format("\\{}", c);
    else
      out += c;
  }
  return out + "\"";
}

std::string constant_image(const Program& program) {
  std::string bytes;
  for (const LoweredOp& op : program.ops)
    for (const Constant& c : op.constants) append_little_endian(bytes, c);
  return bytes;
}

// What the README says of where weights and tables lie.
std::string fast_weights_text(const Program& program) {
  const int64_t bytes = program.placement.bytes();
  return bytes == 0 ? "`static const`, so that they stay in flash"
                    : fmt::format("`static const`, so that they stay in flash, but for {} bytes that start-up code "
                                  "copies\n  to RAM, where reads do not wait",
                                  bytes);
}

Values package_values(const Program& program, const PackageOptions& options) {
  const Network& network = program.model.network;
  const Shape out = output_shape(program);
  Values v = {
      {"name", network.name},
      {"NAME", upper(network.name)},
      {"source", source_line(options.provenance)},
      {"generator_string", c_string(options.provenance.generator)},
      {"origin_string", c_string(options.provenance.origin)},
      {"signature", program.signature},
      {"weights_crc", fmt::format("0x{:08X}u", crc32(constant_image(program)))},
      {"weights_bytes", std::to_string(weights_ro_bytes(program, options.specialize > 0))},
      {"weights_place", fast_weights_text(program)},
      {"parameters", std::to_string(parameter_count(network))},
      {"macc", std::to_string(macs(network))},
      {"arena_bytes", std::to_string(program.plan.arena_bytes)},
      {"arena_words", std::to_string(program.plan.arena_bytes / 4)},
      {"peak", network.layers[program.plan.peak_step].name},
  };
  add_tensor("input", network.input_format, network.input, program.input_bytes, program.model.input_scale,
             program.input_word, v);
  add_tensor("output", program.output_format, out, program.output_bytes, output_scale(program.model),
             program.output_word, v);
  v["argmax_declaration"] = is_packed(program.output_format) ? "" : filled(kArgmaxDeclaration, v);
  add_stream(program, v);
  return v;
}

std::map<std::string, std::string> emit_interface(const Program& program, const GoldenVectors& golden,
                                                  const PackageOptions& options, const Values& values) {
  const std::set<int> specialized = specialized_layers(program, options.specialize);
  const Units& units = options.units;
  const std::string& name = program.model.network.name;
  const Values floats = float_values(program, units, values);
  std::map<std::string, std::string> files = emit_units(program, specialized, values);
  files[name + ".h"] = filled_template("model.h", values);
  files[name + ".c"] = emit_source(program, specialized, values);
  files[name + "_selftest.c"] = emit_selftest(program, golden, values);
  files[name + "_info.c"] = emit_info(program, units, values);
  files[name + "_float.h"] = filled_template("float.h", floats);
  files[name + "_float.c"] = filled_template("float.c", floats);
  return files;
}

}  // namespace bitwright
