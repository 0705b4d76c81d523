// SPDX-License-Identifier: Apache-2.0
#include "core/io/board_yaml.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <set>

#include "core/embedded.h"
#include "core/error.h"
#include "core/io/config_reader.h"

namespace bitwright {
namespace {

constexpr std::string_view kFolder = "configs/boards/", kSuffix = ".yaml";

Codec<std::string> board_name() {
  const auto parse = [](const std::string& text, std::string& value) -> std::string {
    const bool legal = text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string::npos;
    if (!legal || text.empty() || text.size() > 64) return "lower-case letters, digits and -, at most 64";
    value = text;
    return "";
  };
  return {parse, [](const std::string& value) { return nlohmann::json(value); }};
}

// The numbers that a board gives, by their field.
std::vector<std::string> given_numbers(const Board& board) {
  std::vector<std::string> given;
  for (const auto& [field, is_given] : {std::pair{"clock", board.clock_hz > 0},
                                        {"flash", board.flash_bytes > 0},
                                        {"ram", board.ram_bytes() > 0},
                                        {"ram_total", board.ram_total_bytes > 0},
                                        {"shared_memory", board.shared_memory_bytes > 0},
                                        {"flash_wait_states", board.flash_wait_states > 0},
                                        {"flash_read", board.flash_read_bits > 0},
                                        {"instruction_cache", board.instruction_cache.lines > 0},
                                        {"data_cache", board.data_cache.lines > 0},
                                        {"prefetch", board.prefetch},
                                        {"supply", board.supply_v > 0.0},
                                        {"current", board.current_ua_per_mhz > 0.0},
                                        {"sleep_current", board.sleep_current_ua > 0.0}})
    if (is_given) given.emplace_back(field);
  return given;
}

bool has_source(const Board& board, const std::string& field) {
  const auto found = board.sources.find(field);
  return found != board.sources.end() && found->second.find_first_not_of(" \t\r\n") != std::string::npos;
}

std::string no_source(const std::string& field) {
  return "no source; sources." + field + " names the document and the place";
}

constexpr int64_t kMostLineBytes = 4096, kMostHertz = 10'000'000'000;
constexpr double kMostVolts = 60.0;

bool is_power_of_two(int64_t value, int64_t most) {
  return value > 0 && value <= most && std::has_single_bit(static_cast<uint64_t>(value));
}

bool has_float_unit(const std::string& core) {
  return core == "cortex-m4" || core == "cortex-m7" || core == "cortex-m33" || core == "cortex-m55";
}

bool all_differ(const std::vector<RamBank>& banks) {
  std::set<std::string> names;
  return std::ranges::all_of(banks, [&](const RamBank& bank) { return names.insert(bank.name).second; });
}

bool contains(const std::vector<std::string>& list, const std::string& item) {
  return std::find(list.begin(), list.end(), item) != list.end();
}

// Fields that a source may stand for: all, a cache as one.
std::vector<std::string> sourced_fields() {
  std::vector<std::string> fields;
  for (const std::string& field : board_fields()) {
    const std::string top = field.substr(0, field.find('.'));
    if (top != "sources" && !contains(fields, top)) fields.push_back(top);
  }
  return fields;
}

// What only a file can break: a 0 or `false` that nobody vouches for, and a source of nothing.
void check_file(FieldReader& reader, const YamlNode& root, const Board& board, Mistakes& mistakes) {
  const std::vector<std::string> given = given_numbers(board);
  for (const std::string field : {"flash_wait_states", "instruction_cache", "data_cache", "prefetch"})
    if (root.find(field) && !contains(given, field)) reader.check(field, has_source(board, field), no_source(field));
  const YamlNode* sources = root.find("sources");
  if (!sources) return;
  const std::vector<std::string> fields = sourced_fields();
  for (size_t i = 0; i < sources->keys.size(); ++i)
    if (const std::string& key = sources->keys[i]; !contains(fields, key))
      mistakes.add(sources->key_places[i], "sources." + key, "a source of no field" + did_you_mean(key, fields));
}

void visit_bank(Fields& fields, RamBank& bank, const Board& board) {
  fields.value("name", bank.name, name_text(), Need::kRequired);
  fields.value("size", bank.bytes, quantity64(kBytes), Need::kRequired);
  fields.check("size", board.ram_total_bytes == 0 || bank.bytes <= board.ram_total_bytes,
               fmt::format("more than the part has: ram_total is {} B", board.ram_total_bytes));
  fields.check("size", !board.shares_memory() || bank.bytes <= board.shared_memory_bytes,
               fmt::format("more than program and data have: shared_memory is {} B", board.shared_memory_bytes));
}

void visit_memory(Fields& fields, Board& board) {
  fields.value("flash", board.flash_bytes, quantity64(kBytes), Need::kRequired);
  fields.value("ram_total", board.ram_total_bytes, quantity64(kBytes, None::kAllowed));
  fields.value("shared_memory", board.shared_memory_bytes, quantity64(kBytes, None::kAllowed));
  fields.records<RamBank>(
      "ram", board.ram, [&](Fields& f, RamBank& bank) { visit_bank(f, bank, board); }, Need::kRequired);
  fields.check("ram", all_differ(board.ram), "two banks of one name");
  const bool each_fits = std::all_of(board.ram.begin(), board.ram.end(),
                                     [&](const RamBank& bank) { return bank.bytes <= board.ram_total_bytes; });
  fields.check("ram", board.ram_total_bytes == 0 || !each_fits || board.ram_bytes() <= board.ram_total_bytes,
               fmt::format("{} B together, more than the part has: ram_total is {} B", board.ram_bytes(),
                           board.ram_total_bytes));
  fields.check("flash", !board.shares_memory() || board.flash_bytes <= board.shared_memory_bytes,
               fmt::format("more than program and data have: shared_memory is {} B", board.shared_memory_bytes));
}

void visit_cache(Fields& fields, Cache& cache) {
  fields.value("lines", cache.lines, whole(0, 1 << 16));
  fields.value("line", cache.line_bytes, quantity64(kBytes, None::kAllowed));
  fields.value("ways", cache.ways, whole(0, 1 << 16));
  fields.check("lines", cache.lines == 0 || cache.line_bytes > 0, "needs line, the size of one");
  fields.check("line", cache.line_bytes == 0 || is_power_of_two(cache.line_bytes, kMostLineBytes),
               fmt::format("a power of two, at most {} B", kMostLineBytes));
  fields.check("ways", cache.ways == 0 || (cache.ways <= cache.lines && cache.lines % cache.ways == 0),
               fmt::format("a divisor of the {} lines, or 0", cache.lines));
}

void visit_flash_path(Fields& fields, Board& board) {
  fields.value("flash_wait_states", board.flash_wait_states, whole(0, 15));
  fields.value("flash_read", board.flash_read_bits, quantity64(kBits, None::kAllowed));
  fields.check("flash_read",
               board.flash_read_bits == 0 ||
                   (board.flash_read_bits >= 8 && is_power_of_two(board.flash_read_bits, 8 * kMostLineBytes)),
               fmt::format("a power of two of bytes, at most {} B", kMostLineBytes));
  fields.section("instruction_cache", [&](Fields& f) { visit_cache(f, board.instruction_cache); });
  fields.section("data_cache", [&](Fields& f) { visit_cache(f, board.data_cache); });
  fields.value("prefetch", board.prefetch, flag());
}

void visit_energy(Fields& fields, Board& board) {
  fields.value("supply", board.supply_v, quantity(kVolts, None::kAllowed));
  fields.check("supply", board.supply_v <= kMostVolts, fmt::format("at most {} V", kMostVolts));
  fields.value("current", board.current_ua_per_mhz, quantity(kMicroampsPerMegahertz, None::kAllowed));
  fields.value("sleep_current", board.sleep_current_ua, quantity(kMicroamps, None::kAllowed));
  fields.value("regulator", board.regulator, any_text());
}

}  // namespace

const std::vector<std::string>& board_cores() {
  static const std::vector<std::string> cores = {"cortex-m0", "cortex-m0plus", "cortex-m3",  "cortex-m4",
                                                 "cortex-m7", "cortex-m33",    "cortex-m55", "rv32imc"};
  return cores;
}

void visit_board(Fields& fields, Board& board) {
  fields.value("name", board.name, board_name(), Need::kRequired);
  fields.value("title", board.title, any_text(), Need::kRequired);
  fields.value("mcu", board.mcu, any_text(), Need::kRequired);
  fields.value("core", board.core, one_of(board_cores()), Need::kRequired);
  fields.value("fpu", board.fpu, flag());
  fields.check("fpu", !board.fpu || has_float_unit(board.core), fmt::format("a {} has none", board.core));
  fields.value("clock", board.clock_hz, quantity64(kHertz), Need::kRequired);
  fields.check("clock", board.clock_hz <= kMostHertz, "at most 10 GHz");
  visit_memory(fields, board);
  visit_flash_path(fields, board);
  visit_energy(fields, board);
  fields.texts("sources", board.sources);
  for (const std::string& field : given_numbers(board)) fields.check(field, has_source(board, field), no_source(field));
}

Board board_from_yaml(const std::string& text, const std::string& place) {
  const YamlNode root = parse_yaml(text, place);
  Mistakes mistakes(place);
  FieldReader reader(root, "", mistakes);
  Board board;
  visit_board(reader, board);
  check_file(reader, root, board, mistakes);
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
