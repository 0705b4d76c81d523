// SPDX-License-Identifier: Apache-2.0
#include "experiments/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace bitwright {
namespace {

constexpr double kShownAsZero = 0.05;  // below it, one decimal is 0

bool numeric(const std::string& cell) {
  return cell.empty() || cell == "-" ||
         std::isdigit(static_cast<unsigned char>(cell[cell[0] == '-' || cell[0] == '+']));
}

struct Column {
  size_t width = 0;
  bool right = true;
};

std::vector<Column> measure(const std::vector<std::vector<std::string>>& rows) {
  std::vector<Column> columns;
  for (size_t r = 0; r < rows.size(); ++r) {
    columns.resize(std::max(columns.size(), rows[r].size()));
    for (size_t c = 0; c < rows[r].size(); ++c) {
      columns[c].width = std::max(columns[c].width, rows[r][c].size());
      if (r > 0 && !numeric(rows[r][c])) columns[c].right = false;
    }
  }
  return columns;
}

}  // namespace

std::string render_table(const std::vector<std::vector<std::string>>& rows) {
  const auto columns = measure(rows);
  std::string out;
  for (const auto& row : rows) {
    std::string line;
    for (size_t c = 0; c < row.size(); ++c)
      line += columns[c].right ? fmt::format("{:>{}}  ", row[c], columns[c].width)
                               : fmt::format("{:<{}}  ", row[c], columns[c].width);
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out;
}

std::string format_bytes(int64_t bytes) {
  return bytes < 1024 ? fmt::format("{} B", bytes) : fmt::format("{:.1f} KiB", static_cast<double>(bytes) / 1024.0);
}

std::string format_count(double count) {
  if (count < 1000) return fmt::format("{:.0f}", count);
  return count < 1e6 ? fmt::format("{:.1f} k", count / 1e3) : fmt::format("{:.2f} M", count / 1e6);
}

std::string format_duration(double seconds) {
  const auto s = static_cast<int64_t>(std::max(seconds, 0.0));
  return fmt::format("{:02}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
}

std::string format_microseconds(double us) {
  if (us > 0 && us < 0.5) return fmt::format("{:.2g} us", us);
  return us < 1000 ? fmt::format("{:.0f} us", us) : fmt::format("{:.1f} ms", us / 1e3);
}

std::string format_microjoules(double uj) {
  if (uj <= 0) return "-";
  if (uj < kShownAsZero) return fmt::format("{:.2g} nJ", uj * 1e3);
  return uj < 1000 ? fmt::format("{:.1f} uJ", uj) : fmt::format("{:.1f} mJ", uj / 1e3);
}

std::string format_microwatts(double uw) {
  if (uw <= 0) return "-";
  if (uw < kShownAsZero) return fmt::format("{:.2g} nW", uw * 1e3);
  return uw < 1000 ? fmt::format("{:.1f} uW", uw) : fmt::format("{:.1f} mW", uw / 1e3);
}

std::string format_life(double hours) {
  constexpr double kDay = 24.0, kYear = 365.25 * kDay;
  if (hours <= 0) return "-";
  if (hours < 2 * kDay) return fmt::format("{:.0f} hours", hours);
  return hours < 2 * kYear ? fmt::format("{:.0f} days", hours / kDay) : fmt::format("{:.1f} years", hours / kYear);
}

std::string format_percent(double share) {
  return fmt::format("{:.2f} %", 100.0 * share);
}

}  // namespace bitwright
