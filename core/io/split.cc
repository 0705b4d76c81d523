// SPDX-License-Identifier: Apache-2.0
#include "core/io/split.h"

#include <charconv>

#include "core/error.h"
#include "core/rng.h"

namespace bitwright {
namespace {

// Windows that lie wholly in [begin, end).
void cut(std::vector<WindowStart>& windows, int recording, int64_t begin, int64_t end, int window, int hop) {
  for (int64_t start = begin; start + window <= end; start += hop) windows.push_back({recording, start});
}

// The head of a recording trains, its last share validates.
void train_and_validate(const DataSpec& spec, int recording, int64_t end, double validation_share, Split& split) {
  const int64_t border = end - static_cast<int64_t>(static_cast<double>(end) * validation_share);
  cut(split.train, recording, 0, border, spec.window, spec.hop);
  cut(split.validation, recording, border + spec.window, end, spec.window, spec.window);
}

void test_whole(const DataSpec& spec, int recording, int64_t samples, Split& split) {
  cut(split.test, recording, 0, samples, spec.window, spec.window);
}

Split leave_load(const DataSpec& spec, const std::vector<RecordingInfo>& recordings) {
  Split split;
  split.held_out =
      fmt::format("the recordings with {} {}", spec.load_column.empty() ? "load" : spec.load_column, spec.held_out);
  for (int i = 0; i < static_cast<int>(recordings.size()); ++i) {
    const RecordingInfo& recording = recordings[static_cast<size_t>(i)];
    if (recording.load == spec.held_out)
      test_whole(spec, i, recording.samples, split);
    else
      train_and_validate(spec, i, recording.samples, spec.validation_share, split);
  }
  return split;
}

double as_number(const std::string& text) {
  double value = 0.0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? value : 0.0;
}

// The last load of a class: by number, then by text.
std::string last_load(const std::vector<RecordingInfo>& recordings, int label) {
  std::pair<double, std::string> last = {-HUGE_VAL, ""};
  for (const RecordingInfo& recording : recordings)
    if (recording.label == label) last = std::max(last, {as_number(recording.load), recording.load});
  return last.second;
}

Split leave_bearing(const DataSpec& spec, const std::vector<RecordingInfo>& recordings,
                    const std::vector<std::string>& classes) {
  std::map<int, std::set<std::string>> bearings;
  for (const RecordingInfo& recording : recordings) bearings[recording.label].insert(recording.bearing);
  Split split;
  split.held_out = fmt::format("the recordings with {} {}", spec.bearing_column, spec.held_out);
  for (const auto& [label, of_label] : bearings) {
    if (of_label.size() > 1) continue;
    const std::string load = last_load(recordings, label);
    split.warnings.push_back(fmt::format("class {} has one bearing only: its recordings with {} {} test",
                                         classes[static_cast<size_t>(label)], spec.load_column, load));
  }
  for (int i = 0; i < static_cast<int>(recordings.size()); ++i) {
    const RecordingInfo& recording = recordings[static_cast<size_t>(i)];
    const bool single = bearings[recording.label].size() == 1;
    const bool tests =
        single ? recording.load == last_load(recordings, recording.label) : recording.bearing == spec.held_out;
    if (tests)
      test_whole(spec, i, recording.samples, split);
    else
      train_and_validate(spec, i, recording.samples, spec.validation_share, split);
  }
  return split;
}

Split by_time(const DataSpec& spec, const std::vector<RecordingInfo>& recordings) {
  Split split;
  split.held_out = fmt::format("the last {:g} % in time of every recording", 100.0 * spec.test_share);
  split.warnings.emplace_back("every recording is on both sides of the split: unseen machines will do worse");
  for (int i = 0; i < static_cast<int>(recordings.size()); ++i) {
    const int64_t samples = recordings[static_cast<size_t>(i)].samples;
    const int64_t border = samples - static_cast<int64_t>(static_cast<double>(samples) * spec.test_share);
    train_and_validate(spec, i, border, spec.validation_share / (1.0 - spec.test_share), split);
    cut(split.test, i, border + spec.window, samples, spec.window, spec.window);
  }
  return split;
}

Split at_random(const DataSpec& spec, const std::vector<RecordingInfo>& recordings) {
  std::vector<WindowStart> all;
  for (int i = 0; i < static_cast<int>(recordings.size()); ++i)
    cut(all, i, 0, recordings[static_cast<size_t>(i)].samples, spec.window, spec.hop);
  Rng(spec.split_seed).shuffle(all);
  const auto part = [&](double share) { return static_cast<size_t>(static_cast<double>(all.size()) * share); };
  const size_t test = part(spec.test_share), validation = test + part(spec.validation_share);
  Split split;
  const auto slice = [&](size_t from, size_t to) {
    return std::vector<WindowStart>(all.begin() + static_cast<std::ptrdiff_t>(from),
                                    all.begin() + static_cast<std::ptrdiff_t>(to));
  };
  split.test = slice(0, test);
  split.validation = slice(test, validation);
  split.train = slice(validation, all.size());
  split.held_out = fmt::format("{:g} % of all windows, drawn at random", 100.0 * spec.test_share);
  split.warnings.emplace_back(
      "protocol random leaks: neighbouring or overlapping windows of one recording lie on both sides of the split; "
      "its accuracy says nothing about new recordings");
  return split;
}

Split split_by_protocol(const DataSpec& spec, const std::vector<RecordingInfo>& recordings,
                        const std::vector<std::string>& classes) {
  if (spec.protocol == "leave-load") return leave_load(spec, recordings);
  if (spec.protocol == "bearing") return leave_bearing(spec, recordings, classes);
  if (spec.protocol == "time") return by_time(spec, recordings);
  if (spec.protocol == "random") return at_random(spec, recordings);
  throw ConfigError("data.protocol = " + spec.protocol + ": unknown");
}

}  // namespace

Split split_recordings(const DataSpec& spec, const std::vector<RecordingInfo>& recordings,
                       const std::vector<std::string>& classes) {
  Split split = split_by_protocol(spec, recordings, classes);
  const std::pair<const char*, size_t> sets[] = {
      {"train", split.train.size()}, {"validation", split.validation.size()}, {"test", split.test.size()}};
  for (const auto& [name, size] : sets)
    if (size == 0)
      throw ConfigError(fmt::format("data: protocol {} leaves no window of {} samples to {} (held_out \"{}\")",
                                    spec.protocol, spec.window, name, spec.held_out));
  return split;
}

namespace {

std::vector<int64_t> last_of_each_class(double share, const std::vector<int32_t>& labels) {
  std::map<int32_t, std::vector<int64_t>> members;
  for (size_t i = 0; i < labels.size(); ++i) members[labels[i]].push_back(static_cast<int64_t>(i));
  std::vector<int64_t> chosen;
  for (const auto& [label, indices] : members) {
    const auto count = static_cast<std::ptrdiff_t>(static_cast<double>(indices.size()) * share);
    chosen.insert(chosen.end(), indices.end() - count, indices.end());
  }
  return chosen;
}

std::vector<int64_t> whole_groups(const DataSpec& spec, const std::vector<int64_t>& groups) {
  const std::set<int64_t> distinct(groups.begin(), groups.end());
  std::vector<int64_t> order(distinct.begin(), distinct.end());
  if (order.size() < 2) throw ConfigError("data.group_file = " + spec.group_file + ": at least two groups");
  Rng(spec.split_seed).shuffle(order);
  const double wanted = spec.validation_share * static_cast<double>(groups.size());
  std::set<int64_t> drawn;
  int64_t count = 0;
  for (size_t i = 0; i + 1 < order.size() && static_cast<double>(count) < wanted; ++i) {
    drawn.insert(order[i]);
    count += std::count(groups.begin(), groups.end(), order[i]);
  }
  std::vector<int64_t> chosen;
  for (size_t i = 0; i < groups.size(); ++i)
    if (drawn.contains(groups[i])) chosen.push_back(static_cast<int64_t>(i));
  return chosen;
}

}  // namespace

std::vector<int64_t> validation_examples(const DataSpec& spec, const std::vector<int32_t>& labels,
                                         const std::vector<int64_t>& groups) {
  std::vector<int64_t> chosen =
      groups.empty() ? last_of_each_class(spec.validation_share, labels) : whole_groups(spec, groups);
  std::sort(chosen.begin(), chosen.end());
  return chosen;
}

}  // namespace bitwright
