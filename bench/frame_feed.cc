#include "bench/frame_feed.h"

#include <opencv2/core.hpp>

#include "stream/kafka/admin.h"

namespace ride::bench {

namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr int kPartitions = 2;

}  // namespace

Result<std::unique_ptr<FrameFeed>> FrameFeed::start(const kafka::ClientConfig& config, const std::string& topic) {
  RIDE_ASSIGN(auto admin, kafka::open_admin(config));
  RIDE_TRY(admin->create({topic, kPartitions, 1, {}}));
  RIDE_ASSIGN(auto writer, kafka::KafkaWriter::open(config));
  RIDE_TRY(writer->prepare(topic));
  auto feed = std::unique_ptr<FrameFeed>(new FrameFeed(std::move(writer), topic));
  feed->thread_ = std::thread([one = feed.get()] { one->run(); });
  return feed;
}

FrameFeed::~FrameFeed() {
  stopping_ = true;
  if (thread_.joinable()) thread_.join();
}

SystemTime FrameFeed::set_rate(double fps) {
  fps_ = fps;
  return system_now();
}

void FrameFeed::run() {
  auto frame = std::make_shared<cv::Mat>(900, 900, CV_8U);
  cv::randu(*frame, 0, 255);
  auto due = Clock::now();
  while (!stopping_) {
    const double fps = fps_;
    const auto now = Clock::now();
    if (fps <= 0 || now < due) {
      writer_->serve(fps <= 0 ? 5ms : std::min(5ms, std::chrono::ceil<std::chrono::milliseconds>(due - now)));
      if (fps <= 0) due = Clock::now();
      continue;
    }
    stream::OutRecord record;
    record.value = {frame->data, frame->total()};
    record.owner = frame;
    const auto sent =
        writer_->send({topic_, PartitionId{static_cast<int>(frames_ % kPartitions)}}, std::move(record), {});
    if (!sent.ok() && !sent.error().retriable) {
      const std::lock_guard lock(mutex_);
      failure_ = sent.error();
      return;
    }
    if (!sent.ok()) continue;
    ++frames_;
    due += std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(1 / fps));
    // A lower rate may have been long ago; what was missed in a stall is made up for.
    if (due < now - 2s) due = now;
  }
}

std::optional<Error> FrameFeed::failed() const {
  const std::lock_guard lock(mutex_);
  return failure_ ? failure_ : writer_->failed();
}

Result<void> FrameFeed::stop() {
  stopping_ = true;
  if (thread_.joinable()) thread_.join();
  if (const auto failed = this->failed()) return *failed;
  return writer_->flush(30s);
}

}  // namespace ride::bench
