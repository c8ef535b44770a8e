#include "worker/stage_runner.h"

#include <algorithm>
#include <opencv2/core/utility.hpp>

#include "common/log.h"
#include "stream/kafka/reader.h"
#include "stream/kafka/writer.h"

namespace ride::worker {

using stream::IntakeStep;
using stream::PartitionProgress;
using stream::Severity;
using stream::TopicPartition;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

constexpr auto kPublishEvery = milliseconds(20);
constexpr auto kIdlePoll = milliseconds(5);        // also how long an assignment may wait
constexpr auto kFirstRetry = milliseconds(200);
constexpr auto kLongestRetry = milliseconds(5000);
constexpr auto kSayAgain = std::chrono::seconds(30);
constexpr auto kFiniteGivesUp = std::chrono::seconds(15);

}  // namespace

// One owned partition. Each part belongs to the thread that is named; `progress` is shared under its mutex.
struct StageRunner::Owned {
  TopicPartition at;
  Epoch epoch;
  Offset start;
  std::atomic<bool> dropped = false;
  // reader
  stream::Intake intake;
  std::optional<Offset> parked;
  // compute
  std::unique_ptr<tasks::Task> task;
  std::unique_ptr<SetProcessor> processor;
  // writer
  AckWindow window;
  std::map<Offset, SystemTime> captured;  // of sets without an ACK, by released_by
  std::deque<Processed> ends;
  std::map<std::string, std::vector<std::pair<Offset, Counted>>> held;  // by group, until the task releases it
  std::size_t sets_in_flight = 0;
  std::int64_t processing = 0;  // accepted and not yet processed
  bool releasing = false, dirty = false;
  std::optional<stream::Commit> published;
  steady_clock::time_point published_at{};
  // shared
  mutable std::mutex mutex;
  PartitionProgress progress;
  std::optional<stream::Commit> committed;  // as the store last took it

  Owned(TopicPartition where, Epoch epoch_now, const stream::Commit& commit, stream::CommitMetadata metadata,
        stream::Intake::Config intake_config)
      : at(std::move(where)), epoch(epoch_now), start(commit.offset), intake(std::move(intake_config), metadata),
        window(commit.offset, metadata) {
    progress.partition = at.partition;
    progress.epoch = epoch;
    progress.position = progress.committed = commit.offset.value;
    progress.counters = metadata.counters;
    progress.ended = metadata.forwarded_end;
  }
};

Result<StagePorts> open_kafka_ports(const kafka::ClientConfig& config, const stream::StageSpec& stage) {
  auto cluster = config;
  cluster.max_message_bytes = stage.max_message_bytes;
  // Over a second of 0.8 MB frames at the speed of a fast task: with less, librdkafka 2.0.2 stalls when it overflows.
  kafka::ReaderOptions options{.group = stage.group_id, .prefetch_bytes = 256 << 20};
  auto reader = kafka::KafkaReader::open(cluster, options);
  if (!reader.ok()) return reader.error();
  if (auto ready = (*reader)->prepare(stage.topic); !ready.ok()) return ready.error();
  auto writer = kafka::KafkaWriter::open(cluster);
  if (!writer.ok()) return writer.error();
  for (const auto& output : stage.outputs)
    if (auto ready = (*writer)->prepare(output.topic); !ready.ok()) return ready.error();
  std::shared_ptr<kafka::KafkaReader> shared = std::move(reader).value();
  StagePorts ports;
  ports.reader = shared;
  ports.commits = shared;
  ports.writer = std::move(writer).value();
  ports.end_of = [shared](const TopicPartition& at) { return shared->end_of(at); };
  return ports;
}

