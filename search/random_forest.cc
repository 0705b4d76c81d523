// SPDX-License-Identifier: Apache-2.0
#include "search/random_forest.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <span>

#include "core/check.h"
#include "core/rng.h"

namespace bitwright {
namespace {

using Eigen::ArrayXd;
using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr int kParts = 3;
constexpr double kLeastVariance = 0.01;  // of a leaf, of standardised targets

size_t branch_of(bool category, double cut, double value) {
  if (std::isnan(value)) return 2;
  return (category ? value == cut : value < cut) ? 0 : 1;
}

struct Cut {
  Index input;
  double value;
  double score;  // sum over branches of (sum of targets)^2 / results: the more, the less squares are left
};

class TreeGrower {
 public:
  TreeGrower(const std::vector<ModelInput>& inputs, const MatrixXd& points, const VectorXd& targets, int least_split,
             Rng& rng)
      : inputs_(inputs), points_(points), targets_(targets), least_split_(least_split), rng_(rng) {}

  RegressionTree grow(std::vector<Index> rows) {
    tree_.clear();
    add_node(rows);
    return std::move(tree_);
  }

 private:
  int add_node(std::span<Index> rows) {
    const int number = static_cast<int>(tree_.size());
    tree_.push_back(summary(rows));
    if (std::ssize(rows) < least_split_) return number;
    if (const std::optional<Cut> cut = best_cut(rows)) split(number, *cut, rows);
    return number;
  }

  TreeNode summary(std::span<const Index> rows) const {
    const ArrayXd values = targets_(std::vector<Index>(rows.begin(), rows.end()));
    const double mean = values.mean();
    return {.mean = mean,
            .variance = std::max((values - mean).square().mean(), kLeastVariance),
            .results = static_cast<double>(rows.size())};
  }

  void split(int number, const Cut& cut, std::span<Index> rows) {
    const bool category = is_category(cut.input);
    tree_[number].input = cut.input, tree_[number].category = category, tree_[number].cut = cut.value;
    for (size_t branch = 0; branch < 3; ++branch) {
      const auto goes_there = [&](Index i) { return branch_of(category, cut.value, points_(i, cut.input)) == branch; };
      const auto rest = std::ranges::stable_partition(rows, goes_there);
      const std::span<Index> there = rows.first(rows.size() - rest.size());
      rows = rows.last(rest.size());
      if (there.empty()) continue;
      const int child = add_node(there);
      tree_[number].branches[branch] = child;
    }
  }

  // Nothing where no cut parts the rows.
  std::optional<Cut> best_cut(std::span<const Index> rows) {
    std::optional<Cut> best;
    for (Index input = 0; input < points_.cols(); ++input) {
      const double value = draw_cut(input, rows);
      const std::optional<double> score = score_of(input, value, rows);
      if (score && (!best || *score > best->score)) best = {input, value, *score};
    }
    return best;
  }

  double draw_cut(Index input, std::span<const Index> rows) {
    if (is_category(input)) return points_(rows[rng_.below(rows.size())], input);
    double low = std::numeric_limits<double>::infinity(), high = -low;
    for (const Index i : rows) {
      const double value = points_(i, input);  // of an inactive one both comparisons are false
      if (value < low) low = value;
      if (value > high) high = value;
    }
    return high - rng_.uniform() * (high - low);  // above low, so that neither branch is empty
  }

  // Nothing where all take one branch.
  std::optional<double> score_of(Index input, double cut, std::span<const Index> rows) const {
    std::array<double, 3> sums{}, counts{};
    const bool category = is_category(input);
    for (const Index i : rows) {
      const size_t branch = branch_of(category, cut, points_(i, input));
      sums[branch] += targets_[i], counts[branch] += 1.0;
    }
    if (std::ranges::count(counts, 0.0) > 1) return std::nullopt;
    double score = 0.0;
    for (size_t branch = 0; branch < 3; ++branch)
      if (counts[branch] > 0) score += sums[branch] * sums[branch] / counts[branch];
    return score;
  }

  bool is_category(Index input) const { return inputs_[static_cast<size_t>(input)].choices > 0; }

