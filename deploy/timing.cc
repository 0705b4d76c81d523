// SPDX-License-Identifier: Apache-2.0
#include "deploy/timing.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <sstream>
#include <stdexcept>

#include "core/check.h"

namespace bitwright {
namespace {

using enum InstructionClass;

bool is_direct_branch(InstructionClass kind) {
  return kind == kBranch || kind == kConditionalBranch || kind == kCall || kind == kCompareBranch;
}
bool is_branch(InstructionClass kind) {
  return is_direct_branch(kind) || kind == kIndirectBranch || kind == kTableBranch;
}
bool is_conditional(InstructionClass kind) {
  return kind == kConditionalBranch || kind == kCompareBranch;
}
bool is_load(InstructionClass kind) {
  return kind == kLoad || kind == kFloatLoad;
}
bool is_store(InstructionClass kind) {
  return kind == kStore || kind == kFloatStore;
}
bool is_multiply(InstructionClass kind) {
  return kind == kMultiply || kind == kMultiplyAccumulate || kind == kLongMultiply || kind == kLongMultiplyAccumulate;
}
bool is_float_arithmetic(InstructionClass kind) {
  return kind == kFloatArithmetic || kind == kFloatMultiplyAccumulate || kind == kFloatDivide;
}

// Single issue: the block costs the sum of its instructions, with corrections between neighbours.
struct AdditiveTable {
  int load = 2, store = 1;
  bool loads_pipeline = true;  // a load after an independent load costs one cycle less
  int multiply_accumulate = 1, long_multiply = 1, long_multiply_accumulate = 1, divide = 7;
  int taken = 2, indirect = 3, call = 2;
  int address_stall = 0;  // an address that the preceding ALU operation has just computed
  bool off_word_stall = true;
};

constexpr int kPcLoad = 2, kFloatMac = 3, kFloatDiv = 14, kFloatDependency = 1;

std::optional<AdditiveTable> additive_table(std::string_view core) {
  AdditiveTable table;
  if (core == "cortex-m0plus") {
    table.store = 2;
    table.loads_pipeline = false;
    table.indirect = 2;
    table.call = 3;
    table.off_word_stall = false;
    return table;
  }
  if (core == "cortex-m3") {
    table.multiply_accumulate = 2;
    table.long_multiply = 4;
    table.long_multiply_accumulate = 5;
    table.address_stall = 1;
    return table;
  }
  if (core == "cortex-m4") {
    table.address_stall = 1;
    return table;
  }
  if (core == "cortex-m33") return table;
  return std::nullopt;
}

bool feeds_address(const Instruction& previous, const Instruction& i) {
  const bool computes = previous.kind == kAlu || previous.kind == kShift || previous.kind == kSimd ||
                        previous.kind == kDivide || is_multiply(previous.kind);
  return computes && (previous.writes & i.address_registers);
}

bool pipelines_after(const Instruction& previous, const Instruction& i) {
  return is_load(previous.kind) && previous.registers == 1 && !previous.writes_pc &&
         !(previous.writes & i.address_registers);
}

double own_cycles(const AdditiveTable& t, const Instruction& i, double taken, int target_stall) {
  switch (i.kind) {
    case kLoad: return t.load + (i.writes_pc ? kPcLoad : 0);
    case kStore: return t.store;
    case kLoadMultiple: return 1 + i.registers + (i.writes_pc ? kPcLoad : 0);
    case kStoreMultiple: return 1 + i.registers;
    case kMultiplyAccumulate: return t.multiply_accumulate;
    case kLongMultiply: return t.long_multiply;
    case kLongMultiplyAccumulate: return t.long_multiply_accumulate;
    case kDivide: return t.divide;
    case kBranch: return t.taken + target_stall;
    case kConditionalBranch:
    case kCompareBranch: return 1 + taken * (t.taken - 1 + target_stall);
    case kCall: return t.call + target_stall;
    case kIndirectBranch:
    case kTableBranch: return t.indirect;
    case kFloatLoad: return 1 + i.registers;
    case kFloatStore: return i.registers > 1 ? 1 + i.registers : 1;
    case kFloatMultiplyAccumulate: return kFloatMac;
    case kFloatDivide: return kFloatDiv;
    default: return 1 + (i.writes_pc ? kPcLoad : 0);
  }
}

double correction(const AdditiveTable& t, const Instruction& previous, const Instruction& i) {
  double cycles = 0.0;
  const bool single_load = is_load(i.kind) && i.registers == 1;
  if (single_load && t.loads_pipeline && pipelines_after(previous, i)) cycles -= 1;
  if (feeds_address(previous, i)) cycles += t.address_stall;
  const bool uses_float = is_float_arithmetic(i.kind) || i.kind == kFloatStore;
  if (uses_float && is_float_arithmetic(previous.kind) && (previous.writes & i.reads)) cycles += kFloatDependency;
  return cycles;
}

double additive_cycles(const AdditiveTable& t, std::span<const Instruction> block, double taken, bool off_word) {
  const int target_stall = off_word && t.off_word_stall ? 1 : 0;
  double cycles = 0.0;
  for (size_t k = 0; k < block.size(); ++k) {
    const bool last = k + 1 == block.size();
    cycles += own_cycles(t, block[k], taken, last ? target_stall : 0);
    if (k > 0) cycles += correction(t, block[k - 1], block[k]);
  }
  return cycles;
}

// The Cortex-M7: in order, up to two instructions a cycle.
class DualIssue {
 public:
  static constexpr int kMispredicted = 8;

