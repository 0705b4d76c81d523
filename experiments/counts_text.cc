// SPDX-License-Identifier: Apache-2.0
#include "experiments/counts_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "deploy/timing.h"
#include "experiments/table.h"

namespace bitwright {

std::string whole_number(double count) {
  return fmt::format("{:.0f}", count);
}

std::string interval(double low, std::string (*format)(double)) {
  return fmt::format("{} .. {}", format(low), format(low * kCyclesUpper));
}

std::string classes_table(const std::map<std::string, double>& instructions_by_class) {
  if (instructions_by_class.empty()) return {};
  std::vector<std::pair<std::string, double>> classes(instructions_by_class.begin(), instructions_by_class.end());
  std::stable_sort(classes.begin(), classes.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  double sum = 0.0;
  for (const auto& [kind, n] : classes) sum += n;
  std::vector<std::vector<std::string>> rows = {{"class", "instructions", "share"}};
  for (const auto& [kind, n] : classes) rows.push_back({kind, whole_number(n), format_percent(n / sum)});
  return render_table(rows);
}

}  // namespace bitwright
