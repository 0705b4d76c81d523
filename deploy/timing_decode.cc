// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <stdexcept>
#include <unordered_map>
#include <unordered_set>

#include "deploy/timing.h"

namespace bitwright {
namespace {

using enum InstructionClass;

constexpr RegisterSet kFlags = RegisterSet{1} << 48;
constexpr RegisterSet kFloatFlags = RegisterSet{1} << 49;
constexpr RegisterSet kStackPointer = RegisterSet{1} << 13;
constexpr RegisterSet kProgramCounter = RegisterSet{1} << 15;

constexpr std::array<std::string_view, 16> kConditions = {"eq", "ne", "cs", "hs", "cc", "lo", "mi", "pl",
                                                          "vs", "vc", "hi", "ls", "ge", "lt", "gt", "le"};

// Mnemonics without condition, `s` or width suffix. Those absent are ALU operations (or `it`).
const std::unordered_map<std::string_view, InstructionClass>& integer_classes() {
  static const auto* classes = [] {
    auto* map = new std::unordered_map<std::string_view, InstructionClass>;
    const auto add = [&](InstructionClass kind, std::initializer_list<std::string_view> names) {
      for (std::string_view name : names) map->emplace(name, kind);
    };
    add(kLoad, {"ldr", "ldrb", "ldrh", "ldrsb", "ldrsh", "ldrt", "ldrbt", "ldrht", "ldrex", "ldrexb", "ldrexh"});
    add(kStore, {"str", "strb", "strh", "strt", "strbt", "strht", "strex", "strexb", "strexh"});
    add(kLoadMultiple, {"ldrd", "ldm", "ldmia", "ldmdb", "pop"});
    add(kStoreMultiple, {"strd", "stm", "stmia", "stmdb", "push"});
    add(kMultiply, {"mul", "smulbb", "smulbt", "smultb", "smultt", "smulwb", "smulwt", "smmul", "smmulr", "smuad",
                    "smuadx", "smusd", "smusdx", "usad8"});
    add(kMultiplyAccumulate, {"mla", "mls", "smlabb", "smlabt", "smlatb", "smlatt", "smlawb", "smlawt", "smlad",
                              "smladx", "smlsd", "smlsdx", "smmla", "smmlar", "smmls", "usada8"});
    add(kLongMultiply, {"umull", "smull"});
    add(kLongMultiplyAccumulate,
        {"umlal", "smlal", "smlald", "smlaldx", "smlalbb", "smlalbt", "smlaltb", "smlaltt", "smlsld", "umaal"});
    add(kDivide, {"sdiv", "udiv"});
    add(kSimd, {"sadd8",   "sadd16",  "ssub8",  "ssub16", "uadd8",  "uadd16", "usub8", "usub16", "shadd8",
                "uhadd8",  "qadd8",   "qadd16", "qsub8",  "qsub16", "uqadd8", "sel",   "sxtb16", "uxtb16",
                "sxtab16", "uxtab16", "sasx",   "ssax",   "qadd",   "qsub",   "qdadd"});
    add(kShift, {"lsl",   "lsr",  "asr",   "ror",   "rrx",   "ubfx",  "sbfx",  "bfi",   "bfc",
                 "uxtb",  "uxth", "sxtb",  "sxth",  "uxtab", "uxtah", "sxtab", "sxtah", "pkhbt",
                 "pkhtb", "rev",  "rev16", "revsh", "rbit",  "clz",   "ssat",  "usat"});
    add(kBranch, {"b"});
    add(kCall, {"bl"});
    add(kIndirectBranch, {"bx", "blx"});
    add(kCompareBranch, {"cbz", "cbnz", "le", "letp", "wls", "wlstp"});
    add(kTableBranch, {"tbb", "tbh"});
    add(kAlu, {"add", "sub", "adc", "sbc", "rsb",  "mov",  "mvn", "and",  "orr",  "orn", "eor", "bic",
               "cmp", "cmn", "tst", "teq", "movw", "movt", "adr", "addw", "subw", "nop", "neg"});
    return map;
  }();
  return *classes;
}

const std::unordered_map<std::string_view, InstructionClass>& float_classes() {
  static const std::unordered_map<std::string_view, InstructionClass> classes = {{"vldr", kFloatLoad},
                                                                                 {"vldmia", kFloatLoad},
                                                                                 {"vldmdb", kFloatLoad},
                                                                                 {"vpop", kFloatLoad},
                                                                                 {"vstr", kFloatStore},
                                                                                 {"vstmia", kFloatStore},
                                                                                 {"vstmdb", kFloatStore},
                                                                                 {"vpush", kFloatStore},
                                                                                 {"vmov", kFloatMove},
                                                                                 {"vmrs", kFloatMove},
                                                                                 {"vmsr", kFloatMove},
                                                                                 {"vdiv", kFloatDivide},
                                                                                 {"vsqrt", kFloatDivide},
                                                                                 {"vmla", kFloatMultiplyAccumulate},
                                                                                 {"vmls", kFloatMultiplyAccumulate},
                                                                                 {"vnmla", kFloatMultiplyAccumulate},
                                                                                 {"vnmls", kFloatMultiplyAccumulate},
                                                                                 {"vfma", kFloatMultiplyAccumulate},
                                                                                 {"vfms", kFloatMultiplyAccumulate},
                                                                                 {"vfnma", kFloatMultiplyAccumulate},
                                                                                 {"vfnms", kFloatMultiplyAccumulate}};
  return classes;
}

bool is_condition(std::string_view text) {
  return std::find(kConditions.begin(), kConditions.end(), text) != kConditions.end();
}

struct Mnemonic {
  std::string_view base;  // without condition and `s`
  bool conditional = false;
  bool sets_flags = false;
};

template <class Table>
Mnemonic split_mnemonic(std::string_view full, const Table& table) {
  const std::string_view text = full.substr(0, full.find('.'));
  const auto known = [&](std::string_view name) { return table.count(name) > 0; };
  const auto without = [&](size_t n) { return text.substr(0, text.size() - std::min(n, text.size())); };
  if (known(text)) return {text, false, false};
  if (text.size() == 3 && text[0] == 'b' && is_condition(text.substr(1))) return {"b", true, false};
  if (text.ends_with('s') && known(without(1))) return {without(1), false, true};
  if (text.size() > 2 && is_condition(text.substr(text.size() - 2))) {
    if (known(without(2))) return {without(2), true, false};
    if (without(2).ends_with('s') && known(without(3))) return {without(3), true, true};
  }
  return {text, false, false};
}

// 0 if `name` is not a register.
RegisterSet register_bit(std::string_view name) {
  static const std::unordered_map<std::string_view, int> named = {{"sb", 9},  {"sl", 10}, {"fp", 11}, {"ip", 12},
                                                                  {"sp", 13}, {"lr", 14}, {"pc", 15}};
  if (const auto it = named.find(name); it != named.end()) return RegisterSet{1} << it->second;
  int number = 0;
  if (name.size() < 2 || !std::isdigit(static_cast<unsigned char>(name[1]))) return 0;
  const auto [end, error] = std::from_chars(name.data() + 1, name.data() + name.size(), number);
  if (error != std::errc{} || end != name.data() + name.size()) return 0;
  if (name[0] == 'r' && number < 16) return RegisterSet{1} << number;
  if (name[0] == 's' && number < 32) return RegisterSet{1} << (16 + number);
  if (name[0] == 'd' && number < 16) return RegisterSet{3} << (16 + 2 * number);
  return 0;
}

// `q0`..`q7` occur with the vector extension alone; so do its predicates and tail counts.
bool is_vector(std::string_view mnemonic, std::string_view operands) {
  if (mnemonic.starts_with("vpst") || mnemonic.starts_with("vpt") || mnemonic.starts_with("vctp")) return true;
  for (size_t at = operands.find('q'); at != std::string_view::npos; at = operands.find('q', at + 1)) {
    const bool begins = at == 0 || operands[at - 1] == ' ' || operands[at - 1] == '{';
    if (begins && at + 1 < operands.size() && operands[at + 1] >= '0' && operands[at + 1] <= '7') return true;
  }
  return false;
}

bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) || c == '_';
}

