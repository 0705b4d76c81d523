// SPDX-License-Identifier: Apache-2.0
#include "deploy/emulator_run.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <set>
#include <sstream>

#include "core/check.h"
#include "core/embedded.h"
#include "core/error.h"
#include "core/hash.h"
#include "deploy/process.h"

namespace bitwright {
namespace {

namespace fs = std::filesystem;

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
  static std::mutex compiling;
  const std::lock_guard lock(compiling);
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

std::string linker_script(const CrossTarget& core) {
  std::string text(emulator_file("link.ld.in"));
  text = replace(text, "@VECTORS_ORIGIN@", core.vectors.origin);
  text = replace(text, "@FLASH_ORIGIN@", core.flash.origin);
  text = replace(text, "@FLASH_LENGTH@", core.flash.length);
  text = replace(text, "@RAM_ORIGIN@", core.ram.origin);
  return replace(text, "@RAM_LENGTH@", core.ram.length);
}

// A line of nm: `00008010 T bw_mark_begin`, or `         U memcpy`.
struct SymbolLine {
  std::string address, kind, name;
};
std::vector<SymbolLine> list_symbols(const CrossTarget& target, const std::vector<std::string>& objects) {
  std::istringstream lines(run_tool(concatenate({{target.binutils + "nm"}, objects})));
  std::vector<SymbolLine> symbols;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream fields(line);
    const std::vector<std::string> words{std::istream_iterator<std::string>(fields), {}};
    if (words.size() == 2) symbols.push_back({"", words[0], words[1]});
    if (words.size() == 3) symbols.push_back({words[0], words[1], words[2]});
  }
  return symbols;
}

// Empty if there is none.
std::string symbol_address(const CrossTarget& target, const std::string& elf, const std::string& symbol) {
  for (const SymbolLine& line : list_symbols(target, {elf}))
    if (line.name == symbol) return line.address;
  return {};
}

// In the emulator's option lists a comma within a value is doubled.
std::string option_value(std::string_view text) {
  std::string value;
  for (char c : text) value += c == ',' ? ",," : std::string(1, c);
  return value;
}

// The marks' functions; nothing where the program has neither.
std::string marks_option(const CrossTarget& target, const std::string& elf, const ProfileOptions& options) {
  const std::string begin = symbol_address(target, elf, options.begin), end = symbol_address(target, elf, options.end);
  if (begin.empty()) return {};
  if (begin == end)
    throw ToolError(
        fmt::format("{}: {} and {} are one function: the compiler folded them", elf, options.begin, options.end));
  return fmt::format(",begin={},end={}", begin, end);
}

std::string buffer_option(std::string_view name, const LineBuffer& buffer) {
  return fmt::format(",{}={}:{}:{}", name, buffer.lines, buffer.line_bytes, buffer.ways);
}

std::string flash_option(const CrossTarget& target, const FlashModel& flash) {
  validate(flash);
  const LineBuffer one_read = {1, flash.read_bytes};
  return fmt::format(",flash={}:{}", target.flash.origin, target.flash.length) +
         buffer_option("ibuffer", flash.instructions.lines ? flash.instructions : one_read) +
         buffer_option("dbuffer", flash.data);
}

std::string parts_option(const CrossTarget& target, const std::string& elf, const ProfileOptions& options) {
  std::vector<std::string> addresses;
  for (uint32_t address : options.part_addresses) addresses.push_back(fmt::format("{:x}", address));
  std::map<std::string, std::string> symbols;
  if (!options.parts.empty())
    for (const SymbolLine& line : list_symbols(target, {elf})) symbols[line.name] = line.address;
  for (const std::string& part : options.parts) {
    if (symbols[part].empty()) throw ToolError(fmt::format("{}: has no function {}", elf, part));
    addresses.push_back(symbols[part]);
  }
  BW_CHECK(addresses.size() <= kMostParts);
  return addresses.empty() ? "" : fmt::format(",parts={}", fmt::join(addresses, ":"));
}

std::string plugin_option(const CrossTarget& target, const std::string& elf, const std::string& profile,
                          const ProfileOptions& options) {
  std::string option = option_value(profile_plugin()) + ",out=" + option_value(profile);
  option += options.whole ? ",whole=1" : marks_option(target, elf, options);
  if (options.separate) option += ",separate=1";
  option += parts_option(target, elf, options);
  if (options.flash) option += flash_option(target, *options.flash);
  if (target.isa == Isa::kRiscV) option += ",riscv=1";
  return option;
}

// picolibc's start-up code puts a name of its own before the arguments.
std::string semihosting_option(const CrossTarget& target, const std::vector<std::string>& arguments) {
  std::string option = "enable=on,target=native";
  if (target.isa == Isa::kArm) option += ",arg=program";
  for (const std::string& argument : arguments) option += ",arg=" + option_value(argument);
  return option;
}

// The C library's headers, which clang does not find by itself: where gcc does, by the files that it says it reads.
std::string newlib_include_folder(const CrossTarget& target) {
  std::istringstream files(run_tool({target.gcc, "-M", "-include", "stdio.h", "-xc", "/dev/null"}));
  for (std::string file; files >> file;)
    if (file.ends_with("/stdio.h")) return fs::path(file).parent_path().string();
  throw ToolError(target.gcc + ": finds no stdio.h: it is in the Debian package libnewlib-dev");
}

std::vector<std::string> compiler_command(const CrossTarget& target) {
  if (target.compiler == target.gcc) return concatenate({{target.gcc}, target.flags});
  // The libraries are of gcc, whose enumerations are as short as they can be.
  return concatenate(
      {{target.compiler, "--target=arm-none-eabi", "-fshort-enums", "-isystem", newlib_include_folder(target)},
       target.flags});
}

std::vector<std::string> start_objects(const CrossTarget& target, const std::string& folder) {
  const std::string startup = folder + "/bw_startup.c";
  write_file(startup, emulator_file("startup.c"));
  std::vector<std::string> flags = {"-std=gnu99"};
  if (target.trap_unaligned) flags.push_back("-DBW_TRAP_UNALIGNED");
  return compile_for_core(target.core, {startup}, flags, folder);
}

// newlib's semihosting with our start-up code and memory map.
std::vector<std::string> arm_link_flags(const std::string& script) {
  return {"-T", script, "--specs=nano.specs", "--specs=rdimon.specs", "-nostartfiles"};
}

// picolibc's own.
std::vector<std::string> riscv_link_flags(const CrossTarget& target) {
  return {"--oslib=semihost",
          "--crt0=semihost",
          "-Wl,--defsym=__flash=" + target.flash.origin,
          "-Wl,--defsym=__flash_size=" + target.flash.length,
          "-Wl,--defsym=__ram=" + target.ram.origin,
          "-Wl,--defsym=__ram_size=" + target.ram.length,
          "-Wl,--defsym=__stack_size=0x10000"};
}

std::vector<std::string> emulator_link_flags(const CrossTarget& target, const std::string& folder) {
  if (target.isa == Isa::kRiscV) return riscv_link_flags(target);
  const std::string script = folder + "/bw_link.ld";
  write_file(script, linker_script(target));
  return concatenate({start_objects(target, folder), arm_link_flags(script)});
}

// `/usr/lib/libc_nano.a(lib_a-memcpy.o)` -> `lib_a-memcpy.o`; anything else stays as it is.
std::string member_name(const std::string& object) {
  const size_t open = object.rfind('(');
  return open == std::string::npos || !object.ends_with(')') ? object
                                                             : object.substr(open + 1, object.size() - open - 2);
}

// The emulator ends itself where the core has locked up, behind a dump of its registers.
std::string end_by_signal(const CrossTarget& target, const ProcessResult& result) {
  if (result.errors.find("Lockup") != std::string::npos)
    return target.core + ": the emulated program locked up: a fault that its vectors do not handle";
  const std::string line = result.errors.substr(0, result.errors.find('\n'));
  return fmt::format("{}: ended by signal {}: {}", target.emulator, result.signal, line);
}

}  // namespace

