// SPDX-License-Identifier: Apache-2.0
#include "experiments/fast_weights_budget.h"

#include <charconv>
#include <limits>

#include "core/error.h"
#include "core/io/config_reader.h"

namespace bitwright {

int64_t fast_weights_budget(const std::string& text) {
  if (text.empty()) return 0;
  if (text == "auto") return std::numeric_limits<int64_t>::max();
  int64_t bytes = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), bytes);
  if (error == std::errc() && end == text.data() + text.size() && bytes >= 0) return bytes;
  const std::string rule = quantity64(kBytes).parse(text, bytes);
  if (!rule.empty())
    throw ConfigError(fmt::format("--fast-weights = {}: {}, or bytes without one, or auto", text, rule));
  return bytes;
}

}  // namespace bitwright
