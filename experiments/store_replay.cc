// SPDX-License-Identifier: Apache-2.0
#include "experiments/store_replay.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "core/io/load_study.h"
#include "experiments/study_session.h"

namespace bitwright {
namespace {

constexpr size_t kShown = 10;

// 1234 -> "1,234".
std::string grouped(int64_t count) {
  return count < 1000 ? std::to_string(count) : fmt::format("{},{:03}", grouped(count / 1000), count % 1000);
}

}  // namespace

Replay replay_store(const TrialStore& store, const std::function<void(const Replay&)>& on_proposal) {
  const std::vector<Trial> trials = store.trials();
  if (trials.empty()) return {};
  const Study study = study_from_json(store.study().config_json);
  const SearchSpace space = space_of(study, trials.front().candidate.network);
  const CandidateRules rules = rules_of(study);
  const auto sampler =
      make_sampler(study.search, space, goals_of(study), rules, validation_windows(trials), store.earlier());
  return replay_study(*sampler, rules, store, on_proposal);
}

std::string replay_text(const Replay& replay) {
  std::string text = fmt::format("{} of {} proposals equal\n", grouped(replay.equal()), grouped(replay.proposals));
  for (size_t i = 0; i < std::min(kShown, replay.differences.size()); ++i)
    text += fmt::format("#{}: {}\n", replay.differences[i].number, replay.differences[i].text);
  if (replay.differences.size() > kShown) text += fmt::format("and {} more\n", replay.differences.size() - kShown);
  return text;
}

std::vector<std::string> replay_notes(const StudyRecord& study, const std::vector<Trial>& trials,
                                      const std::map<std::string, std::string>& provenance) {
  const std::string code = code_of(provenance);
  std::set<std::string> others;
  for (const Trial& trial : trials) {
    const std::string& proposer = trial.provenance.code;  // not there in a store of format 1
    const std::string by = proposer.empty() ? code_of(study.provenance) : proposer;
    if (!by.empty() && by != code) others.insert(by);
  }
  std::vector<std::string> notes;
  if (!others.empty())
    notes.push_back(fmt::format("proposed by bitwright {}; this is {}, which may propose otherwise",
                                fmt::join(others, " and "), code));
  const auto made = study.provenance.find("cpu"), here = provenance.find("cpu");
  if (made != study.provenance.end() && here != provenance.end() && made->second != here->second)
    notes.push_back(
        fmt::format("proposed on {}; this is {}, whose logarithms may round otherwise", made->second, here->second));
  return notes;
}

}  // namespace bitwright
