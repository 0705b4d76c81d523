// experiments/interrupts.h: Ctrl-C as a wish that loops look for, so that they can clean up.
// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace bitwright {

// From now on SIGINT and SIGTERM are counted; the third ends the program at once, as resumable.
void catch_interrupts();
int interrupts();

}  // namespace bitwright
