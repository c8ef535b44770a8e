// What a sink's files are held against: a frame that died in it leaves none, and one that is there is an earlier run's.
#include "ledger/sink_files.h"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/temp_folder.h"

namespace ride::ledger {
namespace {

using ride::test::TempFolder;

Headers record(const std::string& type, int number, const std::string& outcome = "") {
  const auto n = std::to_string(number);
  Headers headers = {{"ce_specversion", "1.0"},
                     {"ce_type", "ride." + type},
                     {"ce_source", "job/cam"},
                     {"ce_id", "cam/1/" + n},
                     {"ce_time", "2026-11-21T08:00:00.000000Z"},
                     {"ride_format", "1"},
                     {"ride_origin", "cam/0/1." + n + "/1"},
                     {"ride_writer", "w#1@1"}};
  if (!outcome.empty()) headers.emplace_back("ride_outcome", outcome);
  return headers;
}

class SinkFilesTest : public ::testing::Test {
 protected:
  SinkFilesTest() {
    stream::StageSpec album{.name = "album", .topic = "in"};
    album.upstreams = {{.name = "cam", .is_source = true}};
    album.task = "write_images";
    album.params = {{"path", std::string("{seq}.png")}};
    album.sink = true;
    spec_.job = JobName{"job"};
    spec_.run = RunNumber{1};
    spec_.stages = {album};
  }
  void given(int number) { audit_.add({"in", 0}, next_++, record("frame", number)); }
  void died(int number) { audit_.add_dead("in", record("frame", number)); }
  void file(int number) { std::ofstream(folder_ / (std::to_string(number) + ".png")) << "x"; }
  SinkFiles count(const Counted& counted) {
    const auto all = count_sink_files(spec_, audit_, folder_.path(), {{"album", counted}});
    EXPECT_EQ(all.size(), 1U);
    return all.at(0);
  }

  TempFolder folder_;
  stream::JobSpec spec_;
  Audit audit_;
  int next_ = 0;
};

TEST_F(SinkFilesTest, AFrameThatDiedInItsSinkNeedsNoFile) {
  for (int n = 0; n < 5; ++n) given(n);
  for (const int n : {0, 1, 3, 4}) file(n);
  died(2);
  died(2);  // a takeover wrote the letter twice
  const auto files = count({.acked = 4, .dead = 1});
  EXPECT_EQ(files.expected, 4);
  EXPECT_EQ(files.found, 4);
  EXPECT_EQ(files.missing, 0) << to_text({files});
  EXPECT_EQ(files.dead, 1);
  EXPECT_EQ(files.stale, 0);
}

TEST_F(SinkFilesTest, AFileOfAnEarlierRunDoesNotHideADeadFrame) {
  for (int n = 0; n < 3; ++n) given(n);
  for (int n = 0; n < 3; ++n) file(n);
  died(1);
  const auto files = count({.acked = 2, .dead = 1});
  EXPECT_EQ(files.found, 2);
  EXPECT_EQ(files.stale, 1);
  EXPECT_EQ(files.missing, 0);
  EXPECT_NE(to_text({files}).find("1 of the dead is there nevertheless: from an earlier run"), std::string::npos)
      << to_text({files});
  EXPECT_EQ(to_json({files})[0]["stale"], 1);
}

TEST_F(SinkFilesTest, AReplayedFrameMayHaveAFile) {
  given(0);
  died(0);
  auto again = record("frame", 0);
  for (auto& [name, value] : again)
    if (name == "ride_origin") value = "~replay/0/0.0/1";
  audit_.add({"in", 0}, next_++, again);
  file(0);
  EXPECT_EQ(count({.acked = 1, .dead = 1}).stale, 0);
}

// Its dead letter was deleted, retention overtook the sink, the sink dropped it as too old: each is in the sink's own
// count.
TEST_F(SinkFilesTest, WhatTheSinkSaysThatItLeftOutIsNotMissing) {
  for (int n = 0; n < 6; ++n) given(n);
  audit_.add({"in", 0}, next_++, record("outcome", 6, "dropped"));
  for (const int n : {0, 1}) file(n);
  auto files = count({.acked = 2, .dropped = 2, .dead = 1, .expired = 1});
  EXPECT_EQ(files.left_out, 3) << "one of the dropped came as that";
  EXPECT_EQ(files.missing, 1);
  EXPECT_EQ(missing({files}), 1);
}

// A file of lines may hold those of others, with fields like ours.
TEST_F(SinkFilesTest, LinesThatAreNotOursAreLeftOut) {
  spec_.stages[0].task = "print";
  spec_.stages[0].params = {{"path", std::string("lines.jsonl")}, {"format", std::string("json")}};
  given(0);
  given(1);
  std::ofstream(folder_ / "lines.jsonl") << R"({"source": null, "session": 1, "number": 0}
{"source": 5, "session": 1, "number": 0}
{"source": "cam", "session": "1", "number": 0}
{"source": "cam", "session": 1, "number": null}
{"source": "cam", "session": 1.5, "number": []}
{"source": "cam"}
[1]
no JSON
{"source": "cam", "session": 1, "number": 1}
)";
  const auto files = count({});
  EXPECT_EQ(files.expected, 2);
  EXPECT_EQ(files.found, 1);
  EXPECT_EQ(files.repeated, 0);
}

TEST_F(SinkFilesTest, WhatIsOnItsWayIsCalledThat) {
  given(0);
  const auto files = count({});
  EXPECT_NE(to_text({files}, false).find("0 of 1 there, 1 in flight"), std::string::npos) << to_text({files}, false);
  EXPECT_NE(to_text({files}, true).find("1 missing"), std::string::npos);
  const auto statement = make_statement(spec_, audit_, {});
  EXPECT_EQ(to_text(statement, false).find("missing"), std::string::npos) << to_text(statement, false);
  EXPECT_NE(to_text(statement).find("missing"), std::string::npos);
}

}  // namespace
}  // namespace ride::ledger
