// SPDX-License-Identifier: Apache-2.0
#include "experiments/trial_protocol.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <sstream>

#include "core/error.h"
#include "core/io/model_json.h"

namespace bitwright {
namespace {

constexpr int kSchema = 1;
constexpr const char* kEnd = ".end";  // of a file with a state

[[noreturn]] void disk_error(const std::string& path, const char* what) {
  throw StoreError(path + ": " + what + ": " + std::strerror(errno));
}

// Of this process, among those of all machines that write to one folder.
std::string unique_suffix() {
  static const std::string suffix = [] {
    std::random_device device;
    return fmt::format("{}-{:08x}{:08x}.tmp", ::getpid(), device(), device());
  }();
  return suffix;
}

void write_durably(const std::string& path, const std::string& content) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) disk_error(path, "cannot create");
  size_t done = 0;
  while (done < content.size()) {
    const ssize_t n = ::write(fd, content.data() + done, content.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      const int reason = errno;
      ::close(fd);
      ::unlink(path.c_str());
      errno = reason;
      disk_error(path, "cannot write");
    }
    done += static_cast<size_t>(n);
  }
  if (::fsync(fd) != 0) disk_error(path, "cannot sync");
  ::close(fd);
}

nlohmann::json parse_checked(const std::string& text, const char* what) {
  const auto json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || json.value("schema", 0) != kSchema)
    throw StoreError(std::string(what) + ": not a file of schema " + std::to_string(kSchema));
  return json;
}

constexpr std::array kRangeRules = {"min_max", "mse"};  // in the order of RangeRule

template <class Enum, size_t n>
Enum from_name(const std::array<const char*, n>& names, const std::string& name) {
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) throw StoreError("trial spec: " + name.substr(0, 80) + ": unknown");
  return static_cast<Enum>(found - names.begin());
}

nlohmann::json options_json(const PostTrainingOptions& o) {
  return {{"weights", kRangeRules[static_cast<size_t>(o.weights)]},
          {"activations", kRangeRules[static_cast<size_t>(o.activations)]},
          {"equalize", o.equalize},
          {"correct_bias", o.correct_bias},
          {"adaptive_rounding", o.adaptive_rounding},
          {"rounding_iterations", o.rounding_iterations},
          {"calibration_examples", o.calibration_examples},
          {"seed", o.seed}};
}

PostTrainingOptions options_from(const nlohmann::json& j) {
  return {.weights = from_name<RangeRule>(kRangeRules, j.at("weights")),
          .activations = from_name<RangeRule>(kRangeRules, j.at("activations")),
          .equalize = j.at("equalize"),
          .correct_bias = j.at("correct_bias"),
          .adaptive_rounding = j.at("adaptive_rounding"),
          .rounding_iterations = j.at("rounding_iterations"),
          .calibration_examples = j.at("calibration_examples"),
          .seed = j.at("seed")};
}

void sync_folder(const std::string& folder) {
  const int fd = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) disk_error(folder, "cannot open");
  const bool failed = ::fsync(fd) != 0;
  ::close(fd);
  if (failed) disk_error(folder, "cannot sync");
}

}  // namespace

std::string under_way_file(const std::string& checkpoint, int epochs) {
  return fmt::format("{}-e{}.part", checkpoint, epochs);
}

std::string end_file(const std::string& checkpoint, int epochs) {
  return fmt::format("{}-e{}{}", checkpoint, epochs, kEnd);
}

bool is_end_file(const std::string& name) {
  return name.ends_with(kEnd);
}

std::string spec_text(const TrialSpec& spec) {
  nlohmann::json json = {{"schema", kSchema},
                         {"config", nlohmann::json::parse(spec.config_json)},
                         {"trial", spec.number},
                         {"attempt", spec.attempt},
                         {"seed", spec.seed},
                         {"network", spec.network},
                         {"score_test", spec.score_test},
                         {"keep_parameters", spec.keep_parameters},
                         {"stages", spec.stages},
                         {"may_go_on", spec.may_go_on},
                         {"checkpoint", spec.checkpoint},
                         {"checkpoint_seconds", spec.checkpoint_seconds},
                         {"parent", spec.parent}};
  if (spec.post_training) json["post_training"] = options_json(*spec.post_training);
  return json.dump();
}

