// SPDX-License-Identifier: Apache-2.0
#include <iostream>
#include <nlohmann/json.hpp>

#include "core/io/board_yaml.h"
#include "experiments/commands.h"
#include "experiments/table.h"

namespace bitwright {
namespace {

struct Options {
  std::string board;
  bool json = false;
};

nlohmann::json board_json(const Board& board) {
  nlohmann::json banks = nlohmann::json::array();
  for (const RamBank& bank : board.ram) banks.push_back({{"name", bank.name}, {"bytes", bank.bytes}});
  return {{"name", board.name},
          {"title", board.title},
          {"mcu", board.mcu},
          {"core", board.core},
          {"fpu", board.fpu},
          {"clock_hz", board.clock_hz},
          {"flash_bytes", board.flash_bytes},
          {"ram", banks},
          {"flash_wait_states", board.flash_wait_states},
          {"supply_v", board.supply_v},
          {"current_ua_per_mhz", board.current_ua_per_mhz},
          {"sources", board.sources}};
}

std::string board_text(const Board& board) {
  std::string out = fmt::format("{}: {}, {}\n", board.name, board.title, board.mcu);
  out += fmt::format("core {}{}  clock {} MHz  flash {}, {} wait states\n", board.core, board.fpu ? " with FPU" : "",
                     board.clock_hz / 1'000'000, format_bytes(board.flash_bytes), board.flash_wait_states);
  for (const RamBank& bank : board.ram) out += fmt::format("ram {}: {}\n", bank.name, format_bytes(bank.bytes));
  for (const auto& [field, source] : board.sources) out += fmt::format("source of {}: {}\n", field, source);
  return out;
}

int list_boards(bool json) {
  nlohmann::json all = nlohmann::json::array();
  std::vector<std::vector<std::string>> rows = {{"board", "mcu", "core", "MHz", "flash", "ram"}};
  for (const std::string& name : board_names()) {
    const Board board = load_board(name);
    all.push_back(board_json(board));
    rows.push_back({board.name, board.mcu, board.core, std::to_string(board.clock_hz / 1'000'000),
                    format_bytes(board.flash_bytes), format_bytes(board.ram_bytes())});
  }
  std::cout << (json ? nlohmann::json{{"schema", 1}, {"boards", all}}.dump(2) + "\n" : render_table(rows));
  return 0;
}

int boards(const Options& options) {
  if (options.board.empty()) return list_boards(options.json);
  const Board board = load_board(options.board);
  auto json = board_json(board);
  json["schema"] = 1;
  std::cout << (options.json ? json.dump(2) + "\n" : board_text(board));
  return 0;
}

}  // namespace

void add_boards(CLI::App& app, CommandLine& line) {
  auto* command = app.add_subcommand("boards", "Boards with their sources");
  auto options = std::make_shared<Options>();
  command->add_option("board", options->board, "One board, by name or file");
  command->add_flag("--json", options->json, "One JSON object on stdout");
  command->callback([=, &line] { line.action = [=] { return boards(*options); }; });
}

}  // namespace bitwright
