// SPDX-License-Identifier: Apache-2.0
#include "core/format.h"

#include <array>

#include "core/check.h"

namespace bitwright {
namespace {

struct Row {
  Format format;
  std::string_view name;
  int bits;
  int32_t min, max;
};

constexpr std::array<Row, 20> kRows = {{
    {Format::kBinary, "binary", 1, -1, 1},
    {Format::kTernary, "ternary", 2, -1, 1},
    {Format::kInt2, "int2", 2, -2, 1},
    {Format::kInt3, "int3", 3, -4, 3},
    {Format::kInt4, "int4", 4, -8, 7},
    {Format::kInt5, "int5", 5, -16, 15},
    {Format::kInt6, "int6", 6, -32, 31},
    {Format::kInt7, "int7", 7, -64, 63},
    {Format::kInt8, "int8", 8, -128, 127},
    {Format::kUint2, "uint2", 2, 0, 3},
    {Format::kUint3, "uint3", 3, 0, 7},
    {Format::kUint4, "uint4", 4, 0, 15},
    {Format::kUint5, "uint5", 5, 0, 31},
    {Format::kUint6, "uint6", 6, 0, 63},
    {Format::kUint7, "uint7", 7, 0, 127},
    {Format::kUint8, "uint8", 8, 0, 255},
    {Format::kInt16, "int16", 16, -32768, 32767},
    {Format::kInt32, "int32", 32, INT32_MIN, INT32_MAX},
    {Format::kFloat32, "float32", 32, 0, 0},
    {Format::kAccumulator, "none", 0, 0, 0},
}};

const Row& row(Format format) {
  const Row& r = kRows.at(static_cast<size_t>(format));
  BW_CHECK(r.format == format);
  return r;
}

}  // namespace

int bit_width(Format format) {
  BW_CHECK(format != Format::kAccumulator);
  return row(format).bits;
}

int32_t min_code(Format format) {
  BW_CHECK(is_integer(format));
  return row(format).min;
}

int32_t max_code(Format format) {
  BW_CHECK(is_integer(format));
  return row(format).max;
}

bool is_integer(Format format) {
  return format != Format::kFloat32 && format != Format::kAccumulator;
}

bool is_unsigned(Format format) {
  return format >= Format::kUint2 && format <= Format::kUint8;
}

bool is_weight_format(Format format) {
  return format <= Format::kInt8 || format == Format::kFloat32;
}

bool is_activation_format(Format format) {
  return format != Format::kInt32;
}

std::string_view format_name(Format format) {
  return row(format).name;
}

std::optional<Format> format_from_name(std::string_view name) {
  for (const Row& r : kRows)
    if (r.name == name) return r.format;
  return std::nullopt;
}

}  // namespace bitwright
