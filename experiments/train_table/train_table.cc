// SPDX-License-Identifier: Apache-2.0
#include "experiments/train_table/train_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "core/error.h"
#include "core/hash.h"
#include "core/io/load_data.h"
#include "core/metrics.h"
#include "deploy/reference.h"
#include "experiments/interrupts.h"
#include "experiments/train_table/net_choices.h"
#include "experiments/train_table/row_file.h"
#include "experiments/version.h"
#include "trainer/export.h"
#include "trainer/trainer.h"

namespace bitwright {
namespace {

constexpr std::array kRungs = {1, 3, 9};  // epochs
constexpr size_t kKeyFields = 6;          // choices and seed

void check_study(const Study& study) {
  if (study.data.task != Task::kClassification) throw ConfigError(study.file + ": data.task: a classification");
  if (study.recipe.epochs != kRungs.back())
    throw ConfigError(fmt::format("{}: training.epochs = {}: {}", study.file, study.recipe.epochs, kRungs.back()));
}

template <class T>
std::string_view bytes_of(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

std::string hash_of(const TrainingData& data) {
  std::string text = fmt::format("{}\n", data.train.front_end.input_scale);
  for (const Dataset* set : {&data.train, &data.validation})
    text += sha256_hex(bytes_of(set->codes)) + sha256_hex(bytes_of(set->labels));
  return sha256_hex(text);
}

std::string key_of(const NetChoice& choice, uint64_t seed) {
  return fmt::format("{},{}", choice_text(choice), seed);
}

// The nets that these options ask for and the file has not.
std::vector<NetChoice> nets_to_train(const Study& study, const TrainTableOptions& options, const RowFile& file,
                                     TrainTableResult& result) {
  std::vector<NetChoice> nets = shuffled_net_choices(study.space), wanted;
  if (options.limit > 0) nets.resize(std::min(nets.size(), static_cast<size_t>(options.limit)));
  const auto done = file.keys(kKeyFields);
  for (size_t i = static_cast<size_t>(options.shard); i < nets.size(); i += static_cast<size_t>(options.shards)) {
    if (done.contains(key_of(nets[i], options.seed)))
      ++result.skipped;
    else
      wanted.push_back(nets[i]);
  }
  return wanted;
}

int64_t count_differing(const Network& network, const Parameters& parameters, const Dataset& data) {
  const QuantizedModel model = export_quantized(network, parameters, data.front_end.input_scale);
  const auto integer = decisions(data, reference_outputs(model, data), 0.0);
  const auto fake = decisions(data, fake_quantized_outputs(network, parameters, data), 0.0);
  int64_t differing = 0;
  for (size_t i = 0; i < integer.size(); ++i) differing += integer[i] != fake[i];
  return differing;
}

class NetTrainer {
 public:
  NetTrainer(const Study& study, const TrainTableOptions& options, const TrainingData& data, TrainTableResult& result)
      : study_(study), options_(options), data_(data), result_(result) {}

  void append_rows(const std::vector<NetChoice>& nets, RowFile& file) {
    for (const NetChoice& net : nets)
      if (const auto row = train_row(net)) file.append(*row);
  }

 private:
  // Nothing where an interrupt ended it.
  std::optional<std::string> train_row(const NetChoice& choice) {
    if (interrupts() > 0) return std::nullopt;
    const Dataset& train_set = data_.train;
    const Network network = network_of(choice, study_.space, train_set.front_end.output, train_set.front_end.format,
                                       static_cast<int>(train_set.classes.size()));
    std::vector<EpochRecord> epochs;
    const TrainOutcome outcome = train(network, data_, study_.recipe, options_.seed, [&](const EpochRecord& epoch) {
      epochs.push_back(epoch);
      return interrupts() == 0;
    });
    if (outcome.stopped) return std::nullopt;
    count(network, outcome);
    return row_text(choice, epochs, !outcome.failure.empty());
  }

  void count(const Network& network, const TrainOutcome& outcome) {
    ++result_.rows;
    result_.failed += !outcome.failure.empty();
    result_.cpu_seconds += outcome.cpu_seconds;
    if (!options_.compare || !outcome.failure.empty()) return;
    result_.compared += data_.validation.size();
    result_.differing += count_differing(network, outcome.parameters, data_.validation);
  }

  std::string row_text(const NetChoice& choice, const std::vector<EpochRecord>& epochs, bool failed) const {
    std::string row = key_of(choice, options_.seed);
    for (int rung : kRungs) {
      row += ",";
      if (rung <= std::ssize(epochs))
        row += fmt::format("{:.4f}", 1.0 - epochs[static_cast<size_t>(rung) - 1].validation_accuracy);
    }
    return row + (failed ? ",1" : ",0");
  }

  const Study& study_;
  const TrainTableOptions& options_;
  const TrainingData& data_;
  TrainTableResult& result_;
};

}  // namespace

std::string table_header(const Study& study, const std::string& data_hash) {
  auto provenance = build_provenance();
  const char* core_type = std::getenv("OPENBLAS_CORETYPE");  // whose kernels, in place of this processor's
  auto config = nlohmann::json::parse(study.config_json);
  config["data"].erase("path");  // of one machine; the hash says what was there
  std::string header = fmt::format(
      "# bitwright-train-table {}, commit {}, libtorch {}, {}, OpenBLAS for {}\n"
      "# data sha256 {}\n",
      provenance["version"], provenance["git_commit"], BITWRIGHT_LIBTORCH_VERSION, provenance["cpu"],
      core_type && *core_type ? core_type : "this processor", data_hash);
  for (const char* section : {"data", "space", "training"})
    header += fmt::format("# {} {}\n", section, config.at(section).dump());
  return header + "channels,kernel,weights,activations,stride,seed,error1,error3,error9,failed\n";
}

TrainTableResult train_table(const Study& study, const TrainTableOptions& options) {
  check_study(study);
  const TrainingData data = load_training_data(study);
  RowFile file(options.out, table_header(study, hash_of(data)));
  TrainTableResult result;
  const std::vector<NetChoice> nets = nets_to_train(study, options, file, result);
  NetTrainer(study, options, data, result).append_rows(nets, file);
  result.interrupted = result.rows < std::ssize(nets);
  return result;
}

}  // namespace bitwright
