// core/store/earlier_rows.h: what was read of earlier studies as rows. Inside core/store only; callers hold the
// transaction.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "core/earlier_study.h"
#include "core/store/sqlite.h"

namespace bitwright {

void replace_earlier(const Database& database, const std::vector<EarlierStudy>& studies);
// Fails where a study's rows are not those that were read.
std::vector<EarlierStudy> select_earlier(const Database& database);

}  // namespace bitwright
