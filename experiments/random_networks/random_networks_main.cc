// bitwright-random-networks: random networks, bit for bit the same in the integer reference and in emitted C, whatever
// compiles and runs it. docs/verification.md says how to read what it prints.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <iostream>
#include <thread>

#include "core/error.h"
#include "deploy/process.h"
#include "deploy/verify.h"
#include "experiments/random_networks/check_on_target.h"
#include "experiments/random_networks/kernel_coverage.h"
#include "experiments/run_main.h"

namespace bitwright {
namespace {

constexpr uint64_t kFirstExtra = 1'000'000, kLastExtra = 1'020'000;  // seeds of networks for kernels not met

struct Options {
  uint64_t first = 0;
  int count = 500, chunk = 50;
  uint64_t specialized = 3;  // of the packages of so many networks those of one are specialised; 0: none
  std::vector<std::string> targets = {
      "host-gcc-sanitized", "host-clang-sanitized", "cortex-m0plus", "cortex-m4", "cortex-m7", "cortex-m33"};
  std::vector<std::string> kernels;  // only what runs one of them; empty: all
  bool every_kernel = true;
  bool first_difference = false;  // no chunk after one that differs
  int jobs = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
};

struct TargetTally {
  std::vector<std::string> wrong;
  double seconds = 0.0;
};

struct Tally {
  int networks = 0, layered = 0, streamed = 0, specialized = 0;
  KernelCoverage coverage;
  std::vector<TargetTally> targets;  // as Options::targets
};

// Calls f(0) .. f(count - 1) by several threads; throws the first exception of theirs.
template <class F>
void each_in_parallel(size_t count, int jobs, F f) {
  std::atomic<size_t> next = 0;
  std::vector<std::exception_ptr> errors(count);
  const auto work = [&] {
    for (size_t i = next++; i < count; i = next++) try {
        f(i);
      } catch (...) {
        errors[i] = std::current_exception();
      }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < jobs; ++i) threads.emplace_back(work);
  for (std::thread& thread : threads) thread.join();
  for (const std::exception_ptr& error : errors)
    if (error) std::rethrow_exception(error);
}

void check_chunk(const Options& options, const std::vector<CheckCase>& cases, const std::string& folder, Tally& tally) {
  const std::vector<std::string> sources = write_check(cases, folder);
  each_in_parallel(options.targets.size(), options.jobs, [&](size_t i) {
    const CheckResult result = check_on_target(options.targets[i], cases, sources, folder);
    TargetTally& target = tally.targets[i];
    target.wrong.insert(target.wrong.end(), result.wrong.begin(), result.wrong.end());
    target.seconds += result.seconds;
  });
  for (const CheckCase& check : cases) {
    tally.coverage.add(check);
    ++(check.program.stream ? tally.streamed : tally.layered);
    tally.specialized += check.specialize > 0 ? 1 : 0;
  }
}

bool wanted(const Options& options, const CheckCase& check) {
  if (options.kernels.empty()) return true;
  return std::any_of(options.kernels.begin(), options.kernels.end(), [&](const std::string& kernel) {
    const Kernels& runs = check.program.kernels;
    return std::find(runs.begin(), runs.end(), kernel) != runs.end();
  });
}

// Three kinds of networks come in turn: of each kind the same share is specialised, kernels of one layer, two or three.
std::vector<CheckCase> cases_of(const Options& options, uint64_t seed) {
  const uint64_t third = seed / 3;
  const bool specialized = options.specialized != 0 && third % options.specialized == 0;
  return check_cases(seed, specialized ? static_cast<int>(1 + third / options.specialized % 3) : 0);
}

// Of a seed those that are wanted.
std::vector<CheckCase> wanted_cases(const Options& options, uint64_t seed) {
  std::vector<CheckCase> cases = cases_of(options, seed);
  std::erase_if(cases, [&](const CheckCase& check) { return !wanted(options, check); });
  return cases;
}

bool differs(const Tally& tally) {
  return std::any_of(tally.targets.begin(), tally.targets.end(), [](const TargetTally& t) { return !t.wrong.empty(); });
}

// Chunk by chunk: one program for a chunk on a target.
void check_seeds(const Options& options, const std::string& folder, Tally& tally) {
  std::vector<CheckCase> cases;
  for (uint64_t seed = options.first; tally.networks < options.count; ++seed) {
    std::vector<CheckCase> fresh = wanted_cases(options, seed);
    if (fresh.empty()) continue;
    for (CheckCase& check : fresh) cases.push_back(std::move(check));
    ++tally.networks;
    if (tally.networks % options.chunk != 0 && tally.networks != options.count) continue;
    check_chunk(options, cases, folder, tally);
    cases.clear();
    std::cerr << fmt::format("{} of {} networks\n", tally.networks, options.count);
    if (options.first_difference && differs(tally)) return;
  }
}

// The first networks of other seeds with kernels that none had so far.
void check_missing_kernels(const Options& options, const std::string& folder, Tally& tally) {
  KernelCoverage coverage = tally.coverage;
  std::vector<CheckCase> cases;
  for (uint64_t seed = kFirstExtra; seed < kLastExtra && !coverage.missing().empty(); ++seed) {
    std::vector<CheckCase> fresh = cases_of(options, seed);
    if (std::none_of(fresh.begin(), fresh.end(), [&](const CheckCase& c) { return coverage.adds_kernels(c); }))
      continue;
    ++tally.networks;
    for (CheckCase& check : fresh) {
      coverage.add(check);
      cases.push_back(std::move(check));
    }
  }
  if (!cases.empty()) check_chunk(options, cases, folder, tally);
}

// Names what is missing where nothing should be.
std::string coverage_text(const KernelCoverage& coverage, bool every_kernel) {
  const auto& layers = coverage.layers();
  const auto rarest =
      std::min_element(layers.begin(), layers.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  const std::vector<std::string> missing = coverage.missing();
  if (missing.empty())
    return fmt::format("kernels: all {}, the rarest, {}, in {} layers\n", layers.size(), rarest->first, rarest->second);
  const std::string names = every_kernel ? fmt::format("; NOT RUN: {}", fmt::join(missing, ", ")) : "";
  return fmt::format("kernels: {} of {}{}\n", layers.size() - missing.size(), layers.size(), names);
}

void print(const Options& options, const Tally& tally, double seconds) {
  std::cout << fmt::format(
      "{} networks from seed {}: {} layer by layer, {} streamed, {} of them specialised; {} inputs "
      "each\n",
      tally.networks, options.first, tally.layered, tally.streamed, tally.specialized, kCheckVectors);
  std::cout << fmt::format("{:<22} {:>8} {:>9} {:>8}\n", "target", "packages", "different", "seconds");
  for (size_t i = 0; i < options.targets.size(); ++i)
    std::cout << fmt::format("{:<22} {:>8} {:>9} {:>8.0f}\n", options.targets[i], tally.layered + tally.streamed,
                             tally.targets[i].wrong.size(), tally.targets[i].seconds);
  std::cout << coverage_text(tally.coverage, options.every_kernel) << fmt::format("{:.0f} s\n", seconds);
  for (size_t i = 0; i < options.targets.size(); ++i)
    for (const std::string& wrong : tally.targets[i].wrong)
      std::cout << fmt::format("DIFFERENT on {}: {}\n", options.targets[i], wrong);
}

void check_kernels(const std::vector<std::string>& kernels) {
  const std::vector<std::string> known = all_kernels();
  for (const std::string& kernel : kernels)
    if (std::find(known.begin(), known.end(), kernel) == known.end())
      throw ConfigError(fmt::format("--kernel = {}: must be one of {}", kernel, fmt::join(known, ", ")));
}

void check_positive(const std::string& option, int value) {
  if (value < 1) throw ConfigError(fmt::format("{} = {}: at least 1", option, value));
}

ExitCode check_networks(const Options& options) {
  check_positive("--count", options.count);
  check_positive("--chunk", options.chunk);
  check_positive("--jobs", options.jobs);
  check_targets(options.targets, "--target");
  check_kernels(options.kernels);
  const auto begin = std::chrono::steady_clock::now();
  const TemporaryDirectory folder;
  Tally tally;
  tally.targets.resize(options.targets.size());
  check_seeds(options, folder.path(), tally);
  if (options.every_kernel && !(options.first_difference && differs(tally)))
    check_missing_kernels(options, folder.path(), tally);
  print(options, tally, std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  if (differs(tally)) return ExitCode::kDiffers;
  return options.every_kernel && !tally.coverage.missing().empty() ? ExitCode::kFailed : ExitCode::kDone;
}

int run(int argc, char** argv) {
  CLI::App app("Random networks: the integer reference against emitted C, on the host and on emulated cores.");
  Options options;
  app.add_option("--first", options.first, "Seed of the first network")->capture_default_str();
  app.add_option("--count", options.count, "Networks")->capture_default_str();
  app.add_option("--target", options.targets, "As in bitwright verify; may be repeated")->capture_default_str();
  app.add_option("--kernel", options.kernels, "Only networks that run this kernel; may be repeated");
  app.add_option("--specialized", options.specialized,
                 "Of the packages of so many networks those of one are specialised (0: none)")
      ->capture_default_str();
  app.add_option("--chunk", options.chunk, "Networks in one program")->capture_default_str();
  app.add_option("--jobs", options.jobs, "Targets at a time")->capture_default_str();
  app.add_flag("--first-difference", options.first_difference, "Stop after the program with the first one");
  app.add_flag("!--these-only", options.every_kernel, "No further networks for kernels that these do not have");
  if (const auto status = parse_arguments(app, argc, argv)) return *status;
  if (!options.kernels.empty()) options.every_kernel = false;
  return static_cast<int>(check_networks(options));
}

}  // namespace
}  // namespace bitwright

int main(int argc, char** argv) {
  return bitwright::run_main(bitwright::run, argc, argv);
}
