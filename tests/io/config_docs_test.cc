// SPDX-License-Identifier: Apache-2.0
// docs/configuration.md documents every field that the readers know: a row `| \`field\` | ...` under the heading of
// its section.
#include <gtest/gtest.h>

#include "core/io/board_yaml.h"
#include "core/io/load_study.h"
#include "core/io/network_yaml.h"
#include "core/io/yaml.h"

namespace bitwright {
namespace {

void expect_documented(const std::vector<std::string>& fields, const std::string& heading) {
  const std::string page = read_text_file(BITWRIGHT_SOURCE_DIR "/docs/configuration.md");
  const size_t start = page.find("\n## " + heading + "\n");
  ASSERT_NE(start, std::string::npos) << heading;
  const std::string chapter = page.substr(start, page.find("\n## ", start + 1) - start);
  for (const std::string& field : fields)
    EXPECT_NE(chapter.find("\n| `" + field + "` |"), std::string::npos) << heading << ": " << field;
  const size_t rows = static_cast<size_t>(std::count(chapter.begin(), chapter.end(), '\n'));
  EXPECT_GT(rows, fields.size());
}

TEST(ConfigurationPage, DocumentsEveryFieldOfAStudy) {
  expect_documented(study_fields(), "Study");
}
TEST(ConfigurationPage, DocumentsEveryFieldOfABoard) {
  expect_documented(board_fields(), "Board");
}
TEST(ConfigurationPage, DocumentsEveryFieldOfANetwork) {
  expect_documented(network_fields(), "Network");
}

}  // namespace
}  // namespace bitwright
