// ride.reports as whoever may write there could fill it, read by a master that leads a running job: a line is a record,
// `tick` lets the honest processes beat and time pass. The master's own decisions count throughout, and it comes to
// rest.
#include "common/check.h"
#include "tests/fuzz/records.h"
#include "tests/master/simulated_cluster.h"

namespace ride::master::test {
namespace {

SimulatedCluster running_street() {
  SimulatedCluster cluster;
  for (const char* worker : {"w1#a", "w2#a", "w3#a"})
    cluster.join({.id = WorkerId{worker}, .node = NodeName{"n1"}, .cores = 1, .memory_bytes = 1 << 30});
  cluster.join({.id = WorkerId{"p1#a"}, .kind = ProcessKind::producer, .node = NodeName{"n1"}});
  cluster.join({.id = WorkerId{"a1#a"}, .kind = ProcessKind::agent, .node = NodeName{"n1"}, .cores = 4});
  stream::JobSpec spec{.job = {"street"}};
  spec.sources = {{.name = "gate", .kind = "camera"}};
  spec.stages = {{.name = "clean",
                  .topic = "ride.street.1.clean",
                  .partitions = 4,
                  .upstreams = {{.name = "gate", .is_source = true}},
                  .task = "identity",
                  .outputs = {{.to = "album"}},
                  .group = {.min = 1, .max = 2, .spares = 1}},
                 {.name = "album",
                  .topic = "ride.street.1.album",
                  .partitions = 2,
                  .upstreams = {{.name = "clean", .partitions = 4}},
                  .task = "discard",
                  .sink = true}};
  cluster.submit(spec);
  cluster.handle({TopicsOutcome{{"street"}, {1}, {}}});
  for (int i = 0; i < 3; ++i) cluster.tick();
  return cluster;
}

void check(const SimulatedCluster& cluster) {
  RIDE_CHECK(cluster.failures == 0, "a decision of the master's own did not count");
  const auto wrong = find_violation(cluster.state().hard);
  RIDE_CHECK(!wrong, wrong.value_or(""));
}

void handle(SimulatedCluster& cluster, std::string_view line) {
  if (line == "tick") {
    cluster.tick();
    return;
  }
  auto report = stream::decode_report(line);
  if (!report.ok()) return;
  const auto again = stream::decode_report(stream::encode(*report));
  RIDE_CHECK(again.ok() && *again == *report, "a report that was read does not survive being written");
  cluster.report(std::move(report->body));
}

}  // namespace
}  // namespace ride::master::test

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ride::master::test;
  static const SimulatedCluster kRunning = running_street();
  auto cluster = kRunning;
  std::size_t left = 60;
  for (const auto line : ride::fuzz::lines_of(ride::fuzz::as_text(data, size))) {
    if (left-- == 0) break;
    handle(cluster, line);
    check(cluster);
  }
  for (int i = 0; i < 2; ++i) cluster.tick();
  check(cluster);
  return 0;
}
