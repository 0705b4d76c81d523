// core/error.h: the ways in which Bitwright says no, and the exit code of each.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdexcept>
#include <string>

namespace bitwright {

// Exit codes of the program; a script can tell them apart.
enum class ExitCode {
  kDone = 0,
  kFailed = 1,
  kConfig = 2,       // usage or configuration
  kNothingFits = 3,  // no candidate fits the limits
  kStore = 4,        // store or disk
  kDiffers = 5,      // verification differs
  kResumable = 6,    // stopped; the same command goes on
};

// The user wrote something wrong. what() is one or more lines of
//   place: path = value: rule
// where place is `file:line:col` for YAML and `file` for data.
class ConfigError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// A data file is missing, unreadable or holds what it must not (NaN, a label out of range).
// Reported like a ConfigError, with the data file as the place.
class DataError : public ConfigError {
 public:
  using ConfigError::ConfigError;
};

// The store or the disk under it failed, or holds something foreign.
class StoreError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// A network whose shapes or formats do not close: `layer conv2: rule`.
class StructureError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// SIGINT, SIGTERM or SIGHUP came while a child ran, and would have ended this program: the child is gone, and the
// program cleans up and ends itself by the signal.
class Interrupted : public std::runtime_error {
 public:
  explicit Interrupted(int signal) : std::runtime_error("interrupted"), signal_(signal) {}
  int signal() const { return signal_; }

 private:
  int signal_;
};

}  // namespace bitwright
