// deploy/host_build.h: the compilers of this machine, each with and without sanitizers.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace bitwright {

struct HostBuild {
  std::string name;        // "host-gcc", "host-gcc-sanitized", "host-clang", "host-clang-sanitized"
  std::string compiler;    // program
  bool sanitized = false;  // AddressSanitizer and UndefinedBehaviorSanitizer; a finding ends the program
};

const std::vector<HostBuild>& host_builds();

// What is not installed, as a line that names its Debian package; nothing if all is there.
std::optional<std::string> missing_tool(const HostBuild& build);

// Compiles C99 sources under all warnings to objects `folder`/NAME.o, which it returns in the same order. Throws
// ToolError with the compiler's messages.
std::vector<std::string> compile_for_host(const HostBuild& build, const std::vector<std::string>& sources,
                                          const std::vector<std::string>& extra_flags, const std::string& folder);
void link_for_host(const HostBuild& build, const std::vector<std::string>& objects, const std::string& program);

}  // namespace bitwright