StageRunner::StageRunner(Config config, StagePorts ports, Notify notify, OnReleased on_released)
    : config_(std::move(config)), ports_(std::move(ports)), notify_(std::move(notify)), on_released_(std::move(on_released)),
      to_compute_(config_.read_queue_bytes), to_write_(config_.write_queue_bytes),
      pool_(4 * config_.write_queue_bytes), sets_(*ports_.writer) {
  committer_ = std::make_unique<Committer>(
      ports_.commits, config_.stage.group_id, [this](const TopicPartition& at, const stream::Commit& commit) {
        OwnedPtr owned;
        {
          const std::lock_guard lock(mutex_);
          if (const auto found = owned_.find(at.partition); found != owned_.end()) owned = found->second;
        }
        if (!owned) return;
        auto metadata = stream::unpack_commit_metadata(commit.metadata);
        const std::lock_guard lock(owned->mutex);
        owned->progress.committed = commit.offset.value;
        owned->committed = commit;
        if (metadata.ok()) owned->progress.ended = metadata->forwarded_end;
      });
  compute_thread_ = std::thread([this] { compute_loop(); });
  writer_thread_ = std::thread([this] { write_loop(); });
  reader_thread_ = std::thread([this] { read_loop(); });
}

StageRunner::~StageRunner() {
  stopping_ = true;
  command_.notify_all();
  to_compute_.close();
  to_write_.close();
  reader_thread_.join();
  compute_thread_.join();
  writer_thread_.join();
  committer_.reset();
  // What was still on its way fails now, and says so to us: while we are whole.
  ports_.writer.reset();
}

// ---- control thread --------------------------------------------------------------------------------------------------

Result<void> StageRunner::take(PartitionId partition, Epoch epoch) {
  const TopicPartition at{config_.stage.topic, partition};
  auto commits = ports_.commits->committed(config_.stage.group_id, {at});
  if (!commits.ok()) return commits.error();
  const auto& commit = commits->at(at);
  if (!commit)
    return Error{ErrorCode::not_found, "no commit of group " + config_.stage.group_id + " for " + to_string(at) +
                                           ": it was deleted or has expired; RIDE never guesses where to begin. Set it with "
                                           "a Kafka tool, or cancel and submit the job again"};
  auto metadata = stream::unpack_commit_metadata(commit->metadata);
  if (!metadata.ok())
    return Error{metadata.error().code, to_string(at) + ": " + metadata.error().message};
  stream::Intake::Config intake{at, config_.job.value, config_.stage.upstreams, config_.stage.adopt};
  intake.drop_duplicates = config_.drop_duplicates;
  auto owned = std::make_shared<Owned>(at, epoch, *commit, *metadata, std::move(intake));
  owned->progress.job = config_.job;
  owned->progress.run = config_.run;
  owned->progress.stage = StageName{config_.stage.name};
  {
    const std::lock_guard lock(mutex_);
    owned_[partition] = owned;
    if (!metadata->forwarded_end) commands_.push_back({Command::Kind::assign, owned});
  }
  command_.notify_all();
  return {};
}

void StageRunner::release(PartitionId partition) {
  {
    const std::lock_guard lock(mutex_);
    const auto found = owned_.find(partition);
    if (found == owned_.end()) return;
    commands_.push_back({Command::Kind::release, found->second});
  }
  command_.notify_all();
}

void StageRunner::drop(PartitionId partition) {
  {
    const std::lock_guard lock(mutex_);
    const auto found = owned_.find(partition);
    if (found == owned_.end()) return;
    found->second->dropped = true;
    committer_->forget(found->second->at);
    commands_.push_back({Command::Kind::unassign, found->second});
    owned_.erase(found);
  }
  command_.notify_all();
}

void StageRunner::pause(bool paused) {
  paused_ = paused;
  command_.notify_all();
}

std::vector<PartitionId> StageRunner::owned() const {
  const std::lock_guard lock(mutex_);
  std::vector<PartitionId> partitions;
  for (const auto& [partition, owned] : owned_) partitions.push_back(partition);
  return partitions;
}

