// Outgoing: a source's frames on their way into its output topics: bounded by the process's budget, counted when the
// brokers acknowledge them. Owner and thread: one SourceRunner. Failure: after `fatal` the incarnation must end,
// nothing is sent.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "producer/log_access.h"
#include "producer/shared_budget.h"
#include "producer/source.h"
#include "stream/frame_writer.h"
#include "stream/spec.h"

namespace ride::producer {

class Outgoing {
 public:
  enum class Sent { taken, full };
  // An item's set is acknowledged, not the end; `picture` is false for the record that stands for a dropped or broken
  // one.
  using Acknowledged = std::function<void(std::int64_t number, bool picture)>;

  Outgoing(const stream::JobSpec& job, const stream::SourceSpec& source, SessionId session, std::string incarnation,
           SharedBudget& budget, Acknowledged acknowledged);
  ~Outgoing();
  Outgoing(const Outgoing&) = delete;
  Outgoing& operator=(const Outgoing&) = delete;

  Result<void> open(LogAccess& log);
  bool is_open() const { return sets_ != nullptr; }  // else nothing may be sent

  // `full`: nothing was taken; serve() and try again. An error while fatal() is empty concerns this picture alone: its
  // codec cannot hold it.
  Result<Sent> frame(std::int64_t number, const CapturedFrame& captured);
  void drop(std::int64_t number, SystemTime at, const std::string& reason);
  void end(std::int64_t next, SystemTime at);
  void serve(std::chrono::milliseconds timeout);

  std::int64_t outstanding() const { return outstanding_; }  // sets that are not acknowledged
  const std::optional<Error>& fatal() const { return fatal_; }

 private:
  stream::FrameSetWriter::Done settle(std::int64_t bytes, std::function<void()> acknowledged);
  std::function<void()> tell(std::int64_t number, bool picture);
  void note(const Result<void>& result);
  FrameId id(std::int64_t number) const { return {source_.name, session_, number}; }

  const stream::JobSpec& job_;
  const stream::SourceSpec& source_;
  SessionId session_;
  std::string incarnation_;
  SharedBudget& budget_;
  std::string account_;  // in the budget
  Acknowledged acknowledged_;
  std::int64_t outstanding_ = 0;
  std::optional<Error> fatal_;
  // Last, in this order: destroying them may still run callbacks that use what stands above.
  OpenedWriter writer_;
  std::unique_ptr<stream::FrameSetWriter> sets_;
};

}  // namespace ride::producer
