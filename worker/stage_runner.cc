#include "worker/stage_runner.h"

#include <algorithm>

#include "worker/committer.h"

namespace ride::worker {

using stream::TopicPartition;

namespace {

MakeCommitSink committer_on_a_thread(const StageContext& context) {
  return [&](Committed committed) {
    return std::make_unique<Committer>(context.ports.commits, context.config.stage.group_id, std::move(committed));
  };
}

}  // namespace

StageRunner::StageRunner(Config config, StagePorts ports, Notify notify, OnReleased on_released)
    : StageRunner(std::move(config), std::move(ports), std::move(notify), std::move(on_released), {}) {}

StageRunner::StageRunner(Config config, StagePorts ports, Notify notify, OnReleased on_released,
                         const MakeCommitSink& commits)
    : context_(std::move(config), std::move(ports), std::move(notify)),
      writer_(context_, std::move(on_released), commits ? commits : committer_on_a_thread(context_)),
      compute_(context_),
      reader_(context_),
      ends_(context_.ports.ends_of,
            [this] {
              std::vector<TopicPartition> at;
              for (const auto& owned : context_.owned.all()) at.push_back(owned->at);
              return at;
            }),
      by_turns_(commits != nullptr) {
  if (by_turns_) return;
  compute_.start();
  writer_.start();
  reader_.start();
}

StageRunner::~StageRunner() {
  context_.stopping = true;
  reader_.wake();
  context_.to_compute.close();
  context_.to_write.close();
  if (by_turns_) compute_.close();
  reader_.join();
  compute_.join();
  writer_.join();
  // What was still on its way fails now, and says so to us: while we are whole.
  context_.ports.writer.reset();
}

Result<void> StageRunner::assign(PartitionId partition, Epoch epoch) {
  const auto& config = context_.config;
  const TopicPartition at{config.stage.topic, partition};
  RIDE_ASSIGN(const auto commits, context_.ports.commits->committed(config.stage.group_id, {at}));
  const auto& commit = commits.at(at);
  if (commit) return take(partition, epoch, *commit);
  return Error{ErrorCode::not_found,
               "no commit of group " + config.stage.group_id + " for " + to_string(at) +
                   ": it was deleted or has expired; RIDE never guesses where to begin. Set it with "
                   "a Kafka tool, or cancel and submit the job again"};
}

Result<void> StageRunner::take(PartitionId partition, Epoch epoch, const stream::Commit& commit) {
  const auto& config = context_.config;
  const TopicPartition at{config.stage.topic, partition};
  auto metadata = stream::unpack_commit_metadata(commit.metadata);
  if (!metadata.ok()) return Error{metadata.error().code, to_string(at) + ": " + metadata.error().message};
  auto assembler = assembler_config(at);
  auto owned = std::make_shared<OwnedPartition>(at, epoch, commit, *metadata, assembler,
                                                context_.task().declaration.warmup_frames);
  if (context_.task().declaration.tiles == TileRole::joins) {
    owned->reading.gather.emplace(tile_limits(config.stage.params), metadata->given_up);
    owned->reading.reread_with = std::move(assembler);
  }
  for (const auto& [source, session] : context_.known_sessions())
    owned->reading.assembler.learn_session(source, session);
  owned->progress.job = config.job;
  owned->progress.run = config.run;
  owned->progress.stage = StageName{config.stage.name};
  context_.owned.put(owned);
  if (!metadata->forwarded_end) reader_.assign(owned);
  return {};
}

stream::SetAssembler::Config StageRunner::assembler_config(const TopicPartition& at) const {
  const auto& config = context_.config;
  std::size_t lines = 0;
  for (const auto& upstream : config.stage.upstreams) lines += static_cast<std::size_t>(upstream.partitions);
  stream::SetAssembler::Config assembler{at, config.job.value, config.stage.upstreams, config.stage.adopt, {}};
  assembler.open.set_bytes = config.set_bytes;
  assembler.open.sets = std::max(assembler.open.sets, 4 * lines);  // a writer has one open in each line
  assembler.drop_duplicates = config.drop_duplicates;
  assembler.run = config.run;
  assembler.checks_sessions = config.checks_sessions;
  assembler.checks_offsets = !config.upstream_topics.empty() && context_.ports.range_of;
  assembler.turns = turns_;
  return assembler;
}

void StageRunner::release(PartitionId partition) {
  const auto owned = context_.owned.find(partition);
  if (!owned) return;
  context_.to_compute.push_first({owned, std::nullopt});
  reader_.unassign(owned);
}

void StageRunner::drop(PartitionId partition) {
  const auto owned = context_.owned.find(partition);
  if (!owned) return;
  owned->dropped = true;
  writer_.committer().forget(owned->at);
  context_.owned.erase(owned);
  context_.to_compute.push_first({owned, std::nullopt});
  reader_.unassign(owned);
}

std::vector<PartitionId> StageRunner::owned() const {
  std::vector<PartitionId> partitions;
  for (const auto& owned : context_.owned.all()) partitions.push_back(owned->at.partition);
  return partitions;
}

std::vector<stream::PartitionProgress> StageRunner::progress() const {
  std::vector<stream::PartitionProgress> progress;
  for (const auto& owned : context_.owned.all()) {
    std::unique_lock lock(owned->mutex);
    auto one = owned->progress;
    lock.unlock();
    if (one.ended) {
      one.end = one.position;  // what others write behind it does not wait for us
      progress.push_back(std::move(one));
      continue;
    }
    for (const auto end : {context_.ports.end_of(owned->at), ends_.end_of(owned->at)})
      if (end) one.end = std::max({one.end, end->value, one.position});
    progress.push_back(std::move(one));
  }
  return progress;
}

StageStats StageRunner::stats() const {
  return {compute_.frames(),         std::chrono::duration<double>(compute_.busy()).count(),
          compute_.warm(),           context_.to_compute.bytes(),
          context_.to_write.bytes(), context_.refused_sets,
          context_.hidden_frames};
}

std::optional<Error> StageRunner::failed() const {
  if (auto failure = context_.failed()) return failure;
  return writer_.committer().failed();
}

}  // namespace ride::worker