  // With a last branch that is predicted.
  double block(std::span<const Instruction> instructions) {
    for (const Instruction& i : instructions) issue(i);
    return cycle_ + 1 + exit_cycles(instructions);
  }

 private:
  static int latency(InstructionClass kind) {
    if (is_multiply(kind)) return 2;
    switch (kind) {
      case kDivide: return 8;
      case kLoad:
      case kLoadMultiple:
      case kFloatLoad: return 2;
      case kFloatArithmetic: return 3;
      case kFloatMultiplyAccumulate: return 4;
      case kFloatDivide: return 16;
      default: return 1;
    }
  }

  void start_cycle(int cycle) {
    cycle_ = cycle;
    slot_ = {};
  }

  // The cycle in which the last operand arrives. An accumulator is forwarded a cycle early from multiplication to
  // multiplication, and the data of a store is needed a cycle late.
  int operands_ready(const Instruction& i) const {
    int ready = cycle_;
    for (RegisterSet left = i.reads; left; left &= left - 1) {
      const int r = __builtin_ctzll(left);
      const RegisterSet bit = RegisterSet{1} << r;
      int at = ready_[static_cast<size_t>(r)];
      const bool accumulates = i.kind == kMultiplyAccumulate || i.kind == kLongMultiplyAccumulate;
      if (accumulates && (bit & last_product_ & i.writes)) at -= 1;
      const bool stores = i.kind == kStore || i.kind == kStoreMultiple || i.kind == kFloatStore;
      if (stores && !(bit & i.address_registers)) at -= 1;
      ready = std::max(ready, at);
    }
    return ready;
  }

  bool fits(const Instruction& i) const {
    const bool alone = i.kind == kLoadMultiple || i.kind == kStoreMultiple || i.kind == kDivide;
    if (slot_.used >= 2 || (alone && slot_.used)) return false;
    if (is_multiply(i.kind) && slot_.multiplies) return false;
    if (is_load(i.kind) && (slot_.loads >= 2 || slot_.stores)) return false;
    if (is_store(i.kind) && (slot_.stores || slot_.loads)) return false;
    if (i.kind == kShift && slot_.shifts) return false;
    if (i.kind == kSimd && slot_.used) return false;
    if (is_float_arithmetic(i.kind) && slot_.floats) return false;
    return !(is_branch(i.kind) && slot_.branched);
  }

  void occupy(const Instruction& i) {
    slot_.used += 1;
    slot_.loads += is_load(i.kind);
    slot_.stores += is_store(i.kind);
    slot_.multiplies += is_multiply(i.kind);
    slot_.shifts += i.kind == kShift;
    slot_.floats += is_float_arithmetic(i.kind);
  }

  void set_ready(RegisterSet registers, int cycle) {
    for (RegisterSet left = registers; left; left &= left - 1)
      ready_[static_cast<size_t>(__builtin_ctzll(left))] = cycle;
  }

  // Instructions that keep the pipeline for more than a cycle.
  void hold(const Instruction& i) {
    if (i.kind == kLoadMultiple || i.kind == kStoreMultiple) {
      const int cycles = i.kind == kLoadMultiple ? (i.registers + 1) / 2 : i.registers;
      set_ready(i.writes, cycle_ + cycles + 1);
      start_cycle(cycle_ + cycles);
    } else if (i.kind == kFloatLoad && i.registers > 2) {
      start_cycle(cycle_ + (i.registers + 1) / 2);
    } else if (i.kind == kFloatDivide) {
      start_cycle(cycle_ + 14);
    } else if (i.kind == kDivide) {
      start_cycle(cycle_ + 6);
    }
  }

