// Kafka of the imagination, as far as the delivery rules lean on it: partitions with a leader, records that are taken
// by the leader first and readable (and acknowledged) only when they are replicated, idempotent producers whose
// sequences the leader checks, elections in which what was not replicated may be gone, groups' commits, deletion of old
// records. A leader without state of a producer takes any sequence of it (decision 0006). Requests arrive here;
// networks and clocks of the askers are Host's. Owner: one World; no threads.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "stream/control.h"
#include "stream/ports.h"
#include "tests/simulation/random.h"
#include "tests/simulation/scheduler.h"

namespace ride::simulation {

inline constexpr int kBrokers = 3;

// What is in a record: frames have headers and bytes, the control topics their parsed bodies.
struct Content {
  stream::Headers headers;
  std::span<const std::uint8_t> value;
  std::shared_ptr<const void> owner;
  std::shared_ptr<const stream::Decision> decision;
  std::shared_ptr<const stream::Report> report;
};
using ContentPtr = std::shared_ptr<const Content>;

struct Stored {
  ContentPtr content;
  SystemTime at{};  // when the leader took it
  std::int64_t producer = 0, sequence = 0;
};

// One partition.
class Line {
 public:
  using Reply = std::function<void(bool taken)>;  // false: refused, ask again later

  stream::TopicPartition at;
  std::vector<Stored> records;  // index = offset; also of what was deleted, for nobody but us
  std::int64_t first = 0;       // the oldest that is not deleted
  std::int64_t visible = 0;     // the high watermark
  int leader = 0;
  Time closed_until{0};

  int watch(std::function<void()> look) {
    watchers_[++next_watcher_] = std::move(look);
    return next_watcher_;
  }
  void unwatch(int watcher) { watchers_.erase(watcher); }

 private:
  friend class Kafka;
  struct Waiting {
    std::int64_t offset;
    Reply reply;
  };
  std::unordered_map<std::int64_t, std::int64_t> sequences_;  // of each producer that the leader knows: the last one
  std::vector<Waiting> waiting_;                              // for replication
  std::map<int, std::function<void()>> watchers_;
  int next_watcher_ = 0, elections_ = 0;
  Time replicated_at_{0};
};

class Kafka {
 public:
  Kafka(Scheduler& clock, Random random) : clock_(clock), random_(random) {}

  // Called for every record as it becomes readable, and of every commit as it is taken.
  std::function<void(const Line&, std::int64_t offset)> on_visible;
  std::function<void(const std::string& group, const stream::TopicPartition&, const stream::Commit&)> on_commit;
  // Called when the oldest record is another one.
  std::function<void(const Line&)> on_deleted;

  Result<void> create(const stream::NewTopic& topic);
  const std::map<std::string, stream::NewTopic>& topics() const { return topics_; }
  Line* find(const stream::TopicPartition& at);
  std::int64_t new_producer() { return ++producers_; }

  // ---- requests, when they have arrived
  void append(Line& line, std::int64_t producer, std::int64_t sequence, ContentPtr content, Line::Reply reply);
  bool commit(const std::string& group, const std::map<stream::TopicPartition, stream::Commit>& commits);
  bool coordinator_answers(const std::string& group);
  std::optional<stream::Commit> committed(const std::string& group, const stream::TopicPartition& at) const;
  void delete_before(Line& line, std::int64_t offset);
  // Null: nothing there (yet), or nobody leads the partition now.
  const Stored* read(const Line& line, std::int64_t offset) const;

  // ---- faults
  // The broker is gone, others lead what it led after a while. Of what was not replicated, part is gone with it.
  void fail_broker(int broker);

 private:
  struct Group {
    int coordinator = 0;
    Time closed_until{0};
    std::map<stream::TopicPartition, stream::Commit> commits;
  };
  Group& group(const std::string& name);
  void advance(Line& line, std::int64_t to);
  void elect(Line& line);
  void forget_tail(Line& line, std::int64_t keep);
  static void wake(Line& line);

  Scheduler& clock_;
  Random random_;
  std::map<std::string, stream::NewTopic> topics_;
  std::map<stream::TopicPartition, std::unique_ptr<Line>> lines_;
  std::map<std::string, Group> groups_;
  std::int64_t producers_ = 0;
};

}  // namespace ride::simulation
