#include "cli/core/dead_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "cli/core/fields.h"
#include "common/json.h"

namespace ride::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::vector<std::string> kTopics = {"ride.street.2.people.dead",
                                          "ride.street.10.people",
                                          "ride.street.10.people.dead",
                                          "ride.street.10.album.dead",
                                          "ride.other.1.x.dead",
                                          "mine.street.1.people.dead",
                                          "ride.decisions",
                                          "ride.street.cam.1.x.dead"};

TEST(DeadTopics, OfAllJobsOfAJobsLatestRunOrOfOneStage) {
  EXPECT_EQ(dead_topics("", "ride", kTopics)->size(), 5U);
  EXPECT_THAT(*dead_topics("street", "ride", kTopics),
              ElementsAre("ride.street.10.people.dead", "ride.street.10.album.dead"));
  EXPECT_THAT(*dead_topics("street/people", "ride", kTopics), ElementsAre("ride.street.10.people.dead"));
  EXPECT_THAT(*dead_topics("ride.street.2.people.dead", "ride", kTopics), ElementsAre("ride.street.2.people.dead"));
  EXPECT_EQ(dead_topics("strete", "ride", kTopics).error().code, ErrorCode::not_found);
}

TEST(DeadPlaces, AreWrittenAsTheListShowsThem) {
  const auto place = parse_place("2/1042");
  ASSERT_TRUE(place.ok());
  EXPECT_EQ(place->partition, PartitionId{2});
  EXPECT_EQ(place->offset, Offset{1042});
  for (const auto* wrong : {"", "2", "2/", "/5", "a/5", "2/5/6", "-1/5", "99999999999/1", "1/99999999999999999999"})
    EXPECT_EQ(parse_place(wrong).error().code, ErrorCode::invalid_argument) << wrong;
}

TEST(DeadFrames, OfATopicOfOthersAreKnownByTheNameOfTheirDeadTopic) {
  DeadFrame frame{.topic = "ride.street.10.people.dead", .notice = {.at = {"ride.street.10.people", PartitionId{2}}}};
  EXPECT_FALSE(died_in_foreign_topic(frame));
  frame.notice.at.topic = "plates";
  EXPECT_TRUE(died_in_foreign_topic(frame));
}

TEST(DeadFrames, AreShownToPeopleAndToScripts) {
  const SystemTime now{std::chrono::hours(24)};
  DeadFrame frame{"ride.street.10.people.dead",
                  Offset{3},
                  {{"ride.street.10.people", PartitionId{2}},
                   Offset{1042},
                   "people",
                   "task_error: no luck",
                   "w1#a@2",
                   1,
                   now - std::chrono::minutes(5)},
                  FrameId{"gate", SessionId{3}, 17},
                  810'000};
  const auto text = render_dead({frame}, {}, 0, now);
  for (const auto* part : {"people", "2/1042", "gate/3/17", "5m ago", "task_error: no luck"})
    EXPECT_THAT(text, HasSubstr(part));
  const auto json = dead_to_json(frame);
  EXPECT_EQ(json["frame"], "gate/3/17");
  EXPECT_EQ(json["letter"]["offset"], 3);
  EXPECT_EQ(json["attempts"], 1);
  frame.frame.reset();
  EXPECT_TRUE(dead_to_json(frame)["frame"].is_null()) << "a record that is no frame has no name";
}

TEST(DeadFrames, HeadersOfStrangersGiveTheTerminalNoOrders) {
  const std::string evil =
      "x\x1b]0;owned\a\nfake line\xc2\x9b"
      "2J";
  DeadFrame frame{"t.dead",
                  Offset{3},
                  {{"t", PartitionId{2}}, Offset{1}, evil, evil, evil, 1, {}},
                  FrameId{evil, SessionId{3}, 17},
                  8};
  for (const auto& text : {render_dead({frame}, {}, 0, {}), render_headers({{evil, evil}, {"plain", "text"}})}) {
    EXPECT_EQ(text.find('\x1b'), std::string::npos) << text;
    EXPECT_EQ(text.find("\xc2\x9b"), std::string::npos) << text;
    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2) << text;
    EXPECT_THAT(text, HasSubstr("x\\x1b]0;owned\\x07\\nfake line\\u009b2J"));
  }
}

TEST(DeadFrames, AreJsonWhateverTheirBytes) {
  const std::string bytes = "no UTF-8: \xff\xfe";
  DeadFrame frame{"t.dead",
                  Offset{3},
                  {{"t", PartitionId{2}}, Offset{1}, "s", bytes, bytes, 1, {}},
                  FrameId{bytes, SessionId{3}, 17},
                  8};
  std::string line;
  ASSERT_NO_THROW(line = json_line(dead_to_json(frame)));
  EXPECT_TRUE(nlohmann::json::accept(line)) << line;
}

}  // namespace
}  // namespace ride::cli
