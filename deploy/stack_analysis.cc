// SPDX-License-Identifier: Apache-2.0
#include "deploy/stack_analysis.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <sstream>
#include <stdexcept>

namespace bitwright {
namespace {

std::string_view trim(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\r"), end = text.find_last_not_of(" \t\r");
  return begin == std::string_view::npos ? std::string_view{} : text.substr(begin, end - begin + 1);
}

// ---- One line of a disassembly

struct Line {
  uint32_t address = 0;
  std::string_view mnemonic;  // without width: `b`, not `b.w`
  std::string_view operands;
};

std::optional<uint32_t> hex(std::string_view text) {
  uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// `00008010 <dot>:`
std::optional<std::pair<uint32_t, std::string>> function_header(std::string_view line) {
  const size_t open = line.find(" <");
  if (open == std::string_view::npos || !line.ends_with(">:")) return std::nullopt;
  const auto address = hex(line.substr(0, open));
  if (!address) return std::nullopt;
  return std::pair{*address, std::string(line.substr(open + 2, line.size() - open - 4))};
}

// `    8010:<tab>b510      <tab>push<tab>{r4, lr}`
std::optional<Line> instruction(std::string_view line) {
  std::vector<std::string_view> fields;
  for (size_t begin = 0; fields.size() < 3;) {
    const size_t tab = line.find('\t', begin);
    fields.push_back(trim(line.substr(begin, tab - begin)));
    if (tab == std::string_view::npos) break;
    begin = tab + 1;
    if (fields.size() == 3) fields.push_back(trim(line.substr(begin)));
  }
  if (fields.size() < 3 || !fields[0].ends_with(':') || fields[2].starts_with('.')) return std::nullopt;
  const auto address = hex(fields[0].substr(0, fields[0].size() - 1));
  if (!address) return std::nullopt;
  const std::string_view operands =
      fields.size() > 3 ? fields[3].substr(0, fields[3].find_first_of(";@")) : std::string_view{};
  return Line{*address, fields[2].substr(0, fields[2].find('.')), trim(operands)};
}

// The address before the symbol in `r3, 8010 <dot+0x4>`.
std::optional<uint32_t> target_address(std::string_view operands) {
  const size_t symbol = operands.find('<');
  if (symbol == std::string_view::npos) return std::nullopt;
  std::string_view text = trim(operands.substr(0, symbol));
  const size_t blank = text.find_last_of(" ,\t");
  return hex(blank == std::string_view::npos ? text : text.substr(blank + 1));
}

// Jumps and calls to a place that stands in the instruction, of either instruction set. Loads also name a symbol.
bool is_direct_branch(std::string_view mnemonic) {
  static const std::set<std::string_view> others = {"cbz", "cbnz", "j",    "jal", "jalr",
                                                    "jr",  "le",   "letp", "wls", "wlstp"};
  if (mnemonic.starts_with("bf") || mnemonic.starts_with("bic") || mnemonic.starts_with("bkpt")) return false;
  return mnemonic.starts_with('b') || others.count(mnemonic) > 0;
}

// What stands between functions to align them.
bool is_padding(const Line& line) {
  return line.mnemonic == "nop" || line.operands == "r0, r0" || line.operands == "r8, r8";
}

// After which the next instruction is not reached from this one.
bool ends_flow(const Line& line) {
  const std::string_view m = line.mnemonic, o = line.operands;
  if (m == "b" || m == "bx" || m == "j" || m == "jr" || m == "ret" || m == "udf" || m == "tbb" || m == "tbh")
    return true;
  const bool to_pc = o.find("pc") != std::string_view::npos;
  return ((m == "pop" || m.starts_with("ldm")) && to_pc) || ((m == "ldr" || m == "mov") && o.starts_with("pc,"));
}

bool is_register(std::string_view text) {
  return text.size() >= 2 && text.find_first_of(" <(,") == std::string_view::npos && !text.starts_with('#');
}

// A return is `bx lr`; RISC-V's `jr` is also how a switch jumps, so that calls alone count there.
bool calls_pointer(const Line& line) {
  const std::string_view m = line.mnemonic, o = line.operands;
  if (m == "blx" || m == "jalr") return is_register(o);
  return m.starts_with("bx") && o != "lr";
}

// ---- What an instruction takes of the stack

// Registers in `{r4, r5-r7, lr}`, ranges counted out.
int64_t registers_in_list(std::string_view operands) {
  const size_t open = operands.find('{'), close = operands.find('}');
  if (open == std::string_view::npos || close == std::string_view::npos) return 0;
  std::istringstream items{std::string(operands.substr(open + 1, close - open - 1))};
  int64_t count = 0;
  for (std::string item; std::getline(items, item, ',');) {
    const std::string_view text = trim(item);
    const size_t dash = text.find('-');
    int first = 0, last = 0;
    if (dash != std::string_view::npos) {
      std::from_chars(text.data() + 1, text.data() + dash, first);
      std::from_chars(text.data() + dash + 2, text.data() + text.size(), last);
    }
    count += last - first + 1;
  }
  return count;
}

// The number in `sp, #24`, `sp, sp, #24`, `sp, sp, -32`, `[sp, #-8]!`; nothing where a register stands in its place.
std::optional<int64_t> last_number(std::string_view operands) {
  const size_t comma = operands.rfind(',');
  std::string_view text = trim(operands.substr(comma == std::string_view::npos ? 0 : comma + 1));
  if (text.starts_with('#')) text.remove_prefix(1);
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || (end != text.data() + text.size() && *end != ']')) return std::nullopt;
  return value;
}

void take_stack(const Line& line, CalledFunction& function) {
  const std::string_view m = line.mnemonic, o = line.operands;
  const bool of_doubles = o.find("{d") != std::string_view::npos;
  const bool stores_down = m == "push" || (m.starts_with("stmdb") && o.starts_with("sp!"));
  if (stores_down || m == "vpush" || (m == "vstmdb" && o.starts_with("sp!")))
    function.pushed_bytes += (of_doubles ? 8 : 4) * registers_in_list(o);
  const bool to_sp = o.starts_with("sp,");
  const bool subtracts = to_sp && m.starts_with("sub"), adds = to_sp && m.starts_with("add");
  const bool stores_before = m.starts_with("str") && o.ends_with("]!") && o.find("[sp") != std::string_view::npos;
  if (subtracts || adds || stores_before) {
    const auto number = last_number(o);
    if (!number) function.moves_stack_freely = true;
    const int64_t taken = number ? (subtracts ? *number : -*number) : 0;
    function.pushed_bytes += std::max<int64_t>(taken, 0);
  }
  if (to_sp && (m == "mov" || m == "msr" || m == "bic")) function.moves_stack_freely = true;
}

// ---- The graph

struct Body {
  CalledFunction function;
  std::set<uint32_t> jumps, calls;  // to addresses anywhere
  bool goes_on = false;             // past its last instruction, into what stands behind
};

void read_instruction(const Line& line, Body& body) {
  take_stack(line, body.function);
  if (calls_pointer(line)) body.function.calls_pointers = true;
  if (const auto target = target_address(line.operands); target && is_direct_branch(line.mnemonic))
    (is_call(line.mnemonic) ? body.calls : body.jumps).insert(*target);
  // A call at the very end does not come back.
  if (!is_padding(line)) body.goes_on = !ends_flow(line) && !is_call(line.mnemonic);
}

std::map<uint32_t, Body> read_bodies(std::string_view disassembly) {
  std::map<uint32_t, Body> bodies;
  Body* body = nullptr;
  while (!disassembly.empty()) {
    const size_t newline = disassembly.find('\n');
    const std::string_view line = disassembly.substr(0, newline);
    disassembly.remove_prefix(newline == std::string_view::npos ? disassembly.size() : newline + 1);
    if (const auto header = function_header(line)) {
      body = &bodies[header->first];
      body->function.name = header->second;
      continue;
    }
    if (const auto read = instruction(line); read && body) read_instruction(*read, *body);
  }
  return bodies;
}

// A label in the middle of assembler looks like a function of its own; what runs into it is one function with it.
void join_labels(std::map<uint32_t, Body>& bodies) {
  for (auto it = bodies.begin(); it != bodies.end();) {
    const auto next = std::next(it);
    if (next == bodies.end() || !it->second.goes_on) {
      ++it;
      continue;
    }
    Body &whole = it->second, &part = next->second;
    whole.function.pushed_bytes += part.function.pushed_bytes;
    whole.function.moves_stack_freely |= part.function.moves_stack_freely;
    whole.function.calls_pointers |= part.function.calls_pointers;
    whole.jumps.merge(part.jumps);
    whole.calls.merge(part.calls);
    whole.goes_on = part.goes_on;
    bodies.erase(next);
  }
}

// Of a clone the compiler may give the original's name alone: `add.part.0` is then `add`.
const Frame* find_frame(const Frames& frames, const std::string& name) {
  auto it = frames.find(name);
  if (it == frames.end()) it = frames.find(name.substr(0, name.find('.')));
  return it == frames.end() ? nullptr : &it->second;
}

class Bounding {
 public:
  Bounding(const CallGraph& graph, const Frames& frames) : graph_(graph), frames_(frames) {}

