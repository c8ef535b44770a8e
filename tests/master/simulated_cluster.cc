#include "tests/master/simulated_cluster.h"

#include <spdlog/fmt/fmt.h>

#include "common/check.h"
#include "master/core/describe.h"

namespace ride::master::test {

namespace {

using Lines = std::vector<std::string>;

void add(Lines& to, Lines more) { to.insert(to.end(), more.begin(), more.end()); }

std::string names(const std::set<WorkerId>& workers) {
  std::string text;
  for (const auto& worker : workers) text += (text.empty() ? "" : " ") + worker.value;
  return text.empty() ? "nobody" : text;
}

}  // namespace

SimulatedCluster::SimulatedCluster() : now_(std::chrono::seconds(1'800'000'000)) { restart_master(); }

void SimulatedCluster::append(const stream::DecisionBody& body) {
  const stream::Decision decision{"log-1", claim_, fmt::format("m{}", claim_), body};
  auto read_back = stream::decode_decision(stream::encode(decision));
  RIDE_CHECK(read_back.ok() && *read_back == decision, "a decision does not survive its JSON");
  if (const auto* part = std::get_if<stream::SnapshotPart>(&body); part != nullptr && part->part == 1)
    snapshots_[part->id] = log_.size();
  log_.push_back(*read_back);
  if (apply(state_, *read_back) != Applied::counted) ++failures;
}

void SimulatedCluster::perform(const Action& action, Lines& said) {
  if (const auto* one = std::get_if<Append>(&action)) {
    for (const auto& decision : one->decisions) {
      append(decision);
      if (std::holds_alternative<stream::SnapshotPart>(decision)) continue;  // nothing that a story is about
      const auto words = describe(decision);
      said.push_back(fmt::format("{}: {}", words.code, words.text));
    }
  } else if (const auto* one = std::get_if<EnsureTopics>(&action)) {
    said.push_back(fmt::format("-> make the topics of {}/{}", one->spec->job.value, one->spec->run.value));
  } else if (const auto* one = std::get_if<DeleteTopics>(&action)) {
    said.push_back(fmt::format("-> delete the topics of {}/{}", one->spec->job.value, one->spec->run.value));
  } else if (const auto* one = std::get_if<Answer>(&action)) {
    said.push_back(one->result.ok() ? fmt::format("-> answer: run {}", one->result.value().value)
                                    : fmt::format("-> answer: {}: {}", to_string(one->result.error().code),
                                                  one->result.error().message));
  } else if (const auto* one = std::get_if<TruncateBehind>(&action)) {
    truncate(*one);
  } else if (const auto* one = std::get_if<Notify>(&action)) {
    said.push_back(fmt::format("-> notify {}, {}: {}", to_string(one->severity), one->code, one->text));
  }
}

void SimulatedCluster::truncate(const TruncateBehind& order) {
  if (state_.soft.snapshot != order.snapshot) return;
  const auto begin = snapshots_.at(order.snapshot);
  deleted_ += begin;
  log_.erase(log_.begin(), log_.begin() + static_cast<std::ptrdiff_t>(begin));
  snapshots_.clear();
  // What a reader finds that begins here is what was known to one that read all.
  State fresh;
  for (const auto& decision : log_)
    if (apply(fresh, decision) != Applied::counted) ++failures;
  if (!(fresh.hard == state_.hard)) ++failures;
}

Lines SimulatedCluster::handle(const std::vector<Event>& events) {
  Lines said;
  for (const auto& action : decide(state_, events, now_)) perform(action, said);
  for (int round = 0; round < 20; ++round) {  // what one round leaves due, the next one does
    const auto actions = decide(state_, {}, now_);
    if (actions.empty()) return said;
    for (const auto& action : actions) perform(action, said);
  }
  RIDE_CHECK(false, "the master does not come to rest");
  return said;
}

stream::Heartbeat SimulatedCluster::heartbeat_of(const WorkerId& id) const {
  const auto& process = processes.at(id);
  auto beat = process.offer;
  beat.at = now_;
  if (const auto* member = state_.hard.member(id)) {
    beat.group = member->stage.job.value + "/" + member->stage.stage.value;
    beat.warm = !process.cold;
    const auto& partitions = state_.hard.find(member->stage)->partitions;
    for (std::size_t p = 0; p < partitions.size(); ++p)
      if (partitions[p].owner == id)
        beat.partitions.push_back({.job = member->stage.job,
                                   .run = member->stage.run,
                                   .stage = member->stage.stage,
                                   .partition = PartitionId{static_cast<int>(p)},
                                   .epoch = partitions[p].epoch});
  }
  load.fill(beat);
  if (beat.kind == ProcessKind::agent)
    for (const auto& [other, child] : processes)
      if (other != id && child.offer.node == beat.node && (!child.silent || child.starved))
        beat.children.push_back(other);
  for (const auto& [name, job] : state_.hard.jobs)
    for (const auto& [source_name, source] : job->sources)
      if (source.producer == id)
        beat.sources.push_back({.job = name, .run = job->spec->run, .source = source_name, .session = source.session});
  return beat;
}

Lines SimulatedCluster::report(stream::ReportBody body) { return handle({ReportRead{std::move(body), now_}}); }

Lines SimulatedCluster::join(const stream::Heartbeat& offer) {
  processes[offer.id] = {.offer = offer};
  return beat(offer.id);
}

Lines SimulatedCluster::beat(const WorkerId& id) { return report(heartbeat_of(id)); }

Lines SimulatedCluster::tick(std::chrono::milliseconds interval) {
  now_ += interval;
  load.advance(state_.hard, std::chrono::duration<double>(interval).count(), [this](const WorkerId& id) {
    const auto found = processes.find(id);
    return found != processes.end() && !found->second.silent;
  });
  Lines said;
  for (const auto& [id, process] : processes)
    if (!process.silent) add(said, beat(id));
  add(said, report(stream::Tick{claim_, fmt::format("m{}", claim_), state_.soft.ticks + 1}));
  return said;
}

Lines SimulatedCluster::submit(stream::JobSpec spec, bool replace) {
  spec.run = next_run(state_.hard, spec.job);
  return handle(
      {SubmitRequest{.ticket = ++ticket_, .spec = std::move(spec), .topology = "ride: v1", .replace = replace}});
}

Lines SimulatedCluster::release(const WorkerId& worker) {
  const auto* member = state_.hard.member(worker);
  if (member == nullptr) return {};
  stream::Released released{member->stage.job, member->stage.run, member->stage.stage, worker, {}};
  const auto& partitions = state_.hard.find(member->stage)->partitions;
  for (std::size_t p = 0; p < partitions.size(); ++p)
    if (partitions[p].owner == worker && partitions[p].releasing)
      released.partitions.push_back(PartitionId{static_cast<int>(p)});
  if (released.partitions.empty()) return {};
  return report(released);
}

Lines SimulatedCluster::end_stage(const StageKey& key, const std::vector<PartitionId>& partitions) {
  Lines said;
  for (const auto partition : partitions) {
    const auto owner = state_.hard.find(key)->partitions[static_cast<std::size_t>(partition.value)].owner;
    if (owner.value.empty()) continue;
    auto beat = heartbeat_of(owner);
    for (auto& progress : beat.partitions) {
      progress.ended = progress.partition == partition;
      progress.counters.acked = 10;
    }
    add(said, report(beat));
  }
  return said;
}

Lines SimulatedCluster::end_source(const SourceKey& key, std::int64_t frames) {
  const auto producer = state_.hard.find(key.job, key.run)->sources.at(key.source).producer;
  auto beat = heartbeat_of(producer);
  for (auto& progress : beat.sources) {
    if (progress.source != key.source) continue;
    progress.ended = true;
    progress.frames = frames;
  }
  return report(beat);
}

Lines SimulatedCluster::restart_master() {
  const auto old = std::move(log_);
  log_.clear();
  state_ = State{.rules = state_.rules};
  for (const auto& decision : old) {
    log_.push_back(decision);
    if (apply(state_, decision) != Applied::counted) ++failures;
  }
  snapshots_.clear();
  ++claim_;
  append(stream::Claim{claim_, fmt::format("m{}", claim_), "127.0.0.1:7800"});
  return handle({LeadershipTaken{}});
}

Lines SimulatedCluster::show() const {
  Lines lines;
  for (const auto& [name, job] : state_.hard.jobs) {
    lines.push_back(fmt::format("{}/{} {}", name.value, job->spec->run.value, to_string(job->phase)));
    for (const auto& spec : job->spec->stages) {
      const auto& stage = *job->stages.at(StageName{spec.name});
      lines.push_back(fmt::format("  {}: {}; spares: {}", spec.name, names(stage.actives), names(stage.spares)));
      std::map<WorkerId, std::vector<PartitionId>> owned;
      for (std::size_t p = 0; p < stage.partitions.size(); ++p)
        owned[stage.partitions[p].owner].push_back(PartitionId{static_cast<int>(p)});
      for (const auto& [owner, partitions] : owned)
        lines.push_back(fmt::format("    {} {}", list_of(partitions), owner.value.empty() ? "nobody" : owner.value));
    }
    for (const auto& [source_name, source] : job->sources)
      lines.push_back(fmt::format("  source {}: {}, session {}", source_name,
                                  source.producer.value.empty() ? "nobody" : source.producer.value,
                                  source.session.value));
  }
  return lines;
}

}  // namespace ride::master::test
