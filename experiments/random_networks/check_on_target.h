// experiments/random_networks/check_on_target.h: compiles the program that checks random networks for a target and runs
// it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "experiments/random_networks/check_cases.h"

namespace bitwright {

struct CheckResult {
  std::vector<std::string> wrong;  // "net12: 2 runs differ", "net12: AddressSanitizer: heap-buffer-overflow ..."
  double seconds = 0.0;
};

// A folder as write_check() left it. Objects of sources that were compiled before, the runtime's, are not compiled
// again: they stay in folder/TARGET. target: of verify_targets() (deploy/verify.h). A program that ends early makes the
// case that it was at wrong, and those after it. Throws ToolError where a tool is missing or a source does not compile
// without a warning.
CheckResult check_on_target(const std::string& target, const std::vector<CheckCase>& cases,
                            const std::vector<std::string>& sources, const std::string& folder);

}  // namespace bitwright
