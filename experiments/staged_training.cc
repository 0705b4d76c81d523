// SPDX-License-Identifier: Apache-2.0
#include "experiments/staged_training.h"

#include <chrono>
#include <filesystem>
#include <utility>

#include "core/error.h"

namespace bitwright {
namespace {

using Clock = std::chrono::steady_clock;

class StagedTraining {
 public:
  StagedTraining(const TrainingData& data, const Recipe& recipe, const TrialSpec& spec,
                 const std::optional<Parent>& parent, const TrialHooks& hooks)
      : data_(data), recipe_(recipe), spec_(spec), parent_(parent), hooks_(hooks), stages_(spec.stages) {
    if (stages_.empty()) stages_ = {recipe.epochs};
  }

  TrainOutcome run() {
    size_t stage = read_latest();
    const bool goes_on = state_.has_value();
    try {
      return run_from(stage);
    } catch (const StructureError& error) {
      if (!goes_on) throw;
      warn(fmt::format("{}: {}", spec_.checkpoint, error.what()));
    }
    state_.reset();
    return run_from(0);
  }

 private:
  std::string under_way(size_t stage) const { return under_way_file(spec_.checkpoint, stages_[stage]); }
  std::string at_end(size_t stage) const { return end_file(spec_.checkpoint, stages_[stage]); }
  bool is_last(size_t stage) const { return stage + 1 == stages_.size(); }

  void warn(const std::string& what) const {
    if (hooks_.on_warning) hooks_.on_warning(what + "; it is trained again");
  }

  // Into state_. Returns the stage that it is in, or at the beginning of.
  size_t read_latest() {
    for (size_t stage = stages_.size(); stage-- > 0;) {
      if ((state_ = read(under_way(stage)))) return stage;
      if (stage > 0 && (state_ = read(at_end(stage - 1)))) return stage;
    }
    return 0;
  }

  std::optional<TrainingState> read(const std::string& path) const {
    if (spec_.checkpoint.empty() || !std::filesystem::exists(path)) return std::nullopt;
    try {
      return parse_state(read_file(path), path);
    } catch (const StoreError& error) {
      warn(error.what());
      return std::nullopt;
    }
  }

  TrainOutcome run_from(size_t stage) {
    double cpu_seconds = 0.0;
    for (;; ++stage) {
      TrainOutcome outcome = run_stage(stage);
      cpu_seconds += std::exchange(outcome.cpu_seconds, 0.0);
      if (disk_error_) std::rethrow_exception(disk_error_);
      const bool is_wanted = !is_last(stage) || spec_.may_go_on;
      if (is_wanted && outcome.failure.empty() && !spec_.checkpoint.empty())
        replace_file(at_end(stage), serialize_state(*state_));
      if (!outcome.failure.empty() || is_last(stage)) {
        outcome.cpu_seconds = cpu_seconds;
        return outcome;
      }
    }
  }

  // From state_, which becomes that of its end.
  TrainOutcome run_stage(size_t stage) {
    Recipe recipe = recipe_;
    recipe.epochs = stages_[stage];
    const std::optional<TrainingState> start = state_;
    TrainOptions options;
    options.resume = start ? &*start : nullptr;
    options.parent = parent_ && !start ? &*parent_ : nullptr;
    options.on_epoch = [&](const EpochRecord& epoch) {
      if (hooks_.on_epoch) hooks_.on_epoch(epoch);
      return true;
    };
    if (!spec_.checkpoint.empty() || !is_last(stage))
      options.on_checkpoint = [&](const TrainingState& state) { return keep(state, stage); };
    return train(spec_.network, data_, recipe, spec_.seed, options);
  }

  // False where the disk refuses: an exception must not pass through libtorch, whose callers take it for the
  // candidate's failure.
  bool keep(const TrainingState& state, size_t stage) {
    if (!is_last(stage) || spec_.may_go_on) state_ = state;
    const Clock::time_point now = Clock::now();
    if (spec_.checkpoint.empty() || now - written_ < std::chrono::duration<double>(spec_.checkpoint_seconds))
      return true;
    try {
      replace_file(under_way(stage), serialize_state(state));
    } catch (const StoreError&) {
      disk_error_ = std::current_exception();
      return false;
    }
    written_ = Clock::now();
    return true;
  }

  const TrainingData& data_;
  const Recipe& recipe_;
  const TrialSpec& spec_;
  const std::optional<Parent>& parent_;
  const TrialHooks& hooks_;
  std::vector<int> stages_;
  std::optional<TrainingState> state_;
  Clock::time_point written_ = Clock::now();
  std::exception_ptr disk_error_;
};

}  // namespace

TrainOutcome train_in_stages(const TrainingData& data, const Recipe& recipe, const TrialSpec& spec,
                             const std::optional<Parent>& parent, const TrialHooks& hooks) {
  return StagedTraining(data, recipe, spec, parent, hooks).run();
}

}  // namespace bitwright
