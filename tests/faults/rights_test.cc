// Who may write what, for real: a broker with SCRAM users, TLS and ACLs; every process with a user of its own; and
// those who may not, who get that answer at once.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "process/free_port.h"
#include "stream/control_client.h"
#include "stream/kafka/acls.h"
#include "stream/kafka/admin.h"
#include "stream/kafka/reader.h"
#include "stream/kafka/writer.h"
#include "tests/cli/ride_process.h"
#include "tests/faults/local_run.h"
#include "tests/faults/secure_run.h"

namespace ride::test {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using namespace std::chrono_literals;

constexpr auto kAtOnce = 12s;  // of a loaded machine; nobody waits for a time limit of its own meanwhile

// Written by this user: delivered, or why not.
std::string written(const kafka::ClientConfig& config, const std::string& topic) {
  auto writer = kafka::KafkaWriter::open(config);
  if (!writer.ok()) return writer.error().message;
  if (auto ready = (*writer)->prepare(topic); !ready.ok()) return ready.error().message;
  auto text = std::make_shared<std::string>("{}");
  stream::OutRecord record;
  record.value = {reinterpret_cast<const std::uint8_t*>(text->data()), text->size()};
  record.owner = text;
  std::string outcome = "no answer";
  auto sent = (*writer)->send({topic, PartitionId{0}}, record,
                              [&](const Result<Offset>& at) { outcome = at.ok() ? "delivered" : at.error().message; });
  if (!sent.ok()) return sent.error().message;
  for (int i = 0; i < 100 && outcome == "no answer"; ++i) (*writer)->serve(100ms);
  return outcome;
}
// One broker, master and agent for all: 10 s to start.
class Rights : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    run_ = std::make_unique<SecureRun>();
    problem_ = run_->start_broker();
    if (problem_.empty()) problem_ = run_->start_master();
    if (problem_.empty()) run_->start_agent();
  }
  static void TearDownTestSuite() { run_.reset(); }
  void SetUp() override { ASSERT_EQ(problem_, ""); }

  static std::string read(const kafka::ClientConfig& config, const std::string& topic) {
    auto admin = kafka::open_admin(config);
    if (!admin.ok()) return admin.error().message;
    auto range = (*admin)->range({topic, PartitionId{0}});
    if (!range.ok()) return range.error().message;
    auto reader = kafka::KafkaReader::open(config, {.group = "ride-control-reader"}).value();
    if (auto assigned = reader->assign({topic, PartitionId{0}}, range->first); !assigned.ok())
      return assigned.error().message;
    for (int i = 0; i < 100; ++i) {
      auto record = reader->poll(100ms);
      if (!record.ok() && !record.error().retriable) return record.error().message;
      if (record.ok() && *record) return "read";
    }
    return "nothing came";
  }
  // Runs a small job to its end; its name.
  static std::string film() {
    static int count = 0;
    const auto name = "film" + std::to_string(++count);
    EXPECT_TRUE(
        run_->submit("ride: v1\nname: " + name +
                     "\nsources:\n  scene: { synthetic: { width: 64, height: 48, frames: 200 }, fps: max }\n"
                     "stages:\n  - { name: work, from: [scene], topic: { partitions: 2, keep: 10m }, task: identity }\n"
                     "sinks:\n  - { name: album, from: [work], task: write_images, params: { path: \"" +
                     (*run_ / name).string() + "/{seq:08}.png\" } }\n"));
    return name;
  }
  static const std::string& done_film() {
    static const std::string name = [] {
      const auto made = film();
      EXPECT_TRUE(wait_until(90s, [&] { return run_->phase(made) == "completed"; }))
          << run_->phase(made) << run_->logs();
      return made;
    }();
    return name;
  }

  static std::unique_ptr<SecureRun> run_;
  static std::string problem_;
};

std::unique_ptr<SecureRun> Rights::run_;
std::string Rights::problem_;

TEST_F(Rights, EveryProcessDoesItsPartWithAUserOfItsOwn) {
  const auto job = done_film();
  int pictures = 0;
  for ([[maybe_unused]] const auto& file : fs::directory_iterator(*run_ / job)) ++pictures;
  EXPECT_EQ(pictures, 200);
  const auto counted = run_->as("reader", "ride", {"ledger", job, "--json"});
  EXPECT_EQ(counted.code, 0) << counted.text << run_->logs();
  const auto status = run_->run("ride", {"status", job, "--master", run_->master_url()});
  EXPECT_EQ(status.code, 0) << status.text;
  EXPECT_THAT(status.text, HasSubstr("completed"));
  const auto tapped = run_->as("reader", "ride", {"tap", "ride.decisions", "--json"});
  EXPECT_EQ(tapped.code, 0) << tapped.text;
  const auto dead = run_->as("reader", "ride", {"dead", "list", job, "--master", run_->master_url()});
  EXPECT_EQ(dead.code, 0) << dead.text;
  const auto traced = run_->as("reader", "ride", {"trace", "scene/17", "--job", job});
  EXPECT_EQ(traced.code, 0) << traced.text;
}

