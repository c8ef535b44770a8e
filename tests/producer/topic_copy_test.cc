// A source that copies a topic, against the in-memory log: whatever happens to its owners, each record counts once.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "producer/copy_journal.h"
#include "source_runner_fixture.h"
#include "stream/core/commit_metadata.h"

namespace ride::producer {
namespace {

using testing::HasSubstr;

// Copies a topic of two partitions, twelve records, one of them broken, into two stages, while owners come and go.
class TopicCopyTest : public SourceRunnerTest {
 protected:
  static constexpr int kRecords = 12;
  static constexpr int kOthers = 2;
  static constexpr std::int64_t kSession = 3;  // of all owners of this run

  TopicCopyTest() {
    outputs_ = {{.to = "stage", .topic = "frames", .partitions = kPartitions},
                {.to = "other", .topic = "others", .partitions = kOthers}};
    finish_limit_ = std::chrono::milliseconds(0);  // killed: nothing that is in flight arrives
    begin_anew();
  }
  void begin_anew() {
    log_ = stream::MemoryLog::make();
    for (const auto& [topic, partitions] : {std::pair{"frames", kPartitions}, {"others", kOthers}, {"plates", 2}})
      ASSERT_TRUE(log_->admin()->create({.name = topic, .partitions = partitions}).ok());
    finished_.clear();
  }
  void put(int partition, const std::vector<std::uint8_t>& bytes) {
    auto owner = std::make_shared<std::vector<std::uint8_t>>(bytes);
    auto writer = log_->writer();
    ASSERT_TRUE(writer->send({"plates", PartitionId{partition}}, {.value = *owner, .owner = owner}, nullptr).ok());
    ASSERT_TRUE(writer->flush(std::chrono::seconds(5)).ok());
  }
  // Raw pictures; the fifth is too short. Record n holds the byte n.
  void put_records(int begin, int end) {
    for (int i = begin; i < end; ++i)
      put(i % 3 == 0, std::vector<std::uint8_t>(i == 4 ? 5 : kRows * 100, static_cast<std::uint8_t>(i)));
  }
  std::unique_ptr<SourceRunner> owner(MemoryAccess& access) {
    return start_on(access,
                    {.name = "src",
                     .kind = "topic",
                     .uri = "plates",
                     .params = {{"format", std::string("raw")}, {"shape", std::to_string(kRows) + "x100x1"}},
                     .max_message_bytes = 40'000},
                    kSession);
  }
  // Readers of a stage, which keep what they took in their commits: how often each record of the input was taken, and
  // (as "") how many outcomes.
  std::map<std::string, int> take(const std::string& topic, int partitions, bool and_delete = false) {
    auto counted = finished_[topic];
    for (int p = 0; p < partitions; ++p) {
      const stream::TopicPartition at{topic, PartitionId{p}};
      auto range = *log_->admin()->range(at);
      auto commits = log_->commits();
      const std::string group = topic == "frames" ? "group" : "group of " + topic;
      const auto before = (*commits->committed(group, {at}))[at];
      stream::CommitMetadata start;
      if (before) start = *stream::unpack_commit_metadata(before->metadata);
      stream::SetAssembler intake({.at = at, .job = "job", .upstreams = {{.name = "src", .is_source = true}}}, start);
      for (const stream::Record& record : log_->records(at)) {
        if (record.offset < range.first) continue;
        const auto step = intake.add(record.offset, record.timestamp, record.headers, {record.value, record.owner});
        if (!step.accepted) continue;
        start.watermarks.raise(step.accepted->upstream, step.accepted->key);
        const bool picture = step.accepted->kind == stream::RecordKind::frame;
        ++counted[picture ? step.accepted->header.attributes.at("source_record") : ""];
      }
      if (!and_delete) continue;
      EXPECT_TRUE(commits->commit(group, {{at, {range.end, stream::pack(start)}}}).ok());
      EXPECT_TRUE(log_->admin()->delete_before(at, range.end).ok());
    }
    if (and_delete) finished_[topic] = counted;
    return counted;
  }
  static int sum(const std::map<std::string, int>& counted) {
    int all = 0;
    for (const auto& [record, count] : counted) all += count;
    return all;
  }
  bool all_are_copied(int records) {
    return eventually(
        [&] { return sum(take("frames", kPartitions)) >= records && sum(take("others", kOthers)) >= records; },
        std::chrono::seconds(10));
  }
  void expect_each_once(int records) {
    for (const auto& counted : {take("frames", kPartitions), take("others", kOthers)}) {
      for (const auto& [record, count] : counted) EXPECT_EQ(count, 1) << (record.empty() ? "outcomes" : record);
      EXPECT_EQ(counted.size(), static_cast<std::size_t>(records)) << "the broken one, and all others";
    }
  }
  // The first owner gets so many records through, of the journal and of the stages.
  void kill_behind(std::int64_t records) {
    MemoryAccess access(log_);
    const auto gate = access.gate;
    gate->left = records;
    const auto killed = owner(access);
    ASSERT_TRUE(eventually([&] {
      return gate->left <= 0 ||
             (sum(take("frames", kPartitions)) == kRecords && sum(take("others", kOthers)) == kRecords);
    }));
    gate->deliver = false;
  }

  int kRows = 10;
  std::map<std::string, std::map<std::string, int>> finished_;
};

TEST_F(TopicCopyTest, WhereverItsOwnerIsKilledEachRecordCountsOnce) {
  for (std::int64_t point = 0; point < 30; ++point) {
    SCOPED_TRACE(testing::Message() << "killed behind " << point << " records");
    begin_anew();
    put_records(0, kRecords);
    kill_behind(point);
    MemoryAccess access(log_);
    const auto next_owner = owner(access);
    ASSERT_TRUE(all_are_copied(kRecords)) << next_owner->progress().error;
    expect_each_once(kRecords);
  }
}

TEST_F(TopicCopyTest, RecordsThatNobodyCanDecodeAreRejectedAndTheSourceGoesOn) {
  put_records(0, 2);
  stream::RecordHeader header;
  header.id = {"gate", SessionId{1}, 0};
  header.job = "street";
  header.writer_stage = "gate";
  header.origin = {{"gate", PartitionId{0}}, {0, 0}, RunNumber{1}};
  header.writer = "w1#a";
  header.content_type = stream::kRawContentType;
  header.compressed = true;
  header.pixels = stream::PixelFormat{31000, 31000, 4, CV_64F};
  auto bytes = std::make_shared<std::vector<std::uint8_t>>(24, std::uint8_t{7});
  auto writer = log_->writer();
  auto headers = stream::encode_header(header);
  ASSERT_TRUE(stream::decode_header(headers).ok());
  ASSERT_TRUE(
      writer
          ->send({"plates", PartitionId{0}}, {.headers = std::move(headers), .value = *bytes, .owner = bytes}, nullptr)
          .ok());
  ASSERT_TRUE(writer->flush(std::chrono::seconds(5)).ok());
  put_records(2, 4);
  struck_ = {{{PartitionId{0}, Offset{0}}, {"signal 6 on a, signal 6 on b", true}}};
  MemoryAccess access(log_);
  const auto runner = owner(access);
  ASSERT_TRUE(eventually([&] { return runner->progress().frames == 3 && runner->progress().rejected == 2; }))
      << runner->progress().error;
  ASSERT_EQ(notices().size(), 2U);
  const std::string told = notices()[0] + notices()[1];
  EXPECT_THAT(told, HasSubstr("31000x31000x4"));
  EXPECT_THAT(told, HasSubstr("ended its producer twice"));
}

TEST_F(TopicCopyTest, WhatReadersHaveFinishedAndDeletedIsNotCopiedAgain) {
  for (std::int64_t point = 0; point < 30; point += 2) {
    SCOPED_TRACE(testing::Message() << "killed behind " << point << " records");
    begin_anew();
    put_records(0, kRecords);
    kill_behind(point);
    take("frames", kPartitions, true);
    MemoryAccess access(log_);
    const auto next_owner = owner(access);
    put_records(kRecords, kRecords + 3);
    ASSERT_TRUE(all_are_copied(kRecords + 3)) << next_owner->progress().error;
    expect_each_once(kRecords + 3);
  }
}

TEST_F(TopicCopyTest, APictureInPiecesCountsWhenItIsWhole) {
  kRows = 1000;  // 100 kB, above what a message holds
  for (std::int64_t point = 1; point < 75; point += 7) {
    SCOPED_TRACE(testing::Message() << "killed behind " << point << " records");
    begin_anew();
    put_records(0, kRecords);
    kill_behind(point);
    MemoryAccess access(log_);
    const auto next_owner = owner(access);
    ASSERT_TRUE(all_are_copied(kRecords)) << next_owner->progress().error;
    expect_each_once(kRecords);
  }
}

TEST_F(TopicCopyTest, AnOwnerThatDoesNotKnowOfItsLossChangesNothing) {
  put_records(0, kRecords);
  MemoryAccess first(log_), second(log_);
  first.gate->left = 6;
  const auto zombie = owner(first);
  ASSERT_TRUE(eventually([&] { return first.gate->left <= 0; }));
  const auto next_owner = owner(second);
  ASSERT_TRUE(all_are_copied(kRecords));
  first.gate->left = 1 << 30;  // all that it had in flight arrives now, and it goes on
  for (int i = kRecords; i < 200; i += 4) {
    put_records(i, i + 4);
    std::this_thread::sleep_for(std::chrono::milliseconds(2));  // so that both of them are in the middle
  }
  ASSERT_TRUE(all_are_copied(200));
  ASSERT_TRUE(
      eventually([&] { return zombie->progress().frames + next_owner->progress().frames >= 2 * 199 - kRecords; }));
  expect_each_once(200);
}

TEST_F(TopicCopyTest, ARecordThatRetentionTookBeforeItWasSentLeavesAnOutcome) {
  put_records(0, 4);
  MemoryAccess access(log_);
  access.gate->left = 1;  // the journal, and nothing else
  {
    const auto killed = owner(access);
    ASSERT_TRUE(eventually([&] { return access.gate->left <= 0; }));
    access.gate->deliver = false;
  }
  for (int p = 0; p < 2; ++p) {
    const stream::TopicPartition at{"plates", PartitionId{p}};
    ASSERT_TRUE(log_->admin()->delete_before(at, log_->admin()->range(at)->end).ok());
  }
  put_records(5, 6);
  MemoryAccess fresh(log_);
  const auto next_owner = owner(fresh);
  ASSERT_TRUE(eventually([&] { return next_owner->progress().frames == 1; })) << next_owner->progress().error;
  const auto taken = read_topic(*log_, "frames", kPartitions, "src");
  EXPECT_FALSE(taken.dropped.empty());
  for (const auto& [number, reason] : taken.dropped)
    EXPECT_THAT(reason, HasSubstr("retention or compaction removed it"));
}

TEST(CopyJournal, StaysShortAndKeepsItsNumbers) {
  auto log = stream::MemoryLog::make();
  MemoryAccess access(log);
  CopyJournal journal(access, "journal");
  ASSERT_TRUE(journal.open(0).ok());
  for (std::int64_t i = 0; i < 3000; ++i) {
    ASSERT_TRUE(journal.propose({{static_cast<int>(i % 3), i}}).ok());
    ASSERT_TRUE(journal.read_agreed(std::chrono::milliseconds(0)).ok());
    journal.forget_before(i - 100);
  }
  const auto range = *log->admin()->range({"journal", PartitionId{0}});
  EXPECT_LT(range.end.value - range.first.value, 1300);
  CopyJournal later(access, "journal");
  const auto places = later.open(2900);
  ASSERT_TRUE(places.ok()) << places.error().message;
  EXPECT_EQ(later.order(), journal.order());
  ASSERT_EQ(places->size(), 100u);
  EXPECT_EQ(places->front(), (NumberedPlace{2900, {2900 % 3, 2900}}));
}

}  // namespace
}  // namespace ride::producer
