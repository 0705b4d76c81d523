// SPDX-License-Identifier: Apache-2.0
#include "experiments/study_session.h"

#include <charconv>
#include <memory>
#include <sstream>

#include "constraints/constraints.h"
#include "core/dimensions.h"
#include "core/error.h"
#include "core/hash.h"
#include "core/io/config_reader.h"
#include "core/io/load_data.h"
#include "core/io/load_study.h"
#include "core/io/model_json.h"
#include "core/metrics.h"
#include "core/quantity.h"
#include "deploy/reference.h"
#include "estimators/duty_cycle.h"
#include "estimators/estimate.h"
#include "estimators/worst_board.h"
#include "experiments/board_fits.h"
#include "experiments/comparison.h"
#include "experiments/duty_cycle_text.h"
#include "experiments/limits_text.h"
#include "experiments/table.h"
#include "experiments/version.h"
#include "search/pareto.h"
#include "trainer/preconditions.h"

namespace bitwright {
namespace {

std::string digest(const TrainingData& data) {
  std::string bytes;
  for (const Dataset* set : {&data.train, &data.validation}) {
    bytes.append(reinterpret_cast<const char*>(set->codes.data()), set->codes.size() * sizeof(int16_t));
    bytes.append(reinterpret_cast<const char*>(set->labels.data()), set->labels.size() * sizeof(int32_t));
  }
  bytes += nlohmann::json{{"classes", data.train.classes}, {"front_end", data.train.front_end}}.dump();
  return sha256_hex(bytes);
}

// One term of --pick.
struct Condition {
  std::string quantity;
  Comparison comparison;
};

// On the worst board; as measured where it was.
double value_of(const Trial& trial, const std::string& quantity, const Study& study) {
  if (quantity == "accuracy") return trial.metrics.accuracy;
  const double estimated = find_quantity(quantity)->cost(trial.estimates);
  const auto measured = trial.measured.find(quantity);
  if (measured == trial.measured.end()) return estimated;
  double worst = measured->second.size() < boards_of(study).size() ? estimated : 0.0;
  for (const auto& [board, cost] : measured->second) worst = std::max(worst, cost.measured);
  return worst;
}

// "97%" -> 0.97.
std::string parse_share(const std::string& text, double& share) {
  double percent = 0.0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), percent);
  const bool number = error == std::errc() && std::string_view(end) == "%";
  if (!number || !(percent >= 0.0 && percent <= 100.0)) return "a share in percent, accuracy>=97%";
  share = percent / 100.0;
  return "";
}

ParseBound bound_parser(const std::string& quantity) {
  static const std::map<std::string, Units> kUnits = {{"latency", kMicroseconds},
                                                      {"energy", kMicrojoules},
                                                      {"average_power", kMicrowatts},
                                                      {"macs", kMacs},
                                                      {"params", kParams}};
  if (quantity == "accuracy") return parse_share;
  const auto units = kUnits.find(quantity);
  return bitwright::quantity(units == kUnits.end() ? kBytes : units->second).parse;
}

Condition parse_condition(const std::string& term) {
  const size_t at = term.find_first_of("<>");
  const bool known = at != std::string::npos && at + 2 < term.size() && term[at + 1] == '=';
  Condition condition{term.substr(0, at), {}};
  if (!known || (condition.quantity != "accuracy" && !find_quantity(condition.quantity)))
    throw ConfigError(fmt::format("--pick: {}: a condition is accuracy, {}, then <= or >=, and a bound with its unit",
                                  term, fmt::join(quantity_names(), ", ")));
  const std::string rule = parse_comparison(term.substr(at), bound_parser(condition.quantity), condition.comparison);
  if (!rule.empty()) throw ConfigError("--pick: " + term + ": " + rule);
  return condition;
}

std::string formats_text(const Network& network) {
  std::string text;
  for (const LayerSpec& layer : network.layers)
    if (has_weights(layer.op))
      text +=
          fmt::format("{}{}/{}", text.empty() ? "" : " ", format_name(layer.weights), format_name(layer.activations));
  return text;
}

bool meets(const Trial& trial, const Condition& condition, const Study& study) {
  return condition.comparison.holds(value_of(trial, condition.quantity, study));
}

}  // namespace

std::string store_path(const std::string& study_file, const std::string& given) {
  return given.empty() ? std::filesystem::path(study_file).stem().string() + ".bw.db" : given;
}

