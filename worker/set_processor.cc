#include "worker/set_processor.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <map>
#include <utility>

#include "common/cause.h"
#include "common/frame_tile.h"
#include "common/log.h"
#include "common/source_file.h"
#include "stream/core/dead_letter.h"
#include "stream/encoded_frame.h"
#include "stream/frame_header.h"

namespace ride::worker {

using stream::AcceptedSet;
using stream::Outcome;
using stream::OutputSpec;

// Gathers what the task emits for one set.
class SetProcessor::Collector final : public tasks::Emitter {
 public:
  Collector(BufferPool& pool, const std::function<void()>& progress, bool can_defer = false)
      : pool_(pool), progress_(progress), can_defer_(can_defer) {}
  void emit(Frame frame) override { emitted.push_back({std::string(), std::move(frame)}); }
  void emit(const std::string& port, Frame frame) override { emitted.push_back({port, std::move(frame)}); }
  cv::Mat allocate(int rows, int cols, int type) override { return pool_.allocate(rows, cols, type); }
  bool hold(const std::string& group) override {
    held = group;
    return true;
  }
  // A frame of this set that is held after it (the group's next segment has begun) holds the set again.
  void release(const std::string& group) override {
    released.push_back(group);
    if (held == group) held.reset();
  }
  bool defer(const std::function<Result<void>()>& work) override {
    if (can_defer_) deferred.push_back(work);
    return can_defer_;
  }
  void progress() override { progress_(); }

  std::vector<std::pair<std::string, Frame>> emitted;
  std::optional<std::string> held;
  std::vector<std::string> released;
  std::vector<std::function<Result<void>()>> deferred;

