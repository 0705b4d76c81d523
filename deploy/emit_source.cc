// SPDX-License-Identifier: Apache-2.0
#include "deploy/emit_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "core/check.h"
#include "core/kernel.h"
#include "deploy/emit_specialized.h"
#include "deploy/templates.h"

namespace bitwright {
namespace {

const Network& network_of(const Program& program) {
  return program.model.network;
}

const LayerSpec& spec_of(const Program& program, const LoweredOp& op) {
  return network_of(program).layers[op.layer];
}

// ---- one layer

std::string pointee(const LoweredOp& op, const std::string& suffix) {
  for (const Constant& c : op.constants)
    if (c.suffix == suffix) return suffix;
  BW_CHECK(false);
}

std::string emit_struct(const std::string& type, const std::string& layer, const std::string& suffix,
                        const LoweredOp& op, const std::vector<Field>& fields) {
  return fmt::format("static const {} {}_{} = {{\n{}}};\n", type, layer, suffix, wrapped(initializers(layer, op, fields)));
}

// Without const in RAM: a compiler may put what is const nowhere but among the read-only data.
std::string emit_constant(const Program& program, const LoweredOp& op, const Constant& constant) {
  const std::string name = spec_of(program, op).name + "_" + constant.suffix;
  return program.placement.holds(op.layer, constant.suffix)
             ? "BW_FAST_WEIGHTS " + emit_array(name, constant, "static")
             : "BW_WEIGHTS " + emit_array(name, constant);
}

const char* moved_text(const Op& op) {
  return std::holds_alternative<Upsample2d>(op) ? "every pixel as a block of equal ones"
                                                : "the largest code of a window";
}

std::string epilogue_text(const Program& program, const LoweredOp& op) {
  const Network& network = network_of(program);
  const std::string out(format_name(storage_format(network, op.layer)));
  switch (epilogue(network, op.layer)) {
    case Epilogue::kNone: return moved_text(spec_of(program, op).op);
    case Epilogue::kRaw: return "the accumulator itself, as " + out;
    case Epilogue::kThreshold: return "a code of " + out + ": how many of the channel's thresholds are reached";
    case Epilogue::kRequantize: return "(acc * multiplier + offset) >> shift, as " + out;
    case Epilogue::kFloat: return "acc * scale + offset, as " + out;
  }
  return "";
}

std::string window_text(const Window& w) {
  const std::string size = fmt::format("{}x{}", w.h, w.w);
  return w.stride_h == 1 && w.stride_w == 1 ? size : size + fmt::format(" stride {}x{}", w.stride_h, w.stride_w);
}

const char* padding_text(Padding padding) {
  switch (padding) {
    case Padding::kValid: return "no padding";
    case Padding::kZero: return "border skipped";
    case Padding::kMinusOne: return "border of -1";
    case Padding::kPlusOne: return "border of +1";
  }
  return "?";
}

// "conv 5x1, border of +1, max-pool 4x1 stride 4x1".
std::string operator_text(const Program& program, const LoweredOp& op) {
  const LayerSpec& spec = spec_of(program, op);
  std::string out = op_name(spec.op);
  if (const auto* conv = std::get_if<Conv2d>(&spec.op))
    out += fmt::format(" {}, {}", window_text(conv->kernel), padding_text(conv->padding));
  if (const auto* depthwise = std::get_if<DepthwiseConv2d>(&spec.op))
    out += fmt::format(" {}, {}", window_text(depthwise->kernel), padding_text(depthwise->padding));
  if (const auto* pool = std::get_if<MaxPool2d>(&spec.op)) out += fmt::format(" {}", window_text(pool->window));
  if (const auto* pool = std::get_if<AvgPool2d>(&spec.op)) out += fmt::format(" {}", window_text(pool->window));
  if (const auto* upsample = std::get_if<Upsample2d>(&spec.op)) out += fmt::format(" {}x{}", upsample->h, upsample->w);
  if (std::holds_alternative<GlobalLogVariance>(spec.op)) out += ": acc is 256 log2 of n^2 times the variance";
  if (spec.pool) out += fmt::format(", max-pool {}", window_text(*spec.pool));
  return out;
}

const char* weight_order(const Op& op) {
  return std::holds_alternative<DepthwiseConv2d>(op) ? "[channel][row][column]"
         : std::holds_alternative<Dense>(op)         ? "[out][in]"
                                                     : "[out][row][column][in]";
}

std::string packing_text(const LoweredOp& op, Format weights) {
  if (is_poly(op.kernel))
    return fmt::format("polynomials, {} bits a tap: bw_conv2d_poly{}.h", poly_layout(op.kernel).slot,
                       is_poly2(op.kernel) ? "2" : "");
  if (is_sliced(op.kernel)) return "tables of three taps, 32 channels a word: bw_conv2d_sliced.h";
  if (is_few(op.kernel)) return "rows of whole words: bw_convolve_few.h";
  const std::string types = kernel_types(op.kernel);
  if (!has_weight_rows(op.kernel)) return fmt::format("{} bits each, LSB first", bit_width(weights));
  if (op.kernel.starts_with("depthwise_a1w1")) return "bits, 32 channels a word: bw_depthwise_bits.h";
  if (is_depthwise(op.kernel)) return "bytes, four channels a word: bw_depthwise.h";
  const char* header = types.starts_with("a16w") && types != "a16w1" ? "halves"
                       : types.ends_with("8w1") || types == "a16w1"  ? "bytes"
                                                                     : "bits";
  return fmt::format("rows of whole words, in the order of bw_accumulate_{}.h", header);
}

std::string weights_text(const Program& program, const LoweredOp& op) {
  const LayerSpec& spec = spec_of(program, op);
  if (!has_weights(spec.op)) return "";
  return fmt::format("\n * {} weights {}, {}.", format_name(spec.weights), weight_order(spec.op),
                     packing_text(op, spec.weights));
}

// ---- all layers

std::string hooked(const Program& program, const LoweredOp& op, const std::string& call, const char* indent) {
  const std::string prefix = upper(network_of(program).name);
  return fmt::format("{0}{1}_PROFILE_ENTER({2}u);\n{3}{0}{1}_PROFILE_LEAVE({2}u);\n", indent, prefix, op.layer, call);
}

// The layers from `first` on in order, each between two hooks that get its number, the m_id of report.txt.
std::string emit_calls(const Program& program, const std::set<int>& specialized, int first) {
  std::string calls;
  for (const LoweredOp& op : program.ops)
    if (op.layer >= first && !op.kernel.empty())
      calls += hooked(program, op,
                      specialized.count(op.layer) > 0 ? fmt::format("    {}(arena);\n", unit_name(program, op))
                                                      : emit_call(program, op),
                      "    ");
  return calls;
}

std::string emit_run(const Program& program, const std::set<int>& specialized) {
  const std::string calls = emit_calls(program, specialized, 0);
  return "\nstatic void run_layers(uint32_t *arena)\n{\n" + (calls.empty() ? "    (void)arena;\n" : calls) + "}\n";
}

// The flash estimate counts these structs; a core whose pointers are wider is a host.
std::string emit_size_checks() {
  return fmt::format(
      "BW_STATIC_ASSERT(bw_layer_size, sizeof(void *) != 4 || sizeof(bw_layer) == {});\n"
      "BW_STATIC_ASSERT(bw_epilogue_size, sizeof(void *) != 4 || sizeof(bw_epilogue) == {});\n"
      "BW_STATIC_ASSERT(bw_float_epilogue_size, sizeof(void *) != 4 || sizeof(bw_float_epilogue) == {});\n"
      "BW_STATIC_ASSERT(bw_poly_size, sizeof(void *) != 4 || sizeof(bw_poly) == {});\n"
      "BW_STATIC_ASSERT(bw_poly2_size, sizeof(void *) != 4 || sizeof(bw_poly2) == {});\n"
      "BW_STATIC_ASSERT(bw_sliced_size, sizeof(void *) != 4 || sizeof(bw_sliced) == {});\n",
      kLayerBytes, kEpilogueBytes, kFloatEpilogueBytes, kPolyBytes, kPoly2Bytes, kSlicedBytes);
}

// ---- streams

const StreamStage& stage_at(const Program& program, size_t i) {
  return program.stream->stages[i];
}

std::string emit_stages(const Program& program) {
  std::string out = "/* Layers that run column by column, bw_stream.h. */\nstatic const bw_stage stages[] = {\n";
  for (size_t i = 0; i < program.stream->stages.size(); ++i) {
    const StreamStage& s = stage_at(program, i);
    out += fmt::format("    {{{}u, {}u, {}u, {}u, {}u, {}u, {}u, {}u, {}u, {}u}}, /* {} */\n", s.band, s.step, s.window,
                       s.pad, s.inputs, s.outputs, s.column_bits, s.align, s.out_bits, i == 0 ? 0 : s.capacity,
                       network_of(program).layers[s.layer].name);
  }
  return out + "};\n";
}

// Word of the arena where the input of a stage lies.
int64_t stage_input(const Program& program, const StreamStage& stage) {
  return program.plan.tensor_offsets[network_of(program).layers[stage.layer].from + 1] / 4;
}

// Adds the sums of the columns that are there.
std::string emit_part(const Program& program, size_t i, const LoweredOp& op) {
  const int channels = op.shapes.input.c / stage_at(program, i).inputs;
  return fmt::format(
      "            bw_{0}(&{1}_layer, in, states[{2}].done * {3}u, states[{2}].count * {3}u,\n"
      "                   (int32_t *)&arena[{4}], &arena[{5}]);\n",
      op.kernel, spec_of(program, op).name, i, channels, program.plan.sums_offset / 4, op.scratch_word);
}

// Where the outputs of a stage's run go.
std::string run_output(const Program& program, size_t i, const LoweredOp& op) {
  if (i + 1 == program.stream->stages.size())
    return fmt::format("bw_tensor_output(&stages[{0}], &states[{0}], &arena[{1}])", i, op.out_word);
  return fmt::format("bw_buffer_output(&stages[{0}], &states[{0}], &arena[{1}])", i + 1, op.out_word);
}

std::string emit_band(const Program& program, size_t i, const LoweredOp& op) {
  std::string out = fmt::format("            bw_{}(&layer, ", op.kernel);
  if (!op.epilogue_fields.empty()) out += fmt::format("&{}_epilogue, ", spec_of(program, op).name);
  out += fmt::format("in, {}", run_output(program, i, op));
  if (op.scratch_word >= 0) out += fmt::format(", &arena[{}]", op.scratch_word);
  return out + ");\n";
}

std::string emit_stage(const Program& program, size_t i) {
  const StreamStage& stage = stage_at(program, i);
  const LoweredOp& op = program.ops[stage.layer];
  const bool adds_up = op.kernel.starts_with("part_"), last = i + 1 == program.stream->stages.size();
  const int64_t input = stage_input(program, stage);
  std::string out = fmt::format("        case {0}u:\n            layer = {1}_layer;\n", i, spec_of(program, op).name);
  out += fmt::format("            in = bw_begin_run(&stages[{0}], &states[{0}], &arena[{1}], &layer);\n", i, input);
  out += hooked(program, op, adds_up ? emit_part(program, i, op) : emit_band(program, i, op), "            ");
  out += fmt::format("            bw_end_run(&stages[{0}], &states[{0}], {1}u, {2});\n            break;\n", i,
                     last ? 1 : 0, i == 0 ? "0" : fmt::format("&arena[{}]", input));
  return out;
}

constexpr char kStreamFunctions[] = R"(
static void begin_stream(uint32_t *arena)
{
@clear@    bw_begin_stream((bw_stage_state *)&arena[@state@], @count@u);
}

/* Runs every stage that has its input; 1 once all columns came and the outputs are there. */
static uint32_t advance_stream(uint32_t *arena)
{
    bw_stage_state *states = (bw_stage_state *)&arena[@state@];
    for (;;) {
        const uint32_t stage = bw_next_stage(stages, states, @count@u);
        const bw_word *in;
        bw_layer layer;
        if (stage == BW_NO_STAGE) {
            break;
        }
        switch (stage) {
@stages@        default:
            break;
        }
    }
    if ((states[0].filled != stages[0].inputs) || (states[@last@].done != stages[@last@].outputs)) {
        return 0u;
    }
@end@    return 1u;
}

static void run_layers(uint32_t *arena)
{
    begin_stream(arena);
    ((bw_stage_state *)&arena[@state@])->filled = stages[0].inputs;
    (void)advance_stream(arena);
}
)";

// What follows the last stage: its sums become outputs; the layers behind run as ever.
std::string emit_stream_end(const Program& program, const std::set<int>& specialized) {
  const LoweredOp& op = program.ops[program.stream->last_layer()];
  std::string out;
  if (program.stream->ends_dense)
    out = specialized.count(op.layer) > 0 ? fmt::format("    {}(arena);\n", finish_name(program, op))
                                          : emit_finish_sums(program, op);
  return out + emit_calls(program, specialized, op.layer + 1);
}

std::string emit_stream(const Program& program) {
  const size_t count = program.stream->stages.size();
  const int64_t sums_bytes = 4 * program.ops[program.stream->last_layer()].shapes.output.c;
  std::string stages;
  for (size_t i = 0; i < count; ++i) stages += emit_stage(program, i);
  return fmt::format("\n{}", emit_stages(program)) +
         filled(kStreamFunctions,
                {{"clear", program.stream->ends_dense ? fmt::format("    memset(&arena[{}], 0, {}u);\n",
                                                                    program.plan.sums_offset / 4, sums_bytes)
                                                      : ""},
                 {"state", std::to_string(program.plan.state_offset / 4)},
                 {"count", std::to_string(count)},
                 {"last", std::to_string(count - 1)},
                 {"stages", stages},
                 {"end", emit_stream_end(program, {})}});
}

// ---- streams whose kernels are compiled for their layers

std::string emit_placed_stages(const Program& program) {
  std::string out = "/* Layers that run column by column, bw_run.h. */\nstatic const bw_placed_stage stages[] = {\n";
  for (size_t i = 0; i < program.stream->stages.size(); ++i) {
    const StreamStage& s = stage_at(program, i);
    out += fmt::format("    {{{{{}u, {}u, {}u, {}u, {}u, {}u, {}u, {}u, {}u, {}u}}, {}u, {}u}}, /* {} */\n", s.band,
                       s.step, s.window, s.pad, s.inputs, s.outputs, s.column_bits, s.align, s.out_bits,
                       i == 0 ? 0 : s.capacity, stage_input(program, s), program.ops[s.layer].out_word,
                       network_of(program).layers[s.layer].name);
  }
  return out + fmt::format("}};\nBW_STATIC_ASSERT(bw_placed_stage_size, sizeof(bw_placed_stage) == {});\n",
                           kPlacedStageBytes);
}

constexpr char kSharedRun[] = R"(        case @stage@u: {
            bw_layer layer = @layer@_layer;
            bw_set_part(&run, &layer);
@call@            break;
        }
)";

