// SPDX-License-Identifier: Apache-2.0
#include "deploy/link_map.h"

#include <algorithm>
#include <sstream>
#include <vector>

namespace bitwright {
namespace {

int64_t* bytes_of(SectionBytes& sections, std::string_view name) {
  if (name.starts_with(".text")) return &sections.code;
  if (name.starts_with(".rodata") || name.starts_with(".srodata")) return &sections.constants;
  if (name.starts_with(".data") || name.starts_with(".sdata")) return &sections.data;
  if (name.starts_with(".bss") || name.starts_with(".sbss") || name == "COMMON") return &sections.bss;
  return nullptr;
}

// ` .text.run  0x0000000000008000  0x1c build/model.o`; a long name stands on a line of its own, before the rest.
void read_section(const std::string& name, std::istringstream& rest, ObjectBytes& objects) {
  std::string address, size, object;
  rest >> address >> size;
  std::getline(rest >> std::ws, object);
  if (!address.starts_with("0x") || !size.starts_with("0x") || object.empty()) return;
  if (int64_t* bytes = bytes_of(objects[object], name)) *bytes += std::stoll(size, nullptr, 16);
}

}  // namespace

ObjectBytes parse_link_map(std::string_view map) {
  ObjectBytes objects;
  const size_t begin = map.find("Linker script and memory map");
  if (begin == std::string_view::npos) return objects;  // before it stands what was discarded
  std::istringstream lines{std::string(map.substr(begin))};
  std::string pending;  // a section name whose numbers come on the next line
  for (std::string line; std::getline(lines, line);) {
    std::istringstream fields(line);
    std::string name = pending;
    pending.clear();
    if (name.empty()) {
      if (!line.starts_with(" ") || line.starts_with("  ")) continue;
      fields >> name;
      if ((fields >> std::ws).eof()) {
        pending = name;
        continue;
      }
    }
    read_section(name, fields, objects);
  }
  return objects;
}

PackageBytes package_bytes(const ObjectBytes& sizes, const std::vector<std::string>& objects) {
  PackageBytes sum;
  for (const auto& [object, bytes] : sizes) {
    const bool of_package = std::find(objects.begin(), objects.end(), object) != objects.end();
    sum.code_bytes += of_package ? bytes.code : 0;
    sum.constant_bytes += of_package ? bytes.constants : 0;
    sum.library_bytes += of_package ? 0 : bytes.code + bytes.constants;
    sum.data_bytes += bytes.data;
    sum.bss_bytes += bytes.bss;
  }
  return sum;
}

}  // namespace bitwright
