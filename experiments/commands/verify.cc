// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <iostream>

#include "core/error.h"
#include "core/io/board_yaml.h"
#include "deploy/cross_target.h"
#include "deploy/verify.h"
#include "experiments/commands.h"

namespace bitwright {
namespace {

struct Options {
  std::string package, board;
  std::vector<std::string> targets, cores;
  bool all = false, json = false;
};

// Without targets of the user's, the host and the board's core.
void choose_board(const Options& options, VerifyOptions& verify) {
  verify.board = load_board(options.board);
  const std::string& core = verify.board->core;
  if (options.targets.empty() && options.cores.empty() && !options.all) {
    verify.targets = {"host-gcc", core};
    verify.skip_missing = false;
  }
  const auto runs_it = [&](const std::string& target) { return target == core || target == core + "-clang"; };
  if (std::none_of(verify.targets.begin(), verify.targets.end(), runs_it))
    throw ConfigError(fmt::format("--board = {}: none of the targets is its core, {}", options.board, core));
}

// What the user names must be there; of what is tried anyway, missing tools are said and passed over.
VerifyOptions verify_options(const Options& options) {
  VerifyOptions verify;
  verify.skip_missing = options.targets.empty() && options.cores.empty();
  if (options.all) verify.targets = verify_targets();
  if (!options.targets.empty()) verify.targets = options.targets;
  if (!options.cores.empty()) {
    verify.targets = {"host-gcc"};
    verify.targets.insert(verify.targets.end(), options.cores.begin(), options.cores.end());
  }
  if (!options.board.empty()) choose_board(options, verify);
  return verify;
}

int verify_package(const Options& options) {
  const VerifyReport report = verify(options.package, verify_options(options));
  std::cout << (options.json ? render_json(report) : render_text(report));
  const bool tried = std::any_of(report.targets.begin(), report.targets.end(),
                                 [](const TargetReport& target) { return target.skipped.empty(); });
  if (!tried && report.changed_files.empty()) throw ToolError("no target could be tried");
  if (!report.bit_exact()) return static_cast<int>(ExitCode::kDiffers);
  return static_cast<int>(report.keeps_promises() ? ExitCode::kDone : ExitCode::kFailed);
}

}  // namespace

void add_verify(CLI::App& app, CommandLine& line) {
  auto* command = app.add_subcommand("verify", "Compile a package for host and Cortex-M, run it, compare every byte");
  auto options = std::make_shared<Options>();
  command->add_option("package", options->package, "Folder that export wrote")->required();
  auto* target =
      command->add_option("--target", options->targets,
                          fmt::format("May be repeated; by default {}. One of {}",
                                      fmt::join(VerifyOptions{}.targets, ", "), fmt::join(verify_targets(), ", ")));
  auto* core = command
                   ->add_option("--core", options->cores,
                                "The host (host-gcc) and this core, say cortex-m0plus; may be repeated")
                   ->excludes(target);
  command->add_option("--board", options->board,
                      "On its core, count what waiting for its flash adds; by default the host and that core alone");
  command->add_flag("--all", options->all, "Every target whose tools are installed")->excludes(target)->excludes(core);
  command->add_flag("--json", options->json, "One JSON object on stdout");
  command->footer(
      "Exit code 5: an output differs, or a file is not the exported one; 1: it calls what it must not, its stack has "
      "no bound, it does not compile, or a tool is missing.");
  command->callback([=, &line] { line.action = [=] { return verify_package(*options); }; });
}

}  // namespace bitwright
