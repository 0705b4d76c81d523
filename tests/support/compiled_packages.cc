// SPDX-License-Identifier: Apache-2.0
#include "tests/support/compiled_packages.h"

#include <dlfcn.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <set>

#include "core/check.h"
#include "core/packing.h"
#include "tests/support/random_network.h"

namespace bitwright::testing {

TemporaryFolder::TemporaryFolder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "bitwright-test-XXXXXX").string();
  BW_CHECK(mkdtemp(pattern.data()) != nullptr);
  path_ = pattern;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

Package package_of(const QuantizedModel& model, int vectors, uint64_t seed, const PackageOptions& options) {
  std::vector<std::vector<int16_t>> inputs;
  for (int i = 0; i < vectors; ++i) inputs.push_back(random_input(model.network, seed + static_cast<uint64_t>(i)));
  return emit_c(lowered(model), golden_vectors(model, inputs), options);
}

CommandResult run_command(const std::string& command) {
  CommandResult result;
  FILE* pipe = popen((command + " 2>&1").c_str(), "r");
  BW_CHECK(pipe != nullptr);
  std::array<char, 4096> buffer;
  for (size_t n = 0; (n = fread(buffer.data(), 1, buffer.size(), pipe)) > 0;) result.output.append(buffer.data(), n);
  result.status = pclose(pipe);
  return result;
}

CompiledPackages::CompiledPackages(std::span<const QuantizedModel> models, const std::string& flags,
                                   const PackageOptions& options) {
  std::set<std::string> sources;
  for (const QuantizedModel& model : models) {
    const Package package = package_of(model, 2, 1, options);
    write_package(package, folder_.path());  // all share one src/, as the kernels are the same files
    for (const auto& [path, bytes] : package.files)
      if (path.starts_with("src/") && path.ends_with(".c")) sources.insert(path);
  }
  std::string command = "cd " + folder_.path() + " && cc -shared -fPIC " + kStrictFlags + " " + flags + " -o all.so";
  for (const std::string& source : sources) command += " " + source;
  const CommandResult result = run_command(command);
  if (result.status != 0) std::fprintf(stderr, "%s\n", result.output.c_str());
  BW_CHECK(result.status == 0);
  library_ = dlopen((folder_.path() + "/all.so").c_str(), RTLD_NOW | RTLD_LOCAL);
  BW_CHECK(library_ != nullptr);
}

CompiledPackages::~CompiledPackages() {
  if (library_ != nullptr) dlclose(library_);
}

Program lowered(const QuantizedModel& model) {
  const bool stream = std::hash<std::string>()(canonical_text(model.network)) % 2 == 0;
  return lower(model, random_kernels(model.network), stream ? Execution::kStream : Execution::kLayers);
}

void* CompiledPackages::symbol(const std::string& name) const {
  return dlsym(library_, name.c_str());
}

template <class F>
F CompiledPackages::function(const std::string& name) const {
  void* const found = symbol(name);
  BW_CHECK(found != nullptr);
  return reinterpret_cast<F>(found);
}

namespace {

struct Context {
  uint32_t* arena = nullptr;  // NAME_t, of streams too
  uint32_t columns = 0;
};

}  // namespace

// A context over an arena, which outlives it.
struct CompiledPackages::Run {
  std::vector<uint32_t> arena;
  Context context;
};

CompiledPackages::Run CompiledPackages::start(const QuantizedModel& model) const {
  // Nothing may rely on zeros.
  Run run{std::vector<uint32_t>(static_cast<size_t>(lowered(model).plan.arena_bytes / 4), 0xDEADBEEF), {}};
  const auto init = function<uint32_t (*)(Context*, void*, size_t)>(model.network.name + "_init");
  BW_CHECK(init(&run.context, run.arena.data(), run.arena.size() * 4) == 0);
  return run;
}

CompiledPackages::Run CompiledPackages::run(const QuantizedModel& model, std::span<const int16_t> input) const {
  const std::string& name = model.network.name;
  Run started = start(model);
  const auto words = pack(input, model.network.input_format);
  std::memcpy(function<void* (*)(const Context*)>(name + "_input")(&started.context), words.data(), words.size() * 4);
  BW_CHECK(function<uint32_t (*)(Context*)>(name + "_run")(&started.context) == 0);
  return started;
}

Tensor CompiledPackages::infer(const QuantizedModel& model, std::span<const int16_t> input) const {
  const Run done = run(model, input);
  const auto output_of = function<const void* (*)(const Context*)>(model.network.name + "_output");
  const Format storage = storage_format(model.network, static_cast<int>(model.layers.size()) - 1);
  const int64_t elements = infer_shapes(model.network).back().output.elements();
  std::vector<uint32_t> words(static_cast<size_t>(packed_bytes(elements, storage) / 4));
  std::memcpy(words.data(), output_of(&done.context), words.size() * 4);
  if (storage == Format::kFloat32) return {storage, {}, unpack_floats(words)};
  const Tensor output{storage, unpack(words, storage, elements), {}};
  BW_CHECK(pack(std::span<const int32_t>(output.codes), storage) == words);  // unused bits are 0
  return output;
}

uint32_t CompiledPackages::selftest(const QuantizedModel& model) const {
  Run started = start(model);
  return function<uint32_t (*)(Context*)>(model.network.name + "_selftest")(&started.context);
}

int CompiledPackages::argmax(const QuantizedModel& model, std::span<const int16_t> input) const {
  const std::string name = model.network.name + "_argmax";
  if (symbol(name) == nullptr) return -1;
  const Run done = run(model, input);
  return static_cast<int>(function<uint32_t (*)(const Context*)>(name)(&done.context));
}

}  // namespace bitwright::testing
