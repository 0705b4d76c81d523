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

// Where the training part of each recording ends; 0 where all of it tests.
using Ends = std::vector<int64_t>;

std::string column_name(const DataSpec& spec, const std::string& kind) {
  const std::string& column = kind == "load" ? spec.load_column : kind == "bearing" ? spec.bearing_column : "";
  return column.empty() ? kind : column;
}

const std::string& column_value(const RecordingInfo& recording, const std::string& kind) {
  return kind == "load" ? recording.load : kind == "bearing" ? recording.bearing : recording.name;
}

// Numbers by value, before texts.
bool comes_before(const std::string& a, const std::string& b) {
  const auto key = [](const std::string& text) {
    double value = HUGE_VAL;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool is_number = error == std::errc() && end == text.data() + text.size();
    return std::pair(is_number ? value : HUGE_VAL, text);
  };
  return key(a) < key(b);
}

std::vector<std::string> sorted(const std::set<std::string>& values) {
  std::vector<std::string> list(values.begin(), values.end());
  std::sort(list.begin(), list.end(), comes_before);
  return list;
}

void check_held_out(const DataSpec& spec, const std::vector<RecordingInfo>& recordings, const std::string& kind) {
  std::set<std::string> values;
  for (const RecordingInfo& recording : recordings) values.insert(column_value(recording, kind));
  if (!values.contains(spec.held_out))
    throw ConfigError(fmt::format("data.held_out = {}: {} has {}", spec.held_out, column_name(spec, kind),
                                  fmt::join(sorted(values), ", ")));
}

// Tests all of the recordings for which `tests` is true.
template <class Tests>
Ends test_whole_recordings(const DataSpec& spec, const std::vector<RecordingInfo>& recordings, const Tests& tests,
                           Split& split) {
  Ends ends;
  for (const RecordingInfo& recording : recordings) {
    const bool test = tests(recording);
    if (test) cut(split.test, static_cast<int>(ends.size()), 0, recording.samples, spec.window, spec.window);
    ends.push_back(test ? 0 : recording.samples);
  }
  return ends;
}

Ends leave_load(const DataSpec& spec, const std::vector<RecordingInfo>& recordings, Split& split) {
  check_held_out(spec, recordings, "load");
  split.held_out = fmt::format("the recordings with {} {}", column_name(spec, "load"), spec.held_out);
  return test_whole_recordings(
      spec, recordings, [&](const RecordingInfo& r) { return r.load == spec.held_out; }, split);
}

std::string last_load(const std::vector<RecordingInfo>& recordings, int label) {
  std::set<std::string> loads;
  for (const RecordingInfo& recording : recordings)
    if (recording.label == label) loads.insert(recording.load);
  return sorted(loads).back();
}

Ends leave_bearing(const DataSpec& spec, const std::vector<RecordingInfo>& recordings,
                   const std::vector<std::string>& classes, Split& split) {
  check_held_out(spec, recordings, "bearing");
  std::map<int, std::set<std::string>> bearings;
  for (const RecordingInfo& recording : recordings) bearings[recording.label].insert(recording.bearing);
  split.held_out = fmt::format("the recordings with {} {}", spec.bearing_column, spec.held_out);
  for (const auto& [label, of_label] : bearings) {
    if (of_label.size() > 1) continue;
    split.warnings.push_back(fmt::format("class {} has one bearing only: its recordings with {} {} test",
                                         classes[static_cast<size_t>(label)], spec.load_column,
                                         last_load(recordings, label)));
  }
  const auto tests = [&](const RecordingInfo& recording) {
    const bool single = bearings[recording.label].size() == 1;
    return single ? recording.load == last_load(recordings, recording.label) : recording.bearing == spec.held_out;
  };
  return test_whole_recordings(spec, recordings, tests, split);
}

