#include "stream/memory/memory_log.h"

#include <deque>

namespace ride::stream {

MemoryLog::Partition* MemoryLog::find(const TopicPartition& at) {
  const auto topic = topics_.find(at.topic);
  if (topic == topics_.end() || at.partition.value < 0 ||
      at.partition.value >= static_cast<int>(topic->second.partitions.size()))
    return nullptr;
  return &topic->second.partitions[static_cast<std::size_t>(at.partition.value)];
}

Result<Offset> MemoryLog::append(const TopicPartition& to, const OutRecord& out) {
  const std::lock_guard lock(mutex_);
  auto* partition = find(to);
  if (partition == nullptr) return Error{ErrorCode::not_found, to_string(to) + ": no such topic or partition"};
  auto value = std::make_shared<std::vector<std::uint8_t>>(out.value.begin(), out.value.end());
  Record record{to,           Offset{static_cast<std::int64_t>(partition->records.size())},
                system_now(), out.key,
                out.headers,  {value->data(), value->size()},
                value};
  partition->records.push_back(std::move(record));
  changed_.notify_all();
  return partition->records.back().offset;
}

std::vector<Record> MemoryLog::records(const TopicPartition& at) const {
  const std::lock_guard lock(mutex_);
  const auto* partition = const_cast<MemoryLog*>(this)->find(at);
  if (partition == nullptr) return {};
  return {partition->records.begin() + partition->first.value, partition->records.end()};
}

class MemoryReader final : public RecordReader {
 public:
  explicit MemoryReader(std::shared_ptr<MemoryLog> log) : log_(std::move(log)) {}

  Result<void> assign(const TopicPartition& at, Offset start) override {
    next_[at] = start;
    return {};
  }
  void unassign(const TopicPartition& at) override { next_.erase(at); }

  std::optional<Offset> at_end(const TopicPartition& at) const override {
    const std::lock_guard lock(log_->mutex_);
    const auto* partition = log_->find(at);
    const auto found = next_.find(at);
    if (partition == nullptr || found == next_.end()) return std::nullopt;
    const Offset end{static_cast<std::int64_t>(partition->records.size())};
    return found->second == end ? std::optional(end) : std::nullopt;
  }

  Result<std::optional<Record>> poll(std::chrono::milliseconds timeout) override {
    std::unique_lock lock(log_->mutex_);
    Result<std::optional<Record>> found = std::optional<Record>();
    const auto look = [&] {
      found = take();
      return !found.ok() || found->has_value();
    };
    log_->changed_.wait_for(lock, timeout, look);
    return found;
  }

 private:
  // The assigned partitions in turn, so that a full one does not starve the others.
  Result<std::optional<Record>> take() {
    auto at = next_.upper_bound(last_);
    for (std::size_t i = 0; i < next_.size(); ++i, ++at) {
      if (at == next_.end()) at = next_.begin();
      auto* partition = log_->find(at->first);
      if (partition == nullptr)
        return Error{ErrorCode::not_found, to_string(at->first) + ": no such topic or partition"};
      const auto end = Offset{static_cast<std::int64_t>(partition->records.size())};
      if (at->second < partition->first || at->second > end)
        return Error{ErrorCode::corrupt,
                     to_string(at->first) + ": offset " + std::to_string(at->second.value) + " is outside the log"};
      if (at->second == end) continue;
      last_ = at->first;
      return std::optional(partition->records[static_cast<std::size_t>(at->second.value++)]);
    }
    return std::optional<Record>();
  }

  std::shared_ptr<MemoryLog> log_;
  std::map<TopicPartition, Offset> next_;
  TopicPartition last_;
};

class MemoryWriter final : public RecordWriter {
 public:
  explicit MemoryWriter(std::shared_ptr<MemoryLog> log) : log_(std::move(log)) {}

  Result<void> send(const TopicPartition& to, OutRecord record, Delivered done) override {
    if (failure_) return *failure_;
    queue_.push_back({to, std::move(record), std::move(done)});
    return {};
  }
  void serve(std::chrono::milliseconds) override {
    while (!queue_.empty()) {
      auto [to, record, done] = std::move(queue_.front());
      queue_.pop_front();
      Result<Offset> result = failure_ ? Result<Offset>(*failure_) : log_->append(to, record);
      if (!result.ok()) failure_ = result.error();
      if (done) done(result);
    }
  }
  Result<void> flush(std::chrono::milliseconds timeout) override {
    serve(timeout);
    if (failure_) return *failure_;
    return {};
  }

