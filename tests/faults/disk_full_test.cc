// A broker whose disk fills up under a running job: it ends, and says why; nobody else does. When there is space again
// and it is started again, the job goes on, and every frame counts once.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>

#include "tests/faults/local_run.h"

namespace ride::test {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using namespace std::chrono_literals;

// A disk of a few megabytes, seen by this process and its children only, so that it goes with them however they end.
class SmallDisk {
 public:
  explicit SmallDisk(int megabytes) {
    const auto size = "size=" + std::to_string(megabytes) + "m";
    const bool mounted = ::unshare(CLONE_NEWNS) == 0 &&
                         ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                         ::mount("tmpfs", path().c_str(), "tmpfs", 0, size.c_str()) == 0;
    if (!mounted) problem_ = std::strerror(errno);
  }
  ~SmallDisk() {
    if (problem_.empty()) ::umount2(path().c_str(), MNT_DETACH);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  const fs::path& path() const { return folder_.path(); }
  const std::string& problem() const { return problem_; }
  std::uintmax_t free() const { return fs::space(path()).available; }

  // Something else fills it, all but `left`.
  void fill(std::uintmax_t left) {
    std::ofstream out(path() / "ballast", std::ios::binary);
    const std::string block(64 << 10, 'x');
    while (free() > left + block.size() && out.write(block.data(), static_cast<std::streamsize>(block.size())).flush())
      continue;
  }
  void make_room() { fs::remove(path() / "ballast"); }

 private:
  TempFolder folder_{"small-disk"};
  std::string problem_;
};

std::string read_file(const fs::path& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

// `ride broker` with its data on that disk, as a user starts it.
class UserBroker {
 public:
  UserBroker(const fs::path& disk, const fs::path& logs) : data_(disk / "broker"), logs_(logs) {}
  ~UserBroker() {
    if (!process_) return;
    process_->send_signal(SIGTERM);
    process_->wait_until_ended(20s);
  }

  // "host:port"; empty: it did not become ready.
  std::string start() {
    output_ = logs_ / ("broker-" + std::to_string(++starts_));
    process::ProcessPlan plan;
    plan.arguments = {
        std::string(RIDE_PROGRAMS) + "/ride", "broker", "--data", data_.string(), "--port", "0", "--quick-start"};
    plan.working_folder = logs_;
    plan.output = output_;
    plan.signal_on_parent_death = SIGTERM;
    process_ = process::ChildProcess::start(plan).value();
    const std::string mark = "broker ready on ";
    wait_until(90s, [&] { return said().find(mark) != std::string::npos || !process_->alive(); });
    const auto at = said().find(mark);
    if (at == std::string::npos) return {};
    const auto begin = at + mark.size();
    return said().substr(begin, said().find('\n', begin) - begin);
  }
  process::ChildProcess& process() { return *process_; }
  std::string said() const { return read_file(output_); }

 private:
  fs::path data_, logs_, output_;
  int starts_ = 0;
  std::unique_ptr<process::ChildProcess> process_;
};

constexpr const char* kTopology = R"(
ride: v1
name: film
sources:
  scene: { synthetic: { width: 160, height: 120, channels: 1 }, fps: 30, codec: raw }
stages:
  - { name: work, from: [scene], topic: { partitions: 2, keep: 10m }, task: canny }
sinks:
  - { name: album, from: [work], topic: { keep: 10m }, task: write_images, params: { path: "OUT/{session}/{seq}.png", sync: false } }
)";

std::string topology(const fs::path& out) {
  std::string text = kTopology;
  return text.replace(text.find("OUT"), 3, out.string());
}

class BrokerDisk : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "a small disk cannot be mounted: it needs root";
    disk_ = std::make_unique<SmallDisk>(200);
    if (!disk_->problem().empty())
      GTEST_SKIP() << "a small disk cannot be mounted here (" << disk_->problem() << "): it needs CAP_SYS_ADMIN";
    broker_ = std::make_unique<UserBroker>(disk_->path(), folder_.path());
    address_ = broker_->start();
    ASSERT_FALSE(address_.empty()) << broker_->said();
  }

  TempFolder folder_{"disk-full"};
  std::unique_ptr<SmallDisk> disk_;
  std::unique_ptr<UserBroker> broker_;
  std::string address_;
};

TEST_F(BrokerDisk, NearlyFullIsSaidBeforeItIsTooLate) {
  disk_->fill(6 << 20);
  EXPECT_TRUE(wait_until(20s, [&] {
    return broker_->said().find("warning: the disk of " + disk_->path().string()) != std::string::npos;
  })) << broker_->said();
  EXPECT_TRUE(broker_->process().alive());
}

TEST_F(BrokerDisk, FullIsSaidAndWithSpaceAgainTheJobGoesOnWithEveryFrameOnce) {
  LocalRun run(address_, "disk");
  run.start_agent("n1", {"--slots", "3", "--output", (folder_ / "out").string()});
  ASSERT_TRUE(run.submit(topology(folder_ / "out")));
  const auto acked = [&] { return run.stage("film", "album").value("acked", 0); };
  ASSERT_TRUE(wait_until(60s, [&] { return acked() > 60; })) << run.logs();

  disk_->fill(1 << 20);
  ASSERT_TRUE(wait_until(90s, [&] { return !broker_->process().alive(); }))
      << "full, and the broker goes on; " << disk_->free() << " left";
  EXPECT_EQ(broker_->process().exit_code(), 1);
  EXPECT_THAT(broker_->said(),
              AllOf(HasSubstr("disk"), HasSubstr("full"), HasSubstr("free some space"),
                    HasSubstr(disk_->path().string()), HasSubstr("start it again: what it has acknowledged is kept")));
  ASSERT_TRUE(wait_until(30s, [&] { return run.events().find("kafka_away: ") != std::string::npos; })) << run.events();
  const auto status = run.ask_master({"status", "film"});
  EXPECT_EQ(status.code, 0);
  EXPECT_THAT(status.text, HasSubstr("Kafka accepts no decisions: what is shown is out of date"));
  EXPECT_EQ(broker_->start(), "") << "still full";
  EXPECT_THAT(broker_->said(), AllOf(HasSubstr(disk_->path().string()), HasSubstr("free some space")));
  EXPECT_EQ(run.phase("film"), "running");
  const auto stood = acked();

  disk_->make_room();
  ASSERT_EQ(broker_->start(), address_) << broker_->said();
  EXPECT_TRUE(wait_until(90s, [&] { return acked() > stood + 60; })) << run.events() << run.logs();
  EXPECT_THAT(run.events(), HasSubstr("kafka_back: "));
  EXPECT_EQ(run.ask_master({"drain", "film"}).code, 0);
  ASSERT_TRUE(wait_until(60s, [&] { return run.phase("film") == "completed"; })) << run.events() << run.logs();
  const auto ledger = run.ask_cluster({"ledger", "film"});
  EXPECT_EQ(ledger.code, 0) << ledger.text << run.events();
}

}  // namespace
}  // namespace ride::test
