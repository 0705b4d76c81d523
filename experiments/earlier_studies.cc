// SPDX-License-Identifier: Apache-2.0
#include "experiments/earlier_studies.h"

#include <fmt/format.h>

#include <filesystem>

#include "core/error.h"
#include "core/store/trial_store.h"
#include "search/earlier_results.h"

namespace bitwright {

std::vector<EarlierStudy> earlier_studies(const Study& study, const SearchSpace& space) {
  std::vector<EarlierStudy> studies;
  for (const std::string& path : study.search.warm_start) {
    if (!std::filesystem::exists(path))
      throw ConfigError(fmt::format("{}: search.warm_start = {}: there is no such store", study.file, path));
    const TrialStore store = TrialStore::open_read_only(path);
    const StudyRecord record = store.study();
    studies.push_back({path, record.uuid, record.name, usable_results(space, store.finished())});
  }
  return studies;
}

std::vector<std::string> earlier_warnings(const Study& study, const std::vector<EarlierStudy>& earlier) {
  std::vector<std::string> warnings;
  if (!earlier.empty() && !learns_from_earlier(study.search.sampler))
    warnings.push_back(
        fmt::format("search.warm_start: search.sampler = {} takes no notice of it", study.search.sampler));
  for (const EarlierStudy& each : earlier)
    if (each.results.empty())
      warnings.push_back(fmt::format("search.warm_start = {}: no complete trial is a point of this space", each.path));
  return warnings;
}

}  // namespace bitwright
