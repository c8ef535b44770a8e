// What a source's earlier owners wrote, as the log shows it. Where a finite source goes on after a restart (decision
// 0034): at the lowest number that is not known to stand in its home partition of every output. How many frames of a
// live source's earlier sessions stand there. The rules are pure (ResumeRule, count_standing); what reads the ends of
// the partitions for them is below. Threads: any; `stop` may be set by another one and ends it.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "producer/log_access.h"
#include "stream/spec.h"

namespace ride::producer {

struct ResumePoint {
  std::int64_t next = 0;  // the first number to send
  bool ended = false;     // the end records stand in every partition: there is nothing to do
  bool operator==(const ResumePoint&) const = default;
};

// What is known of one partition: the last number of the source whose set is whole there.
struct PartitionTail {
  std::optional<std::int64_t> last;
  bool ended = false;
};

class ResumeRule {
 public:
  // In its home partition a source's numbers rise without gaps, since each leaves a set and its writer never skips. So
  // the lowest missing one is `last` + partitions (frames go round), or `last` + 1 (all of a source in one partition).
  void add(const stream::OutputSpec& output, PartitionId partition, const std::string& source,
           const PartitionTail& tail);
  ResumePoint point() const;

 private:
  std::optional<std::int64_t> lowest_missing_, end_;
  bool all_ended_ = true;
};

// The last whole frame of one session in each partition of an output; absent: none.
struct OutputTails {
  stream::PartitionBy partition_by = stream::PartitionBy::frame;
  std::vector<std::optional<std::int64_t>> last;
};
// Frames of that session which stand in at least one of the outputs.
std::int64_t count_standing(const std::string& source, const std::vector<OutputTails>& outputs);

// Reads backwards from the end of each partition until the source's last set is found; where readers have ACKed and
// deletion took it, the readers' committed watermarks show it. Errors are retriable, unless the topics are gone;
// cancelled when `stop` became true.
Result<ResumePoint> find_resume_point(LogAccess& log, const stream::JobSpec& job, const stream::SourceSpec& source,
                                      SessionId session, const std::atomic<bool>* stop = nullptr);

// Frames that stand in the log, by session.
struct SessionFrames {
  std::map<SessionId, std::int64_t> frames;
  bool whole = true;  // else some partition was not read as far back as the first session: there may be more of it
};

// Of the sessions from `first` on and before `behind`, of this run. Of each partition that holds frames of the source
// it reads what readers have not ACKed yet, backwards, and only the last few thousand records: nobody waits for this
// count. `patience` is for each range that is read. Errors are retriable; cancelled when `stop` became true.
Result<SessionFrames> count_session_frames(LogAccess& log, const stream::JobSpec& job, const stream::SourceSpec& source,
                                           SessionId first, SessionId behind, std::chrono::milliseconds patience,
                                           const std::atomic<bool>* stop = nullptr);

}  // namespace ride::producer
