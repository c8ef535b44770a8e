#include "worker/worker_metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ride::worker {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(WorkerMetrics, AreNamedByTheRules) { EXPECT_EQ(find_fault(worker_metrics()), std::nullopt); }

TEST(WorkerMetrics, AnIdleWorkerHasNoValues) { EXPECT_THAT(metrics_text({}), Not(HasSubstr("job="))); }

TEST(WorkerMetrics, SumUpThePartitions) {
  WorkerView view;
  view.job = "street";
  view.stage = "people";
  view.frames = 70;
  view.busy_seconds = 1.5;
  view.read_queue_bytes = 810'000;
  view.partitions.push_back(
      {.committed = 40, .end = 50, .oldest_unacked_age_ms = 250, .counters = {.acked = 39, .dead = 1}});
  view.partitions.push_back({.committed = 30, .end = -1, .oldest_unacked_age_ms = -1, .counters = {.acked = 30}});
  const auto text = metrics_text(view);
  for (const auto* line : {"ride_worker_processed_frames_total{job=\"street\",stage=\"people\"} 70\n",
                           "ride_worker_busy_seconds_total{job=\"street\",stage=\"people\"} 1.5\n",
                           "ride_worker_owned_partitions{job=\"street\",stage=\"people\"} 2\n",
                           "ride_worker_lag_frames{job=\"street\",stage=\"people\"} 10\n",
                           "ride_worker_oldest_unacked_seconds{job=\"street\",stage=\"people\"} 0.25\n",
                           "ride_worker_outcome_frames{job=\"street\",outcome=\"acked\",stage=\"people\"} 69\n",
                           "ride_worker_outcome_frames{job=\"street\",outcome=\"dead\",stage=\"people\"} 1\n",
                           "ride_worker_read_queue_bytes{job=\"street\",stage=\"people\"} 810000\n"})
    EXPECT_THAT(text, HasSubstr(line));
}

}  // namespace
}  // namespace ride::worker
