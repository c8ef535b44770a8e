#include "producer/resume_point.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include "memory_access.h"
#include "producer/earlier_frames.h"
#include "stream/core/commit_metadata.h"
#include "stream/core/frame_record.h"
#include "stream/frame_writer.h"

namespace ride::producer {
namespace {

using stream::PartitionBy;

stream::OutputSpec output(int partitions, PartitionBy by = PartitionBy::frame) {
  return {.to = "stage", .topic = "frames", .partitions = partitions, .partition_by = by};
}

ResumePoint point_of(int partitions, const std::vector<PartitionTail>& tails) {
  ResumeRule rule;
  for (int p = 0; p < partitions; ++p)
    rule.add(output(partitions), PartitionId{p}, "src", tails[static_cast<std::size_t>(p)]);
  return rule.point();
}

TEST(ResumeRule, BeginsAtTheLowestNumberThatIsMissing) {
  struct Row {
    std::vector<PartitionTail> tails;
    ResumePoint point;
  };
  for (const Row& row : std::vector<Row>{
           {{{}, {}, {}}, {0, false}},
           {{{.last = 0}, {}, {}}, {1, false}},
           {{{.last = 0}, {}, {.last = 2}}, {1, false}},  // 1 is missing, 2 is sent again
           {{{.last = 9}, {.last = 10}, {.last = 11}}, {12, false}},
           {{{.last = 30}, {.last = 1}, {.last = 29}}, {4, false}},  // partition 1 fell behind
           {{{.last = 10, .ended = true}, {.last = 10, .ended = true}, {.last = 10, .ended = true}}, {10, true}},
           {{{.last = 10, .ended = true}, {.last = 7}, {.last = 10, .ended = true}},
            {10, false}},  // only an end is missing
           {{{.last = 10, .ended = true}, {.last = 4}, {.last = 10, .ended = true}}, {7, false}},
           // The next number of partition 1 would lie behind the end.
           {{{.last = 9, .ended = true}, {.last = 7}, {.last = 9, .ended = true}}, {9, false}},
       }) {
    EXPECT_EQ(point_of(3, row.tails), row.point);
  }
}

TEST(ResumeRule, ASourceInOnePartitionGoesOnBehindItsLastNumberThere) {
  const auto by_source = output(4, PartitionBy::source);
  const PartitionId home = stream::home_partition({.source = "src"}, PartitionBy::source, 4);
  ResumeRule rule;
  for (int p = 0; p < 4; ++p) {
    rule.add(by_source, PartitionId{p}, "src", PartitionId{p} == home ? PartitionTail{.last = 41} : PartitionTail{});
  }
  EXPECT_EQ(rule.point(), (ResumePoint{42, false}));

  // The end stands everywhere but at home, where all frames were lost on the way: all are missing.
  ResumeRule lost;
  for (int p = 0; p < 4; ++p) {
    lost.add(by_source, PartitionId{p}, "src",
             PartitionId{p} == home ? PartitionTail{} : PartitionTail{.last = 9, .ended = true});
  }
  EXPECT_EQ(lost.point(), (ResumePoint{0, false}));
}

TEST(ResumeRule, OfSeveralOutputsTheOneThatFellBehindCounts) {
  ResumeRule rule;
  rule.add(output(1), PartitionId{0}, "src", {.last = 20});
  rule.add(output(2), PartitionId{0}, "src", {.last = 14});
  rule.add(output(2), PartitionId{1}, "src", {.last = 19});
  EXPECT_EQ(rule.point(), (ResumePoint{16, false}));
}

// The model of decision 0034: partitions answer at their own pace, the source is killed again and again, and
// the readers' watermarks must take every number exactly once.
TEST(ResumeRule, LosesNothingAndTakesNothingTwiceOverManyCrashes) {
  for (unsigned seed = 0; seed < 500; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    std::mt19937 random(seed);
    const auto below = [&](int limit) { return std::uniform_int_distribution<int>(0, limit - 1)(random); };
    const int partitions = 2 + below(4), total = 60;
    std::vector<std::vector<int>> logs(static_cast<std::size_t>(partitions));
    for (int incarnation = 0; incarnation < 4; ++incarnation) {
      ResumeRule rule;
      for (int p = 0; p < partitions; ++p) {
        const auto& log = logs[static_cast<std::size_t>(p)];
        PartitionTail tail;
        if (!log.empty()) tail.last = *std::max_element(log.begin(), log.end());
        rule.add(output(partitions), PartitionId{p}, "src", tail);
      }
      std::vector<std::vector<int>> queues(static_cast<std::size_t>(partitions));
      for (int n = static_cast<int>(rule.point().next); n < total; ++n)
        queues[static_cast<std::size_t>(n % partitions)].push_back(n);
      for (int steps = incarnation == 3 ? 1'000'000 : below(60); steps > 0; --steps) {
        auto& queue = queues[static_cast<std::size_t>(below(partitions))];
        if (!queue.empty()) {
          logs[static_cast<std::size_t>(queue.front() % partitions)].push_back(queue.front());
          queue.erase(queue.begin());
        }
        if (std::all_of(queues.begin(), queues.end(), [](const auto& q) { return q.empty(); })) break;
      }
    }
    std::vector<int> taken;
    for (const auto& log : logs) {
      int watermark = -1;
      for (const int n : log) {
        if (n > watermark) taken.push_back(watermark = n);
      }
    }
    std::sort(taken.begin(), taken.end());
    ASSERT_EQ(taken.size(), static_cast<std::size_t>(total));
    for (int n = 0; n < total; ++n) ASSERT_EQ(taken[static_cast<std::size_t>(n)], n);
  }
}

// Partitions 0, 1, 2 answered at their own pace when the producer was killed.
TEST(CountStanding, CountsWhatStandsInEachHomePartition) {
  using Tails = std::vector<std::optional<std::int64_t>>;
  const auto count = [](std::vector<OutputTails> outputs) { return count_standing("src", outputs); };
  EXPECT_EQ(count({}), 0);
  EXPECT_EQ(count({{.last = Tails{{}, {}, {}}}}), 0);
  EXPECT_EQ(count({{.last = Tails{9, 10, 11}}}), 12);
  EXPECT_EQ(count({{.last = Tails{9, {}, 11}}}), 8);    // 0 3 6 9, 2 5 8 11
  EXPECT_EQ(count({{.last = Tails{15, 10, 11}}}), 14);  // 12 and 15 beyond the 12 below
  // What stands in one of two topics was sent.
  EXPECT_EQ(count({{.last = Tails{9, 10, 11}}, {.last = Tails{14}}}), 15);
  const auto home = stream::home_partition({.source = "src"}, PartitionBy::source, 4);
  Tails one(4);
  one[static_cast<std::size_t>(home.value)] = 41;
  EXPECT_EQ(count({{.partition_by = PartitionBy::source, .last = one}}), 42);
  // A forged number does not keep it counting.
  EXPECT_LE(count({{.last = Tails{0, std::int64_t{1} << 42}}}), 2'000'000);
}

// Counts the records that are read of each partition; `silent`: none arrives.
class WatchedReader : public stream::RecordReader {
 public:
  using Counts = std::map<stream::TopicPartition, std::int64_t>;
  WatchedReader(std::unique_ptr<stream::RecordReader> inner, Counts& read, bool silent)
      : inner_(std::move(inner)), read_(read), silent_(silent) {}
  Result<void> assign(const stream::TopicPartition& at, Offset start) override { return inner_->assign(at, start); }
  void unassign(const stream::TopicPartition& at) override { inner_->unassign(at); }
  Result<std::optional<stream::Record>> poll(std::chrono::milliseconds timeout) override {
    if (silent_) {
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
      return std::optional<stream::Record>();
    }
    auto record = inner_->poll(timeout);
    if (record.ok() && record->has_value()) ++read_[record->value().at];
    return record;
  }

