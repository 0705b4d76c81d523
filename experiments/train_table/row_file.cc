// SPDX-License-Identifier: Apache-2.0
#include "experiments/train_table/row_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <sstream>

#include "core/error.h"

namespace bitwright {
namespace {

[[noreturn]] void disk_error(const std::string& path, const char* what) {
  throw StoreError(fmt::format("{}: {}: {}", path, what, std::strerror(errno)));
}

std::string read_all(int fd, const std::string& path) {
  std::string text;
  std::array<char, 1 << 16> buffer{};
  while (const ssize_t n = ::read(fd, buffer.data(), buffer.size())) {
    if (n < 0) disk_error(path, "cannot read");
    text.append(buffer.data(), static_cast<size_t>(n));
  }
  return text;
}

// The first line of `text` that `header` has not.
std::string foreign_line(const std::string& text, const std::string& header) {
  std::istringstream found(text), wanted(header);
  for (std::string line, other; std::getline(found, line);)
    if (!std::getline(wanted, other) || line != other) return line;
  return "";
}

// "a,b" of "a,b,c" and 2.
std::string first_fields(const std::string& row, size_t fields) {
  size_t end = 0;
  for (size_t i = 0; i < fields && end != std::string::npos; ++i) end = row.find(',', end + (i > 0 ? 1 : 0));
  return row.substr(0, end);
}

}  // namespace

RowFile::RowFile(const std::string& path, const std::string& header) : path_(path) {
  fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (fd_ < 0) disk_error(path, "cannot open");
  try {
    if (::flock(fd_, LOCK_EX | LOCK_NB) != 0) disk_error(path, "another process has it");
    std::string text = read_all(fd_, path);
    text.resize(text.rfind('\n') + 1);  // npos + 1 is 0
    if (header.starts_with(text)) text.clear();
    if (!text.empty() && !text.starts_with(header))
      throw ConfigError(fmt::format("{}: written with other settings: {}", path, foreign_line(text, header)));
    if (::ftruncate(fd_, static_cast<off_t>(text.size())) != 0) disk_error(path, "cannot truncate");
    if (text.empty())
      write_all(header);
    else
      rows_ = text.substr(header.size());
  } catch (...) {
    ::close(fd_);
    throw;
  }
}

RowFile::~RowFile() {
  ::close(fd_);
}

std::set<std::string> RowFile::keys(size_t fields) const {
  std::set<std::string> keys;
  std::istringstream rows(rows_);
  for (std::string row; std::getline(rows, row);) keys.insert(first_fields(row, fields));
  return keys;
}

void RowFile::append(const std::string& row) {
  write_all(row + "\n");
}

void RowFile::write_all(const std::string& text) {
  const ssize_t written = ::write(fd_, text.data(), text.size());
  if (written != static_cast<ssize_t>(text.size())) disk_error(path_, "cannot write");
}

}  // namespace bitwright
