#include "producer/sources/video_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "producer/sources/ffmpeg_setup.h"
#include "test_files.h"

namespace ride::producer {
namespace {

using testing::HasSubstr;

// Frame n is a flat grey of 10 + 8 n: still distinguishable after MJPG.
std::string write_video(const TempFolder& folder, int frames) {
  const std::string path = folder / "video.avi";
  cv::VideoWriter writer(path, cv::VideoWriter::fourcc('M', 'J', 'P', 'G'), 25, {64, 48});
  if (!writer.isOpened()) throw std::runtime_error("no video writer");
  for (int i = 0; i < frames; ++i) writer.write(cv::Mat(48, 64, CV_8UC3, cv::Scalar::all(10 + 8 * i)));
  return path;
}

int index_of(const CapturedFrame& frame) { return static_cast<int>(std::lround((cv::mean(frame.image)[0] - 10) / 8)); }

std::vector<std::pair<std::int64_t, int>> read_all(VideoSource& source, std::int64_t first, std::size_t most = 1000) {
  std::vector<std::pair<std::int64_t, int>> items;
  auto opened = source.open(first);
  EXPECT_TRUE(opened.ok()) << opened.error().message;
  while (items.size() < most) {
    auto pulled = source.next(std::chrono::milliseconds(0));
    if (!pulled) {
      ADD_FAILURE() << pulled.error().message;
      break;
    }
    auto* frame = std::get_if<CapturedFrame>(&*pulled);
    if (frame == nullptr) break;
    items.emplace_back(frame->number, index_of(*frame));
  }
  return items;
}

TEST(VideoSource, ReadsEveryFrameOnceAndEnds) {
  const TempFolder folder;
  VideoSource source({.path = write_video(folder, 12)});
  const auto items = read_all(source, 0);
  ASSERT_EQ(items.size(), 12u);
  for (int i = 0; i < 12; ++i) EXPECT_EQ(items[static_cast<std::size_t>(i)], std::make_pair(std::int64_t{i}, i));
  EXPECT_EQ(source.state().total, 12);
  EXPECT_EQ(source.state().own_fps, 25);
  EXPECT_FALSE(source.state().live);
  EXPECT_TRUE(std::holds_alternative<SourceEnded>(source.next(std::chrono::milliseconds(0)).value()));
}

// In MPEG-4 a frame is known by what changed since the one before: without the very first one, all of them are grey.
TEST(VideoSource, TheFirstFrameOfAnInterCodedVideoIsWholeUnderTheOptionsForCameras) {
  prepare_video_capture();
  const TempFolder folder;
  const std::string path = folder / "inter.avi";
  cv::Mat scene(240, 320, CV_8UC3);
  cv::randu(scene, 0, 255);
  cv::GaussianBlur(scene, scene, {31, 31}, 0);
  cv::normalize(scene, scene, 0, 255, cv::NORM_MINMAX);
  cv::VideoWriter writer(path, cv::VideoWriter::fourcc('X', 'V', 'I', 'D'), 25, scene.size());
  ASSERT_TRUE(writer.isOpened());
  for (int i = 0; i < 30; ++i) writer.write(scene);
  writer.release();
  VideoSource source({.path = path});
  ASSERT_TRUE(source.open(0).ok());
  const auto item = source.next(std::chrono::milliseconds(0)).value();
  const auto* frame = std::get_if<CapturedFrame>(&item);
  ASSERT_NE(frame, nullptr);
  EXPECT_LT(cv::norm(frame->image, scene, cv::NORM_L1) / static_cast<double>(scene.total() * 3), 8);
}

TEST(VideoSource, NumbersCountOnOverAllPlays) {
  const TempFolder folder;
  VideoSource source({.path = write_video(folder, 5), .plays = 3});
  const auto items = read_all(source, 0);
  ASSERT_EQ(items.size(), 15u);
  for (int i = 0; i < 15; ++i) EXPECT_EQ(items[static_cast<std::size_t>(i)], std::make_pair(std::int64_t{i}, i % 5));
  EXPECT_EQ(source.state().total, 15);
}

TEST(VideoSource, ContinuesAtAnyNumberWithTheSameFrames) {
  const TempFolder folder;
  const std::string path = write_video(folder, 5);
  for (const std::int64_t start : {0, 1, 4, 5, 6, 9, 10, 13, 14, 15, 40}) {
    VideoSource source({.path = path, .plays = 3});
    const auto items = read_all(source, start);
    ASSERT_EQ(items.size(), static_cast<std::size_t>(std::max<std::int64_t>(0, 15 - start))) << start;
    for (std::size_t i = 0; i < items.size(); ++i) {
      const std::int64_t number = start + static_cast<std::int64_t>(i);
      EXPECT_EQ(items[i], std::make_pair(number, static_cast<int>(number % 5)));
    }
  }
}

TEST(VideoSource, PlaysForEver) {
  const TempFolder folder;
  VideoSource source({.path = write_video(folder, 3), .plays = 0});
  EXPECT_EQ(read_all(source, 100'000, 50).front(), std::make_pair(std::int64_t{100'000}, 100'000 % 3));
  EXPECT_EQ(source.state().total, -1);
}

TEST(VideoSource, SaysWhatIsWrongWithAFile) {
  prepare_video_capture();
  const TempFolder folder;
  const auto message = [](const std::string& path) {
    VideoSource source({.path = path, .max_pixels = 1000});
    auto opened = source.open(0);
    return opened.ok() ? "opened" : opened.error().message;
  };
  EXPECT_THAT(message(folder / "gone.avi"), HasSubstr("does not exist"));
  EXPECT_THAT(message(folder.path()), HasSubstr("is a folder"));
  EXPECT_THAT(message(folder.write("text.avi", std::string(5000, 'x'))), HasSubstr("cannot be opened"));
  EXPECT_THAT(message(write_video(folder, 2)), HasSubstr("64 x 48 pixels, more than max_pixels (1000)"));
}

// A variable may stand for anything, and what it holds is nobody's business.
TEST(VideoSource, MessagesShowTheTemplateAndLeaveOtherWordsAlone) {
  prepare_video_capture();
  const TempFolder folder;
  const auto message = [](const std::string& path, const std::string& shown) {
    VideoSource source({.path = path, .shown = shown});
    auto opened = source.open(0);
    return opened.ok() ? "opened" : opened.error().message;
  };
  for (const char* name : {"hunter2", "a", "Not", "directory"}) {
    const auto said = message(folder / name, "${DIR}/${TOK}");
    EXPECT_THAT(said, HasSubstr("'${DIR}/${TOK}' does not exist on this node"));
    EXPECT_THAT(said, testing::Not(HasSubstr(folder.path())));
  }
  EXPECT_THAT(message(folder.write("hunter2.avi", std::string(5000, 'x')), "${TOK}"),
              testing::Not(HasSubstr("hunter2")));
  EXPECT_THAT(message(folder.path(), "${TOK}"), HasSubstr("video '${TOK}' is a folder"));
  EXPECT_THAT(message(folder.write("file", "x") + "/a", "${TOK}"),
              HasSubstr("'${TOK}' cannot be opened: Not a directory"));
}

}  // namespace
}  // namespace ride::producer
