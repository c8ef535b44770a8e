// CopyOrder: which record of a copied topic has which number. Owners propose ranges of records in a journal; its
// order alone decides, so that every owner, a late one as well, gives a record the same number (decision 0018).
// Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ride::producer {

struct CopyPlace {
  int partition = 0;
  std::int64_t offset = 0;
  auto operator<=>(const CopyPlace&) const = default;
};

struct NumberedPlace {
  std::int64_t number = 0;
  CopyPlace place;
  bool operator==(const NumberedPlace&) const = default;
};

// Of one proposal: a damaged or foreign one must not fill the memory.
inline constexpr std::int64_t kMostPlaces = 8192;

// Within a partition the offsets of a proposal rise, and owners propose without leaving a record out.
std::string pack_places(const std::vector<CopyPlace>& places);
std::optional<std::vector<CopyPlace>> unpack_places(std::string_view text);  // nothing: not written by pack_places()

class CopyOrder {
 public:
  // A proposal in the journal: the places that nobody proposed before it, with the numbers that they get.
  std::vector<NumberedPlace> apply(const std::vector<CopyPlace>& proposal);

  std::int64_t next_number() const { return next_; }
  // Behind the last record of this partition that has a number; nothing: none has.
  std::optional<std::int64_t> behind(int partition) const;

  std::string pack() const;
  static std::optional<CopyOrder> unpack(std::string_view text);
  bool operator==(const CopyOrder&) const = default;

 private:
  std::int64_t next_ = 0;
  std::map<int, std::int64_t> behind_;
};

}  // namespace ride::producer
