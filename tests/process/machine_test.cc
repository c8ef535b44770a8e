#include "process/machine.h"

#include <gtest/gtest.h>

namespace ride::process {
namespace {

TEST(NodeLoad, IsTheBusyShareSinceTheLastLookInPercentOfOneCore) {
  NodeLoad load;
  EXPECT_EQ(load.sample("cpu  100 0 100 800 0 0 0 0 0 0\ncpu0 50 0 50 400\ncpu1 50 0 50 400\nintr 1\n"), 0);
  // 100 more ticks, 50 of them busy, on two cores: one core's worth.
  EXPECT_DOUBLE_EQ(load.sample("cpu  125 0 125 840 10 0 0 0 0 0\ncpu0 60 0 60 430\ncpu1 65 0 65 420\nintr 1\n"), 100);
}

TEST(NodeLoad, IsZeroWithoutAnyTimeInBetween) {
  NodeLoad load;
  const std::string same = "cpu  1 0 1 8 0 0 0 0\ncpu0 1 0 1 8\n";
  load.sample(same);
  EXPECT_EQ(load.sample(same), 0);
  EXPECT_EQ(load.sample(""), 0);
}

TEST(NodeFacts, ThisMachineHasCoresAndMemory) {
  const auto facts = read_node_facts();
  EXPECT_GE(facts.cores, 0.1);
  EXPECT_GT(facts.memory_bytes, 64 << 20);
  EXPECT_GT(available_memory(), 0);
  EXPECT_GT(free_disk({}), 0);
  EXPECT_EQ(free_disk("/nowhere"), 0);
  EXPECT_EQ(facts.devices.front(), "cpu");
}

}  // namespace
}  // namespace ride::process
