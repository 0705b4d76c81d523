// SPDX-License-Identifier: Apache-2.0
#include "core/io/load_study.h"

#include <cstdlib>

#include "core/error.h"
#include "core/io/board_yaml.h"
#include "core/io/config_reader.h"

namespace bitwright {
namespace {

namespace fs = std::filesystem;

// Fields that may change while a study goes on.
const std::vector<std::string> kGoingOn = {"search.budget", "search.jobs", "search.trials"};
const std::vector<std::string> kObjectives = {"flash", "ram", "latency", "energy", "macs"};

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
};

// Of a board, what estimates and limits read. All else describes it (sources, how flash is read) and may be mended or
// filled in while a study goes on.
const std::vector<std::string> kBoardDecides = {"board.name",          "board.core",   "board.clock",  "board.flash",
                                                "board.shared_memory", "board.supply", "board.current"};

bool describes_board(const std::string& path) {
  const bool decides = std::find(kBoardDecides.begin(), kBoardDecides.end(), path) != kBoardDecides.end();
  return path.starts_with("board.") && !path.starts_with("board.ram.") && !decides;
}

constexpr std::string_view kShared = "${BITWRIGHT_SHARED}";

// The folder of data sets: the environment's, else ../shared from here, else beside the source tree.
std::string shared_folder() {
  if (const char* set = std::getenv("BITWRIGHT_SHARED"); set && *set) return set;
  const fs::path here = fs::current_path() / "../shared";
  return fs::is_directory(here) ? here.string() : BITWRIGHT_SOURCE_DIR "/../shared";
}

std::string absolute_folder(const std::string& text, const fs::path& folder) {
  std::string path = text;
  if (path.starts_with(kShared)) path = shared_folder() + path.substr(kShared.size());
  return fs::weakly_canonical(fs::absolute(folder / path)).string();
}

// A folder that exists; relative ones start at `folder`.
Codec<std::string> existing_folder(const fs::path& folder) {
  const auto parse = [folder](const std::string& text, std::string& value) -> std::string {
    const std::string path = absolute_folder(text, folder);
    if (!fs::is_directory(path))
      return "no such folder (" + path + "); set BITWRIGHT_SHARED to the folder that holds data/, or give another path";
    value = path;
    return "";
  };
  return {parse, [](const std::string& value) { return nlohmann::json(value); }};
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

void visit_limits(Fields& fields, Limits& limits, const Board& board) {
  fields.value("flash", limits.flash_bytes, quantity64(kBytes, None::kAllowed));
  fields.value("ram", limits.ram_bytes, quantity64(kBytes, None::kAllowed));
  fields.value("latency", limits.latency_us, quantity(kMicroseconds, None::kAllowed));
  fields.value("energy", limits.energy_uj, quantity(kMicrojoules, None::kAllowed));
  fields.value("macs", limits.macs, quantity64(kMacs, None::kAllowed));
  if (board.ram.empty()) return;  // the board is a mistake of its own
  fields.check("flash", limits.flash_bytes <= board.flash_bytes,
               fmt::format("{} has {} B", board.name, board.flash_bytes));
  fields.check("ram", limits.ram_bytes <= board.ram.front().bytes,
               fmt::format("{} of {} has {} B", board.ram.front().name, board.name, board.ram.front().bytes));
  fields.check("energy", limits.energy_uj == 0.0 || board.current_ua_per_mhz > 0.0,
               "the file of " + board.name + " gives no current");
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

void visit_search(Fields& fields, SearchSpec& search) {
  fields.value("sampler", search.sampler, one_of(std::vector<std::string>{"random", "evolution"}));
  fields.value("seed", search.seed, seed_number());
  fields.value("trials", search.trials, whole(1, 1'000'000));
  fields.value("budget", search.budget_seconds, quantity(kSeconds, None::kAllowed));
  fields.value("jobs", search.jobs, whole(1, 1024));
  fields.value("population", search.population, whole(4, 1'000'000));
  fields.value("tournament", search.tournament, whole(2, 1'000'000));
  fields.check("tournament", search.tournament <= search.population, "at most the population");
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

void visit_objectives(Fields& fields, Study& study) {
  fields.values("objectives", study.objectives, one_of(kObjectives), Need::kOptional);
  const bool energy = std::find(study.objectives.begin(), study.objectives.end(), "energy") != study.objectives.end();
  if (energy && !study.board.name.empty())
    fields.check("objectives", study.board.current_ua_per_mhz > 0.0,
                 "energy, but the file of " + study.board.name + " gives no current");
  fields.check("objectives", !study.objectives.empty(), "at least one value");
}

// All but the board, which is a name in YAML and a section in JSON.
void visit_study(Fields& fields, Study& study, const Codec<std::string>& data_folder) {
  fields.value("name", study.name, model_name(), Need::kRequired);
  fields.section(
      "data", [&](Fields& f) { visit_data(f, study.data, data_folder); }, Need::kRequired);
  fields.section("limits", [&](Fields& f) { visit_limits(f, study.limits, study.board); });
  fields.value("execution", study.execution, one_of(kExecutionWords));
  visit_objectives(fields, study);
  fields.section(
      "space", [&](Fields& f) { visit_space(f, study.space); },
      study.data.task == Task::kAnomaly ? Need::kOptional : Need::kRequired);
  fields.section("search", [&](Fields& f) { visit_search(f, study.search); });
  fields.section("training", [&](Fields& f) { visit_training(f, study.recipe); });
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

// A limit that is not given is the board's.
void complete_limits(Study& study) {
  if (study.limits.flash_bytes == 0) study.limits.flash_bytes = study.board.flash_bytes;
  if (study.limits.ram_bytes == 0) study.limits.ram_bytes = study.board.ram.front().bytes;
}

void read_board(FieldReader& reader, Study& study, const fs::path& folder, Mistakes& mistakes) {
  const YamlNode* node = reader.node("board", Need::kRequired);
  if (!node) return;
  if (node->kind == YamlNode::Kind::kMap) {
    reader.section(
        "board", [&](Fields& f) { visit_board(f, study.board); }, Need::kRequired);
    return;
  }
  const std::string& name = node->scalar;
  const bool is_path = name.find('/') != std::string::npos || name.ends_with(".yaml");
  const std::vector<std::string> names = board_names();
  if (!is_path && std::find(names.begin(), names.end(), name) == names.end()) {
    reader.mistake("board", fmt::format("unknown{}; known: {}", did_you_mean(name, names), fmt::join(names, ", ")));
    return;
  }
  try {
    study.board = load_board(is_path ? (folder / name).string() : name);
  } catch (const ConfigError& e) {
    mistakes.add_lines(node->place, e.what());
  }
}

Study read_study(const YamlNode& root, const std::string& file, const fs::path& folder,
                 const Codec<std::string>& data_folder) {
  Mistakes mistakes(file);
  FieldReader reader(root, "", mistakes);
  Study study = default_study();
  read_board(reader, study, folder, mistakes);
  visit_study(reader, study, data_folder);
  reader.finish();
  mistakes.throw_if_any();
  complete_limits(study);
  study.config_json = study_to_json(study);
  return study;
}

// Leaves by their path: `search.trials` -> 100, `board.ram.0.size` -> ...; arrays of plain values are one leaf.
void flatten(const nlohmann::json& node, const std::string& path, std::map<std::string, nlohmann::json>& leaves) {
  const bool records = node.is_array() && !node.empty() && node.front().is_object();
  if (!node.is_object() && !records) {
    leaves[path] = node;
    return;
  }
  for (const auto& item : node.items())
    flatten(item.value(), path.empty() ? item.key() : path + "." + item.key(), leaves);
}

std::map<std::string, nlohmann::json> flattened(const std::string& config_json) {
  std::map<std::string, nlohmann::json> leaves;
  try {
    flatten(nlohmann::json::parse(config_json), "", leaves);
  } catch (const nlohmann::json::exception& e) {
    throw ConfigError(std::string("stored configuration: ") + e.what());
  }
  return leaves;
}

std::string leaf_text(const std::map<std::string, nlohmann::json>& leaves, const std::string& path) {
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
  Study study = read_study(root, place, folder, existing_folder(folder));
  study.file = place;
  return study;
}

Study study_from_json(const std::string& config_json) {
  const std::string name = "stored configuration";
  return read_study(parse_yaml(config_json, name), name, {}, any_text());
}

std::string study_to_json(const Study& study) {
  FieldWriter writer;
  Study copy = study;  // Fields takes references to read into; a writer only looks
  copy.config_json.clear();
  writer.section(
      "board", [&](Fields& f) { visit_board(f, copy.board); }, Need::kRequired);
  visit_study(writer, copy, any_text());
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
  std::erase_if(leaves, [](const auto& leaf) { return describes_board(leaf.first); });
  for (const auto& [path, value] : kCameLater)
    if (const auto found = leaves.find(path); found != leaves.end() && found->second == value) leaves.erase(found);
  return nlohmann::json(leaves).dump();
}

std::vector<std::string> study_fields() {
  std::set<std::string> names = {"board"};
  for (const char* kind : {"recordings", "npy", "simulator"}) {
    Study study = default_study();
    study.data.kind = kind;
    study.data.task = Task::kAnomaly;
    study.data.validation_by = "fold";
    FieldLister lister;
    visit_study(lister, study, any_text());
    names.insert(lister.names.begin(), lister.names.end());
  }
  return {names.begin(), names.end()};
}

}  // namespace bitwright
