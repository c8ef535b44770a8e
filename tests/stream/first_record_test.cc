#include "stream/core/first_record.h"

#include <gtest/gtest.h>

namespace ride::stream {
namespace {

TEST(FirstRecord, GoesAloneUntilItIsAcknowledgedAndTheOthersDoNotWait) {
  FirstRecord line;
  EXPECT_FALSE(line.must_wait());
  line.sent();
  EXPECT_TRUE(line.must_wait()) << "a leader that knows nothing of this writer would take any other as its first";
  line.delivered();
  EXPECT_FALSE(line.must_wait());
  line.sent();
  EXPECT_FALSE(line.must_wait());
}

}  // namespace
}  // namespace ride::stream
