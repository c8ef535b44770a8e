// overlay_picture against "over" in doubles, and with files that are none.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <opencv2/imgcodecs.hpp>

#include "tests/tasks/harness.h"
#include "worker/tasks/png_file.h"

namespace ride::tasks {
namespace {

class OverlayPicture : public testing::Test {
 protected:
  std::string saved(const cv::Mat& picture, const std::string& name = "logo.png") {
    const std::string path = folder_ / name;
    EXPECT_TRUE(cv::imwrite(path, picture));
    return path;
  }
  std::string written(const std::string& bytes) {
    const std::string path = folder_ / "broken.png";
    std::ofstream(path, std::ios::binary) << bytes;
    return path;
  }
  static std::string open_error(const ParamValues& params) {
    const auto opened = try_open("overlay_picture", params);
    return opened ? "" : opened.error().message;
  }

  TempFolder folder_;
};

ParamValues laid(const std::string& file, const std::string& position = "bottom_right") {
  return {{"file", file}, {"position", position}};
}

// Of values 0 to 1.
double share(const cv::Mat& picture, int y, int x, int c) {
  return value_at(picture, y, x, c) / (picture.depth() == CV_16U ? 65535 : 255);
}

// `corner`: of the picture that is laid on, in the other one.
cv::Mat over(const cv::Mat& in, const cv::Mat& logo, cv::Point corner, double opacity) {
  const double top = in.depth() == CV_16U ? 65535 : 255;
  return picture_of(in.size(), in.type(), [&](int y, int x, int c) {
    const int row = y - corner.y, col = x - corner.x;
    if (row < 0 || col < 0 || row >= logo.rows || col >= logo.cols) return value_at(in, y, x, c);
    const double alpha = opacity * (logo.channels() == 4 ? share(logo, row, col, 3) : 1);
    const auto channel = [&](int i) { return share(logo, row, col, logo.channels() == 1 ? 0 : i); };
    const double color = in.channels() == 1 ? 0.114 * channel(0) + 0.587 * channel(1) + 0.299 * channel(2)
                         : c == 3           ? 1
                                            : channel(c);
    return value_at(in, y, x, c) * (1 - alpha) + top * color * alpha;
  });
}

TEST_F(OverlayPicture, LiesOverTheFrameByItsAlphaAndOpacity) {
  for (const int logo_type : {CV_8UC1, CV_8UC3, CV_8UC4, CV_16UC1, CV_16UC3, CV_16UC4}) {
    const cv::Mat logo = noise(5, 7, logo_type, 3);
    const std::string file = saved(logo);
    for (const int type : {CV_8UC1, CV_8UC3, CV_8UC4, CV_16UC1, CV_16UC3}) {
      const cv::Mat in = noise(20, 30, type);
      for (const double opacity : {1.0, 0.3, 0.0}) {
        ParamValues params = laid(file, "top_left");
        params["opacity"] = opacity, params["margin"] = std::int64_t{2};
        EXPECT_LE(largest_difference(run("overlay_picture", params, in), over(in, logo, {2, 2}, opacity)), 1)
            << logo_type << " on " << type << " " << opacity;
      }
    }
  }
}

TEST_F(OverlayPicture, StandsInEachCornerAndIsCutAtTheEdge) {
  const cv::Mat logo = noise(6, 8, CV_8UC4, 3), in = noise(20, 30, CV_8UC3), tiny = noise(3, 4, CV_8UC3);
  const std::string file = saved(logo);
  const std::pair<const char*, cv::Point> kPlaces[] = {{"top_left", {0, 0}},
                                                       {"top_right", {22, 0}},
                                                       {"bottom_left", {0, 14}},
                                                       {"bottom_right", {22, 14}},
                                                       {"center", {11, 7}}};
  for (const auto& [position, corner] : kPlaces)
    EXPECT_LE(largest_difference(run("overlay_picture", laid(file, position), in), over(in, logo, corner, 1)), 1)
        << position;
  EXPECT_LE(largest_difference(run("overlay_picture", laid(file), tiny), over(tiny, logo, {-4, -3}, 1)), 1);
  ParamValues outside = laid(file);
  outside["margin"] = std::int64_t{65535};
  EXPECT_EQ(largest_difference(run("overlay_picture", outside, in), in), 0);
  for (const cv::Size size : kSizes)
    run("overlay_picture", laid(file, "center"), noise(size.height, size.width, CV_32FC3));
}

TEST_F(OverlayPicture, ScalesWithoutADarkRimAroundWhatIsTransparent) {
  cv::Mat logo(8, 8, CV_8UC4, cv::Scalar(0, 0, 0, 0));
  logo.colRange(3, 8).setTo(cv::Scalar(0, 0, 200, 255));  // the edge falls within a pixel of half the size
  const cv::Mat white(4, 4, CV_8UC3, cv::Scalar::all(200));
  ParamValues params = laid(saved(logo), "top_left");
  params["scale"] = 0.5;
  const cv::Mat out = run("overlay_picture", params, white);
  for (int x = 0; x < 4; ++x) {
    EXPECT_NEAR(value_at(out, 1, x, 2), 200, 1) << "the red of both stays; a rim of black would be darker";
    EXPECT_NEAR(value_at(out, 1, x, 0), x == 0 ? 200 : x == 1 ? 100 : 0, 1) << x;
  }
  params["scale"] = 2.0;
  EXPECT_EQ(run("overlay_picture", params, noise(40, 40, CV_8UC3)).size(), cv::Size(40, 40));
}

TEST_F(OverlayPicture, OfFloatsKeepsTheRestAndNaN) {
  cv::Mat in(10, 10, CV_32FC3, cv::Scalar::all(0.25));
  in.at<cv::Vec3f>(0, 0)[0] = std::numeric_limits<float>::quiet_NaN();
  const cv::Mat out = run("overlay_picture", laid(saved(cv::Mat(2, 2, CV_8UC3, cv::Scalar(255, 0, 51)))), in);
  EXPECT_TRUE(std::isnan(out.at<cv::Vec3f>(0, 0)[0]));
  EXPECT_EQ(out.at<cv::Vec3f>(5, 5)[1], 0.25f);
  EXPECT_NEAR(out.at<cv::Vec3f>(9, 9)[0], 1, 1e-5);
  EXPECT_NEAR(out.at<cv::Vec3f>(9, 9)[2], 0.2, 1e-5);
}

// The declaration makes `ride submit` ship the file (decision 0044); a worker is told where it lies.
TEST_F(OverlayPicture, OpensTheFileThatWasShippedWithTheJob) {
  const auto* declaration = builtin_tasks().catalog().find("overlay_picture");
  ASSERT_NE(declaration, nullptr);
  const ParamSpec& file = declaration->params.front();
  ASSERT_EQ(file.name, "file");
  ASSERT_TRUE(file.file) << "it is not declared as a file";
  EXPECT_EQ(file.file->most_bytes, kMostPngBytes);
  EXPECT_EQ(file.file->locate("/laptop/logo.png").value(), "/laptop/logo.png");

  const cv::Mat logo = noise(5, 7, CV_8UC4, 3), in = noise(20, 30, CV_8UC3);
  TaskEnv env = env_for("overlay_picture", laid("/laptop/logo.png", "top_left"));
  env.files["file"] = saved(logo, "shipped.png");
  auto task = builtin_tasks().find("overlay_picture")->make();
  const auto open = task->open(env);
  ASSERT_TRUE(open) << open.error().message;
  KeepingEmitter out;
  ASSERT_TRUE(task->process(frame_of(in), out));
  EXPECT_LE(largest_difference(out.only().image, over(in, logo, {0, 0}, 1)), 1);
}

std::string with_size(const std::string& png, std::uint32_t cols, std::uint32_t rows) {
  std::string changed = png;
  for (int i = 0; i < 4; ++i) {
    changed[16 + i] = static_cast<char>(cols >> (24 - 8 * i));
    changed[20 + i] = static_cast<char>(rows >> (24 - 8 * i));
  }
  return changed;
}

TEST_F(OverlayPicture, SaysWhatIsWrongWithAFile) {
  const auto bytes = bytes_of(saved(noise(9, 9, CV_8UC3)));
  const std::string png(bytes.begin(), bytes.end());
  EXPECT_EQ(open_error(laid(written(png))), "");
  const std::string missing = open_error(laid(folder_ / "none.png"));
  EXPECT_NE(missing.find("stage 'album': the picture '"), std::string::npos) << missing;
  EXPECT_NE(missing.find("is not there"), std::string::npos);
  EXPECT_NE(open_error(laid(folder_ / "")).find("folder"), std::string::npos) << open_error(laid(folder_ / ""));
  EXPECT_NE(open_error(laid(written(""))).find("it is no PNG file"), std::string::npos);
  EXPECT_NE(open_error(laid(written("GIF89a, or so"))).find("save it as PNG"), std::string::npos);
  EXPECT_NE(open_error(laid(written(png.substr(0, png.size() / 2)))).find("ends too early"), std::string::npos);
  EXPECT_NE(open_error(laid(written(png.substr(0, 20)))).find("no PNG file"), std::string::npos);
  EXPECT_NE(open_error(laid(written(with_size(png, 0x7fffffff, 0x7fffffff)))).find("it has 2147483647x2147483647"),
            std::string::npos);
  EXPECT_NE(open_error(laid(written(with_size(png, 0xffffffff, 1)))).find("pixels"), std::string::npos);
  EXPECT_NE(open_error(laid(written(with_size(png, 0, 9)))).find("states no size"), std::string::npos);
  EXPECT_FALSE(read_png(written(with_size(png, 5000, 9))).ok()) << "the checksum does not fit";
}

TEST_F(OverlayPicture, RefusesAFileThatIsCutAnywhere) {
  const auto bytes = bytes_of(saved(noise(9, 9, CV_8UC4)));
  const std::string png(bytes.begin(), bytes.end());
  // Behind the last row stands IEND, 12 bytes: a decoder may do without it.
  for (std::size_t length = 0; length + 12 < png.size(); length += 7) {
    const std::string said = open_error(laid(written(png.substr(0, length))));
    EXPECT_NE(said.find("cannot be used: "), std::string::npos) << length << ": " << said;
    EXPECT_NE(said.find("save it as PNG"), std::string::npos) << length;
  }
}

// By what the header says, before anything is decoded: both would take gigabytes.
TEST_F(OverlayPicture, RefusesAHugePictureByItsHeaderAndAHugeFileByItsSize) {
  const auto bytes = bytes_of(saved(noise(9, 9, CV_8UC1)));
  const std::string png(bytes.begin(), bytes.end());
  for (const auto& [cols, rows] : {std::pair{4097u, 4096u}, {0x01000001u, 1u}, {1u, 0x80000000u}, {65536u, 65536u}}) {
    const std::string said = open_error(laid(written(with_size(png, cols, rows))));
    EXPECT_NE(said.find("pixels; save it as PNG, of at most 16 million pixels"), std::string::npos) << said;
  }
  const std::string large = written(png);
  std::filesystem::resize_file(large, static_cast<std::uintmax_t>(kMostPngBytes) + 1);
  EXPECT_NE(open_error(laid(large)).find("larger than 64 MB"), std::string::npos) << open_error(laid(large));
}

TEST_F(OverlayPicture, RefusesWhatWouldBeTooLargeAndWrongParameters) {
  ParamValues large = laid(saved(noise(200, 300, CV_8UC1)));
  large["scale"] = 100.0;
  EXPECT_NE(open_error(large).find("would become 30000x20000"), std::string::npos) << open_error(large);
  EXPECT_NE(problem("overlay_picture", {}).find("'file'"), std::string::npos);
  EXPECT_NE(problem("overlay_picture", laid("")).find("name a PNG file"), std::string::npos);
  EXPECT_NE(problem("overlay_picture", laid("a.png", "left")).find("top_left"), std::string::npos);
  const std::string file = saved(noise(2, 2, CV_8UC1));
  EXPECT_NE(error_of("overlay_picture", laid(file), frame_of(noise(4, 4, CV_8UC2))).find("1, 3, 4 channels"),
            std::string::npos);
}

}  // namespace
}  // namespace ride::tasks
