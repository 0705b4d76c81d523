// experiments/timing_points/timing_point.h: a speed that somebody measured on silicon, with what the measured program
// executes, to hold the tables of deploy/timing.h against. Stored as data, configs/timing_points/NAME.txt: of each
// stretch of code how often it ran, and of each instruction only what the tables read. Of a program nothing else is
// kept: no mnemonic, constant, address or symbol, and registers are numbered anew in every stretch.
//
// A file is lines of KEY VALUE...; `#` starts a comment.
//   name, board, core, source, program   text; source: where the speed was published, program: what was compiled, how
//   clock_hz N   inferences_per_s N      published
//   flash WAIT_STATES READ_BYTES PREFETCH LINES LINE_BYTES WAYS LINES LINE_BYTES WAYS   deploy/flash_model.h:
//                                        instructions, then data; absent: nothing ever waits
//   memory MISSES SEQUENTIAL DATA_MISSES LOADS UNALIGNED     counted with that flash
//   omitted STRETCHES INSTRUCTIONS CYCLES                    left out, of the share stated in docs/timing.md
//   i CLASS BYTES READS WRITES [ADDRESS [BASE [WORDS [PC]]]] an instruction; the first is number 0. Register sets are
//                                                            hex, one bit each, BASE the one written back; WORDS moved
//                                                            (1); PC: 1 if it writes it
//   s EXECUTIONS TAKEN OFF_WORD INSTRUCTION...               a stretch; TAKEN of EXECUTIONS took its last branch
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "deploy/timing.h"

namespace bitwright {

struct TimingPoint {
  std::string name, board, core, source, program;
  int64_t clock_hz = 0;
  double inferences_per_s = 0.0;
  std::optional<FlashModel> flash;
  MemoryCounts memory;
  int64_t omitted_stretches = 0;
  double omitted_instructions = 0.0, omitted_cycles = 0.0;
  std::vector<Stretch> stretches;  // addresses and targets are 0
};

// Throws ConfigError, naming `place` and the line.
TimingPoint parse_timing_point(std::string_view text, const std::string& place);
std::string timing_point_text(const TimingPoint& point);

// The same stretches without addresses, registers numbered by first appearance in each, equal ones summed up; the most
// expensive first. Costs the same on every core whose cycles are linear in the share of branches taken: all but the M7.
std::vector<Stretch> anonymous(const std::vector<Stretch>& stretches);

// Leaves out the cheapest stretches, up to `share` of the point's cycles, and notes them in `omitted_...`.
void shorten(TimingPoint& point, double share);

}  // namespace bitwright
