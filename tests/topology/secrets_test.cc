#include "topology/secrets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/environment.h"

namespace ride::topology {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

Environment environment() {
  return environment_of({{"USER_NAME", "ann"}, {"PASS", "p@ss/w:rd?#%41"}, {"EMPTY", ""}, {"HOST", "cam.example"}});
}

TEST(Environment, VariablesDefaultsAndDollarsAreFilledIn) {
  EXPECT_EQ(*expand_variables("a ${USER_NAME} $$ ${NONE:-x y} ${EMPTY:-z} ${EMPTY}! 5$ $x", environment()),
            "a ann $ x y z ! 5$ $x");
  EXPECT_EQ(*expand_variables("$${USER_NAME}", environment()), "${USER_NAME}");
}

TEST(Environment, WhatIsNotSetIsNamed) {
  const auto result = expand_variables("${ONE} ${USER_NAME} ${TWO} ${ONE}", environment());
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().message, "the environment variables ONE, TWO are not set");
  EXPECT_EQ(result.error().code, ErrorCode::not_found);
  EXPECT_THAT(unset_variables("${ONE} ${TWO} ${ONE}", environment()), ElementsAre("ONE", "TWO"));
}

TEST(Environment, MalformedVariablesAreRefused) {
  for (const char* text : {"${", "${A", "${}", "${1A}", "${A B}", "${A:=b}", "${A:?b}", "${A:-${B}}", "${A:}"}) {
    EXPECT_FALSE(parse_template(text).ok()) << text;
    EXPECT_FALSE(expand_secrets(text, environment()).ok()) << text;
  }
}

TEST(Environment, ASecretThatWouldBreakItsUriIsEncoded) {
  EXPECT_EQ(*expand_secrets("rtsp://${USER_NAME}:${PASS}@${HOST}/s?x=${USER_NAME}", environment()),
            "rtsp://ann:p%40ss%2Fw%3Ard%3F%23%41@cam.example/s?x=ann");
  EXPECT_EQ(*expand_secrets("/videos/${HOST}", environment()), "/videos/cam.example");
  EXPECT_EQ(*expand_secrets("rtsp://${HOST}/x", environment()), "rtsp://cam.example/x");
}

TEST(Environment, AWholeUriInAVariableStaysAsItIs) {
  const auto all = environment_of({{"URL", "rtsp://u:p@h:554/x"}});
  EXPECT_EQ(*expand_secrets("${URL}", all), "rtsp://u:p@h:554/x");
  EXPECT_EQ(*expand_secrets("${URL}/more", all), "rtsp://u:p@h:554/x/more");
}

TEST(Secrets, LiteralPasswordsAndTokensAreSeen) {
  for (const char* uri :
       {"rtsp://u:p@h/x", "rtsp://${U}:p@h/x", "rtsp://u:${P:-p}@h/x", "rtsp://u:p${P}@h/x", "http://h/x?password=p",
        "http://h/x?a=b&token=t#f", "rtsp://u:p/w@h/x", "${URL:-rtsp://u:p@h/}", "http://h:80/?API_KEY=k",
        "rtsp://u:p@h:554/x", "rtsp://u:p@[::1]:554/x", "rtsp://TOKEN@host", "https://TOKEN@[::1]:80/x",
        "rtsp://a${U}@h", "rtsp://${U:-TOKEN}@h"}) {
    EXPECT_TRUE(has_literal_secret(uri)) << uri;
  }
}

TEST(Secrets, VariablesAndPlainUrlsAreFine) {
  for (const char* uri :
       {"rtsp://${U}:${P}@h/x", "rtsp://u:${P}@h/x", "rtsp://h:554/x@y", "http://h/x?token=${T}", "${URL}", "0",
        "/dev/video0", "udp://@239.0.0.1:1234", "rtsp://[::1]:554/x", "http://h/x?user=me", "a@b:c.avi",
        "rtsp://${HOST}:${PORT}/x", "rtsp://${TOKEN}@host/x", "https://h/@me", "https://h/x?mail=a@b"}) {
    EXPECT_FALSE(has_literal_secret(uri)) << uri;
  }
}

TEST(Secrets, MaskingKeepsTheLengthAndTheVariables) {
  EXPECT_EQ(mask_secrets("a: \"rtsp://u:päss@h/x\" # b"), "a: \"rtsp://u:****@h/x\" # b");
  EXPECT_EQ(mask_secrets("rtsp://${U}:${P}@h"), "rtsp://${U}:${P}@h");
  EXPECT_THAT(mask_secrets("rtsp://${U}:${P:-geheim}@h"), Not(HasSubstr("geheim")));
  EXPECT_EQ(mask_secrets("uri: rtsp://TOKEN@host/x, rtsp://${TOKEN}@host"),
            "uri: rtsp://*****@host/x, rtsp://${TOKEN}@host");
  EXPECT_EQ(mask_secrets("http://h/?a=1&pwd=geheim&b=2"), "http://h/?a=1&pwd=******&b=2");
}

}  // namespace
}  // namespace ride::topology
