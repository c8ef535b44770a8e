#include "tests/master/fleet.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>

#include "master/core/describe.h"

namespace ride::master::test {

namespace {

constexpr int kRounds = 50;  // until a step must have come to rest

std::string job_name(int job) { return fmt::format("job{:03}", job); }

}  // namespace

Fleet::Fleet(const FleetShape& shape, std::uint32_t seed, Load load)
    : shape_(shape), random_(seed), load_(std::move(load)) {
  apply(stream::Claim{1, "m", ""});
  workers_.resize(static_cast<std::size_t>(shape_.workers));
  for (std::size_t w = 0; w < workers_.size(); ++w) {
    workers_[w].speed = w % 4 == 3 ? shape_.fps_per_worker / 2 : shape_.fps_per_worker;
    start(workers_[w], w);
  }
  jobs_.resize(static_cast<std::size_t>(shape_.jobs));
  for (auto& job : jobs_) {
    job.partitions.resize(static_cast<std::size_t>(shape_.partitions));
    job.epochs.resize(job.partitions.size());
  }
  step();
  submit_all();
}

void Fleet::start(WorkerState& worker, std::size_t slot) {
  slots_.erase(worker.id);
  const auto speed = worker.speed;
  worker = {.id = WorkerId{fmt::format("w{:04}#{:x}", slot, ++incarnations_)}, .speed = speed};
  slots_[worker.id] = slot;
}

void Fleet::submit_all() {
  std::vector<Event> submits, topics;
  for (int j = 0; j < shape_.jobs; ++j) {
    stream::JobSpec spec{.job = {job_name(j)}, .run = {1}};
    for (int c = 0; c < shape_.cameras; ++c) spec.sources.push_back({.name = fmt::format("cam{}", c)});
    stream::StageSpec stage{.name = "work", .partitions = shape_.partitions, .sink = true};
    stage.group.min = shape_.min;
    stage.group.max = shape_.max;
    stage.group.scaling = shape_.scaling;
    spec.stages.push_back(stage);
    submits.emplace_back(SubmitRequest{j + 1, spec, ""});
    topics.emplace_back(TopicsOutcome{spec.job, spec.run, {}});
  }
  handle(submits);
  handle(topics);
}

StageKey Fleet::stage(int job) const { return {{job_name(job)}, {1}, {"work"}}; }

std::int64_t Fleet::lag(int job) const {
  std::int64_t lag = 0;
  for (const auto& one : jobs_[static_cast<std::size_t>(job)].partitions) lag += one.end - one.committed;
  return lag;
}

void Fleet::kill(int worker) {
  auto& victim = workers_[static_cast<std::size_t>(worker)];
  if (!victim.alive) return;
  victim.alive = false;
  victim.back_in = 3;
  reports_.emplace_back(ReportRead{stream::ChildExit{.child = victim.id, .signal = 9}, now_});
}

// Round-robin into the partitions.
void Fleet::arrive(double dt) {
  for (int j = 0; j < shape_.jobs; ++j) {
    auto& job = jobs_[static_cast<std::size_t>(j)];
    const double mean = load_(j, second()) * shape_.cameras * dt;
    job.owed += mean;
    auto frames = static_cast<std::int64_t>(job.owed);
    job.owed -= static_cast<double>(frames);
    if (shape_.by_chance) frames = std::poisson_distribution<std::int64_t>(std::max(1e-6, mean))(random_);
    job.arrived += frames;
    for (std::int64_t i = 0; i < frames; ++i) ++job.partitions[job.next++ % job.partitions.size()].end;
  }
}

std::vector<Fleet::Owned> Fleet::owned() const {
  std::vector<Owned> owned(workers_.size());
  for (int j = 0; j < shape_.jobs; ++j) {
    const auto* stage = state.hard.find(this->stage(j));
    if (stage == nullptr) continue;
    for (std::size_t p = 0; p < stage->partitions.size(); ++p) {
      const auto found = slots_.find(stage->partitions[p].owner);
      if (found == slots_.end()) continue;
      owned[found->second].job = static_cast<std::size_t>(j);
      owned[found->second].partitions.push_back(static_cast<int>(p));
    }
  }
  return owned;
}

void Fleet::work(WorkerState& worker, const Owned& owned, double dt) {
  worker.time = std::min(dt, worker.time) + dt;  // what it could not use is gone, but for a frame's fraction
  bool any = true;
  while (any && worker.time * worker.speed >= 1) {
    any = false;
    for (const auto p : owned.partitions) {
      auto& log = jobs_[owned.job].partitions[static_cast<std::size_t>(p)];
      if (log.end == log.committed || worker.time * worker.speed < 1) continue;
      ++log.committed;
      ++worker.frames;
      worker.busy += 1 / worker.speed;
      worker.time -= 1 / worker.speed;
      any = true;
    }
  }
  if (worker.time * worker.speed >= 1) worker.time = 0;
}

stream::Heartbeat Fleet::beat(const WorkerState& worker, const Owned& owned) const {
  stream::Heartbeat beat{.id = worker.id, .node = NodeName{fmt::format("n{}", slots_.at(worker.id) % 100)}, .at = now_};
  const auto* member = state.hard.member(worker.id);
  if (member == nullptr) return beat;
  beat.warm = true;
  beat.group = member->stage.job.value + "/" + member->stage.stage.value;
  beat.frames = worker.frames;
  beat.busy_seconds = worker.busy;
  const auto& partitions = state.hard.find(member->stage)->partitions;
  for (const auto p : owned.partitions) {
    const auto& log = jobs_[owned.job].partitions[static_cast<std::size_t>(p)];
    beat.partitions.push_back({.job = member->stage.job,
                               .run = member->stage.run,
                               .stage = member->stage.stage,
                               .partition = {p},
                               .epoch = partitions[static_cast<std::size_t>(p)].epoch,
                               .position = log.committed,
                               .committed = log.committed,
                               .end = log.end,
                               .counters = {.acked = log.committed}});
  }
  return beat;
}

stream::Heartbeat Fleet::producer_beat(int producer) const {
  stream::Heartbeat beat{.id = WorkerId{fmt::format("p{}#1", producer)},
                         .kind = ProcessKind::producer,
                         .node = NodeName{fmt::format("n{}", producer)},
                         .at = now_};
  for (const auto& [name, job] : state.hard.jobs)
    for (const auto& [source_name, source] : job->sources)
      if (source.producer == beat.id)
        beat.sources.push_back(
            {.job = name, .run = job->spec->run, .source = source_name, .session = source.session, .connected = true});
  return beat;
}

void Fleet::step() {
  const auto interval = tick_interval(state);
  const double dt = std::chrono::duration<double>(interval).count();
  now_ += interval;
  arrive(dt);
  const auto owned = this->owned();
  auto events = std::exchange(requests_, {});
  for (auto& report : reports_) events.push_back(std::move(report));
  reports_.clear();
  for (std::size_t w = 0; w < workers_.size(); ++w) {
    auto& worker = workers_[w];
    if (!worker.alive && --worker.back_in <= 0) start(worker, w);
    if (!worker.alive) continue;
    const auto* member = state.hard.member(worker.id);
    const auto key = member == nullptr ? StageKey{} : member->stage;
    if (key != worker.member) {  // it opens another task, and counts anew
      worker.member = key;
      worker.frames = 0;
      worker.busy = 0;
    }
    if (member != nullptr) work(worker, owned[w], dt);
    events.emplace_back(ReportRead{beat(worker, member == nullptr ? Owned{} : owned[w]), now_});
  }
  for (int p = 0; p < shape_.producers; ++p) events.emplace_back(ReportRead{producer_beat(p), now_});
  events.emplace_back(ReportRead{stream::Tick{1, "m", state.soft.ticks + 1}, now_});
  handle(events);
}

// What is asked back is handed back at once: the worker's part of it has tests of its own.
void Fleet::handle(const std::vector<Event>& events) {
  auto next = events;
  for (int round = 0; round < kRounds; ++round) {
    const auto actions = decide(state, next, now_);
    if (actions.empty()) return;
    next.clear();
    for (const auto& action : actions) {
      const auto* append = std::get_if<Append>(&action);
      if (append == nullptr) continue;
      for (const auto& decision : append->decisions) {
        apply(decision);
        if (const auto* asked = std::get_if<stream::Releasing>(&decision); asked != nullptr) {
          const auto slot = slots_.find(asked->worker);
          if (slot != slots_.end() && workers_[slot->second].alive)
            next.emplace_back(ReportRead{
                stream::Released{asked->job, asked->run, asked->stage, asked->worker, asked->partitions}, now_});
        }
      }
    }
  }
  wrong_.push_back(fmt::format("at {:.0f} s the master did not come to rest", second()));
}

void Fleet::apply(const stream::DecisionBody& body) {
  ++decisions_;
  words_.push_back(fmt::format("{:.0f} s: {}", second(), describe(body).text));
  if (words_.size() > 200) words_.pop_front();
  if (const auto* scale = std::get_if<stream::Scale>(&body)) note(*scale);
  if (const auto* assign = std::get_if<stream::Assign>(&body)) note(*assign);
  if (master::apply(state, {"log", 1, "m", body}) != Applied::counted) wrong_.push_back("a decision did not count");
}

void Fleet::note(const stream::Scale& scale) {
  const int j = std::stoi(scale.job.value.substr(3));
  const auto& spec = state.hard.find(scale.job, scale.run)->stage_spec(scale.stage);
  if (scale.workers < shape_.min || scale.workers > shape_.max)
    wrong_.push_back(fmt::format("{} was set to {} workers: {}", scale.job.value, scale.workers, scale.reason));
  jobs_[static_cast<std::size_t>(j)].sizes.push_back(
      {second(), wanted_workers(spec, *state.hard.find({scale.job, scale.run, scale.stage})), scale.workers, scale.held,
       scale.reason});
}

void Fleet::note(const stream::Assign& assign) {
  auto& job = jobs_[static_cast<std::size_t>(std::stoi(assign.job.value.substr(3)))];
  for (const auto partition : assign.partitions) {
    auto& last = job.epochs[static_cast<std::size_t>(partition.value)];
    if (assign.epoch <= last)
      wrong_.push_back(fmt::format("{}: epoch {} follows {}", assign.job.value, assign.epoch.value, last.value));
    last = assign.epoch;
  }
}

}  // namespace ride::master::test
