// SPDX-License-Identifier: Apache-2.0
#include "core/io/npy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "core/rng.h"
#include "tests/io/temp_folder.h"

namespace bitwright {
namespace {

std::string error_in(const std::string& bytes) {
  return error_of<DataError>([&] { npy_floats(parse_npy(bytes, "x.npy")); });
}

template <class T>
void expect_round_trip(const std::string& dtype, const std::vector<T>& values) {
  const auto size = static_cast<int64_t>(values.size());
  const NpyArray array = parse_npy(npy_file(dtype, {size}, values), "x.npy");
  EXPECT_EQ(array.dtype, dtype);
  EXPECT_EQ(array.shape, (std::vector<int64_t>{size}));
  const std::vector<float> floats = npy_floats(array);
  for (size_t i = 0; i < values.size(); ++i) EXPECT_EQ(floats[i], static_cast<float>(values[i])) << dtype;
}

TEST(Npy, RoundTripsEveryType) {
  expect_round_trip<uint8_t>("u1", {0, 255});
  expect_round_trip<int8_t>("i1", {-128, 127});
  expect_round_trip<int16_t>("i2", {-32768, 32767});
  expect_round_trip<uint16_t>("u2", {0, 65535});
  expect_round_trip<int32_t>("i4", {-2147483648, 2147483647});
  expect_round_trip<int64_t>("i8", {-5'000'000'000, 7});
  expect_round_trip<float>("f4", {-0.0f, 1e-40f, 3.4e38f});
  expect_round_trip<double>("f8", {0.1, -1e30});
}

// numpy 1.24: numpy.lib.format.write_array(f, numpy.array([[1, 2, 3], [4, 5, 6]], '<i2'), version=(2, 0)).
TEST(Npy, ReadsVersion2AsNumpyWritesIt) {
  std::string header = "{'descr': '<i2', 'fortran_order': False, 'shape': (2, 3), }";
  header.append(116 - header.size() - 1, ' ');
  std::string bytes("\x93NUMPY\x02\x00\x74\x00\x00\x00", 12);
  bytes += header + "\n" + std::string("\1\0\2\0\3\0\4\0\5\0\6\0", 12);
  const NpyArray array = parse_npy(bytes, "x.npy");
  EXPECT_EQ(array.shape, (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(npy_integers(array), (std::vector<int64_t>{1, 2, 3, 4, 5, 6}));
}

TEST(Npy, StartsDataAtAMultipleOf64) {
  for (int64_t n : {1, 1000, 100'000'000}) EXPECT_EQ(npy_file("u1", {n, n, n}, std::string_view()).size() % 64, 0u);
}

TEST(Npy, RefusesAWrongMagic) {
  EXPECT_EQ(error_in("PK\3\4 not numpy"), "x.npy: not an NPY file: it starts otherwise");
}

TEST(Npy, RefusesATruncatedFileAtEveryLength) {
  const std::string whole = npy_file<int16_t>("i2", {3}, {1, 2, 3});
  for (size_t size = 0; size < whole.size(); ++size) EXPECT_NE(error_in(whole.substr(0, size)), "") << size;
  EXPECT_EQ(error_in(whole.substr(0, whole.size() - 1)), "x.npy: 5 bytes of data where its shape needs 6");
  EXPECT_EQ(error_in(whole + "x"), "x.npy: 7 bytes of data where its shape needs 6");
}

TEST(Npy, RefusesAHugeHeader) {
  EXPECT_EQ(error_in(std::string("\x93NUMPY\x02\x00\xff\xff\xff\x7f", 12)),
            "x.npy: a header of 2147483647 bytes: at most 65536");
}

TEST(Npy, RefusesAShapeThatOverflows) {
  EXPECT_EQ(error_in(npy_file("u1", {1'000'000'000, 1'000'000'000, 1'000'000'000}, std::string_view())),
            "x.npy: more than 2^32 elements");
}

TEST(Npy, RefusesBigEndianAndObjects) {
  std::string bytes = npy_file<int16_t>("i2", {1}, {1});
  bytes.replace(bytes.find("<i2"), 3, ">i2");
  EXPECT_EQ(error_in(bytes), "x.npy: type >i2: little-endian u1 i1 i2 u2 i4 i8 f4 or f8");
}

TEST(Npy, NamesTheElementThatIsNotFinite) {
  EXPECT_EQ(error_in(npy_file<float>("f4", {3}, {1.0f, 2.0f, NAN})), "x.npy: element 2 = nan: must be finite");
  EXPECT_EQ(error_in(npy_file<double>("f8", {1}, {HUGE_VAL})), "x.npy: element 0 = inf: must be finite");
}

TEST(Npy, SurvivesAnyHeader) {
  const std::string seed = npy_file<int16_t>("i2", {2, 3}, {1, 2, 3, 4, 5, 6});
  Rng rng(3);
  for (int round = 0; round < 50'000; ++round) {
    std::string bytes = seed;
    for (int edit = 0; edit < 3; ++edit) bytes[rng.below(80)] = static_cast<char>(rng.below(256));
    error_in(bytes);
  }
}

}  // namespace
}  // namespace bitwright
