// bitwright-timing-points: what the timing tables give for programs whose speed on silicon is public, and how far off
// that is. With `record` it writes the file of such a point, from an ELF file that calls bw_mark_begin() and
// bw_mark_end() around one inference.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <exception>
#include <filesystem>

#include "core/error.h"
#include "deploy/emulator_run.h"
#include "deploy/process.h"
#include "experiments/timing_points/validation.h"

namespace bitwright {
namespace {

struct RecordOptions {
  std::string elf;
  TimingPoint point;
  FlashModel flash;
  std::vector<int> instructions, data;  // lines, line bytes, ways
  double leave_out = 0.001;
};

LineBuffer line_buffer(const std::vector<int>& numbers) {
  return numbers.empty() ? LineBuffer{} : LineBuffer{numbers[0], numbers[1], numbers[2]};
}

void record(RecordOptions options) {
  TimingPoint& point = options.point;
  ProfileOptions profile;
  if (options.flash.wait_states > 0) {
    options.flash.instructions = line_buffer(options.instructions);
    options.flash.data = line_buffer(options.data);
    point.flash = profile.flash = options.flash;
  }
  const TemporaryDirectory folder;
  const EmulatedRun run = run_emulated(point.core, std::filesystem::absolute(options.elf), {}, folder.path(),
                                       std::chrono::seconds(600), profile);
  point.stretches = anonymous(stretches(run.profile, disassemble(options.elf)).at(0));
  if (point.flash) point.memory = run.profile.memory.at(0);
  shorten(point, options.leave_out);
  fmt::print("{}", timing_point_text(point));
}

void print_errors() {
  std::vector<PointError> errors;
  for (const TimingPoint& point : published_points()) errors.push_back(point_error(point));
  fmt::print("{}", errors_text(errors));
}

void add_record(CLI::App& app, RecordOptions& options) {
  CLI::App* command = app.add_subcommand("record", "Write a point's file to standard output");
  TimingPoint& point = options.point;
  command->add_option("elf", options.elf, "A program for the emulator")->required()->check(CLI::ExistingFile);
  command->add_option("--name", point.name)->required();
  command->add_option("--board", point.board)->required();
  command->add_option("--core", point.core, "One with a timing table")->required();
  command->add_option("--clock-hz", point.clock_hz)->required()->check(CLI::PositiveNumber);
  command->add_option("--inferences-per-s", point.inferences_per_s, "Published")
      ->required()
      ->check(CLI::PositiveNumber);
  command->add_option("--source", point.source, "Where it was published")->required();
  command->add_option("--program", point.program, "What was compiled, and how")->required();
  command->add_option("--wait-states", options.flash.wait_states, "0: memory is not simulated")
      ->check(CLI::NonNegativeNumber);
  command->add_option("--read-bytes", options.flash.read_bytes);
  command->add_flag("--prefetch", options.flash.prefetch);
  command->add_option("--instruction-buffer", options.instructions, "LINES LINE_BYTES WAYS")->expected(3);
  command->add_option("--data-buffer", options.data, "LINES LINE_BYTES WAYS")->expected(3);
  command->add_option("--leave-out", options.leave_out, "Share of the cycles that the file may lack")
      ->capture_default_str();
}

}  // namespace
}  // namespace bitwright

int main(int argc, char** argv) {
  bitwright::RecordOptions options;
  CLI::App app{"Holds the timing tables against speeds published for silicon."};
  add_record(app, options);
  try {
    app.parse(argc, argv);
    if (app.got_subcommand("record"))
      bitwright::record(options);
    else
      bitwright::print_errors();
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : static_cast<int>(bitwright::ExitCode::kConfig);
  } catch (const bitwright::ConfigError& error) {
    fmt::print(stderr, "{}\n", error.what());
    return static_cast<int>(bitwright::ExitCode::kConfig);
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return static_cast<int>(bitwright::ExitCode::kFailed);
  }
  return 0;
}
