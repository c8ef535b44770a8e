// What clients send, and how slowly, over real sockets; the API behind it is a handler that answers with what it was
// given.
#include "master/http_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <zlib.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <mutex>
#include <thread>
#include <vector>

#include "tests/master/http_client.h"

namespace ride::master::test {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

std::string gzip(const std::string& text) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string packed(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

void allow_many_files() {
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  if (limit.rlim_cur >= 4096) return;
  limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, 4096);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
}

std::ptrdiff_t threads_of_this_process() {
  namespace fs = std::filesystem;
  return std::distance(fs::directory_iterator("/proc/self/task"), fs::directory_iterator());
}

long peak_memory_kb() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

class HttpServerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto server = HttpServer::listen({.port = 0});
    ASSERT_TRUE(server.ok());
    server_ = std::move(server).value();
    server_->serve([](const ApiRequest& request) {
      return ApiResponse{.content_type = "text/plain",
                         .body = request.path + " got " + std::to_string(request.body.size()) +
                                 " bytes: " + request.body.substr(0, 20)};
    });
  }

  HttpClient http() const { return HttpClient(server_->port()); }
  // What it says until it closes.
  std::string send(const std::string& headers, const std::string& body = {}, const std::string& method = "POST") const {
    return http().raw(method + " /plan HTTP/1.1\r\nHost: localhost\r\n" + headers + "\r\n" + body, false);
  }
  std::string send_whole(const std::string& headers, const std::string& body) const {
    return send(headers + "Connection: close\r\nContent-Length: " + std::to_string(body.size()) + "\r\n", body);
  }
  // A hundred clients that stop in the middle.
  std::vector<HeldConnection> slow_clients(const std::string& bytes) const {
    std::vector<HeldConnection> held;
    for (int i = 0; i < 100; ++i) held.emplace_back(server_->port(), bytes);
    return held;
  }

  std::unique_ptr<HttpServer> server_;
};

constexpr auto kHalfABody = "POST /plan HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nx";

