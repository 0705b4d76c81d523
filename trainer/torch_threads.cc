// SPDX-License-Identifier: Apache-2.0
#include "trainer/torch_threads.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/full.h>
#include <ATen/ops/mm.h>
#include <malloc.h>

#include <algorithm>
#include <chrono>

#include "trainer/trainer.h"

namespace bitwright {

void use_one_torch_thread() {
  at::set_num_threads(1);
#ifdef __GLIBC__
  mallopt(M_MMAP_THRESHOLD, 256 << 20);
  mallopt(M_TRIM_THRESHOLD, 256 << 20);
#endif
}

bool sees_cuda() {
  return at::hasCUDA();
}

double matmul_gflops() {
  constexpr int kSize = 256, kRepeats = 20;
  use_one_torch_thread();
  const at::Tensor a = at::full({kSize, kSize}, 0.5, at::kFloat);
  double best_seconds = 1e9;
  for (int i = 0; i < kRepeats; ++i) {
    const auto start = std::chrono::steady_clock::now();
    at::mm(a, a);
    const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start;
    best_seconds = std::min(best_seconds, spent.count());
  }
  return 2.0 * kSize * kSize * kSize / best_seconds * 1e-9;
}

}  // namespace bitwright
