// SPDX-License-Identifier: Apache-2.0
#include "search/run_study.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <deque>
#include <set>

#include "core/quantity.h"
#include "search/expected_gain.h"
#include "search/pareto.h"
#include "search/propose_trial.h"

namespace bitwright {
namespace {

constexpr double kPollSeconds = 0.25;
constexpr double kRounding = 1e-9;  // of a sum of shares
constexpr const char* kGivenUpRung = "gave up rung";
constexpr const char* kMargin = "margin";
constexpr double kLeastChange = 1e-3;  // of a margin that is told

double system_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// The training seed of a trial; 63 bits, so that it reads the same in SQL.
uint64_t training_seed(uint64_t study_seed, int64_t number) {
  return Rng(study_seed, static_cast<uint64_t>(number)).next() >> 1;
}

// Boards limit flash and RAM, a duty cycle the latency.
bool is_limited(const std::string& quantity, const Study& study) {
  return quantity == "flash" || quantity == "ram" || (quantity == "latency" && study.duty_cycle.given()) ||
         find_quantity(quantity)->limit(study.limits) > 0.0;
}

class StudyRun {
 public:
  StudyRun(const Study& study, const SearchSpace& space, Sampler& sampler, TrialExecutor& executor, TrialStore& store,
           const CandidateRules& rules, const StudyHooks& hooks)
      : study_(study),
        goals_(goals_of(study)),
        space_(space),
        sampler_(sampler),
        executor_(executor),
        store_(store),
        rules_(rules),
        hooks_(hooks),
        start_(now()),
        gains_(study.search.least_gain) {}

  StudyOutcome run() {
    tell_stored_trials();
    take_up_running_trials();
    while (true) {
      start_trials();
      if (running_.empty()) break;
      if (stop_request() == StopRequest::kNow) return stop_now();
      store_epochs();
      if (auto result = executor_.wait(kPollSeconds)) store_result(*result);
    }
    return {reason_.value_or(StopReason::kTrialsDone), progress_};
  }

 private:
  void tell_stored_trials() {
    progress_.wanted = study_.search.trials;
    progress_.rejected = store_.rejected();
    for (const Event& event : store_.events()) noted_.insert({event.kind, event.json});
    for (const Trial& trial : store_.results()) learn_from(trial);
    progress_.at_rungs = !study_.search.rungs.empty();
    progress_.stopped = std::ssize(store_.stopped());
    for (const Trial& trial : store_.trials()) {
      begun_ += trial.fidelity;
      if (study_.search.least_gain > 0.0) gains_.add(trial);
    }
  }

  void take_up_running_trials() {
    for (const Trial& trial : store_.running()) {
      interrupted_.push_back(trial.number);
      sampler_.begin(trial);
    }
  }

  void start_trials() {
    while (static_cast<int>(running_.size()) < executor_.capacity() && !waits_for_results_ && may_start()) {
      if (interrupted_.empty()) {
        const auto trial = begin_proposed();
        if (!trial) return;
        submit(*trial);
      } else {
        take_up(interrupted_.front());
        interrupted_.pop_front();
      }
    }
  }

  void take_up(int64_t number) {
    const Trial trial = store_.trial(number);
    if (!executor_.adopt(trial)) return submit(store_.begin_attempt(number, "interrupted"));
    running_[number] = trial;
  }

  // Sets reason_ where the answer is no.
  bool may_start() {
    if (!may_go_on()) return false;
    if (interrupted_.empty() && begun_ >= study_.search.trials - kRounding)
      reason_ = StopReason::kTrialsDone;
    else if (interrupted_.empty() && progress_.stopped == 0 && !may_yet_go_on() &&
             static_cast<double>(store_.size()) >= space_.size())
      reason_ = StopReason::kSpaceExhausted;
    else if (interrupted_.empty() && gains_.over())
      reason_ = StopReason::kNothingToGain;
    return !reason_;
  }

  // Sets reason_ where the answer is no.
  bool may_go_on() {
    if (reason_) return false;
    const double budget = study_.search.budget_seconds;
    if (stop_request() != StopRequest::kNone)
      reason_ = StopReason::kStopped;
    else if (budget > 0.0 && now() - start_ >= budget)
      reason_ = StopReason::kBudgetSpent;
    else if (energy_spent())
      reason_ = StopReason::kEnergySpent;
    return !reason_;
  }

  // By what has finished; what runs is finished, too.
  bool energy_spent() const {
    const SearchSpec& search = study_.search;
    return search.energy_budget_j > 0.0 && train_seconds_ * search.machine_power_w >= search.energy_budget_j;
  }

