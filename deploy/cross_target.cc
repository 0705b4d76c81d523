// SPDX-License-Identifier: Apache-2.0
#include "deploy/cross_target.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <filesystem>

#include "deploy/process.h"

namespace bitwright {
namespace {

struct Machine {
  std::string core;
  std::vector<std::string> flags;
  std::string name;  // of qemu-system-arm
  Region vectors = {"0x00000000", "0x40"}, flash = {"0x00000040", "0x003fffc0"}, ram = {"0x20000000", "0x00400000"};
  bool trap_unaligned = false;
};

std::vector<Machine> cortex_m() {
  Machine m0plus{"cortex-m0plus", {"-mcpu=cortex-m0plus", "-mthumb", "-mfloat-abi=soft"}, "mps2-an385"};
  m0plus.trap_unaligned = true;
  const Machine m3{"cortex-m3", {"-mcpu=cortex-m3", "-mthumb", "-mfloat-abi=soft"}, "mps2-an385"};
  const Machine m4{"cortex-m4", {"-mcpu=cortex-m4", "-mthumb", "-mfpu=fpv4-sp-d16", "-mfloat-abi=hard"}, "mps2-an386"};
  const Machine m7{"cortex-m7", {"-mcpu=cortex-m7", "-mthumb", "-mfpu=fpv5-d16", "-mfloat-abi=hard"}, "mps2-an500"};
  const Machine m33{"cortex-m33",
                    {"-mcpu=cortex-m33", "-mthumb", "-mfpu=fpv5-sp-d16", "-mfloat-abi=hard"},
                    "mps2-an505",
                    {"0x10000000", "0x40"},
                    {"0x10000040", "0x003fffc0"},
                    {"0x38000000", "0x00400000"}};
  // Its code memory at 0 is half a megabyte: only the vectors lie there, the rest in external RAM.
  const Machine m55{"cortex-m55",
                    {"-mcpu=cortex-m55", "-mthumb", "-mfloat-abi=hard"},
                    "mps3-an547",
                    {"0x00000000", "0x40"},
                    {"0x60000000", "0x00400000"},
                    {"0x61000000", "0x00400000"}};
  return {m0plus, m3, m4, m7, m33, m55};
}

CrossTarget arm_target(const Machine& m, const std::string& compiler, const std::string& suffix) {
  CrossTarget t;
  t.name = m.core + suffix;
  t.core = m.core;
  t.compiler = compiler;
  t.gcc = "arm-none-eabi-gcc";
  t.binutils = "arm-none-eabi-";
  t.flags = m.flags;
  t.emulator = "qemu-system-arm";
  t.machine = m.name;
  t.vectors = m.vectors;
  t.flash = m.flash;
  t.ram = m.ram;
  t.trap_unaligned = m.trap_unaligned;
  return t;
}

CrossTarget riscv_target() {
  CrossTarget t;
  t.name = t.core = "rv32imc";
  t.isa = Isa::kRiscV;
  t.compiler = t.gcc = "riscv64-unknown-elf-gcc";
  t.binutils = "riscv64-unknown-elf-";
  t.flags = {"-march=rv32imc", "-mabi=ilp32", "--specs=picolibc.specs"};
  t.emulator = "qemu-system-riscv32";
  t.machine = "virt";
  t.flash = {"0x80000000", "0x00400000"};
  t.ram = {"0x80400000", "0x00400000"};
  return t;
}

const std::vector<CrossTarget>& all_targets() {
  static const std::vector<CrossTarget> all = [] {
    std::vector<CrossTarget> targets;
    for (const Machine& m : cortex_m()) targets.push_back(arm_target(m, "arm-none-eabi-gcc", ""));
    for (const Machine& m : cortex_m()) targets.push_back(arm_target(m, "clang", "-clang"));
    targets.push_back(riscv_target());
    return targets;
  }();
  return all;
}

std::string not_installed(const std::string& what, const std::string& package) {
  return fmt::format("{} is not installed: it is in the Debian package {}", what, package);
}

std::string debian_package(const std::string& program) {
  if (program == "arm-none-eabi-gcc") return "gcc-arm-none-eabi";
  if (program == "riscv64-unknown-elf-gcc") return "gcc-riscv64-unknown-elf";
  if (program == "qemu-system-riscv32") return "qemu-system-misc";
  return program;  // clang, qemu-system-arm
}

// gcc answers with the bare name if it finds none.
bool finds_picolibc(const std::string& gcc) {
  const ProcessResult found = run_process({gcc, "-print-file-name=picolibc.specs"});
  return found.ok() && found.output.starts_with('/');
}

}  // namespace

void require_tool(const std::string& program, const std::string& package) {
  if (!find_program(program)) throw ToolError(not_installed(program, package));
}

std::string tool_version(const std::string& program) {
  const ProcessResult result = run_process({program, "--version"});
  if (!result.ok()) throw ToolError(fmt::format("{} --version: failed\n{}", program, result.errors));
  return result.output.substr(0, result.output.find('\n'));
}

const CrossTarget& cross_target(const std::string& name) {
  for (const CrossTarget& target : all_targets())
    if (target.name == name) return target;
  throw ToolError(fmt::format("core {}: not one of {}", name, fmt::join(cross_targets(), ", ")));
}

std::vector<std::string> cross_targets() {
  std::vector<std::string> names;
  for (const CrossTarget& target : all_targets()) names.push_back(target.name);
  return names;
}

std::vector<std::string> emulated_cores() {
  std::vector<std::string> names;
  for (const Machine& machine : cortex_m()) names.push_back(machine.core);
  return names;
}

std::optional<std::string> missing_compiler(const CrossTarget& target) {
  for (const std::string& program : {target.gcc, target.compiler})
    if (!find_program(program)) return not_installed(program, debian_package(program));
  if (target.isa == Isa::kRiscV && !finds_picolibc(target.gcc))
    return not_installed("picolibc", "picolibc-riscv64-unknown-elf");
  return std::nullopt;
}

std::optional<std::string> missing_compiler_or_emulator(const CrossTarget& target) {
  if (auto missing = missing_compiler(target)) return missing;
  if (!find_program(target.emulator)) return not_installed(target.emulator, debian_package(target.emulator));
  return std::nullopt;
}

std::vector<std::string> core_flags(const std::string& target) {
  return cross_target(target).flags;
}

}  // namespace bitwright
