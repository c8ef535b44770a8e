#include "stream/core/set_assembler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "stream/core/set.h"

namespace ride::stream {
namespace {

const TopicPartition kAt{"t", PartitionId{0}};

class SetAssemblerTest : public testing::Test {
 protected:
  SetAssembler open(CommitMetadata start = {}) {
    SetAssembler::Config config{kAt, "job", upstreams, adopt, limits};
    config.run = RunNumber{1};
    config.checks_sessions = config.checks_offsets = checks;
    return SetAssembler(std::move(config), start);
  }

  // The records of a frame: `chunks` of them.
  std::vector<OutRecord> frame(std::int64_t number, const std::string& writer = "w", int chunks = 1) {
    RecordHeader header;
    header.id = {"cam", SessionId{1}, number};
    std::vector<SetFrame> frames(1);
    frames[0] = {header, {std::span(bytes).first(static_cast<std::size_t>(chunks) * 10), nullptr}};
    return make_frame_set({"job", "cam", writer, {{"cam", PartitionId{0}}, {1, number}, RunNumber{1}}},
                          std::move(frames), {.whole_bytes = 10, .chunk_bytes = 10});
  }
  AssemblyStep take(SetAssembler& assembler, const OutRecord& record) {
    return assembler.add(Offset{next++}, SystemTime{}, record.headers, {record.value, nullptr});
  }

  // As somebody else might write it: each header as given, or as a frame has it.
  static OutRecord with(OutRecord record, const std::string& header, const std::string& value) {
    for (auto& [name, old] : record.headers)
      if (name == header) {
        old = value;
        return record;
      }
    record.headers.emplace_back(header, value);
    return record;
  }
  // A part of an attacker's set: 100 bytes, and any number in its headers.
  OutRecord part(const std::string& which, const std::string& chunk, int item = 0, std::int64_t number = 0,
                 const std::string& writer = "evil") {
    auto record = with(frame(number, writer)[0], "ride_part", which);
    if (!chunk.empty()) record = with(record, "ride_chunk", chunk);
    return item == 0 ? record : with(record, "ride_item", std::to_string(item));
  }
  static OutRecord end_of(const std::string& stage, int partition, OriginKey key) {
    return make_end_set({"job", stage, "w", {{stage, PartitionId{partition}}, key, RunNumber{1}}},
                        {"cam", SessionId{1}, 3}, SystemTime{})[0];
  }
  OutRecord end_of_source(std::int64_t next_number) {
    return make_end_set({"job", "cam", "w", {{"cam", PartitionId{0}}, {1, next_number}, RunNumber{1}}},
                        {"cam", SessionId{1}, next_number}, SystemTime{})[0];
  }
  // What a stage wrote for the input record at `offset`.
  OutRecord from_stage(std::int64_t offset) {
    auto record = frame(offset)[0];
    return with(record, "ride_origin", "blur/0/" + std::to_string(offset) + ".0/1");
  }

