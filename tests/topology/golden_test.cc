// Every golden/*.yaml is parsed and planned; what a person would see must be golden/<same name>.txt.
// RIDE_UPDATE_GOLDEN=1 writes the files anew: look at the difference before you commit it.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "stream/spec_json.h"
#include "tests/topology/test_catalog.h"
#include "topology/graph.h"
#include "topology/plan.h"
#include "topology/schema.h"
#include "topology/topology.h"

namespace ride::topology {
namespace {

namespace fs = std::filesystem;

std::string read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

bool updating() { return std::getenv("RIDE_UPDATE_GOLDEN") != nullptr; }

void expect_golden(const fs::path& path, const std::string& seen) {
  if (updating()) {
    std::ofstream(path, std::ios::binary) << seen;
    return;
  }
  ASSERT_TRUE(fs::exists(path)) << path << " is missing; run with RIDE_UPDATE_GOLDEN=1 to write it";
  EXPECT_EQ(read(path), seen) << "of " << path;
}

// The clusters that plans are made for: three brokers, and the topics that the files adopt or write.
ClusterFacts test_facts() {
  return {.brokers = 3, .max_message_bytes = 16 << 20, .topics = TopicPartitions{{"plates", 4}, {"edges", 8}}};
}

std::string outcome_text(const std::string& text, const std::string& file) {
  const auto outcome = parse_topology(text, file, test_catalog(), test_environment());
  std::string seen = render(outcome.diagnostics, text);
  EXPECT_EQ(outcome.topology.has_value(), !has_errors(outcome.diagnostics));
  if (!outcome.topology) return seen;
  const auto plan = make_plan(*outcome.topology, RunNumber{1}, "ride", test_facts());
  seen += plan.ok() ? render_plan(*plan, test_facts().topics) : "cannot be planned: " + plan.error().message + "\n";
  return seen;
}

class Golden : public testing::TestWithParam<fs::path> {};

TEST_P(Golden, AFileLeadsToThePlanOrTheErrorsThatAreWrittenDown) {
  const fs::path path = GetParam();
  const std::string seen = outcome_text(read(path), path.filename().string());
  for (const char* secret : kSecrets) EXPECT_EQ(seen.find(secret), std::string::npos) << "a secret shows";
  expect_golden(fs::path(path).replace_extension(".txt"), seen);
}

std::vector<fs::path> golden_files() {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(fs::path(RIDE_SOURCE_DIR) / "tests/topology/golden")) {
    if (entry.path().extension() == ".yaml") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

INSTANTIATE_TEST_SUITE_P(Files, Golden, testing::ValuesIn(golden_files()),
                         [](const auto& info) { return info.param.stem().string(); });

TEST(TopologyGraph, AStreetJobIsDrawnAsItWas) {
  const fs::path folder = fs::path(RIDE_SOURCE_DIR) / "tests/topology/golden";
  const auto outcome = parse_topology(read(folder / "ok_street.yaml"), "f", test_catalog(), test_environment());
  ASSERT_TRUE(outcome.topology);
  const auto plan = make_plan(*outcome.topology, RunNumber{1}, "ride", test_facts());
  ASSERT_TRUE(plan.ok());
  expect_golden(folder / "ok_street.dot", to_dot(*plan));
}

// Programs read these: a plan as `ride plan --json` prints it, and the job as it stands in the decisions log.
TEST(TopologyJson, PlansAndJobsAreWrittenAsTheyWere) {
  int seen = 0;
  for (const fs::path& path : golden_files()) {
    const auto outcome = parse_topology(read(path), path.filename().string(), test_catalog(), test_environment());
    if (!outcome.topology) continue;
    const auto plan = make_plan(*outcome.topology, RunNumber{1}, "ride", test_facts());
    if (!plan.ok()) continue;
    const nlohmann::json json = {{"plan", plan_to_json(*plan, test_facts().topics)}, {"job", to_job_spec(*plan)}};
    expect_golden(fs::path(path).replace_extension(".json"), json.dump(1) + "\n");
    ++seen;
  }
  EXPECT_GE(seen, 9);
}

TEST(TopologyReference, ThePageIsWhatTheDeclarationsSay) {
  expect_golden(fs::path(RIDE_SOURCE_DIR) / "docs/topology-reference.md", reference_page());
}

}  // namespace
}  // namespace ride::topology
