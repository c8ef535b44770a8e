// How often a frame is tried: the rules of decision 0007, as a table.
#include "worker/python/attempts.h"

#include <gtest/gtest.h>

#include <csignal>

namespace ride::python {
namespace {

TEST(Attempts, AFrameThatWasProcessedIsDelivered) {
  Tries tries;
  EXPECT_EQ(next_step(tries, Attempt::done), Next::deliver);
}

TEST(Attempts, AnExceptionIsTheEndOfTheFrameAtOnce) {
  Tries tries;
  EXPECT_EQ(next_step(tries, Attempt::raised), Next::dead);
}

TEST(Attempts, WhateverEndsTheProcessTwiceIsTheEndOfTheFrame) {
  for (const auto first : {Attempt::ended, Attempt::timed_out, Attempt::too_large, Attempt::broken}) {
    for (const auto second : {Attempt::ended, Attempt::timed_out, Attempt::too_large, Attempt::broken}) {
      Tries tries;
      EXPECT_EQ(next_step(tries, first), Next::again);
      EXPECT_EQ(next_step(tries, second), Next::dead);
    }
    Tries tries;
    EXPECT_EQ(next_step(tries, first), Next::again);
    EXPECT_EQ(next_step(tries, Attempt::done), Next::deliver);
  }
}

TEST(Attempts, WhoeverKillsTheProcessByHandKillsNoFrameUnlessItNeverEnds) {
  Tries tries;
  for (int kill = 1; kill < kMostKills; ++kill) EXPECT_EQ(next_step(tries, Attempt::killed), Next::again) << kill;
  EXPECT_EQ(tries.strikes, 0);
  EXPECT_EQ(next_step(tries, Attempt::killed), Next::dead);
}

TEST(Attempts, AStatusSaysHowItEnded) {
  EXPECT_EQ(how_it_ended(3 << 8), "exit code 3");
  EXPECT_EQ(how_it_ended(SIGSEGV), "signal 11 (segmentation fault)");
  EXPECT_EQ(how_it_ended(SIGUSR1), "signal 10");
  EXPECT_EQ(attempt_of(0, false), Attempt::ended);
  EXPECT_EQ(attempt_of(SIGSEGV, true), Attempt::ended);
  EXPECT_EQ(attempt_of(SIGKILL, false), Attempt::killed);
  EXPECT_EQ(attempt_of(SIGKILL, true), Attempt::too_large);
}

}  // namespace
}  // namespace ride::python
