// trainer/torch_threads.h: the two calls into libtorch that belong to no network.
// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace bitwright {

// One thread for this thread's operators from here on, and no search for a gradient graph: a training is one thread.
void use_one_torch_thread();

}  // namespace bitwright
