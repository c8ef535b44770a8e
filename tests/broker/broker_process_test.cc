// A real broker: life and death of its process, and what happens to the data.
#include "broker-config/broker_process.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include "broker-config/folder_holder.h"
#include "broker-config/java.h"
#include "broker-config/probe.h"
#include "process/child_process.h"
#include "process/tcp.h"
#include "tests/broker/log_client.h"
#include "tests/broker/scenario.h"
#include "tests/support/kafka_fixture.h"
#include "tests/support/temp_folder.h"

namespace ride::test {
namespace {

using broker::BrokerProcess;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class EmbeddedBroker : public KafkaTest {};

TEST_F(EmbeddedBroker, takes_records_and_gives_them_back) {
  const std::string topic = unique_name("topic");
  create_topic(bootstrap(), topic, 2, 1);
  ASSERT_EQ(produce(bootstrap(), topic, {"one", "two", "three"}), "");
  EXPECT_THAT(consume(bootstrap(), topic), ElementsAre("one", "two", "three"));
}

TEST_F(EmbeddedBroker, takes_the_largest_message_and_refuses_a_larger_one) {
  const std::string topic = unique_name("large");
  create_topic(bootstrap(), topic, 1, 1, broker::frame_topic_settings(broker::kDefaultMaxMessageBytes));
  const std::string largest(broker::kDefaultMaxMessageBytes - 1024, 'x');  // space for the record's own head
  ASSERT_EQ(produce(bootstrap(), topic, {largest}), "");
  const KafkaSettings higher = {{"message.max.bytes", "33554432"}};
  EXPECT_THAT(produce(bootstrap(), topic, {largest + largest}, seconds(10), higher), HasSubstr("size too large"));
  EXPECT_THAT(consume(bootstrap(), topic), ElementsAre(largest));
}

TEST_F(EmbeddedBroker, does_not_create_a_topic_that_is_only_named) {
  const std::string topic = unique_name("typing-error");
  EXPECT_NE(produce(bootstrap(), topic, {"x"}, seconds(2)), "");
  EXPECT_FALSE(topic_exists(bootstrap(), topic));
  create_topic(bootstrap(), topic, 1, 1);
  EXPECT_TRUE(topic_exists(bootstrap(), topic));
}

TEST(BrokerProcess, continues_its_data_on_the_same_ports_after_a_clean_stop) {
  const TempFolder folder("broker");
  BrokerProcess broker;
  ASSERT_TRUE(broker.start(quick(folder / "data")).ok());
  const std::string first = broker.bootstrap();
  create_topic(first, "kept", 1, 1);
  ASSERT_EQ(produce(first, "kept", {"before"}), "");
  EXPECT_TRUE(broker.stop()) << "the broker had to be killed";
  EXPECT_FALSE(broker.alive());

  const auto again = broker.start(quick(folder / "data"));
  ASSERT_TRUE(again.ok()) << again.error().message;
  EXPECT_EQ(broker.bootstrap(), first);
  ASSERT_EQ(produce(first, "kept", {"after"}), "");
  EXPECT_THAT(consume(first, "kept"), ElementsAre("before", "after"));
}

TEST(BrokerProcess, continues_its_data_after_kill_9) {
  const TempFolder folder("broker");
  BrokerProcess broker;
  ASSERT_TRUE(broker.start(quick(folder / "data")).ok());
  const std::string first = broker.bootstrap();
  create_topic(first, "kept", 1, 1);
  ASSERT_EQ(produce(first, "kept", {"before"}), "");
  ASSERT_EQ(kill(broker.pid(), SIGKILL), 0);
  ASSERT_TRUE(within(seconds(60), [&] { return !broker.alive(); }));
  EXPECT_THAT(broker.explain_end().message, HasSubstr("killed (signal 9)"));
  broker.stop();

  const auto again = broker.start(quick(folder / "data"));
  ASSERT_TRUE(again.ok()) << again.error().message;
  EXPECT_EQ(broker.bootstrap(), first);
  ASSERT_EQ(produce(first, "kept", {"after"}), "");
  EXPECT_THAT(consume(first, "kept"), ElementsAre("before", "after"));
}

TEST(BrokerProcess, lives_in_a_folder_of_any_name) {
  const TempFolder folder("broker");
  BrokerProcess broker;
  const auto started = broker.start(quick(folder / "büro 2 = 'x'"));
  ASSERT_TRUE(started.ok()) << started.error().message;
  EXPECT_TRUE(std::filesystem::exists(folder / "büro 2 = 'x'" / "kafka" / "meta.properties"));
}

TEST(BrokerProcess, runs_for_throughput_as_well) {
  const TempFolder folder("broker");
  broker::LaunchOptions options = quick(folder / "data");
  options.quick_start = false;
  BrokerProcess broker;
  const auto started = broker.start(options);
  ASSERT_TRUE(started.ok()) << started.error().message;
  const auto view = broker::probe("127.0.0.1", broker.port(), seconds(2));
  ASSERT_TRUE(view.ok());
  EXPECT_EQ(view->brokers.size(), 1U);
  EXPECT_TRUE(broker.stop());
}

TEST(BrokerProcess, gives_up_a_start_that_is_broken_off_and_leaves_nothing_running) {
  const TempFolder folder("broker");
  BrokerProcess broker;
  std::stop_source stop;
  std::jthread breaker([&] {
    within(seconds(120), [&] { return std::filesystem::exists(folder / "data" / "server.properties"); });
    stop.request_stop();
  });
  const auto started = broker.start(quick(folder / "data"), stop.get_token());
  ASSERT_FALSE(started.ok());
  EXPECT_EQ(started.error().code, ErrorCode::cancelled);
  EXPECT_FALSE(broker.alive());
  breaker.join();
  const auto again = broker.start(quick(folder / "data"));  // what was half done is finished or done again
  EXPECT_TRUE(again.ok()) << again.error().message;
}

TEST(BrokerProcess, is_told_when_java_does_not_fit_the_machine) {
  const TempFolder folder("broker");
  broker::LaunchOptions options = quick(folder / "data");
  options.heap_bytes = 1LL << 50;
  BrokerProcess broker;
  const auto started = broker.start(options);
  ASSERT_FALSE(started.ok());
  EXPECT_THAT(started.error().message, HasSubstr("heap")) << started.error().message;
  EXPECT_THAT(started.error().message, HasSubstr("broker.log"));
}

// A broker whose launcher runs in another process.
class HeldBroker {
 public:
  HeldBroker(const std::filesystem::path& data, const char* how) {
    int ends[2];
    if (pipe(ends) != 0) return;
    launcher_ = fork();
    if (launcher_ == 0) {
      dup2(ends[1], 1);
      close(ends[0]);
      close(ends[1]);
      execl(RIDE_BROKER_HOLDER, RIDE_BROKER_HOLDER, data.c_str(), how, nullptr);
      _exit(127);
    }
    close(ends[1]);
    FILE* in = fdopen(ends[0], "r");
    char place[128] = "";
    if (std::fscanf(in, "%d %127s", &broker_, place) != 2) broker_ = 0;
    bootstrap_ = place;
    std::fclose(in);
  }
  ~HeldBroker() {
    kill_launcher();
    if (broker_ > 1) kill(broker_, SIGKILL);
    within(seconds(60), [this] { return broker_ <= 1 || !process_runs(broker_); });  // it still holds its folder
  }
  HeldBroker(const HeldBroker&) = delete;
  HeldBroker& operator=(const HeldBroker&) = delete;
  void kill_launcher() {
    if (launcher_ <= 0) return;
    kill(launcher_, SIGKILL);
    waitpid(launcher_, nullptr, 0);
    launcher_ = 0;
  }
  int broker() const { return broker_; }
  int port() const { return std::stoi(bootstrap_.substr(bootstrap_.rfind(':') + 1)); }

