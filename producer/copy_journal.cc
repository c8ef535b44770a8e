#include "producer/copy_journal.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>

#include "common/log.h"
#include "producer/read_range.h"

namespace ride::producer {
namespace {

constexpr std::chrono::seconds kJournalPatience(30);
constexpr std::int64_t kTrimEvery = 500;  // records of the journal
constexpr std::int64_t kCheckpointEvery = 50;
constexpr int kJournalReplication = 3;  // capped at the brokers there are
constexpr auto kKind = "ride_manifest";

std::string_view value_of(const stream::Record& record) {
  return {reinterpret_cast<const char*>(record.value.data()), record.value.size()};
}

std::string kind_of(const stream::Record& record) {
  for (const auto& [name, value] : record.headers)
    if (name == kKind) return value;
  return "";
}

// "OFFSET ORDER": the order of all that lies before this offset of the journal.
std::optional<CopyOrder> order_at(std::int64_t offset, const stream::Record& record) {
  const auto text = value_of(record), start = text.substr(0, text.find(' '));
  if (kind_of(record) != "order" || start != std::to_string(offset)) return std::nullopt;
  return CopyOrder::unpack(text.substr(std::min(text.size(), start.size() + 1)));
}

}  // namespace

CopyJournal::CopyJournal(LogAccess& log, std::string topic) : log_(log), at_{std::move(topic), PartitionId{0}} {}

void CopyJournal::close() {
  reader_.reset();
  writer_ = {};
  admin_.reset();
}

Result<void> CopyJournal::ensure_topic() {
  auto topics = admin_->topics();
  if (!topics) return topics.error();
  if (std::any_of(topics->begin(), topics->end(), [&](const auto& topic) { return topic.name == at_.topic; }))
    return {};
  auto brokers = admin_->broker_count();
  if (!brokers) return brokers.error();
  auto made =
      admin_->create({.name = at_.topic,
                      .partitions = 1,
                      .replication = std::clamp(*brokers, 1, kJournalReplication),
                      .config = {{"cleanup.policy", "delete"}, {"retention.ms", "-1"}, {"retention.bytes", "-1"}}});
  if (!made && made.error().code != ErrorCode::already_exists) return made;
  return {};
}

Result<std::vector<NumberedPlace>> CopyJournal::open(std::int64_t first) {
  close();
  const auto passing = [](const Error& error) { return Error{error.code, error.message, /*retriable=*/true}; };
  auto admin = log_.admin();
  if (!admin) return passing(admin.error());
  admin_ = std::move(*admin);
  if (auto ready = ensure_topic(); !ready) return passing(ready.error());
  auto writer = log_.writer({at_.topic}, 16 << 20);
  if (!writer) return passing(writer.error());
  writer_ = std::move(*writer);
  auto range = admin_->range(at_);
  if (!range) return passing(range.error());  // it was made a moment ago
  auto reader = log_.reader();
  if (!reader) return passing(reader.error());
  reader_ = std::move(*reader);

  // The order at its first record stands somewhere behind it, unless nothing was deleted yet.
  first_ = range->first.value;
  std::optional<CopyOrder> start;
  if (first_ == 0) start.emplace();
  std::vector<stream::Record> records;
  auto read = read_range(*reader_, at_, *range, kJournalPatience, [&](const stream::Record& record) {
    if (!start) start = order_at(first_, record);
    records.push_back(record);
  });
  if (!read) return passing(read.error());
  if (!start)
    return Error{ErrorCode::corrupt, fmt::format("topic {} lost its beginning; submit the job again", at_.topic), true};
  order_ = *start;
  next_ = first_;
  checkpoints_ = {{first_, order_}};
  trimming_.reset();
  std::vector<NumberedPlace> places;
  for (const auto& record : records)
    for (const auto& place : handle(record))
      if (place.number >= first) places.push_back(place);
  next_ = range->end.value;
  if (auto assigned = reader_->assign(at_, range->end); !assigned) return passing(assigned.error());
  return places;
}

std::vector<NumberedPlace> CopyJournal::handle(const stream::Record& record) {
  if (record.offset.value >= checkpoints_.back().offset + kCheckpointEvery)
    checkpoints_.push_back({record.offset.value, order_});
  next_ = record.offset.value + 1;
  if (kind_of(record) != "copies") return {};
  const auto proposal = unpack_places(value_of(record));
  return proposal ? order_.apply(*proposal) : std::vector<NumberedPlace>{};
}

Result<void> CopyJournal::send(const std::string& kind, std::string value) {
  auto owner = std::make_shared<const std::string>(std::move(value));
  const stream::OutRecord record{.headers = {{kKind, kind}},
                                 .value = {reinterpret_cast<const std::uint8_t*>(owner->data()), owner->size()},
                                 .owner = owner};
  const auto delivered = [this, order = kind == "order"](const Result<Offset>& result) {
    if (order) trim_stands_ = result.ok();
  };
  return writer_.writer->send(at_, record, delivered);
}

Result<void> CopyJournal::propose(const std::vector<CopyPlace>& places) {
  constexpr auto kMost = static_cast<std::size_t>(kMostPlaces);
  for (std::size_t begin = 0; begin < places.size(); begin += kMost) {
    const auto end = std::min(places.size(), begin + kMost);
    auto sent = send("copies", pack_places({places.begin() + static_cast<std::ptrdiff_t>(begin),
                                            places.begin() + static_cast<std::ptrdiff_t>(end)}));
    if (!sent) return sent;  // those before it are proposed again, which changes nothing
  }
  return {};
}

Result<std::vector<NumberedPlace>> CopyJournal::read_agreed(std::chrono::milliseconds timeout) {
  writer_.writer->serve(std::chrono::milliseconds(0));
  if (writer_.failed()) return Error{ErrorCode::unavailable, "the writer of topic " + at_.topic + " failed", true};
  std::vector<NumberedPlace> places;
  for (bool more = true; more; timeout = std::chrono::milliseconds(0)) {
    auto record = reader_->poll(timeout);
    if (!record && !record.error().retriable) return Error{record.error().code, record.error().message, true};
    more = record && *record;
    if (!more || (*record)->offset.value < next_) continue;
    const auto fresh = handle(**record);
    places.insert(places.end(), fresh.begin(), fresh.end());
  }
  return places;
}

void CopyJournal::forget_before(std::int64_t number) {
  if (trimming_) {
    if (trim_stands_) trim(*std::exchange(trimming_, std::nullopt));
    return;
  }
  while (checkpoints_.size() > 1 && checkpoints_[1].order.next_number() <= number) checkpoints_.pop_front();
  const auto& oldest = checkpoints_.front();
  if (oldest.offset < first_ + kTrimEvery || oldest.order.next_number() > number) return;
  trim_stands_ = false;
  // Before anything is deleted the order stands in the log.
  if (send("order", fmt::format("{} {}", oldest.offset, oldest.order.pack()))) trimming_ = oldest;
}

// A failure costs space, no more: the next time makes up for it.
void CopyJournal::trim(const Checkpoint& checkpoint) {
  if (admin_->delete_before(at_, Offset{checkpoint.offset})) first_ = checkpoint.offset;
}

}  // namespace ride::producer
