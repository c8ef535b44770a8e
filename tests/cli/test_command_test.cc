// `ride test` as a person runs it: topologies whose tests pass and fail, what is printed, the exit code, and the
// pictures. What is expected is made here with OpenCV, never by RIDE.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <fstream>
#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <thread>

#include "common/json.h"
#include "common/sha256.h"
#include "process/proc.h"
#include "test_runner/failure_sheet.h"
#include "tests/cli/ride_process.h"
#include "tests/support/temp_folder.h"

namespace ride::test {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using TestJson = nlohmann::json;

class RideTest : public ::testing::Test {
 protected:
  RideResult ride(std::vector<std::string> arguments, std::map<std::string, std::string> environment = {}) {
    arguments.insert(arguments.begin(), "test");
    return run_ride(arguments, {folder_.path(), std::move(environment)});
  }
  // With the stages and tests as YAML lists; two sources, so that tests name what they need.
  std::string topology(const std::string& stages, const std::string& tests, const std::string& name = "t.yaml",
                       const std::string& source = "directory: pictures") {
    std::ofstream(folder_ / name) << "ride: v1\nname: tried\nsources: { photos: { " << source << " } }\nstages:\n"
                                  << stages << "sinks: [{ name: bin, from: [last], task: discard }]\ntests:\n"
                                  << tests;
    return name;
  }
  cv::Mat picture(const std::string& name, int rows = 30, int cols = 40, int type = CV_8UC3, std::uint64_t seed = 1) {
    cv::Mat made(rows, cols, type);
    cv::RNG(seed).fill(made, cv::RNG::UNIFORM, 0, CV_MAT_DEPTH(type) == CV_16U ? 65536 : 256);
    write(name, made);
    return made;
  }
  void write(const std::string& name, const cv::Mat& image) {
    fs::create_directories((folder_ / name).parent_path());
    ASSERT_TRUE(cv::imwrite((folder_ / name).string(), image));
  }
  cv::Mat read(const std::string& name) const { return cv::imread((folder_ / name).string(), cv::IMREAD_UNCHANGED); }
  std::string text_of(const std::string& name) const {
    std::ifstream in(folder_ / name);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  // With a test runner whose `identity` does what the attribute "do" says: `ride` starts what lies beside it.
  RideResult faulty_ride() {
    fs::create_directory(folder_ / "bin");
    fs::copy_file(RIDE_PROGRAM, folder_ / "bin/ride");
    fs::copy_file(RIDE_FAULTY_TEST, folder_ / "bin/ride-test");
    RideProcess process({(folder_ / "bin/ride").string(), "test", "t.yaml"}, {folder_.path(), {}}, false);
    return process.wait(std::chrono::seconds(120));
  }

  TempFolder folder_{"ride-test"};
};

constexpr const char* kFlip = "  - { name: last, from: [photos], task: flip, params: { direction: horizontal } }\n";
constexpr const char* kIdentity = "  - { name: last, from: [photos], task: identity }\n";

cv::Mat flipped(const cv::Mat& image) {
  cv::Mat turned(image.size(), image.type());
  for (int row = 0; row < image.rows; ++row)
    for (int col = 0; col < image.cols; ++col)
      image(cv::Rect(col, row, 1, 1)).copyTo(turned(cv::Rect(image.cols - 1 - col, row, 1, 1)));
  return turned;
}

TEST_F(RideTest, WhatComesOutAsExpectedIsOkAndLeavesNothing) {
  write("expected/turned.png", flipped(picture("pictures/a.png")));
  write("deep/turned.png", flipped(picture("deep/a.png", 20, 20, CV_16UC1)));
  topology(kFlip,
           "  - { name: turns it round, input: pictures/a.png, expect: { picture: expected/turned.png, frames: 1 } }\n"
           "  - { name: 'of 16 bits, too', input: deep/a.png, expect: { picture: deep/turned.png } }\n");
  const auto good = ride({"t.yaml"});
  EXPECT_EQ(good.code, 0) << good.out << good.err;
  EXPECT_THAT(good.out, AllOf(HasSubstr("ok       turns it round"), HasSubstr("ok       of 16 bits, too"),
                              HasSubstr("2 tests: 2 ok\n")));
  EXPECT_FALSE(fs::exists(folder_ / "out"));
}

TEST_F(RideTest, AFileOfAnotherFolderFindsItsPicturesBesideIt) {
  write("sub/turned.png", flipped(picture("sub/a.png")));
  topology(kFlip, "  - { name: t, input: a.png, expect: { picture: turned.png } }\n", "sub/t.yaml");
  EXPECT_EQ(ride({"sub/t.yaml"}).code, 0);
}

// Panels are 480 x 360; a picture of 40 x 30 is shown 12 times as large.
TEST_F(RideTest, AFailureIsShownAsInputGotExpectedAndDifference) {
  const cv::Mat in = picture("pictures/a.png");
  cv::Mat other = flipped(in);
  other.at<cv::Vec3b>(7, 5)[1] ^= 0xff;
  write("expected/turned.png", other);
  topology(kFlip, "  - { name: 'turns: it', input: pictures/a.png, expect: { picture: expected/turned.png } }\n");
  const auto result = ride({"t.yaml"});
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(
      result.out,
      AllOf(HasSubstr("FAILED   turns: it"), HasSubstr("1 pixel of 1200 differ, first at row 7, column 5, by at most "),
            HasSubstr("picture: out/tests/turns-it.failed.png"), HasSubstr("1 test: 0 ok, 1 failed")));
  const cv::Mat sheet = read("out/tests/turns-it.failed.png");
  ASSERT_FALSE(sheet.empty());
  const auto shown = [&](int index, int row, int col) {
    const int left = test_runner::kPanelGap + index * (test_runner::kPanelWidth + test_runner::kPanelGap);
    return sheet.at<cv::Vec3b>(test_runner::kPanelTop + row * 12 + 6, left + col * 12 + 6);
  };
  for (const auto& [row, col] : {std::pair{7, 5}, std::pair{0, 0}, std::pair{29, 39}, std::pair{12, 30}}) {
    EXPECT_EQ(shown(0, row, col), in.at<cv::Vec3b>(row, col)) << row << " " << col;
    EXPECT_EQ(shown(1, row, col), in.at<cv::Vec3b>(row, 39 - col)) << row << " " << col;
    EXPECT_EQ(shown(2, row, col), other.at<cv::Vec3b>(row, col)) << row << " " << col;
    EXPECT_EQ(shown(3, row, col), (row == 7 ? cv::Vec3b(0, 255, 0) : cv::Vec3b(0, 0, 0))) << row << " " << col;
  }
}

TEST_F(RideTest, AnotherSizeOrDepthFailsAndSaysBoth) {
  picture("pictures/a.png");
  write("expected/small.png", cv::Mat(3, 4, CV_8UC1, cv::Scalar(0)));
  topology(kFlip, "  - { name: t, input: pictures/a.png, expect: { picture: expected/small.png, psnr: 1 } }\n");
  const auto result = ride({"t.yaml"});
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.out, HasSubstr("the picture is 30x40x3 8u, expected 3x4x1 8u"));
}

TEST_F(RideTest, BetweenStagesPicturesLoseWhatTheirCodecLoses) {
  const cv::Mat in = picture("pictures/a.png");
  std::vector<std::uint8_t> bytes;
  ASSERT_TRUE(cv::imencode(".jpg", flipped(in), bytes, {cv::IMWRITE_JPEG_QUALITY, 50}));
  write("expected/lossy.png", flipped(cv::imdecode(bytes, cv::IMREAD_COLOR)));
  const std::string first = "  - { name: first, from: [photos], task: flip, params: { direction: horizontal }";
  const std::string last = "  - { name: last, from: [first], task: flip, params: { direction: horizontal } }\n";
  const std::string tests =
      "  - { name: lossy, input: pictures/a.png, expect: { picture: expected/lossy.png } }\n"
      "  - { name: as it was, input: pictures/a.png, expect: { picture: pictures/a.png } }\n";
  topology(first + ", codec: jpeg:50 }\n" + last, tests);
  const auto lossy = ride({"t.yaml", "--json"});
  EXPECT_EQ(TestJson::parse(lossy.out)["tests"][0]["status"], "ok") << lossy.out;
  EXPECT_EQ(TestJson::parse(lossy.out)["tests"][1]["status"], "failed") << lossy.out;
  topology(first + " }\n" + last, tests);
  const auto raw = ride({"t.yaml", "--json"});
  EXPECT_EQ(TestJson::parse(raw.out)["tests"][0]["status"], "failed") << raw.out;
  EXPECT_EQ(TestJson::parse(raw.out)["tests"][1]["status"], "ok") << raw.out;
}

// A camera's frames are JPEG in its topic, and so is what stands for them.
TEST_F(RideTest, ThePictureThatStandsForASourceIsWrittenAsTheSourceWrites) {
  const cv::Mat in = picture("pictures/a.png");
  std::vector<std::uint8_t> bytes;
  ASSERT_TRUE(cv::imencode(".jpg", in, bytes, {cv::IMWRITE_JPEG_QUALITY, 40}));
  write("expected/lossy.png", cv::imdecode(bytes, cv::IMREAD_COLOR));
  topology(kIdentity, "  - { name: t, input: pictures/a.png, expect: { picture: expected/lossy.png } }\n", "t.yaml",
           "camera: 0, codec: jpeg:40");
  const auto result = ride({"t.yaml"});
  EXPECT_EQ(result.code, 0) << result.out;
}

// In the middle of the way the picture stands for what the stage before writes, with its codec.
TEST_F(RideTest, APartOfTheWayIsTriedByItself) {
  const cv::Mat in = picture("pictures/a.png");
  std::vector<std::uint8_t> bytes;
  ASSERT_TRUE(cv::imencode(".jpg", in, bytes, {cv::IMWRITE_JPEG_QUALITY, 60}));
  const cv::Mat lossy = cv::imdecode(bytes, cv::IMREAD_COLOR);
  write("expected/last.png", flipped(lossy));
  cv::Mat first = in.clone();
  for (int row = 0; row < in.rows; ++row) in.row(in.rows - 1 - row).copyTo(first.row(row));
  ASSERT_TRUE(cv::imencode(".jpg", first, bytes, {cv::IMWRITE_JPEG_QUALITY, 60}));
  write("expected/first.png", cv::imdecode(bytes, cv::IMREAD_COLOR));
  topology(
      "  - { name: first, from: [photos], task: flip, params: { direction: vertical }, codec: jpeg:60 }\n"
      "  - { name: last, from: [first], task: flip, params: { direction: horizontal } }\n",
      "  - { name: a, input: pictures/a.png, through: last, expect: { picture: expected/last.png } }\n"
      "  - { name: b, input: pictures/a.png, through: first, expect: { picture: expected/first.png } }\n"
      "  - { name: c, input: [pictures/a.png, pictures/a.png], through: last, expect: { picture: "
      "expected/last.png, frames: 2 } }\n");
  const auto result = ride({"t.yaml"});
  EXPECT_EQ(result.code, 0) << result.out;
}

// Cut, worked on in parts and put together, a picture has the bytes that it has as a whole (decision 0037).
TEST_F(RideTest, APictureThatIsSplitAndMergedIsWhatItIsAsAWhole) {
  const cv::Mat in = picture("pictures/a.png", 61, 47);
  cv::Mat wanted;
  cv::medianBlur(in, wanted, 5);
  write("expected/calm.png", wanted);
  const std::string stages =
      "  - { name: cut, from: [photos], task: split, params: { tiles: 3x2 } }\n"
      "  - { name: calm, from: [cut], topic: { partitions: 4 }, task: median_blur, params: { ksize: 5 } }\n"
      "  - { name: last, from: [calm], task: merge }\n";
  topology(stages,
           "  - { name: same, input: pictures/a.png, expect: { picture: expected/calm.png, frames: 1 } }\n"
           "  - { name: the whole way, input: pictures/a.png, through: [cut, calm, last],\n"
           "      expect: { picture: expected/calm.png } }\n");
  const auto good = ride({"t.yaml"});
  EXPECT_EQ(good.code, 0) << good.out << good.err;
  topology(stages, "  - { name: parts, input: pictures/a.png, through: [calm, last], expect: { frames: 1 } }\n");
  const auto parts = ride({"t.yaml"});
  EXPECT_EQ(parts.code, 2) << parts.out;
  EXPECT_THAT(parts.err, HasSubstr("begins with stage 'calm', which takes tiles: a test puts whole pictures in"));
}

TEST_F(RideTest, AnAdoptedTopicsStageTakesPicturesAsOthersWriteThem) {
  const cv::Mat in = picture("pictures/a.png");
  std::ofstream(folder_ / "adopted.yaml")
      << "ride: v1\nname: adopted\nstages:\n"
         "  - { name: any, topic: { name: plates, adopt: true }, task: identity }\n"
         "  - { name: gray, topic: { name: dots, adopt: true, format: raw, shape: 30x40x3 }, task: identity }\n"
         "sinks: [{ name: bin, from: [any, gray], task: discard }]\ntests:\n"
         "  - { name: a, input: pictures/a.png, through: any, expect: { picture: pictures/a.png } }\n"
         "  - { name: b, input: pictures/a.png, through: gray, expect: { picture: pictures/a.png } }\n"
         "  - { name: c, input: pictures/b.png, through: gray, expect: { outcome: dead, reason: bad_picture } }\n";
  picture("pictures/b.png", 20, 20);
  std::ofstream(folder_ / "adopted.yaml", std::ios::app)
      << "  - { name: d, input: pictures/a.png, through: any, attributes: { lane: 7 },\n"
         "      expect: { picture: pictures/a.png, attributes: { lane: 7 } } }\n";
  const auto result = ride({"adopted.yaml"});
  EXPECT_EQ(result.code, 0) << result.out << result.err;
}

TEST_F(RideTest, NearIsAsNearAsIsAskedFor) {
  cv::Mat near = picture("pictures/a.png", 40, 40, CV_8UC1).clone();
  near += 2;  // every value below 254 by two: 42.11 dB
  write("expected/near.png", near);
  topology(kIdentity,
           "  - { name: a, input: pictures/a.png, expect: { picture: expected/near.png, psnr: 42, ssim: 0.99 } }\n"
           "  - { name: b, input: pictures/a.png, expect: { picture: expected/near.png, psnr: 43 } }\n"
           "  - { name: c, input: pictures/a.png, expect: { picture: expected/near.png, ssim: 1 } }\n");
  const auto result = ride({"t.yaml"});
  EXPECT_THAT(result.out,
              AllOf(HasSubstr("ok       a"), HasSubstr("psnr is 42.1"), HasSubstr("dB, expected 43 or more"),
                    HasSubstr("ssim is 0.99"), HasSubstr("3 tests: 1 ok, 2 failed")));
}

TEST_F(RideTest, UpdateWritesWhatComesOutAndSaysSo) {
  const cv::Mat in = picture("pictures/a.png");
  const std::string tests =
      "  - { name: p, input: pictures/a.png, expect: { picture: expected/turned.png } }  # new\n"
      "  - { name: h, input: pictures/a.png, expect: { sha256: new } }\n";
  topology(kFlip, tests);
  const auto before = ride({"t.yaml"});
  EXPECT_EQ(before.code, 1);
  EXPECT_THAT(before.out, AllOf(HasSubstr("expected/turned.png is not there"), HasSubstr("the hash is not known yet")));
  EXPECT_FALSE(fs::exists(folder_ / "expected")) << "nothing is written unasked";

  const auto update = ride({"t.yaml", "--update"});
  EXPECT_EQ(update.code, 0) << update.out << update.err;
  EXPECT_THAT(update.out, AllOf(HasSubstr("wrote " + (folder_ / "expected/turned.png").string()),
                                HasSubstr("wrote sha256: "), HasSubstr("2 tests: 2 ok")));
  EXPECT_EQ(cv::norm(read("expected/turned.png"), flipped(in), cv::NORM_INF), 0);
  const cv::Mat turned = flipped(in);
  const std::string hash = sha256_hex("30x40x3 8u\n" + std::string(reinterpret_cast<const char*>(turned.data), 3600));
  std::string wanted = tests;
  wanted.replace(wanted.find("sha256: new") + 8, 3, hash);
  EXPECT_THAT(text_of("t.yaml"), HasSubstr("tests:\n" + wanted));

  const auto after = ride({"t.yaml"});
  EXPECT_EQ(after.code, 0) << after.out;
  const auto again = ride({"t.yaml", "--update"});
  EXPECT_THAT(again.out, Not(HasSubstr("wrote"))) << "what holds is left as it is";
}

TEST_F(RideTest, UpdateWritesThroughLinks) {
  const cv::Mat in = picture("pictures/a.png");
  write("real/turned.png", in);
  topology(kFlip,
           "  - { name: p, input: pictures/a.png, expect: { picture: expected/turned.png } }\n"
           "  - { name: h, input: pictures/a.png, expect: { sha256: new } }\n",
           "real/t.yaml");
  fs::create_directory(folder_ / "expected");
  fs::create_symlink("../real/turned.png", folder_ / "expected/turned.png");
  fs::create_symlink("real/t.yaml", folder_ / "t.yaml");
  const auto update = ride({"t.yaml", "--update"});
  EXPECT_EQ(update.code, 0) << update.out << update.err;
  EXPECT_TRUE(fs::is_symlink(folder_ / "t.yaml") && fs::is_symlink(folder_ / "expected/turned.png"));
  EXPECT_EQ(cv::norm(read("real/turned.png"), flipped(in), cv::NORM_INF), 0);
  EXPECT_THAT(text_of("real/t.yaml"), Not(HasSubstr("new")));
}

TEST_F(RideTest, UpdateLeavesAFileThatWasEditedMeanwhileAndNamesThePicturesThatItWrote) {
  picture("pictures/a.png");
  topology("  - { name: last, from: [photos], task: delay, params: { ms: 1500 } }\n",
           "  - { name: p, input: pictures/a.png, expect: { picture: expected/a.png } }\n"
           "  - { name: h, input: pictures/a.png, expect: { sha256: new } }\n");
  RideProcess process({"test", "t.yaml", "--update"}, {folder_.path(), {}});
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  const auto tests_run = [&] {
    for (const auto pid : processes_with(folder_.path().string()))
      if (process::command_line_of(pid).front().ends_with("ride-test")) return true;
    return false;
  };
  while (!tests_run() && !process.ended() && std::chrono::steady_clock::now() < deadline)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  std::ofstream(folder_ / "t.yaml", std::ios::app) << "# mine\n";
  const auto result = process.wait(std::chrono::seconds(120));
  EXPECT_NE(result.code, 0);
  EXPECT_THAT(result.err, HasSubstr("t.yaml was changed while its tests ran"));
  EXPECT_THAT(result.out, HasSubstr("wrote " + (folder_ / "expected/a.png").string()));
  EXPECT_THAT(text_of("t.yaml"), AllOf(HasSubstr("# mine"), HasSubstr("sha256: new")));
}

TEST_F(RideTest, APictureThatStandsForASourceIsNoLargerThanTheSourceMayBe) {
  picture("pictures/a.png");  // of 1,200 pixels
  const std::string tests = "  - { name: a, input: pictures/a.png, expect: { frames: 1 } }\n";
  topology(kIdentity, tests, "t.yaml", "directory: pictures, max_pixels: 1000");
  const auto result = ride({"t.yaml"});
  EXPECT_EQ(result.code, 1) << result.out;
  EXPECT_THAT(result.out, HasSubstr("max_pixels"));
  topology(kIdentity, tests, "t.yaml", "directory: pictures, max_pixels: 1200");
  EXPECT_EQ(ride({"t.yaml"}).code, 0);
}

TEST_F(RideTest, TimesBeyondACenturyAreRefused) {
  topology(kIdentity,
           "  - { name: far, input: { synthetic: { width: 64, height: 48 }, frame: 1000000000000, fps: 0.001 }, "
           "expect: { frames: 1 } }\n");
  const auto result = ride({"t.yaml"});
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.out, HasSubstr("frame 1000000000000 at 0.001 frames per second would be captured outside"));
}

