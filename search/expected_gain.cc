// SPDX-License-Identifier: Apache-2.0
#include "search/expected_gain.h"

#include <cmath>

namespace bitwright {

std::optional<double> expected_gain(const ProposalProvenance& provenance) {
  const std::optional<Opinion>& opinion = provenance.opinion;
  if (!opinion || !(opinion->hypervolume > 0.0)) return std::nullopt;
  return std::exp(opinion->log_acquisition) / opinion->hypervolume;
}

void GainWatch::add(const Trial& proposed) {
  const std::optional<double> gain = expected_gain(proposed.provenance);
  const std::string& source = proposed.provenance.source;
  if (!gain || (source != "model" && source != "forest")) return;
  low_ = *gain < least_gain_ ? low_ + 1 : 0;
  seen_ = proposed.ask_watermark;
}

}  // namespace bitwright
