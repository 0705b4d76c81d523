// estimators/cost_table.h: what the C kernels cost on a core, measured: configs/costs/CORE.yaml, written by the
// calibration (experiments/calibrate), embedded in the program.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/error.h"
#include "estimators/layer_features.h"

namespace bitwright {

// A kernel or core that was not calibrated: a cost is measured or absent, never guessed.
class MissingCost : public ConfigError {
 public:
  using ConfigError::ConfigError;
};

// A sum of coefficient x feature of which most coefficients are 0.
struct SparseSum {
  std::vector<std::pair<Feature, double>> terms;
  double operator()(const FeatureVector& features) const;
};

// A branch of a core that predicts it: `cycles` each time that it goes the way in which it goes more seldom.
struct BranchCost {
  double cycles = 0.0;
  SparseSum taken, not_taken;  // how often
  double operator()(const FeatureVector& features) const;
};

// A closed form: the sum of coefficient x feature, and what branches cost that are mispredicted now on one side, now on
// the other; that of the others is linear. Not negative.
struct LinearCost {
  FeatureVector coefficients{};
  std::vector<BranchCost> branches;
  double mean_error = 0.0;  // of the fit, mean |predicted / measured - 1| over the calibration's layers
  double worst_error = 0.0;
  double operator()(const FeatureVector& features) const;
};

// Of a function that calls kernels.
struct CallCost {
  double base = 0.0, per_call = 0.0;
  // More, where calls pass an epilogue on: once, and for each of them.
  double first_epilogue = 0.0, per_epilogue = 0.0;
  double worst_error = 0.0;  // of the fit, over the calibration's networks
  double operator()(double calls, double epilogues = 0.0) const {
    return base + per_call * calls + (epilogues > 0.0 ? first_epilogue : 0.0) + per_epilogue * epilogues;
  }
};

// Which functions a kernel calls, for its stack: its epilogue ("binary" is in line) and "_border" where its padding is
// not zero.
std::string call_path(const Network& network, int layer, const std::string& kernel);

struct KernelCost {
  int samples = 0;                             // layers that were emulated
  LinearCost instructions, cycles;             // one call; cycles at zero wait states
  std::map<std::string, int64_t> stack_bytes;  // by call_path(): deepest seen, from the call on
  std::map<std::string, int64_t> file_bytes;   // code that it links of the runtime's source files
  std::vector<std::string> library;            // members of libc and libgcc that it pulls in
};

struct CoreCosts {
  std::string core;                              // "cortex-m4"
  std::string compiler, flags;                   // with which everything here was measured
  std::string runtime;                           // SHA-256 over deploy/runtime: other kernels, other costs
  std::map<std::string, int64_t> library_bytes;  // code and constants of a library member
  std::map<std::string, KernelCost> kernels;
  // Of the emitted NAME.c and its run function.
  CallCost glue_bytes, glue_instructions, glue_cycles;
  int64_t glue_stack_bytes = 0;
  const KernelCost& kernel(const std::string& name) const;  // throws MissingCost
  // Of one layer: of its call path, or of the kernel's deepest where that path was not met.
  int64_t stack_bytes(const Network& network, int layer, const std::string& kernel) const;
};

// Whether core_costs() has a table of the core.
bool has_cost_table(const std::string& core);
// The embedded table of a core, read once. Throws MissingCost if there is none.
const CoreCosts& core_costs(const std::string& core);

// YAML text and back; throws ConfigError on text that is no cost table.
std::string cost_table_text(const CoreCosts& costs);
CoreCosts parse_cost_table(const std::string& text, const std::string& place);

// SHA-256 over names and contents of the embedded deploy/runtime.
std::string runtime_digest();

}  // namespace bitwright
