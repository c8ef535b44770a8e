// What a camera's URI becomes: a device or a stream, behind a capture thread. The thread itself: live_source_test.cc.
#include <gmock/gmock.h>

#include "make_request.h"

namespace ride::producer {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string opening(MadeSource source) {
  EXPECT_TRUE(source.ok()) << source.error().message;
  if (!source.ok()) return "";
  EXPECT_TRUE((*source)->state().live);
  EXPECT_TRUE((*source)->open(0).ok()) << "it returns at once; what opening says comes out of next()";
  for (int i = 0; i < 1000; ++i) {
    const auto pulled = (*source)->next(std::chrono::milliseconds(20));
    if (!pulled.ok()) return pulled.error().message;
  }
  return "";
}

TEST(CameraSource, ADeviceIsNamedByItsIndexOrPath) {
  MakeRequest request;
  EXPECT_THAT(opening(request.make({.name = "cam", .kind = "camera", .uri = "987"})),
              HasSubstr("camera /dev/video987 is not there"));
  EXPECT_THAT(opening(request.make({.name = "cam", .kind = "camera", .uri = "/dev/video987"})),
              HasSubstr("/dev/video987 is not there"));
}

TEST(CameraSource, AStreamsCredentialsAreInNoMessage) {
  MakeRequest request(std::map<std::string, std::string>{{"GATE_PASS", "hunter2"}});
  const auto text =
      opening(request.make({.name = "cam", .kind = "camera", .uri = "rtsp://guard:${GATE_PASS}@127.0.0.1:9/x"}));
  EXPECT_THAT(text, HasSubstr("127.0.0.1:9"));
  EXPECT_THAT(text, Not(HasSubstr("hunter2")));
}

TEST(CameraSource, WhatIsNoCameraIsRefused) {
  MakeRequest request;
  const auto neither = request.make({.name = "cam", .kind = "camera", .uri = "street.avi"});
  ASSERT_FALSE(neither.ok());
  EXPECT_THAT(neither.error().message, HasSubstr("'street.avi' is neither a device (0, /dev/video0) nor a URL"));
  const auto unset = request.make({.name = "cam", .kind = "camera", .uri = "rtsp://${GATE_PASS}@host/x"});
  ASSERT_FALSE(unset.ok());
  EXPECT_THAT(unset.error().message, HasSubstr("GATE_PASS"));
}

}  // namespace
}  // namespace ride::producer
