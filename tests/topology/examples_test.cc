// The files under topology/examples, checked against the real tasks.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "common/json.h"
#include "tests/topology/json_schema.h"
#include "topology/plan.h"
#include "topology/schema.h"
#include "topology/topology.h"
#include "worker/tasks/builtin_catalog.h"

namespace ride::topology {
namespace {

namespace fs = std::filesystem;

TEST(TopologyExamples, EveryExampleIsValidPlannedAndFitsTheSchema) {
  const auto environment =
      environment_of({{"RIDE_DEMO_VIDEO", "vtest.avi"}, {"CAM_USER", "user"}, {"CAM_PASS", "secret"}});
  const auto root = nlohmann::json::parse(topology_schema(tasks::builtin_catalog()).dump());
  int seen = 0;
  for (const auto& entry : fs::directory_iterator(fs::path(RIDE_SOURCE_DIR) / "topology/examples")) {
    if (entry.path().extension() != ".yaml") continue;
    std::ostringstream text;
    text << std::ifstream(entry.path()).rdbuf();
    const auto outcome = parse_topology(text.str(), entry.path().string(), tasks::builtin_catalog(), environment);
    EXPECT_TRUE(outcome.diagnostics.empty()) << render(outcome.diagnostics, text.str());
    ASSERT_TRUE(outcome.topology) << entry.path();
    const auto plan = make_plan(*outcome.topology, RunNumber{1}, "ride", {});
    ASSERT_TRUE(plan.ok()) << plan.error().message;
    EXPECT_FALSE(to_job_spec(*plan).stages.empty());
    for (const auto& stage : outcome.topology->stages())  // an example promises nothing that its task has not
      EXPECT_TRUE(stage.group.device == DeviceChoice::cpu || tasks::builtin_catalog().find(stage.task)->gpu)
          << stage.name;
    for (const auto& error : validate(root, root, to_json(*read_yaml(text.str()).root))) {
      ADD_FAILURE() << entry.path() << error;
    }
    ++seen;
  }
  EXPECT_GE(seen, 4);
}

}  // namespace
}  // namespace ride::topology
