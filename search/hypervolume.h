// search/hypervolume.h: the size of what a front dominates: one number to watch a search by.
// Source: two objectives by a sweep; more by WFG: While, Bradstreet, Barone, "A Fast Way of Calculating Exact
// Hypervolumes", IEEE TEVC 16(1), 2012.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "search/pareto.h"

namespace bitwright {

// Volume dominated by `points` (minimised) within the box below `reference_point`; exact up to rounding, in the
// product of the objectives' units. Points not better than the reference everywhere add nothing; dominated ones and
// copies are allowed. One objective at least; all lengths equal. Meant for up to 4 objectives and hundreds of points.
double hypervolume(std::vector<ObjectiveVector> points, const ObjectiveVector& reference_point);

}  // namespace bitwright
