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

LostOffset::Finding LostOffset::judge(const std::optional<OffsetRange>& told, Moment now) {
  if (told && wanted_ > told->end) {
    if (!above_since_) above_since_ = now;
    ++above_;
    if (above_ >= kMustBeTold && now - *above_since_ >= kMustStand) return Finding::lost;
  } else if (told) {
    above_since_.reset();
    above_ = 0;
    due_.reset();
    return wanted_ < told->first ? Finding::expired : Finding::read_again;
  }
  wait(now);
  return Finding::ask_again;
}

}  // namespace ride::stream
