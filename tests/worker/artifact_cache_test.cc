// The files of jobs on a node: fetched once, whole or not at all, never another's bytes, bounded.
#include "worker/artifact_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "common/sha256.h"
#include "tests/support/temp_folder.h"
#include "tests/tasks/faults.h"
#include "tests/worker/stage_runner_fixture.h"

namespace ride::worker {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;

std::string content_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

stream::ArtifactRef cached_ref(const std::string& bytes, const std::string& name = "net.onnx") {
  return {.name = name,
          .sha256 = sha256_hex(bytes),
          .size = static_cast<std::int64_t>(bytes.size()),
          .upload = "0123456789abcdef",
          .offset = 0};
}

std::span<const std::uint8_t> as_bytes(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

class ArtifactCacheTest : public ::testing::Test {
 protected:
  ArtifactCache::Fill bringing(const std::string& bytes) {
    return [this, bytes](const stream::WriteAt& write) {
      ++fills;
      return write(0, as_bytes(bytes));
    };
  }
  Result<HeldArtifact> get(ArtifactCache& cache, const std::string& bytes, const std::string& name = "net.onnx") {
    return cache.get(cached_ref(bytes, name), bringing(bytes), never);
  }
  std::vector<std::string> files() const {
    std::vector<std::string> all;
    for (const auto& entry : fs::recursive_directory_iterator(folder.path() / "cache"))
      if (entry.is_regular_file() && entry.path().filename() != ".lock")
        all.push_back(entry.path().filename().string());
    std::sort(all.begin(), all.end());
    return all;
  }

  test::TempFolder folder{"artifact-cache"};
  ArtifactCache cache{folder / "cache"};
  const stream::Stopped never = [] { return false; };
  std::atomic<int> fills = 0;
};

TEST_F(ArtifactCacheTest, AFileIsFetchedOnceAndIsWhatWasAskedForUnderItsName) {
  const auto first = get(cache, "weights");
  ASSERT_TRUE(first.ok()) << first.error().message;
  EXPECT_EQ(content_of(first->path), "weights");
  EXPECT_EQ(fs::path(first->path).filename(), "net.onnx");
  ArtifactCache another(folder / "cache");
  EXPECT_EQ(get(another, "weights")->path, first->path);
  EXPECT_EQ(fills, 1);
  EXPECT_EQ(content_of(get(cache, "weights", "other.pb")->path), "weights");
}

TEST_F(ArtifactCacheTest, OfTwoThatWantItAtOnceOneFetchesItAndTheOtherWaits) {
  std::atomic<bool> goes_on = false;
  const auto slow = [&](const stream::WriteAt& write) -> Result<void> {
    ++fills;
    while (!goes_on) std::this_thread::sleep_for(1ms);
    return write(0, as_bytes("weights"));
  };
  std::vector<std::thread> threads;
  std::atomic<int> right = 0;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      ArtifactCache own(folder / "cache");
      const auto got = own.get(cached_ref("weights"), slow, never);
      if (got.ok() && content_of(got->path) == "weights") ++right;
    });
  EXPECT_TRUE(wait_for([&] { return fills > 0; }));
  goes_on = true;
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(right, 4);
  EXPECT_EQ(fills, 1);
}

TEST_F(ArtifactCacheTest, WhoWaitsForAnotherCanBeStopped) {
  std::atomic<bool> goes_on = false;
  std::thread first([&] {
    const auto got = cache.get(
        cached_ref("weights"),
        [&](const stream::WriteAt& write) -> Result<void> {
          ++fills;
          while (!goes_on) std::this_thread::sleep_for(1ms);
          return write(0, as_bytes("weights"));
        },
        never);
    EXPECT_TRUE(got.ok());
  });
  EXPECT_TRUE(wait_for([&] { return fills > 0; }));
  ArtifactCache another(folder / "cache");
  const auto stopped = another.get(cached_ref("weights"), bringing("weights"), [] { return true; });
  EXPECT_EQ(stopped.error().code, ErrorCode::cancelled);
  goes_on = true;
  first.join();
}

TEST_F(ArtifactCacheTest, ADamagedFileIsFetchedAgain) {
  const auto path = get(cache, "weights")->path;
  for (const std::string damaged : {"weightz", "weight", "weights and more", ""}) {
    fs::permissions(path, fs::perms::owner_all);
    std::ofstream(path, std::ios::binary) << damaged;
    const int before = fills;
    const auto again = get(cache, "weights");
    ASSERT_TRUE(again.ok()) << again.error().message;
    EXPECT_EQ(content_of(again->path), "weights") << damaged;
    EXPECT_EQ(fills, before + 1);
  }
}