TEST_F(RideTest, AHashOfOtherPixelsFails) {
  picture("pictures/a.png");
  topology(kFlip, "  - { name: h, input: pictures/a.png, expect: { sha256: " + std::string(64, '0') + " } }\n");
  const auto result = ride({"t.yaml"});
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.out, HasSubstr("expected 0000000"));
}

constexpr const char* kBoxes =
    "    attributes:\n"
    "      detections: '[{\"label\":\"person\",\"score\":0.9,\"box\":[10,10,20,40]},\n"
    "                    {\"label\":\"car\",\"score\":0.4,\"box\":[50,5,30,20]}]'\n";

TEST_F(RideTest, ObjectsAreFoundByLabelAndPlace) {
  write("pictures/a.png", cv::Mat(60, 100, CV_8UC3, cv::Scalar(90, 90, 90)));
  const std::string input = "    input: pictures/a.png\n";
  topology(
      kIdentity,
      "  - name: both\n" + input + kBoxes +
          "    expect: { objects: [{ label: car, box: [48, 5, 30, 20] }, { label: person, box: [10, 10, 20, 40] }] }\n"
          "  - name: extra\n" +
          input + kBoxes +
          "    expect: { objects: [{ label: person, box: [10, 10, 20, 40] }] }\n"
          "  - name: extra allowed\n" +
          input + kBoxes +
          "    expect: { objects: [{ label: person, box: [10, 10, 20, 40] }], extra: allowed }\n"
          "  - name: extra below the score\n" +
          input + kBoxes +
          "    expect: { objects: [{ label: person, box: [10, 10, 20, 40] }], min_score: 0.5 }\n"
          "  - name: missing\n" +
          input + kBoxes +
          "    expect: { objects: [{ label: person, box: [70, 10, 20, 40] }], extra: allowed }\n"
          "  - name: one of two\n" +
          input + kBoxes +
          "    expect: { objects: [{ label: person, box: [70, 10, 20, 40] }, { label: car, box: [50, 5, 30, 20] }], "
          "extra: allowed, at_least: 1 }\n"
          "  - name: not looked for\n" +
          input + "    expect: { objects: [] }\n");
  const auto result = ride({"t.yaml", "--json"});
  EXPECT_EQ(result.code, 1);
  const auto tests = TestJson::parse(result.out)["tests"];
  std::map<std::string, std::string> status;
  for (const auto& one : tests) status[one["name"]] = one["status"];
  EXPECT_THAT(status, ::testing::UnorderedElementsAre(
                          std::pair("both", "ok"), std::pair("extra", "failed"), std::pair("extra allowed", "ok"),
                          std::pair("extra below the score", "ok"), std::pair("missing", "failed"),
                          std::pair("one of two", "ok"), std::pair("not looked for", "failed")))
      << result.out;
  EXPECT_THAT(tests[1]["failures"][0].get<std::string>(),
              HasSubstr("\"car\" at [50, 5, 30, 20] with score 0.4 was found"));
  EXPECT_THAT(tests[4]["failures"][0].get<std::string>(),
              HasSubstr("\"person\" at [70, 10, 20, 40] was not found; nearest is \"car\""));
  EXPECT_THAT(tests[6]["failures"][0].get<std::string>(), HasSubstr("no attribute 'detections'"));
  // The missing one in red in the third and fourth panel; 100 x 60 pixels are shown four times as large.
  const cv::Mat sheet = read("out/tests/missing.failed.png");
  ASSERT_FALSE(sheet.empty());
  for (const int index : {1, 2, 3}) {
    const int left = test_runner::kPanelGap + index * (test_runner::kPanelWidth + test_runner::kPanelGap);
    const auto edge = sheet.at<cv::Vec3b>(test_runner::kPanelTop + 30 * 4, left + 70 * 4);
    EXPECT_EQ(edge == cv::Vec3b(40, 40, 255), index > 1) << index;
  }
}