std::vector<std::string> compile_for_core(const std::string& core, const std::vector<std::string>& sources,
                                          const std::vector<std::string>& extra_flags, const std::string& folder) {
  const CrossTarget& target = cross_target(core);
  if (const auto missing = missing_compiler(target)) throw ToolError(*missing);
  const std::vector<std::string> command = compiler_command(target);
  std::vector<std::string> objects;
  for (const std::string& source : sources) {
    objects.push_back(fmt::format("{}/{}.o", folder, fs::path(source).stem().string()));
    run_tool(concatenate({command, kPackageFlags, extra_flags, {"-c", source, "-o", objects.back()}}));
  }
  return objects;
}

std::string link_for_emulator(const std::string& core, const std::vector<std::string>& objects,
                              const std::string& folder) {
  const CrossTarget& target = cross_target(core);
  const std::string elf = folder + "/program.elf";
  run_tool(concatenate({{target.gcc},
                        target.flags,
                        objects,
                        emulator_link_flags(target, folder),
                        {"-Wl,--gc-sections", "-lm", "-o", elf}}));
  return elf;
}

std::vector<std::string> write_start_files(const std::string& core, const std::string& folder) {
  const CrossTarget& target = cross_target(core);
  if (target.isa == Isa::kRiscV) return riscv_link_flags(target);
  const std::string startup = folder + "/startup.c", script = folder + "/link.ld";
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) throw ConfigError(fmt::format("{}: cannot be a folder: {}", folder, error.message()));
  write_file(startup, emulator_file("startup.c"));
  write_file(script, linker_script(target));
  const std::vector<std::string> trap = {"-DBW_TRAP_UNALIGNED"};
  return concatenate({target.trap_unaligned ? trap : std::vector<std::string>{}, {startup}, arm_link_flags(script)});
}

