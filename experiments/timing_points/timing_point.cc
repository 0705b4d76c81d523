// SPDX-License-Identifier: Apache-2.0
#include "experiments/timing_points/timing_point.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <sstream>
#include <tuple>

#include "core/error.h"

namespace bitwright {
namespace {

// What the tables read of an instruction.
using Record = std::tuple<int, int, RegisterSet, RegisterSet, RegisterSet, RegisterSet, int, bool>;

Record record_of(const Instruction& i) {
  return {static_cast<int>(i.kind), i.bytes, i.reads, i.writes, i.address_registers, i.base, i.registers, i.writes_pc};
}

Instruction instruction_of(const Record& record) {
  Instruction i;
  int kind = 0;
  std::tie(kind, i.bytes, i.reads, i.writes, i.address_registers, i.base, i.registers, i.writes_pc) = record;
  i.kind = static_cast<InstructionClass>(kind);
  return i;
}

// Numbers registers in the order in which they are first asked for.
class Renumbering {
 public:
  RegisterSet operator()(RegisterSet set) {
    RegisterSet numbered = 0;
    for (; set; set &= set - 1) numbered |= RegisterSet{1} << number(static_cast<size_t>(__builtin_ctzll(set)));
    return numbered;
  }

 private:
  int number(size_t r) {
    if (numbers_[r] < 0) numbers_[r] = next_++;
    return numbers_[r];
  }
  std::array<int, 64> numbers_ = [] {
    std::array<int, 64> none{};
    none.fill(-1);
    return none;
  }();
  int next_ = 0;
};

std::vector<Record> anonymous(const std::vector<Instruction>& instructions) {
  Renumbering numbered;
  std::vector<Record> records;
  for (Instruction i : instructions) {
    i.reads = numbered(i.reads);
    i.writes = numbered(i.writes);
    i.address_registers = numbered(i.address_registers);
    i.base = numbered(i.base);
    records.push_back(record_of(i));
  }
  return records;
}

double cycles_of(const std::string& core, const Stretch& s) {
  return s.executions * block_cycles(core, s.instructions, s.taken, s.off_word);
}

// Instructions of all stretches, the most frequent first, with their place in that order.
std::vector<Record> dictionary(const std::vector<Stretch>& stretches) {
  std::map<Record, int64_t> uses;
  for (const Stretch& s : stretches)
    for (const Instruction& i : s.instructions) uses[record_of(i)] += 1;
  std::vector<Record> records;
  for (const auto& [record, count] : uses) records.push_back(record);
  std::stable_sort(records.begin(), records.end(),
                   [&](const Record& a, const Record& b) { return uses.at(a) > uses.at(b); });
  return records;
}

// Without the last fields where they are what most instructions have.
std::string record_text(const Record& record) {
  const Instruction i = instruction_of(record);
  std::string text = fmt::format("i {} {} {:x} {:x} {:x} {:x} {} {}", class_name(i.kind), i.bytes, i.reads, i.writes,
                                 i.address_registers, i.base, i.registers, i.writes_pc ? 1 : 0);
  for (const char* usual : {" 0", " 1", " 0", " 0"}) {
    if (!text.ends_with(usual)) break;
    text.resize(text.size() - 2);
  }
  return text + '\n';
}

std::string flash_text(const FlashModel& f) {
  return fmt::format("flash {} {} {} {} {} {} {} {} {}\n", f.wait_states, f.read_bytes, f.prefetch ? 1 : 0,
                     f.instructions.lines, f.instructions.line_bytes, f.instructions.ways, f.data.lines,
                     f.data.line_bytes, f.data.ways);
}

InstructionClass class_of(const std::string& name) {
  for (int kind = 0; kind <= static_cast<int>(InstructionClass::kVector); ++kind)
    if (class_name(static_cast<InstructionClass>(kind)) == name) return static_cast<InstructionClass>(kind);
  throw std::invalid_argument("no class " + name);
}

std::string rest_of(std::istringstream& fields) {
  std::string text;
  std::getline(fields >> std::ws, text);
  return text;
}

FlashModel read_flash(std::istringstream& fields) {
  FlashModel f;
  fields >> f.wait_states >> f.read_bytes >> f.prefetch >> f.instructions.lines >> f.instructions.line_bytes >>
      f.instructions.ways >> f.data.lines >> f.data.line_bytes >> f.data.ways;
  if (fields) validate(f);
  return f;
}

template <class Number>
void read_if_there(std::istringstream& fields, Number& number) {
  if (fields.good() && !(fields >> std::ws).eof()) fields >> number;
}

Instruction read_instruction(std::istringstream& fields) {
  Instruction i;
  std::string kind;
  fields >> kind >> i.bytes >> std::hex >> i.reads >> i.writes;
  read_if_there(fields, i.address_registers);
  read_if_there(fields, i.base);
  fields >> std::dec;
  read_if_there(fields, i.registers);
  read_if_there(fields, i.writes_pc);
  i.kind = class_of(kind);
  return i;
}

Stretch read_stretch(std::istringstream& fields, const std::vector<Instruction>& instructions) {
  Stretch s;
  double taken = 0.0;
  fields >> s.executions >> taken >> s.off_word;
  if (!fields || !(s.executions > 0)) throw std::invalid_argument("no stretch");
  s.taken = taken / s.executions;
  for (size_t index = 0; fields >> index;) s.instructions.push_back(instructions.at(index));
  if (s.instructions.empty()) throw std::invalid_argument("no instruction");
  fields.clear();
  return s;
}

void read_line(TimingPoint& point, std::vector<Instruction>& instructions, const std::string& line) {
  std::istringstream fields(line);
  std::string key;
  fields >> key;
  MemoryCounts& m = point.memory;
  if (key == "name")
    point.name = rest_of(fields);
  else if (key == "board")
    point.board = rest_of(fields);
  else if (key == "core")
    point.core = rest_of(fields);
  else if (key == "source")
    point.source = rest_of(fields);
  else if (key == "program")
    point.program = rest_of(fields);
  else if (key == "clock_hz")
    fields >> point.clock_hz;
  else if (key == "inferences_per_s")
    fields >> point.inferences_per_s;
  else if (key == "flash")
    point.flash = read_flash(fields);
  else if (key == "memory")
    fields >> m.instruction_misses >> m.sequential_misses >> m.data_misses >> m.data_loads >> m.unaligned;
  else if (key == "omitted")
    fields >> point.omitted_stretches >> point.omitted_instructions >> point.omitted_cycles;
  else if (key == "i")
    instructions.push_back(read_instruction(fields));
  else if (key == "s")
    point.stretches.push_back(read_stretch(fields, instructions));
  else
    throw std::invalid_argument("no such key");
  if (!fields) throw std::invalid_argument("a number is missing");
}

}  // namespace

TimingPoint parse_timing_point(std::string_view text, const std::string& place) {
  TimingPoint point;
  std::vector<Instruction> instructions;
  std::istringstream lines{std::string(text)};
  int number = 0;
  for (std::string line; std::getline(lines, line);) {
    number += 1;
    if (line.empty() || line[0] == '#') continue;
    try {
      read_line(point, instructions, line);
    } catch (const std::logic_error& error) {
      throw ConfigError(fmt::format("{}:{}: `{}`: {}", place, number, line.substr(0, 40), error.what()));
    }
  }
  if (!has_timing_table(point.core) || point.clock_hz <= 0 || !(point.inferences_per_s > 0))
    throw ConfigError(fmt::format("{}: core, clock_hz and inferences_per_s are needed", place));
  return point;
}

std::string timing_point_text(const TimingPoint& point) {
  std::string text = fmt::format(
      "# What a public benchmark program executes, for deploy/timing.h: counts alone, no code. Keys and columns:\n"
      "# experiments/timing_points/timing_point.h. Written by bitwright-timing-points record.\n"
      "name {}\nboard {}\ncore {}\nclock_hz {}\ninferences_per_s {}\nsource {}\nprogram {}\n",
      point.name, point.board, point.core, point.clock_hz, point.inferences_per_s, point.source, point.program);
  const MemoryCounts& m = point.memory;
  if (point.flash)
    text += flash_text(*point.flash) + fmt::format("memory {} {} {} {} {}\n", m.instruction_misses, m.sequential_misses,
                                                   m.data_misses, m.data_loads, m.unaligned);
  text +=
      fmt::format("omitted {} {} {:.0f}\n", point.omitted_stretches, point.omitted_instructions, point.omitted_cycles);
  const std::vector<Record> records = dictionary(point.stretches);
  std::map<Record, size_t> index;
  for (const Record& record : records) {
    index.emplace(record, index.size());
    text += record_text(record);
  }
  for (const Stretch& s : point.stretches) {
    text += fmt::format("s {} {} {}", s.executions, std::round(s.taken * s.executions), s.off_word ? 1 : 0);
    for (const Instruction& i : s.instructions) text += fmt::format(" {}", index.at(record_of(i)));
    text += '\n';
  }
  return text;
}

std::vector<Stretch> anonymous(const std::vector<Stretch>& stretches) {
  struct Sum {
    double executions = 0.0, taken = 0.0;
  };
  std::map<std::pair<std::vector<Record>, bool>, Sum> sums;
  for (const Stretch& s : stretches) {
    Sum& sum = sums[{anonymous(s.instructions), s.off_word}];
    sum.executions += s.executions;
    sum.taken += s.taken * s.executions;
  }
  std::vector<Stretch> merged;
  for (const auto& [code, sum] : sums) {
    Stretch& s = merged.emplace_back(Stretch{{}, sum.executions, sum.taken / sum.executions, code.second});
    for (const Record& record : code.first) s.instructions.push_back(instruction_of(record));
  }
  return merged;
}

void shorten(TimingPoint& point, double share) {
  std::vector<Stretch>& all = point.stretches;
  std::stable_sort(all.begin(), all.end(), [&](const Stretch& a, const Stretch& b) {
    return cycles_of(point.core, a) > cycles_of(point.core, b);
  });
  const double limit = share * count(point.core, all).cycles;
  while (!all.empty() && point.omitted_cycles + cycles_of(point.core, all.back()) <= limit) {
    point.omitted_stretches += 1;
    point.omitted_instructions += all.back().executions * static_cast<double>(all.back().instructions.size());
    point.omitted_cycles += cycles_of(point.core, all.back());
    all.pop_back();
  }
}

}  // namespace bitwright
