// deploy/emit_specialized.h: kernels compiled for one layer each: docs/adr/0022-specialised-packages.md.
//
// A kernel that few layers of a model use is included, its functions static, by units that hold a layer's constants
// each: NAME_LAYER_KERNEL.c. It defines one function for NAME.c, void NAME_LAYER_KERNEL(arena), in streams
// (arena, run), and another for the sum over its constants.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "deploy/lower.h"
#include "deploy/templates.h"

namespace bitwright {

// Layers whose kernel at most so many layers use.
std::set<int> specialized_layers(const Program& program, int most_layers);

// "bearing_conv1_conv2d_a1w1", of a layer in specialized_layers().
std::string unit_name(const Program& program, const LoweredOp& op);

// Of a stream that ends in the sums of this layer: the function that makes them outputs.
std::string finish_name(const Program& program, const LoweredOp& op);

// The units and NAME_units.h with the declarations of what they define. File name -> text.
std::map<std::string, std::string> emit_units(const Program& program, const std::set<int>& specialized,
                                              const Values& values);

// Whether it is a bw_NAME_inline.h, and the file that it is made of, bw_NAME.c; the file itself of others.
bool is_inline(const std::string& file);
std::string source_of(const std::string& file);

// Files of the runtime that kernels need where they are included: "bw_NAME.h", and "bw_NAME_inline.h" for what is made
// of bw_NAME.c. roots: files, of which the closure of includes is taken; to_float: the BW_SPECIALIZED_F32 ones, too.
std::set<std::string> included_files(const std::vector<std::string>& roots, bool to_float);

}  // namespace bitwright
