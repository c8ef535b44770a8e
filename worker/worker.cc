#include "worker/worker.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <thread>
#include <utility>

#include "common/log.h"
#include "common/units.h"
#include "master/core/decided.h"
#include "plugin/shipped.h"
#include "process/start_again.h"
#include "stream/core/artifact.h"
#include "worker/worker_metrics.h"

namespace ride::worker {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

constexpr milliseconds kOutOfReach(10'000);    // decision 0025: without an acknowledged heartbeat
constexpr std::chrono::minutes kAnewAfter(5);  // ... and then its own clients may be what does not work
constexpr auto kLeaveWithin = std::chrono::seconds(4);
constexpr auto kEndWithin = std::chrono::seconds(5);

}  // namespace

Result<void> Worker::run(const std::atomic<bool>& stop) {
  auto member = stream::Member::join(
      {.kafka = config_.kafka,
       .prefix = config_.prefix,
       .name = config_.name,
       .node = config_.node,
       .kind = stream::ProcessKind::worker},
      [this](stream::Heartbeat& beat) { fill(beat); }, stop);
  if (!member.ok()) {
    if (member.error().code == ErrorCode::cancelled) return {};
    log_error("{}", member.error().message);
    auto error = member.error();
    error.retriable = false;  // it never joined: to start again would not help
    return error;
  }
  member_ = std::move(member).value();
  ownership_ = std::make_unique<AssignmentView>(member_->id());
  log_info("worker {} is ready", member_->id().value);
  auto result = control(stop);
  result.ok() ? leave() : end(result.error());
  return result;
}

// What a new incarnation, with connections of its own, may not meet again.
Error Worker::passing(Error error) {
  error.retriable = process::may_start_again(error);
  return error;
}

Result<void> Worker::control(const std::atomic<bool>& stop) {
  master::Decided decided;
  std::int64_t contradictions = 0;  // reported by the master
  while (!stop) {
    auto decisions = member_->poll_decisions(milliseconds(50));
    if (!decisions.ok() && !decisions.error().retriable) return passing(decisions.error());
    if (decisions.ok()) {
      for (const auto& decision : *decisions) {
        if (decided.apply(decision))
          ownership_->apply(decision);
        else
          ++contradictions;
      }
    }
    refused_ = member_->refused_decisions() + contradictions;
    watch_reach();
    const auto duty = ownership_->duty();
    if (auto why = must_end(duty)) return *std::move(why);
    if (!member_->caught_up()) {  // the log was cut below us, and cannot be opened again yet
      if (runner_ && isolated_) runner_->pause(true);
      continue;
    }
    reconcile(duty);
    answer_reader(duty);
  }
  return {};
}

// Retriable: the next incarnation may go on.
std::optional<Error> Worker::must_end(const DesiredState& duty) const {
  if (duty.refused) return Error{ErrorCode::already_exists, duty.out_reason};
  if (duty.out)
    return Error{ErrorCode::cancelled, "it was declared lost" + (duty.out_reason.empty() ? "" : ": " + duty.out_reason),
                 true};
  if (member_->since_acknowledged() > kAnewAfter)
    return Error{ErrorCode::unavailable, "no heartbeat was acknowledged for " + format_duration(kAnewAfter), true};
  if (auto why = has_another_plugin(duty)) return why;
  auto failed = runner_ ? runner_->failed() : std::nullopt;
  if (failed) failed->retriable = !runner_->died_at_work() && process::may_start_again(*failed);
  return failed;
}

// A plug-in that a job brought stays loaded until the process ends, and is not to meet another one.
std::optional<Error> Worker::has_another_plugin(const DesiredState& duty) const {
  if (!duty.stage) return std::nullopt;
  const auto loaded = plugin::loaded_shipped();
  const auto* job = loaded.empty() ? nullptr : ownership_->job(duty.stage->job, duty.stage->run);
  const auto* stage = job == nullptr ? nullptr : job->stage(duty.stage->stage.value);
  if (stage == nullptr) return std::nullopt;
  const auto wanted = stage->artifacts.find(stream::kPluginArtifact);
  if (wanted == stage->artifacts.end() || wanted->second.sha256 == loaded) return std::nullopt;
  return Error{ErrorCode::cancelled,
               fmt::format("it has loaded another plug-in than the stage {} needs, and starts again", stage->name),
               true};
}

// Who is not heard may have been replaced, and reads nothing new. What is inside process() goes on: it may take
// minutes, and if we were not declared lost meanwhile, it counts.
void Worker::watch_reach() {
  const bool isolated = member_->since_acknowledged() > kOutOfReach;
  if (std::exchange(isolated_, isolated) == isolated) return;
  if (isolated)
    log_warning("no heartbeat was acknowledged for {}: no frame is read until Kafka is back",
                format_duration(kOutOfReach));
  else
    log_info("heartbeats are acknowledged again");
}

// Nothing of ours may be written any more: without a goodbye for the frames, but the reason is reported.
void Worker::end(const Error& why) {
  const bool at_work = runner_ && runner_->died_at_work();
  if (note_ && !at_work) note_->end_in_order();  // what is inside process() now is not to blame
  const auto text = "worker " + member_->id().value + ": " + why.message;
  const auto& duty = ownership_->duty();
  if (duty.refused)
    log_error("{}", text);  // the master has reported it
  else if (duty.out)
    member_->notice(stream::Severity::warning, "declared_lost", text + "; it joins again as a new one");
  else if (why.code == ErrorCode::cancelled)
    member_->notice(stream::Severity::info, "starts_again", text);
  else
    member_->notice(stream::Severity::error, "worker_failed", text);
  report_gone_topic(why);
  process::end_within(kEndWithin, [give_up = config_.give_up, why] { give_up(why); });
  const bool blames_record = runner_ && runner_->died_reading();
  close_stage();
  // The agent's report names the record; a goodbye would have its partition read by the next one before that is known.
  if (!blames_record) member_->leave(why.message);
}

std::shared_ptr<StageRunner> Worker::runner() const {
  const std::lock_guard lock(runner_mutex_);
  return runner_;
}

std::string Worker::metrics() const {
  WorkerView view;
  view.refused_decisions = refused_;
  if (const auto runner = this->runner()) {
    view.job = runner->config().job.value;
    view.stage = runner->config().stage.name;
    const auto stats = runner->stats();
    view.frames = stats.frames;
    view.busy_seconds = stats.busy_seconds;
    view.warm = stats.warm;
    view.read_queue_bytes = stats.read_queue_bytes;
    view.write_queue_bytes = stats.write_queue_bytes;
    view.refused_sets = stats.refused_sets;
    view.hidden_frames = stats.hidden_frames;
    view.partitions = runner->progress();
  }
  return metrics_text(view);
}

void Worker::fill(stream::Heartbeat& beat) {
  beat.http = http_;
  beat.labels = config_.labels;
  const auto runner = this->runner();
  if (!runner) return;
  const auto stats = runner->stats();
  {
    const std::lock_guard lock(runner_mutex_);
    speed_.look(steady_clock::now(), stats.frames, stats.busy_seconds);
    beat.frames_per_second = speed_.frames_per_second();
    beat.busy_fraction = speed_.busy_fraction();
    beat.service_rate = speed_.service_rate();
  }
  beat.frames = stats.frames;
  beat.busy_seconds = stats.busy_seconds;
  beat.warm = stats.warm;
  beat.group = runner->config().job.value + "/" + runner->config().stage.name;
  beat.partitions = runner->progress();
}

void Worker::reconcile(const DesiredState& duty) {
  if (duty.stage != stage_) {
    close_stage();
    if (duty.stage) open_stage(*duty.stage);
  }
  if (runner_) reconcile_partitions(duty);
}

void Worker::open_stage(const StageKey& key) {
  const auto* job = ownership_->job(key.job, key.run);
  const auto* stage = job != nullptr ? job->stage(key.stage.value) : nullptr;
  if (stage == nullptr) return;
  auto ports = open_kafka_ports(config_.kafka, *stage, job->finite);
  if (!ports.ok()) {
    const bool gone = !ports.error().retriable && ports.error().code != ErrorCode::not_found;
    if (said_.insert(ports.error().message).second)
      member_->notice(gone ? stream::Severity::error : stream::Severity::warning, "stage_open_failed",
                      "stage " + key.stage.value + ": " + ports.error().message, key.job.value, key.stage.value);
    return;  // tried again with the next round
  }
  StageRunner::Config config;
  config.job = key.job;
  config.run = key.run;
  config.finite = job->finite;
  config.stage = *stage;
  config.worker = member_->id();
  config.drop_duplicates = config_.drop_duplicates;
  if (const auto* task = config_.registry.find(stage->task)) config.task = *task;
  config.checks_sessions = true;
  for (const auto& upstream : stage->upstreams)
    if (const auto* writes = upstream.is_source ? nullptr : job->stage(upstream.name))
      config.upstream_topics[upstream.name] = writes->topic;
  // Beside them there are what was fetched, the queues, and the picture that is worked on.
  if (const auto memory = stage->group.memory_bytes; memory > 0) {
    config.held_bytes = memory / 4;
    config.set_bytes = std::min(config.set_bytes, memory / 2);
  }
  config.plugins = config_.plugins;
  config.fetch = fetch_from_kafka(config_.kafka, config_.prefix, config_.artifacts);
  config.note = note_.get();
  if (note_) note_->limit_memory(stage->group.memory_bytes);
  const auto notify = [this, key](stream::Severity severity, const std::string& code, const std::string& text,
                                  bool fatal) {
    member_->notice(severity, code, text, key.job.value, key.stage.value, fatal);
  };
  const auto released = [this, key](PartitionId partition) { on_released(key, partition); };
  auto opened = std::make_shared<StageRunner>(std::move(config), std::move(*ports), notify, released);
  stage_ = key;
  question_.clear();
  said_.clear();
  {
    const std::lock_guard lock(runner_mutex_);
    runner_ = std::move(opened);
    speed_.clear();
  }
  log_info("joined stage {} of job {} (run {})", key.stage.value, key.job.value, key.run.value);
}

// While it owns something: a spare leaves the cores to others. Less than a whole core cannot be reserved, it is shared.
void Worker::reserve_cores(const DesiredState& duty) {
  const auto& stage = runner_->config().stage;
  const int count = static_cast<int>(stage.group.cores);
  if (duty.owns.empty() && taken_.empty()) cores_.reset();
  if (duty.owns.empty() || count < 1 || cores_) return;
  cores_.emplace(count);
  const auto got = cores_->cores().size();
  if (got == static_cast<std::size_t>(count)) return;
  member_->notice(
      stream::Severity::warning, "cores_short",
      fmt::format("stage {} asks for {} cores for each worker, and {} of this machine's are free for this one: "
                  "it {}. State fewer `cores`, start fewer workers here, or give the stage a larger machine",
                  stage.name, count, got, got == 0 ? "shares them with others" : "has to do with these"),
      stage_->job.value, stage.name);
}

void Worker::close_stage() {
  std::shared_ptr<StageRunner> old;
  {
    const std::lock_guard lock(runner_mutex_);
    old.swap(runner_);
  }
  if (old) {
    // The heartbeat thread may still hold it for a moment; the threads must end here, on the control thread.
    while (old.use_count() > 1) std::this_thread::sleep_for(milliseconds(1));
    old.reset();
    log_info("left stage {}", stage_->stage.value);
  }
  if (note_) note_->limit_memory(0);
  cores_.reset();
  stage_.reset();
  taken_.clear();
}

void Worker::reconcile_partitions(const DesiredState& duty) {
  reserve_cores(duty);
  runner_->know_sessions(duty.sessions);
  runner_->pause(duty.paused || isolated_);
  runner_->quarantine(duty.quarantined);
  runner_->end_at(duty.ends);
  for (const auto partition : taken_.drop(duty)) runner_->drop(partition);
  for (const auto& [partition, epoch] : taken_.missing(duty)) {
    if (auto taken = runner_->assign(partition, epoch); !taken.ok()) {
      if (said_.insert(taken.error().message).second)
        member_->notice(stream::Severity::error, "take_failed", taken.error().message, stage_->job.value,
                        stage_->stage.value, !taken.error().retriable);
      continue;  // tried again with the next round
    }
    taken_.took(partition, epoch);
  }
  for (const auto partition : taken_.release(duty)) runner_->release(partition);
}

void Worker::on_released(const StageKey& key, PartitionId partition) {
  member_->post(stream::Released{key.job, key.run, key.stage, member_->id(), {partition}});
}

void Worker::leave() {
  if (runner_) {
    for (const auto partition : taken_.release_all()) runner_->release(partition);
    const auto deadline = steady_clock::now() + kLeaveWithin;
    while (!runner_->owned().empty() && !runner_->failed() && steady_clock::now() < deadline)
      std::this_thread::sleep_for(milliseconds(5));
  }
  close_stage();
  member_->leave("stopped");
  log_info("worker {} has left", member_->id().value);
}

}  // namespace ride::worker
