// SPDX-License-Identifier: Apache-2.0
#include "core/io/yaml.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <chrono>

#include "core/error.h"
#include "core/rng.h"
#include "tests/io/temp_folder.h"

namespace bitwright {
namespace {

std::string error_in(const std::string& text) {
  return error_of<ConfigError>([&] { parse_yaml(text, "t.yaml"); });
}

TEST(Yaml, KeepsThePlaceOfEveryKeyAndValue) {
  const YamlNode root = parse_yaml("a: 1\nb:\n  - x\n  - {c: y}\n", "t.yaml");
  ASSERT_EQ(root.keys, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(root.key_places[1], (YamlPlace{2, 1}));
  EXPECT_EQ(root.items[0].place, (YamlPlace{1, 4}));
  const YamlNode& map = root.find("b")->items[1];
  EXPECT_EQ(map.key_places[0], (YamlPlace{4, 6}));
  EXPECT_EQ(map.find("c")->scalar, "y");
}

TEST(Yaml, ReadsJson) {
  const YamlNode root = parse_yaml(R"({"a":[1,2.5e-3,true,null],"b":{"c":"x \"q\" \u00e9"}})", "t.json");
  EXPECT_EQ(root.find("a")->items[1].scalar, "2.5e-3");
  EXPECT_EQ(root.find("a")->items[3].kind, YamlNode::Kind::kNull);
  EXPECT_EQ(root.find("b")->find("c")->scalar, "x \"q\" \xc3\xa9");
}

TEST(Yaml, ExpandsAliases) {
  const YamlNode root = parse_yaml("a: &x {k: [1, 2]}\nb: *x\n", "t.yaml");
  EXPECT_EQ(root.find("b")->find("k")->items[1].scalar, "2");
}

TEST(Yaml, RefusesADuplicateKey) {
  EXPECT_EQ(error_in("a: 1\nb: 2\na: 3\n"), "t.yaml:3:1: key \"a\" a second time, first in line 1");
}

TEST(Yaml, RefusesACyclicAlias) {
  EXPECT_EQ(error_in("a: &x\n  b: *x\n"), "t.yaml:2:6: an alias to a node that contains it");
}

// Ten levels of ten aliases stand for 10^10 values: some 100 GB if they were built.
TEST(Yaml, RefusesABillionLaughsQuicklyAndInLittleMemory) {
  std::string text = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]\n";
  for (int i = 1; i < 10; ++i) {
    text += fmt::format("a{}: &a{} [", i, i);
    for (int k = 0; k < 10; ++k) text += fmt::format("{}*a{}", k ? ", " : "", i - 1);
    text += "]\n";
  }
  rusage before{}, after{};
  getrusage(RUSAGE_SELF, &before);
  const auto start = std::chrono::steady_clock::now();
  EXPECT_THAT(error_in(text), testing::HasSubstr("more than 100000 values once its aliases are expanded"));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
  getrusage(RUSAGE_SELF, &after);
  EXPECT_LT(after.ru_maxrss - before.ru_maxrss, 200 * 1024);  // KiB
}

// One scalar of 1 MiB, named a thousand times: 1 GiB.
TEST(Yaml, RefusesAliasesOfALongText) {
  std::string text = "a: &a " + std::string(1 << 20, 'x') + "\nb: [";
  for (int i = 0; i < 1000; ++i) text += "*a, ";
  EXPECT_THAT(error_in(text + "]\n"), testing::HasSubstr("more than 16777216 bytes of text"));
}

TEST(Yaml, RefusesDeepNesting) {
  EXPECT_EQ(error_in(std::string(65, '[') + std::string(65, ']')), "t.yaml:1:65: nested more than 64 deep");
  EXPECT_NE(error_in(std::string(1'000'000, '[')), "");
  EXPECT_NE(error_in(std::string(1'000'000, '{')), "");
  std::string steps;
  for (int i = 0; i < 1000; ++i) steps += "- ";
  EXPECT_EQ(error_in(steps), "t.yaml:1:129: nested more than 64 deep");
  EXPECT_EQ(error_in(std::string(64, '[') + std::string(64, ']')), "");
}

TEST(Yaml, RefusesWhatIsNotUtf8) {
  EXPECT_EQ(error_in("a: 1\nb: \xff\n"), "t.yaml:2:4: not UTF-8");
  EXPECT_EQ(error_in("a: \xed\xa0\x80"), "t.yaml:1:4: not UTF-8");  // a surrogate
  EXPECT_EQ(error_in("a: \xc0\xaf"), "t.yaml:1:4: not UTF-8");      // an overlong slash
  EXPECT_EQ(error_in(std::string("a: \0", 4)), "t.yaml:1:4: a NUL byte");
  EXPECT_EQ(error_in("a: \xf0\x9f\x98\x80 \xe2\x82\xac"), "");
}

TEST(Yaml, ReportsSyntaxWithItsPlace) {
  EXPECT_EQ(error_in("a: 1\n b: 2\n"), "t.yaml:2:3: not YAML: illegal map value");
}

TEST(Yaml, RefusesASecondDocument) {
  EXPECT_EQ(error_in("a: 1\n---\nb: 2\n"), "t.yaml: more than one YAML document");
}

TEST(Yaml, SurvivesAnyBytes) {
  const std::string seed = "a: &x [1, {b: \"c\"}]\nd: *x\ne: |\n  text\n? f\n: !!g 'h'\n- # i\n%";
  Rng rng(5);
  for (int round = 0; round < 20'000; ++round) {
    std::string text = seed;
    for (int edit = 0; edit < 4; ++edit) text[rng.below(text.size())] = seed[rng.below(seed.size())];
    try {
      parse_yaml(text, "t.yaml");
    } catch (const ConfigError&) {
    }
  }
}

}  // namespace
}  // namespace bitwright
