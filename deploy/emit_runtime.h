// deploy/emit_runtime.h: the kernels as a package carries them.
//
// Several models may live in one image, each with its copy of the kernels. Every function that a kernel's file defines
// for others is therefore weak, so that the linker keeps one copy, and bears the version of the kernels in its name for
// the linker, so that a model never calls those of another version, whose descriptors may differ.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <vector>

#include "deploy/lower.h"

namespace bitwright {

// File name -> text: the kernels that the program needs, bw_config.h, bw_names.h, bw_crc32.*. A file has the same text
// in every package. specialize: PackageOptions::specialize; what is compiled for a layer is a bw_NAME_inline.h.
std::map<std::string, std::string> emit_runtime(const Program& program, int specialize = 0);

// Eight hex digits; others after any change of the kernels.
std::string runtime_version();

// Names of the functions that a file of kernels defines with external linkage, in the file's order.
std::vector<std::string> external_functions(const std::string& source);
// The same file with attributes, BW_KERNEL, before each of them.
std::string with_attributes(const std::string& source, const std::string& attributes);
std::string with_kernel_attributes(const std::string& source);

}  // namespace bitwright
