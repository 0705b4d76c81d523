// core/dimensions.h: what a study's space lets one choose, name by name.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/study.h"

namespace bitwright {

// One dimension. It is active only while the parameter named `parent` is active and has one of `parent_values`.
struct Dimension {
  std::string name;                  // "block2.kernel"
  std::vector<std::string> choices;  // at least one, all different, where the spec is sound
  bool ordinal = false;              // choices are in a meaningful order (channels, bits)
  std::string parent;                // empty: always active
  std::vector<std::string> parent_values;
};

// Parents come before their children.
std::vector<Dimension> dimensions_of(const SpaceSpec& spec);

// parameters: of all parents that are active.
bool is_active(const Dimension& dimension, const std::map<std::string, std::string>& parameters);

}  // namespace bitwright
