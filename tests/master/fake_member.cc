#include "tests/master/fake_member.h"

namespace ride::master::test {

FakeMember::FakeMember(const kafka::ClientConfig& kafka, const std::string& prefix, const std::string& name,
                       stream::ProcessKind kind, const std::string& node) {
  member_ = stream::Member::join(
                {.kafka = kafka, .prefix = prefix, .name = name, .node = {node}, .kind = kind},
                [this](stream::Heartbeat& beat) { fill(beat); }, stop_)
                .value();
  thread_ = std::thread([this] { follow(); });
}

FakeMember::~FakeMember() {
  stop_ = true;
  thread_.join();
}

void FakeMember::follow() {
  while (!stop_) {
    auto decisions = member_->poll_decisions(std::chrono::milliseconds(50));
    if (!decisions.ok()) return;
    for (const auto& decision : *decisions) apply(decision);
  }
}

void FakeMember::apply(const stream::Decision& decision) {
  const std::lock_guard lock(mutex_);
  if (const auto* join = std::get_if<stream::JoinGroup>(&decision.body); join != nullptr && join->worker == id()) {
    group_ = *join;
  } else if (const auto* assign = std::get_if<stream::Assign>(&decision.body)) {
    for (const auto partition : assign->partitions) {
      if (assign->job != group_.job || assign->run != group_.run || assign->stage != group_.stage) continue;
      owned_.erase(partition);
      if (assign->worker == id()) owned_[partition] = assign->epoch;
    }
  } else if (const auto* releasing = std::get_if<stream::Releasing>(&decision.body)) {
    if (releasing->worker == id() && hands_back_)
      member_->post(stream::Released{releasing->job, releasing->run, releasing->stage, id(), releasing->partitions});
  } else if (const auto* source = std::get_if<stream::AssignSource>(&decision.body)) {
    sources_.erase(source->source);
    if (source->producer == id()) sources_[source->source] = *source;
  } else if (const auto* phase = std::get_if<stream::JobPhaseChanged>(&decision.body)) {
    if (phase->job == group_.job && phase->phase >= stream::JobPhase::completed) {
      group_ = {};
      owned_.clear();
    }
  }
}

void FakeMember::fill(stream::Heartbeat& beat) {
  const std::lock_guard lock(mutex_);
  if (!group_.stage.value.empty()) {
    beat.group = group_.job.value + "/" + group_.stage.value;
    beat.warm = true;
  }
  for (const auto& [partition, epoch] : owned_)
    beat.partitions.push_back({.job = group_.job,
                               .run = group_.run,
                               .stage = group_.stage,
                               .partition = partition,
                               .epoch = epoch,
                               .ended = ended_,
                               .counters = {.acked = acked_}});
  for (const auto& [name, source] : sources_)
    beat.sources.push_back({.job = source.job,
                            .run = source.run,
                            .source = name,
                            .session = source.session,
                            .connected = true,
                            .ended = ended_});
}

void FakeMember::end_all(std::int64_t acked) {
  const std::lock_guard lock(mutex_);
  ended_ = true;
  acked_ = acked;
}

std::set<PartitionId> FakeMember::owned() const {
  const std::lock_guard lock(mutex_);
  std::set<PartitionId> partitions;
  for (const auto& [partition, epoch] : owned_) partitions.insert(partition);
  return partitions;
}

std::map<std::string, SessionId> FakeMember::sources() const {
  const std::lock_guard lock(mutex_);
  std::map<std::string, SessionId> sessions;
  for (const auto& [name, source] : sources_) sessions[name] = source.session;
  return sessions;
}

}  // namespace ride::master::test
