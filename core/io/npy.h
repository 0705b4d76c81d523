// core/io/npy.h: NumPy's array files (numpy.lib.format, versions 1.0, 2.0 and 3.0), little-endian, C order.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace bitwright {

struct NpyArray {
  std::string file;            // for messages
  std::string dtype;           // "u1", "i1", "i2", "u2", "i4", "i8", "f4", "f8"
  std::vector<int64_t> shape;  // each >= 0; no dimension: one number
  std::string bytes;           // elements() values, little-endian

  int64_t elements() const;
};

// Throw DataError `file: rule` for anything that is no such array or is cut short; at most 4 GiB.
NpyArray parse_npy(std::string bytes, const std::string& file);
NpyArray read_npy(const std::string& path);

// All values; i4 and i8 beyond 2^24 lose their last bits. Throws DataError naming the first element that is NaN or
// infinite.
std::vector<float> npy_floats(const NpyArray& array);
// Integer types only.
std::vector<int64_t> npy_integers(const NpyArray& array);

// A file, version 1.0. dtype as above; `bytes` are the values.
std::string npy_file(const std::string& dtype, const std::vector<int64_t>& shape, std::string_view bytes);
template <class T>
std::string npy_file(const std::string& dtype, const std::vector<int64_t>& shape, const std::vector<T>& values) {
  return npy_file(dtype, shape, {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)});
}

}  // namespace bitwright
