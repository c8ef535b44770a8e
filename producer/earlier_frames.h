// EarlierFrames: what a live source's earlier owners wrote in this run. Each owner reports its frames by heartbeat, and
// one that is killed has written more than it reported; how many, the log says. Looked up on a thread of its own, so
// that no camera waits for it. Owner: one SourceRunner. Threads: any may ask and stop(). Failure: what cannot be read
// is tried again a few times, and then given up; until it is known, what was reported counts.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "producer/log_access.h"
#include "producer/resume_point.h"
#include "stream/control.h"

namespace ride::producer {

class EarlierFrames {
 public:
  // `mine` is the session that begins now.
  EarlierFrames(LogAccess& log, std::shared_ptr<const stream::JobSpec> job, const stream::SourceSpec& source,
                const stream::SourceBefore& before, SessionId mine);
  ~EarlierFrames();  // stops and waits: at worst for the one request to Kafka that is under way

  void stop();  // looks no further; what is known stays

  std::int64_t frames() const;
  // Captured, as their owner last reported, and not in the log: they ended with it. What it captured after its last
  // heartbeat nobody knows.
  std::int64_t unwritten() const;

 private:
  void look();

  LogAccess& log_;
  const std::shared_ptr<const stream::JobSpec> job_;
  const stream::SourceSpec& source_;
  const stream::SourceBefore before_;
  const SessionId mine_;
  std::atomic<bool> stop_{false};
  mutable std::mutex mutex_;
  std::optional<SessionFrames> standing_;  // of the last session that was reported, and those behind it
  std::thread thread_;                     // last: it uses all of the above
};

}  // namespace ride::producer
