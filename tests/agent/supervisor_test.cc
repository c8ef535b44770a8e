#include "agent/core/supervisor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "common/exit_codes.h"

namespace ride::agent {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TimePoint ms(int value) { return TimePoint{value}; }

Supervisor running_pair() {
  Supervisor supervisor({"n-w1", "n-w2"});
  supervisor.due(ms(0));
  supervisor.started(0, 11, ms(0));
  supervisor.started(1, 12, ms(0));
  return supervisor;
}

TEST(Supervisor, StartsEveryChildAtOnceAndOnlyOnce) {
  Supervisor supervisor({"n-w1", "n-w2"});
  EXPECT_THAT(supervisor.due(ms(0)), ElementsAre(StartChild{0}, StartChild{1}));
  EXPECT_THAT(supervisor.due(ms(1)), IsEmpty());
  EXPECT_EQ(supervisor.next_due(), std::nullopt);
}

TEST(Supervisor, ReportsADeathAtOnceAndStartsAgainSoon) {
  auto supervisor = running_pair();
  const ExitStatus crash{-1, SIGSEGV};
  EXPECT_THAT(supervisor.exited(12, crash, ms(100)), ElementsAre(ReportExit{1, 12, crash, false, ms(50)}));
  EXPECT_EQ(supervisor.next_due(), ms(150));
  EXPECT_THAT(supervisor.due(ms(149)), IsEmpty());
  EXPECT_THAT(supervisor.due(ms(150)), ElementsAre(StartChild{1}));
}

TEST(Supervisor, DoublesTheDelayUpToItsLimitWhileAChildKeepsDying) {
  Supervisor supervisor({"n-w1"});
  int now = 0;
  std::vector<int> delays;
  for (int i = 0; i < 10; ++i) {
    supervisor.due(ms(now));
    supervisor.started(0, 20 + i, ms(now));
    const auto actions = supervisor.exited(20 + i, {1, 0}, ms(now));
    delays.push_back(static_cast<int>(std::get<ReportExit>(actions.at(0)).restart_in.count()));
    now += delays.back();
  }
  EXPECT_THAT(delays, ElementsAre(50, 100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000));
}

TEST(Supervisor, ForgivesAChildThatRanForLong) {
  Supervisor supervisor({"n-w1"});
  for (int i = 0; i < 5; ++i) {
    const int now = i * 6000;
    supervisor.due(ms(now));
    supervisor.started(0, 5, ms(now));
    supervisor.exited(5, {1, 0}, ms(now));
  }
  supervisor.due(ms(40'000));
  supervisor.started(0, 5, ms(40'000));
  EXPECT_THAT(supervisor.exited(5, {1, 0}, ms(50'000)), ElementsAre(ReportExit{0, 5, {1, 0}, false, ms(50)}));
}

TEST(Supervisor, AChildThatHadToEndIsStartedWithoutTheDelayOfCrashesUnlessItDoesSoAtOnce) {
  Supervisor supervisor({"n-w1"});
  int now = 0;
  const auto end_after = [&](int ran, int code) {
    supervisor.due(ms(now));
    supervisor.started(0, 5, ms(now));
    now += ran;
    const auto actions = supervisor.exited(5, {code, 0}, ms(now));
    const auto restart_in = static_cast<int>(std::get<ReportExit>(actions.at(0)).restart_in.count());
    now += restart_in;
    return restart_in;
  };
  for (int i = 0; i < 20; ++i) EXPECT_EQ(end_after(2000, kExitStartAgain), 50) << i;
  EXPECT_EQ(supervisor.slots()[0].restarts, 0) << "it does not keep ending by itself";
  EXPECT_EQ(end_after(10, kExitStartAgain), 100);
  EXPECT_EQ(end_after(10, kExitStartAgain), 200);
  EXPECT_EQ(end_after(2000, 1), 400) << "a crash";
}

TEST(Supervisor, TriesAgainWhenAStartFailed) {
  Supervisor supervisor({"n-w1"});
  supervisor.due(ms(0));
  supervisor.start_failed(0, ms(0));
  EXPECT_EQ(supervisor.next_due(), ms(50));
  EXPECT_THAT(supervisor.due(ms(50)), ElementsAre(StartChild{0}));
  supervisor.start_failed(0, ms(50));
  EXPECT_EQ(supervisor.next_due(), ms(150));
}

TEST(Supervisor, DoesNotTakeAForeignProcessForAChild) {
  auto supervisor = running_pair();
  EXPECT_THAT(supervisor.exited(99, {0, 0}, ms(5)), IsEmpty());
  EXPECT_THAT(supervisor.exited(0, {0, 0}, ms(5)), IsEmpty());
}

TEST(Supervisor, StopsWithATermSignalAndKillsAfterTheDeadline) {
  auto supervisor = running_pair();
  EXPECT_THAT(supervisor.stop(ms(1000)), ElementsAre(SignalChild{0, 11, SIGTERM}, SignalChild{1, 12, SIGTERM}));
  EXPECT_THAT(supervisor.exited(11, {0, 0}, ms(1100)), ElementsAre(ReportExit{0, 11, {0, 0}, true, ms(0)}));
  EXPECT_FALSE(supervisor.finished());
  EXPECT_EQ(supervisor.next_due(), ms(6000));
  EXPECT_THAT(supervisor.due(ms(6000)), ElementsAre(SignalChild{1, 12, SIGKILL}));
  EXPECT_THAT(supervisor.due(ms(7000)), IsEmpty());
  supervisor.exited(12, {-1, SIGKILL}, ms(6001));
  EXPECT_TRUE(supervisor.finished());
}

TEST(Supervisor, KillsAtOnceWhenToldToStopTwice) {
  auto supervisor = running_pair();
  supervisor.stop(ms(1000));
  EXPECT_THAT(supervisor.stop(ms(1001)), ElementsAre(SignalChild{0, 11, SIGKILL}, SignalChild{1, 12, SIGKILL}));
  EXPECT_THAT(supervisor.stop(ms(1002)), IsEmpty());
}

TEST(Supervisor, StartsNobodyWhileItStops) {
  Supervisor supervisor({"n-w1", "n-w2"});
  supervisor.due(ms(0));
  supervisor.started(0, 11, ms(0));
  supervisor.started(1, 12, ms(0));
  supervisor.exited(11, {1, 0}, ms(10));  // waits for its restart
  supervisor.stop(ms(20));
  EXPECT_THAT(supervisor.due(ms(100)), IsEmpty());
  supervisor.exited(12, {0, 0}, ms(110));
  EXPECT_TRUE(supervisor.finished());
}

TEST(Supervisor, RenewedChildrenStartWhenTheLastOfThemHasEndedAndOthersGoOn) {
  Supervisor supervisor({"n-w1", "n-w2", "n-w3", "n-p1"});
  supervisor.due(ms(0));
  for (SlotIndex slot = 0; slot < 4; ++slot) supervisor.started(slot, static_cast<pid_t>(11 + slot), ms(0));
  supervisor.exited(13, {1, 0}, ms(900));  // waits for its restart
  EXPECT_THAT(supervisor.renew({0, 1, 2}, ms(910)),
              ElementsAre(SignalChild{0, 11, SIGTERM}, SignalChild{1, 12, SIGTERM}));
  EXPECT_THAT(supervisor.exited(11, {0, 0}, ms(1000)), ElementsAre(ReportExit{0, 11, {0, 0}, true, ms(0)}));
  EXPECT_THAT(supervisor.due(ms(2000)), IsEmpty()) << "one of before still runs";
  EXPECT_EQ(supervisor.next_due(), ms(5910)) << "when it is killed";
  EXPECT_THAT(supervisor.due(ms(5910)), ElementsAre(SignalChild{1, 12, SIGKILL}));
  supervisor.exited(12, {-1, SIGKILL}, ms(5911));
  EXPECT_THAT(supervisor.due(ms(5911)), ElementsAre(StartChild{0}, StartChild{1}, StartChild{2}));
  supervisor.started(0, 21, ms(5920));
  EXPECT_THAT(supervisor.exited(21, {1, 0}, ms(6000)), ElementsAre(ReportExit{0, 21, {1, 0}, false, ms(50)}))
      << "as ever again";
  EXPECT_EQ(supervisor.slots()[3].state, ChildState::running);
}

TEST(Supervisor, ARenewalThatIsOvertakenByAStopStartsNobody) {
  auto supervisor = running_pair();
  supervisor.renew({0, 1}, ms(1000));
  supervisor.exited(11, {0, 0}, ms(1010));
  supervisor.stop(ms(1020));
  supervisor.exited(12, {-1, SIGKILL}, ms(1030));
  EXPECT_THAT(supervisor.due(ms(9000)), IsEmpty());
  EXPECT_TRUE(supervisor.finished());
}

TEST(Supervisor, AnAgentWithoutChildrenHasFinishedAsSoonAsItStops) {
  Supervisor supervisor({});
  EXPECT_FALSE(supervisor.finished());
  supervisor.stop(ms(0));
  EXPECT_TRUE(supervisor.finished());
}

TEST(ExitStatus, ReadsAsPeopleSayIt) {
  EXPECT_EQ(describe({3, 0}), "exit code 3");
  EXPECT_EQ(describe({-1, SIGKILL}), "signal 9 (SIGKILL)");
}

}  // namespace
}  // namespace ride::agent
