// A topology's text, as `ride plan`, `ride submit` and the API read it: parsed, planned on a cluster, drawn, and
// written as the decision that every process reads.
#include "topology/topology.h"

#include "common/check.h"
#include "common/json.h"
#include "stream/control.h"
#include "tests/fuzz/records.h"
#include "topology/graph.h"
#include "topology/plan.h"
#include "topology/source_text.h"
#include "worker/tasks/builtin_catalog.h"

namespace ride::topology {
namespace {

constexpr const char* kSecret = "hunter2-secret";

Environment environment() {
  return environment_of({{"CAM_PASS", kSecret},
                         {"CAM_URL", std::string("rtsp://boss:") + kSecret + "@gate/stream"},
                         {"PARTS", "6"},
                         {"EMPTY", ""},
                         {"X", "clean"}});
}

void check(const Diagnostic& diagnostic, const SourceText& source) {
  RIDE_CHECK(!diagnostic.message.empty(), "an error without words");
  RIDE_CHECK(diagnostic.line >= 1 && diagnostic.line <= source.lines(), "a place outside the file");
  const auto width = static_cast<int>(code_points(source.line(diagnostic.line)).size());
  RIDE_CHECK(diagnostic.column >= 1 && diagnostic.column <= width + 1, "a place outside its line");
}

void check(const Plan& plan, const std::string& text) {
  RIDE_CHECK(!render_plan(plan).empty() && !to_dot(plan).empty(), "a plan without words");
  const auto json = plan_to_json(plan).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  RIDE_CHECK(json.find(kSecret) == json.npos, "the plan shows a credential");
  if (!plan.complete()) return;
  RIDE_CHECK(plan.min_workers() >= 1 && plan.max_workers() >= plan.min_workers(), "a plan for no workers");
  const stream::Decision decision{"log", 1, "us", stream::JobAccepted{to_job_spec(plan), text, {}}};
  const auto read = stream::decode_decision(stream::encode(decision));
  RIDE_CHECK(read.ok() && *read == decision, "the job that was planned does not survive being written");
}

}  // namespace
}  // namespace ride::topology

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ride;
  using namespace ride::topology;
  const std::string text(fuzz::as_text(data, size));
  const auto outcome = parse_topology(text, "f.yaml", tasks::builtin_catalog(), environment());
  RIDE_CHECK(outcome.topology.has_value() != has_errors(outcome.diagnostics), "neither a topology nor an error");
  const SourceText source(text.starts_with("\xEF\xBB\xBF") ? std::string_view(text).substr(3) : text);
  for (const auto& diagnostic : outcome.diagnostics) check(diagnostic, source);
  const auto shown = render(outcome.diagnostics, text) + render_json(outcome.diagnostics);
  RIDE_CHECK(shown.find(kSecret) == shown.npos || text.find(kSecret) != text.npos, "an error shows a credential");
  if (!outcome.topology) return 0;
  const ClusterFacts cluster{.brokers = 3, .topics = TopicPartitions{{"plates", 8}, {"cars", 1}}};
  for (const auto& facts : {ClusterFacts{}, cluster})
    if (const auto plan = make_plan(*outcome.topology, RunNumber{1}, "ride", facts); plan.ok()) check(*plan, text);
  return 0;
}
