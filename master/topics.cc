#include "master/topics.h"

#include <spdlog/fmt/fmt.h>

#include <charconv>
#include <map>
#include <thread>

#include "common/wording.h"
#include "stream/core/commit_metadata.h"
#include "stream/core/dead_letter.h"

namespace ride::master {

namespace {

using std::chrono::steady_clock;
using stream::TopicPartition;

constexpr const char* kSegmentBytes = "67108864";  // small, so that deletion bites
constexpr std::chrono::milliseconds kDeadKept = std::chrono::hours(7 * 24);
constexpr const char* kDeadBytes = "1073741824";

class TopicMaker {
 public:
  TopicMaker(const TopicWork& work, const stream::JobSpec& spec)
      : work_(work), spec_(spec), deadline_(steady_clock::now() + work.patience) {}

  Result<void> make() {
    RIDE_TRY(look());
    for (const auto& stage : spec_.stages) RIDE_TRY(make_input(stage));
    for (const auto& stage : spec_.stages) RIDE_TRY(make_dead(stage));
    for (const auto& stage : spec_.stages)
      for (const auto& output : stage.outputs)
        if (output.to.empty()) RIDE_TRY(make_named(stage, output));
    RIDE_TRY(wait_until_seen());
    for (const auto& stage : spec_.stages) RIDE_TRY(write_first_commits(stage));
    return {};
  }

