// SPDX-License-Identifier: Apache-2.0
#include "core/store/earlier_rows.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "core/hash.h"
#include "core/io/json_text.h"

namespace bitwright {
namespace {

// Of a study's rows, every digit of the errors.
std::string digest(const std::vector<EarlierResult>& results) {
  std::string text;
  for (const EarlierResult& result : results)
    text += fmt::format("{} {} {}\n", result.trial, json_text(nlohmann::json(result.parameters), -1), result.error);
  return sha256_hex(text);
}

std::vector<EarlierResult> select_results(const Database& database, int64_t study) {
  std::vector<EarlierResult> results;
  Statement rows(database, "SELECT trial, parameters, error FROM earlier_result WHERE study = ? ORDER BY idx", study);
  while (rows.next()) {
    const auto parameters = nlohmann::json::parse(rows.text(1), nullptr, /*allow_exceptions=*/false);
    if (!parameters.is_object()) database.fail("parameters of an earlier study are no JSON");
    EarlierResult result{rows.integer(0), {}, rows.real(2)};
    for (const auto& [name, value] : parameters.items())
      result.parameters[name] = value.is_string() ? value.get<std::string>() : "";
    results.push_back(std::move(result));
  }
  return results;
}

}  // namespace

void replace_earlier(const Database& database, const std::vector<EarlierStudy>& studies) {
  database.execute("DELETE FROM earlier_result; DELETE FROM earlier_study");
  for (size_t i = 0; i < studies.size(); ++i) {
    const EarlierStudy& study = studies[i];
    Statement(database, "INSERT INTO earlier_study VALUES (?, ?, ?, ?, ?, ?)", static_cast<int64_t>(i), study.path,
              study.uuid, study.name, static_cast<int64_t>(study.results.size()), digest(study.results))
        .run();
    for (size_t k = 0; k < study.results.size(); ++k) {
      const EarlierResult& result = study.results[k];
      Statement(database, "INSERT INTO earlier_result VALUES (?, ?, ?, ?, ?)", static_cast<int64_t>(i),
                static_cast<int64_t>(k), result.trial, json_text(nlohmann::json(result.parameters), -1), result.error)
          .run();
    }
  }
}

std::vector<EarlierStudy> select_earlier(const Database& database) {
  std::vector<EarlierStudy> studies;
  Statement rows(database, "SELECT idx, path, uuid, name, sha256 FROM earlier_study ORDER BY idx");
  while (rows.next()) {
    studies.push_back({rows.text(1), rows.text(2), rows.text(3), select_results(database, rows.integer(0))});
    if (digest(studies.back().results) != rows.text(4))
      database.fail(fmt::format("the results of the earlier study {} are not those that were read", rows.text(1)));
  }
  return studies;
}

}  // namespace bitwright
