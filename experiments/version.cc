// SPDX-License-Identifier: Apache-2.0
#include "experiments/version.h"

#include <fstream>

#include "core/identity.h"
#include "git_version.h"

namespace bitwright {
namespace {

std::string cpu_name() {
  std::ifstream in("/proc/cpuinfo");
  for (std::string line; std::getline(in, line);)
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  return "unknown";
}

}  // namespace

std::string version() {
  return BITWRIGHT_VERSION;
}

std::map<std::string, std::string> build_provenance() {
  return {{"version", version()},
          {"git_commit", BITWRIGHT_GIT_COMMIT},
          {"compiler", std::string("g++ ") + __VERSION__},
          {"host", host_name()},
          {"cpu", cpu_name()}};
}

}  // namespace bitwright