TEST_F(ArtifactCacheTest, AnotherContentIsToldAndNotKept) {
  const auto wrong = cache.get(cached_ref("weights"), bringing("weightz"), never);
  EXPECT_EQ(wrong.error().code, ErrorCode::corrupt);
  EXPECT_FALSE(wrong.error().retriable);
  EXPECT_THAT(wrong.error().message,
              AllOf(HasSubstr(sha256_hex("weights")), HasSubstr(sha256_hex("weightz")), HasSubstr("net.onnx")));
  EXPECT_TRUE(files().empty());
}

TEST_F(ArtifactCacheTest, NothingIsWrittenOutsideOfTheFile) {
  for (const auto& [at, bytes] :
       {std::pair<std::int64_t, std::string>{0, "weights!"}, {7, "!"}, {-1, "w"}, {INT64_MAX, "w"}, {INT64_MIN, "w"}}) {
    const auto refused = cache.get(
        cached_ref("weights"), [&](const stream::WriteAt& write) { return write(at, as_bytes(bytes)); }, never);
    EXPECT_EQ(refused.error().code, ErrorCode::corrupt) << at;
  }
  auto outside = cached_ref("weights");
  outside.name = "../escaped";
  EXPECT_EQ(cache.get(outside, bringing("weights"), never).error().code, ErrorCode::invalid_argument);
  EXPECT_TRUE(files().empty());
}

TEST_F(ArtifactCacheTest, WhatFailsLeavesNothingAndIsTriedAgain) {
  const auto away = cache.get(
      cached_ref("weights"),
      [](const stream::WriteAt& write) -> Result<void> {
        RIDE_TRY(write(0, as_bytes("wei")));
        return Error{ErrorCode::unavailable, "the brokers are away", true};
      },
      never);
  EXPECT_TRUE(away.error().retriable);
  EXPECT_TRUE(files().empty());
  std::ofstream(folder / "cache/.part") << "of somebody who was killed";
  EXPECT_EQ(content_of(get(cache, "weights")->path), "weights");
  EXPECT_EQ(files(), std::vector<std::string>{"net.onnx"});
}

TEST_F(ArtifactCacheTest, TheOneThatIsUnusedForLongestGoesAndNoneThatIsHeld) {
  ArtifactCache small(folder / "cache", 25);
  const std::string a(10, 'a'), b(10, 'b'), c(10, 'c');
  const auto held = get(small, a, "a");
  ASSERT_TRUE(get(small, b, "b").ok());
  using std::chrono::hours;
  const auto now = fs::file_time_type::clock::now();
  fs::last_write_time(held->path, now - hours(2));  // older, but it is held
  ASSERT_TRUE(get(small, c, "c").ok());
  EXPECT_EQ(files(), (std::vector<std::string>{"a", "c"}));
  EXPECT_EQ(content_of(held->path), a);
}

TEST_F(ArtifactCacheTest, NothingGoesBeforeSomethingOfTheNewOneHasCome) {
  ArtifactCache small(folder / "cache", 25);
  ASSERT_TRUE(get(small, std::string(20, 'a'), "a").ok());
  const auto gone = small.get(
      cached_ref(std::string(20, 'b'), "b"),
      [](const stream::WriteAt&) -> Result<void> {
        return Error{ErrorCode::not_found, "it is not in Kafka any more"};
      },
      never);
  EXPECT_EQ(gone.error().code, ErrorCode::not_found);
  EXPECT_EQ(files(), std::vector<std::string>{"a"});
  const auto nothing = small.get(
      cached_ref("b", "b"), [](const stream::WriteAt&) -> Result<void> { return {}; }, never);
  EXPECT_EQ(nothing.error().code, ErrorCode::corrupt);
}

TEST_F(ArtifactCacheTest, DifferentFilesAreFetchedAtOnce) {
  std::atomic<bool> second_is_there = false;
  const auto waits = [&](const stream::WriteAt& write) -> Result<void> {
    ++fills;
    EXPECT_TRUE(wait_for([&] { return second_is_there.load(); }));
    return write(0, as_bytes("weights"));
  };
  std::thread first([&] { EXPECT_TRUE(cache.get(cached_ref("weights"), waits, never).ok()); });
  EXPECT_TRUE(wait_for([&] { return fills > 0; }));
  ArtifactCache another(folder / "cache");
  EXPECT_TRUE(get(another, "labels", "labels.txt").ok());
  second_is_there = true;
  first.join();
  EXPECT_EQ(files(), (std::vector<std::string>{"labels.txt", "net.onnx"})) << "and no lock of theirs";
}

