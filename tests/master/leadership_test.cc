// Who leads, as scenarios: several Leadership machines read one log of claims, with a clock that the test moves.
#include "master/core/leadership.h"

#include <gtest/gtest.h>

#include <deque>
#include <random>
#include <set>

namespace ride::master::test {
namespace {

using namespace std::chrono_literals;
using Role = Leadership::Role;

// Claims land at once and all read them, but those that are stopped, which read them when they go on.
class Masters {
 public:
  explicit Masters(int count, std::uint32_t seed = 7) : random_(seed) {
    for (int i = 0; i < count; ++i) join();
  }

  void join() {
    machines_.push_back({Leadership("m" + std::to_string(machines_.size()), "host:1")});
    read(machines_.back());
    machines_.back().core.caught_up(now);
  }
  Leadership& operator[](std::size_t i) { return machines_[i].core; }

  // 10 ms at a time. Who is stopped does nothing and reads nothing.
  void pass(std::chrono::milliseconds time, const std::set<std::size_t>& stopped = {}) {
    for (const auto end = now + time; now < end; now += 10ms) {
      for (std::size_t i = 0; i < machines_.size(); ++i) {
        if (stopped.contains(i)) continue;
        read(machines_[i]);
        act(machines_[i].core);
      }
    }
  }

  std::vector<std::size_t> leaders() const {
    std::vector<std::size_t> all;
    for (std::size_t i = 0; i < machines_.size(); ++i)
      if (machines_[i].core.leads()) all.push_back(i);
    return all;
  }
  void append(const stream::Claim& claim) { log_.push_back(claim); }
  const std::vector<stream::Claim>& log() const { return log_; }
  std::int64_t epoch() const { return highest_; }

  bool claims_are_lost = false;
  Leadership::Moment now{5000};

 private:
  struct Machine {
    Leadership core;
    std::size_t read = 0;
  };
  void read(Machine& machine) {
    for (; machine.read < log_.size(); ++machine.read) {
      const auto& claim = log_[machine.read];
      if (claim.epoch > machine.core.standing().epoch) machine.core.stands(claim, now);
      highest_ = std::max(highest_, claim.epoch);
    }
  }
  void act(Leadership& core) {
    if (const auto claim = core.due(now, std::uniform_real_distribution<double>(0, 1)(random_), 100ms)) {
      if (claims_are_lost) return;
      const bool renews = core.leads();
      log_.push_back(*claim);
      if (renews) core.wrote(now);
    }
    if (!core.may_tick(now)) return;
    for (auto& other : machines_)
      if (other.core.standing() == core.standing()) other.core.ticked(now);
  }