TEST_F(RideTest, AFrameThatIsToDieDies) {
  picture("pictures/a.png");
  const std::string stages =
      "  - { name: first, from: [photos], task: draw_detections }\n"
      "  - { name: last, from: [first], task: identity }\n";
  const std::string input = ", input: pictures/a.png, attributes: { detections: nonsense }, ";
  topology(stages, "  - { name: dies" + input + "expect: { outcome: dead, reason: task_error, frames: 0 } }\n" +
                       "  - { name: of something else" + input + "expect: { outcome: dead, reason: old age } }\n" +
                       "  - { name: lives" + input + "expect: { outcome: passed } }\n");
  const auto result = ride({"t.yaml"});
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.out,
              AllOf(HasSubstr("ok       dies"), HasSubstr("but the reason is \"task_error: "),
                    HasSubstr("expected \"old age\""), HasSubstr("the frame is dead in stage first: task_error"),
                    HasSubstr("3 tests: 1 ok, 2 failed")));
}

TEST_F(RideTest, FramesGoThroughInOrderAndTheLastIsLookedAt) {
  cv::Mat next = picture("pictures/a.png", 20, 40, CV_8UC1, 1) / 4;
  write("pictures/a.png", next);
  cv::Mat moved = next.clone();
  moved(cv::Rect(0, 0, 10, 20)) += 128;
  write("pictures/b.png", moved);
  const std::string stage = "  - { name: last, from: [photos], task: motion, params: { emit: EMIT } }\n";
  const auto with = [&](const std::string& emit) { return std::string(stage).replace(stage.find("EMIT"), 4, emit); };
  topology(
      with("all"),
      "  - { name: moves, input: [pictures/a.png, pictures/b.png], expect: { attributes: { motion: 0.25 }, frames: 2 } "
      "}\n"
      "  - { name: rests, input: [pictures/b.png, pictures/b.png], expect: { attributes: { motion: '0.000000' } } }\n"
      "  - { name: wrong, input: [pictures/a.png, pictures/b.png], expect: { attributes: { motion: 0.5, moton: 1 } } "
      "}\n");
  const auto all = ride({"t.yaml"});
  EXPECT_THAT(all.out, AllOf(HasSubstr("ok       moves"), HasSubstr("ok       rests"),
                             HasSubstr("attribute 'motion' is \"0.250000\", expected \"0.5\""),
                             HasSubstr("no attribute 'moton', did you mean 'motion'?"), HasSubstr("2 ok, 1 failed")));
  topology(with("moving"),
           "  - { name: rests, input: [pictures/a.png, pictures/a.png], expect: { outcome: filtered, frames: 0 } }\n"
           "  - { name: moves, input: [pictures/a.png, pictures/b.png], expect: { frames: 1 } }\n");
  const auto moving = ride({"t.yaml"});
  EXPECT_EQ(moving.code, 0) << moving.out;
  // What came out of an earlier frame says nothing of the last one.
  topology(
      with("moving"),
      "  - { name: stops, input: [pictures/a.png, pictures/b.png, pictures/b.png], expect: { outcome: passed } }\n"
      "  - { name: stopped, input: [pictures/a.png, pictures/b.png, pictures/b.png], expect: { outcome: filtered } "
      "}\n");
  const auto stops = ride({"t.yaml"});
  EXPECT_EQ(stops.code, 1);
  EXPECT_THAT(stops.out, AllOf(HasSubstr("the frame is filtered, expected passed"), HasSubstr("ok       stopped")));
}