 private:
  std::string bootstrap_;
  int launcher_ = 0, broker_ = 0;
};

TEST(BrokerProcess, ends_when_its_launcher_is_killed_and_can_be_started_again_at_once) {
  const TempFolder folder("broker");
  HeldBroker held(folder / "data", "dies");
  ASSERT_GT(held.broker(), 0);
  held.kill_launcher();
  BrokerProcess broker;
  const auto again = broker.start(quick(folder / "data"));
  EXPECT_TRUE(again.ok()) << again.error().message;
  EXPECT_FALSE(process_runs(held.broker()));
}

TEST(BrokerProcess, guards_its_folder_even_when_it_outlives_its_launcher) {
  const TempFolder folder("broker");
  HeldBroker held(folder / "data", "stays");
  ASSERT_GT(held.broker(), 0);
  held.kill_launcher();
  BrokerProcess broker;
  const auto started = broker.start(quick(folder / "data"));
  ASSERT_FALSE(started.ok());
  EXPECT_EQ(started.error().code, ErrorCode::already_exists);
  EXPECT_THAT(started.error().message,
              HasSubstr("in use by a running broker (process " + std::to_string(held.broker()) + ")"));
  EXPECT_TRUE(process_runs(held.broker()));
}

// A Java behind a script, as version managers have it: the script dies with its launcher, and Java, which does not hear
// SIGTERM (as when Kafka's orderly end hangs), lives on and holds the folder.
class OrphanedBroker : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto java = broker::find_java();
    ASSERT_TRUE(java.ok()) << java.error().message;
    std::filesystem::create_directories(folder_ / "jdk" / "bin");
    std::ofstream(folder_ / "jdk" / "release") << "JAVA_VERSION=\"" << java->version << "\"\n";
    std::ofstream(folder_ / "jdk" / "bin" / "java") << "#!/bin/sh\ntrap '' TERM\n"
                                                    << java->program.string() << " \"$@\"\n";
    std::filesystem::permissions(folder_ / "jdk" / "bin" / "java", std::filesystem::perms::owner_all);
    home_.emplace("JAVA_HOME", (folder_ / "jdk").string());
  }
  void TearDown() override {
    for (const int pid : holders()) kill(pid, SIGKILL);
  }
  std::vector<int> holders() const {
    return broker::brokers_of(folder_ / "data" / "lock", folder_ / "data" / "server.properties");
  }
  Result<void> start_again() {
    home_.reset();
    auto options = quick(folder_ / "data");
    options.report = [this](const std::string& line) { reported_.push_back(line); };
    return broker_.start(options);
  }

