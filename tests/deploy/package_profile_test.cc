// Which layer a call belongs to: what deploy/package_profile.h reads of a disassembly and of an execution.
// SPDX-License-Identifier: Apache-2.0
#include "deploy/package_profile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bitwright {
namespace {

using testing::ElementsAre;
using testing::Pair;

// As objdump prints it: two calls, jumps to the kernel, a call of something else, branches within the kernel.
constexpr char kArm[] =
    "00008000 <net_run>:\n"
    "    8000:\tf000 f806 \tbl\t8010 <bw_add_1234abcd>\n"
    "    8004:\tf000 f80c \tbl\t8020 <memcpy>\n"
    "    8008:\tf000 f802 \tbl\t8010 <bw_add_1234abcd>\n"
    "    800c:\tf000 b800 \tb.w\t8010 <bw_add_1234abcd>\n"
    "    800e:\tdd00      \tble.n\t8010 <bw_add_1234abcd>\n"
    "00008010 <bw_add_1234abcd>:\n"
    "    8010:\td1fe      \tbne.n\t8010 <bw_add_1234abcd>\n"
    "    8012:\tdbfd      \tblt.n\t8010 <bw_add_1234abcd>\n"
    "    8014:\t4770      \tbx\tlr\n"
    "00008020 <memcpy>:\n"
    "    8020:\t4770      \tbx\tlr\n";

TEST(FindCallSites, ACallReturnsBehindItAndAJumpDoesNot) {
  const CallSites sites = find_call_sites(kArm, {"bw_add_1234abcd", "bw_gone", ""});
  EXPECT_THAT(sites.functions, ElementsAre(Pair("bw_add_1234abcd", 0x8010)));
  EXPECT_THAT(sites.returns, ElementsAre(0x8004, 0x800c));
}

TEST(FindCallSites, ReadsRiscVToo) {
  const CallSites sites = find_call_sites(
      "00000010 <net_run>:\n"
      "      10:\t2015                \tjal\t20 <bw_add_1234abcd>\n"
      "      12:\t8082                \tret\n"
      "00000020 <bw_add_1234abcd>:\n"
      "      20:\t8082                \tret\n",
      {"bw_add_1234abcd"});
  EXPECT_THAT(sites.functions, ElementsAre(Pair("bw_add_1234abcd", 0x20)));
  EXPECT_THAT(sites.returns, ElementsAre(0x12));
}

TEST(LayersOfCalls, EveryPlaceIsALayerOfItsOwnInTheOrderOfExecution) {
  // Layer 1 is a flatten. Stages of a stream are called again and again.
  const std::vector<KernelCall> calls = {{"a", 0x900}, {"b", 0x10}, {"a", 0x900}, {"a", 0x200}, {"a", 0x900}};
  EXPECT_THAT(layers_of_calls(calls, {"a", "", "b", "a"}),
              ElementsAre(Pair(KernelCall{"a", 0x200}, ElementsAre(3)), Pair(KernelCall{"a", 0x900}, ElementsAre(0)),
                          Pair(KernelCall{"b", 0x10}, ElementsAre(2))));
}

TEST(LayersOfCalls, APlaceThatLayersShareIsAllOfTheirs) {
  EXPECT_THAT(layers_of_calls({{"a", 0x10}, {"a", 0x10}}, {"a", "a"}),
              ElementsAre(Pair(KernelCall{"a", 0x10}, ElementsAre(0, 1))));
}

}  // namespace
}  // namespace bitwright
