// blur_faces against its definition, computed here in doubles: the boxes outwards to whole pixels, blocks of equal
// size, their means, and straight lines between the blocks' middles.
#include <gtest/gtest.h>

#include <cmath>
#include <opencv2/imgproc.hpp>

#include "tests/tasks/harness.h"
#include "worker/tasks/picture.h"

namespace ride::tasks {
namespace {

Frame with_found(const cv::Mat& image, const std::string& detections) {
  Frame frame = with_bytes(frame_of(image, 7), {1, 2, 3}, "image/jpeg");
  frame.attributes["detections"] = detections;
  return frame;
}

cv::Mat obscured(const cv::Mat& image, const std::string& detections, const ParamValues& params) {
  KeepingEmitter out;
  const auto done = opened("blur_faces", params)->process(with_found(image, detections), out);
  EXPECT_TRUE(done) << done.error().message;
  return out.only().image.clone();
}

double number_at(const cv::Mat& image, int y, int x, int channel) {
  if (image.depth() == CV_32F) return static_cast<double>(image.ptr<float>(y)[x * image.channels() + channel]);
  return value_at(image, y, x, channel);
}

// Blocks of one side: how many, and which one holds a pixel.
struct Blocks {
  int from, length, count;
  int begin(int i) const { return from + length * i / count; }
  int of(int pixel) const {
    int i = 0;
    while (begin(i + 1) <= pixel) ++i;
    return i;
  }
};

Blocks blocks_of(int from, int length, int longer, int most) {
  const int side = std::max(4, static_cast<int>(std::ceil(longer / static_cast<double>(most))));
  return {from, length, std::max(1, length / side)};
}

double block_mean(const cv::Mat& image, const Blocks& down, int i, const Blocks& across, int j, int channel) {
  double sum = 0;
  int count = 0;
  for (int y = down.begin(i); y < down.begin(i + 1); ++y) {
    for (int x = across.begin(j); x < across.begin(j + 1); ++x, ++count) sum += number_at(image, y, x, channel);
  }
  return sum / count;
}

double softened(const cv::Mat& image, const Blocks& down, int y, const Blocks& across, int x, int channel) {
  const auto place = [](const Blocks& blocks, int pixel) {
    const double at = (pixel - blocks.from + 0.5) / (static_cast<double>(blocks.length) / blocks.count) - 0.5;
    return std::clamp(at, 0.0, blocks.count - 1.0);
  };
  const double v = place(down, y), u = place(across, x);
  double sum = 0;
  for (int i = 0; i < down.count; ++i) {
    for (int j = 0; j < across.count; ++j) {
      const double weight = std::max(0.0, 1 - std::abs(v - i)) * std::max(0.0, 1 - std::abs(u - j));
      if (weight > 0) sum += weight * block_mean(image, down, i, across, j, channel);
    }
  }
  return sum;
}

// The largest distance from the definition inside of the region, and whether all outside is as it was.
void expect_obscured(const cv::Mat& in, const cv::Mat& out, cv::Rect region, int most_blocks, bool soft,
                     double within) {
  ASSERT_EQ(out.type(), in.type());
  const int longer = std::max(region.width, region.height);
  const Blocks down = blocks_of(region.y, region.height, longer, most_blocks);
  const Blocks across = blocks_of(region.x, region.width, longer, most_blocks);
  double worst = 0;
  for (int y = 0; y < in.rows; ++y) {
    for (int x = 0; x < in.cols; ++x) {
      for (int c = 0; c < in.channels(); ++c) {
        const double got = number_at(out, y, x, c);
        if (!region.contains({x, y})) {
          ASSERT_EQ(got, number_at(in, y, x, c)) << x << ", " << y << " lies outside";
          continue;
        }
        const double wanted =
            soft ? softened(in, down, y, across, x, c) : block_mean(in, down, down.of(y), across, across.of(x), c);
        worst = std::max(worst, std::abs(got - wanted));
      }
    }
  }
  EXPECT_LE(worst, within) << "in " << region << ", " << shape_text(in);
}

const ParamValues kNoMargin = {{"margin", 0.0}};

ParamValues with_method(const std::string& method, int blocks) {
  return {{"method", method}, {"blocks", std::int64_t{blocks}}, {"margin", 0.0}};
}

TEST(BlurFaces, KeepsTheMeansOfBlocksInsideAndEveryByteOutside) {
  for (const int type : {CV_8UC1, CV_8UC3, CV_8UC4, CV_16UC1, CV_16UC3, CV_32FC3}) {
    const cv::Mat in = noise(50, 70, type);
    const double within = CV_MAT_DEPTH(type) == CV_32F ? 1e-6 : 1;
    for (const std::string method : {"pixelate", "blur"}) {
      for (const int blocks : {1, 5}) {
        const cv::Mat out = obscured(in, R"([{"label":"face","box":[13,9,41,30]}])", with_method(method, blocks));
        expect_obscured(in, out, {13, 9, 41, 30}, blocks, method == "blur", within);
      }
    }
  }
}

TEST(BlurFaces, FillLeavesOneColor) {
  const cv::Mat in = noise(20, 30, CV_8UC3);
  cv::Mat wanted = in.clone();
  wanted(cv::Rect(3, 4, 10, 5)) = cv::Scalar(3, 2, 1);
  ParamValues params = with_method("fill", 6);
  params["color"] = std::string("#010203");
  EXPECT_EQ(largest_difference(obscured(in, R"([{"label":"face","box":[3,4,10,5]}])", params), wanted), 0);
}

// The parts of noise within a block differ; after it nothing tells them apart.
TEST(BlurFaces, PicturesWithTheSameMeansBecomeTheSame) {
  cv::Mat a = noise(40, 40, CV_8UC3), b = a.clone();
  // Blocks of 8 x 8 from (4, 4) on, each turned around in b.
  for (int y = 4; y < 36; y += 8) {
    for (int x = 4; x < 36; x += 8) cv::rotate(a(cv::Rect(x, y, 8, 8)), b(cv::Rect(x, y, 8, 8)), cv::ROTATE_180);
  }
  ASSERT_GT(largest_difference(a, b), 50);
  for (const std::string method : {"pixelate", "blur", "fill"}) {
    const auto params = with_method(method, 4);
    const std::string box = R"([{"label":"face","box":[4,4,32,32]}])";
    EXPECT_EQ(largest_difference(obscured(a, box, params), obscured(b, box, params)), 0) << method;
  }
}

TEST(BlurFaces, MarginGrowsTheBoxOutwardsToWholePixels) {
  const cv::Mat in = noise(60, 60, CV_8UC1);
  ParamValues params = with_method("pixelate", 3);
  params["margin"] = 0.25;
  // 20.5 - 0.25 * 10.5 = 17.875 to 20.5 + 1.25 * 10.5 = 33.625; 10 - 5 = 5 to 30 + 5 = 35.
  const cv::Mat out = obscured(in, R"([{"label":"face","box":[20.5,10,10.5,20]}])", params);
  expect_obscured(in, out, {17, 5, 17, 30}, 3, false, 1);
}

TEST(BlurFaces, SmallFacesAreNotLeftAsTheyAreForWantOfPixels) {
  const cv::Mat in = noise(20, 20, CV_8UC1);
  for (const std::string method : {"pixelate", "blur"})
    expect_obscured(in, obscured(in, R"([{"label":"face","box":[5,5,7,6]}])", with_method(method, 32)), {5, 5, 7, 6},
                    32, method == "blur", 1);
}

TEST(BlurFaces, LabelsSayWhichBoxesAndThoseWithoutALabelAreMeantToo) {
  const cv::Mat in = noise(40, 100, CV_8UC3);
  const std::string found = R"([{"label":"face","box":[0,0,20,20]},{"label":"car","box":[30,0,20,20]},)"
                            R"({"box":[60,0,20,20]}])";
  const auto changed = [&](const std::string& labels) {
    const cv::Mat out = obscured(in, found, {{"labels", labels}, {"margin", 0.0}});
    std::string which;
    for (const int x : {0, 30, 60, 82})
      which += largest_difference(in(cv::Rect(x, 0, 18, 20)), out(cv::Rect(x, 0, 18, 20))) > 0 ? 'x' : '.';
    return which;
  };
  EXPECT_EQ(changed("face"), "x.x.");
  EXPECT_EQ(changed("car"), ".xx.");
  EXPECT_EQ(changed(" face ,car"), "xxx.");
  EXPECT_EQ(changed("*"), "xxx.");
  EXPECT_EQ(changed("Face"), "..x.") << "labels are compared letter by letter";
  for (const char* wrong : {"", "face,,car", "face,*", " "})
    EXPECT_NE(problem("blur_faces", {{"labels", std::string(wrong)}}), "") << wrong;
}

TEST(BlurFaces, BoxesThatOverlapAreDoneOneAfterTheOther) {
  const cv::Mat in = noise(40, 40, CV_8UC3);
  const auto params = with_method("pixelate", 4);
  const std::string one = R"({"label":"face","box":[2,2,20,20]})", two = R"({"label":"face","box":[12,8,20,20]})";
  const cv::Mat both = obscured(in, "[" + one + "," + two + "]", params);
  const cv::Mat in_turn = obscured(obscured(in, "[" + one + "]", params), "[" + two + "]", params);
  EXPECT_EQ(largest_difference(both, in_turn), 0);
}

TEST(BlurFaces, PassesAFrameWithoutSuchBoxesOnAsItCame) {
  const cv::Mat image = noise(10, 10, CV_8UC3);
  for (const char* text : {"[]", R"([{"label":"car","box":[1,1,5,5]}])", R"([{"label":"face","box":[50,1,5,5]}])"}) {
    KeepingEmitter out;
    const Frame frame = with_found(image, text);
    ASSERT_TRUE(opened("blur_faces", kNoMargin)->process(frame, out));
    EXPECT_EQ(out.only().image.data, frame.image.data) << text;
    EXPECT_TRUE(out.only().encoded);
  }
}

TEST(BlurFaces, OldBytesAreNotPassedOnWithTheNewPicture) {
  KeepingEmitter out;
  ASSERT_TRUE(opened("blur_faces")->process(with_found(noise(9, 9, CV_8UC3), R"([{"box":[1,1,5,5]}])"), out));
  EXPECT_FALSE(out.only().encoded);
}

TEST(BlurFaces, StandsBoxesOutsideThePictureAndEverySize) {
  for (const cv::Size size : kSizes) {
    const cv::Mat in = noise(size.height, size.width, CV_8UC3);
    for (const char* box :
         {"[-50,-50,20,20]", "[-3,-3,1e300,1e300]", "[-1e18,0,2e18,3]", "[500,500,10,10]", "[0,0,0,0]",
          "[0.5,0.5,0.1,0.1]", "[1e308,1e308,1e308,1e308]", "[-1e308,-1e308,1e308,1e308]"})
      for (const char* method : {"blur", "pixelate", "fill"})
        EXPECT_EQ(
            obscured(in, std::string(R"([{"label":"face","box":)") + box + "}]", {{"method", std::string(method)}})
                .size(),
            size);
  }
  // From outside to inside: the whole picture is one region.
  const cv::Mat in = noise(17, 13, CV_8UC3);
  expect_obscured(in, obscured(in, R"([{"label":"face","box":[-3,-3,1e300,1e300]}])", with_method("blur", 3)),
                  {0, 0, 13, 17}, 3, true, 1);
}

TEST(BlurFaces, WhatCannotBeReadIsAnErrorAndNoPictureThatIsNotBlurred) {
  const cv::Mat image = noise(10, 10, CV_8UC3);
  const auto refused = [&](const Frame& frame) {
    KeepingEmitter out;
    const auto done = opened("blur_faces")->process(frame, out);
    EXPECT_TRUE(out.frames.empty());
    return done ? std::string() : done.error().message;
  };
  for (const char* text : {"", "{", "{}", "[{}]", R"([{"label":"face","box":[1,1,5]}])",
                           R"([{"label":"face","box":[1,1,5,-5]}])", R"([{"label":"face","box":[1,1,1e999,5]}])",
                           R"([{"label":"face","box":[1,1,5,5]},7])", R"([{"label":1,"box":[1,1,5,5]}])"})
    EXPECT_NE(refused(with_found(image, text)).find("stage 'album', frame gate/3/7"), std::string::npos) << text;
  Frame without = with_found(image, "");
  without.attributes.erase("detections");
  EXPECT_NE(refused(without).find("no attribute 'detections'"), std::string::npos);
  EXPECT_NE(refused(with_found(noise(4, 4, CV_8SC1), "[]")).find("not supported"), std::string::npos);
  std::string many = "[", large = "[";
  for (int i = 0; i < 1001; ++i) many += std::string(i ? "," : "") + R"({"label":"face","box":[1,1,2,2]})";
  for (int i = 0; i < 70; ++i) large += std::string(i ? "," : "") + R"({"label":"face","box":[0,0,10,10]})";
  EXPECT_NE(refused(with_found(image, many + "]")).find("1001 boxes"), std::string::npos);
  EXPECT_NE(refused(with_found(image, large + "]")).find("70 times"), std::string::npos);
}

}  // namespace
}  // namespace ride::tasks
