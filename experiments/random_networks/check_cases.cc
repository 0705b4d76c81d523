// SPDX-License-Identifier: Apache-2.0
#include "experiments/random_networks/check_cases.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "core/error.h"
#include "core/rng.h"
#include "deploy/emit_source.h"
#include "deploy/templates.h"
#include "tests/support/random_network.h"

namespace bitwright {
namespace {

// For every layer one of the kernels that can run it.
Kernels drawn_kernels(const Network& network, Rng rng) {
  Kernels kernels;
  for (int i = 0; i < static_cast<int>(network.layers.size()); ++i) {
    const std::vector<std::string> able = kernels_for(network, i);
    kernels.push_back(able.empty() ? "" : able[rng.below(able.size())]);
  }
  return kernels;
}

bool closes(const Network& network) {
  try {
    infer_shapes(network);
    return true;
  } catch (const StructureError&) {
    return false;
  }
}

Network drawn_network(uint64_t kind, uint64_t seed) {
  switch (kind) {
    case 0: return testing::random_network(seed);
    case 1: return testing::random_layer_network(seed);
    case 2: return testing::random_signal_network(seed);
    case 3: return testing::random_border_network(seed);
    default: return testing::random_reduced_signal_network(seed);
  }
}

// Every kind in turn. Of `seed`, `seed` + 10^6, ... the first whose shapes close.
Network network_of(uint64_t seed) {
  for (uint64_t s = seed;; s += 1'000'000) try {
      Network network = drawn_network(seed % 5, s);
      network.name = fmt::format("net{}", seed);
      if (closes(network)) return network;
    } catch (const StructureError&) {  // a signal became too short
    }
}

CheckCase check_case(const QuantizedModel& model, uint64_t seed, Execution execution) {
  const uint64_t stream = execution == Execution::kStream ? 8 : 7;  // of random numbers
  Program program = lower(model, drawn_kernels(model.network, Rng(seed, stream)), execution);
  std::vector<std::vector<int16_t>> inputs;
  for (uint64_t i = 0; i < kCheckVectors; ++i) inputs.push_back(testing::random_input(model.network, 3 * seed + i));
  return {model.network.name, std::move(program), golden_vectors(model, inputs), 0};
}

std::string words_text(const std::string& name, const std::vector<uint32_t>& words) {
  return emit_array(name, {"", "uint32_t", {words.begin(), words.end()}});
}

std::string case_text(const CheckCase& check) {
  return fmt::format("#include \"{0}.h\"\n{1}{2}CHECK_RUNS({0}, {3})\n{4}({0}, {3})\nCHECK({0}, {3})\n", check.name,
                     words_text(check.name + "_inputs", check.golden.inputs),
                     words_text(check.name + "_outputs", check.golden.outputs), upper(check.name),
                     check.program.stream ? "CHECK_PUSHES" : "NO_PUSHES");
}

std::string program_text(const std::vector<CheckCase>& cases) {
  int64_t arena_words = 0;
  std::string checks, table;
  for (const CheckCase& check : cases) {
    arena_words = std::max(arena_words, check.program.plan.arena_bytes / 4);
    checks += case_text(check);
    table += fmt::format("    {{\"{0}\", check_{0}}},\n", check.name);
  }
  return fmt::format("#define CHECK_ARENA_WORDS {}u\n#define VECTORS {}u\n#include \"check_case.h\"\n{}\n", arena_words,
                     kCheckVectors, checks) +
         fmt::format(
             "static const check_case cases[] = {{\n{}}};\n\nint main(void)\n{{\n    return (int)check_all("
             "cases, {}u);\n}}\n",
             table, cases.size());
}

void write_text(const std::filesystem::path& path, const std::string& text) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream out(path, std::ios::binary);
  out << text;
  out.close();
  if (!out) throw StoreError(path.string() + ": cannot be written");
}

}  // namespace

std::vector<CheckCase> check_cases(uint64_t seed, int specialize) {
  QuantizedModel model = testing::random_model(network_of(seed), seed);
  std::vector<CheckCase> cases = {check_case(model, seed, Execution::kLayers)};
  model.network.name += "_stream";
  CheckCase streamed = check_case(model, seed, Execution::kStream);
  if (streamed.program.stream) cases.push_back(std::move(streamed));
  for (CheckCase& check : cases) check.specialize = specialize;
  return cases;
}

std::vector<std::string> write_check(const std::vector<CheckCase>& cases, const std::string& folder) {
  std::vector<std::string> sources;
  for (const CheckCase& check : cases)
    for (const auto& [path, text] : emit_c(check.program, check.golden, {.specialize = check.specialize}).files) {
      if (!path.starts_with("src/")) continue;
      const std::string file = folder + "/" + path;
      if (path.ends_with(".c")) sources.push_back(file);
      write_text(file, text);
    }
  write_text(folder + "/check.c", program_text(cases));
  std::sort(sources.begin(), sources.end());
  sources.erase(std::unique(sources.begin(), sources.end()), sources.end());
  return sources;
}

}  // namespace bitwright
