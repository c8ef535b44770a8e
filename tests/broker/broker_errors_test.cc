// What people see when something is missing or wrong: place, cause, fix, and nothing else harmed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "broker-config/broker_process.h"
#include "broker-config/java.h"
#include "broker-config/kafka_libs.h"
#include "broker-config/probe.h"
#include "process/free_port.h"
#include "tests/broker/log_client.h"
#include "tests/broker/scenario.h"
#include "tests/support/temp_folder.h"

namespace ride::test {
namespace {

namespace fs = std::filesystem;
using broker::BrokerProcess;
using ::testing::AllOf;
using ::testing::HasSubstr;

void write(const fs::path& file, const std::string& text) {
  fs::create_directories(file.parent_path());
  std::ofstream(file) << text;
}

void write_program(const fs::path& file, const std::string& text) {
  write(file, text);
  fs::permissions(file, fs::perms::owner_all);
}

void make_java(const fs::path& home, const std::string& release) {
  write_program(home / "bin" / "java", "#!/bin/sh\nexit 1\n");
  if (!release.empty()) write(home / "release", "IMPLEMENTOR=\"x\"\nJAVA_VERSION=\"" + release + "\"\n");
}

// Why it did not start.
Error start_error(const broker::LaunchOptions& options) {
  BrokerProcess broker;
  const auto started = broker.start(options);
  EXPECT_FALSE(broker.alive() && !started.ok());
  return started.ok() ? Error{ErrorCode::internal, "it started"} : started.error();
}

TEST(Java, that_is_here_is_found_with_its_version) {
  const auto java = broker::find_java();
  ASSERT_TRUE(java.ok()) << java.error().message;
  EXPECT_GE(java->major, broker::kOldestJava);
  EXPECT_TRUE(fs::exists(java->program));
}

TEST(Java, missing_is_said_with_the_fix) {
  const TempFolder folder("java");
  const WithEnvironment no_home("JAVA_HOME", std::nullopt), no_path("PATH", folder.path().string());
  const Error error = start_error(quick(folder / "data"));
  EXPECT_EQ(error.code, ErrorCode::not_found);
  EXPECT_THAT(error.message,
              AllOf(HasSubstr("Java 17 or newer"), HasSubstr("PATH"), HasSubstr("scripts/install-deps")));
  EXPECT_FALSE(fs::exists(folder / "data")) << "nothing may be left behind by a start that could not be";
}

TEST(Java, too_old_is_said_with_its_place_and_version) {
  const TempFolder folder("java");
  make_java(folder / "old", "1.8.0_292");
  const WithEnvironment home("JAVA_HOME", (folder / "old").string()), no_path("PATH", "/nowhere");
  const auto java = broker::find_java();
  ASSERT_FALSE(java.ok());
  EXPECT_EQ(java.error().code, ErrorCode::unsupported);
  EXPECT_THAT(java.error().message, AllOf(HasSubstr("old/bin/java is version 1.8.0_292"), HasSubstr("JAVA_HOME")));
}

TEST(Java, that_does_not_run_is_not_taken) {
  const TempFolder folder("java");
  make_java(folder / "it's broken", "");
  const WithEnvironment home("JAVA_HOME", (folder / "it's broken").string()), no_path("PATH", "/nowhere");
  const auto java = broker::find_java();
  ASSERT_FALSE(java.ok());
  EXPECT_THAT(java.error().message, HasSubstr("not a working Java"));
}

TEST(Java, that_hangs_is_given_up_when_asked_to_stop) {
  const TempFolder folder("java");
  write_program(folder / "hangs" / "bin" / "java", "#!/bin/sh\nexec sleep 1000\n");
  const WithEnvironment home("JAVA_HOME", (folder / "hangs").string()), path("PATH", "/usr/bin:/bin");
  std::stop_source stop;
  std::jthread stopper([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    stop.request_stop();
  });
  const auto begin = std::chrono::steady_clock::now();
  const auto java = broker::find_java(stop.get_token());
  ASSERT_FALSE(java.ok());
  EXPECT_EQ(java.error().code, ErrorCode::cancelled);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
}

TEST(Java, that_does_not_answer_in_time_is_told) {
  const TempFolder folder("java");
  write_program(folder / "hangs" / "bin" / "java", "#!/bin/sh\nexec /bin/sleep 1000\n");
  const WithEnvironment home("JAVA_HOME", (folder / "hangs").string()), path("PATH", "/nowhere");
  const auto java = broker::find_java();
  ASSERT_FALSE(java.ok());
  EXPECT_THAT(java.error().message, HasSubstr("hangs/bin/java gives no answer to -version within 10 s"));
}

TEST(Java, that_is_killed_while_it_prepares_the_folder_is_told_with_the_signal) {
  const TempFolder folder("java");
  write_program(folder / "dies" / "bin" / "java", "#!/bin/sh\nkill -9 $$\n");
  write(folder / "dies" / "release", "JAVA_VERSION=\"21.0.1\"\n");
  const WithEnvironment home("JAVA_HOME", (folder / "dies").string());
  const Error error = start_error(quick(folder / "data"));
  EXPECT_THAT(error.message,
              AllOf(HasSubstr("was killed (signal 9)"), HasSubstr("ran out of memory"), HasSubstr("broker.log")));
  write_program(folder / "dies" / "bin" / "java", "#!/bin/sh\nkill -SEGV $$\n");
  EXPECT_THAT(start_error(quick(folder / "data")).message, HasSubstr("crashed (signal 11, Segmentation fault)"));
}

TEST(Java, on_the_path_is_taken_where_java_home_is_too_old) {
  const TempFolder folder("java");
  make_java(folder / "old", "11.0.2");
  make_java(folder / "new", "21.0.1");
  const WithEnvironment home("JAVA_HOME", (folder / "old").string()), path("PATH", (folder / "new" / "bin").string());
  const auto java = broker::find_java();
  ASSERT_TRUE(java.ok()) << java.error().message;
  EXPECT_EQ(java->major, 21);
}

TEST(KafkaJars, missing_are_said_with_the_fix) {
  const TempFolder folder("libs");
  const WithEnvironment libs("RIDE_KAFKA_LIBS", (folder / "libs").string());
  const Error error = start_error(quick(folder / "data"));
  EXPECT_EQ(error.code, ErrorCode::not_found);
  EXPECT_THAT(error.message, AllOf(HasSubstr((folder / "libs").string()), HasSubstr("run scripts/fetch-kafka")));
}

TEST(KafkaJars, that_are_not_complete_are_named) {
  const TempFolder folder("libs");
  write(folder / "kafka_2.13-4.1.0.jar", "12345");
  write(folder / "kafka-clients-4.1.0.jar", "12345");
  write(folder / "jars.list", "pom x\n5 kafka_2.13-4.1.0.jar\n9 kafka-clients-4.1.0.jar\n");
  const auto cut = broker::kafka_libs_in(folder.path());
  ASSERT_FALSE(cut.ok());
  EXPECT_EQ(cut.error().code, ErrorCode::corrupt);
  EXPECT_THAT(cut.error().message,
              AllOf(HasSubstr("kafka-clients-4.1.0.jar has 5 bytes instead of 9"), HasSubstr("scripts/fetch-kafka")));
  write(folder / "jars.list", "pom x\n5 kafka_2.13-4.1.0.jar\n5 kafka-clients-4.1.0.jar\n7 gone.jar\n");
  EXPECT_THAT(broker::kafka_libs_in(folder.path()).error().message, HasSubstr("gone.jar is missing"));
}

TEST(KafkaJars, of_a_kafka_that_is_too_old_are_refused) {
  const TempFolder folder("libs");
  write(folder / "kafka_2.13-3.9.1.jar", "12345");
  write(folder / "kafka-clients-3.9.1.jar", "12345");
  EXPECT_THAT(broker::kafka_libs_in(folder.path()).error().message, HasSubstr("Kafka 3.9.1"));
}

TEST(BrokerStart, names_a_port_that_is_taken) {
  const TempFolder folder("broker");
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(listen(listener, 1), 0);
  getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  broker::LaunchOptions options = quick(folder / "data");
  options.port = ntohs(address.sin_port);
  const Error error = start_error(options);
  close(listener);
  EXPECT_EQ(error.code, ErrorCode::already_exists);
  EXPECT_THAT(error.message, AllOf(HasSubstr(std::to_string(options.port)), HasSubstr("taken by another program"),
                                   HasSubstr("--port")));
}

TEST(BrokerStart, names_an_address_that_is_not_of_this_machine) {
  const TempFolder folder("broker");
  broker::LaunchOptions options = quick(folder / "data");
  options.host = "192.0.2.1";  // reserved for documents
  EXPECT_THAT(start_error(options).message, HasSubstr("'192.0.2.1' is not an address of this machine"));
}

TEST(BrokerStart, refuses_a_folder_in_use_and_leaves_its_owner_alone) {
  const TempFolder folder("broker");
  BrokerProcess owner;
  ASSERT_TRUE(owner.start(quick(folder / "data")).ok());
  const Error error = start_error(quick(folder / "data"));
  EXPECT_EQ(error.code, ErrorCode::already_exists);
  EXPECT_THAT(error.message, AllOf(HasSubstr("in use"), HasSubstr(std::to_string(owner.pid())), HasSubstr("--data")));
  EXPECT_TRUE(broker::probe("127.0.0.1", owner.port(), std::chrono::seconds(2)).ok());
}

TEST(BrokerStart, refuses_a_folder_with_other_files_and_leaves_them_alone) {
  const TempFolder folder("broker");
  write(folder / "data" / "thesis.txt", "years of work");
  const Error error = start_error(quick(folder / "data"));
  EXPECT_THAT(error.message, AllOf(HasSubstr("holds other files"), HasSubstr("--data")));
  EXPECT_EQ(read_file(folder / "data" / "thesis.txt"), "years of work");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder / "data"), {}), 1);
}

