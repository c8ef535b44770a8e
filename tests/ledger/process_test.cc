// The ledger beside real processes: two stages and a sink, the first stage's worker is killed until it has left frames
// that the next one writes again. With the watermark they count once; a worker without it is found out.
#include <gtest/gtest.h>
#include <signal.h>

#include "bench/job_group.h"
#include "bench/local_cluster.h"
#include "chaos/recorder.h"
#include "ledger/sink_files.h"

namespace ride::ledger {
namespace {

using namespace std::chrono_literals;
using bench::LocalCluster;

std::string topology(const std::filesystem::path& folder) {
  return "ride: v1\nname: twice\nsources:\n"
         "  cam: { synthetic: { width: 64, height: 64, channels: 1 }, fps: 150, codec: raw }\n"
         "stages:\n"
         "  - { name: first, from: [cam], topic: { partitions: 2 }, task: identity, group: { min: 1, max: 1, spares: 1 "
         "} }\n"
         "  - { name: second, from: [first], topic: { partitions: 3 }, task: identity, output: { topic: twice-out, "
         "partitions: 1 } }\n"
         "sinks:\n"
         "  - { name: lines, from: [second], task: print, params: { format: json, path: \"" +
         folder.string() + "/lines.txt\", sync: false } }\n";
}

class LedgerProcess : public ::testing::Test {
 protected:
  void start(const std::string& worker_program) {
    auto cluster = LocalCluster::start({.brokers = 1, .quick_start = true});
    ASSERT_TRUE(cluster.ok()) << cluster.error().message;
    cluster_ = std::move(cluster).value();
    ASSERT_TRUE(cluster_->run_master().ok());
    const auto programs = cluster_->folder() / "bin";
    const auto own = std::filesystem::read_symlink("/proc/self/exe").parent_path();
    std::filesystem::create_directories(programs);
    std::filesystem::create_symlink(own / worker_program, programs / "ride-worker");
    std::filesystem::create_symlink(own / "ride-producer", programs / "ride-producer");
    ASSERT_TRUE(cluster_
                    ->run("ride-agent", {"--brokers", cluster_->brokers(), "--node", "n", "--slots", "4", "--producers",
                                         "1", "--bin-dir", programs.string()})
                    .ok());
    const auto submitted = cluster_->submit(topology(cluster_->folder()));
    ASSERT_TRUE(submitted.ok()) << submitted.error().message;
    ASSERT_TRUE(cluster_->wait_for_phase("twice", "running", 120s).ok());
    auto recorder = chaos::Recorder::start(cluster_->kafka(), "ride", JobName{"twice"}, 60s);
    ASSERT_TRUE(recorder.ok()) << recorder.error().message;
    recorder_ = std::move(recorder).value();
  }

  // A worker dies between writing and committing: what it had written stands in the log again.
  void kill_until_repeated(std::int64_t at_least) {
    for (int attempt = 0; recorder_->repeated() < at_least; ++attempt) {
      ASSERT_LT(attempt, 20) << "20 killed workers left nothing behind";
      const auto group = bench::wait_for_group(*cluster_, "twice", "first", 1, 1, 120s);
      ASSERT_TRUE(group.ok()) << group.error().message;
      const auto since = system_now();
      ASSERT_TRUE(bench::wait_until(90s, [&] { return recorder_->arrivals_since(since).size() > 30; })) << "no frames";
      ::kill(group->workers.at(*group->actives.begin()).pid, SIGKILL);
      const auto killed = system_now();
      ASSERT_TRUE(bench::wait_until(90s, [&] { return recorder_->arrivals_since(killed).size() > 30; })) << "no frames";
    }
  }

  Statement finish() {
    const auto drained = cluster_->drain("twice");
    EXPECT_TRUE(drained.ok()) << drained.error().message;
    auto statement = recorder_->finish(5s);
    EXPECT_TRUE(statement.ok()) << statement.error().message;
    return statement.ok() ? *statement : Statement{};
  }

  std::unique_ptr<LocalCluster> cluster_;
  std::unique_ptr<chaos::Recorder> recorder_;
};

TEST_F(LedgerProcess, EveryFrameCountsOnceAlthoughItsWorkersAreKilled) {
  start("ride-worker");
  if (HasFatalFailure()) return;
  kill_until_repeated(3);
  const auto statement = finish();
  EXPECT_TRUE(statement.clean()) << to_text(statement);
  EXPECT_GT(statement.sent, 100);
  const auto files = recorder_->sink_files(cluster_->folder());
  ASSERT_EQ(files.size(), 1U);
  EXPECT_EQ(missing(files), 0) << to_text(files);
  EXPECT_EQ(files[0].repeated, 0) << "no sink died, so no line may stand twice";
  EXPECT_EQ(files[0].found, statement.sent);
}

TEST_F(LedgerProcess, FindsOutAWorkerWhoseWatermarkIsSwitchedOff) {
  start("ride-worker-without-watermark");
  if (HasFatalFailure()) return;
  kill_until_repeated(3);
  const auto statement = finish();
  EXPECT_FALSE(statement.clean()) << to_text(statement);
  EXPECT_GT(statement.twice(), 0) << to_text(statement);
  EXPECT_GT(recorder_->sink_files(cluster_->folder())[0].repeated, 0);
}

}  // namespace
}  // namespace ride::ledger
