#include "agent/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/temp_folder.h"

namespace ride::agent {
namespace {

void make_program(const std::filesystem::path& file) {
  std::ofstream(file) << "#!/bin/sh\n";
  std::filesystem::permissions(file, std::filesystem::perms::owner_all);
}

TEST(AgentPlan, NamesChildrenAfterTheNodeAndPassesTheClusterOn) {
  const test::TempFolder folder;
  make_program(folder / "ride-worker");
  make_program(folder / "ride-producer");
  Options options;
  options.node = NodeName{"gate"};
  options.slots = 2;
  options.bin_folder = folder.path();
  options.kafka_arguments = {"--brokers", "b:1", "--prefix", "x"};
  const auto children = plan_children(options);
  ASSERT_TRUE(children.ok()) << children.error().message;
  ASSERT_EQ(children->size(), 3U);
  EXPECT_EQ(children->at(1).name, "gate-w2");
  EXPECT_EQ(children->at(2).name, "gate-p1");
  EXPECT_THAT(children->at(2).arguments,
              ::testing::ElementsAre((folder / "ride-producer").string(), "--name", "gate-p1", "--node", "gate",
                                     "--brokers", "b:1", "--prefix", "x"));
}

TEST(AgentPlan, SaysWhichProgramIsMissing) {
  const test::TempFolder folder;
  make_program(folder / "ride-worker");
  Options options;
  options.node = NodeName{"gate"};
  options.bin_folder = folder.path();
  const auto children = plan_children(options);
  ASSERT_FALSE(children.ok());
  EXPECT_EQ(children.error().code, ErrorCode::not_found);
  EXPECT_THAT(children.error().message, ::testing::HasSubstr((folder / "ride-producer").string()));
}

}  // namespace
}  // namespace ride::agent