Ends by_time(const DataSpec& spec, const std::vector<RecordingInfo>& recordings, Split& split) {
  split.held_out = fmt::format("the last {:g} % in time of every recording", 100.0 * spec.test_share);
  split.warnings.emplace_back("every recording is on both sides of the split: unseen machines will do worse");
  Ends ends;
  for (const RecordingInfo& recording : recordings) {
    const int64_t samples = recording.samples;
    const int64_t border = samples - static_cast<int64_t>(static_cast<double>(samples) * spec.test_share);
    cut(split.test, static_cast<int>(ends.size()), border + spec.window, samples, spec.window, spec.window);
    ends.push_back(border);
  }
  return ends;
}

Ends test_by_protocol(const DataSpec& spec, const std::vector<RecordingInfo>& recordings,
                      const std::vector<std::string>& classes, Split& split) {
  if (spec.protocol == "leave-load") return leave_load(spec, recordings, split);
  if (spec.protocol == "bearing") return leave_bearing(spec, recordings, classes, split);
  if (spec.protocol == "time") return by_time(spec, recordings, split);
  throw ConfigError("data.protocol = " + spec.protocol + ": unknown");
}

// ---- validation: a part of the training parts ----

bool by_column(const DataSpec& spec) {
  return spec.validation_by == "load" || spec.validation_by == "bearing" || spec.validation_by == "recording";
}

// The values by which a class can be told apart, and the classes that have only one.
struct ColumnFolds {
  std::vector<std::string> values;
  std::set<int> single_classes;
};

ColumnFolds column_folds(const DataSpec& spec, const std::vector<RecordingInfo>& recordings, const Ends& ends) {
  std::map<int, std::set<std::string>> of_class;
  for (size_t i = 0; i < recordings.size(); ++i)
    if (ends[i] > 0) of_class[recordings[i].label].insert(column_value(recordings[i], spec.validation_by));
  ColumnFolds folds;
  std::set<std::string> values;
  for (const auto& [label, of_label] : of_class) {
    if (of_label.size() == 1)
      folds.single_classes.insert(label);
    else
      values.insert(of_label.begin(), of_label.end());
  }
  if (values.empty())
    throw ConfigError(fmt::format("data.validation_by = {}: no class has two values of {} to train on",
                                  spec.validation_by, column_name(spec, spec.validation_by)));
  folds.values = sorted(values);
  return folds;
}

std::vector<std::string> names_with(const std::string& prefix, const std::vector<std::string>& values) {
  std::vector<std::string> names;
  for (const std::string& value : values) names.push_back(prefix + " " + value);
  return names;
}

std::vector<std::string> numbered_folds(int folds) {
  std::vector<std::string> names;
  for (int i = 1; i <= folds; ++i) names.push_back(fmt::format("fold {} of {}", i, folds));
  return names;
}

void check_fold(const DataSpec& spec, const std::vector<std::string>& names) {
  if (spec.fold < 0 || spec.fold >= static_cast<int>(names.size()))
    throw ConfigError(fmt::format("data.fold = {}: 0..{} are {}", spec.fold, static_cast<int>(names.size()) - 1,
                                  fmt::join(names, ", ")));
}

void last_share_validates(const DataSpec& spec, int recording, int64_t end, Split& split) {
  const double share =
      spec.protocol == "time" ? spec.validation_share / (1.0 - spec.test_share) : spec.validation_share;
  const int64_t border = end - static_cast<int64_t>(static_cast<double>(end) * share);
  cut(split.train, recording, 0, border, spec.window, spec.hop);
  cut(split.validation, recording, border + spec.window, end, spec.window, spec.window);
}

void stretch_validates(const DataSpec& spec, int recording, int64_t end, Split& split) {
  const int64_t begin = end * spec.fold / spec.folds, stop = end * (spec.fold + 1) / spec.folds;
  cut(split.train, recording, 0, begin, spec.window, spec.hop);
  cut(split.validation, recording, begin > 0 ? begin + spec.window : 0, stop, spec.window, spec.window);
  cut(split.train, recording, stop + spec.window, end, spec.window, spec.hop);
}