  const TempFolder folder_{"orphan"};
  std::optional<WithEnvironment> home_;
  BrokerProcess broker_;
  std::vector<std::string> reported_;
};

TEST_F(OrphanedBroker, is_ended_and_told_by_the_next_start) {
  HeldBroker held(folder_ / "data", "dies");
  ASSERT_GT(held.broker(), 0);
  held.kill_launcher();
  ASSERT_TRUE(within(seconds(60), [&] { return !process_runs(held.broker()); })) << "the script dies with its launcher";
  const auto left = holders();
  ASSERT_EQ(left.size(), 1U) << "Java behind it does not";
  const auto started = start_again();
  ASSERT_TRUE(started.ok()) << started.error().message;
  EXPECT_FALSE(process_runs(left[0]));
  ASSERT_EQ(reported_.size(), 1U);
  EXPECT_THAT(reported_[0], HasSubstr("a broker of an earlier run (process " + std::to_string(left[0]) + ")"));
}

TEST_F(OrphanedBroker, that_is_stopped_is_ended_as_well) {
  HeldBroker held(folder_ / "data", "dies");
  ASSERT_GT(held.broker(), 0);
  for (const int pid : holders()) kill(pid, SIGSTOP);
  held.kill_launcher();
  const auto started = start_again();
  EXPECT_TRUE(started.ok()) << started.error().message;
}

TEST_F(OrphanedBroker, is_left_alone_while_its_owner_lives) {
  HeldBroker held(folder_ / "data", "dies");
  ASSERT_GT(held.broker(), 0);
  const auto started = start_again();
  ASSERT_FALSE(started.ok());
  EXPECT_THAT(started.error().message,
              HasSubstr("in use by a running broker (process " + std::to_string(held.broker()) + ")"));
  EXPECT_TRUE(process_runs(held.broker()));
  EXPECT_EQ(holders().size(), 2U);
  EXPECT_TRUE(reported_.empty());
  for (const int pid : holders()) kill(pid, SIGKILL);
}

