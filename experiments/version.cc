// SPDX-License-Identifier: Apache-2.0
#include "experiments/version.h"

#include <unistd.h>

#include <array>
#include <fstream>

#include "git_version.h"

namespace bitwright {
namespace {

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "unknown";
}

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
