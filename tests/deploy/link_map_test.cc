// SPDX-License-Identifier: Apache-2.0
#include "deploy/link_map.h"

#include <gtest/gtest.h>

namespace bitwright {
namespace {

TEST(LinkMap, CountsWhatIsKeptAndNotWhatIsDiscarded) {
  const ObjectBytes sizes = parse_link_map(R"(
Discarded input sections

 .text.unused   0x0000000000000000       0x40 build/model.o

Linker script and memory map

.text           0x0000000000008000       0x64
 .text.run      0x0000000000008000       0x1c build/model.o
                0x0000000000008000                run
 .text.bw_conv2d_with_a_long_name
                0x000000000000801c       0x20 build/kernels.o
 *fill*         0x000000000000803c        0x4 
 .text          0x0000000000008040       0x10 /usr/lib/libgcc.a(_arm_muldf3.o)

.rodata         0x0000000000008050       0x30
 .rodata.weights
                0x0000000000008050       0x28 build/model.o
 .rodata.str1.4
                0x0000000000008078        0x8 build/model.o
 .bss.state     0x0000000020000000        0xc build/model.o
 COMMON         0x000000002000000c        0x4 build/model.o
)");
  ASSERT_EQ(sizes.size(), 3u);
  EXPECT_EQ(sizes.at("build/model.o").code, 0x1c);
  EXPECT_EQ(sizes.at("build/model.o").constants, 0x30);
  EXPECT_EQ(sizes.at("build/model.o").bss, 0x10);
  EXPECT_EQ(sizes.at("build/kernels.o").code, 0x20);
  EXPECT_EQ(sizes.at("/usr/lib/libgcc.a(_arm_muldf3.o)").code, 0x10);
}

TEST(LinkMap, CountsTheSmallDataOfRiscV) {
  const ObjectBytes sizes = parse_link_map(R"(
Linker script and memory map

 .srodata.scale 0x0000000080000050        0x4 build/model.o
 .sdata.count   0x0000000080400000        0x8 build/model.o
 .sbss.state    0x0000000080400008       0x10 build/model.o
)");
  EXPECT_EQ(sizes.at("build/model.o").constants, 4);
  EXPECT_EQ(sizes.at("build/model.o").data, 8);
  EXPECT_EQ(sizes.at("build/model.o").bss, 16);
}

}  // namespace
}  // namespace bitwright
