// TileGather: holds back the sets of tiles that one partition of a `merge` reads until those of a frame are all there,
// and makes one set of them (decision 0037). What becomes of a frame depends on nothing but the log from the frame's
// first set on, so that the next owner, who begins at the commit, comes to the same end. Pure: no I/O, clock or
// threads. Owner: the thread that reads the partition. Memory: the pictures of what is held may be let go at any time;
// they are then read again for the frame that they complete. What is kept of each set beside them is counted, too.
#pragma once

#include <chrono>
#include <cstdint>
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
  struct Limits {
    // A frame is given up with the first record that was written so much later than the last of its tiles, or ...
    std::chrono::milliseconds timeout{120'000};
    std::int64_t records = 200'000;              // ... before which so many lie behind its first tile
    std::int64_t bytes = std::int64_t{1} << 30;  // that are held here; beyond them pictures are let go
  };

  // `given_up`: by earlier owners, from the commit's metadata.
  explicit TileGather(Limits limits, const stream::LateFrames& given_up = {});

  // A record was read, and `step` is what the assembler made of it: every record in offset order, once, also one that
  // is dropped. Afterwards the step says what is held, what goes on, and which frames end.
  void take(Offset offset, SystemTime timestamp, stream::AssemblyStep& step);

  // Lets pictures go until no more than this is held, those of the youngest frames first.
  void fit(std::int64_t bytes);

  std::int64_t held_bytes() const { return held_; }
  std::size_t unfinished() const { return open_.size(); }
  // Frames that were given up and forgotten, since there were too many: what comes of them late opens them again.
  std::int64_t forgotten() const { return forgotten_; }

 private:
  struct Held {
    stream::AcceptedSet set;
    std::int64_t pictures = 0;  // bytes that can be let go
    std::int64_t rest = 0;      // what stays
    bool let_go = false;
  };
  struct Unfinished {
    FrameId id;
    FrameTile shape;           // of any of its tiles
    Offset began;              // its first set
    SystemTime last{};         // the latest of its sets was written
    std::map<int, Held> sets;  // by group
    std::string cause;         // why it will be incomplete; empty: it may still be whole
    bool has_letter = false;   // ... and a dead letter says it
  };
  using Frames = std::map<TileCut, Unfinished>;

  void gather(Offset offset, SystemTime timestamp, stream::AssemblyStep& step);
  bool swallow(const TileCut& cut, stream::AssemblyStep& step);
  void hold(Unfinished& frame, int group, stream::AcceptedSet set, stream::AssemblyStep& step);
  stream::AcceptedSet complete(Frames::iterator at, stream::AcceptedSet last);
  void end_overdue(Offset offset, SystemTime timestamp, stream::AssemblyStep& step);
  void end_all(Offset offset, stream::AssemblyStep& step);
  stream::AcceptedSet give_up(Frames::iterator at, Offset offset, const std::string& why);
  void let_go(Unfinished& frame);
  void erase(Frames::iterator at);

  const Limits limits_;
  Frames open_;
  std::map<Offset, TileCut> by_age_;
  std::set<std::pair<SystemTime, Offset>> by_time_;
  std::set<Offset> with_pictures_;  // where frames began that hold some
  stream::LateFrames given_up_;
  std::int64_t held_ = 0, forgotten_ = 0;
};

// As a merge's parameters say.
TileGather::Limits tile_limits(const ParamValues& params);

// Copies the bytes: a held message would pin its whole fetch buffer. False: there is no memory for it.
bool own_payload(stream::Payload& payload);

// Makes a picture's set of those of all its tiles: in order, under the picture's name.
void put_tiles_in_order(stream::AcceptedSet& whole);

// Ends the frame in the place of `set`. `letter`: nobody else has written down that it died.
void make_incomplete(stream::AcceptedSet& set, const std::string& cause, bool letter);

// "tile 2 of 4", "tiles 1, 3 of 4": counted from 1, as people do.
std::string tiles_text(const FrameTile& shape, const std::vector<int>& indices);

}  // namespace ride::worker
