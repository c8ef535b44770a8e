// adjust, hue_saturation, white_balance, equalize, clahe and convert_color against their definitions in doubles.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <opencv2/core.hpp>

#include "tests/tasks/harness.h"

namespace ride::tasks {
namespace {

double cut(double value, double top = 255) { return std::clamp(value, 0.0, top); }

// For pictures of 4 channels: the reference changes three, the fourth stays.
bool alpha(const cv::Mat& in, int channel) { return in.channels() == 4 && channel == 3; }

TEST(Adjust, EqualsItsFormula) {
  struct Case {
    double brightness, contrast, gamma;
  };
  for (const auto& [brightness, contrast, gamma] :
       {Case{0.2, 1, 1}, Case{-0.3, 1, 1}, Case{0, 1.7, 1}, Case{0, 0, 1}, Case{0, 1, 2.2}, Case{0.1, 1.3, 0.6}}) {
    for (const int type : {CV_8UC1, CV_8UC3, CV_8UC4}) {
      for (const cv::Size size : kSizes) {
        const cv::Mat in = noise(size.height, size.width, type);
        const cv::Mat wanted = picture_of(size, type, [&](int y, int x, int c) {
          const double value = value_at(in, y, x, c);
          if (alpha(in, c)) return value;
          const double straight = cut(contrast * (value / 255 - 0.5) + 0.5 + brightness, 1);
          return 255 * std::pow(straight, 1 / gamma);
        });
        const ParamValues params = {{"brightness", brightness}, {"contrast", contrast}, {"gamma", gamma}};
        EXPECT_EQ(largest_difference(run("adjust", params, in), wanted), 0) << brightness << contrast << gamma << type;
      }
    }
  }
  const cv::Mat in = noise(20, 30, CV_8UC3);
  EXPECT_EQ(largest_difference(run("adjust", {}, in), in), 0);
  EXPECT_NE(problem("adjust", {{"gamma", 0.0}}).find("'gamma'"), std::string::npos);
}

struct Hsv {
  double hue, saturation, value;  // hue in degrees, the others 0 to 1
};

Hsv to_hsv(double blue, double green, double red) {
  const double most = std::max({blue, green, red}), range = most - std::min({blue, green, red});
  Hsv hsv{0, most > 0 ? range / most : 0, most / 255};
  if (range == 0) return hsv;
  if (most == red)
    hsv.hue = 60 * (green - blue) / range;
  else if (most == green)
    hsv.hue = 120 + 60 * (blue - red) / range;
  else
    hsv.hue = 240 + 60 * (red - green) / range;
  if (hsv.hue < 0) hsv.hue += 360;
  return hsv;
}

// By the six sectors, as textbooks have it. Blue, green, red.
std::array<double, 3> from_hsv(Hsv hsv) {
  const double turned = std::fmod(std::fmod(hsv.hue, 360) + 360, 360) / 60;
  const int sector = static_cast<int>(turned);
  const double f = turned - sector, v = 255 * hsv.value;
  const double p = v * (1 - hsv.saturation), q = v * (1 - hsv.saturation * f), t = v * (1 - hsv.saturation * (1 - f));
  switch (sector) {
    case 0:
      return {p, t, v};
    case 1:
      return {p, v, q};
    case 2:
      return {t, v, p};
    case 3:
      return {v, q, p};
    case 4:
      return {v, p, t};
    default:
      return {q, p, v};
  }
}

TEST(HueSaturation, EqualsTheHsvModelWithinOneGreyLevel) {
  struct Case {
    double hue, saturation, value;
  };
  for (const auto& [hue, saturation, value] :
       {Case{0, 1, 1}, Case{90, 1, 1}, Case{-360, 0.5, 1}, Case{-17.3, 2, 0.7}, Case{360, 0, 1}, Case{200, 100, 100}}) {
    for (const int type : {CV_8UC3, CV_8UC4}) {
      for (const cv::Size size : kSizes) {
        const cv::Mat in = noise(size.height, size.width, type);
        const cv::Mat wanted = picture_of(size, type, [&](int y, int x, int c) {
          if (alpha(in, c)) return value_at(in, y, x, c);
          Hsv hsv = to_hsv(value_at(in, y, x, 0), value_at(in, y, x, 1), value_at(in, y, x, 2));
          hsv = {hsv.hue + hue, cut(hsv.saturation * saturation, 1), cut(hsv.value * value, 1)};
          return from_hsv(hsv)[c];
        });
        const cv::Mat out = run("hue_saturation", {{"hue", hue}, {"saturation", saturation}, {"value", value}}, in);
        EXPECT_LE(largest_difference(out, wanted), 1) << hue << " " << saturation << type << size;
      }
    }
  }
}

TEST(HueSaturation, ChangesNothingByDefaultAndTurnsRedToGreen) {
  const cv::Mat in = noise(100, 100, CV_8UC3), red(2, 3, CV_8UC3, cv::Scalar(0, 0, 200));
  EXPECT_EQ(largest_difference(run("hue_saturation", {}, in), in), 0);
  const cv::Mat green(2, 3, CV_8UC3, cv::Scalar(0, 200, 0));
  for (const double hue : {120.0, -240.0})
    EXPECT_EQ(largest_difference(run("hue_saturation", {{"hue", hue}}, red), green), 0);
  EXPECT_NE(error_of("hue_saturation", {}, frame_of(noise(4, 4, CV_8UC1))).find("3, 4 channels"), std::string::npos);
  EXPECT_NE(problem("hue_saturation", {{"hue", 400.0}}).find("'hue'"), std::string::npos);
}

double mean_of(const cv::Mat& in, int channel) {
  double sum = 0;
  for (int y = 0; y < in.rows; ++y)
    for (int x = 0; x < in.cols; ++x) sum += value_at(in, y, x, channel);
  return sum / (static_cast<double>(in.rows) * in.cols);
}

TEST(WhiteBalance, MakesTheMeansOfAllChannelsEqual) {
  for (const int type : {CV_8UC3, CV_8UC4}) {
    for (const double strength : {1.0, 0.4, 0.0}) {
      for (const cv::Size size : kSizes) {
        const cv::Mat random = noise(size.height, size.width, type);
        const cv::Mat in =
            picture_of(size, type, [&](int y, int x, int c) { return value_at(random, y, x, c) / (2.0 + c); });
        const double means[] = {mean_of(in, 0), mean_of(in, 1), mean_of(in, 2)};
        const double gray = (means[0] + means[1] + means[2]) / 3;
        const cv::Mat wanted = picture_of(size, type, [&](int y, int x, int c) {
          const double value = value_at(in, y, x, c);
          return alpha(in, c) || means[c] == 0 ? value : value * (1 + strength * (gray / means[c] - 1));
        });
        EXPECT_LE(largest_difference(run("white_balance", {{"strength", strength}}, in), wanted), 1) << type << size;
      }
    }
  }
}

TEST(WhiteBalance, TakesACastAwayAndStandsBlack) {
  const cv::Mat cast(4, 5, CV_8UC3, cv::Scalar(60, 90, 120)), gray(4, 5, CV_8UC3, cv::Scalar(90, 90, 90));
  EXPECT_EQ(largest_difference(run("white_balance", {}, cast), gray), 0);
  const cv::Mat black(4, 5, CV_8UC3, cv::Scalar(0, 0, 0)), no_blue(4, 5, CV_8UC3, cv::Scalar(0, 90, 90));
  EXPECT_EQ(largest_difference(run("white_balance", {}, black), black), 0);
  EXPECT_EQ(value_at(run("white_balance", {}, no_blue), 1, 1, 0), 0);
  EXPECT_NE(error_of("white_balance", {}, frame_of(noise(4, 4, CV_8UC1))).find("3, 4 channels"), std::string::npos);
}

double gray_at(const cv::Mat& in, int y, int x) {
  if (in.channels() == 1) return value_at(in, y, x, 0);
  const double sum = 0.114 * value_at(in, y, x, 0) + 0.587 * value_at(in, y, x, 1) + 0.299 * value_at(in, y, x, 2);
  return std::floor(sum + 0.5);
}

// By counting for each pixel those that are no brighter.
double equalized(const cv::Mat& in, double gray) {
  double lowest = 255, up_to = 0, at_lowest = 0;
  for (int y = 0; y < in.rows; ++y)
    for (int x = 0; x < in.cols; ++x) lowest = std::min(lowest, gray_at(in, y, x));
  for (int y = 0; y < in.rows; ++y)
    for (int x = 0; x < in.cols; ++x) up_to += gray_at(in, y, x) <= gray, at_lowest += gray_at(in, y, x) == lowest;
  const double all = static_cast<double>(in.rows) * in.cols;
  return all == at_lowest ? gray : std::floor(255 * (up_to - at_lowest) / (all - at_lowest) + 0.5);
}

TEST(Equalize, EachValueBecomesTheShareOfPixelsUpToIt) {
  for (const int type : {CV_8UC1, CV_8UC3, CV_8UC4}) {
    for (const cv::Size size : {cv::Size(1, 1), cv::Size(7, 1), cv::Size(1, 7), cv::Size(17, 13)}) {
      const cv::Mat random = noise(size.height, size.width, type);
      const cv::Mat in =
          picture_of(size, type, [&](int y, int x, int c) { return 80 + value_at(random, y, x, c) / 4; });
      const cv::Mat wanted = picture_of(size, type, [&](int y, int x, int c) {
        const double value = value_at(in, y, x, c), gray = gray_at(in, y, x);
        return alpha(in, c) ? value : value + equalized(in, gray) - gray;
      });
      EXPECT_EQ(largest_difference(run("equalize", {}, in), wanted), 0) << type << size;
    }
  }
}

TEST(Equalize, UsesTheWholeRangeAndLeavesAnEvenPicture) {
  const cv::Mat in = picture_of({64, 4}, CV_8UC1, [](int, int x, int) { return 100 + x; });
  const cv::Mat out = run("equalize", {}, in);
  EXPECT_EQ(value_at(out, 0, 0, 0), 0);
  EXPECT_EQ(value_at(out, 0, 63, 0), 255);
  const cv::Mat even(5, 6, CV_8UC3, cv::Scalar(10, 20, 30));
  EXPECT_EQ(largest_difference(run("equalize", {}, even), even), 0);
  EXPECT_NE(error_of("equalize", {}, frame_of(noise(4, 4, CV_16UC1))).find("allowed: values of 8U"), std::string::npos);
}

// The tables of CLAHE: one for each tile of a picture that is a multiple of the tiles.
class ClaheReference {
 public:
  ClaheReference(const cv::Mat& in, double clip_limit, int tiles) : in_(in), tiles_(tiles) {
    const bool fits = in.rows % tiles == 0 && in.cols % tiles == 0;
    height_ = fits ? in.rows / tiles : (in.rows + tiles - in.rows % tiles) / tiles;
    width_ = fits ? in.cols / tiles : (in.cols + tiles - in.cols % tiles) / tiles;
    for (int row = 0; row < tiles; ++row)
      for (int col = 0; col < tiles; ++col) tables_.push_back(table(row, col, clip_limit));
  }

