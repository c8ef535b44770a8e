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

class Finder {
 public:
  Finder(const stream::JobSpec& job, const stream::SourceSpec& source, SessionId session)
      : job_(job), source_(source), session_(session), upstream_{source.name, PartitionId{0}} {}

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
        auto tail = tail_of(output, PartitionId{p});
        if (!tail) return tail.error();
        rule.add(output, PartitionId{p}, source_.name, *tail);
      }
    }
    return rule.point();
  }

 private:
  Result<PartitionTail> tail_of(const OutputSpec& output, PartitionId partition) {
    const TopicPartition at{output.topic, partition};
    auto range = admin_->range(at);
    if (!range) return range.error();
    PartitionTail tail;
    for (std::int64_t window = kFirstWindow; !tail.last; window *= 4) {
      const Offset first{std::max(range->first.value, range->end.value - window)};
      auto read = read_range(*reader_, at, {first, range->end}, kPatience,
                             [&](const stream::Record& record) { take(record, tail); });
      if (!read) return read.error();
      if (first == range->first) break;
    }
    if (auto marked = add_watermark(output, at, tail); !marked) return marked.error();
    return tail;
  }

  void take(const stream::Record& record, PartitionTail& tail) const {
    auto header = stream::decode_header(record.headers);
    if (!header) return;  // another writer's, or no record of ours
    const stream::Origin& origin = header->origin;
    if (origin.upstream != upstream_ || origin.run != job_.run || origin.key.major != session_.value) return;
    if (header->kind == stream::RecordKind::end) tail.ended = true;
    // Parts of a set leave in order: with the last one it is whole.
    if (header->part + 1 == header->parts) tail.last = std::max(tail.last.value_or(-1), origin.key.minor);
  }

  Result<void> add_watermark(const OutputSpec& output, const TopicPartition& at, PartitionTail& tail) {
    const stream::StageSpec* stage = job_.stage(output.to);
    if (stage == nullptr) return {};
    auto found = commits_->committed(stage->group_id, {at});
    if (!found) return found.error();
    const auto& commit = (*found)[at];
    if (!commit) return {};
    auto metadata = stream::unpack_commit_metadata(commit->metadata);
    if (!metadata) return metadata.error();
    const auto mark = metadata->watermarks.all().find(upstream_);
    if (mark != metadata->watermarks.all().end() && mark->second.major == session_.value) {
      tail.last = std::max(tail.last.value_or(-1), mark->second.minor);
    }
    tail.ended = tail.ended || metadata->ended.contains(upstream_);
    return {};
  }

  const stream::JobSpec& job_;
  const stream::SourceSpec& source_;
  SessionId session_;
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
  Finder finder(job, source, session);
  if (auto opened = finder.open(log); !opened) return opened.error();
  return finder.find();
}

}  // namespace ride::producer