  const std::vector<ModelInput>& inputs_;
  const MatrixXd& points_;
  const VectorXd& targets_;
  int least_split_;
  Rng& rng_;
  RegressionTree tree_;
};

size_t leaf_index(const RegressionTree& tree, const MatrixXd& points, Index row) {
  size_t node = 0;
  while (tree[node].input != TreeNode::kNone) {
    const TreeNode& at = tree[node];
    const int branch = at.branches[branch_of(at.category, at.cut, points(row, at.input))];
    if (branch == TreeNode::kNone) break;
    node = static_cast<size_t>(branch);
  }
  return node;
}

// One more target.
void add_to(TreeNode& leaf, double target) {
  const double off = target - leaf.mean, weight = 1.0 / (leaf.results + 1.0);
  leaf.mean += weight * off;
  leaf.variance = std::max((1.0 - weight) * (leaf.variance + weight * off * off), kLeastVariance);
  leaf.results += 1.0;
}

// What trees say of one point.
struct LeafSums {
  double means = 0.0, squares = 0.0, variances = 0.0;
  int trees = 0;

  void add(const TreeNode& leaf) {
    means += leaf.mean, squares += leaf.mean * leaf.mean, variances += leaf.variance, ++trees;
  }
  double mean() const { return means / trees; }
  double deviation() const { return std::sqrt(std::max(0.0, squares / trees - mean() * mean()) + variances / trees); }
};

GaussianPosterior posterior_of(const std::vector<LeafSums>& points, double offset, double scale) {
  GaussianPosterior posterior{VectorXd(points.size()), VectorXd(points.size())};
  for (size_t i = 0; i < points.size(); ++i) {
    posterior.mean[static_cast<Index>(i)] = offset + scale * points[i].mean();
    posterior.deviation[static_cast<Index>(i)] = scale * points[i].deviation();
  }
  return posterior;
}

}  // namespace

const TreeNode& leaf_of(const RegressionTree& tree, const MatrixXd& points, Index row) {
  return tree[leaf_index(tree, points, row)];
}

RandomForest::RandomForest(std::vector<ModelInput> inputs, RandomForestOptions options)
    : inputs_(std::move(inputs)), options_(options) {
  BW_CHECK(options_.trees >= kParts && options_.trees % kParts == 0 && options_.least_split >= 2);
}

void RandomForest::fit(const MatrixXd& points, const VectorXd& targets) {
  const Index n = points.rows();
  BW_CHECK(n >= kParts && n == targets.size() && points.cols() == std::ssize(inputs_) && targets.allFinite());
  offset_ = targets.mean();
  scale_ = standard_deviation(targets);
  const VectorXd standardised = (targets.array() - offset_) / scale_;
  Rng rng(options_.seed);
  TreeGrower grower(inputs_, points, standardised, options_.least_split, rng);
  std::vector<Index> order(static_cast<size_t>(n));
  std::iota(order.begin(), order.end(), Index{0});
  std::vector<LeafSums> unseen(order.size());
  trees_.clear();
  for (int t = 0; t < options_.trees; ++t) {
    if (t % kParts == 0) rng.shuffle(order);
    std::vector<Index> seen, rest;
    for (size_t i = 0; i < order.size(); ++i)
      (static_cast<int>(i % kParts) == t % kParts ? rest : seen).push_back(order[i]);
    trees_.push_back(grower.grow(std::move(seen)));
    for (const Index i : rest) unseen[static_cast<size_t>(i)].add(leaf_of(trees_.back(), points, i));
  }
  leave_one_out_ = posterior_of(unseen, offset_, scale_);
}

void RandomForest::add_pending(const Eigen::RowVectorXd& point) {
  const double believed = (predict(point).mean[0] - offset_) / scale_;
  for (RegressionTree& tree : trees_) add_to(tree[leaf_index(tree, point, 0)], believed);
}

GaussianPosterior RandomForest::predict(const MatrixXd& points) const {
  BW_CHECK(!trees_.empty() && points.cols() == std::ssize(inputs_));
  std::vector<LeafSums> sums(static_cast<size_t>(points.rows()));
  for (const RegressionTree& tree : trees_)
    for (Index i = 0; i < points.rows(); ++i) sums[static_cast<size_t>(i)].add(leaf_of(tree, points, i));
  return posterior_of(sums, offset_, scale_);
}

}  // namespace bitwright
