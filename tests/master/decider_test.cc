// A master and its log, one step after the other: the test is the log, the writer and the clock.
#include "master/core/decider.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "tests/master/one_stage_job.h"

namespace ride::master {
namespace {

using namespace std::chrono_literals;
using Step = Decider::Step;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const Error kLate{ErrorCode::timeout, "not acknowledged in time", true};

class Heard final : public DeciderPorts {
 public:
  void ensure(const EnsureTopics& topics) override { ensured.push_back(topics.spec->job.value); }
  void remove(const DeleteTopics&) override {}
  void truncate(Offset before) override { truncated.push_back(before.value); }
  bool take_request(std::int64_t ticket) override { return waiting.contains(ticket); }
  void answer(const Answer& answer) override { answers.insert_or_assign(answer.ticket, answer.result); }
  void drop_requests() override { ++dropped; }
  void counted(const stream::Decision& decision, SystemTime, bool mine, const std::vector<Concern>&) override {
    if (mine) own.emplace_back(stream::type_of(decision.body));
  }
  void refused(stream::Refused kind, const std::string&) override { refusals.push_back(kind); }
  void heard(const ReportRead&) override { ++reports; }
  void told(const Notify& notify) override { notices.push_back(notify.code); }
  void log(LogLevel, const std::string& text) override { lines.push_back(text); }
  void count(const char*) override {}
  void observe(const char*, double) override {}

  std::set<std::int64_t> waiting{1, 2, 3};
  std::map<std::int64_t, Result<RunNumber>> answers;
  std::vector<std::string> ensured, notices, lines, own;
  std::vector<std::int64_t> truncated;
  std::vector<stream::Refused> refusals;
  int dropped = 0, reports = 0;
};

SubmitRequest submit(std::int64_t ticket, const std::string& name) {
  return {.ticket = ticket, .spec = one_stage_job(name), .topology = ""};
}

class DeciderTest : public ::testing::Test {
 protected:
  void SetUp() override {
    decider_.caught_up();
    decider_.turn({});
  }

