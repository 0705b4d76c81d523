// estimators/cost_table.h: what the C kernels cost on a core, measured: configs/costs/CORE.yaml, written by the
// calibration (experiments/calibrate), embedded in the program.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
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
  double linear(const FeatureVector& features) const;  // without the branches
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

// How often each part of a stream's own code runs in one inference (estimators/stream_costs.h).
struct StreamCounts {
  double runs = 0.0;         // of all stages
  double checks = 0.0;       // stages that bw_next_stage looks at
  double moved_words = 0.0;  // by bw_end_run
  double part_runs = 0.0;    // of a last dense layer
  double part_sums = 0.0;    // those times its outputs
  double part_codes = 0.0;   // its inputs, where they have less than 8 bits
};

// Between calls of kernels, beside plain calls: instructions or cycles of one inference, and of each run, check or
// moved word; all >= 0.
struct StreamSpeed {
  double base = 0.0, per_run = 0.0, per_check = 0.0, per_moved_word = 0.0;
  double worst_error = 0.0;  // of the fit, as a share of an inference
  double operator()(const StreamCounts& n) const {
    return base + per_run * n.runs + per_check * n.checks + per_moved_word * n.moved_words;
  }
};

// Of a "part_" kernel beside calls of the ordinary one of its types for the columns of each run: instructions or cycles
// of a run, a sum and a code; may be negative, as those calls end in an epilogue.
struct PartSpeed {
  double per_run = 0.0, per_sum = 0.0, per_code = 0.0;
  double worst_error = 0.0;  // of the fit, as a share of the layer
  double operator()(const StreamCounts& n) const {
    return per_run * n.part_runs + per_sum * n.part_sums + per_code * n.part_codes;
  }
};
struct PartCost {
  PartSpeed instructions, cycles;
  int64_t file_bytes = 0;  // of its source file
};

// What moves a stream's stages along, and last dense layers that add up.
struct StreamCost {
  StreamSpeed instructions, cycles;
  int64_t base_bytes = 0, stage_bytes = 0;    // emitted code of a stream, and of a stage, beside plain calls
  std::map<std::string, int64_t> file_bytes;  // of bw_stream.c and what it links
  int64_t stack_bytes = 0;                    // of the functions around the kernels, beside the run function's
  std::map<std::string, PartCost> parts;      // by kernel
  const PartCost& part(const std::string& kernel) const;  // throws MissingCost
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
  std::optional<StreamCost> stream;  // nothing: not measured, and what runs as a stream has no costs
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
