// SPDX-License-Identifier: Apache-2.0
#include "core/io/simulator.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <numbers>
#include <span>

#include "core/error.h"

namespace bitwright {
namespace {

// Figures of Case Western Reserve University's Bearing Data Center for the 6205-2RS JEM, multiples of the shaft rate.
TEST(DefectRates, MatchThePublishedMultiplesOfThe6205) {
  const DefectRates r = defect_rates({});
  EXPECT_NEAR(r.inner_race, 5.4152, 1e-4);
  EXPECT_NEAR(r.outer_race, 3.5848, 1e-4);
  EXPECT_NEAR(r.cage, 0.39828, 5e-5);
  EXPECT_NEAR(2.0 * r.ball_spin, 4.7135, 2e-4);
}

TEST(DefectRates, InnerAndOuterRaceAddUpToTheNumberOfBalls) {
  const DefectRates r = defect_rates({13, 7.1, 50.0, 20.0});
  EXPECT_NEAR(r.inner_race + r.outer_race, 13.0, 1e-12);
  EXPECT_NEAR(r.outer_race, 13.0 * r.cage, 1e-12);
}

// Power at `hz` of the squared signal's fluctuation (the envelope, as Randall and Antoni, 2011, section 5).
double envelope_power(const SimulatedRecording& r, double sample_rate_hz, double hz) {
  double mean = 0.0;
  for (float x : r.samples) mean += x * x;
  mean /= static_cast<double>(r.samples.size());
  std::complex<double> sum = 0.0, turn = 1.0;
  const auto step = std::polar(1.0, -2.0 * std::numbers::pi * hz / sample_rate_hz);
  for (float x : r.samples) {
    sum += (x * x / mean - 1.0) * turn;
    turn *= step;
  }
  return std::norm(sum) / static_cast<double>(r.samples.size());
}

// The strongest line of the envelope spectrum from 60 to 250 Hz, in multiples of the shaft's rate.
struct Peak {
  double order = 0.0, power = 0.0;
};
Peak strongest(const SimulatedRecording& r, double sample_rate_hz, double low_hz = 60.0, double high_hz = 250.0) {
  Peak best;
  for (double hz = low_hz; hz <= high_hz; hz += 0.25)
    if (const double power = envelope_power(r, sample_rate_hz, hz); power > best.power)
      best = {hz / (r.rpm / 60.0), power};
  return best;
}

// Two seconds of each state at each load.
std::vector<SimulatedRecording> long_recordings() {
  SimulatorSpec spec;
  spec.recordings = 16;
  spec.samples = 24000;
  return simulate_bearings(spec);
}

TEST(Simulator, EnvelopePeaksAtTheRateOfTheDefect) {
  const DefectRates rates = defect_rates({});
  const double orders[] = {0.0, rates.inner_race, rates.outer_race, 2.0 * rates.ball_spin};
  for (const SimulatedRecording& r : long_recordings()) {
    if (r.label == 0) continue;
    // 1 % of slip an interval leaves about 0.1 % over 200 intervals; a line is 0.5 Hz wide, another 0.5 %.
    const Peak peak = strongest(r, 12000.0);
    EXPECT_NEAR(peak.order / orders[r.label], 1.0, 0.01) << r.name;
  }
}

TEST(Simulator, HealthyEnvelopesHaveNoSuchPeak) {
  double healthy = 0.0, weakest_defect = 1e300;
  for (const SimulatedRecording& r : long_recordings()) {
    const double power = strongest(r, 12000.0).power;
    if (r.label == 0)
      healthy = std::max(healthy, power);
    else
      weakest_defect = std::min(weakest_defect, power);
  }
  EXPECT_LT(2.0 * healthy, weakest_defect);
}

// McFadden and Smith, 1984: a defect that passes through the load zone has side lines at the rate of its passing.
TEST(Simulator, InnerRaceAndBallAreModulatedByTheLoadZone) {
  SimulatorSpec spec;
  spec.recordings = 4;
  spec.samples = 24000;
  spec.slip = 0.0;
  spec.harmonics_db = 100.0;  // their squares have lines at the shaft's rate, too
  const DefectRates rates = defect_rates(spec.bearing);
  for (const SimulatedRecording& r : simulate_bearings(spec)) {
    const double shaft = r.rpm / 60.0;
    double floor = 0.0;  // mean between the lines
    for (double order : {0.55, 0.6, 0.65, 0.7, 0.75}) floor += envelope_power(r, 12000.0, order * shaft) / 5.0;
    const auto state = static_cast<BearingState>(r.label);
    const double at_shaft = envelope_power(r, 12000.0, shaft);
    const double at_cage = envelope_power(r, 12000.0, rates.cage * shaft);
    EXPECT_EQ(at_shaft > 10.0 * floor, state == BearingState::kInnerRace) << r.name << " " << at_shaft / floor;
    EXPECT_EQ(at_cage > 10.0 * floor, state == BearingState::kBall) << r.name << " " << at_cage / floor;
  }
}

// Without slip, noise and spread, strikes of the outer race repeat after a whole number of samples.
TEST(Simulator, WithoutSlipAndNoiseTheOuterRaceIsPeriodic) {
  SimulatorSpec spec;
  spec.recordings = 3;
  spec.samples = 3000;
  spec.slip = spec.speed_spread = 0.0;
  spec.structure_noise_db = spec.harmonics_db = spec.white_noise_db = 100.0;
  const double period_samples = 100.0;
  spec.load_rpm = {60.0 * spec.sample_rate_hz / period_samples / defect_rates(spec.bearing).outer_race};
  const SimulatedRecording r = simulate_bearings(spec)[2];
  ASSERT_EQ(r.label, static_cast<int>(BearingState::kOuterRace));
  double difference = 0.0, power = 0.0;
  for (size_t i = 0; i + 100 < r.samples.size(); ++i) {
    difference += std::pow(r.samples[i + 100] - r.samples[i], 2);
    power += std::pow(r.samples[i], 2);
  }
  EXPECT_LT(difference, 1e-8 * power);
}

TEST(Simulator, SlipMakesTheIntervalsIndependent) {
  SimulatorSpec spec;
  spec.recordings = 3;
  spec.samples = 60000;
  spec.speed_spread = 0.0;
  const auto high_harmonic = [&](double slip) {
    spec.slip = slip;
    const SimulatedRecording r = simulate_bearings(spec)[2];
    return envelope_power(r, spec.sample_rate_hz, 3.0 * defect_rates(spec.bearing).outer_race * r.rpm / 60.0);
  };
  EXPECT_GT(high_harmonic(0.0), 10.0 * high_harmonic(0.03));
}

TEST(Simulator, SameSpecSameSamples) {
  SimulatorSpec spec;
  spec.recordings = 5;
  spec.samples = 500;
  const auto a = simulate_bearings(spec), b = simulate_bearings(spec);
  for (size_t i = 0; i < a.size(); ++i) EXPECT_EQ(a[i].samples, b[i].samples);
  spec.seed = 2;
  EXPECT_NE(simulate_bearings(spec)[0].samples, a[0].samples);
}

TEST(Simulator, ARecordingDoesNotDependOnHowManyThereAre) {
  SimulatorSpec spec;
  spec.samples = 500;
  spec.recordings = 3;
  const auto few = simulate_bearings(spec);
  spec.recordings = 9;
  EXPECT_EQ(simulate_bearings(spec)[2].samples, few[2].samples);
}

TEST(Simulator, StatesAndLoadsTakeTurns) {
  SimulatorSpec spec;
  spec.samples = 10;
  spec.recordings = 32;
  std::vector<int> count(kBearingStates * spec.load_rpm.size(), 0);
  for (const SimulatedRecording& r : simulate_bearings(spec)) {
    ++count[r.label * static_cast<int>(spec.load_rpm.size()) + r.load];
    EXPECT_NEAR(r.rpm, spec.load_rpm[r.load], spec.speed_spread * spec.load_rpm[r.load]);
  }
  EXPECT_EQ(count, std::vector<int>(16, 2));
  EXPECT_EQ(simulate_bearings(spec)[5].name, "005_inner_race_load1");
}

TEST(Simulator, EveryBrokenRuleIsReportedAtOnce) {
  SimulatorSpec spec;
  spec.recordings = 0;
  spec.slip = 0.5;
  spec.resonance_hz[1] = 5900.0;
  try {
    simulate_bearings(spec);
    FAIL();
  } catch (const ConfigError& e) {
    EXPECT_STREQ(e.what(),
                 "simulator: recordings = 0: 1..10000\n"
                 "simulator: slip = 0.5: 0..0.05\n"
                 "simulator: resonance_hz = 5900: above 0, and below half the sample rate with machine_spread");
  }
}

TEST(Simulator, RefusesNotANumber) {
  SimulatorSpec spec;
  spec.damping = std::nan("");
  EXPECT_THROW(simulate_bearings(spec), ConfigError);
}

// Windows of 600 samples with their state, recordings below `split` for training, the others for the test.
struct Windows {
  std::vector<std::vector<double>> features;
  std::vector<int> labels;
};
using Feature = std::vector<double> (*)(std::span<const float>);

Windows windows(const std::vector<SimulatedRecording>& recordings, size_t first, size_t last, Feature feature) {
  Windows out;
  for (size_t r = first; r < last; ++r)
    for (size_t at = 0; at + 600 <= recordings[r].samples.size(); at += 600) {
      out.features.push_back(feature(std::span(recordings[r].samples).subspan(at, 600)));
      out.labels.push_back(recordings[r].label);
    }
  return out;
}

// Share of `test` whose nearest neighbour in `train` has its label.
double nearest_neighbour_accuracy(const Windows& train, const Windows& test) {
  int right = 0;
  for (size_t i = 0; i < test.labels.size(); ++i) {
    double best = 1e300;
    int label = -1;
    for (size_t j = 0; j < train.labels.size(); ++j) {
      double distance = 0.0;
      for (size_t k = 0; k < test.features[i].size(); ++k)
        distance += std::pow(test.features[i][k] - train.features[j][k], 2);
      if (distance < best) best = distance, label = train.labels[j];
    }
    right += label == test.labels[i];
  }
  return right / static_cast<double>(test.labels.size());
}

std::vector<double> loudness(std::span<const float> x) {
  double sum = 0.0;
  for (float v : x) sum += v * v;
  return {std::log(sum)};
}

// Autocorrelation of the first 16 lags over the power: shape of the spectrum, blind to gain and time.
std::vector<double> autocorrelation(std::span<const float> x) {
  std::vector<double> out;
  double power = 0.0;
  for (float v : x) power += v * v;
  for (size_t lag = 1; lag <= 16; ++lag) {
    double sum = 0.0;
    for (size_t i = lag; i < x.size(); ++i) sum += x[i] * x[i - lag];
    out.push_back(sum / power);
  }
  return out;
}

TEST(Simulator, LoudnessTellsTheStateHardlyBetterThanChance) {
  SimulatorSpec spec;
  const auto recordings = simulate_bearings(spec);
  const double accuracy =
      nearest_neighbour_accuracy(windows(recordings, 0, 32, loudness), windows(recordings, 32, 48, loudness));
  EXPECT_LT(accuracy, 0.45);
}

TEST(Simulator, SpectralShapeTellsTheStateOfUnseenMachines) {
  SimulatorSpec spec;
  const auto recordings = simulate_bearings(spec);
  EXPECT_GT(nearest_neighbour_accuracy(windows(recordings, 0, 32, autocorrelation),
                                       windows(recordings, 32, 48, autocorrelation)),
            0.9);
}

}  // namespace
}  // namespace bitwright
