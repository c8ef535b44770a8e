// Three real brokers: a lost one costs no record, and comes back.
#include "broker-config/broker_cluster.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "broker-config/probe.h"
#include "tests/broker/log_client.h"
#include "tests/broker/scenario.h"
#include "tests/support/temp_folder.h"

namespace ride::test {
namespace {

using std::chrono::seconds;
using ::testing::ElementsAre;

broker::ClusterOptions three(const std::filesystem::path& folder) {
  broker::ClusterOptions options;
  options.folder = folder;
  options.quick_start = true;
  return options;
}

TEST(BrokerCluster, keeps_every_record_when_a_broker_is_lost_and_comes_back) {
  const TempFolder folder("cluster");
  broker::BrokerCluster cluster;
  const auto started = cluster.start(three(folder.path()));
  ASSERT_TRUE(started.ok()) << started.error().message;
  create_topic(cluster.bootstrap(), "kept", 1, 3);
  ASSERT_EQ(produce(cluster.bootstrap(), "kept", {"by three"}), "");

  ASSERT_TRUE(cluster.wait_until_in_sync(seconds(120)).ok());

  cluster.kill(1);
  EXPECT_FALSE(cluster.alive(1));
  EXPECT_FALSE(cluster.in_sync());
  ASSERT_EQ(produce(cluster.bootstrap(), "kept", {"by two"}), "");
  EXPECT_THAT(consume(cluster.bootstrap(), "kept"), ElementsAre("by three", "by two"));
  EXPECT_TRUE(within(seconds(60), [&] {
    const auto behind =
        broker::partitions_out_of_sync("127.0.0.1", std::stoi(cluster.bootstrap(2).substr(10)), seconds(2));
    return behind.ok() && *behind > 0;
  }));

  const auto back = cluster.restart(1);
  ASSERT_TRUE(back.ok()) << back.error().message;
  // With node 1 in sync again, another one may be lost.
  const auto in_sync = cluster.wait_until_in_sync(seconds(120));
  ASSERT_TRUE(in_sync.ok()) << in_sync.error().message;
  cluster.kill(2);
  ASSERT_EQ(produce(cluster.bootstrap(), "kept", {"by two others"}, seconds(60)), "");
  EXPECT_THAT(consume(cluster.bootstrap(), "kept"), ElementsAre("by three", "by two", "by two others"));
}

TEST(BrokerCluster, continues_on_the_same_addresses_after_all_were_stopped) {
  const TempFolder folder("cluster");
  broker::BrokerCluster cluster;
  ASSERT_TRUE(cluster.start(three(folder.path())).ok());
  const std::string brokers = cluster.bootstrap();
  create_topic(brokers, "kept", 1, 3);
  ASSERT_EQ(produce(brokers, "kept", {"before"}), "");
  cluster.stop();
  const auto again = cluster.start(three(folder.path()));
  ASSERT_TRUE(again.ok()) << again.error().message;
  EXPECT_EQ(cluster.bootstrap(), brokers);
  EXPECT_THAT(consume(brokers, "kept"), ElementsAre("before"));
}

}  // namespace
}  // namespace ride::test
