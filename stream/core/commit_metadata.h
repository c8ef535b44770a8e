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

#include "common/result.h"
#include "stream/control.h"
#include "stream/core/origin.h"

namespace ride::stream {

struct CommitMetadata {
  Watermarks watermarks;                             // as they stood at the committed offset
  std::map<Upstream, std::set<OriginKey>> finished;  // sets ACKed beyond it that began before it
  std::set<Upstream> ended;                          // upstreams whose end record lies before it
  bool forwarded_end = false;                        // all of them ended and the end went on: the partition is complete
  std::optional<Offset> warm_from;  // a stateful task's next owner is fed from here on, without emitting
  OutcomeCounters counters;         // cumulative, of all that lies before it or is in `finished`

  bool operator==(const CommitMetadata&) const = default;
};

std::string pack(const CommitMetadata& metadata);

// An empty text is the first commit's: everything empty. corrupt: not ours, or of another version.
Result<CommitMetadata> unpack_commit_metadata(std::string_view text);

// Upper bound of the packed size for a stage whose topic has so many upstream partitions (without `finished`); checked
// at submit against the broker's offset.metadata.max.bytes.
std::int64_t max_packed_bytes(const std::vector<UpstreamSpec>& upstreams);

}  // namespace ride::stream
