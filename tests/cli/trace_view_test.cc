#include "cli/core/trace_view.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "cli/core/fields.h"

namespace ride::cli {
namespace {

TEST(TraceTarget, IsASourceAndANumberWithOrWithoutASession) {
  const auto any = parse_trace_target("gate/1042");
  ASSERT_TRUE(any.ok());
  EXPECT_TRUE(any->matches("gate", 3, 1042));
  const auto third = parse_trace_target("gate/3/1042");
  ASSERT_TRUE(third.ok());
  EXPECT_TRUE(third->matches("gate", 3, 1042));
  EXPECT_FALSE(third->matches("gate", 2, 1042));
  for (const char* wrong : {"", "gate", "/7", "gate/x", "gate/x/7", "gate/-1"})
    EXPECT_FALSE(parse_trace_target(wrong).ok()) << wrong;
}

TEST(TraceView, TellsAttemptsInOrderOfTime) {
  const auto at = [](int ms) { return SystemTime(std::chrono::milliseconds(1'000'000 + ms)); };
  Trace trace{.job = "street", .run = 2, .wanted = "gate/7"};
  TraceStep step{.topic = "ride.street.2.clean",
                 .partition = 1,
                 .offset = 7,
                 .written = at(3),
                 .captured = at(0),
                 .frame = "gate/1/7"};
  step.upstream = "gate";
  step.writer = "n1-p1#aa@1";
  step.reader = "clean";
  step.acked = true;
  auto again = step;
  again.topic = "out";
  again.written = at(900);
  again.upstream = "clean";
  again.writer = "n1-w2#bb@8";
  again.reader.clear();
  again.repeated = true;
  auto first = again;
  first.written = at(14);
  first.writer = "n1-w1#cc@7";
  first.repeated = false;
  trace.steps = {again, first, step};
  const auto text = render_trace(trace, {});
  EXPECT_LT(text.find("n1-p1#aa@1"), text.find("n1-w1#cc@7"));
  EXPECT_LT(text.find("n1-w1#cc@7"), text.find("n1-w2#bb@8"));
  EXPECT_NE(text.find("counts, ACKed by clean"), std::string::npos) << text;
  EXPECT_NE(text.find("written again, dropped by readers"), std::string::npos) << text;
  const auto json = trace_to_json(trace);
  EXPECT_EQ(json["steps"].size(), 3U);
  EXPECT_EQ(json["steps"][2]["after_ms"], 900.0);
}

// Kafka stamps whole milliseconds, a capture has microseconds: a record can look older than its frame by less than one.
TEST(TraceView, ARecordIsNotWrittenBeforeItsFrameWasCaptured) {
  Trace trace{.job = "street", .run = 1, .wanted = "gate/7"};
  TraceStep step{.topic = "t", .offset = 7, .frame = "gate/1/7"};
  step.captured = SystemTime(std::chrono::microseconds(1'000'900));
  step.written = SystemTime(std::chrono::microseconds(1'000'000));
  trace.steps = {step};
  EXPECT_EQ(trace_to_json(trace)["steps"][0]["after_ms"], 0.0);
  EXPECT_EQ(render_trace(trace, {}).find("-1"), std::string::npos) << render_trace(trace, {});
  trace.steps[0].captured = SystemTime(std::chrono::microseconds(3'000'000));
  EXPECT_NE(render_trace(trace, {}).find("a negative time: the clock of the machine"), std::string::npos);
}

TEST(TraceView, HeadersOfStrangersGiveTheTerminalNoOrders) {
  const std::string evil = "x\x1b[2J\ny\xff";
  Trace trace{.job = evil, .run = 2, .wanted = evil};
  TraceStep step{.topic = evil, .partition = 1, .offset = 7, .written = {}, .captured = {}, .frame = evil};
  step.upstream = step.writer = step.reason = step.outcome = evil;
  trace.steps = {step};
  const auto text = render_trace(trace, {});
  EXPECT_EQ(text.find('\x1b'), std::string::npos) << text;
  EXPECT_EQ(text.find('\xff'), std::string::npos) << text;
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 3) << text;
  EXPECT_EQ(not_traced(trace).message.find('\x1b'), std::string::npos);
  EXPECT_TRUE(nlohmann::json::accept(json_line(trace_to_json(trace))));
}

TEST(TraceView, AStepWithoutAFrameIsAStep) {
  Trace trace{.job = "street", .run = 2, .wanted = "gate/7"};
  trace.steps = {TraceStep{
      .topic = "ride.street.2.clean", .partition = 1, .offset = 7, .written = {}, .captured = {}, .frame = ""}};
  EXPECT_NE(render_trace(trace, {}).find("ride.street.2.clean/1"), std::string::npos);
}

TEST(TraceView, SaysWhyAFrameIsNotThere) {
  const Trace trace{.job = "street", .run = 2, .wanted = "gate/7", .steps = {}, .unseen = 12};
  EXPECT_NE(not_traced(trace).message.find("12 records were already deleted"), std::string::npos);
}

}  // namespace
}  // namespace ride::cli
