#include "worker/set_processor.h"

#include <gtest/gtest.h>

#include <opencv2/core.hpp>

#include "common/frame_tile.h"
#include "stream/frame_codec.h"

namespace ride::worker {
namespace {

// Closes a segment with every third picture, as a sink of videos does.
class Segments final : public tasks::Task {
 public:
  Result<void> open(const tasks::TaskEnv&) override { return {}; }
  Result<void> process(const Frame&, tasks::Emitter& out) override {
    out.hold("gate");
    if (++pictures % 3 == 0) out.release("gate");
    return {};
  }
  int pictures = 0;
};

stream::AcceptedSet set_of(std::int64_t offset, int pictures) {
  static const std::vector<std::uint8_t> pixel(1, 7);
  stream::AcceptedSet set;
  set.released_by = set.first = Offset{offset};
  set.header.id = {"gate", SessionId{1}, offset};
  for (int i = 0; i < pictures; ++i) {
    stream::WholeFrame whole{set.header, {pixel, nullptr}};
    whole.header.pixels = stream::PixelFormat{1, 1};
    set.frames.push_back(std::move(whole));
  }
  return set;
}

class SetProcessorTest : public testing::Test {
 protected:
  Processed process(std::int64_t offset, int pictures) { return processor.process(set_of(offset, pictures)).value(); }

