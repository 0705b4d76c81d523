// deploy/templates.h: the fixed texts of a package, deploy/package/*.in, and the words that fill them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>

namespace bitwright {

using Values = std::map<std::string, std::string>;  // KEY -> what stands for @KEY@

// Replaces every @KEY@.
std::string filled(std::string pattern, const Values& values);
// deploy/package/NAME.in, filled.
std::string filled_template(const std::string& name, const Values& values);

// Bytes of a file that travels inside the program (core/embedded.h).
std::string embedded(const std::string& path);

// ASCII letters as capitals.
std::string upper(std::string text);
// Without comment delimiters and line ends: a study's name cannot break out of the comment it stands in.
std::string one_line(std::string text);

}  // namespace bitwright