TEST_F(Rights, WhoMayNotWriteIsRefusedAndTold) {
  const auto topic = "ride." + done_film() + ".1.work";
  for (const auto& [user, where] : std::vector<std::pair<std::string, std::string>>{{"worker", "ride.decisions"},
                                                                                    {"producer", "ride.decisions"},
                                                                                    {"agent", "ride.decisions"},
                                                                                    {"operator", "ride.decisions"},
                                                                                    {"operator", "ride.reports"},
                                                                                    {"reader", "ride.decisions"},
                                                                                    {"reader", topic},
                                                                                    {"agent", topic},
                                                                                    {"master", topic},
                                                                                    {"feeder", topic}}) {
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_THAT(written(run_->config(user), where), AllOf(HasSubstr("not authorised as user 'ride-" + user + "'"),
                                                          HasSubstr("`ride acls`"), HasSubstr(where)))
        << user << " writes " << where;
    EXPECT_LT(std::chrono::steady_clock::now() - begin, kAtOnce);
  }
  EXPECT_EQ(written(run_->config("worker"), "ride.reports"), "delivered");
  EXPECT_EQ(written(run_->config("producer"), topic), "delivered");
  EXPECT_EQ(written(run_->config("worker"), topic), "delivered");
  EXPECT_EQ(written(run_->config("operator"), topic), "delivered");
}

TEST_F(Rights, WhoMayReadReads) {
  const auto topic = "ride." + done_film() + ".1.work";
  for (const std::string user : {"master", "worker", "producer", "agent", "reader", "operator"})
    EXPECT_EQ(read(run_->config(user), "ride.decisions"), "read") << user;
  EXPECT_THAT(read(run_->config("feeder"), "ride.decisions"), HasSubstr("not authorised as user 'ride-feeder'"));
  EXPECT_THAT(read(run_->config("agent"), topic), HasSubstr("not authorised as user 'ride-agent'"));
  for (const std::string user : {"worker", "producer", "reader"}) {
    auto admin = kafka::open_admin(run_->config(user)).value();
    EXPECT_FALSE(admin->remove(topic).ok()) << user;
    EXPECT_FALSE(admin->delete_before({"ride.decisions", PartitionId{0}}, Offset{1}).ok()) << user;
    EXPECT_FALSE(admin->create({"elsewhere", 1, 1, {}}).ok()) << user;
    const auto rule = stream::AclRule{"ride-" + user, stream::AclResource::topic, "ride.decisions"};
    EXPECT_FALSE(kafka::create_acls(run_->config(user), {rule}).ok()) << user;
  }
}

TEST_F(Rights, ProgramsWithTheWrongUserSayWhatIsMissingAndEnd) {
  const auto ends_with = [&](const std::string& user, const std::string& program, std::vector<std::string> arguments,
                             const std::string& said) {
    const auto result = run_->as(user, program, std::move(arguments));
    EXPECT_NE(result.code, 0) << program << " as " << user;
    EXPECT_NE(result.code, -1) << program << " as " << user << " hangs: " << result.text;
    EXPECT_THAT(result.text, AllOf(HasSubstr(said), Not(HasSubstr("out of reach")))) << program << " as " << user;
    EXPECT_LT(result.took, kAtOnce) << program << " as " << user << ": " << result.text;
  };
  ends_with("reader", "ride-master", {"--http", "127.0.0.1:0"}, "not authorised as user 'ride-reader'");
  ends_with("worker", "ride-master", {"--http", "127.0.0.1:0"}, "not authorised as user 'ride-worker'");
  ends_with("reader", "ride-worker", {"--name", "wrong"}, "ride.reports");
  ends_with("reader", "ride-worker", {"--name", "wrong"}, "not authorised as user 'ride-reader'");
  ends_with("reader", "ride-producer", {"--name", "wrong"}, "not authorised as user 'ride-reader'");
  ends_with("feeder", "ride-producer", {"--name", "wrong"}, "not authorised as user 'ride-feeder'");
  ends_with("reader", "ride-agent", {"--node", "n2", "--slots", "0", "--producers", "0"},
            "not authorised as user 'ride-reader'");
  const auto topic = "ride." + done_film() + ".1.work";
  ends_with("feeder", "ride", {"tap", topic}, "not authorised as user 'ride-feeder'");
  ends_with("agent", "ride", {"tap", topic}, "not authorised as user 'ride-agent'");
  ends_with("feeder", "ride", {"ledger", done_film()}, "not authorised as user 'ride-feeder'");
  ends_with("agent", "ride", {"ledger", done_film()}, "not authorised as user 'ride-agent'");
  ends_with("feeder", "ride", {"dead", "list", done_film(), "--master", run_->master_url()},
            "not authorised as user 'ride-feeder'");
  ends_with("worker", "ride", {"acls", "--apply"}, "not authorised as user 'ride-worker'");
}

