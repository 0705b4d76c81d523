// SPDX-License-Identifier: Apache-2.0
#include "deploy/emit.h"

#include <filesystem>
#include <fstream>

#include "core/check.h"
#include "core/error.h"
#include "core/kernel.h"
#include "core/packing.h"
#include "deploy/emit_source.h"
#include "deploy/reference.h"
#include "deploy/templates.h"

namespace bitwright {
namespace {

const Network& network_of(const Program& program) {
  return program.model.network;
}

// ---- C types of the network's input and output

// T of the accessor functions: a natural C type, or words of packed codes.
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

std::string layout(Format format, const Shape& shape) {
  const std::string what = fmt::format("{} {}, HWC", shape_text(shape), format_name(format));
  if (c_type(format) != "uint32_t") return what;
  return what + fmt::format(", {} bits a code in 32-bit words, least significant first", bit_width(format));
}

bool has_argmax(Format format) {
  return format == Format::kInt8 || format == Format::kInt16 || format == Format::kInt32 || format == Format::kFloat32;
}

Shape output_shape(const Program& program) {
  return program.ops.back().shapes.output;
}

constexpr char kArgmaxDeclaration[] = R"(/* Index of the largest output, the first of equals. */
uint32_t @name@_argmax(const uint32_t *arena);
)";

constexpr char kArgmax[] = R"(
uint32_t @name@_argmax(const uint32_t *arena)
{
    const @output_type@ *output = @name@_output(arena);
    uint32_t best = 0u, i;
    for (i = 1u; i < @NAME@_OUTPUT_ELEMENTS; ++i) {
        if (output[i] > output[best]) {
            best = i;
        }
    }
    return best;
}
)";

Values header_values(const Program& program, const Provenance& provenance) {
  const Network& network = network_of(program);
  const QuantizedModel& model = program.model;
  Values v = {{"name", network.name},
              {"NAME", upper(network.name)},
              {"source", source_line(provenance)},
              {"signature", program.signature},
              {"arena_bytes", std::to_string(program.plan.arena_bytes)},
              {"arena_words", std::to_string(program.plan.arena_bytes / 4)},
              {"peak", network.layers[program.plan.peak_step].name},
              {"input_layout", layout(network.input_format, network.input)},
              {"input_bytes", std::to_string(program.input_bytes)},
              {"input_elements", std::to_string(network.input.elements())},
              {"input_scale", float_literal(static_cast<float>(model.input_scale))},
              {"input_type", c_type(network.input_format)},
              {"input_word", std::to_string(program.input_word)},
              {"output_layout", layout(program.output_format, output_shape(program))},
              {"output_bytes", std::to_string(program.output_bytes)},
              {"output_elements", std::to_string(output_shape(program).elements())},
              {"output_scale", float_literal(static_cast<float>(output_scale(model)))},
              {"output_type", c_type(program.output_format)},
              {"output_word", std::to_string(program.output_word)}};
  v["argmax_declaration"] = has_argmax(program.output_format) ? filled(kArgmaxDeclaration, v) : "";
  return v;
}

std::string emit_source(const Program& program, Values values) {
  values["layers"] = emit_layers(program);
  values["stream_headers"] =
      program.stream ? "#include \"bw_finish.h\"\n#include \"bw_stream.h\"\n\n#include <string.h>\n" : "";
  values["argmax"] = has_argmax(program.output_format) ? filled(kArgmax, values) : "";
  return filled_template("model.c", values);
}

// Streams add their walk and, where sums are added up, an epilogue of their own.
std::vector<std::string> package_runtime_files(const Program& program) {
  std::vector<std::string> files = runtime_files(program.kernels);
  if (!program.stream) return files;
  const bool to_float =
      program.ops[static_cast<size_t>(program.stream->last_layer())].epilogue_type == "bw_float_epilogue";
  files.insert(files.end(),
               {"bw_stream.h", "bw_stream.c", "bw_finish.h", to_float ? "bw_finish_f32.c" : "bw_finish.c"});
  if (to_float)
    files.insert(files.end(), {"bw_float.h", "bw_driver.h", "bw_patch.h"});
  else
    files.push_back("bw_epilogue.h");
  return files;
}

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

std::string little_endian(const std::vector<uint32_t>& words) {
  std::string bytes;
  for (uint32_t word : words)
    for (int shift = 0; shift < 32; shift += 8) bytes += static_cast<char>(word >> shift & 0xff);
  return bytes;
}

std::string emit_cmake(const std::map<std::string, std::string>& files, Values values) {
  std::string sources;
  for (const auto& [path, bytes] : files)
    if (path.starts_with("src/") && path.ends_with(".c")) sources += "  " + path + "\n";
  sources.pop_back();
  values["sources"] = sources;
  return filled_template("CMakeLists.txt", values);
}

std::vector<uint32_t> packed(const Tensor& tensor) {
  return tensor.storage == Format::kFloat32 ? pack_floats(tensor.reals)
                                            : pack(std::span<const int32_t>(tensor.codes), tensor.storage);
}

}  // namespace

GoldenVectors golden_vectors(const QuantizedModel& model, std::span<const std::vector<int16_t>> inputs) {
  GoldenVectors golden;
  for (const std::vector<int16_t>& input : inputs) {
    const auto in = pack(std::span<const int16_t>(input), model.network.input_format);
    const auto out = packed(reference_infer(model, input));
    golden.inputs.insert(golden.inputs.end(), in.begin(), in.end());
    golden.outputs.insert(golden.outputs.end(), out.begin(), out.end());
    ++golden.count;
  }
  return golden;
}

Package emit_c(const Program& program, const GoldenVectors& golden, const Provenance& provenance) {
  BW_CHECK(golden.count >= 1);
  BW_CHECK(static_cast<int64_t>(golden.inputs.size()) * 4 == golden.count * program.input_bytes);
  BW_CHECK(static_cast<int64_t>(golden.outputs.size()) * 4 == golden.count * program.output_bytes);
  const std::string& name = network_of(program).name;
  const Values values = header_values(program, provenance);
  Package package{name, {}};
  auto& files = package.files;
  for (const std::string& file : package_runtime_files(program))
    files["src/" + file] = embedded("deploy/runtime/" + file);
  files["src/" + name + ".h"] = filled_template("model.h", values);
  files["src/" + name + ".c"] = emit_source(program, values);
  files["src/" + name + "_selftest.c"] = emit_selftest(program, golden, values);
  files["golden/inputs.bin"] = little_endian(golden.inputs);
  files["golden/outputs.bin"] = little_endian(golden.outputs);
  files["test/golden_test.c"] = filled_template("golden_test.c", values);
  files["CMakeLists.txt"] = emit_cmake(files, values);
  files["README.md"] = filled_template("README.md", values);
  files["report.txt"] = emit_report(program, provenance);
  files["LICENSE"] = embedded("LICENSE");
  return package;
}

void write_package(const Package& package, const std::string& folder) {
  for (const auto& [path, bytes] : package.files) {
    const std::filesystem::path file = std::filesystem::path(folder) / path;
    std::error_code error;
    std::filesystem::create_directories(file.parent_path(), error);
    std::ofstream out(file, std::ios::binary);
    out << bytes;
    out.close();
    if (!out) throw StoreError(file.string() + ": cannot be written");
  }
}

}  // namespace bitwright
