#include "producer/resume_point.h"

#include <algorithm>
#include <chrono>

#include "producer/read_range.h"
#include "stream/core/commit_metadata.h"
#include "stream/core/frame_record.h"

namespace ride::producer {
namespace {

using stream::OffsetRange;
using stream::OutputSpec;
using stream::TopicPartition;

constexpr std::int64_t kFirstWindow = 32;  // records; grows fourfold while the source's last one is not in it
constexpr std::chrono::seconds kPatience(30);

constexpr std::int64_t kFirstLiveWindow = 4;   // a camera's pictures are large, and its last one stands near the end
constexpr std::int64_t kMostUneven = 1'000'000;  // frames by which partitions may differ: more are no writer's in flight

class Finder {
 public:
  // Of the sessions from `first` on and before `behind`.
  Finder(const stream::JobSpec& job, const stream::SourceSpec& source, SessionId first, SessionId behind,
         std::chrono::milliseconds patience)
      : job_(job),
        source_(source),
        first_(first),
        behind_(behind),
        patience_(patience),
        upstream_{source.name, PartitionId{0}} {}

  Result<void> open(LogAccess& log) {
    auto admin = log.admin();
    if (!admin) return admin.error();
    auto reader = log.reader();
    if (!reader) return reader.error();
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
      for (int p = 0; p < output.partitions; ++p) {
        auto tails = tails_of(output, PartitionId{p}, kFirstWindow);
        if (!tails) return tails.error();
        rule.add(output, PartitionId{p}, source_.name, (*tails)[first_.value]);
      }
    }
    return rule.point();
  }

  Result<std::int64_t> standing() {
    std::map<std::int64_t, std::vector<OutputTails>> sessions;
    for (std::size_t o = 0; o < source_.outputs.size(); ++o) {
      const OutputSpec& output = source_.outputs[o];
      for (int p = 0; p < output.partitions; ++p) {
        auto tails = tails_of(output, PartitionId{p}, kFirstLiveWindow);
        if (!tails) return tails.error();
        for (const auto& [session, tail] : *tails) {
          auto& outputs = sessions[session];
          outputs.resize(source_.outputs.size());
          outputs[o].partition_by = output.partition_by;
          outputs[o].last.resize(static_cast<std::size_t>(output.partitions));
          outputs[o].last[static_cast<std::size_t>(p)] = tail.last;
        }
      }
    }
    std::int64_t count = 0;
    for (const auto& [session, outputs] : sessions) count += count_standing(source_.name, outputs);
    return count;
  }

 private:
  using Tails = std::map<std::int64_t, PartitionTail>;  // by session

  Result<Tails> tails_of(const OutputSpec& output, PartitionId partition, std::int64_t first_window) {
    const TopicPartition at{output.topic, partition};
    auto range = admin_->range(at);
    if (!range) return range.error();
    Tails tails;
    bool reached = false;  // what stands before is of earlier sessions
    for (std::int64_t window = first_window; !reached; window *= 4) {
      const Offset first{std::max(range->first.value, range->end.value - window)};
      auto read = read_range(*reader_, at, {first, range->end}, patience_,
                             [&](const stream::Record& record) { reached = take(record, tails) || reached; });
      if (!read) return read.error();
      if (first == range->first) break;
    }
    if (auto marked = add_watermark(output, at, tails); !marked) return marked.error();
    return tails;
  }

  // True: a whole set of the first session, or of one before.
  bool take(const stream::Record& record, Tails& tails) const {
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

  Result<void> add_watermark(const OutputSpec& output, const TopicPartition& at, Tails& tails) {
    const stream::StageSpec* stage = job_.stage(output.to);
    if (stage == nullptr) return {};
    auto found = commits_->committed(stage->group_id, {at});
    if (!found) return found.error();
    const auto& commit = (*found)[at];
    if (!commit) return {};
    auto metadata = stream::unpack_commit_metadata(commit->metadata);
    if (!metadata) return metadata.error();
    const auto mark = metadata->watermarks.all().find(upstream_);
    if (mark != metadata->watermarks.all().end() && mark->second.major >= first_.value &&
        mark->second.major < behind_.value) {
      auto& tail = tails[mark->second.major];
      tail.last = std::max(tail.last.value_or(-1), mark->second.minor);
    }
    if (metadata->ended.contains(upstream_)) tails[first_.value].ended = true;
    return {};
  }

  const stream::JobSpec& job_;
  const stream::SourceSpec& source_;
  SessionId first_, behind_;
  std::chrono::milliseconds patience_;
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
                                      SessionId session) {
  Finder finder(job, source, session, SessionId{session.value + 1}, kPatience);
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

Result<std::int64_t> find_standing(LogAccess& log, const stream::JobSpec& job, const stream::SourceSpec& source,
                                   SessionId first, SessionId behind, std::chrono::milliseconds patience) {
  Finder finder(job, source, first, behind, patience);
  if (auto opened = finder.open(log); !opened) return opened.error();
  return finder.standing();
}

}  // namespace ride::producer