std::string path_of_store(const std::string& study_or_store) {
  const bool yaml = study_or_store.ends_with(".yaml") || study_or_store.ends_with(".yml");
  std::string path = yaml ? store_path(study_or_store, "") : study_or_store;
  if (!std::filesystem::exists(path)) throw StoreError(path + ": there is no such store; bitwright search makes it");
  return path;
}

TrialStore open_store(const std::string& study_or_store) {
  return TrialStore::open_read_only(path_of_store(study_or_store));
}

Trial trial_of(const TrialStore& store, int64_t number) {
  if (number < 0 || number >= store.next_number())
    throw ConfigError(fmt::format("{}: there is no trial {}; the study has {}", store.path(), number, store.size()));
  return store.trial(number);
}

StudyRecord study_record(const Study& study, const TrainingData& data) {
  StudyRecord record;
  record.name = study.name;
  record.config_json = study.config_json;
  record.comparable_config = comparable_config(study.config_json);
  record.seed = study.search.seed;
  record.objectives = {"error"};
  record.objectives.insert(record.objectives.end(), study.objectives.begin(), study.objectives.end());
  for (const Dimension& dimension : dimensions_of(study.space))
    record.dimensions.push_back({dimension.name, dimension.choices});
  record.provenance = build_provenance();
  record.provenance["dataset_sha256"] = digest(data);
  return record;
}

void check_same_data(const StudyRecord& stored, const TrainingData& data, const std::string& place) {
  const auto known = stored.provenance.find("dataset_sha256");
  if (known != stored.provenance.end() && known->second != digest(data))
    throw ConfigError(place + ": the data have changed since this study began; restore them, or take another store");
}

void check_recipe(const Study& study, const Dataset& train) {
  const std::string why = why_not_batched(train, study.recipe);
  if (!why.empty()) throw ConfigError(fmt::format("{}: training: {}", study.file, why));
}

SearchSpace space_of(const Study& study, const Dataset& data) {
  if (data.task == Task::kAnomaly)
    throw ConfigError(study.file +
                      ": data.task = anomaly: a search space has no decoder; train an auto-encoder of your "
                      "own with bitwright evaluate");
  return SearchSpace(study.space, data.front_end.output, data.front_end.format, task_output(data).c, study.name);
}

SearchSpace space_of(const Study& study, const Network& network) {
  const int outputs = infer_shapes(network).back().output.c;
  return SearchSpace(study.space, network.input, network.input_format, outputs, study.name);
}

int64_t validation_windows(const std::vector<Trial>& trials) {
  for (const Trial& trial : trials)
    if (trial.metrics.windows > 0) return trial.metrics.windows;
  return 1;
}

CandidateRules rules_of(const Study& study) {
  const auto boards = std::make_shared<const std::vector<Board>>(boards_of(study));
  const auto estimate_all = [boards, limits = study.limits, execution = study.execution,
                             duty = study.duty_cycle](const Network& network) {
    std::vector<Estimates> each;
    for (const Board& board : *boards) each.push_back(estimate(network, board, limits, execution, duty));
    return worst_board(std::move(each));
  };
  const auto check = [boards, limits = study.limits, duty = study.duty_cycle](const Estimates& estimates) {
    return check_budgets(estimates, limits, *boards, duty);
  };
  return {.check_structure = check_structure,
          .estimate = estimate_all,
          .check_budgets = check,
          .margins = study.search.measure == Measure::kNone ? nullptr : std::make_shared<CostMargins>()};
}

std::vector<FrontPoint> front_of(const TrialStore& store) {
  return front_of(store, store.finished(), goals_of(study_from_json(store.study().config_json)));
}

std::vector<FrontPoint> front_of(const TrialStore& store, const std::vector<Trial>& trials, const Goals& goals) {
  std::vector<FrontPoint> front;
  for (size_t i : pareto_front(trials, goals)) front.push_back({trials[i], store.test_metrics(trials[i].number)});
  return front;
}

int score_front(const Study& study, const FrontEnd& front_end, TrialStore& store) {
  std::optional<Dataset> test;
  int scored = 0;
  for (const FrontPoint& point : front_of(store)) {
    if (point.test) continue;
    const auto text = store.artifact(point.trial.number, "model");
    if (!text) continue;
    if (!test) test = load_test_data(study, front_end);
    const auto model = read_json<QuantizedModel>(*text, store.path());
    store.set_test_metrics(point.trial.number,
                           score_outputs(*test, reference_outputs(model, *test), point.trial.metrics.threshold));
    ++scored;
  }
  return scored;
}