TEST_F(RideTest, FramesOfAMadeUpSceneAreTheSameEachTimeAndChosenByNumber) {
  topology(
      kIdentity,
      "  - { name: own, input: { frame: 3 }, expect: { frames: 1 } }\n"
      "  - { name: same, input: { synthetic: { width: 64, height: 48, seed: 7 }, frame: 3 }, expect: { frames: 1 } }\n"
      "  - { name: up to it, input: { frame: 1, frames: 3 }, expect: { frames: 3 } }\n"
      "  - { name: another, input: { frame: 4 }, expect: { frames: 1 } }\n"
      "  - { name: beyond, input: { frame: 12 }, expect: { frames: 1 } }\n",
      "t.yaml", "synthetic: { width: 64, height: 48, seed: 7, frames: 10 }");
  const auto result = ride({"t.yaml", "--json"});
  const auto tests = TestJson::parse(result.out)["tests"];
  const auto hash = [&](int index) { return tests[static_cast<std::size_t>(index)]["sha256"]; };
  EXPECT_EQ(hash(0).get<std::string>().size(), 64U) << result.out;
  EXPECT_EQ(hash(0), hash(1));
  EXPECT_EQ(hash(0), hash(2));
  EXPECT_NE(hash(0), hash(3));
  EXPECT_EQ(tests[4]["status"], "failed");
  EXPECT_THAT(tests[4]["failures"][0].get<std::string>(), HasSubstr("the input has no frame 12"));
}

