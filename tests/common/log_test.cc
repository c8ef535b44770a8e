#include "common/log.h"
#include "common/text.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <utility>

namespace ride {
namespace {

TEST(Redact, HidesCredentialsInUrls) {
  const std::pair<const char*, const char*> cases[] = {
      {"rtsp://user:secret@host/x", "rtsp://***@host/x"},
      {"open rtsp://u:p@ss@w@host:554/x failed", "open rtsp://***@host:554/x failed"},
      {"'rtsp://u:it's@host/x' is away", "'rtsp://***@host/x' is away"},
      {"rtsp://user@host/x", "rtsp://***@host/x"},
      {"rtsp://u:pa/ss@host/x", "rtsp://***@host/x"},
      {"rtsp://u:pa?s#s@host/x", "rtsp://***@host/x"},
      {"rtsp://u:p@host/x?mail=a@b", "rtsp://***@host/x?mail=a@b"},
      {"rtsp://:pw@[::1]:554/x", "rtsp://***@[::1]:554/x"},
      {"a://u:p@h b://v:q@i", "a://***@h b://***@i"},
      {"postgres://u:%40x@h", "postgres://***@h"},
  };
  for (const auto& [text, wanted] : cases) EXPECT_EQ(redact(text), wanted);
}

TEST(Redact, HidesValuesOfSecretKeys) {
  const std::pair<const char*, const char*> cases[] = {
      {"sasl.password=hunter2", "sasl.password=***"},
      {"-X sasl.password=hunter2 -X acks=all", "-X sasl.password=*** -X acks=all"},
      {R"({"sasl.password":"hun\"ter2","acks":"all"})", R"({"sasl.password":***,"acks":"all"})"},
      {"ssl.key.password = 'a b' next", "ssl.key.password = *** next"},
      {"PASSWORD: hunter2", "PASSWORD: ***"},
      {"http://h/x?token=abc&y=1", "http://h/x?token=***"},
      {"client_secret=abc", "client_secret=***"},
      {"video 'https://h/v.mp4?sig=a%2Fb&x=1' is away", "video 'https://h/v.mp4?sig=***&x=1' is away"},
      {"https://h/v?x=1&Key=abc", "https://h/v?x=1&Key=***"},
  };
  for (const auto& [text, wanted] : cases) EXPECT_EQ(redact(text), wanted);
}

TEST(Redact, LeavesOtherTextAlone) {
  for (const char* text : {"", "plain", "http://host:8080/x", "http://host/@me", "mail a@b.example", "://", "x://",
                           "file:///a/b@2x.png", "the password was refused", "localhost:9092,other:9092", "what? a key = b & c", "x?keys=1&b"}) {
    EXPECT_EQ(redact(text), text);
  }
}

TEST(OneLine, ATerminalObeysNothingInIt) {
  EXPECT_EQ(one_line("a\nb\x1b]0;x\a\x7f ü"), "a\\nb\\x1b]0;x\\x07\\x7f ü");
}

class LogLines : public testing::Test {
 protected:
  void TearDown() override { ::unsetenv("RIDE_LOG"); }
};

TEST_F(LogLines, AreOneLineEachWithLevelProgramAndNoSecrets) {
  ::unsetenv("RIDE_LOG");
  init_logging("ride-test");
  testing::internal::CaptureStderr();
  log_debug("not shown");
  log_info("source {} at rtsp://u:p@h/x", "gate");
  log_error("two\nlines");
  const std::string text = testing::internal::GetCapturedStderr();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2) << text;
  EXPECT_NE(text.find("Z info ride-test: source gate at rtsp://***@h/x\n"), std::string::npos) << text;
  EXPECT_NE(text.find("Z error ride-test: two\\nlines\n"), std::string::npos) << text;
}

TEST_F(LogLines, FollowTheEnvironmentsLevel) {
  ::setenv("RIDE_LOG", "error", 1);
  init_logging("ride-test");
  testing::internal::CaptureStderr();
  log_warning("not shown");
  log_error("shown");
  const std::string text = testing::internal::GetCapturedStderr();
  EXPECT_EQ(text.find("not shown"), std::string::npos);
  EXPECT_NE(text.find("shown"), std::string::npos);
}

TEST_F(LogLines, AnUnknownLevelIsReportedAndChangesNothing) {
  ::setenv("RIDE_LOG", "loud", 1);
  testing::internal::CaptureStderr();
  init_logging("ride-test", LogLevel::info);
  EXPECT_NE(testing::internal::GetCapturedStderr().find("RIDE_LOG='loud'"), std::string::npos);
}

}  // namespace
}  // namespace ride
