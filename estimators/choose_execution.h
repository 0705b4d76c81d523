// estimators/choose_execution.h: whether a network runs layer by layer or as a stream, where that is left open.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/board.h"
#include "core/execution.h"

namespace bitwright {

// What was asked for; of kAuto the faster that keeps within limits, board and duty cycle: layers, else a stream. Where
// neither does, that which takes less RAM. Layers on a core without a cost table.
Execution choose_execution(const Network& network, const Board& board, const Limits& limits, Execution asked,
                           const DutyCycle& duty = {});

}  // namespace bitwright
