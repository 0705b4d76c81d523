// SPDX-License-Identifier: Apache-2.0
#include "core/quantized_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "core/error.h"
#include "tests/core/networks.h"

namespace bitwright {
namespace {

using namespace testing;
using ::testing::HasSubstr;

// One layer of each epilogue: thresholds, requantization, raw with bias, float.
QuantizedModel model_of_every_epilogue() {
  QuantizedModel m;
  m.network = Network{"every", {1, 1, 4}, Format::kInt8, {}};
  append(m.network, dense("threshold", 3, Format::kInt4, Format::kUint2));
  append(m.network, dense("requantize", 3, Format::kInt4, Format::kInt8));
  LayerSpec raw = dense("raw", 3, Format::kBinary, Format::kAccumulator);
  raw.bias = true;
  append(m.network, raw);
  append(m.network, dense("real", 2, Format::kFloat32, Format::kFloat32));
  m.layers.resize(4);
  m.layers[0].weights.assign(12, 7);
  m.layers[0].thresholds.assign(9, 5);
  m.layers[0].descending = {0, 1, 0};
  m.layers[1].weights.assign(9, -8);
  m.layers[1].multiplier.assign(3, 1 << 30);
  m.layers[1].offset.assign(3, 0);
  m.layers[1].shift.assign(3, 31);
  m.layers[2].weights.assign(9, -1);
  m.layers[2].bias.assign(3, 17);
  m.layers[3].float_weights.assign(6, 0.5f);
  m.layers[3].float_scale.assign(2, 1.0f);
  m.layers[3].float_offset.assign(2, 0.0f);
  return m;
}

TEST(CheckModel, AcceptsEveryEpilogue) {
  EXPECT_NO_THROW(check_model(model_of_every_epilogue()));
}

TEST(CheckModel, RefusesWhatTheNetworkDoesNotAskFor) {
  const float infinity = std::numeric_limits<float>::infinity();
  struct Case {
    std::function<void(QuantizedModel&)> change;
    const char* rule;
  };
  const std::vector<Case> cases = {
      {[](QuantizedModel& m) { m.layers.pop_back(); }, "one entry per layer"},
      {[](QuantizedModel& m) { m.input_scale = 0.0; }, "input scale must be positive"},
      {[](QuantizedModel& m) { m.layers[0].weights.pop_back(); }, "wrong number of weights"},
      {[](QuantizedModel& m) { m.layers[0].weights[0] = 8; }, "a weight code is outside its format"},
      {[](QuantizedModel& m) { m.layers[2].weights[0] = 0; }, "a weight code is outside its format"},
      {[](QuantizedModel& m) { m.layers[0].thresholds.pop_back(); }, "wrong number of thresholds"},
      {[](QuantizedModel& m) { m.layers[0].descending.push_back(0); }, "wrong number of directions"},
      {[](QuantizedModel& m) { m.layers[1].shift[0] = 63; }, "a shift exceeds 62"},
      {[](QuantizedModel& m) { m.layers[1].offset.clear(); }, "wrong number of multipliers"},
      {[](QuantizedModel& m) { m.layers[2].bias.push_back(0); }, "wrong number of biases"},
      {[&](QuantizedModel& m) { m.layers[3].float_weights[0] = infinity; }, "a weight is not finite"},
      {[](QuantizedModel& m) { m.layers[0].shift_from = 13; }, "shifts of an add must be in 0..12"},
      {[](QuantizedModel& m) { m.layers[0].output_scale = -1.0; }, "output scale must be positive"},
  };
  for (const Case& c : cases) {
    QuantizedModel m = model_of_every_epilogue();
    c.change(m);
    try {
      check_model(m);
      ADD_FAILURE() << c.rule;
    } catch (const StructureError& e) {
      EXPECT_THAT(e.what(), HasSubstr(c.rule));
    }
  }
}

// Ranges that the header promises were once taken on trust: a model file could overflow the integer inference.
TEST(CheckModel, RefusesRangesThatWouldOverflow) {
  const std::vector<std::function<void(QuantizedModel&)>> changes = {
      [](QuantizedModel& m) { m.layers[0].descending[0] = 2; },
      [](QuantizedModel& m) { m.layers[1].multiplier[0] = INT32_MIN; },
      [](QuantizedModel& m) { m.layers[1].offset[0] = int64_t{1} << 62; },
      [](QuantizedModel& m) { m.layers[1].offset[0] = INT64_MIN; },
      [](QuantizedModel& m) { m.layers[2].bias[0] = (1 << 30) + 1; },
      [](QuantizedModel& m) { m.layers[3].float_scale[0] = std::nanf(""); },
      [](QuantizedModel& m) { m.layers[3].float_offset[0] = std::nanf(""); },
      [](QuantizedModel& m) { m.layers[3].inverse_step = 0.0f; },
  };
  for (size_t i = 0; i < changes.size(); ++i) {
    QuantizedModel m = model_of_every_epilogue();
    changes[i](m);
    EXPECT_THROW(check_model(m), StructureError) << "change " << i;
  }
}

TEST(ThresholdCount, IsOneLessThanTheCodes) {
  EXPECT_EQ(threshold_count(Format::kBinary), 1);
  EXPECT_EQ(threshold_count(Format::kTernary), 2);
  EXPECT_EQ(threshold_count(Format::kUint4), 15);
}

}  // namespace
}  // namespace bitwright