TEST(BrokerStart, says_when_the_folder_cannot_be_made) {
  const TempFolder folder("broker");
  write(folder / "file", "x");
  EXPECT_THAT(start_error(quick(folder / "file" / "data")).message, HasSubstr("cannot create the data folder"));
}

// A folder that a broker used and left.
class UsedFolder : public ::testing::Test {
 protected:
  void SetUp() override {
    BrokerProcess broker;
    const auto started = broker.start(quick(data_));
    ASSERT_TRUE(started.ok()) << started.error().message;
    broker.kill_now();
  }
  const TempFolder folder_{"broker"};
  const fs::path data_ = folder_ / "data";
};

TEST_F(UsedFolder, whose_state_is_damaged_is_reported_and_not_overwritten) {
  write(data_ / "broker.json", "{\"format\": 1, \"node");
  const Error error = start_error(quick(data_));
  EXPECT_EQ(error.code, ErrorCode::corrupt);
  EXPECT_THAT(error.message, AllOf(HasSubstr(data_.string()), HasSubstr("broker.json"), HasSubstr("move it away")));
  EXPECT_EQ(read_file(data_ / "broker.json"), "{\"format\": 1, \"node");
  EXPECT_TRUE(fs::exists(data_ / "kafka" / "meta.properties"));
}

