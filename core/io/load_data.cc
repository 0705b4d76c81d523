// SPDX-License-Identifier: Apache-2.0
#include "core/io/load_data.h"

#include "core/error.h"
#include "core/io/config_reader.h"
#include "core/io/examples.h"
#include "core/io/npy.h"
#include "core/io/utf8.h"
#include "core/io/yaml.h"

namespace bitwright {
namespace {

// Examples of each class; of a regression one number, all.
std::vector<int64_t> class_counts(const std::vector<Example>& examples, const std::vector<std::string>& classes) {
  std::vector<int64_t> counts(std::max<size_t>(classes.size(), 1), 0);
  for (const Example& example : examples) ++counts[static_cast<size_t>(example.label)];
  return counts;
}

// Class 0 becomes the normal one, the others keep their order; anomalous windows do not train.
void put_normal_first(const DataSpec& spec, Examples& examples) {
  const int32_t normal = normal_class(spec, examples.classes);
  const auto first = examples.classes.begin();
  std::rotate(first, first + normal, first + normal + 1);
  for (std::vector<Example>* set : {&examples.train, &examples.validation, &examples.test})
    for (Example& example : *set)
      example.label = example.label == normal ? 0 : example.label < normal ? example.label + 1 : example.label;
  std::erase_if(examples.train, [](const Example& example) { return example.label != 0; });
}

// One of the three sets, and what its examples must be.
struct SetRule {
  const char* name;
  bool every_class = true;  // classification: else a class that is missing is only told
  bool anomalies = true;    // anomalies: it must have some besides normal windows
};

void check_set(const DataSpec& spec, const std::vector<Example>& set, const SetRule& rule, Examples& examples) {
  const std::string place = data_place(spec);
  const std::vector<int64_t> counts = class_counts(set, examples.classes);
  if (spec.task == Task::kAnomaly) {
    if (counts[0] == 0) fail_data(place, fmt::format("no normal window is in the {} set", rule.name));
    if (rule.anomalies && counts[0] == static_cast<int64_t>(set.size()))
      fail_data(place, fmt::format("no anomalous window is in the {} set", rule.name));
  }
  if (set.empty()) fail_data(place, fmt::format("no window is in the {} set", rule.name));
  if (spec.task != Task::kClassification) return;
  for (size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] > 0) continue;
    const std::string line = fmt::format("class {} has no window in the {} set", examples.classes[i], rule.name);
    if (rule.every_class) fail_data(place, line);
    examples.warnings.push_back(line);
  }
}

// A fold of whole recordings or groups may lack a class.
bool validates_by_value(const DataSpec& spec) {
  return spec.validation_by != "share" && spec.validation_by != "fold";
}

