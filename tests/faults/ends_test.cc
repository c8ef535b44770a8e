// Ends that are nobody's fault: workers that are declared lost or cut off while a frame is inside process(), names that
// two processes have. No frame dies of them, and who lives joins again (decision 0025).
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <cstdlib>
#include <iostream>
#include <set>

#include "broker-config/broker_process.h"
#include "tests/faults/local_run.h"
#include "tests/support/kafka_fixture.h"

namespace ride::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using namespace std::chrono_literals;

// One stage, each of whose frames stays inside process() for `ms`.
std::string slow_film(int frames, int ms, const std::string& more = {}) {
  return "ride: v1\nname: film\nsources:\n  scene: { synthetic: { width: 64, height: 48, frames: " +
         std::to_string(frames) +
         " }, fps: 60 }\nstages:\n  - { name: work, from: [scene], topic: { partitions: 2 }, task: delay, params: { "
         "ms: " +
         std::to_string(ms) + more + " },\n      group: { min: 1, max: 1, spares: 1 } }\n" +
         "sinks:\n  - { name: bin, from: [work], task: discard }\n";
}

class Cluster {
 public:
  explicit Cluster(const std::string& brokers) : run(brokers, unique_name("ends")) {}

  std::vector<nlohmann::json> live(const std::string& kind) const {
    std::vector<nlohmann::json> all;
    const auto json = run.get("/workers");
    if (json.is_object())
      for (const auto& one : json.value("workers", nlohmann::json::array()))
        if (one.value("kind", "") == kind && one.value("state", "") == "live") all.push_back(one);
    return all;
  }
  std::set<std::string> ids(const std::string& kind) const {
    std::set<std::string> all;
    for (const auto& one : live(kind)) all.insert(one.value("id", ""));
    return all;
  }
  // The worker that the stage's frames are with; 0: none.
  pid_t busy_worker() const {
    const auto json = run.stage("film", "work");
    for (const auto& partition : json.value("partition_list", nlohmann::json::array())) {
      if (!partition.value("worker", nlohmann::json()).is_string()) continue;
      for (const auto& one : live("worker"))
        if (one["id"] == partition["worker"]) return one.value("pid", 0);
    }
    return 0;
  }
  bool has_live(const std::string& kind, std::size_t count, std::chrono::seconds limit = 60s) const {
    return wait_until(limit, [&] { return live(kind).size() == count; });
  }
  // Stops it for so long that it is declared lost, and lets it go on.
  std::string lose(pid_t pid) {
    const auto outs = count(run.events(), "is out: no heartbeat");
    ::kill(pid, SIGSTOP);
    const bool lost = wait_until(30s, [&] { return count(run.events(), "is out: no heartbeat") > outs; });
    ::kill(pid, SIGCONT);
    return lost ? "" : "it was not declared lost\n" + run.events();
  }
  static std::size_t count(const std::string& text, const std::string& part) {
    std::size_t found = 0;
    for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
    return found;
  }
  void expect_each_once(int frames, std::chrono::seconds limit) {
    ASSERT_TRUE(wait_until(limit, [&] { return run.phase("film") == "completed"; })) << run.events() << run.logs();
    for (const auto* stage : {"work", "bin"}) {
      const auto view = run.stage("film", stage);
      EXPECT_EQ(view.value("acked", -1), frames) << view;
      EXPECT_EQ(view.value("dead", -1), 0) << view << run.events();
    }
    EXPECT_THAT(run.events(), Not(HasSubstr("frame_struck")));
  }

  LocalRun run;
};

class EndsTest : public KafkaTest {};

