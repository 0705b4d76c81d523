// experiments/random_networks/check_cases.h: random networks as emitted packages, and one C program that runs them all.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "deploy/emit.h"
#include "deploy/lower.h"

namespace bitwright {

inline constexpr int kCheckVectors = 3;  // inputs of a case

// A network in one way of running it.
struct CheckCase {
  std::string name;  // "net12", "net12_stream"; of the package too
  Program program;
  GoldenVectors golden;  // what the integer reference answers
  int specialize = 0;    // PackageOptions::specialize
};

// The random network of a seed (tests/support/random_network.h), its kernels drawn too: layer by layer and, where it
// can be, streamed, with other kernels then.
std::vector<CheckCase> check_cases(uint64_t seed, int specialize = 0);

// Writes the packages' sources to folder/src, which they share, and folder/check.c, the program. A line of what it
// prints is a case's name and how many of its runs were wrong. Returns the packages' sources.
std::vector<std::string> write_check(const std::vector<CheckCase>& cases, const std::string& folder);

}  // namespace bitwright
