// The page of a process's metrics, over real sockets.
#include "common/metrics_page.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <chrono>
#include <thread>
#include <vector>

#include "tests/master/http_client.h"

namespace ride {
namespace {

using master::test::HeldConnection;
using master::test::HttpClient;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

struct Page {
  std::unique_ptr<MetricsPage> page;
  HttpClient client;
  int port;
};

Page serve() {
  auto page = serve_metrics("127.0.0.1:0", [] { return std::string("ride_frames_total 1\n"); });
  EXPECT_TRUE(page.ok());
  const int port = std::stoi((*page)->address().substr((*page)->address().rfind(':') + 1));
  return {std::move(page).value(), HttpClient(port), port};
}

TEST(MetricsPage, ServesItsTextAndNothingElse) {
  const auto page = serve();
  EXPECT_EQ(page.client.get("/metrics").body, "ride_frames_total 1\n");
  EXPECT_EQ(page.client.get("/metrics?x=1").status, 200);
  EXPECT_EQ(page.client.send("HEAD", "/metrics").body, "");
  EXPECT_EQ(page.client.get("/").status, 404);
  EXPECT_EQ(page.client.post("/metrics").status, 405);
  EXPECT_FALSE(serve_metrics("127.0.0.1:" + std::to_string(page.port), [] { return std::string(); }).ok()) << "taken";
  for (const auto* wrong : {"here", "127.0.0.1", ":80", "127.0.0.1:99999", "127.0.0.1:-1"})
    EXPECT_FALSE(serve_metrics(wrong, [] { return std::string(); }).ok()) << wrong;
}

TEST(MetricsPage, ThreeHundredClientsThatDripTheirHeadersHoldUpNobody) {
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, std::max<rlim_t>(limit.rlim_cur, 4096));
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
  const auto page = serve();
  std::vector<HeldConnection> held;
  for (int i = 0; i < 300; ++i) held.emplace_back(page.port, "GET /metrics HTTP/1.1\r\nHost: loc");
  for (int i = 0; i < 20; ++i) {
    const auto begun = Clock::now();
    ASSERT_EQ(page.client.get("/metrics").status, 200);
    ASSERT_LT(Clock::now() - begun, 1s) << "request " << i;
    for (auto& one : held) one.send("x");
    std::this_thread::sleep_for(20ms);
  }
}

}  // namespace
}  // namespace ride
