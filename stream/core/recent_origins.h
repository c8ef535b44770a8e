// RecentOrigins: which origins a reader took lately, per line. A record at or below its line's watermark was either
// taken before (written again after a failure), or a too high origin that stands before it in the log hides it: then
// somebody else writes into the topic. Within what is remembered, the two can be distinguished. Pure. Owner: one
// thread.
#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <optional>

#include "common/ids.h"
#include "stream/core/origin.h"

namespace ride::stream {

class RecentOrigins {
 public:
  // Nothing is known of what lies at or below these.
  explicit RecentOrigins(const Watermarks& start);

  void took(const Upstream& upstream, OriginKey key, Offset at);
  // Records were passed over unread: what lies below counts as unknown.
  void forget();

  // The record that raised the watermark past an origin that was never taken; nothing: it was, or nobody knows.
  struct Raised {
    OriginKey by;
    Offset at;
  };
  std::optional<Raised> hides(const Upstream& upstream, OriginKey key) const;

 private:
  static constexpr std::size_t kKept = 512;  // of each line
  struct Line {
    std::optional<OriginKey> known_above;  // nothing: from the line's beginning on
    std::deque<Raised> taken;              // rising
  };
  std::map<Upstream, Line> lines_;
  bool unread_ = false;
};

}  // namespace ride::stream
