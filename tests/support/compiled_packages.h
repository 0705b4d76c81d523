// tests/support/compiled_packages.h: emitted packages compiled by the host's C compiler and called in this process.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/quantized_model.h"
#include "deploy/emit.h"
#include "deploy/reference.h"

namespace bitwright::testing {

// What emitted C must pass without a warning, on the host and on Arm.
inline constexpr char kStrictFlags[] =
    "-std=c99 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wundef -Wvla -Wstrict-prototypes -Wmissing-prototypes "
    "-Werror -ffp-contract=off";

// A folder that exists as long as this does.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// The package of a model, lowered() with random_kernels(), and `vectors` random inputs as golden vectors.
Package package_of(const QuantizedModel& model, int vectors = 2, uint64_t seed = 1, const PackageOptions& options = {});

// Runs a command line by the shell; its status and all that it printed.
struct CommandResult {
  int status = 0;
  std::string output;
};
CommandResult run_command(const std::string& command);

// What it is made of: streamed for every other network, by the network.
Program lowered(const QuantizedModel& model);

// All packages in one shared library, every source compiled once under kStrictFlags.
class CompiledPackages {
 public:
  // Packages have different names. Aborts with the compiler's message if one does not compile.
  explicit CompiledPackages(std::span<const QuantizedModel> models, const std::string& flags = "-O2",
                            const PackageOptions& options = {});
  ~CompiledPackages();
  CompiledPackages(const CompiledPackages&) = delete;
  CompiledPackages& operator=(const CompiledPackages&) = delete;

  // The emitted network's output, unpacked: what reference_infer(model, input) must equal.
  Tensor infer(const QuantizedModel& model, std::span<const int16_t> input) const;
  // NAME_status_t; 0 where the self test passes.
  uint32_t selftest(const QuantizedModel& model) const;
  // -1 where the package has no argmax.
  int argmax(const QuantizedModel& model, std::span<const int16_t> input) const;

 private:
  struct Run;
  Run start(const QuantizedModel& model) const;
  Run run(const QuantizedModel& model, std::span<const int16_t> input) const;
  void* symbol(const std::string& name) const;  // nullptr if there is none
  template <class F>
  F function(const std::string& name) const;
  TemporaryFolder folder_;
  void* library_ = nullptr;
};

}  // namespace bitwright::testing