TEST_F(UsedFolder, that_lost_kafkas_own_files_is_reported_and_not_started_empty) {
  fs::remove(data_ / "kafka" / "meta.properties");
  const Error error = start_error(quick(data_));
  EXPECT_EQ(error.code, ErrorCode::corrupt);
  EXPECT_THAT(error.message, HasSubstr("meta.properties is missing"));
}

TEST_F(UsedFolder, of_another_cluster_is_reported) {
  write(data_ / "kafka" / "meta.properties", "version=1\ncluster.id=AAAAAAAAAAAAAAAAAAAAAA\nnode.id=1\n");
  EXPECT_THAT(start_error(quick(data_)).message, HasSubstr("of cluster AAAAAAAAAAAAAAAAAAAAAA node 1"));
}

TEST_F(UsedFolder, of_another_node_is_not_taken) {
  broker::LaunchOptions options = quick(data_);
  options.node_id = 2;
  EXPECT_THAT(start_error(options).message, AllOf(HasSubstr("belongs to node 1, not 2"), HasSubstr("--id")));
}

TEST_F(UsedFolder, whose_log_is_garbage_is_explained_by_kafkas_own_words) {
  write(data_ / "kafka" / "__cluster_metadata-0" / "quorum-state", "no json at all");
  const Error error = start_error(quick(data_));
  EXPECT_THAT(error.message, AllOf(HasSubstr("the broker ended"), HasSubstr("It says: "), HasSubstr("broker.log")));
}

