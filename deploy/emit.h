// deploy/emit.h: the C package of a program, as text. Pure functions: the same model gives the same bytes.
//
//   src/NAME.h, NAME.c, NAME_selftest.c, NAME_info.c, NAME_float.h, NAME_float.c    the model
//   src/NAME_LAYER_KERNEL.c, NAME_units.h    of a specialised package: layers with kernels of their own
//   src/bw_*.c, bw_*.h                       the kernels it needs, C99; bw_config.h places sections and hooks
//   golden/inputs.bin, outputs.bin           packed tensors, one after another
//   test/golden_test.c                       runs them and counts differences
//   CMakeLists.txt, library.properties, library.json, zephyr/, VENDOR.NAME.pdsc, NAME.mk, files.txt, examples/, extras/
//   README.md, report.txt, report.json, LICENSE
// What they promise their user is in docs/package.md.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "deploy/lower.h"
#include "deploy/package_options.h"

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
Package emit_c(const Program& program, const GoldenVectors& golden, const PackageOptions& options = {});

// Creates `folder` and the files in it; files already there under other names stay. Throws StoreError if it cannot.
void write_package(const Package& package, const std::string& folder);

}  // namespace bitwright
