#include "tests/simulation/stage_ports.h"

#include <fmt/format.h>

namespace ride::simulation {

namespace {

constexpr std::chrono::milliseconds kAskWithin{1'000};

std::int64_t epoch_of(const std::string& writer) {
  const auto at = writer.rfind('@');
  return at == std::string::npos ? 0 : std::stoll(writer.substr(at + 1));
}

void note_read(ReadSoFar& read, const stream::RecordHeader& header, std::int64_t offset) {
  read.watermarks.raise(header.origin.upstream, header.origin.key);
  const auto set = to_string(header.origin) + " by " + header.writer;
  read.first_of[offset] = read.first_of_set.try_emplace(set, offset).first->second;
}

Error no_answer() { return Error{ErrorCode::unavailable, "no answer", true}; }

}  // namespace

// ---- reading

StageReaderPort::~StageReaderPort() {
  for (const auto& [at, place] : places_) place.line->unwatch(place.watcher);
}

Result<void> StageReaderPort::assign(const stream::TopicPartition& at, Offset start) {
  auto* line = around_.kafka.find(at);
  if (line == nullptr) return Error{ErrorCode::not_found, "no " + to_string(at)};
  unassign(at);
  places_[at] = {line, start.value, line->watch(look_)};
  look_();
  return {};
}

void StageReaderPort::unassign(const stream::TopicPartition& at) {
  const auto found = places_.find(at);
  if (found == places_.end()) return;
  found->second.line->unwatch(found->second.watcher);
  places_.erase(found);
}

Result<std::optional<stream::Record>> StageReaderPort::poll(std::chrono::milliseconds) {
  if (host_.cut() || places_.empty()) return std::optional<stream::Record>();
  auto place = places_.begin();
  std::advance(place, host_.random().below(static_cast<std::int64_t>(places_.size())));
  for (std::size_t i = 0; i < places_.size(); ++i, ++place) {
    if (place == places_.end()) place = places_.begin();
    auto& [at, here] = *place;
    if (here.next < here.line->first)
      return Error{ErrorCode::corrupt, fmt::format("{}: offset {} is deleted", to_string(at), here.next)};
    while (const auto* stored = around_.kafka.read(*here.line, here.next)) {
      const Offset offset{here.next++};
      (*read_)[at].position = here.next;
      if (around_.broken != Mutation::none && is_hidden(here, *stored)) continue;
      const auto& content = *stored->content;
      return std::optional(stream::Record{at, offset, stored->at, "", content.headers, content.value, content.owner});
    }
  }
  return std::optional<stream::Record>();
}

bool StageReaderPort::is_hidden(const Place& place, const Stored& stored) {
  const auto header = stream::decode_header(stored.content->headers);
  RIDE_CHECK(header.ok(), "a run has no records of others");
  auto& read = (*read_)[place.line->at];
  note_read(read, *header, place.next - 1);
  if (around_.broken != Mutation::drop_by_epoch) return false;
  auto& newest = read.epochs[header->origin.upstream];
  const auto epoch = epoch_of(header->writer);
  newest = std::max(newest, epoch);
  return epoch < newest;
}

// ---- writing

StageWriterPort::StageWriterPort(Surroundings& around, Host& host, std::string topic, std::shared_ptr<ReadOfAll> read,
                                 std::function<void()> delivered)
    : broken_(around.broken),
      topic_(std::move(topic)),
      read_(std::move(read)),
      writer_(around.clock, around.kafka, host, {.first_goes_alone = broken_ != Mutation::first_record_not_alone},
              std::move(delivered)) {}

Result<void> StageWriterPort::send(const stream::TopicPartition& to, stream::OutRecord record, Delivered done) {
  if (broken_ == Mutation::own_offset_origin) {
    for (auto& [name, value] : record.headers) {
      if (name != "ride_origin") continue;
      auto origin = stream::parse_origin(value);
      RIDE_CHECK(origin.ok(), "the product wrote it");
      auto& key = origin->key;
      const auto& first_of = (*read_)[{topic_, origin->upstream.partition}].first_of;
      if (const auto first = first_of.find(key.major); first != first_of.end()) key.major = first->second;
      value = to_string(*origin);
    }
  }
  return writer_.send(to, std::move(record), std::move(done));
}

// ---- commits

void StageCommits::put(const stream::TopicPartition& at, stream::Commit commit) {
  flow_.put(at, std::move(commit));
  turn();
}

stream::Commit StageCommits::mutated(const stream::TopicPartition& at, stream::Commit commit) const {
  if (around_.broken == Mutation::none) return commit;
  auto metadata = stream::unpack_commit_metadata(commit.metadata).value();
  const auto& read = (*read_)[at];
  if (around_.broken == Mutation::watermark_of_read_position)
    for (const auto& [upstream, key] : read.watermarks.all()) metadata.watermarks.raise(upstream, key);
  if (around_.broken == Mutation::no_finished_list) {
    for (const auto& [upstream, keys] : metadata.finished)
      metadata.counters.acked -= static_cast<std::int64_t>(keys.size());
    metadata.finished.clear();
  }
  if (around_.broken == Mutation::commit_past_unacked) commit.offset = std::max(commit.offset, Offset{read.position});
  commit.metadata = stream::pack(metadata);
  return commit;
}

// The product does not see what a mutation made of its commits, nor reads it back.
worker::PendingCommits::Commits StageCommits::as_sent(const worker::PendingCommits::Commits& commits) {
  if (around_.broken == Mutation::none) return commits;
  worker::PendingCommits::Commits sent;
  for (const auto& [at, commit] : commits) {
    sent[at] = mutated(at, commit);
    broken_[at] = {commit, sent[at]};
  }
  return sent;
}

void StageCommits::turn() {
  if (auto request = flow_.next(now())) std::visit([this](const auto& one) { ask(one); }, *request);
  const auto next = flow_.next_at();
  if (next == worker::CommitFlow::TimePoint::max() || (looks_at_ && *looks_at_ <= next)) return;
  looks_at_ = next;
  const auto wait = std::chrono::duration_cast<Time>(next - now());
  host_.later(std::max(wait, Time(1)), [this, next, alive = std::weak_ptr(alive_)] {
    if (alive.expired() || looks_at_ != next) return;
    looks_at_.reset();
    turn();
  });
}

void StageCommits::ask(const worker::CommitFlow::Write& write) {
  const auto request = request_ = ++requests_;
  const auto done = [this, alive = std::weak_ptr(alive_), request, write](bool taken) {
    if (!alive.expired()) written(request, write, taken);
  };
  host_.send([&kafka = around_.kafka, &host = host_, group = config_.group, commits = as_sent(write.commits), done] {
    const bool taken = kafka.commit(group, commits);
    host.answer([done, taken] { done(taken); }, true);
  });
  host_.later(kAskWithin, [done] { done(false); });
}

void StageCommits::written(std::int64_t request, const worker::CommitFlow::Write& write, bool taken) {
  if (request_ != request) return;  // answered before, or given up
  request_ = 0;
  if (!taken) ++around_.fired["commit refused or not answered"];
  if (taken)
    for (const auto& [at, commit] : write.commits) config_.committed(at, commit);
  flow_.answered(write, taken ? Result<void>() : no_answer(), now());
  turn();
}

void StageCommits::ask(const worker::CommitFlow::ReadBack& request) {
  const auto number = request_ = ++requests_;
  const auto done = [this, alive = std::weak_ptr(alive_), number, request](const Result<Found>& found) {
    if (!alive.expired()) read_back(number, request, found);
  };
  host_.send([&kafka = around_.kafka, &host = host_, group = config_.group, request, done] {
    Found found;
    for (const auto& at : request.at) found[at] = kafka.committed(group, at);
    host.answer([done, found = std::move(found)] { done(found); }, true);
  });
  host_.later(kAskWithin, [done] { done(no_answer()); });
}

void StageCommits::read_back(std::int64_t request, const worker::CommitFlow::ReadBack& asked,
                             const Result<Found>& found) {
  if (request_ != request) return;
  request_ = 0;
  auto meant = found;
  if (meant.ok())
    for (auto& [at, commit] : *meant)
      if (const auto broken = broken_.find(at); broken != broken_.end() && commit == broken->second.second)
        commit = broken->second.first;
  for (const auto& at : flow_.answered(asked, meant, now())) {
    ++around_.fired["commit lowered by a late one"];
    around_.story.tell("{} finds the commit of {} lowered, and commits again", config_.who, to_string(at));
  }
  turn();
}

}  // namespace ride::simulation
