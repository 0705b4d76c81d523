// trainer/torch_threads.h: how libtorch uses the machine.
// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace bitwright {

// From here on this thread's operators run on it alone: a training is one thread, several trainings are several.
// Also tells the allocator to keep the memory of feature maps, which come and go every step.
void use_one_torch_thread();

// Whether libtorch has a CUDA device to work on.
bool sees_cuda();

// For tests, which have no other device: this thread's maps take the way of those that lie elsewhere.
void run_cpu_maps_on_torch(bool on);

}  // namespace bitwright