TEST_F(EndsTest, AFrameWhoseWorkersAreDeclaredLostIsNotStruck) {
  Cluster cluster(bootstrap());
  cluster.run.start_agent("n1", {"--slots", "3"});
  ASSERT_TRUE(cluster.has_live("worker", 3));
  // Longer than a lost worker has to come out of process().
  ASSERT_TRUE(cluster.run.submit(slow_film(2, 9000)));
  for (int loss = 0; loss < 3; ++loss) {
    pid_t pid = 0;
    ASSERT_TRUE(wait_until(60s, [&] { return (pid = cluster.busy_worker()) > 0; })) << cluster.run.logs();
    std::this_thread::sleep_for(1s);  // the frame is inside process()
    ASSERT_EQ(cluster.lose(pid), "");
  }
  cluster.expect_each_once(2, 90s);
  EXPECT_THAT(cluster.run.events(), HasSubstr("declared_lost: "));
  ASSERT_TRUE(cluster.has_live("worker", 3, 20s)) << "they joined again: " << cluster.run.get("/workers");
}

TEST_F(EndsTest, APlainWorkerThatIsDeclaredLostJoinsAgainThoughItsTaskIsAtWork) {
  Cluster cluster(bootstrap());
  auto& worker = cluster.run.start_alone("ride-worker", "solo");
  cluster.run.start_alone("ride-worker", "bin");
  cluster.run.start_alone("ride-producer", "feed");
  ASSERT_TRUE(cluster.has_live("worker", 2));
  ASSERT_TRUE(cluster.run.submit(slow_film(1, 9000)));
  pid_t pid = 0;
  ASSERT_TRUE(wait_until(60s, [&] { return (pid = cluster.busy_worker()) > 0; })) << cluster.run.logs();
  for (int loss = 0; loss < 2; ++loss) {
    const auto before = cluster.ids("worker");
    ASSERT_EQ(cluster.lose(pid), "");
    ASSERT_TRUE(wait_until(30s, [&] { return cluster.live("worker").size() == 2 && cluster.ids("worker") != before; }))
        << cluster.run.logs();
    pid_t next = 0;
    EXPECT_TRUE(wait_until(30s, [&] { return (next = cluster.busy_worker()) > 0; })) << cluster.run.events();
    pid = next;
  }
  EXPECT_TRUE(worker.alive()) << "the same process";
  EXPECT_THAT(cluster.run.logs(),
              AllOf(HasSubstr("it was declared lost: no heartbeat for"), HasSubstr("joins again as a new one")));
  cluster.expect_each_once(1, 90s);
}

TEST_F(EndsTest, APlainProducerThatIsDeclaredLostJoinsAgain) {
  Cluster cluster(bootstrap());
  auto& producer = cluster.run.start_alone("ride-producer", "feed");
  ASSERT_TRUE(cluster.has_live("producer", 1));
  const auto before = cluster.ids("producer");
  // Who has nothing to do is forgotten without a word, so it gets something.
  cluster.run.start_agent("n1", {"--slots", "2", "--producers", "0"});
  ASSERT_TRUE(cluster.run.submit(
      "ride: v1\nname: film\nsources:\n  scene: { synthetic: { width: 64, height: 48, frames: 400 }, "
      "fps: 40 }\nsinks:\n  - { name: bin, from: [scene], task: discard }\n"));
  ASSERT_TRUE(wait_until(60s, [&] { return cluster.run.stage("film", "bin").value("acked", 0) > 20; }))
      << cluster.run.logs();
  ASSERT_EQ(cluster.lose(producer.pid()), "");
  ASSERT_TRUE(wait_until(30s, [&] {
    return cluster.live("producer").size() == 1 && cluster.ids("producer") != before;
  })) << cluster.run.logs();
  EXPECT_TRUE(producer.alive());
  ASSERT_TRUE(wait_until(60s, [&] { return cluster.run.phase("film") == "completed"; })) << cluster.run.events();
  EXPECT_EQ(cluster.run.stage("film", "bin").value("acked", 0), 400);
}

