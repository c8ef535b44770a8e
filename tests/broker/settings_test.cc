// The rendered settings, word for word, and the rules that hold between the size limits.
#include "broker-config/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "broker-config/secure_folder.h"
#include "tests/broker/log_client.h"

namespace ride::broker {
namespace {
using ::testing::HasSubstr;

// To accept a change: RIDE_UPDATE_GOLDEN=1, then look at the difference.
void expect_golden(const std::string& name, const std::string& text) {
  const std::string file = std::string(RIDE_GOLDEN_FOLDER) + "/" + name;
  if (std::getenv("RIDE_UPDATE_GOLDEN")) std::ofstream(file) << text;
  std::ifstream in(file);
  const std::string golden((std::istreambuf_iterator<char>(in)), {});
  EXPECT_EQ(text, golden) << "differs from " << file << "; if that is meant, run with RIDE_UPDATE_GOLDEN=1";
}

BrokerConfig embedded() {
  BrokerConfig config;
  config.quorum = {{1, "127.0.0.1", 20002}};
  config.port = 20001;
  config.log_dir = "/data/broker/kafka";
  return config;
}

BrokerConfig second_of_three() {
  BrokerConfig config;
  config.node_id = 2;
  config.quorum = *parse_quorum("1@a.example:9093,2@b.example:9093,3@c.example:9093");
  config.host = "0.0.0.0";
  config.advertised_host = "b.example";
  config.log_dir = "/srv/kafka";
  config.max_message_bytes = 64 << 20;
  return config;
}

std::int64_t number(const Settings& settings, const std::string& name) { return std::stoll(settings.at(name)); }

std::string value_of(const std::string& text, const std::string& name) {
  const auto start = text.find("\n" + name + "=");
  if (start == text.npos) return "(missing)";
  const auto value = start + name.size() + 2;
  return text.substr(value, text.find('\n', value) - value);
}

TEST(BrokerSettings, of_an_embedded_broker_are_as_written_down) {
  expect_golden("embedded.properties", render_settings(embedded()));
}

TEST(BrokerSettings, of_one_of_three_nodes_are_as_written_down) {
  ASSERT_TRUE(check_config(second_of_three()).ok());
  expect_golden("second-of-three.properties", render_settings(second_of_three()));
}

TEST(BrokerSettings, of_a_node_outside_the_quorum_make_it_a_broker_only) {
  BrokerConfig config = second_of_three();
  config.node_id = 7;
  const std::string text = render_settings(config);
  EXPECT_EQ(value_of(text, "process.roles"), "broker");
  EXPECT_EQ(value_of(text, "listeners"), "CLIENTS://0.0.0.0:9092");
}

BrokerConfig with_users() {
  BrokerConfig config = embedded();
  const BrokerUser broker{"ride-broker", "a-password"};
  config.security = {"/secrets/node-a.pem",
                     "/secrets/ca.pem",
                     "/secrets/inside.pem",
                     "/secrets/inside.crt",
                     {broker, {"ride-admin", "another-password"}},
                     broker,
                     {"ride-admin"}};
  return config;
}

TEST(BrokerSettings, with_users_are_as_written_down) {
  ASSERT_TRUE(check_config(with_users()).ok());
  expect_golden("with-users.properties", render_settings(with_users()));
}

TEST(BrokerSettings, with_users_let_nobody_in_without_one) {
  const std::string text = render_settings(with_users());
  EXPECT_EQ(text.find("PLAINTEXT"), text.npos);
  EXPECT_EQ(text.find("ANONYMOUS"), text.npos);
  EXPECT_EQ(value_of(text, "allow.everyone.if.no.acl.found"), "false");
  EXPECT_EQ(value_of(text, "super.users"), "User:CN=ride-broker;User:ride-broker;User:ride-admin");
  EXPECT_EQ(value_of(text, "listener.name.controller.ssl.client.auth"), "required");
}

TEST(Users, are_read_and_never_repeated_in_an_error) {
  const auto users = parse_users("users", "# names\nride-admin:abcdefghijkl\n\nalice:Aa0-_.~+/xyz\r\n");
  ASSERT_TRUE(users.ok()) << users.error().message;
  ASSERT_EQ(users->size(), 2U);
  EXPECT_EQ((*users)[1].password, "Aa0-_.~+/xyz");
  for (const std::string line :
       {"alice", "alice:short", "alice:with,comma,abcdef", "alice:with]bracket-abcd", "a b:abcdefghijkl",
        "alice:abc\"defghijklm", "a:abcdefghijkl\na:abcdefghijkl", ":abcdefghijkl"}) {
    const auto refused = parse_users("users", line + "\n");
    ASSERT_FALSE(refused.ok()) << line;
    EXPECT_THAT(refused.error().message, HasSubstr("users:"));
    EXPECT_THAT(refused.error().message, ::testing::Not(HasSubstr("defgh")));
    EXPECT_THAT(refused.error().message, ::testing::Not(HasSubstr("short")));
  }
}

TEST(BrokerSettings, carry_any_path_to_java) {
  BrokerConfig config = embedded();
  config.log_dir = "/data/mü 📷\\x";
  EXPECT_EQ(value_of(render_settings(config), "log.dirs"), "/data/m\\u00fc \\ud83d\\udcf7\\\\x");
}

TEST(BrokerSettings, all_sizes_hold_the_largest_message) {
  for (const std::int64_t largest : {kMinMaxMessageBytes, kDefaultMaxMessageBytes, kMaxMaxMessageBytes}) {
    BrokerConfig config = embedded();
    config.max_message_bytes = largest;
    ASSERT_TRUE(check_config(config).ok());
    const std::string text = render_settings(config);
    for (const char* name :
         {"message.max.bytes", "replica.fetch.max.bytes", "replica.fetch.response.max.bytes", "fetch.max.bytes"}) {
      EXPECT_GE(std::stoll(value_of(text, name)), largest) << name;
    }
    EXPECT_GT(std::stoll(value_of(text, "socket.request.max.bytes")), largest);
    for (const char* name : {"replica.fetch.response.max.bytes", "fetch.max.bytes", "socket.request.max.bytes"}) {
      EXPECT_LE(std::stoll(value_of(text, name)), 2147483647) << name;
    }
    const Settings topic = frame_topic_settings(largest);
    EXPECT_GE(number(topic, "segment.bytes"), largest);
    EXPECT_LE(number(topic, "segment.bytes"), 2147483647);
  }
}

TEST(ClientLimits, follow_the_largest_message_and_librdkafka_takes_them) {
  for (const std::int64_t largest : {kMinMaxMessageBytes, kDefaultMaxMessageBytes, kMaxMaxMessageBytes}) {
    const Settings limits = client_limits(largest);
    EXPECT_EQ(limits, consumer_limits(largest));
    EXPECT_EQ(number(producer_limits(largest), "message.max.bytes"), largest);
    EXPECT_EQ(number(limits, "message.max.bytes"), largest);
    EXPECT_EQ(number(limits, "fetch.message.max.bytes"), largest);
    EXPECT_GE(number(limits, "fetch.max.bytes"), largest);
    EXPECT_GE(number(limits, "receive.message.max.bytes"), number(limits, "fetch.max.bytes") + 512);
    EXPECT_EQ(test::complaint_about(limits), "");
  }
}

TEST(Quorum, is_read_and_written_alike) {
  const std::string text = "1@a:9093,2@[::1]:9093,30@c.example:19093";
  const auto quorum = parse_quorum(text);
  ASSERT_TRUE(quorum.ok());
  EXPECT_EQ(quorum->size(), 3U);
  EXPECT_EQ((*quorum)[2], (Voter{30, "c.example", 19093}));
  EXPECT_EQ(to_string(*quorum), text);
}

TEST(Quorum, errors_name_the_node_and_the_form) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "'' is not a node"},
      {"a:9093", "'a:9093' is not a node"},
      {"1@a", "'1@a' is not a node"},
      {"1@:9093", "'1@:9093' is not a node"},
      {"1@a:9093,", "'' is not a node"},
      {"x@a:9093", "'x@a:9093' is not a node"},
      {"1@a:70000", "'1@a:70000' is not a node"},
      {"1@a:0", "'1@a:0' is not a node"},
      {"-1@a:1", "'-1@a:1' is not a node"},
      {"1@a:1,1@b:1", "node 1 is named twice"},
      {"1@a:1,2@a:1", "two nodes share a:1"},
  };
  for (const auto& [text, why] : cases) {
    const auto quorum = parse_quorum(text);
    ASSERT_FALSE(quorum.ok()) << text;
    EXPECT_THAT(quorum.error().message, HasSubstr(why));
    EXPECT_THAT(quorum.error().message, HasSubstr("id@host:port"));
  }
}

