// deploy/verify.h: compiles an emitted package, runs it on the host and on emulated cores, and compares every output
// with the golden vectors, which the integer reference made. Measures what the package takes.
//
// What a package holds: src/*.c and *.h; golden/inputs.bin and outputs.bin; test/golden_test.c, a program that is
// given both, runs the model on every input between bw_mark_begin() and bw_mark_end(), prints the lines
// `vectors N`, `different M`, `stack B`, and ends with status 0 if M is 0, else 1.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace bitwright {

struct VerifyOptions {
  std::vector<std::string> cores = {"cortex-m4", "cortex-m7"};  // see emulated_cores()
  bool host = true;
  std::chrono::seconds limit{300};  // per run of the test program, > 0
};

struct TargetReport {
  std::string target;      // "host" or a core
  bool bit_exact = false;  // every output byte equals the golden one
  int64_t vectors = 0;
  int64_t different = 0;  // vectors with at least one other byte
  std::string failure;    // why there is no verdict, in one line: the program crashed or printed none; else empty

  // Of emulated cores only. Bytes of what the linker keeps of the package, without the test program and start-up code.
  int64_t code_bytes = 0;      // of the package's own functions
  int64_t library_bytes = 0;   // code and constants of libc and libgcc that they call
  int64_t constant_bytes = 0;  // weights, tables
  int64_t data_bytes = 0;      // initialised RAM (and its copy in flash)
  int64_t bss_bytes = 0;
  int64_t stack_bytes = 0;    // deepest stack of one inference, painted and read back
  double instructions = 0.0;  // one inference, mean over the vectors; exact
  double cycles = 0.0;        // zero wait states, timing table of the core: the lower end of an interval ...
  double cycles_upper = 0.0;  // ... that ends here (kCyclesUpper)
  std::map<std::string, double> instructions_by_class;
  bool operator==(const TargetReport&) const = default;
};

struct VerifyReport {
  std::string package;                       // folder as given
  std::map<std::string, std::string> tools;  // program -> first line of its --version
  std::vector<TargetReport> targets;         // host first
  // Files that are not what manifest.sha256 says (or are gone), where the package has one: vectors alone may miss a
  // flipped weight that a threshold swallows.
  std::vector<std::string> changed_files;
  bool bit_exact() const;  // on all targets, of which there is at least one, and no file has changed
};

// Throws ToolError (deploy/emulator_run.h) if a tool is missing or the package does not compile, ConfigError if the
// folder is not a package or a core is unknown. A difference is a result, not an error.
VerifyReport verify(const std::string& package_folder, const VerifyOptions& options = {});

// "SHA-256  path" a line, as sha256sum -c reads it: manifest.sha256 of a package with these files.
std::string manifest_text(const std::map<std::string, std::string>& files);

// One line a target for people; with a line for every target that differs.
std::string render_text(const VerifyReport& report);
// The same as JSON, indented by two.
std::string render_json(const VerifyReport& report);

}  // namespace bitwright
