// NumberBook: which item of a finite source has which number. Written once, before the first frame, and read again by
// every later start, so that a number means the same item for ever (D7), whatever happens to the folder meanwhile.
// Owner: one source. Threads: one.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "common/result.h"

namespace ride::producer {

class NumberBook {
 public:
  using List = std::function<Result<std::vector<std::string>>()>;
  virtual ~NumberBook() = default;
  // The items in order of their numbers: as they were noted down before, or as `list` finds them now (then they are
  // noted down before this returns). Errors of `list` are passed on.
  virtual Result<std::vector<std::string>> items(const List& list) = 0;
};

// Keeps nothing beyond the process: for tests and for sources that never restart.
class MemoryBook : public NumberBook {
 public:
  Result<std::vector<std::string>> items(const List& list) override {
    if (!noted_) {
      auto found = list();
      if (!found) return found;
      items_ = std::move(*found);
      noted_ = true;
    }
    return items_;
  }

 private:
  bool noted_ = false;
  std::vector<std::string> items_;
};

}  // namespace ride::producer
