// SPDX-License-Identifier: Apache-2.0
#include "trainer/kernels.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <numeric>
#include <vector>

#include "core/network.h"
#include "core/parameters.h"
#include "core/quantize.h"
#include "core/rng.h"

namespace bitwright {
namespace {

std::vector<float> normals(int64_t n, double spread, Rng& rng) {
  std::vector<float> v(static_cast<size_t>(n));
  for (float& x : v) x = static_cast<float>(spread * rng.normal());
  return v;
}

// What the straight-through gradient is the gradient of: the quantizer with its steps smoothed into a ramp.
double sign_surrogate(double y, const Quantizer& q) {
  const double s = y < 0.0 ? -1.0 : 1.0, a = std::fabs(y), t = q.sharpness, o = q.sharpness;
  switch (q.surrogate) {
    case Surrogate::kClip: return std::clamp(y, -1.0, 1.0);
    case Surrogate::kIdentity: return y;
    case Surrogate::kBiReal: return a < 1.0 ? 2.0 * y - s * y * y : s;
    case Surrogate::kReste:  // straight to the curve's value at 0.1, then the curve
      return a < 0.1 ? y * std::pow(0.1, 1.0 / o) / 0.1 : s * std::pow(std::min(a, 1.5), 1.0 / o);
    case Surrogate::kEde: return std::max(1.0 / t, 1.0) * std::tanh(t * y);
  }
  return 0.0;
}

double surrogate(double y, const Quantizer& q) {
  switch (q.kind) {
    case Quantizer::kNone: return y;
    case Quantizer::kRelu: return std::max(y, 0.0);
    case Quantizer::kSign: return sign_surrogate(y, q);
    case Quantizer::kRamp:
    case Quantizer::kLevels:
      if (q.surrogate == Surrogate::kIdentity) return y * q.inverse_step;
      return std::clamp<double>(y * q.inverse_step, q.low, q.high);
  }
  return 0.0;
}

Quantizer with_surrogate(Quantizer q, Surrogate surrogate, float sharpness = 1.0f) {
  q.surrogate = surrogate;
  q.sharpness = sharpness;
  return q;
}

Quantizer ramp(Format format, double scale) {
  Quantizer q = make_quantizer(format, scale, false);
  q.kind = Quantizer::kRamp;
  return q;
}

const std::vector<Quantizer> kQuantizers = {
    make_quantizer(Format::kFloat32, 1.0, false),
    make_quantizer(Format::kFloat32, 1.0, true),
    make_quantizer(Format::kBinary, 1.0, false),
    make_quantizer(Format::kTernary, 1.0, false),
    make_quantizer(Format::kUint4, 0.125, false),
    make_quantizer(Format::kInt8, 0.0625, false),
    ramp(Format::kInt4, 0.5),
    with_surrogate(make_quantizer(Format::kBinary, 1.0, false), Surrogate::kIdentity),
    with_surrogate(make_quantizer(Format::kUint4, 0.3, false), Surrogate::kIdentity),
    with_surrogate(make_quantizer(Format::kBinary, 1.0, false), Surrogate::kBiReal),
    with_surrogate(make_quantizer(Format::kBinary, 1.0, false), Surrogate::kReste, 1.0f),
    with_surrogate(make_quantizer(Format::kBinary, 1.0, false), Surrogate::kReste, 2.3f),
    with_surrogate(make_quantizer(Format::kBinary, 1.0, false), Surrogate::kEde, 0.1f),
    with_surrogate(make_quantizer(Format::kBinary, 1.0, false), Surrogate::kEde, 3.0f)};

// Loss = sum of weight * surrogate(batch norm(acc)) in float64: the formulas of arXiv 1502.03167, nothing shared.
struct BatchNormLoss {
  Extent e;
  std::vector<double> acc, gamma, beta, weight;
  double scale, bias;
  Quantizer q;

