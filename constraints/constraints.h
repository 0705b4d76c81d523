// constraints/constraints.h: what a candidate must be and must not exceed, each answering with Violations.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
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

// Limits of the study and of the board, in the order flash, ram, memory, latency, energy, macs, params, average_power,
// duty_cycle. A limit of 0 is none, but the board's flash and its first RAM bank (which holds arena and stack) always
// are, and so is, for flash and ram together, the memory that they share ("memory"). A limit on energy is a violation
// where the board's file lacks a figure that it takes, and so is one on the average power of a duty cycle: it cannot be
// shown to hold. The inferences of a duty cycle must fit an hour: the value of "duty_cycle" is the latency, its limit
// the time that each of them has.
std::vector<Violation> check_budgets(const Estimates& estimates, const Limits& limits, const Board& board,
                                     const DutyCycle& duty = {});

// The same of every board; of several, which stand in Estimates::boards, each message begins with its board's name.
std::vector<Violation> check_budgets(const Estimates& estimates, const Limits& limits, const std::vector<Board>& boards,
                                     const DutyCycle& duty = {});

// A cost in the unit of its rule, as messages write it: "11.8 KiB", "14.1 ms".
std::string amount_text(const std::string& rule, double value);
// Of several: to the last byte, or digit, where two that differ would read alike.
std::vector<std::string> amount_texts(const std::string& rule, const std::vector<double>& values);

// How far beyond its limit, as a share of it; 1 where the rule is not one of amounts.
double overshoot(const Violation& violation);

// Of each rule the violation of largest overshoot, in the order in which rules come first.
std::vector<Violation> worst_by_rule(const std::vector<Violation>& violations);

}  // namespace bitwright
