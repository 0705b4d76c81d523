// SPDX-License-Identifier: Apache-2.0
#include "core/io/board_yaml.h"

#include "core/embedded.h"
#include "core/error.h"
#include "core/io/config_reader.h"

namespace bitwright {
namespace {

constexpr std::string_view kFolder = "configs/boards/", kSuffix = ".yaml";

const std::vector<std::string> kCores = {"cortex-m0plus", "cortex-m3", "cortex-m4", "cortex-m7", "cortex-m33"};

Codec<std::string> board_name() {
  const auto parse = [](const std::string& text, std::string& value) -> std::string {
    const bool legal = text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string::npos;
    if (!legal || text.empty() || text.size() > 64) return "lower-case letters, digits and -, at most 64";
    value = text;
    return "";
  };
  return {parse, [](const std::string& value) { return nlohmann::json(value); }};
}

void check_sources(Fields& fields, const Board& board) {
  std::vector<std::string> numbers = {"clock", "flash", "ram"};
  if (board.flash_wait_states > 0) numbers.emplace_back("flash_wait_states");
  if (board.supply_v > 0.0) numbers.emplace_back("supply");
  if (board.current_ua_per_mhz > 0.0) numbers.emplace_back("current");
  for (const std::string& field : numbers)
    fields.check("sources", board.sources.contains(field), fmt::format("no source for {}", field));
}

}  // namespace

void visit_board(Fields& fields, Board& board) {
  fields.value("name", board.name, board_name(), Need::kRequired);
  fields.value("title", board.title, any_text(), Need::kRequired);
  fields.value("mcu", board.mcu, any_text(), Need::kRequired);
  fields.value("core", board.core, one_of(kCores), Need::kRequired);
  fields.value("fpu", board.fpu, flag());
  fields.value("clock", board.clock_hz, quantity64(kHertz), Need::kRequired);
  fields.value("flash", board.flash_bytes, quantity64(kBytes), Need::kRequired);
  const auto visit_bank = [](Fields& f, RamBank& bank) {
    f.value("name", bank.name, name_text(), Need::kRequired);
    f.value("size", bank.bytes, quantity64(kBytes), Need::kRequired);
  };
  fields.records<RamBank>("ram", board.ram, visit_bank, Need::kRequired);
  fields.value("flash_wait_states", board.flash_wait_states, whole(0, 15));
  fields.value("supply", board.supply_v, quantity(kVolts, None::kAllowed));
  fields.value("current", board.current_ua_per_mhz, quantity(kMicroampsPerMegahertz, None::kAllowed));
  fields.texts("sources", board.sources);
  check_sources(fields, board);
}

Board board_from_yaml(const std::string& text, const std::string& place) {
  const YamlNode root = parse_yaml(text, place);
  Mistakes mistakes(place);
  FieldReader reader(root, "", mistakes);
  Board board;
  visit_board(reader, board);
  reader.finish();
  mistakes.throw_if_any();
  return board;
}

Board load_board(const std::string& name_or_path) {
  if (name_or_path.find('/') != std::string::npos || name_or_path.ends_with(kSuffix))
    return board_from_yaml(read_text_file(name_or_path), name_or_path);
  const std::string path = std::string(kFolder) + name_or_path + std::string(kSuffix);
  if (const auto text = embedded_file(path)) return board_from_yaml(std::string(*text), path);
  const std::vector<std::string> names = board_names();
  throw ConfigError(fmt::format("board {}: unknown{} (known: {})", name_or_path, did_you_mean(name_or_path, names),
                                fmt::join(names, ", ")));
}

std::vector<std::string> board_names() {
  std::vector<std::string> names;
  for (std::string_view path : embedded_files(kFolder)) {
    if (!path.ends_with(kSuffix)) continue;
    names.emplace_back(path.substr(kFolder.size(), path.size() - kFolder.size() - kSuffix.size()));
  }
  return names;
}

std::vector<std::string> board_fields() {
  FieldLister lister;
  Board board;
  visit_board(lister, board);
  std::sort(lister.names.begin(), lister.names.end());
  return lister.names;
}

}  // namespace bitwright
