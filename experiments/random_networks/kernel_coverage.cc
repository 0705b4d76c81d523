// SPDX-License-Identifier: Apache-2.0
#include "experiments/random_networks/kernel_coverage.h"

#include <algorithm>
#include <sstream>

#include "core/check.h"
#include "core/embedded.h"

namespace bitwright {

std::vector<std::string> all_kernels() {
  const auto header = embedded_file("deploy/runtime/bw_kernels.h");
  BW_CHECK(header);
  const std::string start = "void bw_";
  std::vector<std::string> kernels;
  std::istringstream lines{std::string(*header)};
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with(start)) kernels.push_back(line.substr(start.size(), line.find('(') - start.size()));
  std::sort(kernels.begin(), kernels.end());
  return kernels;
}

KernelCoverage::KernelCoverage() {
  for (const std::string& kernel : all_kernels()) layers_[kernel] = 0;
}

void KernelCoverage::add(const CheckCase& check) {
  for (const std::string& kernel : check.program.kernels)
    if (!kernel.empty()) ++layers_[kernel];
}

bool KernelCoverage::adds_kernels(const CheckCase& check) const {
  const Kernels& kernels = check.program.kernels;
  return std::any_of(kernels.begin(), kernels.end(), [&](const std::string& kernel) {
    const auto it = layers_.find(kernel);
    return it != layers_.end() && it->second == 0;
  });
}

std::vector<std::string> KernelCoverage::missing() const {
  std::vector<std::string> kernels;
  for (const auto& [kernel, layers] : layers_)
    if (layers == 0) kernels.push_back(kernel);
  return kernels;
}

}  // namespace bitwright
