// SPDX-License-Identifier: Apache-2.0
#include "core/io/simulator.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/error.h"
#include "core/rng.h"

namespace bitwright {
namespace {

using Signal = std::vector<double>;
constexpr double kTwoPi = 2.0 * std::numbers::pi;

// One machine: what differs between recordings of the same state and load.
struct Machine {
  BearingState state = BearingState::kHealthy;
  int load = 0;
  double shaft_hz = 0.0;
  double resonance_hz = 0.0, damping = 0.0;
  double gain = 1.0;
};

Machine draw_machine(const SimulatorSpec& spec, int recording, Rng& rng) {
  const int loads = static_cast<int>(spec.load_rpm.size());
  const auto around = [&](double value, double spread) { return value * (1.0 + rng.uniform(-spread, spread)); };
  Machine m;
  m.state = static_cast<BearingState>(recording % kBearingStates);
  m.load = recording / kBearingStates % loads;
  m.shaft_hz = around(spec.load_rpm[m.load], spec.speed_spread) / 60.0;
  m.resonance_hz = around(spec.resonance_hz[recording % kBearingStates], spec.machine_spread);
  m.damping = around(spec.damping, spec.machine_spread);
  m.gain = std::exp(rng.uniform(-1.0, 1.0) * std::log(spec.gain_spread));
  return m;
}

double strike_hz(const Machine& m, const DefectRates& rates) {
  switch (m.state) {
    case BearingState::kHealthy: return 0.0;
    case BearingState::kInnerRace: return rates.inner_race * m.shaft_hz;
    case BearingState::kOuterRace: return rates.outer_race * m.shaft_hz;
    case BearingState::kBall: return 2.0 * rates.ball_spin * m.shaft_hz;
  }
  return 0.0;
}

// Stribeck's distribution of the load over the angle from its direction, for point contacts.
double load_share(double angle, double epsilon) {
  return std::pow(std::max(0.0, 1.0 - (1.0 - std::cos(angle)) / (2.0 * epsilon)), 1.5);
}

double strike_strength(const SimulatorSpec& spec, const Machine& m, double cage_hz, double t, int64_t strike) {
  switch (m.state) {
    case BearingState::kInnerRace: return load_share(kTwoPi * m.shaft_hz * t, spec.load_zone);
    case BearingState::kBall:
      return load_share(kTwoPi * cage_hz * t, spec.load_zone) * (strike % 2 == 0 ? 1.0 : spec.ball_inner_strike);
    default: return 1.0;
  }
}

// Adds strength * h(t - at): the ringing of the damped mode after one strike.
void ring(const SimulatorSpec& spec, const Machine& m, double at, double strength, Signal& x) {
  const double decay = kTwoPi * m.damping * m.resonance_hz;
  const double omega = kTwoPi * m.resonance_hz * std::sqrt(1.0 - m.damping * m.damping);
  const double faded = at + std::log(1e5) / decay;
  const auto first = static_cast<int64_t>(std::ceil(std::max(at, 0.0) * spec.sample_rate_hz));
  const auto last = std::min<int64_t>(spec.samples - 1, std::llround(faded * spec.sample_rate_hz));
  for (int64_t i = first; i <= last; ++i) {
    const double t = static_cast<double>(i) / spec.sample_rate_hz - at;
    x[i] += strength * std::exp(-decay * t) * std::sin(omega * t);
  }
}

Signal strikes(const SimulatorSpec& spec, const Machine& m, Rng& rng) {
  Signal x(spec.samples, 0.0);
  const DefectRates rates = defect_rates(spec.bearing);
  const double rate = strike_hz(m, rates);
  if (rate == 0.0) return x;
  // A random start makes shaft, cage and strikes independent in phase.
  const double start = rng.uniform(0.0, 1000.0), end = start + spec.samples / spec.sample_rate_hz;
  int64_t strike = 0;
  for (double t = start - rng.uniform() / rate; t < end; t += (1.0 + spec.slip * rng.normal()) / rate, ++strike)
    ring(spec, m, t - start, strike_strength(spec, m, rates.cage * m.shaft_hz, t, strike), x);
  return x;
}

Signal white_noise(int samples, Rng& rng) {
  Signal x(samples);
  for (double& v : x) v = rng.normal();
  return x;
}

// White noise through the mode of the strikes: two poles with its frequency and decay.
Signal structure_noise(const SimulatorSpec& spec, const Machine& m, Rng& rng) {
  const double radius = std::exp(-kTwoPi * m.damping * m.resonance_hz / spec.sample_rate_hz);
  const double omega = kTwoPi * m.resonance_hz * std::sqrt(1.0 - m.damping * m.damping) / spec.sample_rate_hz;
  Signal x = white_noise(spec.samples, rng);
  double y1 = 0.0, y2 = 0.0;
  for (double& v : x) {
    v += 2.0 * radius * std::cos(omega) * y1 - radius * radius * y2;
    y2 = y1;
    y1 = v;
  }
  return x;
}

Signal shaft_harmonics(const SimulatorSpec& spec, const Machine& m, Rng& rng) {
  Signal x(spec.samples, 0.0);
  for (int order = 1; order <= 3; ++order) {
    const double amplitude = rng.uniform(0.3, 1.0) / order, phase = rng.uniform(0.0, kTwoPi);
    const double step = kTwoPi * order * m.shaft_hz / spec.sample_rate_hz;
    for (int i = 0; i < spec.samples; ++i) x[i] += amplitude * std::sin(step * i + phase);
  }
  return x;
}

double root_mean_square(const Signal& x) {
  double sum = 0.0;
  for (double v : x) sum += v * v;
  return std::sqrt(sum / static_cast<double>(x.size()));
}

// sum += x scaled to `level` (root mean square); a silent x stays so.
void mix(const Signal& x, double level, Signal& sum) {
  const double rms = root_mean_square(x);
  if (rms == 0.0) return;
  for (size_t i = 0; i < x.size(); ++i) sum[i] += x[i] * (level / rms);
}

double from_db(double db) {
  return std::pow(10.0, -db / 20.0);
}

SimulatedRecording simulate_recording(const SimulatorSpec& spec, int index) {
  Rng rng(spec.seed, static_cast<uint64_t>(index));
  const Machine m = draw_machine(spec, index, rng);
  Signal x(spec.samples, 0.0);
  mix(strikes(spec, m, rng), 1.0 + spec.load_gain * m.load, x);
  mix(structure_noise(spec, m, rng), from_db(spec.structure_noise_db), x);
  mix(shaft_harmonics(spec, m, rng), from_db(spec.harmonics_db), x);
  mix(white_noise(spec.samples, rng), from_db(spec.white_noise_db), x);

  const double scale = m.gain / root_mean_square(x);
  SimulatedRecording recording;
  for (double v : x) recording.samples.push_back(static_cast<float>(v * scale));
  recording.label = static_cast<int>(m.state);
  recording.load = m.load;
  recording.rpm = 60.0 * m.shaft_hz;
  recording.name = fmt::format("{:03}_{}_load{}", index, bearing_state_name(m.state), m.load);
  return recording;
}

class Rules {
 public:
  // `ok` is false for NaN too.
  void expect(bool ok, std::string_view field, double value, std::string_view rule) {
    if (!ok) text_ += fmt::format("{}simulator: {} = {}: {}", text_.empty() ? "" : "\n", field, value, rule);
  }
  void in(double value, double low, double high, std::string_view field) {
    expect(value >= low && value <= high, field, value, fmt::format("{}..{}", low, high));
  }
  void finish() const {
    if (!text_.empty()) throw ConfigError(text_);
  }