  Decider make(const std::string& id) {
    return Decider({.id = id, .http = id + ":1", .new_log = "log-of-" + id, .rules = rules(), .leadership = {}}, heard_,
                   Clock{.now = [this] { return std::chrono::steady_clock::time_point(now_); },
                         .wall = [this] { return SystemTime(1'800'000'000s) + now_; }},
                   [] { return 0.5; });
  }

  static Rules rules() {
    Rules rules;
    rules.snapshot_records = 20;
    return rules;
  }

  // The log takes what is wanted, and gives it to be read.
  Offset append(const std::vector<stream::Decision>& decisions) {
    log_.insert(log_.end(), decisions.begin(), decisions.end());
    return Offset{static_cast<std::int64_t>(log_.size()) - 1};
  }
  void read() {
    for (; read_ < log_.size(); ++read_) ASSERT_TRUE(take(log_[read_]).ok());
    decider_.turn({});
  }
  Result<void> take(const stream::Decision& decision) {
    return decider_.take(Offset{static_cast<std::int64_t>(read_)}, SystemTime(1'800'000'000s), decision);
  }
  void write_and_read() {
    ASSERT_EQ(decider_.step(), Step::write);
    ASSERT_TRUE(decider_.wrote(append(decider_.take_records())).ok());
    read();
  }
  void rest() {
    while (decider_.step() == Step::write) write_and_read();
    ASSERT_EQ(decider_.step(), Step::at_rest);
  }
  void lead() {
    rest();
    ASSERT_TRUE(decider_.leads());
    rest();
  }
  // Another master's claim comes into the log.
  void depose() {
    const stream::Claim claim{.epoch = 2, .id = "other", .http = "other:1"};
    append({{decider_.status().log, 2, "other", claim}});
  }
  bool ticks() { return decider_.status().tick(1, std::chrono::duration_cast<Leadership::Moment>(now_)).has_value(); }
  bool knows(const std::string& name) { return decider_.state().hard.jobs.contains(JobName{name}); }

  std::chrono::milliseconds now_{5'000};
  Heard heard_;
  std::vector<stream::Decision> log_;
  std::size_t read_ = 0;
  Decider decider_ = make("m1");
};

TEST_F(DeciderTest, LeadsOnlyWhenItHasReadItsClaim) {
  ASSERT_EQ(decider_.step(), Step::write);
  const auto claim = decider_.take_records();
  EXPECT_EQ(decider_.step(), Step::sent);
  ASSERT_EQ(claim.size(), 1U);
  EXPECT_EQ(claim[0].log, "log-of-m1");
  ASSERT_TRUE(decider_.wrote(append(claim)).ok());
  decider_.turn({});
  EXPECT_EQ(decider_.step(), Step::read_back);
  EXPECT_FALSE(decider_.leads());
  read();
  EXPECT_TRUE(decider_.leads());
}

TEST_F(DeciderTest, ARequestIsAnsweredWhenItsDecisionIsReadBack) {
  lead();
  decider_.turn({submit(1, "street")});
  ASSERT_EQ(decider_.step(), Step::write);
  EXPECT_FALSE(knows("street")) << "known only from the log";
  EXPECT_FALSE(decider_.takes_events());
  ASSERT_TRUE(decider_.wrote(append(decider_.take_records())).ok());
  decider_.turn({});
  EXPECT_THAT(heard_.answers, IsEmpty());
  EXPECT_THAT(heard_.ensured, IsEmpty()) << "the topics come after the decision";
  read();
  EXPECT_TRUE(knows("street"));
  EXPECT_TRUE(heard_.answers.at(1).ok());
  EXPECT_THAT(heard_.ensured, ElementsAre("street"));
  EXPECT_THAT(heard_.own, Contains("job"));
}

TEST_F(DeciderTest, OfSeveralRecordsTheLastMustBeRead) {
  lead();
  decider_.turn({submit(1, "street"), submit(2, "yard")});
  ASSERT_EQ(decider_.step(), Step::write);
  const auto records = decider_.take_records();
  ASSERT_GE(records.size(), 2U);
  ASSERT_TRUE(decider_.wrote(append(records)).ok());
  for (; read_ + 1 < log_.size(); ++read_) ASSERT_TRUE(take(log_[read_]).ok());
  decider_.turn({});
  EXPECT_EQ(decider_.step(), Step::read_back);
  read();
  EXPECT_TRUE(knows("street"));
  EXPECT_TRUE(knows("yard"));
}

TEST_F(DeciderTest, WhoseCallerHasGoneIsNotDecided) {
  lead();
  heard_.waiting.erase(1);
  decider_.turn({submit(1, "street"), submit(2, "yard")});
  rest();
  EXPECT_FALSE(knows("street"));
  EXPECT_TRUE(knows("yard"));
}

TEST_F(DeciderTest, AStandbyRefusesRequests) {
  lead();
  depose();
  read();
  EXPECT_EQ(heard_.dropped, 1);
  decider_.turn({submit(1, "street")});
  ASSERT_TRUE(heard_.answers.contains(1));
  EXPECT_TRUE(heard_.answers.at(1).error().retriable);
  EXPECT_EQ(decider_.step(), Step::at_rest);
}

// ---- Kafka is away

TEST_F(DeciderTest, WhatIsNotAcknowledgedInTimeIsWaitedForAndTheClaimIsWrittenBehindIt) {
  lead();
  EXPECT_TRUE(ticks());
  decider_.turn({submit(1, "street")});
  const auto sent = decider_.take_records();
  ASSERT_TRUE(decider_.wrote(kLate).ok());
  decider_.turn({});
  EXPECT_EQ(decider_.step(), Step::settle);
  EXPECT_TRUE(decider_.stalled());
  EXPECT_FALSE(ticks()) << "another master may take over";
  EXPECT_FALSE(decider_.farewell());
  ASSERT_TRUE(decider_.settled(kLate).ok());
  EXPECT_EQ(decider_.step(), Step::settle);
  EXPECT_THAT(heard_.notices, ElementsAre("kafka_away")) << "said once";

  append(sent);
  ASSERT_TRUE(decider_.settled({}).ok());
  ASSERT_EQ(decider_.step(), Step::write);
  const auto again = decider_.take_records();
  ASSERT_EQ(again.size(), 1U);
  EXPECT_TRUE(std::holds_alternative<stream::Claim>(again[0].body)) << "nothing is decided twice";
  ASSERT_TRUE(decider_.wrote(append(again)).ok());
  EXPECT_TRUE(decider_.stalled());
  read();
  EXPECT_FALSE(decider_.stalled());
  EXPECT_TRUE(knows("street"));
  EXPECT_TRUE(heard_.answers.at(1).ok());
  EXPECT_THAT(heard_.notices, ElementsAre("kafka_away", "kafka_back"));
  EXPECT_THAT(heard_.refusals, IsEmpty()) << "all records are its own";
}

TEST_F(DeciderTest, WhatIsNotReadBackIsAStallThatIsSaidOnce) {
  lead();
  decider_.turn({submit(1, "street")});
  ASSERT_TRUE(decider_.wrote(append(decider_.take_records())).ok());
  now_ += 1'900ms;
  decider_.turn({});
  EXPECT_FALSE(decider_.stalled());
  EXPECT_THAT(heard_.notices, IsEmpty());
  now_ += 100ms;
  decider_.turn({});
  EXPECT_TRUE(decider_.stalled());
  EXPECT_THAT(heard_.notices, ElementsAre("kafka_away"));
  decider_.turn({});
  read();
  EXPECT_FALSE(decider_.stalled());
  EXPECT_TRUE(heard_.answers.at(1).ok());
  EXPECT_THAT(heard_.notices, ElementsAre("kafka_away", "kafka_back"));
}

// A lease is 400 ms.
TEST_F(DeciderTest, HoweverLongReadingBackTakesEventsHaveTheirTurnBetweenTwoLeases) {
  lead();
  for (std::int64_t ticket = 1; ticket <= 3; ++ticket) {
    now_ += 500ms;
    decider_.turn({});
    ASSERT_EQ(decider_.step(), Step::write) << "the lease";
    ASSERT_TRUE(decider_.wrote(append(decider_.take_records())).ok());
    now_ += 500ms;
    read();
    ASSERT_TRUE(decider_.takes_events());
    const auto name = "job-" + std::to_string(ticket);
    decider_.turn({submit(ticket, name)});
    rest();
    EXPECT_TRUE(knows(name));
  }
}

TEST_F(DeciderTest, AClaimThatIsNotAcknowledgedInTimeIsGivenUpButMayStillWin) {
  const auto claim = decider_.take_records();
  ASSERT_TRUE(decider_.wrote(kLate).ok());
  EXPECT_EQ(decider_.step(), Step::at_rest);
  EXPECT_FALSE(decider_.stalled()) << "nobody waits for it";
  append(claim);
  read();
  EXPECT_TRUE(decider_.leads());
}

TEST_F(DeciderTest, AClaimThatIsNotReadBackInTimeIsGivenUp) {
  ASSERT_TRUE(decider_.wrote(append(decider_.take_records())).ok());
  now_ += 1'000ms;
  decider_.turn({});
  EXPECT_EQ(decider_.step(), Step::read_back);
  now_ += 1ms;
  decider_.turn({});
  EXPECT_NE(decider_.step(), Step::read_back);
}

// ---- deposed

TEST_F(DeciderTest, WhoIsDeposedBeforeItsDecisionIsReadPerformsNothingMore) {
  lead();
  decider_.turn({submit(1, "street")});
  const auto late = decider_.take_records();
  depose();
  ASSERT_TRUE(decider_.wrote(append(late)).ok());
  read();
  EXPECT_EQ(decider_.step(), Step::at_rest);
  EXPECT_FALSE(decider_.leads());
  EXPECT_FALSE(knows("street"));
  EXPECT_THAT(heard_.ensured, IsEmpty());
  EXPECT_FALSE(heard_.answers.contains(1));
  EXPECT_EQ(heard_.dropped, 1);
}

TEST_F(DeciderTest, WhoIsDeposedWhileItWaitsForKafkaWritesNothingInAnothersName) {
  lead();
  decider_.turn({submit(1, "street")});
  decider_.take_records();
  ASSERT_TRUE(decider_.wrote(kLate).ok());
  depose();
  for (; read_ < log_.size(); ++read_) ASSERT_TRUE(take(log_[read_]).ok());
  ASSERT_TRUE(decider_.settled({}).ok());
  EXPECT_EQ(decider_.step(), Step::at_rest);
  decider_.turn({});
  EXPECT_EQ(decider_.step(), Step::at_rest);
  EXPECT_THAT(heard_.notices, ElementsAre("kafka_away", "kafka_back"));
}

TEST_F(DeciderTest, WhatHappenedWhenItTookOverIsLookedAtAfterwards) {
  ASSERT_TRUE(decider_.wrote(append(decider_.take_records())).ok());
  for (; read_ < log_.size(); ++read_) ASSERT_TRUE(take(log_[read_]).ok());
  ASSERT_TRUE(decider_.leads());
  decider_.turn({submit(1, "street")});
  rest();
  EXPECT_TRUE(knows("street"));
  EXPECT_TRUE(heard_.answers.at(1).ok());
}

// ---- the writer, the reader

TEST_F(DeciderTest, WithANewWriterItIsAnotherCandidate) {
  lead();
  decider_.turn({submit(1, "street")});
  decider_.take_records();
  ASSERT_TRUE(decider_.wrote(Error{ErrorCode::unavailable, "the producer is fenced"}).ok());
  EXPECT_EQ(decider_.step(), Step::broken);
  EXPECT_FALSE(decider_.leads());
  EXPECT_EQ(heard_.dropped, 1);
  decider_.turn({});
  EXPECT_EQ(decider_.step(), Step::broken);
  decider_.writer_made();
  now_ += 5s;
  decider_.turn({});
  now_ += 5s;  // it was not asked for long, and listens first
  for (int i = 0; i < 20 && decider_.step() == Step::at_rest; ++i) {
    now_ += 100ms;
    decider_.turn({});
  }
  ASSERT_EQ(decider_.step(), Step::write);
  const auto claim = decider_.take_records();
  EXPECT_EQ(claim[0].leader, "m1-2") << "what the old one had on its way may land later";
  EXPECT_EQ(claim[0].epoch, 2);
}

TEST_F(DeciderTest, AWriterMayBreakWhileItIsWaitedFor) {
  lead();
  decider_.turn({submit(1, "street")});
  decider_.take_records();
  ASSERT_TRUE(decider_.wrote(kLate).ok());
  ASSERT_TRUE(decider_.settled(Error{ErrorCode::unavailable, "the producer is fenced"}).ok());
  EXPECT_EQ(decider_.step(), Step::broken);
  EXPECT_FALSE(decider_.leads());
  EXPECT_FALSE(decider_.stalled());
  EXPECT_EQ(heard_.dropped, 1);
  EXPECT_FALSE(decider_.settled(Error{ErrorCode::permission, "not you"}).ok());
}

TEST_F(DeciderTest, AWriterThatBreaksWithAClaimOnItsWayIsReplacedAndTheClaimMeansNothing) {
  const auto claim = decider_.take_records();
  ASSERT_TRUE(decider_.wrote(Error{ErrorCode::unavailable, "the producer is fenced"}).ok());
  EXPECT_EQ(decider_.step(), Step::broken);
  append(claim);
  for (; read_ < log_.size(); ++read_) ASSERT_TRUE(take(log_[read_]).ok());
  decider_.writer_made();
  decider_.turn({});
  EXPECT_FALSE(decider_.leads()) << "it was another candidate's";
}

// A claim was given up, the next one of the same epoch was not even sent, and the first one lands.
TEST_F(DeciderTest, AClaimThatNeverLandsIsNoRecordThatIsMissing) {
  const auto claim = decider_.take_records();
  ASSERT_TRUE(decider_.wrote(kLate).ok());
  for (int i = 0; i < 30 && decider_.step() == Step::at_rest; ++i) {
    now_ += 100ms;
    decider_.turn({});
  }
  ASSERT_EQ(decider_.step(), Step::write);
  EXPECT_EQ(decider_.take_records()[0].epoch, claim[0].epoch);
  ASSERT_TRUE(decider_.wrote(Error{ErrorCode::resource_exhausted, "the first record is on its way", true}).ok());
  append(claim);
  read();
  ASSERT_TRUE(decider_.leads());
  decider_.turn({submit(1, "street")});
  rest();
  EXPECT_TRUE(decider_.leads());
  EXPECT_TRUE(heard_.answers.at(1).ok());
}

TEST_F(DeciderTest, WithANewWriterTheCountsBeginAnew) {
  decider_.take_records();
  ASSERT_TRUE(decider_.wrote(Error{ErrorCode::unavailable, "the producer is fenced"}).ok());
  decider_.writer_made();
  for (int i = 0; i < 30 && decider_.step() == Step::at_rest; ++i) {
    now_ += 100ms;
    decider_.turn({});
  }
  lead();
  decider_.turn({submit(1, "street")});
  rest();
  EXPECT_TRUE(decider_.leads());
  EXPECT_THAT(heard_.refusals, IsEmpty());
}

// Part of a batch was never handed over: the queue was full.
TEST_F(DeciderTest, WhoMissesARecordThatItWroteHasABrokenWriterAndAnswersNobody) {
  lead();
  decider_.turn({submit(1, "street"), submit(2, "yard")});
  auto records = decider_.take_records();
  ASSERT_GE(records.size(), 2U);
  records.pop_back();
  append(records);
  ASSERT_TRUE(decider_.wrote(Error{ErrorCode::resource_exhausted, "the queue is full", true}).ok());
  ASSERT_TRUE(decider_.settled({}).ok());
  ASSERT_TRUE(decider_.wrote(append(decider_.take_records())).ok());
  read();
  EXPECT_EQ(decider_.step(), Step::broken);
  EXPECT_FALSE(decider_.leads());
  EXPECT_THAT(heard_.answers, IsEmpty());
  EXPECT_EQ(heard_.dropped, 1);
}

TEST_F(DeciderTest, WhoIsOvertakenWhileItWaitsForKafkaGivesUpWhatItWrote) {
  lead();
  decider_.turn({submit(1, "street")});
  decider_.take_records();
  ASSERT_TRUE(decider_.wrote(kLate).ok());
  decider_.overtaken();
  decider_.turn({});
  EXPECT_EQ(decider_.step(), Step::at_rest);
  EXPECT_TRUE(decider_.reads_first());
  EXPECT_FALSE(decider_.stalled());
  EXPECT_EQ(heard_.dropped, 1);
}

TEST_F(DeciderTest, WhoIsOvertakenWhileItReadsBackGivesUpWhatItWrote) {
  lead();
  decider_.turn({submit(1, "street")});
  ASSERT_TRUE(decider_.wrote(append(decider_.take_records())).ok());
  decider_.overtaken();
  decider_.turn({});
  EXPECT_EQ(decider_.step(), Step::at_rest);
  EXPECT_TRUE(decider_.reads_first());
  EXPECT_THAT(heard_.answers, IsEmpty());
}

TEST_F(DeciderTest, WhoMayNotWriteEnds) {
  lead();
  decider_.turn({submit(1, "street")});
  decider_.take_records();
  const auto refused = decider_.wrote(Error{ErrorCode::permission, "not you"});
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.error().message, HasSubstr("cannot write decisions: not you"));
}

TEST_F(DeciderTest, WhoWasOvertakenKnowsNothingUntilItHasCaughtUp) {
  lead();
  decider_.turn({submit(1, "street")});
  rest();
  ASSERT_TRUE(knows("street"));
  decider_.overtaken();
  EXPECT_FALSE(decider_.leads());
  EXPECT_FALSE(knows("street"));
  EXPECT_FALSE(decider_.takes_events());
  EXPECT_TRUE(decider_.reads_first());
  now_ += 10s;
  decider_.turn({});
  EXPECT_EQ(decider_.step(), Step::at_rest) << "it claims nothing";
  decider_.caught_up();
  EXPECT_TRUE(decider_.takes_events());
}

TEST_F(DeciderTest, RecordsInItsNameThatItDidNotWriteAreReported) {
  lead();
  auto forged = log_.back();
  forged.body = stream::SnapshotPart{.id = "none", .part = 2, .parts = 2};
  append({forged});
  decider_.turn({submit(1, "street")});
  rest();
  EXPECT_THAT(heard_.refusals, ElementsAre(stream::Refused::forged));
  decider_.turn({submit(2, "yard")});
  rest();
  EXPECT_EQ(heard_.refusals.size(), 1U) << "each is reported once";
}

TEST_F(DeciderTest, RecordsThatMeanNothingHereAreRefusedAndChangeNothing) {
  lead();
  decider_.turn({submit(1, "street")});
  rest();
  auto foreign = log_.back();
  foreign.log = "another";
  append({foreign});
  read();
  EXPECT_THAT(heard_.refusals, ElementsAre(stream::Refused::foreign_log));
  decider_.take_unreadable(Offset{static_cast<std::int64_t>(read_)}, {ErrorCode::corrupt, "no JSON"});
  EXPECT_THAT(heard_.refusals, ElementsAre(stream::Refused::foreign_log, stream::Refused::unreadable));
  EXPECT_TRUE(decider_.leads());
}

TEST_F(DeciderTest, TheLeaseIsWrittenBeforeTheTicksWouldEnd) {
  lead();
  for (int i = 0; i < 40; ++i) {
    now_ += 100ms;
    decider_.turn({});
    rest();
    ASSERT_TRUE(ticks());
  }
  EXPECT_GE(log_.size(), 8U);
  EXPECT_TRUE(decider_.leads());
}

TEST_F(DeciderTest, WhatIsCutOffEndsBeforeTheSnapshotThatItReadBack) {
  lead();
  decider_.turn({submit(1, "street")});
  rest();
  EXPECT_THAT(heard_.truncated, IsEmpty());
  for (int i = 0; i < 6'000 && heard_.truncated.empty(); ++i) {
    now_ += 100ms;
    decider_.turn(
        {ReportRead{stream::Tick{.epoch = 1, .leader = "m1", .number = i}, SystemTime(1'800'000'000s) + now_}});
    rest();
  }
  ASSERT_THAT(heard_.truncated.size(), 1U);
  const auto& first = log_[static_cast<std::size_t>(heard_.truncated[0])];
  const auto* part = std::get_if<stream::SnapshotPart>(&first.body);
  ASSERT_NE(part, nullptr);
  EXPECT_EQ(part->part, 1);
}

TEST_F(DeciderTest, AFarewellIsTheNextClaimForNobody) {
  EXPECT_FALSE(decider_.farewell()) << "it does not lead";
  lead();
  const auto last = decider_.farewell();
  ASSERT_TRUE(last);
  EXPECT_EQ(last->epoch, 2);
  append({*last});
  read();
  EXPECT_FALSE(decider_.leads());
}

}  // namespace
}  // namespace ride::master
