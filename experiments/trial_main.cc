// experiments/trial_main.cc: the program bitwright-trial: trains one candidate, or many one after another. It alone
// links libtorch, whose load takes about a second, so local workers are long-lived.
//
//   bitwright-trial SPEC --out DIR    one trial: DIR/result.json
//   bitwright-trial --batch DIR...    for each that has no DIR/result.json yet: DIR/spec.json to DIR/result.json
//   bitwright-trial --serve           lines `SPEC<tab>DIR` on stdin; on stdout `epoch JSON` and `warning TEXT` lines
//                                     and, once the result is published, `done`
// SPDX-License-Identifier: Apache-2.0
#include <sys/prctl.h>

#include <fmt/format.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/io/model_json.h"
#include "experiments/life_sign.h"
#include "experiments/run_trial.h"
#include "trainer/trainer.h"

namespace bitwright {
namespace {

void serve_one(const std::string& spec_path, const std::string& out, DataCache& cache, const TrialHooks& hooks) {
  const TrialSpec spec = parse_spec(read_file(spec_path));
  publish(out, "result.json", report_text(run_trial(spec, cache, hooks)));
  std::error_code ignored;  // an orphan is harmless
  if (!spec.keep_checkpoint && !spec.checkpoint.empty()) std::filesystem::remove(spec.checkpoint, ignored);
}

// The reference BLAS gives about 2, the slowest OpenBLAS kernel about 20.
constexpr double kSlowGflops = 8.0;

void check_blas(const TrialHooks& hooks) {
  const double gflops = matmul_gflops();
  if (gflops < kSlowGflops)
    hooks.on_warning(fmt::format("matrix products run at {:.1f} GFLOP/s: install libopenblas0-serial", gflops));
}

int serve() {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);                // a killed controller leaves no worker behind
  std::ofstream("/proc/self/oom_score_adj") << 500;  // where memory is short, a training goes and not the search
  DataCache cache;
  const TrialHooks hooks{
      .on_epoch = [](const EpochRecord& epoch) { std::cout << "epoch " << nlohmann::json(epoch).dump() << std::endl; },
      .on_warning = [](const std::string& line) { std::cout << "warning " << line << std::endl; }};
  check_blas(hooks);
  for (std::string line; std::getline(std::cin, line);) {
    const size_t tab = line.find('\t');
    if (tab == std::string::npos) throw ConfigError("bitwright-trial: a line is SPEC<tab>DIR");
    serve_one(line.substr(0, tab), line.substr(tab + 1), cache, hooks);
    std::cout << "done" << std::endl;
  }
  return 0;
}

// In a batch system: what was done before it was put in the queue again is done.
int batch(const std::vector<std::string>& folders) {
  DataCache cache;
  for (const std::string& folder : folders) {
    const bool wanted = std::filesystem::exists(folder + "/spec.json");  // else it was stored meanwhile
    if (!wanted || std::filesystem::exists(folder + "/result.json")) continue;
    LifeSigns life(folder);
    serve_one(folder + "/spec.json", folder, cache,
              {.on_epoch = [&](const EpochRecord& epoch) { life.add(epoch); },
               .on_warning = [](const std::string& line) { std::cerr << "warning: " << line << "\n"; }});
  }
  return 0;
}

int run(int argc, char** argv) {
  const std::vector<std::string> args(argv + 1, argv + argc);
  if (args == std::vector<std::string>{"--serve"}) return serve();
  if (args.size() > 1 && args[0] == "--batch") return batch({args.begin() + 1, args.end()});
  if (args.size() != 3 || args[1] != "--out") {
    std::cerr << "usage: bitwright-trial SPEC --out DIR | --batch DIR... | --serve\n";
    return static_cast<int>(ExitCode::kConfig);
  }
  DataCache cache;
  serve_one(args[0], args[2], cache,
            {.on_warning = [](const std::string& line) { std::cerr << "warning: " << line << "\n"; }});
  return 0;
}

}  // namespace
}  // namespace bitwright

int main(int argc, char** argv) {
  using bitwright::ExitCode;
  try {
    return bitwright::run(argc, argv);
  } catch (const bitwright::ConfigError& error) {
    std::cerr << "error: " << error.what() << "\n";
    return static_cast<int>(ExitCode::kConfig);
  } catch (const bitwright::StoreError& error) {
    std::cerr << "error: " << error.what() << "\n";
    return static_cast<int>(ExitCode::kStore);
  } catch (const std::exception& error) {
    std::cerr << "error: " << error.what() << "\n";
    return static_cast<int>(ExitCode::kFailed);
  }
}
