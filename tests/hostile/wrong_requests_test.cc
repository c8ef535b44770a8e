// Requests with values of every wrong type, to every route, while a job runs: each is answered by what is wrong with it
// or does nothing, none is an error of the master's, and the job is as it was.
#include <gtest/gtest.h>

#include <set>

#include "tests/faults/local_run.h"
#include "tests/master/http_client.h"
#include "tests/support/kafka_fixture.h"

namespace ride::test {
namespace {

using namespace std::chrono_literals;

// JSON values, and what only looks like some.
const std::vector<std::string> kValues = {"null",
                                          "true",
                                          "-1",
                                          "0",
                                          "1.5",
                                          "1e99",
                                          "1e400",
                                          "-0",
                                          "9223372036854775807",
                                          "9223372036854775808",
                                          "99999999999999999999999",
                                          "\"\"",
                                          "\"2\"",
                                          "\"two\"",
                                          "\"\\u0000\"",
                                          "\"\\ud800\"",
                                          "[]",
                                          "[2]",
                                          "[[[[2]]]]",
                                          "{}",
                                          "{\"workers\":2}",
                                          "NaN",
                                          "Infinity",
                                          "0x2",
                                          "02",
                                          "+2",
                                          "2 2",
                                          "'2'",
                                          "",
                                          "\xff\xfe",
                                          "\"\x1b[2J\""};

std::vector<std::string> bodies() {
  std::vector<std::string> all = kValues;
  for (const char* key : {"workers", "worker", "WORKERS", "size", "hold", "__proto__", ""})
    for (const auto& value : kValues) all.push_back("{\"" + std::string(key) + "\": " + value + "}");
  all.push_back(R"({"workers": null, "workers": []})");
  all.push_back("{\"workers\": " + std::string(5'000, '[') + std::string(5'000, ']') + "}");
  return all;
}

class WrongRequests : public KafkaTest {
 protected:
  void SetUp() override {
    KafkaTest::SetUp();
    run_ =
        std::make_unique<LocalRun>(bootstrap(), unique_name("typed"), std::vector<std::string>{"RIDE_LOSS_TICKS=100"});
    run_->start_agent("n1", {"--slots", "3"});
    ASSERT_TRUE(
        run_->submit("ride: v1\nname: street\nsources:\n  scene: { synthetic: { width: 64, height: 48 }, fps: 10 }\n"
                     "stages:\n  - { name: work, from: [scene], topic: { partitions: 2 }, task: grayscale, group: { "
                     "min: 1, max: 2 } }\n"
                     "sinks:\n  - { name: bin, from: [work], task: discard }\n"));
    ASSERT_TRUE(wait_until(60s, [&] { return run_->get("/jobs/street").value("frames_out", 0) > 5; }))
        << run_->events() << run_->logs();
  }

  bool is_refused(const std::string& method, const std::string& path, const std::string& body) {
    const auto answer = status(method, path, body);
    return answer >= 400 && answer < 500;
  }
  int status(const std::string& method, const std::string& path, const std::string& body = {}) {
    ++asked_;
    return master::test::HttpClient(run_->master_port()).send(method, path, body).status;
  }

  std::unique_ptr<LocalRun> run_;
  int asked_ = 0;
};

TEST_F(WrongRequests, AreAnsweredAndChangeNothing) {
  const std::string jobs = "/api/v1/jobs", scale = jobs + "/street/stages/work/scale";
  const std::set<std::string> whole = {"{\"workers\":2}", "{\"workers\": 0}", "{\"workers\": -0}",
                                       "{\"workers\": null}"};  // a size, or none
  for (const auto& body : bodies()) {
    EXPECT_TRUE(whole.contains(body) || is_refused("POST", scale, body)) << "scale with " << body.substr(0, 80);
    for (const auto& path : {jobs, jobs + "?name=a.yaml", std::string("/api/v1/plan")})
      EXPECT_TRUE(is_refused("POST", path, body)) << path << " with " << body.substr(0, 80);
    for (const auto& path :
         {jobs + "/nobody/pause", jobs + "/nobody/drain", jobs + "/nobody/hold", jobs + "/nobody/stages/work/scale",
          jobs + "/street/stages/nothing/hold", jobs + "/nobody/release", jobs + "/nobody/resume"})
      EXPECT_TRUE(is_refused("POST", path, body)) << path << " with " << body.substr(0, 80);
  }
  for (const auto* value : {"", "-1", "1.5", "1e99", "99999999999999999999999", "x", "%00", "%ff", "%zz", "[]", "null",
                            "true", "%1b%5b2J"}) {
    for (const auto* path :
         {"/jobs", "/jobs/street", "/stages", "/sources", "/workers", "/nodes", "/events", "/leader", "/openapi.json"})
      for (const auto* name : {"since", "limit", "job", "after", "n", "wait", "name", ""}) {
        const auto answer = status("GET", "/api/v1" + std::string(path) + "?" + name + "=" + value);
        EXPECT_TRUE(answer >= 200 && answer < 500) << path << "?" << name << "=" << value << ": " << answer;
      }
    for (const auto* method : {"GET", "DELETE"}) {
      const auto answer = status(method, jobs + "/" + value + "x");
      EXPECT_TRUE(answer >= 400 && answer < 500) << method << " of a job " << value << ": " << answer;
    }
  }
  std::cout << asked_ << " requests" << std::endl;
  EXPECT_EQ(run_->phase("street"), "running");
  EXPECT_EQ(run_->get("/jobs").value("jobs", nlohmann::json::array()).size(), 1U) << run_->events();
  const auto out = run_->get("/jobs/street").value("frames_out", 0);
  EXPECT_TRUE(wait_until(30s, [&] { return run_->get("/jobs/street").value("frames_out", 0) > out; }))
      << run_->events();
}

}  // namespace
}  // namespace ride::test
