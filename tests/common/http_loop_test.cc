// Limits of the loop itself, over real sockets.
#include "common/http_loop.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
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

HttpLoop::Handlers handlers(std::function<std::string(const HttpRequest&)> text) {
  return {.refuse = [](const HttpHead&) { return std::nullopt; },
          .fault = [](const HttpFault& fault) { return http_response(fault.status, "text/plain", fault.why, true); },
          .is_quick = [](const HttpHead&) { return false; },
          .answer = [text = std::move(text)](
                        const HttpRequest& request,
                        bool close) { return http_response(200, "text/plain", text(request), close); }};
}

long peak_memory_kb() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

std::unique_ptr<HttpLoop> loop_with(const HttpLimits& limits) {
  auto loop = HttpLoop::listen("127.0.0.1", 0, limits);
  EXPECT_TRUE(loop.ok());
  return std::move(loop).value();
}

TEST(HttpLoop, AnswersThatNobodyTakesAreCutOffOldestFirst) {
  HttpLimits limits;
  limits.answer_bytes = 40 << 20;
  limits.workers = 1;
  limits.answer = 60s;
  const auto loop = loop_with(limits);
  loop->serve(handlers(
      [](const HttpRequest& request) { return std::string(request.head.path() == "/large" ? 16 << 20 : 2, 'x'); }));
  const long before = peak_memory_kb();
  std::vector<HeldConnection> held;
  for (int i = 0; i < 30; ++i) held.emplace_back(loop->port(), "GET /large HTTP/1.1\r\n\r\n");
  const auto closed = [&] {
    return std::count_if(held.begin(), held.end(), [](auto& one) { return one.is_closed(); });
  };
  const auto deadline = Clock::now() + 30s;
  while (closed() == 0 && Clock::now() < deadline) std::this_thread::sleep_for(200ms);
  EXPECT_GT(closed(), 0);
  EXPECT_EQ(HttpClient(loop->port()).get("/small").status, 200);
  EXPECT_LT(peak_memory_kb() - before, 250 << 10) << "30 answers are 480 MB";
}

TEST(HttpLoop, AHeadHasItsTimeHoweverItDrips) {
  HttpLimits limits;
  limits.head = 500ms;
  const auto loop = loop_with(limits);
  loop->serve(handlers([](const HttpRequest&) { return std::string(); }));
  for (const char* bytes : {"GET / HT", "\r\n"}) {
    HeldConnection held(loop->port(), bytes);
    const auto begun = Clock::now();
    while (!held.is_closed() && Clock::now() - begun < 10s) {
      held.send(bytes[0] == 'G' ? "x" : "\r\n");
      std::this_thread::sleep_for(20ms);
    }
    EXPECT_LT(Clock::now() - begun, 3s) << bytes;
  }
}

TEST(HttpLoop, AClientThatLeavesWhileItsAnswerIsMadeHarmsNobody) {
  const auto loop = loop_with({});
  loop->serve(handlers([](const HttpRequest&) {
    std::this_thread::sleep_for(50ms);
    return std::string("late");
  }));
  for (int i = 0; i < 40; ++i) HeldConnection(loop->port(), "GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n");
  EXPECT_EQ(HttpClient(loop->port()).get("/").body, "late");
}

}  // namespace
}  // namespace ride
