#include "producer/sources/topic_source.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>

#include "producer/sources/picture_frame.h"
#include "stream/frame_codec.h"

namespace ride::producer {
namespace {

constexpr std::chrono::seconds kCommitEvery(1);

}  // namespace

TopicSource::TopicSource(TopicOptions options, LogAccess& log) : options_(std::move(options)), log_(log) {}

Result<std::vector<stream::TopicPartition>> TopicSource::partitions() {
  auto admin = log_.admin();
  if (!admin) return admin.error();
  auto topics = (*admin)->topics();
  if (!topics) return topics.error();
  const auto found = std::find_if(topics->begin(), topics->end(),
                                  [&](const stream::TopicInfo& info) { return info.name == options_.topic; });
  if (found == topics->end()) {
    return Error{ErrorCode::not_found,
                 fmt::format("topic '{}' does not exist on this cluster; mend its name, or let its writer create it",
                             options_.topic),
                 /*retriable=*/true};
  }
  std::vector<stream::TopicPartition> all;
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
  return assign_all();
}

Result<void> TopicSource::assign_all() {
  auto all = partitions();
  if (!all) return all.error();
  auto committed = commits_->committed(options_.group, *all);
  if (!committed) return committed.error();
  auto admin = log_.admin();
  if (!admin) return admin.error();
  for (const stream::TopicPartition& at : *all) {
    auto range = (*admin)->range(at);
    if (!range) return range.error();
    Position& position = positions_[at];
    const auto& commit = (*committed)[at];
    // Opened again: on behind what was read; else behind what an owner before us committed. Retention may have passed
    // it.
    if (commit) position.committed = commit->offset.value;
    position.next = std::max({position.next, position.committed, range->first.value});
    if (auto assigned = reader_->assign(at, Offset{position.next}); !assigned) return assigned;
  }
  return {};
}

Result<Pulled> TopicSource::next(std::chrono::milliseconds timeout) {
  RIDE_CHECK(reader_ != nullptr, "next() comes after open()");
  if (std::chrono::steady_clock::now() - last_commit_ > kCommitEvery) commit();
  auto polled = reader_->poll(timeout);
  if (!polled && polled.error().retriable) return Pulled(NothingYet{});  // passes by itself
  if (!polled) return Error{polled.error().code, polled.error().message, /*retriable=*/true};
  if (!*polled) return Pulled(NothingYet{});
  const stream::Record& record = **polled;
  const std::string name = fmt::format("{}/{}", to_string(record.at), record.offset.value);
  Position& position = positions_[record.at];
  position.next = record.offset.value + 1;
  const auto header = stream::decode_header(record.headers);
  if (header && header->kind != stream::RecordKind::frame) return Pulled(NothingYet{});  // no picture, and meant so

  const std::int64_t number = next_++;
  position.open.insert(record.offset.value);
  in_flight_[number] = {record.at, record.offset.value};
  auto frame = frame_of(record);
  if (!frame) return Pulled(RejectedItem{number, "record " + name, frame.error().message});
  frame->number = number;
  frame->name = name;
  frame->attributes["source_record"] = name;
  return Pulled(std::move(*frame));
}

Result<CapturedFrame> TopicSource::frame_of(const stream::Record& record) const {
  const auto header = stream::decode_header(record.headers);
  if (header && header->chunk) {
    return Error{ErrorCode::unsupported,
                 "is a piece of a picture that RIDE cut into several messages; read that topic with "
                 "'topic: { adopt: true }' in a stage"};
  }
  if ((header && header->pixels) || (!header && options_.format.format == "raw")) return raw_frame(record);
  auto info = inspect_picture(record.value);
  if (!info) return info.error();
  const PictureFormat format = info->format;
  if (options_.max_pixels > 0 && info->pixels() > options_.max_pixels) {
    return Error{ErrorCode::resource_exhausted, fmt::format("has {} x {} pixels, more than max_pixels ({}) allows",
                                                            info->width, info->height, options_.max_pixels)};
  }
  const bool wrong = (options_.format.format == "jpeg" && format != PictureFormat::jpeg) ||
                     (options_.format.format == "png" && format != PictureFormat::png);
  if (wrong) {
    return Error{ErrorCode::corrupt, fmt::format("is a {}, not a {}", to_string(format), options_.format.format)};
  }
  if (format == PictureFormat::jpeg) {
    if (auto whole = check_jpeg(record.value); !whole) return whole.error();
  }
  if (format == PictureFormat::png) {
    if (auto whole = check_png(record.value); !whole) return whole.error();
  }
  // A copy, here and below: a frame must not pin the buffer that Kafka fetched many records into for as long as it
  // waits.
  auto bytes = std::make_shared<const std::vector<std::uint8_t>>(record.value.begin(), record.value.end());
  return picture_frame(*info, *bytes, bytes, options_.wanted);
}

Result<CapturedFrame> TopicSource::raw_frame(const stream::Record& record) const {
  auto header = stream::decode_header(record.headers);
  stream::WholeFrame whole{header ? *header : stream::RecordHeader{}, {record.value, record.owner}};
  auto frame = stream::to_frame(whole, options_.format, options_.max_pixels);
  if (!frame) return frame.error();
  return CapturedFrame{.image = frame->image.clone()};
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
    const std::int64_t oldest = position.open.empty() ? position.next : *position.open.begin();
    if (oldest != position.committed) due[at] = {Offset{oldest}, ""};
  }
  // A commit that fails costs frames copied again after a loss, no more: the next one makes up for it.
  if (due.empty() || !commits_->commit(options_.group, due).ok()) return;
  for (const auto& [at, committed] : due) positions_[at].committed = committed.offset.value;
}

void TopicSource::close() {
  if (commits_) commit();
  reader_.reset();
  commits_.reset();
}

}  // namespace ride::producer
