// bitwright-trial, but trials come to grief as BITWRIGHT_FAULTS says, "1=nan,2=abort,3=hang,4=memory": after their
// first epoch, in every attempt.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cfloat>
#include <chrono>
#include <cstdlib>
#include <thread>

#include "experiments/trial_program.h"

namespace bitwright {
namespace {

std::string fault_of(int64_t trial) {
  const char* faults = std::getenv("BITWRIGHT_FAULTS");
  const std::string list = fmt::format(",{},", faults ? faults : ""), key = fmt::format(",{}=", trial);
  const size_t at = list.find(key);
  if (at == list.npos) return "";
  const size_t begin = at + key.size();
  return list.substr(begin, list.find(',', begin) - begin);
}

// Page by page, as a training would that grows.
[[noreturn]] void take_memory() {
  constexpr size_t kStep = size_t{64} << 20;
  for (size_t taken = 0; taken < size_t{30} << 30; taken += kStep) {
    volatile char* block = static_cast<volatile char*>(std::malloc(kStep));
    for (size_t i = 0; i < kStep; i += 4096) block[i] = 1;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  std::abort();
}

void hang() {
  volatile bool forever = true;
  while (forever) {
  }
}

// Weights so large that the next loss is not a number.
std::string ruined_weights(TrialSpec spec, DataCache& cache, const std::string& path) {
  spec.stages = {1};
  spec.keep_parameters = path;
  run_trial(spec, cache, {});
  Parent trained = parse_trained(read_file(path), path);
  for (LayerParameters& layer : trained.parameters.layers)
    for (float& weight : layer.weights) weight = FLT_MAX;
  replace_file(path, trained_text(trained));
  return path;
}

TrialReport run_faulty_trial(const TrialSpec& spec, DataCache& cache, const TrialHooks& hooks) {
  const std::string fault = fault_of(spec.number);
  TrialSpec faulty = spec;
  if (fault == "nan") faulty.parent = ruined_weights(spec, cache, fmt::format("ruined-{}.json", spec.number));
  TrialHooks faults = hooks;
  faults.on_epoch = [&](const EpochRecord& epoch) {
    if (hooks.on_epoch) hooks.on_epoch(epoch);
    if (fault == "abort") std::abort();
    if (fault == "hang") hang();
    if (fault == "memory") take_memory();
  };
  return run_trial(faulty, cache, faults);
}

}  // namespace
}  // namespace bitwright

int main(int argc, char** argv) {
  return bitwright::trial_program(argc, argv, bitwright::run_faulty_trial);
}
