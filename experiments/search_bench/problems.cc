// SPDX-License-Identifier: Apache-2.0
#include "experiments/search_bench/problems.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>
#include <numeric>
#include <stdexcept>

#include "experiments/search_bench/blake2b.h"
#include "search/hypervolume.h"

namespace bitwright {
namespace {

using std::numbers::pi;
using Kind = ProblemParameter::Kind;
using Parameters = std::vector<ProblemParameter>;

double square(double v) {
  return v * v;
}
double cube(double v) {
  return v * v * v;
}

ProblemParameter real(std::string name, double low, double high) {
  return {.name = std::move(name), .kind = Kind::kReal, .low = low, .high = high};
}

ProblemParameter integer(std::string name, double low, double high) {
  return {.name = std::move(name), .kind = Kind::kInteger, .low = low, .high = high};
}

Parameters reals(const std::vector<double>& low, const std::vector<double>& high) {
  Parameters parameters;
  for (size_t i = 0; i < low.size(); ++i) parameters.push_back(real(fmt::format("x{}", i), low[i], high[i]));
  return parameters;
}

Parameters unit_reals(size_t count) {
  return reals(std::vector<double>(count, 0.0), std::vector<double>(count, 1.0));
}

Problem bnh() {
  const auto outcome = [](const ProblemPoint& x) -> ProblemOutcome {
    const double a = x[0], b = x[1];
    return {{4 * a * a + 4 * b * b, square(a - 5) + square(b - 5)},
            {},
            {(square(a - 5) + b * b - 25) / 25, (7.7 - square(a - 8) - square(b + 3)) / 7.7}};
  };
  return {"bnh", reals({0, 0}, {5, 3}), false, 0.0, outcome, {0.0, 4.0}, {136.0, 50.0}, 1.0253842425137658};
}

Problem tnk() {
  const auto outcome = [](const ProblemPoint& x) -> ProblemOutcome {
    const double a = x[0], b = x[1];
    const double wave = 0.1 * std::cos(16 * std::atan2(a, b));
    return {{a, b}, {}, {-(a * a + b * b - 1 - wave), (square(a - 0.5) + square(b - 0.5) - 0.5) / 0.5}};
  };
  return {"tnk",
          reals({1e-6, 1e-6}, {pi, pi}),
          false,
          0.0,
          outcome,
          {0.042502227919780845, 0.04348098824201849},
          {1.0376894512318828, 1.0384719153420567},
          0.5181164231349439};
}

Problem osy() {
  const auto outcome = [](const ProblemPoint& x) -> ProblemOutcome {
    const double gain =
        25 * square(x[0] - 2) + square(x[1] - 2) + square(x[2] - 1) + square(x[3] - 4) + square(x[4] - 1);
    return {{-gain, std::inner_product(x.begin(), x.end(), x.begin(), 0.0)},
            {},
            {-(x[0] + x[1] - 2) / 2, -(6 - x[0] - x[1]) / 6, -(2 - x[1] + x[0]) / 2, -(2 - x[0] + 3 * x[1]) / 2,
             -(4 - square(x[2] - 3) - x[3]) / 4, -(square(x[4] - 3) + x[5] - 4) / 4}};
  };
  return {"osy",
          reals({0, 0, 1, 0, 1, 0}, {10, 10, 5, 6, 5, 10}),
          false,
          0.0,
          outcome,
          {-273.9744652934455, 4.0002519775486824},
          {-41.78428875593954, 75.99850133019245},
          0.9685756223036471};
}

ProblemOutcome c2dtlz2_outcome(const ProblemPoint& x) {
  double radius = 1.0;
  for (size_t i = 1; i < x.size(); ++i) radius += square(x[i] - 0.5);
  const double a = radius * std::cos(x[0] * pi / 2), b = radius * std::sin(x[0] * pi / 2);
  const double size = square(0.2), diagonal = 1 / std::numbers::sqrt2;
  const double ends = std::min(square(a - 1) + b * b, square(b - 1) + a * a) - size;
  const double middle = square(a - diagonal) + square(b - diagonal) - size;
  return {{a, b}, {}, {std::min(ends, middle)}};
}

Problem c2dtlz2() {
  return {"c2dtlz2",
          unit_reals(6),
          false,
          0.0,
          c2dtlz2_outcome,
          {6.123234010765393e-17, 0.0},
          {1.000000010904304, 1.0000000024543612},
          0.3822914352152258};
}

// Half of the eight variables take nine levels.
Problem mixed_integer_c2dtlz2() {
  Parameters parameters = unit_reals(4);
  for (int i = 4; i < 8; ++i) parameters.push_back(integer(fmt::format("x{}", i), 0, 8));
  const auto outcome = [](ProblemPoint x) {
    for (size_t i = 4; i < 8; ++i) x[i] /= 8;
    return c2dtlz2_outcome(x);
  };
  return {"mi-c2dtlz2",
          parameters,
          false,
          0.0,
          outcome,
          {6.12323399583856e-17, 0.0},
          {1.0000000000001654, 1.0000000000166243},
          0.38230677726787604};
}

Problem mw7() {
  const auto outcome = [](const ProblemPoint& x) -> ProblemOutcome {
    double g = 1.0;
    for (size_t i = 1; i < x.size(); ++i) g += 2 * square(x[i] + square(x[i - 1] - 0.5) - 1);
    const double a = g * x[0], b = g * std::sqrt(std::max(0.0, 1 - square(x[0])));
    const double wave = std::sin(4 * std::atan2(b, a)), norm = a * a + b * b;
    return {{a, b},
            {},
            {norm - square(1.2 + std::abs(0.4 * std::pow(wave, 16))), square(1.15 - 0.2 * std::pow(wave, 8)) - norm}};
  };
  return {"mw7",
          unit_reals(6),
          false,
          0.0,
          outcome,
          {0.0, 0.0},
          {1.1500002780736045, 1.1500056621167916},
          0.5022258093713937};
}

// Welded beam: cost against deflection. Loads in lb, lengths in inches.
ProblemOutcome cre22_outcome(const ProblemPoint& x) {
  const double h = x[0], l = x[1], t = x[2], b = x[3];
  const double load = 6000.0, length = 14.0, elasticity = 30e6, shear = 12e6;
  const double moment = load * (length + l / 2);
  const double arm = std::sqrt(l * l / 4 + square((h + t) / 2));
  const double inertia = 2 * std::numbers::sqrt2 * h * l * (l * l / 12 + square((h + t) / 2));
  const double t2 = moment * arm / inertia, t1 = load / (std::numbers::sqrt2 * h * l);
  const double tau = std::sqrt(t1 * t1 + t1 * t2 * l / arm + t2 * t2);
  const double sigma = 6 * load * length / (b * t * t);
  const double buckling = 4.013 * elasticity * std::sqrt(t * t * std::pow(b, 6) / 36) / square(length) *
                          (1 - t / (2 * length) * std::sqrt(elasticity / (4 * shear)));
  return {{1.10471 * h * h * l + 0.04811 * t * b * (14 + l), 4 * load * cube(length) / (elasticity * b * cube(t))},
          {},
          {tau / 13600 - 1, sigma / 30000 - 1, (h - b) / 5, 1 - buckling / load}};
}

Problem cre22() {
  return {"cre22",
          reals({0.125, 0.1, 0.1, 0.125}, {5, 10, 10, 5}),
          false,
          0.0,
          cre22_outcome,
          {1.7284984901577831, 0.00043904},
          {35.3077273420573, 0.014452287461039949},
          1.1329689914905683};
}

// Disc brake: mass against stopping time.
Problem cre23() {
  const auto outcome = [](const ProblemPoint& x) -> ProblemOutcome {
    const double a = x[0], b = x[1], c = x[2], d = x[3];
    const double q = b * b - a * a, k = cube(b) - cube(a);
    return {{4.9e-5 * q * (d - 1), 9.82e6 * q / (c * d * k)},
            {},
            {1 - (b - a) / 20, c / (3.14 * q * 0.4) - 1, 2.22e-3 * c * k / square(q) - 1,
             1 - 2.66e-2 * c * d * k / q / 900}};
  };
  return {"cre23",
          reals({55, 75, 1000, 11}, {80, 110, 3000, 20}),
          false,
          0.0,
          outcome,
          {1.2739999999999998, 1.139072039072039},
          {5.3067, 3.0281681788531105},
          1.0121987114521205};
}

// Speed reducer: weight against stress.
ProblemOutcome cre24_outcome(const ProblemPoint& x) {
  const double a = x[0], b = x[1], c = x[2], d = x[3], e = x[4], p = x[5], q = x[6];
  const double weight = 0.7854 * a * b * b * (10 * c * c / 3 + 14.933 * c - 43.0934) - 1.508 * a * (p * p + q * q) +
                        7.477 * (cube(p) + cube(q)) + 0.7854 * (d * p * p + e * q * q);
  const double stress = std::sqrt(square(745 * d / (b * c)) + 1.69e7) / (0.1 * cube(p));
  const double stress2 = std::sqrt(square(745 * e / (b * c)) + 1.575e8) / (0.1 * cube(q));
  return {{weight, stress},
          {},
          {27 / (a * b * b * c) - 1, 397.5 / (a * b * b * c * c) - 1, 1.93 * cube(d) / (b * c * square(p * p)) - 1,
           1.93 * cube(e) / (b * c * square(q * q)) - 1, b * c / 40 - 1, a / b / 12 - 1, 5 - a / b, 1.9 - d + 1.5 * p,
           1.9 - e + 1.1 * q, stress / 1300 - 1, stress2 / 1100 - 1}};
}

Problem cre24() {
  Parameters parameters = reals({2.6, 0.7, 17, 7.3, 7.3, 2.9, 5.0}, {3.6, 0.8, 28, 8.3, 8.3, 3.9, 5.5});
  parameters[2].kind = Kind::kInteger;
  return {"cre24",
          parameters,
          false,
          0.0,
          cre24_outcome,
          {2771.95971512155, 694.7057637423017},
          {5781.434300029619, 1299.8998485955221},
          1.18038005186829};
}

// Gear train: error of the ratio against the largest gear.
Problem cre25() {
  const auto outcome = [](const ProblemPoint& x) -> ProblemOutcome {
    const double error = std::abs(6.931 - x[2] / x[0] * x[3] / x[1]);
    return {{error, *std::max_element(x.begin(), x.end())}, {}, {error / 6.931 - 0.5}};
  };
  Parameters parameters;
  for (int i = 0; i < 4; ++i) parameters.push_back(integer(fmt::format("x{}", i), 12, 60));
  return {"cre25",           parameters, false, 0.0, outcome, {0.00023076923076992273, 23.0}, {3.257388888888889, 53.0},
          1.0403610768647604};
}

// ---- mcu: a 1-D convolutional net on 256 samples, one to four layers --------------------------------------------

struct McuLayer {
  double channels;
  int kernel, weight_bits, activation_bits;
};
struct McuNet {
  std::vector<McuLayer> layers;
  int stride;
  std::string pool, quantizer;
  double learning_rate, weight_decay;
};
struct McuLimits {
  double flash_kb, ram_kb, latency_ms;
};

Parameters mcu_parameters() {
  Parameters parameters = {
      integer("depth", 1, 4),
      {.name = "stride", .kind = Kind::kCategory, .choices = {"1", "2", "4"}},
      {.name = "pool", .kind = Kind::kCategory, .choices = {"max", "avg"}},
      {.name = "quant", .kind = Kind::kCategory, .choices = {"affine", "symmetric", "pow2"}},
      {.name = "lr", .kind = Kind::kReal, .low = 1e-4, .high = 1e-1, .log_scale = true},
      real("wd", 0.0, 0.5),
  };
  for (int i = 0; i < 4; ++i) {
    Parameters layer = {integer(fmt::format("w{}", i), 1, 16),
                        {.name = fmt::format("k{}", i), .kind = Kind::kCategory, .choices = {"3", "5", "7", "9"}},
                        {.name = fmt::format("b{}", i), .kind = Kind::kCategory, .choices = {"2", "3", "4", "8"}},
                        {.name = fmt::format("a{}", i), .kind = Kind::kCategory, .choices = {"2", "4", "8"}}};
    for (ProblemParameter& parameter : layer) {
      parameter.parent = i > 0 ? 0 : -1;
      parameter.parent_least = i + 1;
      parameters.push_back(parameter);
    }
  }
  return parameters;
}

McuNet mcu_net(const Parameters& parameters, const ProblemPoint& x) {
  const auto choice = [&](size_t i) { return parameters[i].choices[static_cast<size_t>(x[i])]; };
  McuNet net{{}, std::stoi(choice(1)), choice(2), choice(3), x[4], x[5]};
  for (size_t i = 6; net.layers.size() < static_cast<size_t>(x[0]); i += 4)
    net.layers.push_back({4 * x[i], std::stoi(choice(i + 1)), std::stoi(choice(i + 2)), std::stoi(choice(i + 3))});
  return net;
}

// A fixed ruggedness of the discrete choices, +-0.006: a hash of their list as Python prints it.
double mcu_ruggedness(const Parameters& parameters, const ProblemPoint& x) {
  std::string list;
  for (size_t i = 0; i < x.size(); ++i) {
    const ProblemParameter& p = parameters[i];
    if (p.kind == Kind::kReal || (p.parent >= 0 && x[static_cast<size_t>(p.parent)] < p.parent_least)) continue;
    const bool word = p.name == "pool" || p.name == "quant";
    const std::string value =
        p.kind == Kind::kCategory ? p.choices[static_cast<size_t>(x[i])] : fmt::format("{:.0f}", x[i]);
    list += fmt::format(fmt::runtime(word ? "{}'{}'" : "{}{}"), list.empty() ? "" : ", ", value);
  }
  const std::vector<uint8_t> digest = blake2b(fmt::format("[{}]", list), 4);
  double fraction = 0.0;
  for (size_t i = 0; i < 4; ++i) fraction += std::ldexp(digest[i], static_cast<int>(8 * i) - 32);
  return (fraction - 0.5) * 0.012;
}

struct McuCosts {
  double flash_bytes = 0.0, ram_bytes = 0.0, cycles = 0.0;
};

McuCosts mcu_costs(const McuNet& net) {
  McuCosts costs;
  double in = 1, length = std::floor(256.0 / net.stride), bits = 8;
  for (const McuLayer& layer : net.layers) {
    const double weights = layer.kernel * in * layer.channels;
    costs.flash_bytes += weights * layer.weight_bits / 8 + layer.channels * 6;
    costs.ram_bytes =
        std::max(costs.ram_bytes, (length * in * bits + length * layer.channels * layer.activation_bits) / 8);
    const double cycles_per_mac = 0.5 + (layer.weight_bits < 8 ? 0.25 : 0) + (layer.activation_bits < 8 ? 0.15 : 0) -
                                  (layer.weight_bits == 2 && net.quantizer == "symmetric" ? 0.2 : 0);
    costs.cycles += length * weights * cycles_per_mac + 4 * length * layer.channels;
    in = layer.channels;
    bits = layer.activation_bits;
    length = std::max(4.0, std::floor(length / 2));
  }
  costs.flash_bytes += in * 10 + 600;
  costs.cycles += in * 10 * 2 + 5000;
  return costs;
}

double mean_weight_bits(const McuNet& net) {
  double sum = 0;
  for (const McuLayer& layer : net.layers) sum += layer.weight_bits;
  return sum / static_cast<double>(net.layers.size());
}

// What the layers' capacity, formats and receptive field leave of error.
double mcu_layers_error(const McuNet& net) {
  const double scale = net.quantizer == "affine" ? 1.0 : net.quantizer == "symmetric" ? 1.1 : 1.35;
  double capacity = 0.0, quantization = 0.0, in = 1, field = 1, jump = net.stride;
  for (size_t i = 0; i < net.layers.size(); ++i) {
    const McuLayer& layer = net.layers[i];
    const double weights = layer.kernel * in * layer.channels;
    capacity +=
        std::log2(1 + weights * std::min(layer.weight_bits, 5) / 5) * (1 - 0.35 * std::exp(-layer.channels / 12));
    const double sensitivity = i == 0 || i + 1 == net.layers.size() ? 1.6 : 1.0;
    quantization +=
        sensitivity * scale *
        (0.045 * std::pow(2.2, -2 * (layer.weight_bits - 2)) + 0.06 * std::pow(2.2, -2 * (layer.activation_bits - 2)));
    field += (layer.kernel - 1) * jump;
    jump *= 2;
    in = layer.channels;
  }
  const double misfit = std::abs(std::log(field / 60.0));
  return 0.32 * std::exp(-capacity / 9.0) + quantization + 0.05 * std::pow(misfit, 1.5) / (1 + misfit);
}

double mcu_training_error(const McuNet& net, double flash_bytes) {
  const double depth = static_cast<double>(net.layers.size());
  const double best_rate = -2.3 - 0.12 * depth - 0.08 * std::max(0.0, 5 - mean_weight_bits(net));
  const double overfit =
      0.012 * std::max(0.0, std::log2(flash_bytes / 4000)) * std::abs(net.weight_decay - 0.25) / 0.25;
  const double pool = (net.pool == "avg") != (depth >= 3) ? 0.008 : 0.0;
  const double alias = net.stride == 1 ? 0.0 : net.stride == 2 ? 0.004 : 0.022;
  return 0.035 * square(std::log10(net.learning_rate) - best_rate) + overfit + pool + alias;
}

// {error, latency in ms, flash in kB where there are three objectives}; training diverges above a learning rate.
Problem mcu_problem(bool three) {
  const McuLimits limits = three ? McuLimits{3.0, 1.0, 4.0} : McuLimits{4.0, 1.25, 6.0};
  const auto outcome = [limits, three, parameters = mcu_parameters()](const ProblemPoint& x) -> ProblemOutcome {
    const McuNet net = mcu_net(parameters, x);
    const McuCosts costs = mcu_costs(net);
    const double error = std::min(
        0.9, 0.02 + mcu_layers_error(net) + mcu_training_error(net, costs.flash_bytes) + mcu_ruggedness(parameters, x));
    const double latency_ms = costs.cycles / 84e3, flash_kb = costs.flash_bytes / 1024, ram_kb = costs.ram_bytes / 1024;
    const double depth = static_cast<double>(net.layers.size());
    const double highest_rate = -0.9 - 0.25 * std::max(0.0, 4 - mean_weight_bits(net)) - 0.12 * (depth - 1);
    ObjectiveVector objectives = {error, latency_ms};
    if (three) objectives.push_back(flash_kb);
    return {objectives,
            {flash_kb / limits.flash_kb - 1, ram_kb / limits.ram_kb - 1, latency_ms / limits.latency_ms - 1},
            {std::log10(net.learning_rate) - highest_rate}};
  };
  return {.name = three ? "mcu3" : "mcu",
          .parameters = mcu_parameters(),
          .known_costs = true,
          .noise = three ? 0.004 : 0.0,
          .outcome = outcome,
          .error_resolution = 0.001};
}

Problem mcu() {
  Problem problem = mcu_problem(false);
  problem.ideal = {0.02985094901089077, 0.07723809523809524};
  problem.nadir = {0.3185533018081955, 0.6515238095238095};
  problem.reference_hypervolume = 1.1268840599474332;
  return problem;
}

Problem mcu3() {
  Problem problem = mcu_problem(true);
  problem.ideal = {0.03463953781615358, 0.07723809523809524, 0.6513671875};
  problem.nadir = {0.42539967035375076, 0.5052380952380953, 2.99609375};
  problem.reference_hypervolume = 1.2138300362905192;
  return problem;
}

// FNV-1a over the bits of the active values.
uint64_t hash_of_active(const Problem& problem, const ProblemPoint& point) {
  uint64_t hash = 0xcbf29ce484222325;
  for (size_t i = 0; i < point.size(); ++i) {
    const double value = is_active(problem, point, i) ? point[i] : -1.0;
    uint8_t bytes[sizeof value];
    std::memcpy(bytes, &value, sizeof value);
    for (const uint8_t byte : bytes) hash = (hash ^ byte) * 0x100000001b3;
  }
  return hash;
}

std::vector<double> observed_rungs(const Problem& problem, const ProblemPoint& point, const ProblemOutcome& outcome,
                                   uint64_t seed) {
  Rng rng(seed, hash_of_active(problem, point));
  if (problem.observed) return problem.observed(point, rng);
  if (problem.noise > 0) return {outcome.objectives[0] + problem.noise * rng.normal()};
  return {outcome.objectives[0]};
}

bool all_kept(const std::vector<double>& limits) {
  return std::all_of(limits.begin(), limits.end(), [](double g) { return g <= 0; });
}

}  // namespace

std::vector<Problem> search_problems() {
  return {bnh(),   tnk(),   osy(), c2dtlz2(), mixed_integer_c2dtlz2(), mw7(), cre22(), cre23(),
          cre24(), cre25(), mcu(), mcu3()};
}

Problem search_problem(const std::string& name) {
  for (Problem& problem : search_problems())
    if (problem.name == name) return problem;
  throw std::out_of_range(fmt::format("no problem is named {}", name));
}

bool is_active(const Problem& problem, const ProblemPoint& point, size_t parameter) {
  const ProblemParameter& p = problem.parameters[parameter];
  return p.parent < 0 || point[static_cast<size_t>(p.parent)] >= p.parent_least;
}

double to_unit(const ProblemParameter& parameter, double value) {
  switch (parameter.kind) {
    case Kind::kCategory: return (value + 0.5) / static_cast<double>(parameter.choices.size());
    case Kind::kInteger: return (value - parameter.low + 0.5) / (parameter.high - parameter.low + 1);
    case Kind::kReal: break;
  }
  if (!parameter.log_scale) return (value - parameter.low) / (parameter.high - parameter.low);
  return std::log(value / parameter.low) / std::log(parameter.high / parameter.low);
}

double from_unit(const ProblemParameter& parameter, double unit) {
  const double u = std::clamp(unit, 0.0, 1.0);
  const auto level = [u](double count) { return std::min(std::floor(u * count), count - 1); };
  switch (parameter.kind) {
    case Kind::kCategory: return level(static_cast<double>(parameter.choices.size()));
    case Kind::kInteger: return parameter.low + level(parameter.high - parameter.low + 1);
    case Kind::kReal: break;
  }
  if (!parameter.log_scale) return parameter.low + u * (parameter.high - parameter.low);
  return std::exp(std::log(parameter.low) + u * (std::log(parameter.high) - std::log(parameter.low)));
}

ProblemPoint decode_unit(const Problem& problem, const std::vector<double>& unit) {
  ProblemPoint point;
  for (size_t i = 0; i < unit.size(); ++i) point.push_back(from_unit(problem.parameters[i], unit[i]));
  return point;
}

bool keeps_known_limits(const ProblemOutcome& outcome) {
  return all_kept(outcome.known_limits);
}

bool keeps_all_limits(const ProblemOutcome& outcome) {
  return all_kept(outcome.known_limits) && all_kept(outcome.unknown_limits);
}

ProblemOutcome evaluate(const Problem& problem, const ProblemPoint& point, uint64_t seed) {
  ProblemOutcome outcome = problem.outcome(point);
  outcome.objectives[0] = observed_rungs(problem, point, outcome, seed).back();
  return outcome;
}

std::vector<double> evaluate_rungs(const Problem& problem, const ProblemPoint& point, uint64_t seed) {
  return observed_rungs(problem, point, problem.outcome(point), seed);
}

double reference_share(const Problem& problem, const std::vector<ObjectiveVector>& front) {
  std::vector<ObjectiveVector> scaled = front;
  for (ObjectiveVector& point : scaled)
    for (size_t k = 0; k < point.size(); ++k)
      point[k] = (point[k] - problem.ideal[k]) / (problem.nadir[k] - problem.ideal[k]);
  return hypervolume(std::move(scaled), ObjectiveVector(problem.ideal.size(), 1.1)) / problem.reference_hypervolume;
}

}  // namespace bitwright
