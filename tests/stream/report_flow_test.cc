// What a process reports, one step after the other: the test is the writer and the clock.
#include "stream/core/report_flow.h"

#include <gtest/gtest.h>

namespace ride::stream {
namespace {

using namespace std::chrono_literals;
using Step = ReportFlow::Step;

const Error kLate{ErrorCode::timeout, "not acknowledged in time", true};
const Error kBroken{ErrorCode::unavailable, "the producer is fenced", false};

class ReportFlowTest : public ::testing::Test {
 protected:
  void post(const std::string& text) { flow_.post(Goodbye{WorkerId{"w#1"}, text}); }
  // "a b *": what is sent, a heartbeat as a star.
  std::string sent() {
    const auto batch = flow_.take(now_);
    if (!batch) return "nothing";
    std::string text;
    for (const auto& body : batch->posted) text += std::get<Goodbye>(body).reason + " ";
    return text + (batch->beats ? "*" : "");
  }
  std::string arrived() {
    auto text = sent();
    flow_.wrote({});
    return text;
  }
  std::chrono::milliseconds silent() const { return flow_.since_acknowledged(now_); }

  ReportFlow::Moment now_{5s};
  ReportFlow flow_{100ms, now_};
};

TEST_F(ReportFlowTest, BeatsEachInterval) {
  EXPECT_EQ(arrived(), "*");
  EXPECT_EQ(sent(), "nothing");
  now_ += 99ms;
  EXPECT_FALSE(flow_.is_due(now_));
  now_ += 1ms;
  EXPECT_EQ(arrived(), "*");
}

TEST_F(ReportFlowTest, WhoWasStoppedForLongBeatsOnceAndNotForEachIntervalThatPassed) {
  EXPECT_EQ(arrived(), "*");
  now_ += 10s;
  EXPECT_EQ(arrived(), "*");
  EXPECT_EQ(arrived(), "nothing");
  now_ += 100ms;
  EXPECT_EQ(arrived(), "*") << "the next interval began with it";
}

TEST_F(ReportFlowTest, WhatIsPostedGoesAtOnceInOrderAndBeforeTheHeartbeat) {
  EXPECT_EQ(arrived(), "*");
  post("a");
  post("b");
  EXPECT_EQ(arrived(), "a b ");
  now_ += 100ms;
  post("c");
  EXPECT_EQ(arrived(), "c *");
}

TEST_F(ReportFlowTest, NewsMakeTheHeartbeatComeAtOnceAndOnce) {
  EXPECT_EQ(arrived(), "*");
  flow_.beat_now();
  EXPECT_EQ(arrived(), "*");
  EXPECT_EQ(arrived(), "nothing");
  now_ += 200ms;
  flow_.beat_now();
  EXPECT_EQ(arrived(), "*");
  EXPECT_EQ(arrived(), "nothing");
}

TEST_F(ReportFlowTest, NothingIsSentBehindWhatIsNotAcknowledged) {
  post("a");
  EXPECT_EQ(sent(), "a *");
  now_ += 1s;
  flow_.wrote(kLate);
  EXPECT_EQ(flow_.step(), Step::settle);
  post("b");
  EXPECT_EQ(sent(), "nothing");
  flow_.settled(kLate);
  EXPECT_EQ(flow_.step(), Step::settle);
  flow_.settled({});
  EXPECT_EQ(arrived(), "b *");
}

TEST_F(ReportFlowTest, TheSilenceCountsFromWhenTheLastHeartbeatThatArrivedWasSent) {
  now_ += 200ms;
  EXPECT_EQ(sent(), "*");
  now_ += 800ms;
  flow_.wrote(kLate);
  now_ += 3s;
  flow_.settled({});
  EXPECT_EQ(silent(), 3'800ms);
  EXPECT_EQ(arrived(), "*");
  EXPECT_EQ(silent(), 0ms);
  post("a");
  now_ += 100ms;
  EXPECT_EQ(arrived(), "a *");
  post("b");
  now_ += 20ms;
  EXPECT_EQ(arrived(), "b ");
  EXPECT_EQ(silent(), 20ms) << "what is posted is no heartbeat";
}

TEST_F(ReportFlowTest, WhatAWriterHadWhenItBrokeIsSentByTheNextOneBeforeWhatCameSince) {
  post("a");
  EXPECT_EQ(sent(), "a *");
  flow_.wrote(kBroken);
  EXPECT_EQ(flow_.step(), Step::broken);
  EXPECT_EQ(flow_.why_broken().message, "the producer is fenced");
  post("b");
  EXPECT_EQ(sent(), "nothing");
  flow_.writer_made();
  EXPECT_EQ(arrived(), "a b ");
}

TEST_F(ReportFlowTest, AWriterMayBreakWhileItIsWaitedFor) {
  post("a");
  EXPECT_EQ(sent(), "a *");
  flow_.wrote(kLate);
  flow_.settled(kBroken);
  EXPECT_EQ(flow_.step(), Step::broken);
  flow_.writer_made();
  EXPECT_EQ(arrived(), "a ");
}

TEST_F(ReportFlowTest, WhatIsPostedBehindARepetitionHasASecondTrialOfItsOwn) {
  post("a");
  EXPECT_EQ(sent(), "a *");
  flow_.wrote(kBroken);
  flow_.writer_made();
  post("b");
  EXPECT_EQ(sent(), "a b ");
  flow_.wrote(kBroken);
  flow_.writer_made();
  EXPECT_EQ(arrived(), "b ");
}

// A release names no epoch. That a job has to fail is said rather twice than not at all.
TEST_F(ReportFlowTest, WhatMightConcernAnotherOwnerLaterIsNotRepeated) {
  flow_.post(Notice{.text = "fatal", .fatal_for_job = true});
  flow_.post(Released{.worker = WorkerId{"w#1"}});
  flow_.post(Notice{.text = "said"});
  post("a");
  ASSERT_EQ(flow_.take(now_)->posted.size(), 4U);
  flow_.wrote(kBroken);
  flow_.writer_made();
  const auto batch = flow_.take(now_);
  ASSERT_EQ(batch->posted.size(), 3U);
  EXPECT_EQ(std::get<Notice>(batch->posted[0]).text, "fatal");
  EXPECT_EQ(std::get<Notice>(batch->posted[1]).text, "said");
  EXPECT_EQ(std::get<Goodbye>(batch->posted[2]).reason, "a");
}

// The writer's queue was full, or its first record still on its way.
TEST_F(ReportFlowTest, WhatWasNotHandedOverIsSentAgainAndItsHeartbeatDoesNotCount) {
  EXPECT_EQ(arrived(), "*");
  now_ += 100ms;
  post("a");
  EXPECT_EQ(sent(), "a *");
  flow_.wrote(Error{ErrorCode::resource_exhausted, "later", true});
  flow_.settled({});
  EXPECT_EQ(silent(), 100ms);
  EXPECT_EQ(arrived(), "a ");
  now_ += 100ms;
  EXPECT_EQ(arrived(), "*");
  EXPECT_EQ(silent(), 0ms);
}

TEST_F(ReportFlowTest, ManyNewsDoNotPutTheNextHeartbeatOff) {
  EXPECT_EQ(arrived(), "*");
  for (int i = 0; i < 6; ++i) {
    now_ += 10ms;
    flow_.beat_now();
    EXPECT_EQ(arrived(), "*");
  }
  EXPECT_LE(flow_.beat_at() - now_, 100ms);
}

TEST_F(ReportFlowTest, WhatBreaksTwoWritersIsGivenUpAndHeartbeatsGoOn) {
  post("poison");
  EXPECT_EQ(sent(), "poison *");
  flow_.wrote(kBroken);
  flow_.writer_made();
  now_ += 100ms;
  EXPECT_EQ(sent(), "poison *");
  flow_.wrote(kBroken);
  flow_.writer_made();
  now_ += 100ms;
  EXPECT_EQ(arrived(), "*");
  post("a");
  EXPECT_EQ(sent(), "a ");
  flow_.wrote(kBroken);
  flow_.writer_made();
  EXPECT_EQ(arrived(), "a ") << "each has its second trial";
}

TEST_F(ReportFlowTest, WhoLeavesSendsWhatIsPostedAndNoHeartbeat) {
  EXPECT_EQ(arrived(), "*");
  now_ += 1s;
  flow_.beat_now();
  post("goodbye");
  flow_.leave();
  EXPECT_EQ(arrived(), "goodbye ");
  EXPECT_FALSE(flow_.is_due(now_ + 1s));
}

TEST_F(ReportFlowTest, AFloodWhileKafkaIsAwayIsBounded) {
  for (std::size_t i = 0; i < ReportFlow::kMostPosted + 5; ++i) post(std::to_string(i));
  const auto batch = flow_.take(now_);
  ASSERT_EQ(batch->posted.size(), ReportFlow::kMostPosted);
  EXPECT_EQ(std::get<Goodbye>(batch->posted.front()).reason, "5") << "the oldest fall out";
}

}  // namespace
}  // namespace ride::stream
