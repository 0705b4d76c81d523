// deploy/emit_metadata.h: one folder for every build system: CMake, Arduino, PlatformIO, Zephyr, CMSIS-Pack, make, and
// a list of files for tools that have a project file of their own. And the package's README.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>

#include "deploy/package_options.h"
#include "deploy/templates.h"

namespace bitwright {

// sources: the package's files so far, of which those in src/ are named. values: package_values(). Path in the package
// -> text.
std::map<std::string, std::string> emit_metadata(const std::map<std::string, std::string>& sources,
                                                 const PackageLabel& label, Values values);

// Text between tags or in an attribute.
std::string xml_text(const std::string& text);

}  // namespace bitwright
