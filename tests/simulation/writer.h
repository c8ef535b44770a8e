// Writer: an idempotent producer, as librdkafka is one: records of a partition are numbered, up to five are on their
// way at once, what is refused or not answered is sent again under its number. The first record of a partition goes
// alone. Owner: one program on a Host. Its end is the end of what was not sent.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>

#include "stream/core/first_record.h"
#include "stream/ports.h"
#include "tests/simulation/host.h"
#include "tests/simulation/kafka.h"

namespace ride::simulation {

class Writer final : public stream::RecordWriter {
 public:
  struct Options {
    bool first_goes_alone = true;  // false: the mutation
    std::size_t queue = 8;         // records of a partition; more are refused with "later"
  };
  // `delivered` is called when callbacks are due, so that somebody calls serve().
  Writer(Scheduler& clock, Kafka& kafka, Host& host, Options options, std::function<void()> delivered);

  Result<void> send(const stream::TopicPartition& to, stream::OutRecord record, Delivered done) override;
  void serve(std::chrono::milliseconds) override;
  Result<void> flush(std::chrono::milliseconds) override;

  // For the control topics: without a limit, in order.
  void post(Line& line, ContentPtr content, Delivered done);

 private:
  struct Flight {
    std::int64_t sequence = 0;
    ContentPtr content;
    Delivered done;
  };
  struct Lane {
    Line* line = nullptr;
    stream::FirstRecord first;
    std::int64_t next_sequence = 0;
    std::deque<Flight> flights;  // without an answer, oldest first
    std::size_t sent = 0;        // of these
    Time progress_at{0};
    bool timer = false, retry = false;
  };
  struct State;

  std::shared_ptr<State> state_;  // shared with what is on its way
};

}  // namespace ride::simulation
