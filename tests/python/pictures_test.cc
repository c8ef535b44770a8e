// What goes into a Python class and what comes out of it.
#include <gtest/gtest.h>

#include <opencv2/core.hpp>

#include "tests/python/python_script.h"

namespace ride::tasks {
namespace {

cv::Mat upside_down(const cv::Mat& picture) {
  cv::Mat turned;
  cv::flip(picture, turned, 0);
  return turned;
}

TEST(PythonPictures, AreNumpyArraysOfEachDepthAndNumberOfChannels) {
  PythonScript script(
      script_of("assert not frame.image.flags.writeable\n"
                "result = out.allocate(frame.image.shape, frame.image.dtype)\n"
                "result[...] = frame.image[::-1]\n"
                "out.emit(result)"));
  std::int64_t number = 0;
  for (const int depth : {CV_8U, CV_16U, CV_32F}) {
    for (const int channels : {1, 2, 3, 4}) {
      for (const cv::Size size : {cv::Size(1, 1), cv::Size(7, 1), cv::Size(64, 48), cv::Size(1201, 901)}) {
        const cv::Mat in = noise(size.height, size.width, CV_MAKETYPE(depth, channels));
        script.expect_delivered(frame_of(in, ++number), upside_down(in));
      }
    }
  }
  EXPECT_NE(script.error_of(frame_of(noise(3, 3, CV_64FC1))).find("8U, 16U or 32F"), std::string::npos);
}

TEST(PythonPictures, AViewIntoALargerPictureComesAsAPicture) {
  PythonScript script(script_of("out.emit(frame.image.copy())"));
  const cv::Mat in = noise(40, 50, CV_8UC3);
  Frame frame = frame_of(in);
  frame.image = frame.image(cv::Rect(7, 5, 20, 30));
  script.expect_delivered(frame, in(cv::Rect(7, 5, 20, 30)).clone());
}

TEST(PythonPictures, AnyArrayCanBeEmitted) {
  PythonScript script(
      script_of("if frame.number == 0: out.emit(frame.image[::-1])\n"
                "if frame.number == 1: out.emit(frame.image[:, ::2])\n"
                "if frame.number == 2: out.emit(frame.image.astype(np.uint16))\n"
                "if frame.number == 3: out.emit(out.allocate((9, 9))[2:4] * 0 + 5)\n"
                "if frame.number == 4: out.emit(np.zeros((2, 3, 1), np.uint8))"));
  const cv::Mat in = noise(10, 12, CV_8UC1);
  script.expect_delivered(frame_of(in, 0), upside_down(in));
  cv::Mat half(10, 6, CV_8UC1), wide;
  for (int x = 0; x < 6; ++x) in.col(2 * x).copyTo(half.col(x));
  script.expect_delivered(frame_of(in, 1), half);
  in.convertTo(wide, CV_16U);
  script.expect_delivered(frame_of(in, 2), wide);
  script.expect_delivered(frame_of(in, 3), cv::Mat(2, 9, CV_8UC1, cv::Scalar(5)));
  script.expect_delivered(frame_of(in, 4), cv::Mat::zeros(2, 3, CV_8UC1));
}

TEST(PythonPictures, WhatIsNoPictureIsSaidWithTheLine) {
  PythonScript script(
      script_of("kinds = [np.zeros((2, 2)), np.zeros((2, 2), bool), np.zeros(4, np.uint8),\n"
                "         np.zeros((2, 2, 5), np.uint8), np.zeros((0, 2), np.uint8), 'text']\n"
                "out.emit(kinds[frame.number])"));
  const char* const said[] = {"float64 cannot be emitted", "bool cannot", "shape", "shape", "shape", "not str"};
  for (int i = 0; i < 6; ++i) {
    const auto error = script.error_of(frame_of(noise(2, 2, CV_8UC1), i));
    EXPECT_NE(error.find("test.py:8: "), std::string::npos) << error;
    EXPECT_NE(error.find(said[i]), std::string::npos) << error;
  }
}

TEST(PythonPictures, AFrameThatIsPassedOnIsTheSameMemoryAndKeepsItsBytes) {
  PythonScript script(script_of("out.emit(frame) if frame.number == 0 else out.emit(frame.image)"));
  for (const int number : {0, 1}) {
    const Frame frame = with_bytes(frame_of(noise(30, 40, CV_8UC3), number), {1, 2, 3}, "image/jpeg");
    KeepingEmitter out;
    ASSERT_TRUE(script.process(frame, out).ok());
    EXPECT_EQ(out.only().image.data, frame.image.data);
    EXPECT_TRUE(out.only().encoded);
    EXPECT_TRUE(out.allocated.empty());
  }
}

TEST(PythonPictures, AFrameHasItsNameTimeAndAttributes) {
  PythonScript script(script_of(
      "assert frame.id == 'gate/3/42' and frame.source == 'gate' and frame.session == 3 and frame.number == 42\n"
      "assert abs(frame.captured_at - 1795248004.2) < 1e-3, frame.captured_at\n"
      "assert frame.attributes == {'camera': 'north'}\n"
      "out.emit(frame, attributes={'count': 7, 'boxes': [[1, 2]], 'text': '\\u00fc', 'camera': None})"));
  KeepingEmitter out;
  const auto done = script.process(frame_of(noise(3, 4, CV_8UC1), 42), out);
  ASSERT_TRUE(done.ok()) << done.error().message;
  EXPECT_EQ(out.only().attributes,
            (std::map<std::string, std::string>{{"boxes", "[[1, 2]]"}, {"count", "7"}, {"text", "\u00fc"}}));
  EXPECT_EQ(out.only().passed_on.size(), 1U);
}

TEST(PythonPictures, GoToTheirPortsInOrderOrNowhere) {
  PythonScript script(
      script_of("if frame.number == 0: return\n"
                "picture = out.allocate((2, 2))\n"
                "for value in range(200):\n"
                "    picture[...] = value\n"
                "    out.emit(picture, port='out2' if value % 2 else None)\n"
                "if frame.number == 2: out.emit(picture, port='side')\n"
                "if frame.number == 3: out.emit(frame, port='side')"));
  const cv::Mat in = noise(2, 2, CV_8UC1);
  KeepingEmitter none, out;
  ASSERT_TRUE(script.process(frame_of(in, 0), none).ok());
  EXPECT_TRUE(none.frames.empty()) << "filtered";
  ASSERT_TRUE(script.process(frame_of(in, 1), out).ok());
  ASSERT_EQ(out.frames["out"].size(), 100U);
  ASSERT_EQ(out.frames["out2"].size(), 100U);
  for (std::size_t i = 0; i < 100; ++i) {
    EXPECT_EQ(out.frames["out"][i].image.at<std::uint8_t>(0), 2 * i) << "as it was when it was emitted";
    EXPECT_EQ(out.frames["out2"][i].image.at<std::uint8_t>(1), 2 * i + 1);
  }
  EXPECT_NE(script.error_of(frame_of(in, 2)).find("no port 'side'; ports: out, out2, out3, out4"), std::string::npos);
  EXPECT_NE(script.error_of(frame_of(in, 3)).find("no port 'side'"), std::string::npos);
}

TEST(PythonPictures, AtTheEndOfTheInputWhatIsHeldBackComesOut) {
  PythonScript script(
      "import numpy as np\n"
      "class Sum:\n"
      "    def open(self):\n"
      "        self.sum = 0\n"
      "    def process(self, frame, out):\n"
      "        self.sum = self.sum + frame.image.astype(np.float32)\n"
      "    def finish(self, out):\n"
      "        out.emit(self.sum, attributes={'kind': 'sum'})\n");
  KeepingEmitter out;
  for (int i = 0; i < 3; ++i)
    ASSERT_TRUE(script.process(frame_of(cv::Mat(2, 3, CV_8UC1, cv::Scalar(100 + i)), i), out).ok());
  EXPECT_TRUE(out.frames.empty());
  const auto finished = script.task().finish(out);
  ASSERT_TRUE(finished.ok()) << finished.error().message;
  EXPECT_EQ(largest_difference(out.only().image, cv::Mat(2, 3, CV_32FC1, cv::Scalar(303))), 0);
  EXPECT_EQ(out.only().id.number, 2) << "under the name of the last frame";
  EXPECT_EQ(out.only().attributes.at("kind"), "sum");
}

TEST(PythonPictures, AViewThatIsKeptNeverShowsAnotherFrame) {
  PythonScript script(
      script_of("self.views = getattr(self, 'views', [])\n"
                "if frame.number % 3 == 0: self.views.append((frame.number, frame.image[1:2]))\n"
                "if frame.number % 3 == 1: self.frame = frame\n"
                "for number, view in self.views: assert (view == number).all(), (number, view)\n"
                "mine = out.allocate((2, 2))\n"
                "mine[...] = frame.number\n"
                "self.mine = getattr(self, 'mine', []) + [mine]\n"
                "for number, one in enumerate(self.mine): assert (one == number).all()\n"
                "out.emit(mine)"));
  for (int i = 0; i < 40; ++i)
    script.expect_delivered(frame_of(cv::Mat(20, 20, CV_8UC1, cv::Scalar(i)), i),
                            cv::Mat(2, 2, CV_8UC1, cv::Scalar(i)));
}

TEST(PythonPictures, MoreKeptViewsThanMemoryAreSaid) {
  PythonScript script(script_of("self.views = getattr(self, 'views', []) + [frame.image]\n"
                                "if frame.number == 12: self.views = []\n"
                                "out.emit(frame)"),
                      {{"memory", text("512MiB")}});
  const cv::Mat in = noise(8000, 8000, CV_8UC1);
  std::string error;
  for (int i = 0; i < 11 && error.empty(); ++i) error = script.error_of(frame_of(in, i));
  EXPECT_NE(error.find("keep frame.image.copy()"), std::string::npos) << error;
}

TEST(PythonPictures, LargeAndSmallFramesFollowEachOther) {
  PythonScript script(
      script_of("result = out.allocate(frame.image.shape)\nresult[...] = frame.image\nout.emit(result)"));
  std::int64_t number = 0;
  for (const int side : {10, 12000, 10, 3000, 20, 12000}) {
    const cv::Mat in = noise(side, side, CV_8UC1);
    script.expect_delivered(frame_of(in, ++number), in);
  }
}

TEST(PythonPictures, OutIsOfItsFrameAlone) {
  PythonScript script(script_of("if frame.number == 0: self.out = out\nself.out.emit(frame)"));
  const cv::Mat in = noise(3, 3, CV_8UC1);
  script.expect_delivered(frame_of(in, 0), in);
  EXPECT_NE(script.error_of(frame_of(in, 1)).find("belongs to an earlier frame"), std::string::npos);
}

}  // namespace
}  // namespace ride::tasks