TrialSpec parse_spec(const std::string& text) {
  const auto json = parse_checked(text, "trial spec");
  TrialSpec spec;
  spec.config_json = json.at("config").dump();
  spec.number = json.at("trial").get<int64_t>();
  spec.attempt = json.at("attempt").get<int>();
  spec.seed = json.at("seed").get<uint64_t>();
  spec.network = json.at("network").get<Network>();
  spec.score_test = json.value("score_test", spec.score_test);
  spec.keep_parameters = json.value("keep_parameters", spec.keep_parameters);
  spec.stages = json.value("stages", spec.stages);
  spec.may_go_on = json.value("may_go_on", spec.may_go_on);
  spec.checkpoint = json.value("checkpoint", spec.checkpoint);
  spec.checkpoint_seconds = json.value("checkpoint_seconds", spec.checkpoint_seconds);
  spec.parent = json.value("parent", spec.parent);
  if (json.contains("post_training")) spec.post_training = options_from(json.at("post_training"));
  return spec;
}

std::string report_text(const TrialReport& report) {
  nlohmann::json json = {{"schema", kSchema},
                         {"trial", report.number},
                         {"attempt", report.attempt},
                         {"execution", report.execution},
                         {"host", report.host},
                         {"failure", report.failure},
                         {"metrics", report.metrics},
                         {"epochs", report.epochs},
                         {"train_seconds", report.train_seconds}};
  if (report.test) json["test"] = *report.test;
  if (report.model) json["model"] = *report.model;
  return json.dump();
}

TrialReport parse_report(const std::string& text) {
  const auto json = parse_checked(text, "trial result");
  TrialReport report;
  report.number = json.at("trial").get<int64_t>();
  report.attempt = json.at("attempt").get<int>();
  report.execution = json.value("execution", "");  // of an earlier version's job
  report.host = json.value("host", "");
  report.failure = json.at("failure").get<std::string>();
  report.metrics = json.at("metrics").get<Metrics>();
  report.epochs = json.at("epochs").get<std::vector<EpochRecord>>();
  report.train_seconds = json.at("train_seconds").get<double>();
  if (json.contains("test")) report.test = json.at("test").get<Metrics>();
  if (json.contains("model")) report.model = json.at("model").get<QuantizedModel>();
  return report;
}

std::string trained_text(const Parent& trained) {
  return nlohmann::json{{"schema", kSchema}, {"network", trained.network}, {"parameters", trained.parameters}}.dump();
}

Parent parse_trained(const std::string& text, const std::string& place) {
  const auto json = parse_checked(text, place.c_str());
  return {json.at("network").get<Network>(), json.at("parameters").get<Parameters>()};
}

void make_folder(const std::string& path) {
  std::error_code failed;
  std::filesystem::create_directories(path, failed);
  if (failed) throw StoreError(path + ": cannot create: " + failed.message());
}

bool publish(const std::string& folder, const std::string& name, const std::string& content) {
  const std::string target = folder + "/" + name;
  const std::string temporary = target + "." + unique_suffix();
  write_durably(temporary, content);
  const bool first = ::link(temporary.c_str(), target.c_str()) == 0;
  if (!first && errno != EEXIST) disk_error(target, "cannot publish");
  ::unlink(temporary.c_str());
  return first;
}

void replace_file(const std::string& path, const std::string& content) {
  const std::string temporary = path + "." + unique_suffix();
  write_durably(temporary, content);
  if (::rename(temporary.c_str(), path.c_str()) != 0) disk_error(path, "cannot replace");
  sync_folder(std::filesystem::path(path).parent_path());
}

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  if (!in || !(text << in.rdbuf())) throw StoreError(path + ": cannot read");
  return text.str();
}

std::string last_line(const std::string& path) {
  std::ifstream in(path);
  std::string last;
  for (std::string line; std::getline(in, line);)
    if (!line.empty()) last = line;
  return last;
}

std::vector<std::filesystem::path> files_in(const std::string& folder) {
  std::vector<std::filesystem::path> files;
  std::error_code unreadable;
  for (std::filesystem::directory_iterator file(folder, unreadable), end; !unreadable && file != end;
       file.increment(unreadable))
    files.push_back(file->path());
  return files;
}

}  // namespace bitwright