  void issue(const Instruction& i) {
    if (i.kind == kIt) return;  // folded
    if (const int ready = operands_ready(i); ready > cycle_) start_cycle(ready);
    while (!fits(i)) start_cycle(cycle_ + 1);
    occupy(i);
    set_ready(i.writes, cycle_ + latency(i.kind));
    set_ready(i.base, cycle_ + 1);
    hold(i);
    if (is_multiply(i.kind))
      last_product_ = i.writes;
    else if (last_product_ & i.writes)
      last_product_ = 0;
    if (is_branch(i.kind) || i.writes_pc) slot_.branched = true;
  }

  static double exit_cycles(std::span<const Instruction> instructions) {
    if (instructions.empty()) return 0.0;
    const Instruction& last = instructions.back();
    const bool indirect = last.kind == kIndirectBranch || last.kind == kTableBranch || last.writes_pc;
    return indirect ? 1.0 : 0.0;
  }

  struct Slot {
    int used = 0, loads = 0, stores = 0, multiplies = 0, shifts = 0, floats = 0;
    bool branched = false;
  };
  int cycle_ = 0;
  Slot slot_;
  std::array<int, 64> ready_{};   // cycle from which a register can be read
  RegisterSet last_product_ = 0;  // written by the last multiplication and not since
};

std::vector<Instruction> instructions_of(const BlockCount& block, const Disassembly& code) {
  std::vector<Instruction> instructions;
  uint32_t address = block.address;
  for (uint32_t k = 0; k < block.instructions; ++k) {
    const auto it = code.find(address);
    if (it == code.end()) throw std::runtime_error(fmt::format("profile: no instruction at {:#x}", address));
    instructions.push_back(it->second);
    address += static_cast<uint32_t>(it->second.bytes);
  }
  return instructions;
}

uint32_t begin_of(const Stretch& s) {
  return s.instructions.front().address;
}
uint32_t end_of(const Stretch& s) {
  return s.instructions.back().address + static_cast<uint32_t>(s.instructions.back().bytes);
}
bool ends_in_branch(const Stretch& s) {
  return is_branch(s.instructions.back().kind) || s.instructions.back().writes_pc;
}

std::vector<Stretch> joined(std::vector<Stretch> parts) {
  std::sort(parts.begin(), parts.end(), [](const Stretch& a, const Stretch& b) { return begin_of(a) > begin_of(b); });
  for (Stretch& s : parts) {  // from the highest address on: what follows is joined already
    if (ends_in_branch(s)) continue;
    const auto next = std::find_if(parts.begin(), parts.end(), [&](const Stretch& other) {
      return begin_of(other) == end_of(s) && other.executions >= s.executions;
    });
    if (next == parts.end()) continue;
    s.instructions.insert(s.instructions.end(), next->instructions.begin(), next->instructions.end());
    s.taken = next->taken;
    next->executions -= s.executions;
  }
  std::erase_if(parts, [](const Stretch& s) { return s.executions == 0; });
  return parts;
}

// As if the last branch went where the core predicts.
double predicted_cycles(std::string_view core, std::span<const Instruction> block, double taken, bool off_word) {
  if (core == "cortex-m7") return DualIssue().block(block);
  const std::optional<AdditiveTable> table = additive_table(core);
  if (!table) throw std::runtime_error(fmt::format("no timing table for {}", core));
  return additive_cycles(*table, block, taken, off_word);
}

bool targets_off_word(const Instruction& last, const Disassembly& code) {
  if (!is_direct_branch(last.kind) || last.target % 4 == 0) return false;
  const auto it = code.find(last.target);
  return it != code.end() && it->second.bytes == 4;
}

}  // namespace

Profile parse_profile(std::string_view text) {
  Profile profile;
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream fields(line);
    std::string kind;
    fields >> kind;
    if (kind == "block") {
      BlockCount& b = profile.blocks.emplace_back();
      fields >> std::hex >> b.address >> std::dec >> b.bytes >> b.instructions >> b.run >> b.executions >> b.jumps;
    } else if (kind == "memory") {
      MemoryCounts& m = profile.memory.emplace_back();
      size_t run = 0;
      fields >> run >> m.instruction_misses >> m.sequential_misses >> m.data_misses >> m.data_loads >> m.unaligned;
    } else if (kind == "part") {
      RunPart& part = profile.parts.emplace_back();
      size_t index = 0;
      fields >> index >> part.run >> std::hex >> part.address;
    } else if (kind == "runs") {
      fields >> profile.runs;
    } else {
      fields.setstate(std::ios::failbit);
    }
    if (!fields) throw std::runtime_error(fmt::format("profile: cannot read `{}`", line));
  }
  return profile;
}