// A stage whose kernel other layers use, too.
std::string emit_shared_run(const Program& program, size_t i, const LoweredOp& op) {
  std::string call = fmt::format("            bw_{}(&layer, ", op.kernel);
  if (!op.epilogue_fields.empty()) call += fmt::format("&{}_epilogue, ", spec_of(program, op).name);
  call += "run.in, run.out";
  if (op.scratch_word >= 0) call += fmt::format(", &arena[{}]", op.scratch_word);
  return filled(kSharedRun, {{"stage", std::to_string(i)},
                             {"layer", spec_of(program, op).name},
                             {"call", hooked(program, op, call + ");\n", "            ")}});
}

std::string emit_own_run(const Program& program, size_t i, const LoweredOp& op) {
  const std::string call = fmt::format("            {}(arena, &run);\n", unit_name(program, op));
  return fmt::format("        case {}u:\n{}            break;\n", i, hooked(program, op, call, "            "));
}

constexpr char kSpecializedStream[] = R"(
static void begin_stream(uint32_t *arena)
{
@clear@}

/* Runs every stage that has its input; 1 once all columns came and the outputs are there. */
static uint32_t advance_stream(uint32_t *arena)
{
    bw_stage_state *states = (bw_stage_state *)&arena[@state@];
    bw_run run;
    while (bw_next_run(stages, states, @count@u, arena, &run) != 0u) {
        switch (run.stage) {
@stages@        default:
            break;
        }
        bw_close_run(&run, @count@u, arena);
    }
    if ((states[0].filled != @inputs@u) || (states[@last@].done != @outputs@u)) {
        return 0u;
    }
@end@    return 1u;
}

