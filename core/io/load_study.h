// core/io/load_study.h: a study's YAML becomes a checked Study, and back into text for the store.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "core/study.h"

namespace bitwright {

// Reads a study file; `overrides` are `search.trials=200`, values in YAML, and win over the file.
// Throws ConfigError with one line per mistake, all mistakes at once.
Study load_study(const std::string& path, const std::vector<std::string>& overrides = {});

// The same from text; `place` is what messages call it, relative paths start at the folder of `place`.
Study study_from_yaml(const std::string& text, const std::string& place,
                      const std::vector<std::string>& overrides = {});

// The inverse of Study::config_json: complete and normalised (defaults written out, quantities in base units, board by
// value, data path absolute). `file` is not part of it and comes back empty; the data folder need not exist.
// Throws ConfigError.
Study study_from_json(const std::string& config_json);

// What Study::config_json must hold for `study`; load_study has set it already.
std::string study_to_json(const Study& study);

// One line per field that differs, `search.trials: 100 -> 200`, by path; empty if none does.
std::string config_difference(const std::string& a_json, const std::string& b_json);

// config_json without the fields that may change while a study goes on: search.jobs and what ends a search,
// duty_cycle.battery, report_boards, the second half of `20 KiB of 64 KiB`, and what describes a board but decides no
// estimate and no limit; with one sleep current, whether duty cycle or boards give it; and without fields unknown to
// the first version whose value means what that version did. Takes its own result, too, also that of an earlier
// version. Two configurations are the same study exactly if these texts are equal.
std::string comparable_config(const std::string& config_json);

// Every field that a study may have, `search.population`, sorted; docs/configuration.md documents each.
std::vector<std::string> study_fields();

}  // namespace bitwright
