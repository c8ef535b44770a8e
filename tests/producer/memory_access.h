// LogAccess over the in-memory log, and what tests ask of it. A writer can be made to accept nothing or to deliver
// nothing.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <thread>

#include "producer/log_access.h"
#include "stream/core/set_assembler.h"
#include "stream/memory/memory_log.h"
#include "stream/spec.h"

namespace ride::producer {

// Passes on to a MemoryLog's writer while the test lets it.
struct WriterGate {
  std::atomic<bool> deliver{true};          // else what was sent stays in flight
  std::atomic<bool> hang{false};            // serve() does not return
  std::atomic<std::int64_t> left{1 << 30};  // records that are still delivered: behind them the process "crashes"
  std::atomic<bool> fail{false};            // no record is delivered, and each is told so
  std::atomic<int> timeouts{0};             // of flush()
};

class GatedWriter : public stream::RecordWriter {
 public:
  GatedWriter(std::unique_ptr<stream::RecordWriter> inner, std::shared_ptr<WriterGate> gate)
      : inner_(std::move(inner)), gate_(std::move(gate)) {}
  Result<void> send(const stream::TopicPartition& to, stream::OutRecord record, Delivered done) override {
    waiting_.push_back({to, std::move(record), std::move(done)});
    return {};
  }
  void serve(std::chrono::milliseconds timeout) override {
    while (gate_->hang) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    while (!waiting_.empty() && gate_->fail) {
      auto done = std::move(waiting_.front().done);
      waiting_.pop_front();
      if (done) done(Error{ErrorCode::permission, "no right to write", false});
    }
    while (!waiting_.empty() && gate_->deliver && gate_->left > 0) {
      --gate_->left;
      auto [to, record, done] = std::move(waiting_.front());
      waiting_.pop_front();
      (void)inner_->send(to, std::move(record), std::move(done));
      inner_->serve(std::chrono::milliseconds(0));
    }
    if (!waiting_.empty()) std::this_thread::sleep_for(std::min(timeout, std::chrono::milliseconds(5)));
  }
  Result<void> flush(std::chrono::milliseconds timeout) override {
    serve(timeout);
    if (waiting_.empty()) return {};
    ++gate_->timeouts;
    return Error{ErrorCode::timeout, "not delivered", true};
  }

 private:
  struct Waiting {
    stream::TopicPartition to;
    stream::OutRecord record;
    Delivered done;
  };
  std::unique_ptr<stream::RecordWriter> inner_;
  std::shared_ptr<WriterGate> gate_;
  std::deque<Waiting> waiting_;
};

class MemoryAccess : public LogAccess {
 public:
  explicit MemoryAccess(std::shared_ptr<stream::MemoryLog> log) : log_(std::move(log)) {}
  Result<OpenedWriter> writer(const std::vector<std::string>&, std::int64_t) override {
    while (unreachable) std::this_thread::sleep_for(std::chrono::milliseconds(2));
    if (refuse_writers) return Error{ErrorCode::permission, "no client for you", false};
    return OpenedWriter{std::make_unique<GatedWriter>(log_->writer(), gate), [] { return false; }};
  }
  Result<std::unique_ptr<stream::RecordReader>> reader() override { return log_->reader(); }
  Result<std::unique_ptr<stream::CommitStore>> commits() override { return log_->commits(); }
  Result<std::unique_ptr<stream::TopicAdmin>> admin() override {
    if (failures > 0) {
      --failures;
      return Error{ErrorCode::unavailable, "Not leader for partition", true};
    }
    return log_->admin();
  }

  std::atomic<bool> unreachable{false};  // a writer is opened once the cluster answers again
  std::atomic<bool> refuse_writers{false};
  std::atomic<int> failures{0};  // calls that fail as a cluster does that has just made a topic
  std::shared_ptr<WriterGate> gate = std::make_shared<WriterGate>();

 private:
  std::shared_ptr<stream::MemoryLog> log_;
};

// What readers of the topic take, by the rules that workers follow: each number once, the first complete set.
struct Taken {
  std::map<std::int64_t, int> pictures;         // number -> how often (must be 1)
  std::map<std::int64_t, std::string> dropped;  // number -> reason
  std::map<std::int64_t, stream::WholeFrame> frames;
  int ended = 0;    // partitions with an end record
  int repeats = 0;  // records that readers drop as known
};

inline Taken read_topic(const stream::MemoryLog& log, const std::string& topic, int partitions,
                        const std::string& source) {
  Taken taken;
  for (int p = 0; p < partitions; ++p) {
    const stream::TopicPartition at{topic, PartitionId{p}};
    stream::SetAssembler intake({.at = at, .job = "job", .upstreams = {{.name = source, .is_source = true}}}, {});
    for (const stream::Record& record : log.records(at)) {
      auto step = intake.add(record.offset, record.timestamp, record.headers, {record.value, record.owner});
      if (step.problem) ADD_FAILURE() << step.problem->message;
      if (step.duplicate) ++taken.repeats;
      if (step.ended) ++taken.ended;
      if (!step.accepted) continue;
      const std::int64_t number = step.accepted->key.minor;
      if (step.accepted->kind == stream::RecordKind::outcome) {
        EXPECT_TRUE(taken.dropped.emplace(number, step.accepted->header.reason).second);
      } else if (step.accepted->kind == stream::RecordKind::frame) {
        ++taken.pictures[number];
        taken.frames[number] = step.accepted->frames.at(0);
        EXPECT_EQ(number % partitions, p) << "home partition";
      }
    }
  }
  return taken;
}

template <class Condition>
bool eventually(Condition condition, std::chrono::seconds limit = std::chrono::seconds(80)) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (std::chrono::steady_clock::now() < deadline) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return condition();
}

}  // namespace ride::producer
