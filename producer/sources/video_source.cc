#include "producer/sources/video_source.h"

#include <fcntl.h>
#include <spdlog/fmt/fmt.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "common/log.h"
#include "common/redact.h"
#include "common/text.h"
#include "producer/source_request.h"
#include "producer/sources/ffmpeg_setup.h"

namespace ride::producer {
namespace {

// Why the system does not give us the file, if so: OpenCV would only say that it did not open.
std::optional<Error> file_error(const std::string& path, const std::string& shown) {
  if (path.find("://") != std::string::npos) return std::nullopt;  // FFmpeg fetches it
  std::error_code code;
  if (std::filesystem::is_directory(path, code)) {
    return Error{ErrorCode::invalid_argument,
                 fmt::format("video '{}' is a folder; for pictures in it write 'directory:'", shown), false};
  }
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file >= 0) {
    ::close(file);
    return std::nullopt;
  }
  const int cause = errno;
  if (cause == ENOENT) {
    return Error{ErrorCode::not_found,
                 fmt::format("video '{}' does not exist on this node; correct the path, or name the node "
                             "that has it with 'node:'",
                             shown),
                 false};
  }
  return Error{cause == EACCES ? ErrorCode::permission : ErrorCode::unavailable,
               fmt::format("video '{}' cannot be opened: {}", shown, std::strerror(cause)), false};
}

}  // namespace

VideoSource::VideoSource(VideoFileOptions options) : options_(std::move(options)) {
  if (options_.shown.empty()) options_.shown = options_.path;
}

// FFmpeg and OpenCV quote what they were given, whose credentials are filled in.
std::string VideoSource::hidden(std::string text) const {
  return redact(replace_whole(std::move(text), options_.path, options_.shown));
}

Result<void> VideoSource::start_play() {
  in_play_ = 0;
  if (auto error = file_error(options_.path, options_.shown)) return *error;
  take_ffmpeg_errors();
  const std::vector<int> waits = {cv::CAP_PROP_OPEN_TIMEOUT_MSEC, static_cast<int>(options_.patience.connect.count()),
                                  cv::CAP_PROP_READ_TIMEOUT_MSEC, static_cast<int>(options_.patience.read.count())};
  try {
    if (capture_.open(options_.path, cv::CAP_FFMPEG, waits) || capture_.open(options_.path, cv::CAP_OPENCV_MJPEG))
      return {};
  } catch (const cv::Exception& error) {
    return Error{ErrorCode::corrupt, fmt::format("video '{}' cannot be opened: {}", options_.shown, hidden(error.err)),
                 false};
  }
  const std::string why = hidden(take_ffmpeg_errors());
  return Error{
      ErrorCode::corrupt,
      fmt::format("video '{}' cannot be opened: {}it is not a video, is damaged, or needs a codec that FFmpeg on this "
                  "node lacks (see 'ffprobe FILE')",
                  options_.shown, why.empty() ? "" : why + "; "),
      false};
}

Result<void> VideoSource::open(std::int64_t first) {
  close();
  play_ = 0;
  next_ = 0;
  if (auto started = start_play(); !started) return started;
  const double width = capture_.get(cv::CAP_PROP_FRAME_WIDTH), height = capture_.get(cv::CAP_PROP_FRAME_HEIGHT);
  if (options_.max_pixels > 0 && width * height > static_cast<double>(options_.max_pixels)) {
    return Error{ErrorCode::resource_exhausted,
                 fmt::format("video '{}' has frames of {} x {} pixels, more than max_pixels ({}) allows",
                             options_.shown, width, height, options_.max_pixels),
                 false};
  }
  fps_ = capture_.get(cv::CAP_PROP_FPS);
  const double claimed = capture_.get(cv::CAP_PROP_FRAME_COUNT);
  claimed_length_ = claimed > 0 && claimed < 1e15 ? static_cast<std::int64_t>(claimed) : -1;
  return skip_to(first);
}

Result<void> VideoSource::skip_to(std::int64_t first) {
  while (next_ < first) {
    if (length_ > 0 && play_ + 1 < first / length_) {  // whole plays need no reading once their length is known
      play_ = first / length_ - 1;
      next_ = play_ * length_ + in_play_;
    }
    auto grabbed = grab();
    if (!grabbed) return grabbed.error();
    if (!*grabbed) return {};  // shorter than before: next() says that it ended
    ++next_;
  }
  return {};
}

Result<bool> VideoSource::grab() {
  while (!capture_.grab()) {
    if (in_play_ == 0) {
      const std::string why = hidden(take_ffmpeg_errors());
      return Error{ErrorCode::corrupt,
                   fmt::format("video '{}' holds no frame that can be decoded{}{}", options_.shown,
                               why.empty() ? "" : ": ", why),
                   false};
    }
    length_ = in_play_;
    ++play_;
    if (options_.plays > 0 && play_ >= options_.plays) return false;
    if (auto started = start_play(); !started) return started.error();
  }
  ++in_play_;
  return true;
}

Result<Pulled> VideoSource::next(std::chrono::milliseconds) {
  if (!capture_.isOpened() || (options_.plays > 0 && play_ >= options_.plays)) return Pulled(SourceEnded{});
  try {
    auto grabbed = grab();
    if (!grabbed) return grabbed.error();
    if (!*grabbed) return Pulled(SourceEnded{});
    const std::int64_t number = next_++;
    cv::Mat image;
    if (!capture_.retrieve(image) || image.empty()) {
      return Pulled(RejectedItem{number, options_.shown, fmt::format("frame {} cannot be decoded", in_play_ - 1)});
    }
    // retrieve() copied the pixels out of the decoder's buffer into the new `image`.
    return Pulled(CapturedFrame{.number = number, .image = std::move(image), .name = options_.shown});
  } catch (const cv::Exception& error) {
    return Error{ErrorCode::corrupt,
                 fmt::format("video '{}', frame {}: {}", options_.shown, in_play_, hidden(error.err)), false};
  }
}

void VideoSource::close() { capture_.release(); }

SourceState VideoSource::state() const {
  const std::int64_t play = length_ > 0 ? length_ : claimed_length_;
  return {.total = options_.plays > 0 && play > 0 ? play * options_.plays : -1, .own_fps = fps_};
}

MadeSource make_video_source(const SourceRequest& request) {
  auto uri = filled_uri(request);
  if (!uri) return uri.error();
  return std::unique_ptr<Source>(
      std::make_unique<VideoSource>(VideoFileOptions{.path = *uri,
                                                     .shown = redact(request.source.uri),
                                                     .plays = get_int(request.params, "loop"),
                                                     .max_pixels = request.source.max_pixels,
                                                     .patience = patience_of(request)}));
}

}  // namespace ride::producer