std::vector<PartitionProgress> StageRunner::progress() const {
  std::vector<OwnedPtr> all;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [partition, owned] : owned_) all.push_back(owned);
  }
  std::vector<PartitionProgress> progress;
  for (const auto& owned : all) {
    std::unique_lock lock(owned->mutex);
    auto one = owned->progress;
    lock.unlock();
    if (const auto end = ports_.end_of(owned->at)) one.end = std::max(end->value, one.position);
    progress.push_back(std::move(one));
  }
  return progress;
}

StageStats StageRunner::stats() const {
  return {frames_, static_cast<double>(busy_ns_) * 1e-9, warm_};
}

std::optional<Error> StageRunner::failed() const {
  {
    const std::lock_guard lock(mutex_);
    if (failure_) return failure_;
  }
  return committer_->failed();
}

void StageRunner::fail(Error error) {
  const std::lock_guard lock(mutex_);
  if (!failure_) failure_ = std::move(error);
}

// ---- reader thread ---------------------------------------------------------------------------------------------------

void StageRunner::read_loop() {
  while (!stopping_) {
    run_commands();
    if (reading_.empty() || paused_) {
      std::unique_lock lock(mutex_);
      command_.wait_for(lock, milliseconds(100), [&] { return stopping_ || !commands_.empty(); });
      continue;
    }
    unpark();
    auto record = ports_.reader->poll(kIdlePoll);
    if (!record.ok())
      read_failed(record.error());
    else if (*record)
      read_one(std::move(**record));
  }
}

void StageRunner::run_commands() {
  std::vector<Command> commands;
  {
    const std::lock_guard lock(mutex_);
    commands.swap(commands_);
  }
  for (const auto& [kind, owned] : commands) {
    switch (kind) {
      case Command::Kind::assign:
        if (const auto old = reading_.find(owned->at); old != reading_.end()) ports_.reader->unassign(owned->at);
        reading_[owned->at] = owned;
        if (auto assigned = ports_.reader->assign(owned->at, owned->start); !assigned.ok()) fail(assigned.error());
        break;
      case Command::Kind::release:
      case Command::Kind::unassign:
        if (const auto found = reading_.find(owned->at); found != reading_.end() && found->second == owned) {
          ports_.reader->unassign(owned->at);
          reading_.erase(found);
        }
        if (kind == Command::Kind::release) to_compute_.push({owned, std::nullopt}, 0);
        break;
    }
  }
}

void StageRunner::read_one(stream::Record record) {
  const auto found = reading_.find(record.at);
  // A record that was fetched before the partition was unassigned, or assigned anew.
  if (found == reading_.end() || record.offset < found->second->start) return;
  const auto owned = found->second;
  if (owned->dropped || park(owned, record)) return;
  const auto bytes = static_cast<std::int64_t>(record.value.size());
  auto step = owned->intake.take(record.offset, record.timestamp, record.headers,
                                 stream::Payload{record.value, std::move(record.owner)});
  if (step.problem)
    notify_(Severity::warning, "not_a_frame",
            to_string(record.at) + ", offset " + std::to_string(record.offset.value) + ": " + step.problem->message +
                "; its outcome is 'dead', the records around it are not touched",
            false);
  auto accepted = std::exchange(step.accepted, std::nullopt);
  std::optional<stream::AcceptedSet> work;
  if (accepted) {
    work = std::move(accepted);
    auto light = *work;
    light.frames.clear();
    step.accepted = std::move(light);
  }
  owned->start = Offset{record.offset.value + 1};
  // First the window hears of the record, then somebody works on it: never the other way round.
  if (!to_write_.push(WasRead{owned, record.offset, std::move(step)}, 0)) return;
  if (work) {
    std::int64_t size = bytes;
    for (const auto& frame : work->frames) size = std::max(size, static_cast<std::int64_t>(frame.payload.bytes.size()));
    to_compute_.push({owned, std::move(work)}, size);
  }
}

void StageRunner::read_failed(const Error& error) {
  if (error.retriable) {
    log_debug("{}", error.message);
    return;
  }
  const char* code = error.code == ErrorCode::corrupt ? "offset_lost" : error.code == ErrorCode::not_found ? "topic_gone" : "read_failed";
  notify_(Severity::error, code, "stage " + config_.stage.name + " cannot go on reading: " + error.message, true);
  std::this_thread::sleep_for(milliseconds(200));
}

