#include "stream/core/lost_offset.h"

#include <algorithm>

namespace ride::stream {

void LostOffset::wait(Moment now) {
  due_ = now + wait_;
  wait_ = std::clamp(2 * wait_, kFirstWait, kLongestWait);
}

void LostOffset::refused(Offset wanted, Moment now) {
  wanted_ = wanted;
  refused_at_ = now;
  wait(now);
}

LostOffset::Finding LostOffset::judge(const std::optional<OffsetRange>& range, Moment now) {
  if (range && wanted_ > range->end) {
    if (!above_since_) above_since_ = now;
    ++above_;
    if (above_ >= kMustBeReported && now - *above_since_ >= kMustStand) return Finding::lost;
  } else if (range) {
    above_since_.reset();
    above_ = 0;
    due_.reset();
    return wanted_ < range->first ? Finding::expired : Finding::read_again;
  }
  wait(now);
  return Finding::ask_again;
}

}  // namespace ride::stream
