// SPDX-License-Identifier: Apache-2.0
#include "experiments/calibrate/least_squares.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace bitwright {
namespace {

using Vector = std::vector<double>;

// The normal equations of A with columns of unit length.
struct Problem {
  std::vector<Vector> gram;  // A^T A
  Vector projection;         // A^T b
  Vector length;             // of A's columns before scaling; 0 for a column of zeros
};

Problem normal_equations(const std::vector<Vector>& rows, const Vector& b) {
  const size_t n = rows.empty() ? 0 : rows[0].size();
  Problem p{std::vector<Vector>(n, Vector(n, 0.0)), Vector(n, 0.0), Vector(n, 0.0)};
  for (const Vector& row : rows)
    for (size_t i = 0; i < n; ++i) p.length[i] += row[i] * row[i];
  for (double& l : p.length) l = std::sqrt(l);
  for (size_t r = 0; r < rows.size(); ++r)
    for (size_t i = 0; i < n; ++i) {
      if (p.length[i] == 0.0) continue;
      const double a = rows[r][i] / p.length[i];
      p.projection[i] += a * b[r];
      for (size_t j = 0; j < n; ++j)
        if (p.length[j] != 0.0) p.gram[i][j] += a * rows[r][j] / p.length[j];
    }
  return p;
}

// A tiny ridge keeps collinear columns apart.
constexpr double kRidge = 1e-12;

// Solves the equations of the passive set by Cholesky's method.
Vector solve(const Problem& p, const std::vector<size_t>& passive, double ridge = kRidge) {
  const size_t n = passive.size();
  std::vector<Vector> l(n, Vector(n, 0.0));
  Vector x(n);
  for (size_t i = 0; i < n; ++i)
    for (size_t j = 0; j <= i; ++j) {
      double sum = p.gram[passive[i]][passive[j]] + (i == j ? ridge : 0.0);
      for (size_t k = 0; k < j; ++k) sum -= l[i][k] * l[j][k];
      l[i][j] = i == j ? std::sqrt(std::max(sum, kRidge)) : sum / l[j][j];
    }
  for (size_t i = 0; i < n; ++i) {
    x[i] = p.projection[passive[i]];
    for (size_t k = 0; k < i; ++k) x[i] -= l[i][k] * x[k];
    x[i] /= l[i][i];
  }
  for (size_t i = n; i-- > 0;) {
    for (size_t k = i + 1; k < n; ++k) x[i] -= l[k][i] * x[k];
    x[i] /= l[i][i];
  }
  return x;
}

// The column, not yet passive, along which the residual falls fastest; n if none helps.
size_t steepest(const Problem& p, const Vector& x, const std::vector<bool>& is_passive) {
  const size_t n = x.size();
  size_t best = n;
  double largest = 1e-10;
  for (size_t i = 0; i < n; ++i) {
    if (is_passive[i] || p.length[i] == 0.0) continue;
    double gradient = p.projection[i];
    for (size_t j = 0; j < n; ++j) gradient -= p.gram[i][j] * x[j];
    if (gradient > largest) {
      largest = gradient;
      best = i;
    }
  }
  return best;
}

// Walks from x towards the unconstrained solution of the passive set; what reaches 0 on the way leaves the set.
void settle(const Problem& p, Vector& x, std::vector<bool>& is_passive) {
  while (true) {
    std::vector<size_t> passive;
    for (size_t i = 0; i < x.size(); ++i)
      if (is_passive[i]) passive.push_back(i);
    const Vector target = solve(p, passive);
    double step = 1.0;
    for (size_t k = 0; k < passive.size(); ++k)
      if (target[k] <= 0.0) step = std::min(step, x[passive[k]] / (x[passive[k]] - target[k]));
    for (size_t k = 0; k < passive.size(); ++k) x[passive[k]] += step * (target[k] - x[passive[k]]);
    if (step >= 1.0) return;
    for (size_t i : passive)
      if (x[i] <= 1e-14) {
        x[i] = 0.0;
        is_passive[i] = false;
      }
  }
}

double residual_of(const Problem& p, const std::vector<size_t>& chosen, const Vector& x, double square) {
  for (size_t k = 0; k < chosen.size(); ++k) square -= x[k] * p.projection[chosen[k]];
  return square;
}

// The same equations with column `basis` projected out of all others, by elimination.
Problem without(const Problem& p, size_t basis) {
  Problem left = p;
  for (size_t i = basis + 1; i < p.projection.size(); ++i) {
    const double share = p.gram[i][basis] / p.gram[basis][basis];
    left.projection[i] -= share * p.projection[basis];
    for (size_t j = basis + 1; j < p.projection.size(); ++j) left.gram[i][j] -= share * p.gram[basis][j];
  }
  return left;
}

struct Subset {
  std::vector<size_t> columns;
  double gained = 0.0;  // by how much they lower the squared residual
};

// The best `size` columns from column `from` on, of all such subsets.
Subset best_subset(const Problem& p, size_t size, size_t from = 0) {
  constexpr double kLeast = 1e-9;  // of a column's square that the subset does not hold already
  Subset best;
  for (size_t i = from; i < p.projection.size(); ++i) {
    if (p.gram[i][i] < kLeast) continue;
    const double own = p.projection[i] * p.projection[i] / p.gram[i][i];
    Subset rest;
    if (size > 1) rest = best_subset(without(p, i), size - 1, i + 1);
    if (own + rest.gained <= best.gained) continue;
    best.gained = own + rest.gained;
    best.columns = {i};
    best.columns.insert(best.columns.end(), rest.columns.begin(), rest.columns.end());
  }
  return best;
}

// The column, not yet chosen, that matches best what is left; n if none does.
size_t best_match(const Problem& p, const std::vector<size_t>& chosen, const Vector& x) {
  const size_t n = p.projection.size();
  size_t best = n;
  double largest = 1e-12;
  for (size_t i = 0; i < n; ++i) {
    if (std::find(chosen.begin(), chosen.end(), i) != chosen.end()) continue;
    double left = p.projection[i];  // of A^T (b - A x), columns scaled
    for (size_t k = 0; k < chosen.size(); ++k) left -= p.gram[i][chosen[k]] * x[k];
    if (std::abs(left) > largest) largest = std::abs(left), best = i;
  }
  return best;
}

// The columns that are not all zeros.
std::vector<size_t> used_columns(const std::vector<Vector>& rows) {
  std::vector<size_t> used;
  for (size_t i = 0; !rows.empty() && i < rows[0].size(); ++i)
    if (std::any_of(rows.begin(), rows.end(), [&](const Vector& row) { return row[i] != 0.0; })) used.push_back(i);
  return used;
}

}  // namespace

