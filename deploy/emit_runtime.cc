// SPDX-License-Identifier: Apache-2.0
#include "deploy/emit_runtime.h"

#include <fmt/format.h>

#include <sstream>

#include "core/check.h"
#include "core/embedded.h"
#include "core/hash.h"
#include "core/kernel.h"
#include "deploy/emit_specialized.h"
#include "deploy/templates.h"

namespace bitwright {
namespace {

constexpr char kRuntime[] = "deploy/runtime/";

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// The function that a definition starting at the begin of this line would define; empty where the line starts none.
std::string function_at(std::string_view line) {
  const size_t parenthesis = line.find('(');
  if (line.empty() || !is_word(line[0]) || parenthesis == std::string::npos) return "";
  if (line.starts_with("static ") || line.starts_with("typedef ") || line.starts_with("BW_INLINE ")) return "";
  size_t begin = parenthesis;
  while (begin > 0 && is_word(line[begin - 1])) --begin;
  const std::string_view name = line.substr(begin, parenthesis - begin);
  return begin > 0 && name.starts_with("bw_") ? std::string(name) : "";
}

// Calls f with every function that is defined with external linkage and where its definition starts.
template <class F>
void each_external_function(const std::string& source, F f) {
  for (size_t at = 0; at < source.size();) {
    const size_t end = std::min(source.find('\n', at), source.size());
    const std::string name = function_at(std::string_view(source).substr(at, end - at));
    const size_t next = source.find_first_of("{;", at);
    if (!name.empty() && next != std::string::npos && source[next] == '{') f(name, at);
    at = end + 1;
  }
}

// Names of the functions of all kernels, whatever a network needs: bw_names.h is then the same in every package.
std::vector<std::string> all_functions() {
  std::vector<std::string> names = external_functions(embedded("deploy/package/bw_crc32.c.in"));
  for (std::string_view path : embedded_files(kRuntime)) {
    if (!path.ends_with(".c")) continue;
    const auto more = external_functions(embedded(std::string(path)));
    names.insert(names.end(), more.begin(), more.end());
  }
  return names;
}

std::string emit_names() {
  const std::string version = runtime_version();
  std::string defines;
  for (const std::string& name : all_functions()) defines += fmt::format("#define {0} {0}_{1}\n", name, version);
  return filled_template("bw_names.h", {{"defines", defines}});
}

// Every file of the runtime includes this one, and it the package's own headers.
std::string emit_kernels_header() {
  std::string text = embedded(std::string(kRuntime) + "bw_kernels.h");
  const std::string after = "#include <stdint.h>\n";
  const size_t at = text.find(after);
  BW_CHECK(at != std::string::npos);
  return text.insert(at + after.size(), "\n#include \"bw_config.h\"\n#include \"bw_names.h\"\n");
}

bool ends_in_floats(const LoweredOp& op) {
  return op.kernel.ends_with("f32") || op.epilogue_type == "bw_float_epilogue";
}

// Streams add their walk and, where sums are added up, an epilogue of their own.
std::vector<std::string> stream_files(const Program& program) {
  const bool to_float =
      program.ops[static_cast<size_t>(program.stream->last_layer())].epilogue_type == "bw_float_epilogue";
  std::vector<std::string> files = {"bw_stream.h", "bw_stream.c", "bw_finish.h",
                                    to_float ? "bw_finish_f32.c" : "bw_finish.c"};
  if (to_float)
    files.insert(files.end(), {"bw_float.h", "bw_driver.h", "bw_patch.h"});
  else
    files.push_back("bw_epilogue.h");
  return files;
}

std::vector<std::string> package_runtime_files(const Program& program, const std::set<int>& specialized) {
  Kernels shared;
  for (const LoweredOp& op : program.ops)
    if (specialized.count(op.layer) == 0) shared.push_back(op.kernel);
  std::vector<std::string> files = runtime_files(shared);
  const auto add = [&](const auto& more) { files.insert(files.end(), more.begin(), more.end()); };
  if (program.stream && specialized.empty()) add(stream_files(program));
  if (program.stream && !specialized.empty()) add(included_files({"bw_run.h"}, false));
  for (const LoweredOp& op : program.ops)
    if (specialized.count(op.layer) > 0)
      add(included_files({fmt::format("bw_{}_inline.h", op.kernel)}, ends_in_floats(op)));
  return files;
}

// The functions of a source in line, whether they were static or external.
std::string with_functions_in_line(const std::string& source) {
  std::istringstream lines(with_attributes(source, "BW_INLINE "));
  std::string out;
  for (std::string line; std::getline(lines, line); out += line + "\n")
    for (const std::string start : {"static inline ", "static "})
      if (line.starts_with(start) && line.find('(') != std::string::npos) line.replace(0, start.size(), "BW_INLINE ");
  return out;
}

// A kernel's source as a header.
std::string emit_inline(const std::string& file) {
  const std::string guard = upper(file.substr(0, file.size() - 2)) + "_H";
  return fmt::format("#ifndef {0}\n#define {0}\n\n{1}\n#endif\n", guard,
                     with_functions_in_line(embedded(kRuntime + source_of(file))));
}

std::string emit_file(const std::string& file) {
  if (file == "bw_kernels.h") return emit_kernels_header();
  if (is_inline(file)) return emit_inline(file);
  const std::string text = embedded(kRuntime + file);
  return file.ends_with(".c") ? with_kernel_attributes(text) : text;
}

}  // namespace

std::vector<std::string> external_functions(const std::string& source) {
  std::vector<std::string> names;
  each_external_function(source, [&](const std::string& name, size_t) { names.push_back(name); });
  return names;
}

std::string with_attributes(const std::string& source, const std::string& attributes) {
  std::string out;
  size_t done = 0;
  each_external_function(source, [&](const std::string&, size_t at) {
    out += source.substr(done, at - done) + attributes;
    done = at;
  });
  return out + source.substr(done);
}

std::string with_kernel_attributes(const std::string& source) {
  return with_attributes(source, "BW_KERNEL ");
}

std::string runtime_version() {
  std::string all;
  for (std::string_view path : embedded_files(kRuntime)) all += fmt::format("{}\n{}\n", path, *embedded_file(path));
  return sha256_hex(all + embedded("deploy/package/bw_crc32.c.in")).substr(0, 8);
}

std::map<std::string, std::string> emit_runtime(const Program& program, int specialize) {
  const std::set<int> specialized = specialized_layers(program, specialize);
  static const std::string names = emit_names();
  std::map<std::string, std::string> files = {
      {"bw_config.h", filled_template("bw_config.h", {})},
      {"bw_crc32.h", filled_template("bw_crc32.h", {})},
      {"bw_crc32.c", with_kernel_attributes(filled_template("bw_crc32.c", {}))},
      {"bw_names.h", names},
  };
  for (const std::string& file : package_runtime_files(program, specialized)) files[file] = emit_file(file);
  return files;
}

}  // namespace bitwright