 private:
  std::string text_;
};

void check_bearing(const BearingGeometry& b, Rules& rules) {
  rules.in(b.balls, 3, 1000, "bearing.balls");
  rules.expect(b.ball_diameter_mm > 0.0 && b.ball_diameter_mm < b.pitch_diameter_mm, "bearing.ball_diameter_mm",
               b.ball_diameter_mm, "above 0 and below the pitch diameter");
  rules.expect(std::isfinite(b.pitch_diameter_mm), "bearing.pitch_diameter_mm", b.pitch_diameter_mm, "finite");
  rules.in(b.contact_angle_deg, 0.0, 89.0, "bearing.contact_angle_deg");
}

void check_spec(const SimulatorSpec& spec) {
  Rules rules;
  check_bearing(spec.bearing, rules);
  rules.in(spec.recordings, 1, 10000, "recordings");
  rules.in(spec.samples, 1, 10000000, "samples");
  rules.in(spec.sample_rate_hz, 1.0, 1e7, "sample_rate_hz");
  rules.expect(!spec.load_rpm.empty(), "load_rpm.size", 0.0, "at least one load");
  for (double rpm : spec.load_rpm) rules.in(rpm, 1.0, 1e6, "load_rpm");
  rules.in(spec.speed_spread, 0.0, 0.1, "speed_spread");
  rules.in(spec.load_gain, 0.0, 1.0, "load_gain");
  rules.in(spec.slip, 0.0, 0.05, "slip");
  rules.expect(spec.load_zone > 0.0 && spec.load_zone <= 1.0, "load_zone", spec.load_zone, "above 0, at most 1");
  rules.in(spec.ball_inner_strike, 0.0, 1.0, "ball_inner_strike");
  rules.expect(spec.damping > 0.0 && spec.damping * (1.0 + spec.machine_spread) < 1.0, "damping", spec.damping,
               "above 0, and below 1 with machine_spread");
  rules.in(spec.machine_spread, 0.0, 0.5, "machine_spread");
  for (double hz : spec.resonance_hz)
    rules.expect(hz > 0.0 && hz * (1.0 + spec.machine_spread) < spec.sample_rate_hz / 2.0, "resonance_hz", hz,
                 "above 0, and below half the sample rate with machine_spread");
  rules.in(spec.gain_spread, 1.0, 1000.0, "gain_spread");
  rules.in(spec.structure_noise_db, -60.0, 100.0, "structure_noise_db");
  rules.in(spec.harmonics_db, -60.0, 100.0, "harmonics_db");
  rules.in(spec.white_noise_db, -60.0, 100.0, "white_noise_db");
  rules.finish();
}

}  // namespace

DefectRates defect_rates(const BearingGeometry& b) {
  const double ratio = b.ball_diameter_mm / b.pitch_diameter_mm;
  const double g = ratio * std::cos(b.contact_angle_deg * std::numbers::pi / 180.0);
  return {b.balls / 2.0 * (1.0 - g), b.balls / 2.0 * (1.0 + g), (1.0 - g * g) / (2.0 * ratio), (1.0 - g) / 2.0};
}

std::string bearing_state_name(BearingState state) {
  switch (state) {
    case BearingState::kHealthy: return "healthy";
    case BearingState::kInnerRace: return "inner_race";
    case BearingState::kOuterRace: return "outer_race";
    case BearingState::kBall: return "ball";
  }
  return "?";
}

std::vector<SimulatedRecording> simulate_bearings(const SimulatorSpec& spec) {
  check_spec(spec);
  std::vector<SimulatedRecording> recordings;
  for (int i = 0; i < spec.recordings; ++i) recordings.push_back(simulate_recording(spec, i));
  return recordings;
}

}  // namespace bitwright