static void run_layers(uint32_t *arena)
{
    begin_stream(arena);
    ((bw_stage_state *)&arena[@state@])->filled = @inputs@u;
    (void)advance_stream(arena);
}
)";

std::string clear_text(int64_t offset, int64_t bytes) {
  return fmt::format("    (void)memset(&arena[{}], 0, {}u);\n", offset / 4, bytes);
}

// States and sums, at once where they are neighbours.
std::string emit_clear(const Program& program) {
  const int64_t state = program.plan.state_offset, sums = program.plan.sums_offset;
  const int64_t state_bytes = kStageStateBytes * static_cast<int64_t>(program.stream->stages.size());
  if (!program.stream->ends_dense) return clear_text(state, state_bytes);
  const int64_t sums_bytes = 4 * program.ops[program.stream->last_layer()].shapes.output.c;
  if (state + state_bytes == sums || sums + sums_bytes == state)
    return clear_text(std::min(state, sums), state_bytes + sums_bytes);
  return clear_text(state, state_bytes) + clear_text(sums, sums_bytes);
}

std::string emit_specialized_stream(const Program& program, const std::set<int>& specialized) {
  const auto& stages = program.stream->stages;
  std::string runs;
  for (size_t i = 0; i < stages.size(); ++i) {
    const LoweredOp& op = program.ops[stages[i].layer];
    runs += specialized.count(op.layer) > 0 ? emit_own_run(program, i, op) : emit_shared_run(program, i, op);
  }
  return fmt::format("\n{}", emit_placed_stages(program)) +
         filled(kSpecializedStream,
                {{"clear", emit_clear(program)},
                 {"state", std::to_string(program.plan.state_offset / 4)},
                 {"count", std::to_string(stages.size())},
                 {"last", std::to_string(stages.size() - 1)},
                 {"inputs", std::to_string(stages.front().inputs)},
                 {"outputs", std::to_string(stages.back().outputs)},
                 {"stages", runs},
                 {"end", emit_stream_end(program, specialized)}});
}

}  // namespace