TEST_F(RideTest, WhatIsNoPictureFailsWithItsCause) {
  picture("pictures/a.png");
  const auto whole = text_of("pictures/a.png");
  std::ofstream(folder_ / "pictures/half.png", std::ios::binary) << whole.substr(0, whole.size() / 2);
  std::ofstream(folder_ / "pictures/text.png") << "not a picture";
  picture("pictures/large.png", 200, 300);
  topology(
      kIdentity,
      "  - { name: half, input: pictures/half.png, expect: { frames: 1 } }\n"
      "  - { name: text, input: pictures/text.png, expect: { frames: 1 } }\n"
      "  - { name: none, input: pictures/none.png, expect: { frames: 1 } }\n"
      "  - { name: large, input: { directory: pictures, glob: large.png, max_pixels: 1000 }, expect: { frames: 1 } }\n"
      "  - { name: no text to compare with, input: pictures/a.png, expect: { picture: pictures/text.png } }\n");
  const auto result = ride({"t.yaml"});
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.out,
              AllOf(HasSubstr("pictures/half.png: "), HasSubstr("pictures/text.png: is a text file"),
                    HasSubstr("pictures/none.png: "), HasSubstr("60000"), HasSubstr("5 tests: 0 ok, 5 failed")));
}

TEST_F(RideTest, WhatThisMachineLacksIsSkippedVisibly) {
  picture("pictures/a.png");
  topology(
      "  - { name: first, from: [photos], task: identity }\n"
      "  - { name: last, from: [first], task: detect, params: { model: centernet } }\n",
      "  - { name: model, input: pictures/a.png, expect: { objects: [] } }\n"
      "  - { name: variable, input: '${FILM}/a.png', through: first, expect: { frames: 1 } }\n"
      "  - { name: runs, input: pictures/a.png, through: first, expect: { frames: 1 } }\n");
  const std::map<std::string, std::string> none{{"RIDE_MODELS", (folder_ / "models").string()}};
  const auto result = ride({"t.yaml"}, none);
  EXPECT_EQ(result.code, 0) << result.out;
  EXPECT_THAT(result.out, AllOf(HasSubstr("skipped  model"), HasSubstr("ride models fetch centernet"),
                                HasSubstr("skipped  variable"), HasSubstr("the variable FILM is not set"),
                                HasSubstr("3 tests: 1 ok, 2 skipped")));
  EXPECT_EQ(ride({"t.yaml", "--strict"}, none).code, 1);
  const auto set = ride({"t.yaml", "--only", "variable"}, {{"FILM", "pictures"}});
  EXPECT_EQ(set.code, 0) << set.out;
  EXPECT_THAT(set.out, HasSubstr("1 test: 1 ok"));
}

