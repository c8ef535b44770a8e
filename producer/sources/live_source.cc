#include "producer/sources/live_source.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <exception>

#include "common/guarded_thread.h"
#include "producer/core/rate_cap.h"

namespace ride::producer {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kCloseWait(300);
std::atomic<int> g_abandoned{0};

}  // namespace

int abandoned_captures() { return g_abandoned.load(); }

// Between the capture thread and the runner's; outlives both ends.
struct LiveSource::Shared {
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<CapturedFrame> queue;
  std::optional<Error> failure;            // the capture ended
  Clock::time_point alive = Clock::now();  // last sign of life of the device
  bool opened = false;
  bool stop = false;
  bool finished = false;  // the thread is about to return
  bool abandoned = false;
  std::int64_t dropped = 0;

  bool stopping() {
    std::lock_guard lock(mutex);
    return stop;
  }
  void put(CapturedFrame frame, const LiveOptions& options) {
    constexpr std::size_t kAlwaysKept = 3;
    const std::size_t bytes = frame.image.total() * frame.image.elemSize();
    const std::size_t fitting = std::max(kAlwaysKept, options.queue_bytes / std::max<std::size_t>(bytes, 1));
    std::lock_guard lock(mutex);
    queue.push_back(std::move(frame));
    if (queue.size() > std::min(options.queue_frames, fitting)) {
      queue.pop_front();
      ++dropped;
    }
    changed.notify_all();
  }
  void live() {
    std::lock_guard lock(mutex);
    opened = true;
    alive = Clock::now();
  }
};

LiveSource::LiveSource(LiveOptions options, MakeGrabber make) : options_(std::move(options)), make_(std::move(make)) {}

LiveSource::~LiveSource() { close(); }

void LiveSource::capture(const std::shared_ptr<Shared>& shared, const LiveOptions& options, const MakeGrabber& make) {
  const auto run = [&]() -> Result<void> {
    const std::unique_ptr<Grabber> grabber = make();
    if (auto opened = grabber->open(); !opened) return opened;
    shared->live();
    RateCap cap(options.max_fps);
    std::int64_t number = 0;
    while (!shared->stopping()) {
      if (auto grabbed = grabber->grab(); !grabbed) return grabbed;
      const SystemTime captured_at = system_now();
      const auto grabbed_at = Clock::now();
      shared->live();
      if (!cap.admit(grabbed_at)) continue;
      auto image = grabber->retrieve();
      if (!image) return image.error();
      const std::int64_t pixels = static_cast<std::int64_t>(image->total());
      if (options.max_pixels > 0 && pixels > options.max_pixels) {
        return Error{ErrorCode::resource_exhausted,
                     fmt::format("{} sends pictures of {} x {} pixels, more than max_pixels ({}) allows", options.shown,
                                 image->cols, image->rows, options.max_pixels),
                     false};
      }
      shared->put({.number = number++,
                   .captured_at = captured_at,
                   .grabbed_at = grabbed_at,
                   .image = std::move(*image),
                   .name = options.shown},
                  options);
    }
    return Error{ErrorCode::cancelled, "stopped", true};
  };
  Result<void> ended;
  run_guarded(
      "the grabber", [&] { ended = run(); }, [&](Error error) { ended = std::move(error); });
  // The grabber is gone behind this line, its device closed.
  std::lock_guard lock(shared->mutex);
  shared->failure = ended.error();
  shared->finished = true;
  if (shared->abandoned) --g_abandoned;
  shared->changed.notify_all();
}

Result<void> LiveSource::open(std::int64_t) {
  close();
  shared_ = std::make_shared<Shared>();
  thread_ = std::thread([shared = shared_, options = options_, make = make_] { capture(shared, options, make); });
  return {};
}

Result<Pulled> LiveSource::next(milliseconds timeout) {
  RIDE_CHECK(shared_ != nullptr, "next() comes after open()");
  Shared& shared = *shared_;
  std::unique_lock lock(shared.mutex);
  shared.changed.wait_for(lock, timeout, [&] { return !shared.queue.empty() || shared.failure; });
  if (!shared.queue.empty()) {
    CapturedFrame frame = std::move(shared.queue.front());
    shared.queue.pop_front();
    return Pulled(std::move(frame));
  }
  if (shared.failure) return *shared.failure;
  const milliseconds limit = shared.opened ? options_.patience.read : options_.patience.connect;
  if (Clock::now() - shared.alive > limit + options_.hang_margin) {
    return Error{ErrorCode::unavailable,
                 fmt::format("{} {} for {}; is it switched on and in reach?", options_.shown,
                             shared.opened ? "sent no picture" : "did not answer", format_duration(limit)),
                 true};
  }
  return Pulled(NothingYet{});
}

void LiveSource::close() {
  if (!shared_) return;
  bool finished = false;
  {
    std::unique_lock lock(shared_->mutex);
    shared_->stop = true;
    finished = shared_->changed.wait_for(lock, kCloseWait, [&] { return shared_->finished; });
    if (!finished) {
      shared_->abandoned = true;
      ++g_abandoned;
    }
    dropped_before_ += shared_->dropped;
  }
  finished ? thread_.join() : thread_.detach();
  shared_.reset();
}

SourceState LiveSource::state() const {
  std::int64_t dropped = dropped_before_;
  if (shared_) {
    std::lock_guard lock(shared_->mutex);
    dropped += shared_->dropped;
  }
  return {.live = true, .dropped = dropped};
}

}  // namespace ride::producer
