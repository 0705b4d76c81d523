// search/earlier_results.h: what studies before this one measured, as points of this study's space.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "core/earlier_study.h"
#include "search/candidate_designs.h"
#include "search/proposer.h"

namespace bitwright {

// The trials of a study that were trained to the end, whatever limits their packages broke, and whose parameters are a
// point of `space`, in the order in which they finished.
std::vector<EarlierResult> usable_results(const SearchSpace& space, const std::vector<Trial>& finished);

// As points, of which some may break a limit of this study.
EarlierResults points_of(const CandidateDesigns& designs, const EarlierStudy& study);

// Points of the earlier fronts, drawn by the earlier errors and by what is known here, that keep all known limits: of
// each study evenly from the least error on, the studies in turns, each point once, at most `count`. Source "earlier".
std::vector<GivenPoint> earlier_front(const DesignSpace& space, const std::vector<EarlierResults>& earlier,
                                      size_t count);

}  // namespace bitwright
