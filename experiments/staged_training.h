// experiments/staged_training.h: the training of one spec, in stages that end at rungs, with its states on disk. Links
// libtorch.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "core/dataset.h"
#include "core/recipe.h"
#include "experiments/run_trial.h"
#include "experiments/trial_protocol.h"
#include "trainer/trainer.h"

namespace bitwright {

// Trains through TrialSpec::stages. Goes on where the latest state on disk is; what no file has is trained again, so
// that the outcome is the same whichever are there. A state that is damaged or another training's is a warning.
// Throws StoreError where the disk refuses a state.
TrainOutcome train_in_stages(const TrainingData& data, const Recipe& recipe, const TrialSpec& spec,
                             const std::optional<Parent>& parent, const TrialHooks& hooks);

}  // namespace bitwright
