// SPDX-License-Identifier: Apache-2.0
#include "core/dataset.h"

namespace bitwright {

Shape task_output(const Dataset& data) {
  switch (data.task) {
    case Task::kClassification: return {1, 1, static_cast<int>(data.classes.size())};
    case Task::kRegression: return {1, 1, static_cast<int>(data.target_names.size())};
    case Task::kAnomaly: break;
  }
  return data.front_end.output;
}

}  // namespace bitwright