TEST_F(Rights, ClientsThatCannotLogInAreToldWhyAndEnd) {
  const auto conf = [&](const std::string& name, const std::string& text) {
    const auto file = *run_ / name;
    std::ofstream(file) << text;
    ::chmod(file.c_str(), 0600);
    return file.string();
  };
  const auto ca = "ssl.ca.location=" + (*run_ / "users" / "ca.pem").string() + "\n";
  const std::string scram = "security.protocol=SASL_SSL\nsasl.mechanism=SCRAM-SHA-512\n";
  const auto wrong = conf("wrong.conf", scram + ca + "sasl.username=ride-worker\nsasl.password=not-the-password\n");
  const auto unknown = conf("unknown.conf", scram + ca + "sasl.username=mallory\nsasl.password=not-the-password\n");
  const auto stranger = conf("stranger.conf", scram + "sasl.username=ride-worker\nsasl.password=not-the-password\n");
  const auto bare = conf("bare.conf", "# no TLS\n");
  const auto open = conf("open.conf",
                         "security.protocol=SASL_PLAINTEXT\nsasl.mechanism=SCRAM-SHA-512\nsasl.username=ride-worker\n"
                         "sasl.password=not-the-password\n");
  const std::vector<std::pair<std::string, std::vector<std::string>>> programs = {
      {"ride-master", {"--http", "127.0.0.1:0"}}, {"ride-worker", {"--name", "wrong"}},
      {"ride-producer", {"--name", "wrong"}},     {"ride-agent", {"--slots", "0", "--producers", "0"}},
      {"ride", {"tap", "ride.decisions"}},        {"ride", {"ledger", "film1"}}};
  for (const auto& [file, said] : {std::pair{wrong, "Kafka refuses user 'ride-worker'"},
                                   {unknown, "Kafka refuses user 'mallory'"},
                                   {stranger, "no TLS connection to Kafka"},
                                   {bare, "does not begin with TLS"},
                                   {open, "does not begin with TLS"}})
    for (const auto& [program, more] : programs) {
      auto arguments = more;
      arguments.insert(arguments.end(), {"--brokers", run_->brokers(), "--kafka-config", file});
      const auto result = run_->run(program, arguments);
      EXPECT_NE(result.code, 0) << program << " with " << file;
      EXPECT_NE(result.code, -1) << program << " with " << file << " hangs: " << result.text;
      EXPECT_THAT(result.text,
                  AllOf(HasSubstr(said), Not(HasSubstr("out of reach")), Not(HasSubstr("not-the-password"))))
          << program << " with " << file;
      EXPECT_LT(result.took, kAtOnce) << program << " with " << file << ": " << result.text;
    }
}

TEST_F(Rights, PasswordsStandInNoLogNoListOfProcessesAndNoFileOfOthers) {
  done_film();
  auto texts = run_->logs() + run_->get("/jobs").dump() + run_->get("/workers").dump() + run_->get("/events").dump();
  for (const auto& password : run_->passwords()) {
    EXPECT_EQ(texts.find(password), std::string::npos);
    EXPECT_TRUE(processes_with(password).empty());
  }
  for (const auto& entry : fs::recursive_directory_iterator(*run_ / "users"))
    if (entry.path().filename() != "ca.pem" && entry.path().filename() != "inside.crt") {
      EXPECT_EQ(static_cast<int>(fs::status(entry).permissions()) & 077, 0) << entry.path();
    }
  EXPECT_EQ(static_cast<int>(fs::status(*run_ / "data").permissions()) & 0777, 0700);
  EXPECT_EQ(static_cast<int>(fs::status(*run_ / "users").permissions()) & 0777, 0700);
  EXPECT_EQ(static_cast<int>(fs::status(*run_ / "data" / "server.properties").permissions()) & 0777, 0600);
  EXPECT_FALSE(fs::exists(*run_ / "data" / "users.arguments"));
  const auto file = *run_ / "copied.conf";
  fs::copy_file(run_->config_file("reader"), file);
  ::chmod(file.c_str(), 0644);
  const auto shown = run_->run("ride", {"tap", "ride.decisions", "--brokers", run_->brokers(), "--kafka-config", file});
  EXPECT_NE(shown.code, 0);
  EXPECT_THAT(shown.text, HasSubstr("chmod 600"));
  const auto typed = run_->run("ride-worker", {"--brokers", run_->brokers(), "--kafka", "sasl.password=typed-by-hand"});
  EXPECT_EQ(typed.code, 2);
  EXPECT_THAT(typed.text, AllOf(HasSubstr("list of processes"), Not(HasSubstr("typed-by-hand"))));
}

