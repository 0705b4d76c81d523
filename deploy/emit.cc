// SPDX-License-Identifier: Apache-2.0
#include "deploy/emit.h"

#include <filesystem>
#include <fstream>

#include "core/check.h"
#include "core/error.h"
#include "core/packing.h"
#include "deploy/emit_interface.h"
#include "deploy/emit_metadata.h"
#include "deploy/emit_runtime.h"
#include "deploy/reference.h"
#include "deploy/report.h"
#include "deploy/templates.h"

namespace bitwright {
namespace {

std::string little_endian(const std::vector<uint32_t>& words) {
  std::string bytes;
  for (uint32_t word : words)
    for (int shift = 0; shift < 32; shift += 8) bytes += static_cast<char>(word >> shift & 0xff);
  return bytes;
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

Package emit_c(const Program& program, const GoldenVectors& golden, const PackageOptions& options) {
  BW_CHECK(golden.count >= 1);
  BW_CHECK(static_cast<int64_t>(golden.inputs.size()) * 4 == golden.count * program.input_bytes);
  BW_CHECK(static_cast<int64_t>(golden.outputs.size()) * 4 == golden.count * program.output_bytes);
  const Values values = package_values(program, options);
  Package package{program.model.network.name, {}};
  auto& files = package.files;
  for (const auto& [file, text] : emit_runtime(program, options.specialize)) files["src/" + file] = text;
  for (const auto& [file, text] : emit_interface(program, golden, options, values)) files["src/" + file] = text;
  files["golden/inputs.bin"] = little_endian(golden.inputs);
  files["golden/outputs.bin"] = little_endian(golden.outputs);
  files["test/golden_test.c"] = filled_template("golden_test.c", values);
  files.merge(emit_metadata(files, options.label, values));
  files["report.txt"] = report_text(program, options);
  files["report.json"] = report_json(program, options);
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