  StackBound from(uint32_t root) {
    visit(root);
    bound_.bytes = deepest_.at(root).bytes;
    for (std::optional<uint32_t> at = root; at; at = deepest_.at(*at).callee)
      bound_.path.push_back(graph_.at(*at).name);
    return bound_;
  }

 private:
  struct Deepest {
    int64_t bytes = 0;
    std::optional<uint32_t> callee;  // through which it is reached
  };

  void visit(uint32_t address) {
    if (deepest_.count(address)) return;
    const CalledFunction& function = graph_.at(address);
    callers_.push_back(address);
    Deepest below;
    for (uint32_t callee : function.calls)
      if (can_call(callee)) {
        visit(callee);
        if (deepest_.at(callee).bytes > below.bytes) below = {deepest_.at(callee).bytes, callee};
      }
    callers_.pop_back();
    below.bytes += frame_of(function);
    deepest_[address] = below;
  }

  bool can_call(uint32_t callee) {
    if (!graph_.count(callee)) {
      bound_.problems.push_back(
          fmt::format("{} calls {:#x}, which the program does not hold", name(callers_.back()), callee));
      return false;
    }
    const auto begin = std::find(callers_.begin(), callers_.end(), callee);
    if (begin == callers_.end()) return true;
    std::string cycle;
    for (auto it = begin; it != callers_.end(); ++it) cycle += name(*it) + " > ";
    bound_.problems.push_back("recursion: " + cycle + name(callee));
    return false;
  }

