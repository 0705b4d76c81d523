// SPDX-License-Identifier: Apache-2.0
#include "core/io/load_study.h"

#include <cstdlib>
#include <set>

#include "core/dimensions.h"
#include "core/error.h"
#include "core/io/board_yaml.h"
#include "core/io/config_reader.h"
#include "core/io/limits_yaml.h"
#include "core/io/model_json.h"

namespace bitwright {
namespace {

namespace fs = std::filesystem;

// Fields that may change while a study goes on.
const std::vector<std::string> kGoingOn = {"duty_cycle.battery", "search.budget",     "search.energy_budget",
                                           "search.jobs",        "search.least_gain", "search.machine_power",
                                           "search.trials"};

// Fields that came after the first stores, and the value that says what a study without them said. At that value they
// are left out of comparisons, so that studies go on.
const std::map<std::string, nlohmann::json> kCameLater = {
    {"data.task", "classification"},
    {"data.validation_by", "share"},
    {"data.files", "{path}"},
    {"data.label_files", ""},
    {"execution", "layers"},
    {"training.device", "auto"},
    {"training.surrogate", "clip"},
    {"training.weight_scale", "channel"},
    {"training.activation_range", "fixed"},
    {"training.stochastic_rounding", false},
    {"training.float_weights", 0.0},
    {"training.float_activations", 0.0},
    {"training.balanced_classes", false},
    {"training.distillation", 0.0},
    {"training.distillation_temperature", 2.0},
    {"training.teacher_epochs", 10},
    {"training.jitter", 0.0},
    {"training.scaling", 0.0},
    {"training.mixup", 0.0},
    {"board.shared_memory", "none"},
    {"limits.average_power", "none"},
    {"limits.params", "none"},
    {"limits.accuracy", "none"},
    {"limits.ram_bank", ""},
    {"limits.soft.flash", "none"},
    {"limits.soft.ram", "none"},
    {"limits.soft.latency", "none"},
    {"limits.soft.energy", "none"},
    {"limits.soft.average_power", "none"},
    {"limits.soft.macs", "none"},
    {"limits.soft.params", "none"},
    {"duty_cycle.inferences_per_hour", "none"},
    {"duty_cycle.sleep_current", "none"},
    {"search.designs", nlohmann::json::array()},
    {"search.measure", "none"},
    {"search.rungs", nlohmann::json::array()},
    {"search.warm_start", nlohmann::json::array()},
};

// Of a board, what estimates and limits read. All else describes it (sources, how flash is read) and may be mended or
// filled in while a study goes on.
const std::vector<std::string> kBoardDecides = {"board.name",          "board.core",   "board.clock",  "board.flash",
                                                "board.shared_memory", "board.supply", "board.current"};

// `board.1.name` of several boards is as `board.name` of one.
std::string field_of_board(const std::string& path) {
  constexpr size_t kStart = std::string_view("board.").size();
  const size_t end = path.find_first_not_of("0123456789", kStart);
  const bool in_list = end != kStart && end < path.size() && path[end] == '.';
  return in_list ? path.substr(0, kStart) + path.substr(end + 1) : path;
}

// with_sleep: a duty cycle makes the board's sleep current part of every candidate's average power.
bool describes_board(const std::string& path, bool with_sleep) {
  if (path == "report_boards" || path.starts_with("report_boards.")) return true;  // nothing is decided by them
  if (!path.starts_with("board.")) return false;
  const std::string field = field_of_board(path);
  const bool decides = std::find(kBoardDecides.begin(), kBoardDecides.end(), field) != kBoardDecides.end() ||
                       (with_sleep && field == "board.sleep_current");
  return !field.starts_with("board.ram.") && !decides;
}

using Leaves = std::map<std::string, nlohmann::json>;

// `20480 B of 65536 B` limits as `20480 B` does: the second half only says what the board has.
void drop_wholes(Leaves& leaves) {
  for (const char* path : {"limits.flash", "limits.ram"})
    if (const auto limit = leaves.find(path); limit != leaves.end() && limit->second.is_string()) {
      const auto text = limit->second.get<std::string>();
      limit->second = text.substr(0, text.find(" of "));
    }
}

// Where all boards sleep at one current, it is the duty cycle's, whoever gives it: estimates are the same.
void unite_sleep_currents(Leaves& leaves) {
  constexpr const char* kOfDutyCycle = "duty_cycle.sleep_current";
  const auto of_board = [](const auto& leaf) { return field_of_board(leaf.first) == "board.sleep_current"; };
  std::set<nlohmann::json> currents;
  for (const auto& leaf : leaves)
    if (of_board(leaf)) currents.insert(leaf.second);
  if (leaves.contains(kOfDutyCycle)) currents = {leaves[kOfDutyCycle]};
  if (currents.size() != 1) return;
  std::erase_if(leaves, of_board);
  leaves[kOfDutyCycle] = *currents.begin();
}

constexpr std::string_view kShared = "${BITWRIGHT_SHARED}";

// The folder of data sets: the environment's, else ../shared from here, else beside the source tree.
std::string shared_folder() {
  if (const char* set = std::getenv("BITWRIGHT_SHARED"); set && *set) return set;
  const fs::path here = fs::current_path() / "../shared";
  return fs::is_directory(here) ? here.string() : BITWRIGHT_SOURCE_DIR "/../shared";
}

std::string absolute_path(const std::string& text, const fs::path& folder) {
  std::string path = text;
  if (path.starts_with(kShared)) path = shared_folder() + path.substr(kShared.size());
  return fs::weakly_canonical(fs::absolute(folder / path)).string();
}

// A folder that exists; relative ones start at `folder`.
Codec<std::string> existing_folder(const fs::path& folder) {
  const auto parse = [folder](const std::string& text, std::string& value) -> std::string {
    const std::string path = absolute_path(text, folder);
    if (!fs::is_directory(path))
      return "no such folder (" + path + "); set BITWRIGHT_SHARED to the folder that holds data/, or give another path";
    value = path;
    return "";
  };
  return {parse, [](const std::string& value) { return nlohmann::json(value); }};
}

// How paths are read.
struct PathCodecs {
  Codec<std::string> folder, file;
};

// Folders must exist; a store of an earlier study is read once, when a search begins.
PathCodecs paths_from(const fs::path& folder) {
  const auto absolute = [folder](const std::string& text, std::string& value) -> std::string {
    std::string rule = any_text().parse(text, value);
    if (rule.empty()) value = absolute_path(text, folder);
    return rule;
  };
  return {existing_folder(folder), {absolute, any_text().print}};
}

// As stored: absolute, and perhaps of another machine.
PathCodecs paths_as_they_are() {
  return {any_text(), any_text()};
}

std::vector<Format> formats_where(bool (*legal)(Format)) {
  std::vector<Format> formats;
  for (int i = 0; i <= static_cast<int>(Format::kFloat32); ++i)
    if (legal(static_cast<Format>(i))) formats.push_back(static_cast<Format>(i));
  return formats;
}

bool is_input_format(Format format) {
  return is_integer(format) && format != Format::kInt32 && format != Format::kBinary && format != Format::kTernary;
}

bool is_hidden_activation(Format format) {
  return is_activation_format(format) && format != Format::kInt16;
}

void visit_windows(Fields& fields, DataSpec& data) {
  fields.value("window", data.window, whole(1, 1 << 20));
  fields.value("hop", data.hop, whole(1, 1 << 20));
  fields.value("protocol", data.protocol,
               one_of(data.kind == "simulator" ? std::vector<std::string>{"leave-load", "time", "random"}
                                               : std::vector<std::string>{"leave-load", "bearing", "time", "random"}));
  fields.value("held_out", data.held_out, any_text());
  fields.value("test_share", data.test_share, real(0.01, 0.9));
  const bool holds_out = data.protocol == "leave-load" || data.protocol == "bearing";
  if (holds_out && data.held_out.empty())
    fields.check("held_out", false, "protocol " + data.protocol + " needs it: what is tested on");
  if (!holds_out)
    fields.check("test_share", data.validation_share + data.test_share <= 0.95,
                 "with validation_share at most 0.95, so that something is left to train on");
}

void visit_recordings(Fields& fields, DataSpec& data, Need need) {
  fields.value("index", data.index, any_text());
  fields.value("files", data.files, any_text());
  fields.value("label_files", data.label_files, any_text());
  fields.check("label_files", data.label_files.empty() || data.task == Task::kAnomaly, "task anomaly only");
  if (data.label_files.empty()) {
    fields.value("label_column", data.label_column, any_text(), need);
    fields.values("keep", data.keep_labels, any_text());
  }
  fields.value("load_column", data.load_column, any_text());
  fields.value("bearing_column", data.bearing_column, any_text());
  fields.value("gain_column", data.gain_column, any_text());
}

void check_columns(Fields& fields, const DataSpec& data) {
  const bool by_load = data.protocol == "leave-load" || data.protocol == "bearing";
  if (by_load) fields.check("load_column", !data.load_column.empty(), "protocol " + data.protocol + " needs it");
  if (data.protocol == "bearing")
    fields.check("bearing_column", !data.bearing_column.empty(), "protocol bearing needs it");
  if (data.validation_by == "load")
    fields.check("load_column", !data.load_column.empty(), "validation_by load needs it");
  if (data.validation_by == "bearing")
    fields.check("bearing_column", !data.bearing_column.empty(), "validation_by bearing needs it");
}

void visit_task(Fields& fields, DataSpec& data) {
  fields.value("task", data.task, one_of(kTaskWords));
  fields.check("task", data.task != Task::kRegression || data.kind == "npy" || data.kind.empty(), "of kind npy only");
  if (data.task == Task::kAnomaly) fields.value("normal", data.normal, any_text(), Need::kRequired);
}

std::vector<std::string> validation_words(const std::string& kind) {
  if (kind == "npy") return {"share", "fold", "group"};
  if (kind == "simulator") return {"share", "fold", "load", "recording"};
  return {"share", "fold", "load", "bearing", "recording"};
}

// `share` too where it does not apply: what is asked for by column may still need it for a class with one value.
void visit_validation(Fields& fields, DataSpec& data) {
  fields.value("validation_by", data.validation_by, one_of(validation_words(data.kind)));
  fields.value("validation_share", data.validation_share, real(0.01, 0.9));
  if (data.validation_by == "fold") fields.value("folds", data.folds, whole(2, 1000), Need::kRequired);
  if (data.validation_by != "share") fields.value("fold", data.fold, whole(0, 1'000'000));
  if (data.validation_by == "fold" && data.folds > 0)
    fields.check("fold", data.fold < data.folds, fmt::format("in 0..{}", data.folds - 1));
}

// Fields of other kinds stay unknown, so that nothing is written in vain. A wrong kind accepts all of them.
void visit_data(Fields& fields, DataSpec& data, const Codec<std::string>& folder) {
  fields.value("kind", data.kind, one_of(std::vector<std::string>{"recordings", "npy", "simulator"}), Need::kRequired);
  const bool any = data.kind.empty(), recordings = data.kind == "recordings", npy = data.kind == "npy",
             simulator = data.kind == "simulator";
  if (npy) data.protocol = "given";
  visit_task(fields, data);
  visit_validation(fields, data);
  if (!simulator) fields.value("path", data.path, folder, any ? Need::kOptional : Need::kRequired);
  if (recordings || any) visit_recordings(fields, data, any ? Need::kOptional : Need::kRequired);
  if (!npy) visit_windows(fields, data);
  fields.check("validation_by", data.validation_by == "share" || data.protocol != "random",
               "protocol random draws what validates: share");
  if (recordings) check_columns(fields, data);
  if (npy || any) {
    fields.value("layout", data.layout, one_of(std::vector<std::string>{"series", "image"}));
    fields.value("group_file", data.group_file, any_text());
    fields.check("group_file", data.validation_by != "group" || !data.group_file.empty(),
                 "validation_by group needs it");
  }
  if (simulator || any) {
    const Need need = any ? Need::kOptional : Need::kRequired;
    fields.value("recordings", data.simulated_recordings, whole(1, 10'000), need);
    fields.value("samples", data.simulated_samples, whole(1, 10'000'000), need);
  }
  fields.value("split_seed", data.split_seed, seed_number());
  fields.value("input_format", data.input_format, one_of(formats_where(is_input_format)));
  fields.value("clip_sigmas", data.clip_sigmas, real(0.5, 100.0));
}

void visit_block(Fields& fields, BlockSpace& block, Need need) {
  fields.values("kind", block.kind, one_of(std::vector<std::string>{"conv", "depthwise_separable", "residual"}));
  fields.values("channels", block.channels, whole(1, 1024), need);
  fields.values("kernel", block.kernel, whole(1, 64), need);
  fields.values("stride", block.stride, whole(1, 16));
  fields.values("pool", block.pool, whole(1, 16));
  fields.values("weights", block.weights, one_of(formats_where(is_weight_format)), need);
  fields.values("activations", block.activations, one_of(formats_where(is_hidden_activation)), need);
}

void visit_space(Fields& fields, SpaceSpec& space) {
  fields.value("min_blocks", space.min_blocks, whole(1, 12));
  fields.value("max_blocks", space.max_blocks, whole(1, 12));
  fields.check("max_blocks", space.max_blocks >= space.min_blocks, "at least min_blocks");
  fields.section(
      "block", [&](Fields& f) { visit_block(f, space.block, Need::kRequired); }, Need::kRequired);
  fields.section("first", [&](Fields& f) { visit_block(f, space.first, Need::kOptional); });
  fields.values("head", space.head, one_of(std::vector<std::string>{"flatten_dense", "global_pool_dense"}));
  fields.values("hidden", space.hidden, whole(0, 4096));
  fields.values("head_weights", space.head_weights, one_of(formats_where(is_weight_format)));
  fields.value("padding", space.padding, one_of(std::vector<std::string>{"zero", "valid"}));
  for (const auto& [key, empty] : {std::pair{"head", space.head.empty()},
                                   {"hidden", space.hidden.empty()},
                                   {"head_weights", space.head_weights.empty()}})
    fields.check(key, !empty, "at least one value");
}

const Units kJoules = {{"J", 1}, {"kJ", 1e3}, {"MJ", 1e6}, {"Wh", 3.6e3}, {"kWh", 3.6e6}};
const Units kMemory = {{"B", 1}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"MB", 1e6}, {"GB", 1e9}};  // of this machine
const Units kWatts = {{"W", 1}, {"mW", 1e-3}, {"kW", 1e3}};

void visit_stop_rules(Fields& fields, SearchSpec& search) {
  fields.value("trials", search.trials, whole(1, 1'000'000));
  fields.value("budget", search.budget_seconds, quantity(kSeconds, None::kAllowed));
  fields.value("energy_budget", search.energy_budget_j, quantity(kJoules, None::kAllowed));
  fields.value("machine_power", search.machine_power_w, quantity(kWatts, None::kAllowed));
  fields.check("energy_budget", search.energy_budget_j == 0 || search.machine_power_w > 0,
               "needs search.machine_power");
  fields.value("least_gain", search.least_gain, share());
  fields.check("least_gain", search.least_gain == 0 || search.sampler == "bayesian",
               "needs search.sampler = bayesian, whose model knows what there is to gain");
}

// A value that may not be there.
Codec<std::string> nothing(const std::string& rule) {
  return {[rule](const std::string&, std::string&) { return rule; }, any_text().print};
}

// A value for each dimension that is active, and no other. What hangs on a mistake is not judged.
void visit_design(Fields& fields, std::map<std::string, std::string>& design,
                  const std::vector<Dimension>& dimensions) {
  std::set<std::string> unknown;  // active or not, and if, with which value
  for (const Dimension& dimension : dimensions) {
    std::string value;
    if (unknown.contains(dimension.parent)) {
      fields.value(dimension.name, value, any_text());
      unknown.insert(dimension.name);
    } else if (is_active(dimension, design)) {
      const bool has_choices = !dimension.choices.empty();  // else the space is at fault
      fields.value(dimension.name, value, has_choices ? one_of(dimension.choices) : any_text(), Need::kRequired);
      if (value.empty())
        unknown.insert(dimension.name);
      else
        design[dimension.name] = value;
    } else {
      const std::string where = fmt::format("{}", fmt::join(dimension.parent_values, " or "));
      fields.value(dimension.name, value, nothing(fmt::format("only where {} is {}", dimension.parent, where)));
    }
  }
}

void visit_search(Fields& fields, SearchSpec& search, const SpaceSpec& space, const Codec<std::string>& store) {
  fields.value("sampler", search.sampler, one_of(std::vector<std::string>(kSamplers.begin(), kSamplers.end())));
  fields.value("seed", search.seed, seed_number());
  visit_stop_rules(fields, search);
  fields.values("rungs", search.rungs, share());
  fields.value("measure", search.measure, one_of(kMeasureWords));
  fields.value("jobs", search.jobs, whole(1, 1024));
  fields.value("population", search.population, whole(4, 1'000'000));
  fields.value("tournament", search.tournament, whole(2, 1'000'000));
  fields.check("tournament", search.tournament <= search.population, "at most the population");
  fields.text_records("designs", search.designs, [dimensions = dimensions_of(space)](Fields& f, auto& design) {
    visit_design(f, design, dimensions);
  });
  fields.values("warm_start", search.warm_start, store);
}

// Not one by which jobs are known, or their results found.
bool is_further_option(const std::string& option) {
  constexpr std::array kOurs = {"--job-name", "--chdir", "--output", "--array", "--wrap",
                                "--parsable", "-J",      "-D",       "-o",      "-a"};
  return option.starts_with("-") &&
         std::ranges::none_of(kOurs, [&](const char* ours) { return option.starts_with(ours); });
}

void visit_executor(Fields& fields, ExecutorSpec& executor, const Codec<std::string>& folder) {
  fields.value("kind", executor.kind, one_of(std::vector<std::string>{"local", "slurm"}));
  fields.value("trial_time", executor.trial_seconds, quantity(kSeconds, None::kAllowed));
  fields.value("trial_memory", executor.trial_memory_bytes, quantity64(kMemory, None::kAllowed));
  fields.value("checkpoint_interval", executor.checkpoint_seconds, quantity(kSeconds));
  fields.value("checkpoints", executor.checkpoint_bytes, quantity64(kMemory, None::kAllowed));
  fields.value("folder", executor.folder, folder);
  fields.value("trials_per_job", executor.trials_per_job, whole(1, 1000));
  fields.value("lease", executor.lease_seconds, quantity(kSeconds, None::kAllowed));
  fields.check("lease", executor.lease_seconds == 0 || executor.lease_seconds >= 30, "at least 30 s");
  fields.value("result_grace", executor.result_grace_seconds, quantity(kSeconds));
  fields.value("gres", executor.gres, any_text());
  fields.values("extra", executor.extra, any_text());
  for (const std::string& option : executor.extra)
    fields.check("extra", is_further_option(option),
                 fmt::format("options of sbatch, `--partition=short`, other than those that are set: {}", option));
}

void visit_quantizers(Fields& fields, Recipe& recipe) {
  fields.value("surrogate", recipe.surrogate, one_of(kSurrogateWords));
  fields.value("weight_scale", recipe.weight_scale, one_of(kWeightScaleWords));
  fields.value("activation_range", recipe.activation_range, one_of(kActivationRangeWords));
  fields.value("stochastic_rounding", recipe.stochastic_rounding, flag());
  fields.value("float_weights", recipe.float_weights, real(0.0, 0.9));
  fields.value("float_activations", recipe.float_activations, real(0.0, 0.9));
}

void visit_loss(Fields& fields, Recipe& recipe) {
  fields.value("label_smoothing", recipe.label_smoothing, real(0.0, 0.5));
  fields.value("balanced_classes", recipe.balanced_classes, flag());
  fields.value("distillation", recipe.distillation, real(0.0, 1.0));
  fields.value("distillation_temperature", recipe.distillation_temperature, real(0.1, 100.0));
  fields.value("teacher_epochs", recipe.teacher_epochs, whole(1, 10'000));
}

void visit_training(Fields& fields, Recipe& recipe) {
  fields.value("epochs", recipe.epochs, whole(1, 10'000));
  fields.value("batch_size", recipe.batch_size, whole(1, 65'536));
  fields.value("learning_rate", recipe.learning_rate, real(0.0, 10.0));
  fields.value("final_learning_rate", recipe.final_learning_rate, real(0.0, 10.0));
  fields.value("warmup_fraction", recipe.warmup_fraction, real(0.0, 0.9));
  fields.value("batch_norm_momentum", recipe.batch_norm_momentum, real(0.0, 1.0));
  fields.value("latent_init", recipe.latent_init, real(1e-6, 1.0));
  fields.value("patience", recipe.patience, whole(0, 10'000));
  fields.value("max_train_examples", recipe.max_train_examples, whole(0));
  fields.value("device", recipe.device, one_of(kDeviceWords));
  visit_quantizers(fields, recipe);
  visit_loss(fields, recipe);
  fields.value("circular_shift", recipe.circular_shift, flag());
  fields.value("jitter", recipe.jitter, real(0.0, 1.0));
  fields.value("scaling", recipe.scaling, real(0.0, 0.9));
  fields.value("mixup", recipe.mixup, real(0.0, 10.0));
}

// Rungs that are the same epoch, or the last, are none.
void check_rungs(Fields& fields, const Study& study) {
  int before = 0;
  for (const double rung : study.search.rungs) {
    const int epochs = epochs_at(rung, study.recipe);
    fields.check("search", rung > 0.0 && epochs > before && epochs < study.recipe.epochs,
                 fmt::format("rungs must rise, and stop trainings at different epochs before the last: {:g} % of "
                             "training.epochs = {} is epoch {}",
                             100.0 * rung, study.recipe.epochs, epochs));
    before = epochs;
  }
}

// All but the boards, which are names in YAML and sections in JSON.
void visit_study(Fields& fields, Study& study, const PathCodecs& paths) {
  fields.value("name", study.name, model_name(), Need::kRequired);
  fields.section(
      "data", [&](Fields& f) { visit_data(f, study.data, paths.folder); }, Need::kRequired);
  visit_duty_cycle(fields, study);
  visit_limits(fields, study);
  fields.value("execution", study.execution, one_of(kExecutionWords));
  visit_objectives(fields, study);
  fields.section(
      "space", [&](Fields& f) { visit_space(f, study.space); },
      study.data.task == Task::kAnomaly ? Need::kOptional : Need::kRequired);
  fields.section("search", [&](Fields& f) { visit_search(f, study.search, study.space, paths.file); });
  fields.section("executor", [&](Fields& f) { visit_executor(f, study.executor, paths.file); });
  fields.section("training", [&](Fields& f) { visit_training(f, study.recipe); });
  check_rungs(fields, study);
}

Study default_study() {
  Study study;
  study.space.block.kind = {"conv"};
  study.space.block.stride = {1};
  study.space.block.pool = {1};
  study.space.head = {"flatten_dense"};
  study.space.hidden = {0};
  study.space.head_weights = {Format::kInt8};
  return study;
}

// Boards by name, by path from `folder` or, as stored, by value.
class BoardReader {
 public:
  BoardReader(FieldReader& reader, fs::path folder, Mistakes& mistakes)
      : reader_(reader), folder_(std::move(folder)), mistakes_(mistakes) {}

  // A list, or one board. `none` says what is wrong with an empty list; empty: nothing.
  std::vector<Board> read(const std::string& key, Need need, const std::string& none) {
    const YamlNode* node = reader_.node(key, need);
    if (!node) return {};
    std::vector<Board> boards;
    if (node->kind != YamlNode::Kind::kList) {
      add(*node, key, boards, [&](const std::string& rule) { reader_.mistake(key, rule); });
      return boards;
    }
    if (node->items.empty() && !none.empty()) reader_.mistake(key, none);
    for (size_t i = 0; i < node->items.size(); ++i) {
      const YamlNode& item = node->items[i];
      const std::string path = fmt::format("{}[{}]", key, i);
      add(item, path, boards, [&](const std::string& rule) { mistakes_.add(item.place, path, item, rule); });
    }
    return boards;
  }

 private:
  using Refuse = std::function<void(const std::string& rule)>;

  void add(const YamlNode& node, const std::string& path, std::vector<Board>& boards, const Refuse& refuse) {
    Board board = node.kind == YamlNode::Kind::kMap ? by_value(node, path) : by_name(node, refuse);
    if (board.name.empty()) return;
    if (!read_.insert(board.name).second) return refuse("given twice");
    boards.push_back(std::move(board));
  }

  Board by_value(const YamlNode& node, const std::string& path) {
    Board board;
    FieldReader inner(node, path, mistakes_);
    visit_board(inner, board);
    inner.finish();
    return board;
  }

  // Without a name where it cannot be read.
  Board by_name(const YamlNode& node, const Refuse& refuse) {
    if (node.kind != YamlNode::Kind::kScalar) return refuse("a board's name or file"), Board{};
    const std::string& name = node.scalar;
    const bool is_path = name.find('/') != std::string::npos || name.ends_with(".yaml");
    const std::vector<std::string> names = board_names();
    if (!is_path && std::find(names.begin(), names.end(), name) == names.end())
      return refuse(fmt::format("unknown{}; known: {}", did_you_mean(name, names), fmt::join(names, ", "))), Board{};
    try {
      return load_board(is_path ? (folder_ / name).string() : name);
    } catch (const ConfigError& e) {
      mistakes_.add_lines(node.place, e.what());
      return {};
    }
  }

  FieldReader& reader_;
  fs::path folder_;
  Mistakes& mistakes_;
  std::set<std::string> read_;  // names, of all lists
};

void read_boards(FieldReader& reader, Study& study, const fs::path& folder, Mistakes& mistakes) {
  BoardReader boards(reader, folder, mistakes);
  std::vector<Board> needed = boards.read("board", Need::kRequired, "at least one board");
  if (!needed.empty()) {
    study.board = std::move(needed.front());
    study.further_boards.assign(std::make_move_iterator(needed.begin() + 1), std::make_move_iterator(needed.end()));
  }
  study.report_boards = boards.read("report_boards", Need::kOptional, "");
}

// One board is a section, several are a list of them.
void write_boards(FieldWriter& writer, Study& study) {
  if (study.further_boards.empty()) {
    writer.section(
        "board", [&](Fields& f) { visit_board(f, study.board); }, Need::kRequired);
  } else {
    std::vector<Board> boards = boards_of(study);
    writer.records<Board>("board", boards, visit_board, Need::kRequired);
  }
  writer.records<Board>("report_boards", study.report_boards, visit_board, Need::kOptional);
}

Study read_study(const YamlNode& root, const std::string& file, const fs::path& folder, const PathCodecs& paths) {
  Mistakes mistakes(file);
  FieldReader reader(root, "", mistakes);
  Study study = default_study();
  read_boards(reader, study, folder, mistakes);
  visit_study(reader, study, paths);
  reader.finish();
  mistakes.throw_if_any();
  complete_limits(study);
  study.config_json = study_to_json(study);
  return study;
}

// Leaves by their path: `search.trials` -> 100, `board.ram.0.size` -> ...; arrays of plain values are one leaf.
void flatten(const nlohmann::json& node, const std::string& path, Leaves& leaves) {
  const bool records = node.is_array() && !node.empty() && node.front().is_object();
  if (!node.is_object() && !records) {
    leaves[path] = node;
    return;
  }
  for (const auto& item : node.items())
    flatten(item.value(), path.empty() ? item.key() : path + "." + item.key(), leaves);
}

Leaves flattened(const std::string& config_json) {
  Leaves leaves;
  try {
    flatten(nlohmann::json::parse(config_json), "", leaves);
  } catch (const nlohmann::json::exception& e) {
    throw ConfigError("stored configuration: not JSON: " + json_rule(e));
  }
  return leaves;
}

std::string leaf_text(const Leaves& leaves, const std::string& path) {
  const auto found = leaves.find(path);
  if (found == leaves.end()) return "(not set)";
  return found->second.is_string() ? found->second.get<std::string>() : found->second.dump();
}

}  // namespace

Study load_study(const std::string& path, const std::vector<std::string>& overrides) {
  return study_from_yaml(read_text_file(path), path, overrides);
}

Study study_from_yaml(const std::string& text, const std::string& place, const std::vector<std::string>& overrides) {
  YamlNode root = parse_yaml(text, place);
  for (const std::string& assignment : overrides) apply_override(root, assignment);
  const fs::path folder = fs::path(place).parent_path();
  Study study = read_study(root, place, folder, paths_from(folder));
  study.file = place;
  return study;
}

Study study_from_json(const std::string& config_json) {
  const std::string name = "stored configuration";
  return read_study(parse_yaml(config_json, name), name, {}, paths_as_they_are());
}

std::string study_to_json(const Study& study) {
  FieldWriter writer;
  Study copy = study;  // Fields takes references to read into; a writer only looks
  copy.config_json.clear();
  write_boards(writer, copy);
  visit_study(writer, copy, paths_as_they_are());
  if (copy.space.block.channels.empty()) writer.json.erase("space");  // anomalies need none
  return writer.json.dump();
}

std::string config_difference(const std::string& a_json, const std::string& b_json) {
  const auto a = flattened(a_json), b = flattened(b_json);
  std::set<std::string> paths;
  for (const auto& leaves : {a, b})
    for (const auto& [path, value] : leaves) paths.insert(path);
  std::string lines;
  for (const std::string& path : paths) {
    const std::string from = leaf_text(a, path), to = leaf_text(b, path);
    if (from != to) lines += path + ": " + from + " -> " + to + "\n";
  }
  return lines;
}

std::string comparable_config(const std::string& config_json) {
  auto leaves = flattened(config_json);
  for (const std::string& path : kGoingOn) leaves.erase(path);
  std::erase_if(leaves, [](const auto& leaf) { return leaf.first.starts_with("executor."); });
  for (const auto& [path, value] : kCameLater)
    if (const auto found = leaves.find(path); found != leaves.end() && found->second == value) leaves.erase(found);
  drop_wholes(leaves);
  const bool duty_cycle = leaves.contains("duty_cycle.inferences_per_hour");
  if (duty_cycle) unite_sleep_currents(leaves);
  std::erase_if(leaves, [&](const auto& leaf) { return describes_board(leaf.first, duty_cycle); });
  return nlohmann::json(leaves).dump();
}

std::vector<std::string> study_fields() {
  std::set<std::string> names = {"board", "report_boards"};
  for (const char* kind : {"recordings", "npy", "simulator"}) {
    Study study = default_study();
    study.data.kind = kind;
    study.data.task = Task::kAnomaly;
    study.data.validation_by = "fold";
    FieldLister lister;
    visit_study(lister, study, paths_as_they_are());
    names.insert(lister.names.begin(), lister.names.end());
  }
  return {names.begin(), names.end()};
}

}  // namespace bitwright