 private:
  std::unique_ptr<stream::RecordReader> inner_;
  Counts& read_;
  const bool silent_;
};

class WatchedAccess : public MemoryAccess {
 public:
  explicit WatchedAccess(std::shared_ptr<stream::MemoryLog> log, bool silent = false)
      : MemoryAccess(std::move(log)), silent_(silent) {}
  Result<std::unique_ptr<stream::RecordReader>> reader() override {
    auto inner = MemoryAccess::reader();
    if (!inner) return inner.error();
    return std::unique_ptr<stream::RecordReader>(std::make_unique<WatchedReader>(std::move(*inner), read, silent_));
  }
  WatchedReader::Counts read;

 private:
  const bool silent_;
};

class FindResumePoint : public testing::Test {
 protected:
  FindResumePoint() {
    (void)log_->admin()->create({.name = "frames", .partitions = 2});
    job_.job = JobName{"job"};
    job_.run = RunNumber{1};
    job_.sources.push_back({.name = "src", .kind = "synthetic", .finite = true, .outputs = {output(2)}});
    job_.stages.push_back({.name = "stage", .topic = "frames", .partitions = 2, .group_id = "group"});
  }
  void write(const std::string& source, std::int64_t session, std::int64_t from, std::int64_t to,
             RunNumber run = RunNumber{1}) {
    write(output(2), source, session, from, to, run);
  }
  void write(const stream::OutputSpec& to_topic, const std::string& source, std::int64_t session, std::int64_t from,
             std::int64_t to, RunNumber run = RunNumber{1}) {
    auto writer = log_->writer();
    stream::FrameSetWriter sets(*writer, {.job = "job",
                                          .run = run,
                                          .source = source,
                                          .writer = "w#1",
                                          .outputs = {to_topic},
                                          .max_message_bytes = 300'000});
    for (std::int64_t n = from; n < to; ++n) {
      ASSERT_TRUE(
          sets.write({.id = {source, SessionId{session}, n}, .image = cv::Mat(2, 2, CV_8U, cv::Scalar(1))}, nullptr)
              .ok());
    }
    ASSERT_TRUE(sets.flush(std::chrono::seconds(5)).ok());
  }
  ResumePoint find() {
    MemoryAccess access(log_);
    auto found = find_resume_point(access, job_, job_.sources[0], SessionId{1});
    EXPECT_TRUE(found.ok()) << found.error().message;
    return *found;
  }
  std::shared_ptr<stream::MemoryLog> log_ = stream::MemoryLog::make();
  stream::JobSpec job_;
};

TEST_F(FindResumePoint, FramesOfEarlierSessionsAreCountedAsTheyStand) {
  const auto standing = [&](std::int64_t first, std::int64_t behind) {
    MemoryAccess access(log_);
    const auto found = count_session_frames(access, job_, job_.sources[0], SessionId{first}, SessionId{behind},
                                            std::chrono::seconds(5));
    EXPECT_TRUE(found.ok()) << found.error().message;
    EXPECT_TRUE(found->whole);
    std::int64_t sum = 0;
    for (const auto& [session, frames] : found->frames) sum += frames;
    return sum;
  };
  EXPECT_EQ(standing(1, 4), 0);
  write("src", 1, 0, 70);
  write("src", 2, 0, 9);
  write("other", 1, 0, 30);
  write("src", 3, 0, 5);
  write("src", 4, 0, 50);
  EXPECT_EQ(standing(1, 4), 84);
  EXPECT_EQ(standing(2, 4), 14);
  EXPECT_EQ(standing(3, 4), 5);
  // Where deletion took them, the readers' commits show it.
  stream::CommitMetadata metadata;
  metadata.watermarks.raise({"src", PartitionId{0}}, {3, 4});
  const stream::TopicPartition first{"frames", PartitionId{0}};
  const auto end = log_->admin()->range(first)->end;
  ASSERT_TRUE(log_->commits()->commit("group", {{first, {end, stream::pack(metadata)}}}).ok());
  ASSERT_TRUE(log_->admin()->delete_before(first, end).ok());
  EXPECT_EQ(standing(3, 4), 5);
  EXPECT_EQ(standing(1, 3), standing(1, 2) + standing(2, 3)) << "of these sessions alone, whatever readers ACKed since";
}

constexpr std::chrono::seconds kPatience(5);

TEST_F(FindResumePoint, ALiveSourceIsLookedUpInTheLastFewThousandRecordsAndEachIsReadOnce) {
  write("src", 1, 0, 70);
  write("other", 1, 0, 16'000);
  WatchedAccess access(log_);
  const auto found = count_session_frames(access, job_, job_.sources[0], SessionId{1}, SessionId{2}, kPatience);
  ASSERT_TRUE(found.ok()) << found.error().message;
  EXPECT_FALSE(found->whole);
  for (const auto& [at, records] : access.read) EXPECT_LE(records, 5000) << to_string(at);
  // An ACK of all that stands there shows it without reading.
  stream::CommitMetadata metadata[2];
  metadata[0].watermarks.raise({"src", PartitionId{0}}, {1, 68});
  metadata[1].watermarks.raise({"src", PartitionId{0}}, {1, 69});
  for (int p = 0; p < 2; ++p) {
    const stream::TopicPartition at{"frames", PartitionId{p}};
    const auto end = log_->admin()->range(at)->end;
    ASSERT_TRUE(log_->commits()->commit("group", {{at, {end, stream::pack(metadata[p])}}}).ok());
  }
  access.read.clear();
  const auto known = count_session_frames(access, job_, job_.sources[0], SessionId{1}, SessionId{2}, kPatience);
  ASSERT_TRUE(known.ok()) << known.error().message;
  EXPECT_TRUE(known->whole);
  EXPECT_EQ(known->frames.at(SessionId{1}), 70);
  EXPECT_TRUE(access.read.empty());
}

TEST_F(FindResumePoint, PartitionsThatHoldNoFrameOfTheSourceAreNotRead) {
  auto ordered = output(4, PartitionBy::source);
  ordered.topic = "ordered";
  (void)log_->admin()->create({.name = "ordered", .partitions = 4});
  job_.sources[0].outputs = {ordered};
  for (const char* camera : {"src", "a", "b", "c", "d", "e", "f", "g", "h"}) write(ordered, camera, 1, 0, 20);
  const auto home = stream::home_partition({.source = "src"}, PartitionBy::source, 4);
  WatchedAccess live(log_), finite(log_);
  const auto found = count_session_frames(live, job_, job_.sources[0], SessionId{1}, SessionId{2}, kPatience);
  ASSERT_TRUE(found.ok()) << found.error().message;
  EXPECT_EQ(found->frames.at(SessionId{1}), 20);
  const auto point = find_resume_point(finite, job_, job_.sources[0], SessionId{1});
  ASSERT_TRUE(point.ok()) << point.error().message;
  EXPECT_EQ(*point, (ResumePoint{20, false}));
  for (const auto* access : {&live, &finite}) {
    ASSERT_EQ(access->read.size(), 1u);
    EXPECT_EQ(access->read.begin()->first.partition, home);
  }
}

TEST_F(FindResumePoint, ALookUpThatIsStoppedEndsThoughTheLogGivesNothing) {
  write("src", 1, 0, 20);
  WatchedAccess access(log_, /*silent=*/true);
  std::atomic<bool> stop{false};
  std::thread stopper([&stop] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    stop = true;
  });
  const auto begun = std::chrono::steady_clock::now();
  const auto found =
      count_session_frames(access, job_, job_.sources[0], SessionId{1}, SessionId{2}, std::chrono::seconds(60), &stop);
  stopper.join();
  ASSERT_FALSE(found.ok());
  EXPECT_EQ(found.error().code, ErrorCode::cancelled);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(30));
}

// The second owner died before its first word: what it wrote does not stand for what the first one lost.
TEST_F(FindResumePoint, WhatTheSecondOwnerWroteDoesNotHideWhatTheFirstOneLost) {
  write("src", 1, 0, 95);
  write("src", 2, 0, 20);
  MemoryAccess access(log_);
  const EarlierFrames earlier(access, std::make_shared<const stream::JobSpec>(job_), job_.sources[0],
                              {.session = SessionId{1}, .frames = 1000, .told = 90, .captured = 100}, SessionId{3});
  EXPECT_TRUE(eventually([&] { return earlier.frames() == 1115; })) << earlier.frames();
  EXPECT_EQ(earlier.unwritten(), 5);
}

TEST_F(FindResumePoint, AnEmptyTopicIsTheBeginning) { EXPECT_EQ(find(), (ResumePoint{0, false})); }

TEST_F(FindResumePoint, FindsTheSourcesLastNumbersBehindThoseOfOthers) {
  write("src", 1, 0, 7);
  write("other", 1, 0, 900);
  EXPECT_EQ(find(), (ResumePoint{7, false}));
}

TEST_F(FindResumePoint, OtherRunsAndSessionsDoNotCount) {
  write("src", 1, 0, 50, RunNumber{2});
  write("src", 3, 0, 50);
  EXPECT_EQ(find(), (ResumePoint{0, false}));
}

TEST_F(FindResumePoint, ReadersCommitsTellWhereDeletionTookTheRecords) {
  write("src", 1, 0, 20);
  stream::CommitMetadata metadata;
  metadata.watermarks.raise({"src", PartitionId{0}}, {1, 18});
  const stream::TopicPartition first{"frames", PartitionId{0}}, second{"frames", PartitionId{1}};
  ASSERT_TRUE(log_->commits()->commit("group", {{first, {Offset{10}, stream::pack(metadata)}}}).ok());
  ASSERT_TRUE(log_->admin()->delete_before(first, Offset{10}).ok());
  EXPECT_EQ(find(), (ResumePoint{20, false}));
  // In the other partition the records are gone and no reader says what they were: all of them count as missing.
  ASSERT_TRUE(log_->admin()->delete_before(second, Offset{10}).ok());
  EXPECT_EQ(find(), (ResumePoint{1, false}));
}

TEST_F(FindResumePoint, ASetThatWasCutShortCountsAsMissing) {
  write("src", 1, 0, 4);
  // Number 4, of which only the first of its parts reached the log.
  auto writer = log_->writer();
  stream::RecordHeader header{.id = {"src", SessionId{1}, 4}, .job = "job", .writer_stage = "src"};
  header.origin = {{"src", PartitionId{0}}, {1, 4}, RunNumber{1}};
  header.parts = 2;
  header.writer = "w#1";
  header.content_type = "image/x-raw";
  header.pixels = stream::PixelFormat{.rows = 2, .cols = 2};
  header.chunk = stream::Chunk{.index = 0, .count = 2, .begin = 0, .total = 4};
  static const std::uint8_t bytes[2] = {1, 2};
  ASSERT_TRUE(
      writer->send({"frames", PartitionId{0}}, {.headers = stream::encode_header(header), .value = bytes}, nullptr)
          .ok());
  ASSERT_TRUE(writer->flush(std::chrono::seconds(5)).ok());
  EXPECT_EQ(find(), (ResumePoint{4, false}));
}

TEST_F(FindResumePoint, ReadersCommitsTellThatTheEndStoodWhereDeletionTookIt) {
  write("src", 1, 0, 20);
  for (int p = 0; p < 2; ++p) {
    const stream::TopicPartition at{"frames", PartitionId{p}};
    const auto end = log_->admin()->range(at)->end;
    stream::CommitMetadata metadata;
    metadata.watermarks.raise({"src", PartitionId{0}}, {1, 20});  // of the end record
    metadata.ended.insert({"src", PartitionId{0}});
    ASSERT_TRUE(log_->commits()->commit("group", {{at, {end, stream::pack(metadata)}}}).ok());
    ASSERT_TRUE(log_->admin()->delete_before(at, end).ok());
  }
  EXPECT_EQ(find(), (ResumePoint{20, true}));
}

}  // namespace
}  // namespace ride::producer
