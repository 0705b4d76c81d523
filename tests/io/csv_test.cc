// SPDX-License-Identifier: Apache-2.0
#include "core/io/csv.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "tests/io/temp_folder.h"

namespace bitwright {
namespace {

std::string error_in(const std::string& text) {
  return error_of<DataError>([&] { parse_csv(text, "t.csv"); });
}

TEST(Csv, ReadsQuotesCommasAndLineEnds) {
  const CsvTable table = parse_csv("a,b\r\n\"x, \"\"y\"\"\nz\",2\n\n,\n", "t.csv");
  EXPECT_EQ(table.columns, (std::vector<std::string>{"a", "b"}));
  ASSERT_EQ(table.rows.size(), 2u);
  EXPECT_EQ(table.rows[0], (std::vector<std::string>{"x, \"y\"\nz", "2"}));
  EXPECT_EQ(table.rows[1], (std::vector<std::string>{"", ""}));
  EXPECT_EQ(table.lines, (std::vector<int>{2, 5}));
}

TEST(Csv, NamesTheLineOfAShortRow) {
  EXPECT_EQ(error_in("a,b\n1,2\n3\n"), "t.csv:3: 1 values where the header has 2");
}

TEST(Csv, NamesTheLineOfAnOpenQuote) {
  EXPECT_EQ(error_in("a,b\n1,\"2\n\n"), "t.csv:2: a quote is never closed");
}

TEST(Csv, RefusesTextAfterAQuote) {
  EXPECT_EQ(error_in("a\n\"1\"2\n"), "t.csv:2: a quoted value must end at a comma or a line end");
}

TEST(Csv, NamesTheLineOfAValueThatIsNotUtf8) {
  EXPECT_EQ(error_in("a\nh\xe9\n"), "t.csv:2: not UTF-8");
  EXPECT_EQ(error_in("a\n\"h\xc3\xa9\"\n\"\xff\"\n"), "t.csv:3: not UTF-8");
}

TEST(Csv, RefusesAColumnTwice) {
  EXPECT_EQ(error_in("a,b,a\n"), "t.csv:1: column \"a\" a second time");
}

TEST(Csv, SuggestsAColumn) {
  const CsvTable table = parse_csv("load_hp,label\n", "t.csv");
  EXPECT_EQ(error_of<DataError>([&] { table.column("laod_hp"); }),
            "t.csv: no column \"laod_hp\", did you mean \"load_hp\"?");
}

}  // namespace
}  // namespace bitwright
