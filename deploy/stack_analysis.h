// deploy/stack_analysis.h: the deepest stack that a function can take, whatever its data: frames added up along the
// call graph.
//
// A frame is what the compiler says of it (-fstack-usage) or what the function's own instructions push, whichever is
// more; of functions of the library, which the compiler says nothing of, the latter alone. Calls are read from the
// disassembly of the linked program, so that they hold for every compiler and for assembler. A jump to another function
// counts as a call of it, although the caller's frame is gone by then: the bound is never too small, and seldom tight
// where a function ends in a call.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace bitwright {

struct Frame {
  int64_t bytes = 0;
  bool dynamic = false;  // also takes what depends on data: an array of variable length, alloca
  bool operator==(const Frame&) const = default;
};
// By the function's name; the largest where several files have a function of that name.
using Frames = std::map<std::string, Frame>;

// Adds what a .su file says: `file.c:31:6:name<tab>24<tab>static`. Throws std::runtime_error on another line.
void read_stack_usage(std::string_view text, Frames& frames);

struct CalledFunction {
  std::string name;
  std::set<uint32_t> calls;  // addresses of functions
  int64_t pushed_bytes = 0;
  bool moves_stack_freely = false;  // by an amount that a register holds
  bool calls_pointers = false;
};
using CallGraph = std::map<uint32_t, CalledFunction>;  // by address

// Reads what objdump -d prints of a program for Cortex-M or RISC-V.
CallGraph read_call_graph(std::string_view disassembly);

struct StackBound {
  int64_t bytes = 0;
  std::vector<std::string> path;      // the functions that stand on the stack where it is deepest, the root first
  std::vector<std::string> problems;  // why the bound does not hold, a line each; empty: it holds
};

// Throws std::runtime_error if no function is called `root`.
StackBound bound_stack(const CallGraph& graph, const Frames& frames, std::string_view root);
// The deepest of several, with the problems of all.
StackBound bound_stacks(const CallGraph& graph, const Frames& frames, const std::vector<std::string>& roots);

// Whether the instruction comes back to the next one: `bl` and `blx`, in an IT block with a condition behind, `bleq`;
// but `ble` and RISC-V's `bltu` are jumps.
bool is_call(std::string_view mnemonic);

}  // namespace bitwright
