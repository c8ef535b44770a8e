#include "producer/topic_manifest.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>

#include "producer/read_range.h"

namespace ride::producer {
namespace {

using stream::Headers;

constexpr std::size_t kRecordBytes = 256 << 10;
constexpr std::chrono::seconds kManifestPatience(30);
constexpr int kReplication = 3;  // capped at the brokers there are

std::string header_of(const Headers& headers, const std::string& name) {
  for (const auto& [key, value] : headers) {
    if (key == name) return value;
  }
  return "";
}

std::int64_t number_of(const Headers& headers, const std::string& name) {
  const std::string text = header_of(headers, name);
  if (text.empty() || text.size() > 18 || text.find_first_not_of("0123456789") != std::string::npos) return -1;
  return std::stoll(text);
}

}  // namespace

TopicManifest::TopicManifest(LogAccess& log, std::string topic, std::string incarnation)
    : log_(log), at_{std::move(topic), PartitionId{0}}, incarnation_(std::move(incarnation)) {}

Result<std::vector<std::string>> TopicManifest::items(const List& list) {
  if (complete_) return names_;
  if (auto ready = ensure_topic(); !ready) return ready.error();
  if (auto seen = read(); !seen) return seen.error();
  if (complete_) return names_;
  auto found = list();
  if (!found) return found;
  if (auto written = write(*found); !written) return written.error();
  // What counts is what stands first in the log: another producer may have been quicker.
  if (auto seen = read(); !seen) return seen.error();
  if (!complete_)
    return Error{ErrorCode::internal, fmt::format("topic {} does not hold what was written", at_.topic), true};
  return names_;
}

Result<void> TopicManifest::ensure_topic() {
  auto admin = log_.admin();
  if (!admin) return admin.error();
  auto topics = (*admin)->topics();
  if (!topics) return topics.error();
  const auto is_ours = [&](const stream::TopicInfo& topic) { return topic.name == at_.topic; };
  if (std::any_of(topics->begin(), topics->end(), is_ours)) return {};
  auto brokers = (*admin)->broker_count();
  if (!brokers) return brokers.error();
  auto made =
      (*admin)->create({.name = at_.topic,
                        .partitions = 1,
                        .replication = std::clamp(*brokers, 1, kReplication),
                        .config = {{"cleanup.policy", "delete"}, {"retention.ms", "-1"}, {"retention.bytes", "-1"}}});
  if (!made && made.error().code != ErrorCode::already_exists) return made;
  return {};
}

Result<void> TopicManifest::read() {
  begun_.clear();
  rejected_.clear();
  complete_ = false;
  auto admin = log_.admin();
  if (!admin) return admin.error();
  auto range = (*admin)->range(at_);
  if (!range) return Error{range.error().code, range.error().message, /*retriable=*/true};  // it was made a moment ago
  auto reader = log_.reader();
  if (!reader) return reader.error();
  return read_range(**reader, at_, *range, kManifestPatience, [this](const stream::Record& record) { handle(record); });
}

void TopicManifest::handle(const stream::Record& record) {
  const std::string kind = header_of(record.headers, "ride_manifest");
  const std::string value(reinterpret_cast<const char*>(record.value.data()), record.value.size());
  if (kind == "rejected") {
    if (const std::int64_t number = number_of(record.headers, "number"); number >= 0) rejected_.insert(number);
    return;
  }
  if (complete_) return;
  auto& names = begun_[header_of(record.headers, "by")];
  if (kind == "names") {
    // A writer that begins again (its first attempt timed out) replaces what it had.
    if (number_of(record.headers, "begin") == 0) names.clear();
    for (std::size_t begin = 0; begin < value.size();) {
      const std::size_t end = std::min(value.find('\0', begin), value.size());
      names.push_back(value.substr(begin, end - begin));
      begin = end + 1;
    }
  } else if (kind == "end" && number_of(record.headers, "count") == static_cast<std::int64_t>(names.size())) {
    complete_ = true;
    names_ = std::move(names);
    begun_.clear();
  }
}

Result<stream::RecordWriter*> TopicManifest::opened_writer() {
  if (writer_.writer && writer_.failed()) writer_ = {};
  if (!writer_.writer) {
    auto opened = log_.writer({at_.topic}, 16 << 20);
    if (!opened) return opened.error();
    writer_ = std::move(*opened);
  }
  return writer_.writer.get();
}

Result<void> TopicManifest::send(stream::RecordWriter& writer, Headers headers, std::string value) {
  auto owner = std::make_shared<const std::string>(std::move(value));
  headers.emplace_back("by", incarnation_);
  const stream::OutRecord record{.key = "",
                                 .headers = std::move(headers),
                                 .value = {reinterpret_cast<const std::uint8_t*>(owner->data()), owner->size()},
                                 .owner = owner};
  const auto deadline = std::chrono::steady_clock::now() + kManifestPatience;
  while (true) {
    auto sent = writer.send(at_, record, nullptr);
    if (sent || !sent.error().retriable) return sent;
    if (std::chrono::steady_clock::now() > deadline) return sent;
    writer.serve(std::chrono::milliseconds(20));
  }
}

Result<void> TopicManifest::write(const std::vector<std::string>& names) {
  auto writer = opened_writer();
  if (!writer) return writer.error();
  for (std::size_t begin = 0; begin < names.size();) {
    std::string value;
    std::size_t end = begin;
    for (; end < names.size() && value.size() + names[end].size() < kRecordBytes; ++end) value += names[end] + '\0';
    RIDE_CHECK(end > begin, "a file's name is shorter than a record");
    auto sent = send(**writer, {{"ride_manifest", "names"}, {"begin", std::to_string(begin)}}, std::move(value));
    if (!sent) return sent;
    begin = end;
  }
  auto sent = send(**writer, {{"ride_manifest", "end"}, {"count", std::to_string(names.size())}}, "");
  if (!sent) return sent;
  return (*writer)->flush(kManifestPatience);
}

Result<bool> TopicManifest::reject(std::int64_t number, const std::string& cause) {
  if (rejected_.contains(number)) return false;
  auto writer = opened_writer();
  if (!writer) return writer.error();
  auto sent = send(**writer, {{"ride_manifest", "rejected"}, {"number", std::to_string(number)}}, cause);
  if (sent) sent = (*writer)->flush(kManifestPatience);
  if (!sent) return sent.error();
  rejected_.insert(number);
  return true;
}

}  // namespace ride::producer
