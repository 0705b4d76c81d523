// tests/architecture/include_direction_test.cc: arrows between folders point one way, and each third party stays in
// its place. Reads the sources; compiles none of them.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

namespace bitwright {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// What the files of a folder may include of ours, besides their own folder.
const std::map<std::string, std::vector<std::string>> kMayInclude = {
    {"core", {}},
    {"core/io", {"core"}},
    {"core/store", {"core", "core/io"}},
    {"constraints", {"core"}},
    {"estimators", {"core", "core/io", "constraints"}},
    {"trainer", {"core"}},
    {"search", {"core", "constraints", "estimators", "core/store"}},
    {"deploy", {"core", "core/io"}},
    {"experiments", {"core", "core/io", "core/store", "constraints", "estimators", "trainer", "search", "deploy"}},
};

// Third parties: the start of the include, and the paths that may name it.
const std::vector<std::pair<std::string, std::vector<std::string>>> kMayUse = {
    {"torch/", {"trainer/", "experiments/bench/plain_torch_network.cc"}},
    {"ATen/", {"trainer/"}},
    {"c10/", {"trainer/"}},
    {"sqlite3.h", {"core/store/"}},
    {"yaml-cpp/", {"core/io/"}},
    {"openssl/", {"core/hash.cc"}},
    {"nlohmann/", {"core/io/", "core/store/", "deploy/", "experiments/"}},
    {"CLI/", {"experiments/"}},
    {"Eigen/", {"search/"}},
    {"boost/", {"search/sobol_sequence.cc"}},
};
// Faces of the trainer that the rest of the program sees.
const std::vector<std::string> kTorchFree = {"trainer/trainer.h",  "trainer/checkpoint.h", "trainer/post_training.h",
                                             "trainer/schedule.h", "trainer/export.h",     "trainer/export.cc"};

std::string read(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

// "core/io" for "core/io/yaml.h", "core" for "core/network.h", "search" for "search/a/b.h".
std::string folder_of(const std::string& path) {
  for (const char* nested : {"core/io", "core/store"})
    if (path.starts_with(fmt::format("{}/", nested))) return nested;
  return path.substr(0, path.find('/'));
}

bool lists(const std::vector<std::string>& list, const std::string& item) {
  return std::find(list.begin(), list.end(), item) != list.end();
}

bool starts_with_any(const std::string& text, const std::vector<std::string>& starts) {
  return std::any_of(starts.begin(), starts.end(), [&](const std::string& s) { return text.starts_with(s); });
}

// Empty, or why the file at `path` must not include `name`.
std::string complaint(const std::string& path, const std::string& name) {
  for (const auto& [start, places] : kMayUse)
    if (name.starts_with(start) && (!starts_with_any(path, places) || lists(kTorchFree, path)))
      return fmt::format("{} must not use {}", path, name);
  const std::string from = folder_of(path), to = folder_of(name);
  if (!kMayInclude.contains(to) || to == from || lists(kMayInclude.at(from), to)) return "";
  return fmt::format("{} must not include {}", path, name);
}

// The names between quotes or angles of every #include.
std::vector<std::string> includes_of(const std::string& text) {
  std::vector<std::string> names;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const size_t hash = line.find_first_not_of(" \t");
    if (hash == std::string::npos || line[hash] != '#') continue;
    const size_t word = line.find_first_not_of(" \t", hash + 1);
    if (word == std::string::npos || line.compare(word, 7, "include") != 0) continue;
    const size_t begin = line.find_first_of("<\"", word);
    const size_t end = begin == std::string::npos ? begin : line.find_first_of(">\"", begin + 1);
    if (end != std::string::npos) names.push_back(line.substr(begin + 1, end - begin - 1));
  }
  return names;
}

// Paths from the root, sorted, of regular files below `folder`.
std::vector<std::string> files_below(const std::string& folder) {
  const fs::path root = BITWRIGHT_SOURCE_DIR;
  std::vector<std::string> paths;
  for (const auto& entry : fs::recursive_directory_iterator(root / folder))
    if (entry.is_regular_file()) paths.push_back(fs::relative(entry.path(), root).generic_string());
  std::sort(paths.begin(), paths.end());
  return paths;
}

bool is_source(const std::string& path) {
  return path.ends_with(".h") || path.ends_with(".cc") || path.ends_with(".c");
}

TEST(Includes, PointTheAllowedWay) {
  int includes = 0;
  for (const auto& [folder, ignored] : kMayInclude) {
    if (folder.find('/') != std::string::npos) continue;  // core/io and core/store lie below core
    for (const std::string& path : files_below(folder)) {
      if (!is_source(path)) continue;
      for (const std::string& name : includes_of(read(fs::path(BITWRIGHT_SOURCE_DIR) / path))) {
        EXPECT_THAT(complaint(path, name), IsEmpty());
        ++includes;
      }
    }
  }
  EXPECT_GT(includes, 300) << "the sources were not found";
}

TEST(Includes, ForbiddenOnesAreFound) {
  EXPECT_THAT(complaint("core/network.h", "core/io/yaml.h"), HasSubstr("must not include"));
  EXPECT_THAT(complaint("core/network.h", "search/space.h"), HasSubstr("must not include"));
  EXPECT_THAT(complaint("estimators/estimate.cc", "deploy/lower.h"), HasSubstr("must not include"));
  EXPECT_THAT(complaint("search/run_study.cc", "trainer/trainer.h"), HasSubstr("must not include"));
  EXPECT_THAT(complaint("deploy/lower.cc", "core/store/store.h"), HasSubstr("must not include"));
  EXPECT_THAT(complaint("trainer/trainer.h", "torch/torch.h"), HasSubstr("must not use"));
  EXPECT_THAT(complaint("trainer/export.cc", "ATen/ops/mm.h"), HasSubstr("must not use"));
  EXPECT_THAT(complaint("core/trial.cc", "openssl/evp.h"), HasSubstr("must not use"));
  EXPECT_THAT(complaint("core/io/yaml.cc", "sqlite3.h"), HasSubstr("must not use"));
  EXPECT_THAT(complaint("search/space.cc", "yaml-cpp/yaml.h"), HasSubstr("must not use"));
}

TEST(Includes, AllowedOnesAreNot) {
  EXPECT_THAT(complaint("core/io/yaml.cc", "yaml-cpp/yaml.h"), IsEmpty());
  EXPECT_THAT(complaint("core/hash.cc", "openssl/evp.h"), IsEmpty());
  EXPECT_THAT(complaint("trainer/network_module.cc", "torch/nn.h"), IsEmpty());
  EXPECT_THAT(complaint("search/run_study.cc", "core/store/store.h"), IsEmpty());
  EXPECT_THAT(complaint("deploy/runtime/bw_add.c", "bw_epilogue.h"), IsEmpty());
  EXPECT_THAT(complaint("experiments/main.cc", "CLI/CLI.hpp"), IsEmpty());
}

TEST(Includes, AreReadFromEveryForm) {
  EXPECT_THAT(includes_of("#include <a/b.h>\n  #  include \"c.h\"  // why\n// #include <no.h>\n#define X\n"),
              ::testing::ElementsAre("a/b.h", "c.h"));
}

const std::vector<std::string> kFolders = {"core",    "constraints", "estimators",  "trainer", "search", "deploy",
                                           "configs", "cmake",       "experiments", "tests",   "docs"};

TEST(Sources, EachNamesItsLicence) {
  for (const std::string& folder : kFolders)
    for (const std::string& path : files_below(folder)) {
      if (!is_source(path)) continue;
      // The emulator's plugin is loaded into qemu and takes qemu's licence: docs/adr/0009.
      const bool plugin = path == "deploy/emulator/bw_profile_plugin.c";
      EXPECT_THAT(
          read(fs::path(BITWRIGHT_SOURCE_DIR) / path),
          HasSubstr(plugin ? "SPDX-License-Identifier: GPL-2.0-or-later" : "SPDX-License-Identifier: Apache-2.0"))
          << path;
    }
}

// A path of somebody's machine works nowhere else. Spelt in two parts so that this file does not hold one.
TEST(Sources, NoneNamesAPathOfAMachine) {
  const std::vector<std::string> places = {std::string("/wo") + "rk/", std::string("/ho") + "me/",
                                           std::string("/ro") + "ot/", std::string("/tm") + "p/w"};
  for (const std::string& folder : kFolders)
    for (const std::string& path : files_below(folder)) {
      const std::string text = read(fs::path(BITWRIGHT_SOURCE_DIR) / path);
      for (const std::string& place : places)
        EXPECT_EQ(text.find(place), std::string::npos) << path << " names " << place;
    }
}

}  // namespace
}  // namespace bitwright
