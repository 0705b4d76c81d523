// core/io/limits_yaml.h: what a study's candidates must and should not exceed, held against its boards.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/io/config_reader.h"
#include "core/study.h"

namespace bitwright {

// The sections duty_cycle and limits, and the list of objectives. study.board and study.further_boards were read
// before, and limits.ram_bank moves the bank that it names to the front of each.
void visit_duty_cycle(Fields& fields, Study& study);
void visit_limits(Fields& fields, Study& study);
void visit_objectives(Fields& fields, Study& study);

// `95 %` or `0.95`, above 0; the word `none` is 0.
Codec<double> share();

// What follows: of a single board a limit that is not given is the board's; what has a soft limit is an objective.
void complete_limits(Study& study);

}  // namespace bitwright
