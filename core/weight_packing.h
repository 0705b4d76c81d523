// core/weight_packing.h: weights in exactly the order that each C kernel reads them.
//
// Rows of whole 32-bit words, an output channel each; weights of a row in the order [row][column][in], zeros behind the
// last. By the weights' type in the kernel's name (deploy/runtime, the header named):
//   atw1        bits: weight i is bit i % 32 of word i / 32, 1 for +1
//   a1w1        the same, folded: of the first words % 4 words and then of every four, the sums modulo 2 that a full
//   adder
//               of mismatches needs (bw_fold_bits)
//   a1wt        the number of weights that are not 0, then as atwt
//   atwt        planes: word 2j "not 0", word 2j + 1 "+1" of weights 32j..32j+31
//   a8w1        bits: weight i is bit 8 (i % 4) + 7 - i / 4 % 8 of word i / 32 (bw_accumulate_bytes.h)
//   a16w1       bits: weight i is bit 16 (i / 2 % 2) + 2 (i / 4 % 8) + i % 2 of word i / 32 (bw_convolve_a16w1.h)
//   a16w8, w4, w2   codes of 8 bits, or 4 or 2 counted from the smallest, in the order of bw_accumulate_halves.h
// Polynomials (bw_conv2d_poly.h): [pair of channels][kernel row][in, to a multiple of 8][channel of the pair], the taps
// of a kernel row in slots, the last tap lowest; a channel with more ones than zeros is complemented.
// ... of 2-bit codes (bw_conv2d_poly2.h): the same with the weights as signed digits; none is complemented.
// conv2d_a16w8_few: rows of a word for what sums start from, here 0, and three of two halves each.
// depthwise_a1w1 (bw_depthwise_bits.h): [group of 32 channels][row][column], a channel a bit.
// depthwise_a8w8, a16w8 (bw_depthwise.h): [group of four channels][row][column][channel of the group] as bytes, zeros
// in the place of channels that are not there. All other kernels: packed without gaps (core/packing.h).
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/kernel.h"

namespace bitwright {

// codes: [out][row][column][in]; of a depthwise convolution [channel][row][column]. weight_bytes(...) / 4 words.
std::vector<uint32_t> pack_weights(std::span<const int8_t> codes, const std::string& kernel,
                                   const KernelGeometry& geometry, Format format);

// What a channel of a polynomial kernel of 2-bit codes, `row` its weights, starts a block's sums from: three times its
// negative weights in every slot that is not carried to, and what the highest code, stored less 2, leaves out.
uint64_t poly2_start(std::span<const int8_t> row, const KernelGeometry& geometry, const PolyLayout& layout);
// Three times a channel's negative weights, as a positive number.
int32_t poly2_bias(std::span<const int8_t> row);

// True for a channel (its binary weights) that the polynomial kernels store complemented.
bool is_complemented(std::span<const int8_t> row);

}  // namespace bitwright
