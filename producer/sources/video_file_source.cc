#include "producer/sources/video_file_source.h"

#include <fcntl.h>
#include <spdlog/fmt/fmt.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "producer/sources/ffmpeg_setup.h"

namespace ride::producer {
namespace {

// Why the system does not give us the file, if so: OpenCV would only say that it did not open.
std::optional<Error> file_error(const std::string& path) {
  if (path.find("://") != std::string::npos) return std::nullopt;  // FFmpeg fetches it
  std::error_code code;
  if (std::filesystem::is_directory(path, code)) {
    return Error{ErrorCode::invalid_argument,
                 fmt::format("video '{}' is a folder; for pictures in it write 'directory:'", path), false};
  }
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file >= 0) {
    ::close(file);
    return std::nullopt;
  }
  const int cause = errno;
  if (cause == ENOENT) {
    return Error{ErrorCode::not_found,
                 fmt::format("video '{}' does not exist on this node; mend the path, or name the node "
                             "that has it with 'node:'",
                             path),
                 false};
  }
  return Error{cause == EACCES ? ErrorCode::permission : ErrorCode::unavailable,
               fmt::format("video '{}' cannot be opened: {}", path, std::strerror(cause)), false};
}

}  // namespace

VideoFileSource::VideoFileSource(VideoFileOptions options) : options_(std::move(options)) {}

Result<void> VideoFileSource::start_play() {
  in_play_ = 0;
  if (auto error = file_error(options_.path)) return *error;
  take_ffmpeg_errors();
  try {
    if (capture_.open(options_.path, cv::CAP_FFMPEG) || capture_.open(options_.path, cv::CAP_OPENCV_MJPEG)) return {};
  } catch (const cv::Exception& error) {
    return Error{ErrorCode::corrupt, fmt::format("video '{}' cannot be opened: {}", options_.path, error.err), false};
  }
  const std::string why = take_ffmpeg_errors();
  return Error{
      ErrorCode::corrupt,
      fmt::format("video '{}' cannot be opened: {}; it is no video, is damaged, or needs a codec that FFmpeg on this "
                  "node has not ('ffprobe FILE' tells)",
                  options_.path, why.empty() ? "no cause given" : why),
      false};
}

Result<void> VideoFileSource::open(std::int64_t first) {
  close();
  play_ = 0;
  next_ = 0;
  if (auto started = start_play(); !started) return started;
  const double width = capture_.get(cv::CAP_PROP_FRAME_WIDTH), height = capture_.get(cv::CAP_PROP_FRAME_HEIGHT);
  if (options_.max_pixels > 0 && width * height > static_cast<double>(options_.max_pixels)) {
    return Error{ErrorCode::resource_exhausted,
                 fmt::format("video '{}' has frames of {} x {} pixels, more than max_pixels ({}) allows", options_.path,
                             width, height, options_.max_pixels),
                 false};
  }
  fps_ = capture_.get(cv::CAP_PROP_FPS);
  const double told = capture_.get(cv::CAP_PROP_FRAME_COUNT);
  told_length_ = told > 0 && told < 1e15 ? static_cast<std::int64_t>(told) : -1;
  return skip_to(first);
}

Result<void> VideoFileSource::skip_to(std::int64_t first) {
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

Result<bool> VideoFileSource::grab() {
  while (!capture_.grab()) {
    if (in_play_ == 0) {
      const std::string why = take_ffmpeg_errors();
      return Error{
          ErrorCode::corrupt,
          fmt::format("video '{}' holds no frame that can be decoded{}{}", options_.path, why.empty() ? "" : ": ", why),
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

Result<Pulled> VideoFileSource::next(std::chrono::milliseconds) {
  if (!capture_.isOpened() || (options_.plays > 0 && play_ >= options_.plays)) return Pulled(SourceEnded{});
  try {
    auto grabbed = grab();
    if (!grabbed) return grabbed.error();
    if (!*grabbed) return Pulled(SourceEnded{});
    const std::int64_t number = next_++;
    cv::Mat image;
    if (!capture_.retrieve(image) || image.empty()) {
      return Pulled(RejectedItem{number, options_.path, fmt::format("frame {} cannot be decoded", in_play_ - 1)});
    }
    // retrieve() copied the pixels out of the decoder's buffer into the new `image`.
    return Pulled(CapturedFrame{.number = number, .image = std::move(image), .name = options_.path});
  } catch (const cv::Exception& error) {
    return Error{ErrorCode::corrupt, fmt::format("video '{}', frame {}: {}", options_.path, in_play_, error.err),
                 false};
  }
}

void VideoFileSource::close() { capture_.release(); }

SourceState VideoFileSource::state() const {
  const std::int64_t play = length_ > 0 ? length_ : told_length_;
  return {.total = options_.plays > 0 && play > 0 ? play * options_.plays : -1, .own_fps = fps_};
}

}  // namespace ride::producer
