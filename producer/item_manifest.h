// ItemManifest: which item of a finite source has which number, and which of them were no picture. The items are
// written once, before the first frame, and read again by every later start, so that a number means the same item for
// ever (decision 0034), whatever happens to the folder meanwhile, and so that nothing is counted or reported twice.
// Owner: one source. Threads: one.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "common/result.h"

namespace ride::producer {

// Behind the name of an item that is left out because an earlier run did all with it (decision 0046): it keeps its
// number, and leaves no record. No file's name ends so.
inline constexpr const char* kDoneMark = "//";
inline bool is_done(const std::string& item) { return item.ends_with(kDoneMark); }

class ItemManifest {
 public:
  using List = std::function<Result<std::vector<std::string>>()>;
  virtual ~ItemManifest() = default;
  // The items in order of their numbers: as they were noted down before, or as `list` finds them now (then they are
  // noted down before this returns). Errors of `list` are passed on; others are retriable where the log is away.
  virtual Result<std::vector<std::string>> items(const List& list) = 0;
  // Notes down that an item was no usable picture; true when that is new.
  virtual Result<bool> reject(std::int64_t number, const std::string& cause) = 0;
  virtual const std::set<std::int64_t>& rejected() const = 0;
};

// Keeps nothing beyond the process: for sources whose numbers follow from their content, and for tests.
class MemoryManifest : public ItemManifest {
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
  Result<bool> reject(std::int64_t number, const std::string&) override { return rejected_.insert(number).second; }
  const std::set<std::int64_t>& rejected() const override { return rejected_; }

 private:
  bool noted_ = false;
  std::vector<std::string> items_;
  std::set<std::int64_t> rejected_;
};

}  // namespace ride::producer
