// Ticker: the clock of the log (decision 0026). Appends a tick to the reports log every interval, on its own client and
// thread, while this master may (decision 0008); the next one is sent only when the last is acknowledged. Failure: a
// broken producer is replaced; a cluster that is away is waited for.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "stream/control_client.h"

namespace ride::master {

class Ticker {
 public:
  struct Config {
    std::function<Result<std::unique_ptr<stream::ControlWriter>>()> open;
    std::function<std::optional<stream::Report>(std::int64_t number)> tick;  // nothing: not now
    std::function<std::chrono::milliseconds()> interval;
    std::function<void(const Error&)> refused = [](const Error&) {
    };  // the cluster lets us write no reports: no use to go on
  };
  explicit Ticker(Config config) : config_(std::move(config)) {}
  ~Ticker() { stop(); }

  void start(std::unique_ptr<stream::ControlWriter> writer);
  void stop();
  bool is_acknowledged() const { return acknowledged_; }  // the last tick was, in time

 private:
  void run();
  void send(const stream::Report& tick);

  Config config_;
  std::unique_ptr<stream::ControlWriter> writer_;
  std::string said_;  // of its trouble
  std::atomic<bool> acknowledged_ = true, stopping_ = false;
  std::thread thread_;
};

}  // namespace ride::master
