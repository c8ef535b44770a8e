#include "test_runner/failure_sheet.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

#include "test_runner/picture_compare.h"

namespace ride::test_runner {
namespace {

constexpr int kPanels = 4, kLineHeight = 20, kMostLines = 30, kLongestLine = 210;
constexpr std::size_t kMostInRow = 16;
const cv::Size kScreen(1920, 1080);
constexpr double kFont = 0.45;
const cv::Scalar kGround(40, 40, 40), kInk(230, 230, 230), kGood(0, 200, 0), kBad(40, 40, 255), kNear(0, 200, 255);

// As a screen can show it.
cv::Mat shown(const cv::Mat& picture) {
  cv::Mat bytes, color;
  if (picture.depth() == CV_8U) {
    bytes = picture;
  } else {
    double low = 0, high = peak_of(picture);
    cv::Mat plane = picture.reshape(1), numbers = plane.clone();
    if (picture.depth() == CV_32F) {
      cv::patchNaNs(numbers, 0);
      cv::minMaxLoc(numbers, &low, &high);
      if (low >= 0 && high <= 1) low = 0, high = 1;
    }
    const double scale = high > low && std::isfinite(high - low) ? 255 / (high - low) : 0;
    numbers.convertTo(bytes, CV_8U, scale, -low * scale);
    bytes = bytes.reshape(picture.channels());
  }
  if (bytes.channels() == 3) return bytes.clone();
  cv::Mat first;
  if (bytes.channels() == 4) {
    cv::cvtColor(bytes, color, cv::COLOR_BGRA2BGR);
    return color;
  }
  cv::extractChannel(bytes, first, 0);
  cv::cvtColor(first, color, cv::COLOR_GRAY2BGR);
  return color;
}

std::string plain(const std::string& text) {
  std::string out;
  for (const char c : text) out += c >= 0x20 && c < 0x7f ? c : '?';  // what OpenCV's font has
  return out;
}

void write(cv::Mat& sheet, const std::string& text, cv::Point at, const cv::Scalar& color) {
  cv::putText(sheet, plain(text), at, cv::FONT_HERSHEY_SIMPLEX, kFont, color, 1, cv::LINE_AA);
}

// How pixels of a picture become pixels of its panel; small pictures are made larger by whole numbers.
double scale_for(cv::Size size) {
  const double fits =
      std::min(static_cast<double>(kPanelWidth) / size.width, static_cast<double>(kPanelHeight) / size.height);
  return fits >= 1 ? std::floor(fits) : fits;
}

void put(cv::Mat& sheet, int index, const cv::Mat& picture) {
  const double scale = scale_for(picture.size());
  const cv::Size size(std::clamp(cvRound(picture.cols * scale), 1, kPanelWidth),
                      std::clamp(cvRound(picture.rows * scale), 1, kPanelHeight));
  cv::Mat fitted;
  cv::resize(picture, fitted, size, 0, 0, scale >= 1 ? cv::INTER_NEAREST : cv::INTER_AREA);
  fitted.copyTo(sheet(cv::Rect(panel(index).tl(), size)));
}

void title(cv::Mat& sheet, int index, const std::string& text) {
  write(sheet, text, {panel(index).x, kPanelTop - 9}, kInk);
}

void note(cv::Mat& sheet, int index, const std::string& text) {
  write(sheet, text, panel(index).tl() + cv::Point(8, kPanelHeight / 2), kInk);
}

class Sheet {
 public:
  Sheet(const topology::TestCase& test, const Seen& seen, const Verdict& verdict)
      : expect_(test.expect), seen_(seen), verdict_(verdict) {
    const auto lines = static_cast<int>(std::min<std::size_t>(verdict.failures.size(), kMostLines));
    sheet_ = cv::Mat(kPanelTop + kPanelHeight + kLineHeight * (lines + 2), panel(kPanels).x, CV_8UC3, kGround);
    write(sheet_, "test: " + test.name, {kPanelGap, kPanelTop + kPanelHeight + kLineHeight}, kInk);
    for (int i = 0; i < lines; ++i)
      write(sheet_, verdict.failures[static_cast<std::size_t>(i)].substr(0, kLongestLine),
            {kPanelGap, kPanelTop + kPanelHeight + kLineHeight * (i + 2)}, kNear);
  }

  cv::Mat draw(const cv::Mat& input) {
    title(sheet_, 0, input.empty() ? "input" : "input, " + shape_of(input));
    input.empty() ? note(sheet_, 0, "(no frame)") : put(sheet_, 0, shown(input));
    if (!seen_.out) {
      title(sheet_, 1, "got");
      note(sheet_, 1, fmt::format("nothing came out ({})", topology::to_string(seen_.fate.outcome)));
    } else {
      title(sheet_, 1, "got, " + shape_of(seen_.out->image));
      expect_.objects ? objects() : put(sheet_, 1, shown(seen_.out->image));
    }
    if (!expect_.objects || !seen_.out) pictures();
    return sheet_;
  }