// The registers named in `text`, in order; `s16-s18` counts as all three.
std::vector<RegisterSet> registers_in(std::string_view text) {
  std::vector<RegisterSet> found;
  bool range = false;
  for (size_t i = 0; i < text.size();) {
    if (!is_word(text[i])) {
      range = text[i] == '-';
      ++i;
      continue;
    }
    size_t end = i;
    while (end < text.size() && is_word(text[end])) ++end;
    const RegisterSet bit = register_bit(text.substr(i, end - i));
    const int step = text[i] == 'd' ? 2 : 1;
    if (bit && range && !found.empty())
      for (RegisterSet r = found.back() << step; r < bit; r <<= step) found.push_back(r);
    if (bit) found.push_back(bit);
    range = false;
    i = end;
  }
  return found;
}

RegisterSet all_of(std::span<const RegisterSet> registers) {
  RegisterSet set = 0;
  for (RegisterSet r : registers) set |= r;
  return set;
}

std::string_view between(std::string_view text, char open, char close) {
  const size_t begin = text.find(open), end = text.find(close);
  return begin == std::string_view::npos || end == std::string_view::npos ? std::string_view{}
                                                                          : text.substr(begin + 1, end - begin - 1);
}

int operand_count(std::string_view operands) {
  return static_cast<int>(std::count(operands.begin(), operands.end(), ',')) + 1;
}