  int64_t frame_of(const CalledFunction& function) {
    const Frame* frame = find_frame(frames_, function.name);
    if (function.calls_pointers) bound_.problems.push_back(function.name + " calls through a pointer");
    if (frame ? frame->dynamic : function.moves_stack_freely)
      bound_.problems.push_back(function.name + " takes an amount of stack that depends on data");
    return std::max(frame ? frame->bytes : 0, function.pushed_bytes);
  }

  const std::string& name(uint32_t address) const { return graph_.at(address).name; }

  const CallGraph& graph_;
  const Frames& frames_;
  std::map<uint32_t, Deepest> deepest_;
  std::vector<uint32_t> callers_;
  StackBound bound_;
};

}  // namespace

void read_stack_usage(std::string_view text, Frames& frames) {
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) {
    const size_t first = line.find('\t'), second = line.find('\t', first + 1);
    const size_t colon = line.rfind(':', first);
    if (first == std::string::npos || second == std::string::npos || colon == std::string::npos)
      throw std::runtime_error(fmt::format("stack usage: cannot read `{}`", line));
    Frame& frame = frames[line.substr(colon + 1, first - colon - 1)];
    frame.bytes = std::max<int64_t>(frame.bytes, std::stoll(line.substr(first + 1)));
    frame.dynamic |= line.substr(second + 1) == "dynamic";  // `dynamic,bounded` has a bound: `bytes`
  }
}

CallGraph read_call_graph(std::string_view disassembly) {
  std::map<uint32_t, Body> bodies = read_bodies(disassembly);
  join_labels(bodies);
  CallGraph graph;
  // The function that an address lies in.
  const auto holder = [&](uint32_t target) {
    const auto after = bodies.upper_bound(target);
    return after == bodies.begin() ? target : std::prev(after)->first;
  };
  for (auto& [address, body] : bodies) {
    CalledFunction& function = graph[address] = std::move(body.function);
    for (uint32_t target : body.jumps)
      if (holder(target) != address) function.calls.insert(holder(target));
    // A `bl` into the middle of its own function is a jump: one far away, as Armv6-M has no other.
    for (uint32_t target : body.calls)
      if (holder(target) != address || target == address) function.calls.insert(holder(target));
  }
  return graph;
}

StackBound bound_stack(const CallGraph& graph, const Frames& frames, std::string_view root) {
  for (const auto& [address, function] : graph)
    if (function.name == root) return Bounding(graph, frames).from(address);
  throw std::runtime_error(fmt::format("stack: no function {}", root));
}

StackBound bound_stacks(const CallGraph& graph, const Frames& frames, const std::vector<std::string>& roots) {
  StackBound deepest;
  for (const std::string& root : roots) {
    StackBound bound = bound_stack(graph, frames, root);
    std::vector<std::string> problems = std::move(deepest.problems);
    problems.insert(problems.end(), bound.problems.begin(), bound.problems.end());
    if (bound.bytes >= deepest.bytes) deepest = std::move(bound);
    deepest.problems = std::move(problems);
  }
  return deepest;
}

bool is_call(std::string_view mnemonic) {
  static const std::set<std::string_view> conditions = {"eq", "ne", "cs", "cc", "mi", "pl", "vs",
                                                        "vc", "hi", "ls", "ge", "lt", "gt", "le"};
  if (mnemonic == "bl" || mnemonic == "blx" || mnemonic == "jal" || mnemonic == "jalr") return true;
  return mnemonic.starts_with("bl") && conditions.count(mnemonic.substr(2)) > 0;
}

}  // namespace bitwright
