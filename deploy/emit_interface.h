// deploy/emit_interface.h: the files with which an application meets its model: NAME.h, NAME.c, NAME_selftest.c,
// NAME_info.c, NAME_float.h and .c. Their fixed texts are in deploy/package/, the layers' in deploy/emit_source.h.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>

#include "deploy/emit.h"
#include "deploy/lower.h"
#include "deploy/package_options.h"
#include "deploy/templates.h"

namespace bitwright {

// The words that fill the templates: names, sizes, formats, provenance.
Values package_values(const Program& program, const PackageOptions& options);

// File name -> text.
std::map<std::string, std::string> emit_interface(const Program& program, const GoldenVectors& golden,
                                                  const PackageOptions& options, const Values& values);

// The bytes of all constants in the order in which NAME_weights_crc32() visits them, little-endian.
std::string constant_image(const Program& program);

// "text" as a C string literal of printable ASCII.
std::string c_string(const std::string& text);

}  // namespace bitwright