TEST(Probe, says_that_nothing_listens) {
  const auto ports = process::free_ports("127.0.0.1", 1);
  ASSERT_TRUE(ports.ok());
  const auto view = broker::probe("127.0.0.1", ports->front(), std::chrono::seconds(1));
  ASSERT_FALSE(view.ok());
  EXPECT_TRUE(view.error().retriable);
}

TEST(Probe, takes_no_answer_that_is_cut_short_or_not_kafkas) {
  const std::vector<std::uint8_t> answer = {
      0x52, 0x49, 0x44, 0x45,                                 // our number
      0,    0,    0,    1,                                    // one broker
      0,    0,    0,    7,    0, 1, 'h', 0, 0,   35, 132,     // id 7, "h", 9092
      0xFF, 0xFF,                                             // no rack
      0,    0,    0,    7,                                    // controller
      0,    0,    0,    1,    0, 0, 0,   1, 't', 0,           // one topic, "t", not internal
      0,    0,    0,    2,                                    // of two partitions
      0,    0,    0,    0,    0, 0, 0,   0, 0,   7,           // 0, led by 7
      0,    0,    0,    1,    0, 0, 0,   7,                   // one replica
      0,    0,    0,    1,    0, 0, 0,   7,                   // in sync
      0,    0,    0,    0,    0, 1, 0,   0, 0,   7,           // 1, led by 7
      0,    0,    0,    2,    0, 0, 0,   7, 0,   0,  0,   8,  // two replicas
      0,    0,    0,    1,    0, 0, 0,   7};                  // one of them in sync
  const auto view = broker::parse_metadata(answer);
  ASSERT_TRUE(view.ok());
  EXPECT_EQ(view->brokers.at(0).id, 7);
  EXPECT_EQ(view->brokers.at(0).host, "h");
  EXPECT_EQ(view->brokers.at(0).port, 9092);
  EXPECT_EQ(view->controller, 7);
  EXPECT_EQ(view->out_of_sync, 1);
  for (std::size_t length = 0; length < answer.size(); ++length) {
    EXPECT_FALSE(broker::parse_metadata(std::span(answer).first(length)).ok()) << length;
  }
  const std::string http = "HTTP/1.1 400 Bad Request";
  EXPECT_FALSE(broker::parse_metadata({reinterpret_cast<const std::uint8_t*>(http.data()), http.size()}).ok());
}

TEST(FreePorts, differ_and_are_outside_the_range_of_outgoing_connections) {
  const auto ports = process::free_ports("127.0.0.1", 20);
  ASSERT_TRUE(ports.ok());
  std::set<int> different(ports->begin(), ports->end());
  EXPECT_EQ(different.size(), 20U);
  EXPECT_LT(*different.rbegin(), 32768);
}

}  // namespace
}  // namespace ride::test
