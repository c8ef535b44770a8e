#include "producer/sources/capture_device.h"

#include <fcntl.h>
#include <spdlog/fmt/fmt.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <opencv2/videoio.hpp>

#include "producer/sources/ffmpeg_setup.h"

namespace ride::producer {
namespace {

class DeviceGrabber : public Grabber {
 public:
  DeviceGrabber(std::string path, std::string shown, double fps, std::chrono::milliseconds read_timeout)
      : path_(std::move(path)), shown_(std::move(shown)), fps_(fps), read_timeout_(read_timeout) {}

  Result<void> open() override {
    if (auto error = device_error()) return *error;
    try {
      if (!capture_.open(path_, cv::CAP_V4L2)) {
        return Error{ErrorCode::unavailable,
                     fmt::format("camera {} cannot be opened: it is in use, or it is not a capture device (see "
                                 "'v4l2-ctl --list-devices')",
                                 shown_),
                     true};
      }
      capture_.set(cv::CAP_PROP_BUFFERSIZE, 2);            // as few old pictures in the driver as it allows
      if (fps_ > 0) capture_.set(cv::CAP_PROP_FPS, fps_);  // a wish; the rate is capped behind it anyway
    } catch (const cv::Exception& error) {
      return lost(error.err);
    }
    return {};
  }

  Result<void> grab() override {
    // OpenCV waits for its own time (kV4lWait, one for the whole process); an error comes at once.
    const auto begun = std::chrono::steady_clock::now();
    try {
      for (bool waited = true; waited && std::chrono::steady_clock::now() - begun < read_timeout_;) {
        const auto from = std::chrono::steady_clock::now();
        if (capture_.grab()) return {};
        waited = std::chrono::steady_clock::now() - from >= kV4lWait / 2;
      }
    } catch (const cv::Exception& error) {
      return lost(error.err);
    }
    return lost("it sends no pictures; was it unplugged?");
  }

  Result<cv::Mat> retrieve() override {
    cv::Mat image;
    try {
      if (capture_.retrieve(image) && !image.empty()) return image;
    } catch (const cv::Exception& error) {
      return lost(error.err);
    }
    return lost("a picture could not be decoded");
  }

 private:
  Error lost(const std::string& why) const {
    return {ErrorCode::unavailable, fmt::format("camera {} was lost: {}", shown_, why), true};
  }
  // Why the system does not give us the device, if so. All may pass: a camera is plugged in again, a right is granted.
  std::optional<Error> device_error() const {
    const int file = ::open(path_.c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK);
    if (file >= 0) {
      ::close(file);
      return std::nullopt;
    }
    const int cause = errno;
    if (cause == ENOENT || cause == ENODEV || cause == ENXIO) {
      return Error{ErrorCode::not_found,
                   fmt::format("camera {} is not there; plug it in, or name the node that has it with 'node:'", shown_),
                   true};
    }
    if (cause == EACCES) {
      return Error{
          ErrorCode::permission,
          fmt::format(
              "camera {} may not be opened: permission denied; put the user of the producer into the group 'video'",
              shown_),
          true};
    }
    return Error{ErrorCode::unavailable, fmt::format("camera {} cannot be opened: {}", shown_, std::strerror(cause)),
                 true};
  }

  std::string path_, shown_;  // shown_: for messages
  double fps_;
  std::chrono::milliseconds read_timeout_;
  cv::VideoCapture capture_;
};

}  // namespace

std::unique_ptr<Grabber> make_device_grabber(std::string path, std::string shown, double fps,
                                             std::chrono::milliseconds read_timeout) {
  return std::make_unique<DeviceGrabber>(std::move(path), std::move(shown), fps, read_timeout);
}

}  // namespace ride::producer