std::string why_unknown(const std::string& quantity, const Study& study) {
  const bool average = quantity == "average_power";
  if (!average && quantity != "energy") return "";
  if (average && !study.duty_cycle.given()) return "the study has no duty_cycle";
  for (const Board& board : boards_of(study)) {
    const std::vector<std::string> unknown = unknown_power_figures(board, average, study.duty_cycle);
    if (!unknown.empty()) return fmt::format("the file of {} gives no {}", board.name, fmt::join(unknown, ", "));
  }
  return "";
}

std::vector<std::string> result_warnings(const Study& study) {
  if (study.data.protocol != "random" || study.data.kind == "npy") return {};
  return {"the split is random: windows of one recording lie on both sides, so these accuracies leak"};
}

std::vector<std::string> front_titles(const Study& study) {
  std::vector<std::string> titles = {"trial", "validation", "test", "flash", "ram", "latency", "MACs"};
  if (study.duty_cycle.given()) titles.emplace_back("power");
  if (tells_battery(study)) titles.emplace_back("battery");
  return titles;
}

std::vector<std::string> front_cells(const FrontPoint& point, const Study& study) {
  const Estimates& e = point.trial.estimates;
  std::vector<std::string> cells = {fmt::format("#{}", point.trial.number),
                                    format_percent(point.trial.metrics.accuracy),
                                    point.test ? format_percent(point.test->accuracy) : "-",
                                    format_bytes(e.flash_bytes),
                                    format_bytes(e.ram_bytes),
                                    format_microseconds(e.latency_us),
                                    format_count(static_cast<double>(e.macs))};
  if (study.duty_cycle.given()) cells.push_back(format_microwatts(e.average_power_uw));
  if (tells_battery(study))
    cells.push_back(format_life(battery_hours(e.average_power_uw, study.board, study.duty_cycle)));
  return cells;
}

std::string render_front(const std::vector<FrontPoint>& front, const Study& study) {
  std::vector<std::vector<std::string>> rows = {front_titles(study)};
  rows.front().emplace_back("weights/activations");
  for (const FrontPoint& point : front) {
    rows.push_back(front_cells(point, study));
    rows.back().push_back(formats_text(point.trial.candidate.network));
  }
  std::string text = fmt::format("{} on {}{}\n", study.name, board_names_text(study), limits_text(study));
  if (!study.further_boards.empty()) text += fmt::format("each figure is {}\n", figures_of_text(study));
  text += render_table(rows);
  if (front.empty() && study.accuracy_floor > 0)
    text += fmt::format("no trial reaches limits.accuracy of {}\n", format_percent(study.accuracy_floor));
  if (tells_boards(study) && !front.empty())
    text += "\nby board, estimated anew:\n" + render_table(board_rows(study, trials_of(front)));
  for (const std::string& warning : result_warnings(study)) text += fmt::format("warning: {}\n", warning);
  return text;
}

std::vector<Trial> trials_of(const std::vector<FrontPoint>& front) {
  std::vector<Trial> trials;
  for (const FrontPoint& point : front) trials.push_back(point.trial);
  return trials;
}

Trial pick_trial(const std::vector<FrontPoint>& front, const std::string& pick, const Study& study) {
  std::vector<Condition> conditions;
  std::stringstream terms(pick);
  for (std::string term; std::getline(terms, term, ',');) {
    std::erase(term, ' ');
    conditions.push_back(parse_condition(term));
    const std::string why = why_unknown(conditions.back().quantity, study);
    if (!why.empty()) throw ConfigError(fmt::format("--pick: {}: not known, since {}", term, why));
  }
  for (const FrontPoint& point : front) {  // by falling accuracy
    const bool all = std::all_of(conditions.begin(), conditions.end(),
                                 [&](const Condition& c) { return meets(point.trial, c, study); });
    if (all) return point.trial;
  }
  if (!front.empty()) throw ConfigError("--pick: " + pick + ": no point of the front meets it");
  throw ConfigError(
      study.accuracy_floor > 0
          ? fmt::format(
                "no finished trial reaches limits.accuracy of {}; --trial takes one below it, where there is one",
                format_percent(study.accuracy_floor))
          : "the study has no finished trial to pick from");
}

}  // namespace bitwright
