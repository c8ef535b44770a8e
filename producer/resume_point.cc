#include "producer/resume_point.h"

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "producer/read_range.h"
#include "stream/core/commit_metadata.h"
#include "stream/core/frame_record.h"

namespace ride::producer {
namespace {

using stream::OffsetRange;
using stream::OutputSpec;
using stream::TopicPartition;

constexpr std::chrono::seconds kResumePatience(30);

// How far back a partition is read: a window of records that grows fourfold while the source's last set is not in it.
struct Depth {
  std::int64_t first_window;
  std::int64_t last_window;
};
constexpr Depth kToTheBeginning{32, INT64_MAX};  // a finite source must not go on at a wrong number
constexpr Depth kNearTheEnd{4, 4096};            // a camera's pictures are large, and its last one stands near the end

constexpr std::int64_t kMostUneven =
    1'000'000;  // frames by which partitions may differ: more are no writer's in flight

class Finder {
 public:
  // Of the sessions from `first` on and before `behind`.
  Finder(const stream::JobSpec& job, const stream::SourceSpec& source, SessionId first, SessionId behind,
         std::chrono::milliseconds patience, const std::atomic<bool>* stop)
      : job_(job),
        source_(source),
        first_(first),
        behind_(behind),
        patience_(patience),
        stop_(stop),
        upstream_{source.name, PartitionId{0}} {}

  Result<void> open(LogAccess& log) {
    auto admin = log.admin();
    if (!admin) return admin.error();
    if (stopped()) return cancelled();
    auto reader = log.reader();
    if (!reader) return reader.error();
    if (stopped()) return cancelled();
    auto commits = log.commits();
    if (!commits) return commits.error();
    admin_ = std::move(*admin);
    reader_ = std::move(*reader);
    commits_ = std::move(*commits);
    return {};
  }

  Result<ResumePoint> find() {
    ResumeRule rule;
    for (const OutputSpec& output : source_.outputs) {
      // Partitions without its frames show only whether its end stands there, which matters once all frames do.
      bool ended = true;
      for (const bool home : {true, false}) {
        for (int p = 0; p < output.partitions && (home || ended); ++p) {
          if (holds_frames(output, PartitionId{p}) != home) continue;
          auto found = tails_of(output, PartitionId{p}, kToTheBeginning);
          if (!found) return found.error();
          const PartitionTail tail = found->tails[first_.value];
          ended = ended && tail.ended;
          rule.add(output, PartitionId{p}, source_.name, tail);
        }
      }
    }
    return rule.point();
  }

  Result<SessionFrames> standing() {
    SessionFrames standing;
    std::map<std::int64_t, std::vector<OutputTails>> sessions;
    for (std::size_t o = 0; o < source_.outputs.size(); ++o) {
      const OutputSpec& output = source_.outputs[o];
      for (int p = 0; p < output.partitions; ++p) {
        if (!holds_frames(output, PartitionId{p})) continue;
        auto found = tails_of(output, PartitionId{p}, kNearTheEnd);
        if (!found) return found.error();
        standing.whole = standing.whole && found->whole;
        for (const auto& [session, tail] : found->tails) {
          auto& outputs = sessions[session];
          outputs.resize(source_.outputs.size());
          outputs[o].partition_by = output.partition_by;
          outputs[o].last.resize(static_cast<std::size_t>(output.partitions));
          outputs[o].last[static_cast<std::size_t>(p)] = tail.last;
        }
      }
    }
    for (const auto& [session, outputs] : sessions)
      standing.frames[SessionId{session}] = count_standing(source_.name, outputs);
    return standing;
  }

 private:
  using Tails = std::map<std::int64_t, PartitionTail>;  // by session
  struct Found {
    Tails tails;
    bool whole = true;  // read as far back as the first session, or as there is anything
  };

