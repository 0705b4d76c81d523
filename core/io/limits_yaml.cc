// SPDX-License-Identifier: Apache-2.0
#include "core/io/limits_yaml.h"

#include <algorithm>

#include "core/quantity.h"

namespace bitwright {
namespace {

Codec<int64_t> size() {
  return quantity64(kBytes, None::kAllowed);
}
Codec<double> latency() {
  return quantity(kMicroseconds, None::kAllowed);
}
Codec<double> energy() {
  return quantity(kMicrojoules, None::kAllowed);
}
Codec<double> power() {
  return quantity(kMicrowatts, None::kAllowed);
}
Codec<int64_t> multiply_accumulates() {
  return quantity64(kMacs, None::kAllowed);
}

// `20 KiB`, or `20 KiB of 64 KiB`: then `of` is the second figure, else 0.
Codec<int64_t> part_of_memory(int64_t& of) {
  constexpr std::string_view kOf = " of ";
  const auto parse = [&of, kOf](const std::string& text, int64_t& value) -> std::string {
    if (text.ends_with(" of")) return "what the board has is missing after `of`, as in 20 KiB of 64 KiB";
    const size_t at = text.find(kOf);
    if (at == std::string::npos) return size().parse(text, value);
    int64_t part = 0, whole = 0;
    for (const auto& [figure, bytes] : {std::pair{text.substr(0, at), &part}, {text.substr(at + kOf.size()), &whole}})
      if (const std::string rule = quantity64(kBytes).parse(figure, *bytes); !rule.empty()) return figure + ": " + rule;
    if (part > whole) return "a part of what the board has, so the first is at most the second";
    value = part;
    of = whole;
    return "";
  };
  const auto print = [&of, kOf](const int64_t& value) -> nlohmann::json {
    if (of == 0) return size().print(value);
    return fmt::format("{} B{}{} B", value, kOf, of);
  };
  return {parse, print};
}

// `20000`, `20k`, `1.5M`.
Codec<int64_t> count() {
  const auto parse = [number = quantity64(kParams, None::kAllowed)](const std::string& text,
                                                                    int64_t& value) -> std::string {
    const std::string rule = number.parse(text, value);
    return rule.starts_with("a ") ? "a whole number, with k or M for thousands or millions, or none" : rule;
  };
  const auto print = [](const int64_t& value) { return value == 0 ? nlohmann::json("none") : nlohmann::json(value); };
  return {parse, print};
}

// Of `95`, which is neither share nor percentage.
std::string percentage_meant(const std::string& text) {
  double value = 0.0;
  const bool read = real(1.0, 100.0).parse(text, value).empty();
  return read ? fmt::format(", did you mean {} % or {:g}?", text, value / 100.0) : "";
}

Codec<double> hourly() {
  const auto parse = [number = real(0.001, 1e9)](const std::string& text, double& value) -> std::string {
    if (text != "none") return number.parse(text, value);
    value = 0.0;
    return "";
  };
  const auto print = [](const double& value) { return value == 0 ? nlohmann::json("none") : nlohmann::json(value); };
  return {parse, print};
}

std::string bytes_text(int64_t bytes) {
  return bytes % 1024 == 0 ? fmt::format("{} KiB", bytes / 1024) : fmt::format("{} B", bytes);
}

// Those that could be read; a board that could not is a mistake of its own.
std::vector<Board> known_boards(const Study& study) {
  std::vector<Board> boards = boards_of(study);
  std::erase_if(boards, [](const Board& board) { return board.ram.empty(); });
  return boards;
}

// Reports the first of the boards that breaks a rule; `rule` gives its text, empty where the board keeps it.
void check_each(Fields& fields, std::string_view key, const std::vector<Board>& boards,
                const std::function<std::string(const Board&)>& rule) {
  for (const Board& board : boards) {
    const std::string broken = rule(board);
    if (broken.empty()) continue;
    fields.check(key, false, broken);
    return;
  }
}

std::string beyond(const std::string& place, int64_t has, int64_t limit, int64_t of) {
  if (of > 0 && of != has) return fmt::format("{} has {}, not {}", place, bytes_text(has), bytes_text(of));
  return limit > has ? fmt::format("{} has {}", place, bytes_text(has)) : "";
}

void check_memory(Fields& fields, const Limits& limits, const std::vector<Board>& boards) {
  check_each(fields, "flash", boards, [&](const Board& board) {
    return beyond(board.name, board.flash_bytes, limits.flash_bytes, limits.flash_of_bytes);
  });
  check_each(fields, "ram", boards, [&](const Board& board) {
    const RamBank& bank = board.ram.front();
    return beyond(bank.name + " of " + board.name, bank.bytes, limits.ram_bytes, limits.ram_of_bytes);
  });
}

std::string unknown_energy(const Board& board) {
  const std::vector<std::string> unknown = unknown_power_figures(board, /*sleep=*/false);
  return unknown.empty() ? "" : fmt::format("the file of {} gives no {}", board.name, fmt::join(unknown, ", "));
}

void check_power(Fields& fields, const Limits& limits, const Study& study) {
  if (limits.energy_uj > 0.0) check_each(fields, "energy", known_boards(study), unknown_energy);
  fields.check("average_power", limits.average_power_uw == 0.0 || study.duty_cycle.given(),
               "needs duty_cycle.inferences_per_hour");
}

bool move_to_front(std::vector<RamBank>& banks, const std::string& name) {
  const auto bank = std::find_if(banks.begin(), banks.end(), [&](const RamBank& b) { return b.name == name; });
  if (bank == banks.end()) return false;
  std::rotate(banks.begin(), bank, bank + 1);
  return true;
}

std::string no_such_bank(const Board& board, const std::string& name) {
  std::vector<std::string> names;
  for (const RamBank& bank : board.ram) names.push_back(bank.name);
  return fmt::format("{} has {}{}", board.name, fmt::join(names, ", "), did_you_mean(name, names));
}

void visit_bank_choice(Fields& fields, Study& study) {
  fields.value("ram_bank", study.ram_bank, any_text());
  if (study.ram_bank.empty()) return;
  std::string rule;
  std::vector<Board*> boards = {&study.board};
  for (Board& board : study.further_boards) boards.push_back(&board);
  for (Board* board : boards)
    if (!board->ram.empty() && !move_to_front(board->ram, study.ram_bank) && rule.empty())
      rule = no_such_bank(*board, study.ram_bank);
  fields.check("ram_bank", rule.empty(), rule);
}

// A soft limit, which is at most the hard one; `text` gives the latter in words.
template <class T, class Text>
void visit_soft(Fields& fields, std::string_view key, T& soft, const T& hard, const Codec<T>& codec, const Text& text) {
  fields.value(key, soft, codec);
  if (hard != T{} && soft > hard) fields.check(key, false, "at most the hard limit of " + text(hard));
}

template <class T>
void visit_soft(Fields& fields, std::string_view key, T& soft, const T& hard, const Codec<T>& codec) {
  visit_soft(fields, key, soft, hard, codec, [&](const T& value) {
    const nlohmann::json printed = codec.print(value);
    return printed.is_string() ? printed.get<std::string>() : printed.dump();
  });
}

void visit_soft_limits(Fields& fields, Study& study) {
  Limits& soft = study.soft_limits;
  const Limits& hard = study.limits;
  visit_soft(fields, "flash", soft.flash_bytes, hard.flash_bytes, size(), bytes_text);
  visit_soft(fields, "ram", soft.ram_bytes, hard.ram_bytes, size(), bytes_text);
  visit_soft(fields, "latency", soft.latency_us, hard.latency_us, latency());
  visit_soft(fields, "energy", soft.energy_uj, hard.energy_uj, energy());
  visit_soft(fields, "average_power", soft.average_power_uw, hard.average_power_uw, power());
  visit_soft(fields, "macs", soft.macs, hard.macs, multiply_accumulates());
  visit_soft(fields, "params", soft.params, hard.params, count());
  Limits alone = soft;  // what the hard limit refuses already is told once
  if (hard.flash_bytes > 0) alone.flash_bytes = 0;
  if (hard.ram_bytes > 0) alone.ram_bytes = 0;
  check_memory(fields, alone, known_boards(study));
  check_power(fields, soft, study);
}

std::string unknown_power(const Board& board, const DutyCycle& duty) {
  const std::vector<std::string> unknown = unknown_power_figures(board, /*sleep=*/true, duty);
  if (unknown.empty()) return "";
  const bool only_sleep = unknown.size() == 1 && unknown.front() == "sleep_current";
  return fmt::format("the file of {} gives no {}{}", board.name, fmt::join(unknown, ", "),
                     only_sleep ? "; duty_cycle.sleep_current sets it" : "");
}

// The codec, which also tells whether it has refused a text: what is then missing was written, wrongly.
template <class T>
Codec<T> telling(const Codec<T>& codec, bool& refused) {
  const auto parse = [inner = codec.parse, &refused](const std::string& text, T& value) {
    const std::string rule = inner(text, value);
    refused = refused || !rule.empty();
    return rule;
  };
  return {parse, codec.print};
}

void visit_duty_fields(Fields& fields, Study& study) {
  DutyCycle& duty = study.duty_cycle;
  bool refused = false;
  fields.value("inferences_per_hour", duty.inferences_per_hour, hourly());
  fields.value("sleep_current", duty.sleep_current_ua, telling(quantity(kMicroamps, None::kAllowed), refused));
  fields.value("battery", duty.battery_mah, quantity(kMilliampHours, None::kAllowed));
  for (const auto& [key, value] : {std::pair{"sleep_current", duty.sleep_current_ua}, {"battery", duty.battery_mah}})
    fields.check(key, value == 0.0 || duty.given(), "needs inferences_per_hour");
  DutyCycle meant = duty;
  if (refused) meant.sleep_current_ua = 1.0;
  if (duty.given())
    check_each(fields, "inferences_per_hour", known_boards(study),
               [&](const Board& board) { return unknown_power(board, meant); });
}

bool contains(const std::vector<std::string>& list, const std::string& item) {
  return std::find(list.begin(), list.end(), item) != list.end();
}

}  // namespace

Codec<double> share() {
  const auto parse = [](const std::string& text, double& value) -> std::string {
    const bool percent = text.ends_with("%");
    const std::string number = percent ? text.substr(0, text.find_last_not_of(" %") + 1) : text;
    double parsed = 0.0;
    const bool none = text == "none";
    const bool legal = none || (real(0.0, percent ? 100.0 : 1.0).parse(number, parsed).empty() && parsed > 0.0);
    if (!legal) return "a share above 0, such as 95 % or 0.95, or none" + (percent ? "" : percentage_meant(text));
    value = percent ? parsed / 100.0 : parsed;
    return "";
  };
  const auto print = [](const double& value) { return value == 0 ? nlohmann::json("none") : nlohmann::json(value); };
  return {parse, print};
}

void visit_duty_cycle(Fields& fields, Study& study) {
  fields.section("duty_cycle", [&](Fields& f) { visit_duty_fields(f, study); });
}

void visit_limits(Fields& fields, Study& study) {
  const auto visit = [&](Fields& f) {
    Limits& limits = study.limits;
    f.value("flash", limits.flash_bytes, part_of_memory(limits.flash_of_bytes));
    f.value("ram", limits.ram_bytes, part_of_memory(limits.ram_of_bytes));
    visit_bank_choice(f, study);
    f.value("latency", limits.latency_us, latency());
    f.value("energy", limits.energy_uj, energy());
    f.value("average_power", limits.average_power_uw, power());
    f.value("macs", limits.macs, multiply_accumulates());
    f.value("params", limits.params, count());
    f.value("accuracy", study.accuracy_floor, share());
    check_memory(f, limits, known_boards(study));
    check_power(f, limits, study);
    f.section("soft", [&](Fields& soft) { visit_soft_limits(soft, study); });
  };
  fields.section("limits", visit);
}

void visit_objectives(Fields& fields, Study& study) {
  bool refused = false;
  fields.values("objectives", study.objectives, telling(one_of(quantity_names()), refused), Need::kOptional);
  if (contains(study.objectives, "energy"))
    check_each(fields, "objectives", known_boards(study), [](const Board& board) {
      const std::string rule = unknown_energy(board);
      return rule.empty() ? rule : "energy, but " + rule;
    });
  fields.check("objectives", !contains(study.objectives, "average_power") || study.duty_cycle.given(),
               "average_power needs duty_cycle.inferences_per_hour");
  fields.check("objectives", refused || !study.objectives.empty(), "at least one value");
}

void complete_limits(Study& study) {
  if (study.further_boards.empty()) {
    if (study.limits.flash_bytes == 0) study.limits.flash_bytes = study.board.flash_bytes;
    if (study.limits.ram_bytes == 0) study.limits.ram_bytes = study.board.ram.front().bytes;
  }
  for (const Quantity& quantity : quantities())
    if (quantity.limit(study.soft_limits) > 0.0 && !contains(study.objectives, quantity.name))
      study.objectives.push_back(quantity.name);
}

}  // namespace bitwright
