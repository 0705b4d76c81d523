// SPDX-License-Identifier: Apache-2.0
#include "experiments/search_bench/trained_nets.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>

#include "core/embedded.h"
#include "core/error.h"
#include "core/io/csv.h"
#include "core/io/load_study.h"
#include "core/io/yaml.h"
#include "estimators/estimate.h"
#include "search/expected_improvement.h"

namespace bitwright {
namespace {

constexpr const char* kStudy = "configs/studies/table.yaml";
constexpr const char* kTable = BITWRIGHT_SOURCE_DIR "/experiments/search_bench/trained_nets.csv";
constexpr size_t kMaxBytes = size_t{4} << 20;
constexpr size_t kChoiceFields = 5;
constexpr Shape kInput = {256, 1, 1};  // the study's window
constexpr int kClasses = 10;
constexpr double kErrorResolution = 1.0 / 1002;  // windows that validate

Study table_study() {
  const std::string folder = "data.path=/";  // one that exists: the data are not read
  return study_from_yaml(std::string(*embedded_file(kStudy)), kStudy, {folder});
}

// ---- the table's rows -----------------------------------------------------------------------------------------------

CsvTable read_table() {
  const std::string text = read_text_file(kTable, kMaxBytes);
  std::string_view rows = text;
  while (rows.starts_with('#')) rows.remove_prefix(std::min(rows.find('\n'), rows.size() - 1) + 1);
  return parse_csv(rows, kTable);
}

double error_in(const CsvTable& table, size_t row, const char* column) {
  const std::string& text = table.rows[row][table.column(column)];
  double error = 0.0;
  const auto [end, broken] = std::from_chars(text.data(), text.data() + text.size(), error);
  if (broken != std::errc() || end != text.data() + text.size())
    throw DataError(fmt::format("{}:{}: {} = {}: a share of windows", kTable, table.lines[row], column, text));
  return error;
}

// Of a choice_text and a seed.
using ErrorTable = std::map<std::pair<std::string, std::string>, RungErrors>;

ErrorTable read_errors() {
  const CsvTable table = read_table();
  const size_t seed = table.column("seed");
  ErrorTable errors;
  for (size_t i = 0; i < table.rows.size(); ++i) {
    const auto first = table.rows[i].begin();
    const std::string choice = fmt::format("{}", fmt::join(first, first + kChoiceFields, ","));
    errors[{choice, table.rows[i][seed]}] = {error_in(table, i, "error1"), error_in(table, i, "error3"),
                                             error_in(table, i, "error9")};
  }
  return errors;
}

std::array<RungErrors, 2> errors_of(const NetChoice& choice, const ErrorTable& table) {
  const auto of_seed = [&](const char* seed) {
    const auto found = table.find({choice_text(choice), seed});
    if (found == table.end()) throw DataError(fmt::format("{}: no row {},{}", kTable, choice_text(choice), seed));
    return found->second;
  };
  return {of_seed("1"), of_seed("2")};
}

// ---- what needs no training -----------------------------------------------------------------------------------------

// Beyond the study's limit, or beyond what the board has where that is less, as a share of it.
double excess(int64_t bytes, int64_t limit, int64_t has) {
  const int64_t allowed = limit > 0 ? std::min(limit, has) : has;
  return static_cast<double>(bytes) / static_cast<double>(allowed) - 1;
}

TrainedNet estimated_net(const NetChoice& choice, const Study& study) {
  const Network network = network_of(choice, study.space, kInput, study.data.input_format, kClasses);
  const Estimates e = estimate(network, study.board, study.limits, study.execution);
  return {.choice = choice,
          .flash_bytes = static_cast<double>(e.flash_bytes),
          .latency_us = e.latency_us,
          .known_limits = {excess(e.flash_bytes, study.limits.flash_bytes, study.board.flash_bytes),
                           excess(e.ram_bytes, study.limits.ram_bytes, study.board.ram.front().bytes)}};
}

// ---- the problem ----------------------------------------------------------------------------------------------------

template <class T>
ProblemParameter level_of(std::string name, const std::vector<T>& choices) {
  return {.name = std::move(name),
          .kind = ProblemParameter::Kind::kInteger,
          .low = 0.0,
          .high = static_cast<double>(choices.size() - 1)};
}

std::vector<ProblemParameter> parameters_of(const SpaceSpec& space) {
  std::vector<ProblemParameter> parameters = {{.name = "depth",
                                               .kind = ProblemParameter::Kind::kInteger,
                                               .low = static_cast<double>(space.min_blocks),
                                               .high = static_cast<double>(space.max_blocks)}};
  for (int block = 0; block < space.max_blocks; ++block) {
    parameters.push_back(level_of(fmt::format("channels{}", block), space.block.channels));
    parameters.back().parent = block < space.min_blocks ? -1 : 0;
    parameters.back().parent_least = block + 1;
  }
  parameters.push_back(level_of("kernel", space.block.kernel));
  parameters.push_back(level_of("weights", space.block.weights));
  parameters.push_back(level_of("activations", space.block.activations));
  parameters.push_back(level_of("stride", space.block.stride));
  return parameters;
}

// Lists of as many channels as there are blocks.
size_t channel_lists(const SpaceSpec& space, int blocks) {
  size_t lists = 1;
  for (int block = 0; block < blocks; ++block) lists *= space.block.channels.size();
  return lists;
}

// In the order of net_choices: the digits of a number, of which that of the stride counts the least.
size_t position_of(const SpaceSpec& space, const ProblemPoint& point) {
  const int depth = static_cast<int>(point[0]);
  const auto level = [&](size_t parameter) { return static_cast<size_t>(point[parameter]); };
  size_t position = 0;
  for (int block = 0; block < depth; ++block)
    position = position * space.block.channels.size() + level(static_cast<size_t>(block) + 1);
  for (int fewer = space.min_blocks; fewer < depth; ++fewer) position += channel_lists(space, fewer);
  size_t parameter = static_cast<size_t>(space.max_blocks) + 1;
  for (const size_t choices : {space.block.kernel.size(), space.block.weights.size(), space.block.activations.size(),
                               space.block.stride.size()})
    position = position * choices + level(parameter++);
  return position;
}

double scaled_error(double error, NetsScale scale) {
  return scale == NetsScale::kLogarithm ? log_error(error, kErrorResolution) : error;
}

double scaled_cost(double cost, NetsScale scale) {
  return scale == NetsScale::kLogarithm ? std::log(cost) : cost;
}

double true_error(const TrainedNet& net, NetsTarget target) {
  return target == NetsTarget::kEarly ? net.errors[1][1] : (net.errors[0].back() + net.errors[1].back()) / 2;
}

ProblemOutcome outcome_of(const TrainedNet& net, NetsScale scale, NetsTarget target) {
  return {{scaled_error(true_error(net, target), scale), scaled_cost(net.flash_bytes, scale),
           scaled_cost(net.latency_us, scale)},
          net.known_limits,
          {}};
}

std::vector<ObjectiveVector> exact_front(const std::vector<TrainedNet>& nets, NetsScale scale, NetsTarget target) {
  std::vector<ObjectiveVector> points, front;
  for (const TrainedNet& net : nets)
    if (const ProblemOutcome outcome = outcome_of(net, scale, target); keeps_known_limits(outcome))
      points.push_back(outcome.objectives);
  std::ranges::sort(points);  // nobody is dominated by one behind it
  for (const ObjectiveVector& point : points)
    if (std::ranges::none_of(front, [&](const ObjectiveVector& other) { return dominates(other, point); }))
      front.push_back(point);
  return front;
}

void set_reference(Problem& problem, const std::vector<ObjectiveVector>& front) {
  problem.ideal = problem.nadir = front.front();
  for (const ObjectiveVector& point : front)
    for (size_t k = 0; k < point.size(); ++k) {
      problem.ideal[k] = std::min(problem.ideal[k], point[k]);
      problem.nadir[k] = std::max(problem.nadir[k], point[k]);
    }
  problem.reference_hypervolume = 1.0;
  problem.reference_hypervolume = reference_share(problem, front);
}

}  // namespace

TrainedNets load_trained_nets() {
  const Study study = table_study();
  const ErrorTable table = read_errors();
  TrainedNets trained{study.space, {}};
  for (const NetChoice& choice : net_choices(study.space)) {
    trained.nets.push_back(estimated_net(choice, study));
    trained.nets.back().errors = errors_of(choice, table);
  }
  return trained;
}

const TrainedNet& net_at(const TrainedNets& trained, const ProblemPoint& point) {
  return trained.nets[position_of(trained.space, point)];
}

Problem nets_problem(std::shared_ptr<const TrainedNets> trained, NetsScale scale, NetsTarget target) {
  const bool linear = scale == NetsScale::kLinear, early = target == NetsTarget::kEarly;
  Problem problem = {.name = early    ? "nets-early"
                             : linear ? "nets"
                                      : "nets-log",
                     .parameters = parameters_of(trained->space),
                     .known_costs = true,
                     .error_resolution = linear ? kErrorResolution : 0.0};
  problem.outcome = [=](const ProblemPoint& point) { return outcome_of(net_at(*trained, point), scale, target); };
  set_reference(problem, exact_front(trained->nets, scale, target));
  if (early) return problem;
  problem.observed = [=](const ProblemPoint& point, Rng& rng) {
    std::vector<double> errors;
    for (const double error : net_at(*trained, point).errors[rng.below(2)])
      errors.push_back(scaled_error(error, scale));
    return errors;
  };
  problem.rungs = {1.0 / 9, 3.0 / 9, 1.0};
  return problem;
}

}  // namespace bitwright
