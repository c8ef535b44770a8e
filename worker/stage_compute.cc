#include "worker/stage_compute.h"

#include <algorithm>
#include <opencv2/core/utility.hpp>

#include "common/cause.h"
#include "common/guarded_thread.h"
#include "worker/tasks/durable_file.h"

namespace ride::worker {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using stream::Severity;

namespace {

constexpr auto kFirstRetry = milliseconds(200);
constexpr auto kLongestRetry = milliseconds(5000);
constexpr auto kSayAgain = std::chrono::seconds(30);
constexpr auto kFiniteGivesUp = std::chrono::seconds(15);

}  // namespace

void StageCompute::start() {
  // The crash note goes on naming the frame.
  thread_ = guarded_thread(
      "the compute thread", [this] { loop(); },
      [this](Error error) {
        context_.died_computing = true;
        context_.fail(std::move(error));
      });
}

void StageCompute::join() { thread_.join(); }

Result<std::unique_ptr<tasks::Task>> StageCompute::open_task() {
  const auto& stage = context_.config.stage;
  const auto& type = context_.config.task;
  auto task = type.make ? type.make() : nullptr;
  if (!task) return Error{ErrorCode::not_found, "this worker has no task '" + stage.task + "'"};
  // A task takes it for granted that its parameters are as declared; who wrote the job into the log may not have.
  auto checked = check_task_params(type.declaration, stage.params);
  if (!checked.ok())
    return Error{checked.error().code, "task '" + stage.task + "' of stage " + stage.name +
                                           " has other parameters than it "
                                           "declares: " +
                                           checked.error().message};
  tasks::TaskEnv env;
  env.params = std::move(checked).value();
  env.job = context_.config.job.value;
  env.stage = stage.name;
  env.run = context_.config.run.value;
  env.worker = context_.config.worker.value;
  env.threads = std::max(1, static_cast<int>(stage.group.cores));
  cv::setNumThreads(env.threads);
  Result<void> opened;
  try {
    opened = task->open(env);
  } catch (const std::exception& failure) {
    opened = Error{ErrorCode::internal, cause_of(failure)};
  }
  if (!opened.ok()) {
    task->close();
    return Error{opened.error().code,
                 "task '" + stage.task + "' of stage " + stage.name + " cannot be opened: " + opened.error().message};
  }
  return task;
}

// Each partition has a task of its own, so that a task may keep state; the first one was opened in advance.
Result<tasks::Task*> StageCompute::task_of(OwnedPartition& owned) {
  auto& own = owned.computing;
  if (!own.task) {
    tasks::look_for_leftovers();  // it was another worker's, perhaps
    RIDE_ASSIGN(auto task, spare_task_ ? Result(std::move(spare_task_)) : open_task());
    own.task = std::move(task);
    SetProcessor::Config config{context_.config.stage, context_.config.job.value, context_.config.run,
                                owned.at.partition,
                                context_.config.worker.value + "@" + std::to_string(owned.epoch.value)};
    if (const auto& ports = context_.config.task.declaration.outputs; !ports.empty())
      config.default_port = ports.front();
    config.tiles = context_.config.task.declaration.tiles;
    if (auto* note = context_.config.note) config.progress = [note] { note->progress(); };
    own.processor = std::make_unique<SetProcessor>(std::move(config), *own.task, pool_);
  }
  return own.task.get();
}

void StageCompute::loop() {
  auto first = open_task();
  const bool opened = first.ok();
  if (opened)
    spare_task_ = std::move(first).value();
  else
    context_.notify(Severity::error, "task_open_failed", first.error().message, true);
  warm_ = opened;
  while (!context_.stopping) {
    if (auto item = context_.to_compute.pop(milliseconds(100))) compute(std::move(*item));
  }
  if (spare_task_) spare_task_->close();
  for (const auto& owned : context_.owned.all())
    if (owned->computing.task) owned->computing.task->close();
}

// On the thread that ran it, before the next owner's begins.
void StageCompute::close_task(OwnedPartition& owned) {
  if (owned.computing.task) owned.computing.task->close();
  owned.computing = {};
  owned.computing.given_up = true;
}

void StageCompute::compute(ToCompute item) {
  auto& owned = *item.owned;
  if (!item.set) {
    close_task(owned);
    context_.to_write.push(ReleaseRequested{item.owned}, 0);
    return;
  }
  if (owned.computing.given_up) return;
  if (owned.dropped) return close_task(owned);
  if (auto task = task_of(owned); !task.ok()) {
    context_.notify(Severity::error, "task_open_failed", task.error().message, true);
    return;
  }
  if (item.warmup) return warm_up(item.owned, *item.set);
  if (!std::exchange(owned.computing.warm, true)) context_.to_write.push(WarmedUp{item.owned, {}, std::nullopt}, 0);
  auto result = process(owned, *item.set);
  if (!result.ok()) return;  // dropped or stopping while it waited
  const auto id = item.set->header.id;
  item.set.reset();  // the payload is free before we may have to wait
  done(item.owned, id, std::move(result).value());
}

void StageCompute::done(const OwnedPtr& owned, const FrameId& id, Processed result) {
  if (result.dead_reason)
    context_.notify(Severity::warning, "frame_dead",
                    "stage " + context_.config.stage.name + ", frame " + to_string(id) + ": " + *result.dead_reason,
                    false);
  ++frames_;
  const auto bytes = result.bytes;
  context_.to_write.push(WasProcessed{owned, std::move(result)}, bytes);
}

// An error there was somebody's before: the frame has its outcome. One that ends us is noted like any other.
void StageCompute::warm_up(const OwnedPtr& owned, const stream::AcceptedSet& set) {
  if (context_.is_quarantined(owned->at.partition, set.released_by)) return;
  note(*owned, set);
  owned->computing.processor->warm_up(set);
  if (context_.config.note != nullptr) context_.config.note->leave();
  context_.to_write.push(WarmedUp{owned, set.header.id.source, set.first}, 0);
}

void StageCompute::note(const OwnedPartition& owned, const stream::AcceptedSet& set) {
  const auto& config = context_.config;
  if (config.note == nullptr) return;
  std::int64_t bytes = 0;
  for (const auto& frame : set.frames) bytes += static_cast<std::int64_t>(frame.payload.bytes.size());
  config.note->enter({config.job, config.run, StageName{config.stage.name}, owned.at.partition, set.released_by,
                      to_string(set.header.id)},
                     time_limit_.allowed(bytes));
}

// What is being worked on stands in the crash note: if this process ends here, it is known with which frame. One frame
// is inside process() at a time, so a frame that is named was alone.
Result<Processed> StageCompute::process_noted(OwnedPartition& owned, const stream::AcceptedSet& set) {
  auto& processor = *owned.computing.processor;
  if (const auto quarantined = context_.is_quarantined(owned.at.partition, set.released_by))
    return processor.quarantine(set, *quarantined);
  note(owned, set);
  auto result = processor.process(set);
  if (context_.config.note != nullptr) context_.config.note->leave();
  if (result.ok() && !set.frames.empty()) time_limit_.took(result->busy);
  return result;
}

// What may work later (a full disk) is waited for here, visibly; nothing is thrown away.
Result<Processed> StageCompute::process(OwnedPartition& owned, const stream::AcceptedSet& set) {
  const auto stage = "stage " + context_.config.stage.name;
  const auto began = steady_clock::now();
  auto wait = kFirstRetry;
  auto said = steady_clock::time_point{};
  for (;;) {
    const auto begun = steady_clock::now();
    auto result = process_noted(owned, set);
    if (result.ok()) {
      busy_ns_ += std::chrono::nanoseconds(steady_clock::now() - begun).count();
      if (said != steady_clock::time_point{})
        context_.notify(Severity::info, "stage_unblocked", stage + " goes on", false);
      return result;
    }
    const auto now = steady_clock::now();
    const bool give_up = context_.config.finite && now - began > kFiniteGivesUp;
    if (now - said > kSayAgain) {
      context_.notify(Severity::error, "stage_blocked",
                      stage + " waits with frame " + to_string(set.header.id) + ": " + result.error().message, give_up);
      said = now;
    } else if (give_up) {
      context_.notify(Severity::error, "stage_blocked",
                      stage + " could not go on for " + format_duration(kFiniteGivesUp) + ": " + result.error().message,
                      true);
    }
    if (!wait_to_retry(owned, wait)) return result.error();
    wait = std::min<milliseconds>(wait * 2, kLongestRetry);
  }
}

// False: there is nothing to wait for any more.
bool StageCompute::wait_to_retry(OwnedPartition& owned, milliseconds wait) const {
  const auto until = steady_clock::now() + wait;
  const auto over = [&] { return context_.stopping || owned.dropped; };
  while (!over() && steady_clock::now() < until) std::this_thread::sleep_for(milliseconds(20));
  return !over();
}

}  // namespace ride::worker