  double operator()() const {
    double loss = 0.0;
    const double count = static_cast<double>(e.n * e.p);
    for (int64_t c = 0; c < e.c; ++c) {
      double mean = 0.0, variance = 0.0;
      const auto real = [&](int64_t i, int64_t j) { return scale * acc[(i * e.c + c) * e.p + j] + bias; };
      for (int64_t i = 0; i < e.n; ++i)
        for (int64_t j = 0; j < e.p; ++j) mean += real(i, j) / count;
      for (int64_t i = 0; i < e.n; ++i)
        for (int64_t j = 0; j < e.p; ++j) variance += std::pow(real(i, j) - mean, 2) / count;
      for (int64_t i = 0; i < e.n; ++i)
        for (int64_t j = 0; j < e.p; ++j) {
          const double y = gamma[c] * (real(i, j) - mean) / std::sqrt(variance + kBatchNormEpsilon) + beta[c];
          loss += weight[(i * e.c + c) * e.p + j] * surrogate(y, q);
        }
    }
    return loss;
  }
};

double slope_of(const std::function<double()>& loss, double& x) {
  const double start = x, step = 1e-6;
  x = start + step;
  const double up = loss();
  x = start - step;
  const double down = loss();
  x = start;
  return (up - down) / (2 * step);
}

// 256 log2(v), linear between powers of two, of n^2 times the variance: from the squared distances of all pairs.
double smooth_log_variance(const std::vector<double>& x) {
  double v = 0.0;
  for (size_t i = 0; i < x.size(); ++i)
    for (size_t j = 0; j < i; ++j) v += std::pow(x[i] - x[j], 2);
  const double e = std::floor(std::log2(v));
  return 256.0 * (e + v / std::exp2(e) - 1.0);
}

TEST(LogVariance, IsExactForCodesAndItsGradientThatOfTheLinesBetweenPowersOfTwo) {
  Rng rng(5);
  for (int n : {2, 3, 29, 600}) {
    std::vector<float> codes = normals(n, 500.0, rng);
    for (float& code : codes) code = std::round(code);
    std::vector<double> x(codes.begin(), codes.end());
    float acc = 0.0f;
    log_variance_forward(1, n, 1.0, codes.data(), &acc);
    EXPECT_EQ(acc, std::floor(smooth_log_variance(x)));
    const float grad_out = 0.7f;
    std::vector<float> grad(codes.size());
    log_variance_backward(1, n, 1.0, codes.data(), &grad_out, grad.data());
    for (size_t i = 0; i < x.size(); i += 1 + x.size() / 5) {
      const double slope = slope_of([&] { return 0.7 * smooth_log_variance(x); }, x[i]);
      EXPECT_NEAR(grad[i], slope, 1e-3 * std::fabs(slope) + 1e-5) << n;
    }
  }
}

TEST(LogVariance, OfASilentChannelIsTheSmallestAndPassesNothingBack) {
  const std::vector<float> silent(9, -3.0f), grad_out = {1.0f};
  std::vector<float> acc(1), grad(9, NAN);
  log_variance_forward(1, 9, 1.0, silent.data(), acc.data());
  EXPECT_EQ(acc[0], 0.0f);
  log_variance_forward(1, 9, 0x1p-32, silent.data(), acc.data());
  EXPECT_EQ(acc[0], -32 * 256);
  log_variance_backward(1, 9, 1.0, silent.data(), grad_out.data(), grad.data());
  EXPECT_EQ(grad, std::vector<float>(9, 0.0f));
  const std::vector<float> broken = {1.0f, NAN, 2.0f}, huge = {-3e38f, 3e38f, 0.0f};
  log_variance_forward(1, 3, 1.0, broken.data(), acc.data());
  EXPECT_EQ(acc[0], 0.0f);
  log_variance_forward(1, 3, 1.0, huge.data(), acc.data());
  EXPECT_EQ(acc[0], 126 * 256);
}

TEST(BatchNormBackward, IsTheDerivativeOfTheSurrogate) {
  const Extent e{4, 2, 5};
  for (const Quantizer& q : kQuantizers) {
    Rng rng(11);
    const auto acc = normals(e.elements(), 3.0, rng), grad_out = normals(e.elements(), 1.0, rng);
    std::vector<ChannelNorm> norms(2);
    for (ChannelNorm& n : norms) n = {0.25f, 0.7f, static_cast<float>(rng.normal()), 0.2f};
    std::vector<float> running_mean(2), running_var(2, 1.0f), out(acc.size()), grad(acc.size());
    batch_norm_forward(e, acc.data(), q, 0.1, norms.data(), running_mean.data(), running_var.data(), out.data());
    batch_norm_backward(e, acc.data(), grad_out.data(), q, norms.data(), grad.data());
    BatchNormLoss loss{e,
                       {acc.begin(), acc.end()},
                       {norms[0].gamma, norms[1].gamma},
                       {0.2f, 0.2f},
                       {grad_out.begin(), grad_out.end()},
                       0.25f,
                       0.7f,
                       q};
    const auto run = [&] { return loss(); };
    for (size_t i = 0; i < acc.size(); ++i) EXPECT_NEAR(grad[i], slope_of(run, loss.acc[i]), 2e-4) << int{q.kind};
    for (int c = 0; c < 2; ++c) {
      EXPECT_NEAR(norms[c].grad_gamma, slope_of(run, loss.gamma[c]), 1e-3);
      EXPECT_NEAR(norms[c].grad_beta, slope_of(run, loss.beta[c]), 1e-3);
    }
  }
}

TEST(AffineBackward, IsTheDerivativeOfTheSurrogate) {
  const Extent e{3, 2, 4};
  for (const Quantizer& q : kQuantizers) {
    Rng rng(12);
    const auto acc = normals(e.elements(), 3.0, rng), grad_out = normals(e.elements(), 1.0, rng);
    const std::vector<float> gain = {0.4f, -0.3f}, offset = {0.1f, 0.5f};
    std::vector<float> grad(acc.size()), grad_offset(2);
    affine_backward(e, acc.data(), gain.data(), offset.data(), grad_out.data(), q, grad.data(), grad_offset.data());
    std::vector<double> expected_offset(2);
    for (size_t i = 0; i < acc.size(); ++i) {
      const size_t c = i / 4 % 2;
      double x = acc[i], o = offset[c];
      const auto loss = [&] { return grad_out[i] * surrogate(gain[c] * x + o, q); };
      EXPECT_NEAR(grad[i], slope_of(loss, x), 1e-4);
      expected_offset[c] += slope_of(loss, o);
    }
    for (int c = 0; c < 2; ++c) EXPECT_NEAR(grad_offset[c], expected_offset[c], 1e-3);
  }
}

// step * code with the step smoothed into a ramp, its derivative by ln(step): LSQ's rounding error is what the ramp
// leaves out, so it is added by hand.
TEST(LogStepGradient, IsThatOfTheClippedRangeAndOfTheRoundingError) {
  const std::vector<float> acc = {-9.0f, -3.1f, -0.5f, 0.1f, 1.3f, 2.7f, 8.0f};
  const float gain = 1.0f, offset = 0.0f, step = 0.4f;
  for (const Format format : {Format::kInt4, Format::kUint2, Format::kTernary})
    for (size_t i = 0; i < acc.size(); ++i) {
      const Quantizer q = make_quantizer(format, step, false);
      const float grad_out = 0.7f;  // of the code: per real unit it is grad_out / step
      const double level = acc[i] / step;
      const auto real = [&](double s) { return s * std::clamp<double>(acc[i] / s, q.low, q.high); };
      const double clipped = (real(step + 1e-6) - real(step - 1e-6)) / 2e-6;
      const bool inside = level >= q.low && level <= q.high;
      const double rounding = inside ? std::floor(level + 0.5) - level : 0.0;
      const auto measured = [&](StepRule rule) {
        return log_step_gradient({1, 1, 1}, &acc[i], &gain, &offset, &grad_out, q, rule);
      };
      EXPECT_NEAR(measured(StepRule::kLsq), grad_out * (clipped + rounding), 1e-4) << acc[i];
      EXPECT_NEAR(measured(StepRule::kPact), level > q.high ? grad_out * clipped : 0.0, 1e-4) << acc[i];
    }
}

TEST(StochasticRounding, KeepsTheMeanAndGivesTheTwoNeighbours) {
  const int64_t n = 200000;
  const std::vector<float> acc(n, 0.3f);
  std::vector<float> out(n);
  const float gain = 1.0f, offset = 0.0f;
  Quantizer q = make_quantizer(Format::kInt4, 0.25, false);
  q.noise = 12345;
  affine_forward({1, 1, n}, acc.data(), &gain, &offset, q, out.data());
  double sum = 0.0;
  for (float code : out) {
    ASSERT_TRUE(code == 1.0f || code == 2.0f);
    sum += code;
  }
  const double error = std::sqrt(0.2 * 0.8 / n);  // of the mean of n draws, one in five of which is 2
  EXPECT_NEAR(sum / n, 1.2, 4 * error);
  std::vector<float> again(n);
  q.noise = 54321;
  affine_forward({1, 1, n}, acc.data(), &gain, &offset, q, again.data());
  EXPECT_NE(out, again);
}

TEST(Surrogate, SharpensOverTheTraining) {
  EXPECT_FLOAT_EQ(surrogate_sharpness(Surrogate::kReste, 0.0), 1.0f);
  EXPECT_FLOAT_EQ(surrogate_sharpness(Surrogate::kReste, 1.0), 3.0f);
  EXPECT_FLOAT_EQ(surrogate_sharpness(Surrogate::kEde, 0.0), 0.1f);
  EXPECT_FLOAT_EQ(surrogate_sharpness(Surrogate::kEde, 1.0), 10.0f);
}

TEST(AffineForward, GivesTheCodesOfTheQuantizer) {
  Rng rng(13);
  const auto acc = normals(1000, 2.0, rng);
  std::vector<float> out(1000);
  for (Format format : {Format::kBinary, Format::kTernary, Format::kUint2, Format::kInt4, Format::kUint8}) {
    const double scale = activation_scale(format, 1);
    const float gain = 1.0f, offset = 0.0f;
    affine_forward({1, 1, 1000}, acc.data(), &gain, &offset, make_quantizer(format, scale, false), out.data());
    for (size_t i = 0; i < acc.size(); ++i) EXPECT_EQ(out[i], quantize_activation(acc[i], format, scale));
  }
}

TEST(BatchNormForward, MovesTheRunningStatisticsTowardsTheRealOnes) {
  const std::vector<float> acc = {1, 2, 3, 6};  // mean 3, unbiased variance 14/3; real = 2 acc + 1
  ChannelNorm norm{2.0f, 1.0f, 1.0f, 0.0f};
  float mean = 0.0f, variance = 1.0f;
  std::vector<float> out(4);
  batch_norm_forward({2, 1, 2}, acc.data(), {}, 0.25, &norm, &mean, &variance, out.data());
  EXPECT_FLOAT_EQ(mean, 0.25f * 7.0f);
  EXPECT_FLOAT_EQ(variance, 0.75f + 0.25f * 4.0f * 14.0f / 3.0f);
  EXPECT_NEAR(out[3], 6.0 / std::sqrt(14.0 + 1e-5), 1e-6);
}

// ---- Pooling

struct BruteForcePool {
  std::vector<float> largest, sum;
};

BruteForcePool brute_force(int64_t maps, const Pooling& p, const std::vector<float>& in) {
  BruteForcePool out;
  for (int64_t m = 0; m < maps; ++m)
    for (int64_t y = 0; y < p.out_h; ++y)
      for (int64_t x = 0; x < p.out_w; ++x) {
        float best = -INFINITY, sum = 0.0f;
        for (int64_t i = 0; i < p.window_h; ++i)
          for (int64_t j = 0; j < p.window_w; ++j) {
            const float v = in[(m * p.h + y * p.stride_h + i) * p.w + x * p.stride_w + j];
            best = std::max(best, v);
            sum += v;
          }
        out.largest.push_back(best);
        out.sum.push_back(sum);
      }
  return out;
}

const std::vector<Pooling> kPoolings = {{8, 1, 4, 1, 2, 1, 2, 1}, {10, 1, 3, 1, 3, 1, 3, 1}, {9, 1, 2, 1, 4, 1, 4, 1},
                                        {9, 1, 8, 1, 2, 1, 1, 1}, {10, 1, 2, 1, 5, 1, 5, 1}, {6, 5, 3, 2, 2, 2, 2, 2},
                                        {6, 5, 2, 4, 3, 2, 3, 1}};

TEST(Pooling, ForwardMatchesBruteForce) {
  Rng rng(1);
  for (const Pooling& p : kPoolings) {
    std::vector<float> in(3 * p.h * p.w), largest(3 * p.out_h * p.out_w), sum(largest.size());
    for (float& v : in) v = static_cast<float>(rng.below(7));  // with equals
    std::vector<int32_t> index(largest.size());
    max_pool_forward(3, p, in.data(), largest.data(), index.data());
    sum_pool_forward(3, p, in.data(), sum.data());
    const auto expected = brute_force(3, p, in);
    EXPECT_EQ(largest, expected.largest);
    EXPECT_EQ(sum, expected.sum);
  }
}

TEST(Pooling, TheFirstOfEqualsIsTheLargest) {
  const std::vector<float> in = {1, 5, 5, 5};
  float out = 0.0f;
  int32_t index = 0;
  for (const Pooling& p : {Pooling{4, 1, 1, 1, 4, 1, 4, 1}, Pooling{2, 2, 1, 1, 2, 2, 2, 2}}) {
    max_pool_forward(1, p, in.data(), &out, &index);
    EXPECT_EQ(index, 1);
  }
}

// <pool(x), g> = <x, backward(g)>: the sum is linear, the maximum linear where no order changes.
TEST(Pooling, BackwardIsTheAdjoint) {
  Rng rng(2);
  for (const Pooling& p : kPoolings) {
    const auto in = normals(2 * p.h * p.w, 1.0, rng), g = normals(2 * p.out_h * p.out_w, 1.0, rng);
    std::vector<float> largest(g.size()), sum(g.size()), back_max(in.size(), 9.0f), back_sum(in.size(), 9.0f);
    std::vector<int32_t> index(g.size());
    max_pool_forward(2, p, in.data(), largest.data(), index.data());
    sum_pool_forward(2, p, in.data(), sum.data());
    max_pool_backward(2, p, g.data(), index.data(), back_max.data());
    sum_pool_backward(2, p, g.data(), back_sum.data());
    const auto dot = [](const auto& a, const auto& b) {
      return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
    };
    EXPECT_NEAR(dot(largest, g), dot(in, back_max), 1e-4);
    EXPECT_NEAR(dot(sum, g), dot(in, back_sum), 1e-4);
  }
}

// ---- Adam

TEST(AdamStep, FollowsThePublishedRecurrence) {
  Rng rng(3);
  const int64_t n = 37;
  std::vector<float> x = normals(n, 1.0, rng), m(n), v(n);
  std::vector<double> ex(x.begin(), x.end()), em(n), ev(n);
  for (int t = 1; t <= 20; ++t) {
    const auto g = normals(n, 1.0, rng);
    EXPECT_TRUE(adam_step(n, t, 0.01, g.data(), x.data(), m.data(), v.data()));
    for (int64_t i = 0; i < n; ++i) {
      em[i] = 0.9 * em[i] + 0.1 * g[i];
      ev[i] = 0.999 * ev[i] + 0.001 * g[i] * g[i];
      ex[i] -= 0.01 * (em[i] / (1 - std::pow(0.9, t))) / (std::sqrt(ev[i] / (1 - std::pow(0.999, t))) + 1e-8);
      ASSERT_NEAR(x[i], ex[i], 1e-5);
    }
  }
}

TEST(AdamStep, NoticesAParameterThatIsNotFinite) {
  for (float bad : {INFINITY, -INFINITY, NAN}) {
    std::vector<float> g(20, 0.1f), x(20, 1.0f), m(20), v(20);
    EXPECT_TRUE(adam_step(20, 1, 0.01, g.data(), x.data(), m.data(), v.data()));
    g[13] = bad;
    EXPECT_FALSE(adam_step(20, 2, 0.01, g.data(), x.data(), m.data(), v.data()));
  }
}

}  // namespace
}  // namespace bitwright
