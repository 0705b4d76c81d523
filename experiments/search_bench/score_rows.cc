// SPDX-License-Identifier: Apache-2.0
#include "experiments/search_bench/score_rows.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <map>

#include "core/error.h"
#include "core/io/csv.h"

namespace bitwright {
namespace {

// Columns of a row by their names.
class RowReader {
 public:
  explicit RowReader(const CsvTable& table) : table_(table) {}

  const std::string& text(size_t row, const std::string& column) const {
    return table_.rows[row][table_.column(column)];
  }
  double number(size_t row, const std::string& column) const {
    const std::string& value = text(row, column);
    double number = 0.0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (error != std::errc() || end != value.data() + value.size())
      throw DataError(fmt::format("{}:{}: {} = {}: a number", table_.file, table_.lines[row], column, value));
    return number;
  }
  bool keeps_all_limits(size_t row) const { return text(row, "known_ok") == "1" && text(row, "unknown_ok") == "1"; }
  ObjectiveVector objectives(size_t row, size_t count) const {
    ObjectiveVector values;
    for (size_t k = 0; k < count; ++k) values.push_back(number(row, fmt::format("f{}", k)));
    return values;
  }

 private:
  const CsvTable& table_;
};

struct Reached {
  std::vector<ObjectiveVector> front;
  double share = 0.0;
};

void reach(const Problem& problem, const ObjectiveVector& point, Reached& reached) {
  if (std::ranges::count(reached.front, point) > 0 || !extend_front(reached.front, point)) return;
  reached.share = reference_share(problem, reached.front);
}

}  // namespace

std::string score_rows(const Problem& problem, const std::string& rows, const std::string& file) {
  const CsvTable table = parse_csv(rows, file);
  const RowReader reader(table);
  std::map<std::pair<std::string, std::string>, Reached> searches;  // by peer and seed
  std::string scored = fmt::format("{},share\n", fmt::join(table.columns, ","));
  for (size_t row = 0; row < table.rows.size(); ++row) {
    if (reader.text(row, "problem") != problem.name) continue;
    Reached& reached = searches[{reader.text(row, "peer"), reader.text(row, "seed")}];
    if (reader.keeps_all_limits(row)) reach(problem, reader.objectives(row, problem.ideal.size()), reached);
    scored += fmt::format("{},{:.6f}\n", fmt::join(table.rows[row], ","), reached.share);
  }
  return scored;
}

}  // namespace bitwright
