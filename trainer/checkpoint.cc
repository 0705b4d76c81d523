// SPDX-License-Identifier: Apache-2.0
#include "trainer/checkpoint.h"

#include <bit>
#include <concepts>
#include <cstring>

#include "core/error.h"
#include "core/hash.h"

namespace bitwright {
namespace {

static_assert(std::endian::native == std::endian::little, "checkpoints are little endian");

constexpr char kMagic[8] = {'B', 'W', 'C', 'K', 'P', 'T', '\n', '\0'};
constexpr size_t kDigest = 64;  // hex digits of SHA-256
constexpr size_t kHeader = sizeof kMagic + sizeof(uint32_t) + sizeof(uint64_t);

// Writer and Reader visit the same members in the same order: fields() below is the format.
class Writer {
 public:
  std::string bytes;

  template <class T>
  requires std::is_arithmetic_v<T>
  void visit(const T& value) { bytes.append(reinterpret_cast<const char*>(&value), sizeof value); }
  void visit(const std::string& text) {
    visit(uint64_t{text.size()});
    bytes += text;
  }
  template <class T>
  void visit(const std::vector<T>& items);
};

class Reader {
 public:
  Reader(std::string_view bytes, const std::string& place) : bytes_(bytes), place_(place) {}

  template <class T>
  requires std::is_arithmetic_v<T>
  void visit(T& value) { std::memcpy(&value, take(sizeof value).data(), sizeof value); }
  void visit(std::string& text) {
    uint64_t size = 0;
    visit(size);
    text = take(size);
  }
  template <class T>
  void visit(std::vector<T>& items);
  void finish() const {
    if (!bytes_.empty()) fail("more bytes than its fields have");
  }

 private:
  [[noreturn]] void fail(const char* rule) const { throw StoreError(place_ + ": checkpoint: " + rule); }
  std::string_view take(uint64_t size) {
    if (size > bytes_.size()) fail("cut off");
    const std::string_view taken = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return taken;
  }

  std::string_view bytes_;
  std::string place_;
};

template <class Visitor, class T>
void all_fields(Visitor& visitor, T& value) {
  if constexpr (std::same_as<std::remove_const_t<T>, LayerParameters>) {
    for (auto* part : {&value.weights, &value.bias, &value.gamma, &value.beta, &value.running_mean, &value.running_var,
                       &value.weight_steps})
      visitor.visit(*part);
    visitor.visit(value.activation_step);
  } else if constexpr (std::same_as<std::remove_const_t<T>, EpochRecord>) {
    visitor.visit(value.epoch);
    visitor.visit(value.learning_rate);
    visitor.visit(value.train_loss);
    visitor.visit(value.validation_accuracy);
  } else {
    visitor.visit(value);
  }
}

template <class T>
void Writer::visit(const std::vector<T>& items) {
  visit(uint64_t{items.size()});
  for (const T& item : items) all_fields(*this, item);
}

template <class T>
void Reader::visit(std::vector<T>& items) {
  uint64_t size = 0;
  visit(size);
  if (size > bytes_.size()) fail("cut off");  // every item has a byte at least
  items.resize(size);
  for (T& item : items) all_fields(*this, item);
}

template <class Visitor, class State>
void fields(Visitor& v, State& state) {
  v.visit(state.fingerprint);
  v.visit(state.schedule_epochs);
  v.visit(state.step);
  v.visit(state.batch);
  v.visit(state.epoch_loss);
  v.visit(state.learned);
  v.visit(state.first_moment);
  v.visit(state.second_moment);
  v.visit(state.running_statistics);
  v.visit(state.order);
  v.visit(state.generators);
  v.visit(state.epochs);
  v.visit(state.epochs_since_better);
  v.visit(state.best_score);
  v.visit(state.best.layers);
  v.visit(state.teacher.layers);
}

}  // namespace

std::string serialize_state(const TrainingState& state) {
  Writer body;
  fields(body, state);
  Writer file;
  file.bytes.assign(kMagic, sizeof kMagic);
  file.visit(kCheckpointVersion);
  file.visit(body.bytes);
  return file.bytes + sha256_hex(file.bytes);
}

TrainingState parse_state(const std::string& bytes, const std::string& place) {
  const auto fail = [&](const std::string& rule) { throw StoreError(place + ": checkpoint: " + rule); };
  if (bytes.size() < kHeader + kDigest || std::memcmp(bytes.data(), kMagic, sizeof kMagic) != 0)
    fail("not one, or cut off");
  uint32_t version = 0;
  std::memcpy(&version, bytes.data() + sizeof kMagic, sizeof version);
  if (version != kCheckpointVersion)
    fail("version " + std::to_string(version) + ", this program reads " + std::to_string(kCheckpointVersion));
  const std::string_view content(bytes.data(), bytes.size() - kDigest);
  if (sha256_hex(content) != std::string_view(bytes).substr(content.size())) fail("checksum differs");
  TrainingState state;
  Reader reader(content.substr(kHeader), place);
  fields(reader, state);
  reader.finish();
  return state;
}

}  // namespace bitwright
