// deploy/emit.h: the C package of a program, as text. Pure functions: the same model gives the same bytes.
//
//   src/NAME.h, NAME.c, NAME_selftest.c, bw_*.c, bw_*.h    the model and the kernels it needs, C99
//   golden/inputs.bin, outputs.bin                         packed tensors, one after another
//   test/golden_test.c                                     runs them and counts differences
//   CMakeLists.txt, README.md, report.txt, LICENSE
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "deploy/lower.h"
#include "deploy/report.h"

namespace bitwright {

// Inputs and the outputs that the integer reference gives for them, packed as in the arena.
struct GoldenVectors {
  int64_t count = 0;
  std::vector<uint32_t> inputs, outputs;  // count * input_bytes / 4 words, count * output_bytes / 4 words
};
// inputs: examples of network.input.elements() codes each.
GoldenVectors golden_vectors(const QuantizedModel& model, std::span<const std::vector<int16_t>> inputs);

struct Package {
  std::string name;
  std::map<std::string, std::string> files;  // path in the package -> bytes
};

// golden: at least one vector; the first two are also embedded in the self test.
Package emit_c(const Program& program, const GoldenVectors& golden, const Provenance& provenance = {});

// Creates `folder` and the files in it; files already there under other names stay. Throws StoreError if it cannot.
void write_package(const Package& package, const std::string& folder);

}  // namespace bitwright
