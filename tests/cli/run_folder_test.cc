#include "cli/local/run_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "cli/local/local_cluster.h"
#include "tests/support/temp_folder.h"

namespace ride::cli {
namespace {

using ::testing::HasSubstr;

TEST(RunFolder, OnlyOneMayUseIt) {
  const test::TempFolder temp;
  {
    auto first = RunFolder::open(temp / "state");
    ASSERT_TRUE(first.ok()) << first.error().message;
    ASSERT_TRUE(first->save({.pid = getpid(), .job = "street"}).ok());
    const auto second = RunFolder::open(temp / "state");
    ASSERT_FALSE(second.ok());
    EXPECT_EQ(second.error().code, ErrorCode::already_exists);
    EXPECT_THAT(second.error().message, HasSubstr("job 'street'"));
  }
  EXPECT_TRUE(RunFolder::open(temp / "state").ok());
}

TEST(RunFolder, RemembersTheLastRun) {
  const test::TempFolder temp;
  const RunInfo info{.pid = 7,
                     .started_at = "2026-11-21T12:00:00Z",
                     .topology = "/x/street.yaml",
                     .job = "street",
                     .master = "http://127.0.0.1:7800",
                     .brokers = "127.0.0.1:9092",
                     .paused_job = "street"};
  {
    auto folder = RunFolder::open(temp / "state");
    ASSERT_TRUE(folder.ok());
    EXPECT_FALSE(folder->last().has_value());
    ASSERT_TRUE(folder->save(info).ok());
  }
  auto folder = RunFolder::open(temp / "state");
  ASSERT_TRUE(folder.ok() && folder->last().has_value());
  EXPECT_EQ(to_json(*folder->last()), to_json(info));
}

TEST(RunFolder, WipesWhatIsOursAndRefusesForeignFiles) {
  const test::TempFolder temp;
  auto folder = RunFolder::open(temp / "state");
  ASSERT_TRUE(folder.ok());
  std::filesystem::create_directories(folder->broker_data() / "kafka");
  ASSERT_TRUE(folder->save({.pid = 1}).ok());
  ASSERT_TRUE(folder->wipe().ok());
  EXPECT_FALSE(std::filesystem::exists(folder->broker_data()));
  EXPECT_FALSE(folder->last().has_value());
  std::ofstream(folder->path() / "thesis.tex") << "important";
  const auto refused = folder->wipe();
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.error().message, HasSubstr("thesis.tex"));
  EXPECT_TRUE(std::filesystem::exists(folder->path() / "thesis.tex"));
}

TEST(RunFolder, KnowsWhoRunsInItNow) {
  const test::TempFolder temp;
  EXPECT_FALSE(running_in(temp / "state").has_value());
  auto folder = RunFolder::open(temp / "state");
  ASSERT_TRUE(folder.ok());
  ASSERT_TRUE(folder->save({.pid = getpid(), .master = "http://m"}).ok());
  ASSERT_TRUE(running_in(temp / "state").has_value());
  EXPECT_EQ(running_in(temp / "state")->master, "http://m");
  ASSERT_TRUE(folder->save({.pid = 0, .master = "http://m"}).ok());
  EXPECT_FALSE(running_in(temp / "state").has_value());
}

TEST(RunFolder, SaysWhichFolderCannotBeUsed) {
  const auto folder = RunFolder::open("/proc/nowhere");
  ASSERT_FALSE(folder.ok());
  EXPECT_THAT(folder.error().message, HasSubstr("/proc/nowhere"));
  EXPECT_THAT(folder.error().message, HasSubstr("--state"));
}

// The broker is its own program with its own flags; `ride up` has others.
TEST(LocalCluster, WhatTheBrokerAdvisesIsToldInFlagsThatRideUpHas) {
  EXPECT_EQ(in_flags_of_up("free some space, or choose another disk (--data)", false),
            "free some space, or choose another disk (--state)");
  EXPECT_EQ(in_flags_of_up("move the folder to another disk and start with its --data", true),
            "move the folder to another disk and start with its TMPDIR");
  EXPECT_THAT(in_flags_of_up("give it more (--heap), or use fewer partitions", false), HasSubstr("ride broker --heap"));
  EXPECT_EQ(in_flags_of_up("its port is taken (--broker-port)", false), "its port is taken (--broker-port)");
}

}  // namespace
}  // namespace ride::cli
