// TileReread: the pictures of a frame's tiles that a TileGather has let go, read again from the log when the frame is
// complete (decision 0037). Pure: no I/O, clock or threads. Owner: the thread that reads the partition. Failure: the
// frame ends as incomplete.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "stream/core/set_assembler.h"

namespace ride::worker {

class TileReread {
 public:
  // `whole` names in `reread` what it needs; `config` is that of the assembler which has read these records before.
  TileReread(stream::AcceptedSet whole, stream::SetAssembler::Config config);

  // The next record that is needed; only while it is not done().
  Offset next() const { return needed_[at_].offset; }
  bool done() const { return at_ >= needed_.size(); }
  // The record at next().
  void add(SystemTime timestamp, const stream::Headers& headers, const stream::Payload& payload);
  // They cannot be had.
  void fail(const std::string& why);
  // What is here of the frame.
  std::int64_t bytes() const;
  // When it is done: the picture's set, or its outcome.
  stream::AcceptedSet take();

 private:
  struct Needed {
    Offset offset;
    std::size_t set;  // of `whole_.reread`
    auto operator<=>(const Needed&) const = default;
  };

  stream::AcceptedSet whole_;
  std::vector<Needed> needed_;  // by offset
  std::size_t at_ = 0;
  std::vector<stream::SetAssembler> assemblers_;  // of each set: none of them knows what was taken before
  std::string failure_;
};

}  // namespace ride::worker
