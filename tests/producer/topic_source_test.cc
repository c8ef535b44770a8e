// A source that copies a topic, without its runner: what it opens, and which record becomes which frame. With runners
// that come and go: topic_copy_test.cc.
#include <gmock/gmock.h>

#include "make_request.h"

namespace ride::producer {
namespace {

using testing::HasSubstr;

TEST(TopicSource, EachRecordBecomesAFrameThatSaysWhereItIsFrom) {
  MakeRequest request;
  auto& log = request.log();
  ASSERT_TRUE(log.admin()->create({.name = "plates", .partitions = 1}).ok());
  for (const std::uint8_t value : {7, 9}) {
    auto bytes = std::make_shared<std::vector<std::uint8_t>>(6, value);
    auto writer = log.writer();
    ASSERT_TRUE(writer->send({"plates", PartitionId{0}}, {.value = *bytes, .owner = bytes}, nullptr).ok());
    ASSERT_TRUE(writer->flush(std::chrono::seconds(5)).ok());
  }
  auto source = request.make({.name = "src",
                              .kind = "topic",
                              .uri = "plates",
                              .params = {{"format", std::string("raw")}, {"shape", std::string("2x3x1")}}});
  ASSERT_TRUE(source.ok()) << source.error().message;
  ASSERT_TRUE((*source)->open(0).ok());
  std::vector<CapturedFrame> frames;
  EXPECT_TRUE(eventually([&] {
    auto pulled = (*source)->next(std::chrono::milliseconds(20));
    EXPECT_TRUE(pulled.ok()) << pulled.error().message;
    if (!pulled.ok()) return true;
    if (auto* frame = std::get_if<CapturedFrame>(&*pulled)) frames.push_back(std::move(*frame));
    return frames.size() == 2;
  }));
  ASSERT_EQ(frames.size(), 2u);
  EXPECT_EQ(frames[0].number, 0);
  EXPECT_EQ(frames[1].number, 1);
  EXPECT_EQ(frames[1].attributes["source_record"], "plates/0/1");
  EXPECT_EQ(frames[1].image.size(), cv::Size(3, 2));
  EXPECT_EQ(frames[1].image.at<std::uint8_t>(1, 2), 9) << "raw, 8u: what the plan left out has the declared default";
  (*source)->close();
}

TEST(TopicSource, ATopicThatIsNotThereMayStillCome) {
  MakeRequest request;
  auto source = request.make({.name = "src", .kind = "topic", .uri = "plates"});
  ASSERT_TRUE(source.ok());
  const auto opened = (*source)->open(0);
  ASSERT_FALSE(opened.ok());
  EXPECT_TRUE(opened.error().retriable);
  EXPECT_THAT(opened.error().message, HasSubstr("topic 'plates' does not exist"));
}

}  // namespace
}  // namespace ride::producer
