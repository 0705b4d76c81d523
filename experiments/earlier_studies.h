// experiments/earlier_studies.h: the stores that a study begins with: search.warm_start.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "core/earlier_study.h"
#include "core/study.h"
#include "search/space.h"

namespace bitwright {

// Of each store what is a point of `space`. Throws ConfigError where there is no such store.
std::vector<EarlierStudy> earlier_studies(const Study& study, const SearchSpace& space);

// A line for each store of which nothing is of use, and one where the search method takes no notice of any.
std::vector<std::string> earlier_warnings(const Study& study, const std::vector<EarlierStudy>& earlier);

}  // namespace bitwright
