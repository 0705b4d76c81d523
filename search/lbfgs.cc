// SPDX-License-Identifier: Apache-2.0
#include "search/lbfgs.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <limits>
#include <optional>
#include <vector>

#include "core/check.h"

namespace bitwright {
namespace {

using Eigen::VectorXd;

struct Correction {
  VectorXd step, change;  // of the variables and of the gradient
  double curvature;       // their product, > 0
};

struct Point {
  VectorXd x, gradient;
  double value;
};

// -H * gradient, H the inverse Hessian that the corrections tell of; algorithm 7.4.
VectorXd descent_direction(const VectorXd& gradient, const std::deque<Correction>& corrections) {
  VectorXd q = gradient;
  std::vector<double> alpha(corrections.size());
  for (size_t i = corrections.size(); i-- > 0;) {
    alpha[i] = corrections[i].step.dot(q) / corrections[i].curvature;
    q -= alpha[i] * corrections[i].change;
  }
  if (!corrections.empty()) q *= corrections.back().curvature / corrections.back().change.squaredNorm();  // (7.20)
  for (size_t i = 0; i < corrections.size(); ++i) {
    const double beta = corrections[i].change.dot(q) / corrections[i].curvature;
    q += (alpha[i] - beta) * corrections[i].step;
  }
  return -q;
}

class Minimizer {
 public:
  Minimizer(const DifferentiableFn& function, const LbfgsOptions& options) : function_(function), options_(options) {}

  LbfgsResult run(VectorXd start) {
    Point point = evaluate(std::move(start));
    BW_CHECK(std::isfinite(point.value));
    for (int i = 0; i < options_.max_iterations && steep(point); ++i) {
      std::optional<Point> next = line_search(point, direction_from(point));
      if (!next) break;
      const double gain = point.value - next->value;
      remember(point, *next);
      point = std::move(*next);
      if (gain < options_.value_tolerance * (1 + std::abs(point.value))) break;
    }
    return {point.x, point.value, evaluations_};
  }

 private:
  bool steep(const Point& p) const { return p.gradient.cwiseAbs().maxCoeff() > options_.gradient_tolerance; }

  Point evaluate(VectorXd x) {
    ++evaluations_;
    Point point{std::move(x), {}, 0.0};
    point.gradient.resizeLike(point.x);
    point.value = function_(point.x, point.gradient);
    return point;
  }

  VectorXd direction_from(const Point& point) {
    VectorXd direction = descent_direction(point.gradient, corrections_);
    if (direction.dot(point.gradient) >= 0) {  // lost to rounding
      corrections_.clear();
      direction = -point.gradient;
    }
    const double largest = direction.cwiseAbs().maxCoeff();
    const double allowed = corrections_.empty() ? std::min(1.0, options_.max_step) : options_.max_step;
    if (largest > allowed) direction *= allowed / largest;
    return direction;
  }

  // A point of sufficient decrease, and where there is time of sufficient flattening; nullopt where none is found.
  std::optional<Point> line_search(const Point& from, const VectorXd& direction) {
    constexpr double kDecrease = 1e-4, kFlattening = 0.9;
    constexpr int kMaxTries = 16;
    const double slope = from.gradient.dot(direction);
    double low = 0.0, high = std::numeric_limits<double>::infinity(), t = 1.0;
    std::optional<Point> found;
    for (int i = 0; i < kMaxTries; ++i) {
      Point point = evaluate(from.x + t * direction);
      if (!(point.value <= from.value + kDecrease * t * slope)) {
        high = t;
      } else {
        low = t;
        const bool flat = point.gradient.dot(direction) >= kFlattening * slope;
        found = std::move(point);
        if (flat) break;
      }
      t = std::isfinite(high) ? (low + high) / 2 : 2 * low;
    }
    return found;
  }

  void remember(const Point& from, const Point& to) {
    Correction correction{to.x - from.x, to.gradient - from.gradient, 0.0};
    correction.curvature = correction.step.dot(correction.change);
    if (correction.curvature <= 1e-10 * correction.change.squaredNorm()) return;
    corrections_.push_back(std::move(correction));
    if (corrections_.size() > static_cast<size_t>(options_.memory)) corrections_.pop_front();
  }

  const DifferentiableFn& function_;
  LbfgsOptions options_;
  std::deque<Correction> corrections_;
  int evaluations_ = 0;
};

}  // namespace

LbfgsResult minimize_lbfgs(const DifferentiableFn& function, VectorXd start, const LbfgsOptions& options) {
  BW_CHECK(options.memory >= 1);
  return Minimizer(function, options).run(std::move(start));
}

}  // namespace bitwright