TEST_F(ArtifactCacheTest, WhatSomebodyWroteWhoDiedGoesAndWhatIsBeingWrittenStays) {
  const auto part_of = [&](const std::string& bytes) { return (folder / "cache") / (".part-" + sha256_hex(bytes)); };
  std::atomic<bool> goes_on = false;
  std::thread first([&] {
    const auto got = cache.get(
        cached_ref("weights"),
        [&](const stream::WriteAt& write) -> Result<void> {
          RIDE_TRY(write(0, as_bytes("wei")));
          ++fills;
          EXPECT_TRUE(wait_for([&] { return goes_on.load(); }));
          return write(3, as_bytes("ghts"));
        },
        never);
    EXPECT_TRUE(got.ok());
  });
  EXPECT_TRUE(wait_for([&] { return fills > 0; }));
  std::ofstream(part_of("of the dead")) << "of the";
  ArtifactCache another(folder / "cache");
  EXPECT_TRUE(get(another, "labels", "labels.txt").ok());
  EXPECT_FALSE(fs::exists(part_of("of the dead")));
  EXPECT_TRUE(fs::exists(part_of("weights")));
  goes_on = true;
  first.join();
}

TEST_F(ArtifactCacheTest, OfManyWhoWantTheSameOneEachHasItAndOneFetchesIt) {
  for (int round = 0; round < 20; ++round) {
    const std::string bytes = "weights " + std::to_string(round);
    const int before = fills;
    std::vector<std::thread> threads;
    std::atomic<int> right = 0;
    for (int i = 0; i < 8; ++i)
      threads.emplace_back([&] {
        ArtifactCache own(folder / "cache");
        if (const auto got = get(own, bytes); got.ok() && content_of(got->path) == bytes) ++right;
      });
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(right, 8);
    EXPECT_EQ(fills, before + 1);
  }
}

