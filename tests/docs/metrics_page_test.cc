// docs/metrics.md is written from the tables that the programs serve. RIDE_UPDATE_GOLDEN=1 writes it anew.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "common/metrics_table.h"
#include "master/master_metrics.h"
#include "producer/producer_metrics.h"
#include "worker/worker_metrics.h"

namespace ride {
namespace {

constexpr const char* kHead = R"(# Metrics

Every metric of RIDE, written from the tables in the code by the test `MetricsPage.IsWhatTheProgramsServe`; do not edit by hand.

They are served in Prometheus' text format under `/metrics`: by the master beside its API (`http://HOST:7800/metrics`), by workers
and producers on ports of their own. `ride-agent` gives its children free ports on `--metrics-host` (default: 127.0.0.1; `none`: no
metrics); `GET /api/v1/workers` has the address of each (`http`). A worker that is started by hand serves none unless it has
`--metrics HOST:PORT`. Where the master asks for a token, Prometheus shows it: `authorization: { credentials_file: FILE }`.

The master knows the whole job, and is enough for alerts. What to look at first:

| question | metric |
|---|---|
| Is a source away? | `ride_producer_connected_state` is 0 (of the producer that has it) |
| Do the workers keep up? | `ride_stage_lag_frames`, `ride_stage_oldest_unacked_seconds` rise and do not fall |
| Was a frame lost? | `rate(ride_stage_dead_frames_total[5m])`, `rate(ride_stage_expired_frames_total[5m])` above 0 |
| Are there too few workers? | `ride_stage_missing_workers` above 0; `ride_wanted_pool_workers` above `ride_live_processes` of kind worker |
| Does a master lead? | `sum(ride_leading_masters)` is not 1 |

Labels are bounded: jobs, stages, sources, never a frame or an offset. Counters of a stage belong to the run of the job and go on
over restarts of workers.
)";

std::string page() {
  return std::string(kHead) + "\n## ride-master\n\n" + to_markdown(master::master_metrics_table()) +
         "\n## ride-worker\n\n" + to_markdown(worker::worker_metrics()) + "\n## ride-producer\n\n" +
         to_markdown(producer::producer_metrics());
}

TEST(MetricsPage, IsWhatTheProgramsServe) {
  const std::string path = std::string(RIDE_SOURCE_DIR) + "/docs/metrics.md";
  if (std::getenv("RIDE_UPDATE_GOLDEN") != nullptr) std::ofstream(path) << page();
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  EXPECT_EQ(text.str(), page()) << "if that is meant, run with RIDE_UPDATE_GOLDEN=1, and look at the difference";
}

// What the page's own words name is there.
TEST(MetricsPage, NamesOnlyMetricsThatExist) {
  const auto tables = page().substr(std::string(kHead).size());
  const std::string head = kHead;
  for (auto at = head.find("ride_"); at != std::string::npos; at = head.find("ride_", at + 1)) {
    const auto end = head.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_", at);
    const auto name = head.substr(at, end - at);
    EXPECT_NE(tables.find("| `" + name + "` |"), std::string::npos) << name;
  }
}

}  // namespace
}  // namespace ride
