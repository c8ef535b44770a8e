// DecisionsQuestion: a reader waits until all that was decided by now is read (StageRunner::decisions_wanted()): which
// of its questions is to be asked, and which one what was read answers. Pure. Owner: as TakenPartitions.
#pragma once

#include <cstdint>

namespace ride::worker {

class DecisionsQuestion {
 public:
  // Whether the end of the decisions log is to be asked for, for this question.
  bool must_ask(std::int64_t question) const { return question != answered_ && question != asked_; }
  void asked(std::int64_t question, std::int64_t end) {
    asked_ = question;
    end_ = end;
  }
  // Whether it is answered now that the decisions before `read` are read: true once.
  bool answered(std::int64_t question, std::int64_t read) {
    if (question == answered_ || question != asked_ || read < end_) return false;
    answered_ = question;
    return true;
  }
  void clear() { *this = {}; }

 private:
  std::int64_t asked_ = 0, answered_ = 0, end_ = 0;
};

}  // namespace ride::worker