 private:
  struct Waiting {
    TopicPartition to;
    OutRecord record;
    Delivered done;
  };
  std::shared_ptr<MemoryLog> log_;
  std::deque<Waiting> queue_;
  std::optional<Error> failure_;
};

class MemoryCommits final : public CommitStore {
 public:
  explicit MemoryCommits(std::shared_ptr<MemoryLog> log) : log_(std::move(log)) {}

  Result<std::map<TopicPartition, std::optional<Commit>>> committed(const std::string& group,
                                                                    const std::vector<TopicPartition>& at) override {
    const std::lock_guard lock(log_->mutex_);
    std::map<TopicPartition, std::optional<Commit>> found;
    const auto& commits = log_->commits_[group];
    for (const auto& one : at) {
      const auto commit = commits.find(one);
      found[one] = commit == commits.end() ? std::nullopt : std::optional(commit->second);
    }
    return found;
  }
  Result<void> commit(const std::string& group, const std::map<TopicPartition, Commit>& commits) override {
    const std::lock_guard lock(log_->mutex_);
    for (const auto& [at, commit] : commits) log_->commits_[group][at] = commit;
    return {};
  }

 private:
  std::shared_ptr<MemoryLog> log_;
};

class MemoryAdmin final : public TopicAdmin {
 public:
  explicit MemoryAdmin(std::shared_ptr<MemoryLog> log) : log_(std::move(log)) {}

  Result<std::vector<TopicInfo>> topics() override {
    const std::lock_guard lock(log_->mutex_);
    std::vector<TopicInfo> topics;
    for (const auto& [name, topic] : log_->topics_)
      topics.push_back({name, topic.spec.partitions, topic.spec.replication});
    return topics;
  }
  Result<int> broker_count() override { return 1; }
  Result<void> create(const NewTopic& topic) override {
    const std::lock_guard lock(log_->mutex_);
    if (log_->topics_.contains(topic.name)) return Error{ErrorCode::already_exists, "topic " + topic.name + " exists"};
    log_->topics_[topic.name] = {topic, std::vector<MemoryLog::Partition>(static_cast<std::size_t>(topic.partitions))};
    return {};
  }
  Result<void> remove(const std::string& topic) override {
    const std::lock_guard lock(log_->mutex_);
    if (log_->topics_.erase(topic) == 0) return Error{ErrorCode::not_found, "no topic " + topic};
    return {};
  }
  Result<OffsetRange> range(const TopicPartition& at) override {
    const std::lock_guard lock(log_->mutex_);
    const auto* partition = log_->find(at);
    if (partition == nullptr) return Error{ErrorCode::not_found, "no " + to_string(at)};
    return OffsetRange{partition->first, Offset{static_cast<std::int64_t>(partition->records.size())}};
  }
  Result<Offset> offset_at(const TopicPartition& at, SystemTime since) override {
    const std::lock_guard lock(log_->mutex_);
    const auto* partition = log_->find(at);
    if (partition == nullptr) return Error{ErrorCode::not_found, "no " + to_string(at)};
    for (const auto& record : partition->records)
      if (record.offset >= partition->first && record.timestamp >= since) return record.offset;
    return Offset{static_cast<std::int64_t>(partition->records.size())};
  }
  Result<void> delete_before(const TopicPartition& at, Offset offset) override {
    const std::lock_guard lock(log_->mutex_);
    auto* partition = log_->find(at);
    if (partition == nullptr) return Error{ErrorCode::not_found, "no " + to_string(at)};
    partition->first = std::max(partition->first, offset);
    return {};
  }

 private:
  std::shared_ptr<MemoryLog> log_;
};

std::unique_ptr<RecordReader> MemoryLog::reader() { return std::make_unique<MemoryReader>(shared_from_this()); }
std::unique_ptr<RecordWriter> MemoryLog::writer() { return std::make_unique<MemoryWriter>(shared_from_this()); }
std::unique_ptr<CommitStore> MemoryLog::commits() { return std::make_unique<MemoryCommits>(shared_from_this()); }
std::unique_ptr<TopicAdmin> MemoryLog::admin() { return std::make_unique<MemoryAdmin>(shared_from_this()); }

}  // namespace ride::stream