  // The next candidate that is new and keeps every rule, or a trial that goes on from a rung; nullopt sets reason_. A
  // stop ends a search for one, too.
  std::optional<Trial> begin_proposed() {
    ProposedTrial proposed = propose_trial(sampler_, store_.next_number(),
                                           {.rules = rules_,
                                            .is_known = [&](const std::string& hash) { return store_.contains(hash); },
                                            .may_go_on = [&] { return may_go_on(); }});
    if (proposed.continuation) return go_on(std::move(*proposed.continuation));
    Trial& trial = proposed.trial;
    for (const auto& [rule, candidates] : trial.provenance.rejected) progress_.rejected[rule] += candidates;
    if (proposed.accepted) {
      trial.seed = training_seed(study_.search.seed, trial.number);
      trial.ask_watermark = told_;
      gains_.add(trial);
      begun_ += trial.fidelity;
      return store_.begin(std::move(trial));
    }
    if (!reason_) give_up(trial.number);
    return std::nullopt;
  }

  Trial go_on(Continuation continuation) {
    continuation.ask_watermark = told_;
    begun_ += continuation.fidelity - reached_.at(continuation.trial);
    --progress_.stopped;
    return store_.go_on(std::move(continuation));
  }

  // A training under way will stop at a rung, from where it may go on.
  bool may_yet_go_on() const {
    return std::ranges::any_of(running_, [](const auto& entry) { return entry.second.fidelity < 1.0; });
  }

  void give_up(int64_t number) {
    waits_for_results_ = may_yet_go_on();
    if (waits_for_results_) return;
    reason_ = store_.size() == 0 ? StopReason::kNothingFits : StopReason::kSpaceExhausted;
    store_.event("gave up", "{\"trial\": " + std::to_string(number) + "}");
  }

  void submit(const Trial& trial) {
    running_[trial.number] = trial;
    sampler_.begin(trial);
    if (hooks_.on_start) hooks_.on_start(trial);
    executor_.submit(trial);
  }

  void store_epochs() {
    for (const TrialEpoch& epoch : executor_.take_epochs()) {
      const auto trial = running_.find(epoch.number);
      if (trial == running_.end() || trial->second.attempt != epoch.attempt) continue;
      store_.epoch(epoch.number, epoch.record);
      if (hooks_.on_epoch) hooks_.on_epoch(epoch.number, epoch.record);
    }
  }

  // The first result of the current attempt; an executor may run a trial zero, one or two times.
  void store_result(const TrialResult& result) {
    const auto found = running_.find(result.number);
    if (found == running_.end() || found->second.attempt != result.attempt) return;
    Trial trial = std::move(found->second);
    running_.erase(found);
    if (!result.failure.empty() && store_.failed_attempts(trial.number) == 0)
      return submit(store_.begin_attempt(trial.number, result.failure));
    add_result(trial, result);
    if (hooks_.measure && would_join_front(trial)) measure(trial, result.artifacts);
    const bool stopped = trial.state == TrialState::kStopped;
    store_.finish(trial, stopped ? std::vector<Artifact>{} : result.artifacts);
    executor_.stored(trial);
    progress_.stopped += stopped;
    const double trained_before = progress_.trained;
    learn_from(trial);
    trained_here_ += progress_.trained - trained_before;
    report(trial);
  }

  static void add_result(Trial& trial, const TrialResult& result) {
    trial.metrics = result.metrics;
    trial.epochs = result.epochs;
    trial.failure = result.failure;
    trial.violations = result.violations;
    trial.train_seconds = result.train_seconds;
    trial.execution = result.execution;
    trial.host = result.host;
    trial.state = !result.failure.empty()      ? TrialState::kFailed
                  : !result.violations.empty() ? TrialState::kInfeasible
                  : trial.fidelity < 1.0       ? TrialState::kStopped
                                               : TrialState::kComplete;
  }

  bool would_join_front(const Trial& trial) const {
    if (trial.state != TrialState::kComplete || !reaches_floor(trial, goals_)) return false;
    const ObjectiveVector point = objective_values(trial, goals_);
    return std::ranges::none_of(front_, [&](const ObjectiveVector& other) { return dominates(other, point); });
  }

  void measure(Trial& trial, const std::vector<Artifact>& artifacts) {
    const Measurement measurement = hooks_.measure(trial, artifacts);
    if (!measurement.failure.empty()) {
      trial.failure = measurement.failure;
      trial.state = TrialState::kFailed;
      return;
    }
    const Estimates estimated = rules_.estimate(trial.candidate.network);  // of each board: the store has the worst
    trial.measured = measured_costs(estimated, measurement.boards);
    std::vector<std::string> boards;
    for (const BoardCosts& board : measurement.boards) boards.push_back(board.board);
    trial.violations = check_measured(estimated, boards, trial.measured, rules_);
    if (!trial.violations.empty()) trial.state = TrialState::kInfeasible;
  }