  stream::StageSpec stage{.name = "album", .topic = "in", .sink = true};
  Segments task;
  BufferPool pool{1 << 20};
  SetProcessor processor{{stage, "job", RunNumber{1}, PartitionId{0}, "w#1@1"}, task, pool};
};

TEST_F(SetProcessorTest, AFrameThatClosesItsSegmentIsNotHeld) {
  EXPECT_EQ(process(0, 2).held, "gate");
  const auto closing = process(1, 1);
  EXPECT_EQ(closing.released, std::vector<std::string>{"gate"});
  EXPECT_EQ(closing.held, std::nullopt);
}

// Closes a segment and then fails, as a sink of videos does that cannot open the next one.
class ClosesAndFails final : public tasks::Task {
 public:
  Result<void> open(const tasks::TaskEnv&) override { return {}; }
  Result<void> process(const Frame&, tasks::Emitter& out) override {
    if (fails.empty()) {
      out.hold("gate");
      return {};
    }
    out.release("gate");
    const auto error = fails.front();
    fails.erase(fails.begin());
    return error;
  }
  std::vector<Error> fails;
};

TEST_F(SetProcessorTest, WhatATaskLetsGoOfBeforeItFailsIsNotHeldAnyMore) {
  ClosesAndFails closes;
  SetProcessor failing{{stage, "job", RunNumber{1}, PartitionId{0}, "w#1@1"}, closes, pool};
  EXPECT_EQ(failing.process(set_of(0, 1)).value().held, "gate");
  closes.fails = {Error{ErrorCode::invalid_argument, "no such folder"}};
  const auto dead = failing.process(set_of(1, 1)).value();
  EXPECT_EQ(dead.counted, Counted::dead);
  EXPECT_EQ(dead.released, std::vector<std::string>{"gate"});
}

TEST_F(SetProcessorTest, WhatATaskLetsGoOfBeforeItHasToWaitIsLetGoOfWhenTheFrameIsThrough) {
  ClosesAndFails closes;
  SetProcessor failing{{stage, "job", RunNumber{1}, PartitionId{0}, "w#1@1"}, closes, pool};
  failing.process(set_of(0, 1)).value();
  Error full{ErrorCode::resource_exhausted, "the disk is full"};
  full.retriable = true;
  closes.fails = {full};
  EXPECT_FALSE(failing.process(set_of(1, 1)).ok());
  EXPECT_EQ(failing.process(set_of(1, 1)).value().released, std::vector<std::string>{"gate"});
}

// Its second picture is in the segment that is open now: an ACK would lose it.
TEST_F(SetProcessorTest, AFrameWhosePicturesLieInTwoSegmentsIsHeldByTheSecond) {
  process(0, 2);
  const auto both = process(1, 2);
  EXPECT_EQ(both.released, std::vector<std::string>{"gate"});
  EXPECT_EQ(both.held, "gate");
}

// Emits on a port that it names, and on none.
class TwoPorts final : public tasks::Task {
 public:
  Result<void> open(const tasks::TaskEnv&) override { return {}; }
  Result<void> process(const Frame& frame, tasks::Emitter& out) override {
    out.emit(frame);
    out.emit("good", frame);
    out.emit("bad", frame);
    return {};
  }
};

TEST_F(SetProcessorTest, ATasksDefaultPortIsTheOneThatItDeclaresFirst) {
  TwoPorts sorted;
  stage.outputs = {{.port = "good", .topic = "g"}, {.port = "bad", .topic = "b"}, {.port = "", .topic = "d"}};
  SetProcessor::Config config{stage, "job", RunNumber{1}, PartitionId{0}, "w#1@1"};
  config.default_port = "good";
  SetProcessor ports(std::move(config), sorted, pool);
  const auto sets = ports.process(set_of(0, 1)).value().sets;
  ASSERT_EQ(sets.size(), 3U);
  EXPECT_EQ(sets[0].records.size(), 2U) << "what names no port, and what names it";
  EXPECT_EQ(sets[1].records.size(), 1U);
  EXPECT_EQ(sets[2].records.size(), 2U) << "an output that names no port takes the default one";
}

// Its owner knows a picture by its file, not by a number.
TEST_F(SetProcessorTest, AFrameOfAFileThatDiesNamesTheFile) {
  auto set = set_of(0, 1);
  set.header.attributes["source_file"] = set.frames[0].header.attributes["source_file"] = "day1/p01.jpg";
  set.frames[0].header.pixels->cols = 99;  // more than the record holds
  const auto reason = processor.process(set).value().dead_reason.value_or("");
  EXPECT_TRUE(reason.starts_with("bad_picture: ")) << reason;
  EXPECT_TRUE(reason.ends_with(" (file day1/p01.jpg)")) << reason;
  EXPECT_EQ(processor.quarantine(set, {"poison: signal 11 on w1", 2}).dead_reason,
            "poison: signal 11 on w1 (file day1/p01.jpg)");
}

// Stores bytes as they come, if it may.
class Storing final : public tasks::Task {
 public:
  Result<void> open(const tasks::TaskEnv&) override { return {}; }
  bool needs_pixels(const Frame& encoded) const override {
    EXPECT_TRUE(encoded.image.empty());
    return encoded.attributes.contains("look");
  }
  Result<void> process(const Frame& frame, tasks::Emitter&) override {
    decoded.push_back(!frame.image.empty());
    bytes = frame.encoded ? std::ssize(frame.encoded->bytes) : 0;
    return {};
  }
  std::vector<bool> decoded;
  std::int64_t bytes = 0;
};

TEST(SetProcessorBytes, APictureWhosePixelsNobodyNeedsIsNotDecodedUnlessItIsAStrangers) {
  const auto content =
      stream::encode_picture(cv::Mat(30, 40, CV_8UC3, cv::Scalar(1, 2, 3)), nullptr, {PixelEncoding::jpeg, 90}).value();
  auto set = set_of(0, 1);
  set.frames[0].header.pixels.reset();
  set.frames[0].payload = content.payload;
  BufferPool pool{1 << 20};
  stream::StageSpec stage{.name = "album", .topic = "in", .sink = true};
  const auto process = [&] {
    Storing task;
    SetProcessor processor{{stage, "job", RunNumber{1}, PartitionId{0}, "w#1@1"}, task, pool};
    EXPECT_EQ(processor.process(set).value().dead_reason, std::nullopt);
    EXPECT_EQ(task.bytes, std::ssize(content.payload.bytes));
    return task.decoded;
  };
  EXPECT_EQ(process(), std::vector<bool>{false});
  set.frames[0].header.attributes["look"] = "yes";
  EXPECT_EQ(process(), std::vector<bool>{true});
  set.frames[0].header.attributes.clear();
  stage.adopt = stream::AdoptSpec{};
  EXPECT_EQ(process(), std::vector<bool>{true});

  // What is damaged, and what is larger than the stage takes, is refused without being decoded as well.
  stage.adopt.reset();
  const auto refusal = [&] {
    Storing task;
    SetProcessor processor{{stage, "job", RunNumber{1}, PartitionId{0}, "w#1@1"}, task, pool};
    return processor.process(set).value().dead_reason.value_or("");
  };
  stage.max_pixels = 100;
  EXPECT_NE(refusal().find("bad_picture"), std::string::npos);
  stage.max_pixels = 0;
  set.frames[0].payload.bytes = set.frames[0].payload.bytes.first(set.frames[0].payload.bytes.size() / 2);
  EXPECT_NE(refusal().find("bad_picture"), std::string::npos);
}

// ---- tiles (decision 0037)

// Cuts a picture into stripes, or leaves out and doubles what the test says.
class Stripes final : public tasks::Task {
 public:
  Result<void> open(const tasks::TaskEnv&) override { return {}; }
  Result<void> process(const Frame& frame, tasks::Emitter& out) override {
    for (const auto& tile : cut_into_tiles(7, 1, count, 1, 0)) {
      auto one = frame;
      one.attributes[kTileAttribute] = to_string(tile);
      out.emit(std::move(one));
    }
    return {};
  }
  int count = 5;
};

class Between final : public tasks::Task {
 public:
  Result<void> open(const tasks::TaskEnv&) override { return {}; }
  Result<void> process(const Frame& frame, tasks::Emitter& out) override {
    const bool odd = tile_of(frame.attributes)->index == odd_tile;
    for (int i = odd ? copies : 1; i > 0; --i) out.emit(frame);
    return {};
  }
  int odd_tile = -1, copies = 1;
};

// Passes on what it gets.
class Whole final : public tasks::Task {
 public:
  Result<void> open(const tasks::TaskEnv&) override { return {}; }
  Result<void> process(const Frame& frame, tasks::Emitter& out) override {
    out.emit(frame);
    return {};
  }
};

class TileProcessorTest : public testing::Test {
 protected:
  // What a split writes for a stage with so many partitions.
  std::vector<SetToSend> cut(std::int64_t number, int partitions, const stream::AcceptedSet& set) {
    stream::StageSpec stage{.name = "cut", .topic = "in"};
    stage.outputs = {{.to = "blur", .topic = "t", .partitions = partitions, .partition_by = stream::PartitionBy::tile}};
    SetProcessor::Config config{stage, "job", RunNumber{1}, PartitionId{0}, "w#1@1"};
    config.tiles = TileRole::cuts;
    SetProcessor processor(std::move(config), stripes_, pool_);
    EXPECT_EQ(set.header.id.number, number);
    return processor.process(set).value().sets;
  }
  // What comes of such a set in a stage behind it.
  Processed between(const SetToSend& from) {
    stream::StageSpec stage{.name = "blur", .topic = "t", .partition_by = stream::PartitionBy::tile};
    stage.outputs = {{.to = "calm", .topic = "c", .partitions = 3, .partition_by = stream::PartitionBy::tile},
                     {.to = "join", .topic = "j", .partitions = 3}};
    SetProcessor processor({stage, "job", RunNumber{1}, from.to.partition, "w#1@1"}, between_, pool_);
    stream::SetAssembler reader({from.to, "job", {}, {}}, {});
    stream::AssemblyStep step;
    for (std::size_t i = 0; i < from.records.size(); ++i)
      step = reader.add(Offset{static_cast<std::int64_t>(i)}, {}, from.records[i].headers, {from.records[i].value, {}});
    return processor.process(*step.accepted).value();
  }
  static std::vector<int> tiles_of_set(const SetToSend& set) {
    std::vector<int> tiles;
    for (const auto& record : set.records)
      if (const auto tile = tile_of(stream::decode_header(record.headers)->attributes)) tiles.push_back(tile->index);
    return tiles;
  }

