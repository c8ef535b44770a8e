// The data plane of a merge against the in-memory log: what happens to pictures whose tiles are held when there is no
// memory for them, when the partition gets another owner, and when retention takes what is missing (decision 0037).
#include <gmock/gmock.h>

#include "common/frame_tile.h"
#include "stream/frame_codec.h"
#include "stream/frame_header.h"
#include "tests/worker/stage_runner_fixture.h"

namespace ride::worker {
namespace {

using ::testing::HasSubstr;

class TileStageTest : public StageRunnerTest {
 protected:
  void SetUp() override {
    StageRunnerTest::SetUp();
    stage.task = "merge";
    stage.upstreams = {{"blur", 2, false}};
    stage.params = {{"timeout_ms", std::int64_t{600'000}}, {"max_held_mb", std::int64_t{1000}}};
  }

  static cv::Mat picture(int number) {
    cv::Mat image(64, 50, CV_8UC3);
    cv::RNG(static_cast<std::uint64_t>(number) + 1).fill(image, cv::RNG::UNIFORM, 0, 256);
    return image;
  }
  // One of the two sets of the four stripes of a picture, as the stage before writes it.
  void put(int number, int group, std::int64_t whole_bytes = 1 << 20) {
    const cv::Mat image = picture(number);
    std::vector<stream::SetFrame> frames;
    for (auto tile : cut_into_tiles(image.rows, image.cols, 4, 1, 3)) {
      tile.groups = 2;
      tile.group = tile.index % 2;
      tile.cut = {0, number};
      if (tile.group != group) continue;
      Frame frame;
      frame.id = {"cam", SessionId{1}, number};
      frame.image = image(tile.wide()).clone();
      frame.attributes = {{kTileAttribute, to_string(tile)}, {"source_file", "a.png"}};
      const auto content = stream::content_for(frame, "").value();
      frames.push_back({stream::header_for(frame, content), content.payload});
    }
    const int line = (number + group) % 2;
    const stream::SetIdentity who{"job", "blur", "b", {{"blur", PartitionId{line}}, {next_[line]++, 0}, RunNumber{1}}};
    append(make_frame_set(who, std::move(frames), {.whole_bytes = whole_bytes, .chunk_bytes = whole_bytes}));
  }
  void put_ends() {
    for (int line = 0; line < 2; ++line)
      append(stream::make_end_set({"job", "blur", "b", {{"blur", PartitionId{line}}, {next_[line], 1}, RunNumber{1}}},
                                  {"cam", SessionId{1}, 100}, {}));
  }
  void append(std::vector<stream::OutRecord> records) {
    auto writer = log->writer();
    for (auto& record : records) ASSERT_TRUE(writer->send({"in", PartitionId{0}}, record, [](const auto&) {}).ok());
    ASSERT_TRUE(writer->flush(5s).ok());
  }
  // What a reader of the merge's output has of each picture: how often, whether it is what it was, or why not.
  struct Result {
    int times = 0;
    bool same = false;
    std::string reason;
  };
  std::map<std::int64_t, Result> results() {
    std::map<std::int64_t, Result> all;
    for (int p = 0; p < 3; ++p) {
      stream::SetAssembler assembler({{"out", PartitionId{p}}, "job", {{"grey", 2}}, {}}, {});
      for (const auto& record : log->records({"out", PartitionId{p}})) {
        auto step = assembler.add(record.offset, record.timestamp, record.headers, {record.value, nullptr});
        if (!step.accepted || step.accepted->kind == stream::RecordKind::end) continue;
        auto& result = all[step.accepted->header.id.number];
        ++result.times;
        result.reason = step.accepted->header.reason;
        if (step.accepted->frames.empty()) continue;
        const auto frame = stream::to_frame(step.accepted->frames[0], std::nullopt, 0).value();
        const cv::Mat wanted = picture(static_cast<int>(frame.id.number));
        result.same = frame.image.size() == wanted.size() && cv::norm(frame.image, wanted, cv::NORM_INF) == 0;
      }
    }
    return all;
  }
  void expect_whole(int count) {
    ASSERT_TRUE(wait_for([&] { return results().size() == static_cast<std::size_t>(count); })) << results().size();
    for (const auto& [number, result] : results()) {
      EXPECT_EQ(result.times, 1) << number;
      EXPECT_TRUE(result.same) << number << ": " << result.reason;
    }
  }

  std::map<int, std::int64_t> next_;
};

TEST_F(TileStageTest, PicturesThatDoNotFitIntoMemoryAreReadAgainAndWhole) {
  held_bytes = 1;
  auto runner = start();
  take_all(*runner);
  for (int n = 0; n < 20; ++n) put(n, 0, n % 3 == 0 ? 1000 : 1 << 20);
  for (int n = 19; n >= 0; --n) put(n, 1, n % 4 == 0 ? 1000 : 1 << 20);
  put_ends();
  expect_whole(20);
  ASSERT_TRUE(wait_for([&] { return committed(0).value == std::ssize(log->records({"in", PartitionId{0}})); }));
  EXPECT_EQ(runner->failed(), std::nullopt);
}

TEST_F(TileStageTest, TheNextOwnerReadsAgainWhatWasHeldAndNothingCountsTwice) {
  auto first = start();
  take_all(*first);
  for (int n = 0; n < 6; ++n) put(n, 0);
  put(3, 1);
  expect_whole(1);
  EXPECT_EQ(committed(0), Offset{0}) << "the tile of picture 0 is not ACKed";
  first->release(PartitionId{0});
  ASSERT_TRUE(wait_for([&] { return released.contains(PartitionId{0}); }));
  auto second = start();
  ASSERT_TRUE(second->assign(PartitionId{0}, Epoch{2}).ok());
  for (const int n : {5, 4, 2, 1, 0}) put(n, 1);
  expect_whole(6);
  ASSERT_TRUE(wait_for([&] { return committed(0).value == std::ssize(log->records({"in", PartitionId{0}})); }));
}

TEST_F(TileStageTest, WhatRetentionTookOfAPictureEndsItAsIncompleteAndTheOthersAreWhole) {
  for (int n = 0; n < 4; ++n) put(n, 0);
  for (int n = 0; n < 4; ++n) put(n, 1);
  put_ends();
  ASSERT_TRUE(log->admin()->delete_before({"in", PartitionId{0}}, Offset{4}).ok());  // two records a set
  auto runner = start();
  take_all(*runner);
  ASSERT_TRUE(wait_for([&] { return results().size() == 4; }));
  for (const int n : {2, 3}) EXPECT_TRUE(results()[n].same);
  for (const int n : {0, 1})
    EXPECT_THAT(results()[n].reason, HasSubstr("incomplete: tiles 1, 3 of 4 did not come before the input ended"));
  EXPECT_TRUE(has_notice("frames_expired"));
}

TEST_F(TileStageTest, WhatRetentionTookBeforeItWasReadAgainIsSaid) {
  held_bytes = 1;
  auto runner = start();
  take_all(*runner);
  for (int n = 0; n < 3; ++n) put(n, 0);
  ASSERT_TRUE(wait_for([&] { return runner->progress()[0].position == 6; }));
  ASSERT_TRUE(log->admin()->delete_before({"in", PartitionId{0}}, Offset{4}).ok());
  for (int n = 0; n < 3; ++n) put(n, 1);
  ASSERT_TRUE(wait_for([&] { return results().size() == 3; })) << results().size();
  for (const int n : {0, 1}) {
    EXPECT_EQ(results()[n].times, 1);
    EXPECT_THAT(results()[n].reason, HasSubstr("incomplete: retention removed tiles that had to be read again"));
  }
  EXPECT_TRUE(results()[2].same) << results()[2].reason;
  EXPECT_EQ(runner->failed(), std::nullopt);
}

TEST_F(TileStageTest, APictureThatIsLargerThanTheStageTakesIsRefusedBeforeItIsMade) {
  stage.max_pixels = 64 * 50 - 1;
  auto runner = start();
  take_all(*runner);
  put(0, 0);
  put(0, 1);
  ASSERT_TRUE(wait_for([&] { return results().size() == 1; }));
  EXPECT_THAT(results()[0].reason,
              HasSubstr("bad_picture: the picture has 50 x 64 = 3200 pixels, more than the limit"));
}

TEST_F(TileStageTest, APictureThatNeedsMoreMemoryThanTheGroupHasIsRefused) {
  stage.group.memory_bytes = 10'000;
  auto runner = start();
  take_all(*runner);
  put(0, 0);
  put(0, 1);
  ASSERT_TRUE(wait_for([&] { return results().size() == 1; }));
  EXPECT_THAT(results()[0].reason, HasSubstr("bad_picture: a picture of 50 x 64 takes"));
}

TEST_F(TileStageTest, LateTilesOfAPictureThatWasGivenUpLeadToNothingAlsoForTheNextOwner) {
  stage.params["timeout_ms"] = std::int64_t{500};
  auto first = start();
  take_all(*first);
  put(0, 0);
  std::this_thread::sleep_for(600ms);  // of the log's time
  put(1, 0);
  put(1, 1);
  ASSERT_TRUE(wait_for([&] { return results().size() == 2; }));
  EXPECT_THAT(results()[0].reason, HasSubstr("incomplete: tiles 2, 4 of 4 did not come within 500ms"));
  ASSERT_TRUE(wait_for([&] { return committed(0).value == 6; }));
  first->release(PartitionId{0});
  ASSERT_TRUE(wait_for([&] { return released.contains(PartitionId{0}); }));
  auto second = start();
  ASSERT_TRUE(second->assign(PartitionId{0}, Epoch{2}).ok());
  put(0, 1);
  ASSERT_TRUE(wait_for([&] { return committed(0).value == 8; }));
  EXPECT_EQ(results()[0].times, 1);
}

// What was finished behind an unfinished picture travels with each commit: more than a cluster takes is not written.
TEST_F(TileStageTest, ACommitThatIsTooLargeWaitsForTheUnfinishedPicture) {
  const int pictures = 2500;
  std::atomic<std::size_t> largest = 0;
  struct Measuring final : stream::CommitStore {
    Measuring(std::unique_ptr<stream::CommitStore> store, std::atomic<std::size_t>& size)
        : inner(std::move(store)), largest(size) {}
    ::ride::Result<std::map<TopicPartition, std::optional<stream::Commit>>> committed(
        const std::string& group, const std::vector<TopicPartition>& at) override {
      return inner->committed(group, at);
    }
    ::ride::Result<void> commit(const std::string& group,
                                const std::map<TopicPartition, stream::Commit>& commits) override {
      for (const auto& [at, commit] : commits) largest = std::max(largest.load(), commit.metadata.size());
      return inner->commit(group, commits);
    }
    std::unique_ptr<stream::CommitStore> inner;
    std::atomic<std::size_t>& largest;
  };
  make_commits = [&] { return std::make_shared<Measuring>(log->commits(), largest); };
  for (int n = 1; n <= pictures; ++n) put(n, 0);
  put(0, 0);  // its other tiles do not come
  for (int n = 1; n <= pictures; ++n) put(n, 1);
  auto runner = start();
  take_all(*runner);
  ASSERT_TRUE(wait_for([&] { return has_notice("commit_waits: stage grey: "); }));
  ASSERT_TRUE(wait_for([&] {
    return runner->progress()[0].position == std::ssize(log->records({"in", PartitionId{0}}));
  }));
  put(0, 1);
  ASSERT_TRUE(wait_for([&] { return committed(0).value == std::ssize(log->records({"in", PartitionId{0}})); }));
  EXPECT_LE(largest.load(), std::size_t{4096});
  EXPECT_EQ(runner->failed(), std::nullopt);
}

}  // namespace
}  // namespace ride::worker
