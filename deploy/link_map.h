// deploy/link_map.h: bytes per object file, from the map that GNU ld writes with -Map.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

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

}  // namespace bitwright