TEST_F(EndsTest, ASecondAgentOfANodeIsRefusedAndTheFirstGoesOnUndisturbed) {
  Cluster cluster(bootstrap());
  auto& first = cluster.run.start_agent("n1", {"--slots", "3"});
  ASSERT_TRUE(cluster.has_live("worker", 3));
  ASSERT_TRUE(cluster.run.submit(slow_film(60, 100)));
  ASSERT_TRUE(wait_until(60s, [&] { return cluster.run.stage("film", "work").value("acked", 0) > 5; }))
      << cluster.run.logs();
  const auto agents = cluster.ids("agent"), workers = cluster.ids("worker"), producers = cluster.ids("producer");
  auto& second = cluster.run.start_agent("n1", {"--slots", "3"});
  ASSERT_TRUE(second.wait_until_ended(30s)) << cluster.run.logs();
  EXPECT_EQ(second.exit_code(), 1);
  EXPECT_THAT(cluster.run.log_of("n1"),
              AllOf(HasSubstr("the node name 'n1' is taken: n1-agent#"),
                    HasSubstr("process " + std::to_string(first.pid())), HasSubstr("--node")));
  EXPECT_TRUE(first.alive());
  EXPECT_EQ(cluster.ids("agent"), agents);
  EXPECT_EQ(cluster.ids("worker"), workers);
  EXPECT_EQ(cluster.ids("producer"), producers);
  cluster.expect_each_once(60, 60s);
  // One that was killed is replaced at once: its silence is all that has to be waited for.
  first.send_signal(SIGKILL);
  ASSERT_TRUE(first.wait_until_ended(10s));
  const auto killed = std::chrono::steady_clock::now();
  auto& third = cluster.run.start_agent("n1", {"--slots", "3"});
  ASSERT_TRUE(wait_until(20s, [&] { return cluster.live("worker").size() == 3 && cluster.ids("worker") != workers; }))
      << cluster.run.logs();
  const auto took = std::chrono::steady_clock::now() - killed;
  std::cout << "workers are back after " << std::chrono::duration_cast<std::chrono::milliseconds>(took).count()
            << " ms\n";
  EXPECT_TRUE(third.alive()) << cluster.run.log_of("n1");
}

TEST_F(EndsTest, AgentsOfOneNodeThatStartWithoutAMasterAreSettledByIt) {
  Cluster cluster(bootstrap());
  ASSERT_TRUE(wait_until(20s, [&] { return cluster.run.get("/workers").is_object(); }));
  cluster.run.kill_master();
  auto& first = cluster.run.start_agent("n1", {"--slots", "1"});
  std::this_thread::sleep_for(2s);  // it is the older one
  auto& second = cluster.run.start_agent("n1", {"--slots", "1"});
  std::this_thread::sleep_for(1s);
  cluster.run.restart_master();
  ASSERT_TRUE(second.wait_until_ended(30s)) << cluster.run.logs();
  EXPECT_EQ(second.exit_code(), 1);
  EXPECT_TRUE(first.alive());
  EXPECT_TRUE(cluster.has_live("worker", 1, 30s)) << cluster.run.logs();
  EXPECT_TRUE(cluster.has_live("agent", 1, 10s));
}

TEST_F(EndsTest, AWorkerWhoseNameIsTakenIsToldByWhom) {
  Cluster cluster(bootstrap());
  auto& first = cluster.run.start_alone("ride-worker", "solo");
  ASSERT_TRUE(cluster.has_live("worker", 1));
  const auto ids = cluster.ids("worker");
  auto& second = cluster.run.start_alone("ride-worker", "solo");
  ASSERT_TRUE(second.wait_until_ended(30s)) << cluster.run.logs();
  EXPECT_EQ(second.exit_code(), 1);
  EXPECT_THAT(cluster.run.log_of("solo"),
              AllOf(HasSubstr("the name 'solo' is taken: solo#"), HasSubstr("process " + std::to_string(first.pid())),
                    HasSubstr("--name")));
  EXPECT_EQ(cluster.ids("worker"), ids);
}

