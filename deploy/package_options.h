// deploy/package_options.h: what a package says about its model beside the program itself.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/estimates.h"

namespace bitwright {

// Where a model comes from, for the first line of every generated file.
struct Provenance {
  std::string generator = "bitwright 0.1.0";
  std::string origin;  // "study bearing_m7, trial 217, config 1f0c9a52"; may be empty
};

// The application's numbers: what NAME_float.c computes.
struct Units {
  // Of an input channel: code = (sample - mean) / step. Empty: samples are what the network sees, scale * code.
  std::vector<double> input_mean, input_step;
  // Of an output channel: value = mean + deviation * what the network gives. Empty: 0 and 1.
  std::vector<double> output_mean, output_deviation;
  std::vector<std::string> output_names;  // of classes or targets; may be empty
};

// For package managers.
struct PackageLabel {
  std::string version = "1.0.0";  // MAJOR.MINOR.PATCH
  std::string vendor = "Bitwright";
  std::string author = "Bitwright";
  std::string url;  // of the product or project; may be empty
};

// What --specialize means without a number.
inline constexpr int kSpecialize = 2;

struct PackageOptions {
  // Kernels that at most so many layers use are compiled for each of them (deploy/emit_specialized.h); 0: none. Up to 2
  // the package is smaller than with shared kernels, as a rule; more cost code where layers are many, and save cycles.
  int specialize = 0;
  Provenance provenance;
  Units units;
  PackageLabel label;
  std::optional<Estimates> estimates;         // for the report
  std::optional<double> validation_accuracy;  // 0..1, for the report
};

}  // namespace bitwright
