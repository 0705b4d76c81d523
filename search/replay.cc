// SPDX-License-Identifier: Apache-2.0
#include "search/replay.h"

#include <fmt/format.h>

#include <algorithm>
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

std::string went_on_text(int64_t trial, double fidelity) {
  return fmt::format("that #{} goes on to {:g} % of its epochs", trial, 100.0 * fidelity);
}

std::string difference(const Continuation& stored, const Continuation& proposed) {
  if (stored.trial != proposed.trial || stored.fidelity != proposed.fidelity)
    return changed("what is proposed:", went_on_text(stored.trial, stored.fidelity),
                   went_on_text(proposed.trial, proposed.fidelity));
  const ProposalProvenance &from = stored.provenance, &now = proposed.provenance;
  if (from.source != now.source) return changed("source", from.source, now.source);
  if (from.opinion != now.opinion) return changed("opinion", text_of(from.opinion), text_of(now.opinion));
  return "";
}

class StudyReplay {
 public:
  // results: in their order.
  StudyReplay(Sampler& sampler, const CandidateRules& rules, std::vector<Trial> results)
      : sampler_(sampler), rules_(rules), results_(std::move(results)) {}

  // In the order of proposing.
  void add(const Trial& stored) {
    note(stored.number, difference_of(stored));
    hashes_.insert(stored.candidate.hash);
    if (!told_.contains(stored.number)) sampler_.begin(stored);
  }
  // trial: that goes on.
  void add(const Continuation& stored, const Trial& trial) {
    note(stored.trial, difference_of(stored));
    sampler_.begin(trial);
  }
  const Replay& replay() const { return replay_; }

 private:
  void note(int64_t number, const std::string& text) {
    ++replay_.proposals;
    if (!text.empty()) replay_.differences.push_back({number, text});
  }

  std::string difference_of(const Trial& stored) {
    std::string wrong = tell_up_to(stored.ask_watermark);
    if (!wrong.empty()) return wrong;
    const ProposedTrial proposed = propose(stored.number);
    if (const auto& continuation = proposed.continuation)
      return changed("what is proposed:", "a new trial", went_on_text(continuation->trial, continuation->fidelity));
    if (!proposed.accepted) return "nothing new that fits is proposed";
    return difference(stored, proposed.trial);
  }

  std::string difference_of(const Continuation& stored) {
    std::string wrong = tell_up_to(stored.ask_watermark);
    if (!wrong.empty()) return wrong;
    const ProposedTrial proposed = propose(stored.next_trial);
    if (proposed.continuation) return difference(stored, *proposed.continuation);
    return changed("what is proposed:", went_on_text(stored.trial, stored.fidelity), "a new trial");
  }

  // What is wrong with so many; empty: nothing.
  std::string tell_up_to(int64_t watermark) {
    const auto seen = static_cast<size_t>(watermark);
    if (seen < tellings_) return fmt::format("saw {} results, fewer than a trial before it", seen);
    if (seen > results_.size()) return fmt::format("saw {} results, more than there are", seen);
    for (; tellings_ < seen; ++tellings_) {
      if (rules_.margins) rules_.margins->add(results_[tellings_]);
      sampler_.tell(results_[tellings_]);
      told_.insert(results_[tellings_].number);
    }
    return "";
  }

  ProposedTrial propose(int64_t number) {
    return propose_trial(sampler_, number,
                         {.rules = rules_,
                          .is_known = [&](const std::string& hash) { return hashes_.contains(hash); },
                          .may_go_on = [] { return true; }});
  }

  Sampler& sampler_;
  const CandidateRules& rules_;
  const std::vector<Trial> results_;
  size_t tellings_ = 0;           // of the first of them
  std::set<int64_t> told_;        // their numbers
  std::set<std::string> hashes_;  // of the trials before
  Replay replay_;
};

}  // namespace

Replay replay_study(Sampler& sampler, const CandidateRules& rules, const TrialStore& store,
                    const std::function<void(const Replay&)>& on_proposal) {
  // In this order: a search may add to what comes later meanwhile.
  const std::vector<Trial> trials = store.trials();
  const std::vector<Continuation> continuations = store.continuations();
  StudyReplay replay(sampler, rules, store.results());
  auto next = continuations.begin();
  const auto add_continuations = [&](int64_t next_trial) {
    for (; next != continuations.end() && next->next_trial <= next_trial; ++next) {
      const auto trial = std::ranges::lower_bound(trials, next->trial, {}, &Trial::number);
      replay.add(*next, *trial);
      if (on_proposal) on_proposal(replay.replay());
    }
  };
  for (const Trial& trial : trials) {
    add_continuations(trial.number);
    replay.add(trial);
    if (on_proposal) on_proposal(replay.replay());
  }
  if (!trials.empty()) add_continuations(trials.back().number + 1);  // those after trials that began meanwhile are not
  return replay.replay();
}

}  // namespace bitwright
