// experiments/why_text.h: how a trial came to be proposed, and how what was expected of it came out.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "core/trial.h"

namespace bitwright {

// Standard deviations of log(error) by which a trial came out above what its model expected; below: negative. Nothing
// where no model expected anything, or the trial is not complete.
std::optional<double> surprise(const Trial& trial);

// What there is besides the trial.
struct WhyContext {
  std::vector<Trial> parents{};               // the trials of its provenance.parents, in their order
  std::vector<Continuation> continuations{};  // its own, in their order
};

std::string why_text(const Trial& trial, const WhyContext& context = {});
nlohmann::json why_json(const Trial& trial, const WhyContext& context = {});

}  // namespace bitwright
