// SPDX-License-Identifier: Apache-2.0
#include <iostream>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/io/json_text.h"
#include "core/io/model_json.h"
#include "estimators/cost_table.h"
#include "estimators/estimate.h"
#include "experiments/commands.h"
#include "experiments/scores.h"
#include "experiments/table.h"
#include "experiments/training_request.h"
#include "experiments/training_runs.h"

namespace bitwright {
namespace {

constexpr char kFloatRow[] = "float32";  // the first; the PTQ rows start from its parameters

// A line of the table: how the network is brought onto the board.
struct Row {
  std::string name;
  Network network;
  std::optional<PostTrainingOptions> post_training;
  std::vector<TrialReport> reports;  // in the order of the seeds
};

std::vector<Row> table_rows(const Network& network) {
  const Network float32 = float_twin(network);
  PostTrainingOptions options;
  std::vector<Row> rows = {{kFloatRow, float32, {}, {}}, {"int8 PTQ, min-max", float32, options, {}}};
  options.weights = options.activations = RangeRule::kMse;
  rows.push_back({"  + MSE ranges", float32, options, {}});
  options.equalize = true;
  rows.push_back({"  + cross-layer equalization", float32, options, {}});
  options.correct_bias = true;
  rows.push_back({"  + bias correction", float32, options, {}});
  options.adaptive_rounding = true;
  rows.push_back({"  + adaptive rounding", float32, options, {}});
  rows.push_back({"int8 QAT", integer_twin(float32), {}, {}});
  rows.push_back({"this network", network, {}, {}});
  return rows;
}

std::string float_file(const TrainingRuns& runs, uint64_t seed) {
  return fmt::format("{}/float-{}.json", runs.folder(), seed);
}

TrialSpec spec_of(const Row& row, const TrainingSetup& setup, uint64_t seed, bool test, const TrainingRuns& runs) {
  TrialSpec spec = training_spec(setup, seed, test);
  spec.network = row.network;
  spec.post_training = row.post_training;
  if (spec.post_training) {
    spec.post_training->seed = seed;
    spec.parent = float_file(runs, seed);
  }
  if (row.name == kFloatRow) spec.keep_parameters = float_file(runs, seed);
  return spec;
}

// The rows that train, then those that quantize what the float row has trained: once per seed.
void run_rows(std::vector<Row>& rows, const TrainingSetup& setup, bool test, TrainingRuns& runs, bool quantizing) {
  std::vector<TrialSpec> specs;
  std::vector<Row*> owners;
  for (Row& row : rows) {
    if (row.post_training.has_value() != quantizing) continue;
    for (size_t i = 0; i < setup.seeds.size(); ++i) {
      if (quantizing && !rows[0].reports[i].failure.empty()) continue;
      specs.push_back(spec_of(row, setup, setup.seeds[i], test, runs));
      owners.push_back(&row);
    }
  }
  const std::vector<TrialReport> reports = runs.run(std::move(specs));
  for (size_t i = 0; i < reports.size(); ++i) owners[i]->reports.push_back(reports[i]);
}

struct Figures {
  std::vector<double> validation, test, seconds;
  std::optional<Estimates> cost;  // nothing where a kernel was never measured
};

std::optional<Estimates> cost_of(const Network& network, const Board& board) {
  try {
    return estimate(network, board);
  } catch (const MissingCost&) {
    return std::nullopt;
  }
}

Figures figures_of(const Row& row, const Board& board) {
  Figures figures;
  for (const TrialReport& report : row.reports) {
    if (!report.failure.empty()) continue;
    figures.validation.push_back(report.metrics.accuracy);
    if (report.test) figures.test.push_back(report.test->accuracy);
    figures.seconds.push_back(report.train_seconds);
    if (!figures.cost) figures.cost = cost_of(report.model->network, board);
  }
  return figures;
}

std::string table_text(const std::vector<Row>& rows, const Board& board, bool test) {
  std::vector<std::vector<std::string>> cells = {{"", "validation"}};
  if (test) cells[0].push_back("test (final evaluation)");
  for (const char* title : {"flash", "ram", "cycles", "CPU s"}) cells[0].push_back(title);
  for (const Row& row : rows) {
    const Figures f = figures_of(row, board);
    cells.push_back({row.name, format_mean(f.validation)});
    if (test) cells.back().push_back(format_mean(f.test));
    cells.back().push_back(f.cost ? format_bytes(f.cost->flash_bytes) : "-");
    cells.back().push_back(f.cost ? format_bytes(f.cost->ram_bytes) : "-");
    cells.back().push_back(f.cost ? format_count(f.cost->cycles) : "-");
    cells.back().push_back(f.seconds.empty() ? "-" : fmt::format("{:.1f}", summarize(f.seconds).mean));
  }
  return render_table(cells);
}

nlohmann::json rows_json(const std::vector<Row>& rows, const Board& board) {
  nlohmann::json json = nlohmann::json::array();
  for (const Row& row : rows) {
    const Figures f = figures_of(row, board);
    json.push_back({{"name", row.name.substr(row.name.find_first_not_of(' '))}, {"trained", !row.post_training}});
    if (!f.validation.empty()) {
      json.back()["validation"] = summary_json(summarize(f.validation));
      json.back()["cpu_seconds"] = summary_json(summarize(f.seconds));
    }
    if (!f.test.empty()) json.back()["test"] = summary_json(summarize(f.test));
    if (f.cost)
      json.back()["cost"] = {{"flash_bytes", f.cost->flash_bytes},
                             {"ram_bytes", f.cost->ram_bytes},
                             {"cycles", f.cost->cycles},
                             {"macs", f.cost->macs}};
  }
  return json;
}

int baseline(const TrainingRequest& request, const CommandLine& line) {
  const TrainingSetup setup = load_setup(request);
  TrainingRuns runs(line.folder + "/bitwright-trial", worker_count(request), request.quiet);
  std::vector<Row> rows = table_rows(setup.network);
  run_rows(rows, setup, request.test, runs, /*quantizing=*/false);
  run_rows(rows, setup, request.test, runs, /*quantizing=*/true);
  if (request.json) {
    std::cout << json_text(nlohmann::json{{"schema", 1},
                                          {"study", setup.study.name},
                                          {"network", setup.network.name},
                                          {"board", setup.study.board.name},
                                          {"windows", setup.validation_windows},
                                          {"seeds", setup.seeds},
                                          {"rows", rows_json(rows, setup.study.board)},
                                          {"warnings", setup.warnings}})
              << "\n";
  } else {
    std::cout << fmt::format("{} on {}, {}: {} on {} validation windows, {} seeds\n", setup.network.name,
                             setup.study.name, setup.study.board.name, scores_of(setup.task).front().name,
                             setup.validation_windows, setup.seeds.size())
              << table_text(rows, setup.study.board, request.test);
    for (const std::string& warning : setup.warnings) std::cout << "warning: " << warning << "\n";
  }
  bool any = false;
  for (const Row& row : rows) {
    print_failures(row.name, row.reports);
    any |= !figures_of(row, setup.study.board).validation.empty();
  }
  return static_cast<int>(any ? ExitCode::kDone : ExitCode::kFailed);
}

}  // namespace

void add_baseline(CLI::App& app, CommandLine& line) {
  auto* command =
      app.add_subcommand("baseline", "A network beside its float32 and int8 twins, quantized after and in training");
  auto request = std::make_shared<TrainingRequest>();
  add_training_options(*command, *request);
  command->add_flag("--test", request->test, "Score the test set too: a final evaluation");
  command->callback([=, &line] { line.action = [=, &line] { return baseline(*request, line); }; });
}

}  // namespace bitwright
