#include "producer/sources/synthetic_source.h"

#include <algorithm>
#include <cstring>
#include <opencv2/imgproc.hpp>
#include <string>

#include "producer/source_request.h"

namespace ride::producer {
namespace {

constexpr int kShapes = 6;

// SplitMix64 (Steele, Lea and Flood 2014): small, and the same everywhere, which std's distributions are not.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9E3779B97F4A7C15ULL);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
  }
  int below(int limit) { return limit <= 1 ? 0 : static_cast<int>(next() % static_cast<std::uint64_t>(limit)); }

 private:
  std::uint64_t state_;
};

// Back and forth between 0 and `reach`.
int bounce(std::int64_t at, int reach) {
  if (reach <= 0) return 0;
  const std::int64_t phase = at % (2LL * reach);
  return static_cast<int>(phase < reach ? phase : 2LL * reach - phase);
}

cv::Scalar color(Random& random) {
  return {64.0 + random.below(192), 64.0 + random.below(192), 64.0 + random.below(192), 255};
}

// A gradient with fixed grain: filters have something to do, and JPEG something to keep.
cv::Mat background(const SyntheticOptions& options) {
  cv::Mat image(options.height, options.width, CV_8UC(options.channels));
  Random random(static_cast<std::uint64_t>(options.seed));
  for (int y = 0; y < image.rows; ++y) {
    std::uint8_t* row = image.ptr(y);
    for (int x = 0; x < image.cols; ++x) {
      const int grain = random.below(16);
      for (int c = 0; c < options.channels; ++c) {
        const std::int64_t along = c % 2 == 0 ? 128LL * x / image.cols : 128LL * y / image.rows;
        *row++ = c == 3 ? 255 : static_cast<std::uint8_t>(32 + along + grain);
      }
    }
  }
  return image;
}

void draw_number(cv::Mat& image, std::int64_t number) {
  const std::string text = std::to_string(number);
  const double scale = std::max(0.3, image.rows / 400.0);
  const int thickness = std::max(1, image.rows / 300);
  int baseline = 0;
  const cv::Size size = cv::getTextSize(text, cv::FONT_HERSHEY_SIMPLEX, scale, thickness, &baseline);
  const int margin = std::max(2, image.rows / 100);
  cv::rectangle(image, {0, 0, size.width + 2 * margin, size.height + baseline + 2 * margin}, cv::Scalar(0, 0, 0, 255),
                cv::FILLED);
  cv::putText(image, text, {margin, size.height + margin}, cv::FONT_HERSHEY_SIMPLEX, scale, cv::Scalar::all(255),
              thickness);
}

}  // namespace

SyntheticSource::SyntheticSource(SyntheticOptions options) : options_(options) {
  if (options_.scene == Scene::moving) background_ = background(options_);
}

Result<void> SyntheticSource::open(std::int64_t first) {
  next_ = first;
  return {};
}

Result<Pulled> SyntheticSource::next(std::chrono::milliseconds) {
  if (options_.frames > 0 && next_ >= options_.frames) return Pulled(SourceEnded{});
  CapturedFrame frame{.number = next_, .image = picture(next_)};
  ++next_;
  return Pulled(std::move(frame));
}

SourceState SyntheticSource::state() const {
  return {.total = options_.frames > 0 ? options_.frames : -1, .own_fps = kSceneFps};
}

cv::Mat SyntheticSource::picture(std::int64_t number) const {
  return options_.scene == Scene::moving ? moving(number) : noise(number);
}

cv::Mat SyntheticSource::moving(std::int64_t number) const {
  cv::Mat image = background_.clone();
  Random random(static_cast<std::uint64_t>(options_.seed) ^ 0x5DEECE66DULL);
  const int side = std::max(4, std::min(image.rows, image.cols) / 8);
  for (int i = 0; i < kShapes; ++i) {
    const int size = side / 2 + random.below(side);
    const std::int64_t start_x = random.below(image.cols), start_y = random.below(image.rows);
    const std::int64_t speed_x = 1 + random.below(7), speed_y = 1 + random.below(5);
    const int x = bounce(start_x + speed_x * number, image.cols - size);
    const int y = bounce(start_y + speed_y * number, image.rows - size);
    cv::rectangle(image, {x, y, size, size}, color(random), cv::FILLED);
  }
  draw_number(image, number);
  return image;
}

cv::Mat SyntheticSource::noise(std::int64_t number) const {
  cv::Mat image(options_.height, options_.width, CV_8UC(options_.channels));
  Random random(Random(static_cast<std::uint64_t>(options_.seed)).next() ^ static_cast<std::uint64_t>(number));
  std::uint8_t* at = image.data;
  for (std::size_t rest = image.total() * image.elemSize(); rest > 0;) {
    const std::uint64_t bits = random.next();
    const std::size_t count = std::min(rest, sizeof bits);
    std::memcpy(at, &bits, count);
    at += count;
    rest -= count;
  }
  draw_number(image, number);
  return image;
}

MadeSource make_synthetic_source(const SourceRequest& request) {
  const auto whole = [&](const char* name) { return get_int(request.params, name); };
  return std::unique_ptr<Source>(std::make_unique<SyntheticSource>(
      SyntheticOptions{.width = static_cast<int>(whole("width")),
                       .height = static_cast<int>(whole("height")),
                       .channels = static_cast<int>(whole("channels")),
                       .frames = whole("frames"),
                       .seed = whole("seed"),
                       .scene = get_string(request.params, "scene") == "noise" ? Scene::noise : Scene::moving}));
}

}  // namespace ride::producer
