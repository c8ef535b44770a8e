// Cleaner: deletes what every reader has ACKed, so that disks do not fill (decision 0033). Only from topics that were
// made for a job; `keep` holds records back for replay. Deletes what was already committed a round before, so that a
// commit which a predecessor's late one lowered for a moment still lies in the log. Threads: one.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "stream/ports.h"
#include "stream/spec.h"

namespace ride::master {

class Cleaner {
 public:
  Cleaner(stream::TopicAdmin& admin, stream::CommitStore& commits) : admin_(admin), commits_(commits) {}

  // One look at all stages of these jobs. Returns how many records were deleted. An error of one stage does not stop
  // the others; the first one is returned.
  struct Round {
    std::int64_t deleted = 0;
    std::optional<Error> failure;
  };
  Round clean(const std::vector<std::shared_ptr<const stream::JobSpec>>& jobs, SystemTime now);

 private:
  struct Progress {
    Offset committed;  // a round ago
    std::optional<Offset> deleted;
  };
  Result<std::int64_t> clean(const stream::StageSpec& stage, SystemTime now);
  Result<std::int64_t> clean(const stream::StageSpec& stage, const stream::TopicPartition& at, Offset committed,
                             SystemTime now);

  stream::TopicAdmin& admin_;
  stream::CommitStore& commits_;
  std::map<stream::TopicPartition, Progress> progress_;
};

}  // namespace ride::master
