// bitwright-calibrate CORE: writes the core's cost table (configs/costs/CORE.yaml) to standard output.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <exception>

#include "core/error.h"
#include "experiments/calibrate/calibrate.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    fmt::print(stderr, "usage: bitwright-calibrate CORE > configs/costs/CORE.yaml\n");
    return static_cast<int>(bitwright::ExitCode::kConfig);
  }
  try {
    bitwright::CalibrationOptions options;
    options.progress = [](const std::string& line) { fmt::print(stderr, "{}\n", line); };
    fmt::print("{}", bitwright::cost_table_text(bitwright::calibrate(argv[1], options)));
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return static_cast<int>(bitwright::ExitCode::kFailed);
  }
  return 0;
}
