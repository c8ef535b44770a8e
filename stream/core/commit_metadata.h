// What travels with a committed offset (decision 0002): all that the next owner must know about what lies before it.
// Packed into a short text (base64 of varints), since Kafka limits its size. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "common/frame_tile.h"
#include "common/result.h"
#include "stream/control.h"
#include "stream/core/origin.h"

namespace ride::stream {

// Of a frame that a merge gave up: so many sets of its tiles may still come, and lead to nothing (decision 0037).
struct LateTiles {
  std::int64_t missing = 0;
  Offset ended_at;  // the record at which it was given up
  bool operator==(const LateTiles&) const = default;
};
// Behind that record by more than this, a tile is not waited for any more; nor where so many frames were given up after
// its own: they travel with each commit, and a broker takes no more than some kilobytes.
inline constexpr std::int64_t kLateTilesReach = 100'000;
inline constexpr std::size_t kMostLateFrames = 100;

using LateFrames = std::map<TileCut, LateTiles>;  // by the cut of their pictures
// Forgets those that `front` or later ones have left behind. How many of them there were one too many of.
std::size_t forget_late_frames(LateFrames& frames, Offset front);

struct CommitMetadata {
  Watermarks watermarks;                             // as they stood at the committed offset
  std::map<Upstream, std::set<OriginKey>> finished;  // sets ACKed beyond it that began before it
  std::set<Upstream> ended;                          // upstreams whose end record lies before it
  bool forwarded_end = false;                        // all of them ended and the end went on: the partition is complete
  std::optional<Offset> warm_from;  // a stateful task's next owner is fed from here on, without emitting
  OutcomeCounters counters;         // cumulative, of all that lies before it or is in `finished`
  LateFrames given_up;              // of a merge: began before it, and the last tiles lie beyond it

  bool operator==(const CommitMetadata&) const = default;
};

std::string pack(const CommitMetadata& metadata);

// An empty text is the first commit's: everything empty. corrupt: not ours, or of another version.
Result<CommitMetadata> unpack_commit_metadata(std::string_view text);

inline constexpr std::int64_t kCommonMetadataLimit = 4096;  // Kafka's default of offset.metadata.max.bytes

// Upper bound of the packed size for a stage whose topic has so many upstream partitions (without `finished`); checked
// at submit against the broker's offset.metadata.max.bytes.
std::int64_t max_packed_bytes(const std::vector<UpstreamSpec>& upstreams);

}  // namespace ride::stream
