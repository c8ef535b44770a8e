#include "worker/stage_compute.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <opencv2/core/utility.hpp>
#include <optional>
#include <thread>

#include "common/guarded_thread.h"
#include "common/log.h"
#include "common/newer_file.h"
#include "common/units.h"
#include "plugin/plugin_task.h"
#include "plugin/shipped.h"
#include "stream/core/artifact.h"
#include "worker/core/tasks_ahead.h"
#include "worker/open_task.h"
#include "worker/tasks/durable_file.h"
#include "worker/visible_retry.h"

namespace ride::worker {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using stream::Severity;

namespace {

constexpr auto kIdleTurn = milliseconds(100);
constexpr auto kFirstOpenRetry = milliseconds(200);
constexpr auto kLongestOpenRetry = milliseconds(5000);
constexpr auto kSayOpenAgain = std::chrono::seconds(30);

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

void StageCompute::join() {
  if (thread_.joinable()) thread_.join();
}

Result<std::unique_ptr<tasks::Task>> StageCompute::open() {
  RIDE_TRY(check_permit());
  RIDE_TRY(fetch_artifacts());
  RIDE_TRY(load_plugin());
  const auto& config = context_.config;
  TaskOwner owner{config.job, config.run, config.worker.value, {}};
  for (const auto& [param, artifact] : artifacts_)
    if (param != stream::kPluginArtifact) owner.files[param] = artifact.path;
  return open_task(context_.task(), config.stage, owner);
}

// What somebody else's machine allows is nothing that we have to believe: asked before any byte is fetched.
Result<void> StageCompute::check_permit() const {
  const auto& config = context_.config;
  const auto plugin = config.stage.artifacts.find(stream::kPluginArtifact);
  if (plugin == config.stage.artifacts.end() || config.plugins.allows(plugin->second.sha256)) return {};
  return Error{ErrorCode::permission,
               fmt::format("stage {}: the job brings the plug-in '{}', and this node does not let its workers load it. "
                           "Who runs the node allows it with ride-agent --allow-plugin {}",
                           config.stage.name, plugin->second.name, permit_word(plugin->second.sha256))};
}

Result<void> StageCompute::load_plugin() {
  const auto held = artifacts_.find(stream::kPluginArtifact);
  if (held == artifacts_.end() || context_.has_brought_task()) return {};
  const auto& stage = context_.config.stage;
  const auto& ref = stage.artifacts.at(stream::kPluginArtifact);
  if (context_.stopping)  // it cannot be unloaded, and the next stage may need another
    return Error{ErrorCode::cancelled, fmt::format("stage {}: the worker leaves it", stage.name), true};
  const auto library = plugin::load_shipped(held->second.in_use.get(), ref.name, ref.sha256);
  if (!library.ok()) {
    auto error = library.error();
    error.message = fmt::format("stage {}: {}", stage.name, error.message);
    return error;
  }
  for (const auto& task : (*library)->tasks) {
    if (task.declaration.name != stage.task) continue;
    context_.use(plugin::task_type_of(task));
    return {};
  }
  return Error{ErrorCode::not_found, fmt::format("stage {}: the plug-in '{}' that the job brings has no task '{}'",
                                                 stage.name, ref.name, stage.task)};
}

// That `ride up` has brought in since (decision 0050).
std::optional<std::string> StageCompute::newer_version(const std::string& param, const stream::ArtifactRef& ref) const {
  const char* folder = std::getenv(kReloadVariable);
  if (folder == nullptr || *folder == '\0') return std::nullopt;
  const auto& config = context_.config;
  const auto file = newer_file(folder, config.job.value, config.stage.name, param, ref.sha256);
  std::error_code failed;
  if (!std::filesystem::is_regular_file(file, failed)) return std::nullopt;
  return file.string();
}

// All that the job brings for this stage, once. Not inside process(), so however long it takes, nobody counts it as
// hanging.
Result<void> StageCompute::fetch_artifacts() {
  const auto& stage = context_.config.stage;
  for (const auto& [param, ref] : stage.artifacts) {
    if (artifacts_.contains(param)) continue;
    // A plug-in is what its hash says, or nothing.
    if (auto newer = param == stream::kPluginArtifact ? std::nullopt : newer_version(param, ref)) {
      artifacts_[param].path = *std::move(newer);
      continue;
    }
    if (!context_.config.fetch)
      return Error{ErrorCode::unsupported, fmt::format("stage {}: this worker fetches no artifacts", stage.name)};
    auto held = context_.config.fetch(ref, [this] { return context_.stopping.load(); });
    if (!held.ok()) {
      auto error = held.error();
      error.message = fmt::format("stage {}: the file of '{}': {}", stage.name, param, error.message);
      return error;
    }
    artifacts_[param] = std::move(held).value();
  }
  return {};
}

// Each partition has a task of its own, so that a task may keep state.
Result<tasks::Task*> StageCompute::task_of(OwnedPartition& owned) {
  auto& own = owned.computing;
  if (!own.task) {
    tasks::look_for_leftovers();  // it was another worker's, perhaps
    if (spare_tasks_.empty()) {
      RIDE_ASSIGN(own.task, open());
    } else {
      own.task = std::move(spare_tasks_.back());
      spare_tasks_.pop_back();
    }
    SetProcessor::Config config{context_.config.stage, context_.config.job.value, context_.config.run,
                                owned.at.partition,
                                context_.config.worker.value + "@" + std::to_string(owned.epoch.value)};
    if (const auto& ports = context_.task().declaration.outputs; !ports.empty()) config.default_port = ports.front();
    config.can_defer = true;
    config.now = context_.config.clock.wall;
    config.tiles = context_.task().declaration.tiles;
    if (auto* note = context_.config.note) config.progress = [note] { note->progress(); };
    own.processor = std::make_unique<SetProcessor>(std::move(config), *own.task, pool_);
  }
  return own.task.get();
}

// What may pass (brokers that are away, a full disk) is tried again, visibly; the master gives us no partition
// meanwhile.
void StageCompute::prepare() {
  auto wait = kFirstOpenRetry;
  auto said = steady_clock::time_point{};
  std::optional<steady_clock::time_point> failing;
  while (!context_.stopping) {
    const auto begun = steady_clock::now();
    auto first = open();
    if (first.ok()) {
      spare_tasks_.push_back(std::move(first).value());
      while (context_.to_compute.size() == 0 && opens_another()) open_another();
      if (said != steady_clock::time_point{})
        context_.notify(Severity::info, "stage_unblocked", "stage " + context_.config.stage.name + " goes on", false);
      warm_ = true;
      return;
    }
    if (context_.stopping) return;
    if (!first.error().retriable)
      return context_.notify(Severity::error, "task_open_failed", first.error().message, true);
    const auto now = steady_clock::now();
    const auto patience = context_.config.fetch_patience;
    if (!failing || now - begun > patience) failing = now;  // an attempt of that length was getting on
    const bool too_long = now - *failing > patience;
    if (too_long && context_.config.finite)
      return context_.notify(Severity::error, "task_open_failed",
                             fmt::format("{} (for {})", first.error().message, format_duration(patience)), true);
    if (now - said > kSayOpenAgain) {
      context_.notify(too_long ? Severity::error : Severity::warning, "artifact_waits", first.error().message, false);
      said = now;
    }
    for (const auto until = steady_clock::now() + wait; !context_.stopping && steady_clock::now() < until;)
      std::this_thread::sleep_for(milliseconds(20));
    wait = std::min<milliseconds>(wait * 2, kLongestOpenRetry);
  }
}

bool StageCompute::opens_another() {
  if (!opens_ahead_ || context_.stopping || !context_.task().declaration.opens_ahead) return false;
  const auto& stage = context_.config.stage;
  TasksOpen open{.warm = warm_,
                 .partitions = stage.partitions,
                 .min_workers = stage.group.min,
                 .spare = static_cast<int>(spare_tasks_.size())};
  for (const auto& owned : context_.owned.all()) {
    if (owned->computing.task) ++open.in_use;
    const std::lock_guard lock(owned->mutex);
    if (!owned->computing.task && !owned->computing.given_up && !owned->progress.ended) ++open.without;
  }
  return wants_another(open);
}

// What goes wrong is told when a frame needs it.
void StageCompute::open_another() {
  auto task = open();
  opens_ahead_ = task.ok();
  if (task.ok())
    spare_tasks_.push_back(std::move(task).value());
  else
    log_debug("stage {}: no task is opened in advance any more: {}", context_.config.stage.name, task.error().message);
}

void StageCompute::loop() {
  cv::setNumThreads(threads_of(context_.config.stage));
  prepare();
  while (!context_.stopping) turn(kIdleTurn);
  close();
}

bool StageCompute::turn(milliseconds wait) {
  if (auto item = context_.to_compute.pop(wait)) {
    compute(std::move(*item));
    return true;
  }
  if (warm_ && opens_another()) open_another();
  return false;
}

void StageCompute::close() {
  deferred_.stop();
  for (const auto& task : spare_tasks_) task->close();
  for (const auto& owned : context_.owned.all())
    if (owned->computing.task) owned->computing.task->close();
}

// On the thread that ran it, before the next owner's begins.
void StageCompute::close_task(OwnedPartition& owned) {
  deferred_.give_up(owned);
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
  // What finish() gives comes behind all that was before it.
  if (item.set->kind == stream::RecordKind::end) deferred_.finish(owned);
  auto result = process(owned, *item.set);
  if (!result.ok()) return;  // dropped or stopping while it waited
  // In order, also where only a frame before it is still on its way to the disk.
  if (!result->deferred.empty() || deferred_.is_busy_with(owned))
    return defer(item.owned, std::move(*item.set), std::move(result).value());
  const auto id = item.set->header.id;
  item.set.reset();  // the payload is free before we may have to wait
  done(item.owned, id, std::move(result).value());
}

// A worker that waits for its disk is as busy as one that computes.
void StageCompute::defer(const OwnedPtr& owned, stream::AcceptedSet set, Processed result) {
  const auto begun = steady_clock::now();
  deferred_.add(owned, std::move(set), std::move(result));
  busy_ns_ += std::chrono::nanoseconds(steady_clock::now() - begun).count();
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

Result<Processed> StageCompute::process(OwnedPartition& owned, const stream::AcceptedSet& set) {
  VisibleRetry retry(context_, set.header.id);
  for (;;) {
    const auto begun = steady_clock::now();
    auto result = process_noted(owned, set);
    if (result.ok()) {
      busy_ns_ += std::chrono::nanoseconds(steady_clock::now() - begun).count();
      retry.succeeded();
      return result;
    }
    if (!retry.wait(result.error(), [&] { return context_.stopping || owned.dropped; })) return result.error();
  }
}

}  // namespace ride::worker
