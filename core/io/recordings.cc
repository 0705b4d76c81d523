// SPDX-License-Identifier: Apache-2.0
// Long recordings, listed in a CSV file or simulated, cut into windows.
#include <charconv>

#include "core/error.h"
#include "core/io/config_reader.h"
#include "core/io/csv.h"
#include "core/io/examples.h"
#include "core/io/npy.h"
#include "core/io/simulator.h"
#include "core/io/split.h"

namespace bitwright {
namespace {

namespace fs = std::filesystem;

template <class T>
std::optional<T> as_number(const std::string& text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

struct Recording {
  std::vector<float> samples;  // [n][channels]
  int channels = 1;
  double gain = 1.0;
  RecordingInfo info;
  std::vector<int32_t> labels;  // of each sample; empty: info.label is that of all
};

bool is_left_out(const std::string& label) {
  return label.empty() || label == "-1";
}

// Labels in use, in class order: `keep` as given, else all found, integers by value.
std::vector<std::string> labels_in_use(const DataSpec& spec, const CsvTable& index, size_t column) {
  std::set<std::string> found;
  for (const auto& row : index.rows)
    if (!is_left_out(row[column])) found.insert(row[column]);
  for (const std::string& label : spec.keep_labels)
    if (!found.contains(label))
      fail_data(index.file, "column " + spec.label_column + " has no \"" + label + "\"" +
                                did_you_mean(label, {found.begin(), found.end()}));
  if (!spec.keep_labels.empty()) return spec.keep_labels;
  std::vector<std::string> labels(found.begin(), found.end());
  std::stable_sort(labels.begin(), labels.end(), [](const std::string& a, const std::string& b) {
    const auto x = as_number<int64_t>(a), y = as_number<int64_t>(b);
    return x && y ? *x < *y : a < b;
  });
  return labels;
}

// Integer labels are lines of labels.txt, if there is one and no list to keep.
bool labels_are_indices(const DataSpec& spec, const std::vector<std::string>& labels,
                        const std::vector<std::string>& names) {
  return spec.keep_labels.empty() && !names.empty() &&
         std::all_of(labels.begin(), labels.end(),
                     [](const std::string& l) { return as_number<int64_t>(l).has_value(); });
}

int label_of_row(const CsvTable& index, size_t row, size_t column, const std::vector<std::string>& labels,
                 const std::vector<std::string>& names, bool indices) {
  const std::string& text = index.rows[row][column];
  if (!indices) {
    const auto found = std::find(labels.begin(), labels.end(), text);
    return found == labels.end() ? -1 : static_cast<int>(found - labels.begin());
  }
  const int64_t value = *as_number<int64_t>(text);
  if (value < 0 || value >= static_cast<int64_t>(names.size()))
    fail_data(fmt::format("{}:{}", index.file, index.lines[row]),
              fmt::format("{} = {}: labels.txt has {} classes, 0..{}", index.columns[column], value, names.size(),
                          names.size() - 1));
  return static_cast<int>(value);
}

double gain_of_row(const CsvTable& index, size_t row, const std::string& column) {
  if (column.empty()) return 1.0;
  const std::string& text = index.rows[row][index.column(column)];
  const auto gain = as_number<double>(text);
  if (!gain || !std::isfinite(*gain) || *gain <= 0.0)
    fail_data(fmt::format("{}:{}", index.file, index.lines[row]), column + " = " + text + ": a number above 0");
  return *gain;
}

std::string text_of_row(const CsvTable& index, size_t row, const std::string& column) {
  return column.empty() ? "" : index.rows[row][index.column(column)];
}

// `pattern` with each {column} replaced by the row's value.
std::string file_of_row(const DataSpec& spec, const CsvTable& index, size_t row, const std::string& pattern) {
  std::string name;
  for (size_t at = 0; at < pattern.size();) {
    const size_t open = std::min(pattern.find('{', at), pattern.size());
    name += pattern.substr(at, open - at);
    if (open == pattern.size()) break;
    const size_t close = pattern.find('}', open);
    if (close == std::string::npos) fail_data(index.file, "\"" + pattern + "\" lacks a }");
    name += index.rows[row][index.column(pattern.substr(open + 1, close - open - 1))];
    at = close + 1;
  }
  return (fs::path(spec.path) / name).string();
}

Recording read_recording(const DataSpec& spec, const CsvTable& index, size_t row, int label) {
  const NpyArray array = read_npy(file_of_row(spec, index, row, spec.files));
  if (array.shape.empty() || array.shape.size() > 2)
    fail_data(array.file, "one or two dimensions: [samples, channels]");
  if (array.shape.size() == 2 && (array.shape[1] < 1 || array.shape[1] > 65536))
    fail_data(array.file, fmt::format("{} channels: 1..65536", array.shape[1]));
  Recording recording;
  recording.samples = npy_floats(array);
  recording.channels = array.shape.size() == 2 ? static_cast<int>(array.shape[1]) : 1;
  recording.gain = gain_of_row(index, row, spec.gain_column);
  recording.info = {array.shape[0], label, text_of_row(index, row, spec.load_column),
                    text_of_row(index, row, spec.bearing_column),
                    fs::path(array.file).lexically_relative(spec.path).string()};
  return recording;
}

void check_channels(const CsvTable& index, size_t row, const std::vector<Recording>& recordings) {
  const int found = recordings.back().channels, first = recordings.front().channels;
  if (found != first)
    fail_data(fmt::format("{}:{}", index.file, index.lines[row]),
              fmt::format("a recording of {} channels after one of {}", found, first));
}

// Each recording has one label, in a column of the index.
std::vector<Recording> read_labelled_rows(const DataSpec& spec, const CsvTable& index,
                                          std::vector<std::string>& classes) {
  const size_t column = index.column(spec.label_column);
  const std::vector<std::string> labels = labels_in_use(spec, index, column);
  const std::vector<std::string> names = read_names((fs::path(spec.path) / "labels.txt").string());
  const bool indices = labels_are_indices(spec, labels, names);
  classes = indices ? names : labels;
  std::vector<Recording> recordings;
  for (size_t row = 0; row < index.rows.size(); ++row) {
    if (is_left_out(index.rows[row][column])) continue;
    const int label = label_of_row(index, row, column, labels, names, indices);
    if (label < 0) continue;
    recordings.push_back(read_recording(spec, index, row, label));
    check_channels(index, row, recordings);
  }
  return recordings;
}

// Each sample has a label, in a file beside its recording's.
std::vector<Recording> read_labelled_samples(const DataSpec& spec, const CsvTable& index,
                                             std::vector<std::string>& classes) {
  const std::string names = (fs::path(spec.path) / "labels.txt").string();
  classes = read_names(names);
  if (classes.empty()) fail_data(names, "needed: one class name per line");
  std::vector<Recording> recordings;
  for (size_t row = 0; row < index.rows.size(); ++row) {
    Recording recording = read_recording(spec, index, row, normal_class(spec, classes));
    recording.labels =
        read_labels(file_of_row(spec, index, row, spec.label_files), recording.info.samples, "samples", classes.size());
    recordings.push_back(std::move(recording));
    check_channels(index, row, recordings);
  }
  return recordings;
}

std::vector<Recording> read_recordings(const DataSpec& spec, std::vector<std::string>& classes) {
  const CsvTable index = read_csv((fs::path(spec.path) / spec.index).string());
  std::vector<Recording> recordings =
      spec.label_files.empty() ? read_labelled_rows(spec, index, classes) : read_labelled_samples(spec, index, classes);
  if (recordings.empty()) fail_data(index.file, "no recording is in use");
  return recordings;
}

std::vector<Recording> simulated_recordings(const DataSpec& spec, std::vector<std::string>& classes) {
  for (int state = 0; state < kBearingStates; ++state)
    classes.push_back(bearing_state_name(static_cast<BearingState>(state)));
  SimulatorSpec simulator;
  simulator.recordings = spec.simulated_recordings;
  simulator.samples = spec.simulated_samples;
  simulator.seed = spec.split_seed;
  std::vector<Recording> recordings;
  for (SimulatedRecording& simulated : simulate_bearings(simulator)) {
    const auto samples = static_cast<int64_t>(simulated.samples.size());
    recordings.push_back(
        {std::move(simulated.samples),
         1,
         1.0,
         {samples, simulated.label, std::to_string(simulated.load), "", std::to_string(recordings.size())},
         {}});
  }
  return recordings;
}

// A window is as its first sample that is not normal; normal if there is none.
int32_t label_of_window(const DataSpec& spec, const Recording& recording, int64_t start, int32_t normal) {
  if (recording.labels.empty()) return recording.info.label;
  const auto begin = recording.labels.begin() + start, end = begin + spec.window;
  const auto found = std::find_if(begin, end, [&](int32_t label) { return label != normal; });
  return found == end ? normal : *found;
}

std::vector<Example> windows_of(const DataSpec& spec, const std::vector<Recording>& recordings,
                                const std::vector<WindowStart>& starts) {
  std::vector<Example> examples;
  for (const WindowStart& window : starts) {
    const Recording& recording = recordings[static_cast<size_t>(window.recording)];
    examples.push_back({recording.samples.data() + window.start * recording.channels, recording.gain,
                        label_of_window(spec, recording, window.start, recording.info.label), window.recording});
  }
  return examples;
}

std::vector<Recording> recordings_of(const DataSpec& spec, std::vector<std::string>& classes) {
  return spec.kind == "simulator" ? simulated_recordings(spec, classes) : read_recordings(spec, classes);
}

std::vector<RecordingInfo> infos_of(const std::vector<Recording>& recordings) {
  std::vector<RecordingInfo> infos;
  for (const Recording& recording : recordings) infos.push_back(recording.info);
  return infos;
}

}  // namespace

Examples examples_of_recordings(const DataSpec& spec) {
  Examples out;
  std::vector<Recording> recordings = recordings_of(spec, out.classes);
  Split split = split_recordings(spec, infos_of(recordings), out.classes);
  out.shape = {spec.window, 1, recordings.front().channels};
  out.train = windows_of(spec, recordings, split.train);
  out.validation = windows_of(spec, recordings, split.validation);
  out.test = windows_of(spec, recordings, split.test);
  out.held_out = std::move(split.held_out);
  out.warnings = std::move(split.warnings);
  for (Recording& recording : recordings) out.storage.push_back(std::move(recording.samples));
  return out;
}

std::vector<std::string> recording_fold_names(const DataSpec& spec) {
  std::vector<std::string> classes;
  const std::vector<Recording> recordings = recordings_of(spec, classes);
  return fold_names(spec, infos_of(recordings), classes);
}

}  // namespace bitwright
