// Who may use the API, by the head of a request.
#include "master/http_access.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/ip_address.h"

namespace ride::master {
namespace {

using ::testing::HasSubstr;

constexpr const char* kToken = "0123456789abcdef0123456789abcdef";

HttpHead head(const std::string& fields, const std::string& target = "/api/v1/jobs") {
  auto parsed = parse_http_head("POST " + target + " HTTP/1.1\r\n" + fields);
  EXPECT_TRUE(std::holds_alternative<HttpHead>(parsed)) << fields;
  return std::get<HttpHead>(parsed);
}

int status(const HttpAccess& access, const std::string& fields, const std::string& target = "/api/v1/jobs") {
  const auto refused = refuse_access(access, head(fields, target));
  return refused ? refused->status : 200;
}

TEST(HttpAccess, LoopbackIsAnAddressOrLocalhostAndNoNameThatLooksLikeIt) {
  for (const char* host :
       {"127.0.0.1", "127.0.0.1:7800", "127.9.8.7", "localhost", "LocalHost:80", "[::1]", "[::1]:7800"})
    EXPECT_EQ(status({}, "Host: " + std::string(host)), 200) << host;
  for (const char* host : {"127.0.0.1.evil.com",
                           "127.0.0.1.evil.com:7800",
                           "127.evil.com",
                           "127.",
                           "127.1",
                           "0x7f.0.0.1",
                           "127.0.0.1@evil.com",
                           "localhost.",
                           "localhost.evil.com",
                           "evil.com",
                           "[::1].evil.com",
                           "[::1",
                           "[127.0.0.1]",
                           "[::ffff:127.0.0.1]",
                           "[::2]",
                           "10.0.0.1",
                           "0.0.0.0",
                           "127.0.0.1:7800x",
                           "127.0.0.1:123456",
                           "127.0.0.1, evil.com"})
    EXPECT_EQ(status({}, "Host: " + std::string(host)), 403) << host;
  EXPECT_EQ(status({}, "Host: 127.0.0.1\r\nHost: evil.com"), 400);
}

// Found by fuzzing: an address that ends at a NUL was taken for the whole name.
TEST(HttpAccess, ANameWithANulIsNoAddress) {
  EXPECT_TRUE(is_loopback_host("127.0.0.1"));
  EXPECT_FALSE(is_loopback_host(std::string("127.0.0.1\0.evil.com", 19)));
}

TEST(HttpAccess, OutsideOfLoopbackAnAddressAndTheNamesThatWereGivenAreItsOwn) {
  const HttpAccess access{.on_loopback = false, .names = {"master1", "ride.example"}, .tokens = {}};
  for (const char* host : {"10.0.0.5:7800", "master1", "MASTER1:7800", "ride.example", "localhost", "[fe80::1]:7800"})
    EXPECT_EQ(status(access, "Host: " + std::string(host)), 200) << host;
  for (const char* host : {"evil.com", "master1.evil.com", "10.0.0.5.evil.com", "master2"})
    EXPECT_EQ(status(access, "Host: " + std::string(host)), 403) << host;
  EXPECT_THAT(refuse_access(access, head("Host: master2"))->body, HasSubstr("--http-name master2"));
}

TEST(HttpAccess, APageOfAnotherOriginMayNotUseIt) {
  const std::string host = "Host: 127.0.0.1:7800\r\n";
  EXPECT_EQ(status({}, host + "Origin: http://127.0.0.1:7800"), 200);
  for (const char* origin : {"http://127.0.0.1.evil.com", "http://evil.com", "null", "http://127.0.0.1",
                             "http://127.0.0.1:78000", "https://127.0.0.1:7800.evil.com", "file://", ""})
    EXPECT_EQ(status({}, host + "Origin: " + origin), 403) << origin;
  EXPECT_EQ(status({}, "Origin: http://"), 403) << "without a Host there is no origin of ours";
}

TEST(HttpAccess, WithTokensEverythingButTheProbesNeedsOne) {
  const HttpAccess access{.on_loopback = false, .names = {}, .tokens = {"another-token-0123456789", kToken}};
  const std::string host = "Host: 10.0.0.5\r\n", bearer = host + "Authorization: Bearer ";
  EXPECT_EQ(status(access, bearer + kToken), 200);
  EXPECT_EQ(status(access, bearer + "another-token-0123456789"), 200);
  EXPECT_EQ(status(access, host + "Authorization: bearer " + kToken), 200) << "schemes have no case";
  for (const char* path : {"/healthz", "/readyz", "/readyz?verbose"})
    EXPECT_EQ(status(access, host, path), 200) << path;
  for (const char* path : {"/metrics", "/api/v1/jobs", "/", "/healthz/../api/v1/jobs", "/healthzz", "//healthz"})
    EXPECT_EQ(status(access, host, path), 401) << path;
  const std::string token = kToken;
  for (const auto& wrong : {bearer, bearer + "x", bearer + token + "x", bearer + token.substr(1),
                            bearer + token.substr(0, 31), host + "Authorization: Basic " + token,
                            host + "Authorization: " + token, bearer + token + "\r\nAuthorization: Bearer " + token})
    EXPECT_EQ(status(access, wrong), 401) << wrong;
  const auto refused = refuse_access(access, head(bearer + "guessed-token-guessed-token"));
  EXPECT_THAT(refused->authenticate, HasSubstr("Bearer"));
  EXPECT_THAT(refused->body, ::testing::Not(HasSubstr("guessed-token")));
  EXPECT_EQ(status(access, "Host: evil.com\r\nAuthorization: Bearer " + token), 403);
}

}  // namespace
}  // namespace ride::master
