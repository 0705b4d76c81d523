// SPDX-License-Identifier: Apache-2.0
#include "core/weight_packing.h"

#include <algorithm>
#include <numeric>

#include "core/check.h"
#include "core/packing.h"

namespace bitwright {
namespace {

using Row = std::span<const int8_t>;
using Words = std::vector<uint32_t>;

Words bits(Row row) {
  Words words((row.size() + 31) / 32);
  for (size_t i = 0; i < row.size(); ++i) words[i / 32] |= uint32_t{row[i] > 0} << (i % 32);
  return words;
}

// Up to four words as full adders take them: bw_fold_bits.
void fold(const uint32_t* w, size_t count, uint32_t* out) {
  switch (count) {
    case 1: out[0] = w[0]; break;
    case 2: out[0] = w[0], out[1] = w[0] ^ w[1]; break;
    case 3: out[0] = w[0], out[1] = w[0] ^ w[1], out[2] = w[1] ^ w[2]; break;
    case 4: out[0] = w[0] ^ w[1], out[1] = w[0] ^ w[2], out[2] = out[0] ^ w[2], out[3] = out[2] ^ w[3]; break;
    default: break;
  }
}

Words folded(const Words& words) {
  Words out(words.size());
  size_t i = words.size() % 4;
  fold(words.data(), i, out.data());
  for (; i < words.size(); i += 4) fold(&words[i], 4, &out[i]);
  return out;
}

Words counted_planes(Row row) {
  Words words = pack_planes(row);
  const auto kept = std::count_if(row.begin(), row.end(), [](int8_t code) { return code != 0; });
  words.insert(words.begin(), static_cast<uint32_t>(kept));
  return words;
}

// Codes of 8, 4 or 2 bits; those below 8 as offsets from the smallest: bw_accumulate_halves.h.
Words halves(Row row, size_t bits) {
  const size_t per_word = 32 / bits;
  const int32_t offset = bits == 8 ? 0 : 1 << (bits - 1);
  Words words((row.size() + per_word - 1) / per_word);
  for (size_t i = 0; i < row.size(); ++i) {
    const size_t bit = 16 * (i / 2 % 2) + bits * (i % per_word / 4 * 2 + i % 2);
    words[i / per_word] |= (static_cast<uint32_t>(row[i] + offset) & (UINT32_MAX >> (32 - bits))) << bit;
  }
  return words;
}

Words signs(Row row, size_t (*bit)(size_t)) {
  Words words((row.size() + 31) / 32);
  for (size_t i = 0; i < row.size(); ++i) words[i / 32] |= uint32_t{row[i] > 0} << bit(i % 32);
  return words;
}

Words few(Row row) {
  Words words(1 + kFewCodes / 2);
  for (size_t i = 0; i < row.size(); ++i)
    words[1 + i / 2] |= static_cast<uint32_t>(static_cast<uint16_t>(row[i])) << (16 * (i % 2));
  return words;
}

Words pack_row(Row row, const std::string& types) {
  if (types == "a1w1") return folded(bits(row));
  if (types == "atw1") return bits(row);
  if (types == "a1wt") return counted_planes(row);
  if (types == "atwt") return pack_planes(row);
  if (types == "a8w1") return signs(row, [](size_t i) { return 8 * (i % 4) + 7 - i / 4; });
  if (types == "a16w1") return signs(row, [](size_t i) { return 16 * (i / 2 % 2) + 2 * (i / 4) + i % 2; });
  if (types == "a16w8") return halves(row, 8);
  if (types == "a16w4") return halves(row, 4);
  BW_CHECK(types == "a16w2");
  return halves(row, 2);
}

Words polynomials(std::span<const int8_t> codes, const KernelGeometry& g, const PolyLayout& layout, int64_t pair_words,
                  bool binary) {
  const int64_t taps = g.taps(), channels = pair_words / 2 / g.kernel.h;
  Words words(static_cast<size_t>((g.out_channels + 1) / 2 * pair_words));
  for (int o = 0; o < g.out_channels; ++o) {
    const Row row = codes.subspan(static_cast<size_t>(o * taps), static_cast<size_t>(taps));
    const bool complemented = binary && is_complemented(row);
    for (int64_t tap = 0; tap < taps; ++tap) {
      const int64_t c = tap % g.input.c, x = tap / g.input.c % g.kernel.w, y = tap / g.input.c / g.kernel.w;
      const int64_t word = o / 2 * pair_words + (y * channels + c) * 2 + o % 2;
      const int8_t code = row[static_cast<size_t>(tap)];
      const int32_t digit = binary ? (code > 0) != complemented : code;
      words[static_cast<size_t>(word)] += static_cast<uint32_t>(digit) << (layout.slot * (g.kernel.w - 1 - x));
    }
  }
  return words;
}

// Bytes of four channels in a word, a word a tap: bw_depthwise.h.
Words byte_groups(std::span<const int8_t> codes, const KernelGeometry& g, int64_t group_words) {
  const auto taps = static_cast<size_t>(group_words);
  Words words(static_cast<size_t>((g.out_channels + 3) / 4) * taps);
  for (size_t i = 0; i < codes.size(); ++i) {
    const size_t channel = i / taps, tap = i % taps;
    words[channel / 4 * taps + tap] |= uint32_t{static_cast<uint8_t>(codes[i])} << (channel % 4 * 8);
  }
  return words;
}

// Bits of 32 channels in a word, a word a tap: bw_depthwise_bits.h.
Words bit_groups(std::span<const int8_t> codes, const KernelGeometry& g, int64_t group_words) {
  const auto taps = static_cast<size_t>(group_words);
  Words words(static_cast<size_t>((g.out_channels + 31) / 32) * taps);
  for (size_t i = 0; i < codes.size(); ++i) {
    const size_t channel = i / taps, tap = i % taps;
    words[channel / 32 * taps + tap] |= uint32_t{codes[i] > 0} << (channel % 32);
  }
  return words;
}

// Tables of how many of three taps differ, for all values of their bits: bw_conv2d_sliced.h.
Words slices(std::span<const int8_t> codes, const KernelGeometry& g, int64_t group_words) {
  const int64_t triples = sliced_layout(g).triples;
  Words words(static_cast<size_t>((g.out_channels + 31) / 32 * group_words));
  const auto weight = [&](int o, int row, int column, int64_t c) {
    return codes[static_cast<size_t>(((int64_t{o} * g.kernel.h + row) * g.kernel.w + column) * g.input.c + c)] > 0;
  };
  for (int o = 0; o < g.out_channels; ++o)
    for (int column = 0; column < g.kernel.w; ++column)
      for (int row = 0; row < g.kernel.h; ++row)
        for (int64_t triple = 0; triple < triples; ++triple) {
          const int64_t table = (int64_t{column} * g.kernel.h + row) * triples + triple;
          uint32_t* entry = &words[static_cast<size_t>(o / 32 * group_words + table * kSlicedTableWords)];
          for (uint32_t bits = 0; bits < 8; ++bits, entry += 2) {
            uint32_t differ = 0;
            for (int64_t c = 3 * triple; c < std::min<int64_t>(3 * triple + 3, g.input.c); ++c)
              differ += weight(o, row, column, c) != ((bits >> (c - 3 * triple) & 1) != 0);
            entry[0] |= (differ & 1) << (o % 32);
            entry[1] |= (differ >> 1) << (o % 32);
          }
        }
  return words;
}

}  // namespace

int32_t poly2_bias(std::span<const int8_t> row) {
  return -3 * std::accumulate(row.begin(), row.end(), 0,
                              [](int32_t sum, int8_t code) { return sum + std::min<int32_t>(code, 0); });
}

uint64_t poly2_start(std::span<const int8_t> row, const KernelGeometry& g, const PolyLayout& layout) {
  uint64_t start = 0;
  for (int slot = 2; slot < layout.steps + 2; ++slot)
    start += static_cast<uint64_t>(poly2_bias(row)) << (layout.slot * slot);
  if ((layout.steps - 1) * layout.slot + 2 < 32) return start;  // the highest code is below the sign
  for (size_t tap = 0; tap < row.size(); ++tap) {
    const int x = static_cast<int>(tap) / g.input.c % g.kernel.w;
    start += static_cast<uint64_t>(int64_t{row[tap]}) << (31 + layout.slot * (g.kernel.w - 1 - x));
  }
  return start;
}

bool is_complemented(std::span<const int8_t> row) {
  const auto ones = std::count_if(row.begin(), row.end(), [](int8_t code) { return code > 0; });
  return 2 * static_cast<size_t>(ones) > row.size();
}

std::vector<uint32_t> pack_weights(std::span<const int8_t> codes, const std::string& kernel, const KernelGeometry& g,
                                   Format format) {
  if (!has_weight_rows(kernel)) return pack(codes, format);
  const int64_t row_words = weight_row_words(g, kernel);
  if (is_sliced(kernel)) return slices(codes, g, row_words);
  if (is_poly(kernel)) return polynomials(codes, g, poly_layout(kernel), row_words, !is_poly2(kernel));
  if (kernel.starts_with("depthwise_a1w1")) return bit_groups(codes, g, row_words);
  if (is_depthwise(kernel)) return byte_groups(codes, g, row_words);
  const std::string types = kernel_types(kernel);
  Words words;
  for (int o = 0; o < g.out_channels; ++o) {
    const Row codes_of = codes.subspan(static_cast<size_t>(o * g.taps()), static_cast<size_t>(g.taps()));
    const Words row = is_few(kernel) ? few(codes_of) : pack_row(codes_of, types);
    BW_CHECK(static_cast<int64_t>(row.size()) == row_words);
    words.insert(words.end(), row.begin(), row.end());
  }
  return words;
}

}  // namespace bitwright
