// Submits and prunes at once: whatever comes between, what a submit was given is there, and what is damaged is shipped
// anew.
#include "stream/artifact_ship.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/fmt/fmt.h>

#include "common/sha256.h"
#include "stream/memory/memory_log.h"

namespace ride::stream {
namespace {

using std::chrono::hours;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr const char* kShipTopic = "ride.artifacts";

// What is done, step by step: each record that is sent, and each time that a partition is read from its beginning.
// Before the step of this number somebody else has his turn, or all fails from there on.
struct Steps {
  int count = 0;
  int turn_at = -1, fails_at = -1;
  std::function<void()> turn;

  Result<void> next() {
    const int step = count++;
    if (step == turn_at) std::exchange(turn, nullptr)();
    if (fails_at >= 0 && step >= fails_at) return Error{ErrorCode::unavailable, "the machine lost its power"};
    return {};
  }
};

class SteppedWriter final : public RecordWriter {
 public:
  SteppedWriter(std::unique_ptr<RecordWriter> inner, Steps& steps) : inner_(std::move(inner)), steps_(steps) {}
  Result<void> send(const TopicPartition& to, OutRecord record, Delivered done) override {
    RIDE_TRY(steps_.next());
    return inner_->send(to, std::move(record), std::move(done));
  }
  void serve(std::chrono::milliseconds timeout) override { inner_->serve(timeout); }
  Result<void> flush(std::chrono::milliseconds timeout) override { return inner_->flush(timeout); }

 private:
  std::unique_ptr<RecordWriter> inner_;
  Steps& steps_;
};

// Records of the index before `old_before` are from two hours before.
class AgedReader final : public RecordReader {
 public:
  AgedReader(std::unique_ptr<RecordReader> inner, std::int64_t old_before, Steps& steps)
      : inner_(std::move(inner)), old_before_(old_before), steps_(steps) {}
  Result<void> assign(const TopicPartition& at, Offset start) override {
    RIDE_TRY(steps_.next());
    return inner_->assign(at, start);
  }
  void unassign(const TopicPartition& at) override { inner_->unassign(at); }
  Result<std::optional<Record>> poll(std::chrono::milliseconds timeout) override {
    auto record = inner_->poll(timeout);
    if (record.ok() && *record && (*record)->at == artifact_index(kShipTopic) && (*record)->offset.value < old_before_)
      (*record)->timestamp -= hours(2);
    return record;
  }
  std::optional<Offset> at_end(const TopicPartition& at) const override { return inner_->at_end(at); }

 private:
  std::unique_ptr<RecordReader> inner_;
  std::int64_t old_before_;
  Steps& steps_;
};

class ArtifactShipTest : public ::testing::Test {
 protected:
  void SetUp() override { begin_anew(); }

  void begin_anew() {
    log = MemoryLog::make();
    ASSERT_TRUE(log->admin()->create({kShipTopic, kArtifactPartitions, 1, {}}).ok());
    old_before = 0;
    said.clear();
  }

  LocalArtifact file() const {
    return {{.name = "net.onnx",
             .sha256 = sha256_hex(bytes),
             .size = static_cast<std::int64_t>(bytes.size()),
             .upload = "0000000000000000",
             .offset = 0},
            "/home/me/net.onnx",
            [this](std::int64_t at, std::size_t size) -> Result<std::shared_ptr<const std::string>> {
              return std::make_shared<const std::string>(bytes.substr(static_cast<std::size_t>(at), size));
            }};
  }
  template <class Act>
  auto with_ports(Steps& steps, Act act) {
    AgedReader reader(log->reader(), old_before, steps);
    SteppedWriter writer(log->writer(), steps);
    const auto admin = log->admin();
    return act(ArtifactPorts{reader, *admin, writer, kShipTopic});
  }
  Result<ArtifactRef> submit(Steps& steps, std::set<std::string> trusted = {}) {
    const ShipOptions options{.trusted = std::move(trusted),
                              .new_upload = [this] { return fmt::format("{:016x}", ++uploads); },
                              .say = [this](const std::string& text) { said.push_back(text); }};
    auto placed =
        with_ports(steps, [&](const ArtifactPorts& ports) { return ship_artifacts(ports, {file()}, options, never); });
    if (!placed.ok()) return placed.error();
    return placed->at(file().ref.sha256);
  }
  ArtifactRef submit() {
    Steps steps;
    return submit(steps).value();
  }
  Result<Pruned> prune(Steps& steps, const std::vector<ArtifactRef>& refs, const AskUses& uses) {
    return with_ports(steps,
                      [&](const ArtifactPorts& ports) { return prune_artifacts(ports, refs, hours(1), uses, never); });
  }
  Pruned prune(const std::vector<ArtifactRef>& refs) {
    Steps steps;
    return prune(steps, refs, nobody).value();
  }
  ArtifactIndex index() {
    Steps steps;
    return with_ports(steps, [&](const ArtifactPorts& ports) {
      return read_artifact_index(ports.reader, ports.admin, kShipTopic, never).value();
    });
  }
  // All that stands in the index now was named two hours ago.
  void let_two_hours_pass() { old_before = log->admin()->range(artifact_index(kShipTopic))->end.value; }

