#include "ledger/follower.h"

#include <set>

#include "common/log.h"
#include "common/wording.h"
#include "stream/core/commit_metadata.h"
#include "stream/core/dead_letter.h"
#include "stream/kafka/admin.h"

namespace ride::ledger {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using stream::TopicPartition;

namespace {

std::set<TopicPartition> partitions_of(const stream::JobSpec& spec) {
  std::set<TopicPartition> all;
  const auto add = [&all](const std::string& topic, int partitions) {
    for (int p = 0; p < partitions; ++p) all.insert({topic, PartitionId{p}});
  };
  for (const auto& stage : spec.stages) {
    add(stage.topic, stage.partitions);
    for (const auto& output : stage.outputs) add(output.topic, output.partitions);
  }
  return all;
}

LogPartition place_of(const TopicPartition& at) { return {at.topic, at.partition.value}; }

}  // namespace

Result<std::unique_ptr<Follower>> Follower::open(const kafka::ClientConfig& config, const std::string& prefix,
                                                 const JobName& job, milliseconds timeout) {
  RIDE_ASSIGN(auto log, JobLog::open(config, prefix, job, timeout));
  auto follower = std::unique_ptr<Follower>(new Follower(config, std::move(log)));
  RIDE_TRY(follower->begin());
  return follower;
}

Result<void> Follower::begin() {
  RIDE_ASSIGN(auto admin, kafka::open_admin(config_));
  admin_ = std::move(admin);
  RIDE_ASSIGN(auto commits, kafka::open_commit_store(config_));
  store_ = std::move(commits);
  RIDE_ASSIGN(auto reader, kafka::KafkaReader::open(config_, {.group = "ride-ledger"}));
  reader_ = std::move(reader);
  for (const auto& stage : spec_.stages) {
    if (stage.adopt) foreign_.insert(stage.topic);
    if (stage.partition_by != stream::PartitionBy::tile) continue;
    audit_.expect_tiles(stage.topic);
    for (const auto& output : stage.outputs) audit_.expect_tiles(output.topic);
  }
  for (const auto& at : partitions_of(spec_)) {
    RIDE_ASSIGN(auto range, admin_->range(at));
    if (range.first.value > 0) audit_.skip(place_of(at), range.first.value);
    next_[at] = range.first;
    RIDE_TRY(reader_->assign(at, range.first));
  }
  return begin_dead_letters();
}

// What died in a sink leaves no file. Where the letters are gone, the sink's own count is all that is left of them.
Result<void> Follower::begin_dead_letters() {
  for (const auto& stage : spec_.stages) {
    if (!stage.sink) continue;
    const TopicPartition at{stream::dead_topic(stage), PartitionId{0}};
    const auto range = admin_->range(at);
    if (!range.ok() && range.error().retriable) return range.error();
    if (!range.ok()) continue;
    next_[at] = range->first;
    dead_letters_[at.topic] = stage.topic;
    RIDE_TRY(reader_->assign(at, range->first));
  }
  return {};
}

Result<void> Follower::poll(milliseconds timeout) {
  const auto deadline = steady_clock::now() + timeout;
  do {
    const auto left = std::chrono::ceil<milliseconds>(deadline - steady_clock::now());
    auto record = reader_->poll(std::max(left, milliseconds(0)));
    if (record.ok()) {
      if (*record) handle(**record);
      continue;
    }
    if (record.error().retriable) continue;
    if (record.error().code != ErrorCode::corrupt) return record.error();
    RIDE_TRY(skip_deleted());
  } while (steady_clock::now() < deadline);
  return {};
}

void Follower::handle(const stream::Record& record) {
  auto& next = next_[record.at];
  if (record.offset < next) return;  // fetched before a new assignment
  if (const auto letters = dead_letters_.find(record.at.topic); letters != dead_letters_.end()) {
    next = Offset{record.offset.value + 1};
    return audit_.add_dead(letters->second, record.headers);
  }
  // Between two records there is nothing: no transactions, no compaction. A jump is what was deleted meanwhile.
  if (record.offset > next) audit_.skip(place_of(record.at), record.offset.value - next.value);
  next = Offset{record.offset.value + 1};
  const auto at = place_of(record.at);
  auto result = foreign_.contains(at.topic) ? audit_.add_foreign(at, record.offset.value, record.headers)
                                            : audit_.add(at, record.offset.value, record.headers);
  if (watch_) watch_({at, record.offset.value, record.timestamp, system_now(), std::move(result)});
}

// Somewhere the log begins behind what we wanted to read next.
Result<void> Follower::skip_deleted() {
  for (auto& [at, next] : next_) {
    auto range = admin_->range(at);
    if (!range.ok()) {
      if (range.error().retriable) continue;
      return range.error();
    }
    if (range->first <= next) continue;
    if (dead_letters_.contains(at.topic)) {
      next = range->first;
      reader_->unassign(at);
      RIDE_TRY(reader_->assign(at, next));
      continue;
    }
    log_warning("{}: {} deleted before the ledger had read what was in them", to_string(at),
                ride::counted(range->first.value - next.value, "record was", "records were"));
    audit_.skip(place_of(at), range->first.value - next.value);
    next = range->first;
    reader_->unassign(at);
    RIDE_TRY(reader_->assign(at, next));
  }
  return {};
}

Result<void> Follower::catch_up(milliseconds timeout) {
  std::map<TopicPartition, Offset> ends;
  for (const auto& [at, next] : next_) {
    RIDE_ASSIGN(auto range, admin_->range(at));
    ends[at] = range.end;
  }
  const auto deadline = steady_clock::now() + timeout;
  const auto behind = [&] {
    for (const auto& [at, end] : ends)
      if (next_[at] < end) return true;
    return false;
  };
  while (behind()) {
    if (steady_clock::now() > deadline)
      return Error{ErrorCode::timeout, "the topics were not read to their end in time", true};
    RIDE_TRY(poll(milliseconds(20)));
  }
  return {};
}

Result<Commits> Follower::commits() {
  Commits all;
  for (const auto& stage : spec_.stages) {
    std::vector<TopicPartition> at;
    at.reserve(static_cast<std::size_t>(stage.partitions));
    for (int p = 0; p < stage.partitions; ++p) at.push_back({stage.topic, PartitionId{p}});
    RIDE_ASSIGN(auto commits, store_->committed(stage.group_id, at));
    auto& sum = all.counted[stage.name];
    for (const auto& [where, commit] : commits) {
      if (!commit) continue;
      RIDE_ASSIGN(auto metadata, stream::unpack_commit_metadata(commit->metadata));
      all.positions[place_of(where)] = commit->offset.value;
      sum.acked += metadata.counters.acked;
      sum.filtered += metadata.counters.filtered;
      sum.dropped += metadata.counters.dropped;
      sum.dead += metadata.counters.dead;
      sum.expired += metadata.counters.expired;
    }
  }
  return all;
}

Result<Statement> Follower::statement(milliseconds timeout) {
  RIDE_ASSIGN(auto commits, this->commits());
  RIDE_TRY(catch_up(timeout));
  counted_ = std::move(commits.counted);
  return make_statement(spec_, audit_, counted_);
}

}  // namespace ride::ledger
