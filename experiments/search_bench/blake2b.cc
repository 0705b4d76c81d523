// SPDX-License-Identifier: Apache-2.0
#include "experiments/search_bench/blake2b.h"

#include <algorithm>
#include <array>
#include <bit>

#include "core/check.h"

namespace bitwright {
namespace {

using State = std::array<uint64_t, 8>;
using Block = std::array<uint64_t, 16>;

constexpr State kInitial = {0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
                            0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179};
constexpr uint8_t kSigma[10][16] = {  // section 2.7
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
    {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4}, {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
    {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13}, {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
    {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11}, {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
    {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5}, {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0}};

// Section 3.1.
void mix(Block& v, size_t a, size_t b, size_t c, size_t d, uint64_t x, uint64_t y) {
  v[a] += v[b] + x;
  v[d] = std::rotr(v[d] ^ v[a], 32);
  v[c] += v[d];
  v[b] = std::rotr(v[b] ^ v[c], 24);
  v[a] += v[b] + y;
  v[d] = std::rotr(v[d] ^ v[a], 16);
  v[c] += v[d];
  v[b] = std::rotr(v[b] ^ v[c], 63);
}

// Section 3.2.
void compress(State& h, const Block& m, uint64_t bytes_so_far, bool last) {
  Block v;
  std::copy(h.begin(), h.end(), v.begin());
  std::copy(kInitial.begin(), kInitial.end(), v.begin() + 8);
  v[12] ^= bytes_so_far;
  if (last) v[14] = ~v[14];
  for (size_t round = 0; round < 12; ++round) {
    const uint8_t* s = kSigma[round % 10];
    for (size_t i = 0; i < 4; ++i) mix(v, i, i + 4, i + 8, i + 12, m[s[2 * i]], m[s[2 * i + 1]]);
    for (size_t i = 0; i < 4; ++i)
      mix(v, i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4, m[s[8 + 2 * i]], m[s[9 + 2 * i]]);
  }
  for (size_t i = 0; i < 8; ++i) h[i] ^= v[i] ^ v[i + 8];
}

Block words_of(std::string_view bytes) {
  Block words{};
  for (size_t i = 0; i < bytes.size(); ++i)
    words[i / 8] |= static_cast<uint64_t>(static_cast<uint8_t>(bytes[i])) << (8 * (i % 8));
  return words;
}

}  // namespace

// Section 3.3.
std::vector<uint8_t> blake2b(std::string_view message, size_t digest_bytes) {
  BW_CHECK(digest_bytes >= 1 && digest_bytes <= 64);
  constexpr size_t kBlockBytes = 128;
  State h = kInitial;
  h[0] ^= 0x01010000 ^ digest_bytes;
  size_t done = 0;
  for (; message.size() - done > kBlockBytes; done += kBlockBytes)
    compress(h, words_of(message.substr(done, kBlockBytes)), done + kBlockBytes, false);
  compress(h, words_of(message.substr(done)), message.size(), true);
  std::vector<uint8_t> digest(digest_bytes);
  for (size_t i = 0; i < digest_bytes; ++i) digest[i] = static_cast<uint8_t>(h[i / 8] >> (8 * (i % 8)));
  return digest;
}

}  // namespace bitwright