std::vector<double> nonnegative_least_squares(const std::vector<std::vector<double>>& rows,
                                              const std::vector<double>& b) {
  const Problem p = normal_equations(rows, b);
  const size_t n = p.length.size();
  Vector x(n, 0.0);
  std::vector<bool> is_passive(n, false);
  for (size_t iteration = 0; iteration < 10 * n; ++iteration) {
    const size_t next = steepest(p, x, is_passive);
    if (next == n) break;
    is_passive[next] = true;
    settle(p, x, is_passive);
  }
  for (size_t i = 0; i < n; ++i) x[i] = p.length[i] > 0.0 ? x[i] / p.length[i] : 0.0;
  return x;
}

std::vector<double> ridge_least_squares(const std::vector<std::vector<double>>& rows, const std::vector<double>& b,
                                        const std::vector<double>& near, double ridge) {
  Vector left = b;
  for (size_t r = 0; r < rows.size(); ++r)
    for (size_t i = 0; i < near.size(); ++i) left[r] -= rows[r][i] * near[i];
  const Problem p = normal_equations(rows, left);
  std::vector<size_t> columns;
  for (size_t i = 0; i < p.length.size(); ++i)
    if (p.length[i] != 0.0) columns.push_back(i);
  const Vector step = solve(p, columns, ridge);
  Vector x = near;
  for (size_t k = 0; k < columns.size(); ++k) x[columns[k]] += step[k] / p.length[columns[k]];
  return x;
}

std::vector<double> sparse_least_squares(const std::vector<std::vector<double>>& rows, const std::vector<double>& b,
                                         size_t most, double tolerance) {
  constexpr size_t kTried = 3;  // columns, of which all subsets are
  const std::vector<size_t> used = used_columns(rows);
  std::vector<Vector> of_used;
  for (const Vector& row : rows) {
    of_used.emplace_back();
    for (size_t column : used) of_used.back().push_back(row[column]);
  }
  const Problem p = normal_equations(of_used, b);
  double square = 0.0;  // of |b|
  for (const double value : b) square += value * value;
  const double enough = tolerance * tolerance * square;
  std::vector<size_t> chosen;
  Vector x;
  for (size_t size = 1; size <= std::min(kTried, most); ++size) {
    chosen = best_subset(p, size).columns;
    x = solve(p, chosen);
    if (residual_of(p, chosen, x, square) <= enough) break;
  }
  while (chosen.size() < std::min(most, used.size()) && residual_of(p, chosen, x, square) > enough) {
    const size_t next = best_match(p, chosen, x);
    if (next == used.size()) break;
    chosen.push_back(next);
    x = solve(p, chosen);
  }
  Vector all(rows.empty() ? 0 : rows[0].size(), 0.0);
  for (size_t k = 0; k < chosen.size(); ++k) all[used[chosen[k]]] = x[k] / p.length[chosen[k]];
  return all;
}

}  // namespace bitwright
