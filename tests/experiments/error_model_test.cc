// tests/experiments/error_model_test.cc: what the search's model says of nets that it has not seen, held against the
// table of trained ones.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "core/rng.h"
#include "search/expected_improvement.h"
#include "search/gaussian_process.h"

namespace bitwright {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr double kWindows = 1002;  // that each net was validated on

struct TrainedNets {
  std::vector<ModelInput> inputs;
  MatrixXd points;
  VectorXd log_errors;
};

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) parts.push_back(part);
  return parts;
}

double level(double value, double count) {
  return (value + 0.5) / count;
}

// Depth, channels of three layers, kernel, weights, activations, stride.
Eigen::RowVectorXd point_of(const std::vector<std::string>& row) {
  static const std::map<std::string, double> kWeights = {{"ternary", 0}, {"int2", 1}, {"int4", 2}, {"int8", 3}};
  const std::vector<std::string> channels = split(row[0], '-');
  Eigen::RowVectorXd point(8);
  point[0] = level(static_cast<double>(channels.size()) - 1, 3);
  for (size_t i = 0; i < 3; ++i)
    point[static_cast<Index>(i) + 1] =
        i < channels.size() ? level(std::log2(std::stod(channels[i])) - 2, 4) : kInactiveInput;
  const double kernel = std::stod(row[1]);
  point[4] = level(kernel == 3 ? 0 : kernel == 5 ? 1 : 2, 3);
  point[5] = kWeights.at(row[2]);
  point[6] = row[3] == "uint8";
  point[7] = std::stod(row[4]) - 1;
  return point;
}

// Those of seed 1, after nine epochs.
TrainedNets trained_nets() {
  std::ifstream file(BITWRIGHT_SOURCE_DIR "/experiments/search_bench/trained_nets.csv");
  std::vector<std::vector<std::string>> rows;
  for (std::string line; std::getline(file, line);) {
    const std::vector<std::string> row = split(line, ',');
    if (line[0] != '#' && row[0] != "channels" && row[5] == "1") rows.push_back(row);
  }
  const Index count = static_cast<Index>(rows.size());
  TrainedNets nets{
      {{}, {}, {}, {}, {}, {.choices = 4}, {.choices = 2}, {.choices = 2}}, MatrixXd(count, 8), VectorXd(count)};
  for (Index i = 0; i < count; ++i) {
    const std::vector<std::string>& row = rows[static_cast<size_t>(i)];
    nets.points.row(i) = point_of(row);
    nets.log_errors[i] = log_error(std::stod(row[8]), 1 / kWindows);
  }
  return nets;
}

struct Calibration {
  double inside = 0.0;   // share of outcomes within 1.96 deviations
  double squares = 0.0;  // mean square of an outcome's distance from its mean, in deviations
  double error = 0.0;    // mean square of that distance, as a share of the outcomes' variance
};

// Of nets drawn at random, as many of them unseen; outcomes with their noise, as in the table.
Calibration calibrate(const TrainedNets& nets, Index seen, int rounds, Rng& rng) {
  constexpr Index kHeldOut = 100;
  Calibration sum;
  for (int round = 0; round < rounds; ++round) {
    std::vector<Index> drawn(static_cast<size_t>(seen + kHeldOut));
    for (Index& i : drawn) i = static_cast<Index>(rng.below(static_cast<uint64_t>(nets.points.rows())));
    const MatrixXd points = nets.points(drawn, Eigen::all);
    const VectorXd log_errors = nets.log_errors(drawn);
    GaussianProcess model(nets.inputs, {.starts = 1});
    model.fit(points.topRows(seen), log_errors.head(seen));
    const GaussianPosterior posterior = model.predict(points.bottomRows(kHeldOut));
    const VectorXd told = log_errors.head(seen), held = log_errors.tail(kHeldOut);
    const double noise = std::exp(2 * model.log_hyperparameters()[9]) * (told.array() - told.mean()).square().mean();
    const Eigen::ArrayXd squares = (held - posterior.mean).array().square();
    const Eigen::ArrayXd in_deviations = squares / (posterior.deviation.array().square() + noise);
    sum.inside += (in_deviations < 1.96 * 1.96).cast<double>().mean() / rounds;
    sum.squares += in_deviations.mean() / rounds;
    sum.error += squares.mean() / (held.array() - held.mean()).square().mean() / rounds;
  }
  return sum;
}

// docs/search_bench.md has the figures. The fewer nets are seen, the more is taken for certain that is not.
TEST(ErrorModel, DeviationsOfUnseenNetsAreNearlyTheirErrors) {
  const TrainedNets nets = trained_nets();
  ASSERT_EQ(nets.points.rows(), 4032);
  Rng rng(23);
  const Calibration after16 = calibrate(nets, 16, 20, rng);
  const Calibration after32 = calibrate(nets, 32, 20, rng);
  const Calibration after100 = calibrate(nets, 100, 10, rng);
  EXPECT_GT(after16.inside, 0.77);
  EXPECT_GT(after32.inside, 0.85);
  EXPECT_GT(after100.inside, 0.88);
  EXPECT_LT(after100.inside, 0.98);
  EXPECT_LT(after16.squares, 3.5);
  EXPECT_LT(after32.squares, 2.2);
  EXPECT_LT(after100.squares, 1.8);
  EXPECT_LT(after100.error, 0.25);
}

}  // namespace
}  // namespace bitwright
