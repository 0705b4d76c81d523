// SPDX-License-Identifier: Apache-2.0
#include "experiments/emulation.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/io/json_text.h"
#include "deploy/elf_program.h"
#include "deploy/emulator_run.h"
#include "experiments/counts_text.h"
#include "experiments/table.h"

namespace bitwright {
namespace {

constexpr size_t kFunctionsShown = 20;
constexpr const char* kMarkBegin = "bw_mark_begin";
constexpr const char* kMarkEnd = "bw_mark_end";
constexpr const char* kFaultHandler = "bw_on_fault";  // of deploy/emulator/startup.c: ends the program

std::string read_bytes(const std::string& path) {
  if (std::filesystem::is_directory(path)) throw ConfigError(path + ": is a folder");
  std::ifstream file(path, std::ios::binary);
  if (!file) throw ConfigError(path + ": cannot be read");
  return {std::istreambuf_iterator<char>(file), {}};
}

bool has_function(const ElfProgram& program, const std::string& name) {
  return std::any_of(program.functions.begin(), program.functions.end(),
                     [&](const auto& entry) { return entry.second.name == name; });
}

// Without symbols nothing tells instructions from the constants between them.
void check_symbols(const ElfProgram& program, const CrossTarget& target, const std::string& place) {
  if (target.isa == Isa::kArm && program.functions.empty())
    throw ConfigError(place + ": has no symbols, which tell code from constants; take the program before strip");
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
  if (profile.begin == profile.end)
    throw ConfigError(fmt::format("--begin and --end = {}: the same function twice", profile.begin));
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

bool ran(const Emulation& e, const std::string& function) {
  return std::any_of(e.functions.begin(), e.functions.end(), [&](const FunctionCost& f) { return f.name == function; });
}

std::string end_text(const Emulation& e) {
  return e.ended_by_fault ? "ended by a fault" : fmt::format("exit status {}", e.exit_status);
}

std::string place_text(const Emulation& e) {
  if (e.begin.empty()) return "the whole run, start-up code included";
  return fmt::format("from {} to {}, mean of {} run{}", e.begin, e.end, e.runs, e.runs == 1 ? "" : "s");
}

// What the figures leave out on this core.
std::string absent(const Emulation& e) {
  return not_modelled(e.core, e.board, e.on_board.has_value());
}

std::string cycles_text(const Emulation& e) {
  if (e.cycles == 0.0) return {};
  std::string text = fmt::format("cycles        {} without wait states\n", interval(e.cycles));
  if (!e.on_board) return text;
  const BoardCycles& on = *e.on_board;
  text += fmt::format("              {} with the flash of {}\n", interval(on.cycles), on.board);
  text += fmt::format("flash         {}\n              {}\n", describe(on.flash), misses_text(on));
  text += fmt::format("latency       {} at {} MHz\n", interval(on.latency_us, format_microseconds),
                      e.board->clock_hz / 1'000'000);
  if (on.energy_uj > 0.0)
    text += fmt::format("energy        {:.1f} .. {:.1f} uJ\n", on.energy_uj, on.energy_uj * kCyclesUpper);
  return text;
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
  check_symbols(program, target, options.elf);
  ProfileOptions profile = profile_options(options, program);
  Emulation e;
  e.elf = options.elf;
  e.core = target.core;
  e.board = options.board;
  if (options.board && has_timing_table(target.core)) profile.flash = flash_model(*options.board);
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
  e.ended_by_fault = ran(e, kFaultHandler);
  if (profile.flash)
    e.on_board = board_cycles(*options.board, e.cycles, run.profile.memory.at(0), static_cast<double>(e.runs));
  return e;
}

std::string emulation_text(const Emulation& e) {
  std::string text = fmt::format("{} on {}{}: {}\n", e.elf, e.board ? e.board->name + ", " : "", e.core, end_text(e));
  text += fmt::format("counted       {}\ninstructions  {:.0f}\n", place_text(e), e.instructions);
  text += cycles_text(e) + absent(e) + "\n";
  if (!e.by_class.empty()) text += fmt::format("\n{}", classes_table(e.by_class));
  text += functions_table(e);
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
                         {"ended_by_fault", e.ended_by_fault},
                         {"output", e.output},
                         {"instructions", e.instructions},
                         {"instructions_by_class", e.by_class},
                         {"functions", functions},
                         {"note", absent(e)}};
  if (e.cycles > 0.0) json["cycles"] = {e.cycles, e.cycles * kCyclesUpper};
  if (!e.on_board) return json_text(json) + "\n";
  const BoardCycles& on = *e.on_board;
  json["board"] = on.board;
  json["flash"] = flash_json(on);
  json["board_cycles"] = {on.cycles, on.cycles * kCyclesUpper};
  json["latency_us"] = {on.latency_us, on.latency_us * kCyclesUpper};
  if (on.energy_uj > 0.0) json["energy_uj"] = {on.energy_uj, on.energy_uj * kCyclesUpper};
  return json_text(json) + "\n";
}

std::string start_command(const std::string& core, const std::string& folder) {
  const CrossTarget& target = cross_target(core);
  return fmt::format("{} {} -O2 {} PROGRAM.c {} -lm -o PROGRAM.elf\n", target.gcc, fmt::join(target.flags, " "),
                     kSeparateMarks, fmt::join(write_start_files(core, folder), " "));
}

}  // namespace bitwright
