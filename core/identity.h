// core/identity.h: names of what runs: a machine, and one execution among all.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace bitwright {

// As the machine calls itself; "unknown" where it does not say.
std::string host_name();

// 32 hex digits drawn at random. Nothing that is computed depends on them.
std::string random_name();

}  // namespace bitwright
