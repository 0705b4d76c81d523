// SPDX-License-Identifier: Apache-2.0
#include "deploy/emulator_run.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "core/check.h"
#include "core/embedded.h"
#include "core/hash.h"
#include "deploy/process.h"

namespace bitwright {
namespace {

namespace fs = std::filesystem;

struct Region {
  const char *origin, *length;
};
struct EmulatedCore {
  std::string name;
  std::vector<std::string> flags;
  std::string machine;  // of qemu-system-arm
  Region flash = {"0x00000000", "0x00400000"};
  Region ram = {"0x20000000", "0x00400000"};
  bool trap_unaligned = false;
};

const std::vector<EmulatedCore>& cores() {
  static const std::vector<EmulatedCore> all = {
      {"cortex-m0plus",
       {"-mcpu=cortex-m0plus", "-mthumb", "-mfloat-abi=soft"},
       "mps2-an385",
       {"0", "0x400000"},
       {"0x20000000", "0x400000"},
       true},
      {"cortex-m3", {"-mcpu=cortex-m3", "-mthumb", "-mfloat-abi=soft"}, "mps2-an385"},
      {"cortex-m4", {"-mcpu=cortex-m4", "-mthumb", "-mfpu=fpv4-sp-d16", "-mfloat-abi=hard"}, "mps2-an386"},
      {"cortex-m7", {"-mcpu=cortex-m7", "-mthumb", "-mfpu=fpv5-d16", "-mfloat-abi=hard"}, "mps2-an500"},
      {"cortex-m33",
       {"-mcpu=cortex-m33", "-mthumb", "-mfpu=fpv5-sp-d16", "-mfloat-abi=hard"},
       "mps2-an505",
       {"0x10000000", "0x400000"},
       {"0x38000000", "0x400000"}},
  };
  return all;
}

const EmulatedCore& find_core(const std::string& name) {
  for (const EmulatedCore& core : cores())
    if (core.name == name) return core;
  throw ToolError(fmt::format("core {}: not one of {}", name, fmt::join(emulated_cores(), ", ")));
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw ToolError(path + ": cannot be read");
  return {std::istreambuf_iterator<char>(file), {}};
}

void write_file(const std::string& path, std::string_view text) {
  std::ofstream file(path, std::ios::binary);
  file.write(text.data(), static_cast<std::streamsize>(text.size()));
  if (!file.flush()) throw ToolError(path + ": cannot be written");
}

std::string_view emulator_file(const std::string& name) {
  const auto text = embedded_file("deploy/emulator/" + name);
  BW_CHECK(text);
  return *text;
}

// Runs a tool that must succeed; returns what it printed.
std::string run_tool(const std::vector<std::string>& argv) {
  const ProcessResult result = run_process(argv, {.directory = {}, .limit = std::chrono::minutes(5)});
  if (!result.ok()) throw ToolError(fmt::format("{}: failed\n{}", argv[0], result.errors));
  return result.output;
}

std::vector<std::string> concatenate(std::initializer_list<std::vector<std::string>> parts) {
  std::vector<std::string> all;
  for (const auto& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

std::string cache_folder() {
  const char* cache = std::getenv("XDG_CACHE_HOME");
  if (cache && *cache) return std::string(cache) + "/bitwright";
  const char* home = std::getenv("HOME");
  return (home && *home ? std::string(home) + "/.cache" : fs::temp_directory_path().string()) + "/bitwright";
}

// The plugin as a shared object, compiled on first use. The name holds the source's hash and the file appears whole,
// so several processes may do this at once.
std::string profile_plugin() {
  const std::string_view source = emulator_file("bw_profile_plugin.c");
  const std::string folder = cache_folder();
  const std::string library = fmt::format("{}/profile-{}.so", folder, sha256_hex(source).substr(0, 16));
  if (fs::exists(library)) return library;
  require_tool("cc", "gcc");
  fs::create_directories(folder);
  const TemporaryDirectory build;
  write_file(build.path() + "/plugin.c", source);
  const std::string fresh = fmt::format("{}.{}", library, getpid());
  run_tool(
      {"cc", "-std=gnu99", "-O2", "-fPIC", "-shared", "-fvisibility=hidden", "-o", fresh, build.path() + "/plugin.c"});
  fs::rename(fresh, library);
  return library;
}

std::string replace(std::string text, std::string_view what, std::string_view by) {
  const size_t at = text.find(what);
  BW_CHECK(at != std::string::npos);
  return text.replace(at, what.size(), by);
}

std::string linker_script(const EmulatedCore& core) {
  std::string text(emulator_file("link.ld.in"));
  text = replace(text, "@FLASH_ORIGIN@", core.flash.origin);
  text = replace(text, "@FLASH_LENGTH@", core.flash.length);
  text = replace(text, "@RAM_ORIGIN@", core.ram.origin);
  return replace(text, "@RAM_LENGTH@", core.ram.length);
}

// Names that `nm` prints, by the letter of their kind: "U" undefined, others defined.
std::set<std::string> symbols(const std::vector<std::string>& objects, bool defined) {
  std::istringstream lines(run_tool(concatenate({{"arm-none-eabi-nm", "-g"}, objects})));
  std::set<std::string> names;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream fields(line);
    std::vector<std::string> words{std::istream_iterator<std::string>(fields), {}};
    if (words.size() < 2) continue;
    if ((words[words.size() - 2] == "U") != defined) names.insert(words.back());
  }
  return names;
}

// `00008010 T bw_mark_begin` -> 8010; empty if there is none.
std::string symbol_address(const std::string& elf, const std::string& symbol) {
  std::istringstream lines(run_tool({"arm-none-eabi-nm", elf}));
  for (std::string address, kind, name; lines >> address;) {
    if (address.size() < 2) continue;  // the kind of an undefined symbol
    lines >> kind >> name;
    if (name == symbol) return address;
  }
  return {};
}

// In the emulator's option lists a comma within a value is doubled.
std::string option_value(std::string_view text) {
  std::string value;
  for (char c : text) value += c == ',' ? ",," : std::string(1, c);
  return value;
}

std::string plugin_option(const std::string& elf, const std::string& profile, bool separate) {
  const std::string begin = symbol_address(elf, "bw_mark_begin"), end = symbol_address(elf, "bw_mark_end");
  if (begin == end && !begin.empty())
    throw ToolError(elf + ": bw_mark_begin and bw_mark_end are one function: the compiler folded them");
  std::string option = option_value(profile_plugin()) + ",out=" + option_value(profile);
  if (!begin.empty()) option += fmt::format(",begin={},end={}", begin, end);
  if (separate) option += ",separate=1";
  return option;
}

std::string semihosting_option(const std::vector<std::string>& arguments) {
  std::string option = "enable=on,target=native,arg=program";
  for (const std::string& argument : arguments) option += ",arg=" + option_value(argument);
  return option;
}

// `/usr/lib/libc_nano.a(lib_a-memcpy.o)` -> `lib_a-memcpy.o`; anything else stays as it is.
std::string member_name(const std::string& object) {
  const size_t open = object.rfind('(');
  return open == std::string::npos || !object.ends_with(')') ? object
                                                             : object.substr(open + 1, object.size() - open - 2);
}

}  // namespace

void require_tool(const std::string& program, const std::string& package) {
  if (!find_program(program))
    throw ToolError(fmt::format("{} is not installed: it is in the Debian package {}", program, package));
}

std::string tool_version(const std::string& program) {
  const std::string text = run_tool({program, "--version"});
  return text.substr(0, text.find('\n'));
}

std::vector<std::string> emulated_cores() {
  std::vector<std::string> names;
  for (const EmulatedCore& core : cores()) names.push_back(core.name);
  return names;
}

std::vector<std::string> core_flags(const std::string& core) {
  return find_core(core).flags;
}

std::vector<std::string> compile_for_core(const std::string& core, const std::vector<std::string>& sources,
                                          const std::vector<std::string>& extra_flags, const std::string& folder) {
  require_tool("arm-none-eabi-gcc", "gcc-arm-none-eabi");
  std::vector<std::string> objects;
  for (const std::string& source : sources) {
    objects.push_back(fmt::format("{}/{}.o", folder, fs::path(source).stem().string()));
    run_tool(concatenate(
        {{"arm-none-eabi-gcc"}, core_flags(core), kPackageFlags, extra_flags, {"-c", source, "-o", objects.back()}}));
  }
  return objects;
}

std::string link_for_emulator(const std::string& core, const std::vector<std::string>& objects,
                              const std::string& folder) {
  const EmulatedCore& target = find_core(core);
  const std::string startup = folder + "/bw_startup.c", script = folder + "/bw_link.ld", elf = folder + "/program.elf";
  write_file(startup, emulator_file("startup.c"));
  write_file(script, linker_script(target));
  std::vector<std::string> flags = {"-std=gnu99"};
  if (target.trap_unaligned) flags.push_back("-DBW_TRAP_UNALIGNED");
  const std::vector<std::string> start = compile_for_core(core, {startup}, flags, folder);
  run_tool(concatenate({{"arm-none-eabi-gcc"},
                        target.flags,
                        objects,
                        start,
                        {"-T", script, "--specs=nano.specs", "--specs=rdimon.specs", "-nostartfiles",
                         "-Wl,--gc-sections", "-lm", "-o", elf}}));
  return elf;
}

ObjectBytes measure_sizes(const std::string& core, const std::vector<std::string>& users,
                          const std::vector<std::string>& objects, const std::string& folder) {
  const std::set<std::string> defined = symbols(objects, true);
  std::vector<std::string> roots;
  for (const std::string& name : symbols(users, false))
    if (defined.count(name)) roots.push_back("-Wl,-u," + name);
  if (roots.empty()) throw ToolError("the test program uses nothing of the package");
  const std::string map_file = folder + "/sizes.map";
  run_tool(concatenate({{"arm-none-eabi-gcc"},
                        core_flags(core),
                        objects,
                        roots,
                        {"--specs=nano.specs", "-nostartfiles", "-Wl,--gc-sections", "-Wl,-e,0", "-lm",
                         "-Wl,-Map=" + map_file, "-o", folder + "/sizes.elf"}}));
  ObjectBytes sizes;
  for (const auto& [object, bytes] : parse_link_map(read_file(map_file))) sizes[member_name(object)] = bytes;
  return sizes;
}

EmulatedRun run_emulated(const std::string& core, const std::string& elf, const std::vector<std::string>& arguments,
                         const std::string& directory, std::chrono::seconds limit, bool separate) {
  require_tool("qemu-system-arm", "qemu-system-arm");
  const TemporaryDirectory scratch;
  const std::string profile = scratch.path() + "/profile";
  const ProcessResult result = run_process(
      {"qemu-system-arm", "-M", find_core(core).machine, "-kernel", elf, "-nographic", "-monitor", "none", "-serial",
       "none", "-semihosting-config", semihosting_option(arguments), "-plugin", plugin_option(elf, profile, separate)},
      {.directory = directory, .limit = limit});
  if (result.timed_out)
    throw ToolError(fmt::format("{}: the emulated program ran longer than {} s", core, limit.count()));
  if (result.signal)
    throw ToolError(fmt::format("qemu-system-arm: ended by signal {}\n{}", result.signal, result.errors));
  if (!fs::exists(profile)) throw ToolError("qemu-system-arm: wrote no profile\n" + result.errors);
  // The program's output comes on the standard error of the emulator with some versions, on its output with others.
  return {result.exit_status, result.output + result.errors, parse_profile(read_file(profile))};
}

Disassembly disassemble(const std::string& elf) {
  return parse_disassembly(run_tool({"arm-none-eabi-objdump", "-d", elf}));
}

}  // namespace bitwright
