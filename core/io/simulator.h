// core/io/simulator.h: vibration of a ball bearing, healthy or with one defect: the built-in data set.
//
// A defect of the outer race, the inner race or a ball is struck once per passing contact; every strike rings a
// structural resonance. The signal of one recording is
//   x(t) = sum_i a_i h(t - t_i) + structure-borne noise + shaft harmonics + white noise
//   h(t) = exp(-2 pi zeta f t) sin(2 pi f sqrt(1 - zeta^2) t)                one damped mode of frequency f
//   t_{i+1} = t_i + (1 + slip n_i) / strike rate, n_i standard normal         random slip of the cage
//   a_i = load((shaft angle) for the inner race, (cage angle) for a ball), constant for the outer race
//   load(angle) = (1 - (1 - cos angle) / (2 epsilon))^1.5, 0 where negative  Stribeck's load zone
// Sources: McFadden, Smith: "Model for the vibration produced by a single point defect in a rolling element
// bearing", Journal of Sound and Vibration 96(1), 1984: impulses at the defect's rate, load zone, transfer path.
// Randall, Antoni: "Rolling element bearing diagnostics: a tutorial", Mechanical Systems and Signal Processing 25(2),
// 2011: defect rates, slip, cyclostationarity. Speeds and geometry: the 6205-2RS drive-end bearing of Case Western
// Reserve University's rig.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace bitwright {

struct BearingGeometry {
  int balls = 9;                    // >= 3
  double ball_diameter_mm = 7.940;  // > 0, below the pitch diameter
  double pitch_diameter_mm = 39.04;
  double contact_angle_deg = 0.0;  // 0..89
};

// Rates in multiples of the shaft's, inner race turning, no slip. With g = d / D cos(contact angle):
struct DefectRates {
  double outer_race = 0.0;  // BPFO = n / 2 (1 - g)
  double inner_race = 0.0;  // BPFI = n / 2 (1 + g)
  double ball_spin = 0.0;   // BSF  = D / (2 d) (1 - g^2); a defect of a ball strikes both races: 2 BSF
  double cage = 0.0;        // FTF  = (1 - g) / 2
};
DefectRates defect_rates(const BearingGeometry& geometry);

enum class BearingState { kHealthy = 0, kInnerRace = 1, kOuterRace = 2, kBall = 3 };
inline constexpr int kBearingStates = 4;
// "healthy", "inner_race", "outer_race", "ball".
std::string bearing_state_name(BearingState state);

// Defaults give a task that three small float convolutions learn to 96 % (4, 4, 8 channels) or 98 to 99 % (12, 12, 24)
// of unseen recordings' or an unseen load's windows of 600 samples: means over six seeds, single ones 90 to 100 %.
struct SimulatorSpec {
  int recordings = 48;              // 1..10000; states in turn, then loads: recording i has state i % 4
  int samples = 12000;              // per recording, 1..10000000; cost grows in proportion
  double sample_rate_hz = 12000.0;  // above twice every resonance
  uint64_t seed = 1;

  BearingGeometry bearing;
  std::vector<double> load_rpm = {1797.0, 1772.0, 1750.0, 1730.0};  // shaft speed per load, > 0; at least one
  double speed_spread = 0.005;  // relative, uniform, between recordings of one load; 0..0.1
  double load_gain = 0.15;      // a strike grows by this share with every further load; 0..1

  double slip = 0.01;              // standard deviation of one interval, relative; 0..0.05 (1-2 % is usual)
  double load_zone = 0.8;          // epsilon of Stribeck's law, in (0, 1]: below 0.5 clearance, above preload
  double ball_inner_strike = 0.7;  // strength of a ball's strike on the inner race, on the outer 1; 0..1

  // Mode that a strike rings, by the defect's place: the path to the sensor differs. Healthy: that of the noise.
  std::array<double, kBearingStates> resonance_hz = {2900.0, 2500.0, 3700.0, 3300.0};
  double damping = 0.06;         // zeta; in (0, 1)
  double machine_spread = 0.05;  // resonance and damping vary by this share, uniform, by recording; 0..0.5
  double gain_spread = 2.0;      // the sensor's gain is log-uniform in [1 / spread, spread]; >= 1

  double structure_noise_db = 4.0;  // strikes to structure-borne noise (the same mode, rung by white noise)
  double harmonics_db = 8.0;        // strikes to the shaft's harmonics 1, 2 and 3
  double white_noise_db = 10.0;     // strikes to white noise of the sensor
};

struct SimulatedRecording {
  std::vector<float> samples;  // at sample_rate_hz; arbitrary unit, root mean square = the recording's gain
  int label = 0;               // BearingState
  int load = 0;                // index into load_rpm
  double rpm = 0.0;            // shaft speed
  std::string name;            // "005_inner_race_load1"
};

// Every recording is a machine of its own (gain, resonance, damping, harmonics, phases), so that splits by recording
// test what they should. Root mean squares have the same distribution in every state: loudness tells nothing.
// Same spec, same samples. Throws ConfigError naming every field that is out of range.
std::vector<SimulatedRecording> simulate_bearings(const SimulatorSpec& spec);

}  // namespace bitwright
