// What people see when Kafka does not take a decision in time: "try again" only where nothing was done, nor will be.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "master/master_loop.h"
#include "master/master_metrics.h"
#include "tests/master/one_stage_job.h"

namespace ride::master {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

// The decisions log in memory; while it is stalled, what is appended is on its way.
struct Log {
  std::mutex mutex;
  std::vector<std::string> records, on_the_way;
  std::string stalls_at;  // once a record with this text is to be written
  bool stalled = false;
  std::size_t waiting() {
    const std::lock_guard lock(mutex);
    return on_the_way.size();
  }
  void stall_at(std::string text) {
    const std::lock_guard lock(mutex);
    stalls_at = std::move(text);
    stalled = false;
  }
};

class LogReader final : public stream::ControlReader {
 public:
  explicit LogReader(Log& log) : log_(log), end_(log.records.size()) {}
  Result<std::vector<Entry>> poll(std::chrono::milliseconds timeout) override {
    for (const auto end = std::chrono::steady_clock::now() + timeout;; std::this_thread::sleep_for(1ms)) {
      std::vector<Entry> entries;
      {
        const std::lock_guard lock(log_.mutex);
        for (; next_ < log_.records.size(); ++next_)
          entries.push_back({Offset{static_cast<std::int64_t>(next_)}, system_now(), log_.records[next_]});
      }
      if (!entries.empty() || std::chrono::steady_clock::now() >= end) return entries;
    }
  }
  bool caught_up() const override { return next_ >= end_; }
  Result<Offset> ask_end() override {
    const std::lock_guard lock(log_.mutex);
    return Offset{static_cast<std::int64_t>(log_.records.size())};
  }
  Offset next() const override { return Offset{static_cast<std::int64_t>(next_)}; }

 private:
  Log& log_;
  std::size_t next_ = 0, end_;
};

class LogWriter final : public stream::ControlWriter {
 public:
  explicit LogWriter(Log& log) : log_(log) {}
  Result<Offset> append(const std::string& json, std::chrono::milliseconds timeout) override {
    return append_all({json}, timeout);
  }
  Result<Offset> append_all(const std::vector<std::string>& json, std::chrono::milliseconds timeout) override {
    {
      const std::lock_guard lock(log_.mutex);
      for (const auto& record : json)
        log_.stalled |= !log_.stalls_at.empty() && record.find(log_.stalls_at) != std::string::npos;
      log_.on_the_way.insert(log_.on_the_way.end(), json.begin(), json.end());
    }
    RIDE_TRY(settle(timeout));
    const std::lock_guard lock(log_.mutex);
    return Offset{static_cast<std::int64_t>(log_.records.size()) - 1};
  }
  Result<void> settle(std::chrono::milliseconds timeout) override {
    for (const auto end = std::chrono::steady_clock::now() + timeout;; std::this_thread::sleep_for(1ms)) {
      {
        const std::lock_guard lock(log_.mutex);
        if (!log_.stalled) {
          log_.records.insert(log_.records.end(), log_.on_the_way.begin(), log_.on_the_way.end());
          log_.on_the_way.clear();
          return {};
        }
      }
      if (std::chrono::steady_clock::now() >= end) return Error{ErrorCode::timeout, "Kafka did not acknowledge", true};
    }
  }

 private:
  Log& log_;
};

class OwnerRequests : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(owner_.start().ok());
    ASSERT_TRUE(eventually([&] { return owner_.view().role == Leadership::Role::leading; }));
  }
  template <class Condition>
  static bool eventually(Condition condition) {
    for (const auto end = std::chrono::steady_clock::now() + 30s; std::chrono::steady_clock::now() < end;) {
      if (condition()) return true;
      std::this_thread::sleep_for(5ms);
    }
    return false;
  }
  bool knows(const std::string& name) {
    const auto known = owner_.ask<bool>([name](const State& state) { return state.hard.jobs.contains(JobName{name}); });
    return known.ok() && *known;
  }

  Log log_;
  EventRing events_;
  Metrics metrics_{master_metrics_table()};
  MasterLoop owner_{{.id = "m1", .http = "127.0.0.1:1", .rules = {}, .leadership = {}},
                    {.open_reader = [this]() -> Result<std::unique_ptr<stream::ControlReader>> {
                       return std::unique_ptr<stream::ControlReader>(new LogReader(log_));
                     },
                     .open_writer = [this]() -> Result<std::unique_ptr<stream::ControlWriter>> {
                       return std::unique_ptr<stream::ControlWriter>(new LogWriter(log_));
                     },
                     .events = events_,
                     .metrics = metrics_,
                     .ensure = [](const EnsureTopics&) {},
                     .remove = [](const DeleteTopics&) {},
                     .truncate = [](Offset) {}}};
};

TEST_F(OwnerRequests, TryAgainIsSaidOnlyOfWhatWillNotBeDoneLater) {
  log_.stall_at("ride.taken.1.clean");
  Result<RunNumber> first = RunNumber{0}, second = RunNumber{0};
  std::thread taken([&] { first = owner_.submit(one_stage_job("taken"), "", false); });
  EXPECT_TRUE(eventually([&] { return log_.waiting() > 0; }));
  std::thread queued([&] { second = owner_.submit(one_stage_job("queued"), "", false); });
  taken.join();
  queued.join();
  ASSERT_FALSE(first.ok());
  EXPECT_THAT(first.error().message, Not(HasSubstr("try again")));
  EXPECT_THAT(first.error().message, HasSubstr("ride status"));
  EXPECT_FALSE(first.error().retriable);
  ASSERT_FALSE(second.ok());
  EXPECT_THAT(second.error().message, HasSubstr("try again"));

  log_.stall_at("");
  EXPECT_TRUE(eventually([&] { return knows("taken"); })) << "its decision was on the way";
  ASSERT_TRUE(owner_.submit(one_stage_job("third"), "", false).ok());
  EXPECT_TRUE(knows("third"));
  EXPECT_FALSE(knows("queued")) << "the answer was to try again";
  EXPECT_TRUE(owner_.submit(one_stage_job("queued"), "", false).ok());
}

}  // namespace
}  // namespace ride::master