std::string wrapped(const std::vector<std::string>& items, int indent) {
  constexpr size_t kColumns = 110;
  const std::string margin(static_cast<size_t>(indent), ' ');
  std::string out;
  size_t column = kColumns;
  for (size_t i = 0; i < items.size(); ++i) {
    const size_t width = items[i].size() + 2;
    const bool fits = column + width <= kColumns;
    if (!fits && i > 0) out.push_back('\n');
    out.append(fits ? " " : margin).append(items[i]);
    column = fits ? column + width : width + margin.size() - 2;
    if (i + 1 < items.size()) out.push_back(',');
  }
  out.push_back('\n');
  return out;
}

std::vector<std::string> initializers(const std::string& layer, const LoweredOp& op, const std::vector<Field>& fields) {
  std::vector<std::string> items;
  for (const Field& f : fields) {
    const std::string value = !f.constant.empty() ? layer + "_" + pointee(op, f.constant)
                              : f.is_float        ? literal(static_cast<uint32_t>(f.value), "float")
                                                  : std::to_string(f.value);
    items.push_back(fmt::format(".{} = {}", f.name, value));
  }
  return items;
}

std::string emit_finish_sums(const Program& program, const LoweredOp& op) {
  return fmt::format("    bw_finish_sums{}(&{}_epilogue, (const int32_t *)&arena[{}], {}u, &arena[{}]);\n",
                     op.epilogue_type == "bw_float_epilogue" ? "_f32" : "", spec_of(program, op).name,
                     program.plan.sums_offset / 4, op.shapes.output.c, op.out_word);
}