// Operands split once, for the functions below.
struct Operands {
  std::string_view text;
  std::vector<RegisterSet> registers;  // all, in order
  std::vector<RegisterSet> list;       // inside { }
  RegisterSet first = 0, rest = 0, all = 0;
};

Operands read_operands(std::string_view text) {
  Operands o;
  o.text = text;
  o.registers = registers_in(text);
  o.list = registers_in(between(text, '{', '}'));
  o.all = all_of(o.registers);
  if (!o.registers.empty()) {
    o.first = o.registers[0];
    o.rest = all_of(std::span(o.registers).subspan(1));
  }
  return o;
}

int words_of(RegisterSet set) {
  return std::max(1, __builtin_popcountll(set));
}

void decode_float(Instruction& i, std::string_view base, const Operands& o) {
  const RegisterSet moved = o.list.empty() ? o.first : all_of(o.list);
  switch (i.kind) {
    case kFloatLoad:
      i.registers = words_of(moved);
      i.writes = moved;
      i.reads = i.address_registers;
      break;
    case kFloatStore:
      i.registers = words_of(moved);
      i.reads = moved | i.address_registers;
      break;
    case kFloatMultiplyAccumulate:
      i.writes = o.first;
      i.reads = o.all;
      break;
    default: {
      const bool compares = base == "vcmp" || base == "vcmpe";
      i.writes = compares ? kFloatFlags : o.first;
      i.reads = compares ? o.all : o.rest;
    }
  }
}

void decode_multiple(Instruction& i, std::string_view base, const Operands& o) {
  const bool pair = base == "ldrd" || base == "strd";
  const RegisterSet pointer = base == "pop" || base == "push" ? kStackPointer : pair ? i.address_registers : o.first;
  const RegisterSet moved =
      pair ? all_of(std::span(o.registers).first(std::min<size_t>(2, o.registers.size()))) : all_of(o.list);
  i.registers = words_of(moved);
  i.reads = i.kind == kLoadMultiple ? pointer : moved | pointer;
  i.writes = i.kind == kLoadMultiple ? moved : 0;
  i.writes_pc = (i.writes & kProgramCounter) != 0;
}

// `add r0, r1` reads r0 as well; `mov r0, r1` does not.
bool reads_its_destination(std::string_view base, const Operands& o) {
  static const std::unordered_set<std::string_view> two_operand = {"add", "sub", "and", "orr", "eor", "bic"};
  return base == "bfi" || base == "movt" || (operand_count(o.text) == 2 && two_operand.count(base));
}

bool shifts_an_operand(std::string_view operands) {
  for (std::string_view shift : {"lsl #", "lsr #", "asr #", "ror #"})
    if (operands.find(shift) != std::string_view::npos) return true;
  return false;
}

void decode_alu(Instruction& i, const Mnemonic& mnemonic, const Operands& o) {
  const std::string_view base = mnemonic.base;
  if (base.starts_with("it") && base.find_first_not_of("te", 1) == std::string_view::npos) {
    i.kind = kIt;
    return;
  }
  if (base == "cmp" || base == "cmn" || base == "tst" || base == "teq") {
    i.writes = kFlags;
    i.reads = o.all;
    return;
  }
  if (i.kind == kAlu && shifts_an_operand(o.text)) i.kind = kShift;
  i.writes = o.first | (mnemonic.sets_flags ? kFlags : 0);
  i.reads = reads_its_destination(base, o) ? o.all : o.rest;
  i.writes_pc = o.first == kProgramCounter;
}

void decode_integer(Instruction& i, const Mnemonic& mnemonic, const Operands& o) {
  switch (i.kind) {
    case kLoad:
      i.writes = o.first;
      i.reads = i.address_registers;
      i.writes_pc = o.first == kProgramCounter;
      break;
    case kStore:
    case kIndirectBranch:
    case kTableBranch: i.reads = o.all; break;
    case kLoadMultiple:
    case kStoreMultiple: decode_multiple(i, mnemonic.base, o); break;
    case kCompareBranch: i.reads = o.first; break;
    case kConditionalBranch: i.reads = kFlags; break;
    case kBranch:
    case kCall: break;
    case kLongMultiply:
    case kLongMultiplyAccumulate:
      i.writes = o.first | (o.registers.size() > 1 ? o.registers[1] : 0);
      i.reads = i.kind == kLongMultiplyAccumulate
                    ? o.all
                    : all_of(std::span(o.registers).subspan(std::min<size_t>(2, o.registers.size())));
      break;
    case kMultiply:
    case kMultiplyAccumulate:
    case kDivide:
      i.writes = o.first | (mnemonic.sets_flags ? kFlags : 0);
      i.reads = o.rest;
      break;
    default: decode_alu(i, mnemonic, o);
  }
}