std::int64_t StageRunner::held_bytes() const {
  std::int64_t bytes = 0;
  for (const auto& [at, owned] : reading_) bytes += owned->intake.held_bytes();
  return bytes;
}

// A large set may only be put together when the others' leave room: else its partition is fetched again later.
bool StageRunner::park(const OwnedPtr& owned, const stream::Record& record) {
  if (owned->intake.held_bytes() > 0) return false;
  const auto held = held_bytes();
  if (held == 0) return false;
  auto header = stream::decode_header(record.headers);
  if (!header.ok() || !header->chunk || held + header->chunk->total <= config_.held_bytes) return false;
  ports_.reader->unassign(owned->at);
  owned->parked = record.offset;
  return true;
}

void StageRunner::unpark() {
  if (held_bytes() > 0) return;
  for (const auto& [at, owned] : reading_) {
    if (!owned->parked) continue;
    if (auto assigned = ports_.reader->assign(at, *owned->parked); !assigned.ok()) fail(assigned.error());
    owned->parked.reset();
    return;  // one at a time
  }
}

// ---- compute thread --------------------------------------------------------------------------------------------------

Result<std::unique_ptr<tasks::Task>> StageRunner::open_task() {
  auto task = tasks::create(config_.stage.task);
  if (!task) return Error{ErrorCode::not_found, "this worker has no task '" + config_.stage.task + "'"};
  tasks::TaskEnv env;
  env.params = config_.stage.params;
  env.job = config_.job.value;
  env.stage = config_.stage.name;
  env.run = config_.run.value;
  env.worker = config_.worker.value;
  env.threads = std::max(1, static_cast<int>(config_.stage.group.cores));
  cv::setNumThreads(env.threads);
  Result<void> opened;
  try {
    opened = task->open(env);
  } catch (const std::exception& failure) {
    opened = Error{ErrorCode::internal, failure.what()};
  }
  if (!opened.ok()) {
    task->close();
    return Error{opened.error().code, "task '" + config_.stage.task + "' of stage " + config_.stage.name +
                                          " cannot be opened: " + opened.error().message};
  }
  return task;
}

// Each partition has a task of its own, so that a task may keep state; the first one was opened in advance.
Result<tasks::Task*> StageRunner::task_of(Owned& owned) {
  if (!owned.task) {
    auto task = spare_task_ ? Result(std::move(spare_task_)) : open_task();
    if (!task.ok()) return task.error();
    owned.task = std::move(task).value();
    SetProcessor::Config config{config_.stage, config_.job.value, config_.run, owned.at.partition,
                                config_.worker.value + "@" + std::to_string(owned.epoch.value)};
    owned.processor = std::make_unique<SetProcessor>(std::move(config), *owned.task, pool_);
  }
  return owned.task.get();
}

void StageRunner::compute_loop() {
  auto first = open_task();
  if (first.ok())
    spare_task_ = std::move(first).value();
  else
    notify_(Severity::error, "task_open_failed", first.error().message, true);
  warm_ = first.ok();
  while (!stopping_) {
    if (auto item = to_compute_.pop(milliseconds(100))) compute(std::move(*item));
  }
  if (spare_task_) spare_task_->close();
  const std::lock_guard lock(mutex_);
  for (auto& [partition, owned] : owned_)
    if (owned->task) owned->task->close();
}

