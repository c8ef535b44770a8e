#include "test_runner/stage_chain.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <opencv2/core/utility.hpp>

#include "common/check.h"
#include "common/source_file.h"
#include "producer/source_request.h"
#include "stream/core/set.h"
#include "stream/frame_codec.h"
#include "stream/frame_header.h"
#include "stream/frame_writer.h"
#include "worker/open_task.h"

namespace ride::test_runner {
namespace {

constexpr std::int64_t kPoolBytes = 128 << 20;
constexpr std::int64_t kMostHeld = std::int64_t{1} << 48;  // of unfinished pictures: nothing could be read again
constexpr const char* kWriter = "test@1";
const RunNumber kTestRun{1};

// A source's records, kept to be read at once.
class Records : public stream::RecordWriter {
 public:
  Result<void> send(const stream::TopicPartition&, stream::OutRecord record, Delivered done) override {
    sent.push_back(std::move(record));
    done(Offset{0});
    return {};
  }
  void serve(std::chrono::milliseconds) override {}
  Result<void> flush(std::chrono::milliseconds) override { return {}; }

  std::vector<stream::OutRecord> sent;
};

stream::SetAssembler assembler_of(const stream::StageSpec& stage, const std::string& job) {
  return {{.at = {stage.topic, PartitionId{0}},
           .job = job,
           .upstreams = stage.upstreams,
           .adopt = stage.adopt,
           .run = kTestRun},
          {}};
}

stream::SetAssembler behind_the_last(const ChainPlan& plan) {
  return {{.at = {kKept, PartitionId{0}},
           .job = plan.job.job.value,
           .upstreams = {{.name = plan.stages.back().name, .partitions = 1}},
           .run = kTestRun},
          {}};
}

topology::TestOutcome outcome_of(stream::Outcome outcome) {
  switch (outcome) {
    case stream::Outcome::filtered:
      return topology::TestOutcome::filtered;
    case stream::Outcome::dropped:
      return topology::TestOutcome::dropped;
    case stream::Outcome::dead:
      return topology::TestOutcome::dead;
  }
  return topology::TestOutcome::dead;
}

stream::FrameSetWriter writer_of(const ChainPlan& plan, Records& records, const std::string& codec) {
  return {records,
          {.job = plan.job.job.value,
           .run = kTestRun,
           .source = plan.feed.name,
           .writer = kWriter,
           .outputs = plan.feed.outputs,
           .default_codec = codec,
           .max_message_bytes = plan.feed.max_message_bytes}};
}

// Who stands for the stage before the first one: its frames are named by the offsets of its own input.
stream::SetIdentity identity_of(const ChainPlan& plan, stream::OriginKey key) {
  return {plan.job.job.value, plan.feed.name, kWriter, stream::Origin{{plan.feed.name, PartitionId{0}}, key, kTestRun}};
}

Result<std::vector<stream::OutRecord>> stage_records(const ChainPlan& plan, const Frame& frame, std::int64_t offset) {
  RIDE_ASSIGN(auto content, stream::content_for(frame, plan.feed.outputs.front().codec));
  std::vector<stream::SetFrame> frames;
  frames.push_back({stream::header_for(frame, content), content.payload});
  return stream::make_frame_set(identity_of(plan, {offset, 0}), std::move(frames),
                                stream::chunk_limits(plan.feed.max_message_bytes));
}

// A record of a topic that others write: the picture alone.
Result<stream::OutRecord> foreign_record(const Frame& frame, const std::string& codec) {
  const bool plain = codec.empty() && !frame.encoded;  // read by its first bytes: it must be a JPEG or a PNG
  RIDE_ASSIGN(const auto content, stream::content_for(frame, plain ? "png" : codec));
  return stream::OutRecord{.value = content.payload.bytes, .owner = content.payload.owner};
}

}  // namespace

StageChain::StageChain(const ChainPlan& plan)
    : plan_(plan), feed_codec_(producer::default_codec(plan.feed)), pool_(kPoolBytes), kept_(behind_the_last(plan)) {
  for (const auto& stage : plan.stages)
    links_.push_back({.stage = stage, .assembler = assembler_of(stage, plan.job.job.value)});
}

StageChain::~StageChain() {
  for (Link& link : links_)
    if (link.task) link.task->close();
}

Result<void> StageChain::open(const tasks::TaskRegistry& registry) {
  for (Link& link : links_) {
    const auto* type = registry.find(link.stage.task);
    cv::setNumThreads(worker::threads_of(link.stage));
    RIDE_ASSIGN(link.task, worker::open_task(type == nullptr ? tasks::TaskType{} : *type, link.stage,
                                             {plan_.job.job, kTestRun, kWriter, {}}));
    worker::SetProcessor::Config config{link.stage, plan_.job.job.value, kTestRun, PartitionId{0}, kWriter};
    if (!type->declaration.outputs.empty()) config.default_port = type->declaration.outputs.front();
    config.now = [this] { return now_; };
    config.tiles = type->declaration.tiles;
    if (config.tiles == TileRole::joins) link.gather.emplace(worker::TileGather::Limits{.bytes = kMostHeld});
    link.processor = std::make_unique<worker::SetProcessor>(std::move(config), *link.task, pool_);
  }
  return {};
}

Result<void> StageChain::put(const Frame& frame) {
  now_ = frame.captured_at;
  last_in_ = frame.id;
  out_before_last_ = frames_out_;
  if (links_.front().stage.adopt) {
    RIDE_ASSIGN(auto record, adopted_record(frame));
    if (record.headers.empty()) last_in_ = {links_.front().stage.topic, SessionId{0}, links_.front().next};
    std::vector<stream::OutRecord> records;
    records.push_back(std::move(record));
    return take(0, records);
  }
  if (!plan_.is_source) {
    RIDE_ASSIGN(auto records, stage_records(plan_, frame, fed_++));
    return take(0, records);
  }
  Records records;
  auto writer = writer_of(plan_, records, feed_codec_);
  RIDE_TRY(writer.write(frame, [](const Result<void>&) {}));
  return take(0, records.sent);
}

// Of somebody who writes pictures and nothing else; where the frame has attributes, of another job of RIDE's.
Result<stream::OutRecord> StageChain::adopted_record(const Frame& frame) const {
  auto attributes = frame.attributes;
  attributes.erase(kSourceFileAttribute);  // of the file that the picture was read from
  const auto& codec = plan_.feed.outputs.front().codec;
  if (attributes.empty()) return foreign_record(frame, codec);
  RIDE_ASSIGN(const auto content, stream::content_for(frame, codec));
  auto header = stream::header_for(frame, content);
  header.attributes = std::move(attributes);
  header.job = "others";
  header.origin = {{frame.id.source, PartitionId{0}}, {links_.front().next, 0}, kTestRun};
  return stream::OutRecord{
      .headers = stream::encode_header(header), .value = content.payload.bytes, .owner = content.payload.owner};
}

Result<void> StageChain::end() {
  Link& first = links_.front();
  if (first.stage.adopt) return run(0, *first.assembler.end_at(Offset{first.next}, now_).accepted);
  if (!plan_.is_source) return take(0, stream::make_end_set(identity_of(plan_, {fed_, 1}), last_in_, now_));
  Records records;
  auto writer = writer_of(plan_, records, feed_codec_);
  RIDE_TRY(writer.write_end(last_in_.session, last_in_.number + 1, now_, [](const Result<void>&) {}));
  return take(0, records.sent);
}

Result<void> StageChain::take(std::size_t link, const std::vector<stream::OutRecord>& records) {
  for (const auto& record : records) {
    if (link == links_.size()) {
      RIDE_TRY(keep(record));
      continue;
    }
    Link& here = links_[link];
    const Offset offset{here.next++};
    auto step = here.assembler.add(offset, now_, record.headers, {record.value, record.owner});
    RIDE_CHECK(!step.doubt, "an origin of a test is in doubt");
    // A record that is refused has its outcome, as in a worker: dead, with the reason.
    if (!step.accepted && step.problem)
      return Error{step.problem->code,
                   fmt::format("stage {} refuses the frame: {}", here.stage.name, step.problem->message)};
    if (here.gather) here.gather->take(offset, now_, step);
    RIDE_TRY(run_step(link, step));
  }
  return {};
}

// Of a merge: what of it waits for other tiles, and what it ends beside itself.
Result<void> StageChain::run_step(std::size_t link, const stream::AssemblyStep& step) {
  for (const auto& ended : step.overdue) RIDE_TRY(run(link, ended));
  if (!step.accepted || step.held || step.accepted->late_for) return {};
  return run(link, *step.accepted);
}

Result<void> StageChain::run(std::size_t link, const stream::AcceptedSet& set) {
  Link& here = links_[link];
  // Of the process: in a worker it is of the one stage that it has.
  cv::setNumThreads(worker::threads_of(here.stage));
  auto processed = here.processor->process(set);
  if (!processed.ok())
    return Error{processed.error().code, fmt::format("stage {} would wait with frame {}: {}", here.stage.name,
                                                     to_string(set.header.id), processed.error().message)};
  if (processed->dead_reason) {
    if (processed->is_end)
      return Error{ErrorCode::internal, fmt::format("stage {}: {}", here.stage.name, *processed->dead_reason)};
    fates_[set.header.id].stage = here.stage.name;
  }
  for (auto* sets : {&processed->sets, &processed->end_sets})
    for (const auto& next : *sets)
      if (next.to.topic == here.stage.outputs.front().topic) RIDE_TRY(take(link + 1, next.records));
  return {};
}

// As a reader of the topic gets it.
Result<void> StageChain::keep(const stream::OutRecord& record) {
  const auto step = kept_.add(Offset{next_kept_++}, now_, record.headers, {record.value, record.owner});
  if (!step.accepted) return {};
  const auto& set = *step.accepted;
  if (set.kind == stream::RecordKind::outcome) {
    Fate& fate = fates_[set.header.id];
    fate.outcome = outcome_of(set.header.outcome);
    fate.reason = set.header.reason;
  }
  for (const auto& whole : set.frames) {
    RIDE_ASSIGN(auto frame, stream::to_frame(whole, std::nullopt, links_.back().stage.max_pixels));
    fates_[frame.id].outcome = topology::TestOutcome::passed;
    ++frames_out_;
    last_out_ = std::move(frame);
  }
  return {};
}

Fate StageChain::fate_of(const FrameId& id) const {
  const auto adopted = links_.front().stage.adopt ? last_in_ : id;
  const auto found = fates_.find(adopted);
  return found == fates_.end() ? Fate{} : found->second;
}

}  // namespace ride::test_runner
