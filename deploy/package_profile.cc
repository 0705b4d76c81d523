// SPDX-License-Identifier: Apache-2.0
#include "deploy/package_profile.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <utility>

#include "core/check.h"
#include "deploy/emit_specialized.h"
#include "deploy/emulator_run.h"
#include "deploy/package_build.h"
#include "deploy/process.h"
#include "deploy/timing.h"

namespace bitwright {
namespace {

namespace fs = std::filesystem;

// ---- linked

// Arrays and descriptors of a layer, by their names in C.
int64_t layer_constants(const Program& program, const LoweredOp& op, const std::map<std::string, int64_t>& sizes) {
  const std::string& layer = program.model.network.layers[static_cast<size_t>(op.layer)].name;
  std::set<std::string> names = {layer + "_layer", layer + "_epilogue"};
  for (const Constant& c : op.constants) names.insert(layer + "_" + c.suffix);
  int64_t bytes = 0;
  for (const std::string& name : names)
    if (const auto it = sizes.find(name); it != sizes.end()) bytes += it->second;
  return bytes;
}

std::string file_name(const std::string& object) {
  const std::string name = fs::path(object).filename().string();
  return fs::path(name).replace_extension(".c").string();
}

void read_files(const ObjectBytes& sizes, const std::vector<std::string>& objects, LinkedPackage& linked) {
  static_cast<PackageBytes&>(linked) = package_bytes(sizes, objects);
  for (const auto& [object, bytes] : sizes) {
    const bool of_package = std::find(objects.begin(), objects.end(), object) != objects.end();
    if (bytes.code + bytes.constants + bytes.data + bytes.bss > 0)
      linked.files.push_back({of_package ? file_name(object) : object, bytes});
  }
  std::sort(linked.files.begin(), linked.files.end(),
            [](const LinkedFile& a, const LinkedFile& b) { return a.name < b.name; });
}

// Gives every layer what is its own, and takes that from the files.
void split_layers(const Program& program, const std::map<std::string, int64_t>& sizes, LinkedPackage& linked) {
  for (const LoweredOp& op : program.ops) {
    LinkedLayer& layer = linked.layers.emplace_back();
    layer.constant_bytes = layer_constants(program, op, sizes);
    const std::string unit = op.kernel.empty() ? "" : unit_name(program, op) + ".c";
    auto file =
        std::find_if(linked.files.begin(), linked.files.end(), [&](const LinkedFile& f) { return f.name == unit; });
    const bool own = file != linked.files.end();
    if (!own)
      file = std::find_if(linked.files.begin(), linked.files.end(),
                          [&](const LinkedFile& f) { return f.name == program.model.network.name + ".c"; });
    if (file == linked.files.end()) continue;
    if (own) {
      layer.code_bytes = std::exchange(file->bytes.code, 0);
      layer.constant_bytes = std::exchange(file->bytes.constants, 0) + std::exchange(file->bytes.data, 0);
    }
    if (own) continue;
    const int64_t constants = std::min(file->bytes.constants, layer.constant_bytes);  // the rest lies in RAM
    file->bytes.constants -= constants;
    file->bytes.data -= layer.constant_bytes - constants;
  }
}

LinkedPackage link_package(const std::string& target, const Program& program, const BuiltPackage& built,
                           const std::string& disassembly, const std::string& folder) {
  LinkedPackage linked;
  read_files(measure_sizes(target, built.test, built.objects, folder), built.objects, linked);
  split_layers(program, constant_sizes(target, folder + "/sizes.elf"), linked);
  linked.stack = bound_stacks(read_call_graph(disassembly), frames_of(built.objects), inferences(target, built));
  return linked;
}

// ---- emulated

// The first golden vector alone, in files of the same names below `folder`.
void write_first_vector(const PackageFiles& package, const Program& program, const std::string& folder) {
  fs::create_directories(folder + "/golden");
  const int64_t bytes[] = {program.input_bytes, program.output_bytes};
  for (size_t i = 0; i < kGoldenFiles.size(); ++i) {
    std::ifstream in(package.folder + "/" + kGoldenFiles[i], std::ios::binary);
    std::string vector(static_cast<size_t>(bytes[i]), '\0');
    in.read(vector.data(), static_cast<std::streamsize>(vector.size()));
    std::ofstream out(folder + "/" + kGoldenFiles[i], std::ios::binary);
    out << vector;
    if (!in || !out.flush()) throw ToolError(kGoldenFiles[i] + ": shorter than one vector, or cannot be copied");
  }
}

// Of one part of the run; blocks of RISC-V have no disassembly that is read, and no cycles.
std::vector<RunCounts> count_parts(const CrossTarget& cross, const Profile& profile, const std::string& disassembly) {
  std::vector<RunCounts> counts(profile.parts.size());
  if (cross.isa == Isa::kRiscV) {
    for (const BlockCount& b : profile.blocks)
      counts.at(static_cast<size_t>(b.run)).instructions +=
          static_cast<double>(b.executions) * static_cast<double>(b.instructions);
    return counts;
  }
  const std::vector<std::vector<Stretch>> parts = stretches(profile, parse_disassembly(disassembly));
  for (size_t p = 0; p < parts.size(); ++p) counts[p] = count(cross.core, parts[p]);
  return counts;
}

// The call that a part is; nothing for a part between calls.
std::vector<std::optional<KernelCall>> calls_of(const Profile& profile, const CallSites& sites) {
  std::map<uint32_t, std::string> names;
  for (const auto& [name, address] : sites.functions) names[address] = name;
  std::vector<std::optional<KernelCall>> calls(profile.parts.size());
  for (size_t p = 0; p < calls.size(); ++p) {
    const auto it = names.find(profile.parts[p].address);
    if (it != names.end()) calls[p] = {it->second, p + 1 < calls.size() ? profile.parts[p + 1].address : 0};
  }
  return calls;
}

void add(const EmulatedPart& part, double share, EmulatedPart& sum) {
  sum.instructions += share * part.instructions;
  sum.cycles += share * part.cycles;
  sum.stall_cycles += share * part.stall_cycles;
}

void add(const MemoryCounts& counts, MemoryCounts& sum) {
  sum.instruction_misses += counts.instruction_misses;
  sum.sequential_misses += counts.sequential_misses;
  sum.data_misses += counts.data_misses;
  sum.data_loads += counts.data_loads;
  sum.unaligned += counts.unaligned;
}

// Each layer's share of a call that several may make; equal ones without weights.
std::vector<double> shares_of(const std::vector<size_t>& layers, const std::vector<double>& weights) {
  double sum = 0.0;
  std::vector<double> shares;
  for (size_t layer : layers) {
    shares.push_back(layer < weights.size() ? weights[layer] : 0.0);
    sum += shares.back();
  }
  for (double& share : shares) share = sum > 0.0 ? share / sum : 1.0 / static_cast<double>(layers.size());
  return shares;
}

void note_shared(const Program& program, const std::vector<size_t>& layers, std::vector<std::string>& shared) {
  for (size_t layer : layers) {
    const std::string& name = program.model.network.layers[layer].name;
    if (layers.size() > 1 && std::find(shared.begin(), shared.end(), name) == shared.end()) shared.push_back(name);
  }
}

EmulatedPackage sum_parts(const CrossTarget& cross, const Program& program, const Profile& profile,
                          const std::vector<RunCounts>& counts, const CallSites& sites,
                          const std::vector<std::string>& functions, const PackageProfileOptions& options) {
  EmulatedPackage e;
  e.layers.resize(program.ops.size());
  const std::vector<std::optional<KernelCall>> calls = calls_of(profile, sites);
  std::vector<KernelCall> made;
  for (const auto& call : calls)
    if (call) made.push_back(*call);
  const auto layers = layers_of_calls(made, functions);
  for (size_t p = 0; p < counts.size(); ++p) {
    EmulatedPart part{counts[p].instructions, counts[p].cycles, 0.0};
    if (options.flash) part.stall_cycles = stall_cycles(*options.flash, cross.core, profile.memory.at(p));
    if (options.flash) add(profile.memory[p], e.memory);
    for (const auto& [kind, n] : counts[p].by_class) e.by_class[kind] += n;
    add(part, 1.0, e.total);
    if (!calls[p]) {
      add(part, 1.0, e.between);
      continue;
    }
    const std::vector<size_t>& of = layers.at(*calls[p]);
    const std::vector<double> shares = shares_of(of, options.weights);
    for (size_t i = 0; i < of.size(); ++i) add(part, shares[i], e.layers[of[i]]);
    note_shared(program, of, e.shared_layers);
  }
  return e;
}

EmulatedPackage emulate_package(const PackageFiles& package, const CrossTarget& cross, const Program& program,
                                const BuiltPackage& built, const std::string& disassembly, const std::string& folder,
                                const PackageProfileOptions& options) {
  write_first_vector(package, program, folder);
  const std::vector<std::string> functions =
      kernel_functions(program, symbol_names(cross.name, {built.elf}, Symbols::kDefined));
  const CallSites sites = find_call_sites(disassembly, functions);
  ProfileOptions profile;
  profile.parts = functions;
  std::erase(profile.parts, "");
  profile.part_addresses = sites.returns;
  profile.flash = options.flash;
  const EmulatedRun run = run_emulated(cross.name, built.elf, kGoldenFiles, folder, options.limit, profile);
  if (run.exit_status != 0 || run.profile.runs != 1)
    throw ToolError(fmt::format("{}: {} differs from its golden output, or ended early\n{}", cross.name,
                                program.model.network.name, run.output));
  Profile parts = run.profile;
  if (parts.parts.empty()) parts.parts = {RunPart{}};  // no kernel is called
  EmulatedPackage e =
      sum_parts(cross, program, parts, count_parts(cross, parts, disassembly), sites, functions, options);
  e.stack_bytes = std::max<int64_t>(0, printed_number(run.output, "stack"));
  return e;
}

}  // namespace

CallSites find_call_sites(const std::string& disassembly, const std::vector<std::string>& functions) {
  const std::set<std::string> wanted(functions.begin(), functions.end());
  CallSites sites;
  bool behind_call = false;
  std::istringstream lines(disassembly);
  for (std::string line; std::getline(lines, line);) {
    const size_t open = line.rfind('<'), close = line.rfind('>');
    const std::string name = open < close && close != std::string::npos ? line.substr(open + 1, close - open - 1) : "";
    if (line.ends_with(">:")) {  // 00008010 <bw_add_1234abcd>:
      if (wanted.contains(name)) sites.functions[name] = static_cast<uint32_t>(std::stoul(line, nullptr, 16));
      behind_call = false;
      continue;
    }
    const size_t colon = line.find(":\t");  // "    8010:\t f7ff fffe \tbl\t8000 <bw_add_1234abcd>"
    if (colon == std::string::npos) continue;
    if (behind_call) sites.returns.push_back(static_cast<uint32_t>(std::stoul(line, nullptr, 16)));
    const size_t tab = line.find('\t', colon + 2);
    const std::string mnemonic =
        tab == std::string::npos ? "" : line.substr(tab + 1, line.find('\t', tab + 1) - tab - 1);
    behind_call = is_call(mnemonic.substr(0, mnemonic.find('.'))) && wanted.contains(name);
  }
  return sites;
}

std::map<KernelCall, std::vector<size_t>> layers_of_calls(const std::vector<KernelCall>& calls,
                                                          const std::vector<std::string>& functions) {
  std::map<std::string, std::vector<size_t>> layers;      // by function, in the network's order
  std::map<std::string, std::vector<KernelCall>> places;  // ... its calls, in the order of their first execution
  for (size_t i = 0; i < functions.size(); ++i)
    if (!functions[i].empty()) layers[functions[i]].push_back(i);
  for (const KernelCall& call : calls) {
    std::vector<KernelCall>& known = places[call.function];
    if (std::find(known.begin(), known.end(), call) == known.end()) known.push_back(call);
  }
  std::map<KernelCall, std::vector<size_t>> found;
  for (const auto& [function, of] : places) {
    const std::vector<size_t>& its = layers[function];
    for (size_t i = 0; i < of.size(); ++i) found[of[i]] = of.size() == its.size() ? std::vector<size_t>{its[i]} : its;
  }
  return found;
}

PackageProfile profile_package(const std::string& folder, const std::string& target, const Program& program,
                               const PackageProfileOptions& options) {
  const CrossTarget& cross = cross_target(target);
  if (const auto missing = options.emulate ? missing_compiler_or_emulator(cross) : missing_compiler(cross))
    throw ToolError(*missing);
  const PackageFiles package = find_package(folder);
  const TemporaryDirectory build;
  const BuiltPackage built = build_for_core(package, cross, build.path());
  const std::string disassembly = disassembly_text(cross.name, built.elf);
  PackageProfile profile;
  profile.tools[cross.gcc] = tool_version(cross.gcc);
  profile.linked = link_package(cross.name, program, built, disassembly, build.path());
  if (!options.emulate) return profile;
  profile.tools[cross.emulator] = tool_version(cross.emulator);
  profile.emulated = emulate_package(package, cross, program, built, disassembly, build.path(), options);
  return profile;
}

}  // namespace bitwright