 private:
  // Again and again while the cluster says "later".
  template <class Call>
  auto patiently(Call call) -> decltype(call()) {
    for (;;) {
      auto result = call();
      if (result.ok() || !result.error().retriable || steady_clock::now() >= deadline_ || work_.stopped())
        return result;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
  }

  // We have just made the topic, or seen it: who does not know it has not heard of it yet.
  template <class T>
  static Result<T> known_soon(Result<T> result) {
    if (result.ok() || result.error().code != ErrorCode::not_found) return result;
    return Error{ErrorCode::unavailable, result.error().message, true};
  }

  Result<void> look() {
    auto topics = patiently([this] { return work_.admin.topics(); });
    if (!topics.ok()) return topics.error();
    existing_.clear();
    for (const auto& topic : *topics) existing_[topic.name] = topic.partitions;
    auto brokers = patiently([this] { return work_.admin.broker_count(); });
    if (!brokers.ok()) return brokers.error();
    brokers_ = *brokers;
    return {};
  }

  Error other_partitions(const std::string& topic, int wanted, const char* fix) const {
    return Error{ErrorCode::already_exists, fmt::format("topic {} exists with {}, the job needs {}: {}", topic,
                                                        counted(existing_.at(topic), "partition"), wanted, fix)};
  }

  Result<void> make_input(const stream::StageSpec& stage) {
    if (stage.adopt) {
      if (!existing_.contains(stage.topic))
        return Error{ErrorCode::not_found,
                     fmt::format("stage {} reads topic {}, which does not exist: create it, or correct "
                                 "`topic: {{name: ...}}`",
                                 stage.name, stage.topic)};
      if (existing_[stage.topic] != stage.partitions)
        return other_partitions(stage.topic, stage.partitions, "submit the job again: it counts them again");
      return {};
    }
    return make_one(stage.topic, stage.partitions, stage, "cancel the job with its topics and submit it again");
  }

  // What goes no further is kept for people (decision 0007). A task that refuses every frame must not fill the disk.
  Result<void> make_dead(const stream::StageSpec& stage) {
    auto kept = stage;
    kept.retention_ms = kDeadKept.count();
    return make_one(stream::dead_topic(stage), 1, kept, "delete it if it is not RIDE's",
                    {{"retention.bytes", kDeadBytes}});
  }

  Result<void> make_named(const stream::StageSpec& stage, const stream::OutputSpec& output) {
    return make_one(output.topic, output.partitions, stage,
                    "set the output's `partitions` to that number, or name another topic");
  }

  Result<void> make_one(const std::string& name, int partitions, const stream::StageSpec& stage, const char* fix,
                        const std::map<std::string, std::string>& more = {}) {
    if (existing_.contains(name)) {
      if (existing_[name] != partitions) return other_partitions(name, partitions, fix);
      return {};
    }
    const int replication = std::max(1, std::min(stage.replication, brokers_));
    stream::NewTopic topic{name, partitions, replication, {}};
    topic.config = {{"cleanup.policy", "delete"},
                    {"segment.bytes", kSegmentBytes},
                    {"max.message.bytes", std::to_string(stage.max_message_bytes)},
                    {"min.insync.replicas", replication >= 3 ? "2" : "1"}};
    if (stage.retention_ms > 0) topic.config["retention.ms"] = std::to_string(stage.retention_ms);
    topic.config.insert(more.begin(), more.end());
    auto created = patiently([&] { return work_.admin.create(topic); });
    if (!created.ok() && created.error().code == ErrorCode::already_exists) {  // somebody was quicker
      RIDE_TRY(look());
      if (existing_.contains(name) && existing_[name] != partitions) return other_partitions(name, partitions, fix);
      existing_[name] = partitions;
      return {};
    }
    if (!created.ok()) return created;
    existing_[name] = partitions;
    made_[name] = partitions;
    return {};
  }

  // A topic that was just made is not known to every broker at once.
  Result<void> wait_until_seen() {
    for (const auto& [name, partitions] : made_) {
      auto seen = patiently([&, name = name, partitions = partitions]() -> Result<void> {
        for (int p = 0; p < partitions; ++p) {
          auto range = work_.admin.range({name, PartitionId{p}});
          if (range.ok()) continue;
          // Renews what the client remembers: it may have asked when only some partitions had a leader.
          RIDE_ASSIGN([[maybe_unused]] const auto seen, work_.admin.topics());
          return Error{ErrorCode::unavailable,
                       fmt::format("topic {} does not get ready: {}", name, range.error().message), true};
        }
        return {};
      });
      if (!seen.ok()) return seen;
    }
    return {};
  }

  Result<void> write_first_commits(const stream::StageSpec& stage) {
    std::vector<TopicPartition> at;
    at.reserve(static_cast<std::size_t>(stage.partitions));
    for (int p = 0; p < stage.partitions; ++p) at.push_back({stage.topic, PartitionId{p}});
    auto standing = patiently([&] { return known_soon(work_.commits.committed(stage.group_id, at)); });
    if (!standing.ok()) return standing.error();
    std::map<TopicPartition, stream::Commit> first;
    for (const auto& one : at) {
      if ((*standing)[one]) continue;  // never back: it may have been read already
      Offset begin{0};
      if (stage.adopt) {
        auto range = patiently([&] { return known_soon(work_.admin.range(one)); });
        if (!range.ok()) return range.error();
        begin = range->first;
      }
      first[one] = {begin, ""};
    }
    if (first.empty()) return {};
    RIDE_TRY(check_metadata_size(stage, at.front()));
    return patiently([&] { return known_soon(work_.commits.commit(stage.group_id, first)); });
  }

  // What travels with commits may be larger than a foreign cluster takes: better known now than at the first commit
  // (decision 0002).
  Result<void> check_metadata_size(const stream::StageSpec& stage, const TopicPartition& at) {
    const auto size = stream::max_packed_bytes(stage.upstreams);
    if (size <= stream::kCommonMetadataLimit) return {};
    const stream::Commit probe{Offset{0}, std::string(static_cast<std::size_t>(size), 'x')};
    auto taken = patiently([&] { return known_soon(work_.commits.commit(spec_.prefix + ".probe", {{at, probe}})); });
    if (taken.ok() || can_pass(taken.error())) return taken;
    return Error{
        taken.error().code,
        fmt::format("stage {} may need {} bytes of metadata with a commit, and the cluster refuses that: raise "
                    "offset.metadata.max.bytes on the brokers (ours have 32768), or use fewer partitions ({})",
                    stage.name, size, taken.error().message)};
  }

  const TopicWork& work_;
  const stream::JobSpec& spec_;
  const steady_clock::time_point deadline_;
  std::map<std::string, int> existing_, made_;
  int brokers_ = 1;
};

}  // namespace

Result<void> make_topics(const TopicWork& work, const stream::JobSpec& spec) { return TopicMaker(work, spec).make(); }

bool can_pass(const Error& error) {
  if (error.retriable) return true;
  switch (error.code) {
    case ErrorCode::invalid_argument:
    case ErrorCode::not_found:  // an adopted topic: its owner has to make it
    case ErrorCode::already_exists:
    case ErrorCode::permission:
    case ErrorCode::unsupported:
    case ErrorCode::cancelled:
      return false;
    case ErrorCode::unavailable:
    case ErrorCode::timeout:
    case ErrorCode::resource_exhausted:
    case ErrorCode::corrupt:
    case ErrorCode::internal:
      return true;
  }
  return true;
}

Result<void> remove_topics(const TopicWork& work, const stream::JobSpec& spec) {
  std::vector<std::string> topics;
  for (const auto& stage : spec.stages) {
    if (!stage.adopt) topics.push_back(stage.topic);
    topics.push_back(stream::dead_topic(stage));
  }
  for (const auto& source : spec.sources) topics.push_back(spec.manifest_topic(source.name));
  std::optional<Error> failure;
  for (const auto& topic : topics) {
    auto removed = work.admin.remove(topic);
    if (!removed.ok() && removed.error().code != ErrorCode::not_found) failure = removed.error();
  }
  if (failure) return *failure;
  return {};
}

RunNumber highest_run(const std::vector<stream::TopicInfo>& topics, const std::string& prefix, const std::string& job,
                      std::int64_t most) {
  const auto start = prefix + "." + job + ".";
  RunNumber highest{0};
  for (const auto& topic : topics) {
    if (!topic.name.starts_with(start)) continue;
    const char* begin = topic.name.data() + start.size();
    const char* end = topic.name.data() + topic.name.size();
    std::int64_t run = 0;
    const auto [rest, failed] = std::from_chars(begin, end, run);
    if (failed == std::errc() && rest != end && *rest == '.' && run <= most)
      highest = std::max(highest, RunNumber{run});
  }
  return highest;
}

}  // namespace ride::master
