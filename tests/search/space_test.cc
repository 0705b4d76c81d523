// SPDX-License-Identifier: Apache-2.0
#include "search/space.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "core/error.h"
#include "tests/search/small_space.h"

namespace bitwright {
namespace {

using Parameters = std::map<std::string, std::string>;

// Every assignment, found by walking the dimensions in order: the definition of the space's size.
void enumerate(const SearchSpace& space, size_t next, Parameters& current, std::set<Parameters>& all) {
  if (next == space.dimensions().size()) {
    all.insert(current);
    return;
  }
  const Dimension& d = space.dimensions()[next];
  const auto parent = current.find(d.parent);
  const bool active = d.parent.empty() || (parent != current.end() &&
                                           std::count(d.parent_values.begin(), d.parent_values.end(), parent->second));
  if (!active) return enumerate(space, next + 1, current, all);
  for (const std::string& choice : d.choices) {
    current[d.name] = choice;
    enumerate(space, next + 1, current, all);
    current.erase(d.name);
  }
}

std::set<Parameters> enumerate(const SearchSpace& space) {
  std::set<Parameters> all;
  Parameters current;
  enumerate(space, 0, current, all);
  return all;
}

const LayerSpec& layer_called(const Network& network, const std::string& name) {
  for (const LayerSpec& layer : network.layers)
    if (layer.name == name) return layer;
  throw std::runtime_error("no layer " + name);
}

std::string names(const Network& network) {
  std::string out;
  for (const LayerSpec& layer : network.layers) out += layer.name + " ";
  return out;
}

// One point of small_spec() with two blocks.
Parameters two_blocks(const std::string& kind) {
  Parameters p = {{"blocks", "2"},
                  {"block1.kind", "conv"},
                  {"block1.channels", "4"},
                  {"block1.kernel", "3"},
                  {"block1.stride", "1"},
                  {"block1.pool", "1"},
                  {"block1.weights", "int8"},
                  {"block1.activations", "binary"},
                  {"block2.kind", kind},
                  {"block2.channels", "4"},
                  {"block2.kernel", "3"},
                  {"block2.stride", "2"},
                  {"block2.pool", "2"},
                  {"block2.weights", "binary"},
                  {"block2.activations", "int4"},
                  {"head", "flatten_dense"},
                  {"hidden", "8"},
                  {"head_weights", "int8"}};
  return p;
}

TEST(SearchSpace, SizeIsTheNumberOfEnumeratedAssignments) {
  // Block 1: 2 channels x 2 strides x 2 pools x 2 activations = 16; block 2: two kinds with 16 points and a residual
  // with 8; heads: (2 hidden + 1) x 2 formats = 6. (16 + 16 * 40) * 6 = 3936.
  const SearchSpace space = space_of(small_spec());
  EXPECT_EQ(space.size(), 3936.0);
  EXPECT_EQ(static_cast<double>(enumerate(space).size()), space.size());
  for (int low = 1; low <= 3; ++low) {
    SpaceSpec spec = small_spec();
    spec.min_blocks = low;
    spec.max_blocks = 3;
    spec.block.stride = {1};
    spec.block.activations = {Format::kBinary};
    const SearchSpace other = space_of(spec);
    EXPECT_EQ(static_cast<double>(enumerate(other).size()), other.size()) << low;
  }
}

TEST(SearchSpace, SizeOfTwelveBlocksIsCountedWithoutEnumerating) {
  SpaceSpec spec = large_spec();
  spec.min_blocks = spec.max_blocks = 12;
  // 2 kinds x 6 channels x 4 kernels x 2 x 2 x 4 weights x 3 activations = 2304 a block.
  EXPECT_DOUBLE_EQ(space_of(spec).size(), std::pow(2304.0, 12));
}

TEST(SearchSpace, EveryPointDecodesToANetworkWithOneOutputPerClassOrBreaksARuleOfShapes) {
  const SearchSpace space = space_of(small_spec());
  int sound = 0;
  for (const Parameters& p : enumerate(space)) {
    const Candidate c = space.decode(p);
    EXPECT_EQ(c.parameters, p);
    ASSERT_EQ(toy_structure(c.network).size(), 0u) << toy_structure(c.network)[0].message;
    EXPECT_EQ(infer_shapes(c.network).back().output, (Shape{1, 1, 3}));
    ++sound;
  }
  EXPECT_EQ(sound, 3936);
}

TEST(SearchSpace, SamplesReachEveryPointOfASmallSpace) {
  SpaceSpec spec = small_spec();
  spec.block.stride = {1};
  spec.hidden = {0};
  const SearchSpace space = space_of(spec);
  const std::set<Parameters> all = enumerate(space);
  std::set<Parameters> seen;
  Rng rng(3);
  for (int i = 0; i < 50000; ++i) seen.insert(space.sample(rng).parameters);
  EXPECT_EQ(seen, all);
}

TEST(SearchSpace, SamplesEachChoiceOfADimensionEquallyOften) {
  const SearchSpace space = space_of(small_spec());
  Rng rng(5);
  std::map<std::string, int> kinds;
  constexpr int kDraws = 12000;
  for (int i = 0; i < kDraws; ++i) {
    const Candidate c = space.sample(rng);
    if (c.parameters.contains("block2.kind")) ++kinds[c.parameters.at("block2.kind")];
  }
  // Half of the draws have two blocks: 2000 of each kind, standard deviation 41; five of them are allowed.
  for (const auto& [kind, count] : kinds) EXPECT_NEAR(count, 2000, 205) << kind;
}

TEST(SearchSpace, DecodingDropsInactiveParametersSoThatTheHashIsCanonical) {
  const SearchSpace space = space_of(small_spec());
  Parameters p = two_blocks("conv");
  p["blocks"] = "1";
  Parameters q = p;
  q["block2.channels"] = "2";
  const Candidate a = space.decode(p), b = space.decode(q);
  EXPECT_EQ(a.parameters, b.parameters);
  EXPECT_EQ(a.hash, b.hash);
  EXPECT_FALSE(a.parameters.contains("block2.channels"));
  EXPECT_EQ(a.hash, network_hash(a.network));
}

TEST(SearchSpace, CandidatesHaveEqualHashesJustWhereTheirNetworksAreEqual) {
  const SearchSpace space = space_of(small_spec());
  std::map<std::string, Network> by_hash;
  for (const Parameters& p : enumerate(space)) {
    const Candidate c = space.decode(p);
    const auto [at, fresh] = by_hash.emplace(c.hash, c.network);
    if (!fresh) {
      EXPECT_EQ(at->second, c.network);
    }
  }
}

TEST(SearchSpace, ConvBlocksFusePoolingBatchNormAndQuantizer) {
  const Network n = space_of(small_spec()).decode(two_blocks("conv")).network;
  EXPECT_EQ(names(n), "conv1 conv2 flatten hidden logits ");
  const LayerSpec& conv = layer_called(n, "conv2");
  EXPECT_EQ(conv.op, Op(Conv2d{4, {3, 1, 2, 1}, Padding::kZero}));
  EXPECT_EQ(conv.pool, (Window{2, 1, 2, 1}));
  EXPECT_TRUE(conv.batch_norm);
  EXPECT_EQ(conv.activations, Format::kInt4);
  EXPECT_EQ(layer_called(n, "conv1").weights, Format::kInt8);  // of `first`
  EXPECT_TRUE(n.layers.back().bias);
  EXPECT_EQ(storage_format(n, 4), Format::kInt32);
}

TEST(SearchSpace, DepthwiseSeparableBlocksStrideFirstAndPoolLast) {
  const Network n = space_of(small_spec()).decode(two_blocks("depthwise_separable")).network;
  EXPECT_EQ(names(n), "conv1 dw2 pw2 flatten hidden logits ");
  EXPECT_EQ(layer_called(n, "dw2").op, Op(DepthwiseConv2d{{3, 1, 2, 1}, Padding::kZero}));
  EXPECT_FALSE(layer_called(n, "dw2").pool);
  EXPECT_EQ(layer_called(n, "pw2").op, Op(Conv2d{4, {1, 1, 1, 1}, Padding::kValid}));
  EXPECT_TRUE(layer_called(n, "pw2").pool);
}

TEST(SearchSpace, ResidualBlocksAddTheirInputAndProjectItWhereChannelsDiffer) {
  Parameters p = two_blocks("residual");
  const SearchSpace space = space_of(small_spec());
  const Network same = space.decode(p).network;
  EXPECT_EQ(names(same), "conv1 conv2a conv2b add2 pool2 flatten hidden logits ");
  EXPECT_EQ(layer_called(same, "add2").op, Op(Add{0}));
  p["block2.channels"] = "2";
  const Network other = space.decode(p).network;
  EXPECT_EQ(names(other), "conv1 conv2a conv2b skip2 add2 pool2 flatten hidden logits ");
  EXPECT_EQ(layer_called(other, "add2").op, Op(Add{3}));
  EXPECT_EQ(layer_called(other, "skip2").from, 0);
  EXPECT_FALSE(space.decode(p).parameters.contains("block2.stride"));
}

TEST(SearchSpace, ResidualBlocksCloseForEveryActivationFormatAndAlsoFirst) {
  SpaceSpec spec = small_spec();
  spec.first = {};
  spec.block.kind = {"residual"};
  spec.block.activations = {Format::kBinary, Format::kTernary, Format::kInt2,  Format::kInt8,
                            Format::kUint3,  Format::kUint8,   Format::kInt16, Format::kFloat32};
  for (const Parameters& p : enumerate(space_of(spec))) {
    const auto violations = toy_structure(space_of(spec).decode(p).network);
    ASSERT_TRUE(violations.empty()) << violations[0].message;
  }
}

TEST(SearchSpace, ImagesGetSquareKernelsAndSignalsColumns) {
  SpaceSpec spec = small_spec();
  const SearchSpace images(spec, Shape{16, 16, 1}, Format::kUint8, 3, "images");
  const Network n = images.decode(two_blocks("conv")).network;
  EXPECT_EQ(layer_called(n, "conv2").op, Op(Conv2d{4, {3, 3, 2, 2}, Padding::kZero}));
  EXPECT_EQ(layer_called(n, "conv2").pool, (Window{2, 2, 2, 2}));
}

TEST(SearchSpace, ANetworkWhoseWindowsDoNotFitIsDecodedAndLeftToTheRules) {
  SpaceSpec spec = small_spec();
  spec.padding = "valid";
  const SearchSpace space(spec, Shape{4, 1, 1}, Format::kInt8, 3, "tiny");
  const Candidate c = space.decode(two_blocks("conv"));
  EXPECT_THAT(toy_structure(c.network).at(0).message, testing::HasSubstr("does not fit"));
}

TEST(SearchSpace, AveragesOfTheGlobalPoolKeepTheRangeOfWhatTheyAverage) {
  Parameters p = two_blocks("conv");
  p["head"] = "global_pool_dense";
  p.erase("hidden");
  const SearchSpace space = space_of(small_spec());
  EXPECT_EQ(layer_called(space.decode(p).network, "gap").range_log2, 1);
  p["block2.activations"] = "binary";
  EXPECT_EQ(layer_called(space.decode(p).network, "gap").range_log2, 0);
  EXPECT_EQ(layer_called(space.decode(p).network, "gap").activations, Format::kInt8);
}

std::string refusal(const SpaceSpec& spec) {
  try {
    space_of(spec);
    return "";
  } catch (const ConfigError& e) {
    return e.what();
  }
}

TEST(SearchSpace, ListsThatCannotMakeANetworkAreRefusedByName) {
  SpaceSpec spec = small_spec();
  spec.block.kernel = {};
  EXPECT_EQ(refusal(spec), "space.block1.kernel: at least one choice");
  spec = small_spec();
  spec.head = {};
  EXPECT_EQ(refusal(spec), "space.head: at least one choice");
  spec = small_spec();
  spec.block.kind = {"conv", "dense"};
  EXPECT_EQ(refusal(spec), "space.block.kind = dense: one of conv, depthwise_separable, residual");
  spec = small_spec();
  spec.block.activations = {Format::kAccumulator};
  EXPECT_EQ(refusal(spec), "space.block.activations = none: not an activation format");
  spec = small_spec();
  spec.block.pool = {2, 2};
  EXPECT_EQ(refusal(spec), "space.block1.pool = 2: listed twice");
  spec = small_spec();
  spec.min_blocks = 3;
  EXPECT_EQ(refusal(spec), "space.blocks = 3..2: a range within 1..12");
}

TEST(SearchSpace, AnAssignmentFromElsewhereIsRefused) {
  const SearchSpace space = space_of(small_spec());
  Parameters p = two_blocks("conv");
  p["block2.kernel"] = "9";
  EXPECT_THROW(space.decode(p), ConfigError);
  p.erase("block2.kernel");
  EXPECT_THROW(space.decode(p), ConfigError);
}

}  // namespace
}  // namespace bitwright
