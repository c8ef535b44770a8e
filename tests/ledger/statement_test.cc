// What the ledger makes of hand-written logs: a source "cam" into stage "blur" (topic "in", 2 partitions), which writes
// into stage "save" (topic "mid") and into the topic "out" outside the job.
#include "ledger/core/statement.h"

#include <gtest/gtest.h>

namespace ride::ledger {
namespace {

Headers record(const std::string& type, const std::string& id, const std::string& origin,
               const std::string& writer = "w#1@1", const std::string& part = "1/1", const std::string& outcome = "") {
  Headers headers = {{"ce_specversion", "1.0"},
                     {"ce_type", "ride." + type},
                     {"ce_source", "job/x"},
                     {"ce_id", id},
                     {"ce_time", "2026-11-21T08:00:00.000000Z"},
                     {"ride_format", "1"},
                     {"ride_origin", origin},
                     {"ride_part", part},
                     {"ride_writer", writer}};
  if (!outcome.empty()) headers.emplace_back("ride_outcome", outcome);
  return headers;
}

class Job : public ::testing::Test {
 protected:
  Job() {
    stream::SourceSpec cam{.name = "cam"};
    cam.outputs = {{.to = "blur", .topic = "in", .partitions = 2}};
    stream::StageSpec blur{.name = "blur", .topic = "in", .partitions = 2};
    blur.outputs = {{.to = "save", .topic = "mid"}, {.to = "", .topic = "out"}};
    stream::StageSpec save{.name = "save", .topic = "mid"};
    save.sink = true;
    spec_.sources = {cam};
    spec_.stages = {blur, save};
  }

  // Frame `number` in partition number % 2 at this offset.
  void sent(int number, int offset) {
    put("in", number % 2, offset,
        record("frame", "cam/1/" + std::to_string(number), "cam/0/1." + std::to_string(number) + "/1"));
  }
  // What blur made of it, in both outputs.
  void made(int number, int offset, const std::string& writer = "w#1@1") {
    const auto id = "cam/1/" + std::to_string(number);
    const auto origin = "blur/" + std::to_string(number % 2) + "/" + std::to_string(offset) + ".0/1";
    put("mid", 0, next_["mid"]++, record("frame", id, origin, writer));
    put("out", 0, next_["out"]++, record("frame", id, origin, writer));
  }
  AuditResult put(const std::string& topic, int partition, int offset, const Headers& headers) {
    return audit_.add({topic, partition}, offset, headers);
  }
  Statement statement(int acked_by_blur, int acked_by_save) {
    return make_statement(spec_, audit_, {{"blur", {.acked = acked_by_blur}}, {"save", {.acked = acked_by_save}}});
  }