  bool holds_frames(const OutputSpec& output, PartitionId partition) const {
    return output.partition_by != stream::PartitionBy::source ||
           stream::home_partition({.source = source_.name}, output.partition_by, output.partitions) == partition;
  }

  bool stopped() const { return stop_ != nullptr && *stop_; }
  Error cancelled() const {
    return {ErrorCode::cancelled, "looking for what source " + source_.name + " wrote was stopped", /*retriable=*/true};
  }

  Result<Found> tails_of(const OutputSpec& output, PartitionId partition, const Depth& depth) {
    const bool bounded = depth.last_window < INT64_MAX;
    const TopicPartition at{output.topic, partition};
    if (stopped()) return cancelled();
    auto range = admin_->range(at);
    if (!range) return range.error();
    if (stopped()) return cancelled();
    Found found;
    auto settled = add_watermark(output, at, found.tails);
    if (!settled) return settled.error();
    Offset floor = range->first;
    if (bounded) floor = std::clamp(*settled, range->first, range->end);
    // What stands before is of earlier sessions; a reader may say that the end stands here.
    bool reached = !holds_frames(output, partition) && found.tails[first_.value].ended;
    Offset behind = range->end;  // records from here on were read
    for (std::int64_t window = depth.first_window; !reached; window *= 4) {
      const Offset first{std::max(floor.value, range->end.value - window)};
      auto read = read_range(
          *reader_, at, {first, behind}, patience_,
          [&](const stream::Record& record) { reached = handle(record, found.tails) || reached; }, stop_);
      if (!read) {
        if (!bounded || read.error().code != ErrorCode::timeout || behind == range->end) return read.error();
        found.whole = false;  // what was found nearer to the end counts
        break;
      }
      if (first == floor) break;
      if (!reached && window >= depth.last_window) {
        found.whole = false;
        break;
      }
      behind = first;
    }
    return found;
  }

  // True: a whole set of the first session, or of one before.
  bool handle(const stream::Record& record, Tails& tails) const {
    auto header = stream::decode_header(record.headers);
    if (!header) return false;  // another writer's, or no record of ours
    const stream::Origin& origin = header->origin;
    if (origin.upstream != upstream_ || origin.run != job_.run || origin.key.major >= behind_.value) return false;
    // Parts of a set leave in order: with the last one it is whole.
    const bool whole = header->part + 1 == header->parts;
    if (origin.key.major < first_.value) return whole;
    auto& tail = tails[origin.key.major];
    if (header->kind == stream::RecordKind::end) tail.ended = true;
    if (whole) tail.last = std::max(tail.last.value_or(-1), origin.key.minor);
    return whole && origin.key.major == first_.value;
  }

  // What readers ACKed. Gives the offset before which they cover all of these sessions; 0: they do not.
  Result<Offset> add_watermark(const OutputSpec& output, const TopicPartition& at, Tails& tails) {
    Offset settled{0};
    const stream::StageSpec* stage = job_.stage(output.to);
    if (stage == nullptr) return settled;
    auto found = commits_->committed(stage->group_id, {at});
    if (!found) return found.error();
    const auto& commit = (*found)[at];
    if (!commit) return settled;
    auto metadata = stream::unpack_commit_metadata(commit->metadata);
    if (!metadata) return metadata.error();
    const auto mark = metadata->watermarks.all().find(upstream_);
    if (mark != metadata->watermarks.all().end()) {
      const std::int64_t session = mark->second.major;
      if (session >= first_.value && session < behind_.value) {
        auto& tail = tails[session];
        tail.last = std::max(tail.last.value_or(-1), mark->second.minor);
      }
      // A mark of a later session hides where the first one ended.
      if (session <= first_.value) settled = commit->offset;
    }
    if (metadata->ended.contains(upstream_)) tails[first_.value].ended = true;
    return settled;
  }

