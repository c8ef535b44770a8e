#include "producer/outgoing.h"

#include <spdlog/fmt/fmt.h>

#include "producer/source_request.h"

namespace ride::producer {

Outgoing::Outgoing(const stream::JobSpec& job, const stream::SourceSpec& source, SessionId session,
                   std::string incarnation, SharedBudget& budget, Acknowledged acknowledged)
    : job_(job),
      source_(source),
      session_(session),
      incarnation_(std::move(incarnation)),
      budget_(budget),
      account_(fmt::format("{}/{}/{}/{}", job.job.value, job.run.value, source.name, session.value)),
      acknowledged_(std::move(acknowledged)) {
  budget_.join(account_);
}

Outgoing::~Outgoing() {
  acknowledged_ = nullptr;
  sets_.reset();
  writer_ = {};
  budget_.leave(account_);
}

Result<void> Outgoing::open(LogAccess& log) {
  std::vector<std::string> topics;
  for (const stream::OutputSpec& output : source_.outputs) topics.push_back(output.topic);
  auto opened = log.writer(topics, budget_.limit());
  if (!opened) return opened.error();
  writer_ = std::move(*opened);
  sets_ = std::make_unique<stream::FrameSetWriter>(*writer_.writer, stream::FrameSetWriter::Config{
                                                                        .job = job_.job.value,
                                                                        .run = job_.run,
                                                                        .source = source_.name,
                                                                        .writer = incarnation_,
                                                                        .outputs = source_.outputs,
                                                                        .default_codec = default_codec(source_),
                                                                        .max_message_bytes = source_.max_message_bytes,
                                                                        .queue_bytes = budget_.limit(),
                                                                    });
  return {};
}

stream::FrameSetWriter::Done Outgoing::settle(std::int64_t bytes, std::function<void()> acknowledged) {
  ++outstanding_;
  return [this, bytes, acknowledged = std::move(acknowledged)](const Result<void>& result) {
    --outstanding_;
    if (bytes > 0) budget_.release(account_, bytes);
    if (!result) return note(result);
    if (acknowledged) acknowledged();
  };
}

std::function<void()> Outgoing::tell(std::int64_t number, bool picture) {
  return [this, number, picture] {
    if (acknowledged_) acknowledged_(number, picture);
  };
}

void Outgoing::note(const Result<void>& result) {
  const bool passes = result.ok() || (result.error().code == ErrorCode::resource_exhausted && result.error().retriable);
  if (!passes && !fatal_) fatal_ = result.error();
}

Result<Outgoing::Sent> Outgoing::frame(std::int64_t number, const CapturedFrame& captured) {
  const std::int64_t bytes = captured.bytes();
  if (!budget_.acquire(account_, bytes)) return Sent::full;
  Frame frame{.id = id(number), .captured_at = captured.captured_at, .image = captured.image};
  frame.encoded = captured.encoded;
  frame.attributes = captured.attributes;
  auto done = settle(bytes, tell(number, true));
  const auto before = sets_->bytes();
  auto written = sets_->write(frame, done);
  if (written) return Sent::taken;
  // Failed behind the queue: the writer is broken, and its callbacks settle what was taken.
  if (sets_->bytes() > before || writer_.failed() || fatal_) {
    note(Error{written.error().code, written.error().message, false});
    return *fatal_;
  }
  --outstanding_;
  budget_.release(account_, bytes);
  if (written.error().code == ErrorCode::resource_exhausted && written.error().retriable) return Sent::full;
  return written.error();
}

void Outgoing::drop(std::int64_t number, SystemTime at, const std::string& reason) {
  note(sets_->write_outcome(id(number), at, stream::Outcome::dropped, reason, settle(0, tell(number, false))));
}

void Outgoing::end(std::int64_t next, SystemTime at) { note(sets_->write_end(session_, next, at, settle(0, {}))); }

void Outgoing::serve(std::chrono::milliseconds timeout) {
  if (!is_open()) return;
  note(sets_->serve(timeout));
  if (!fatal_ && writer_.failed()) fatal_ = Error{ErrorCode::unavailable, "the writer to Kafka failed for good", false};
}

}  // namespace ride::producer
