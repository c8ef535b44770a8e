#include "tests/simulation/kafka.h"

namespace ride::simulation {

Result<void> Kafka::create(const stream::NewTopic& topic) {
  if (!topics_.emplace(topic.name, topic).second)
    return Error{ErrorCode::already_exists, "topic " + topic.name + " exists"};
  for (int p = 0; p < topic.partitions; ++p) {
    auto line = std::make_unique<Line>();
    line->at = {topic.name, PartitionId{p}};
    line->leader = static_cast<int>(random_.below(kBrokers));
    // Its leader may need a moment: the first records are refused.
    line->closed_until = clock_.now() + Time(random_.one_in(2) ? 0 : random_.between(1'000, 400'000));
    lines_[line->at] = std::move(line);
  }
  return {};
}

Line* Kafka::find(const stream::TopicPartition& at) {
  const auto found = lines_.find(at);
  return found == lines_.end() ? nullptr : found->second.get();
}

void Kafka::append(Line& line, std::int64_t producer, std::int64_t sequence, ContentPtr content, Line::Reply reply) {
  if (clock_.now() < line.closed_until) return reply(false);
  const auto known = line.sequences_.find(producer);
  if (known != line.sequences_.end()) {
    if (sequence <= known->second) {  // a repetition: acknowledged with what it repeats
      const auto end = static_cast<std::int64_t>(line.records.size());
      if (line.visible == end) return reply(true);
      line.waiting_.push_back({end - 1, std::move(reply)});
      return;
    }
    if (sequence > known->second + 1) return reply(false);
  }
  const auto offset = static_cast<std::int64_t>(line.records.size());
  line.records.push_back({std::move(content), clock_.wall(), producer, sequence});
  line.sequences_[producer] = sequence;
  line.waiting_.push_back({offset, std::move(reply)});
  line.replicated_at_ = std::max(line.replicated_at_, clock_.now() + Time(random_.between(100, 900)));
  clock_.at(line.replicated_at_, [this, &line, offset, election = line.elections_] {
    if (election == line.elections_) advance(line, offset + 1);
  });
}

void Kafka::advance(Line& line, std::int64_t to) {
  while (line.visible < to) {
    ++line.visible;
    if (on_visible) on_visible(line, line.visible - 1);
  }
  std::vector<Line::Reply> replies;
  std::erase_if(line.waiting_, [&](Line::Waiting& waiting) {
    if (waiting.offset >= line.visible) return false;
    replies.push_back(std::move(waiting.reply));
    return true;
  });
  for (const auto& reply : replies) reply(true);
  wake(line);
}

void Kafka::wake(Line& line) {
  for (const auto& [id, look] : line.watchers_) look();
}

const Stored* Kafka::read(const Line& line, std::int64_t offset) const {
  if (offset >= line.visible || offset < line.first || clock_.now() < line.closed_until) return nullptr;
  return &line.records[static_cast<std::size_t>(offset)];
}

Kafka::Group& Kafka::group(const std::string& name) {
  const auto [found, fresh] = groups_.try_emplace(name);
  if (fresh) found->second.coordinator = static_cast<int>(random_.below(kBrokers));
  return found->second;
}

bool Kafka::coordinator_answers(const std::string& name) { return clock_.now() >= group(name).closed_until; }

bool Kafka::commit(const std::string& name, const std::map<stream::TopicPartition, stream::Commit>& commits) {
  auto& group = this->group(name);
  if (clock_.now() < group.closed_until) return false;
  for (const auto& [at, commit] : commits) {
    group.commits[at] = commit;
    if (on_commit) on_commit(name, at, commit);
  }
  return true;
}

std::optional<stream::Commit> Kafka::committed(const std::string& name, const stream::TopicPartition& at) const {
  const auto group = groups_.find(name);
  if (group == groups_.end()) return std::nullopt;
  const auto found = group->second.commits.find(at);
  return found == group->second.commits.end() ? std::nullopt : std::optional(found->second);
}

void Kafka::delete_before(Line& line, std::int64_t offset) {
  const auto first = std::min(offset, line.visible);
  if (first <= line.first) return;
  line.first = first;
  if (on_deleted) on_deleted(line);
}

void Kafka::fail_broker(int broker) {
  const auto next = (broker + 1 + static_cast<int>(random_.below(kBrokers - 1))) % kBrokers;
  for (auto& [at, line] : lines_) {
    if (line->leader != broker) continue;
    line->leader = next;
    elect(*line);
  }
  for (auto& [name, group] : groups_) {
    if (group.coordinator != broker) continue;
    group.coordinator = next;
    group.closed_until = clock_.now() + Time(random_.between(20'000, 800'000));
  }
}

void Kafka::elect(Line& line) {
  const auto end = static_cast<std::int64_t>(line.records.size());
  const auto keep = random_.between(line.visible, end);
  forget_tail(line, keep);
  ++line.elections_;
  line.waiting_.clear();  // their connection is gone; whoever waits will ask again
  advance(line, keep);
  line.closed_until = clock_.now() + Time(random_.between(20'000, 800'000));
  clock_.at(line.closed_until, [&line] { wake(line); });
}

// The new leader knows of each producer what its records say.
void Kafka::forget_tail(Line& line, std::int64_t keep) {
  line.records.resize(static_cast<std::size_t>(keep));
  line.sequences_.clear();
  for (const auto& record : line.records) {
    auto& last = line.sequences_.try_emplace(record.producer, record.sequence).first->second;
    last = std::max(last, record.sequence);
  }
}

}  // namespace ride::simulation
