// The data plane of a stage against the in-memory log: real threads, real tasks, no Kafka. The fixture is shared by the
// tests of adopted topics, of tasks from outside, and of records that strangers write.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <opencv2/core.hpp>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "stream/core/dead_letter.h"
#include "stream/frame_writer.h"
#include "stream/memory/memory_log.h"
#include "worker/stage_runner.h"

namespace ride::worker {

using namespace std::chrono_literals;
using stream::MemoryLog;
using stream::TopicPartition;

inline bool wait_for(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(2ms);
  }
  return true;
}

using ProcessBody = std::function<Result<void>(const Frame&, tasks::Emitter&)>;

// A task whose process() is the function.
class GivenTask final : public tasks::Task {
 public:
  explicit GivenTask(ProcessBody body) : body_(std::move(body)) {}
  Result<void> open(const tasks::TaskEnv&) override { return {}; }
  Result<void> process(const Frame& frame, tasks::Emitter& out) override { return body_(frame, out); }

 private:
  ProcessBody body_;
};

// Declared as `grayscale`, which takes no parameters.
inline tasks::TaskType task_that(ProcessBody body) {
  auto type = *tasks::builtin_tasks().find("grayscale");
  type.make = [body] { return std::make_unique<GivenTask>(body); };
  return type;
}

class StageRunnerTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(log->admin()->create({"in", 2, 1, {}}).ok());
    ASSERT_TRUE(log->admin()->create({"out", 3, 1, {}}).ok());
    ASSERT_TRUE(log->admin()->create({"in.dead", 1, 1, {}}).ok());
    stage.name = "grey";
    stage.topic = "in";
    stage.partitions = 2;
    stage.group_id = "ride.job.1.grey";
    stage.upstreams = {{"cam", 1, true}};
    stage.task = "grayscale";
    stage.outputs = {{.to = "next", .topic = "out", .partitions = 3}};
    for (int p = 0; p < 2; ++p)
      ASSERT_TRUE(log->commits()->commit(stage.group_id, {{{"in", PartitionId{p}}, {Offset{0}, ""}}}).ok());
  }

  void send(int count, int first = 0, bool end = false) {
    auto writer = log->writer();
    stream::FrameSetWriter frames(*writer, {.job = "job",
                                            .run = RunNumber{1},
                                            .source = "cam",
                                            .writer = "p",
                                            .outputs = {{.to = "grey", .topic = "in", .partitions = 2}},
                                            .default_codec = ""});
    for (int n = first; n < first + count; ++n) {
      Frame frame;
      frame.id = {"cam", SessionId{1}, n};
      frame.image = cv::Mat(10, 10, CV_8UC3, cv::Scalar::all(n % 256));
      ASSERT_TRUE(frames.write(frame, {}).ok());
    }
    if (end) {
      ASSERT_TRUE(frames.write_end(SessionId{1}, first + count, SystemTime{}, {}).ok());
    }
    ASSERT_TRUE(frames.flush(5s).ok());
  }

  std::unique_ptr<StageRunner> start() {
    StageRunner::Config config;
    config.job = JobName{"job"};
    config.run = RunNumber{1};
    config.stage = stage;
    config.worker = WorkerId{"w#" + std::to_string(++incarnations)};
    if (task)
      config.task = *task;
    else if (const auto* builtin = tasks::builtin_tasks().find(stage.task))
      config.task = *builtin;
    config.note = note;
    config.fetch = fetch;
    config.finite = finite;
    config.fetch_patience = fetch_patience;
    if (held_bytes > 0) config.held_bytes = held_bytes;
    if (write_queue_bytes > 0) config.write_queue_bytes = write_queue_bytes;
    config.space_patience = 200ms;
    config.checks_sessions = checks_sessions;
    StagePorts ports{make_reader(),
                     make_writer(),
                     make_commits(),
                     [](const TopicPartition&) { return std::nullopt; },
                     {},
                     [log = log](const TopicPartition& at) { return log->admin()->range(at); }};
    return std::make_unique<StageRunner>(
        std::move(config), std::move(ports),
        [this](stream::Severity, const std::string& code, const std::string& text, bool) {
          const std::lock_guard lock(mutex);
          notices.push_back(code + ": " + text);
        },
        [this](PartitionId partition) {
          const std::lock_guard lock(mutex);
          released.insert(partition);
        });
  }
  // As anybody may write them.
  void write(int partition, const stream::Headers& headers, std::size_t bytes = 100) {
    auto writer = log->writer();
    const auto value = std::make_shared<std::vector<std::uint8_t>>(bytes, 7);
    ASSERT_TRUE(writer->send({"in", PartitionId{partition}}, {"", headers, *value, value}, [](const auto&) {}).ok());
    ASSERT_TRUE(writer->flush(5s).ok());
  }
  static stream::Headers forged(std::int64_t session, std::int64_t number, const std::string& part = "1/1",
                                const std::string& chunk = "") {
    const auto key = std::to_string(session) + "." + std::to_string(number);
    stream::Headers headers = {{"ce_type", "ride.frame"},
                               {"ride_format", "1"},
                               {"ride_origin", "cam/0/" + key + "/1"},
                               {"ce_id", "cam/" + std::to_string(session) + "/" + std::to_string(number)},
                               {"ride_part", part},
                               {"ride_writer", "evil"}};
    if (!chunk.empty()) headers.emplace_back("ride_chunk", chunk);
    return headers;
  }
  void take_all(StageRunner& runner, std::int64_t epoch = 1) {
    for (int p = 0; p < 2; ++p) ASSERT_TRUE(runner.assign(PartitionId{p}, Epoch{epoch}).ok());
  }

  // What a reader of `out` counts, by id; ends per partition.
  std::map<std::string, int> counted() {
    std::map<std::string, int> numbers;
    ends = 0;
    for (int p = 0; p < 3; ++p) {
      stream::SetAssembler assembler({{"out", PartitionId{p}}, "job", {{"grey", 2}}, {}}, {});
      for (const auto& record : log->records({"out", PartitionId{p}})) {
        auto step = assembler.add(record.offset, record.timestamp, record.headers, {record.value, nullptr});
        if (step.all_ended) ++ends;
        if (step.accepted && step.accepted->kind != stream::RecordKind::end)
          ++numbers[to_string(step.accepted->header.id)];
      }
    }
    return numbers;
  }
  bool each_once(int count) {
    const auto numbers = counted();
    if (static_cast<int>(numbers.size()) != count) return false;
    for (const auto& [number, times] : numbers)
      if (times != 1) return false;
    return true;
  }
  // What lies in the dead topic, as a person would see it.
  std::vector<stream::DeathNotice> dead() {
    std::vector<stream::DeathNotice> notices;
    for (const auto& record : log->records({"in.dead", PartitionId{0}}))
      notices.push_back(stream::decode_death(record.headers).value());
    return notices;
  }
  Offset committed(int partition) {
    const TopicPartition at{"in", PartitionId{partition}};
    return log->commits()->committed(stage.group_id, {at}).value().at(at)->offset;
  }
  bool has_notice(const std::string& code) {
    const std::lock_guard lock(mutex);
    return std::any_of(notices.begin(), notices.end(), [&](const auto& one) { return one.starts_with(code); });
  }

  std::shared_ptr<MemoryLog> log = MemoryLog::make();
  stream::StageSpec stage;
  std::optional<tasks::TaskType> task;  // absent: the built-in one of the stage
  CrashNote* note = nullptr;
  FetchArtifact fetch;
  bool finite = false;
  std::chrono::milliseconds fetch_patience{60'000};
  std::int64_t held_bytes = 0, write_queue_bytes = 0;  // 0: as by default
  bool checks_sessions = false;
  std::function<std::shared_ptr<stream::RecordReader>()> make_reader = [this] { return log->reader(); };
  std::function<std::shared_ptr<stream::RecordWriter>()> make_writer = [this] { return log->writer(); };
  std::function<std::shared_ptr<stream::CommitStore>()> make_commits = [this] { return log->commits(); };
  int incarnations = 0, ends = 0;
  std::mutex mutex;
  std::vector<std::string> notices;
  std::set<PartitionId> released;
};

}  // namespace ride::worker
