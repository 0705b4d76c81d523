// core/io/csv.h: tables of text as RFC 4180 writes them: comma, double quotes, a header line.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace bitwright {

struct CsvTable {
  std::string file;                  // for messages
  std::vector<std::string> columns;  // all different
  std::vector<std::vector<std::string>> rows;
  std::vector<int> lines;  // of each row in the file, from 1

  // Index of a column; throws DataError `file: no column "x", did you mean "y"?`.
  size_t column(const std::string& name) const;
};

// Throw DataError `file:line: rule`: a row with another number of values than the header, an open quote,
// bytes that are not UTF-8.
CsvTable parse_csv(std::string_view text, const std::string& file);
CsvTable read_csv(const std::string& path);

}  // namespace bitwright