  stream::JobSpec spec_;
  Audit audit_;
  std::map<std::string, int> next_;
};

TEST_F(Job, IsCleanWhenEveryFrameCameOnceEverywhere) {
  for (int n = 0; n < 10; ++n) sent(n, n / 2);
  for (int n = 0; n < 10; ++n) made(n, n / 2);
  const auto result = statement(10, 10);
  EXPECT_TRUE(result.clean()) << to_text(result);
  EXPECT_EQ(result.sent, 10);
}

TEST_F(Job, TellsWhichFrameIsMissing) {
  for (int n = 0; n < 10; ++n) sent(n, n / 2);
  for (int n = 0; n < 10; ++n)
    if (n != 7) made(n, n / 2);
  const auto result = statement(10, 9);
  EXPECT_FALSE(result.clean());
  EXPECT_EQ(result.open(), 2);  // in both outputs
  EXPECT_EQ(result.flows[1].examples, std::vector<std::string>{"cam/1/7"});
  EXPECT_EQ(result.twice(), 0);
}

TEST_F(Job, WhatWasWrittenAgainByTheNextOwnerIsDroppedByReadersAndCountsOnce) {
  for (int n = 0; n < 4; ++n) sent(n, n / 2);
  for (int n = 0; n < 4; ++n) made(n, n / 2);
  made(2, 1, "w#2@2");
  made(3, 1, "w#2@2");
  const auto result = statement(4, 4);
  EXPECT_TRUE(result.clean()) << to_text(result);
  EXPECT_EQ(result.redelivered(), 4);
}

// Somebody wrote a frame with a far too high origin: the source's own frames behind it are dropped by every reader.
TEST_F(Job, FramesBehindAForgedOriginAreHiddenAndNotWrittenAgain) {
  for (int n = 0; n < 4; ++n) sent(n, n / 2);
  EXPECT_EQ(put("in", 0, 2, record("frame", "cam/1/1000", "cam/0/1.1000/1")).verdict, Verdict::counts);
  EXPECT_EQ(put("in", 0, 3, record("frame", "cam/1/2", "cam/0/1.2/1")).verdict, Verdict::repeated);
  EXPECT_EQ(put("in", 0, 4, record("frame", "cam/1/4", "cam/0/1.4/1")).verdict, Verdict::hidden);
  for (int n = 0; n < 4; ++n) made(n, n / 2);
  const auto result = statement(5, 5);
  EXPECT_EQ(result.hidden(), 1);
  EXPECT_EQ(result.redelivered(), 1);
  EXPECT_EQ(result.sent, 6);
  EXPECT_FALSE(result.clean()) << to_text(result);
  EXPECT_NE(to_text(result).find("1 of the missing are hidden"), std::string::npos) << to_text(result);
}

// Without the watermark, a stage works on a repeated record as if it were new: its output has another origin.
TEST_F(Job, NoticesAStageThatTookARepetitionAsNew) {
  sent(0, 0);
  sent(0, 1);  // the same origin at another offset: written again
  made(0, 0);
  made(0, 1);
  const auto result = statement(2, 2);
  EXPECT_FALSE(result.clean());
  EXPECT_GE(result.twice(), 2) << to_text(result);
  EXPECT_EQ(result.stages[0].in, 1);
  EXPECT_EQ(result.stages[0].in_flight, -1);
}

// Somebody wrote a result of a frame that no source sent: nothing is missing and nothing came twice.
TEST_F(Job, AFrameThatCameWithoutBeingSentIsNotClean) {
  sent(0, 0);
  made(0, 0);
  made(1, 0);
  const auto result = statement(1, 2);
  EXPECT_EQ(result.open(), 0) << to_text(result);
  EXPECT_EQ(result.twice(), 0) << to_text(result);
  EXPECT_EQ(result.flows[1].ahead, 1);
  EXPECT_FALSE(result.clean()) << to_text(result);
  audit_.skip({"in", 1}, 1);
  EXPECT_TRUE(statement(1, 2).clean()) << "it may be the one that was deleted unseen";
}

TEST_F(Job, CountsASinkThatAckedMoreThanCame) {
  sent(0, 0);
  made(0, 0);
  EXPECT_EQ(statement(1, 2).twice(), 1);
}

TEST_F(Job, AFilteredFrameHasAnOutcomeInsideAndNothingOutside) {
  sent(0, 0);
  put("mid", 0, 0, record("outcome", "cam/1/0", "blur/0/0.0/1", "w#1@1", "1/1", "filtered"));
  const auto result = make_statement(spec_, audit_, {{"blur", {.filtered = 1}}, {"save", {.filtered = 1}}});
  EXPECT_TRUE(result.clean()) << to_text(result);
}

TEST_F(Job, AFrameReadByTwoBranchesMayArriveTwiceWhereTheyMeet) {
  // mid also gets the frames from the source itself.
  spec_.sources[0].outputs.push_back({.to = "save", .topic = "mid"});
  sent(0, 0);
  put("mid", 0, 90, record("frame", "cam/1/0", "cam/0/1.0/1"));
  made(0, 0);
  const auto result = statement(1, 2);
  EXPECT_TRUE(result.clean()) << to_text(result);
  EXPECT_EQ(result.stages[1].in, 2);
}

// A source writes into the topics of all its readers.
TEST_F(Job, AFrameThatOneTopicOfASourceLacksWasSentAndIsMissingThere) {
  spec_.sources[0].outputs.push_back({.to = "save", .topic = "mid"});
  sent(0, 0);
  made(0, 0);
  const auto result = statement(1, 1);
  EXPECT_EQ(result.sent, 1);
  EXPECT_EQ(result.flows[0].missing, 0) << "in";
  EXPECT_EQ(result.flows[1].missing, 1) << "mid";
  EXPECT_EQ(result.flows[1].examples, std::vector<std::string>{"cam/1/0"});
  EXPECT_EQ(result.flows[0].ahead, 0) << "it did not come from nowhere";
  EXPECT_FALSE(result.clean()) << to_text(result);
}

TEST_F(Job, ASetCountsWhenOneWriterHasWrittenAllOfIt) {
  sent(0, 0);
  const auto half = [&](const char* writer, const char* part, int offset) {
    return put("mid", 0, offset, record("frame", "cam/1/0", "blur/0/0.0/1", writer, part)).verdict;
  };
  EXPECT_EQ(half("w#1@1", "1/2", 0), Verdict::incomplete);
  EXPECT_EQ(half("w#2@2", "1/2", 1), Verdict::incomplete);
  EXPECT_EQ(half("w#2@2", "2/2", 2), Verdict::counts);
  EXPECT_EQ(half("w#1@1", "2/2", 3), Verdict::repeated);
}

// A worker was lost in the middle of a set, and its successor's first half never came.
TEST_F(Job, HalvesOfTwoWritersAreNoWholeSet) {
  sent(0, 0);
  for (const auto* topic : {"mid", "out"}) {
    EXPECT_EQ(put(topic, 0, 0, record("frame", "cam/1/0", "blur/0/0.0/1", "w#1@1", "1/2")).verdict,
              Verdict::incomplete);
    EXPECT_EQ(put(topic, 0, 1, record("frame", "cam/1/0", "blur/0/0.0/1", "w#2@2", "2/2")).verdict,
              Verdict::incomplete);
  }
  const auto result = statement(1, 0);
  EXPECT_EQ(result.open(), 2) << to_text(result);
  EXPECT_FALSE(result.clean());
}

TEST_F(Job, ARecordThatIsNoFrameCountsByItsPlace) {
  EXPECT_EQ(put("in", 0, 0, {{"foreign", "x"}}).verdict, Verdict::not_ours);
  EXPECT_EQ(put("in", 1, 0, record("frame", "cam/1/1", "damaged")).verdict, Verdict::not_ours);
  EXPECT_EQ(make_statement(spec_, audit_, {{"blur", {.dead = 2}}}).stages[0].in_flight, 0);
}

TEST_F(Job, DoesNotMissWhatWasDeletedUnseenFurtherOn) {
  sent(0, 0);
  sent(2, 1);
  audit_.skip({"mid", 0}, 1);
  next_["mid"] = 1;
  put("out", 0, next_["out"]++, record("frame", "cam/1/0", "blur/0/0.0/1"));
  made(2, 1);
  const auto result = statement(2, 2);
  EXPECT_TRUE(result.clean()) << to_text(result);
  EXPECT_NE(to_text(result).find("1 record was deleted"), std::string::npos);
}

TEST_F(Job, SaysWhatItCouldNotSee) {
  audit_.skip({"in", 0}, 3);
  sent(6, 3);
  made(4, 2);
  made(6, 3);
  const auto result = statement(4, 2);
  EXPECT_EQ(result.unseen(), 3);
  EXPECT_TRUE(result.clean()) << to_text(result);
  EXPECT_NE(to_text(result).find("3 records were deleted"), std::string::npos);
}

// A picture that a source refused is no loss, and is not called dropped.
TEST_F(Job, WhatASourceRefusedIsToldApart) {
  for (int n = 0; n < 3; ++n) sent(n, n / 2);
  for (int n = 0; n < 2; ++n) {
    auto refused = record("outcome", "cam/1/" + std::to_string(3 + n), "cam/0/1." + std::to_string(3 + n) + "/1",
                          "w#1@1", "1/1", "dropped");
    refused.emplace_back("ride_reason", n == 0 ? "broken_picture: is a text file" : "when_late: its successor was due");
    put("in", (3 + n) % 2, n == 0 ? 1 : 2, refused);
  }
  const auto result = make_statement(spec_, audit_, {{"blur", {.acked = 3, .dropped = 2}}});
  EXPECT_EQ(result.stages[0].counted.dropped, 2);
  EXPECT_EQ(result.stages[0].rejected, 1);
  EXPECT_EQ(to_json(result)["stages"][0]["rejected"], 1);
  EXPECT_EQ(to_json(result)["stages"][0]["dropped"], 2 - result.stages[0].rejected);
  EXPECT_NE(to_text(result).find("rejected"), std::string::npos);
}

// "cut" splits the pictures of "cam" (topic "whole") into two sets of tiles for "blur" (topic "tiles"), whose results
// "join" (topic "done") puts together for "save" (topic "saved").
class TileJob : public ::testing::Test {
 protected:
  TileJob() {
    stream::SourceSpec cam{.name = "cam"};
    cam.outputs = {{.to = "cut", .topic = "whole"}};
    stream::StageSpec cut{.name = "cut", .topic = "whole"};
    cut.outputs = {{.to = "blur", .topic = "tiles", .partitions = 2, .partition_by = stream::PartitionBy::tile}};
    stream::StageSpec blur{.name = "blur", .topic = "tiles", .partitions = 2};
    blur.partition_by = stream::PartitionBy::tile;
    blur.outputs = {{.to = "join", .topic = "done"}};
    stream::StageSpec join{.name = "join", .topic = "done"};
    join.outputs = {{.to = "save", .topic = "saved"}};
    stream::StageSpec save{.name = "save", .topic = "saved"};
    save.sink = true;
    spec_.sources = {cam};
    spec_.stages = {cut, blur, join, save};
    audit_.expect_tiles("tiles");
    audit_.expect_tiles("done");
    for (int n = 0; n < 3; ++n) {
      put("whole", 0, record("frame", id(n), "cam/0/1." + std::to_string(n) + "/1"));
      for (int g = 0; g < 2; ++g) put("tiles", (n + g) % 2, tile(n, g, "cut/0/" + std::to_string(n) + ".0/1"));
    }
  }
  static std::string id(int number) { return "cam/1/" + std::to_string(number); }
  static Headers tile(int number, int group, const std::string& origin, const std::string& outcome = "") {
    auto headers = record(outcome.empty() ? "frame" : "outcome", id(number), origin, "w#1@1", "1/1", outcome);
    const auto which = std::to_string(group);
    headers.emplace_back("ride_attr_tile", which + "/2/1/100/200/30/" + which + "/2/0/" + std::to_string(number));
    return headers;
  }
  void put(const std::string& topic, int partition, const Headers& headers) {
    audit_.add({topic, partition}, next_[topic + std::to_string(partition)]++, headers);
  }
  void blurred(int number, int group, const std::string& outcome = "") {
    const auto partition = std::to_string((number + group) % 2);
    put("done", 0, tile(number, group, "blur/" + partition + "/" + std::to_string(number) + ".0/1", outcome));
  }
  void joined(int number, int offset, int minor = 0) {
    const auto origin = "join/0/" + std::to_string(offset) + "." + std::to_string(minor) + "/1";
    put("saved", 0,
        record(minor < 0 ? "outcome" : "frame", id(number), origin, "w#1@1", "1/1", minor < 0 ? "dead" : ""));
  }
  Statement statement(int cut, int blur, int join, int save) {
    return make_statement(
        spec_, audit_,
        {{"cut", {.acked = cut}}, {"blur", {.acked = blur}}, {"join", {.acked = join}}, {"save", {.acked = save}}});
  }

