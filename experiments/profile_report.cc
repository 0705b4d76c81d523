// SPDX-License-Identifier: Apache-2.0
#include "experiments/profile_report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/io/json_text.h"
#include "core/io/model_json.h"
#include "core/kernel.h"
#include "deploy/timing.h"
#include "experiments/counts_text.h"
#include "experiments/table.h"

namespace bitwright {
namespace {

using Rows = std::vector<std::vector<std::string>>;

double share_of(double part, double whole) {
  return whole > 0.0 ? part / whole : 0.0;
}
double share_of(int64_t part, int64_t whole) {
  return share_of(static_cast<double>(part), static_cast<double>(whole));
}

// A figure that a core or a tier may lack.
std::string if_known(double count) {
  return count > 0.0 ? whole_number(count) : "-";
}

// Cycles where the core has a timing table, else instructions.
double effort(const NetworkProfile& p, const Speed& speed) {
  return p.total.cycles > 0.0 ? speed.cycles : speed.instructions;
}
double effort_share(const NetworkProfile& p, const Speed& speed) {
  return share_of(effort(p, speed), effort(p, p.total));
}
const char* effort_name(const NetworkProfile& p) {
  return p.total.cycles > 0.0 ? "cycles" : "instructions";
}

// With the flash where it was counted.
double spent(const Speed& speed) {
  return speed.board_cycles > 0.0 ? speed.board_cycles : speed.cycles;
}

// ---- weights by their width

struct Width {
  int64_t weights = 0, bits = 0;  // bits: of all of them
};

// Weights and biases of the layers that the op profile counts, by the bits of one.
std::map<int, Width> widths(const OpProfile& ops) {
  std::map<int, Width> by_bits;
  const auto add = [&](int bits, int64_t count) {
    if (count == 0) return;
    by_bits[bits].weights += count;
    by_bits[bits].bits += count * bits;
  };
  for (const LayerProfile& layer : ops.layers) {
    add(layer.bits, layer.weights);
    add(32, layer.biases);
  }
  return by_bits;
}

int64_t bytes_of(int64_t bits) {
  return (bits + 7) / 8;
}

std::string widths_table(const OpProfile& ops) {
  Rows rows = {{"weights of", "number", "bits", "share", "bytes"}};
  for (const auto& [bits, width] : widths(ops))
    rows.push_back({fmt::format("{} bit", bits), std::to_string(width.weights), std::to_string(width.bits),
                    format_percent(share_of(width.bits, ops.total_bits)), std::to_string(bytes_of(width.bits))});
  rows.push_back({"total", "", std::to_string(ops.total_bits), format_percent(ops.total_bits > 0 ? 1.0 : 0.0),
                  std::to_string(bytes_of(ops.total_bits))});
  return render_table(rows);
}

// Layers that print_qstats passes over.
std::string uncounted_text(const Network& network) {
  const std::vector<LayerShapes> shapes = infer_shapes(network);
  std::string text;
  for (size_t i = 0; i < shapes.size(); ++i) {
    const LayerSpec& layer = network.layers[i];
    if (!has_weights(layer.op) || layer.weights != Format::kFloat32) continue;
    text += fmt::format("{} {} of {}", text.empty() ? "not counted, as in QKeras: float32 weights," : ",",
                        weight_count(layer, shapes[i]), layer.name);
  }
  return text.empty() ? "" : text + "\n";
}

// ---- what it costs

std::string tier_text(const NetworkProfile& p) {
  std::string text;
  switch (p.tier) {
    case Tier::kClosedForm:
      text = "constants and arena are exact; code, stack, instructions and cycles are closed forms (docs/estimates.md)";
      break;
    case Tier::kLinked:
      text = p.total.instructions > 0.0
                 ? "flash and stack of the linked package; instructions and cycles are closed forms"
                 : "flash and stack of the linked package; no closed forms for this core";
      break;
    case Tier::kEmulated:
      text = p.on_board ? "flash and stack of the linked package; instructions counted, cycles by the timing table"
                        : "flash and stack of the linked package; instructions counted";
      break;
  }
  for (const auto& [tool, version] : p.tools) text += fmt::format("\n                  {}: {}", tool, version);
  return text;
}

std::string head_text(const NetworkProfile& p) {
  const std::string running = p.execution == Execution::kStream ? "first layers column by column" : "layer by layer";
  std::string text = fmt::format("{}\non {}, {} at {} MHz, {}\n", p.source, p.board.name, p.board.core,
                                 p.board.clock_hz / 1'000'000, running);
  text += fmt::format("tier {:<12} {}\n", tier_name(p.tier), tier_text(p));
  for (const std::string& note : p.notes) text += "note: " + note + "\n";
  return text;
}

std::vector<std::string> cost_row(const NetworkProfile& p, const std::string& name, const std::string& kernel,
                                  const std::string& flash, const std::string& flash_share, const std::string& live,
                                  const Speed& speed) {
  return {name,
          kernel,
          flash,
          flash_share,
          live,
          if_known(speed.instructions),
          if_known(speed.cycles),
          effort(p, p.total) > 0.0 ? format_percent(effort_share(p, speed)) : "-",
          if_known(speed.board_cycles)};
}

std::string cost_table(const NetworkProfile& p) {
  Rows rows = {{"layer", "kernel", "flash B", "share", "live RAM B", "instructions", "cycles", "share", "with flash"}};
  int64_t of_layers = 0;
  for (const LayerCosts& layer : p.layers) {
    of_layers += layer.flash_bytes;
    rows.push_back(cost_row(p, layer.name, layer.kernel.empty() ? "-" : layer.kernel, std::to_string(layer.flash_bytes),
                            format_percent(share_of(layer.flash_bytes, p.flash_bytes())),
                            std::to_string(layer.live_bytes), layer.speed));
  }
  const int64_t shared = p.flash_bytes() - of_layers;
  rows.push_back(cost_row(p, "shared, calls", "-", std::to_string(shared),
                          format_percent(share_of(shared, p.flash_bytes())), "-", p.between));
  rows.push_back(cost_row(p, "total", "-", std::to_string(p.flash_bytes()), format_percent(1.0),
                          std::to_string(p.memory.arena_bytes), p.total));
  return render_table(rows);
}

std::string shared_table(const NetworkProfile& p) {
  Rows rows = {{"shared flash", "bytes", "share"}};
  for (const SharedFlash& s : p.shared)
    rows.push_back({s.name, std::to_string(s.bytes), format_percent(share_of(s.bytes, p.flash_bytes()))});
  return render_table(rows);
}

// ---- the arena over time

std::string arena_text(const NetworkProfile& p) {
  Rows steps = {{"step", "layer", "live B", fmt::format("arena, 0 .. {}", p.memory.arena_bytes)}};
  for (size_t i = 0; i < p.layers.size(); ++i)
    steps.push_back({std::to_string(i), p.layers[i].name, std::to_string(p.layers[i].live_bytes),
                     arena_row(p.regions, static_cast<int>(i), p.memory.arena_bytes)});
  Rows legend = {{"", "what", "offset", "bytes", "from", "to"}};
  for (size_t r = 0; r < p.regions.size(); ++r) {
    const ArenaRegion& region = p.regions[r];
    legend.push_back({std::string(1, region_letter(r)), region.name, std::to_string(region.offset),
                      std::to_string(region.bytes), p.layers[static_cast<size_t>(region.first)].name,
                      p.layers[static_cast<size_t>(region.last)].name});
  }
  return render_table(steps) + "\n" + render_table(legend) +
         fmt::format("arena {} B{}; an output may lie over an input that ends with it\n", p.memory.arena_bytes,
                     p.memory.is_least ? ", the least possible" : "");
}

// ---- what dominates

// "its input 600 B", of what lies in the arena while a layer runs.
std::string role_text(const NetworkProfile& p, const ArenaRegion& region, const std::string& layer, int from) {
  std::string role = region.name;
  if (region.name == layer) role = "its output";
  if (region.name == (from == kNetworkInput ? "input" : p.layers[static_cast<size_t>(from)].name)) role = "its input";
  if (region.name == layer + " scratch") role = "its scratch";
  return fmt::format("{} {} B", role, region.bytes);
}

// What is live there, as a sum: bytes where an output lies over an input count once.
std::string arena_at_peak(const NetworkProfile& p) {
  const auto peak = static_cast<size_t>(p.memory.peak_step);
  std::string text;
  int64_t bytes = 0;
  for (const ArenaRegion& region : p.regions) {
    if (!region.is_alive(p.memory.peak_step)) continue;
    text += (text.empty() ? "" : " + ") +
            role_text(p, region, p.layers[peak].name, source_of(p.network, p.network.layers[peak].from));
    bytes += region.bytes;
  }
  const int64_t live = p.layers[peak].live_bytes;
  if (bytes > live) text += fmt::format(" - {} B shared", bytes - live);
  return text + fmt::format(" = {} B", live);
}

std::string ram_text(const NetworkProfile& p) {
  const std::string fast = p.data_bytes > 0 ? fmt::format(" + constants in RAM {} B", p.data_bytes) : "";
  return fmt::format("arena fullest at {}: {}; {} B in all = arena {} B{} + stack {} B",
                     p.layers[static_cast<size_t>(p.memory.peak_step)].name, arena_at_peak(p), p.ram_bytes(),
                     p.memory.arena_bytes, fast, p.stack_bytes);
}

std::string dominant_text(const Dominant& most, const std::string& of) {
  if (most.name.empty()) return "not known";
  return fmt::format("{}: {} of {}", most.name, format_percent(most.share), of);
}

// The most of all, which is mostly code, and the most of a layer's own.
std::string most_flash_text(const NetworkProfile& p) {
  const Dominant most = dominant_flash(p), layer = dominant_layer_flash(p);
  const std::string text = dominant_text(most, fmt::format("{} B", p.flash_bytes()));
  return most.name == layer.name
             ? text
             : fmt::format("{}; of the layers' own {}: {}", text, layer.name, format_percent(layer.share));
}

std::string energy_text(const NetworkProfile& p) {
  const std::vector<std::string> unknown = unknown_power_figures(p.board, /*sleep=*/false);
  if (!unknown.empty())
    return fmt::format("not known: the file of {} gives no {}", p.board.name, fmt::join(unknown, ", "));
  return dominant_text(dominant_energy(p), fmt::format("{:.2f} uJ", p.energy_uj));
}

std::string dominants_text(const NetworkProfile& p) {
  return fmt::format("most flash    {}\nmost RAM      {}\nmost {:<8} {}\nmost energy   {}\n", most_flash_text(p),
                     ram_text(p), effort_name(p) == std::string("cycles") ? "cycles" : "instr.",
                     dominant_text(dominant_cycles(p), fmt::format("{:.0f} {}", effort(p, p.total), effort_name(p))),
                     energy_text(p));
}

// ---- sums

std::string stack_text(const NetworkProfile& p) {
  if (p.tier == Tier::kClosedForm) return fmt::format("stack {} B, estimated", p.stack_bytes);
  const std::string used = p.stack_used_bytes > 0 ? fmt::format("{} B used, ", p.stack_used_bytes) : "";
  return fmt::format("stack {}at most {} B ({})", used, p.stack_bytes, fmt::join(p.stack_path, " > "));
}

std::string cycles_text(const NetworkProfile& p) {
  if (p.total.cycles == 0.0) return {};
  std::string text = fmt::format("cycles        {} without wait states\n", interval(p.total.cycles));
  if (p.on_board)
    text +=
        fmt::format("              {} with the flash of {}\n              {}\n              {}\n",
                    interval(p.on_board->cycles), p.board.name, describe(p.on_board->flash), misses_text(*p.on_board));
  text += fmt::format("latency       {}{}\n", interval(p.latency_us, format_microseconds),
                      p.on_board ? "" : " without wait states");
  if (p.energy_uj > 0.0)
    text += fmt::format("energy        {:.2f} .. {:.2f} uJ\n", p.energy_uj, p.energy_uj * kCyclesUpper);
  return text;
}

std::string flash_text(const NetworkProfile& p) {
  std::string text = fmt::format("flash         {} B: code {}", p.flash_bytes(), p.code_bytes);
  if (p.tier != Tier::kClosedForm) text += fmt::format(", library {}", p.library_bytes);
  text += fmt::format(", constants {}", p.constant_bytes);
  return text + (p.data_bytes > 0 ? fmt::format(", constants in RAM {}\n", p.data_bytes) : "\n");
}

std::string sums_text(const NetworkProfile& p) {
  std::string text = flash_text(p) + fmt::format("RAM           {} B: arena {}, {}\n", p.ram_bytes(),
                                                 p.memory.arena_bytes, stack_text(p));
  for (const std::string& excess : p.exceeds) text += fmt::format("does not fit: {}\n", excess);
  if (p.total.instructions > 0.0) text += fmt::format("instructions  {:.0f}\n", p.total.instructions);
  text += cycles_text(p);
  return text + not_modelled(p.board.core, p.board, p.on_board.has_value()) + "\n";
}

// ---- JSON

using Json = nlohmann::ordered_json;

void add_speed(const NetworkProfile& p, const Speed& speed, Json& json) {
  json["instructions"] = p.total.instructions > 0.0 ? Json(speed.instructions) : Json();
  json["cycles"] = p.total.cycles > 0.0 ? Json(speed.cycles) : Json();
  json["board_cycles"] = p.on_board ? Json(speed.board_cycles) : Json();
  json["share"] = effort(p, p.total) > 0.0 ? Json(effort_share(p, speed)) : Json();
}

std::string formats_of(const Network& network, int layer) {
  return std::string(format_name(storage_format(network, layer)));
}

Json layer_json(const NetworkProfile& p, size_t index, const LayerShapes& shapes) {
  const LayerSpec& spec = p.network.layers[index];
  const LayerCosts& costs = p.layers[index];
  Json json = {{"name", costs.name},
               {"op", op_name(spec.op)},
               {"kernel", costs.kernel},
               {"input", shape_text(shapes.input)},
               {"output", shape_text(shapes.output)},
               {"input_format", formats_of(p.network, spec.from)},
               {"weight_format", has_weights(spec.op) ? Json(format_name(spec.weights)) : Json()},
               {"output_format", formats_of(p.network, static_cast<int>(index))},
               {"macs", macs(spec, shapes)},
               {"weights", weight_count(spec, shapes)},
               {"flash_bytes", costs.flash_bytes},
               {"flash_share", share_of(costs.flash_bytes, p.flash_bytes())},
               {"live_bytes", costs.live_bytes}};
  add_speed(p, costs.speed, json);
  return json;
}

Json layers_json(const NetworkProfile& p) {
  const std::vector<LayerShapes> shapes = infer_shapes(p.network);
  Json layers = Json::array();
  for (size_t i = 0; i < shapes.size(); ++i) layers.push_back(layer_json(p, i, shapes[i]));
  return layers;
}

Json ops_json(const NetworkProfile& p) {
  int64_t sum = 0;
  for (const auto& [name, count] : p.ops.operations) sum += count;
  Json shares = Json::object(), weights = Json::object(), by_bits = Json::array();
  for (const auto& [name, count] : p.ops.operations) shares[name] = share_of(count, sum);
  for (const LayerProfile& layer : p.ops.layers)
    weights[layer.layer] = {
        {"count", layer.weights},         {"bits", layer.bits},
        {"biases", layer.biases},         {"operation", layer.operation},
        {"operations", layer.operations}, {"share", share_of(layer.weights * layer.bits, p.ops.total_bits)}};
  for (const auto& [bits, width] : widths(p.ops))
    by_bits.push_back({{"bits", bits},
                       {"weights", width.weights},
                       {"total_bits", width.bits},
                       {"share", share_of(width.bits, p.ops.total_bits)},
                       {"bytes", bytes_of(width.bits)}});
  return {
      {"op_types", p.ops.operations}, {"op_type_shares", shares},       {"weights", weights},
      {"weights_by_bits", by_bits},   {"total_bits", p.ops.total_bits}, {"total_bytes", bytes_of(p.ops.total_bits)}};
}

Json memory_json(const NetworkProfile& p) {
  Json regions = Json::array(), steps = Json::array();
  for (const ArenaRegion& r : p.regions)
    regions.push_back({{"name", r.name},
                       {"offset", r.offset},
                       {"bytes", r.bytes},
                       {"from", p.layers[static_cast<size_t>(r.first)].name},
                       {"to", p.layers[static_cast<size_t>(r.last)].name}});
  for (size_t i = 0; i < p.layers.size(); ++i) {
    Json live = Json::array();
    for (const ArenaRegion& r : p.regions)
      if (r.is_alive(static_cast<int>(i))) live.push_back(r.name);
    steps.push_back({{"layer", p.layers[i].name}, {"live_bytes", p.layers[i].live_bytes}, {"live", live}});
  }
  return {{"is_least", p.memory.is_least},
          {"fullest_at", p.layers[static_cast<size_t>(p.memory.peak_step)].name},
          {"regions", regions},
          {"steps", steps}};
}

Json dominant_json(const Dominant& most) {
  if (most.name.empty()) return {};
  return {{"name", most.name}, {"amount", most.amount}, {"share", most.share}};
}

Json shared_json(const NetworkProfile& p) {
  Json shared = Json::array();
  for (const SharedFlash& s : p.shared)
    shared.push_back({{"name", s.name}, {"bytes", s.bytes}, {"share", share_of(s.bytes, p.flash_bytes())}});
  return shared;
}

void add_sums(const NetworkProfile& p, Json& json) {
  json["macs"] = macs(p.network);
  json["parameters"] = parameter_count(p.network);
  json["exceeds"] = p.exceeds;
  json["flash_bytes"] = p.flash_bytes();
  json["code_bytes"] = p.code_bytes;
  json["library_bytes"] = p.tier == Tier::kClosedForm ? Json() : Json(p.library_bytes);
  json["constant_bytes"] = p.constant_bytes;
  json["data_bytes"] = p.data_bytes;
  json["ram_bytes"] = p.ram_bytes();
  json["arena_bytes"] = p.memory.arena_bytes;
  json["stack_bytes"] = p.stack_bytes;
  json["stack_used_bytes"] = p.stack_used_bytes > 0 ? Json(p.stack_used_bytes) : Json();
  json["stack_path"] = p.stack_path;
  json["instructions"] = known(p.total.instructions);
  json["cycles"] = known(p.total.cycles);
  json["cycles_upper"] = known(p.total.cycles * kCyclesUpper);
  json["board_cycles"] = known(p.total.board_cycles);
  json["board_cycles_upper"] = known(p.total.board_cycles * kCyclesUpper);
  json["latency_us"] = known(p.latency_us);
  json["latency_us_upper"] = known(p.latency_us * kCyclesUpper);
  json["energy_uj"] = known(p.energy_uj);
  json["energy_uj_upper"] = known(p.energy_uj * kCyclesUpper);
}

void offer_flash(const NetworkProfile& p, const std::string& name, int64_t bytes, Dominant& most) {
  if (static_cast<double>(bytes) > most.amount)
    most = {name, static_cast<double>(bytes), share_of(bytes, p.flash_bytes())};
}

// The layer, or "calls between layers", for which `amount` is the largest.
template <class F>
Dominant most_of(const NetworkProfile& p, double whole, F amount) {
  Dominant most{"calls between layers", amount(p.between), 0.0};
  for (const LayerCosts& layer : p.layers)
    if (amount(layer.speed) > most.amount) most = {layer.name, amount(layer.speed), 0.0};
  if (whole <= 0.0) return {};
  most.share = most.amount / whole;
  return most;
}

}  // namespace

Dominant dominant_layer_flash(const NetworkProfile& p) {
  Dominant most;
  for (const LayerCosts& layer : p.layers) offer_flash(p, layer.name, layer.flash_bytes, most);
  return most;
}

Dominant dominant_flash(const NetworkProfile& p) {
  Dominant most = dominant_layer_flash(p);
  for (const SharedFlash& shared : p.shared) offer_flash(p, shared.name, shared.bytes, most);
  return most;
}

Dominant dominant_cycles(const NetworkProfile& p) {
  return most_of(p, effort(p, p.total), [&](const Speed& speed) { return effort(p, speed); });
}

Dominant dominant_energy(const NetworkProfile& p) {
  if (p.energy_uj <= 0.0) return {};
  return most_of(p, p.energy_uj, [&](const Speed& speed) { return energy_of_cycles_uj(p.board, spent(speed)); });
}

std::string profile_text(const NetworkProfile& p) {
  const std::string classes = classes_table(p.instructions_by_class);
  return head_text(p) + "\n" + qstats_text(p.ops) + "\n" + widths_table(p.ops) + uncounted_text(p.network) + "\n" +
         layer_table(p.network) + "\n" + cost_table(p) + "\n" + shared_table(p) + "\n" + classes +
         (classes.empty() ? "" : "\n") + arena_text(p) + "\n" + dominants_text(p) + "\n" + sums_text(p);
}

std::string profile_json(const NetworkProfile& p) {
  Json json = {{"schema", 2},
               {"source", p.source},
               {"network", p.network.name},
               {"board", p.board.name},
               {"core", p.board.core},
               {"clock_hz", p.board.clock_hz},
               {"tier", tier_name(p.tier)},
               {"execution", p.execution == Execution::kStream ? "stream" : "layers"},
               {"notes", p.notes},
               {"tools", p.tools}};
  json.update(ops_json(p));
  add_sums(p, json);
  json["layers"] = layers_json(p);
  json["between_layers"] = Json::object();
  add_speed(p, p.between, json["between_layers"]);
  json["shared_flash"] = shared_json(p);
  json["memory"] = memory_json(p);
  json["dominant"] = {{"flash", dominant_json(dominant_flash(p))},
                      {"layer_flash", dominant_json(dominant_layer_flash(p))},
                      {"ram", {{"name", json["memory"]["fullest_at"]}, {"amount", p.memory.arena_bytes}}},
                      {"cycles", dominant_json(dominant_cycles(p))},
                      {"energy", dominant_json(dominant_energy(p))}};
  if (!p.instructions_by_class.empty()) json["instructions_by_class"] = p.instructions_by_class;
  if (p.on_board) json["flash_model"] = flash_json(*p.on_board);
  json["not_modelled"] = not_modelled(p.board.core, p.board, p.on_board.has_value());
  return json_text(json) + "\n";
}

}  // namespace bitwright
