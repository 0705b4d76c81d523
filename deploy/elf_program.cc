// SPDX-License-Identifier: Apache-2.0
#include "deploy/elf_program.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "core/error.h"

namespace bitwright {
namespace {

constexpr int kArm = 40, kRiscV = 243;

// Bytes of the file, little-endian, with every access checked.
class Reader {
 public:
  Reader(std::string_view bytes, const std::string& place) : bytes_(bytes), place_(place) {}

  uint32_t number(size_t at, size_t size) const {
    const std::string_view text = slice(at, size);
    uint32_t value = 0;
    for (size_t k = size; k > 0; --k) value = value << 8 | static_cast<unsigned char>(text[k - 1]);
    return value;
  }
  std::string_view slice(size_t at, size_t size) const {
    if (at > bytes_.size() || size > bytes_.size() - at) fail("ends too early");
    return bytes_.substr(at, size);
  }
  std::string_view text(size_t at) const {
    const std::string_view rest = slice(at, bytes_.size() - std::min(at, bytes_.size()));
    return rest.substr(0, rest.find('\0'));
  }
  [[noreturn]] void fail(const std::string& why) const { throw ConfigError(place_ + ": " + why); }

 private:
  std::string_view bytes_;
  const std::string& place_;
};

struct Section {
  uint32_t name, type, offset, bytes, link;
};
enum : uint32_t { kSymbolTable = 2, kArmAttributes = 0x70000003, kLoad = 1, kFunction = 2 };

std::vector<Section> read_sections(const Reader& file) {
  const uint32_t table = file.number(32, 4), size = file.number(46, 2), count = file.number(48, 2);
  std::vector<Section> sections;
  for (size_t at = table; sections.size() < count; at += size)
    sections.push_back({file.number(at, 4), file.number(at + 4, 4), file.number(at + 16, 4), file.number(at + 20, 4),
                        file.number(at + 24, 4)});
  return sections;
}

std::vector<ElfSegment> read_segments(const Reader& file) {
  const uint32_t table = file.number(28, 4), size = file.number(42, 2), count = file.number(44, 2);
  std::vector<ElfSegment> segments;
  for (uint32_t k = 0; k < count; ++k) {
    const size_t at = table + size_t{k} * size;
    const ElfSegment segment = {file.number(at + 12, 4), file.number(at + 20, 4)};  // physical: where it is loaded
    if (file.number(at, 4) == kLoad && segment.bytes > 0) segments.push_back(segment);
  }
  return segments;
}

void read_functions(ElfProgram& program, const Reader& file, const std::vector<Section>& sections) {
  for (const Section& table : sections) {
    if (table.type != kSymbolTable) continue;
    if (table.link >= sections.size()) file.fail("its symbols have no names");
    const Section& names = sections[table.link];
    for (size_t at = table.offset; at + 16 <= size_t{table.offset} + table.bytes; at += 16) {
      const bool defined = file.number(at + 14, 2) != 0;
      if (!defined || (file.number(at + 12, 1) & 15) != kFunction) continue;
      const uint32_t address = file.number(at + 4, 4) & (program.machine == kArm ? ~1u : ~0u);
      program.functions[address] = {std::string(file.text(names.offset + size_t{file.number(at, 4)})),
                                    file.number(at + 8, 4)};
    }
  }
}

uint32_t read_uleb128(const Reader& file, size_t& at) {
  uint32_t value = 0, byte = 0x80;
  for (int shift = 0; byte & 0x80; shift += 7) {
    byte = file.number(at++, 1);
    if (shift < 32) value |= (byte & 0x7f) << shift;
  }
  return value;
}

// `A`, then subsections: length, vendor name, then sub-subsections: tag 1 (of the file), length, pairs of tag and
// value.
void read_attributes(ElfProgram& program, const Reader& file, const Section& section) {
  enum : uint32_t { kRawName = 4, kName = 5, kArchitecture = 6, kFloatingPoint = 10, kCompatibility = 32 };
  const size_t header = section.offset + 1, end = header + file.number(header, 4);
  size_t at = header + 4 + file.text(header + 4).size() + 1;
  if (file.text(header + 4) != "aeabi" || file.number(at, 1) != 1) return;
  for (at += 5; at < end;) {
    const uint32_t tag = read_uleb128(file, at);
    const bool is_text = tag == kRawName || tag == kName || (tag > kCompatibility && tag % 2 == 1);
    if (tag == kCompatibility) read_uleb128(file, at);
    if (is_text || tag == kCompatibility) {
      at += file.text(at).size() + 1;
      continue;
    }
    const uint32_t value = read_uleb128(file, at);
    if (tag == kArchitecture) program.arm_architecture = static_cast<int>(value);
    if (tag == kFloatingPoint) program.floating_point = value != 0;
  }
}

struct Architecture {
  int tag;
  const char* name;
};
constexpr Architecture kArchitectures[] = {
    {11, "Armv6-M"},          {12, "Armv6-M"},          {10, "Armv7-M"},           {13, "Armv7E-M"},
    {16, "Armv8-M baseline"}, {17, "Armv8-M mainline"}, {21, "Armv8.1-M mainline"}};

std::string architecture_name(int tag) {
  for (const Architecture& a : kArchitectures)
    if (a.tag == tag) return a.name;
  return fmt::format("Arm architecture {}", tag);
}

// Every core runs the code of those before it in kArchitectures, up to its own.
bool runs(const std::string& core, int tag) {
  const int own = core == "cortex-m0plus" ? 12
                  : core == "cortex-m3"   ? 10
                  : core == "cortex-m33"  ? 17
                  : core == "cortex-m55"  ? 21
                                          : 13;
  for (const Architecture& a : kArchitectures) {
    if (a.tag == tag) return true;
    if (a.tag == own) return false;
  }
  return false;
}

bool has_float_unit(const CrossTarget& target) {
  return std::none_of(target.flags.begin(), target.flags.end(),
                      [](const std::string& flag) { return flag == "-mfloat-abi=soft"; });
}

uint64_t address_of(const std::string& hex) {
  return std::strtoull(hex.c_str(), nullptr, 16);
}

bool inside(const ElfSegment& segment, const Region& region) {
  if (region.origin.empty()) return false;
  const uint64_t begin = address_of(region.origin), end = begin + address_of(region.length);
  return segment.address >= begin && uint64_t{segment.address} + segment.bytes <= end;
}

// The vectors and the flash behind them.
Region code_region(const CrossTarget& target) {
  if (target.vectors.origin.empty()) return target.flash;
  const uint64_t vectors = address_of(target.vectors.origin), flash = address_of(target.flash.origin);
  const uint64_t bytes = address_of(target.vectors.length);
  if (vectors + bytes != flash) return target.flash;
  return {target.vectors.origin, fmt::format("{:#x}", bytes + address_of(target.flash.length))};
}

}  // namespace

ElfProgram parse_elf(std::string_view bytes, const std::string& place) {
  const Reader file(bytes, place);
  if (!bytes.starts_with("\177ELF")) file.fail("not an ELF file");
  if (file.number(4, 1) != 1 || file.number(5, 1) != 1) file.fail("not a 32-bit little-endian ELF file");
  if (file.number(16, 2) != 2) file.fail("an ELF file, but not an executable: link it first");
  ElfProgram program;
  program.machine = static_cast<int>(file.number(18, 2));
  program.segments = read_segments(file);
  const std::vector<Section> sections = read_sections(file);
  read_functions(program, file, sections);
  for (const Section& section : sections)
    if (section.type == kArmAttributes && program.machine == kArm) read_attributes(program, file, section);
  return program;
}

void check_fits(const ElfProgram& program, const CrossTarget& target, const std::string& place) {
  const int machine = target.isa == Isa::kArm ? kArm : kRiscV;
  if (program.machine != machine)
    throw ConfigError(fmt::format("{}: for ELF machine {}, but {} is machine {} ({})", place, program.machine,
                                  target.core, machine, machine == kArm ? "Arm" : "RISC-V"));
  if (program.arm_architecture && !runs(target.core, program.arm_architecture))
    throw ConfigError(fmt::format("{}: built for {}, which a {} does not run", place,
                                  architecture_name(program.arm_architecture), target.core));
  if (program.floating_point && !has_float_unit(target))
    throw ConfigError(fmt::format("{}: built for a floating-point unit, which a {} lacks", place, target.core));
  const Region code = code_region(target);
  for (const ElfSegment& segment : program.segments)
    if (!inside(segment, code) && !inside(segment, target.vectors) && !inside(segment, target.ram))
      throw ConfigError(fmt::format(
          "{}: {} bytes at {:#010x} are outside the emulated board, which has code at {} ({} bytes) and RAM at {} ({} "
          "bytes): link with the files that --start-files writes",
          place, segment.bytes, segment.address, code.origin, code.length, target.ram.origin, target.ram.length));
}

std::string function_at(const ElfProgram& program, uint32_t address) {
  auto it = program.functions.upper_bound(address);
  if (it == program.functions.begin()) return "?";
  --it;
  const ElfFunction& function = it->second;
  return function.bytes && address >= it->first + function.bytes ? "?" : function.name;
}

}  // namespace bitwright
