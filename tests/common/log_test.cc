#include "common/log.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <stdexcept>
#include <utility>

#include "common/cause.h"
#include "common/redact.h"
#include "common/text.h"

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

TEST(Redact, TakesAFilesNameAndTheSystemsReasonForNoSecret) {
  for (const char* text : {"token: Not a directory", "cannot write '/run/secret': Not a directory; a folder is needed",
                           "/etc/ride/password: Permission denied", "'api_key': No such file or directory",
                           "out/token: it holds no picture", "'secret': Invalid data found when processing input",
                           "folder '/srv/my secret': Is a directory"})
    EXPECT_EQ(redact(text), text);
  EXPECT_EQ(redact("token: hunter2"), "token: ***");
  EXPECT_EQ(redact("'token': 'hunter2'"), "'token': ***");
  EXPECT_EQ(redact("\"token\": 1234"), "\"token\": ***");
  EXPECT_EQ(redact("a/b token=hunter2"), "a/b token=***");
  EXPECT_EQ(redact("rtsp://TOKEN@host/x: Not a directory"), "rtsp://***@host/x: Not a directory");
}

TEST(Redact, LeavesOtherTextAlone) {
  for (const char* text :
       {"", "plain", "http://host:8080/x", "http://host/@me", "mail a@b.example", "://", "x://", "file:///a/b@2x.png",
        "the password was refused", "localhost:9092,other:9092", "what? a key = b & c", "x?keys=1&b"}) {
    EXPECT_EQ(redact(text), text);
  }
}

TEST(OneLine, ATerminalObeysNothingInIt) { EXPECT_EQ(one_line("a\nb\x1b]0;x\a\x7f ü"), "a\\nb\\x1b]0;x\\x07\\x7f ü"); }

TEST(OneLine, WhatIsNoPrintableCharacterIsAnEscape) {
  const std::pair<std::string, const char*> cases[] = {
      {"a\xc2\x9b"
       "31mb",
       "a\\u009b31mb"},  // CSI as one character
      {"a\xc2\x85"
       "b",
       "a\\u0085b"},  // NEL
      {"x\x9b"
       "31m",
       "x\\x9b31m"},                                     // the same as one byte, no UTF-8
      {"\xc0\x8a", "\\xc0\\x8a"},                        // a line break, encoded too long
      {"\xe2\x80", "\\xe2\\x80"},                        // cut off
      {"\xed\xa0\x80", "\\xed\\xa0\\x80"},               // a surrogate
      {"\xf5\x80\x80\x80", "\\xf5\\x80\\x80\\x80"},      // beyond Unicode
      {"gnp.\xe2\x80\xaegpj", "gnp.\\u202egpj"},         // right to left from here
      {"\xe2\x81\xa6x\xe2\x81\xa9", "\\u2066x\\u2069"},  // isolates
      {"a\xe2\x80\xa8"
       "b",
       "a\\u2028b"},  // line separator
      {"a\xe2\x80\x8b"
       "b",
       "a\\u200bb"},                     // no width
      {"\xf3\xa0\x81\x81", "\\ue0041"},  // a tag
      {std::string("a\0b", 3), "a\\x00b"},
      {"Straße 東京 🙂", "Straße 東京 🙂"},
  };
  for (const auto& [text, wanted] : cases) EXPECT_EQ(one_line(text), wanted);
  EXPECT_EQ(printable_lines("one\ntwo\x1b[2J\r\n"), "one\ntwo\\x1b[2J\\x0d\n");
}

TEST(ReplaceWhole, OnlyWhereTheTextStandsByItself) {
  EXPECT_EQ(replace_whole("open '/srv/x' failed", "/srv/x", "${DIR}"), "open '${DIR}' failed");
  EXPECT_EQ(replace_whole("/srv/x/1.jpg and /srv/x2 and /a/srv/x", "/srv/x", "${DIR}"),
            "${DIR}/1.jpg and /srv/x2 and /a/srv/x");
  EXPECT_EQ(replace_whole("cannot read /srv/x. Fix it: /srv/x", "/srv/x", "${DIR}"),
            "cannot read ${DIR}. Fix it: ${DIR}");
  EXPECT_EQ(replace_whole("'Not': Not a directory", "Not", "${TOK}"), "'${TOK}': Not a directory");
  EXPECT_EQ(replace_whole("Not a directory", "a", "***"), "Not a directory");
  EXPECT_EQ(replace_whole("Not a directory", "", "***"), "Not a directory");
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

// "error ride-worker: " and nothing behind it helps nobody.
TEST(Log, AnErrorIsNeverEmpty) {
  testing::internal::CaptureStderr();
  log_error("{}", std::string());
  log_warning("{}", " \n");
  log_error("a cause");
  const auto text = testing::internal::GetCapturedStderr();
  EXPECT_NE(text.find("does not say why: please report it"), std::string::npos) << text;
  EXPECT_EQ(text.find(": \n"), std::string::npos) << text;
  EXPECT_NE(text.find(": a cause\n"), std::string::npos) << text;
}

struct Silent : std::exception {
  const char* what() const noexcept override { return ""; }
};

TEST(CauseOf, AnExceptionWithoutATextIsNamedByItsType) {
  EXPECT_EQ(cause_of(std::runtime_error("disk on fire")), "disk on fire");
  EXPECT_EQ(cause_of(std::runtime_error("")), "an exception of type std::runtime_error that does not say why");
  EXPECT_NE(cause_of(Silent()).find("Silent"), std::string::npos) << cause_of(Silent());
}

}  // namespace
}  // namespace ride
