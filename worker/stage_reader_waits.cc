// What a partition's reading waits for: memory for a large set, and knowledge about an origin; and what is reported of
// records that should not be there. The reading itself stands in stage_reader.cc.
#include <spdlog/fmt/fmt.h>

#include <algorithm>

#include "common/log.h"
#include "common/wording.h"
#include "stream/core/frame_record.h"
#include "worker/stage_reader.h"

namespace ride::worker {

using std::chrono::milliseconds;
using stream::Severity;

namespace {

constexpr auto kLongestWait = std::chrono::seconds(120);  // for memory, however open sets grow: 621 MB at 5 MB/s
constexpr auto kAskAgain = milliseconds(100);
constexpr auto kReportEvery = std::chrono::seconds(10);
constexpr std::int64_t kManyRepeats = 10'000;  // in a row: a takeover repeats what was on its way, and no more

template <class Visit>
void for_each_assembler(const std::map<stream::TopicPartition, OwnedPtr>& reading, Visit visit) {
  for (const auto& [at, owned] : reading) {
    visit(owned->reading.assembler);
    if (owned->reading.warming) visit(*owned->reading.warming);
  }
}

}  // namespace

// ---- memory

// All unfinished sets of the process share one budget (decision 0019); the oldest of them goes first. One alone may be
// larger.
void StageReader::free_space() {
  const auto limit = context_.config.held_bytes;
  fit_tiles();
  for (;;) {
    std::int64_t held = 0;
    std::size_t holding = 0;
    stream::SetAssembler* oldest = nullptr;
    std::uint64_t turn = 0;
    for_each_assembler(reading_, [&](stream::SetAssembler& assembler) {
      held += assembler.open().held_bytes();
      holding += assembler.open().holding();
      const auto its = assembler.open().oldest_turn();
      if (its && (oldest == nullptr || *its < turn)) {
        oldest = &assembler;
        turn = *its;
      }
    });
    if (held <= limit || holding <= 1) return;
    oldest->refuse_oldest_open_set(limit);
    ++context_.refused_sets;
    report(refused_, "sets_refused", [&](std::int64_t count) {
      return fmt::format(
          "stage {}: {} refused, since the parts of unfinished ones "
          "filled the {} that this worker has for them: the outcome is 'dead'. Either large frames come "
          "from many upstream partitions at once (state more `memory` for the group), or somebody else "
          "writes records into the stage's topic whose sets are never completed",
          context_.config.stage.name, counted(count, "frame of several records was", "frames of several records were"),
          format_byte_size({limit}));
    });
  }
}

// A large set may only be put together when the others leave memory for it: else its partition is fetched again later.
bool StageReader::park(const OwnedPtr& owned, const stream::Record& record) {
  auto& own = owned->reading;
  if (!own.assembler.open().empty() || record.offset == own.unparked || is_unread(record)) return false;
  const auto announced = announced_bytes();
  if (announced == 0) return false;
  auto header = stream::decode_header(record.headers);
  if (!header.ok() || !header->chunk || header->chunk->total <= context_.config.held_bytes - announced) return false;
  context_.ports.reader->unassign(owned->at);
  own.parked = OwnedPartition::Reading::Parked{record.offset, header->chunk->total, context_.config.clock.now()};
  return true;
}

void StageReader::unpark() {
  const auto waits = [](const auto& entry) { return entry.second->reading.parked.has_value(); };
  const auto first = std::find_if(reading_.begin(), reading_.end(), waits);
  if (first == reading_.end()) return;
  std::int64_t held = 0;
  for_each_assembler(reading_, [&](const stream::SetAssembler& assembler) { held += assembler.open().held_bytes(); });
  const auto now = context_.config.clock.now();
  if (held != held_at_last_look_) grew_at_ = now;
  held_at_last_look_ = held;
  auto& own = first->second->reading;  // one at a time
  const auto announced = announced_bytes();
  const bool fits = announced == 0 || own.parked->needs <= context_.config.held_bytes - announced;
  // Nobody completes what it waits for: it goes on, and the oldest set is given up.
  const bool enough = now - std::max(grew_at_, own.parked->since) > context_.config.space_patience ||
                      now - own.parked->since > kLongestWait;
  if (!fits && !enough) return;
  if (!fits) own.unparked = own.parked->from;
  const auto from = own.parked->from;
  own.parked.reset();
  if (auto assigned = context_.ports.reader->assign(first->first, from); !assigned.ok())
    context_.fail(assigned.error());
}

std::int64_t StageReader::announced_bytes() const {
  std::int64_t bytes = 0;
  for_each_assembler(reading_,
                     [&](const stream::SetAssembler& assembler) { bytes += assembler.open().announced_bytes(); });
  return bytes;
}

// ---- knowledge

// The partition waits, fetched again when it is known whether such an origin can be. What was written before this
// moment is all answered with it: a flood of such records costs one question.
void StageReader::wait_for_knowledge(const OwnedPtr& owned, Offset at, const stream::Doubt& doubt) {
  context_.ports.reader->unassign(owned->at);
  owned->reading.doubting = OwnedPartition::Reading::Doubting{.from = at, .doubt = doubt};
  some_doubts_ = true;
}

void StageReader::ask_for_knowledge() {
  if (!some_doubts_) return;
  some_doubts_ = false;
  for (const auto& [at, owned] : reading_) {
    auto& own = owned->reading;
    if (!own.doubting) continue;
    if (!is_answered(*owned)) {
      some_doubts_ = true;
      continue;
    }
    own.assembler.settle_doubts(own.doubting->doubt.upstream, *own.doubting->written_before);
    const auto from = own.doubting->from;
    own.doubting.reset();
    if (auto assigned = context_.ports.reader->assign(at, from); !assigned.ok()) context_.fail(assigned.error());
  }
}

bool StageReader::is_answered(OwnedPartition& owned) {
  auto& own = owned.reading;
  auto& doubting = *own.doubting;
  const auto now = context_.config.clock.now();
  if (now < doubting.next_try) return false;
  if (!doubting.written_before) {
    const auto end = end_of_log(owned.at);
    if (!end.ok() && end.error().retriable) {
      doubting.next_try = now + kAskAgain;
      return false;
    }
    doubting.written_before = std::max(Offset{doubting.from.value + 1}, end.ok() ? *end : Offset{0});
    if (doubting.doubt.is_session) doubting.question = ++context_.decisions_wanted;
  }
  if (doubting.doubt.is_session) {
    if (context_.decisions_read < doubting.question) return false;
    learn_sessions(own.assembler);
    return true;
  }
  const auto& upstream = doubting.doubt.upstream;
  const auto end = end_of_log({context_.config.upstream_topics.at(upstream.name), upstream.partition});
  if (!end.ok()) {
    doubting.next_try = now + kAskAgain;
    return false;
  }
  own.assembler.learn_end(upstream, *end);
  return true;
}

Result<Offset> StageReader::end_of_log(const stream::TopicPartition& at) const {
  if (!context_.ports.range_of) return Error{ErrorCode::unsupported, "nobody to ask"};
  RIDE_ASSIGN(const auto range, context_.ports.range_of(at));
  return range.end;
}

// ---- reports

template <class Words>
void StageReader::report(RepeatedNotice& notice, const char* code, Words words, std::int64_t times) {
  notice.count += times;
  const auto now = context_.config.clock.now();
  if (now < notice.next) return;
  notice.next = now + kReportEvery;
  context_.notify(notice.severity, code, words(std::exchange(notice.count, 0)), false);
}

void StageReader::report_step(const OwnedPtr& owned, Offset offset, const stream::AssemblyStep& step) {
  const auto where = to_string(owned->at) + ", offset " + std::to_string(offset.value);
  if (step.problem)
    report(not_frames_, "not_a_frame", [&](std::int64_t count) {
      return fmt::format("{}: {}; its outcome is 'dead', the records around it are not touched{}", where,
                         step.problem->message,
                         count > 1 ? fmt::format(" ({} more since the last report)", count - 1) : std::string());
    });
  if (step.given_up > 0)
    report(given_up_, "sets_given_up", [&](std::int64_t) {
      return fmt::format(
          "{}: gave up {} of frames that were never completed, so that the partition's "
          "commit moves on: their writer died, or somebody else writes into the topic",
          where, counted(step.given_up, "record"));
    });
  if (step.hidden_by) {
    ++context_.hidden_frames;
    report(hidden_, "frames_hidden", [&](std::int64_t count) {
      return fmt::format(
          "{}: {} dropped whose frame was never taken: the record at offset {} of this "
          "partition has a higher origin ({}.{}) and hides it. Its upstream does not write that way: look "
          "who else writes into the topic (`ride ledger` names the frames)",
          where, counted(count, "record was", "records were"), step.hidden_by->at.value, step.hidden_by->by.major,
          step.hidden_by->by.minor);
    });
  }
  if (step.superseded)
    report(superseded_, "frames_superseded", [&](std::int64_t count) {
      return fmt::format(
          "{}: {} of source {} dropped: the producer that wrote in session {} was replaced, and frames of session {} "
          "stand before it. The new one began behind what was acknowledged to the old one",
          where, counted(count, "record was", "records were"), step.superseded->source, step.superseded->session,
          step.superseded->by);
    });
  if (auto& own = owned->reading; own.gather && own.gather->forgotten() != own.forgotten)
    report(
        forgotten_, "late_tiles_forgotten",
        [&](std::int64_t count) {
          return fmt::format(
              "{}: {} ended as incomplete, and so many have since that their missing tiles are not "
              "waited for any more: if one comes, its picture is counted again. Look why tiles do not come, or are "
              "late: a larger timeout_ms waits longer",
              where, counted(count, "picture", "pictures"));
        },
        own.gather->forgotten() - std::exchange(own.forgotten, own.gather->forgotten()));
  auto& repeats = owned->reading.repeats;
  if (step.accepted) repeats = 0;
  if (!step.duplicate || ++repeats % kManyRepeats != 0) return;
  report(repeated_, "many_repeats", [&](std::int64_t) {
    return fmt::format(
        "{}: the last {} records were all taken before. A takeover repeats what was on its way and no "
        "more: either a writer that was declared lost long ago is still writing, or somebody copies records into "
        "the topic",
        where, repeats);
  });
}

}  // namespace ride::worker