  bool checks = false;
  OpenSets::Limits limits;
  std::vector<std::uint8_t> bytes = std::vector<std::uint8_t>(100, 5);
  std::vector<UpstreamSpec> upstreams = {{"cam", 1, true}};
  std::optional<AdoptSpec> adopt;
  std::int64_t next = 0;
};

TEST_F(SetAssemblerTest, TakesEachOriginOnceWhoeverWroteIt) {
  auto assembler = open();
  EXPECT_TRUE(take(assembler, frame(0, "w1")[0]).accepted);
  EXPECT_TRUE(take(assembler, frame(0, "w2")[0]).duplicate);
  EXPECT_TRUE(take(assembler, frame(1, "w2")[0]).accepted);
  EXPECT_TRUE(take(assembler, frame(0, "w1")[0]).duplicate);
}

// A stray part of a set that nobody completes must not keep the partition's commit for ever.
TEST_F(SetAssemblerTest, WhatNoneOfItsInputsWroteIsNoFrame) {
  auto assembler = open();
  const auto part = frame(0, "w1", 3)[0];
  upstreams = {{"gate", 1, true}};
  auto stranger = open();
  const auto step = take(stranger, part);
  ASSERT_TRUE(step.accepted && step.problem);
  EXPECT_EQ(step.accepted->header.outcome, Outcome::dead);
  EXPECT_EQ(stranger.open().held_bytes(), 0);
  EXPECT_FALSE(take(assembler, part).problem);
}

TEST_F(SetAssemblerTest, AZombiesFrameCountsWhenItComesFirst) {
  auto assembler = open();
  EXPECT_TRUE(take(assembler, frame(0, "zombie@1")[0]).accepted);
  EXPECT_TRUE(take(assembler, frame(0, "owner@2")[0]).duplicate);
}

TEST_F(SetAssemblerTest, TheFirstCompleteSetWinsAndTheOthersAreLetGo) {
  auto assembler = open();
  const auto a = frame(0, "a", 2), b = frame(0, "b", 2);
  EXPECT_FALSE(take(assembler, a[0]).accepted);
  EXPECT_FALSE(take(assembler, b[0]).accepted);
  const auto step = take(assembler, b[1]);
  ASSERT_TRUE(step.accepted);
  EXPECT_EQ(step.accepted->released_by, Offset{2});
  EXPECT_EQ(step.accepted->first, Offset{1});
  EXPECT_EQ(step.settled, std::vector<Offset>{Offset{0}});
  EXPECT_EQ(step.accepted->frames.at(0).payload.bytes.size(), 20U);
  EXPECT_TRUE(take(assembler, a[1]).duplicate);
  EXPECT_EQ(assembler.open().held_bytes(), 0);
}

TEST_F(SetAssemblerTest, WhatWasFinishedBeyondTheCommitIsNotTakenAgain) {
  CommitMetadata start;
  start.finished[{"cam", PartitionId{0}}] = {{1, 5}};
  auto assembler = open(start);
  EXPECT_TRUE(take(assembler, frame(5)[0]).duplicate);
  EXPECT_TRUE(take(assembler, frame(4)[0]).accepted);
}

TEST_F(SetAssemblerTest, ASourcesNewSessionIsAboveTheOldOne) {
  auto assembler = open();
  EXPECT_TRUE(take(assembler, frame(100)[0]).accepted);
  auto later = frame(0);
  for (auto& [name, value] : later[0].headers)
    if (name == "ride_origin")
      value = "cam/0/2.0/1";
    else if (name == "ce_id")
      value = "cam/2/0";
  EXPECT_TRUE(take(assembler, later[0]).accepted);
}

TEST_F(SetAssemblerTest, TheInputEndsWhenEveryUpstreamPartitionHasEnded) {
  upstreams = {{"blur", 2, false}};
  auto assembler = open();
  const auto end = [](int partition) {
    return make_end_set({"job", "blur", "w", {{"blur", PartitionId{partition}}, {9, 1}, RunNumber{1}}},
                        {"cam", SessionId{1}, 3}, SystemTime{})[0];
  };
  EXPECT_FALSE(take(assembler, end(0)).all_ended);
  EXPECT_TRUE(take(assembler, end(0)).duplicate);
  const auto step = take(assembler, end(1));
  EXPECT_TRUE(step.all_ended);
  ASSERT_TRUE(step.accepted);
  EXPECT_EQ(step.accepted->kind, RecordKind::end);
}

TEST_F(SetAssemblerTest, ARecordThatIsNoFrameIsDeadAndItsNeighboursLive) {
  auto assembler = open();
  EXPECT_TRUE(take(assembler, frame(0)[0]).accepted);
  const auto step = take(assembler, OutRecord{"", {{"who", "me"}}, bytes, nullptr});
  ASSERT_TRUE(step.problem);
  ASSERT_TRUE(step.accepted);
  EXPECT_EQ(step.accepted->kind, RecordKind::outcome);
  EXPECT_EQ(step.accepted->header.outcome, Outcome::dead);
  EXPECT_TRUE(take(assembler, frame(1)[0]).accepted);
}

TEST_F(SetAssemblerTest, ChunksThatContradictEachOtherMakeTheFrameDead) {
  auto assembler = open();
  auto records = frame(0, "w", 2);
  for (auto& [name, value] : records[1].headers)
    if (name == "ride_chunk") value = "2/2/15/20";
  take(assembler, records[0]);
  const auto step = take(assembler, records[1]);
  ASSERT_TRUE(step.problem);
  EXPECT_EQ(step.accepted->kind, RecordKind::outcome);
}

// ---- what others write

// Two records of 100 bytes: the sum of what they announce is below zero.
TEST_F(SetAssemblerTest, AnnouncedBytesThatOverflowMakeTheSetDead) {
  auto assembler = open();
  EXPECT_FALSE(take(assembler, part("1/3", "1/2/0/200")).accepted);
  take(assembler, part("2/3", "1/1/0/9223372036854775807", 1));
  const auto step = take(assembler, part("3/3", "2/2/10/200"));
  ASSERT_TRUE(step.accepted && step.problem);
  EXPECT_EQ(step.accepted->header.outcome, Outcome::dead);
  EXPECT_TRUE(assembler.open().empty());
  EXPECT_EQ(assembler.open().held_bytes(), 0);
}

TEST_F(SetAssemblerTest, ASetThatAnnouncesMoreThanTheLimitIsDeadAndHoldsNothing) {
  auto assembler = open();
  take(assembler, part("1/3", "1/2/0/1099511627776"));
  EXPECT_LT(assembler.open().held_bytes(), 10'000);
  EXPECT_EQ(assembler.open().announced_bytes(), 0);
  take(assembler, part("2/3", "2/2/10/1099511627776"));
  EXPECT_THAT(take(assembler, part("3/3", "")).problem.value().message, testing::HasSubstr("larger than the limit"));
}

// The limit is 4 GiB, and a hundred sets that announce as much are here in a moment.
TEST_F(SetAssemblerTest, MemoryGrowsWithWhatCameAndNotWithWhatIsAnnounced) {
  auto assembler = open();
  for (int n = 0; n < 100; ++n) take(assembler, part("1/2", "1/2/0/4294967296", 0, n));
  EXPECT_EQ(assembler.open().announced_bytes(), 100 * (std::int64_t{4} << 30));
  EXPECT_LT(assembler.open().held_bytes(), 100 * 5'000);
}

TEST_F(SetAssemblerTest, APictureMayComeInManyChunks) {
  auto assembler = open();
  std::vector<std::uint8_t> large(1 << 20);
  for (std::size_t i = 0; i < large.size(); ++i) large[i] = static_cast<std::uint8_t>(i * 7 >> 3);
  RecordHeader header;
  header.id = {"cam", SessionId{1}, 0};
  std::vector<SetFrame> frames(1);
  frames[0] = {header, {large, nullptr}};
  const auto records = make_frame_set({"job", "cam", "w", {{"cam", PartitionId{0}}, {1, 0}, RunNumber{1}}},
                                      std::move(frames), {.whole_bytes = 1000, .chunk_bytes = 1000});
  AssemblyStep step;
  for (const auto& record : records) step = take(assembler, record);
  ASSERT_TRUE(step.accepted && !step.problem);
  const auto whole = step.accepted->frames.at(0).payload.bytes;
  EXPECT_TRUE(std::equal(whole.begin(), whole.end(), large.begin(), large.end()));
  EXPECT_EQ(assembler.open().held_bytes(), 0);
}

// What is refused to free memory is dead under its own origin when its last record comes, and what comes again is not
// taken.
TEST_F(SetAssemblerTest, ARefusedSetIsDeadUnderItsOriginAndCountsOnce) {
  auto assembler = open();
  const auto set = frame(0, "a", 3);
  take(assembler, set[0]);
  assembler.refuse_oldest_open_set(1 << 20);
  EXPECT_EQ(assembler.open().holding(), 0U);
  EXPECT_FALSE(take(assembler, set[1]).accepted);
  const auto step = take(assembler, set[2]);
  ASSERT_TRUE(step.accepted && step.problem);
  EXPECT_EQ(step.accepted->header.outcome, Outcome::dead);
  EXPECT_EQ(step.accepted->key, (OriginKey{1, 0}));
  EXPECT_EQ(step.accepted->members.size(), 3U);
  EXPECT_TRUE(take(assembler, frame(0, "b")[0]).duplicate);
  EXPECT_TRUE(take(assembler, frame(1)[0]).accepted);
}

TEST_F(SetAssemblerTest, ARefusedSetThatAnotherWriterCompletesFirstIsTaken) {
  auto assembler = open();
  take(assembler, frame(0, "a", 3)[0]);
  assembler.refuse_oldest_open_set(1 << 20);
  const auto step = take(assembler, frame(0, "b")[0]);
  ASSERT_TRUE(step.accepted && !step.problem);
  EXPECT_EQ(step.settled, std::vector<Offset>{Offset{0}});
}

// Else the commit stands still for ever, and whoever starts next reads it all again.
TEST_F(SetAssemblerTest, ASetThatNobodyCompletesIsGivenUpAndAFrameOfItIsStillCounted) {
  limits.idle_reach = 10;
  auto assembler = open();
  const auto set = frame(1000, "slow", 3);
  take(assembler, set[0]);
  AssemblyStep step;
  for (int n = 0; n < 11; ++n) step = take(assembler, frame(n)[0]);
  EXPECT_EQ(step.given_up, 1U);
  EXPECT_EQ(step.settled, std::vector<Offset>{Offset{0}});
  EXPECT_FALSE(take(assembler, set[1]).accepted);
  step = take(assembler, set[2]);
  ASSERT_TRUE(step.accepted && step.problem);
  EXPECT_EQ(step.accepted->key, (OriginKey{1, 1000}));
}

TEST_F(SetAssemblerTest, OpenSetsAreBoundedInNumberAndTheOldestGoes) {
  limits.sets = 8;
  auto assembler = open();
  std::size_t given_up = 0;
  for (int n = 0; n < 50; ++n) given_up += take(assembler, part("1/2", "", 0, n)).given_up;
  EXPECT_EQ(given_up, 42U);
}

TEST_F(SetAssemblerTest, HeadersOfASetAreBoundedInBytes) {
  limits.header_bytes = 10'000;
  auto assembler = open();
  for (int n = 1; n <= 20; ++n)
    take(assembler, with(part(std::to_string(n) + "/21", "", n), "ride_attr_big", std::string(1000, 'x')));
  EXPECT_LT(assembler.open().held_bytes(), 10'000);
  EXPECT_THAT(take(assembler, part("21/21", "")).problem.value().message, testing::HasSubstr("headers"));
}

TEST_F(SetAssemblerTest, NamesOfAnyLengthAreRefused) {
  auto assembler = open();
  for (const auto* header : {"ride_writer", "ce_source", "ce_id", "ride_origin"})
    EXPECT_TRUE(take(assembler, with(part("1/2", ""), header, std::string(100'000, 'x'))).problem) << header;
  EXPECT_TRUE(assembler.open().empty());
}

TEST_F(SetAssemblerTest, ASourcesOriginMustAgreeWithItsId) {
  auto assembler = open();
  EXPECT_TRUE(take(assembler, with(frame(0)[0], "ride_origin", "cam/0/1.4611686018427387904/1")).problem);
  EXPECT_TRUE(take(assembler, with(frame(0)[0], "ride_origin", "cam/0/9.0/1")).problem);
  EXPECT_TRUE(take(assembler, with(frame(0)[0], "ride_origin", "cam/0/1.0/2")).problem);  // another run
  for (int n = 0; n < 3; ++n) EXPECT_FALSE(take(assembler, frame(n)[0]).problem);
}

// Frames and their outcomes by the place of what they were made of, ends behind it; a merge's outcomes below it.
TEST_F(SetAssemblerTest, AStagesOriginIsOneThatStagesWrite) {
  upstreams = {{"blur", 1, false}};
  auto assembler = open();
  const auto outcome = [](OriginKey key) {
    RecordHeader header;
    header.id = {"cam", SessionId{1}, 3};
    return make_outcome_set({"job", "blur", "w", {{"blur", PartitionId{0}}, key, RunNumber{1}}}, header,
                            Outcome::filtered, "")[0];
  };
  for (const auto& forged :
       {with(from_stage(5), "ride_origin", "blur/0/5.1/1"), with(from_stage(5), "ride_origin", "blur/0/5.-1/1"),
        outcome({5, 1}), outcome({5, -6}), end_of("blur", 0, {5, 0}), end_of("blur", 0, {5, 2})}) {
    const auto step = take(assembler, forged);
    ASSERT_TRUE(step.problem) << ::testing::PrintToString(forged.headers);
    EXPECT_THAT(step.problem->message, ::testing::HasSubstr("is not one that a stage writes"));
    EXPECT_FALSE(step.ended);
  }
  EXPECT_FALSE(take(assembler, from_stage(4)).problem);
  EXPECT_FALSE(take(assembler, outcome({5, -2})).problem);
  EXPECT_FALSE(take(assembler, outcome({5, 0})).problem);
  EXPECT_TRUE(take(assembler, end_of("blur", 0, {5, 1})).ended);
}

TEST_F(SetAssemblerTest, AnOutcomeOrAnEndIsOneRecord) {
  auto assembler = open();
  RecordHeader header;
  header.id = {"cam", SessionId{1}, 0};
  const auto outcome = make_outcome_set({"job", "cam", "w", {{"cam", PartitionId{0}}, {1, 0}, RunNumber{1}}}, header,
                                        Outcome::dropped, "late")[0];
  for (const auto& forged : {with(outcome, "ride_part", "1/2"), with(outcome, "ride_chunk", "1/2/0/20"),
                             with(end_of_source(3), "ride_part", "1/2")}) {
    const auto step = take(assembler, forged);
    EXPECT_TRUE(step.problem) << ::testing::PrintToString(forged.headers);
    EXPECT_FALSE(step.ended);
  }
  EXPECT_FALSE(take(assembler, outcome).problem);
  EXPECT_TRUE(take(assembler, end_of_source(3)).ended);
}

// Each of its pictures is whole, but one is not there.
TEST_F(SetAssemblerTest, ASetThatLacksOneOfItsRecordsIsDead) {
  auto assembler = open();
  EXPECT_FALSE(take(assembler, part("1/3", "")).accepted);
  const auto last = take(assembler, part("3/3", "", 2));
  ASSERT_TRUE(last.problem);
  EXPECT_THAT(last.problem->message, ::testing::HasSubstr("1 record of its set is missing"));
  ASSERT_TRUE(last.accepted);
  EXPECT_EQ(last.accepted->kind, RecordKind::outcome);
}

TEST_F(SetAssemblerTest, ASessionThatWasNeverGivenOutIsRefusedWhenThatIsKnown) {
  checks = true;
  auto assembler = open();
  assembler.learn_session("cam", SessionId{1});
  EXPECT_TRUE(take(assembler, frame(0)[0]).accepted);
  const auto forged = with(with(frame(0)[0], "ride_origin", "cam/0/7.0/1"), "ce_id", "cam/7/0");
  const auto asked = take(assembler, forged);
  ASSERT_TRUE(asked.doubt);
  EXPECT_TRUE(asked.doubt->is_session);
  EXPECT_FALSE(asked.accepted);

  --next;  // it is read again, when the decisions have been read
  assembler.settle_doubts({"cam", PartitionId{0}}, Offset{next + 1});
  EXPECT_TRUE(take(assembler, forged).problem);
  EXPECT_TRUE(take(assembler, frame(1)[0]).accepted);
}

TEST_F(SetAssemblerTest, ASessionThatWasGivenOutMeanwhileIsTaken) {
  checks = true;
  auto assembler = open();
  const auto record = frame(0)[0];
  ASSERT_TRUE(take(assembler, record).doubt);
  assembler.learn_session("cam", SessionId{1});
  EXPECT_TRUE(take(assembler, record).accepted);
}

TEST_F(SetAssemblerTest, AnOriginBehindItsTopicsEndIsRefused) {
  checks = true;
  upstreams = {{"blur", 1, false}};
  auto assembler = open();
  EXPECT_TRUE(take(assembler, from_stage(5)).accepted);
  EXPECT_TRUE(take(assembler, from_stage(900)).accepted);  // parts of one large picture may be so many
  const auto far = from_stage(500'000);
  ASSERT_TRUE(take(assembler, far).doubt);
  assembler.learn_end({"blur", PartitionId{0}}, Offset{1000});
  ASSERT_TRUE(take(assembler, far).doubt);
  assembler.settle_doubts({"blur", PartitionId{0}}, Offset{next + 1});
  EXPECT_TRUE(take(assembler, far).problem);
  assembler.learn_end({"blur", PartitionId{0}}, Offset{500'001});
  EXPECT_TRUE(take(assembler, far).accepted);
}

// The forged one is as a producer would write it, and far ahead: the frames behind it are distinguished from
// repetitions.
TEST_F(SetAssemblerTest, FramesThatAForgedOriginHidesAreNoRepetitions) {
  auto assembler = open();
  for (int n = 0; n < 10; ++n) take(assembler, frame(n)[0]);
  take(assembler, frame(1000)[0]);
  const auto repeated = take(assembler, frame(9)[0]);
  EXPECT_TRUE(repeated.duplicate && !repeated.hidden_by);
  const auto hidden = take(assembler, frame(10)[0]);
  ASSERT_TRUE(hidden.duplicate && hidden.hidden_by);
  EXPECT_EQ(hidden.hidden_by->at, Offset{10});
  EXPECT_EQ(hidden.hidden_by->by, (OriginKey{1, 1000}));
}

TEST_F(SetAssemblerTest, WhatAReplacedProducerStillWritesIsNotHiddenButSuperseded) {
  auto assembler = open();
  take(assembler, frame(0)[0]);
  const auto of_the_new = with(with(frame(1, "w2")[0], "ride_origin", "cam/0/2.1/1"), "ce_id", "cam/2/1");
  ASSERT_TRUE(take(assembler, of_the_new).accepted);
  const auto late = take(assembler, frame(1)[0]);
  ASSERT_TRUE(late.duplicate && late.superseded);
  EXPECT_FALSE(late.hidden_by);
  EXPECT_EQ(late.superseded->source, "cam");
  EXPECT_EQ(late.superseded->session, 1);
  EXPECT_EQ(late.superseded->by, 2);
  const auto again = take(assembler, frame(0)[0]);
  EXPECT_TRUE(again.duplicate && !again.superseded) << "it was taken in its time";
}

TEST_F(SetAssemblerTest, WhatATakeoverRepeatsHidesNothing) {
  CommitMetadata start;
  start.watermarks.raise({"cam", PartitionId{0}}, {1, 4});
  start.finished[{"cam", PartitionId{0}}] = {{1, 6}};
  auto assembler = open(start);
  for (const int n : {2, 4, 5, 6, 7, 8, 5, 6, 7, 8, 9}) EXPECT_FALSE(take(assembler, frame(n)[0]).hidden_by) << n;
}

TEST_F(SetAssemblerTest, AnEndBelowAForgedWatermarkIsStillTheEnd) {
  auto assembler = open();
  for (int n = 0; n < 3; ++n) take(assembler, frame(n)[0]);
  take(assembler, frame(1000)[0]);
  const auto step = take(assembler, end_of_source(3));
  EXPECT_TRUE(step.all_ended);
  EXPECT_TRUE(take(assembler, end_of_source(3)).duplicate);

  upstreams = {{"blur", 1, false}};
  auto stage = open();
  take(stage, from_stage(1000));
  EXPECT_TRUE(take(stage, end_of("blur", 0, {9, 1})).all_ended);
}

// A producer that was declared lost writes its end when the next one already sends: the input goes on.
TEST_F(SetAssemblerTest, AnEarlierSessionsEndIsNotTheEnd) {
  auto assembler = open();
  take(assembler, frame(0)[0]);
  take(assembler, with(with(frame(0)[0], "ride_origin", "cam/0/2.0/1"), "ce_id", "cam/2/0"));
  const auto step = take(assembler, end_of_source(1));
  EXPECT_TRUE(step.duplicate && !step.all_ended);
}

// A part that nobody completes must not keep the end from going on.
TEST_F(SetAssemblerTest, TheEndSettlesWhatNobodyCompletes) {
  auto assembler = open();
  take(assembler, part("1/2", "", 0, 5000));
  const auto step = take(assembler, end_of_source(3));
  EXPECT_TRUE(step.all_ended);
  EXPECT_EQ(step.settled, std::vector<Offset>{Offset{0}});
}

TEST_F(SetAssemblerTest, AnAdoptedTopicsRecordsAreFramesByTheirPlace) {
  adopt = AdoptSpec{"raw", "10x10x1", "8u"};
  auto assembler = open();
  next = 41;
  const auto step = take(assembler, OutRecord{"", {{"seq", "7"}}, bytes, nullptr});
  ASSERT_TRUE(step.accepted);
  EXPECT_EQ(to_string(step.accepted->header.id), "t/0/41");
  EXPECT_EQ(step.accepted->frames.at(0).header.passed_on, (Headers{{"seq", "7"}}));
}

TEST_F(SetAssemblerTest, AnAdoptedTopicEndsWhereItIsOrderedTo) {
  adopt = AdoptSpec{"raw", "10x10x1", "8u"};
  const auto step = open().end_at(Offset{41}, SystemTime(std::chrono::seconds(1)));
  ASSERT_TRUE(step.accepted && step.all_ended && step.without_record);
  EXPECT_EQ(step.accepted->kind, RecordKind::end);
  EXPECT_EQ(step.accepted->released_by, Offset{41});
}

}  // namespace
}  // namespace ride::stream
