// SetAssembler: the reading side of one partition. Decides for each record whether it is new, puts sets and chunks
// together and hands out whole frames, each origin once, the first complete set in log order (decision 0002). Pure: no
// I/O, clock or threads. Owner: the thread that reads the partition.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/ids.h"
#include "common/result.h"
#include "stream/core/commit_metadata.h"
#include "stream/core/frame_record.h"
#include "stream/core/open_sets.h"
#include "stream/core/recent_origins.h"

namespace ride::stream {

// The end of an adopted topic's stage has this for its offset: behind every offset.
inline constexpr std::int64_t kBehindAll = std::int64_t{1} << 48;

// A record that is no frame, as it lay in the log.
struct RefusedRecord {
  Headers headers;
  Payload payload;
};

// A frame that a merge gave up while some sets of its tiles were still to come: these lead to nothing (decision 0037).
struct GivenUpFrame {
  TileCut cut;
  LateTiles late;
};

// All that came from one origin, complete: frames, or the outcome that stands in their place, or the end of the input.
struct AcceptedSet {
  RecordKind kind = RecordKind::frame;
  Offset released_by;           // the offset whose reading completed it: the origin of what it leads to
  Offset first;                 // the lowest offset of its records
  std::vector<Offset> members;  // the offsets of its earlier records
  Upstream upstream;
  OriginKey key;
  std::vector<WholeFrame> frames;        // kind frame
  RecordHeader header;                   // of its first record (outcome: with the reason)
  std::optional<RefusedRecord> refused;  // set: the outcome is our own, the record was no frame

  // Of a stage that joins tiles (worker/core/tile_gather.h).
  std::vector<Offset> joined;            // what released the sets that were held back for this one and end with it
  std::optional<OriginKey> out_key;      // of what it leads to, where that is not (released_by, 0)
  std::optional<GivenUpFrame> given_up;  // this outcome ends a frame whose tiles did not all come
  std::optional<TileCut> late_for;       // it leads to nothing: its frame was given up before
  // The records of sets that were held back without their pictures, to be read again before it goes on: ascending.
  std::vector<std::vector<Offset>> reread;
};

// An origin that nothing known here vouches for: a session that was not seen given out, an offset that its topic may
// not have. Who reads too little of what was decided may be behind.
struct Doubt {
  Upstream upstream;
  OriginKey key;
  bool is_session = false;  // of a source; else an offset of a stage's topic
};

// A record of an earlier session of a source, which came when a later one was being read.
struct Superseded {
  std::string source;
  std::int64_t session = 0, by = 0;
};

struct AssemblyStep {
  bool duplicate = false;                          // dropped: its origin was taken before, or one above it
  std::optional<RecentOrigins::Raised> hidden_by;  // ... by this record, and its own origin was never taken
  std::optional<Superseded> superseded;            // ... since its producer was replaced
  std::optional<Doubt> doubt;   // nothing was decided: the record is to be taken again when more is known
  std::size_t given_up = 0;     // so many of `settled` are records of sets that could not be waited for
  std::vector<Offset> settled;  // offsets that lead to nothing more (may be older ones)
  std::optional<AcceptedSet> accepted;
  bool held = false;                 // `accepted` waits for the other tiles of its frame
  std::vector<AcceptedSet> overdue;  // frames that this record ends beside it, to be worked on before it
  std::optional<Upstream> ended;     // an end record was taken
  std::optional<OriginKey> ended_key;
  bool all_ended = false;        // with it, all upstreams have ended: the input is complete
  bool without_record = false;   // the end was ordered: nothing was read at this offset
  std::optional<Error> problem;  // the record is no frame; it is accepted as an outcome `dead` with this reason
};

class SetAssembler {
 public:
  struct Config {
    TopicPartition at;
    std::string job;
    std::vector<UpstreamSpec> upstreams;
    std::optional<AdoptSpec> adopt;        // set: a foreign topic, every record is a frame of its own
    OpenSets::Limits open;                 // what lies beyond them is refused: its outcome is dead
    bool drop_duplicates = true;           // false: the caller knows them, as a list of letters does
    RunNumber run;                         // that all records are of; 0: not checked
    bool checks_sessions = false;          // origins of sources: see learn_session()
    bool checks_offsets = false;           // origins of stages: see learn_end()
    std::shared_ptr<std::uint64_t> turns;  // records that the process has read; absent: of this partition alone
  };
  SetAssembler(Config config, const CommitMetadata& start);

  // Records in offset order, each once.
  AssemblyStep add(Offset offset, SystemTime timestamp, const Headers& headers, Payload payload);
  // Not looked at: two processes have ended with it.
  AssemblyStep refuse_unread(Offset offset, SystemTime timestamp, const std::string& why, const Headers& headers,
                             Payload payload);

  // What vouches for origins: the highest session that was given out, and where the log of an upstream's partition
  // ends.
  void learn_session(const std::string& source, SessionId highest) { sessions_[source] = highest; }
  void learn_end(const Upstream& upstream, Offset end) { ends_[upstream] = end; }
  // All is known that was decided when the records before `end` were written: what is still in doubt there is refused.
  void settle_doubts(const Upstream& upstream, Offset end) { settled_before_[upstream] = end; }

  // Of an adopted topic, which others go on writing: the job does not read it from `offset` on, as if an end record
  // stood there.
  AssemblyStep end_at(Offset offset, SystemTime now) const;

  // Records are missing that retention took: what waits for the rest of its set is given up. The offsets of its
  // records, which lead to nothing more.
  std::vector<Offset> give_up_open_sets();

  const OpenSets& open() const { return open_; }
  void refuse_oldest_open_set(std::int64_t limit) { open_.refuse_oldest(limit); }
  bool all_ended() const;

 private:
  AssemblyStep add_foreign(Offset offset, SystemTime timestamp, const Headers& headers, Payload payload);
  AssemblyStep refuse(Offset offset, SystemTime timestamp, Error why, const Headers& headers, Payload payload);
  AssemblyStep add_end(Offset offset, const RecordHeader& header);
  AssemblyStep add_part(Offset offset, RecordHeader header, Payload payload);
  static void put_together(OpenSets::Complete complete, AcceptedSet& set, AssemblyStep& step);
  static void note_given_up(const std::vector<Offset>& offsets, AssemblyStep& step);
  AssemblyStep drop_repeated(Offset offset, const RecordHeader& header) const;
  void took(const Upstream& upstream, OriginKey key, Offset offset, AssemblyStep& step);
  const UpstreamSpec* spec_of(const Upstream& upstream) const;
  bool is_upstream(const Upstream& upstream) const;
  bool is_taken(const Upstream& upstream, OriginKey key) const;
  bool is_missed_end(const RecordHeader& header) const;
  std::optional<Error> disagreement(const RecordHeader& header) const;
  std::optional<Doubt> doubt(const RecordHeader& header) const;

  Config config_;
  Watermarks watermarks_;
  std::map<Upstream, std::set<OriginKey>> finished_;
  std::set<Upstream> ended_;
  OpenSets open_;
  RecentOrigins recent_;
  std::map<std::string, SessionId> sessions_;
  std::map<Upstream, Offset> ends_, settled_before_;
  std::uint64_t turn_ = 0;
};

}  // namespace ride::stream