  std::deque<Machine> machines_;
  std::vector<stream::Claim> log_;
  std::int64_t highest_ = 0;
  std::mt19937 random_;
};

TEST(Leadership, TheFirstClaimOfAnEmptyLogWinsAndTheOthersStandBy) {
  Masters masters(3);
  masters.pass(3s);
  EXPECT_EQ(masters.leaders(), std::vector<std::size_t>{0});
  EXPECT_EQ(masters.epoch(), 1);
  EXPECT_EQ(masters[1].role(), Role::standby);
  EXPECT_TRUE(masters[1].is_led(masters.now));
}

TEST(Leadership, AStandbyTakesOverWithinTwoSecondsOfSilence) {
  for (std::uint32_t seed = 1; seed <= 50; ++seed) {
    Masters masters(4, seed);
    masters.pass(1s);
    const auto begin = masters.now;
    while (masters.epoch() == 1 && masters.now - begin < 5s) masters.pass(10ms, {0});
    EXPECT_GE(masters.now - begin, 900ms) << "not sooner than the silence that is allowed";
    EXPECT_LE(masters.now - begin, 1300ms);
    masters.pass(3s, {0});
    const auto leaders = masters.leaders();
    ASSERT_EQ(leaders.size(), 2u) << "the stopped one does not know yet";
    EXPECT_EQ(masters.epoch(), 2) << "one election is enough";
  }
}

TEST(Leadership, WhoWasStoppedAsLeaderSendsNoTickAndStandsByWhenItGoesOn) {
  Masters masters(2);
  masters.pass(1s);
  masters.pass(5s, {0});
  ASSERT_TRUE(masters[1].leads());
  EXPECT_TRUE(masters[0].leads()) << "it believes so";
  EXPECT_FALSE(masters[0].may_tick(masters.now)) << "but it wrote nothing lately";
  masters.pass(3s);
  EXPECT_EQ(masters.leaders(), std::vector<std::size_t>{1});
  EXPECT_EQ(masters[0].role(), Role::standby);
  EXPECT_EQ(masters.epoch(), 2);
}

TEST(Leadership, WhoWasStoppedAsStandbyListensBeforeItClaims) {
  Masters masters(2);
  masters.pass(1s);
  masters.pass(30s, {1});
  masters.pass(3s);
  EXPECT_EQ(masters.epoch(), 1) << "nobody was silent but itself";
}

// All of the half minute's ticks are still to be read, and it does not know that.
TEST(Leadership, WhoWasStoppedListensForAsLongAsASilenceMayLast) {
  Leadership standby("b", "");
  Leadership::Moment now{0};
  standby.caught_up(now);
  standby.stands({1, "a", ""}, now);
  for (; now < 2s; now += 100ms) {
    standby.ticked(now);
    ASSERT_FALSE(standby.due(now, 0, 100ms));
  }
  now += 30s;
  const auto goes_on = now;
  while (!standby.due(now, 0, 100ms) && now - goes_on < 5s) now += 100ms;
  EXPECT_GE(now - goes_on, 1s);
  EXPECT_LE(now - goes_on, 1200ms) << "but no longer: nobody is there";
}

// What was sent so long ago says nothing about now: another claim may stand behind it.
TEST(Leadership, AClaimThatIsReadLateIsAsOldAsItsSending) {
  Leadership master("a", "");
  master.caught_up(0ms);
  const auto claim = master.due(0ms, 0, 100ms);
  ASSERT_TRUE(claim);
  master.stands(*claim, 900ms);
  ASSERT_TRUE(master.leads());
  EXPECT_TRUE(master.may_tick(1000ms));
  EXPECT_FALSE(master.may_tick(1010ms));
  EXPECT_EQ(master.due(1010ms, 0, 100ms), claim) << "it writes first";
  master.wrote(1010ms);
  EXPECT_TRUE(master.may_tick(1020ms));
}

TEST(Leadership, AnIdleLeaderWritesItsClaimAgainSoThatItMayTick) {
  Masters masters(1);
  masters.pass(10s);
  EXPECT_GT(masters.log().size(), 20u);
  EXPECT_LT(masters.log().size(), 40u);
  EXPECT_EQ(masters.epoch(), 1);
  EXPECT_TRUE(masters[0].may_tick(masters.now));
}

TEST(Leadership, ALeaderThatCannotWriteStopsTickingAndIsReplaced) {
  Masters masters(2);
  masters.pass(1s);
  auto& leader = masters[0];
  // Its writes get no answer: due() asks, and nothing is acknowledged.
  for (const auto end = masters.now + 1200ms; masters.now < end; masters.now += 10ms) leader.due(masters.now, 0, 100ms);
  EXPECT_TRUE(leader.leads());
  EXPECT_FALSE(leader.may_tick(masters.now));
}

TEST(Leadership, AClaimThatIsNotReadBackIsGivenUpAndTriedAgainLater) {
  Masters masters(2);
  masters.pass(1s);
  masters.claims_are_lost = true;
  masters.pass(4s, {0});
  EXPECT_FALSE(masters[1].leads()) << "it decides nothing before it has read its claim";
  masters.claims_are_lost = false;
  masters.pass(3s, {0});
  EXPECT_TRUE(masters[1].leads());
  EXPECT_EQ(masters.epoch(), 2);
}

TEST(Leadership, ALateClaimThatWinsAfterAllMakesALeader) {
  Masters masters(2);
  masters.pass(1s);
  masters.claims_are_lost = true;
  masters.pass(2500ms, {0});
  EXPECT_EQ(masters[1].role(), Role::standby) << "given up, and it waits";
  masters.append({2, "m1", "host:1"});  // it was on its way
  masters.pass(10ms, {0});
  EXPECT_TRUE(masters[1].leads());
}

TEST(Leadership, ALeaderThatEndsLetsTheNextOneFollowAtOnce) {
  Masters masters(2);
  masters.pass(1s);
  masters.append(masters[0].farewell().value());
  masters.pass(30ms, {0});
  EXPECT_TRUE(masters[1].leads());
  EXPECT_EQ(masters.epoch(), 3);
  EXPECT_FALSE(masters[1].farewell()->id == "m1");
}

TEST(Leadership, SilenceIsLongerWhereTicksComeSlowly) {
  Leadership standby("b", "");
  Leadership::Moment now{0};
  standby.stands({1, "a", ""}, now);
  standby.caught_up(now);
  const auto claimed_after = [&] {
    for (; now < 20s; now += 50ms)
      if (standby.due(now, 0.5, 1000ms)) break;
    return now;
  }();
  EXPECT_GE(claimed_after, 4s);
  EXPECT_LE(claimed_after, 4300ms);
}

TEST(Leadership, WhoseWriterBrokeIsAnotherCandidate) {
  Masters masters(1);
  masters.pass(1s);
  masters[0].step_down("m0-2", masters.now);
  EXPECT_FALSE(masters[0].leads());
  masters.pass(2s);
  EXPECT_TRUE(masters[0].leads());
  EXPECT_EQ(masters[0].standing().id, "m0-2");
}

TEST(Leadership, TruncationThatOvertakesItLeavesNoLeaderBehind) {
  Masters masters(1);
  masters.pass(1s);
  masters[0].overtaken();
  EXPECT_FALSE(masters[0].leads());
  EXPECT_FALSE(masters[0].due(masters.now + 10s, 0, 100ms)) << "nothing before it has read the log again";
}

TEST(Leadership, ALeaderThatReadsItsOwnClaimAgainGoesOnAsLeader) {
  Masters masters(2);
  masters.pass(1s);
  const auto claim = masters[0].standing();
  masters[0].overtaken();
  masters[0].stands(claim, masters.now);
  EXPECT_FALSE(masters[0].leads()) << "a later claim may follow";
  masters[0].caught_up(masters.now);
  EXPECT_TRUE(masters[0].leads());
  masters.pass(3s);
  EXPECT_EQ(masters.leaders(), std::vector<std::size_t>{0});
  EXPECT_EQ(masters.epoch(), 1) << "nobody had to claim";
}

}  // namespace
}  // namespace ride::master::test