// `8010 <loop>` or `r3, 8010 <loop>`: the address before the symbol.
uint32_t branch_target(std::string_view operands) {
  std::string_view text = operands.substr(0, operands.find('<'));
  if (const size_t comma = text.rfind(','); comma != std::string_view::npos) text.remove_prefix(comma + 1);
  while (text.starts_with(' ')) text.remove_prefix(1);
  uint32_t target = 0;
  std::from_chars(text.data(), text.data() + text.size(), target, 16);
  return target;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front()))) text.remove_prefix(1);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back()))) text.remove_suffix(1);
  return text;
}

// Up to the comment that objdump adds.
std::string_view without_comment(std::string_view operands) {
  return trim(operands.substr(0, operands.find_first_of(";@")));
}

std::string_view next_field(std::string_view& line) {
  const size_t tab = line.find('\t');
  const std::string_view field = line.substr(0, tab);
  line.remove_prefix(tab == std::string_view::npos ? line.size() : tab + 1);
  return field;
}

}  // namespace

std::string_view class_name(InstructionClass kind) {
  constexpr std::string_view names[] = {"alu",
                                        "shift",
                                        "simd",
                                        "it",
                                        "multiply",
                                        "multiply_accumulate",
                                        "long_multiply",
                                        "long_multiply_accumulate",
                                        "divide",
                                        "load",
                                        "store",
                                        "load_multiple",
                                        "store_multiple",
                                        "branch",
                                        "conditional_branch",
                                        "compare_branch",
                                        "call",
                                        "indirect_branch",
                                        "table_branch",
                                        "float_load",
                                        "float_store",
                                        "float_move",
                                        "float_arithmetic",
                                        "float_multiply_accumulate",
                                        "float_divide",
                                        "vector"};
  return names[static_cast<size_t>(kind)];
}

Instruction decode(uint32_t address, int bytes, std::string_view mnemonic, std::string_view operands) {
  Instruction i;
  i.address = address;
  i.bytes = bytes;
  const Operands o = read_operands(without_comment(operands));
  const std::vector<RegisterSet> memory = registers_in(between(o.text, '[', ']'));
  i.address_registers = all_of(memory);
  const bool written_back = o.text.find('!') != std::string_view::npos || o.text.find("],") != std::string_view::npos;
  if (written_back && !memory.empty()) i.base = memory[0];

  if (mnemonic.starts_with('v')) {
    if (is_vector(mnemonic, o.text)) {
      i.kind = kVector;
      return i;
    }
    const Mnemonic split = split_mnemonic(mnemonic, float_classes());
    const auto kind = float_classes().find(split.base);
    i.kind = kind == float_classes().end() ? kFloatArithmetic : kind->second;
    decode_float(i, split.base, o);
    return i;
  }
  const Mnemonic split = split_mnemonic(mnemonic, integer_classes());
  const auto kind = integer_classes().find(split.base);
  i.kind = kind == integer_classes().end() ? kAlu : kind->second;
  if (i.kind == kBranch && split.conditional) i.kind = kConditionalBranch;
  if (i.kind == kBranch || i.kind == kConditionalBranch || i.kind == kCall || i.kind == kCompareBranch)
    i.target = branch_target(o.text);
  decode_integer(i, split, o);
  return i;
}

// Lines of code: `    8010:\tb510      \tpush\t{r4, lr}`; two half-words for a 32-bit instruction.
Disassembly parse_disassembly(std::string_view text) {
  Disassembly code;
  while (!text.empty()) {
    const size_t newline = text.find('\n');
    std::string_view line = text.substr(0, newline);
    text.remove_prefix(newline == std::string_view::npos ? text.size() : newline + 1);
    const std::string_view place = trim(next_field(line));
    if (!place.ends_with(':')) continue;
    uint32_t address = 0;
    const auto [end, error] = std::from_chars(place.data(), place.data() + place.size() - 1, address, 16);
    if (error != std::errc{} || *end != ':') continue;
    const std::string_view raw = next_field(line), mnemonic = trim(next_field(line));
    // binutils 2.40 does not know the conditional selects of Armv8.1-M; they are ALU operations.
    const bool unknown = mnemonic.empty() && line.find("<UNDEFINED>") != std::string_view::npos;
    if ((mnemonic.empty() && !unknown) || mnemonic.starts_with('.')) continue;
    if (unknown) line = {};
    const auto digits = std::count_if(raw.begin(), raw.end(), [](unsigned char c) { return std::isxdigit(c); });
    code.emplace(address, decode(address, static_cast<int>(digits / 2), mnemonic, line));
  }
  return code;
}

}  // namespace bitwright
