// AckWindow: what of one partition was read and what of it is finished; gives the commit at which the next owner may
// begin (decisions 0002 and 0033). A record is finished when it leads to nothing, or when all that its set led to is
// acknowledged by the brokers. Pure: no I/O, clock or threads. Owner: the thread that writes.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/ids.h"
#include "stream/core/commit_metadata.h"
#include "stream/core/set_assembler.h"

namespace ride::worker {

// How a set is counted when it is ACKed.
enum class Counted { acked, filtered, dropped, dead };

class AckWindow {
 public:
  // `warmup_frames`: of each source, for a task that keeps a state (decision 0012); the metadata says where they
  // begin.
  AckWindow(Offset start, stream::CommitMetadata metadata, int warmup_frames = 0);

  // The task was fed a frame from before the start, and later: with all of them.
  void warmed_up_with(const std::string& source, Offset first);
  void mark_warm() { warm_ = true; }

  // A record was read; `step` is what the assembler made of it. Offsets rise.
  void read(Offset offset, const stream::AssemblyStep& step);

  // Retention took the records from position() up to `first`: they are passed over and counted. `settled`: records that
  // waited for what was among them.
  void expire(Offset first, const std::vector<Offset>& settled);

  // All that the set released by this offset led to is safe. It and the sets that ended with it (AcceptedSet::joined)
  // are finished; what released them.
  std::vector<Offset> ack(Offset released_by, Counted counted);

  // The end of the input went on to every output, released by this offset.
  void ack_end(Offset released_by);

  Offset committable() const;                    // the oldest record that is not finished
  stream::CommitMetadata metadata() const;       // as of committable()
  Offset position() const { return position_; }  // the next record to read
  std::size_t unfinished() const { return entries_.size(); }
  bool ended() const { return base_.forwarded_end; }  // the end of the input is behind us
  const stream::OutcomeCounters& counters() const { return base_.counters; }

 private:
  struct Entry {
    bool finished = false;
    bool duplicate = false;
    std::int64_t expired = 0;   // it stands for so many records that are not there
    std::optional<Offset> set;  // released by this later offset: finished with it
  };
  struct SetState {
    Offset first;
    stream::Upstream upstream;
    stream::OriginKey key;
    std::string source;         // of a frame
    bool is_end = false;        // an end record: raises the watermark, marks the upstream as ended
    bool forwards_end = false;  // the last of them
    std::optional<Counted> counted;
    std::vector<Offset> joined;  // sets that end with it
    std::optional<stream::GivenUpFrame> given_up;
    std::optional<TileCut> late_for;
  };

  Entry* find(Offset offset);
  SetState state_of(Offset offset, const stream::AssemblyStep& step) const;
  void finish(Offset released_by, Counted counted, Offset began);
  void pass(const SetState& set);
  void advance();
  static void came_late(stream::LateFrames& frames, const TileCut& cut);
  void remember(const std::string& source, Offset first);
  std::optional<Offset> warm_from() const;
  static void count(stream::OutcomeCounters& counters, Counted counted);

  stream::CommitMetadata base_;  // as of the front of entries_
  Offset position_;
  std::map<Offset, Entry> entries_;  // from the oldest unfinished on
  const std::size_t warmup_frames_;
  bool warm_ = true;                                  // what is remembered is all that the next owner needs
  std::map<std::string, std::deque<Offset>> recent_;  // the last accepted frames before the front, by source
  std::map<Offset, SetState> sets_;                   // by released_by, not yet behind the front
};

}  // namespace ride::worker