ObjectBytes measure_sizes(const std::string& core, const std::vector<std::string>& users,
                          const std::vector<std::string>& objects, const std::string& folder) {
  const CrossTarget& target = cross_target(core);
  const std::set<std::string> defined = symbol_names(core, objects, Symbols::kDefined);
  std::vector<std::string> roots;
  for (const std::string& name : symbol_names(core, users, Symbols::kUndefined))
    if (defined.count(name)) roots.push_back("-Wl,-u," + name);
  if (roots.empty()) throw ToolError("the test program uses nothing of the package");
  if (target.isa == Isa::kArm) roots.push_back("--specs=nano.specs");
  // What a heap or a file wants of the system stays open here; verification then names it (deploy/symbol_rules.h).
  roots.push_back("-Wl,--unresolved-symbols=ignore-all");
  const std::string map_file = folder + "/sizes.map";
  run_tool(concatenate({{target.gcc},
                        target.flags,
                        objects,
                        roots,
                        {"-nostartfiles", "-Wl,--gc-sections", "-Wl,-e,0", "-lm", "-Wl,-Map=" + map_file, "-o",
                         folder + "/sizes.elf"}}));
  ObjectBytes sizes;
  for (const auto& [object, bytes] : parse_link_map(read_file(map_file))) sizes[member_name(object)] = bytes;
  return sizes;
}

EmulatedRun run_emulated(const std::string& core, const std::string& elf, const std::vector<std::string>& arguments,
                         const std::string& directory, std::chrono::seconds limit, const ProfileOptions& options) {
  const CrossTarget& target = cross_target(core);
  if (const auto missing = missing_compiler_or_emulator(target)) throw ToolError(*missing);
  const TemporaryDirectory scratch;
  const std::string profile = scratch.path() + "/profile";
  std::vector<std::string> command = {target.emulator, "-M", target.machine};
  if (target.isa == Isa::kRiscV) command.insert(command.end(), {"-bios", "none"});
  const ProcessResult result = run_process(
      concatenate({command,
                   {"-kernel", elf, "-nographic", "-monitor", "none", "-serial", "none", "-semihosting-config",
                    semihosting_option(target, arguments), "-plugin", plugin_option(target, elf, profile, options)}}),
      {.directory = directory, .limit = limit});
  if (result.timed_out)
    throw ToolError(fmt::format("{}: the emulated program ran longer than {} s", core, limit.count()));
  if (result.signal) throw ToolError(end_by_signal(target, result));
  if (!fs::exists(profile)) throw ToolError(target.emulator + ": wrote no profile\n" + result.errors);
  // The program's output comes on the standard error of the emulator with some versions, on its output with others.
  return {result.exit_status, result.output + result.errors, parse_profile(read_file(profile))};
}

Disassembly disassemble(const std::string& elf) {
  return parse_disassembly(run_tool({"arm-none-eabi-objdump", "-d", elf}));
}

std::string disassembly_text(const std::string& core, const std::string& elf) {
  return run_tool({cross_target(core).binutils + "objdump", "-d", elf});
}

// `conv1_weights |00008020|   r  |            OBJECT|00000050|     |.rodata`
std::map<std::string, int64_t> constant_sizes(const std::string& core, const std::string& elf) {
  std::istringstream lines(run_tool({cross_target(core).binutils + "nm", "-f", "sysv", elf}));
  std::map<std::string, int64_t> sizes;
  for (std::string line; std::getline(lines, line);) {
    std::replace(line.begin(), line.end(), '|', ' ');
    std::istringstream fields(line);
    std::string name, address, kind, type, bytes;
    if (fields >> name >> address >> kind >> type >> bytes && type == "OBJECT" && kind != "b" && kind != "B")
      sizes[name] += std::stoll(bytes, nullptr, 16);
  }
  return sizes;
}

std::set<std::string> symbol_names(const std::string& core, const std::vector<std::string>& objects, Symbols which) {
  std::set<std::string> names;
  for (const SymbolLine& line : list_symbols(cross_target(core), objects))
    if ((line.kind == "U") == (which == Symbols::kUndefined)) names.insert(line.name);
  return names;
}

}  // namespace bitwright