std::string emit_crc_calls(const Program& program, const LoweredOp& op) {
  std::string calls;
  for (const Constant& c : op.constants)
    calls += fmt::format("    crc = bw_crc32(crc, {0}_{1}, sizeof {0}_{1});\n", spec_of(program, op).name, c.suffix);
  return calls;
}

std::string float_literal(float value) {
  std::string digits = fmt::format("{}", value);
  if (digits.find_first_of(".e") == std::string::npos) digits += ".0";
  return digits + "f";
}

std::string literal(int64_t value, const std::string& type) {
  if (type == "uint32_t") return fmt::format("0x{:08x}u", static_cast<uint32_t>(value));
  if (type == "uint8_t" || type == "uint16_t") return fmt::format("{}u", value);
  if (type == "float") return float_literal(std::bit_cast<float>(static_cast<uint32_t>(value)));
  return std::to_string(value);
}

std::string emit_array(const std::string& name, const Constant& constant, const std::string& qualifiers) {
  std::vector<std::string> items;
  for (int64_t value : constant.values) items.push_back(literal(value, constant.type));
  return fmt::format("{} {} {}[{}] = {{\n{}}};\n", qualifiers, constant.type, name, items.size(), wrapped(items));
}

std::string emit_layer_comment(const Program& program, const LoweredOp& op) {
  const Network& network = network_of(program);
  const LayerSpec& spec = spec_of(program, op);
  const std::string in(format_name(storage_format(network, spec.from)));
  const std::string out(format_name(storage_format(network, op.layer)));
  std::string text_of = fmt::format("/* {}: {}; {} {} -> {} {}", spec.name, operator_text(program, op),
                                    shape_text(op.shapes.input), in, shape_text(op.shapes.output), out);
  if (op.kernel.empty()) return text_of + ". Moves nothing. */\n";
  return text_of + "." + weights_text(program, op) +
         fmt::format("\n * Output: {}. {} MACs, {} bytes of constants. */\n", epilogue_text(program, op),
                     macs(spec, op.shapes), constant_bytes(network, op.layer, op.kernel));
}

