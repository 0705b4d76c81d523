// What the store takes of a search: a trial begun and, with a model of 16 KiB, finished, each a transaction that is on
// the disk when it returns; while others are open, and while another process reads the store all the time.
// SPDX-License-Identifier: Apache-2.0
#include <benchmark/benchmark.h>

#include <atomic>
#include <deque>
#include <filesystem>
#include <thread>

#include "experiments/trial_list.h"
#include "tests/experiments/trained_study.h"

namespace bitwright {
namespace {

// New candidates of the study, as a search would propose them.
class Candidates {
 public:
  explicit Candidates(const TrialStore& store)
      : store_(store), study_(wide_study({})), space_(study_.space, {600, 1, 1}, Format::kInt8, 4, study_.name) {}

  Trial next() {
    Trial trial;
    do {
      trial.candidate = space_.sample(rng_);
    } while (store_.contains(trial.candidate.hash) || !rules_.check_structure(trial.candidate.network).empty());
    trial.estimates = rules_.estimate(trial.candidate.network);
    trial.source = "random";
    return trial;
  }

 private:
  const TrialStore& store_;
  Study study_;
  SearchSpace space_;
  CandidateRules rules_ = rules_of(study_);
  Rng rng_{12};
};

// Reads all trials again and again, as optuna-dashboard does.
class Reader {
 public:
  Reader(const std::string& path, bool reads) {
    if (reads)
      thread_ = std::thread([this, path] {
        while (!over_) TrialStore::open_read_only(path).trials();
      });
  }
  ~Reader() {
    over_ = true;
    if (thread_.joinable()) thread_.join();
  }

 private:
  std::atomic<bool> over_ = false;
  std::thread thread_;
};

void BM_BeginAndFinishATrial(benchmark::State& state) {
  TrainedStudy study({}, state.range(0));
  TrialStore& store = study.writable();
  Candidates candidates(store);
  const std::string model(16 << 10, 'x');
  std::deque<Trial> open;
  for (int64_t i = 1; i < state.range(1); ++i) open.push_back(store.begin(candidates.next()));
  const Reader reader(study.path(), state.range(2) != 0);
  for (auto _ : state) {
    state.PauseTiming();
    Trial next = candidates.next();
    state.ResumeTiming();
    open.push_back(store.begin(std::move(next)));
    Trial& trial = open.front();
    trial.state = TrialState::kComplete;
    trial.metrics.accuracy = 0.75;
    trial.epochs.assign(12, {1, 0.001, 0.5, 0.75});
    for (int epoch = 0; epoch < 12; ++epoch) trial.epochs[static_cast<size_t>(epoch)].epoch = epoch + 1;
    store.finish(trial, {{"model", model}});
    open.pop_front();
  }
  state.counters["bytes_a_trial"] =
      static_cast<double>(std::filesystem::file_size(study.path())) / static_cast<double>(store.size());
}
BENCHMARK(BM_BeginAndFinishATrial)
    ->ArgNames({"trials", "open", "reader"})
    ->Args({16, 1, 0})
    ->Args({5000, 1, 0})
    ->Args({5000, 8, 0})
    ->Args({5000, 8, 1})
    ->Iterations(500)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

// bitwright list, from the file to the text.
void BM_ListAStoreOfTrials(benchmark::State& state) {
  const TrainedStudy study({}, state.range(0));
  for (auto _ : state) {
    const TrialStore store = TrialStore::open_read_only(study.path());
    const Study configured = study_from_json(store.study().config_json);
    benchmark::DoNotOptimize(render_trials(store.trials(TrialDetail::kFigures), configured));
  }
}
BENCHMARK(BM_ListAStoreOfTrials)->Arg(5000)->Unit(benchmark::kMillisecond);

// Ten thousand trials, eight of them open at any time, beside a reader: not one may meet a lock.
void BM_TenThousandTrialsBesideAReader(benchmark::State& state) {
  for (auto _ : state) {
    TrainedStudy study({}, 16);
    TrialStore& store = study.writable();
    Candidates candidates(store);
    const Reader reader(study.path(), true);
    std::deque<Trial> open;
    while (store.size() < 10'000) {
      open.push_back(store.begin(candidates.next()));
      if (open.size() < 8) continue;
      open.front().state = TrialState::kComplete;
      store.finish(open.front());
      open.pop_front();
    }
    state.counters["bytes_a_trial"] = static_cast<double>(std::filesystem::file_size(study.path())) / 10'000.0;
  }
}
BENCHMARK(BM_TenThousandTrialsBesideAReader)->Iterations(1)->UseRealTime()->Unit(benchmark::kSecond);

}  // namespace
}  // namespace bitwright
