#include "common/http_head.h"

#include <gtest/gtest.h>

namespace ride {
namespace {

int fault_of(const std::string& text) {
  const auto parsed = parse_http_head(text);
  const auto* fault = std::get_if<HttpFault>(&parsed);
  return fault == nullptr ? 0 : fault->status;
}

TEST(HttpHead, IsARequestLineAndFields) {
  const auto parsed = parse_http_head("GET /a?b=c HTTP/1.1\r\nHost:  x \r\nX-Empty:\r\nHOST: y");
  const auto& head = std::get<HttpHead>(parsed);
  EXPECT_EQ(head.method, "GET");
  EXPECT_EQ(head.path(), "/a");
  EXPECT_EQ(head.field("host"), "x");
  EXPECT_EQ(head.count("host"), 2U);
  EXPECT_EQ(head.count("x-empty"), 1U);
  EXPECT_TRUE(head.keeps_alive());
  EXPECT_FALSE(std::get<HttpHead>(parse_http_head("GET / HTTP/1.0")).keeps_alive());
}

TEST(HttpHead, WhatIsNoHeadSaysWhy) {
  EXPECT_EQ(fault_of("GET / HTTP/2.0"), 505);
  EXPECT_EQ(fault_of("GET /" + std::string(9000, 'x') + " HTTP/1.1"), 414);
  std::string many = "GET / HTTP/1.1";
  for (int i = 0; i < 101; ++i) many += "\r\nA: b";
  EXPECT_EQ(fault_of(many), 431);
  for (const std::string text :
       {"", "GET", "GET /", "GET / HTTP/1.1 x", " GET / HTTP/1.1", "G(T / HTTP/1.1", "GET / HTTP/1.1\r\nno colon",
        "GET / HTTP/1.1\r\n: x", "GET / HTTP/1.1\r\nA : b", "GET / HTTP/1.1\r\n A: b", "GET / HTTP/1.1\r\nA: b\nB: c",
        "GET / HTTP/1.1\r\nA: b\rc", "GET /\x01 HTTP/1.1"})
    EXPECT_NE(fault_of(text), 0) << text;
  EXPECT_NE(fault_of(std::string("GET / HTTP/1.1\r\nA: \0", 20)), 0);
}

TEST(ChunkReader, GivesTheSameBodyHoweverItsBytesCome) {
  const std::string sent = "3;x=y\r\nabc\r\nA\r\n0123456789\r\n0\r\nTrailer: t\r\n\r\nnext";
  for (std::size_t step = 1; step <= sent.size(); ++step) {
    ChunkReader reader(100);
    std::string bytes, body;
    for (std::size_t at = 0; at < sent.size(); at += step) {
      bytes += sent.substr(at, step);
      ASSERT_FALSE(reader.consume(bytes, body)) << step;
    }
    EXPECT_TRUE(reader.done());
    EXPECT_EQ(body, "abc0123456789");
    EXPECT_EQ(bytes, "next") << "of the next request";
  }
}

TEST(ChunkReader, BoundsWhatAChunkPromisesAndWhatIsAroundIt) {
  for (const std::string sent : {"65\r\n", "7fffffffffffffff\r\n", "ffffffffffffffffff\r\n"}) {
    ChunkReader reader(100);
    std::string bytes = sent, body;
    const auto fault = reader.consume(bytes, body);
    ASSERT_TRUE(fault) << sent;
    EXPECT_EQ(fault->status, 413);
  }
  ChunkReader reader(100);
  std::string body;
  std::optional<HttpFault> fault;
  std::string bytes = "0\r\n";
  for (int i = 0; i < 2000 && !fault; ++i) {
    bytes += "Trailer: for ever\r\n";
    fault = reader.consume(bytes, body);
  }
  EXPECT_TRUE(fault);
  std::string line(3000, 'x');
  ChunkReader other(100);
  EXPECT_TRUE(other.consume(line, body)) << "a size line without an end";
}

}  // namespace
}  // namespace ride
