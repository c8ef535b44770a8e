// An existing Kafka topic whose records become frames: all that it holds from its first record on, and then what comes.
// Records hold raw pixels of a stated shape, or a JPEG or PNG; frames that RIDE wrote are understood, too (up to one
// message each). The attribute `source_record` says where a frame came from ("topic/partition/offset"). Which record
// has which number is agreed on in a journal before the frame is sent (producer/copy_journal.h), so that the next owner
// sends what is missing under the same numbers: nothing is copied twice (decision 0018). Positions are also
// committed in the group "<prefix>.<job>.<run>.<source>", for people. Owner and threads: producer/source.h.
#pragma once

#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "producer/copy_journal.h"
#include "producer/log_access.h"
#include "producer/source.h"
#include "producer/sources/picture_file.h"
#include "producer/work_budget.h"
#include "stream/spec.h"

namespace ride::producer {

struct TopicOptions {
  std::string topic;
  std::string group;
  std::string journal;  // the topic of it
  stream::AdoptSpec format;
  std::int64_t max_pixels = 0;
  std::vector<Codec> wanted;  // see DirectoryOptions
  ItemWatch* watch = nullptr;
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
    std::set<std::int64_t> open;  // offsets that were handed out and are not acknowledged
    std::int64_t next = 0;        // offset behind the last one read
    std::int64_t handed_out = 0;  // behind the last one handed out
    std::int64_t proposed = 0;    // behind the last one in the journal, or on its way there
    std::int64_t committed = -1;
    bool parked = false;  // not read for now
  };

  Result<std::vector<stream::TopicPartition>> partitions();
  Result<void> assign_all();
  Result<void> read_journal(std::chrono::milliseconds timeout);
  void add(const std::vector<NumberedPlace>& places);
  Result<void> read_ahead(std::chrono::milliseconds timeout);
  void hold(const stream::Record& record);
  Result<void> unpark();
  Result<void> propose();
  std::optional<Pulled> hand_out();
  Result<CapturedFrame> read(const stream::Record& record) const;
  Result<CapturedFrame> frame_of(const stream::Record& record, const PictureLimits& limits) const;
  Result<CapturedFrame> raw_frame(const stream::Record& record, const PictureLimits& limits) const;
  void commit();
  stream::TopicPartition at(const CopyPlace& place) const { return {options_.topic, PartitionId{place.partition}}; }

  TopicOptions options_;
  LogAccess& log_;
  std::unique_ptr<stream::RecordReader> reader_;
  std::unique_ptr<stream::CommitStore> commits_;
  std::map<stream::TopicPartition, Position> positions_;
  std::map<std::int64_t, std::pair<stream::TopicPartition, std::int64_t>> in_flight_;  // by number
  CopyJournal journal_;
  std::deque<NumberedPlace> planned_;                // have their numbers, and are not handed out
  std::set<CopyPlace> awaited_;                      // the same
  std::map<CopyPlace, Result<CapturedFrame>> held_;  // read, and not handed out
  std::int64_t held_bytes_ = 0;
  std::vector<CopyPlace> unproposed_;
  std::int64_t next_ = 0;  // number behind the last one handed out
  std::chrono::steady_clock::time_point last_commit_{};
};

}  // namespace ride::producer
