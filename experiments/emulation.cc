// SPDX-License-Identifier: Apache-2.0
#include "experiments/emulation.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "deploy/elf_program.h"
#include "deploy/emulator_run.h"
#include "experiments/table.h"

namespace bitwright {
namespace {

constexpr size_t kFunctionsShown = 20;
constexpr const char* kMarkBegin = "bw_mark_begin";
constexpr const char* kMarkEnd = "bw_mark_end";

std::string read_bytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw ConfigError(path + ": cannot be read");
  return {std::istreambuf_iterator<char>(file), {}};
}

bool has_function(const ElfProgram& program, const std::string& name) {
  return std::any_of(program.functions.begin(), program.functions.end(),
                     [&](const auto& entry) { return entry.second.name == name; });
}

// Sets what is counted. One mark alone is a mistake.
ProfileOptions profile_options(const EmulationOptions& options, const ElfProgram& program) {
  ProfileOptions profile;
  const bool named = !options.begin.empty() || !options.end.empty();
  if (!named && !has_function(program, kMarkBegin)) {
    profile.whole = true;
    return profile;
  }
  profile.begin = options.begin.empty() ? kMarkBegin : options.begin;
  profile.end = options.end.empty() ? kMarkEnd : options.end;
  for (const std::string& name : {profile.begin, profile.end})
    if (!has_function(program, name)) throw ConfigError(fmt::format("{}: has no function {}", options.elf, name));
  return profile;
}

void add_cost(std::map<std::string, FunctionCost>& costs, const std::string& name, double instructions, double cycles) {
  FunctionCost& cost = costs[name];
  cost.name = name;
  cost.instructions += instructions;
  cost.cycles += cycles;
}

std::vector<FunctionCost> sorted(const std::map<std::string, FunctionCost>& costs) {
  std::vector<FunctionCost> functions;
  for (const auto& [name, cost] : costs) functions.push_back(cost);
  std::stable_sort(functions.begin(), functions.end(), [](const FunctionCost& a, const FunctionCost& b) {
    return a.cycles != b.cycles ? a.cycles > b.cycles : a.instructions > b.instructions;
  });
  return functions;
}

void count_arm(Emulation& e, const ElfProgram& program, const Profile& profile, const Disassembly& code) {
  const RunCounts counts = count_run(e.core, profile, code);
  e.instructions = counts.instructions;
  e.by_class = counts.by_class;
  e.cycles = counts.cycles;
  std::map<std::string, FunctionCost> costs;
  const auto runs = static_cast<double>(profile.runs);
  const std::vector<Stretch> run = stretches(profile, code).at(0);
  for (const Stretch& s : run) {
    const RunCounts one = count(e.core, std::span(&s, 1));
    add_cost(costs, function_at(program, s.instructions.front().address), one.instructions / runs, one.cycles / runs);
  }
  e.functions = sorted(costs);
}

void count_riscv(Emulation& e, const ElfProgram& program, const Profile& profile) {
  e.instructions = count_instructions(profile);
  std::map<std::string, FunctionCost> costs;
  for (const BlockCount& b : profile.blocks) {
    const double instructions = static_cast<double>(b.executions) * b.instructions / static_cast<double>(profile.runs);
    add_cost(costs, function_at(program, b.address), instructions, 0.0);
  }
  e.functions = sorted(costs);
}

MemoryCounts per_run(MemoryCounts counts, double runs) {
  for (double* count : {&counts.instruction_misses, &counts.sequential_misses, &counts.data_misses, &counts.data_loads,
                        &counts.unaligned})
    *count /= runs;
  return counts;
}

std::string interval(double low, std::string (*format)(double)) {
  return fmt::format("{} .. {}", format(low), format(low * kCyclesUpper));
}

std::string whole_number(double count) {
  return fmt::format("{:.0f}", count);
}

double latency_us(const Emulation& e) {
  return e.board_cycles() / static_cast<double>(e.board->clock_hz) * 1e6;
}

double energy_uj(const Emulation& e) {
  return e.board_cycles() * e.board->current_ua_per_mhz * e.board->supply_v * 1e-6;
}

std::string place_text(const Emulation& e) {
  if (e.begin.empty()) return "the whole run, start-up code included";
  return fmt::format("from {} to {}, mean of {} run{}", e.begin, e.end, e.runs, e.runs == 1 ? "" : "s");
}

// What the figures leave out on this core.
std::string absent(const Emulation& e) {
  if (e.cycles == 0.0) return fmt::format("instructions alone: {} has no timing table", e.core);
  std::string text = "not modelled: interrupts, bus contention of DMA, peripherals' wait states";
  if (e.core == "cortex-m7") text += ", tightly coupled memory, misses of cached RAM and write-back";
  if (!e.flash) text += ", flash (name a --board)";
  if (e.flash && !e.board->sources.contains("flash_wait_states"))
    text += fmt::format(", wait states of the flash, which the file of {} does not give", e.board->name);
  return text;
}

std::string memory_text(const Emulation& e) {
  const MemoryCounts& m = e.memory;
  return fmt::format(
      "flash         {}\n              misses: {:.0f} of instructions after a jump, {:.0f} going on, {:.0f} of data in "
      "{:.0f} loads; "
      "{:.0f} unaligned accesses: {:.0f} cycles\n",
      describe(*e.flash), m.instruction_misses, m.sequential_misses, m.data_misses, m.data_loads, m.unaligned,
      e.stall_cycles);
}

std::string cycles_text(const Emulation& e) {
  if (e.cycles == 0.0) return {};
  std::string text = fmt::format("cycles        {} without wait states\n", interval(e.cycles, whole_number));
  if (!e.flash) return text;
  text +=
      fmt::format("              {} with the flash of {}\n", interval(e.board_cycles(), whole_number), e.board->name);
  text += memory_text(e);
  text += fmt::format("latency       {} at {} MHz\n", interval(latency_us(e), format_microseconds),
                      e.board->clock_hz / 1'000'000);
  if (energy_uj(e) > 0.0)
    text += fmt::format("energy        {:.1f} .. {:.1f} uJ\n", energy_uj(e), energy_uj(e) * kCyclesUpper);
  return text;
}

std::string classes_table(const Emulation& e) {
  if (e.by_class.empty()) return {};
  std::vector<std::pair<std::string, double>> classes(e.by_class.begin(), e.by_class.end());
  std::stable_sort(classes.begin(), classes.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  std::vector<std::vector<std::string>> rows = {{"class", "instructions", "share"}};
  for (const auto& [kind, n] : classes) rows.push_back({kind, whole_number(n), format_percent(n / e.instructions)});
  return fmt::format("\n{}", render_table(rows));
}

std::string functions_table(const Emulation& e) {
  const bool cycles = e.cycles > 0.0;
  std::vector<std::vector<std::string>> rows = {{"function", "instructions", "cycles", "share"}};
  for (const FunctionCost& f : e.functions) {
    if (rows.size() > kFunctionsShown) break;
    const double share = cycles ? f.cycles / e.cycles : f.instructions / e.instructions;
    rows.push_back(
        {f.name, whole_number(f.instructions), cycles ? whole_number(f.cycles) : "-", format_percent(share)});
  }
  std::string text = fmt::format("\n{}", render_table(rows));
  if (e.functions.size() > kFunctionsShown) text += fmt::format("and {} more\n", e.functions.size() - kFunctionsShown);
  return text;
}

}  // namespace

Emulation emulate(const EmulationOptions& options) {
  const ElfProgram program = parse_elf(read_bytes(options.elf), options.elf);
  const CrossTarget& target = cross_target(options.core);
  check_fits(program, target, options.elf);
  ProfileOptions profile = profile_options(options, program);
  Emulation e;
  e.elf = options.elf;
  e.core = target.core;
  e.board = options.board;
  if (options.board && has_timing_table(target.core)) e.flash = profile.flash = flash_model(*options.board);
  if (!profile.whole) {
    e.begin = profile.begin;
    e.end = profile.end;
  }
  const EmulatedRun run = run_emulated(target.name, std::filesystem::absolute(options.elf), options.arguments,
                                       std::filesystem::current_path(), options.limit, profile);
  e.exit_status = run.exit_status;
  e.output = run.output;
  e.runs = run.profile.runs;
  if (e.runs <= 0) throw ConfigError(fmt::format("{}: {} was never called", options.elf, e.begin));
  if (target.isa == Isa::kRiscV)
    count_riscv(e, program, run.profile);
  else
    count_arm(e, program, run.profile, parse_disassembly(disassembly_text(target.name, options.elf)));
  if (e.flash) {
    e.memory = per_run(run.profile.memory.at(0), static_cast<double>(e.runs));
    e.stall_cycles = stall_cycles(*e.flash, e.core, e.memory);
  }
  return e;
}

std::string emulation_text(const Emulation& e) {
  std::string text =
      fmt::format("{} on {}{}: exit status {}\n", e.elf, e.board ? e.board->name + ", " : "", e.core, e.exit_status);
  text += fmt::format("counted       {}\ninstructions  {:.0f}\n", place_text(e), e.instructions);
  text += cycles_text(e) + absent(e) + "\n" + classes_table(e) + functions_table(e);
  if (!e.output.empty()) text += "\noutput of the program:\n" + e.output + (e.output.ends_with('\n') ? "" : "\n");
  return text;
}

std::string emulation_json(const Emulation& e) {
  nlohmann::json functions = nlohmann::json::array();
  for (const FunctionCost& f : e.functions)
    functions.push_back({{"name", f.name}, {"instructions", f.instructions}, {"cycles", f.cycles}});
  nlohmann::json json = {{"schema", 1},
                         {"elf", e.elf},
                         {"core", e.core},
                         {"begin", e.begin},
                         {"end", e.end},
                         {"runs", e.runs},
                         {"exit_status", e.exit_status},
                         {"output", e.output},
                         {"instructions", e.instructions},
                         {"instructions_by_class", e.by_class},
                         {"functions", functions},
                         {"note", absent(e)}};
  if (e.cycles > 0.0) json["cycles"] = {e.cycles, e.cycles * kCyclesUpper};
  if (!e.flash) return json.dump(2) + "\n";
  json["board"] = e.board->name;
  json["flash"] = {{"model", describe(*e.flash)},
                   {"instruction_misses", e.memory.instruction_misses},
                   {"sequential_misses", e.memory.sequential_misses},
                   {"data_misses", e.memory.data_misses},
                   {"data_loads", e.memory.data_loads},
                   {"unaligned_accesses", e.memory.unaligned},
                   {"stall_cycles", e.stall_cycles}};
  json["board_cycles"] = {e.board_cycles(), e.board_cycles() * kCyclesUpper};
  json["latency_us"] = {latency_us(e), latency_us(e) * kCyclesUpper};
  if (energy_uj(e) > 0.0) json["energy_uj"] = {energy_uj(e), energy_uj(e) * kCyclesUpper};
  return json.dump(2) + "\n";
}

std::string start_command(const std::string& core, const std::string& folder) {
  const CrossTarget& target = cross_target(core);
  return fmt::format("{} {} -O2 {} PROGRAM.c {} -lm -o PROGRAM.elf\n", target.gcc, fmt::join(target.flags, " "),
                     kSeparateMarks, fmt::join(write_start_files(core, folder), " "));
}

}  // namespace bitwright