TEST_F(RideTest, WrongUsageAndWrongFilesAreTold) {
  picture("pictures/a.png");
  topology(kIdentity, "  - { name: finds people, input: pictures/a.png, expect: { frames: 1 } }\n");
  const auto unknown = ride({"t.yaml", "--only", "find people"});
  EXPECT_EQ(unknown.code, 2);
  EXPECT_THAT(unknown.err, HasSubstr("no test 'find people', did you mean 'finds people'?"));
  std::ofstream(folder_ / "none.yaml") << "ride: v1\nname: n\nsources: { a: { camera: 0 } }\nsinks: [{ name: s, from: "
                                          "[a], task: discard }]\n";
  const auto none = ride({"none.yaml"});
  EXPECT_EQ(none.code, 2);
  EXPECT_THAT(none.err, HasSubstr("none.yaml has no tests"));
  topology(kIdentity, "  - { name: t, input: pictures/a.png, expect: { psnr: 40 } }\n", "wrong.yaml");
  const auto wrong = ride({"wrong.yaml"});
  const auto validated = run_ride({"validate", "wrong.yaml"}, {folder_.path(), {}});
  EXPECT_EQ(wrong.code, 2);
  EXPECT_EQ(validated.code, 2);
  EXPECT_EQ(wrong.err, validated.err);
  EXPECT_THAT(wrong.err, HasSubstr("wrong.yaml:8:"));
}

