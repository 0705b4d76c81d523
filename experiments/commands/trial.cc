// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>

#include "experiments/commands.h"

namespace bitwright {
namespace {

struct Options {
  std::string spec, out;
};

// The trial itself is a program of its own, for the second that libtorch takes to load.
int trial(const Options& options, const CommandLine& line) {
  std::string name = line.folder + "/bitwright-trial", spec = options.spec, flag = "--out", out = options.out;
  std::array<char*, 5> argv{name.data(), spec.data(), flag.data(), out.data(), nullptr};
  ::execv(name.c_str(), argv.data());
  throw std::runtime_error(name + ": cannot start: " + std::strerror(errno));
}

}  // namespace

void add_trial(CLI::App& app, CommandLine& line) {
  auto* command = app.add_subcommand("trial", "Train one candidate: what an executor starts");
  auto options = std::make_shared<Options>();
  command->add_option("spec", options->spec, "The trial's JSON")->required();
  command->add_option("--out", options->out, "Folder for result.json")->required();
  command->callback([=, &line] { line.action = [=, &line] { return trial(*options, line); }; });
}

}  // namespace bitwright
