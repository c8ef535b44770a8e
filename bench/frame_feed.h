// FrameFeed: 900x900 8-bit frames of noise into a topic of its own, at a rate that may change at any time: a camera
// whose rate a benchmark sets. A `topic` source of raw 900x900x1 reads it. Threads: one inner thread; the methods may
// be called from any. Failure: failed() returns what ended it. Call order: make, start, set_rate.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "common/units.h"
#include "stream/kafka/writer.h"

namespace ride::bench {

class FrameFeed {
 public:
  // Makes the topic.
  static Result<std::unique_ptr<FrameFeed>> start(const kafka::ClientConfig& config, const std::string& topic);
  ~FrameFeed();

  SystemTime set_rate(double fps);  // 0: none; when it took effect
  std::int64_t frames() const { return frames_; }
  std::optional<Error> failed() const;
  Result<void> stop();  // all that was sent is in the log

 private:
  FrameFeed(std::unique_ptr<kafka::KafkaWriter> writer, std::string topic)
      : writer_(std::move(writer)), topic_(std::move(topic)) {}
  void run();

  std::unique_ptr<kafka::KafkaWriter> writer_;  // inner thread; after stop() the caller's
  std::string topic_;
  std::atomic<double> fps_ = 0;
  std::atomic<std::int64_t> frames_ = 0;
  std::atomic<bool> stopping_ = false;
  mutable std::mutex mutex_;
  std::optional<Error> failure_;
  std::thread thread_;
};

}  // namespace ride::bench
