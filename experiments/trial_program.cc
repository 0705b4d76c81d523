// SPDX-License-Identifier: Apache-2.0
#include "experiments/trial_program.h"

#include <sys/prctl.h>

#include <fmt/format.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <mutex>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/identity.h"
#include "core/io/model_json.h"
#include "experiments/heartbeat.h"
#include "experiments/life_sign.h"
#include "trainer/trainer.h"

namespace bitwright {
namespace {

// The result is DIR/result.json; in a batch the file with its signs of life bears the same name of the execution.
void serve_one(const std::string& spec_path, const std::string& out, const std::string& execution, DataCache& cache,
               const TrialHooks& hooks, const RunTrial& run_trial) {
  const TrialSpec spec = parse_spec(read_file(spec_path));
  TrialReport report = run_trial(spec, cache, hooks);
  report.execution = execution;
  report.host = host_name();
  publish(out, "result.json", report_text(report));
}

constexpr double kLifeSeconds = 5.0;
// The reference BLAS gives about 2, the slowest OpenBLAS kernel about 20.
constexpr double kSlowGflops = 8.0;

void check_blas(const TrialHooks& hooks) {
  const double gflops = matmul_gflops();
  if (gflops < kSlowGflops)
    hooks.on_warning(fmt::format("matrix products run at {:.1f} GFLOP/s: install libopenblas0-serial", gflops));
}

int serve(const RunTrial& run_trial) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);                // a killed controller leaves no worker behind
  std::ofstream("/proc/self/oom_score_adj") << 500;  // where memory is short, a training goes and not the search
  DataCache cache;
  std::mutex mutex;
  const auto say = [&](const std::string& line) {
    const std::lock_guard lock(mutex);
    std::cout << line << std::endl;
  };
  const TrialHooks hooks{.on_epoch = [&](const EpochRecord& epoch) { say("epoch " + nlohmann::json(epoch).dump()); },
                         .on_warning = [&](const std::string& line) { say("warning " + line); }};
  check_blas(hooks);
  for (std::string line; std::getline(std::cin, line);) {
    const size_t tab = line.find('\t');
    if (tab == std::string::npos) throw ConfigError("bitwright-trial: a line is SPEC<tab>DIR");
    {
      const Heartbeat life(kLifeSeconds, [&] { say("life"); });
      serve_one(line.substr(0, tab), line.substr(tab + 1), random_name(), cache, hooks, run_trial);
    }
    say("done");
  }
  return 0;
}

// In a batch system: what was done before it was put in the queue again is done.
int batch(const std::vector<std::string>& folders, const RunTrial& run_trial) {
  DataCache cache;
  for (const std::string& folder : folders) {
    const bool wanted = std::filesystem::exists(folder + "/spec.json");  // else it was stored meanwhile
    if (!wanted || std::filesystem::exists(folder + "/result.json")) continue;
    const std::string execution = random_name();
    LifeSigns life(folder, execution);
    try {
      serve_one(folder + "/spec.json", folder, execution, cache,
                {.on_epoch = [&](const EpochRecord& epoch) { life.add(epoch); },
                 .on_warning = [](const std::string& line) { std::cerr << "warning: " << line << "\n"; }},
                run_trial);
    } catch (const StoreError&) {  // or meanwhile, by another execution of this job
      if (std::filesystem::exists(folder + "/spec.json")) throw;
    }
  }
  return 0;
}

int run(int argc, char** argv, const RunTrial& run_trial) {
  const std::vector<std::string> args(argv + 1, argv + argc);
  if (args == std::vector<std::string>{"--serve"}) return serve(run_trial);
  if (args.size() > 1 && args[0] == "--batch") return batch({args.begin() + 1, args.end()}, run_trial);
  if (args.size() != 3 || args[1] != "--out") {
    std::cerr << "usage: bitwright-trial SPEC --out DIR | --batch DIR... | --serve\n";
    return static_cast<int>(ExitCode::kConfig);
  }
  DataCache cache;
  serve_one(args[0], args[2], random_name(), cache,
            {.on_warning = [](const std::string& line) { std::cerr << "warning: " << line << "\n"; }}, run_trial);
  return 0;
}

}  // namespace

int trial_program(int argc, char** argv, const RunTrial& run_trial) {
  try {
    return run(argc, argv, run_trial);
  } catch (const ConfigError& error) {
    std::cerr << "error: " << error.what() << "\n";
    return static_cast<int>(ExitCode::kConfig);
  } catch (const StoreError& error) {
    std::cerr << "error: " << error.what() << "\n";
    return static_cast<int>(ExitCode::kStore);
  } catch (const std::exception& error) {
    std::cerr << "error: " << error.what() << "\n";
    return static_cast<int>(ExitCode::kFailed);
  }
}

}  // namespace bitwright
