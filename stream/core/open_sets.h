// OpenSets: the sets of one partition that consist of several records and are not complete yet. A record's headers are
// only claims: memory grows with what was received, never with what is announced, and everything kept here is counted.
// Pure: no I/O, clock or threads. Owner: the thread that reads the partition. Failure: a set that contradicts itself,
// is too large, or for which there is no memory is refused: its bytes are let go, and with its last record it is
// complete as a problem, so that its frame gets an outcome under its own origin.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/ids.h"
#include "common/result.h"
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

class OpenSets {
 public:
  struct Limits {
    std::int64_t set_bytes = std::int64_t{4} << 30;  // a larger set is refused
    std::int64_t header_bytes = 16 << 20;            // of one set's records together
    std::size_t sets = 1024;                         // the oldest one is given up for one more
    std::int64_t idle_reach = 100'000;               // offsets behind its last record after which a set is given up
    std::int64_t reach = 1'000'000;                  // ... and behind its first
  };
  struct Complete {
    std::vector<Offset> members;     // the offsets of its records, the last one's too
    std::vector<WholeFrame> frames;  // empty with a problem
    RecordHeader header;             // of its first record
    std::optional<Error> problem;
  };
  struct Added {
    bool repeated = false;  // its writer has written this part before: a damaged log
    std::optional<Complete> complete;
  };

  explicit OpenSets(Limits limits) : limits_(limits) {}

  // A part of a set, or a chunk. `turn` rises with each record that the process reads.
  Added add(Offset offset, std::uint64_t turn, RecordHeader header, const Payload& payload);
  // Ends the sets of this line up to `key`; the offsets of their records.
  std::vector<Offset> close_up_to(const Upstream& upstream, OriginKey key);
  std::vector<Offset> close_line(const Upstream& upstream);
  std::vector<Offset> close_all();
  // What cannot be waited for any longer: sets that got no record for long, and the oldest where there are too many.
  // Their records lead to nothing; the last record of such a set, if it comes, completes it with a problem.
  std::vector<Offset> give_up(Offset next);

  // Refuses the oldest set that holds bytes, and lets these go.
  void refuse_oldest(std::int64_t limit);
  std::optional<std::uint64_t> oldest_turn() const;  // of a set that holds bytes

  std::int64_t held_bytes() const { return held_; }            // pictures, headers and what is kept of them
  std::int64_t announced_bytes() const { return announced_; }  // what the open sets will hold if their headers are true
  std::size_t holding() const { return holding_; }             // sets that hold pictures' bytes
  bool empty() const { return sets_.empty(); }

 private:
  struct Key {
    Upstream upstream;
    OriginKey key;
    std::string writer;
    auto operator<=>(const Key&) const = default;
  };
  struct Item {
    RecordHeader header;
    std::shared_ptr<std::uint8_t[]> bytes;
    std::int64_t total = 0, capacity = 0, filled = 0;
  };
  struct Set {
    std::map<int, Item> items;
    std::vector<Offset> offsets;
    std::uint64_t turn = 0;   // of its first record
    int parts = 1, next = 0;  // the part that must come next: a writer's records come in order
    std::int64_t held = 0, header_bytes = 0, announced = 0;
    std::optional<RecordHeader> header;
    std::optional<Error> problem;
  };
  using Sets = std::map<Key, Set>;

  void keep(Set& set, RecordHeader header, const Payload& payload);
  void copy(Set& set, Item& item, const Payload& payload);
  void refuse(Set& set, Error why);
  void charge(Set& set, std::int64_t bytes);
  Complete complete(Set& set) const;
  Sets::iterator erase(Sets::iterator at);
  void let_go(Set& set);
  template <class Choose>
  std::vector<Offset> close(const Upstream& upstream, Choose choose);

  Limits limits_;
  Sets sets_;
  std::map<std::uint64_t, Sets::iterator> by_turn_;  // oldest first
  std::int64_t held_ = 0, announced_ = 0;
  std::size_t holding_ = 0;
};

}  // namespace ride::stream
