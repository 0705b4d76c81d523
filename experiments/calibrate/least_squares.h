// experiments/calibrate/least_squares.h: linear least squares with coefficients that are not negative.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <vector>

namespace bitwright {

// x >= 0 that minimises |A x - b|: the active-set method of Lawson and Hanson, "Solving Least Squares Problems", 1974,
// chapter 23. rows: A, one vector per equation, all of the same length. Columns of zeros get x = 0.
std::vector<double> nonnegative_least_squares(const std::vector<std::vector<double>>& rows,
                                              const std::vector<double>& b);

// x that minimises |A x - b|^2 + ridge * sum of (|column| * (x - near))^2: near `near`, where A does not say otherwise.
// ridge > 0. Columns of zeros keep `near`.
std::vector<double> ridge_least_squares(const std::vector<std::vector<double>>& rows, const std::vector<double>& b,
                                        const std::vector<double>& near, double ridge);

// x of few entries that nearly minimises |A x - b|, up to `most` of them or until |A x - b| <= tolerance * |b|: the best
// subset of up to three columns of all, then orthogonal matching pursuit (Pati, Rezaiifar, Krishnaprasad, 1993).
std::vector<double> sparse_least_squares(const std::vector<std::vector<double>>& rows, const std::vector<double>& b,
                                         size_t most, double tolerance);

}  // namespace bitwright
