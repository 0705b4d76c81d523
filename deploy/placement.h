// deploy/placement.h: which weights and tables lie in RAM instead of flash, so that their reads do not wait.
//
// Flash of `wait_states` gives `read_bytes` at once and the core waits that many cycles for every such word that it did
// not just read. A kernel runs over an array as a whole, again and again: an array of b bytes that is passed over r
// times an inference costs r * ceil(b / read_bytes) * wait_states cycles. Arrays of two rows that a kernel reads side
// by side count as if they were read one after the other, and a data cache as one that holds nothing from pass to pass,
// which is so where more than the cache's size is read in between (those of flash interfaces have some hundred bytes).
// Held against a simulation of the bearing network with such a cache, 5 wait states and 64-bit reads: 24 k cycles for
// 38 KB of a dense layer, as simulated; for 4 KiB of a convolution, if each of its 120 blocks of five columns passes
// over them, 307 k, 315 k simulated.
// Wait states and width scale all values alike, but for the last word: the choice hardly depends on them.
// Descriptors (bw_layer and epilogues, at most 72 bytes a layer) stay in flash.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace bitwright {

struct Constant;
struct LoweredOp;
struct Program;

struct FlashTiming {
  int wait_states = 0;
  int read_bytes = 8;
};

struct PlacedConstant {
  int layer = 0;       // index in the network
  std::string suffix;  // of the Constant
  int64_t bytes = 0;
  int64_t passes = 0;        // over the array, in an inference
  int64_t stall_cycles = 0;  // that they would wait for flash
};

struct ConstantPlacement {
  FlashTiming flash;
  int64_t budget_bytes = 0;
  std::vector<PlacedConstant> constants;  // those in RAM, in the order of layers
  int64_t stall_cycles_before = 0;        // of all constants, were they all in flash

  bool holds(int layer, std::string_view suffix) const;
  int64_t bytes() const;
  int64_t stall_cycles() const;  // saved in an inference
};

// How often an inference passes over a constant of the layer: once for each window, pair of windows, tile or pixel, as
// its kernel does.
int64_t constant_passes(const Program& program, const LoweredOp& op, const Constant& constant);

// The constants that together save most stall cycles in at most `budget_bytes` of RAM (deploy/knapsack.h); none where
// flash has no wait states.
ConstantPlacement place_constants(const Program& program, const FlashTiming& flash, int64_t budget_bytes);

}  // namespace bitwright
