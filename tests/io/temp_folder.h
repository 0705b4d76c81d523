// tests/io/temp_folder.h: a folder of a test's own, removed at its end.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace bitwright {

class TempFolder {
 public:
  TempFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "bitwright_test_XXXXXX").string();
    if (!::mkdtemp(name.data())) std::abort();
    path_ = std::filesystem::canonical(name).string();
  }
  ~TempFolder() { std::filesystem::remove_all(path_); }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  const std::string& path() const { return path_; }
  // Writes a file, its folders too, and returns its path.
  std::string write(const std::string& name, const std::string& bytes) const {
    const std::filesystem::path file = std::filesystem::path(path_) / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << bytes;
    return file.string();
  }

 private:
  std::string path_;
};

// Text of the exception that `action` throws; empty if it throws none.
template <class Error, class Action>
std::string error_of(const Action& action) {
  try {
    action();
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

// $BITWRIGHT_SHARED or ../shared beside the source tree.
inline std::string shared_folder_of_tests() {
  const char* set = std::getenv("BITWRIGHT_SHARED");
  return set && *set ? set : BITWRIGHT_SOURCE_DIR "/../shared";
}

// BITWRIGHT_SHARED for the life of the object.
class SharedFolder {
 public:
  explicit SharedFolder(const std::string& path) {
    if (const char* set = std::getenv("BITWRIGHT_SHARED")) before_ = set;
    ::setenv("BITWRIGHT_SHARED", path.c_str(), 1);
  }
  ~SharedFolder() { ::setenv("BITWRIGHT_SHARED", before_.c_str(), 1); }  // empty counts as unset
  SharedFolder(const SharedFolder&) = delete;
  SharedFolder& operator=(const SharedFolder&) = delete;

 private:
  std::string before_;
};

}  // namespace bitwright
