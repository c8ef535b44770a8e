// qr: QR codes (ISO/IEC 18004), found and read by ZXing-C++ (Debian's package libzxing-dev; Debian's OpenCV finds
// codes, but is built without the library that reads them). The picture goes on as it came; it is looked at in 8-bit
// brightness. Memory and time: those of a picture of kMostPixels, since larger ones are reduced to that first.
#define ZX_USE_UTF8 1
#include <ZXing/ReadBarcode.h>

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>
#include <tuple>

#include "common/json.h"
#include "common/text.h"
#include "worker/tasks/picture.h"
#include "worker/tasks/register_task.h"

namespace ride::tasks::qr {
namespace {

struct Options {
  int max_codes = 20;
  bool thorough = true;
};

const Params<Options>& params() {
  static const Params<Options> kParams{
      {"max_codes", &Options::max_codes, "Codes read in one picture, at most", {.min = 1, .max = 100}},
      {"thorough", &Options::thorough,
       "Look longer: small, blurred and steeply turned codes are found as well. Off, it takes a third of the time"}};
  return kParams;
}

TaskDecl declaration() {
  return {
      .name = "qr",
      .doc =
          "Finds and reads QR codes (ISO/IEC 18004) and leaves the picture as it is. Attribute 'qr': a JSON list of "
          "{\"text\",\"corners\":[[x,y],[x,y],[x,y],[x,y]]}, corners in pixels of the picture, clockwise from "
          "the code's own top left one. A picture of more than 16 megapixels is reduced to 16 for the search.",
      .params = params().specs()};
}

constexpr double kMostPixels = 16e6;
constexpr std::size_t kMostText = 32'768;  // bytes of all texts as JSON: they travel in a header of the record

// What is no UTF-8 becomes U+FFFD.
std::string as_utf8(const std::string& text) {
  std::string clean;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = utf8_length(text, at);
    clean += length > 0 ? text.substr(at, length) : "\xef\xbf\xbd";
    at += std::max<std::size_t>(1, length);
  }
  return clean;
}

struct Code {
  std::string text;
  cv::Point2d corners[4];
};

class Qr : public Task {
 public:
  Result<void> open(const TaskEnv& env) override {
    env_ = env;
    options_ = params().read(env.params);
    return {};
  }

  Result<void> process(const Frame& frame, Emitter& out) override {
    if (auto fit = expect_picture(env_, frame, {CV_8U, CV_16U, CV_32F}, {1, 3, 4}); !fit) return fit;
    Frame read = frame;
    read.attributes["qr"] = to_json(codes_in(frame.image));
    out.emit(std::move(read));
    return {};
  }

 private:
  std::vector<Code> codes_in(const cv::Mat& image) {
    const cv::Mat view = brightness_of(as_8bit(reduced_to(kMostPixels, image, reduced_), eight_bit_));
    const double x_factor = static_cast<double>(image.cols) / view.cols;
    const double y_factor = static_cast<double>(image.rows) / view.rows;
    const auto hints = ZXing::DecodeHints()
                           .setFormats(ZXing::BarcodeFormat::QRCode)
                           .setMaxNumberOfSymbols(static_cast<std::uint8_t>(options_.max_codes))
                           .setTryHarder(options_.thorough)
                           .setTryRotate(options_.thorough);
    const ZXing::ImageView pixels(view.data, view.cols, view.rows, ZXing::ImageFormat::Lum,
                                  static_cast<int>(view.step));
    std::vector<Code> codes;
    for (const ZXing::Result& one : ZXing::ReadBarcodes(pixels, hints)) {
      if (!one.isValid()) continue;
      Code code{.text = as_utf8(one.text())};
      for (int i = 0; i < 4; ++i) {
        const auto& corner = one.position()[i];
        code.corners[i] = {std::round(corner.x * x_factor), std::round(corner.y * y_factor)};
      }
      codes.push_back(std::move(code));
    }
    std::sort(codes.begin(), codes.end(), [](const Code& a, const Code& b) {
      return std::tuple(a.corners[0].y, a.corners[0].x) < std::tuple(b.corners[0].y, b.corners[0].x);
    });
    return codes;
  }

  static std::string to_json(const std::vector<Code>& codes) {
    using nlohmann::json;
    json list = json::array();
    std::size_t text_bytes = 0;
    for (const Code& code : codes) {
      json corners = json::array();
      for (const cv::Point2d& corner : code.corners)
        corners.push_back({static_cast<std::int64_t>(corner.x), static_cast<std::int64_t>(corner.y)});
      json entry = {{"corners", std::move(corners)}};
      const std::size_t bytes = json(code.text).dump(-1, ' ', false, json::error_handler_t::replace).size();
      if (text_bytes + bytes <= kMostText) {
        text_bytes += bytes;
        entry["text"] = code.text;
      } else {
        entry["left_out"] = bytes;
      }
      list.push_back(std::move(entry));
    }
    return list.dump(-1, ' ', false, json::error_handler_t::replace);
  }

  TaskEnv env_;
  Options options_;
  cv::Mat reduced_, eight_bit_;
};

}  // namespace

RIDE_REGISTER_TASK(declaration, Qr)

}  // namespace ride::tasks::qr
