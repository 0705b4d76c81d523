// SPDX-License-Identifier: Apache-2.0
// Examples that come ready in NPY files, with the files' own split.
#include "core/io/examples.h"
#include "core/io/npy.h"
#include "core/io/split.h"

namespace bitwright {
namespace {

std::string npy_path(const DataSpec& spec, const std::string& name) {
  return (std::filesystem::path(spec.path) / name).string();
}

Shape example_shape(const DataSpec& spec, const NpyArray& x) {
  const auto side = [&](size_t i) {
    if (x.shape[i] < 1 || x.shape[i] > (1 << 24)) fail_data(x.file, "a side of its shape is out of range");
    return static_cast<int>(x.shape[i]);
  };
  switch (x.shape.size()) {
    case 2: return {side(1), 1, 1};
    case 3: return spec.layout == "image" ? Shape{side(1), side(2), 1} : Shape{side(1), 1, side(2)};
    case 4: return {side(1), side(2), side(3)};
    default: fail_data(x.file, "two to four dimensions, examples first");
  }
}

// y_PART.npy of a regression, [n] or [n, targets], into out.storage; names them.
const float* read_targets(const DataSpec& spec, const std::string& path, int64_t examples, Examples& out) {
  const NpyArray y = read_npy(path);
  if (y.shape.empty() || y.shape.size() > 2) fail_data(path, "one or two dimensions: [examples, targets]");
  if (y.shape[0] != examples) fail_data(path, fmt::format("{} rows of targets for {} examples", y.shape[0], examples));
  const int64_t targets = y.shape.size() == 2 ? y.shape[1] : 1;
  if (targets < 1 || targets > 4096) fail_data(path, fmt::format("{} targets: 1..4096", targets));
  const std::string names_file = npy_path(spec, "targets.txt");
  std::vector<std::string> names = read_names(names_file);
  for (int64_t t = 0; t < targets && !std::filesystem::exists(names_file); ++t)
    names.push_back(targets == 1 ? "target" : fmt::format("target{}", t));
  if (static_cast<int64_t>(names.size()) != targets)
    fail_data(path, fmt::format("{} targets, but targets.txt names {}", targets, names.size()));
  if (!out.target_names.empty() && out.target_names != names)
    fail_data(path, fmt::format("{} targets where y_train.npy has {}", targets, out.target_names.size()));
  out.target_names = std::move(names);
  out.storage.push_back(npy_floats(y));
  return out.storage.back().data();
}

// x_PART.npy and y_PART.npy; samples and targets go to out.storage.
std::vector<Example> read_examples(const DataSpec& spec, const std::string& part, Examples& out) {
  const NpyArray x = read_npy(npy_path(spec, "x_" + part + ".npy"));
  const Shape shape = example_shape(spec, x);
  if (!out.storage.empty() && shape != out.shape)
    fail_data(x.file, "examples of another shape than those of x_train.npy");
  out.shape = shape;
  out.storage.push_back(npy_floats(x));
  const float* samples = out.storage.back().data();
  const std::string y = npy_path(spec, "y_" + part + ".npy");
  const bool regression = spec.task == Task::kRegression;
  const auto labels = regression ? std::vector<int32_t>(static_cast<size_t>(x.shape[0]), 0)
                                 : read_labels(y, x.shape[0], "examples", out.classes.size());
  const float* targets = regression ? read_targets(spec, y, x.shape[0], out) : nullptr;
  std::vector<Example> examples;
  for (size_t i = 0; i < labels.size(); ++i) {
    const auto row = static_cast<int64_t>(i);
    examples.push_back({samples + row * shape.elements(), 1.0, labels[i], 0,
                        targets ? targets + i * out.target_names.size() : nullptr});
  }
  return examples;
}

std::vector<int64_t> read_groups(const DataSpec& spec, size_t examples) {
  if (spec.group_file.empty()) return {};
  const std::string path = npy_path(spec, spec.group_file);
  std::vector<int64_t> groups = npy_integers(read_npy(path));
  if (groups.size() != examples) fail_data(path, fmt::format("{} groups for {} examples", groups.size(), examples));
  return groups;
}

// Whole groups validate, or blocks in file order.
void cut_validation(const DataSpec& spec, std::vector<Example> examples, Examples& out) {
  std::vector<int32_t> labels;
  for (const Example& example : examples) labels.push_back(example.label);
  const std::vector<int64_t> groups = read_groups(spec, examples.size());
  if (groups.empty())
    out.warnings.emplace_back(
        "validation is a block of each class in file order: if neighbours are alike it flatters; name a group_file");
  std::vector<bool> validates(examples.size(), false);
  for (int64_t i : validation_examples(spec, labels, groups)) validates[static_cast<size_t>(i)] = true;
  for (size_t i = 0; i < examples.size(); ++i) {
    if (!groups.empty()) examples[i].group = static_cast<int32_t>(groups[i]);
    (validates[i] ? out.validation : out.train).push_back(examples[i]);
  }
}

}  // namespace

Examples examples_of_npy(const DataSpec& spec, Part part) {
  Examples out;
  if (spec.task != Task::kRegression) {
    out.classes = read_names(npy_path(spec, "labels.txt"));
    if (out.classes.empty()) fail_data(npy_path(spec, "labels.txt"), "needed: one class name per line");
  }
  out.held_out = "the data set's own test files";
  if (part != Part::kTest) cut_validation(spec, read_examples(spec, "train", out), out);
  if (part != Part::kTraining) out.test = read_examples(spec, "test", out);
  return out;
}

std::vector<std::string> npy_fold_names(const DataSpec& spec) {
  if (spec.validation_by == "share") return {};
  if (spec.group_file.empty()) return fold_names(spec, std::vector<int64_t>());
  return fold_names(spec, npy_integers(read_npy(npy_path(spec, spec.group_file))));
}

}  // namespace bitwright
