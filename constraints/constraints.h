// constraints/constraints.h: what a candidate must be and must not exceed, each answering with Violations.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "core/board.h"
#include "core/estimates.h"
#include "core/network.h"

namespace bitwright {

inline constexpr int kMaxLayers = 64;

// Rules that hold on every board: at most kMaxLayers layers, shapes and formats that close (both "structure"), a
// kernel for every layer ("kernel"). Answers with the first that is broken: the others would not make sense. Its
// value is the number by which it is broken where it has one, else 1.
std::vector<Violation> check_structure(const Network& network);

// Limits of the study and of the board, in the order flash, ram, memory, latency, energy, macs. A limit of 0 is none,
// but the board's flash and its first RAM bank (which holds arena and stack) always are, and so is, for flash and ram
// together, the memory that they share ("memory"). An energy limit on a board without a current figure is a violation:
// it cannot be shown to hold.
std::vector<Violation> check_budgets(const Estimates& estimates, const Limits& limits, const Board& board);

}  // namespace bitwright
