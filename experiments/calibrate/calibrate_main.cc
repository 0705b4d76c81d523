// bitwright-calibrate CORE: writes the core's cost table (configs/costs/CORE.yaml) to standard output. With --kernel it
// measures those kernels alone and the table is no whole one: to see how well a change of the features fits. With
// --stream it measures what streams take alone, and the table is that which the program has, otherwise unchanged.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <exception>

#include "core/error.h"
#include "experiments/calibrate/calibrate.h"

int main(int argc, char** argv) {
  std::string core;
  bitwright::CalibrationOptions options;
  bool stream = false;
  options.progress = [](const std::string& line) { fmt::print(stderr, "{}\n", line); };
  CLI::App app{"Measures what every C kernel costs on a core."};
  app.add_option("core", core, "cortex-m0plus, cortex-m3, cortex-m4, cortex-m7 or cortex-m33")->required();
  auto* kernel =
      app.add_option("--kernel", options.kernels, "a kernel to measure; again for more")->allow_extra_args(false);
  auto* samples = app.add_option("--samples", options.samples, "layers per kernel")->check(CLI::Range(1, 100'000));
  app.add_flag("--stream", stream, "measure the stream alone: the core's table with its stream anew")
      ->excludes(kernel, samples);
  try {
    app.parse(argc, argv);
    const bitwright::CoreCosts costs =
        stream ? bitwright::calibrate_stream(core, options.progress) : bitwright::calibrate(core, options);
    fmt::print("{}", bitwright::cost_table_text(costs));
    fmt::print(stderr, "{}\n", bitwright::worst_fits(costs));
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : static_cast<int>(bitwright::ExitCode::kConfig);
  } catch (const bitwright::ConfigError& error) {
    fmt::print(stderr, "{}\n", error.what());
    return static_cast<int>(bitwright::ExitCode::kConfig);
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return static_cast<int>(bitwright::ExitCode::kFailed);
  }
  return 0;
}