TEST(SecureBroker, ComesBackWithItsUsersAndRefusesToServeThemWithoutPasswords) {
  SecureRun run;
  ASSERT_EQ(run.start_broker(), "");
  ASSERT_EQ(run.as("admin", "ride", {"acls", "--apply"}).code, 0);
  EXPECT_EQ(run.as("admin", "ride", {"acls", "--apply"}).code, 0) << "once more does no harm";
  run.stop_broker();
  ASSERT_EQ(run.start_broker(), "") << run.logs();
  EXPECT_TRUE(kafka::open_admin(run.config("reader")).ok());
  run.stop_broker();
  const auto open = run.run("ride", {"broker", "--quick-start", "--port", "0", "--data", run / "data"});
  EXPECT_EQ(open.code, 2) << open.text;
  EXPECT_THAT(open.text, HasSubstr("start it with --sasl"));
}

TEST(SecureBroker, ThreeNodesWithOneFolderMakeOneClusterThatOutlivesOneOfThem) {
  const TempFolder folder("secure");
  const auto ports = process::free_ports("127.0.0.1", 6).value();
  std::string quorum, brokers;
  for (std::size_t i = 0; i < 3; ++i) {
    quorum += (i == 0 ? "" : ",") + std::to_string(i + 1) + "@127.0.0.1:" + std::to_string(ports[i]);
    brokers += (i == 0 ? "" : ",") + ("127.0.0.1:" + std::to_string(ports[i + 3]));
  }
  std::vector<std::unique_ptr<process::ChildProcess>> nodes;
  const auto log_of = [&](std::size_t i) {
    std::ifstream in(folder / ("node" + std::to_string(i) + ".log"));
    return std::string((std::istreambuf_iterator<char>(in)), {});
  };
  for (std::size_t i = 0; i < 3; ++i)
    nodes.push_back(
        process::ChildProcess::start(
            {.arguments = {std::string(RIDE_PROGRAMS) + "/ride", "broker", "--quick-start", "--id",
                           std::to_string(i + 1), "--quorum", quorum, "--port", std::to_string(ports[i + 3]), "--data",
                           folder / ("data" + std::to_string(i)), "--sasl", folder / "users"},
             .environment = {},
             .working_folder = folder.path(),
             .output = folder / ("node" + std::to_string(i) + ".log"),
             .signal_on_parent_death = SIGKILL})
            .value());
  for (std::size_t i = 0; i < 3; ++i)
    ASSERT_TRUE(wait_until(120s, [&] {
      return log_of(i).find("broker ready on ") != std::string::npos || !nodes[i]->alive();
    })) << log_of(i);
  const auto config = [&](const std::string& user) {
    kafka::ClientConfig config{.brokers = brokers, .extra = {}};
    std::ifstream in(folder / "users" / ("ride-" + user + ".conf"));
    std::vector<std::string> pairs;
    for (std::string line; std::getline(in, line);)
      if (!line.starts_with('#')) pairs.push_back(line);
    config.extra = kafka::parse_client_settings(pairs).value();
    return config;
  };
  auto admin = kafka::open_admin(config("master"));
  ASSERT_TRUE(admin.ok()) << admin.error().message << log_of(0);
  ASSERT_TRUE(wait_until(30s, [&] { return (*admin)->broker_count().ok() && (*admin)->broker_count().value() == 3; }))
      << log_of(0);
  ASSERT_TRUE((*admin)->create({"ride.decisions", 1, 3, {{"min.insync.replicas", "2"}}}).ok());
  EXPECT_EQ(written(config("master"), "ride.decisions"), "delivered");
  nodes[2]->send_signal(SIGKILL);
  EXPECT_TRUE(nodes[2]->wait_until_ended(10s));
  EXPECT_TRUE(wait_until(60s, [&] { return written(config("master"), "ride.decisions") == "delivered"; }))
      << written(config("master"), "ride.decisions") << log_of(0);
  EXPECT_THAT(written(config("worker"), "ride.decisions"), HasSubstr("not authorised as user 'ride-worker'"));
  for (std::size_t i = 0; i < 2; ++i) nodes[i]->send_signal(SIGTERM);
  for (std::size_t i = 0; i < 2; ++i) EXPECT_TRUE(nodes[i]->wait_until_ended(30s));
}

}  // namespace
}  // namespace ride::test