void StageRunner::compute(ToCompute item) {
  auto& owned = *item.owned;
  if (!item.set) {
    to_write_.push(MustRelease{item.owned}, 0);
    return;
  }
  if (owned.dropped) {
    if (owned.task) owned.task->close();
    owned.task.reset();
    owned.processor.reset();
    return;
  }
  auto task = task_of(owned);
  if (!task.ok()) {
    notify_(Severity::error, "task_open_failed", task.error().message, true);
    return;
  }
  auto wait = kFirstRetry;
  const auto began = steady_clock::now();
  auto said = steady_clock::time_point{};
  for (;;) {
    auto result = owned.processor->process(*item.set);
    if (result.ok()) {
      if (said != steady_clock::time_point{})
        notify_(Severity::info, "stage_unblocked", "stage " + config_.stage.name + " goes on", false);
      if (result->dead_reason)
        notify_(Severity::warning, "frame_dead",
                "stage " + config_.stage.name + ", frame " + to_string(item.set->header.id) + ": " + *result->dead_reason, false);
      ++frames_;
      busy_ns_ += result->busy.count();
      const auto bytes = result->bytes;
      item.set.reset();  // the payload is free before we may have to wait
      to_write_.push(WasProcessed{item.owned, std::move(result).value()}, bytes);
      return;
    }
    // It may work later (a full disk): wait here, visibly; nothing is thrown away.
    const auto now = steady_clock::now();
    if (now - said > kSayAgain) {
      const bool give_up = config_.finite && now - began > kFiniteGivesUp;
      notify_(Severity::error, "stage_blocked",
              "stage " + config_.stage.name + " waits with frame " + to_string(item.set->header.id) + ": " + result.error().message,
              give_up);
      said = now;
    } else if (config_.finite && now - began > kFiniteGivesUp) {
      notify_(Severity::error, "stage_blocked",
              "stage " + config_.stage.name + " could not go on for " + format_duration(kFiniteGivesUp) + ": " + result.error().message,
              true);
    }
    const auto until = now + wait;
    while (!stopping_ && !owned.dropped && steady_clock::now() < until) std::this_thread::sleep_for(milliseconds(20));
    if (stopping_ || owned.dropped) return;
    wait = std::min<milliseconds>(wait * 2, kLongestRetry);
  }
}

// ---- writer thread ---------------------------------------------------------------------------------------------------

void StageRunner::write_loop() {
  while (!stopping_) {
    const bool full = sets_.bytes() > config_.write_queue_bytes;
    auto event = full ? std::nullopt : to_write_.pop(sets_.idle() ? milliseconds(10) : milliseconds(0));
    while (event) {
      std::visit([this](auto& one) { write(std::move(one)); }, *event);
      if (sets_.bytes() > config_.write_queue_bytes) break;
      event = to_write_.pop(milliseconds(0));
    }
    if (auto pumped = sets_.pump(sets_.idle() ? milliseconds(0) : milliseconds(1)); !pumped.ok()) {
      fail(pumped.error());
      return;
    }
    for (auto it = writing_.begin(); it != writing_.end();) {
      const auto owned = it->second;
      if (owned->dropped) {
        it = writing_.erase(it);
        continue;
      }
      publish(owned, false);
      ++it;
    }
  }
}

void StageRunner::write(WasRead event) {
  auto& owned = *event.owned;
  if (owned.dropped) return;
  writing_[owned.at.partition] = event.owned;
  if (event.step.accepted) {
    owned.captured[event.step.accepted->released_by] = event.step.accepted->header.captured_at;
    ++owned.processing;
  }
  owned.window.read(event.offset, event.step);
  owned.dirty = true;
}

void StageRunner::write(WasProcessed event) {
  const auto owned = event.owned;
  if (owned->dropped) return;
  --owned->processing;
  auto& result = event.result;
  const auto released_by = result.released_by;
  const auto counted = result.counted;
  const bool is_end = result.is_end;
  if (is_end) {
    auto end = Processed{};
    end.released_by = released_by;
    end.end_sets = std::move(result.end_sets);
    owned->ends.push_back(std::move(end));
  }
  if (result.held) owned->held[*result.held].emplace_back(released_by, counted);
  const bool acks_itself = !is_end && !result.held;
  for (const auto& group : result.released) {
    for (const auto& [offset, how] : owned->held[group]) acked(owned, offset, how);
    owned->held.erase(group);
  }
  if (result.sets.empty()) {
    if (acks_itself) acked(owned, released_by, counted);
    send_ready_end(owned);
    return;
  }
  auto left = std::make_shared<std::size_t>(result.sets.size());
  for (auto& set : result.sets) {
    ++owned->sets_in_flight;
    sets_.add(set.to, std::move(set.records), [this, owned, left, released_by, counted, acks_itself](const Result<void>& delivered) {
      --owned->sets_in_flight;
      if (!delivered.ok()) {
        fail(delivered.error());
        return;
      }
      if (--*left > 0) return;
      if (acks_itself) acked(owned, released_by, counted);
      send_ready_end(owned);
    });
  }
}

