// SPDX-License-Identifier: Apache-2.0
#include <iostream>

#include "core/error.h"
#include "deploy/verify.h"
#include "experiments/commands.h"

namespace bitwright {
namespace {

struct Options {
  std::string package;
  VerifyOptions verify;
  bool json = false;
};

int verify_package(const Options& options) {
  const VerifyReport report = verify(options.package, options.verify);
  std::cout << (options.json ? render_json(report) : render_text(report));
  return static_cast<int>(report.bit_exact() ? ExitCode::kDone : ExitCode::kDiffers);
}

}  // namespace

void add_verify(CLI::App& app, CommandLine& line) {
  auto* command = app.add_subcommand("verify", "Compile a package for host and Cortex-M, run it, compare every byte");
  auto options = std::make_shared<Options>();
  command->add_option("package", options->package, "Folder that export wrote")->required();
  command->add_option("--core", options->verify.cores, "cortex-m0plus, -m3, -m4, -m7, -m33; may be repeated")
      ->capture_default_str();
  command->add_flag("--json", options->json, "One JSON object on stdout");
  command->callback([=, &line] { line.action = [=] { return verify_package(*options); }; });
}

}  // namespace bitwright