  stream::JobSpec spec_;
  Audit audit_;
  std::map<std::string, int> next_;
};

TEST_F(TileJob, ASplitPictureCountsOnceFromEndToEnd) {
  for (int n = 0; n < 3; ++n) {
    blurred(n, 0);
    blurred(n, 1);
    joined(n, 2 * n + 1);
  }
  const auto result = statement(3, 6, 6, 3);
  EXPECT_TRUE(result.clean()) << to_text(result);
  EXPECT_EQ(result.sent, 3);
  EXPECT_EQ(result.stages[2].in, 6) << "sets of tiles";
}

TEST_F(TileJob, APictureThatIsGivenUpWithALaterRecordCountsOnce) {
  blurred(0, 0);
  blurred(0, 1);
  blurred(1, 1);
  blurred(2, 0);
  blurred(1, 0);
  joined(0, 1);
  joined(2, 4, -1);
  joined(1, 4);
  blurred(2, 1);
  const auto result = statement(3, 6, 6, 3);
  EXPECT_TRUE(result.clean()) << to_text(result);
}

TEST_F(TileJob, TellsWhichTilesAreMissingAndWhichPicturesCameTwice) {
  for (int n = 0; n < 3; ++n) {
    blurred(n, 0);
    if (n != 1) blurred(n, 1);
  }
  joined(0, 1);
  joined(2, 4);
  joined(2, 5);
  const auto result = statement(3, 6, 5, 3);
  EXPECT_FALSE(result.clean());
  EXPECT_EQ(result.flows[2].examples, std::vector<std::string>{"cam/1/1 (tiles 2/2)"});
  EXPECT_EQ(result.flows[3].twice, 1);
  EXPECT_EQ(result.flows[3].missing, 1);
}

TEST_F(TileJob, ASplitThatLosesASetOfTilesIsNoticed) {
  put("whole", 0, record("frame", id(3), "cam/0/1.3/1"));
  put("tiles", 1, tile(3, 0, "cut/0/3.0/1"));
  const auto result = statement(4, 7, 6, 3);
  EXPECT_EQ(result.flows[1].missing, 1) << to_text(result);
  EXPECT_EQ(result.flows[1].examples, std::vector<std::string>{"cam/1/3"});
}

// One of the sets came for no frame of the session at all.
TEST_F(TileJob, APictureOfWhichOnlyOneSetOfTilesCameIsMissing) {
  auto half = record("frame", "cam/2/0", "cut/0/3.0/1");
  half.emplace_back("ride_attr_tile", "0/2/1/100/200/30/0/2/0/0");
  put("whole", 0, record("frame", "cam/2/0", "cam/0/2.0/1"));
  put("tiles", 0, half);
  const auto result = statement(4, 7, 6, 3);
  EXPECT_EQ(result.flows[1].missing, 1) << to_text(result);
  EXPECT_EQ(result.flows[1].examples, std::vector<std::string>{"cam/2/0"});
}

// Somebody's frames may have an attribute of that name.
TEST_F(TileJob, WhatFramesSayOfTilesCountsOnlyWhereTilesAre) {
  auto headers = record("frame", id(3), "cam/0/1.3/1");
  headers.emplace_back("ride_attr_tile", "0/2/1/100/200/30/0/2/0/7");
  put("whole", 0, headers);
  for (int g = 0; g < 2; ++g) put("tiles", (3 + g) % 2, tile(3, g, "cut/0/3.0/1"));
  for (int n = 0; n < 4; ++n) {
    blurred(n, 0);
    blurred(n, 1);
    joined(n, 2 * n + 1);
  }
  const auto result = statement(4, 8, 8, 4);
  EXPECT_TRUE(result.clean()) << to_text(result);
}

// Of a picture that the split itself could not cut, one outcome goes through all stages.
TEST_F(TileJob, APictureThatTheSplitRefusedGoesThroughAsOneOutcome) {
  put("whole", 0, record("frame", id(3), "cam/0/1.3/1"));
  put("tiles", 1, record("outcome", id(3), "cut/0/3.0/1", "w#1@1", "1/1", "dead"));
  for (int n = 0; n < 3; ++n) {
    blurred(n, 0);
    blurred(n, 1);
    joined(n, 2 * n + 1);
  }
  put("done", 0, record("outcome", id(3), "blur/1/3.0/1", "w#1@1", "1/1", "dead"));
  put("saved", 0, record("outcome", id(3), "join/0/6.0/1", "w#1@1", "1/1", "dead"));
  const auto result = make_statement(spec_, audit_,
                                     {{"cut", {.acked = 3, .dead = 1}},
                                      {"blur", {.acked = 6, .dead = 1}},
                                      {"join", {.acked = 6, .dead = 1}},
                                      {"save", {.acked = 3, .dead = 1}}});
  EXPECT_TRUE(result.clean()) << to_text(result);
}

}  // namespace
}  // namespace ride::ledger
