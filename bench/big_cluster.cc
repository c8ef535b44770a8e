#include "bench/big_cluster.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <ctime>

namespace ride::bench {

using master::Event;

namespace {

// Of this thread: what else the machine does is not the master's cost.
std::chrono::nanoseconds cpu_time() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

}  // namespace

BigCluster::BigCluster(const BigShape& shape) : shape_(shape) {
  write(stream::Claim{1, "m", ""});
  stream::JobSpec spec{.job = {"big"}, .run = {1}};
  for (int s = 0; s < shape_.stages; ++s) {
    stream::StageSpec stage{.name = fmt::format("stage{}", s), .partitions = shape_.partitions};
    stage.group.max = shape_.workers / shape_.stages - 2;
    stage.group.min = stage.group.max;
    stage.group.spares = 2;
    spec.stages.push_back(stage);
  }
  std::vector<Event> joins;
  joins.reserve(static_cast<std::size_t>(shape_.workers));
  for (int w = 0; w < shape_.workers; ++w) joins.emplace_back(master::ReportRead{offer(w), now_});
  handle(joins);
  handle({master::SubmitRequest{1, spec, ""}});
  filled_in = handle({master::TopicsOutcome{{"big"}, {1}, {}}}).count();
}

stream::Heartbeat BigCluster::offer(int w) {
  return {.id = WorkerId{fmt::format("worker-{:04}#0123456789abcdef", w)},
          .node = NodeName{fmt::format("n{}", w % 100)}};
}

master::StageKey BigCluster::stage(int index) const { return {{"big"}, {1}, {fmt::format("stage{}", index)}}; }

stream::Heartbeat BigCluster::beat(int w, std::int64_t frames) const {
  auto beat = offer(w);
  const auto* member = state.hard.member(beat.id);
  if (member == nullptr) return beat;
  beat.warm = true;
  beat.group = "big/" + member->stage.stage.value;
  beat.frames = 10 * frames;
  beat.busy_seconds = static_cast<double>(frames) * 0.8;
  beat.busy_fraction = 0.8;
  const auto& partitions = state.hard.find(member->stage)->partitions;
  for (std::size_t p = 0; p < partitions.size(); ++p)
    if (partitions[p].owner == beat.id)
      beat.partitions.push_back({.job = {"big"},
                                 .run = {1},
                                 .stage = member->stage.stage,
                                 .partition = {static_cast<int>(p)},
                                 .epoch = partitions[p].epoch,
                                 .position = frames + 1,
                                 .committed = frames,
                                 .end = frames + 1,
                                 .oldest_unacked_age_ms = 40,
                                 .counters = {.acked = frames}});
  return beat;
}

std::chrono::duration<double, std::milli> BigCluster::round(const std::vector<Event>& events, bool& decided) {
  const auto begin = cpu_time();
  const auto actions = decide(state, events, now_);
  const auto took = cpu_time() - begin;
  decided = false;
  for (const auto& action : actions) {
    const auto* append = std::get_if<master::Append>(&action);
    if (append == nullptr) continue;
    decided = true;
    for (const auto& decision : append->decisions) write(decision);
  }
  return took;
}

std::chrono::duration<double, std::milli> BigCluster::handle(const std::vector<Event>& events) {
  bool more = false;
  const auto took = round(events, more);
  for (int i = 0; more && i < 20; ++i) round({}, more);
  return took;
}

// Of those who were asked to hand partitions back.
std::vector<Event> BigCluster::answers() const {
  std::vector<Event> answers;
  for (int s = 0; s < shape_.stages; ++s) {
    const auto& key = stage(s);
    std::map<WorkerId, std::vector<PartitionId>> back;
    const auto& partitions = state.hard.find(key)->partitions;
    for (std::size_t p = 0; p < partitions.size(); ++p)
      if (partitions[p].releasing) back[partitions[p].owner].push_back(PartitionId{static_cast<int>(p)});
    for (const auto& [worker, ids] : back)
      answers.emplace_back(master::ReportRead{stream::Released{key.job, key.run, key.stage, worker, ids}, now_});
  }
  return answers;
}

void BigCluster::beat_all() {
  std::vector<Event> events;
  for (int w = 0; w < shape_.workers; ++w)
    if (!state.hard.is_out(offer(w).id)) events.emplace_back(master::ReportRead{beat(w), now_});
  handle(events);
}

void BigCluster::settle() {
  for (int i = 0; i < 200; ++i) {
    beat_all();
    pass(std::chrono::seconds(1));
    handle({master::ReportRead{next_tick(), now_}});
    auto handed_back = answers();
    if (handed_back.empty() && i > 1) return;
    if (!handed_back.empty()) handle(handed_back);
  }
}

}  // namespace ride::bench
