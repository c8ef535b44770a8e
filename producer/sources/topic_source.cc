#include "producer/sources/topic_source.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>

#include "process/start_again.h"
#include "producer/source_request.h"
#include "producer/sources/picture_frame.h"
#include "stream/frame_codec.h"

namespace ride::producer {
namespace {

constexpr std::chrono::seconds kCommitEvery(1);
constexpr int kBatch = 64;                          // records of one proposal
constexpr std::int64_t kMaxHeld = 64LL << 20;       // bytes of what was read ahead
constexpr std::chrono::milliseconds kAgreement(5);  // how long a turn waits for the journal

// A partition that a broker does not know yet, a leader that is away: they pass. A missing right does not.
Error passing(const Error& error) { return {error.code, error.message, process::may_start_again(error)}; }

}  // namespace

TopicSource::TopicSource(TopicOptions options, LogAccess& log)
    : options_(std::move(options)), log_(log), journal_(log, options_.journal) {}

Result<std::vector<stream::TopicPartition>> TopicSource::partitions() {
  auto admin = log_.admin();
  if (!admin) return admin.error();
  auto topics = (*admin)->topics();
  if (!topics) return topics.error();
  const auto found = std::find_if(topics->begin(), topics->end(),
                                  [&](const stream::TopicInfo& info) { return info.name == options_.topic; });
  if (found == topics->end()) {
    return Error{ErrorCode::not_found,
                 fmt::format("topic '{}' does not exist on this cluster; correct its name, or let its writer create it",
                             options_.topic),
                 /*retriable=*/true};
  }
  std::vector<stream::TopicPartition> all;
  all.reserve(static_cast<std::size_t>(found->partitions));
  for (int p = 0; p < found->partitions; ++p) all.push_back({options_.topic, PartitionId{p}});
  return all;
}

Result<void> TopicSource::open(std::int64_t first) {
  close();
  next_ = first;
  auto reader = log_.reader();
  if (!reader) return reader.error();
  reader_ = std::move(*reader);
  auto commits = log_.commits();
  if (!commits) return commits.error();
  commits_ = std::move(*commits);
  planned_.clear();
  awaited_.clear();
  held_.clear();
  held_bytes_ = 0;
  unproposed_.clear();
  auto planned = journal_.open(first);
  if (!planned) return planned.error();
  add(*planned);
  return assign_all();
}

// Each partition from the first record on that has a number and is missing, or has none yet.
Result<void> TopicSource::assign_all() {
  auto all = partitions();
  if (!all) return all.error();
  auto committed = commits_->committed(options_.group, *all);
  if (!committed) return passing(committed.error());
  auto admin = log_.admin();
  if (!admin) return admin.error();
  for (const stream::TopicPartition& at : *all) {
    auto range = (*admin)->range(at);
    if (!range) return passing(range.error());
    Position& position = positions_[at];
    const auto& commit = (*committed)[at];
    if (commit) position.committed = commit->offset.value;
    const auto behind = journal_.order().behind(at.partition.value);
    position.proposed = behind.value_or(commit ? commit->offset.value : 0);
    position.next = position.proposed;
    const auto oldest = awaited_.lower_bound({at.partition.value, 0});
    if (oldest != awaited_.end() && oldest->partition == at.partition.value)
      position.next = std::min(position.next, oldest->offset);
    position.next = std::max(position.next, range->first.value);  // retention may have passed it
    position.handed_out = position.next;
    position.parked = false;
    if (auto assigned = reader_->assign(at, Offset{position.next}); !assigned) return passing(assigned.error());
  }
  return {};
}

Result<Pulled> TopicSource::next(std::chrono::milliseconds timeout) {
  RIDE_CHECK(reader_ != nullptr, "next() comes after open()");
  if (std::chrono::steady_clock::now() - last_commit_ > kCommitEvery) {
    commit();
    journal_.forget_before(in_flight_.empty() ? next_ : in_flight_.begin()->first);
  }
  if (auto followed = read_journal(std::chrono::milliseconds(0)); !followed) return followed.error();
  if (auto item = hand_out()) return std::move(*item);
  // Where something waits for the journal, only the journal is waited for.
  if (auto read = read_ahead(held_.empty() ? timeout : std::chrono::milliseconds(0)); !read) return read.error();
  if (auto proposed = propose(); !proposed) return proposed.error();
  if (!held_.empty()) {
    if (auto followed = read_journal(std::min(timeout, kAgreement)); !followed) return followed.error();
  }
  if (auto item = hand_out()) return std::move(*item);
  return Pulled(NothingYet{});
}

Result<void> TopicSource::read_journal(std::chrono::milliseconds timeout) {
  auto agreed = journal_.read_agreed(timeout);
  if (!agreed) return agreed.error();
  add(*agreed);
  return {};
}

void TopicSource::add(const std::vector<NumberedPlace>& places) {
  for (const NumberedPlace& one : places) {
    planned_.push_back(one);
    awaited_.insert(one.place);
  }
}

Result<void> TopicSource::read_ahead(std::chrono::milliseconds timeout) {
  if (auto unparked = unpark(); !unparked) return unparked;
  for (int i = 0; i < kBatch && (held_bytes_ < kMaxHeld || !planned_.empty()); ++i) {
    auto polled = reader_->poll(i == 0 ? timeout : std::chrono::milliseconds(0));
    if (!polled && polled.error().retriable) return {};  // passes by itself
    if (!polled) return Error{polled.error().code, polled.error().message, /*retriable=*/true};
    if (!*polled) return {};
    hold(**polled);
  }
  return {};
}

void TopicSource::hold(const stream::Record& record) {
  Position& position = positions_[record.at];
  const CopyPlace place{record.at.partition.value, record.offset.value};
  if (position.parked || place.offset < position.next) return;
  // What has its number goes in that order: one partition must not fill the memory while another one is waited for.
  if (held_bytes_ >= kMaxHeld && !planned_.empty() && place.partition != planned_.front().place.partition) {
    position.parked = true;
    reader_->unassign(record.at);
    return;
  }
  position.next = place.offset + 1;
  const bool fresh = place.offset >= position.proposed;
  if (!fresh && !awaited_.contains(place)) return;  // an owner before us copied it
  const auto header = stream::decode_header(record.headers);
  if (fresh && header && header->kind != stream::RecordKind::frame) return;  // no picture, and meant so
  auto frame = handled([&] { return read(record); });
  held_bytes_ += frame ? frame->bytes() : 0;
  held_.emplace(place, std::move(frame));
  if (!fresh) return;
  position.proposed = position.next;
  unproposed_.push_back(place);
}

Result<void> TopicSource::unpark() {
  for (auto& [at, position] : positions_) {
    const bool needed = planned_.empty() || at.partition.value == planned_.front().place.partition;
    if (!position.parked || (!needed && held_bytes_ >= kMaxHeld)) continue;
    if (auto assigned = reader_->assign(at, Offset{position.next}); !assigned) return assigned;
    position.parked = false;
  }
  return {};
}

Result<void> TopicSource::propose() {
  if (unproposed_.empty()) return {};
  auto proposed = journal_.propose(unproposed_);
  if (!proposed && proposed.error().retriable) return {};  // its queue is full: later
  if (!proposed) return Error{proposed.error().code, proposed.error().message, /*retriable=*/true};
  unproposed_.clear();
  return {};
}

// The next one in the order of numbers, if it is there, or known never to come.
std::optional<Pulled> TopicSource::hand_out() {
  if (planned_.empty()) return std::nullopt;
  const auto [number, place] = planned_.front();
  const auto from = at(place);
  const auto known = positions_.find(from);
  const auto held = held_.find(place);
  const bool gone = known == positions_.end() || known->second.next > place.offset;
  if (held == held_.end() && !gone) return std::nullopt;
  planned_.pop_front();
  awaited_.erase(place);
  next_ = number + 1;
  in_flight_[number] = {from, place.offset};
  Position& position = positions_[from];
  position.open.insert(place.offset);
  position.handed_out = std::max(position.handed_out, place.offset + 1);
  const std::string name = fmt::format("{}/{}", to_string(from), place.offset);
  if (held == held_.end())
    return Pulled(
        RejectedItem{number, "record " + name, "is no longer in the topic: retention or compaction removed it"});
  auto frame = std::move(held->second);
  held_.erase(held);
  if (!frame) return Pulled(RejectedItem{number, "record " + name, frame.error().message});
  held_bytes_ -= frame->bytes();
  frame->number = number;
  frame->name = name;
  frame->attributes["source_record"] = name;
  return Pulled(std::move(*frame));
}

Result<CapturedFrame> TopicSource::read(const stream::Record& record) const {
  PictureLimits limits{.max_pixels = options_.max_pixels};
  std::optional<WorkBudget::Lease> lease;
  if (options_.watch != nullptr) {
    if (const auto why = options_.watch->quarantined(record.at.partition, record.offset))
      return Error{ErrorCode::cancelled, *why, false};
    const std::string name = fmt::format("record {}/{}", to_string(record.at), record.offset.value);
    lease.emplace(options_.watch->enter(record.at.partition, record.offset, name));
    limits.memory_bytes = options_.watch->memory_bytes();
    limits.reserve = [&lease](std::int64_t bytes) { lease->reserve(bytes); };
  }
  return frame_of(record, limits);
}

Result<CapturedFrame> TopicSource::frame_of(const stream::Record& record, const PictureLimits& limits) const {
  const auto header = stream::decode_header(record.headers);
  if (header && header->chunk) {
    return Error{ErrorCode::unsupported,
                 "is a piece of a picture that RIDE cut into several messages; read that topic with "
                 "'topic: { adopt: true }' in a stage"};
  }
  if ((header && header->pixels) || (!header && options_.format.format == "raw")) return raw_frame(record, limits);
  auto info = inspect_file_head(record.value);
  if (!info) return info.error();
  const PictureFormat format = info->format;
  const bool wrong = (options_.format.format == "jpeg" && format != PictureFormat::jpeg) ||
                     (options_.format.format == "png" && format != PictureFormat::png);
  if (wrong) {
    return Error{ErrorCode::corrupt, fmt::format("is a {}, not a {}", to_string(format), options_.format.format)};
  }
  const auto size = static_cast<std::int64_t>(record.value.size());
  if (auto whole = check_picture(*info, record.value, size, must_decode(format, options_.wanted), limits); !whole)
    return whole.error();
  // A copy, here and below: a frame must not pin the buffer that Kafka fetched many records into for as long as it
  // waits.
  auto bytes = std::make_shared<const std::vector<std::uint8_t>>(record.value.begin(), record.value.end());
  return picture_frame(*info, *bytes, bytes, options_.wanted);
}

Result<CapturedFrame> TopicSource::raw_frame(const stream::Record& record, const PictureLimits& limits) const {
  auto header = stream::decode_header(record.headers);
  stream::WholeFrame whole{header ? *header : stream::RecordHeader{}, {record.value, record.owner}};
  const auto size = static_cast<std::int64_t>(record.value.size());
  const bool packed = header && header->pixels && header->compressed;
  if (limits.reserve) limits.reserve(packed ? std::min(header->pixels->bytes(), limits.memory_bytes) : size);
  const auto most = limits.memory_bytes > 0 ? std::max(limits.memory_bytes, size * kMemoryPerByte) : 0;
  auto frame = stream::to_frame(whole, options_.format, limits.max_pixels, most);
  if (!frame) return frame.error();
  return CapturedFrame{.image = packed ? frame->image : frame->image.clone()};
}

void TopicSource::acknowledged(std::int64_t number) {
  const auto found = in_flight_.find(number);
  if (found == in_flight_.end()) return;
  positions_[found->second.first].open.erase(found->second.second);
  in_flight_.erase(found);
}

void TopicSource::commit() {
  last_commit_ = std::chrono::steady_clock::now();
  std::map<stream::TopicPartition, stream::Commit> due;
  for (auto& [at, position] : positions_) {
    const std::int64_t oldest = position.open.empty() ? position.handed_out : *position.open.begin();
    if (oldest != position.committed) due[at] = {Offset{oldest}, ""};
  }
  // What was copied is in the journal; the commit shows people how far that is. One that fails is made up for.
  if (due.empty() || !commits_->commit(options_.group, due).ok()) return;
  for (const auto& [at, committed] : due) positions_[at].committed = committed.offset.value;
}

void TopicSource::close() {
  if (commits_) commit();
  reader_.reset();
  commits_.reset();
  journal_.close();
}

MadeSource make_topic_source(const SourceRequest& request) {
  auto uri = filled_uri(request);
  if (!uri) return uri.error();
  const auto& job = request.job;
  const auto& source = request.source;
  return std::unique_ptr<Source>(std::make_unique<TopicSource>(
      TopicOptions{.topic = *uri,
                   .group = fmt::format("{}.{}.{}.{}", job.prefix, job.job.value, job.run.value, source.name),
                   .journal = job.manifest_topic(source.name),
                   .format = {.format = get_string(request.params, "format"),
                              .shape = get_string(request.params, "shape"),
                              .depth = get_string(request.params, "depth")},
                   .max_pixels = source.max_pixels,
                   .wanted = wanted_codecs(source),
                   .watch = &request.watch},
      request.log));
}

}  // namespace ride::producer