void StageRunner::acked(const OwnedPtr& owned, Offset released_by, Counted counted) {
  if (owned->dropped) return;
  owned->window.ack(released_by, counted);
  owned->captured.erase(released_by);
  owned->dirty = true;
}

// The end goes on when all before it is ACKed (D16).
void StageRunner::send_ready_end(const OwnedPtr& owned) {
  if (owned->dropped || owned->ends.empty() || owned->sets_in_flight > 0) return;
  const auto released_by = owned->ends.front().released_by;
  if (owned->window.committable() != released_by) return;
  auto end = std::move(owned->ends.front());
  owned->ends.pop_front();
  const auto finish = [this, owned, released_by] {
    owned->window.ack_end(released_by);
    owned->captured.erase(released_by);
    owned->dirty = true;
    publish(owned, true);
  };
  if (end.end_sets.empty()) {
    finish();
    return;
  }
  auto left = std::make_shared<std::size_t>(end.end_sets.size());
  for (auto& set : end.end_sets) {
    ++owned->sets_in_flight;
    sets_.add(set.to, std::move(set.records), [this, owned, left, finish](const Result<void>& delivered) {
      --owned->sets_in_flight;
      if (!delivered.ok()) {
        fail(delivered.error());
        return;
      }
      if (--*left == 0 && !owned->dropped) finish();
    });
  }
}

void StageRunner::write(MustRelease event) {
  if (event.owned->dropped) return;
  writing_[event.owned->at.partition] = event.owned;
  event.owned->releasing = true;
  event.owned->dirty = true;
}

void StageRunner::publish(const OwnedPtr& owned, bool now) {
  const auto time = steady_clock::now();
  {
    const std::lock_guard lock(owned->mutex);
    owned->progress.position = owned->window.position().value;
    owned->progress.counters = owned->window.counters();
    owned->progress.oldest_unacked_age_ms = -1;
    if (!owned->captured.empty()) {
      const auto oldest = std::min_element(owned->captured.begin(), owned->captured.end(),
                                           [](const auto& a, const auto& b) { return a.second < b.second; });
      owned->progress.oldest_unacked_age_ms =
          std::chrono::duration<double, std::milli>(system_now() - oldest->second).count();
    }
  }
  const bool finished = owned->releasing && owned->processing == 0 && owned->sets_in_flight == 0 && owned->ends.empty();
  if (!owned->dirty && !finished) return;
  if (!now && !finished && time - owned->published_at < kPublishEvery) return;
  owned->dirty = false;
  owned->published_at = time;
  stream::Commit commit{owned->window.committable(), stream::pack(owned->window.metadata())};
  if (owned->published != commit) {
    owned->published = commit;
    committer_->put(owned->at, commit);
  }
  if (!finished) return;
  // The last commit must stand before the next owner reads it.
  bool standing = false;
  {
    const std::lock_guard lock(owned->mutex);
    standing = owned->committed == owned->published;
  }
  if (!standing) {
    owned->dirty = true;
    return;
  }
  owned->dropped = true;
  {
    const std::lock_guard lock(mutex_);
    committer_->forget(owned->at);
    if (const auto found = owned_.find(owned->at.partition); found != owned_.end() && found->second == owned)
      owned_.erase(found);
  }
  on_released_(owned->at.partition);
}

}  // namespace ride::worker
