// SPDX-License-Identifier: Apache-2.0
#include "core/io/csv.h"

#include "core/error.h"
#include "core/io/config_reader.h"
#include "core/io/utf8.h"

namespace bitwright {
namespace {

constexpr size_t kMaxBytes = size_t{64} << 20;

// Cuts a table into values, counting lines; a quoted value may hold commas, line ends and doubled quotes.
class CsvScanner {
 public:
  CsvScanner(std::string_view text, const std::string& file) : text_(text), file_(file) {}

  bool at_end() const { return at_ >= text_.size(); }
  int line() const { return line_; }

  std::vector<std::string> row() {
    std::vector<std::string> values;
    do values.push_back(text_.substr(at_).starts_with('"') ? quoted() : plain());
    while (take(','));
    take('\r');
    if (!at_end() && !take('\n')) fail("a quoted value must end at a comma or a line end");
    ++line_;
    return values;
  }

  [[noreturn]] void fail(const std::string& rule) const {
    throw DataError(fmt::format("{}:{}: {}", file_, line_, rule));
  }

 private:
  bool take(char c) {
    const bool found = !at_end() && text_[at_] == c;
    if (found) ++at_;
    return found;
  }

  std::string plain() {
    const size_t end = std::min(text_.find_first_of(",\r\n", at_), text_.size());
    const std::string value(text_.substr(at_, end - at_));
    if (!is_utf8(value)) fail("not UTF-8");
    at_ = end;
    return value;
  }

  std::string quoted() {
    std::string value;
    const int first = line_;
    for (++at_; !at_end(); ++at_) {
      if (text_[at_] == '"' && !text_.substr(at_ + 1).starts_with('"')) {
        ++at_;
        if (!is_utf8(value)) fail("not UTF-8");
        return value;
      }
      if (text_[at_] == '"') ++at_;
      if (text_[at_] == '\n') ++line_;
      value += text_[at_];
    }
    line_ = first;
    fail("a quote is never closed");
  }

  std::string_view text_;
  const std::string& file_;
  size_t at_ = 0;
  int line_ = 1;
};

}  // namespace

size_t CsvTable::column(const std::string& name) const {
  const auto found = std::find(columns.begin(), columns.end(), name);
  if (found == columns.end()) throw DataError(file + ": no column \"" + name + "\"" + did_you_mean(name, columns));
  return static_cast<size_t>(found - columns.begin());
}

CsvTable parse_csv(std::string_view text, const std::string& file) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  CsvScanner scanner(text, file);
  CsvTable table{file, {}, {}, {}};
  if (scanner.at_end()) scanner.fail("a header line is needed");
  table.columns = scanner.row();
  for (size_t i = 0; i < table.columns.size(); ++i)
    if (std::find(table.columns.begin(), table.columns.begin() + static_cast<std::ptrdiff_t>(i), table.columns[i]) !=
        table.columns.begin() + static_cast<std::ptrdiff_t>(i))
      throw DataError(fmt::format("{}:1: column \"{}\" a second time", file, table.columns[i]));
  while (!scanner.at_end()) {
    const int line = scanner.line();
    std::vector<std::string> row = scanner.row();
    if (row.size() == 1 && row[0].empty()) continue;  // an empty line
    if (row.size() != table.columns.size())
      throw DataError(
          fmt::format("{}:{}: {} values where the header has {}", file, line, row.size(), table.columns.size()));
    table.rows.push_back(std::move(row));
    table.lines.push_back(line);
  }
  return table;
}

CsvTable read_csv(const std::string& path) {
  try {
    return parse_csv(read_text_file(path, kMaxBytes), path);
  } catch (const DataError&) {
    throw;
  } catch (const ConfigError& e) {
    throw DataError(e.what());
  }
}

}  // namespace bitwright
