// SPDX-License-Identifier: Apache-2.0
#include "experiments/profile_tiers.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "constraints/constraints.h"
#include "core/error.h"
#include "core/execution.h"
#include "deploy/cross_target.h"
#include "deploy/emit.h"
#include "deploy/package_profile.h"
#include "deploy/process.h"
#include "deploy/timing.h"
#include "estimators/choose_execution.h"
#include "estimators/choose_kernels.h"
#include "estimators/estimate.h"
#include "experiments/calibrate/drawn_weights.h"

namespace bitwright {
namespace {

// Of weights and input, where there are none.
constexpr uint64_t kSeed = 1;

// ---- how it runs

struct Plan {
  Execution execution = Execution::kLayers;
  Kernels kernels;  // those to lower with
};

Plan plan_of(const ProfileInput& input, const ProfileRequest& request) {
  Plan plan;
  plan.execution = choose_execution(input.network, request.board, input.limits, request.execution, input.duty_cycle);
  plan.kernels = input.kernels.empty() ? choose_kernels(input.network, request.board, input.limits, plan.execution)
                                       : input.kernels;
  return plan;
}

// A package names the kernels of its calls: of a stream's last dense layer the "part_" kernel, where lower() takes one
// of the same types.
Kernels to_lower(const ProfileInput& input, const Plan& plan) {
  Kernels kernels = plan.kernels;
  for (size_t i = 0; i < kernels.size(); ++i) {
    if (!kernels[i].starts_with("part_")) continue;
    const std::string types = kernel_types(kernels[i]);
    for (const std::string& kernel : kernels_for(input.network, static_cast<int>(i)))
      if (kernel_types(kernel) == types) kernels[i] = kernel;
  }
  return kernels;
}

void add_memory(const ProfileInput& input, const Plan& plan, NetworkProfile& p) {
  const ExecutionPlan execution = plan_execution(input.network, to_lower(input, plan), plan.execution);
  p.execution = execution.stream ? Execution::kStream : Execution::kLayers;
  p.memory = execution.memory;
  p.regions = arena_regions(input.network, p.memory, execution.stream);
  for (size_t i = 0; i < input.network.layers.size(); ++i)
    p.layers.push_back({.name = input.network.layers[i].name,
                        .kernel = execution.kernels[i],
                        .live_bytes = alive_bytes(p.regions, static_cast<int>(i))});
}

// ---- closed forms

std::optional<Estimates> estimates_of(const ProfileInput& input, const ProfileRequest& request, const Plan& plan) {
  try {
    return estimate(input.network, request.board, input.limits, plan.execution, input.duty_cycle);
  } catch (const MissingCost&) {
    if (request.tier == Tier::kClosedForm) throw;
    return std::nullopt;
  }
}

void add_estimated_flash(const Estimates& e, NetworkProfile& p) {
  p.code_bytes = e.code_bytes;
  p.constant_bytes = e.constant_bytes;
  p.stack_bytes = e.stack_bytes;
  int64_t of_layers = 0;
  for (size_t i = 0; i < p.layers.size(); ++i) of_layers += p.layers[i].flash_bytes = e.layers[i].constant_bytes;
  p.shared.push_back({"code of kernels and calls", e.code_bytes});
  if (e.constant_bytes > of_layers) p.shared.push_back({"tables of the stream", e.constant_bytes - of_layers});
}

void add_estimated_speed(const Estimates& e, NetworkProfile& p) {
  p.total = p.between = {e.instructions, e.cycles};
  for (size_t i = 0; i < p.layers.size(); ++i) {
    const LayerEstimate& layer = e.layers[i];
    p.layers[i].speed = {layer.instructions, layer.cycles};
    p.between.instructions -= layer.instructions;
    p.between.cycles -= layer.cycles;
  }
}

// The layers of a package whose estimate is another kernel's.
void note_other_kernels(const ProfileInput& input, const Estimates& e, NetworkProfile& p) {
  std::vector<std::string> others;
  for (size_t i = 0; i < input.kernels.size(); ++i) {
    const std::string& planned = p.layers[i].kernel;
    if (e.layers[i].kernel != planned)
      others.push_back(fmt::format("{} ({}, the package has {})", p.layers[i].name, e.layers[i].kernel, planned));
  }
  if (!others.empty()) p.notes.push_back(fmt::format("closed forms are of other kernels: {}", fmt::join(others, ", ")));
}

// ---- a package, compiled

Program program_of(const ProfileInput& input, const Plan& plan) {
  const QuantizedModel model = input.model ? *input.model : with_random_weights(input.network, kSeed);
  return lower(model, to_lower(input, plan), plan.execution);
}

void emit_to(const Program& program, const ProfileRequest& request, const std::string& folder) {
  const std::vector<std::vector<int16_t>> inputs = {calibration_input(program.model.network, kSeed)};
  PackageOptions options;
  options.specialize = request.specialize;
  write_package(emit_c(program, golden_vectors(program.model, inputs), options), folder);
}

PackageProfile compile(const ProfileInput& input, const ProfileRequest& request, const Program& program,
                       const std::optional<Estimates>& estimates) {
  PackageProfileOptions options;
  options.emulate = request.tier == Tier::kEmulated;
  if (options.emulate && has_timing_table(request.board.core)) options.flash = flash_model(request.board);
  for (size_t i = 0; estimates && i < estimates->layers.size(); ++i)
    options.weights.push_back(estimates->layers[i].cycles);
  if (!input.package.empty()) return profile_package(input.package, request.board.core, program, options);
  const TemporaryDirectory folder;
  emit_to(program, request, folder.path());
  return profile_package(folder.path(), request.board.core, program, options);
}

void add_linked(const LinkedPackage& linked, NetworkProfile& p) {
  p.code_bytes = linked.code_bytes;
  p.library_bytes = linked.library_bytes;
  p.constant_bytes = linked.constant_bytes;
  p.data_bytes = linked.data_bytes;
  p.stack_bytes = linked.stack.bytes;
  p.stack_path = linked.stack.path;
  for (const std::string& problem : linked.stack.problems) p.notes.push_back("stack without a bound: " + problem);
  for (size_t i = 0; i < p.layers.size(); ++i) p.layers[i].flash_bytes = linked.layers[i].bytes();
  for (const LinkedFile& file : linked.files)
    if (const int64_t bytes = file.bytes.code + file.bytes.constants + file.bytes.data; bytes > 0)
      p.shared.push_back({file.name, bytes});
}

Speed speed_of(const EmulatedPart& part) {
  return {part.instructions, part.cycles, part.cycles > 0.0 ? part.cycles + part.stall_cycles : 0.0};
}

void add_emulated(const EmulatedPackage& emulated, const ProfileRequest& request, NetworkProfile& p) {
  for (size_t i = 0; i < p.layers.size(); ++i) p.layers[i].speed = speed_of(emulated.layers[i]);
  p.between = speed_of(emulated.between);
  p.total = speed_of(emulated.total);
  p.instructions_by_class = emulated.by_class;
  p.stack_used_bytes = emulated.stack_bytes;
  if (has_timing_table(request.board.core)) p.on_board = board_cycles(request.board, p.total.cycles, emulated.memory);
  if (!emulated.shared_layers.empty())
    p.notes.push_back(
        fmt::format("{} are called from one place: what they took together is shared out by their closed forms",
                    fmt::join(emulated.shared_layers, " and ")));
}

void check_fit(NetworkProfile& p) {
  Estimates e;
  e.flash_bytes = p.flash_bytes();
  e.ram_bytes = p.ram_bytes();
  for (const Violation& violation : check_budgets(e, {}, p.board)) p.exceeds.push_back(violation.message);
}

void check_target(const ProfileRequest& request) {
  const std::vector<std::string> targets = cross_targets();
  if (std::find(targets.begin(), targets.end(), request.board.core) == targets.end())
    throw ConfigError(fmt::format("--tier {}: there is no compiler and emulator for {}, the core of {}",
                                  tier_name(request.tier), request.board.core, request.board.name));
}

void note_specialized(const ProfileInput& input, const ProfileRequest& request, NetworkProfile& p) {
  if ((input.specialized || request.specialize > 0) && p.tier != Tier::kEmulated)
    p.notes.push_back("closed forms are of shared kernels: this package's are compiled for their layers");
}

void note_stream(const ProfileInput& input, const ProfileRequest& request, const Plan& plan, NetworkProfile& p) {
  if (request.execution == Execution::kStream && p.execution != Execution::kStream)
    p.notes.push_back("no stream: " + no_stream_reason(input.network, to_lower(input, plan)));
}

void note_weights(const ProfileInput& input, NetworkProfile& p) {
  if (p.tier != Tier::kClosedForm && !input.model)
    p.notes.push_back(fmt::format("weights drawn at random, seed {}: {} has none", kSeed, input.source));
  if (p.tier == Tier::kEmulated)
    p.notes.push_back(input.package.empty() ? fmt::format("one inference of an input drawn at random, seed {}", kSeed)
                                            : "one inference of the package's first golden vector");
}

}  // namespace

const std::vector<std::string>& tier_names() {
  static const std::vector<std::string> kNames = {"closed_form", "linked", "emulated"};
  return kNames;
}

std::string tier_name(Tier tier) {
  return tier_names()[static_cast<size_t>(tier)];
}

NetworkProfile profile_network(const ProfileInput& input, const ProfileRequest& request) {
  if (request.tier != Tier::kClosedForm) check_target(request);
  NetworkProfile p;
  p.source = input.source;
  p.network = input.network;
  p.board = request.board;
  p.tier = request.tier;
  p.notes = input.notes;
  p.ops = op_profile(input.network);
  const Plan plan = plan_of(input, request);
  add_memory(input, plan, p);
  const std::optional<Estimates> estimates = estimates_of(input, request, plan);
  if (estimates && p.tier != Tier::kEmulated) note_other_kernels(input, *estimates, p);
  if (estimates) add_estimated_speed(*estimates, p);
  if (p.tier == Tier::kClosedForm) add_estimated_flash(*estimates, p);
  note_specialized(input, request, p);
  note_stream(input, request, plan, p);
  note_weights(input, p);
  if (p.tier != Tier::kClosedForm) {
    const PackageProfile package = compile(input, request, program_of(input, plan), estimates);
    p.tools = package.tools;
    add_linked(package.linked, p);
    if (package.emulated) add_emulated(*package.emulated, request, p);
  }
  std::stable_sort(p.shared.begin(), p.shared.end(),
                   [](const SharedFlash& a, const SharedFlash& b) { return a.bytes > b.bytes; });
  check_fit(p);
  const double cycles = p.on_board ? p.on_board->cycles : p.total.cycles;
  p.latency_us = latency_us(p.board, cycles);
  p.energy_uj = energy_of_cycles_uj(p.board, cycles);
  return p;
}

}  // namespace bitwright
