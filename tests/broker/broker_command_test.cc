// `ride broker` as the command line calls it.
#include "broker-config/broker_command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <mutex>
#include <thread>

#include "broker-config/data_folder.h"
#include "broker-config/probe.h"
#include "process/free_port.h"
#include "tests/broker/scenario.h"
#include "tests/support/temp_folder.h"

namespace ride::test {
namespace {

using broker::BrokerOptions;
using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// run_broker() in a thread, with what it printed.
class Running {
 public:
  explicit Running(const BrokerOptions& options)
      : thread_([this, options](std::stop_token stop) {
          const auto ended = broker::run_broker(options, stop, [this](const std::string& line) {
            const std::lock_guard lock(mutex_);
            lines_.push_back(line);
          });
          const std::lock_guard lock(mutex_);
          outcome_ = ended.ok() ? "ended well" : ended.error().message;
        }) {}
  std::string stop() {
    thread_.request_stop();
    thread_.join();
    return outcome();
  }
  std::string outcome() {
    const std::lock_guard lock(mutex_);
    return outcome_;
  }
  std::string ready_line() {
    const std::lock_guard lock(mutex_);
    for (const std::string& line : lines_) {
      if (line.starts_with("broker ready on ")) return line;
    }
    return {};
  }

 private:
  std::mutex mutex_;
  std::vector<std::string> lines_;
  std::string outcome_;
  std::jthread thread_;
};

BrokerOptions options_in(const TempFolder& folder) {
  BrokerOptions options;
  options.data = folder / "data";
  options.port = 0;
  options.quick_start = true;
  return options;
}

TEST(BrokerCommand, says_where_it_is_ready_and_ends_when_asked) {
  const TempFolder folder("command");
  Running command(options_in(folder));
  ASSERT_TRUE(within(seconds(240), [&] { return !command.ready_line().empty() || !command.outcome().empty(); }));
  EXPECT_THAT(command.ready_line(), StartsWith("broker ready on 127.0.0.1:")) << command.outcome();
  const int port = std::stoi(command.ready_line().substr(26));
  EXPECT_TRUE(broker::probe("127.0.0.1", port, seconds(2)).ok());
  EXPECT_EQ(command.stop(), "ended well");
  EXPECT_FALSE(broker::probe("127.0.0.1", port, seconds(1)).ok());
}

TEST(BrokerCommand, fails_when_the_broker_ends_by_itself) {
  const TempFolder folder("command");
  Running command(options_in(folder));
  ASSERT_TRUE(within(seconds(240), [&] { return !command.ready_line().empty(); })) << command.outcome();
  int pid = 0;
  std::ifstream(folder / "data" / "lock") >> pid;
  ASSERT_GT(pid, 1);
  kill(pid, SIGKILL);
  ASSERT_TRUE(within(seconds(60), [&] { return !command.outcome().empty(); }));
  EXPECT_THAT(command.outcome(), HasSubstr("the broker was killed (signal 9)"));
}

TEST(BrokerCommand, started_on_three_nodes_makes_one_cluster_without_further_agreement) {
  const TempFolder folder("command");
  const auto ports = process::free_ports("127.0.0.1", 6);
  ASSERT_TRUE(ports.ok());
  const auto port = [&](int i) { return (*ports)[static_cast<std::size_t>(i)]; };
  std::string quorum;
  for (int id = 1; id <= 3; ++id)
    quorum += (id == 1 ? "" : ",") + std::to_string(id) + "@127.0.0.1:" + std::to_string(port(id - 1));
  std::vector<std::unique_ptr<Running>> nodes;
  for (int id = 1; id <= 3; ++id) {
    BrokerOptions options = options_in(folder);
    options.id = id;
    options.quorum = quorum;
    options.data = folder / ("node" + std::to_string(id));
    options.port = port(id + 2);
    options.host = "0.0.0.0";  // as in a container; the addresses that count are the quorum's and the advertised ones
    options.advertised_host = "127.0.0.1";
    nodes.push_back(std::make_unique<Running>(options));
  }
  for (auto& node : nodes) {
    ASSERT_TRUE(within(seconds(240), [&] { return !node->ready_line().empty(); })) << node->outcome();
  }
  EXPECT_TRUE(within(seconds(80), [&] {
    const auto view = broker::probe("127.0.0.1", port(3), seconds(1));
    return view.ok() && view->brokers.size() == 3;
  }));
  for (auto& node : nodes) EXPECT_EQ(node->stop(), "ended well");
}

TEST(BrokerCommand, listens_on_all_addresses_and_tells_clients_the_one_that_they_reach) {
  const TempFolder folder("command");
  BrokerOptions options = options_in(folder);
  options.host = "0.0.0.0";
  options.advertised_host = "localhost";
  Running command(options);
  ASSERT_TRUE(within(seconds(240), [&] { return !command.ready_line().empty() || !command.outcome().empty(); }));
  ASSERT_THAT(command.ready_line(), StartsWith("broker ready on localhost:")) << command.outcome();
  const auto view = broker::probe("127.0.0.1", std::stoi(command.ready_line().substr(26)), seconds(2));
  ASSERT_TRUE(view.ok()) << view.error().message;
  EXPECT_EQ(view->brokers.at(0).host, "localhost");
}

TEST(BrokerCommand, prints_its_settings_and_touches_nothing) {
  const TempFolder folder("command");
  BrokerOptions options = options_in(folder);
  options.print_config = true;
  options.port = 9092;
  std::string text;
  ASSERT_TRUE(broker::run_broker(options, {}, [&](const std::string& line) { text += line; }).ok());
  EXPECT_THAT(text, HasSubstr("\noffset.metadata.max.bytes=32768\n"));
  EXPECT_THAT(text, HasSubstr("advertised.listeners=CLIENTS://127.0.0.1:9092\n"));
  EXPECT_FALSE(std::filesystem::exists(folder / "data"));
}

TEST(BrokerCommand, flags_are_declared_with_defaults_that_give_the_default_options) {
  const auto values = check_params(broker::broker_params(), {});
  ASSERT_TRUE(values.ok()) << values.error().message;
  const auto options = broker::broker_options(*values);
  ASSERT_TRUE(options.ok()) << options.error().message;
  const BrokerOptions expected;
  EXPECT_EQ(options->port, expected.port);
  EXPECT_EQ(options->data, expected.data);
  EXPECT_EQ(options->host, expected.host);
  EXPECT_EQ(options->max_message_bytes, expected.max_message_bytes);
  EXPECT_EQ(options->heap_bytes, expected.heap_bytes);
}

TEST(BrokerCommand, flags_that_cannot_be_read_are_refused_with_their_name) {
  const auto message = [](const ParamValues& given) {
    const auto values = check_params(broker::broker_params(), given);
    if (!values.ok()) return values.error().message;
    const auto options = broker::broker_options(*values);
    return options.ok() ? std::string("accepted") : options.error().message;
  };
  EXPECT_THAT(message({{"max-message-bytes", std::string("a lot")}}), HasSubstr("--max-message-bytes"));
  EXPECT_THAT(message({{"heap", std::string("1MiB")}}), HasSubstr("--heap: '1MiB' is out of range: give 128MiB to"));
  EXPECT_THAT(message({{"heap", std::string("9999GiB")}}), HasSubstr("--heap: '9999GiB' is out of range"));
  EXPECT_THAT(message({{"max-message-bytes", std::string("99999GiB")}}), HasSubstr("give 1MiB to 400MiB"));
  EXPECT_THAT(message({{"quorum", std::string("1@a")}}), HasSubstr("id@host:port"));
  EXPECT_THAT(message({{"port", std::int64_t{70000}}}), HasSubstr("port"));
}

TEST(ClusterId, is_the_same_for_all_nodes_of_a_quorum_and_has_kafkas_form) {
  const auto quorum = broker::parse_quorum("1@a:1,2@b:1,3@c:1");
  const auto other = broker::parse_quorum("1@a:1,2@b:1,3@d:1");
  EXPECT_EQ(broker::cluster_id_of(*quorum), broker::cluster_id_of(*quorum));
  EXPECT_NE(broker::cluster_id_of(*quorum), broker::cluster_id_of(*other));
  for (int i = 0; i < 100; ++i) {
    const std::string id = broker::random_cluster_id();
    EXPECT_EQ(id.size(), 22U);
    EXPECT_NE(id.front(), '-');
  }
}

}  // namespace
}  // namespace ride::test
