// experiments/random_networks/kernel_coverage.h: which kernels a set of networks runs.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <vector>

#include "experiments/random_networks/check_cases.h"

namespace bitwright {

// Every kernel of the runtime, by the declarations of bw_kernels.h: "conv2d_a1w1", "part_a8w1", "add_f32", ... Sorted.
std::vector<std::string> all_kernels();

// How many layers each kernel of all_kernels() runs.
class KernelCoverage {
 public:
  KernelCoverage();
  void add(const CheckCase& check);
  // Whether it runs a kernel that no case before it did.
  bool adds_kernels(const CheckCase& check) const;
  std::vector<std::string> missing() const;
  const std::map<std::string, int64_t>& layers() const { return layers_; }

 private:
  std::map<std::string, int64_t> layers_;
};

}  // namespace bitwright
