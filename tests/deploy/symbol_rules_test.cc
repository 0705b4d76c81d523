// SPDX-License-Identifier: Apache-2.0
#include "deploy/symbol_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bitwright {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(ForbiddenFunctions, AreHeapFilesAndTheEndOfTheProgram) {
  EXPECT_THAT(forbidden_functions({"_exit", "_malloc_r", "abort", "bw_add", "free", "net_run", "snprintf", "vfprintf"}),
              ElementsAre("_exit", "_malloc_r", "abort", "free", "snprintf", "vfprintf"));
}

TEST(ForbiddenFunctions, AreNotThoseOfIntegersAndMemory) {
  EXPECT_THAT(forbidden_functions({"memcpy", "memset", "__aeabi_memcpy4", "__aeabi_lmul", "__aeabi_uldivmod",
                                   "__udivmoddi4", "__muldi3", "__divdi3", "__clzsi2", "__popcountsi2",
                                   "__gnu_thumb1_case_uqi", "bw_time_major", "bw_free_run"}),
              IsEmpty());
}

TEST(ForbiddenFunctions, AreHelpersOfFloatWhereNoLayerIsFloat) {
  const std::set<std::string> helpers = {"__aeabi_fadd", "__aeabi_i2f", "__aeabi_cfcmple",
                                         "__addsf3",     "__fixsfsi",   "__floatunsisf"};
  EXPECT_EQ(forbidden_functions(helpers), std::vector<std::string>(helpers.begin(), helpers.end()));
  for (const char* kernel : {"bw_conv2d_a8w8_to_f32", "bw_add_f32", "bw_conv2d_wf32_b6a0e0f2", "net_head_conv2d_wf32",
                             "net_sums_part_a8w1_finish_f32"}) {
    std::set<std::string> with_kernel = helpers;
    with_kernel.insert(kernel);
    EXPECT_THAT(forbidden_functions(with_kernel), IsEmpty()) << kernel;
  }
  EXPECT_FALSE(has_float_kernel({"bw_conv2d_a8w8_0abf3212", "my_f32_run"}));
}

TEST(ForbiddenFunctions, AreHelpersOfDoubleAlways) {
  EXPECT_THAT(forbidden_functions({"__adddf3", "__aeabi_dmul", "__aeabi_f2d", "__extendsfdf2", "bw_add_f32"}),
              ElementsAre("__adddf3", "__aeabi_dmul", "__aeabi_f2d", "__extendsfdf2"));
}

}  // namespace
}  // namespace bitwright
