// SPDX-License-Identifier: Apache-2.0
#include "experiments/search_study.h"

#include <cmath>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/io/json_text.h"
#include "core/io/load_data.h"
#include "core/io/load_study.h"
#include "core/io/model_json.h"
#include "estimators/cost_table.h"
#include "experiments/earlier_studies.h"
#include "experiments/front_json.h"
#include "experiments/infeasibility_text.h"
#include "experiments/interrupts.h"
#include "experiments/limits_text.h"
#include "experiments/local_executor.h"
#include "experiments/measure_trial.h"
#include "experiments/progress.h"
#include "experiments/search_outcome.h"
#include "experiments/slurm_executor.h"
#include "experiments/table.h"
#include "search/pareto.h"
#include "search/smallest.h"
#include "search/user_designs.h"

namespace bitwright {
namespace {

StopRequest stop_request() {
  const int count = interrupts();
  return count == 0 ? StopRequest::kNone : count == 1 ? StopRequest::kFinishRunning : StopRequest::kNow;
}

std::string rejected_text(const std::map<std::string, int64_t>& rejected) {
  std::string text;
  for (const auto& [rule, count] : rejected) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", rule, count);
  return text.empty() ? "none" : text;
}

// Of trials whose package was built.
std::string refused_text(int64_t infeasible) {
  return infeasible == 0 ? "" : fmt::format("{} beyond a limit as measured, ", infeasible);
}

std::unique_ptr<Sampler> sampler_of(const Study& study, const SearchSpace& space, const CandidateRules& rules,
                                    const TrainingData& data, const std::vector<EarlierStudy>& earlier) {
  const auto validating = std::max<int64_t>(1, data.validation.size());
  return make_sampler(study.search, space, goals_of(study), rules, validating, earlier);
}

void print_warning(const std::string& line) {
  std::cerr << "warning: " << line << "\n";
}

// Those whose training runs or may go on.
std::set<int64_t> open_trials(const TrialStore& store) {
  std::set<int64_t> open;
  for (const Trial& trial : store.running()) open.insert(trial.number);
  for (const Trial& trial : store.stopped()) open.insert(trial.number);
  return open;
}

void warn(const Study& study, const std::vector<std::string>& warnings) {
  for (const std::string& warning : warnings) std::cerr << "warning: " << study.file << ": " << warning << "\n";
}

std::unique_ptr<TrialExecutor> local_executor(const SearchRequest& request, const TrialStore& store) {
  auto executor =
      std::make_unique<LocalExecutor>(LocalExecutorOptions{.program = request.worker_program,
                                                           .work_folder = request.store_path + ".work",
                                                           .checkpoint_folder = request.store_path + ".checkpoints",
                                                           .config_json = request.study.config_json,
                                                           .recipe = request.study.recipe,
                                                           .jobs = request.study.search.jobs,
                                                           .spec = request.study.executor,
                                                           .on_warning = print_warning});
  executor->keep_only(open_trials(store));
  return executor;
}

std::unique_ptr<TrialExecutor> executor_of(const SearchRequest& request, const TrialStore& store) {
  const ExecutorSpec& spec = request.study.executor;
  if (spec.kind == "local") return local_executor(request, store);
  const std::string folder = spec.folder.empty() ? request.store_path + ".jobs" : spec.folder;
  auto executor = std::make_unique<SlurmExecutor>(SlurmExecutorOptions{.program = request.worker_program,
                                                                       .folder = std::filesystem::absolute(folder),
                                                                       .study_uuid = store.study().uuid,
                                                                       .config_json = request.study.config_json,
                                                                       .recipe = request.study.recipe,
                                                                       .spec = spec,
                                                                       .jobs = request.study.search.jobs,
                                                                       .on_warning = print_warning});
  executor->keep_only(open_trials(store));
  return executor;
}

StudyOutcome run(const SearchRequest& request, const TrainingData& data, TrialStore& store) {
  check_recipe(request.study, data.train);
  const SearchSpace space = space_of(request.study, data.train);
  const CandidateRules rules = rules_of(request.study);
  warn(request.study, user_designs(request.study.search.designs, space, rules).warnings);
  if (store.size() == 0) store.set_earlier(earlier_studies(request.study, space));
  const std::vector<EarlierStudy> earlier = store.earlier();
  warn(request.study, earlier_warnings(request.study, earlier));
  const auto sampler = sampler_of(request.study, space, rules, data, earlier);
  const auto executor = executor_of(request, store);
  ProgressDisplay display(request.quiet);
  StudyHooks hooks;
  bool told = false;
  hooks.stop_request = [&] {
    const StopRequest request_now = stop_request();
    if (request_now == StopRequest::kFinishRunning && !std::exchange(told, true))
      display.say("note: the trainings under way are waited for; Ctrl-C again stops them");
    return request_now;
  };
  hooks.on_finish = [&](const Trial&, const StudyProgress& progress) { display.show(progress_line(progress)); };
  hooks.on_given_up_rung = [&](const GivenUpRung& rung) {
    display.say(given_up_text(rung, epochs_at(rung.fidelity, request.study.recipe)));
  };
  hooks.on_margin = [&](const LearntMargin& margin) { display.say(margin_text(margin)); };
  if (request.study.search.measure != Measure::kNone)
    hooks.measure = [&](const Trial& trial, const std::vector<Artifact>& artifacts) {
      return measure_trial(request.study, trial, artifacts);
    };
  return run_study(request.study, space, *sampler, *executor, store, rules, hooks);
}

// What the space holds and how much of it fits, without a store or a training.
int dry_run(const SearchRequest& request, const TrainingData& data) {
  const SearchSpace space = space_of(request.study, data.train);
  const CandidateRules rules = rules_of(request.study);
  const std::vector<EarlierStudy> earlier = earlier_studies(request.study, space);
  warn(request.study, user_designs(request.study.search.designs, space, rules).warnings);
  warn(request.study, earlier_warnings(request.study, earlier));
  if (const std::string why = why_not_measurable(request.study); !why.empty()) warn(request.study, {why});
  const auto sampler = sampler_of(request.study, space, rules, data, earlier);
  std::vector<std::vector<std::string>> rows = {{"candidate", "flash", "ram", "latency", "MACs", "verdict"}};
  nlohmann::json proposals = nlohmann::json::array();
  for (int i = 0; i < 10; ++i) {
    const Candidate candidate = sampler->ask(i, 0).candidate;
    Trial under_way;
    under_way.number = i;
    under_way.candidate = candidate;
    sampler->begin(under_way);
    auto broken = rules.check_structure(candidate.network);
    if (!broken.empty()) {
      rows.push_back({std::to_string(i), "-", "-", "-", "-", broken[0].message});
      proposals.push_back({{"parameters", candidate.parameters}, {"violations", broken}});
      continue;
    }
    const Estimates e = rules.estimate(candidate.network);
    broken = rules.check_budgets(e);
    proposals.push_back({{"parameters", candidate.parameters}, {"estimates", e}, {"violations", broken}});
    rows.push_back({std::to_string(i), format_bytes(e.flash_bytes), format_bytes(e.ram_bytes),
                    format_microseconds(e.latency_us), format_count(static_cast<double>(e.macs)),
                    broken.empty() ? "fits" : broken[0].message});
  }
  if (request.json)
    std::cout << json_text(nlohmann::json{{"schema", 1}, {"space_points", space.size()}, {"proposals", proposals}})
              << "\n";
  else
    std::cout << fmt::format("space: {:.3g} points; the first proposals, each figure of {}:\n", space.size(),
                             figures_of_text(request.study))
              << render_table(rows);
  return static_cast<int>(ExitCode::kDone);
}

void print_outcome(const SearchRequest& request, const StudyOutcome& outcome, const TrialStore& store) {
  const auto front = front_of(store);
  if (request.json) {
    auto json = front_json(front, request.study);
    json["reason"] = reason_text(outcome.reason, request.finish);
    json["store"] = request.store_path;
    json["trials"] = {{"complete", outcome.progress.complete},
                      {"infeasible", outcome.progress.infeasible},
                      {"failed", outcome.progress.failed},
                      {"rejected", outcome.progress.rejected}};
    if (misses_floor(request.study, outcome.progress))
      json["below_floor"] = {{"accuracy", request.study.accuracy_floor},
                             {"best", outcome.progress.best_accuracy},
                             {"trial", *outcome.progress.best}};
    if (nothing_fits_as_measured(outcome.progress)) {
      const std::vector<Trial> trials = store.finished();
      const Trial& nearest = nearest_as_measured(trials);
      json["nearest"] = {{"trial", nearest.number}, {"violations", nearest.violations}};
    }
    std::cout << json_text(json) << "\n";
    return;
  }
  std::cout << render_front(front, request.study)
            << fmt::format("{} trials complete, {}{} failed; rejected before training: {}\n", outcome.progress.complete,
                           refused_text(outcome.progress.infeasible), outcome.progress.failed,
                           rejected_text(outcome.progress.rejected))
            << fmt::format("{}; store: {}\n", reason_text(outcome.reason, request.finish), request.store_path);
}

void explain_nothing_fits(const SearchRequest& request, const TrainingData& data) {
  const Infeasibility why =
      diagnose_infeasibility(space_of(request.study, data.train), rules_of(request.study), request.study.search.seed,
                             {.stop = [] { return interrupts() > 0; }});
  if (request.json) std::cout << json_text(infeasibility_json(why)) << "\n";
  std::cerr << "error: no candidate of the space fits the limits\n" << infeasibility_text(why, request.study);
}

std::string last_failure(const TrialStore& store) {
  const std::vector<Trial> trials = store.finished();
  const auto failed = std::find_if(trials.rbegin(), trials.rend(), [](const Trial& t) { return !t.failure.empty(); });
  return failed == trials.rend() ? "" : fmt::format("trial #{}: {}", failed->number, failed->failure);
}

}  // namespace

int search_study(const SearchRequest& request) {
  for (const Board& board : boards_of(request.study))
    core_costs(board.core);  // throws where no candidate could be estimated, before a store is made
  const TrainingData data = load_training_data(request.study);
  for (const std::string& warning : data.warnings) std::cerr << "warning: " << warning << "\n";
  if (request.dry_run) return dry_run(request, data);
  check_can_measure(request.study);
  check_worker_program(request.worker_program);
  TrialStore store = TrialStore::create_or_open(
      request.store_path, study_record(request.study, data),
      {.comparable = comparable_config, .describe_change = [&](const std::string& stored, const std::string& wanted) {
         return config_difference(stored, wanted);
       }});
  check_same_data(store.study(), data, request.store_path);
  catch_interrupts();
  const StudyOutcome outcome = run(request, data, store);
  if (outcome.reason == StopReason::kNothingFits) {
    explain_nothing_fits(request, data);
    return static_cast<int>(exit_code(request.study, outcome));
  }
  if (is_final(outcome.reason) || (request.finish && outcome.reason != StopReason::kStopped))
    score_front(request.study, data.train.front_end, store);
  print_outcome(request, outcome, store);
  const ExitCode code = exit_code(request.study, outcome);
  const char* const severity = code == ExitCode::kResumable ? "note: " : "error: ";
  if (misses_floor(request.study, outcome.progress))
    std::cerr << severity << floor_text(request.study, outcome) << "\n";
  if (code == ExitCode::kFailed)
    std::cerr << severity << "every training failed, the last one so: " << last_failure(store) << "\n";
  if (nothing_fits_as_measured(outcome.progress))
    std::cerr << severity << nothing_fits_text(outcome, nearest_as_measured(store.finished())) << "\n";
  return static_cast<int>(code);
}

}  // namespace bitwright