 private:
  void pictures() {
    title(sheet_, 2, verdict_.expected.empty() ? "expected" : "expected, " + shape_of(verdict_.expected));
    title(sheet_, 3, "difference");
    if (verdict_.expected.empty()) {
      note(sheet_, 2, expectation_in_words());
      return note(sheet_, 3, "(no picture to compare with)");
    }
    put(sheet_, 2, shown(verdict_.expected));
    if (!seen_.out || seen_.out->image.size() != verdict_.expected.size() ||
        seen_.out->image.type() != verdict_.expected.type())
      return note(sheet_, 3, seen_.out ? "(other sizes or types)" : "(nothing came out)");
    difference_panel();
  }

  std::string expectation_in_words() const {
    if (!expect_.sha256.empty()) return "sha256 " + expect_.sha256.substr(0, 16) + "...";
    return fmt::format("outcome: {}", topology::to_string(expect_.outcome));
  }

  // Made brighter, so that the largest is white.
  void difference_panel() {
    const cv::Mat got = seen_.out->image.reshape(1), wanted = verdict_.expected.reshape(1);
    cv::Mat apart, bytes;
    cv::absdiff(got, wanted, apart);
    if (apart.depth() == CV_32F) cv::patchNaNs(apart, peak_of(apart));
    double largest = 0;
    cv::minMaxLoc(apart, nullptr, &largest);
    const double scale = largest > 0 && std::isfinite(largest) ? 255 / largest : 0;
    apart.convertTo(bytes, CV_8U, scale);
    title(sheet_, 3, fmt::format("difference, white is {:.4g}", largest));
    put(sheet_, 3, shown(bytes.reshape(seen_.out->image.channels())));
  }

  void box(cv::Mat& picture, double x, double y, double width, double height, const cv::Scalar& color,
           const std::string& label) const {
    const double scale = scale_for(seen_.out->image.size());
    const auto place = [&](double value) { return cvRound(std::clamp(value * scale, -1e5, 1e5)); };
    const cv::Point corner(place(x), place(y));
    cv::rectangle(picture, corner, {place(x + width), place(y + height)}, color, 2);
    write(picture, label, {corner.x + 2, std::max(12, corner.y - 4)}, color);
  }

  // Found ones: expected or not. Listed ones: found or not. The last panel has what is wrong alone.
  void objects() {
    for (int index = 1; index < kPanels; ++index) put(sheet_, index, shown(seen_.out->image));
    title(sheet_, 2, fmt::format("expected: {} objects", expect_.objects->size()));
    title(sheet_, 3, "difference: missing (red), not listed (yellow)");
    cv::Mat got = sheet_(panel(1)), wanted = sheet_(panel(2)), wrong = sheet_(panel(3));
    for (std::size_t i = 0; i < verdict_.found.size(); ++i) {
      const auto& one = verdict_.found[i];
      const bool listed = verdict_.match.expected[i];
      const auto label = fmt::format("{} {:.2f}", one.label, one.score);
      box(got, one.x, one.y, one.width, one.height, listed ? kGood : kNear, label);
      if (!listed) box(wrong, one.x, one.y, one.width, one.height, kNear, label);
    }
    for (std::size_t i = 0; i < expect_.objects->size(); ++i) {
      const auto& object = (*expect_.objects)[i];
      const bool found = i < verdict_.match.found_by.size() && verdict_.match.found_by[i].has_value();
      box(wanted, object.x, object.y, object.width, object.height, found ? kGood : kBad, object.label);
      if (!found) box(wrong, object.x, object.y, object.width, object.height, kBad, object.label);
    }
  }

  const topology::Expectation& expect_;
  const Seen& seen_;
  const Verdict& verdict_;
  cv::Mat sheet_;
};

}  // namespace

cv::Rect panel(int index) {
  return {kPanelGap + index * (kPanelWidth + kPanelGap), kPanelTop, kPanelWidth, kPanelHeight};
}

cv::Mat side_by_side(const std::vector<cv::Mat>& pictures) {
  std::vector<cv::Mat> fitted;
  int rows = 1, cols = kPanelGap;
  for (const auto& picture : pictures) {
    if (fitted.size() == kMostInRow) break;
    const double scale = std::min(
        {1.0, kScreen.width / static_cast<double>(picture.cols), kScreen.height / static_cast<double>(picture.rows)});
    cv::Mat small = picture;
    if (scale < 1)
      cv::resize(picture, small,
                 {std::max(1, cvRound(picture.cols * scale)), std::max(1, cvRound(picture.rows * scale))}, 0, 0,
                 cv::INTER_AREA);
    fitted.push_back(shown(small));
    rows = std::max(rows, small.rows);
    cols += small.cols + kPanelGap;
  }
  cv::Mat row(rows + 2 * kPanelGap, cols, CV_8UC3, kGround);
  int at = kPanelGap;
  for (const auto& picture : fitted) {
    picture.copyTo(row(cv::Rect({at, kPanelGap}, picture.size())));
    at += picture.cols + kPanelGap;
  }
  return row;
}

cv::Mat failure_sheet(const topology::TestCase& test, const cv::Mat& input, const Seen& seen, const Verdict& verdict) {
  return Sheet(test, seen, verdict).draw(input);
}

}  // namespace ride::test_runner
