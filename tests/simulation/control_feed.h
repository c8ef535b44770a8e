// ControlFeed: reads one control topic on behalf of a program, in order, a moment after records are there. Owner: the
// program; its end ends the feed.
#pragma once

#include <functional>

#include "tests/simulation/host.h"
#include "tests/simulation/rules.h"

namespace ride::simulation {

class ControlFeed {
 public:
  using Take = std::function<void(const Stored&)>;
  // `truncated`: what was to be read next is deleted; the feed goes on at the first record that is there.
  ControlFeed(Surroundings& around, Host& host, const stream::TopicPartition& at, std::int64_t from, Take take,
              std::function<void()> batch_done, std::function<void()> truncated);
  ~ControlFeed() { line_.unwatch(watcher_); }
  ControlFeed(const ControlFeed&) = delete;
  ControlFeed& operator=(const ControlFeed&) = delete;

  void look();  // soon
  std::int64_t position() const { return position_; }
  bool caught_up() const { return position_ >= end_at_start_; }

 private:
  void read();

  Surroundings& around_;
  Host& host_;
  Line& line_;
  Take take_;
  std::function<void()> batch_done_, truncated_;
  std::int64_t position_, end_at_start_;
  bool looking_ = false;
  int watcher_ = 0;
};

}  // namespace ride::simulation
