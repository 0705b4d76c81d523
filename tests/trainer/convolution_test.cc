// SPDX-License-Identifier: Apache-2.0
#include "trainer/convolution.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "core/rng.h"

namespace bitwright {
namespace {

using Values = std::vector<float>;

int64_t weights_of(const ConvolutionShape& s) {
  return s.outputs * (s.inputs / s.groups) * s.kernel_h * s.kernel_w;
}

// Sets one axis: any kernel and stride, borders no larger than the kernel, at least one output.
void choose_axis(Rng& rng, int64_t& size, int64_t& kernel, int64_t& stride, int64_t& before, int64_t& after,
                 int64_t& out) {
  kernel = rng.between<int64_t>(1, 7);
  stride = rng.between<int64_t>(1, 4);
  before = rng.between<int64_t>(0, kernel - 1);
  after = rng.between<int64_t>(0, kernel - 1);
  size = rng.between<int64_t>(kernel, 30);
  out = (before + size + after - kernel) / stride + 1;
}

ConvolutionShape random_shape(Rng& rng) {
  ConvolutionShape s;
  choose_axis(rng, s.w, s.kernel_w, s.stride_w, s.left, s.right, s.out_w);
  if (rng.between<int64_t>(0, 1) == 1) choose_axis(rng, s.h, s.kernel_h, s.stride_h, s.top, s.bottom, s.out_h);
  const int64_t per_group = rng.between<int64_t>(1, 3);
  s.inputs = rng.between<int64_t>(1, rng.between<int64_t>(0, 3) == 0 ? 70 : 12);
  s.outputs = rng.between<int64_t>(1, rng.between<int64_t>(0, 3) == 0 ? 70 : 12);
  if (rng.between<int64_t>(0, 2) == 0) s.groups = s.inputs, s.outputs = s.inputs * per_group;
  s.fill = static_cast<float>(rng.between<int64_t>(-1, 1));
  return s;
}

// Calls f(weight, input, output) for each product of the definition: indices in their arrays; input -1 in the border.
template <class F>
void for_each_product(int64_t n, const ConvolutionShape& s, F f) {
  const int64_t inputs = s.inputs / s.groups, outputs = s.outputs / s.groups;
  for (int64_t e = 0; e < n; ++e)
    for (int64_t o = 0; o < s.outputs; ++o)
      for (int64_t y = 0; y < s.out_h; ++y)
        for (int64_t x = 0; x < s.out_w; ++x)
          for (int64_t w = 0; w < inputs * s.kernel_h * s.kernel_w; ++w) {
            const int64_t j = w % s.kernel_w, i = w / s.kernel_w % s.kernel_h, c = w / s.kernel_w / s.kernel_h;
            const int64_t at_y = y * s.stride_h + i - s.top, at_x = x * s.stride_w + j - s.left;
            const bool inside = at_y >= 0 && at_y < s.h && at_x >= 0 && at_x < s.w;
            const int64_t channel = e * s.inputs + o / outputs * inputs + c;
            f(o * inputs * s.kernel_h * s.kernel_w + w, inside ? (channel * s.h + at_y) * s.w + at_x : -1,
              ((e * s.outputs + o) * s.out_h + y) * s.out_w + x);
          }
}

struct Case {
  ConvolutionShape shape;
  int64_t n;
  Values in, weights, grad_out;
};

// Codes where `integers`, else normal numbers.
Values random_values(int64_t count, bool integers, Rng& rng) {
  Values v(static_cast<size_t>(count));
  for (float& x : v) x = static_cast<float>(integers ? static_cast<double>(rng.between<int64_t>(-8, 7)) : rng.normal());
  return v;
}

Case random_case(bool integers, Rng& rng) {
  Case c{random_shape(rng), rng.between<int64_t>(1, 9), {}, {}, {}};
  c.in = random_values(c.n * c.shape.in_elements(), integers, rng);
  c.weights = random_values(weights_of(c.shape), integers, rng);
  c.grad_out = random_values(c.n * c.shape.out_elements(), integers, rng);
  return c;
}

struct Results {
  std::vector<double> out, grad_in, grad_weights;
};

Results by_definition(const Case& c) {
  Results r{std::vector<double>(c.grad_out.size()), std::vector<double>(c.in.size()),
            std::vector<double>(c.weights.size())};
  for_each_product(c.n, c.shape, [&](int64_t w, int64_t i, int64_t o) {
    const double in = i < 0 ? c.shape.fill : c.in[i];
    r.out[o] += c.weights[w] * in;
    r.grad_weights[w] += c.grad_out[o] * in;
    if (i >= 0) r.grad_in[i] += static_cast<double>(c.grad_out[o]) * c.weights[w];
  });
  return r;
}

struct Computed {
  Values out, grad_in, grad_weights;
};

Computed computed(DirectConvolution& convolution, const Case& c) {
  Computed r{Values(c.grad_out.size(), NAN), Values(c.in.size(), NAN), Values(c.weights.size(), NAN)};
  convolution.forward(c.n, c.in.data(), c.weights.data(), r.out.data());
  convolution.backward(c.n, c.in.data(), c.weights.data(), c.grad_out.data(), r.grad_in.data(), r.grad_weights.data());
  return r;
}

// Within `relative` of the root mean square of what is expected.
void expect_near(const Values& values, const std::vector<double>& expected, double relative, const char* what) {
  double squares = 0.0;
  for (double e : expected) squares += e * e;
  const double near = relative * std::sqrt(squares / static_cast<double>(expected.size()));
  for (size_t i = 0; i < expected.size(); ++i) ASSERT_NEAR(values[i], expected[i], near) << what << ' ' << i;
}

void expect_results(const Computed& r, const Results& expected, double relative) {
  expect_near(r.out, expected.out, relative, "out");
  expect_near(r.grad_in, expected.grad_in, relative, "gradient of input");
  expect_near(r.grad_weights, expected.grad_weights, relative, "gradient of weight");
}

TEST(DirectConvolution, FollowsTheDefinition) {
  Rng rng(1);
  for (int i = 0; i < 150; ++i) {
    const Case c = random_case(false, rng);
    DirectConvolution convolution(c.shape);
    expect_results(computed(convolution, c), by_definition(c), 1e-4);
  }
}

TEST(DirectConvolution, IsExactOnIntegers) {
  Rng rng(2);
  for (int i = 0; i < 150; ++i) {
    const Case c = random_case(true, rng);
    DirectConvolution convolution(c.shape);
    expect_results(computed(convolution, c), by_definition(c), 0.0);
  }
}

// <grad_out, forward(in)> = <backward(grad_out), in> = <gradient of weights, weights> without a border's fill.
TEST(DirectConvolution, BackwardIsTheAdjointOfForward) {
  Rng rng(3);
  const auto dot = [](const Values& a, const Values& b) {
    double sum = 0.0;
    for (size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * b[i];
    return sum;
  };
  for (int i = 0; i < 50; ++i) {
    Case c = random_case(true, rng);
    c.shape.fill = 0.0f;
    DirectConvolution convolution(c.shape);
    const Computed r = computed(convolution, c);
    EXPECT_EQ(dot(r.out, c.grad_out), dot(r.grad_in, c.in));
    EXPECT_EQ(dot(r.out, c.grad_out), dot(r.grad_weights, c.weights));
  }
}

// A batch that fills the rows, then one that does not: nothing of the first is left.
TEST(DirectConvolution, ForgetsTheBatchBefore) {
  Rng rng(4);
  for (int i = 0; i < 20; ++i) {
    Case c = random_case(true, rng);
    DirectConvolution convolution(c.shape);
    Case before = c;
    before.n = 70;
    before.in = random_values(before.n * c.shape.in_elements(), true, rng);
    before.grad_out = random_values(before.n * c.shape.out_elements(), true, rng);
    computed(convolution, before);
    expect_results(computed(convolution, c), by_definition(c), 0.0);
  }
}

TEST(DirectConvolution, GivesTheSameBytesTwice) {
  Rng rng(5);
  const Case c = random_case(false, rng);
  DirectConvolution first(c.shape), second(c.shape);
  const Computed a = computed(first, c), b = computed(second, c);
  EXPECT_EQ(a.out, b.out);
  EXPECT_EQ(a.grad_in, b.grad_in);
  EXPECT_EQ(a.grad_weights, b.grad_weights);
}

TEST(DirectConvolution, LeavesTheInputsGradientOutWhereNobodyWantsIt) {
  Rng rng(6);
  const Case c = random_case(true, rng);
  DirectConvolution convolution(c.shape);
  Values grad_weights(c.weights.size(), NAN);
  convolution.backward(c.n, c.in.data(), c.weights.data(), c.grad_out.data(), nullptr, grad_weights.data());
  expect_near(grad_weights, by_definition(c).grad_weights, 0.0, "gradient of weight");
}

}  // namespace
}  // namespace bitwright
