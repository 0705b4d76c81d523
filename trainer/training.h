// trainer/training.h: one training under way: the network, the optimizer's moments, and where it stands. The caller
// owns the loop: trainer/trainer.cc.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "core/dataset.h"
#include "trainer/batch.h"
#include "trainer/checkpoint.h"
#include "trainer/fake_quantized_network.h"

namespace bitwright {

class Training {
 public:
  // data and recipe outlive it; they have passed why_not_trainable().
  Training(const Network& network, const TrainingData& data, const Recipe& recipe, uint64_t seed);

  // Copies what `parameters` of a network trained before have in common with this one: layers of equal name, operator
  // and sizes.
  void inherit(const Network& network, const Parameters& parameters);
  // Goes on from a state of this training or of a shorter one. Throws StructureError.
  void restore(const TrainingState& state);
  const TrainingState& state();  // of now, complete

  // A float network whose outputs are part of the loss.
  void set_teacher(const Network& network, const Parameters& parameters);
  const Parameters& teacher() const { return state_.teacher; }

  int64_t step() const { return state_.step; }
  const std::vector<EpochRecord>& epochs() const { return state_.epochs; }
  int epoch() const { return static_cast<int>(state_.epochs.size()) + 1; }  // the one under way or next
  bool epoch_is_over() const { return state_.batch == batches_per_epoch(); }
  // One batch; the loss, or NaN where a parameter is no longer finite.
  double run_step();
  // Scores the validation set and keeps the parameters if they are the best so far.
  const EpochRecord& finish_epoch();
  int64_t epochs_since_better() const { return state_.epochs_since_better; }
  const Parameters& best() const { return state_.best; }

 private:
  int64_t batches_per_epoch() const;
  double loss_of(std::span<const float> outputs);
  void add_distillation(std::span<const float> outputs, double& loss);

  const Network network_;
  const TrainingData& data_;
  const Recipe& recipe_;
  const uint64_t seed_;
  FakeQuantizedNetwork fake_;
  std::optional<FakeQuantizedNetwork> teacher_;
  double peak_;                       // learning rate
  double learning_rate_ = 0.0;        // of the last step
  std::vector<float> class_weights_;  // none where all weigh the same
  Rng order_, augmentation_;
  TrainingState state_;  // learned parameters, statistics and generators only after state()
  Batch batch_;
  std::vector<float> gradient_, distilled_;
};

// Runs the examples of `data` through the network, in their order, and calls visit(outputs in real units) batch by
// batch.
void for_each_batch(FakeQuantizedNetwork& network, const Dataset& data,
                    const std::function<void(std::span<const float>)>& visit);
// Outputs of the network for every example, in real units.
std::vector<float> outputs_of(FakeQuantizedNetwork& network, const Dataset& data);

}  // namespace bitwright
