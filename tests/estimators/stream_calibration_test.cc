// What streams are measured with. That the measurements hold is in estimate_emulator_test.cc.
// SPDX-License-Identifier: Apache-2.0
#include "experiments/calibrate/stream_calibration.h"

#include <gtest/gtest.h>

#include <set>

#include "core/execution.h"
#include "estimators/stream_costs.h"

namespace bitwright {
namespace {

TEST(StreamNetworks, EndAsAskedAndDiffer) {
  for (const std::string& part : part_kernels()) {
    std::set<int> outputs;
    std::set<std::string> texts;
    for (const Network& network : stream_networks(part, 6, 1)) {
      const ExecutionPlan plan = plan_execution(network, default_kernels(network), Execution::kStream);
      ASSERT_TRUE(plan.stream) << network.name;
      ASSERT_TRUE(plan.stream->ends_dense) << network.name;
      const int last = plan.stream->last_layer();
      EXPECT_EQ(plan.kernels[static_cast<size_t>(last)], part);
      outputs.insert(layer_shapes(network, last).output.c);
      texts.insert(canonical_text(network));
    }
    EXPECT_GT(outputs.size(), 2u) << part;
    EXPECT_EQ(texts.size(), 6u) << part;
  }
  for (const Network& network : stream_networks("", 6, 1))
    EXPECT_FALSE(plan_execution(network, default_kernels(network), Execution::kStream).stream->ends_dense);
}

// Two convolutions of 3 columns on 12, four outputs a run.
TEST(StreamCounts, AreOfRunsChecksAndWords) {
  StreamPlan plan;
  plan.stages = {{.layer = 0, .band = 4, .step = 1, .window = 3, .inputs = 12, .outputs = 10, .column_bits = 8},
                 {.layer = 1, .band = 4, .step = 1, .window = 3, .inputs = 10, .outputs = 8, .column_bits = 32}};
  const StreamCounts n = stream_counts(plan);
  EXPECT_EQ(n.runs, 3 + 2);
  EXPECT_EQ(n.checks, 2 + 3 * 2 + 2 * 1);  // the last time none can run
  EXPECT_EQ(n.moved_words, (2 - 1) * 2);   // the two columns that two runs share; the input itself does not move
  EXPECT_EQ(n.part_runs, 0);
}

}  // namespace
}  // namespace bitwright
