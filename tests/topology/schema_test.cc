#include "topology/schema.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "common/json.h"
#include "tests/topology/json_schema.h"
#include "tests/topology/test_catalog.h"

namespace ride::topology {
namespace {

namespace fs = std::filesystem;
using testing::IsEmpty;
using testing::Not;

nlohmann::json schema() { return nlohmann::json::parse(topology_schema(test_catalog()).dump()); }

std::vector<std::string> errors_of(const std::string& text) {
  const auto yaml = read_yaml(text);
  EXPECT_TRUE(yaml.root);
  const auto root = schema();
  return validate(root, root, to_json(*yaml.root));
}

std::string read(const fs::path& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST(TopologySchema, AcceptsEveryFileThatTheParserAccepts) {
  int seen = 0;
  for (const auto& entry : fs::directory_iterator(fs::path(RIDE_SOURCE_DIR) / "tests/topology/golden")) {
    const std::string name = entry.path().filename().string();
    if (entry.path().extension() != ".yaml" || (!name.starts_with("ok_") && !name.starts_with("warnings_"))) continue;
    EXPECT_THAT(errors_of(read(entry.path())), IsEmpty()) << name;
    ++seen;
  }
  EXPECT_GE(seen, 5);
}

TEST(TopologySchema, RefusesWhatTheParserRefuses) {
  const std::string head = "ride: v1\nname: j\nsources: { a: { camera: 0 } }\n";
  const std::string good = head + "sinks: [{ name: s, from: a, task: discard }]\n";
  EXPECT_THAT(errors_of(good), IsEmpty());
  for (const std::string& bad : std::vector<std::string>{
           "name: j\n",
           "ride: v2\nname: j\n",
           "ride: v1\nname: J J\n",
           good + "xyz: 1\n",
           "ride: v1\nname: j\nsources: { a: { camera: 0, video: x } }\n",
           "ride: v1\nname: j\nsources: { a: {} }\n",
           "ride: v1\nname: j\nsources: { A: { camera: 0 } }\n",
           head + "stages: [{ name: s, from: a, task: blurr }]\n",
           head + "stages: [{ name: s, from: a, task: discard }]\n",
           head + "sinks: [{ name: s, from: a, task: identity }]\n",
           head + "stages: [{ name: s, task: identity }]\n",
           head + "stages: [{ name: s, from: a, task: gaussian_blur, params: { ksize: big } }]\n",
           head + "stages: [{ name: s, from: a, task: gaussian_blur, params: { ksize: 999 } }]\n",
           head + "stages: [{ name: s, from: a, task: gaussian_blur, params: { size: 9 } }]\n",
           head + "stages: [{ name: s, from: a, task: resize }]\n",
           head + "stages: [{ name: s, from: a, task: identity, topic: { partitions: 0 } }]\n",
           head + "stages: [{ name: s, from: a, task: identity, topic: { retention: 10 } }]\n",
           head + "stages: [{ name: s, from: a, task: identity, codec: jpeg:101 }]\n",
           head + "stages: [{ name: s, from: a, task: identity, group: { device: tpu } }]\n",
           head + "stages: [{ name: s, from: a, topic: { name: x, adopt: true }, task: identity }]\n",
           good + "tests: [{ name: t, input: a.png }]\n",
           good + "tests: [{ name: t, input: [], expect: {} }]\n",
           good + "tests: [{ name: t, input: { camera: 0 }, expect: {} }]\n",
           good + "tests: [{ name: t, input: a.png, expect: { psnr: 0 } }]\n",
           good + "tests: [{ name: t, input: a.png, expect: { objects: [{ label: x, box: [1, 2, 3] }] } }]\n"}) {
    EXPECT_THAT(errors_of(bad), Not(IsEmpty())) << bad;
  }
}

TEST(TopologySchema, TellsEditorsWhatAKeyMeans) {
  const auto root = schema();
  EXPECT_EQ(root["$schema"], "https://json-schema.org/draft/2020-12/schema");
  EXPECT_FALSE(root["$defs"]["topic"]["properties"]["partitions"]["description"].get<std::string>().empty());
  EXPECT_FALSE(root["$defs"]["stage"]["properties"]["task"]["description"].get<std::string>().empty());
}

}  // namespace
}  // namespace ride::topology
