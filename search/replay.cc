// SPDX-License-Identifier: Apache-2.0
#include "search/replay.h"

#include <fmt/format.h>

#include <set>
#include <utility>

#include "search/propose_trial.h"

namespace bitwright {
namespace {

// Every digit: equal texts are equal numbers.
std::string text_of(const std::optional<Opinion>& opinion) {
  if (!opinion) return "none";
  return fmt::format("mean {}, deviation {}, log success {}, log acquisition {}, hypervolume {}", opinion->mean,
                     opinion->deviation, opinion->log_success, opinion->log_acquisition, opinion->hypervolume);
}

std::string text_of(const std::map<std::string, int64_t>& rejected) {
  std::string text;
  for (const auto& [rule, candidates] : rejected)
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", rule, candidates);
  return text.empty() ? "none" : text;
}

std::string changed(const std::string& what, const std::string& stored, const std::string& proposed) {
  return fmt::format("{} {} is stored, {} is proposed", what, stored, proposed);
}

// The first that differs, coarse ones first; empty where all is equal.
std::string difference(const Trial& stored, const Trial& proposed) {
  const ProposalProvenance &from = stored.provenance, &now = proposed.provenance;
  if (stored.candidate.hash != proposed.candidate.hash)
    return changed("network", stored.candidate.hash, proposed.candidate.hash);
  if (stored.source != proposed.source) return changed("source", stored.source, proposed.source);
  if (from.source.empty()) return "";
  if (from.parents != now.parents)
    return changed("parents", fmt::format("{}", fmt::join(from.parents, " ")),
                   fmt::format("{}", fmt::join(now.parents, " ")));
  if (from.opinion != now.opinion) return changed("opinion", text_of(from.opinion), text_of(now.opinion));
  if (from.rejected != now.rejected) return changed("rejected", text_of(from.rejected), text_of(now.rejected));
  return "";
}

class StudyReplay {
 public:
  // finished: in the order of finishing.
  StudyReplay(Sampler& sampler, const CandidateRules& rules, std::vector<Trial> finished)
      : sampler_(sampler), rules_(rules), finished_(std::move(finished)) {}

  // Of the trials in order.
  void add(const Trial& stored) {
    const std::string text = difference_of(stored);
    ++replay_.proposals;
    if (!text.empty()) replay_.differences.push_back({stored.number, text});
    hashes_.insert(stored.candidate.hash);
    if (!told_.contains(stored.number)) sampler_.begin(stored);
  }
  const Replay& replay() const { return replay_; }

 private:
  std::string difference_of(const Trial& stored) {
    const auto seen = static_cast<size_t>(stored.ask_watermark);
    if (seen < told_.size()) return fmt::format("saw {} results, fewer than a trial before it", seen);
    if (seen > finished_.size()) return fmt::format("saw {} results, more than there are", seen);
    while (told_.size() < seen) tell(finished_[told_.size()]);
    const ProposedTrial proposed =
        propose_trial(sampler_, stored.number,
                      {.rules = rules_,
                       .is_known = [&](const std::string& hash) { return hashes_.contains(hash); },
                       .may_go_on = [] { return true; }});
    if (!proposed.accepted) return "nothing new that fits is proposed";
    return difference(stored, proposed.trial);
  }

  void tell(const Trial& finished) {
    sampler_.tell(finished);
    told_.insert(finished.number);
  }

  Sampler& sampler_;
  const CandidateRules& rules_;
  const std::vector<Trial> finished_;
  std::set<int64_t> told_;        // numbers of the first of them
  std::set<std::string> hashes_;  // of the trials before
  Replay replay_;
};

}  // namespace

Replay replay_study(Sampler& sampler, const CandidateRules& rules, const TrialStore& store,
                    const std::function<void(const Replay&)>& on_proposal) {
  const std::vector<Trial> trials = store.trials();  // before what has finished, which a search may add to meanwhile
  StudyReplay replay(sampler, rules, store.finished());
  for (const Trial& trial : trials) {
    replay.add(trial);
    if (on_proposal) on_proposal(replay.replay());
  }
  return replay.replay();
}

}  // namespace bitwright
