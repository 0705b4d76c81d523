// SPDX-License-Identifier: Apache-2.0
#include "deploy/emit_metadata.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <vector>

#include "core/io/json_text.h"

namespace bitwright {
namespace {

using Files = std::map<std::string, std::string>;
using Json = nlohmann::ordered_json;

// Paths below src/ with this ending, sorted.
std::vector<std::string> sources_of(const Files& files, const std::string& ending) {
  std::vector<std::string> paths;
  for (const auto& [path, text] : files)
    if (path.starts_with("src/") && path.ends_with(ending)) paths.push_back(path);
  return paths;
}

// `pattern` once for each path, {} being the path; the last line end is left out.
std::string each(const std::vector<std::string>& paths, const std::string& pattern) {
  std::string text;
  for (const std::string& path : paths) text += fmt::format(fmt::runtime(pattern), path);
  return text.empty() ? text : text.substr(0, text.find_last_not_of('\n') + 1);
}

std::string pdsc_files(const Files& files) {
  return each(sources_of(files, ".h"), "        <file category=\"header\" name=\"{}\"/>\n") + "\n" +
         each(sources_of(files, ".c"), "        <file category=\"source\" name=\"{}\"/>\n") + "\n";
}

std::string platformio_json(const PackageLabel& label, const Values& v) {
  Json json = {{"name", "bitwright_" + v.at("name")},
               {"version", label.version},
               {"description", v.at("sentence") + ". " + v.at("source")},
               {"keywords", "neural network, quantized, tinyml"},
               {"license", "Apache-2.0"},
               {"authors", Json::array({Json{{"name", label.author}}})},
               {"frameworks", "*"},
               {"platforms", "*"},
               {"headers", v.at("name") + ".h"},
               {"build", {{"srcDir", "src"}, {"includeDir", "src"}, {"flags", Json::array({"-ffp-contract=off"})}}}};
  if (!label.url.empty()) json["homepage"] = label.url;
  return json_text(json) + "\n";
}

constexpr char kPrintClass[] = R"(  Serial.print("class ");
  Serial.print(@name@_argmax(&model));
)";

constexpr char kPrintWords[] = R"(  Serial.print("first word ");
  Serial.print(@name@_output(&model)[0]);
)";

void add_words(const Files& files, const PackageLabel& label, Values& v) {
  const std::vector<std::string> c_files = sources_of(files, ".c");
  v["version"] = one_line(label.version);
  v["vendor"] = xml_text(one_line(label.vendor));
  v["author"] = one_line(label.author);
  v["url"] = one_line(label.url);
  v["url_xml"] = xml_text(v["url"]);
  v["sentence"] = fmt::format("Quantized neural network {}, {} {} to {} {}, in C99", v["name"], v["input_shape"],
                              v["input_format"], v["output_shape"], v["output_format"]);
  v["sentence_xml"] = xml_text(v["sentence"]);
  v["source_xml"] = xml_text(v["source"]);
  v["cmake_sources"] = each(c_files, "  {}\n");
  v["zephyr_sources"] = each(c_files, "    ../{}\n");
  v["mk_sources"] = each(c_files, "  $(" + v["NAME"] + "_DIR)/{} \\\n");
  v["mk_sources"] = v["mk_sources"].substr(0, v["mk_sources"].size() - 2);
  v["pdsc_files"] = pdsc_files(files);
  v["sketch_result"] = filled(v["argmax_declaration"].empty() ? kPrintWords : kPrintClass, v);
}

}  // namespace

std::string xml_text(const std::string& text) {
  std::string out;
  for (char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      default: out += c;
    }
  }
  return out;
}

Files emit_metadata(const Files& sources, const PackageLabel& label, Values v) {
  add_words(sources, label, v);
  const std::string name = v["name"];
  Files files;
  files["CMakeLists.txt"] = filled_template("CMakeLists.txt", v);
  files["library.properties"] = filled_template("library.properties", v);
  files[fmt::format("examples/{0}_demo/{0}_demo.ino", name)] = filled_template("sketch.ino", v);
  files["library.json"] = platformio_json(label, v);
  files["zephyr/module.yml"] = filled_template("module.yml", v);
  files["zephyr/CMakeLists.txt"] = filled_template("zephyr.cmake", v);
  files["zephyr/Kconfig"] = filled_template("Kconfig", v);
  files[fmt::format("{}.{}.pdsc", v["vendor"], name)] = filled_template("pack.pdsc", v);
  files[name + ".mk"] = filled_template("model.mk", v);
  files["files.txt"] = each(sources_of(sources, ".c"), "{}\n") + "\n" + each(sources_of(sources, ".h"), "{}\n") + "\n";
  files["extras/profile_dwt.h"] = filled_template("profile_dwt.h", v);
  files["extras/profile_dwt.c"] = filled_template("profile_dwt.c", v);
  files["README.md"] = filled_template("README.md", v);
  for (const char* file : {"misra.md", "misra_suppressions.txt"})
    files[std::string("docs/") + file] = filled_template(file, {});
  return files;
}

}  // namespace bitwright
