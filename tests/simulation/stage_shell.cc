#include "tests/simulation/stage_shell.h"

namespace ride::simulation {

namespace {

constexpr std::size_t kReadAhead = 6;
constexpr Time kAskAgain{100'000};

CrashNote make_note() {
  auto note = CrashNote::make();
  RIDE_CHECK(note.ok(), "there is memory for a crash note");
  return std::move(note).value();
}

}  // namespace

StageShell::StageShell(Surroundings& around, Host& host, Config config)
    : around_(around), host_(host), config_(std::move(config)), note_(make_note()), runner_(make_runner()) {
  soon(prepares_, Time(20'000), Time(300'000), &StageShell::prepare);
}

std::unique_ptr<worker::StageRunner> StageShell::make_runner() {
  worker::StageConfig config;
  config.job = config_.job->job;
  config.run = config_.job->run;
  config.stage = *config_.stage;
  config.worker = config_.worker;
  config.clock = clock_of(around_.clock);
  config.task = task_type();
  config.checks_sessions = true;
  config.note = &note_;
  for (const auto& upstream : config.stage.upstreams)
    if (const auto* writes = upstream.is_source ? nullptr : config_.job->stage(upstream.name))
      config.upstream_topics[upstream.name] = writes->topic;
  const auto read = std::make_shared<ReadOfAll>();
  worker::StagePorts ports;
  ports.reader = std::make_shared<StageReaderPort>(around_, host_, read, [this] { will_read(); });
  ports.writer = std::make_shared<StageWriterPort>(around_, host_, config.stage.topic, read, [this] { will_write(); });
  ports.end_of = [](const stream::TopicPartition&) { return std::nullopt; };
  ports.range_of = [this](const stream::TopicPartition& at) { return range_of(at); };
  const auto commits = [this, read](worker::Committed committed) {
    return std::make_unique<StageCommits>(
        around_, host_, read,
        StageCommits::Config{.group = config_.stage->group_id,
                             .who = config_.worker.value,
                             .committed = [this, committed](const auto& at, const auto& commit) {
                               committed(at, commit);
                               will_write();
                             }});
  };
  const auto notify = [this](stream::Severity, const std::string& code, const std::string& text, bool fatal) {
    ++around_.fired[code];
    if (fatal || code == "frames_expired") config_.lost(text);
  };
  return std::make_unique<worker::StageRunner>(std::move(config), std::move(ports), notify, config_.released, commits);
}

tasks::TaskType StageShell::task_type() {
  auto type = *tasks::builtin_tasks().find(config_.stage->task);
  type.declaration.warmup_frames = config_.task.warmup;
  type.make = [this] {
    return std::make_unique<SimTask>(config_.task, host_.random().fork(), config_.keep, [this] { die(); });
  };
  return type;
}

Result<stream::OffsetRange> StageShell::range_of(const stream::TopicPartition& at) const {
  const auto* line = around_.kafka.find(at);
  if (host_.cut() || line == nullptr) return Error{ErrorCode::unavailable, "no answer", true};
  return stream::OffsetRange{Offset{line->first}, Offset{line->visible}};
}

void StageShell::soon(bool& asked, Time least, Time most, void (StageShell::*turn)()) {
  if (asked) return;
  asked = true;
  host_.later(Time(host_.random().between(least.count(), most.count())),
              [this, &asked, turn, alive = std::weak_ptr(alive_)] {
                if (alive.expired() || dead_) return;
                asked = false;
                (this->*turn)();
              });
}

void StageShell::will_read() { soon(reads_, Time(100), Time(1'000), &StageShell::read_turn); }
void StageShell::will_compute() {
  const int pace = runner_->sets_to_compute() > 1 ? 7 * config_.task.pace : 1;
  soon(computes_, Time(100) * pace, Time(2'000) * pace, &StageShell::compute_turn);
}
void StageShell::will_write() { soon(writes_, Time(50), Time(1'000), &StageShell::write_turn); }

void StageShell::look() { will_read(); }

// ---- ownership

void StageShell::assign(PartitionId partition, Epoch epoch) {
  const stream::TopicPartition at{config_.stage->topic, partition};
  if (around_.kafka.find(at) == nullptr) return config_.lost("no " + to_string(at));
  taking_[partition] = epoch;
  host_.send([this, alive = std::weak_ptr(alive_), at, epoch] {
    if (alive.expired()) return;
    const auto& group = config_.stage->group_id;
    const bool answers = around_.kafka.coordinator_answers(group);
    auto commit = around_.kafka.committed(group, at);
    host_.answer(
        [this, alive, at, epoch, answers, commit] {
          if (alive.expired()) return;
          const auto ours = taking_.find(at.partition);
          if (ours == taking_.end() || ours->second != epoch) return;  // meanwhile it is another's
          if (!answers)
            return host_.later(kAskAgain, [this, alive, partition = at.partition, epoch] {
              if (alive.expired()) return;
              const auto still = taking_.find(partition);
              if (still != taking_.end() && still->second == epoch) assign(partition, epoch);
            });
          if (!commit) return config_.lost("no commit for " + to_string(at));
          take(at.partition, epoch, *commit);
        },
        false);
  });
}

void StageShell::take(PartitionId partition, Epoch epoch, const stream::Commit& commit) {
  taking_.erase(partition);
  around_.story.tell("{} owns {} at epoch {} from offset {}", config_.worker.value,
                     to_string(stream::TopicPartition{config_.stage->topic, partition}), epoch.value,
                     commit.offset.value);
  ++around_.fired["taken"];
  const auto metadata = stream::unpack_commit_metadata(commit.metadata);
  if (metadata.ok() && metadata->warm_from) ++around_.fired["taken with frames to warm up with"];
  if (metadata.ok() && !metadata->finished.empty()) ++around_.fired["taken with frames finished beyond the commit"];
  if (auto taken = runner_->take(partition, epoch, commit); !taken.ok()) return config_.lost(taken.error().message);
  will_read();
  if (releasing_.erase(partition) > 0) release(partition);
}

void StageShell::release(PartitionId partition) {
  if (taking_.contains(partition)) {
    ++around_.fired["released while it is taken"];
    releasing_.insert(partition);
    return;
  }
  ++around_.fired["released"];
  runner_->release(partition);
  will_read();
  will_compute();
}

void StageShell::drop(PartitionId partition) {
  taking_.erase(partition);
  releasing_.erase(partition);
  ++around_.fired["dropped"];
  runner_->drop(partition);
  will_read();
  will_compute();
}

// ---- turns

void StageShell::prepare() {
  runner_->compute().prepare();
  will_compute();
}

void StageShell::read_turn() {
  if (runner_->sets_to_compute() >= kReadAhead) return;  // a turn of compute looks again
  if (runner_->reader().turn(false)) will_read();
  if (runner_->reader().has_waiting()) {
    ++around_.fired["reader waits for knowledge"];
    config_.asks();
    soon(waits_, kAskAgain, kAskAgain, &StageShell::read_turn);
  }
  follow_up();
}

void StageShell::compute_turn() {
  if (!warm() || !runner_->compute().turn({})) return;
  will_read();
  follow_up();
}

// As its agent reads the note of a child that has crashed.
void StageShell::die() {
  if (std::exchange(dead_, true)) return;
  std::vector<stream::NamedFrame> frames;
  for (const auto& [at, moved, allowed] : note_.read_all())
    frames.push_back({at.job, at.run, at.stage, at.partition, at.offset, at.frame});
  if (const auto record = note_.being_read())
    frames.push_back({record->job, record->run, record->stage, record->partition, record->offset, record->frame});
  config_.died(std::move(frames));
}

void StageShell::follow_up() {
  if (dead_) return;
  if (runner_->sets_to_compute() > 0) will_compute();
  if (runner_->events_to_write() > 0) will_write();
}

void StageShell::write_turn() {
  RIDE_CHECK(runner_->writer().turn(false), "the run's producers do not fail");
  if (const auto failed = runner_->failed()) config_.lost(failed->message);
  if (runner_->writer().has_unpublished()) soon(publishes_, Time(5'000), Time(50'000), &StageShell::write_turn);
}

}  // namespace ride::simulation
