// deploy/link_map.h: bytes per object file, from the map that GNU ld writes with -Map.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace bitwright {

struct SectionBytes {
  int64_t code = 0;       // .text*
  int64_t constants = 0;  // .rodata*, .srodata*
  int64_t data = 0;       // .data*, .sdata*
  int64_t bss = 0;        // .bss*, .sbss*, COMMON
};

// What the linker kept, after --gc-sections, of every object; a member of an archive is `archive.a(member.o)`.
// Padding between sections belongs to no object.
using ObjectBytes = std::map<std::string, SectionBytes>;
ObjectBytes parse_link_map(std::string_view map);

// Bytes of what the linker keeps of a package, without the test program and start-up code.
struct PackageBytes {
  int64_t code_bytes = 0;      // of the package's own functions
  int64_t library_bytes = 0;   // code and constants of libc and libgcc that they call
  int64_t constant_bytes = 0;  // weights, tables
  int64_t data_bytes = 0;      // initialised RAM (and its copy in flash)
  int64_t bss_bytes = 0;
  int64_t flash_bytes() const { return code_bytes + library_bytes + constant_bytes + data_bytes; }
  bool operator==(const PackageBytes&) const = default;
};
// sizes: of measure_sizes(); objects: those of the package, the others are libraries'.
PackageBytes package_bytes(const ObjectBytes& sizes, const std::vector<std::string>& objects);

}  // namespace bitwright