 private:
  BufferPool& pool_;
  const std::function<void()>& progress_;
  const bool can_defer_;
};

namespace {

Counted counted_as(Outcome outcome) {
  switch (outcome) {
    case Outcome::filtered:
      return Counted::filtered;
    case Outcome::dropped:
      return Counted::dropped;
    case Outcome::dead:
      return Counted::dead;
  }
  return Counted::dead;
}

// Only records of the platform's own topics have a place for outcomes and ends: other readers want pictures.
bool is_inside(const OutputSpec& output) { return !output.to.empty(); }

bool wants(const OutputSpec& output, const std::string& port, const std::string& default_port) {
  return (output.port.empty() ? default_port : output.port) == (port.empty() ? default_port : port);
}

}  // namespace

SetProcessor::SetProcessor(Config config, tasks::Task& task, BufferPool& pool)
    : config_(std::move(config)),
      task_(task),
      pool_(pool),
      limits_(stream::chunk_limits(config_.stage.max_message_bytes)) {}

stream::SetIdentity SetProcessor::identity(stream::OriginKey key) const {
  return {config_.job, config_.stage.name, config_.writer,
          stream::Origin{{config_.stage.name, config_.partition}, key, config_.run}};
}

// What somebody outside said of tiles would be believed behind a cut.
stream::RecordHeader SetProcessor::outcome_header(const AcceptedSet& set) const {
  auto header = set.header;
  if (config_.tiles == TileRole::cuts) header.attributes.erase(kTileAttribute);
  return header;
}

stream::TopicPartition SetProcessor::home(const OutputSpec& output, const stream::RecordHeader& header) const {
  if (!is_inside(output) && output.partitions == config_.stage.partitions) return {output.topic, config_.partition};
  const auto tile = output.partition_by == stream::PartitionBy::tile ? tile_of(header.attributes) : std::nullopt;
  return {output.topic, home_partition(header.id, output.partition_by, output.partitions, tile ? tile->group : 0)};
}

Result<Processed> SetProcessor::process(const AcceptedSet& set) {
  switch (set.kind) {
    case stream::RecordKind::frame: {
      // Whatever becomes of the frame in whose turn it was: what the task has let go of is not held any more.
      auto out = process_frames(set);
      if (out.ok()) out->released = std::exchange(released_, {});
      return out;
    }
    case stream::RecordKind::outcome: {
      auto out = outcome(set, set.header.outcome, set.header.reason);
      return out;
    }
    case stream::RecordKind::end:
      return end_of_input(set);
  }
  return Error{ErrorCode::internal, "unknown kind of set"};
}

// A task that stores or passes on the bytes of a picture is spared its decoding.
Result<Frame> SetProcessor::frame_of(const stream::WholeFrame& whole) const {
  const auto max_pixels = config_.stage.max_pixels;
  if (!config_.stage.adopt)
    if (auto encoded = stream::encoded_frame(whole, max_pixels); encoded && !task_.needs_pixels(*encoded))
      return std::move(*encoded);
  return stream::to_frame(whole, config_.stage.adopt, max_pixels, config_.stage.group.memory_bytes);
}

Result<Processed> SetProcessor::process_frames(const AcceptedSet& set) {
  // Frames of one set may want the same file: then the later one would wait for the earlier one's turn, which is only
  // taken when the set is through.
  Collector collector(pool_, config_.progress, config_.can_defer && set.frames.size() == 1);
  std::chrono::nanoseconds busy{0};
  for (const auto& whole : set.frames) {
    if (config_.stage.max_age_ms > 0) {
      const auto age = config_.now() - whole.header.captured_at;
      if (age > std::chrono::milliseconds(config_.stage.max_age_ms))
        return outcome(set, Outcome::dropped, "max_age: the frame was too old when its turn came");
    }
    auto frame = frame_of(whole);
    if (!frame.ok()) return outcome(set, Outcome::dead, "bad_picture: " + frame.error().message);
    if (&whole == &set.frames.front())
      if (auto fits = check_whole(set, *frame); !fits.ok())
        return outcome(set, Outcome::dead, "bad_picture: " + fits.error().message);
    const auto begin = std::chrono::steady_clock::now();
    const auto emitted_before = collector.emitted.size();
    Result<void> result;
    try {
      result = task_.process(*frame, collector);
    } catch (const std::exception& failure) {
      result = Error{ErrorCode::internal, cause_of(failure)};
    }
    busy += std::chrono::steady_clock::now() - begin;
    released_.insert(released_.end(), collector.released.begin(), collector.released.end());
    collector.released.clear();
    if (!result.ok()) {
      if (result.error().retriable) return result.error();
      return outcome(set, Outcome::dead, "task_error: " + result.error().message);
    }
    const auto emitted = std::span(collector.emitted).subspan(emitted_before);
    if (auto wrong = not_one_tile(set, whole, emitted)) return std::move(*wrong);
  }
  Processed out;
  out.released_by = set.released_by;
  out.busy = busy;
  out.held = collector.held;
  out.deferred = std::move(collector.deferred);
  if (auto added = add_sets(set, collector, out); !added.ok())
    return outcome(set, Outcome::dead, "task_error: " + added.error().message);
  return out;
}

Processed SetProcessor::failed(const AcceptedSet& set, const Error& why) const {
  return outcome(set, Outcome::dead, "task_error: " + why.message);
}

// A merge makes the whole picture with the first of its tiles, which only says how large it is.
Result<void> SetProcessor::check_whole(const AcceptedSet& set, const Frame& first) const {
  const auto tile = config_.tiles == TileRole::joins ? tile_of(first.attributes) : std::nullopt;
  if (!tile) return {};
  auto bytes = std::int64_t{tile->rows} * tile->cols * static_cast<std::int64_t>(first.image.elemSize());
  for (const auto& one : set.frames) bytes += static_cast<std::int64_t>(one.payload.bytes.size());
  return stream::check_size(tile->rows, tile->cols, bytes, config_.stage.max_pixels, config_.stage.group.memory_bytes);
}

// A merge waits for each tile: one that leads to nothing, or to something else than itself, is the end of its set, and
// with it of its picture.
std::optional<Processed> SetProcessor::not_one_tile(const AcceptedSet& set, const stream::WholeFrame& tile,
                                                    std::span<const std::pair<std::string, Frame>> emitted) const {
  if (config_.stage.partition_by != stream::PartitionBy::tile) return std::nullopt;
  const auto which = tile_of(tile.header.attributes);
  if (!which)
    return outcome(
        set, Outcome::dead,
        fmt::format("task_error: the frame at offset {} of {} is no tile, and stands between a split and "
                    "its merge",
                    set.released_by.value, to_string(stream::TopicPartition{config_.stage.topic, config_.partition})));
  if (emitted.size() == 1 && tile_of(emitted.front().second.attributes) == which) return std::nullopt;
  const auto name = fmt::format("tile {} of {}", which->index + 1, which->count());
  if (emitted.empty()) return outcome(set, Outcome::filtered, name + " was filtered");
  if (emitted.size() > 1)
    return outcome(set, Outcome::dead,
                   fmt::format("task_error: {} led to {} pictures instead of one", name, emitted.size()));
  return outcome(set, Outcome::dead, fmt::format("task_error: the task changed the attribute `tile` of {}", name));
}

void SetProcessor::warm_up(const AcceptedSet& set) {
  Collector ignored(pool_, config_.progress);
  for (const auto& whole : set.frames) {
    auto frame =
        stream::to_frame(whole, config_.stage.adopt, config_.stage.max_pixels, config_.stage.group.memory_bytes);
    if (!frame.ok()) return;
    try {
      if (auto result = task_.process(*frame, ignored); !result.ok()) log_debug("{}", result.error().message);
    } catch (const std::exception& failure) {
      log_debug("{}", cause_of(failure));
    }
  }
}

Result<void> SetProcessor::add_sets(const AcceptedSet& set, Collector& collector, Processed& out) const {
  for (const auto& output : config_.stage.outputs) {
    std::vector<stream::SetFrame> frames;
    for (const auto& [port, frame] : collector.emitted) {
      if (!wants(output, port, config_.default_port)) continue;
      RIDE_ASSIGN(auto content, stream::content_for(frame, output.codec));
      out.bytes += static_cast<std::int64_t>(content.payload.bytes.size());
      frames.push_back({stream::header_for(frame, content), content.payload});
    }
    if (!frames.empty())
      RIDE_TRY(add_frames(set, output, std::move(frames), out));
    else if (is_inside(output) && set.kind == stream::RecordKind::frame)
      out.sets.push_back(
          {home(output, outcome_header(set)),
           make_outcome_set(identity({set.released_by.value, 0}), outcome_header(set), Outcome::filtered, "")});
  }
  return {};
}

// One set, in the frame's home partition. The tiles of a fresh cut go to as many partitions as there are for them:
// those of one partition are one set.
Result<void> SetProcessor::add_frames(const AcceptedSet& set, const OutputSpec& output,
                                      std::vector<stream::SetFrame> frames, Processed& out) const {
  const auto who = identity({set.released_by.value, 0});
  if (config_.tiles != TileRole::cuts) {
    const auto to = home(output, output.partition_by == stream::PartitionBy::tile ? frames.front().header : set.header);
    out.sets.push_back({to, make_frame_set(who, std::move(frames), limits_)});
    return {};
  }
  const int most = output.partition_by == stream::PartitionBy::tile ? output.partitions : 1;
  std::map<int, std::vector<stream::SetFrame>> groups;
  int next = 0;
  for (auto& frame : frames) {
    auto tile = tile_of(frame.header.attributes);
    if (!tile || tile->index != next++)
      return Error{ErrorCode::invalid_argument, "two pictures of one frame came together: only one can be split"};
    tile->groups = std::min(tile->count(), most);
    tile->group = tile->index % tile->groups;
    tile->cut = {config_.partition.value, set.released_by.value};
    frame.header.attributes[kTileAttribute] = to_string(*tile);
    groups[tile->group].push_back(std::move(frame));
  }
  for (auto& [group, tiles] : groups) {
    const auto to = home(output, tiles.front().header);
    out.sets.push_back({to, make_frame_set(who, std::move(tiles), limits_)});
  }
  return {};
}

Processed SetProcessor::quarantine(const AcceptedSet& set, const Quarantined& quarantined) {
  if (set.kind != stream::RecordKind::end) return outcome(set, Outcome::dead, quarantined.reason, quarantined.attempts);
  auto out = pass_end_on(set);
  out.dead_reason = "the task's finish() is left out: " + quarantined.reason;
  return out;
}

Processed SetProcessor::outcome(const AcceptedSet& set, Outcome what, const std::string& cause, int attempts) const {
  // The file is what its owner knows the frame by; most tasks have named it already.
  const auto file =
      what == Outcome::dead && set.kind == stream::RecordKind::frame ? file_note(set.header.attributes) : "";
  const auto reason = cause.find(file) == std::string::npos ? cause + file : cause;
  Processed out;
  out.released_by = set.released_by;
  out.counted = counted_as(what);
  // Said and kept where it happened; later stages only pass it on.
  if (what == Outcome::dead && (set.kind == stream::RecordKind::frame || set.refused)) {
    out.dead_reason = reason;
    out.sets.push_back(dead_letter(set, reason, attempts));
    for (const auto& frame : set.frames) out.bytes += static_cast<std::int64_t>(frame.payload.bytes.size());
  }
  for (const auto& output : config_.stage.outputs)
    if (is_inside(output))
      out.sets.push_back({home(output, outcome_header(set)),
                          make_outcome_set(identity(set.out_key.value_or(stream::OriginKey{set.released_by.value, 0})),
                                           outcome_header(set), what, reason)});
  return out;
}

SetToSend SetProcessor::dead_letter(const AcceptedSet& set, const std::string& reason, int attempts) const {
  stream::DeathNotice notice{.at = {config_.stage.topic, config_.partition},
                             .offset = set.released_by,
                             .stage = config_.stage.name,
                             .reason = reason,
                             .worker = config_.writer,
                             .attempts = attempts,
                             .died_at = config_.now()};
  return {{stream::dead_topic(config_.stage), PartitionId{0}},
          make_dead_letter(set, identity({set.released_by.value, 0}), notice, limits_)};
}

Processed SetProcessor::end_of_input(const AcceptedSet& set) {
  auto out = pass_end_on(set);
  finish_task(set, out);
  return out;
}

void SetProcessor::finish_task(const AcceptedSet& set, Processed& out) {
  Collector collector(pool_, config_.progress);
  Result<void> finished;
  try {
    finished = task_.finish(collector);
  } catch (const std::exception& failure) {
    finished = Error{ErrorCode::internal, cause_of(failure)};
  }
  out.released = std::exchange(released_, {});
  out.released.insert(out.released.end(), collector.released.begin(), collector.released.end());
  if (finished.ok()) finished = add_sets(set, collector, out);
  if (!finished.ok()) out.dead_reason = "task_error at the end of the input: " + finished.error().message;
}

Processed SetProcessor::pass_end_on(const AcceptedSet& set) const {
  Processed out;
  out.released_by = set.released_by;
  out.is_end = true;
  // An end record stays where it is. An ordered end (SetAssembler::end_at) may come behind what a predecessor read
  // beyond it before it knew, and sent: it must pass that.
  const stream::OriginKey key{config_.stage.adopt ? stream::kBehindAll : set.released_by.value, 1};
  for (const auto& output : config_.stage.outputs) {
    if (!is_inside(output)) continue;
    for (int p = 0; p < output.partitions; ++p)
      out.end_sets.push_back(
          {{output.topic, PartitionId{p}}, make_end_set(identity(key), set.header.id, set.header.captured_at)});
  }
  return out;
}

}  // namespace ride::worker