void value_validates(const DataSpec& spec, const std::vector<RecordingInfo>& recordings, const Ends& ends,
                     const std::vector<std::string>& classes, Split& split) {
  const ColumnFolds folds = column_folds(spec, recordings, ends);
  const std::string column = column_name(spec, spec.validation_by);
  check_fold(spec, names_with(column, folds.values));
  for (int label : folds.single_classes)
    split.warnings.push_back(fmt::format("class {} has one {} only to train on: the last {:g} % of it in time validate",
                                         classes[static_cast<size_t>(label)], column, 100.0 * spec.validation_share));
  for (int i = 0; i < static_cast<int>(recordings.size()); ++i) {
    const RecordingInfo& recording = recordings[static_cast<size_t>(i)];
    const int64_t end = ends[static_cast<size_t>(i)];
    if (folds.single_classes.contains(recording.label))
      last_share_validates(spec, i, end, split);
    else if (column_value(recording, spec.validation_by) == folds.values[static_cast<size_t>(spec.fold)])
      cut(split.validation, i, 0, end, spec.window, spec.window);
    else
      cut(split.train, i, 0, end, spec.window, spec.hop);
  }
}

void cut_training_parts(const DataSpec& spec, const std::vector<RecordingInfo>& recordings, const Ends& ends,
                        const std::vector<std::string>& classes, Split& split) {
  if (by_column(spec)) return value_validates(spec, recordings, ends, classes, split);
  const bool fold = spec.validation_by == "fold";
  if (fold) check_fold(spec, numbered_folds(spec.folds));
  for (int i = 0; i < static_cast<int>(ends.size()); ++i)
    (fold ? stretch_validates : last_share_validates)(spec, i, ends[static_cast<size_t>(i)], split);
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

}  // namespace

Split split_recordings(const DataSpec& spec, const std::vector<RecordingInfo>& recordings,
                       const std::vector<std::string>& classes) {
  Split split;
  if (spec.protocol == "random") {
    split = at_random(spec, recordings);
  } else {
    const Ends ends = test_by_protocol(spec, recordings, classes, split);
    cut_training_parts(spec, recordings, ends, classes, split);
  }
  const std::pair<const char*, size_t> sets[] = {
      {"train", split.train.size()}, {"validation", split.validation.size()}, {"test", split.test.size()}};
  for (const auto& [name, size] : sets)
    if (size == 0)
      throw ConfigError(fmt::format("data: protocol {} leaves no window of {} samples to {} (held_out \"{}\")",
                                    spec.protocol, spec.window, name, spec.held_out));
  return split;
}

std::vector<std::string> fold_names(const DataSpec& spec, const std::vector<RecordingInfo>& recordings,
                                    const std::vector<std::string>& classes) {
  if (spec.validation_by == "fold") return numbered_folds(spec.folds);
  if (!by_column(spec)) return {};
  Split ignored;
  const Ends ends = test_by_protocol(spec, recordings, classes, ignored);
  return names_with(column_name(spec, spec.validation_by), column_folds(spec, recordings, ends).values);
}

// ---- npy ----

