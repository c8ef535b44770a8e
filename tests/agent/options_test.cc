#include "agent/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

#include "tests/support/temp_folder.h"

namespace ride::agent {
namespace {

void make_program(const std::filesystem::path& file) {
  std::ofstream(file) << "#!/bin/sh\n";
  std::filesystem::permissions(file, std::filesystem::perms::owner_all);
}

class AgentPlan : public testing::Test {
 protected:
  AgentPlan() {
    make_program(folder / "ride-worker");
    make_program(folder / "ride-producer");
    options.node = NodeName{"gate"};
    options.bin_folder = folder.path();
  }

  const test::TempFolder folder;
  Options options;
};

TEST_F(AgentPlan, NamesChildrenAfterTheNodeAndPassesTheClusterOn) {
  options.slots = 2;
  options.worker_kafka_arguments = {"--brokers", "b:1", "--prefix", "x"};
  options.producer_kafka_arguments = options.worker_kafka_arguments;
  const auto children = plan_children(options);
  ASSERT_TRUE(children.ok()) << children.error().message;
  ASSERT_EQ(children->size(), 3U);
  EXPECT_EQ(children->at(1).name, "gate-w2");
  EXPECT_EQ(children->at(2).name, "gate-p1");
  EXPECT_THAT(children->at(2).arguments,
              ::testing::ElementsAre((folder / "ride-producer").string(), "--name", "gate-p1", "--node", "gate",
                                     "--metrics", "127.0.0.1:0", "--brokers", "b:1", "--prefix", "x"));
}

TEST_F(AgentPlan, GivesWorkersTheirShareOfTheNode) {
  options.slots = 3;
  options.worker_memory = 5 << 20;
  options.gpus = {"0", "2"};
  const auto children = plan_children(options).value();
  EXPECT_EQ(children[0].memory_limit, 5 << 20);
  EXPECT_EQ(children[3].memory_limit, 0) << "producers have none";
  EXPECT_THAT(children[1].environment, ::testing::ElementsAre("CUDA_VISIBLE_DEVICES=2"));
  EXPECT_THAT(children[2].environment, ::testing::ElementsAre("CUDA_VISIBLE_DEVICES=0"));
  options.worker_memory = 0;
  EXPECT_GT(plan_children(options).value()[0].memory_limit, 0) << "no worker may take the whole node";
}

TEST_F(AgentPlan, WorkersCarryTheLabelsOfTheirNode) {
  options.labels = {"site=north", "disk=fast"};
  const auto children = plan_children(options).value();
  EXPECT_THAT(children[0].arguments, ::testing::IsSupersetOf({"--label", "site=north", "disk=fast"}));
  EXPECT_THAT(children[1].arguments, ::testing::Not(::testing::Contains("--label"))) << "producers have none";
}

TEST_F(AgentPlan, WorkersLoadThePluginsOfTheirNode) {
  options.plugins = {"/opt/vignette.so", "/opt/grain.so"};
  const auto children = plan_children(options).value();
  const std::vector<std::string> told = {"--plugin", "/opt/vignette.so", "--plugin", "/opt/grain.so"};
  for (const auto& child : children) {
    const auto found = std::search(child.arguments.begin(), child.arguments.end(), told.begin(), told.end());
    EXPECT_EQ(found != child.arguments.end(), child.kind == ChildKind::worker) << child.name;
    EXPECT_EQ(std::count(child.arguments.begin(), child.arguments.end(), "--plugin"),
              child.kind == ChildKind::worker ? 2 : 0)
        << child.name;
  }
}

TEST_F(AgentPlan, WorkersAreToldWhichPluginsOfJobsTheyMayLoad) {
  for (const auto& child : plan_children(options).value())
    EXPECT_THAT(child.arguments, ::testing::Not(::testing::Contains("--allow-plugin"))) << child.name;
  options.permits = {"sha256:" + std::string(64, 'a')};
  for (const auto& child : plan_children(options).value())
    EXPECT_EQ(std::count(child.arguments.begin(), child.arguments.end(), options.permits.front()),
              child.kind == ChildKind::worker ? 1 : 0)
        << child.name;
}

TEST_F(AgentPlan, WorkersAreToldWhereSinksMayWrite) {
  options.output_folders = {"/srv/out", "/mnt/videos"};
  const auto children = plan_children(options).value();
  const std::vector<std::string> told = {"--output", "/srv/out", "--output", "/mnt/videos"};
  for (const auto& child : children) {
    const auto found = std::search(child.arguments.begin(), child.arguments.end(), told.begin(), told.end());
    EXPECT_EQ(found != child.arguments.end(), child.kind == ChildKind::worker) << child.name;
  }
}

TEST_F(AgentPlan, CoresAreGivenInTurn) {
  const std::vector<int> all = {0, 1, 2, 3, 8};
  EXPECT_THAT(cores_of(all, 2, 0), ::testing::ElementsAre(0, 1));
  EXPECT_THAT(cores_of(all, 2, 1), ::testing::ElementsAre(2, 3));
  EXPECT_THAT(cores_of(all, 2, 2), ::testing::ElementsAre(8, 0));
  EXPECT_THAT(cores_of(all, 0, 1), ::testing::IsEmpty()) << "not stated: all";
  EXPECT_THAT(cores_of(all, 9, 0), ::testing::IsEmpty()) << "more than there are: all";
}

TEST_F(AgentPlan, SaysWhichProgramIsMissing) {
  std::filesystem::remove(folder / "ride-producer");
  const auto children = plan_children(options);
  ASSERT_FALSE(children.ok());
  EXPECT_EQ(children.error().code, ErrorCode::not_found);
  EXPECT_THAT(children.error().message, ::testing::HasSubstr((folder / "ride-producer").string()));
}

}  // namespace
}  // namespace ride::agent