TEST(BrokerConfig, errors_say_what_to_change) {
  const auto message_after = [](void (*change)(BrokerConfig&)) {
    BrokerConfig config = embedded();
    change(config);
    const auto checked = check_config(config);
    return checked.ok() ? std::string("accepted") : checked.error().message;
  };
  EXPECT_THAT(message_after([](BrokerConfig& c) { c.max_message_bytes = 1000; }), HasSubstr("between 1048576 (1 MiB)"));
  EXPECT_THAT(message_after([](BrokerConfig& c) { c.max_message_bytes = 1 << 30; }), HasSubstr("400 MiB"));
  EXPECT_THAT(message_after([](BrokerConfig& c) { c.port = 70000; }), HasSubstr("between 1 and 65535"));
  EXPECT_THAT(message_after([](BrokerConfig& c) { c.host = "0.0.0.0"; }), HasSubstr("--advertised-host"));
  EXPECT_THAT(message_after([](BrokerConfig& c) { c.port = c.quorum[0].port; }), HasSubstr("choose two"));
  EXPECT_THAT(message_after([](BrokerConfig& c) { c.quorum.clear(); }), HasSubstr("id@host:port"));
  EXPECT_THAT(message_after([](BrokerConfig& c) { c.log_dir = "/a,b"; }), HasSubstr("choose another folder"));
  EXPECT_EQ(message_after([](BrokerConfig&) {}), "accepted");
}

TEST(Replication, follows_the_number_of_nodes) {
  const std::vector<std::pair<int, std::pair<int, int>>> cases = {{1, {1, 1}}, {2, {2, 1}}, {3, {3, 2}}, {5, {3, 2}}};
  for (const auto& [nodes, expected] : cases) {
    BrokerConfig config;
    for (int id = 1; id <= nodes; ++id) config.quorum.push_back({id, "h", 9000 + id});
    EXPECT_EQ(replication_factor(config), expected.first) << nodes;
    EXPECT_EQ(min_in_sync_replicas(config), expected.second) << nodes;
  }
}

}  // namespace
}  // namespace ride::broker
