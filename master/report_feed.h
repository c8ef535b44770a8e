// ReportFeed: the thread that reads the reports log and posts what it reads. Records of another log id, or that are no
// reports, are counted and reported, once a minute at most: a stray process must not be able to stop the master.
// Failure: a reader that was overtaken by retention, or whose client broke, is opened anew.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "common/metrics.h"
#include "common/steady_wall.h"
#include "master/core/event.h"
#include "stream/control_client.h"
#include "stream/core/refusals.h"

namespace ride::master {

class ReportFeed {
 public:
  struct Config {
    std::function<std::string()> log_id;  // empty while it is unknown: nothing counts then
    std::function<Result<std::unique_ptr<stream::ControlReader>>()> open;
    std::function<void(std::vector<Event>, std::size_t bytes)> post;  // waits when there is no space
    std::function<void(const std::string&)> warn;                     // in the event list, of records that were refused
    Metrics& metrics;
    std::function<void(const Error&)> refused = [](const Error&) {
    };  // the cluster lets us read no reports: no use to go on
  };
  explicit ReportFeed(Config config) : config_(std::move(config)) {}
  ~ReportFeed() { stop(); }

  void start(std::unique_ptr<stream::ControlReader> reader);
  void stop();

 private:
  void run();
  void handle(const std::vector<stream::ControlReader::Entry>& entries);
  void refuse(stream::Refused kind, const std::string& why, SystemTime now);
  void reopen();

  Config config_;
  std::unique_ptr<stream::ControlReader> reader_;
  stream::Refusals refusals_;
  RecordTimes times_;
  SteadyWall clock_;  // rules measure by it: whoever stamped a record may have a clock that somebody sets
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

}  // namespace ride::master
