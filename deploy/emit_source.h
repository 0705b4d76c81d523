// deploy/emit_source.h: the data and the calls of a program as C text: what stands in NAME.c between its head and the
// functions of its interface (deploy/package/model.c.in).
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <set>
#include <string>
#include <vector>

#include "deploy/lower.h"

namespace bitwright {

// Every layer's comment and data, then `static void run_layers(uint32_t *arena)`, which calls the kernels in order.
// specialized: layers that lie with their kernel in a unit of their own (deploy/emit_specialized.h).
// Uses of the package's macros: BW_WEIGHTS before an array, BW_FAST_WEIGHTS before one in RAM, NAME_PROFILE_ENTER(layer) and _LEAVE(layer) around a call.
std::string emit_layers(const Program& program, const std::set<int>& specialized = {});

// The pieces, for tests.
// One value as a C literal of a Constant's type.
std::string literal(int64_t value, const std::string& type);
// "QUALIFIERS TYPE NAME[N] = {...};", lines of at most 110 columns.
std::string emit_array(const std::string& name, const Constant& constant,
                       const std::string& qualifiers = "static const");
// The comment above a layer's data.
std::string emit_layer_comment(const Program& program, const LoweredOp& op);
// The layer's arrays and descriptors; without its bw_layer unless `descriptor`.
std::string emit_layer(const Program& program, const LoweredOp& op, bool descriptor = true);
// ".in_c = 32", ".weights = conv1_weights", ...: the fields of a descriptor.
std::vector<std::string> initializers(const std::string& layer, const LoweredOp& op, const std::vector<Field>& fields);
// Initializers separated by commas, in lines of at most 110 columns that start with `indent` spaces.
std::string wrapped(const std::vector<std::string>& items, int indent = 4);
// "    bw_conv2d_a1w1(&conv1_layer, &conv1_epilogue, &arena[0], &arena[149]);"
std::string emit_call(const Program& program, const LoweredOp& op);
// The sums of a stream's last stage, a Dense, become its outputs.
std::string emit_finish_sums(const Program& program, const LoweredOp& op);
// "    crc = bw_crc32(crc, conv1_weights, sizeof conv1_weights);", a line an array.
std::string emit_crc_calls(const Program& program, const LoweredOp& op);

// Shortest decimal that reads back as the same float, as a C literal.
std::string float_literal(float value);

}  // namespace bitwright