  Stripes stripes_;
  Between between_;
  BufferPool pool_{1 << 20};
};

TEST_F(TileProcessorTest, TheTilesOfAPictureGoToAPartitionEachAndThoseOfOneAreOneSet) {
  const auto sets = cut(5, 3, set_of(5, 1));
  ASSERT_EQ(sets.size(), 3U);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(sets[static_cast<std::size_t>(i)].to.partition.value, (5 + i) % 3);
    EXPECT_EQ(tiles_of_set(sets[static_cast<std::size_t>(i)]),
              i < 2 ? (std::vector<int>{i, i + 3}) : std::vector<int>{2});
  }
}

// A picture that is sent again under its name is another cut.
TEST_F(TileProcessorTest, TilesNameTheReadingThatCutThem) {
  auto again = set_of(5, 1);
  again.released_by = Offset{99};
  const auto cut_of = [](const std::vector<SetToSend>& sets) {
    return tile_of(stream::decode_header(sets.at(0).records.at(0).headers)->attributes)->cut;
  };
  EXPECT_EQ(cut_of(cut(5, 3, set_of(5, 1))), (TileCut{0, set_of(5, 1).released_by.value}));
  EXPECT_EQ(cut_of(cut(5, 3, again)), (TileCut{0, 99}));
}

TEST_F(TileProcessorTest, AFrameThatIsNoTileBehindASplitIsNamedByItsPlace) {
  stream::StageSpec stage{.name = "blur", .topic = "t", .partition_by = stream::PartitionBy::tile};
  stage.outputs = {{.to = "join", .topic = "j", .partitions = 3}};
  Whole whole;
  SetProcessor alone({stage, "job", RunNumber{1}, PartitionId{2}, "w#1@1"}, whole, pool_);
  const auto out = alone.process(set_of(4, 1)).value();
  const auto header = stream::decode_header(out.sets.back().records[0].headers).value();
  EXPECT_EQ(header.outcome, stream::Outcome::dead);
  EXPECT_NE(header.reason.find("the frame at offset " + std::to_string(set_of(4, 1).released_by.value) +
                               " of t/2 is no tile"),
            std::string::npos)
      << header.reason;
}

TEST_F(TileProcessorTest, BehindTheSplitASetStaysTogether) {
  for (const auto& set : cut(4, 3, set_of(4, 1))) {
    const auto out = between(set).sets;
    ASSERT_EQ(out.size(), 2U);
    EXPECT_EQ(tiles_of_set(out[0]), tiles_of_set(set));
    EXPECT_EQ(out[0].to.partition.value, (4 + tiles_of_set(set).front()) % 3);
    EXPECT_EQ(out[1].to.partition.value, 4 % 3) << "all tiles of a picture meet at the merge";
  }
}

TEST_F(TileProcessorTest, ATileThatLeadsToNothingOrToTwoEndsItsSetAndTheOutcomeSaysWhich) {
  const auto sets = cut(0, 3, set_of(0, 1));
  between_.odd_tile = 3;
  for (const int copies : {0, 2}) {
    between_.copies = copies;
    const auto out = between(sets[0]);
    const auto header = stream::decode_header(out.sets.back().records[0].headers).value();
    EXPECT_EQ(header.kind, stream::RecordKind::outcome);
    EXPECT_EQ(header.outcome, copies == 0 ? stream::Outcome::filtered : stream::Outcome::dead);
    EXPECT_NE(header.reason.find("tile 4 of 5"), std::string::npos) << header.reason;
    EXPECT_EQ(tile_of(header.attributes)->group, 0);
    EXPECT_EQ(between(sets[1]).counted, Counted::acked);
  }
}

TEST_F(TileProcessorTest, TwoPicturesOfOneNameCannotBeSplit) {
  const auto sets = cut(0, 3, set_of(0, 2));
  const auto header = stream::decode_header(sets.back().records[0].headers).value();
  EXPECT_EQ(header.outcome, stream::Outcome::dead);
  EXPECT_NE(header.reason.find("only one can be split"), std::string::npos) << header.reason;
}

// What another job said of tiles would be taken for a part of this one's picture.
TEST_F(TileProcessorTest, TheOutcomeOfASplitIsOfTheWholePicture) {
  auto set = set_of(2, 1);
  set.header.attributes[kTileAttribute] = set.frames[0].header.attributes[kTileAttribute] = "1/2/1/9/9/0/1/2/0/3";
  set.frames[0].header.pixels->cols = 99;
  const auto sets = cut(2, 3, set);
  const auto header = stream::decode_header(sets.back().records[0].headers).value();
  EXPECT_EQ(header.kind, stream::RecordKind::outcome);
  EXPECT_EQ(header.attributes.count(kTileAttribute), 0U);
  EXPECT_EQ(sets.back().to.partition.value, 2);
}

}  // namespace
}  // namespace ride::worker