bool has_timing_table(std::string_view core) {
  return core == "cortex-m7" || additive_table(core).has_value();
}

double misprediction_cycles(std::string_view core) {
  return core == "cortex-m7" ? DualIssue::kMispredicted : 0.0;
}

double block_cycles(std::string_view core, std::span<const Instruction> block, double taken, bool off_word) {
  const bool predicted = !block.empty() && is_conditional(block.back().kind);
  const double mispredicted = predicted ? misprediction_cycles(core) * std::min(taken, 1.0 - taken) : 0.0;
  return predicted_cycles(core, block, taken, off_word) + mispredicted;
}

double count_instructions(const Profile& profile) {
  double sum = 0.0;
  for (const BlockCount& b : profile.blocks)
    sum += static_cast<double>(b.executions) * static_cast<double>(b.instructions);
  return sum / static_cast<double>(profile.runs);
}

std::vector<PredictedBranch> predicted_branches(std::string_view core, std::span<const Stretch> of) {
  if (misprediction_cycles(core) == 0.0) return {};
  std::map<uint32_t, PredictedBranch> by_address;
  for (const Stretch& s : of) {
    const Instruction& last = s.instructions.back();
    if (!is_conditional(last.kind)) continue;
    PredictedBranch& branch = by_address[last.address];
    branch.address = last.address;
    branch.taken += s.executions * s.taken;
    branch.not_taken += s.executions * (1.0 - s.taken);
  }
  std::vector<PredictedBranch> branches;
  for (const auto& [address, branch] : by_address) branches.push_back(branch);
  return branches;
}

std::vector<std::vector<Stretch>> stretches(const Profile& profile, const Disassembly& code) {
  if (profile.runs <= 0) throw std::runtime_error("profile: no run between the marks");
  const size_t count = profile.parts.empty() ? static_cast<size_t>(profile.runs) : profile.parts.size();
  std::vector<std::vector<Stretch>> runs(count);
  for (const BlockCount& b : profile.blocks) {
    if (b.run < 0 || static_cast<size_t>(b.run) >= count) throw std::runtime_error("profile: a run that was not begun");
    const auto executions = static_cast<double>(b.executions);
    runs[static_cast<size_t>(b.run)].push_back(
        {instructions_of(b, code), executions, static_cast<double>(b.jumps) / executions});
  }
  for (std::vector<Stretch>& run : runs) {
    run = joined(std::move(run));
    for (Stretch& s : run) s.off_word = targets_off_word(s.instructions.back(), code);
  }
  return runs;
}

RunCounts count(std::string_view core, std::span<const Stretch> stretches) {
  RunCounts counts;
  for (const Stretch& s : stretches) {
    if (has_timing_table(core))
      counts.cycles += s.executions * predicted_cycles(core, s.instructions, s.taken, s.off_word);
    counts.instructions += s.executions * static_cast<double>(s.instructions.size());
    for (const Instruction& i : s.instructions) counts.by_class[std::string(class_name(i.kind))] += s.executions;
  }
  for (const PredictedBranch& branch : predicted_branches(core, stretches))
    counts.cycles += misprediction_cycles(core) * std::min(branch.taken, branch.not_taken);
  return counts;
}

namespace {

void add(const RunCounts& counts, RunCounts& sum) {
  sum.instructions += counts.instructions;
  sum.cycles += counts.cycles;
  for (const auto& [kind, n] : counts.by_class) sum.by_class[kind] += n;
}

}  // namespace

std::vector<RunCounts> count_each_run(std::string_view core, const Profile& profile, const Disassembly& code) {
  const std::vector<std::vector<Stretch>> parts = stretches(profile, code);
  std::vector<RunCounts> counts(static_cast<size_t>(profile.runs));
  for (size_t i = 0; i < parts.size(); ++i)
    add(count(core, parts[i]), counts.at(profile.parts.empty() ? i : static_cast<size_t>(profile.parts[i].run)));
  return counts;
}

RunCounts count_run(std::string_view core, const Profile& profile, const Disassembly& code) {
  RunCounts mean;
  for (const RunCounts& run : count_each_run(core, profile, code)) add(run, mean);
  const auto runs = static_cast<double>(profile.runs);
  mean.cycles /= runs;
  mean.instructions /= runs;
  for (auto& [kind, n] : mean.by_class) n /= runs;
  return mean;
}

}  // namespace bitwright
