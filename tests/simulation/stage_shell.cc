#include "tests/simulation/stage_shell.h"

namespace ride::simulation {

namespace {

constexpr std::size_t kReadAhead = 6;
constexpr Time kPublishEvery{20'000};
constexpr Time kCommitWithin{1'000'000};
constexpr Time kReadBackEvery{1'000'000};
constexpr Time kAskAgain{100'000};

std::int64_t epoch_of(const std::string& writer) {
  const auto at = writer.rfind('@');
  return at == std::string::npos ? 0 : std::stoll(writer.substr(at + 1));
}

}  // namespace

struct StageShell::Owned {
  Owned(Line& line_in, Epoch epoch_in, const stream::Commit& commit, const stream::CommitMetadata& metadata,
        stream::SetAssembler::Config intake_config, Random random, const Config& config)
      : line(line_in),
        epoch(epoch_in),
        next(commit.offset.value),
        assembler(std::move(intake_config), metadata),
        flow(commit.offset, metadata),
        task(config.task, random, config.keep) {
    progress = {.job = config.job->job, .run = config.job->run, .stage = StageName{config.stage->name}};
    progress.partition = line.at.partition;
    progress.epoch = epoch;
    progress.position = progress.committed = commit.offset.value;
    progress.counters = metadata.counters;
    progress.ended = metadata.forwarded_end;
  }

  Line& line;
  const Epoch epoch;
  bool dropped = false, reads = true, dirty = false;
  int watcher = 0;
  std::int64_t next;
  stream::SetAssembler assembler;
  worker::PartitionFlow flow;
  SimTask task;
  std::unique_ptr<worker::SetProcessor> processor;
  std::optional<stream::Commit> published, committed;
  stream::PartitionProgress progress;
  // Of mutations.
  stream::Watermarks taken;
  std::map<stream::Upstream, std::int64_t> epochs;
};

StageShell::StageShell(Surroundings& around, Host& host, Config config)
    : around_(around),
      host_(host),
      config_(std::move(config)),
      writer_(around.clock, around.kafka, host, {.first_goes_alone = around.broken != Mutation::first_record_not_alone},
              [this] { soon(writes_, Time(50), Time(500), &StageShell::write_turn); }),
      sets_(writer_) {
  host_.later(Time(host_.random().between(20'000, 300'000)), [this, alive = std::weak_ptr(alive_)] {
    if (!alive.expired()) warm_ = true;
  });
  bool asked = false;
  soon(asked, kReadBackEvery, kReadBackEvery, &StageShell::read_back_turn);
}

StageShell::~StageShell() {
  for (const auto& [partition, owned] : owned_)
    if (owned) owned->line.unwatch(owned->watcher);
}

void StageShell::soon(bool& asked, Time least, Time most, void (StageShell::*turn)()) {
  if (asked) return;
  asked = true;
  host_.later(Time(host_.random().between(least.count(), most.count())), [this, turn, alive = std::weak_ptr(alive_)] {
    if (!alive.expired()) (this->*turn)();
  });
}

void StageShell::look() { soon(reads_, Time(100), Time(1'000), &StageShell::read_turn); }

// ---- ownership

void StageShell::assign(PartitionId partition, Epoch epoch) {
  const stream::TopicPartition at{config_.stage->topic, partition};
  auto* line = around_.kafka.find(at);
  if (line == nullptr) return config_.lost("no " + to_string(at));
  stream::SetAssembler::Config assembler{at, config_.job->job.value, config_.stage->upstreams, config_.stage->adopt};
  host_.send([this, alive = std::weak_ptr(alive_), line, partition, epoch, assembler = std::move(assembler)]() mutable {
    if (alive.expired()) return;
    const auto& group = config_.stage->group_id;
    const bool answers = around_.kafka.coordinator_answers(group);
    auto commit = around_.kafka.committed(group, line->at);
    host_.answer(
        [this, alive, line, partition, epoch, answers, commit, assembler = std::move(assembler)]() mutable {
          if (alive.expired()) return;
          const auto ours = owned_.find(partition);
          if (ours == owned_.end() || ours->second || taking_[partition] != epoch) return;  // meanwhile it is another's
          if (!answers)
            return host_.later(kAskAgain, [this, alive, partition, epoch] {
              if (!alive.expired() && taking_[partition] == epoch) assign(partition, epoch);
            });
          if (!commit) return config_.lost("no commit for " + to_string(line->at));
          const auto metadata = stream::unpack_commit_metadata(commit->metadata);
          if (!metadata.ok()) return config_.lost(metadata.error().message);
          auto owned = std::make_shared<Owned>(*line, epoch, *commit, *metadata, std::move(assembler),
                                               host_.random().fork(), config_);
          own(owned, *commit);
        },
        false);
  });
  owned_.try_emplace(partition);
  taking_[partition] = epoch;
}

void StageShell::own(const OwnedPtr& owned, const stream::Commit& commit) {
  owned_[owned->line.at.partition] = owned;
  around_.story.tell("{} owns {} at epoch {} from offset {}", config_.worker.value, to_string(owned->line.at),
                     owned->epoch.value, commit.offset.value);
  worker::SetProcessor::Config processor{*config_.stage, config_.job->job.value, config_.job->run,
                                         owned->line.at.partition,
                                         config_.worker.value + "@" + std::to_string(owned->epoch.value)};
  owned->processor = std::make_unique<worker::SetProcessor>(std::move(processor), owned->task, pool_);
  if (owned->progress.ended) return;
  owned->watcher = owned->line.watch([this] { look(); });
  look();
}

void StageShell::release(PartitionId partition) {
  const auto found = owned_.find(partition);
  if (found == owned_.end() || !found->second) return;
  found->second->reads = false;
  // What was read and not begun is the next owner's.
  std::erase_if(to_compute_, [&](const ToCompute& item) { return item.owned == found->second; });
  to_compute_.push_front({found->second, std::nullopt});
  soon(computes_, Time(100), Time(2'000), &StageShell::compute_turn);
}

void StageShell::drop(PartitionId partition) {
  taking_.erase(partition);
  const auto found = owned_.find(partition);
  if (found == owned_.end()) return;
  if (found->second)
    forget(OwnedPtr(found->second));
  else
    owned_.erase(found);
}

void StageShell::forget(const OwnedPtr& owned) {
  owned->dropped = true;
  owned->line.unwatch(owned->watcher);
  pending_.forget(owned->line.at);
  owned_.erase(owned->line.at.partition);
}

bool StageShell::owns(PartitionId partition) const {
  const auto found = owned_.find(partition);
  return found != owned_.end() && found->second;
}

std::vector<stream::PartitionProgress> StageShell::progress() const {
  std::vector<stream::PartitionProgress> all;
  for (const auto& [partition, owned] : owned_)
    if (owned) all.push_back(owned->progress);
  return all;
}

// ---- read

void StageShell::read_turn() {
  reads_ = false;
  if (host_.cut() || to_compute_.size() >= kReadAhead) return;
  const auto skip = owned_.empty() ? 0 : host_.random().below(static_cast<std::int64_t>(owned_.size()));
  auto at = owned_.begin();
  std::advance(at, skip);
  for (std::size_t i = 0; i < owned_.size(); ++i, ++at) {
    if (at == owned_.end()) at = owned_.begin();
    if (!at->second || !at->second->reads || !read_one(OwnedPtr(at->second))) continue;
    return look();
  }
}

bool StageShell::read_one(const OwnedPtr& owned) {
  if (owned->next < owned->line.first) {
    owned->reads = false;
    config_.lost(fmt::format("{}: offset {} is deleted", to_string(owned->line.at), owned->next));
    return false;
  }
  const auto* stored = around_.kafka.read(owned->line, owned->next);
  if (stored == nullptr) return false;
  const Offset offset{owned->next++};
  auto step = assembler(*owned, offset, *stored);
  std::optional<stream::AcceptedSet> work;
  if (step.accepted) {
    owned->taken.raise(step.accepted->upstream, step.accepted->key);
    work = step.accepted;
    step.accepted->frames.clear();
  }
  to_write_.push_back(RecordRead{owned, offset, std::move(step)});
  soon(writes_, Time(50), Time(1'000), &StageShell::write_turn);
  if (work) {
    to_compute_.push_back({owned, std::move(work)});
    soon(computes_, Time(100), Time(2'000), &StageShell::compute_turn);
  }
  return true;
}

stream::AssemblyStep StageShell::assembler(Owned& owned, Offset offset, const Stored& stored) {
  const auto& content = *stored.content;
  if (around_.broken == Mutation::drop_by_epoch) {
    const auto header = stream::decode_header(content.headers);
    auto& newest = owned.epochs[header->origin.upstream];
    const auto epoch = epoch_of(header->writer);
    if (epoch < newest) return {.duplicate = true, .settled = {offset}};
    newest = epoch;
  }
  return owned.assembler.add(offset, stored.at, content.headers, {content.value, content.owner});
}

// ---- run

void StageShell::compute_turn() {
  computes_ = false;
  if (to_compute_.empty()) return;
  auto item = std::move(to_compute_.front());
  to_compute_.pop_front();
  if (!item.owned->dropped) {
    if (item.set)
      to_write_.push_back(WasProcessed{item.owned, process(*item.owned, std::move(*item.set))});
    else
      to_write_.push_back(item.owned);
    soon(writes_, Time(50), Time(1'000), &StageShell::write_turn);
  }
  if (!to_compute_.empty())
    soon(computes_, Time(500) * config_.task.pace, Time(15'000) * config_.task.pace, &StageShell::compute_turn);
  look();
}

worker::Processed StageShell::process(Owned& owned, stream::AcceptedSet set) {
  const auto released_by = set.released_by;
  if (around_.broken == Mutation::own_offset_origin) set.released_by = set.first;
  auto result = owned.processor->process(set);
  RIDE_CHECK(result.ok(), "the run's tasks do not ask to be tried again");
  result->released_by = released_by;
  return std::move(result).value();
}

// ---- write

void StageShell::write_turn() {
  writes_ = false;
  for (int i = 0; i < 3 && !to_write_.empty(); ++i) {
    auto event = std::move(to_write_.front());
    to_write_.pop_front();
    std::visit([this](auto& one) { write(std::move(one)); }, event);
  }
  RIDE_CHECK(sets_.pump({}).ok(), "the run's producers do not fail");
  if (!to_write_.empty()) soon(writes_, Time(50), Time(1'000), &StageShell::write_turn);
}

void StageShell::write(RecordRead event) {
  if (event.owned->dropped) return;
  event.owned->flow.read(event.offset, event.step);
  changed(event.owned);
}

void StageShell::write(WasProcessed event) {
  if (event.owned->dropped) return;
  send(event.owned, event.owned->flow.processed(std::move(event.result)));
  changed(event.owned);
}

void StageShell::write(OwnedPtr released) {
  if (released->dropped) return;
  released->flow.give_up();
  changed(released);
}

void StageShell::send(const OwnedPtr& owned, std::vector<worker::PartitionFlow::Sending> sendings) {
  for (auto& sending : sendings)
    sets_.add(sending.set.to, std::move(sending.set.records),
              [this, owned, batch = sending.batch](const Result<void>&) {
                if (owned->dropped) return;
                send(owned, owned->flow.delivered(batch));
                changed(owned);
                soon(writes_, Time(50), Time(500), &StageShell::write_turn);  // more may fit now
              });
}

void StageShell::changed(const OwnedPtr& owned) {
  owned->dirty = true;
  soon(publishes_, Time(1'000), kPublishEvery, &StageShell::publish_turn);
}

// ---- commit

void StageShell::publish_turn() {
  publishes_ = false;
  std::vector<OwnedPtr> all;
  for (const auto& [partition, owned] : owned_)
    if (owned && owned->dirty) all.push_back(owned);
  for (const auto& owned : all) publish(owned);
  commit_turn();
}

void StageShell::publish(const OwnedPtr& owned) {
  owned->dirty = false;
  owned->progress.position = owned->flow.window().position().value;
  owned->progress.counters = owned->flow.window().counters();
  auto commit = commit_of(*owned);
  if (owned->published != commit) {
    owned->published = commit;
    pending_.put(owned->line.at, std::move(commit));
  }
  if (!owned->flow.handed_out() || owned->committed != owned->published) return;
  const auto partition = owned->line.at.partition;
  forget(owned);
  config_.released(partition);
}

stream::Commit StageShell::commit_of(const Owned& owned) const {
  const auto& window = owned.flow.window();
  if (around_.broken == Mutation::none) return owned.flow.commit();
  auto metadata = window.metadata();
  auto offset = window.committable();
  if (around_.broken == Mutation::watermark_of_read_position)
    for (const auto& [upstream, key] : owned.taken.all()) metadata.watermarks.raise(upstream, key);
  if (around_.broken == Mutation::no_finished_list) {
    metadata.finished.clear();
    metadata.counters = window.counters();
  }
  if (around_.broken == Mutation::commit_past_unacked) offset = window.position();
  return {offset, stream::pack(metadata)};
}

void StageShell::commit_turn() {
  if (commit_request_ != 0 || pending_.idle()) return;
  const auto commits = std::make_shared<const worker::PendingCommits::Commits>(pending_.take());
  const auto request = commit_request_ = ++commit_requests_;
  const auto done = [this, alive = std::weak_ptr(alive_), request, commits](bool taken) {
    if (!alive.expired() && commit_request_ == request) committed(*commits, taken);
  };
  host_.send([&kafka = around_.kafka, &host = host_, group = config_.stage->group_id, commits, done] {
    const bool taken = kafka.commit(group, *commits);
    host.answer([done, taken] { done(taken); }, true);
  });
  host_.later(kCommitWithin, [done] { done(false); });
}

void StageShell::committed(const worker::PendingCommits::Commits& commits, bool taken) {
  commit_request_ = 0;
  if (!taken) {
    pending_.refused(commits);
    soon(commits_, Time(50'000), Time(50'000), &StageShell::commit_again);
    return;
  }
  pending_.written(commits);
  for (const auto& [at, commit] : commits) {
    const auto found = owned_.find(at.partition);
    if (found == owned_.end() || !found->second) continue;
    auto& owned = *found->second;
    owned.committed = commit;
    owned.progress.committed = commit.offset.value;
    owned.progress.ended = stream::unpack_commit_metadata(commit.metadata)->forwarded_end;
    if (owned.flow.handed_out()) changed(found->second);
  }
  commit_turn();
}

void StageShell::commit_again() {
  commits_ = false;
  commit_turn();
}

void StageShell::read_back_turn() {
  bool asked = false;
  soon(asked, kReadBackEvery, kReadBackEvery, &StageShell::read_back_turn);
  const auto standing = pending_.standing();
  if (standing.empty()) return;
  host_.send([this, alive = std::weak_ptr(alive_), standing] {
    if (alive.expired()) return;
    std::map<stream::TopicPartition, std::optional<stream::Commit>> found;
    for (const auto& at : standing) found[at] = around_.kafka.committed(config_.stage->group_id, at);
    host_.answer(
        [this, alive, found] {
          if (alive.expired()) return;
          for (const auto& at : pending_.read_back(found))
            around_.story.tell("{} finds the commit of {} lowered, and commits again", config_.worker.value,
                               to_string(at));
          commit_turn();
        },
        false);
  });
}

}  // namespace ride::simulation
