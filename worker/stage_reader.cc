#include "worker/stage_reader.h"

#include <algorithm>
#include <utility>

#include "common/guarded_thread.h"
#include "common/log.h"
#include "common/wording.h"

namespace ride::worker {

using std::chrono::milliseconds;
using stream::Severity;

namespace {

constexpr auto kIdlePoll = milliseconds(5);  // also how long an assignment may wait
constexpr auto kIdleWait = milliseconds(100);
constexpr auto kRestAfterFailure = milliseconds(200);

}  // namespace

void StageReader::start() {
  const auto& config = context_.config;
  if (config.note != nullptr) config.note->reads_for(config.job, config.run, StageName{config.stage.name});
  thread_ = guarded_thread(
      "the reader", [this] { loop(); },
      [this](Error error) {
        // The crash note goes on naming the record: the next owner must not die of it, too (decision 0007).
        if (at_work_)
          error.message +=
              ", while it read " + to_string(at_work_->at) + ", offset " + std::to_string(at_work_->offset.value);
        context_.died_reading = at_work_.has_value();
        context_.fail(std::move(error));
      });
}

void StageReader::join() {
  if (thread_.joinable()) thread_.join();
}

void StageReader::post(Command command) {
  {
    const std::lock_guard lock(mutex_);
    commands_.push_back(std::move(command));
  }
  changed_.notify_all();
}

void StageReader::pause(bool paused) {
  paused_ = paused;
  changed_.notify_all();
}

void StageReader::loop() {
  while (!context_.stopping) turn(true);
}

bool StageReader::turn(bool waits) {
  run_commands();
  if (reading_.empty() || paused_ || rests()) {
    std::unique_lock lock(mutex_);
    if (waits) changed_.wait_for(lock, kIdleWait, [&] { return context_.stopping || !commands_.empty(); });
    return false;
  }
  unpark();
  begin_rereading();
  ask_for_knowledge();
  end_what_is_through();
  auto record = context_.ports.reader->poll(waits ? kIdlePoll : milliseconds(0));
  if (!record.ok()) {
    read_failed(record.error());
    return false;
  }
  if (*record) read_one(**record);
  return record->has_value();
}

bool StageReader::rests() {
  if (rests_until_ && context_.config.clock.now() >= *rests_until_) rests_until_.reset();
  return rests_until_.has_value();
}

void StageReader::run_commands() {
  std::vector<Command> commands;
  {
    const std::lock_guard lock(mutex_);
    commands.swap(commands_);
  }
  for (const auto& command : commands) run(command);
}

void StageReader::run(const Command& command) {
  const auto& owned = command.owned;
  switch (command.kind) {
    case Command::Kind::assign:
      if (reading_.contains(owned->at)) context_.ports.reader->unassign(owned->at);
      reading_[owned->at] = owned;
      if (auto assigned = context_.ports.reader->assign(owned->at, owned->reading.next); !assigned.ok())
        context_.fail(assigned.error());
      return;
    case Command::Kind::unassign:
      if (const auto found = reading_.find(owned->at); found != reading_.end() && found->second == owned) {
        context_.ports.reader->unassign(owned->at);
        reading_.erase(found);
      }
      return;
  }
}

void StageReader::read_one(const stream::Record& record) {
  const auto found = reading_.find(record.at);
  if (found != reading_.end() && found->second->reading.rereading) return reread_one(found->second, record);
  // A record that was fetched before the partition was unassigned, or assigned anew.
  if (found == reading_.end() || record.offset < found->second->reading.next) return;
  const auto owned = found->second;
  if (const auto last = last_of(owned); last && record.offset >= *last) return end(owned, *last);
  // Nor one behind what the partition waits with.
  if (owned->dropped || owned->reading.parked || owned->reading.doubting) return;
  const bool warms = record.offset < owned->reading.start;
  begin_work(record);
  const bool parked = !warms && park(owned, record);
  auto step = parked ? stream::AssemblyStep() : assemble(owned, record);
  auto& gather = owned->reading.gather;
  if (gather && !parked && !step.doubt) gather->take(record.offset, record.timestamp, step);
  if (!parked && !step.doubt && !(warms ? *owned->reading.warming : owned->reading.assembler).open().empty())
    free_space();
  else if (gather)
    fit_tiles();
  end_work();
  if (parked) return;
  if (step.doubt) return wait_for_knowledge(owned, record.offset, *step.doubt);
  owned->reading.next = Offset{record.offset.value + 1};
  const auto bytes = static_cast<std::int64_t>(record.value.size());
  if (warms) return warm_up(owned, std::move(step), bytes);
  owned->reading.warming.reset();
  report_step(owned, record.offset, step);
  if (step.accepted && !step.accepted->reread.empty()) return reread(owned, record.offset, std::move(step), bytes);
  pass_on(owned, record.offset, std::move(step), bytes);
}

// What a record does to the thread that looks at it is on the record: until end_work() it stands in the crash note.
void StageReader::begin_work(const stream::Record& record) {
  at_work_ = AtWork{record.at, record.offset};
  if (auto* note = context_.config.note) note->reading(record.at.partition, record.offset);
}

void StageReader::end_work() {
  at_work_.reset();
  if (auto* note = context_.config.note) note->has_read();
}

stream::AssemblyStep StageReader::assemble(const OwnedPtr& owned, const stream::Record& record) {
  auto& own = owned->reading;
  auto& assembler = record.offset < own.start ? *own.warming : own.assembler;
  const stream::Payload payload{record.value, record.owner};
  if (is_unread(record))
    return assembler.refuse_unread(record.offset, record.timestamp, "two workers ended while they read it",
                                   record.headers, payload);
  auto step = assembler.add(record.offset, record.timestamp, record.headers, payload);
  if (!step.doubt || !step.doubt->is_session) return step;
  // Usually the worker knows of it by now, since a source's producer learns of it from the same log.
  learn_sessions(own.assembler);
  return assembler.add(record.offset, record.timestamp, record.headers, payload);
}

// Its outcome is dead, as the strikes against it say, without a look at it.
bool StageReader::is_unread(const stream::Record& record) const {
  const auto quarantined = context_.is_quarantined(record.at.partition, record.offset);
  return quarantined && quarantined->unread;
}

void StageReader::learn_sessions(stream::SetAssembler& assembler) const {
  for (const auto& [source, session] : context_.known_sessions()) assembler.learn_session(source, session);
}

void StageReader::pass_on(const OwnedPtr& owned, Offset offset, stream::AssemblyStep step, std::int64_t bytes) {
  // What goes to the writer comes without pictures.
  const auto hand_out = [](stream::AcceptedSet& set) {
    auto frames = std::exchange(set.frames, {});
    auto refused = std::exchange(set.refused, std::nullopt);
    auto work = set;
    work.frames = std::move(frames);
    work.refused = std::move(refused);
    return work;
  };
  std::vector<stream::AcceptedSet> overdue;
  for (auto& ended : step.overdue) overdue.push_back(hand_out(ended));
  std::optional<stream::AcceptedSet> accepted;
  if (step.accepted && !step.held && !step.accepted->late_for) accepted = hand_out(*step.accepted);
  // First the window hears of the record, then somebody works on it: never the other way round.
  if (!context_.to_write.push(RecordRead{owned, offset, std::move(step)}, 0)) return;
  const auto work_on = [&](stream::AcceptedSet set) {
    std::int64_t size = 0;
    for (const auto& frame : set.frames) size += static_cast<std::int64_t>(frame.payload.bytes.size());
    context_.to_compute.push({owned, std::move(set)}, std::max(bytes, size));
  };
  for (auto& set : overdue) work_on(std::move(set));
  if (accepted) work_on(std::move(*accepted));
}

// Where to stop reading: the job drains, and others go on writing (decision 0017).
std::optional<Offset> StageReader::last_of(const OwnedPtr& owned) const {
  const auto last = context_.end_of(owned->at.partition);
  return last ? std::optional(std::max(*last, owned->reading.start)) : std::nullopt;
}

void StageReader::end_what_is_through() {
  if (!context_.has_ends()) return;
  const auto reading = reading_;
  for (const auto& [at, owned] : reading) {
    const auto last = last_of(owned);
    if (!last) continue;
    const auto at_end = context_.ports.reader->at_end(at);
    if (owned->reading.next >= *last || (at_end && *at_end >= *last)) end(owned, *last);
  }
}

void StageReader::end(const OwnedPtr& owned, Offset last) {
  context_.ports.reader->unassign(owned->at);
  reading_.erase(owned->at);
  const auto offset = std::max(owned->reading.next, last);
  auto step = owned->reading.assembler.end_at(offset, context_.config.clock.wall());
  auto work = step.accepted;
  owned->reading.next = offset;
  if (!context_.to_write.push(RecordRead{owned, offset, std::move(step)}, 0)) return;
  context_.to_compute.push({owned, std::move(work)}, 0);
}

// The task of a new owner sees the last frames once more, so that its state is what its predecessor's was (decision
// 0012).
void StageReader::warm_up(const OwnedPtr& owned, stream::AssemblyStep step, std::int64_t bytes) {
  if (step.accepted && step.accepted->kind == stream::RecordKind::frame)
    context_.to_compute.push({owned, std::move(step.accepted), true}, bytes);
}

void StageReader::read_failed(const Error& error) {
  if (error.retriable) {
    log_debug("{}", error.message);
    return;
  }
  if (error.code == ErrorCode::corrupt && (pass_over_overtaken() || pass_over_expired())) return;
  const char* code = error.code == ErrorCode::corrupt     ? "offset_lost"
                     : error.code == ErrorCode::not_found ? "topic_gone"
                                                          : "read_failed";
  context_.notify(Severity::error, code,
                  "stage " + context_.config.stage.name + " cannot go on reading: " + error.message, true);
  rests_until_ = context_.config.clock.now() + kRestAfterFailure;
}

// The reader has it from the partition's leader which one retention has overtaken. It may have been passed over
// already.
bool StageReader::pass_over_overtaken() {
  const auto overtaken = context_.ports.overtaken ? context_.ports.overtaken() : std::nullopt;
  if (!overtaken) return false;
  const auto found = reading_.find(overtaken->first);
  if (found == reading_.end()) return true;
  if (found->second->reading.rereading)
    can_reread(found->second, overtaken->second);
  else if (found->second->reading.next < overtaken->second)
    pass_over(found->second, overtaken->second);
  return true;
}

// An offset is not in the log. Where retention has overtaken us, the partition goes on at its oldest record; an offset
// above the log's end is never fixed (decision 0032): false.
bool StageReader::pass_over_expired() {
  bool expired = false;
  if (!context_.ports.range_of) return false;
  for (const auto& [at, owned] : reading_) {
    const auto range = context_.ports.range_of(at);
    if (!range.ok()) {
      log_warning("{}", range.error().message);
      return range.error().retriable;  // asked again with the next error
    }
    if (owned->reading.rereading) {
      expired = !can_reread(owned, range->first) || expired;
      continue;
    }
    if (range->first <= owned->reading.next) continue;
    pass_over(owned, range->first);
    expired = true;
  }
  return expired;
}

void StageReader::pass_over(const OwnedPtr& owned, Offset first) {
  auto& own = owned->reading;
  if (own.next < own.start && first <= own.start) return read_from(owned, first);  // less to warm up with, nothing lost
  const auto taken = first.value - std::max(own.next, own.start).value;
  context_.notify(
      Severity::error, "frames_expired",
      "stage " + context_.config.stage.name + ": retention removed " + counted(taken, "record") + " of " +
          to_string(owned->at) + " (from offset " + std::to_string(std::max(own.next, own.start).value) +
          " on) before they were read. They are counted as expired, and the partition continues at its oldest "
          "record. Give the stage more workers, or its topic a longer `retention`",
      false);
  if (!context_.to_write.push(RecordsExpired{owned, first, own.assembler.give_up_open_sets()}, 0)) return;
  read_from(owned, first);
}

void StageReader::read_from(const OwnedPtr& owned, Offset first) {
  owned->reading.next = first;
  owned->reading.parked.reset();
  owned->reading.doubting.reset();
  context_.ports.reader->unassign(owned->at);
  if (auto assigned = context_.ports.reader->assign(owned->at, first); !assigned.ok()) context_.fail(assigned.error());
}

}  // namespace ride::worker
