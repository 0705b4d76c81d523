// experiments/calibrate/least_squares.h: linear least squares with coefficients that are not negative.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

namespace bitwright {

// x >= 0 that minimises |A x - b|: the active-set method of Lawson and Hanson, "Solving Least Squares Problems", 1974,
// chapter 23. rows: A, one vector per equation, all of the same length. Columns of zeros get x = 0.
std::vector<double> nonnegative_least_squares(const std::vector<std::vector<double>>& rows,
                                              const std::vector<double>& b);

}  // namespace bitwright