TEST_F(HttpServerTest, ACompressedBodyIsMeasuredByWhatComesOutOfIt) {
  const std::string packed = gzip(std::string(200 << 20, '#'));
  ASSERT_LT(packed.size(), std::size_t{1} << 20);
  const long before = peak_memory_kb();
  const auto answer = send_whole("Content-Encoding: gzip\r\n", packed);
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 413"));
  EXPECT_THAT(answer, HasSubstr("larger than 4 MB, uncompressed"));
  EXPECT_LT(peak_memory_kb() - before, 64 << 10);
  EXPECT_THAT(send_whole("Content-Encoding: gzip\r\n", gzip("ride: v1")), EndsWith("/plan got 8 bytes: ride: v1"));
  EXPECT_THAT(send_whole("Content-Encoding: gzip\r\n", "no gzip"), StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(send_whole("Content-Encoding: zstd\r\n", "x"), StartsWith("HTTP/1.1 415"));
}

TEST_F(HttpServerTest, ABodyIsReadWhateverCurlCallsIt) {
  const std::string body(100'000, 'y');
  EXPECT_THAT(send_whole("Content-Type: application/x-www-form-urlencoded\r\n", body), HasSubstr("got 100000 bytes"));
  const auto form = send_whole("Content-Type: multipart/form-data; boundary=b\r\n", "--b--\r\n");
  EXPECT_THAT(form, StartsWith("HTTP/1.1 415"));
  EXPECT_THAT(form, HasSubstr("--data-binary @FILE"));
}

TEST_F(HttpServerTest, ABodyAboveTheLimitIsRefusedAndItsSenderHearsWhy) {
  const auto answer = send_whole("", std::string(6 << 20, 'x'));
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 413"));
  EXPECT_THAT(answer, HasSubstr("Connection: close"));
  std::string chunks;
  for (int i = 0; i < 5; ++i) chunks += "100000\r\n" + std::string(1 << 20, 'x') + "\r\n";
  EXPECT_THAT(send("Transfer-Encoding: chunked\r\n", chunks + "0\r\n\r\n"), StartsWith("HTTP/1.1 413"));
  EXPECT_THAT(send("Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n0\r\n\r\n"), HasSubstr("got 3 bytes: abc"));
  EXPECT_THAT(send("Expect: 100-continue\r\nContent-Length: 9000000\r\n"), StartsWith("HTTP/1.1 413"));
}

TEST_F(HttpServerTest, AHeadThatPromisesNoBodyIsRefusedAtOnce) {
  const auto begun = Clock::now();
  for (const auto* length : {"-5", "x", "5x", "+5", "0x5"}) {
    const auto answer = send("Content-Length: " + std::string(length) + "\r\n");
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 400")) << length;
    EXPECT_THAT(answer, HasSubstr("is not a number of bytes")) << length;
  }
  EXPECT_THAT(send("Content-Length: 3\r\nContent-Length: 4\r\n"), StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(send("Content-Length: 99999999999999999999999\r\n"), StartsWith("HTTP/1.1 413"));
  EXPECT_THAT(send("Content-Length: 99999999999\r\n"), StartsWith("HTTP/1.1 413"));
  EXPECT_THAT(send("Transfer-Encoding: gzip\r\n"), StartsWith("HTTP/1.1 501"));
  EXPECT_LT(Clock::now() - begun, 12s) << "nine refusals; six of them took ten seconds each once";
}

TEST_F(HttpServerTest, SlowClientsHoldUpNobody) {
  for (const auto* bytes : {kHalfABody, "GET /healthz HTTP/1.1\r\nHost: lo"}) {
    const auto held = slow_clients(bytes);
    const auto begun = Clock::now();
    EXPECT_EQ(http().get("/healthz").status, 200);
    EXPECT_LT(Clock::now() - begun, 2s) << bytes;
  }
}

TEST_F(HttpServerTest, OfManySlowBodiesSomeAreSentAwayAndTheOthersGivenUp) {
  const auto held = slow_clients(kHalfABody);
  const auto refused = send_whole("", "ride: v1");
  EXPECT_THAT(refused, StartsWith("HTTP/1.1 503"));
  EXPECT_THAT(refused, HasSubstr("Retry-After: 1\r\n"));
  const auto deadline = Clock::now() + 15s;
  std::string later;
  do {
    std::this_thread::sleep_for(50ms);
    later = send_whole("", "ride: v1");
  } while (later.starts_with("HTTP/1.1 503") && Clock::now() < deadline);
  EXPECT_THAT(later, HasSubstr("got 8 bytes"));
}

TEST_F(HttpServerTest, RequestsOfOneConnectionAreAnsweredInTurn) {
  const std::string get = "GET /one HTTP/1.1\r\nHost: localhost\r\n";
  const std::string post = "POST /two HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc";
  const auto both = http().raw(get + "\r\n" + post + get + "Connection: close\r\n\r\n", false);
  EXPECT_THAT(both, HasSubstr("/one got 0 bytes"));
  EXPECT_THAT(both, HasSubstr("/two got 3 bytes: abc"));
  EXPECT_THAT(both, EndsWith("/one got 0 bytes: "));
}

TEST_F(HttpServerTest, WhatARefusedRequestStillSendsIsNoRequest) {
  const auto answer =
      send("Content-Encoding: zstd\r\nContent-Length: 50\r\n", "GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 415"));
  EXPECT_THAT(answer, Not(HasSubstr("smuggled")));
}

// Each sends one byte of a header a second, for ever; two threads look after all.
TEST_F(HttpServerTest, FiveHundredClientsThatDripTheirHeadersHoldUpNobody) {
  allow_many_files();
  auto held = std::make_unique<std::vector<HeldConnection>>();
  for (int i = 0; i < 500; ++i)
    held->emplace_back(server_->port(), "GET /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\nX-Slow: ");
  std::jthread drip([&](std::stop_token stop) {
    for (; !stop.stop_requested(); std::this_thread::sleep_for(1s))
      for (auto& one : *held) one.send("x");
  });
  for (int i = 0; i < 20; ++i) {
    const auto begun = Clock::now();
    ASSERT_EQ(http().get("/healthz").status, 200);
    ASSERT_LT(Clock::now() - begun, 1s) << "request " << i;
    ASSERT_EQ(http().get("/api/v1/jobs").status, 200);
    ASSERT_LT(Clock::now() - begun, 2s) << "request " << i;
  }
  EXPECT_LT(threads_of_this_process(), 60);
  const auto deadline = Clock::now() + 15s;
  while (Clock::now() < deadline && std::any_of(held->begin(), held->end(), [](auto& one) { return !one.is_closed(); }))
    std::this_thread::sleep_for(100ms);
  EXPECT_TRUE(std::all_of(held->begin(), held->end(), [](auto& one) { return one.is_closed(); }))
      << "a head has five seconds";
}

TEST_F(HttpServerTest, WhoeverWaitsLongestGivesWayToWhoComes) {
  allow_many_files();
  std::vector<HeldConnection> held;
  for (int i = 0; i < 1200; ++i) held.emplace_back(server_->port(), "GET /");
  EXPECT_EQ(http().get("/healthz").status, 200);
  EXPECT_EQ(http().post("/plan", "x").status, 200);
}

// Requests that wait for something (an election, Kafka) have all the threads; the probes have one of their own.
TEST_F(HttpServerTest, RequestsThatAreBeingAnsweredHoldUpNoProbe) {
  std::mutex mutex;
  mutex.lock();
  auto server = std::move(HttpServer::listen({.port = 0})).value();
  server->serve([&](const ApiRequest& request) {
    if (request.path != "/healthz") const std::lock_guard wait(mutex);
    return ApiResponse{.body = "{}"};
  });
  std::vector<HeldConnection> held;
  for (int i = 0; i < 100; ++i)
    held.emplace_back(server->port(), "GET /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const auto begun = Clock::now();
  EXPECT_EQ(HttpClient(server->port()).get("/healthz").status, 200);
  EXPECT_LT(Clock::now() - begun, 1s);
  mutex.unlock();
}

TEST_F(HttpServerTest, WhatCanBeReadInTwoWaysIsNoRequest) {
  for (const std::string bytes :
       {"GET / HTTP/1.1\nHost: localhost\n\n\r\n\r\n", "GET / HTTP/1.1\r\nHost : localhost\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: localhost\r\n folded\r\n\r\n", "GET  / HTTP/1.1\r\n\r\n", "GET / HTTP/3\r\n\r\n",
        "hello\r\n\r\n",
        "POST /plan HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST /plan HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n0\r\n\r\n",
        "POST /plan HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n",
        "POST /plan HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n"}) {
    const auto answer = http().raw(bytes, false);
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 4") || answer.starts_with("HTTP/1.1 50")) << bytes << "\n" << answer;
    EXPECT_THAT(answer, Not(HasSubstr(" got "))) << bytes;
  }
}

TEST_F(HttpServerTest, AMasterWithTokensAsksForOne) {
  const std::string token = "0123456789abcdef-0123456789";
  auto server = std::move(HttpServer::listen({.port = 0}, {.tokens = {token}})).value();
  server->serve([](const ApiRequest&) { return ApiResponse{.body = "{}"}; });
  const HttpClient client(server->port());
  EXPECT_EQ(client.get("/healthz").status, 200);
  EXPECT_EQ(client.get("/api/v1/jobs").status, 401);
  const auto refused =
      client.raw("POST /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n", false);
  EXPECT_THAT(refused, StartsWith("HTTP/1.1 401")) << "before a byte of the body is read";
  EXPECT_THAT(refused, HasSubstr("WWW-Authenticate: Bearer realm=\"ride\"\r\n"));
  EXPECT_THAT(refused, HasSubstr("application/problem+json"));
  EXPECT_THAT(client.raw("GET /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer " +
                             token + "\r\n\r\n",
                         false),
              StartsWith("HTTP/1.1 200"));
}

TEST_F(HttpServerTest, ItStopsThoughClientsAreInTheMiddleOfTheirRequests) {
  const auto held = slow_clients(kHalfABody);
  const auto begun = Clock::now();
  server_->stop();
  EXPECT_LT(Clock::now() - begun, 2s);
}

}  // namespace
}  // namespace ride::master::test