  void learn_from(const Trial& trial) {
    if (rules_.margins) rules_.margins->add(trial);
    sampler_.tell(trial);
    ++told_;
    waits_for_results_ = false;
    note_given_up_rungs();
    note_margins();
    double& reached = reached_[trial.number];
    progress_.trained += trial.fidelity - reached;
    reached = trial.fidelity;
    train_seconds_ += trial.train_seconds;
    progress_.infeasible += trial.state == TrialState::kInfeasible;
    progress_.failed += trial.state == TrialState::kFailed;
    if (trial.state != TrialState::kComplete) return;
    ++progress_.complete;
    if (!progress_.best || trial.metrics.accuracy > progress_.best_accuracy) {
      progress_.best = trial.number;
      progress_.best_accuracy = trial.metrics.accuracy;
    }
    if (reaches_floor(trial, goals_)) extend_front(front_, objective_values(trial, goals_));
  }

  // Both once in the life of a study, though it is told its results anew in every call.
  void note_given_up_rungs() {
    for (const GivenUpRung& rung : sampler_.given_up_rungs()) {
      const std::string json =
          fmt::format("{{\"fidelity\": {}, \"correlation\": {}}}", rung.fidelity, rung.correlation);
      if (note(kGivenUpRung, json) && hooks_.on_given_up_rung) hooks_.on_given_up_rung(rung);
    }
  }

  void note_margins() {
    if (!rules_.margins) return;
    for (const auto& [quantity, ratio] : rules_.margins->margins()) {
      if (!is_limited(quantity, study_)) continue;
      double& told = told_margins_.try_emplace(quantity, 1.0).first->second;
      if (std::abs(ratio - told) <= kLeastChange * told) continue;
      told = ratio;
      const std::string json =
          fmt::format("{{\"quantity\": \"{}\", \"ratio\": {}, \"results\": {}}}", quantity, ratio, told_);
      if (note(kMargin, json) && hooks_.on_margin) hooks_.on_margin({quantity, ratio, told_});
    }
  }

  // False where an earlier call, or this one, noted it.
  bool note(const std::string& kind, const std::string& json) {
    if (!noted_.insert({kind, json}).second) return false;
    store_.event(kind, json);
    return true;
  }

  void report(const Trial& trial) {
    update_progress();
    if (hooks_.on_finish) hooks_.on_finish(trial, progress_);
  }

  void update_progress() {
    progress_.running = static_cast<int64_t>(running_.size());
    progress_.front_size = static_cast<int64_t>(front_.size());
    progress_.elapsed_seconds = now() - start_;
    if (trained_here_ == 0.0) return;
    const double left = std::max(0.0, static_cast<double>(progress_.wanted) - progress_.trained);
    progress_.eta_seconds = progress_.elapsed_seconds / trained_here_ * left;
    if (study_.search.budget_seconds > 0.0)
      progress_.eta_seconds =
          std::clamp(study_.search.budget_seconds - progress_.elapsed_seconds, 0.0, *progress_.eta_seconds);
  }

  StudyOutcome stop_now() {
    executor_.stop();
    update_progress();
    return {StopReason::kStopped, progress_};
  }

  StopRequest stop_request() const { return hooks_.stop_request ? hooks_.stop_request() : StopRequest::kNone; }
  double now() const { return hooks_.now ? hooks_.now() : system_seconds(); }

  const Study& study_;
  const Goals goals_;
  const SearchSpace& space_;
  Sampler& sampler_;
  TrialExecutor& executor_;
  TrialStore& store_;
  const CandidateRules& rules_;
  const StudyHooks& hooks_;
  const double start_;
  std::optional<StopReason> reason_;
  std::deque<int64_t> interrupted_;   // RUNNING rows of an earlier call, not yet begun again
  std::map<int64_t, Trial> running_;  // with the executor
  std::vector<ObjectiveVector> front_;
  int64_t told_ = 0;
  double begun_ = 0.0;                                   // trials by the share of their epochs that they are to reach
  std::map<int64_t, double> reached_;                    // that share, by trial
  std::set<std::pair<std::string, std::string>> noted_;  // events: kind, JSON
  std::map<std::string, double> told_margins_;           // by quantity, as last noted
  bool waits_for_results_ = false;                       // nothing is proposed until there is another
  double train_seconds_ = 0.0;                           // CPU, of the trials told
  GainWatch gains_;
  double trained_here_ = 0.0;
  StudyProgress progress_;
};

}  // namespace

StudyOutcome run_study(const Study& study, const SearchSpace& space, Sampler& sampler, TrialExecutor& executor,
                       TrialStore& store, const CandidateRules& rules, const StudyHooks& hooks) {
  return StudyRun(study, space, sampler, executor, store, rules, hooks).run();
}

}  // namespace bitwright