TEST_F(ArtifactCacheTest, WhereTheDiskIsFullTheOneThatIsUnusedForLongestGoes) {
  fs::create_directories(folder / "cache");
  const auto said = tasks::on_small_disk((folder / "cache").string(), 1 << 20, [&]() -> std::string {
    const std::string a(600'000, 'a'), b(600'000, 'b'), c(600'000, 'c'), d(2'000'000, 'd');
    if (!get(cache, a, "a").ok()) return "the first has no space";
    {
      const auto held = get(cache, b, "b");
      if (!held.ok()) return held.error().message;
      if (files() != std::vector<std::string>{"b"}) return "the first one is still there";
      const auto full = get(cache, c, "c");
      if (full.ok() || !full.error().retriable) return "one that is held has gone";
      if (full.error().code != ErrorCode::resource_exhausted) return full.error().message;
    }
    if (get(cache, d, "d").ok() || files() != std::vector<std::string>{"b"}) return "it went for one that never fits";
    const auto third = get(cache, c, "c");
    return third.ok() ? "good" : third.error().message;
  });
  if (said == "skip") GTEST_SKIP() << "this user may not mount";
  EXPECT_EQ(said, "good");
}

TEST_F(ArtifactCacheTest, AFolderOfAContentThatCannotBeMadeIsNamed) {
  fs::create_directories(folder / "cache");
  std::ofstream((folder / "cache") / sha256_hex("weights")) << "in the way";
  const auto got = get(cache, "weights");
  ASSERT_FALSE(got.ok());
  EXPECT_THAT(got.error().message,
              AllOf(HasSubstr(sha256_hex("weights") + " cannot be made"), HasSubstr("File exists")));
}

TEST_F(ArtifactCacheTest, AFolderThatCannotBeWrittenIsNamedWithWhatToDo) {
  std::ofstream(folder / "file") << "";
  ArtifactCache nowhere(folder / "file");
  const auto got = get(nowhere, "weights");
  ASSERT_FALSE(got.ok());
  EXPECT_THAT(got.error().message, HasSubstr((folder / "file").string()));
}

TEST(ArtifactsFolder, IsTheNamedOneElseTheUsersCache) {
  EXPECT_EQ(artifacts_folder(environment_of({{"RIDE_ARTIFACTS", "/a"}, {"HOME", "/h"}})).value(), "/a");
  EXPECT_EQ(artifacts_folder(environment_of({{"XDG_CACHE_HOME", "/x"}, {"HOME", "/h"}})).value(), "/x/ride/artifacts");
  EXPECT_EQ(artifacts_folder(environment_of({{"XDG_CACHE_HOME", "x"}, {"HOME", "/h"}})).value(),
            "/h/.cache/ride/artifacts");
  EXPECT_EQ(artifacts_folder(environment_of({})).error().code, ErrorCode::not_found);
}

// ---- a stage whose job brings a file --------------------------------------------------------------------------------

// Passes frames on, and remembers what its file holds.
class FileTask final : public tasks::Task {
 public:
  explicit FileTask(std::shared_ptr<std::string> seen) : seen_(std::move(seen)) {}
  Result<void> open(const tasks::TaskEnv& env) override {
    *seen_ = content_of(env.files.at("file"));
    return {};
  }
  Result<void> process(const Frame& frame, tasks::Emitter& out) override {
    out.emit(frame);
    return {};
  }

 private:
  std::shared_ptr<std::string> seen_;
};

class ArtifactStageTest : public StageRunnerTest {
 protected:
  void SetUp() override {
    StageRunnerTest::SetUp();
    auto type = *tasks::builtin_tasks().find("grayscale");
    type.make = [seen = seen] { return std::make_unique<FileTask>(seen); };
    task = type;
    stage.artifacts["file"] = cached_ref("weights");
  }
  bool was_said(const std::string& text) {
    const std::lock_guard lock(mutex);
    return std::any_of(notices.begin(), notices.end(), [&](const auto& one) { return one.find(text) != one.npos; });
  }

  test::TempFolder folder{"artifact-stage"};
  const std::shared_ptr<std::string> seen = std::make_shared<std::string>();
};

TEST_F(ArtifactStageTest, TheTaskOpensTheFileOnceTheBrokersAreBackAndNoFrameIsLost) {
  send(6);
  std::atomic<int> asked = 0;
  fetch = [&](const stream::ArtifactRef& ref, const stream::Stopped& stopped) -> Result<HeldArtifact> {
    if (++asked < 3) return Error{ErrorCode::unavailable, "the brokers are away", true};
    return ArtifactCache(folder / "cache")
        .get(
            ref, [](const stream::WriteAt& write) { return write(0, as_bytes("weights")); }, stopped);
  };
  auto runner = start();
  take_all(*runner);
  EXPECT_TRUE(wait_for([&] { return each_once(6); }));
  EXPECT_EQ(*seen, "weights");
  EXPECT_EQ(asked, 3) << "each partition has a task, and all of them one file";
  EXPECT_TRUE(was_said("artifact_waits: stage grey: the file of 'file': the brokers are away"));
}

TEST_F(ArtifactStageTest, AFileThatIsGoneIsAFinalErrorThatNamesIt) {
  fetch = [](const stream::ArtifactRef&, const stream::Stopped&) -> Result<HeldArtifact> {
    return Error{ErrorCode::not_found, "it is gone"};
  };
  auto runner = start();
  EXPECT_TRUE(wait_for([&] { return was_said("task_open_failed: stage grey: the file of 'file': it is gone"); }));
  EXPECT_FALSE(runner->stats().warm);
}

TEST_F(ArtifactStageTest, AFiniteJobDoesNotWaitForEverForItsFile) {
  finite = true;
  fetch_patience = 300ms;
  fetch = [](const stream::ArtifactRef&, const stream::Stopped&) -> Result<HeldArtifact> {
    return Error{ErrorCode::resource_exhausted, "the disk is full", true};
  };
  auto runner = start();
  EXPECT_TRUE(wait_for([&] { return was_said("artifact_waits: stage grey: the file of 'file': the disk is full"); }));
  EXPECT_TRUE(wait_for(
      [&] { return was_said("task_open_failed: stage grey: the file of 'file': the disk is full (for 300ms)"); }));
  EXPECT_FALSE(runner->stats().warm);
}

TEST_F(ArtifactStageTest, WhoFetchesIsStoppedWithTheStage) {
  std::atomic<bool> begun = false;
  fetch = [&](const stream::ArtifactRef&, const stream::Stopped& stopped) -> Result<HeldArtifact> {
    begun = true;
    while (!stopped()) std::this_thread::sleep_for(1ms);
    return Error{ErrorCode::cancelled, "stopped"};
  };
  auto runner = start();
  EXPECT_TRUE(wait_for([&] { return begun.load(); }));
  runner.reset();
  EXPECT_FALSE(was_said("task_open_failed"));
}

}  // namespace
}  // namespace ride::worker