  // It is in the index, all of it is in the log, and nothing of it is deleted, now or when the broker compacts.
  void expect_is_there(const ArtifactRef& ref) {
    EXPECT_TRUE(index().stands(ref));
    for (const auto& record : log->records(artifact_chunks(kShipTopic)))
      EXPECT_FALSE(record.value.empty() && chunk_of(ref, record.key)) << record.key;
    std::string got(bytes.size(), '\0');
    const auto reader = log->reader();
    const auto admin = log->admin();
    const auto write = [&](std::int64_t at, std::span<const std::uint8_t> part) -> Result<void> {
      std::copy(part.begin(), part.end(), got.begin() + at);
      return {};
    };
    EXPECT_TRUE(download_artifact(*reader, *admin, kShipTopic, ref, write, never).ok());
    EXPECT_EQ(got, bytes);
  }

  const Stopped never = [] { return false; };
  const AskUses nobody = []() -> Result<std::set<std::string>> { return std::set<std::string>(); };
  const std::string bytes = std::string(static_cast<std::size_t>(kArtifactChunkBytes), 'a') + "the rest";
  std::shared_ptr<MemoryLog> log;
  std::int64_t old_before = 0;
  std::uint64_t uploads = 0;
  std::vector<std::string> said;
};

TEST_F(ArtifactShipTest, WhatIsThereIsNotShippedAgainAndIsNamedAgain) {
  const auto first = submit();
  EXPECT_THAT(said, ElementsAre(HasSubstr("ships /home/me/net.onnx")));
  let_two_hours_pass();
  EXPECT_EQ(submit(), first);
  EXPECT_EQ(said.size(), 1U);
  const auto pruned = prune({first});
  EXPECT_TRUE(pruned.removed.empty());
  EXPECT_THAT(pruned.kept, ElementsAre(first)) << "a submit named it a moment ago";
  expect_is_there(first);
}

TEST_F(ArtifactShipTest, APruneRemovesWhatNobodyNamedForAnHourAndTheNextSubmitShipsIt) {
  const auto first = submit();
  let_two_hours_pass();
  EXPECT_THAT(prune({first}).removed, ElementsAre(first));
  EXPECT_TRUE(index().uploads().empty());
  const auto second = submit();
  EXPECT_NE(second.upload, first.upload);
  expect_is_there(second);
}

TEST_F(ArtifactShipTest, WhatAJobUsesIsRestored) {
  const auto first = submit();
  let_two_hours_pass();
  Steps steps;
  const auto pruned = prune(
      steps, {first}, [&]() -> Result<std::set<std::string>> { return std::set<std::string>{upload_key(first)}; });
  EXPECT_THAT(pruned->kept, ElementsAre(first));
  expect_is_there(first);
}

// Records of others come first, and are taken first: they are what workers would read.
TEST_F(ArtifactShipTest, WhatIsDamagedIsShippedAnew) {
  const auto damage = [&](auto how) {
    begin_anew();
    const auto first = submit();
    const auto records = log->records(artifact_chunks(kShipTopic));
    // The same index, and other chunks under it.
    const auto index_records = log->records(artifact_index(kShipTopic));
    log = MemoryLog::make();
    ASSERT_TRUE(log->admin()->create({kShipTopic, kArtifactPartitions, 1, {}}).ok());
    const auto writer = log->writer();
    const auto put = [&](const TopicPartition& to, const std::string& key, std::span<const std::uint8_t> value) {
      ASSERT_TRUE(writer->send(to, {.key = key, .value = value}, [](const auto&) {}).ok());
      ASSERT_TRUE(writer->flush(std::chrono::seconds(5)).ok());
    };
    for (const auto& record : index_records) put(record.at, record.key, record.value);
    how(records, put);
    const auto again = submit();
    EXPECT_NE(again.upload, first.upload);
    EXPECT_THAT(said.back(), HasSubstr("what Kafka holds is damaged: ships /home/me/net.onnx"));
    expect_is_there(again);
    EXPECT_EQ(submit(), again) << "the damaged one is not asked for any more";
  };
  const auto filler = std::vector<std::uint8_t>(10, 'x');
  const auto chunks = artifact_chunks(kShipTopic);
  damage([&](const auto& all, auto put) {  // its end is missing
    put(chunks, all[0].key, all[0].value);
  });
  damage([&](const auto& all, auto put) {  // its beginning is missing
    put(chunks, "other", filler);
    put(chunks, all[1].key, all[1].value);
  });
  damage([&](const auto& all, auto put) {  // other bytes
    put(chunks, all[0].key, all[0].value);
    put(chunks, all[1].key, std::vector<std::uint8_t>(all[1].value.size(), 'x'));
  });
  damage([&](const auto& all, auto put) {  // another size
    put(chunks, all[0].key, all[0].value);
    put(chunks, all[1].key, filler);
    put(chunks, all[1].key, all[1].value);
  });
  damage([&](const auto& all, auto put) {  // deleted
    put(chunks, all[0].key, all[0].value);
    put(chunks, all[1].key, {});
  });
}

TEST_F(ArtifactShipTest, WhatTheJobItselfReliesOnIsNotRead) {
  const auto first = submit();
  Steps read_all, trusts;
  EXPECT_EQ(submit(read_all).value(), first);
  EXPECT_EQ(submit(trusts, {upload_key(first)}).value(), first);
  EXPECT_EQ(trusts.count, read_all.count - 1);
}

// At every point of a submit a whole prune comes between, and at every point of a prune a whole submit.
TEST_F(ArtifactShipTest, WhateverComesBetweenWhatASubmitWasGivenIsThere) {
  bool more = true;
  int kept = 0, shipped_again = 0;
  for (int at = 0; more; ++at) {
    begin_anew();
    const auto old = submit();
    let_two_hours_pass();
    Steps steps;
    steps.turn_at = at;
    steps.turn = [&] { prune({old}); };
    const auto given = submit(steps);
    ASSERT_TRUE(given.ok()) << given.error().message;
    SCOPED_TRACE(fmt::format("a prune before step {} of the submit", at));
    expect_is_there(*given);
    ++(*given == old ? kept : shipped_again);
    more = at < steps.count;
  }
  for (int at = 0, steps_of_prune = 1; at < steps_of_prune; ++at) {
    begin_anew();
    const auto old = submit();
    let_two_hours_pass();
    Steps steps;
    steps.turn_at = at;
    std::optional<ArtifactRef> given;
    steps.turn = [&] { given = submit(); };
    ASSERT_TRUE(prune(steps, {old}, nobody).ok());
    SCOPED_TRACE(fmt::format("a submit before step {} of the prune", at));
    ASSERT_TRUE(given);
    expect_is_there(*given);
    ++(*given == old ? kept : shipped_again);
    steps_of_prune = steps.count;
  }
  EXPECT_GT(kept, 0) << "or the test shows nothing";
  EXPECT_GT(shipped_again, 2) << "or the test shows nothing";
}

TEST_F(ArtifactShipTest, APruneThatBrokeOffAnywhereLeavesNothingThatASubmitWouldRelyOn) {
  for (int at = 0;; ++at) {
    begin_anew();
    const auto old = submit();
    let_two_hours_pass();
    Steps steps;
    steps.fails_at = at;
    const bool done = prune(steps, {old}, nobody).ok();
    SCOPED_TRACE(fmt::format("the prune breaks off before step {}", at));
    expect_is_there(submit());
    if (done) break;
    Steps again;
    if (index().uploads().contains(upload_key(old))) {
      EXPECT_EQ(prune(again, {old}, nobody).value().removed.size(), at == 0 ? 0U : 1U) << "the next prune goes on";
    }
  }
}

TEST_F(ArtifactShipTest, ASubmitThatIsAlwaysPrunedSaysSo) {
  Steps steps;
  steps.turn_at = 0;
  steps.turn = [] {};
  const ShipOptions options{.trusted = {},
                            .new_upload = [this] { return fmt::format("{:016x}", ++uploads); },
                            .say = [](const std::string&) {}};
  const auto placed = with_ports(steps, [&](const ArtifactPorts& ports) {
    auto local = file();
    // Whatever is uploaded is withdrawn before it is complete.
    local.read = [&, read = local.read](std::int64_t begin, std::size_t size) {
      auto ref = file().ref;
      ref.upload = fmt::format("{:016x}", uploads);
      EXPECT_TRUE(withdraw_artifact(*log->writer(), kShipTopic, ref, never).ok());
      return read(begin, size);
    };
    return ship_artifacts(ports, {local}, options, never);
  });
  ASSERT_FALSE(placed.ok());
  EXPECT_THAT(placed.error().message, HasSubstr("ride artifacts prune"));
}

}  // namespace
}  // namespace ride::stream
