#include "stream/frame_writer.h"

#include <map>

#include "stream/frame_header.h"

namespace ride::stream {

FrameSetWriter::FrameSetWriter(RecordWriter& writer, Config config) : config_(std::move(config)), queue_(writer) {}

SetIdentity FrameSetWriter::identity(SessionId session, std::int64_t number) const {
  return {config_.job, config_.source, config_.writer,
          Origin{{config_.source, PartitionId{0}}, {session.value, number}, config_.run}};
}

// One callback for several sets: called with the last of them.
FrameSetWriter::Done FrameSetWriter::shared_between(std::size_t parts, Done done) const {
  if (parts <= 1 || !done) return done;
  struct State {
    std::size_t left;
    Result<void> result;
  };
  auto state = std::make_shared<State>(State{parts, {}});
  return [state, done = std::move(done)](const Result<void>& result) {
    if (!result.ok() && state->result.ok()) state->result = result;
    if (--state->left == 0) done(state->result);
  };
}

Result<void> FrameSetWriter::write(const Frame& frame, Done done) {
  if (queue_.bytes() > 0 && queue_.bytes() >= config_.queue_bytes)
    return Error{ErrorCode::resource_exhausted, "frames are made faster than Kafka takes them", true};
  const auto limits = chunk_limits(config_.max_message_bytes);
  std::map<std::string, Content> contents;  // one encoding for all outputs that want the same
  for (const auto& output : config_.outputs) {
    const auto& codec = output.codec.empty() ? config_.default_codec : output.codec;
    if (contents.contains(codec)) continue;
    RIDE_ASSIGN(auto content, content_for(frame, codec));
    contents.emplace(codec, std::move(content));
  }
  done = shared_between(config_.outputs.size(), std::move(done));
  for (const auto& output : config_.outputs) {
    const auto& content = contents.at(output.codec.empty() ? config_.default_codec : output.codec);
    std::vector<SetFrame> frames;
    frames.push_back({header_for(frame, content), content.payload});
    queue_.add({output.topic, home_partition(frame.id, output.partition_by, output.partitions)},
               make_frame_set(identity(frame.id.session, frame.id.number), std::move(frames), limits), done);
  }
  return queue_.pump(std::chrono::milliseconds(0));
}

Result<void> FrameSetWriter::write_outcome(const FrameId& id, SystemTime at, Outcome outcome, const std::string& reason,
                                           Done done) {
  done = shared_between(config_.outputs.size(), std::move(done));
  for (const auto& output : config_.outputs) {
    RecordHeader header;
    header.id = id;
    header.captured_at = at;
    queue_.add({output.topic, home_partition(id, output.partition_by, output.partitions)},
               make_outcome_set(identity(id.session, id.number), std::move(header), outcome, reason), done);
  }
  return queue_.pump(std::chrono::milliseconds(0));
}

Result<void> FrameSetWriter::write_end(SessionId session, std::int64_t next, SystemTime at, Done done) {
  std::size_t partitions = 0;
  for (const auto& output : config_.outputs) partitions += static_cast<std::size_t>(output.partitions);
  done = shared_between(partitions, std::move(done));
  for (const auto& output : config_.outputs)
    for (int p = 0; p < output.partitions; ++p)
      queue_.add({output.topic, PartitionId{p}},
                 make_end_set(identity(session, next), FrameId{config_.source, session, next}, at), done);
  return queue_.pump(std::chrono::milliseconds(0));
}

Result<void> FrameSetWriter::flush(std::chrono::milliseconds timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  while (!queue_.idle()) {
    RIDE_TRY(queue_.pump(std::chrono::milliseconds(20)));
    if (std::chrono::steady_clock::now() >= deadline)
      return Error{ErrorCode::timeout, "not all frames were acknowledged in time", true};
  }
  return {};
}

}  // namespace ride::stream
