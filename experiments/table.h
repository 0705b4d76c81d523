// experiments/table.h: plain tables and quantities for the terminal.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace bitwright {

// Columns are as wide as their widest cell; a column whose cells below the first row are all numeric is right-aligned.
std::string render_table(const std::vector<std::vector<std::string>>& rows);

std::string format_bytes(int64_t bytes);      // "812 B", "11.8 KiB"
std::string format_count(double count);       // "812", "171.0 k", "3.60 M"
std::string format_duration(double seconds);  // "00:12:31"
std::string format_microseconds(double us);   // "840 us", "14.1 ms"
std::string format_microjoules(double uj);    // "8.4 uJ", "1.2 mJ"; "-" of 0, which is unknown
std::string format_microwatts(double uw);     // "12.4 uW", "3.1 mW"; "-" of 0
std::string format_life(double hours);        // "31 hours", "120 days", "3.4 years"; "-" of 0
std::string format_percent(double share);     // 0.9884 -> "98.84 %"

}  // namespace bitwright
