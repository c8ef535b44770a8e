#include <gtest/gtest.h>

#include <numeric>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/videoio.hpp>

#include "tests/tasks/faults.h"
#include "tests/tasks/harness.h"

namespace ride::tasks {
namespace {

using Files = std::vector<std::string>;

ParamValues segments(const std::string& path, std::int64_t frames, double fps = 10) {
  return {{"path", path}, {"segment_frames", frames}, {"fps", fps}};
}

// A flat picture whose brightness says its number.
Frame numbered(std::int64_t number, const std::string& source = "gate", cv::Size size = {32, 24}) {
  return frame_of(cv::Mat(size, CV_8UC3, cv::Scalar::all(10 + 5 * static_cast<double>(number % 40))), number, source);
}

void feed(Task& task, Emitter& out, std::int64_t first, std::int64_t last, const std::string& source = "gate") {
  for (std::int64_t n = first; n <= last; ++n) {
    const auto done = task.process(numbered(n, source), out);
    ASSERT_TRUE(done) << done.error().message;
  }
}

// The numbers that the frames of a video carry, read by another program's decoder.
std::vector<int> numbers_in(const std::string& path, double* fps = nullptr) {
  cv::VideoCapture video(path);
  EXPECT_TRUE(video.isOpened()) << path;
  if (fps != nullptr) *fps = video.get(cv::CAP_PROP_FPS);
  std::vector<int> numbers;
  cv::Mat image;
  while (video.read(image)) numbers.push_back(cvRound((cv::mean(image)[1] - 10) / 5));
  return numbers;
}

TEST(WriteVideo, ASegmentAppearsWholeWhenItIsFull) {
  TempFolder folder;
  auto task = opened("write_video", segments(folder / "{source}-{segment:04}.avi", 5, 12.5));
  KeepingEmitter out;
  feed(*task, out, 0, 3);
  ASSERT_EQ(folder.files().size(), 1u);
  EXPECT_TRUE(folder.files().front().ends_with(".ride-tmp"));
  feed(*task, out, 4, 11);
  ASSERT_TRUE(task->finish(out));
  task->close();
  EXPECT_EQ(folder.files(), (Files{"gate-0000.avi", "gate-0005.avi", "gate-0010.avi"}));
  double fps = 0;
  EXPECT_EQ(numbers_in(folder / "gate-0000.avi", &fps), (std::vector<int>{0, 1, 2, 3, 4}));
  EXPECT_DOUBLE_EQ(fps, 12.5);
  EXPECT_EQ(numbers_in(folder / "gate-0010.avi"), (std::vector<int>{10, 11}));
  EXPECT_TRUE(out.frames.empty());
}

// A JPEG of 48 x 16 that EXIF says to turn by 90 degrees: decoders give 16 x 48, a video player would show what is
// stored.
TEST(WriteVideo, ATurnedPictureIsStoredAsItIsSeen) {
  std::vector<std::uint8_t> jpeg;
  cv::imencode(".jpg", cv::Mat(16, 48, CV_8UC3, cv::Scalar::all(90)), jpeg);
  const std::vector<std::uint8_t> exif = {0xFF, 0xE1, 0, 34, 'E', 'x', 'i', 'f', 0,    0,    'M', 'M',
                                          0,    42,   0, 0,  0,   8,   0,   1,   0x01, 0x12, 0,   3,
                                          0,    0,    0, 1,  0,   6,   0,   0,   0,    0,    0,   0};
  jpeg.insert(jpeg.begin() + 2, exif.begin(), exif.end());
  const cv::Mat seen = cv::imdecode(jpeg, cv::IMREAD_COLOR);
  ASSERT_EQ(seen.size(), cv::Size(16, 48));
  TempFolder folder;
  auto task = opened("write_video", segments(folder / "{source}-{segment}.avi", 5));
  KeepingEmitter out;
  Frame frame = frame_of(seen, 0, "gate");
  frame.encoded = EncodedPicture{"image/jpeg", jpeg, nullptr};
  ASSERT_TRUE(task->process(frame, out));
  ASSERT_TRUE(task->finish(out));
  cv::VideoCapture video(folder / "gate-0.avi");
  cv::Mat image;
  ASSERT_TRUE(video.read(image));
  EXPECT_EQ(image.size(), cv::Size(16, 48));
}

TEST(WriteVideo, FramesStayWithoutAnAckUntilTheirSegmentIsThere) {
  TempFolder folder;
  auto task = opened("write_video", segments(folder / "{source}-{segment}.avi", 5));
  KeepingEmitter out;
  out.can_hold = true;
  feed(*task, out, 0, 3);
  feed(*task, out, 0, 1, "hall");
  EXPECT_EQ(out.held, (std::map<std::string, int>{{"gate", 4}, {"hall", 2}}));
  feed(*task, out, 4, 4);
  EXPECT_TRUE(out.held.empty()) << "the other source's segment was closed with it";
  EXPECT_EQ(folder.files(), (Files{"gate-0.avi", "hall-0.avi"}));
  feed(*task, out, 2, 3, "hall");
  ASSERT_TRUE(task->finish(out));
  EXPECT_TRUE(out.held.empty());
  EXPECT_EQ(numbers_in(folder / "hall-2.avi"), (std::vector<int>{2, 3}));
}

// Frames of two sources in one partition, one slower than the other; `owners` begin at the oldest frame without an ACK.
TEST(WriteVideo, WhoeverTakesOverAtAnyFrameWritesEachFrameIntoOneSegment) {
  std::vector<Frame> log;
  for (std::int64_t n = 0; n < 24; ++n) {
    log.push_back(numbered(n, "gate"));
    if (n % 3 != 0) log.push_back(numbered(n - n / 3 - 1, "hall"));
  }
  for (std::size_t lost_at = 1; lost_at < log.size(); ++lost_at) {
    TempFolder folder;
    const auto params = segments(folder / "{source}-{segment:04}.avi", 6);
    std::size_t committed = 0;
    for (const std::size_t end : {lost_at, log.size()}) {
      KeepingEmitter out;
      out.can_hold = true;
      auto owner = opened("write_video", params);
      for (std::size_t at = committed; at < end; ++at) {
        ASSERT_TRUE(owner->process(log[at], out));
        if (out.held.empty()) committed = at + 1;
        if (out.held.size() == 1 && out.held.begin()->second == 1) committed = at;
      }
      if (end == log.size()) {
        ASSERT_TRUE(owner->finish(out));
      }
    }
    std::map<std::string, std::vector<int>> numbers;
    for (const auto& file : folder.files()) {
      if (!file.ends_with(".avi")) continue;
      auto& all = numbers[file.substr(0, 4)];
      for (const int number : numbers_in(folder / file)) all.push_back(number);
    }
    std::vector<int> gate(24), hall(16);
    std::iota(gate.begin(), gate.end(), 0);
    std::iota(hall.begin(), hall.end(), 0);
    EXPECT_EQ(numbers["gate"], gate) << "lost at " << lost_at;
    EXPECT_EQ(numbers["hall"], hall) << "lost at " << lost_at;
  }
}

TEST(WriteVideo, ANextOwnerWritesTheSameSegmentOfTheHeldFrames) {
  TempFolder folder;
  const auto params = segments(folder / "{segment}.avi", 5);
  KeepingEmitter out;
  out.can_hold = true;
  auto first = opened("write_video", params);
  feed(*first, out, 0, 7);
  first->close();
  EXPECT_EQ(folder.files(), Files{"0.avi"}) << "what is held is not written: it comes again";
  auto second = opened("write_video", params);
  feed(*second, out, 5, 9);
  second->close();
  EXPECT_EQ(folder.files(), (Files{"0.avi", "5.avi"}));
  EXPECT_EQ(numbers_in(folder / "5.avi"), (std::vector<int>{5, 6, 7, 8, 9}));
}

TEST(WriteVideo, WithoutHoldingAnOrderedCloseWritesTheOpenSegment) {
  TempFolder folder;
  KeepingEmitter out;
  auto task = opened("write_video", segments(folder / "{segment}.avi", 5));
  feed(*task, out, 0, 1);
  task->close();
  EXPECT_EQ(numbers_in(folder / "0.avi"), (std::vector<int>{0, 1}));
}

TEST(WriteVideo, MissingFramesAreLeftOutAndCountAsIfTheyWereThere) {
  TempFolder folder;
  KeepingEmitter out;
  auto task = opened("write_video", segments(folder / "{segment}.avi", 5));
  for (const std::int64_t n : {0, 1, 3, 7, 8, 12}) ASSERT_TRUE(task->process(numbered(n), out));
  ASSERT_TRUE(task->finish(out));
  EXPECT_EQ(folder.files(), (Files{"0.avi", "12.avi", "7.avi"}));
  EXPECT_EQ(numbers_in(folder / "0.avi"), (std::vector<int>{0, 1, 3}));
}

TEST(WriteVideo, ANewSessionOrSizeBeginsASegment) {
  TempFolder folder;
  KeepingEmitter out;
  auto task = opened("write_video", segments(folder / "{session}-{segment}.avi", 100));
  feed(*task, out, 0, 2);
  ASSERT_TRUE(task->process(numbered(3, "gate", {40, 30}), out));
  Frame later = numbered(0);
  later.id.session = SessionId{4};
  ASSERT_TRUE(task->process(later, out));
  ASSERT_TRUE(task->finish(out));
  EXPECT_EQ(folder.files(), (Files{"3-0.avi", "3-3.avi", "4-0.avi"}));
  EXPECT_EQ(numbers_in(folder / "3-3.avi"), std::vector<int>{3});
}

TEST(WriteVideo, ASourceThatWentSilentDoesNotHoldItsFramesForEver) {
  TempFolder folder;
  KeepingEmitter out;
  out.can_hold = true;
  auto task = opened("write_video", segments(folder / "{source}-{segment}.avi", 20));  // 2 s
  feed(*task, out, 0, 3);
  const auto last = numbered(3).captured_at;
  Frame slow = numbered(0, "hall");
  slow.captured_at = last + std::chrono::milliseconds(1900);
  ASSERT_TRUE(task->process(slow, out));
  EXPECT_EQ(out.held.count("gate"), 1u);
  slow = numbered(1, "hall");
  slow.captured_at = last + std::chrono::milliseconds(2100);
  ASSERT_TRUE(task->process(slow, out));
  EXPECT_EQ(out.held.count("gate"), 0u);
  EXPECT_EQ(numbers_in(folder / "gate-0.avi"), (std::vector<int>{0, 1, 2, 3}));
  task->close();
}

TEST(WriteVideo, JpegPicturesKeepTheirBytes) {
  TempFolder folder;
  KeepingEmitter out;
  const Frame frame = numbered(0);
  std::vector<std::uint8_t> jpeg;
  ASSERT_TRUE(cv::imencode(".jpg", frame.image, jpeg, {cv::IMWRITE_JPEG_QUALITY, 37}));
  auto task = opened("write_video", segments(folder / "{segment}.avi", 1));
  ASSERT_TRUE(task->process(with_bytes(frame, jpeg, "image/jpeg"), out));
  const auto file = bytes_of(folder / "0.avi");
  EXPECT_NE(std::search(file.begin(), file.end(), jpeg.begin(), jpeg.end()), file.end());
  EXPECT_EQ(numbers_in(folder / "0.avi"), std::vector<int>{0});
}

TEST(WriteVideo, TakesGrayAlphaAndOddSizes) {
  for (const int type : {CV_8UC1, CV_8UC3, CV_8UC4}) {
    for (const cv::Size size : {cv::Size(1, 1), cv::Size(31, 17)}) {
      TempFolder folder;
      KeepingEmitter out;
      auto task = opened("write_video", segments(folder / "{segment}.avi", 1));
      ASSERT_TRUE(task->process(frame_of(cv::Mat(size, type, cv::Scalar::all(60))), out));
      EXPECT_EQ(numbers_in(folder / "0.avi"), std::vector<int>{10}) << type << size;
    }
  }
  EXPECT_NE(error_of("write_video", {}, frame_of(noise(4, 4, CV_16UC1))).find("allowed: values of 8U"),
            std::string::npos);
}

TEST(WriteVideo, AFullDiskIsAnErrorAndTheSegmentCanGoOn) {
  TempFolder folder;
  KeepingEmitter out;
  auto task = opened("write_video", segments(folder / "{segment}.avi", 100));
  feed(*task, out, 0, 1);
  {
    const FileSizeLimit limit(2500);
    const auto done = task->process(frame_of(noise(24, 32, CV_8UC3), 2), out);
    ASSERT_FALSE(done);
    EXPECT_TRUE(done.error().retriable);
    EXPECT_NE(done.error().message.find("frame gate/3/2: cannot write '" + (folder / "0.avi")), std::string::npos)
        << done.error().message;
  }
  feed(*task, out, 2, 3);
  ASSERT_TRUE(task->finish(out));
  EXPECT_EQ(numbers_in(folder / "0.avi"), (std::vector<int>{0, 1, 2, 3})) << "half a frame was left in the video";
}

TEST(WriteVideo, ASegmentThatCouldNotBeClosedIsClosedWhenItsLastFrameComesAgain) {
  TempFolder folder;
  KeepingEmitter out;
  out.can_hold = true;
  auto task = opened("write_video", segments(folder / "{segment}.avi", 5));
  feed(*task, out, 0, 3);
  std::vector<std::uint8_t> jpeg;
  cv::imencode(".jpg", numbered(4).image, jpeg, {cv::IMWRITE_JPEG_QUALITY, 90});
  {
    // Space for the frame, and for half of the index.
    const auto before = bytes_of(folder / folder.files().front()).size();
    const FileSizeLimit limit(before + 8 + jpeg.size() + 41);
    for (int tries = 0; tries < 2; ++tries) {
      const auto done = task->process(numbered(4), out);
      ASSERT_FALSE(done);
      EXPECT_TRUE(done.error().retriable) << done.error().message;
    }
    EXPECT_EQ(out.held.at("gate"), 5) << "each frame is held once";
  }
  feed(*task, out, 4, 5);
  EXPECT_EQ(out.held.at("gate"), 1);
  ASSERT_TRUE(task->finish(out));
  EXPECT_EQ(numbers_in(folder / "0.avi"), (std::vector<int>{0, 1, 2, 3, 4}));
  EXPECT_EQ(numbers_in(folder / "5.avi"), std::vector<int>{5});
}

}  // namespace
}  // namespace ride::tasks
