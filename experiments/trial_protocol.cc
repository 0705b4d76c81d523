// SPDX-License-Identifier: Apache-2.0
#include "experiments/trial_protocol.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "core/error.h"
#include "core/io/model_json.h"

namespace bitwright {
namespace {

constexpr int kSchema = 1;

[[noreturn]] void disk_error(const std::string& path, const char* what) {
  throw StoreError(path + ": " + what + ": " + std::strerror(errno));
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

}  // namespace

std::string spec_text(const TrialSpec& spec) {
  const nlohmann::json json = {{"schema", kSchema},    {"config", nlohmann::json::parse(spec.config_json)},
                               {"trial", spec.number}, {"attempt", spec.attempt},
                               {"seed", spec.seed},    {"network", spec.network}};
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
  return spec;
}

std::string report_text(const TrialReport& report) {
  nlohmann::json json = {{"schema", kSchema},
                         {"trial", report.number},
                         {"attempt", report.attempt},
                         {"failure", report.failure},
                         {"metrics", report.metrics},
                         {"epochs", report.epochs},
                         {"train_seconds", report.train_seconds}};
  if (report.model) json["model"] = *report.model;
  return json.dump();
}

TrialReport parse_report(const std::string& text) {
  const auto json = parse_checked(text, "trial result");
  TrialReport report;
  report.number = json.at("trial").get<int64_t>();
  report.attempt = json.at("attempt").get<int>();
  report.failure = json.at("failure").get<std::string>();
  report.metrics = json.at("metrics").get<Metrics>();
  report.epochs = json.at("epochs").get<std::vector<EpochRecord>>();
  report.train_seconds = json.at("train_seconds").get<double>();
  if (json.contains("model")) report.model = json.at("model").get<QuantizedModel>();
  return report;
}

bool publish(const std::string& folder, const std::string& name, const std::string& content) {
  const std::string target = folder + "/" + name;
  const std::string temporary = target + "." + std::to_string(::getpid()) + ".tmp";
  write_durably(temporary, content);
  const bool first = ::link(temporary.c_str(), target.c_str()) == 0;
  if (!first && errno != EEXIST) disk_error(target, "cannot publish");
  ::unlink(temporary.c_str());
  return first;
}

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  if (!in || !(text << in.rdbuf())) throw StoreError(path + ": cannot read");
  return text.str();
}

}  // namespace bitwright