  double at(int y, int x) const {
    const double row = (y + 0.0) / height_ - 0.5, col = (x + 0.0) / width_ - 0.5;
    const int top = static_cast<int>(std::floor(row)), left = static_cast<int>(std::floor(col));
    const double down = row - top, right = col - left;
    const auto mapped = [&](int r, int c) {
      return tables_[std::clamp(r, 0, tiles_ - 1) * tiles_ + std::clamp(c, 0, tiles_ - 1)]
                    [static_cast<int>(value_at(in_, y, x, 0))];
    };
    return (1 - down) * ((1 - right) * mapped(top, left) + right * mapped(top, left + 1)) +
           down * ((1 - right) * mapped(top + 1, left) + right * mapped(top + 1, left + 1));
  }

 private:
  using Table = std::array<double, 256>;

  Table table(int row, int col, double clip_limit) const {
    std::array<int, 256> counts{};
    for (int y = row * height_; y < (row + 1) * height_; ++y)
      for (int x = col * width_; x < (col + 1) * width_; ++x) ++counts[static_cast<int>(value_at(in_, y, x, 0))];
    const int area = height_ * width_;
    if (clip_limit > 0) spread(counts, std::max(1, static_cast<int>(clip_limit * area / 256)));
    Table table;
    double up_to = 0;
    for (int value = 0; value < 256; ++value) {
      up_to += counts[value];
      table[value] = std::floor(cut(up_to * 255 / area) + 0.5);
    }
    return table;
  }

