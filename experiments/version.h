// experiments/version.h: what built this program.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>

namespace bitwright {

std::string version();  // "0.1.0"

// "version", "git_commit" ("unknown" outside a checkout; "-dirty" appended where files differ), "compiler", "host",
// "cpu": kept with every study.
std::map<std::string, std::string> build_provenance();

}  // namespace bitwright
