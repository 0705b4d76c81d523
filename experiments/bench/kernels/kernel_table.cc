// SPDX-License-Identifier: Apache-2.0
#include "experiments/bench/kernels/kernel_table.h"

#include <fmt/format.h>

#include <algorithm>

#include "deploy/timing.h"
#include "experiments/table.h"

namespace bitwright {
namespace {

using Rows = std::vector<std::vector<std::string>>;

// "cortex-m4" -> "m4".
std::string short_name(const std::string& core) {
  return core.starts_with("cortex-") ? core.substr(7) : core;
}

std::string ratio(double value) {
  return fmt::format("{:.2f}", value);
}

// The figures of one row of the table.
struct Row {
  const KernelFigure* first;
  std::vector<const KernelFigure*> figures;
};

bool same_row(const KernelFigure& a, const KernelFigure& b) {
  return a.shape == b.shape && a.pair == b.pair && a.kernel == b.kernel;
}
bool same_case(const KernelFigure& a, const KernelFigure& b) {
  return a.shape == b.shape && a.pair == b.pair;
}

// Cases in the order of their first figure, the kernels of a case together.
std::vector<Row> rows_of(const std::vector<KernelFigure>& figures) {
  std::vector<Row> rows;
  for (const KernelFigure& f : figures) {
    const auto same = std::find_if(rows.begin(), rows.end(), [&](const Row& row) { return same_row(*row.first, f); });
    if (same != rows.end()) {
      same->figures.push_back(&f);
      continue;
    }
    const auto last =
        std::find_if(rows.rbegin(), rows.rend(), [&](const Row& row) { return same_case(*row.first, f); });
    rows.insert(last == rows.rend() ? rows.end() : last.base(), Row{&f, {&f}});
  }
  return rows;
}

void add_cells(const Row& row, const std::string& core, std::vector<std::string>& cells) {
  for (const KernelFigure* f : row.figures)
    if (f->core == core) {
      cells.push_back(ratio(f->instructions_per_mac()) + (f->chosen ? "*" : " "));
      cells.push_back(f->cycles ? ratio(f->cycles_per_mac()) : "-");
      return;
    }
  cells.insert(cells.end(), {"-", "-"});
}

std::string execution_name(Execution execution) {
  return execution == Execution::kStream ? "stream" : "layers";
}

std::string form_name(const NetworkForm& form) {
  return execution_name(form.execution) + (form.specialized ? ", specialised" : "");
}

// A line for each way to run it on the Cortex-M7.
std::string published_speed(const std::vector<NetworkFigure>& figures) {
  std::string text;
  for (const NetworkFigure& f : figures) {
    if (f.core != "cortex-m7" || !f.cycles) continue;
    const Speed speed = inferences_per_second(*f.cycles, kPublishedClockHz);
    text +=
        fmt::format("m7 {} at {:.0f} MHz: {:.0f}..{:.0f} inferences a second; published for this network: {:.0f}\n",
                    form_name(f.form), kPublishedClockHz / 1e6, speed.low, speed.high, kPublishedInferencesPerSecond);
  }
  return text;
}

std::string verdict_word(const Verdict& verdict) {
  if (!verdict.measured) return "not measured";
  return verdict.met() ? "met" : "NOT MET";
}

std::string amount(double value) {
  return value < 1000 ? fmt::format("{:.3f}", value) : fmt::format("{:.0f}", value);
}

}  // namespace

std::string kernel_table(const std::vector<KernelFigure>& figures, const std::vector<std::string>& cores) {
  Rows table = {{"shape", "pair", "kernel"}};
  for (const std::string& core : cores)
    for (const char* unit : {" insn", " cyc"}) table[0].push_back(short_name(core) + unit);
  for (const Row& row : rows_of(figures)) {
    table.push_back({row.first->shape, row.first->pair, row.first->kernel});
    for (const std::string& core : cores) add_cells(row, core, table.back());
  }
  return "Instructions (exact) and cycles (estimated, zero wait states) per multiply-accumulate;\n"
         "* the kernel that is chosen on that core\n" +
         render_table(table);
}

std::string peer_table(const std::vector<KernelFigure>& ours, const std::vector<KernelFigure>& cmsis_nn) {
  Rows table = {{"core", "shape", "CMSIS-NN", "insn", "cyc"}};
  for (const FormatPair& pair : format_pairs())
    if (std::any_of(ours.begin(), ours.end(), [&](const KernelFigure& f) { return f.pair == pair.name; }))
      table[0].push_back(pair.name);
  for (const KernelFigure& peer : cmsis_nn) {
    std::vector<std::string> cells = {short_name(peer.core), peer.shape, peer.kernel,
                                      ratio(peer.instructions_per_mac()),
                                      peer.cycles ? ratio(peer.cycles_per_mac()) : "-"};
    for (size_t column = cells.size(); column < table[0].size(); ++column) {
      const KernelFigure* own = find_chosen(ours, peer.core, peer.shape, table[0][column]);
      cells.push_back(own ? ratio(times_as_fast(*own, peer)) : "-");
    }
    table.push_back(cells);
  }
  return "CMSIS-NN int8 per multiply-accumulate, and how many times as fast each pair is\n" + render_table(table);
}

std::string network_table(const Network& network, const std::vector<NetworkFigure>& figures) {
  Rows table = {{"core", "runs", "verdict", "instructions", "cycles", "RAM", "arena", "(input)", "(state)", "static",
                 "stack", "code", "library", "constants"}};
  for (const NetworkFigure& f : figures)
    table.push_back({short_name(f.core), form_name(f.form),
                     f.different ? fmt::format("DIFFERS on {} of {}", f.different, f.windows)
                                 : fmt::format("bit-exact on {}", f.windows),
                     fmt::format("{:.0f}", f.instructions), f.cycles ? fmt::format("{:.0f}", *f.cycles) : "-",
                     fmt::to_string(f.ram_bytes()), fmt::to_string(f.arena_bytes), fmt::to_string(f.input_bytes),
                     fmt::to_string(f.state_bytes), fmt::to_string(f.static_bytes), fmt::to_string(f.stack_bytes),
                     fmt::to_string(f.code_bytes), fmt::to_string(f.library_bytes), fmt::to_string(f.constant_bytes)});
  return fmt::format("{}: one inference, {} multiply-accumulates; bytes; input and state lie in the arena\n{}{}",
                     network.name, macs(network), render_table(table),
                     is_golden_bearing(network) ? published_speed(figures) : "");
}

std::string verdict_table(const std::vector<Verdict>& verdicts) {
  Rows table = {{"core", "limit", "", "measured", "verdict"}};
  for (const Verdict& v : verdicts)
    table.push_back({short_name(v.core), v.what, (v.at_least ? ">= " : "<= ") + amount(v.limit),
                     v.measured ? amount(*v.measured) : "-", verdict_word(v)});
  return render_table(table);
}

nlohmann::ordered_json kernel_json(const std::vector<KernelFigure>& figures) {
  nlohmann::ordered_json json = nlohmann::ordered_json::array();
  for (const KernelFigure& f : figures) {
    json.push_back({{"core", f.core}, {"shape", f.shape}, {"pair", f.pair}, {"kernel", f.kernel}, {"macs", f.macs}});
    json.back()["chosen"] = f.chosen;
    json.back()["instructions"] = f.instructions;
    json.back()["instructions_per_mac"] = f.instructions_per_mac();
    if (!f.cycles) continue;
    json.back()["cycles"] = *f.cycles;
    json.back()["cycles_per_mac"] = f.cycles_per_mac();
  }
  return json;
}

nlohmann::ordered_json network_json(const Network& network, const std::vector<NetworkFigure>& figures) {
  nlohmann::ordered_json json = {{"name", network.name}, {"macs", macs(network)}};
  json["cores"] = nlohmann::ordered_json::array();
  for (const NetworkFigure& f : figures) {
    nlohmann::ordered_json core = {{"core", f.core},
                                   {"execution", execution_name(f.form.execution)},
                                   {"specialized", f.form.specialized},
                                   {"ram_limit", f.form.ram_limit},
                                   {"windows", f.windows},
                                   {"different", f.different},
                                   {"instructions", f.instructions},
                                   {"ram_bytes", f.ram_bytes()},
                                   {"arena_bytes", f.arena_bytes},
                                   {"input_bytes", f.input_bytes},
                                   {"state_bytes", f.state_bytes},
                                   {"static_bytes", f.static_bytes},
                                   {"stack_bytes", f.stack_bytes},
                                   {"code_bytes", f.code_bytes},
                                   {"library_bytes", f.library_bytes},
                                   {"constant_bytes", f.constant_bytes}};
    if (f.cycles) {
      const Speed speed = inferences_per_second(*f.cycles, kPublishedClockHz);
      core["cycles"] = *f.cycles;
      core["cycles_upper"] = *f.cycles * kCyclesUpper;
      core["inferences_per_second_at_480_mhz"] = {speed.low, speed.high};
    }
    json["cores"].push_back(core);
  }
  return json;
}

nlohmann::ordered_json verdict_json(const std::vector<Verdict>& verdicts) {
  nlohmann::ordered_json json = nlohmann::ordered_json::array();
  for (const Verdict& v : verdicts) {
    json.push_back({{"core", v.core}, {"what", v.what}, {v.at_least ? "at_least" : "at_most", v.limit}});
    if (v.measured) json.back()["measured"] = *v.measured;
    json.back()["met"] = v.met();
  }
  return json;
}

}  // namespace bitwright
