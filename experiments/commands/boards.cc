// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>

#include "core/board.h"
#include "core/error.h"
#include "core/io/board_yaml.h"
#include "core/io/config_reader.h"
#include "core/io/json_text.h"
#include "deploy/cross_target.h"
#include "deploy/timing.h"
#include "estimators/cost_table.h"
#include "experiments/commands.h"
#include "experiments/comparison.h"
#include "experiments/table.h"

namespace bitwright {
namespace {

struct Options {
  std::string board;
  std::string flash, ram, clock;  // ">=128KiB"; empty: any
  std::string core, family;
  bool json = false;
};

using Test = std::function<bool(const Board&)>;

// What is known of networks on a core: cycles before training; instructions of a package by emulation; or nothing.
std::string known_of(const std::string& core) {
  if (has_cost_table(core) && has_timing_table(core)) return "cycles";
  const std::vector<std::string> targets = cross_targets();
  return std::find(targets.begin(), targets.end(), core) != targets.end() ? "instructions only" : "none";
}

// Adds the test that `text`, where there is one, writes for a quantity.
template <class Quantity>
void add_comparison(std::vector<Test>& tests, const std::string& option, const std::string& text, const Units& units,
                    Quantity quantity) {
  if (text.empty()) return;
  Comparison comparison;
  const std::string rule = parse_comparison(text, bitwright::quantity(units).parse, comparison);
  if (!rule.empty()) throw ConfigError(fmt::format("{} = {}: {}", option, text, rule));
  tests.push_back([=](const Board& board) { return comparison.holds(static_cast<double>(quantity(board))); });
}

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

std::vector<Test> tests_of(const Options& options) {
  std::vector<Test> tests;
  add_comparison(tests, "--flash", options.flash, kBytes, [](const Board& b) { return b.flash_bytes; });
  add_comparison(tests, "--ram", options.ram, kBytes, [](const Board& b) { return b.ram.front().bytes; });
  add_comparison(tests, "--clock", options.clock, kHertz, [](const Board& b) { return b.clock_hz; });
  if (!options.core.empty()) {
    std::string core;
    const std::string rule = one_of(board_cores()).parse(options.core, core);
    if (!rule.empty()) throw ConfigError(fmt::format("--core = {}: {}", options.core, rule));
    tests.push_back([=](const Board& board) { return board.core == core; });
  }
  if (!options.family.empty())
    tests.push_back(
        [family = lower(options.family)](const Board& board) { return lower(board.mcu).starts_with(family); });
  return tests;
}

nlohmann::json cache_json(const Cache& cache) {
  return {{"lines", cache.lines}, {"line_bytes", cache.line_bytes}, {"ways", cache.ways}};
}

// Where 0, false or no lines mean that nothing is known unless a source says so.
bool is_known(const Board& board, const std::string& field, bool given) {
  return given || board.sources.contains(field);
}

// Null where nothing says it.
nlohmann::json board_json(const Board& b) {
  const auto if_known = [&](const std::string& field, bool given, const nlohmann::json& value) {
    return is_known(b, field, given) ? value : nlohmann::json();
  };
  const auto if_any = [](double value) { return value > 0.0 ? nlohmann::json(value) : nlohmann::json(); };
  nlohmann::json banks = nlohmann::json::array();
  for (const RamBank& bank : b.ram) banks.push_back({{"name", bank.name}, {"bytes", bank.bytes}});
  return {{"name", b.name},
          {"title", b.title},
          {"mcu", b.mcu},
          {"core", b.core},
          {"fpu", b.fpu},
          {"estimates", known_of(b.core)},
          {"clock_hz", b.clock_hz},
          {"flash_bytes", b.flash_bytes},
          {"ram", banks},
          {"ram_total_bytes", if_known("ram_total", b.ram_total_bytes > 0, b.ram_total_bytes)},
          {"shared_memory_bytes", b.shares_memory() ? nlohmann::json(b.shared_memory_bytes) : nlohmann::json()},
          {"flash_wait_states", if_known("flash_wait_states", b.flash_wait_states > 0, b.flash_wait_states)},
          {"flash_read_bits", if_known("flash_read", b.flash_read_bits > 0, b.flash_read_bits)},
          {"instruction_cache",
           if_known("instruction_cache", b.instruction_cache.lines > 0, cache_json(b.instruction_cache))},
          {"data_cache", if_known("data_cache", b.data_cache.lines > 0, cache_json(b.data_cache))},
          {"prefetch", if_known("prefetch", b.prefetch, b.prefetch)},
          {"supply_v", if_any(b.supply_v)},
          {"current_ua_per_mhz", if_any(b.current_ua_per_mhz)},
          {"sleep_current_ua", if_any(b.sleep_current_ua)},
          {"running_uw", if_any(running_uw(b))},
          {"asleep_uw", if_any(asleep_uw(b))},
          {"regulator", if_known("regulator", !b.regulator.empty(), b.regulator)},
          {"sources", b.sources}};
}

std::string megahertz(const Board& board) {
  return fmt::format("{:g}", static_cast<double>(board.clock_hz) / 1e6);
}

std::string cache_text(const Cache& cache) {
  if (cache.lines == 0) return "none";
  const std::string ways = cache.ways > 0 ? fmt::format(", {} ways", cache.ways) : "";
  return fmt::format("{}: {} lines of {} B{}", format_bytes(cache.bytes()), cache.lines, cache.line_bytes, ways);
}

// A row a field: its value and source. What no document says stands there as `-`.
class BoardRows {
 public:
  explicit BoardRows(const Board& board) : board_(board) {}

