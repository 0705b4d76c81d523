// experiments/limits_text.h: the limits of a study in a line.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "core/study.h"

namespace bitwright {

// "  flash <= 32.0 KiB  ram <= 20.0 KiB of 64.0 KiB  accuracy >= 95.00 %  soft: latency <= 5.0 ms"; empty without any.
std::string limits_text(const Study& study);

// "nucleo-l476rg", "nucleo-l476rg and nucleo-f411re", "a, b and c".
std::string board_names_text(const Study& study);

// Whose figures stand where a trial has one of each kind: "nucleo-l476rg", of several boards "the worst of a and b".
std::string figures_of_text(const Study& study);

}  // namespace bitwright