std::string emit_layer(const Program& program, const LoweredOp& op, bool descriptor) {
  if (op.kernel.empty()) return "";
  const std::string& name = spec_of(program, op).name;
  std::string out;
  for (const Constant& c : op.constants) out += emit_constant(program, op, c);
  if (has_weights(spec_of(program, op).op))
    out += fmt::format("BW_STATIC_ASSERT({0}_weights_size, sizeof {0}_weights == {1});\n", name,
                       weight_bytes(network_of(program), op.layer, op.kernel));
  if (descriptor) out += emit_struct("bw_layer", name, "layer", op, op.layer_fields);
  if (!op.epilogue_fields.empty()) out += emit_struct(op.epilogue_type, name, "epilogue", op, op.epilogue_fields);
  return out;
}

std::string emit_call(const Program& program, const LoweredOp& op) {
  if (op.kernel.empty()) return "";
  const LayerSpec& spec = spec_of(program, op);
  std::string out = fmt::format("    bw_{}(&{}_layer, ", op.kernel, spec.name);
  if (!op.epilogue_fields.empty()) out += fmt::format("&{}_epilogue, ", spec.name);
  out += fmt::format("&arena[{}], ", op.in_word);
  if (std::holds_alternative<Add>(spec.op)) out += fmt::format("&arena[{}], ", op.with_word);
  out += fmt::format("&arena[{}]", op.out_word);
  if (op.scratch_word >= 0) out += fmt::format(", &arena[{}]", op.scratch_word);
  return out + ");\n";
}

std::string emit_layers(const Program& program, const std::set<int>& specialized) {
  std::string out = emit_size_checks();
  for (const LoweredOp& op : program.ops)
    if (specialized.count(op.layer) == 0)
      out += fmt::format("\n{}{}", emit_layer_comment(program, op), emit_layer(program, op));
  if (!program.stream) return out + emit_run(program, specialized);
  return out + (specialized.empty() ? emit_stream(program) : emit_specialized_stream(program, specialized));
}

}  // namespace bitwright
