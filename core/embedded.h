// core/embedded.h: files of the source tree that travel inside the program: the C runtime, boards, the demo study.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string_view>
#include <vector>

namespace bitwright {

// `path` from the project's root: "configs/boards/nucleo-f411re.yaml".
std::optional<std::string_view> embedded_file(std::string_view path);
// Paths that start with `prefix`, sorted.
std::vector<std::string_view> embedded_files(std::string_view prefix);

}  // namespace bitwright
