// SPDX-License-Identifier: Apache-2.0
#include "core/io/load_data.h"

#include <charconv>

#include "core/error.h"
#include "core/io/config_reader.h"
#include "core/io/csv.h"
#include "core/io/npy.h"
#include "core/io/simulator.h"
#include "core/io/split.h"

namespace bitwright {
namespace {

namespace fs = std::filesystem;

// An example not yet coded: physical value = sample * gain.
struct Example {
  const float* samples = nullptr;  // shape.elements() of them, HWC
  double gain = 1.0;
  int32_t label = 0, group = 0;
};

// Everything that a DataSpec names. Examples point into `storage`, so it moves and is never copied.
struct Examples {
  Shape shape;
  std::vector<std::string> classes;
  std::vector<std::vector<float>> storage;
  std::vector<Example> train, validation, test;
  std::string held_out;
  std::vector<std::string> warnings;

  Examples() = default;
  Examples(Examples&&) = default;
  Examples& operator=(Examples&&) = default;
};

enum class Part { kTraining, kTest, kAll };

[[noreturn]] void fail(const std::string& place, const std::string& rule) {
  throw DataError(place + ": " + rule);
}

// One class name per line; none if there is no such file.
std::vector<std::string> read_class_names(const fs::path& folder) {
  const fs::path path = folder / "labels.txt";
  if (!fs::exists(path)) return {};
  std::vector<std::string> names;
  std::string text = read_text_file(path.string());
  for (size_t start = 0; start < text.size();) {
    const size_t end = std::min(text.find('\n', start), text.size());
    std::string line = text.substr(start, end - start);
    if (line.ends_with('\r')) line.pop_back();
    if (!line.empty()) names.push_back(line);
    start = end + 1;
  }
  return names;
}

template <class T>
std::optional<T> as_number(const std::string& text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// ---- recordings ----

struct Recording {
  std::vector<float> samples;  // [n][channels]
  int channels = 1;
  double gain = 1.0;
  RecordingInfo info;
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
      fail(index.file, "column " + spec.label_column + " has no \"" + label + "\"" +
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
    fail(fmt::format("{}:{}", index.file, index.lines[row]),
         fmt::format("{} = {}: labels.txt has {} classes, 0..{}", index.columns[column], value, names.size(),
                     names.size() - 1));
  return static_cast<int>(value);
}

double gain_of_row(const CsvTable& index, size_t row, const std::string& column) {
  if (column.empty()) return 1.0;
  const std::string& text = index.rows[row][index.column(column)];
  const auto gain = as_number<double>(text);
  if (!gain || !std::isfinite(*gain) || *gain <= 0.0)
    fail(fmt::format("{}:{}", index.file, index.lines[row]), column + " = " + text + ": a number above 0");
  return *gain;
}

std::string text_of_row(const CsvTable& index, size_t row, const std::string& column) {
  return column.empty() ? "" : index.rows[row][index.column(column)];
}

Recording read_recording(const DataSpec& spec, const CsvTable& index, size_t row, int label) {
  const NpyArray array = read_npy((fs::path(spec.path) / index.rows[row][index.column("path")]).string());
  if (array.shape.empty() || array.shape.size() > 2) fail(array.file, "one or two dimensions: [samples, channels]");
  Recording recording;
  recording.samples = npy_floats(array);
  recording.channels = array.shape.size() == 2 ? static_cast<int>(array.shape[1]) : 1;
  recording.gain = gain_of_row(index, row, spec.gain_column);
  recording.info = {array.shape[0], label, text_of_row(index, row, spec.load_column),
                    text_of_row(index, row, spec.bearing_column)};
  return recording;
}

std::vector<Recording> read_recordings(const DataSpec& spec, std::vector<std::string>& classes) {
  const CsvTable index = read_csv((fs::path(spec.path) / spec.index).string());
  const size_t column = index.column(spec.label_column);
  const std::vector<std::string> labels = labels_in_use(spec, index, column);
  const std::vector<std::string> names = read_class_names(spec.path);
  const bool indices = labels_are_indices(spec, labels, names);
  classes = indices ? names : labels;
  std::vector<Recording> recordings;
  for (size_t row = 0; row < index.rows.size(); ++row) {
    if (is_left_out(index.rows[row][column])) continue;
    const int label = label_of_row(index, row, column, labels, names, indices);
    if (label < 0) continue;
    recordings.push_back(read_recording(spec, index, row, label));
    if (recordings.back().channels != recordings.front().channels)
      fail(fmt::format("{}:{}", index.file, index.lines[row]), "a recording with another number of channels");
  }
  if (recordings.empty()) fail(index.file, "no recording is in use");
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
        {std::move(simulated.samples), 1, 1.0, {samples, simulated.label, std::to_string(simulated.load), ""}});
  }
  return recordings;
}

std::vector<Example> windows_of(const std::vector<Recording>& recordings, const std::vector<WindowStart>& starts) {
  std::vector<Example> examples;
  for (const WindowStart& window : starts) {
    const Recording& recording = recordings[static_cast<size_t>(window.recording)];
    examples.push_back({recording.samples.data() + window.start * recording.channels, recording.gain,
                        recording.info.label, window.recording});
  }
  return examples;
}

Examples examples_of_recordings(const DataSpec& spec) {
  Examples out;
  std::vector<Recording> recordings =
      spec.kind == "simulator" ? simulated_recordings(spec, out.classes) : read_recordings(spec, out.classes);
  std::vector<RecordingInfo> infos;
  for (const Recording& recording : recordings) infos.push_back(recording.info);
  Split split = split_recordings(spec, infos, out.classes);
  out.shape = {spec.window, 1, recordings.front().channels};
  out.train = windows_of(recordings, split.train);
  out.validation = windows_of(recordings, split.validation);
  out.test = windows_of(recordings, split.test);
  out.held_out = std::move(split.held_out);
  out.warnings = std::move(split.warnings);
  for (Recording& recording : recordings) out.storage.push_back(std::move(recording.samples));
  return out;
}

// ---- npy: the files' own split ----

std::string npy_path(const DataSpec& spec, const std::string& name) {
  return (fs::path(spec.path) / name).string();
}

Shape example_shape(const DataSpec& spec, const NpyArray& x) {
  const auto side = [&](size_t i) {
    if (x.shape[i] < 1 || x.shape[i] > (1 << 24)) fail(x.file, "a side of its shape is out of range");
    return static_cast<int>(x.shape[i]);
  };
  switch (x.shape.size()) {
    case 2: return {side(1), 1, 1};
    case 3: return spec.layout == "image" ? Shape{side(1), side(2), 1} : Shape{side(1), 1, side(2)};
    case 4: return {side(1), side(2), side(3)};
    default: fail(x.file, "two to four dimensions, examples first");
  }
}

std::vector<int32_t> read_labels(const std::string& path, int64_t examples, size_t classes) {
  const NpyArray y = read_npy(path);
  const std::vector<int64_t> values = npy_integers(y);
  if (static_cast<int64_t>(values.size()) != examples)
    fail(path, fmt::format("{} labels for {} examples", values.size(), examples));
  std::vector<int32_t> labels;
  for (size_t i = 0; i < values.size(); ++i) {
    if (values[i] < 0 || values[i] >= static_cast<int64_t>(classes))
      fail(path, fmt::format("row {} = {}: labels.txt has {} classes, 0..{}", i, values[i], classes, classes - 1));
    labels.push_back(static_cast<int32_t>(values[i]));
  }
  return labels;
}

// x_PART.npy and y_PART.npy; the samples go to out.storage.
std::vector<Example> read_examples(const DataSpec& spec, const std::string& part, Examples& out) {
  const NpyArray x = read_npy(npy_path(spec, "x_" + part + ".npy"));
  const Shape shape = example_shape(spec, x);
  if (!out.storage.empty() && shape != out.shape) fail(x.file, "examples of another shape than those of x_train.npy");
  out.shape = shape;
  const auto labels = read_labels(npy_path(spec, "y_" + part + ".npy"), x.shape[0], out.classes.size());
  out.storage.push_back(npy_floats(x));
  std::vector<Example> examples;
  for (size_t i = 0; i < labels.size(); ++i)
    examples.push_back({out.storage.back().data() + static_cast<int64_t>(i) * shape.elements(), 1.0, labels[i], 0});
  return examples;
}

std::vector<int64_t> read_groups(const DataSpec& spec, size_t examples) {
  if (spec.group_file.empty()) return {};
  const std::string path = npy_path(spec, spec.group_file);
  std::vector<int64_t> groups = npy_integers(read_npy(path));
  if (groups.size() != examples) fail(path, fmt::format("{} groups for {} examples", groups.size(), examples));
  return groups;
}

void cut_validation(const DataSpec& spec, std::vector<Example> examples, Examples& out) {
  std::vector<int32_t> labels;
  for (const Example& example : examples) labels.push_back(example.label);
  const std::vector<int64_t> groups = read_groups(spec, examples.size());
  if (groups.empty())
    out.warnings.emplace_back(
        "validation is the last part of each class in file order: if neighbours are alike it flatters; name a "
        "group_file");
  std::vector<bool> validates(examples.size(), false);
  for (int64_t i : validation_examples(spec, labels, groups)) validates[static_cast<size_t>(i)] = true;
  for (size_t i = 0; i < examples.size(); ++i) {
    if (!groups.empty()) examples[i].group = static_cast<int32_t>(groups[i]);
    (validates[i] ? out.validation : out.train).push_back(examples[i]);
  }
}

Examples examples_of_npy(const DataSpec& spec, Part part) {
  Examples out;
  out.classes = read_class_names(spec.path);
  if (out.classes.empty()) fail(npy_path(spec, "labels.txt"), "needed: one class name per line");
  out.held_out = "the data set's own test files";
  out.storage.reserve(2);
  if (part != Part::kTest) cut_validation(spec, read_examples(spec, "train", out), out);
  if (part != Part::kTraining) out.test = read_examples(spec, "test", out);
  return out;
}

// ---- all kinds ----

std::vector<int64_t> class_counts(const std::vector<Example>& examples, size_t classes) {
  std::vector<int64_t> counts(classes, 0);
  for (const Example& example : examples) ++counts[static_cast<size_t>(example.label)];
  return counts;
}

void check_classes(const Examples& examples, const std::string& place, const std::vector<Example>& set,
                   const char* set_name) {
  if (examples.classes.size() < 2) fail(place, "at least two classes");
  const std::vector<int64_t> counts = class_counts(set, examples.classes.size());
  for (size_t i = 0; i < counts.size(); ++i)
    if (counts[i] == 0) fail(place, fmt::format("class {} has no window in the {} set", examples.classes[i], set_name));
}

Examples load_examples(const DataSpec& spec, Part part) {
  const std::string place = spec.path.empty() ? spec.kind : spec.path;
  Examples examples = spec.kind == "npy" ? examples_of_npy(spec, part) : examples_of_recordings(spec);
  if (part != Part::kTest) check_classes(examples, place, examples.train, "training");
  if (part != Part::kTest) check_classes(examples, place, examples.validation, "validation");
  if (part != Part::kTraining) check_classes(examples, place, examples.test, "test");
  return examples;
}

struct Moments {
  double mean = 0.0, deviation = 0.0, min = HUGE_VAL, max = -HUGE_VAL;
};

// Of one channel over all examples, in physical units; two passes, so that no digits cancel.
Moments channel_moments(const std::vector<Example>& examples, const Shape& shape, int channel) {
  const auto for_each = [&](const auto& visit) {
    for (const Example& example : examples)
      for (int64_t i = channel; i < shape.elements(); i += shape.c) visit(example.samples[i] * example.gain);
  };
  const double count = static_cast<double>(examples.size()) * shape.h * shape.w;
  Moments m;
  double sum = 0.0, squares = 0.0;
  for_each([&](double x) {
    sum += x;
    m.min = std::min(m.min, x);
    m.max = std::max(m.max, x);
  });
  m.mean = sum / count;
  for_each([&](double x) { squares += (x - m.mean) * (x - m.mean); });
  m.deviation = std::sqrt(squares / count);
  return m;
}

// Signed: mean and deviation of each channel, clip_sigmas at full scale, unit variance. Unsigned: 0..largest value
// over all codes (for 8-bit images the identity), the network sees 0..4.
FrontEnd learn_front_end(const DataSpec& spec, const Examples& examples) {
  FrontEnd front_end;
  front_end.output = examples.shape;
  front_end.format = spec.input_format;
  const bool is_count = is_unsigned(spec.input_format);
  const double full_scale = max_code(spec.input_format);
  front_end.input_scale = is_count ? 4.0 / (full_scale + 1.0) : spec.clip_sigmas / full_scale;
  for (int channel = 0; channel < examples.shape.c; ++channel) {
    const Moments m = channel_moments(examples.train, examples.shape, channel);
    const std::string place = fmt::format("{}: channel {}", spec.path.empty() ? spec.kind : spec.path, channel);
    if (!(m.max > m.min)) fail(place, fmt::format("constant ({:g}) in the whole training set", m.min));
    if (is_count && m.min < 0.0)
      fail(place, fmt::format("{:g} in the training set: {} needs values of at least 0", m.min,
                              format_name(spec.input_format)));
    front_end.mean.push_back(is_count ? 0.0 : m.mean);
    front_end.step.push_back(is_count ? m.max / full_scale : spec.clip_sigmas * m.deviation / full_scale);
  }
  return front_end;
}

// Signed codes stay symmetric: -127..127, so that negating a weight negates a product.
void append_codes(const Example& example, const FrontEnd& front_end, std::vector<int16_t>& codes) {
  const double high = max_code(front_end.format), low = is_unsigned(front_end.format) ? 0.0 : -high;
  const auto channels = static_cast<size_t>(front_end.output.c);
  const auto elements = static_cast<size_t>(front_end.output.elements());
  for (size_t i = 0; i < elements; ++i) {
    const size_t channel = i % channels;
    const double real = example.samples[i] * example.gain;
    const double code = std::round((real - front_end.mean[channel]) / front_end.step[channel]);
    codes.push_back(static_cast<int16_t>(std::clamp(code, low, high)));
  }
}

Dataset encode(const std::vector<Example>& examples, const std::vector<std::string>& classes,
               const FrontEnd& front_end) {
  Dataset data;
  data.front_end = front_end;
  data.classes = classes;
  data.codes.reserve(examples.size() * static_cast<size_t>(front_end.output.elements()));
  for (const Example& example : examples) {
    append_codes(example, front_end, data.codes);
    data.labels.push_back(example.label);
    data.groups.push_back(example.group);
  }
  return data;
}

}  // namespace

TrainingData load_training_data(const Study& study) {
  const Examples examples = load_examples(study.data, Part::kTraining);
  const FrontEnd front_end = learn_front_end(study.data, examples);
  return {encode(examples.train, examples.classes, front_end),
          encode(examples.validation, examples.classes, front_end), examples.warnings};
}

Dataset load_test_data(const Study& study, const FrontEnd& learnt_on_train) {
  const Examples examples = load_examples(study.data, Part::kTest);
  if (examples.shape != learnt_on_train.output)
    fail(study.data.path, "test examples have another shape than the front end");
  return encode(examples.test, examples.classes, learnt_on_train);
}

DataSummary summarize_data(const Study& study) {
  const Examples examples = load_examples(study.data, Part::kAll);
  const size_t classes = examples.classes.size();
  DataSummary summary;
  summary.classes = examples.classes;
  summary.input = examples.shape;
  summary.train = class_counts(examples.train, classes);
  summary.validation = class_counts(examples.validation, classes);
  summary.test = class_counts(examples.test, classes);
  summary.held_out = examples.held_out;
  summary.warnings = examples.warnings;
  return summary;
}

}  // namespace bitwright
