#include "broker-config/broker_process.h"

#include <gtest/gtest.h>

#include "tests/support/kafka_fixture.h"

namespace ride::test {
namespace {
class Fixture : public KafkaTest {};
TEST_F(Fixture, gives_a_broker_that_answers) { EXPECT_FALSE(bootstrap().empty()); }
}  // namespace
}  // namespace ride::test
