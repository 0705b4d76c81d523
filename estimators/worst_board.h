// estimators/worst_board.h: what a candidate costs where it must run on several boards.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "core/estimates.h"

namespace bitwright {

// Of one board its figures as they are. Of several the worst of each quantity, with its parts from the same board:
// flash with code and constants; RAM with arena and stack; latency with cycles, instructions and layers; energy and
// average power, unknown (0) where one board's are. Each board's own stand in Estimates::boards. Not empty.
Estimates worst_board(std::vector<Estimates> boards);

}  // namespace bitwright