  const stream::JobSpec& job_;
  const stream::SourceSpec& source_;
  SessionId first_, behind_;
  std::chrono::milliseconds patience_;
  const std::atomic<bool>* stop_;  // null: never
  stream::Upstream upstream_;
  std::unique_ptr<stream::TopicAdmin> admin_;
  std::unique_ptr<stream::RecordReader> reader_;
  std::unique_ptr<stream::CommitStore> commits_;
};

}  // namespace

void ResumeRule::add(const OutputSpec& output, PartitionId partition, const std::string& source,
                     const PartitionTail& tail) {
  all_ended_ = all_ended_ && tail.ended;
  if (tail.ended) {  // nothing is missing here; the end record's number is one above the last frame's
    if (tail.last) end_ = std::max(end_.value_or(0), *tail.last);
    return;
  }
  std::int64_t missing = 0;
  switch (output.partition_by) {
    case stream::PartitionBy::tile:  // tiles come from a split, and whole frames lie as by frame
    case stream::PartitionBy::frame:
      missing = tail.last ? *tail.last + output.partitions : partition.value;
      break;
    case stream::PartitionBy::source:
      if (stream::home_partition({.source = source}, output.partition_by, output.partitions) != partition) return;
      missing = tail.last ? *tail.last + 1 : 0;
      break;
  }
  lowest_missing_ = std::min(lowest_missing_.value_or(missing), missing);
}

ResumePoint ResumeRule::point() const {
  if (all_ended_ && end_) return {*end_, true};
  // No number at or above the end is missing anywhere, though its partition's next one would be above it.
  if (end_) return {std::min(lowest_missing_.value_or(*end_), *end_), false};
  return {lowest_missing_.value_or(0), false};
}

Result<ResumePoint> find_resume_point(LogAccess& log, const stream::JobSpec& job, const stream::SourceSpec& source,
                                      SessionId session, const std::atomic<bool>* stop) {
  Finder finder(job, source, session, SessionId{session.value + 1}, kResumePatience, stop);
  if (auto opened = finder.open(log); !opened) return opened.error();
  return finder.find();
}

std::int64_t count_standing(const std::string& source, const std::vector<OutputTails>& outputs) {
  const auto home_of = [&](const OutputTails& output, std::int64_t number) {
    const FrameId id{source, SessionId{1}, number};
    const auto home = stream::home_partition(id, output.partition_by, static_cast<int>(output.last.size()));
    return static_cast<std::size_t>(home.value);
  };
  // In its home partition each number leaves a set, in order: below the lowest missing one all of them stand.
  std::int64_t count = 0, top = -1;
  for (const OutputTails& output : outputs) {
    if (output.last.empty()) continue;
    const auto partitions = static_cast<std::int64_t>(output.last.size());
    const std::int64_t step = output.partition_by == stream::PartitionBy::frame ? partitions : 1;
    std::int64_t missing = INT64_MAX;
    for (std::int64_t n = 0; n < step; ++n) {
      const auto& last = output.last[home_of(output, n)];
      missing = std::min(missing, last ? *last + step : n);
    }
    for (const auto& last : output.last) top = std::max(top, last.value_or(-1));
    count = std::max(count, missing);
  }
  top = std::min(top, count + kMostUneven);
  for (std::int64_t n = count, end = top; n <= end; ++n) {
    const bool stands = std::any_of(outputs.begin(), outputs.end(), [&](const OutputTails& output) {
      return !output.last.empty() && output.last[home_of(output, n)].value_or(-1) >= n;
    });
    if (stands) ++count;
  }
  return count;
}

Result<SessionFrames> count_session_frames(LogAccess& log, const stream::JobSpec& job, const stream::SourceSpec& source,
                                           SessionId first, SessionId behind, std::chrono::milliseconds patience,
                                           const std::atomic<bool>* stop) {
  Finder finder(job, source, first, behind, patience, stop);
  if (auto opened = finder.open(log); !opened) return opened.error();
  return finder.standing();
}

}  // namespace ride::producer
