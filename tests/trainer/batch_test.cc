// SPDX-License-Identifier: Apache-2.0
#include "trainer/batch.h"

#include <gtest/gtest.h>

#include <set>

namespace bitwright {
namespace {

Dataset counting(Shape shape, int count) {
  Dataset data;
  data.front_end.output = shape;
  data.classes = {"a", "b"};
  for (int64_t i = 0; i < count * shape.elements(); ++i) data.codes.push_back(static_cast<int16_t>(i));
  for (int i = 0; i < count; ++i) data.labels.push_back(i % 2);
  return data;
}

TEST(Gather, TurnsHwcIntoChw) {
  Batch batch;
  gather(counting({2, 1, 3}, 2), std::vector<int64_t>{1}, nullptr, batch);
  EXPECT_EQ(batch.codes, (std::vector<float>{6, 9, 7, 10, 8, 11}));
  EXPECT_EQ(batch.labels, std::vector<int32_t>{1});
}

TEST(Gather, KeepsTheOrderAsked) {
  Batch batch;
  gather(counting({1, 1, 1}, 5), std::vector<int64_t>{3, 0, 3}, nullptr, batch);
  EXPECT_EQ(batch.codes, (std::vector<float>{3, 0, 3}));
  EXPECT_EQ(batch.labels, (std::vector<int32_t>{1, 0, 1}));
}

TEST(Gather, RotatesWholeRowsByEveryAmount) {
  Batch batch;
  Rng rng(1);
  std::set<float> first;
  for (int i = 0; i < 100; ++i) {
    gather(counting({4, 2, 1}, 1), std::vector<int64_t>{0}, &rng, batch);
    first.insert(batch.codes[0]);
    for (size_t k = 0; k < 8; k += 2) {
      EXPECT_EQ(batch.codes[k + 1], batch.codes[k] + 1);
      EXPECT_EQ(batch.codes[(k + 2) % 8], static_cast<int>(batch.codes[k] + 2) % 8);
    }
  }
  EXPECT_EQ(first, (std::set<float>{0, 2, 4, 6}));
}

}  // namespace
}  // namespace bitwright