  void add(const std::string& field, const std::string& value) {
    const auto source = board_.sources.find(field);
    const bool known = source != board_.sources.end();
    rows_.push_back({field, value, known ? source->second : ""});
  }
  void add_if(const std::string& field, bool given, const std::string& value) {
    add(field, is_known(board_, field, given) ? value : "-");
  }
  std::string text() const { return render_table(rows_); }

 private:
  const Board& board_;
  std::vector<std::vector<std::string>> rows_ = {{"field", "value", "source"}};
};

std::string board_text(const Board& b) {
  BoardRows rows(b);
  rows.add("core", b.core + (b.fpu ? ", FPU" : ""));
  rows.add("estimates", known_of(b.core));
  rows.add("clock", megahertz(b) + " MHz");
  rows.add("flash", format_bytes(b.flash_bytes));
  std::vector<std::string> banks;
  for (const RamBank& bank : b.ram) banks.push_back(bank.name + " " + format_bytes(bank.bytes));
  rows.add("ram", fmt::format("{}", fmt::join(banks, ", ")));
  rows.add_if("ram_total", b.ram_total_bytes > 0, format_bytes(b.ram_total_bytes));
  if (b.shares_memory()) rows.add("shared_memory", format_bytes(b.shared_memory_bytes));
  rows.add_if("flash_wait_states", b.flash_wait_states > 0, std::to_string(b.flash_wait_states));
  rows.add_if("flash_read", b.flash_read_bits > 0, fmt::format("{} bit", b.flash_read_bits));
  rows.add_if("instruction_cache", b.instruction_cache.lines > 0, cache_text(b.instruction_cache));
  rows.add_if("data_cache", b.data_cache.lines > 0, cache_text(b.data_cache));
  rows.add_if("prefetch", b.prefetch, b.prefetch ? "yes" : "no");
  rows.add_if("supply", b.supply_v > 0.0, fmt::format("{:g} V", b.supply_v));
  rows.add_if("current", b.current_ua_per_mhz > 0.0, fmt::format("{:g} uA/MHz", b.current_ua_per_mhz));
  rows.add_if("sleep_current", b.sleep_current_ua > 0.0, fmt::format("{:g} uA", b.sleep_current_ua));
  if (running_uw(b) > 0.0) rows.add("power running", format_microwatts(running_uw(b)) + " at the clock");
  if (asleep_uw(b) > 0.0) rows.add("power asleep", format_microwatts(asleep_uw(b)));
  rows.add_if("regulator", !b.regulator.empty(), b.regulator);
  return fmt::format("{}: {}, {}\n", b.name, b.title, b.mcu) + rows.text();
}

std::vector<std::string> board_row(const Board& b) {
  return {b.name,
          b.mcu,
          b.core,
          known_of(b.core),
          megahertz(b),
          format_bytes(b.flash_bytes),
          format_bytes(b.ram.front().bytes),
          format_bytes(b.ram_bytes()),
          b.current_ua_per_mhz > 0.0 ? fmt::format("{:g}", b.current_ua_per_mhz) : "-"};
}

int list_boards(const Options& options) {
  const std::vector<Test> tests = tests_of(options);
  nlohmann::json found = nlohmann::json::array();
  std::vector<std::vector<std::string>> rows = {
      {"board", "mcu", "core", "estimates", "MHz", "flash", "ram", "all ram", "uA/MHz"}};
  for (const std::string& name : board_names()) {
    const Board board = load_board(name);
    if (!std::all_of(tests.begin(), tests.end(), [&](const Test& test) { return test(board); })) continue;
    found.push_back(board_json(board));
    rows.push_back(board_row(board));
  }
  if (options.json)
    std::cout << json_text(nlohmann::json{{"schema", 1}, {"boards", found}}) << "\n";
  else
    std::cout << (found.empty() ? "no board meets this\n" : render_table(rows));
  return 0;
}

int show_board(const Options& options) {
  if (!tests_of(options).empty())
    throw ConfigError("boards " + options.board + ": filters choose from all boards; leave out the name or them");
  const Board board = load_board(options.board);
  auto json = board_json(board);
  json["schema"] = 1;
  std::cout << (options.json ? json_text(json) + "\n" : board_text(board));
  return 0;
}

}  // namespace

void add_boards(CLI::App& app, CommandLine& line) {
  auto* command = app.add_subcommand("boards", "Boards with their sources");
  auto options = std::make_shared<Options>();
  command->add_option("board", options->board, "One board, by name or file");
  command->add_option("--flash", options->flash, "Those with so much flash: '>=128KiB'; >=, <=, >, < or =");
  command->add_option("--ram", options->ram, "The same of the RAM bank that holds arena and stack");
  command->add_option("--clock", options->clock, "The same of the clock: '>=100MHz'");
  command->add_option("--core", options->core, "Those with this core: cortex-m4");
  command->add_option("--family", options->family, "Those whose part number begins so: STM32L4");
  command->add_flag("--json", options->json, "One JSON object on stdout");
  command->callback([=, &line] {
    line.action = [=] { return options->board.empty() ? list_boards(*options) : show_board(*options); };
  });
}

}  // namespace bitwright