// Somebody else's process holds the lock: what its file says of an owner that is gone proves nothing.
TEST(FolderHolder, never_ends_what_is_not_provably_a_broker_of_the_folder) {
  const TempFolder folder("holder");
  const auto lock = folder / "lock", settings = folder / "server.properties";
  auto gone = process::own_process_id();
  ASSERT_TRUE(gone);
  EXPECT_TRUE(process::runs(*gone));
  EXPECT_FALSE(broker::is_orphaned({1, gone})) << "its owner lives";
  gone->started += "1";  // the same number, of another process
  EXPECT_FALSE(process::runs(*gone));
  std::ofstream(lock) << broker::to_text({static_cast<int>(getpid()), gone});
  EXPECT_EQ(broker::parse_holder(read_file(lock)).owner, gone);
  EXPECT_TRUE(broker::is_orphaned(broker::parse_holder(read_file(lock))));
  std::ofstream(settings) << "broker.id=1\n";
  const pid_t other = fork();
  if (other == 0) {
    const int held = open(lock.c_str(), O_RDWR);
    flock(held, LOCK_EX);
    execlp("tail", "tail", "-f", settings.c_str(), nullptr);
    _exit(127);
  }
  ASSERT_TRUE(within(seconds(60), [&] {
    const int held = open(lock.c_str(), O_RDWR | O_CLOEXEC);
    const bool free = flock(held, LOCK_EX | LOCK_NB) == 0;
    close(held);
    return !free &&
           read_file("/proc/" + std::to_string(other) + "/cmdline").find("server.properties") != std::string::npos;
  }));
  EXPECT_TRUE(broker::brokers_of(lock, settings).empty());
  BrokerProcess broker;
  const auto started = broker.start(quick(folder.path()));
  ASSERT_FALSE(started.ok());
  EXPECT_EQ(started.error().code, ErrorCode::already_exists);
  EXPECT_TRUE(process_runs(other));
  kill(other, SIGKILL);
  waitpid(other, nullptr, 0);
}

TEST(FolderHolder, of_another_boot_or_container_or_an_older_version_is_no_orphan) {
  auto gone = process::own_process_id();
  ASSERT_TRUE(gone);
  gone->started += "1";
  auto boot = *gone, container = *gone;
  boot.boot = "another";
  container.namespace_ = "pid:[1]";
  EXPECT_FALSE(broker::is_orphaned({1, boot}));
  EXPECT_FALSE(broker::is_orphaned({1, container}));
  for (const char* text : {"", "4242\n", "4242", "garbage", "4242\nx y z", "-4\n1 2 3 4"})
    EXPECT_FALSE(broker::parse_holder(text).owner.has_value()) << text;
  EXPECT_EQ(broker::parse_holder("4242\n").broker, 4242);
}

TEST(BrokerProcess, that_hangs_at_its_end_is_killed_soon_when_there_is_a_hurry) {
  const TempFolder folder("broker");
  BrokerProcess broker;
  ASSERT_TRUE(broker.start(quick(folder / "data")).ok());
  kill(broker.pid(), SIGSTOP);
  std::stop_source hurry;
  hurry.request_stop();
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_FALSE(broker.stop(seconds(60), hurry.get_token()));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, seconds(20));
}

TEST(KafkaFixture, leaves_nothing_behind_when_its_test_program_is_killed) {
  const TempFolder folder("fixture");
  const WithEnvironment temp("TMPDIR", folder.path().string()), own("RIDE_TEST_BROKERS", std::nullopt);
  HeldBroker held("-", "fixture");
  ASSERT_GT(held.broker(), 0);
  EXPECT_TRUE(process::listens("127.0.0.1", held.port(), seconds(1)));
  EXPECT_FALSE(std::filesystem::is_empty(folder.path()));
  held.kill_launcher();
  EXPECT_TRUE(within(seconds(80), [&] { return !process::listens("127.0.0.1", held.port(), seconds(1)); }));
  EXPECT_TRUE(within(seconds(80), [&] { return std::filesystem::is_empty(folder.path()); }));
}

}  // namespace
}  // namespace ride::test
