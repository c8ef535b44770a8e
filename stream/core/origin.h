// Where a set of records comes from, and the watermark by which readers drop what they already have (decision 0002).
// Pure values.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <string>

#include "common/ids.h"
#include "common/result.h"

namespace ride::stream {

// A line: one partition of an upstream. Within it, keys only rise, since its sets leave in order and without gaps.
struct Upstream {
  std::string name;       // of the source or stage
  PartitionId partition;  // of the stage's input topic; 0 for a source
  auto operator<=>(const Upstream&) const = default;
};

// A source: (session, number). A stage: (input offset that released the set, 0); its end record has 1 there, and what
// the record released beside its own set (frames that a merge gives up) a number below 0.
struct OriginKey {
  std::int64_t major = 0, minor = 0;
  auto operator<=>(const OriginKey&) const = default;
};

struct Origin {
  Upstream upstream;
  OriginKey key;
  RunNumber run;
  auto operator<=>(const Origin&) const = default;
};

std::string to_string(const Origin& origin);  // "blur/3/1042.0/7": upstream/partition/major.minor/run
Result<Origin> parse_origin(const std::string& text);

// The highest key taken so far, per upstream.
class Watermarks {
 public:
  bool is_above(const Upstream& upstream, OriginKey key) const;
  void raise(const Upstream& upstream, OriginKey key);  // never lowers
  const std::map<Upstream, OriginKey>& all() const { return marks_; }
  bool operator==(const Watermarks&) const = default;

 private:
  std::map<Upstream, OriginKey> marks_;
};

}  // namespace ride::stream
