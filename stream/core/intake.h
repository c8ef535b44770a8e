// Intake: the reading side of one partition. Decides for each record whether it is new, puts sets and chunks together and
// hands out whole frames, each origin once, the first complete set in log order (D7, ../shared/proof/assemble.py).
// Pure: no I/O, clock or threads. Owner: the thread that reads the partition.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "common/ids.h"
#include "common/result.h"
#include "stream/core/commit_metadata.h"
#include "stream/core/frame_record.h"

namespace ride::stream {

struct Payload {
  std::span<const std::uint8_t> bytes;
  std::shared_ptr<const void> owner;
};

// A whole picture with the header of its first record.
struct WholeFrame {
  RecordHeader header;
  Payload payload;
};

// A record that is no frame, as it lay in the log.
struct RefusedRecord {
  Headers headers;
  Payload payload;
};

// All that came from one origin, complete: frames, or the outcome that stands in their place, or the end of the input.
struct AcceptedSet {
  RecordKind kind = RecordKind::frame;
  Offset released_by;          // the offset whose reading completed it: the origin of what it leads to
  Offset first;                // the lowest offset of its records
  std::vector<Offset> members; // the offsets of its earlier records
  Upstream upstream;
  OriginKey key;
  std::vector<WholeFrame> frames;         // kind frame
  RecordHeader header;                    // of its first record (outcome: with the reason)
  std::optional<RefusedRecord> refused;   // set: the outcome is our own, the record was no frame
};

struct IntakeStep {
  bool duplicate = false;           // dropped: its origin was taken before
  std::vector<Offset> settled;      // offsets that lead to nothing more (may be older ones)
  std::optional<AcceptedSet> accepted;
  std::optional<Upstream> ended;    // an end record was taken
  std::optional<OriginKey> ended_key;
  bool all_ended = false;           // with it, all upstreams have ended: the input is complete
  bool without_record = false;      // the end was ordered: nothing was read at this offset
  std::optional<Error> problem;     // the record is no frame; it is accepted as an outcome `dead` with this reason
};

class Intake {
 public:
  struct Config {
    TopicPartition at;
    std::string job;
    std::vector<UpstreamSpec> upstreams;
    std::optional<AdoptSpec> adopt;    // set: a foreign topic, every record is a frame of its own
    std::int64_t max_set_bytes = std::int64_t{4} << 30;  // a larger set is refused: its outcome is dead
    bool drop_duplicates = true;       // false only in the test that shows that the ledger notices
  };
  Intake(Config config, const CommitMetadata& start);

  // Records in offset order, each once.
  IntakeStep take(Offset offset, SystemTime timestamp, const Headers& headers, Payload payload);

  // Of an adopted topic, which others go on writing: the job reads no more of it from `offset` on, as if an end record
  // stood there.
  IntakeStep end_at(Offset offset, SystemTime now) const;

  // Records are missing that retention took: what waits for the rest of its set is given up. The offsets of its records,
  // which lead to nothing more.
  std::vector<Offset> give_up_open_sets();

  std::int64_t held_bytes() const { return held_bytes_; }
  bool all_ended() const;

 private:
  struct OpenSet;
  struct OpenKey {
    Upstream upstream;
    OriginKey key;
    std::string writer;
    auto operator<=>(const OpenKey&) const = default;
  };

  IntakeStep take_foreign(Offset offset, SystemTime timestamp, const Headers& headers, Payload payload);
  IntakeStep refuse(Offset offset, SystemTime timestamp, Error why, const Headers& headers, Payload payload);
  IntakeStep take_end(Offset offset, const RecordHeader& header);
  IntakeStep take_part(Offset offset, RecordHeader header, Payload payload);
  void close_sets_of(const Upstream& upstream, OriginKey key, IntakeStep& step);
  bool is_upstream(const Upstream& upstream) const;
  bool is_taken(const Upstream& upstream, OriginKey key) const;

  Config config_;
  Watermarks watermarks_;
  std::map<Upstream, std::set<OriginKey>> finished_;
  std::set<Upstream> ended_;
  std::map<OpenKey, std::shared_ptr<OpenSet>> open_;
  std::int64_t held_bytes_ = 0;
};

}  // namespace ride::stream