TEST_F(RideTest, WhatATaskHoldsBackComesOutWhenTheInputEnds) {
  picture("pictures/a.png");
  topology(
      "  - { name: first, from: [photos], task: identity }\n"
      "  - { name: last, from: [first], task: flip, params: { direction: horizontal } }\n",
      "  - { name: kept, input: pictures/a.png, attributes: { do: keep }, expect: { frames: 1, picture: expected.png } "
      "}\n");
  write("expected.png", flipped(read("pictures/a.png")));
  const auto result = faulty_ride();
  EXPECT_EQ(result.code, 0) << result.out << result.err;
}

TEST_F(RideTest, ATaskThatMisbehavesEndsItsOwnTestAlone) {
  picture("pictures/a.png");
  std::string tests;
  for (const std::string act : {"crash", "hang", "throw", "wait", "work"})
    tests += "  - { name: " + act + "s, input: pictures/a.png, attributes: { do: " + act +
             " }, expect: { frames: 1 }, timeout: " + (act == "hang" ? "5s" : "2m") + " }\n";
  topology(kIdentity, tests);
  const auto result = faulty_ride();
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.out,
              AllOf(HasSubstr("it crashed with signal 11"), HasSubstr("it took longer than 5s and was ended"),
                    HasSubstr("thrown on purpose"), HasSubstr("would wait with frame photos/1/0: the disk is full"),
                    HasSubstr("ok       works"), HasSubstr("5 tests: 1 ok, 4 failed")))
      << result.err;
  EXPECT_TRUE(none_left_within(folder_.path().string(), std::chrono::seconds(10))) << "nothing goes on";
}

TEST_F(RideTest, CtrlCEndsARunAndWhatItStarted) {
  picture("pictures/a.png");
  topology("  - { name: last, from: [photos], task: delay, params: { ms: 60000 } }\n",
           "  - { name: slow, input: pictures/a.png, expect: { frames: 1 } }\n");
  RideProcess process({"test", "t.yaml"}, {folder_.path(), {{"TMPDIR", folder_.path().string()}}});
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (processes_with("--test=slow").empty() && std::chrono::steady_clock::now() < deadline)
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  process.signal(SIGINT);
  EXPECT_EQ(process.wait(std::chrono::seconds(60)).code, 130);
  EXPECT_TRUE(none_left_within(folder_.path().string(), std::chrono::seconds(10)));
  for (const auto& entry : fs::directory_iterator(folder_.path()))
    EXPECT_THAT(entry.path().filename().string(), Not(::testing::StartsWith("ride-test-"))) << "a temporary folder";
}

}  // namespace
}  // namespace ride::test
