// What a broker's log is reported as: the first known cause, with the fix that helps.
#include "broker-config/log_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/temp_folder.h"

namespace ride::broker::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

std::string reported(const std::string& log) {
  const ride::test::TempFolder folder("log");
  std::ofstream(folder / "broker.log") << log;
  return explain_log(folder / "broker.log", 0, "the broker ended (exit code 1)").message;
}

// As ulimit -u makes Java say it: more heap would not help.
TEST(BrokerLog, ThreadsThatCannotBeStartedAreNoLackOfHeap) {
  EXPECT_THAT(reported("java.lang.OutOfMemoryError: unable to create native thread: possibly out of memory or "
                       "process/resource limits reached\n"),
              AllOf(HasSubstr("ulimit -u"), Not(HasSubstr("--heap"))));
  EXPECT_THAT(reported("java.lang.OutOfMemoryError: Java heap space\n"), HasSubstr("--heap"));
}

TEST(BrokerLog, WithoutAKnownCauseTheFirstErrorIsTold) {
  EXPECT_THAT(reported("[2026] INFO fine\n[2026] ERROR odd (kafka.Kafka)\n"), HasSubstr("ERROR odd"));
  EXPECT_THAT(reported(""), HasSubstr("gives no reason"));
}

}  // namespace
}  // namespace ride::broker::test
