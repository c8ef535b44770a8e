// Cores that are reserved: for all threads of the process, each for one owner, free again at its end.
#include "worker/core_lease.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <future>
#include <thread>

namespace ride::worker {
namespace {

std::vector<int> where_this_thread_may_run() {
  cpu_set_t set;
  CPU_ZERO(&set);
  sched_getaffinity(0, sizeof set, &set);
  std::vector<int> cores;
  for (int core = 0; core < CPU_SETSIZE; ++core)
    if (CPU_ISSET(static_cast<std::size_t>(core), &set)) cores.push_back(core);
  return cores;
}

TEST(CoreLease, AllThreadsRunOnTheReservedCoresAndAfterwardsWhereTheyMightBefore) {
  const auto before = where_this_thread_may_run();
  std::promise<void> go_on;
  std::promise<std::vector<int>> seen;
  std::thread other([&] {  // older than the lease
    go_on.get_future().wait();
    seen.set_value(where_this_thread_may_run());
  });
  {
    const CoreLease lease(1);
    EXPECT_LE(lease.cores().size(), 1U);
    if (!lease.cores().empty()) {  // another program of this machine may have it
      EXPECT_EQ(where_this_thread_may_run(), lease.cores());
    }
    go_on.set_value();
    EXPECT_EQ(seen.get_future().get(), where_this_thread_may_run());
  }
  other.join();
  EXPECT_EQ(where_this_thread_may_run(), before);
}

TEST(CoreLease, NoCoreIsGivenTwiceAndTooFewAreSaid) {
  const auto all = static_cast<int>(where_this_thread_may_run().size());
  const CoreLease first(all + 1);
  EXPECT_LE(static_cast<int>(first.cores().size()), all);
  const CoreLease second(1);
  for (const int core : second.cores())
    EXPECT_EQ(std::count(first.cores().begin(), first.cores().end(), core), 0) << core;
}

}  // namespace
}  // namespace ride::worker
