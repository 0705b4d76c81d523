// deploy/verify.h: compiles an emitted package with every compiler, runs it on the host and on emulated cores, compares
// every output with the golden vectors, which the integer reference made, and holds the package to its promises: what
// it calls, and how deep its stack gets. Measures what the package takes. docs/verification.md is for users.
//
// What a package holds: src/*.c and *.h; golden/inputs.bin and outputs.bin; test/golden_test.c, a program that is
// given both, runs the model on every input between bw_mark_begin() and bw_mark_end(), prints the lines
// `vectors N`, `different M`, `stack B`, and ends with status 0 if M is 0, else 1. The functions of the package that it
// calls and whose names end in _run or _push are the inferences: theirs is the stack that is bounded.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/board.h"
#include "deploy/board_cycles.h"
#include "deploy/link_map.h"

namespace bitwright {

// "host-gcc", "host-clang", each also as NAME-sanitized (AddressSanitizer and UndefinedBehaviorSanitizer), then
// cross_targets() (deploy/cross_target.h).
std::vector<std::string> verify_targets();

// Throws ConfigError that begins with `option` where a target is not of verify_targets().
void check_targets(const std::vector<std::string>& targets, const std::string& option = "target");

struct VerifyOptions {
  std::vector<std::string> targets = {"host-gcc", "cortex-m4", "cortex-m7"};  // of verify_targets()
  bool skip_missing = false;  // a target whose tools are not installed says so and is skipped; else it is a ToolError
  std::chrono::seconds limit{300};  // per run of the test program, > 0
  std::optional<Board> board;       // on its core, waiting for its flash is counted, too; slower
};

struct TargetReport : PackageBytes {
  std::string target;
  bool emulated = false;   // on a core, by qemu; bytes, and what follows `broken`, are known of these alone
  std::string skipped;     // why it was not tried, in one line, else empty
  bool bit_exact = false;  // every output byte equals the golden one
  int64_t vectors = 0;
  int64_t different = 0;  // vectors with at least one other byte
  std::string failure;    // why there is no verdict, in one line: the program crashed or printed none; else empty
  std::vector<std::string> broken;  // promises that the package does not keep, a line each

  int64_t stack_bytes = 0;              // deepest stack of one inference, painted and read back; 0: not on this core
  int64_t stack_bound_bytes = 0;        // of any inference, from frames and calls (deploy/stack_analysis.h)
  std::vector<std::string> stack_path;  // the functions on the stack at that depth
  double instructions = 0.0;            // one inference, mean over the vectors; exact
  double cycles = 0.0;        // zero wait states, timing table of the core, if it has one: the lower end of an interval
  double cycles_upper = 0.0;  // ... that ends here (kCyclesUpper)
  std::map<std::string, double> instructions_by_class;  // of Cortex-M
  std::optional<BoardCycles> on_board;                  // of VerifyOptions::board, on its core
  bool operator==(const TargetReport&) const = default;
};

struct VerifyReport {
  std::string package;                       // folder as given
  std::map<std::string, std::string> tools;  // program -> first line of its --version
  std::vector<TargetReport> targets;         // in the order asked for
  // Files that are not what manifest.sha256 says (or are gone), where the package has one: vectors alone may miss a
  // flipped weight that a threshold swallows.
  std::vector<std::string> changed_files;
  bool bit_exact() const;       // on all targets tried, of which there is at least one, and no file has changed
  bool keeps_promises() const;  // on all targets tried
};

// Throws ToolError (deploy/cross_target.h) if a tool is missing or the package does not compile without a warning, the
// changed files first, ConfigError if the folder is not a package or a target is unknown. A difference or a broken
// promise is a result, not an error.
VerifyReport verify(const std::string& package_folder, const VerifyOptions& options = {});

// "SHA-256  path" a line, as sha256sum -c reads it: manifest.sha256 of a package with these files.
std::string manifest_text(const std::map<std::string, std::string>& files);

// For people: a verdict a target, under it what was measured and what is wrong.
std::string render_text(const VerifyReport& report);
// The same as JSON, indented by two.
std::string render_json(const VerifyReport& report);

}  // namespace bitwright
