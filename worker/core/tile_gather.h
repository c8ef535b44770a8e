// TileGather: holds back the sets of tiles that one partition of a `merge` reads until those of a frame are all there,
// and makes one set of them (decision 0037). What becomes of a frame depends on nothing but the log from the frame's
// first set on, so that the next owner, who begins at the commit, comes to the same end. Pure: no I/O, clock or
// threads. Owner: the thread that reads the partition. Memory: the pictures that are held are never older than the
// limits allow, so their bytes are at most those of `Limits::bytes` of the log, and one set.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "common/frame_tile.h"
#include "common/param.h"
#include "stream/core/set_assembler.h"

namespace ride::worker {

class TileGather {
 public:
  // A frame is given up with the first record, behind its first set, ...
  struct Limits {
    std::chrono::milliseconds timeout{60'000};   // ... that was written so much later
    std::int64_t bytes = std::int64_t{1} << 30;  // ... before which so many bytes of records lie
    std::int64_t records = 10'000;               // ... or so many records
  };

  // `given_up`: by earlier owners, from the commit's metadata.
  explicit TileGather(Limits limits, const std::map<FrameId, stream::LateTiles>& given_up = {});

  // A record of so many bytes was read, and `step` is what the assembler made of it: every record in offset order,
  // once, also one that is dropped. Afterwards the step says what is held, what goes on, and which frames end.
  void take(Offset offset, SystemTime timestamp, std::int64_t bytes, stream::AssemblyStep& step);

  std::int64_t held_bytes() const { return held_; }
  std::size_t unfinished() const { return open_.size(); }

 private:
  struct Unfinished {
    FrameTile shape;  // of any of its tiles
    Offset began;     // its first set
    SystemTime since{};
    std::int64_t passed = 0;                  // bytes of records before and with it
    std::map<int, stream::AcceptedSet> sets;  // by group
    std::string cause;                        // why it will be incomplete; empty: it may still be whole
    bool told = false;                        // ... and a dead letter says it
  };
  using Frames = std::map<FrameId, Unfinished>;

  void gather(Offset offset, SystemTime timestamp, stream::AssemblyStep& step);
  bool swallow(const FrameId& id, stream::AssemblyStep& step);
  void hold(Unfinished& frame, int group, stream::AcceptedSet set, stream::AssemblyStep& step);
  stream::AcceptedSet complete(Frames::iterator at, stream::AcceptedSet last);
  void end_overdue(Offset offset, SystemTime timestamp, stream::AssemblyStep& step);
  void end_all(Offset offset, stream::AssemblyStep& step);
  stream::AcceptedSet give_up(Frames::iterator at, Offset offset, const std::string& why);
  void let_go(Unfinished& frame);
  void erase(Frames::iterator at);
  void forget(Offset offset);

  const Limits limits_;
  Frames open_;
  std::map<Offset, FrameId> by_age_;
  std::set<std::pair<SystemTime, Offset>> by_time_;
  std::map<FrameId, stream::LateTiles> given_up_;
  std::deque<std::pair<Offset, FrameId>> given_up_order_;  // by ended_at
  std::int64_t passed_ = 0, held_ = 0;
};

// As a merge's parameters say.
TileGather::Limits tile_limits(const ParamValues& params);

}  // namespace ride::worker
