// A device or stream that goes on whether or not we read it. A thread of its own grabs at the device's rate, so that
// old pictures never queue up in the device, and so that a call that hangs (a dead socket, a driver) blocks nobody: the
// thread is left behind and ends by itself when its call returns.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "producer/source.h"
#include "producer/sources/patience.h"

namespace ride::producer {

// What LiveSource needs of a device. All calls come from the capture thread, and so does the destructor.
class Grabber {
 public:
  virtual ~Grabber() = default;
  virtual Result<void> open() = 0;
  virtual Result<void> grab() = 0;         // waits for the next picture; unavailable: lost
  virtual Result<cv::Mat> retrieve() = 0;  // the picture grabbed last, with pixels of its own
};

struct LiveOptions {
  std::string shown;                   // the source for messages: no credentials
  double max_fps = 0;                  // 0: all
  std::int64_t max_pixels = 0;         // 0: no limit
  std::size_t queue_frames = 10;       // grabbed, not pulled yet: space for a burst; the oldest gives way
  std::size_t queue_bytes = 64 << 20;  // the same; three frames are always kept
  // The grabber ends a wait by itself; `hang_margin` longer without a picture or an error, and the capture thread
  // hangs.
  Patience patience;
  std::chrono::milliseconds hang_margin{1000};
};

class LiveSource : public Source {
 public:
  using MakeGrabber = std::function<std::unique_ptr<Grabber>()>;
  LiveSource(LiveOptions options, MakeGrabber make);
  ~LiveSource() override;

  Result<void> open(std::int64_t first) override;  // returns at once; what opening says comes out of next()
  Result<Pulled> next(std::chrono::milliseconds timeout) override;
  void close() override;
  SourceState state() const override;

 private:
  struct Shared;
  static void capture(const std::shared_ptr<Shared>& shared, const LiveOptions& options, const MakeGrabber& make);

  LiveOptions options_;
  MakeGrabber make_;
  std::shared_ptr<Shared> shared_;
  std::thread thread_;
  std::int64_t dropped_before_ = 0;  // by captures that are closed
};

// Capture threads that were left behind and still hang. While it is not 0, a process must end without running
// destructors of static objects that those threads may use (std::_Exit).
int abandoned_captures();

}  // namespace ride::producer
