// SPDX-License-Identifier: Apache-2.0
#include "experiments/profile_input.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/io/board_yaml.h"
#include "core/io/load_study.h"
#include "core/io/model_json.h"
#include "core/io/qkeras_model.h"
#include "core/io/yaml.h"
#include "core/store/trial_store.h"
#include "experiments/study_session.h"
#include "experiments/training_request.h"

namespace bitwright {
namespace {

namespace fs = std::filesystem;

constexpr char kAccepted[] =
    "profile takes a network's YAML or the name of a built-in one, a package's folder, a QKeras model's JSON, or "
    "--study STUDY --trial N";

[[noreturn]] void refuse(const std::string& path, const std::string& what) {
  throw ConfigError(fmt::format("{}: {}; {}", path, what, kAccepted));
}

constexpr size_t kMostBytes = 64 << 20;  // a model with its weights
constexpr std::streamsize kHeadBytes = 4096;

std::string head_of_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string head(kHeadBytes, '\0');
  file.read(head.data(), kHeadBytes);
  head.resize(static_cast<size_t>(file.gcount()));
  return head;
}

// What a file of this text, or that begins so, is, if others of our commands take it or people have it at hand; empty
// where it may be a network.
std::string foreign_kind(const std::string& text) {
  if (text.starts_with("SQLite format 3")) return "a study's store";
  if (text.starts_with("\x89HDF\r\n")) return "an HDF5 file";
  if (text.starts_with("PK\x03\x04")) return "a zip file";
  if (text.starts_with("\x7f"
                       "ELF"))
    return "a program (bitwright emulate takes it)";
  if (text.size() > 8 && text.compare(4, 4, "TFL3") == 0) return "a TFLite file";
  if (text.find('\0') != std::string::npos) return "a binary file";
  return "";
}

// The whole file, which may be a pipe.
std::string read_native_file(const std::string& path) {
  const auto refuse_foreign = [&](const std::string& text) {
    if (const std::string kind = foreign_kind(text); !kind.empty()) refuse(path, kind);
  };
  std::string text;
  try {
    text = read_text_file(path, kMostBytes);
  } catch (const ConfigError&) {
    refuse_foreign(head_of_file(path));
    throw;
  }
  refuse_foreign(text);
  return text;
}

// What a text is that is no network, whose reader has nothing to say of it; empty where it may be one with a mistake.
std::string yaml_kind(const std::string& text, const std::string& path) {
  YamlNode root;
  try {
    root = parse_yaml(text, path);
  } catch (const ConfigError&) {
    if (text.find("layers") != std::string::npos) return "";
  }
  const auto has_any = [&](std::initializer_list<std::string_view> keys) {
    return std::any_of(keys.begin(), keys.end(), [&](std::string_view key) { return root.find(key) != nullptr; });
  };
  if (has_any({"layers", "input"})) return "";
  if (has_any({"space", "data"})) return "a study";
  return has_any({"mcu"}) ? "a board" : "no network: it has no layers";
}

ProfileInput input_of_model(const std::string& source, QuantizedModel model) {
  ProfileInput input;
  input.source = source;
  input.network = model.network;
  input.model = std::move(model);
  return input;
}

// model.json of a package.
QuantizedModel model_of(const nlohmann::json& document, const std::string& place) {
  try {
    return document.at("model").get<QuantizedModel>();
  } catch (const nlohmann::json::exception& error) {
    throw ConfigError(place + ": " + json_rule(error));
  } catch (const StructureError& error) {
    throw ConfigError(place + ": " + error.what());
  }
}

// What report.json of a package says of how it was emitted.
void read_form(const std::string& folder, ProfileInput& input) {
  const std::string place = (fs::path(folder) / "report.json").string();
  const nlohmann::json report = parse_json(read_text_file(place, kMostBytes), place);
  try {
    for (const auto& layer : report.at("layers")) {
      const auto kernel = layer.at("kernel").get<std::string>();
      input.kernels.push_back(kernel == "-" ? "" : kernel);
    }
    input.specialized = report.value("specialized", false);
    const bool streamed = report.at("memory").value("execution", "layers") == "stream";
    input.execution = streamed ? Execution::kStream : Execution::kLayers;
  } catch (const nlohmann::json::exception& error) {
    throw ConfigError(place + ": " + json_rule(error));
  }
  if (input.kernels.size() != input.network.layers.size())
    throw ConfigError(
        fmt::format("{}: {} layers, model.json has {}", place, input.kernels.size(), input.network.layers.size()));
}

ProfileInput input_of_package(const std::string& folder) {
  const std::string place = (fs::path(folder) / "model.json").string();
  if (!fs::exists(place) || !fs::exists(fs::path(folder) / "report.json"))
    refuse(folder, "a folder, but no package: no model.json and report.json");
  ProfileInput input =
      input_of_model("package " + folder, model_of(parse_json(read_text_file(place, kMostBytes), place), place));
  input.package = folder;
  read_form(folder, input);
  return input;
}

ProfileInput input_of_qkeras(const nlohmann::json& document, const std::string& path) {
  try {
    QkerasModel model = read_qkeras_model(document, path);
    ProfileInput input;
    input.source = "QKeras model " + path;
    input.network = std::move(model.network);
    input.notes = std::move(model.notes);
    return input;
  } catch (const StructureError& error) {
    throw ConfigError(fmt::format("{}: {}", path, error.what()));
  }
}

ProfileInput input_of_network(const std::string& path) {
  ProfileInput input;
  input.network = network_argument(path);
  input.source = "network " + path;
  return input;
}

ProfileInput input_of_file(const std::string& path) {
  const std::string text = read_native_file(path);
  const nlohmann::json document = nlohmann::json::parse(text, nullptr, false);
  if (is_keras_model(document)) return input_of_qkeras(document, path);
  if (document.is_object() && document.contains("model"))
    return input_of_model("model " + path, model_of(document, path));
  if (path.ends_with(".json")) refuse(path, document.is_discarded() ? "not JSON" : "JSON, but no model");
  if (const std::string kind = yaml_kind(text, path); !kind.empty()) refuse(path, kind);
  return input_of_network(path);
}

// The program's own file of a board that is still the same: it may say more of the flash than an earlier version
// stored. The banks stay in the study's order: limits.ram_bank chose the first.
Board current_board(const Board& stored) {
  const std::vector<std::string> names = board_names();
  if (std::find(names.begin(), names.end(), stored.name) == names.end()) return stored;
  Board own = load_board(stored.name);
  const bool same = own.core == stored.core && own.clock_hz == stored.clock_hz &&
                    own.flash_bytes == stored.flash_bytes && own.flash_wait_states == stored.flash_wait_states;
  own.ram = stored.ram;
  return same ? own : stored;
}

}  // namespace

ProfileInput profile_input(const std::string& path) {
  if (fs::is_directory(path)) return input_of_package(path);
  if (fs::exists(path)) return input_of_file(path);
  try {
    return input_of_network(path);
  } catch (const ConfigError& error) {
    throw ConfigError(fmt::format("{}; {}", error.what(), kAccepted));
  }
}

ProfileInput profile_input_of_trial(const std::string& study_or_store, int64_t number) {
  const TrialStore store = open_store(study_or_store);
  const Trial trial = trial_of(store, number);
  const Study study = study_from_json(store.study().config_json);
  const auto model = store.artifact(number, "model");
  ProfileInput input;
  if (model) input = input_of_model("", read_json<QuantizedModel>(*model, store.path()));
  if (!model) input.network = trial.candidate.network;
  input.source = fmt::format("trial {} of {}", number, study.name);
  input.board = current_board(study.board);
  input.limits = study.limits;
  input.duty_cycle = study.duty_cycle;
  input.execution = study.execution;
  return input;
}

}  // namespace bitwright
