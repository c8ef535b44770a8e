// An existing Kafka topic whose records become frames: all that it holds from its first record on, and then what comes.
// Records hold raw pixels of a stated shape, or a JPEG or PNG; frames that RIDE wrote are understood, too (up to one
// message each). The attribute `source_record` says where a frame came from ("topic/partition/offset"). Positions are
// committed in the group "<prefix>.<job>.<run>.<source>" behind what is acknowledged, so that the next owner goes on
// there; what was in flight when an owner was lost is copied again, as frames of the new session. Owner and threads:
// producer/source.h.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "producer/log_access.h"
#include "producer/source.h"
#include "stream/spec.h"

namespace ride::producer {

struct TopicOptions {
  std::string topic;
  std::string group;
  stream::AdoptSpec format;
  std::int64_t max_pixels = 0;
  std::vector<Codec> wanted;  // see DirectoryOptions
};

class TopicSource : public Source {
 public:
  TopicSource(TopicOptions options, LogAccess& log);

  Result<void> open(std::int64_t first) override;
  Result<Pulled> next(std::chrono::milliseconds timeout) override;
  void close() override;
  SourceState state() const override { return {}; }
  void acknowledged(std::int64_t number) override;

 private:
  struct Position {
    std::set<std::int64_t> open;  // offsets that were read and are not acknowledged
    std::int64_t next = 0;        // offset behind the last one read
    std::int64_t committed = -1;
  };

  Result<std::vector<stream::TopicPartition>> partitions();
  Result<void> assign_all();
  Result<CapturedFrame> frame_of(const stream::Record& record) const;
  Result<CapturedFrame> raw_frame(const stream::Record& record) const;
  void commit();

  TopicOptions options_;
  LogAccess& log_;
  std::unique_ptr<stream::RecordReader> reader_;
  std::unique_ptr<stream::CommitStore> commits_;
  std::map<stream::TopicPartition, Position> positions_;
  std::map<std::int64_t, std::pair<stream::TopicPartition, std::int64_t>> in_flight_;  // by number
  std::int64_t next_ = 0;
  std::chrono::steady_clock::time_point last_commit_{};
};

}  // namespace ride::producer