Examples load_examples(const DataSpec& spec, Part part) {
  Examples examples = spec.kind == "npy" ? examples_of_npy(spec, part) : examples_of_recordings(spec);
  if (spec.task != Task::kRegression && examples.classes.size() < 2)
    fail_data(data_place(spec), "at least two classes");
  if (spec.task == Task::kAnomaly) put_normal_first(spec, examples);
  if (part != Part::kTest) {
    check_set(spec, examples.train, {.name = "training", .anomalies = false}, examples);
    check_set(spec, examples.validation, {.name = "validation", .every_class = !validates_by_value(spec)}, examples);
  }
  if (part != Part::kTraining) check_set(spec, examples.test, {.name = "test"}, examples);
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
    const std::string place = fmt::format("{}: channel {}", data_place(spec), channel);
    if (!(m.max > m.min)) fail_data(place, fmt::format("constant ({:g}) in the whole training set", m.min));
    if (is_count && m.min < 0.0)
      fail_data(place, fmt::format("{:g} in the training set: {} needs values of at least 0", m.min,
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

// Each target's mean and deviation over the training examples.
struct TargetMoments {
  std::vector<double> mean, deviation;
};

TargetMoments learn_targets(const DataSpec& spec, const Examples& examples) {
  TargetMoments moments;
  const auto count = static_cast<double>(examples.train.size());
  for (size_t t = 0; t < examples.target_names.size(); ++t) {
    double mean = 0.0, squares = 0.0;
    for (const Example& example : examples.train) mean += example.targets[t] / count;
    for (const Example& example : examples.train) squares += std::pow(example.targets[t] - mean, 2);
    const auto same = [&](const Example& example) { return example.targets[t] == examples.train.front().targets[t]; };
    if (std::all_of(examples.train.begin(), examples.train.end(), same))
      fail_data(spec.path + "/y_train.npy",
                fmt::format("target {} is constant ({:g}) in the whole training set", examples.target_names[t], mean));
    moments.mean.push_back(mean);
    moments.deviation.push_back(std::sqrt(squares / count));
  }
  return moments;
}

void append_targets(const Example& example, const TargetMoments& moments, std::vector<float>& targets) {
  for (size_t t = 0; t < moments.mean.size(); ++t)
    targets.push_back(static_cast<float>((example.targets[t] - moments.mean[t]) / moments.deviation[t]));
}

// What is learnt on the training examples and coded into every set.
struct Coding {
  FrontEnd front_end;
  TargetMoments targets;
};

Dataset encode(const DataSpec& spec, const std::vector<Example>& set, const Examples& examples, const Coding& coding) {
  Dataset data;
  data.task = spec.task;
  data.front_end = coding.front_end;
  data.classes = examples.classes;
  data.target_names = examples.target_names;
  data.target_mean = coding.targets.mean;
  data.target_deviation = coding.targets.deviation;
  data.codes.reserve(set.size() * static_cast<size_t>(coding.front_end.output.elements()));
  for (const Example& example : set) {
    append_codes(example, coding.front_end, data.codes);
    append_targets(example, coding.targets, data.targets);
    data.labels.push_back(example.label);
    data.groups.push_back(example.group);
  }
  return data;
}

}  // namespace

TrainingData load_training_data(const Study& study) {
  const Examples examples = load_examples(study.data, Part::kTraining);
  const Coding coding = {learn_front_end(study.data, examples), learn_targets(study.data, examples)};
  return {encode(study.data, examples.train, examples, coding),
          encode(study.data, examples.validation, examples, coding), examples.warnings};
}

Dataset load_test_data(const Study& study, const FrontEnd& learnt_on_train) {
  const bool regression = study.data.task == Task::kRegression;  // its targets are learnt again
  const Examples examples = load_examples(study.data, regression ? Part::kAll : Part::kTest);
  if (examples.shape != learnt_on_train.output)
    fail_data(study.data.path, "test examples have another shape than the front end");
  const Coding coding = {learnt_on_train, learn_targets(study.data, examples)};
  return encode(study.data, examples.test, examples, coding);
}

DataSummary summarize_data(const Study& study) {
  const Examples examples = load_examples(study.data, Part::kAll);
  DataSummary summary;
  summary.task = study.data.task;
  summary.classes = examples.classes;
  summary.targets = examples.target_names;
  summary.input = examples.shape;
  summary.train = class_counts(examples.train, examples.classes);
  summary.validation = class_counts(examples.validation, examples.classes);
  summary.test = class_counts(examples.test, examples.classes);
  summary.held_out = examples.held_out;
  summary.warnings = examples.warnings;
  return summary;
}

std::vector<std::string> fold_names(const Study& study) {
  return study.data.kind == "npy" ? npy_fold_names(study.data) : recording_fold_names(study.data);
}

void fail_data(const std::string& place, const std::string& rule) {
  throw DataError(fmt::format("{}: {}", place, rule));
}

std::string data_place(const DataSpec& spec) {
  return spec.path.empty() ? spec.kind : spec.path;
}

std::vector<int32_t> read_labels(const std::string& path, int64_t count, const char* what, size_t classes) {
  const std::vector<int64_t> values = npy_integers(read_npy(path));
  if (static_cast<int64_t>(values.size()) != count)
    fail_data(path, fmt::format("{} labels for {} {}", values.size(), count, what));
  std::vector<int32_t> labels;
  for (size_t i = 0; i < values.size(); ++i) {
    if (values[i] < 0 || values[i] >= static_cast<int64_t>(classes))
      fail_data(path, fmt::format("row {} = {}: labels.txt has {} classes, 0..{}", i, values[i], classes, classes - 1));
    labels.push_back(static_cast<int32_t>(values[i]));
  }
  return labels;
}

std::vector<std::string> read_names(const std::string& path) {
  if (!std::filesystem::exists(path)) return {};
  std::vector<std::string> names;
  const std::string text = read_text_file(path);
  int line_number = 1;
  for (size_t start = 0; start < text.size(); ++line_number) {
    const size_t end = std::min(text.find('\n', start), text.size());
    std::string line = text.substr(start, end - start);
    if (!is_utf8(line)) fail_data(fmt::format("{}:{}", path, line_number), "not UTF-8");
    if (line.ends_with('\r')) line.pop_back();
    if (!line.empty()) names.push_back(line);
    start = end + 1;
  }
  return names;
}

int32_t normal_class(const DataSpec& spec, const std::vector<std::string>& classes) {
  const auto found = std::find(classes.begin(), classes.end(), spec.normal);
  if (found == classes.end())
    fail_data(data_place(spec), fmt::format("data.normal = {}: no such class{}; there are {}", spec.normal,
                                            did_you_mean(spec.normal, classes), fmt::join(classes, ", ")));
  return static_cast<int32_t>(found - classes.begin());
}

}  // namespace bitwright