  // What is above the limit goes to all values alike; what does not divide, one by one at even distances.
  static void spread(std::array<int, 256>& counts, int limit) {
    int above = 0;
    for (int& count : counts) above += std::max(0, count - limit), count = std::min(count, limit);
    for (int& count : counts) count += above / 256;
    const int rest = above % 256, step = rest > 0 ? std::max(256 / rest, 1) : 256;
    for (int i = 0; i < rest; ++i)
      if (i * step < 256) ++counts[i * step];
  }

  const cv::Mat in_;
  int tiles_, height_ = 0, width_ = 0;
  std::vector<Table> tables_;
};

TEST(Clahe, EqualsItsDefinitionWithinOneGreyLevel) {
  for (const double clip_limit : {2.0, 0.0, 40.0}) {
    for (const int tiles : {1, 2, 8}) {
      for (const cv::Size size : {cv::Size(1, 1), cv::Size(7, 1), cv::Size(3, 5), cv::Size(32, 24), cv::Size(61, 45)}) {
        const cv::Mat random = noise(size.height, size.width, CV_8UC1);
        const cv::Mat in =
            picture_of(size, CV_8UC1, [&](int y, int x, int) { return value_at(random, y, x, 0) / 3 + x; });
        const ClaheReference reference(in, clip_limit, tiles);
        const cv::Mat wanted = picture_of(size, CV_8UC1, [&](int y, int x, int) { return reference.at(y, x); });
        const ParamValues params = {{"clip_limit", clip_limit}, {"tiles", std::int64_t{tiles}}};
        EXPECT_LE(largest_difference(run("clahe", params, in), wanted), 1) << clip_limit << " " << tiles << size;
      }
    }
  }
}

TEST(Clahe, InColorShiftsEachChannelByTheChangeOfTheBrightness) {
  for (const int type : {CV_8UC3, CV_8UC4}) {
    const cv::Mat in = noise(33, 40, type);
    const cv::Mat gray = run("grayscale", {}, in);
    const cv::Mat changed = run("clahe", {}, gray);
    const cv::Mat wanted = picture_of(in.size(), type, [&](int y, int x, int c) {
      const double value = value_at(in, y, x, c);
      return alpha(in, c) ? value : value + value_at(changed, y, x, 0) - value_at(gray, y, x, 0);
    });
    EXPECT_EQ(largest_difference(run("clahe", {}, in), wanted), 0);
  }
  EXPECT_NE(problem("clahe", {{"tiles", std::int64_t{0}}}).find("from 1 to 64"), std::string::npos);
}

ParamValues conversion(const std::string& to, const std::string& from = "bgr") { return {{"to", to}, {"from", from}}; }

using Color = std::array<double, 3>;

Color ycrcb(double b, double g, double r) {
  const double y = 0.299 * r + 0.587 * g + 0.114 * b;
  return {y, (r - y) * 0.713 + 128, (b - y) * 0.564 + 128};
}

Color lab(double b, double g, double r) {
  const auto linear = [](double v) {
    return v <= 0.04045 * 255 ? v / 255 / 12.92 : std::pow((v / 255 + 0.055) / 1.055, 2.4);
  };
  const double R = linear(r), G = linear(g), B = linear(b);
  const auto f = [](double t) { return t > 0.008856 ? std::cbrt(t) : 7.787 * t + 16.0 / 116; };
  const double x = f((0.412453 * R + 0.357580 * G + 0.180423 * B) / 0.950456);
  const double y = f(0.212671 * R + 0.715160 * G + 0.072169 * B);
  const double z = f((0.019334 * R + 0.119193 * G + 0.950227 * B) / 1.088754);
  return {(116 * y - 16) * 2.55, 500 * (x - y) + 128, 200 * (y - z) + 128};
}

Color hsv_bytes(double b, double g, double r) {
  const Hsv hsv = to_hsv(b, g, r);
  return {hsv.hue / 2, hsv.saturation * 255, hsv.value * 255};
}

TEST(ConvertColor, EqualsTheDefinitionOfEachSpace) {
  const struct {
    const char* name;
    Color (*convert)(double, double, double);
    double tolerance;
  } kSpaces[] = {{"ycrcb", ycrcb, 1}, {"lab", lab, 3}, {"hsv", hsv_bytes, 1}};
  for (const int type : {CV_8UC3, CV_8UC4}) {
    for (const cv::Size size : kSizes) {
      const cv::Mat in = noise(size.height, size.width, type);
      for (const auto& space : kSpaces) {
        const cv::Mat out = run("convert_color", conversion(space.name), in);
        ASSERT_EQ(out.type(), CV_8UC3);
        for (int y = 0; y < size.height; ++y) {
          for (int x = 0; x < size.width; ++x) {
            const Color wanted = space.convert(value_at(in, y, x, 0), value_at(in, y, x, 1), value_at(in, y, x, 2));
            for (int c = 0; c < 3; ++c) {
              double apart = std::abs(value_at(out, y, x, c) - cut(wanted[c]));
              if (std::string(space.name) == "hsv" && c == 0) apart = std::min(apart, 180 - apart);
              ASSERT_LE(apart, space.tolerance) << space.name << " channel " << c;
            }
          }
        }
      }
      const cv::Mat gray = picture_of(size, CV_8UC1, [&](int y, int x, int) { return gray_at(in, y, x); });
      EXPECT_LE(largest_difference(run("convert_color", conversion("gray"), in), gray), 1);
    }
  }
}

TEST(ConvertColor, ComesBackFromEachSpace) {
  // Muted colors: each space holds them in 8 bits.
  const cv::Mat random = noise(30, 40, CV_8UC3);
  const cv::Mat in =
      picture_of(random.size(), CV_8UC3, [&](int y, int x, int c) { return 100 + value_at(random, y, x, c) / 5; });
  for (const auto& [space, tolerance] : {std::pair{"hsv", 2.0}, {"ycrcb", 3.0}, {"lab", 3.0}}) {
    const cv::Mat there = run("convert_color", conversion(space), in);
    EXPECT_LE(largest_difference(run("convert_color", conversion("bgr", space), there), in), tolerance) << space;
    const cv::Mat gray = picture_of(in.size(), CV_8UC1, [&](int y, int x, int) { return gray_at(in, y, x); });
    EXPECT_LE(largest_difference(run("convert_color", conversion("gray", space), there), gray), tolerance) << space;
  }
}

TEST(ConvertColor, OfOneChannelIsGrayAndWhatFitsIsPassedOn) {
  const cv::Mat gray = noise(5, 7, CV_8UC1), color = noise(5, 7, CV_8UC3);
  const cv::Mat spread = picture_of(gray.size(), CV_8UC3, [&](int y, int x, int) { return value_at(gray, y, x, 0); });
  EXPECT_EQ(largest_difference(run("convert_color", conversion("bgr"), gray), spread), 0);
  EXPECT_EQ(largest_difference(run("convert_color", conversion("gray"), gray), gray), 0);
  const cv::Mat hsv = run("convert_color", conversion("hsv"), gray);
  EXPECT_EQ(value_at(hsv, 2, 3, 1), 0) << "gray has no saturation";
  EXPECT_EQ(value_at(hsv, 2, 3, 2), value_at(gray, 2, 3, 0));
  EXPECT_EQ(largest_difference(run("convert_color", conversion("bgr"), color), color), 0);
  EXPECT_EQ(largest_difference(run("convert_color", conversion("lab", "lab"), color), color), 0);
  const cv::Mat with_alpha = noise(5, 7, CV_8UC4);
  const cv::Mat without =
      picture_of({7, 5}, CV_8UC3, [&](int y, int x, int c) { return value_at(with_alpha, y, x, c); });
  EXPECT_EQ(largest_difference(run("convert_color", conversion("bgr"), with_alpha), without), 0);
  EXPECT_NE(problem("convert_color", {}).find("'to'"), std::string::npos);
  EXPECT_NE(problem("convert_color", conversion("rgb")).find("bgr"), std::string::npos);
}

TEST(ColorTasks, DoNotSeeBeyondAViewIntoALargerPicture) {
  for (const char* task : {"adjust", "hue_saturation", "white_balance", "equalize", "clahe"})
    expect_views_are_whole_pictures(task, {}, CV_8UC3);
  for (const char* task : {"adjust", "equalize", "clahe"}) expect_views_are_whole_pictures(task, {}, CV_8UC1);
  for (const char* space : {"gray", "hsv", "lab", "ycrcb"})
    expect_views_are_whole_pictures("convert_color", conversion(space), CV_8UC3);
}

TEST(ColorTasks, ThatLookAtOnePixelCanBeSplitAndOthersCannot) {
  const cv::Mat in = noise(50, 33, CV_8UC3);
  const std::pair<const char*, ParamValues> kTasks[] = {
      {"adjust", {{"gamma", 1.5}}}, {"hue_saturation", {{"hue", 50.0}}}, {"convert_color", conversion("lab")}};
  for (const auto& [task, params] : kTasks)
    expect_stripes_equal_the_whole(task, params, in, declared_halo(task, params));
  for (const char* task : {"white_balance", "equalize", "clahe"})
    EXPECT_EQ(builtin_tasks().catalog().find(task)->halo, nullptr) << task;
}

}  // namespace
}  // namespace ride::tasks
