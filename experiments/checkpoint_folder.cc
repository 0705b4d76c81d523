// SPDX-License-Identifier: Apache-2.0
#include "experiments/checkpoint_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <functional>
#include <optional>
#include <vector>

#include "experiments/trial_protocol.h"

namespace bitwright {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "trial-";

// Of trial-12-e3.end: 12.
std::optional<int64_t> number_in(const std::string& name) {
  int64_t number = 0;
  if (!name.starts_with(kPrefix)) return std::nullopt;
  const char* begin = name.data() + kPrefix.size();
  const auto [end, error] = std::from_chars(begin, name.data() + name.size(), number);
  const bool ends = *end == '-' || *end == '.';  // trial-12.ckpt was of an earlier version
  return error == std::errc() && ends ? std::optional(number) : std::nullopt;
}

// Of trial-12-e3.end: 3; of another name 0.
int epochs_in(const std::string& name) {
  const size_t at = name.rfind("-e");
  return at == name.npos ? 0 : std::atoi(name.c_str() + at + 2);
}

// What will not go stays: nothing depends on it.
void remove_where(const std::string& folder, const std::function<bool(const std::string&)>& matches) {
  std::error_code ignored;
  for (const fs::path& file : files_in(folder))
    if (matches(file.filename())) fs::remove(file, ignored);
}

}  // namespace

CheckpointFolder::CheckpointFolder(std::string path, int64_t most_bytes)
    : path_(std::move(path)), most_bytes_(most_bytes) {
  make_folder(path_);
}

CheckpointFolder::~CheckpointFolder() {
  std::error_code not_empty;
  fs::remove(path_, not_empty);
}

std::string CheckpointFolder::of_trial(int64_t number) const {
  return fmt::format("{}/{}{}", path_, kPrefix, number);
}

void CheckpointFolder::stored(const Trial& trial) const {
  const bool stopped = trial.state == TrialState::kStopped;
  std::string latest;
  for (const fs::path& file : files_in(path_)) {
    const std::string name = file.filename();
    if (stopped && number_in(name) == trial.number && is_end_file(name) && epochs_in(name) >= epochs_in(latest))
      latest = name;
  }
  remove_where(path_, [&](const std::string& name) { return number_in(name) == trial.number && name != latest; });
  if (stopped) keep_to_size();
}

void CheckpointFolder::keep_only(const std::set<int64_t>& trials) const {
  remove_where(path_, [&](const std::string& name) {
    const std::optional<int64_t> number = number_in(name);
    return number && !trials.contains(*number);
  });
}

void CheckpointFolder::keep_to_size() const {
  if (most_bytes_ == 0) return;
  struct End {
    fs::file_time_type written;
    int64_t bytes = 0;
    fs::path path;
  };
  std::vector<End> ends;
  for (const fs::path& path : files_in(path_)) {
    std::error_code gone;
    const auto bytes = static_cast<int64_t>(fs::file_size(path, gone));
    const auto written = fs::last_write_time(path, gone);
    if (!gone && is_end_file(path)) ends.push_back({written, bytes, path});
  }
  std::ranges::sort(ends, std::greater(), &End::written);
  int64_t kept = 0;
  std::error_code ignored;
  for (const End& end : ends)
    if ((kept += end.bytes) > most_bytes_) fs::remove(end.path, ignored);
}

}  // namespace bitwright
