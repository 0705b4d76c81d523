// experiments/train_table/row_file.h: a CSV file that grows row by row, whose writer may be killed at any moment.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <set>
#include <string>

namespace bitwright {

// Lines end in '\n'. First those of the header, then the rows. One process at a time has the file (flock).
class RowFile {
 public:
  // Opens the file, or makes it with this header. A last line that a kill cut off is removed. Throws ConfigError where
  // its header is another one, StoreError where the disk refuses or another process has the file.
  RowFile(const std::string& path, const std::string& header);
  ~RowFile();
  RowFile(const RowFile&) = delete;
  RowFile& operator=(const RowFile&) = delete;

  // Of the rows that the file had when it was opened the first `fields` of each, "8-16,3,int4".
  std::set<std::string> keys(size_t fields) const;

  // One write(2) each, so that a kill costs no row that was appended.
  void append(const std::string& row);

 private:
  void write_all(const std::string& text);

  const std::string path_;
  int fd_ = -1;
  std::string rows_;
};

}  // namespace bitwright