// `delay` with `progress: false` hangs as far as its agent can see: with what is shipped, from outside.
TEST_F(EndsTest, AFrameOfAShippedTaskThatHangsIsDeadAfterTwoEndsAndTheOthersComplete) {
  Cluster cluster(bootstrap());
  cluster.run.start_agent("n1", {"--slots", "3"});
  auto film = slow_film(40, 600'000, ", frame: 17, progress: false");
  film.insert(film.find("group:"), "frame_timeout: 1s, ");
  film.insert(film.find("task: discard"), "topic: { keep: 10m }, ");
  film.insert(film.find("partitions: 2"), "keep: 10m, ");
  ASSERT_TRUE(cluster.run.submit(film));
  ASSERT_TRUE(wait_until(120s, [&] { return cluster.run.phase("film") == "completed"; })) << cluster.run.logs();
  const auto view = cluster.run.stage("film", "work");
  EXPECT_EQ(view.value("acked", -1), 39) << view;
  EXPECT_EQ(view.value("dead", -1), 1) << view;
  EXPECT_EQ(cluster.run.stage("film", "bin").value("acked", -1), 39);
  const auto events = cluster.run.events();
  EXPECT_THAT(events, AllOf(HasSubstr("child_hangs: n1-w"), HasSubstr("is killed: frame scene/1/17 of stage work"),
                            HasSubstr("and may be there for 1s (frame_timeout)")));
  EXPECT_THAT(events, AllOf(HasSubstr("frame_condemned: frame scene/1/17 (work/"),
                            HasSubstr("is dead after 2 ends: it hung on n1-w")));
  EXPECT_FALSE(cluster.run.records(cluster.run.prefix() + ".film.1.work.dead").empty());
  const auto ledger = cluster.run.ask_cluster({"ledger", "film"});
  EXPECT_THAT(ledger.text, HasSubstr("sent 40, open 0, counted twice 0")) << ledger.text;
  EXPECT_THAT(ledger.text, HasSubstr("clean: every frame counted once")) << ledger.text;
}

int soak_outages() {
  const char* text = std::getenv("RIDE_OUTAGES");
  return text == nullptr ? 2 : std::atoi(text);
}

// Its broker is its own: stopped for longer than a worker may be unheard, and the master is killed in turn.
// RIDE_OUTAGES=10 and RIDE_FRAME_MS=60000 make it the long one (label soak).
TEST(OutagesTest, LongFramesGoThroughOutagesOfBrokerAndMasterEachOnce) {
  const int outages = soak_outages(), frames = 2;
  const char* given = std::getenv("RIDE_FRAME_MS");
  const int frame_ms = given == nullptr ? 25'000 : std::atoi(given);
  TempFolder folder{"ends-broker"};
  broker::BrokerProcess broker;
  broker::LaunchOptions options;
  options.data = folder / "broker";
  options.quick_start = options.die_with_parent = true;
  ASSERT_TRUE(broker.start(options).ok());
  Cluster cluster(broker.bootstrap());
  cluster.run.start_agent("n1", {"--slots", "3"});
  ASSERT_TRUE(cluster.has_live("worker", 3));
  ASSERT_TRUE(cluster.run.submit(slow_film(frames, frame_ms)));
  ASSERT_TRUE(wait_until(60s, [&] { return cluster.busy_worker() > 0; })) << cluster.run.logs();
  for (int i = 0; i < outages; ++i) {
    std::this_thread::sleep_for(2s);
    if (i % 2 == 0) {
      ::kill(broker.pid(), SIGSTOP);
      std::this_thread::sleep_for(14s);
      ::kill(broker.pid(), SIGCONT);
    } else {
      cluster.run.kill_master();
      std::this_thread::sleep_for(2s);
      cluster.run.restart_master();
    }
  }
  cluster.expect_each_once(frames, std::chrono::seconds(120 + 4 * frames * frame_ms / 1000));
  std::cout << outages << " outages, frames of " << frame_ms << " ms: out "
            << Cluster::count(cluster.run.events(), " is out: ") << ", joined again "
            << Cluster::count(cluster.run.events(), "declared_lost: ") << ", connections that failed for good "
            << Cluster::count(cluster.run.events(), "worker_failed: ") << "\n";
  broker.stop(15s);
}

}  // namespace
}  // namespace ride::test
