// deploy/symbol_rules.h: what an emitted package must not pull into a firmware.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace bitwright {

// Of the functions of a linked package, those that no inference needs: memory from a heap, files and the console, ways
// to end the program, and the helpers of floating point of a core without it. Helpers for `float` are allowed where a
// layer computes in it, which is where a kernel's name says f32 (bw_add_f32, bw_conv2d_a8w8_to_f32, bw_conv2d_wf32,
// with or without a suffix); those for `double` never are. Sorted.
std::vector<std::string> forbidden_functions(const std::set<std::string>& functions);

// Whether a layer computes in float.
bool has_float_kernel(const std::set<std::string>& functions);

}  // namespace bitwright
