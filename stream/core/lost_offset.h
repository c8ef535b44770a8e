// LostOffset: what to make of a broker's answer that an offset is outside its log. A leader that hung and goes on does
// not know for some seconds that another one leads, and answers from a log that lacks the newest records. So nothing is
// believed but what the leader says of its whole log, asked anew; and "above its end" only when it stands. Pure: time
// is an argument.
#pragma once

#include <chrono>
#include <optional>

#include "stream/core/record.h"

namespace ride::stream {

class LostOffset {
 public:
  using Moment = std::chrono::steady_clock::time_point;
  enum class Finding {
    ask_again,   // when it is due again
    read_again,  // the log has it: from the same offset
    expired,     // retention overtook the reader: its oldest record is the next one
    lost,        // the log ends below it, and goes on doing so
  };

  LostOffset(Offset wanted, Moment now) { refused(wanted, now); }

  Offset wanted() const { return wanted_; }
  void refused(Offset wanted, Moment now);  // again: the more often, the later it is asked for
  bool is_due(Moment now) const { return due_ && now >= *due_; }
  bool is_old(Moment now) const { return !due_ && now - refused_at_ > kForgotten; }
  // What the leader reports now; nothing: it did not answer.
  Finding judge(const std::optional<OffsetRange>& range, Moment now);

  static constexpr std::chrono::milliseconds kFirstWait{50}, kLongestWait{1000};
  static constexpr std::chrono::seconds kMustStand{10}, kForgotten{30};
  static constexpr int kMustBeReported = 5;

 private:
  void wait(Moment now);

  Offset wanted_;
  std::optional<Moment> due_;  // nothing: it is being read
  Moment refused_at_{};
  std::chrono::milliseconds wait_{0};
  std::optional<Moment> above_since_;
  int above_ = 0;
};

}  // namespace ride::stream
