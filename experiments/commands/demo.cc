// SPDX-License-Identifier: Apache-2.0
#include <filesystem>
#include <fstream>
#include <iostream>

#include "core/check.h"
#include "core/embedded.h"
#include "core/error.h"
#include "core/io/load_study.h"
#include "deploy/verify.h"
#include "experiments/commands.h"
#include "experiments/export_package.h"
#include "experiments/report.h"
#include "experiments/search_study.h"
#include "experiments/worker_pool.h"

namespace bitwright {
namespace {

struct Options {
  std::string out = "bitwright-demo";
  std::vector<std::string> overrides;
  bool quiet = false;
};

constexpr int kGoldenVectors = 50;

void write_text(const std::filesystem::path& path, std::string_view text) {
  std::ofstream out(path, std::ios::binary);
  out << text;
  if (!out.flush()) throw StoreError(path.string() + ": cannot write");
}

// The study lies beside its store, for the user to read and change.
std::filesystem::path unpack_study(const std::filesystem::path& folder) {
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  if (failed) throw StoreError(folder.string() + ": cannot create: " + failed.message());
  const auto yaml = embedded_file("configs/studies/demo.yaml");
  BW_CHECK(yaml);
  const auto path = folder / "demo.yaml";
  if (!std::filesystem::exists(path)) write_text(path, *yaml);
  return path;
}

int demo(const Options& options, const CommandLine& line) {
  const std::string worker = line.folder + "/bitwright-trial";
  check_worker_program(worker);
  const std::filesystem::path folder = options.out;
  const Study study = load_study(unpack_study(folder), options.overrides);
  const std::string store = folder / "demo.bw.db";
  const int searched = search_study(
      {.study = study, .store_path = store, .worker_program = worker, .finish = true, .quiet = options.quiet});
  if (searched != static_cast<int>(ExitCode::kDone)) return searched;
  const TrialStore reader = TrialStore::open_read_only(store);
  const Trial best = pick_trial(front_of(reader), "", study);
  const std::string package = folder / fmt::format("package-{}", best.number);
  export_package(reader, study, best, package, kGoldenVectors, {.execution = study.execution});
  const VerifyReport report = verify(package, {.targets = {"host-gcc", study.board.core}});
  write_text(folder / "report.md", study_report(reader, study, best, report));
  std::cout << render_text(report) << "report:  " << (folder / "report.md").string() << "\n"
            << "package: " << package << (report.bit_exact() ? "  (verified bit for bit)\n" : "  (DIFFERS)\n");
  return static_cast<int>(report.bit_exact() ? ExitCode::kDone : ExitCode::kDiffers);
}

}  // namespace

void add_demo(CLI::App& app, CommandLine& line) {
  auto* command = app.add_subcommand("demo", "The built-in bearing simulator: search, front, report, verified C");
  auto options = std::make_shared<Options>();
  command->add_option("overrides", options->overrides, "Fields of the demo study to set: search.trials=8");
  command->add_option("--out", options->out, "Folder for study, store, report and package")->capture_default_str();
  command->add_flag("-q,--quiet", options->quiet, "No progress on stderr");
  command->callback([=, &line] { line.action = [=, &line] { return demo(*options, line); }; });
}

}  // namespace bitwright
