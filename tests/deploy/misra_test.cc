// Packages and the runtime against MISRA C:2012, as far as cppcheck's addon knows its rules.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <regex>
#include <set>

#include "core/kernel.h"
#include "deploy/templates.h"
#include "tests/core/networks.h"
#include "tests/support/compiled_packages.h"
#include "tests/support/random_network.h"

namespace bitwright {
namespace {

using testing::conv;
using testing::dense;
using testing::plain;
using testing::random_input;
using testing::random_model;
using testing::run_command;
using testing::TemporaryFolder;

constexpr char kSuppressions[] = "deploy/package/misra_suppressions.txt.in",
               kDeviations[] = "deploy/package/misra.md.in";

// A signal, streamed: int8 to binary, binary by polynomials, a sum over parts, a head in floating point.
Network streamed_network() {
  Network n{"streamed", {96, 1, 1}, Format::kInt8, {}};
  append(n, conv("first", 8, 5, 1, Padding::kZero, Format::kInt8, Format::kBinary));
  LayerSpec second = conv("second", 8, 5, 1, Padding::kZero, Format::kBinary, Format::kBinary);
  second.pool = Window{4, 1, 4, 1};
  append(n, second);
  append(n, plain("flat", Flatten{}));
  append(n, dense("sums", 4, Format::kBinary, Format::kInt8));
  append(n, dense("head", 3, Format::kFloat32, Format::kFloat32));
  return n;
}

// A picture in integers: four bits, a depthwise layer, a residual, a mean.
Network integer_network() {
  Network n{"integers", {6, 6, 3}, Format::kUint8, {}};
  append(n, conv("conv", 4, 3, 3, Padding::kZero, Format::kInt4, Format::kInt8));
  append(n, plain("depthwise", DepthwiseConv2d{{3, 3, 1, 1}, Padding::kZero}, Format::kInt8));
  append(n, plain("sum", Add{0}, Format::kInt8));
  append(n, plain("mean", GlobalAvgPool{}, Format::kInt8));
  append(n, dense("head", 3, Format::kInt8, Format::kAccumulator));
  return n;
}

// Bits alone, ternary weights among them.
Network binary_network() {
  Network n{"bits", {6, 6, 5}, Format::kBinary, {}};
  append(n, conv("slices", 5, 2, 2, Padding::kZero, Format::kBinary, Format::kBinary));
  append(n, conv("conv", 7, 3, 3, Padding::kPlusOne, Format::kBinary, Format::kTernary));
  append(n, conv("ternary", 3, 2, 2, Padding::kZero, Format::kTernary, Format::kBinary));
  append(n, plain("flat", Flatten{}));
  append(n, dense("head", 3, Format::kBinary, Format::kAccumulator));
  return n;
}

// Polynomials in the streamed network, bit slices in that of bits.
Kernels unusual_kernels(const Network& network) {
  Kernels kernels = default_kernels(network);
  for (size_t i = 0; i < kernels.size(); ++i)
    for (const std::string& kernel : kernels_for(network, static_cast<int>(i)))
      if (network.name == "bits" ? is_sliced(kernel) : is_poly(kernel)) kernels[i] = kernel;
  return kernels;
}

Program renamed(Program program, const std::string& prefix) {
  program.model.network.name = prefix + program.model.network.name;
  return program;
}

// All in one folder: they share the runtime. Each also with kernels compiled for its layers.
void write_packages(const std::string& folder) {
  for (const Network& network : {streamed_network(), integer_network(), binary_network()}) {
    const QuantizedModel model = random_model(network, 1);
    const Program program =
        lower(model, unusual_kernels(network), network.name == "streamed" ? Execution::kStream : Execution::kLayers);
    const std::vector<std::vector<int16_t>> inputs = {random_input(network, 1)};
    write_package(emit_c(program, golden_vectors(model, inputs)), folder);
    write_package(emit_c(renamed(program, "own_"), golden_vectors(model, inputs), {.specialize = 1}), folder);
  }
}

// Every kind of emitted file once, and of the runtime files those that include every header; the others are a line each
// around the same headers, and analysed with BITWRIGHT_MISRA_ALL alone: it takes minutes.
std::vector<std::string> sources_to_check(const std::string& folder) {
  if (std::getenv("BITWRIGHT_MISRA_ALL")) return {"src"};
  std::vector<std::string> files;
  for (const char* file : {"streamed", "streamed_float", "streamed_info", "streamed_selftest", "integers", "bits",
                           "bw_stream", "bw_finish", "bw_add", "bw_conv2d_wf32", "bw_conv2d_a1w1_poly5",
                           "bw_conv2d_a1w1_sliced", "bw_conv2d_a16w4", "bw_part_a8w1", "bw_crc32"})
    if (std::filesystem::exists(fmt::format("{}/src/{}.c", folder, file)))
      files.push_back(fmt::format("src/{}.c", file));
  return files;
}

// Layers with kernels of their own, and who calls them.
std::vector<std::string> specialized_sources(const std::string& folder) {
  const std::regex unit("own_streamed(_.*_(a[0-9].*|wf32))?\\.c");
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder + "/src"))
    if (const std::string file = entry.path().filename(); std::regex_match(file, unit)) files.push_back("src/" + file);
  return files;
}

// Findings, a line each. In portable C: the other paths are assembler and intrinsics with a portable twin.
std::string findings(const std::string& folder, const std::vector<std::string>& sources, const std::string& options) {
  return run_command(
             fmt::format("cd {} && cppcheck --std=c99 --addon=misra --enable=style --quiet -j 2 -U__GNUC__ "
                         "--platform=arm32-wchar_t4 --template='{{file}}:{{line}} {{id}}: {{message}}' -Isrc {} {}",
                         folder, options, fmt::join(sources, " ")))
      .output;
}

TEST(Misra, PackagesAreCleanOutsideTheListedDeviations) {
  if (run_command("cppcheck --version").status != 0)
    GTEST_SKIP() << "MISRA C:2012: no cppcheck: it is in the Debian package cppcheck";
  const TemporaryFolder folder;
  write_packages(folder.path());
  const std::string listed = fmt::format("--suppressions-list={}/{}", BITWRIGHT_SOURCE_DIR, kSuppressions);
  EXPECT_EQ(findings(folder.path(), sources_to_check(folder.path()), listed + " -UBW_SPECIALIZED -UBW_SPECIALIZED_F32"),
            "");
  EXPECT_EQ(findings(folder.path(), specialized_sources(folder.path()), listed), "");
}

// "11.3" for every rule that `pattern` finds.
std::set<std::string> rules_in(const std::string& text, const std::string& pattern) {
  std::set<std::string> rules;
  const std::regex regex(pattern);
  for (std::sregex_iterator it(text.begin(), text.end(), regex), end; it != end; ++it) rules.insert((*it)[1]);
  return rules;
}

TEST(Misra, EveryDeviationHasAReasonAndNoReasonIsLeftOver) {
  const std::set<std::string> suppressed = rules_in(embedded(kSuppressions), "misra-c2012-([0-9.]+)");
  EXPECT_FALSE(suppressed.empty());
  EXPECT_EQ(rules_in(embedded(kDeviations), "\\| ([0-9]+\\.[0-9]+) \\|"), suppressed);
}

TEST(Misra, PackagesCarryTheirDeviations) {
  const Package package = testing::package_of(random_model(binary_network(), 1));
  for (const char* file : {"docs/misra.md", "docs/misra_suppressions.txt"}) EXPECT_TRUE(package.files.contains(file));
}

}  // namespace
}  // namespace bitwright
