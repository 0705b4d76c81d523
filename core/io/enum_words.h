// core/io/enum_words.h: the words by which configurations and JSON name the values of enums.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "core/dataset.h"
#include "core/execution.h"
#include "core/recipe.h"
#include "core/study.h"

namespace bitwright {

// A word for each value, in the enum's order from 0 without gaps.
template <class E>
struct EnumWords {
  std::vector<std::string> words;
  const std::string& operator[](E value) const { return words[static_cast<size_t>(value)]; }
};

inline const EnumWords<Task> kTaskWords = {{"classification", "regression", "anomaly"}};
inline const EnumWords<Surrogate> kSurrogateWords = {{"clip", "identity", "bi_real", "reste", "ede"}};
inline const EnumWords<WeightScale> kWeightScaleWords = {{"channel", "tensor", "power_of_two", "learned"}};
inline const EnumWords<ActivationRange> kActivationRangeWords = {{"fixed", "lsq", "pact"}};
inline const EnumWords<Execution> kExecutionWords = {{"layers", "stream", "auto"}};
inline const EnumWords<Measure> kMeasureWords = {{"none", "linked", "emulated"}};
inline const EnumWords<Device> kDeviceWords = {{"auto", "cpu", "cuda"}};

}  // namespace bitwright
