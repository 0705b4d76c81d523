// tests/search/small_space.h: search spaces and synthetic trainings for the tests of search.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <unistd.h>

#include <cmath>
#include <deque>
#include <filesystem>
#include <map>
#include <string>
#include <utility>

#include "core/error.h"
#include "core/estimates.h"
#include "core/study.h"
#include "search/run_study.h"
#include "search/space.h"

namespace bitwright {

// 32 x 1 x 1 input; one or two blocks of every kind.
inline SpaceSpec small_spec() {
  SpaceSpec spec;
  spec.min_blocks = 1;
  spec.max_blocks = 2;
  spec.block = {.kind = {"conv", "depthwise_separable", "residual"},
                .channels = {2, 4},
                .kernel = {3},
                .stride = {1, 2},
                .pool = {1, 2},
                .weights = {Format::kBinary},
                .activations = {Format::kBinary, Format::kInt4}};
  spec.first = {.kind = {"conv"},
                .channels = {},
                .kernel = {},
                .stride = {},
                .pool = {},
                .weights = {Format::kInt8},
                .activations = {}};
  spec.head = {"flatten_dense", "global_pool_dense"};
  spec.hidden = {0, 8};
  spec.head_weights = {Format::kBinary, Format::kInt8};
  return spec;
}

// Large enough for a search: about 1e8 points.
inline SpaceSpec large_spec() {
  SpaceSpec spec;
  spec.min_blocks = 1;
  spec.max_blocks = 3;
  spec.block = {.kind = {"conv", "depthwise_separable"},
                .channels = {2, 4, 8, 16, 32, 64},
                .kernel = {3, 5, 7, 9},
                .stride = {1, 2},
                .pool = {1, 2},
                .weights = {Format::kBinary, Format::kTernary, Format::kInt4, Format::kInt8},
                .activations = {Format::kBinary, Format::kInt4, Format::kInt8}};
  spec.head = {"global_pool_dense"};
  spec.hidden = {0};
  spec.head_weights = {Format::kInt8};
  return spec;
}

inline SearchSpace space_of(const SpaceSpec& spec) {
  return SearchSpace(spec, Shape{32, 1, 1}, Format::kInt8, 3, "toy");
}

// Weight bits and MACs, counted from the network.
inline Estimates toy_estimates(const Network& network) {
  Estimates e;
  const auto shapes = infer_shapes(network);
  for (size_t i = 0; i < network.layers.size(); ++i) {
    const LayerSpec& layer = network.layers[i];
    if (!has_weights(layer.op)) continue;
    e.constant_bytes += (weight_count(layer, shapes[i]) * bit_width(layer.weights) + 7) / 8;
    e.layers.push_back({.name = layer.name, .kernel = op_name(layer.op), .macs = macs(layer, shapes[i])});
  }
  e.flash_bytes = e.constant_bytes + 100;
  e.macs = macs(network);
  e.latency_us = static_cast<double>(e.macs) / 3.0;
  return e;
}

inline std::vector<Violation> toy_structure(const Network& network) {
  try {
    infer_shapes(network);
    return {};
  } catch (const StructureError& e) {
    return {{"structure", 0, 0, e.what()}};
  }
}

// Rises with the size of every layer and falls where adjacent widths clash; a function of network and seed.
inline double toy_accuracy(const Network& network, uint64_t seed) {
  double score = 0.0;
  for (const LayerSpec& layer : network.layers) {
    if (!has_weights(layer.op)) continue;
    score += 0.3 * std::log2(1.0 + bit_width(layer.weights));
    if (const auto* conv = std::get_if<Conv2d>(&layer.op))
      score += 0.25 * std::log2(conv->out_channels) - 0.1 * std::abs(conv->kernel.h - 5);
  }
  const double noise = 0.002 * Rng(seed).normal();
  return std::clamp(1.0 - std::exp(-0.35 * score) + noise, 0.0, 1.0);
}

// Trains at once: the answer is there at the first wait. With `lanes` > 1 the youngest trial ends first.
class ToyExecutor : public TrialExecutor {
 public:
  explicit ToyExecutor(int lanes = 1, int64_t windows = 100) : lanes_(lanes), windows_(windows) {}

  int capacity() const override { return lanes_; }
  void submit(const Trial& trial) override { trials_.push_back(trial), ++submitted_[trial.number]; }
  std::optional<TrialResult> wait(double) override {
    if (trials_.empty()) return std::nullopt;
    const Trial trial = trials_.back();
    trials_.pop_back();
    return result_of(trial);
  }
  void stop() override { trials_.clear(), ++stops_; }

  const std::map<int64_t, int>& submitted() const { return submitted_; }
  int stops() const { return stops_; }

 protected:
  virtual TrialResult result_of(const Trial& trial) {
    TrialResult result{.number = trial.number, .attempt = trial.attempt};
    result.metrics.accuracy = toy_accuracy(trial.candidate.network, trial.seed) - 0.1 * (1.0 - trial.fidelity);
    result.metrics.windows = windows_;
    result.epochs = {{1, 0.01, 1.5, 0.5 * result.metrics.accuracy}, {2, 0.001, 0.7, result.metrics.accuracy}};
    result.artifacts = {{"model", "codes of " + trial.candidate.hash}};
    return result;
  }

 private:
  int lanes_;
  int64_t windows_;  // scored by a validation
  int stops_ = 0;
  std::deque<Trial> trials_;
  std::map<int64_t, int> submitted_;
};

inline CandidateRules toy_rules(int64_t max_flash_bytes = 0) {
  CandidateRules rules;
  rules.check_structure = toy_structure;
  rules.estimate = toy_estimates;
  rules.check_budgets = [=](const Estimates& e) {
    std::vector<Violation> out;
    if (max_flash_bytes > 0 && e.flash_bytes > max_flash_bytes)
      out.push_back({"flash", double(e.flash_bytes), double(max_flash_bytes), "flash too large"});
    return out;
  };
  return rules;
}

// From 2 % less flash than estimated to 6 % more; a function of the network.
inline Measurement toy_measurement(const Trial& trial) {
  const double share = static_cast<double>(std::stoull(trial.candidate.hash.substr(0, 8), nullptr, 16)) / 4294967296.0;
  return {{{"toy", {{"flash", (0.98 + 0.08 * share) * static_cast<double>(trial.estimates.flash_bytes)}}}}, ""};
}

inline Study toy_study(int trials, const std::string& sampler = "random", uint64_t seed = 1) {
  Study study;
  study.name = "toy";
  study.search.trials = trials;
  study.search.sampler = sampler;
  study.search.seed = seed;
  study.search.population = 8;
  study.search.tournament = 3;
  study.objectives = {"flash"};
  return study;
}

inline StudyRecord toy_record(const Study& study) {
  StudyRecord record;
  record.name = study.name;
  record.config_json = "{\"trials\": " + std::to_string(study.search.trials) + "}";
  record.comparable_config = study.search.sampler + std::to_string(study.search.seed);
  record.seed = study.search.seed;
  record.objectives = {"error", "flash"};
  return record;
}

// An empty folder of its own, removed at the end.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "bitwright_XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
    path_ = name;
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  std::string file(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

}  // namespace bitwright
