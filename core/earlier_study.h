// core/earlier_study.h: what a study that begins with the results of others has read of one of them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace bitwright {

struct EarlierResult {
  int64_t trial = 0;                              // its number there
  std::map<std::string, std::string> parameters;  // as Candidate::parameters
  double error = 0.0;                             // 0..1, of its validation
  bool operator==(const EarlierResult&) const = default;
};

struct EarlierStudy {
  std::string path;  // of its store
  std::string uuid, name;
  std::vector<EarlierResult> results;  // that are of use here, in the order in which they finished
  bool operator==(const EarlierStudy&) const = default;
};

}  // namespace bitwright