namespace {

using Bound = std::function<std::ptrdiff_t(std::ptrdiff_t)>;

// Of each class in file order, the examples from `begin(n)` to `end(n)` of its n.
std::vector<int64_t> block_of_each_class(const std::vector<int32_t>& labels, const Bound& begin, const Bound& end) {
  std::map<int32_t, std::vector<int64_t>> members;
  for (size_t i = 0; i < labels.size(); ++i) members[labels[i]].push_back(static_cast<int64_t>(i));
  std::vector<int64_t> chosen;
  for (const auto& [label, indices] : members) {
    const auto n = static_cast<std::ptrdiff_t>(indices.size());
    chosen.insert(chosen.end(), indices.begin() + begin(n), indices.begin() + end(n));
  }
  return chosen;
}

std::vector<int64_t> last_of_each_class(double share, const std::vector<int32_t>& labels) {
  const auto begin = [&](std::ptrdiff_t n) { return n - static_cast<std::ptrdiff_t>(static_cast<double>(n) * share); };
  return block_of_each_class(labels, begin, [](std::ptrdiff_t n) { return n; });
}

std::vector<int64_t> fold_of_each_class(const DataSpec& spec, const std::vector<int32_t>& labels) {
  return block_of_each_class(
      labels, [&](std::ptrdiff_t n) { return n * spec.fold / spec.folds; },
      [&](std::ptrdiff_t n) { return n * (spec.fold + 1) / spec.folds; });
}

std::vector<int64_t> distinct_groups(const DataSpec& spec, const std::vector<int64_t>& groups) {
  const std::set<int64_t> distinct(groups.begin(), groups.end());
  if (distinct.size() < 2) throw ConfigError("data.group_file = " + spec.group_file + ": at least two groups");
  return {distinct.begin(), distinct.end()};
}

std::vector<int64_t> examples_of(const std::set<int64_t>& drawn, const std::vector<int64_t>& groups) {
  std::vector<int64_t> chosen;
  for (size_t i = 0; i < groups.size(); ++i)
    if (drawn.contains(groups[i])) chosen.push_back(static_cast<int64_t>(i));
  return chosen;
}

std::vector<int64_t> whole_groups(const DataSpec& spec, const std::vector<int64_t>& groups) {
  std::vector<int64_t> order = distinct_groups(spec, groups);
  Rng(spec.split_seed).shuffle(order);
  const double wanted = spec.validation_share * static_cast<double>(groups.size());
  std::set<int64_t> drawn;
  int64_t count = 0;
  for (size_t i = 0; i + 1 < order.size() && static_cast<double>(count) < wanted; ++i) {
    drawn.insert(order[i]);
    count += std::count(groups.begin(), groups.end(), order[i]);
  }
  return examples_of(drawn, groups);
}

std::vector<int64_t> dealt_groups(const DataSpec& spec, const std::vector<int64_t>& groups) {
  std::vector<int64_t> order = distinct_groups(spec, groups);
  if (static_cast<int>(order.size()) < spec.folds)
    throw ConfigError(fmt::format("data.folds = {}: {} has {} groups", spec.folds, spec.group_file, order.size()));
  Rng(spec.split_seed).shuffle(order);
  std::set<int64_t> drawn;
  for (size_t i = static_cast<size_t>(spec.fold); i < order.size(); i += static_cast<size_t>(spec.folds))
    drawn.insert(order[i]);
  return examples_of(drawn, groups);
}

std::vector<int64_t> chosen_examples(const DataSpec& spec, const std::vector<int32_t>& labels,
                                     const std::vector<int64_t>& groups) {
  if (spec.validation_by == "group")
    return examples_of({distinct_groups(spec, groups)[static_cast<size_t>(spec.fold)]}, groups);
  if (spec.validation_by == "fold")
    return groups.empty() ? fold_of_each_class(spec, labels) : dealt_groups(spec, groups);
  return groups.empty() ? last_of_each_class(spec.validation_share, labels) : whole_groups(spec, groups);
}

// "subject" of "subject_train.npy".
std::string group_word(const std::string& group_file) {
  const std::string stem = std::filesystem::path(group_file).stem().string();
  return stem.ends_with("_train") ? stem.substr(0, stem.size() - 6) : stem;
}

}  // namespace

std::vector<int64_t> validation_examples(const DataSpec& spec, const std::vector<int32_t>& labels,
                                         const std::vector<int64_t>& groups) {
  if (spec.validation_by != "share") check_fold(spec, fold_names(spec, groups));
  std::vector<int64_t> chosen = chosen_examples(spec, labels, groups);
  std::sort(chosen.begin(), chosen.end());
  return chosen;
}

std::vector<std::string> fold_names(const DataSpec& spec, const std::vector<int64_t>& groups) {
  if (spec.validation_by == "fold") return numbered_folds(spec.folds);
  if (spec.validation_by != "group") return {};
  std::vector<std::string> values;
  for (int64_t group : distinct_groups(spec, groups)) values.push_back(std::to_string(group));
  return names_with(group_word(spec.group_file), values);
}

}  // namespace bitwright
