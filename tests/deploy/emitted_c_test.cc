// The emitted C against the integer reference: bit for bit, over networks drawn at random.
// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <filesystem>
#include <set>
#include <sstream>

#include "core/error.h"
#include "core/kernel.h"
#include "core/rng.h"
#include "tests/core/networks.h"
#include "tests/support/compiled_packages.h"
#include "tests/support/random_network.h"
#include "trainer/export.h"

namespace bitwright {
namespace {

using testing::CompiledPackages;
using testing::kStrictFlags;
using testing::random_input;
using testing::random_model;
using testing::random_network;
using testing::run_command;
using testing::TemporaryFolder;

constexpr int kNetworks = 140;

std::vector<QuantizedModel> random_models(uint64_t first, int count) {
  std::vector<QuantizedModel> models;
  for (int i = 0; i < count; ++i) {
    const uint64_t seed = first + static_cast<uint64_t>(i);
    models.push_back(random_model(random_network(seed), seed));
  }
  return models;
}

std::vector<uint32_t> bits(const Tensor& tensor) {
  std::vector<uint32_t> out(tensor.codes.begin(), tensor.codes.end());
  for (float real : tensor.reals) out.push_back(std::bit_cast<uint32_t>(real));
  return out;
}

// One binary convolution of a small map, whatever its border, pooling and channels; binary outputs.
QuantizedModel binary_convolution(uint64_t seed) {
  Rng rng(seed, 6);
  const auto between = [&](int low, int high) {
    return low + static_cast<int>(rng.below(static_cast<uint64_t>(high - low + 1)));
  };
  const bool signal = rng.below(2) == 0;
  const Shape shape =
      signal ? Shape{between(5, 70), 1, between(1, 50)} : Shape{between(3, 9), between(3, 9), between(1, 40)};
  Network network{fmt::format("bits{}", seed), shape, Format::kBinary, {}};
  const Window window{between(1, 5), signal ? 1 : between(2, 4), 1, 1};
  LayerSpec layer{.name = "conv", .op = Conv2d{between(1, 40), window, static_cast<Padding>(between(0, 3))}};
  if (rng.below(2) == 0) layer.pool = Window{between(1, 3), signal ? 1 : between(1, 3), between(1, 3), signal ? 1 : 3};
  layer.weights = layer.activations = Format::kBinary;
  append(network, layer);
  return random_model(network, seed);
}

// Two convolutions of 2-bit codes, one after the other: a stream where the map is a signal.
QuantizedModel two_bit_convolutions(uint64_t seed) {
  Rng rng(seed, 7);
  const auto between = [&](int low, int high) {
    return low + static_cast<int>(rng.below(static_cast<uint64_t>(high - low + 1)));
  };
  const auto two_bits = [&] { return std::array{Format::kTernary, Format::kInt2, Format::kUint2}[rng.below(3)]; };
  const bool signal = rng.below(2) == 0;
  const Shape shape =
      signal ? Shape{between(9, 90), 1, between(1, 40)} : Shape{between(5, 9), between(5, 9), between(1, 20)};
  Network network{fmt::format("two_bits{}", seed), shape, two_bits(), {}};
  for (const char* name : {"first", "second"}) {
    const Window window{between(1, 3), signal ? 1 : between(1, 3), signal ? 1 : between(1, 2), 1};
    const Format input = storage_format(network, static_cast<int>(network.layers.size()) - 1);
    const auto padding = static_cast<Padding>(between(0, input == Format::kTernary ? 3 : 1));
    LayerSpec layer{.name = name, .op = Conv2d{between(1, 40), window, padding}};
    if (rng.below(3) == 0)
      layer.pool = Window{between(1, 3), signal ? 1 : between(1, 3), between(1, 3), signal ? 1 : 3};
    layer.weights = std::array{Format::kBinary, Format::kTernary, Format::kInt2, Format::kInt4}[rng.below(4)];
    layer.activations = two_bits();
    append(network, layer);
  }
  return random_model(network, seed);
}

template <class Draw>
void add_possible(int count, Draw draw, std::vector<QuantizedModel>& models) {
  for (int seed = 0; seed < count; ++seed) try {
      models.push_back(draw(static_cast<uint64_t>(seed)));
    } catch (const StructureError&) {  // its shapes do not close
    }
}

// Bytes to bits by windows of up to six codes, all inside the map.
QuantizedModel small_windows(uint64_t seed) {
  Rng rng(seed, 8);
  const auto between = [&](int low, int high) {
    return low + static_cast<int>(rng.below(static_cast<uint64_t>(high - low + 1)));
  };
  const bool signal = rng.below(3) != 0;
  const Window window =
      signal ? Window{between(1, 6), 1, between(1, 3), 1} : Window{between(1, 3), 2, between(1, 2), 1};
  const Shape shape{between(6, 40), signal ? 1 : between(2, 7), between(1, 6 / (window.h * window.w))};
  Network network{fmt::format("few{}", seed), shape, rng.below(2) == 0 ? Format::kInt8 : Format::kUint8, {}};
  LayerSpec layer{.name = "conv", .op = Conv2d{between(1, 70), window, Padding::kValid}};
  layer.weights = static_cast<Format>(between(static_cast<int>(Format::kInt5), static_cast<int>(Format::kInt8)));
  layer.activations = Format::kBinary;
  append(network, layer);
  return random_model(network, seed);
}

// kNetworks of them, and of those after them each that has a kernel which none before it has.
std::vector<QuantizedModel> models_of_every_kernel() {
  std::vector<QuantizedModel> models = random_models(1000, kNetworks);
  std::set<std::string> seen;
  const auto add_kernels = [&](const Network& network) {
    const size_t before = seen.size();
    for (const std::string& kernel : testing::random_kernels(network)) seen.insert(kernel);
    return seen.size() > before;
  };
  for (const QuantizedModel& model : models) add_kernels(model.network);
  for (uint64_t seed = 4000; seed < 8000; ++seed)
    if (const Network network = random_network(seed); add_kernels(network))
      models.push_back(random_model(network, seed));
  add_possible(80, binary_convolution, models);
  add_possible(60, two_bit_convolutions, models);
  add_possible(40, small_windows, models);
  return models;
}

const std::vector<QuantizedModel>& random_models_of_every_kernel() {
  static const std::vector<QuantizedModel> all = models_of_every_kernel();
  return all;
}

// Compiled once for the tests that share them.
struct RandomPackages {
  const std::vector<QuantizedModel>& models = random_models_of_every_kernel();
  CompiledPackages packages{models};
};
const RandomPackages& random_packages() {
  static const RandomPackages all;
  return all;
}

TEST(EmittedC, IsBitExactWithTheIntegerReference) {
  const auto& [models, packages] = random_packages();
  for (const QuantizedModel& model : models)
    for (uint64_t seed = 0; seed < 4; ++seed) {
      const auto input = random_input(model.network, seed);
      const Tensor expected = reference_infer(model, input);
      ASSERT_EQ(bits(packages.infer(model, input)), bits(expected)) << model.network.name << " input " << seed << "\n"
                                                                    << canonical_text(model.network);
    }
}

// One convolution whose plain int32 accumulators are the output: nothing hides a wrong sum. Odd channels make runs of
// bits start and end anywhere in a word.
QuantizedModel accumulator_model(Format input, Format weights, Padding padding, uint64_t seed) {
  Rng rng(seed);
  const int c = static_cast<int>(1 + rng.below(40));
  Network network{fmt::format("acc{}", seed), {5, 4, c}, input, {}};
  const Conv2d conv{static_cast<int>(1 + rng.below(9)), {3, 2, 1, 1 + static_cast<int>(rng.below(2))}, padding};
  append(network, {.name = "conv", .op = conv, .weights = weights});
  return random_model(network, seed);
}

TEST(EmittedC, AccumulatesEveryPairOfFormatsAtEveryAlignment) {
  std::vector<QuantizedModel> models;
  for (Format input : {Format::kBinary, Format::kTernary, Format::kInt3, Format::kInt8, Format::kUint8, Format::kInt16})
    for (Format weights : {Format::kBinary, Format::kTernary, Format::kInt5, Format::kInt8})
      for (Padding padding : {Padding::kZero, Padding::kMinusOne, Padding::kPlusOne})
        if (padding == Padding::kZero || input <= Format::kTernary)
          for (int repeat = 0; repeat < 2; ++repeat)
            models.push_back(accumulator_model(input, weights, padding, models.size()));
  const CompiledPackages packages(models, "-O1");
  for (const QuantizedModel& model : models)
    for (uint64_t seed = 0; seed < 2; ++seed) {
      const auto input = random_input(model.network, seed);
      ASSERT_EQ(packages.infer(model, input).codes, reference_infer(model, input).codes)
          << canonical_text(model.network);
    }
}

void expect_bit_exact(const std::vector<QuantizedModel>& models, const PackageOptions& options = {}) {
  const CompiledPackages packages(models, "-O2", options);
  for (const QuantizedModel& model : models) {
    EXPECT_EQ(packages.selftest(model), 0u) << canonical_text(model.network);
    for (uint64_t seed = 0; seed < 4; ++seed) {
      const auto input = random_input(model.network, seed);
      ASSERT_EQ(bits(packages.infer(model, input)), bits(reference_infer(model, input)))
          << canonical_text(model.network);
    }
  }
}

// Pixels of 1 to some 300 bits, so that they start and end anywhere in a word.
TEST(EmittedC, UpsamplesEveryFormatAtEveryAlignment) {
  std::vector<QuantizedModel> models;
  const auto add = [&](Format input, int channels, std::optional<Format> weights) {
    Network n{fmt::format("up{}", models.size()), {3, 2, channels}, input, {}};
    if (weights) append(n, {.name = "conv", .op = Conv2d{channels}, .weights = *weights, .bias = true});
    append(n, {.name = "up", .op = Upsample2d{1 + channels % 3, 1 + channels % 4}});
    models.push_back(random_model(n, models.size()));
  };
  for (int channels : {1, 5, 19, 32}) {
    for (int format = 0; format <= static_cast<int>(Format::kInt16); ++format)
      add(static_cast<Format>(format), channels, std::nullopt);
    add(Format::kInt8, channels, Format::kInt8);     // int32 accumulators
    add(Format::kInt8, channels, Format::kFloat32);  // floats
  }
  expect_bit_exact(models);
}

// Codes from one bit to 32, maps from one position, whose variance is 0, to the most that 16 bits may have.
TEST(EmittedC, TakesTheLogarithmOfTheVarianceOfEveryFormat) {
  std::vector<QuantizedModel> models;
  const auto add = [&](const Shape& shape, Format input, std::optional<Format> weights, Format output) {
    Network n{fmt::format("spread{}", models.size()), shape, input, {}};
    if (weights) append(n, {.name = "conv", .op = Conv2d{shape.c}, .weights = *weights});
    append(n, {.name = "spread", .op = GlobalLogVariance{}, .batch_norm = true, .activations = output});
    models.push_back(random_model(n, models.size()));
  };
  for (const Shape& shape : {Shape{1, 1, 3}, Shape{7, 1, 5}, Shape{5, 4, 2}, Shape{2048, 1, 1}}) {
    for (int format = 0; format <= static_cast<int>(Format::kInt16); ++format)
      add(shape, static_cast<Format>(format), std::nullopt, format % 2 ? Format::kInt8 : Format::kFloat32);
    add(shape, Format::kInt8, Format::kInt8, Format::kUint4);     // int32 accumulators, or int16 if they fit
    add(shape, Format::kInt8, Format::kFloat32, Format::kInt16);  // floats
  }
  expect_bit_exact(models);
}

// Signals that lowered() streams.
std::vector<QuantizedModel> streamed_models(size_t count) {
  std::vector<QuantizedModel> models;
  for (uint64_t seed = 0; models.size() < count; ++seed) try {
      QuantizedModel model = random_model(testing::random_signal_network(seed), seed);
      if (testing::lowered(model).stream) models.push_back(std::move(model));
    } catch (const StructureError&) {  // the map became too short
    }
  return models;
}

TEST(EmittedC, StreamsSignalsColumnByColumn) {
  const std::vector<QuantizedModel> models = streamed_models(60);
  std::set<std::string> ends;
  for (const QuantizedModel& model : models) {
    const Program program = testing::lowered(model);
    ends.insert(program.kernels[static_cast<size_t>(program.stream->last_layer())]);
  }
  for (const char* part : {"part_a8w1", "part_a16w4"}) EXPECT_TRUE(ends.contains(part)) << part;
  expect_bit_exact(models);
}

// Kernels compiled for their layers, some shared by others; all models in one library.
TEST(EmittedC, SpecializedPackagesAreBitExact) {
  std::vector<QuantizedModel> models = random_models(5000, 16);
  add_possible(14, binary_convolution, models);
  add_possible(10, two_bit_convolutions, models);
  add_possible(8, small_windows, models);
  expect_bit_exact(models, {.specialize = 1});
}

TEST(EmittedC, SpecializedStreamsAreBitExact) {
  expect_bit_exact(streamed_models(20), {.specialize = 3});
}

TEST(EmittedC, SpecializedPackagesTouchNoMemoryButTheirOwnUnderTheSanitizers) {
  auto models = random_models(2000, 4);
  for (QuantizedModel& model : streamed_models(8)) models.push_back(std::move(model));
  for (const char* compiler : {"gcc", "clang"})
    for (const QuantizedModel& model : models) {
      const TemporaryFolder folder;
      write_package(testing::package_of(model, 4, 1, {.specialize = 2}), folder.path());
      const auto ran = run_command("cd " + folder.path() + " && " + compiler + " " + kStrictFlags +
                                   " -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -Isrc src/*.c "
                                   "test/golden_test.c -o golden_test && ./golden_test golden/*puts.bin");
      EXPECT_EQ(ran.output, "vectors 4\ndifferent 0\nstack 0\n") << canonical_text(model.network);
    }
}

TEST(EmittedC, ReconstructsASignalInEveryOutputFormat) {
  std::vector<QuantizedModel> models;
  for (Format output : {Format::kInt8, Format::kInt16, Format::kAccumulator, Format::kFloat32, Format::kUint8}) {
    Network n = testing::auto_encoder(output);
    n.name += std::to_string(models.size());
    models.push_back(random_model(n, models.size()));
  }
  EXPECT_EQ(storage_format(models[2].network, 5), Format::kInt32);
  expect_bit_exact(models);
}

// As an encoder's map and a deeper one that meet again: both sides of the sum are upsampled, by other factors.
TEST(EmittedC, AddsTwoUpsampledMaps) {
  Network n{"two_scales", {8, 8, 3}, Format::kInt8, {}};
  append(n, {.name = "fine", .op = Conv2d{4, {1, 1, 2, 2}}, .activations = Format::kInt8, .range_log2 = 0});
  append(n, {.name = "coarse", .op = Conv2d{4, {1, 1, 2, 2}}, .activations = Format::kUint4, .range_log2 = 1});
  const int side = append(n, {.name = "up_coarse", .op = Upsample2d{4, 4}});
  LayerSpec up_fine{.name = "up_fine", .op = Upsample2d{2, 2}, .from = 0};
  n.layers.push_back(up_fine);
  append(n, {.name = "sum", .op = Add{side}, .activations = Format::kInt8});
  const QuantizedModel model = random_model(n, 1);
  EXPECT_EQ(infer_shapes(n).back().output, (Shape{8, 8, 4}));
  EXPECT_EQ(model.layers[4].shift_with, 4);  // steps of 2^-3 beside 2^-7
  expect_bit_exact({model});
}

// What training hands over: epilogues derived from parameters.
TEST(EmittedC, IsBitExactForExportedModels) {
  std::vector<QuantizedModel> models;
  for (uint64_t seed = 3000; seed < 3030; ++seed) {
    const Network network = random_network(seed);
    models.push_back(export_quantized(network, testing::random_parameters(network, seed), 0.01));
  }
  const CompiledPackages packages(models);
  for (const QuantizedModel& model : models)
    for (uint64_t seed = 0; seed < 4; ++seed) {
      const auto input = random_input(model.network, seed);
      ASSERT_EQ(bits(packages.infer(model, input)), bits(reference_infer(model, input)))
          << model.network.name << " input " << seed << "\n"
          << canonical_text(model.network);
    }
}

TEST(EmittedC, SelfTestAndArgmaxAgreeWithTheReference) {
  const auto& [models, packages] = random_packages();
  for (const QuantizedModel& model : models) {
    EXPECT_EQ(packages.selftest(model), 0u) << model.network.name;
    const auto input = random_input(model.network, 7);
    const int index = packages.argmax(model, input);
    if (index >= 0) {
      EXPECT_EQ(index, argmax(reference_infer(model, input))) << model.network.name;
    }
  }
}

// Every kernel of core/kernel.h must occur among the networks that the tests above compile; they are not compiled here.
TEST(EmittedC, RandomNetworksCoverEveryKernel) {
  std::set<std::string> seen;
  for (const QuantizedModel& model : random_models_of_every_kernel())
    for (const std::string& kernel : testing::random_kernels(model.network)) seen.insert(kernel);
  std::set<std::string> kernels = {"", "max_pool", "max_pool_f32", "upsample"};
  for (const char* convolution :
       {"conv2d_a1w1", "conv2d_a1wt", "conv2d_atw1", "conv2d_atwt", "conv2d_a8w1", "conv2d_a16w1", "conv2d_a16w2",
        "conv2d_a16w4", "conv2d_a16w8", "dense_a16w2", "dense_a16w4", "dense_a16w8", "conv2d_axwx"})
    for (const char* output : {"", "_to_f32"}) kernels.insert(std::string(convolution) + output);
  kernels.insert("conv2d_wf32");
  kernels.insert({"conv2d_a1w1_poly4", "conv2d_a1w1_poly5", "conv2d_a2w4_poly4", "conv2d_a2w4_poly3",
                  "conv2d_a1w1_sliced", "conv2d_a16w8_few"});
  for (const char* depthwise : {"depthwise_a1w1", "depthwise_a8w8", "depthwise_a16w8", "depthwise_axwx"})
    for (const char* output : {"", "_to_f32"}) kernels.insert(std::string(depthwise) + output);
  kernels.insert("depthwise_f32");
  for (const char* operation : {"sum_pool", "add", "log_variance"})
    for (const char* output : {"", "_to_f32", "_f32"}) kernels.insert(std::string(operation) + output);
  kernels.insert("conv2d_f32");
  EXPECT_EQ(seen, kernels);
}

// Kernels are compiled once; the packages share a folder, in which each writes its own test and golden vectors.
TEST(EmittedC, TouchesNoMemoryButItsOwnUnderTheSanitizers) {
  const std::string sanitize = " -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -Isrc ";
  auto models = random_models(2000, 12);
  for (QuantizedModel& model : streamed_models(8)) models.push_back(std::move(model));
  const TemporaryFolder folder;
  for (const QuantizedModel& model : models) write_package(testing::package_of(model, 4), folder.path());
  const std::string here = "cd " + folder.path() + " && ";
  const auto compiled = run_command(here + "cc " + kStrictFlags + sanitize + "-c src/*.c");
  ASSERT_EQ(compiled.status, 0) << compiled.output;
  for (const QuantizedModel& model : models) {
    write_package(testing::package_of(model, 4), folder.path());
    const std::string name = model.network.name;
    const auto linked = run_command(here + "cc " + kStrictFlags + sanitize + "test/golden_test.c " + name +
                                    ".o $(ls bw_*.o) -o golden_test");
    ASSERT_EQ(linked.status, 0) << linked.output;
    const auto ran = run_command(here + "./golden_test golden/inputs.bin golden/outputs.bin");
    EXPECT_EQ(ran.status, 0) << canonical_text(model.network);
    EXPECT_EQ(ran.output, "vectors 4\ndifferent 0\nstack 0\n");
  }
}

TEST(EmittedC, GoldenTestFailsWhenAnOutputByteDiffers) {
  const QuantizedModel model = random_models(1003, 1).front();
  const TemporaryFolder folder;
  Package package = testing::package_of(model, 3);
  package.files["golden/outputs.bin"][0] ^= 1;
  write_package(package, folder.path());
  const auto built = run_command("cd " + folder.path() + " && cc " + kStrictFlags +
                                 " -Isrc src/*.c test/golden_test.c -o golden_test");
  ASSERT_EQ(built.status, 0) << built.output;
  const auto ran = run_command("cd " + folder.path() + " && ./golden_test golden/inputs.bin golden/outputs.bin");
  EXPECT_NE(ran.status, 0);
  EXPECT_EQ(ran.output, "vectors 3\ndifferent 1\nstack 0\n");
}

// Bytes of .rodata in an object file, by the tool chain's own count.
int64_t rodata_bytes(const std::string& object) {
  const auto listing = run_command("arm-none-eabi-size -A " + object);
  std::istringstream lines(listing.output);
  int64_t sum = 0;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string section;
    int64_t bytes = 0;
    if (words >> section >> bytes && section.starts_with(".rodata")) sum += bytes;
  }
  return sum;
}

TEST(EmittedC, TakesTheConstantBytesThatTheEstimateCounts) {
  if (run_command("arm-none-eabi-gcc --version").status != 0)
    GTEST_SKIP() << "constant bytes on Arm: no arm-none-eabi-gcc";
  for (const QuantizedModel& model : random_models(1000, 40)) {
    const TemporaryFolder folder;
    write_package(testing::package_of(model), folder.path());
    const std::string source = folder.path() + "/src/" + model.network.name + ".c", object = folder.path() + "/net.o";
    const auto built = run_command("arm-none-eabi-gcc -mcpu=cortex-m4 -mthumb -O2 " + std::string(kStrictFlags) +
                                   " -c " + source + " -o " + object);
    ASSERT_EQ(built.status, 0) << built.output;
    int64_t expected = 0;
    const Kernels kernels = testing::random_kernels(model.network);
    for (int i = 0; i < static_cast<int>(kernels.size()); ++i)
      expected += constant_bytes(model.network, i, kernels[static_cast<size_t>(i)]);
    EXPECT_EQ(rodata_bytes(object), expected) << canonical_text(model.network);
  }
}

TEST(EmittedC, EveryKernelCompilesForTheSmallestCoreWithoutAWarning) {
  if (run_command("arm-none-eabi-gcc --version").status != 0) GTEST_SKIP() << "kernels on Arm: no arm-none-eabi-gcc";
  const TemporaryFolder folder;
  const auto built = run_command("cd " + folder.path() + " && arm-none-eabi-gcc -mthumb -O1 -mcpu=cortex-m0plus " +
                                 kStrictFlags + " -c " + BITWRIGHT_SOURCE_DIR + "/deploy/runtime/*.c");
  EXPECT_EQ(built.status, 0) << built.output;
}

TEST(EmittedC, IsTheSameBytesForTheSameModel) {
  const QuantizedModel model = random_models(1005, 1).front();
  EXPECT_EQ(testing::package_of(model).files, testing::package_of(model).files);
}

}  // namespace
}  // namespace bitwright
