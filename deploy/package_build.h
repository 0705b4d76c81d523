// deploy/package_build.h: an exported package on disk, and how it is compiled for a core: what deploy/verify.h and
// deploy/package_profile.h have in common.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <set>
#include <string>
#include <vector>

#include "deploy/cross_target.h"
#include "deploy/lower.h"
#include "deploy/stack_analysis.h"

namespace bitwright {

// Its golden vectors, from the package's folder.
inline const std::vector<std::string> kGoldenFiles = {"golden/inputs.bin", "golden/outputs.bin"};

struct PackageFiles {
  std::string folder;                // absolute
  std::vector<std::string> sources;  // src/*.c, sorted
  std::string test;                  // test/golden_test.c
};

// Throws ConfigError `folder: not a package: no ...`.
PackageFiles find_package(const std::string& folder);

struct BuiltPackage {
  std::vector<std::string> objects, test;
  std::string elf;
};

// Below `folder`, under the flags of verification. Throws ToolError.
BuiltPackage build_for_core(const PackageFiles& package, const CrossTarget& target, const std::string& folder);

// The function that the program calls for each of its layers: of a unit of its own, or bw_KERNEL_VERSION; empty where a
// layer calls none. symbols: those that the linked program defines. Throws ToolError where one is missing.
std::vector<std::string> kernel_functions(const Program& program, const std::set<std::string>& symbols);

// What the compiler said of the frames of objects that build_for_core() made.
Frames frames_of(const std::vector<std::string>& objects);

// Functions of the package that the test calls as inferences: those whose names end in _run or _push.
std::vector<std::string> inferences(const std::string& core, const BuiltPackage& built);

// What the test program printed: `NAME 12` on a line of its own; -1 if there is none.
int64_t printed_number(const std::string& output, const std::string& name);

}  // namespace bitwright
