// experiments/train_table/train_table_main.cc: the program bitwright-train-table: a table of trained nets, in which
// searches can be compared without training (docs/search_bench.md).
// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include "core/embedded.h"
#include "core/io/load_study.h"
#include "experiments/interrupts.h"
#include "experiments/run_main.h"
#include "experiments/train_table/train_table.h"

namespace bitwright {
namespace {

constexpr const char* kStudy = "configs/studies/table.yaml";

struct Arguments {
  TrainTableOptions options;
  std::string study, shard = "1/1";
  std::vector<std::string> overrides;
};

void add_options(CLI::App& app, Arguments& a) {
  app.add_option("--out", a.options.out, "CSV file; one that is there is gone on with")->capture_default_str();
  app.add_option("--study", a.study, "Data, space and training; by default the built-in " + std::string(kStudy));
  app.add_option("--seed", a.options.seed, "Of every training")->capture_default_str();
  app.add_option("--shard", a.shard, "I/N: only every N-th net, from the I-th on")->capture_default_str();
  app.add_option("--limit", a.options.limit, "Only so many nets, drawn at random but always the same; 0: all")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_flag("--compare", a.options.compare, "Run the integer models as well; count windows decided differently");
  app.add_option("fields", a.overrides, "Fields of the study, data.hop=500");
}

void read_shard(const std::string& text, TrainTableOptions& options) {
  int shard = 0, shards = 0, end = 0;
  const int read = std::sscanf(text.c_str(), "%d/%d%n", &shard, &shards, &end);
  if (read != 2 || end != static_cast<int>(text.size()) || shard < 1 || shard > shards)
    throw ConfigError("--shard " + text + ": I/N, with I from 1 to N");
  options.shard = shard - 1;
  options.shards = shards;
}

void print(const TrainTableResult& r) {
  fmt::print(stderr, "{} rows trained ({} failed), {} were there", r.rows, r.failed, r.skipped);
  if (r.rows > 0) fmt::print(stderr, "; {:.2f} CPU s a row", r.cpu_seconds / static_cast<double>(r.rows));
  if (r.compared > 0) fmt::print(stderr, "; {} of {} windows differ", r.differing, r.compared);
  fmt::print(stderr, "{}\n", r.interrupted ? "; stopped: the same command goes on" : "");
}

int run(int argc, char** argv) {
  Arguments a;
  CLI::App app{"Trains every net of a small space and writes their errors, one row each."};
  add_options(app, a);
  if (const auto status = parse_arguments(app, argc, argv)) return *status;
  read_shard(a.shard, a.options);
  const Study study = a.study.empty() ? study_from_yaml(std::string(*embedded_file(kStudy)), kStudy, a.overrides)
                                      : load_study(a.study, a.overrides);
  catch_interrupts();
  const TrainTableResult result = train_table(study, a.options);
  print(result);
  return static_cast<int>(result.interrupted ? ExitCode::kResumable : ExitCode::kDone);
}

}  // namespace
}  // namespace bitwright

int main(int argc, char** argv) {
  return bitwright::run_main(bitwright::run, argc, argv);
}
