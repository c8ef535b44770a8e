#include "producer/sources/capture_stream.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cctype>
#include <opencv2/videoio.hpp>

#include "common/log.h"
#include "common/redact.h"
#include "common/text.h"
#include "producer/sources/ffmpeg_setup.h"

namespace ride::producer {
namespace {

bool contains(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

// What to do about the cause that FFmpeg names.
std::string advice(const std::string& why) {
  if (contains(why, "resolve")) return "correct the name of the host, or the node's DNS";
  if (contains(why, "401") || contains(why, "403")) return "correct the user and password (they belong in ${VAR}s)";
  if (contains(why, "404")) return "correct the path of the URL";
  if (contains(why, "refused")) return "is the camera on, and is the port right?";
  if (contains(why, "nvalid data")) return "it answers, but sends no stream that FFmpeg reads";
  if (contains(why, "ecoder") || contains(why, "odec")) return "FFmpeg on this node lacks the codec of the stream";
  return "is the camera on and in reach?";
}

class StreamGrabber : public Grabber {
 public:
  explicit StreamGrabber(StreamOptions options) : options_(std::move(options)) {}

  Result<void> open() override {
    take_ffmpeg_errors();
    const std::vector<int> parameters = {
        cv::CAP_PROP_OPEN_TIMEOUT_MSEC, static_cast<int>(options_.patience.connect.count()),
        cv::CAP_PROP_READ_TIMEOUT_MSEC, static_cast<int>(options_.patience.read.count())};
    const auto begun = std::chrono::steady_clock::now();
    try {
      if (capture_.open(options_.url, cv::CAP_FFMPEG, parameters)) return {};
    } catch (const cv::Exception& error) {
      return unavailable(hidden(error.err));
    }
    std::string why = hidden(take_ffmpeg_errors());
    if (why.empty()) {
      const bool slow = std::chrono::steady_clock::now() - begun >= options_.patience.connect;
      if (!slow)
        return unavailable("FFmpeg gave no cause; is it a stream that FFmpeg reads ('ffprobe URL' shows more)?");
      return unavailable(
          fmt::format("no answer within {}; is the camera on and in reach? A slow one needs a longer "
                      "connect_timeout",
                      format_duration(options_.patience.connect)));
    }
    return unavailable(why + "; " + advice(why));
  }

  Result<void> grab() override {
    const auto begun = std::chrono::steady_clock::now();
    try {
      if (capture_.grab()) return {};
    } catch (const cv::Exception& error) {
      return unavailable(hidden(error.err));
    }
    std::string why = hidden(take_ffmpeg_errors());
    if (why.empty())
      why = std::chrono::steady_clock::now() - begun < options_.patience.read
                ? "it ended"
                : fmt::format("no picture came within {} (read_timeout)", format_duration(options_.patience.read));
    return Error{ErrorCode::unavailable, fmt::format("stream {} was lost: {}", options_.shown, why), true};
  }

  Result<cv::Mat> retrieve() override {
    cv::Mat image;
    try {
      if (capture_.retrieve(image) && !image.empty()) return image;
    } catch (const cv::Exception& error) {
      return unavailable(hidden(error.err));
    }
    return unavailable("a picture could not be decoded");
  }

 private:
  Error unavailable(const std::string& why) const {
    return {ErrorCode::unavailable, fmt::format("stream {} cannot be read: {}", options_.shown, why), true};
  }
  // FFmpeg and OpenCV may quote the URL, whose credentials are filled in.
  std::string hidden(std::string text) const {
    return redact(replace_whole(std::move(text), options_.url, options_.shown));
  }

  StreamOptions options_;
  cv::VideoCapture capture_;
};

}  // namespace

std::string scheme_of(const std::string& uri) {
  const std::size_t end = uri.find("://");
  if (end == std::string::npos || end == 0) return "";
  std::string scheme = uri.substr(0, end);
  std::transform(scheme.begin(), scheme.end(), scheme.begin(), [](unsigned char c) { return std::tolower(c); });
  return scheme;
}

std::unique_ptr<Grabber> make_stream_grabber(StreamOptions options) {
  return std::make_unique<StreamGrabber>(std::move(options));
}

}  // namespace ride::producer
