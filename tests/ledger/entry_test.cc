// Headers as anybody may write them.
#include "ledger/core/entry.h"

#include <gtest/gtest.h>

namespace ride::ledger {
namespace {

Headers with(const std::string& name, const std::string& value) {
  Headers headers = {{"ce_type", "ride.frame"},
                     {"ce_id", "gate/3/1042"},
                     {"ride_format", "1"},
                     {"ride_origin", "gate/0/3.1042/1"},
                     {"ride_part", "1/3"}};
  for (auto& [known, old] : headers)
    if (known == name) old = value;
  return headers;
}

// By the rules of the product's readers, to which such a record is no frame.
TEST(Entry, NumbersOutsideTheirRangeAreRefused) {
  EXPECT_TRUE(read_entry(with("", "")).ok());
  for (const char* id : {"gate/3/-1", "gate/-3/1042", "gate/3/9223372036854775808"})
    EXPECT_EQ(read_entry(with("ce_id", id)).error().code, ErrorCode::corrupt) << id;
  // 2^32: once more than no parts at all, so that the set was complete with its first one.
  for (const char* part : {"1/4294967296", "1/1000001", "0/3", "4/3"})
    EXPECT_EQ(read_entry(with("ride_part", part)).error().code, ErrorCode::corrupt) << part;
}

}  // namespace
}  // namespace ride::ledger
