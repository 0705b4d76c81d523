// experiments/calibrate/stream_calibration.h: measures what a network that runs as a stream takes beside its kernels,
// for CoreCosts::stream.
//
// Signals drawn at random, some of whose last stage is a dense layer of every kind that adds up, are emitted as streams
// and emulated by parts (deploy/package_profile.h): what happens between calls of kernels is fitted to how often each
// part of the stream's code runs (stream_counts), what a "part_" kernel takes beside its ordinary one to its runs and
// sums. Nothing depends on the date or the machine: same compiler, same figures.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/network.h"
#include "estimators/cost_table.h"

namespace bitwright {

// costs: all but the stream's. `progress` takes a line a kind of last stage as its emulation begins, then the
// worst errors of what moves the stages along and of each kernel of last stages. Throws ToolError.
StreamCost measure_streams(const CoreCosts& costs, const std::function<void(const std::string& line)>& progress);

// `count` networks that stream, whose last stage is `last`: one of part_kernels(), or empty: no dense layer. Same seed,
// same networks.
std::vector<Network> stream_networks(const std::string& last, int count, uint64_t seed);

}  // namespace bitwright
