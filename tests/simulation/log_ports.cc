#include "tests/simulation/log_ports.h"

namespace ride::simulation {

namespace {

using stream::TopicPartition;

Error no(const TopicPartition& at) { return Error{ErrorCode::not_found, "no " + to_string(at)}; }

class Admin final : public stream::TopicAdmin {
 public:
  explicit Admin(Kafka& kafka) : kafka_(kafka) {}

  Result<std::vector<stream::TopicInfo>> topics() override {
    std::vector<stream::TopicInfo> topics;
    for (const auto& [name, topic] : kafka_.topics()) topics.push_back({name, topic.partitions, topic.replication});
    return topics;
  }
  Result<int> broker_count() override { return kBrokers; }
  Result<void> create(const stream::NewTopic& topic) override { return kafka_.create(topic); }
  Result<void> remove(const std::string& topic) override { return Error{ErrorCode::unsupported, "remove " + topic}; }
  Result<stream::OffsetRange> range(const TopicPartition& at) override {
    const auto* line = kafka_.find(at);
    if (line == nullptr) return no(at);
    return stream::OffsetRange{Offset{line->first}, Offset{line->visible}};
  }
  Result<Offset> offset_at(const TopicPartition& at, SystemTime since) override {
    const auto* line = kafka_.find(at);
    if (line == nullptr) return no(at);
    auto offset = line->first;
    while (offset < line->visible && line->records[static_cast<std::size_t>(offset)].at < since) ++offset;
    return Offset{offset};
  }
  Result<void> delete_before(const TopicPartition& at, Offset offset) override {
    auto* line = kafka_.find(at);
    if (line == nullptr) return no(at);
    kafka_.delete_before(*line, offset.value);
    return {};
  }

 private:
  Kafka& kafka_;
};

class Commits final : public stream::CommitStore {
 public:
  explicit Commits(Kafka& kafka) : kafka_(kafka) {}
  Result<std::map<TopicPartition, std::optional<stream::Commit>>> committed(
      const std::string& group, const std::vector<TopicPartition>& at) override {
    std::map<TopicPartition, std::optional<stream::Commit>> found;
    for (const auto& one : at) found[one] = kafka_.committed(group, one);
    return found;
  }
  Result<void> commit(const std::string& group, const std::map<TopicPartition, stream::Commit>& commits) override {
    if (kafka_.commit(group, commits)) return {};
    return Error{ErrorCode::unavailable, "nobody leads the group's commits now", true};
  }

 private:
  Kafka& kafka_;
};

// One partition at a time, whatever its leader does: who asks would only wait.
class Reader final : public stream::RecordReader {
 public:
  explicit Reader(Kafka& kafka) : kafka_(kafka) {}
  Result<void> assign(const TopicPartition& at, Offset start) override {
    line_ = kafka_.find(at);
    if (line_ == nullptr) return no(at);
    next_ = start.value;
    return {};
  }
  void unassign(const TopicPartition&) override { line_ = nullptr; }
  Result<std::optional<stream::Record>> poll(std::chrono::milliseconds) override {
    if (line_ == nullptr || next_ >= line_->visible) return std::optional<stream::Record>();
    const auto& stored = line_->records[static_cast<std::size_t>(next_)];
    const auto& content = *stored.content;
    return std::optional(
        stream::Record{line_->at, Offset{next_++}, stored.at, "", content.headers, content.value, content.owner});
  }

 private:
  Kafka& kafka_;
  Line* line_ = nullptr;
  std::int64_t next_ = 0;
};

}  // namespace

std::unique_ptr<stream::TopicAdmin> make_admin(Kafka& kafka) { return std::make_unique<Admin>(kafka); }
std::unique_ptr<stream::CommitStore> make_commit_store(Kafka& kafka) { return std::make_unique<Commits>(kafka); }
std::unique_ptr<stream::RecordReader> make_reader(Kafka& kafka) { return std::make_unique<Reader>(kafka); }

}  // namespace ride::simulation
