#include "cli/tap/record_reader.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cstring>
#include <map>

#include "stream/kafka/admin.h"
#include "stream/kafka/reader.h"

namespace ride::cli {
namespace {

using stream::Record;
using stream::RecordHeader;
using stream::TopicPartition;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kReaderPoll{100};
constexpr std::chrono::seconds kChunkPatience{30};

struct Span {
  Offset start, end;  // end: one past the newest that was there when we looked
};

class KafkaTap final : public TapReader {
 public:
  KafkaTap(kafka::ClientConfig config, std::unique_ptr<stream::TopicAdmin> admin)
      : config_(std::move(config)), admin_(std::move(admin)) {}

  Result<std::vector<std::string>> topics() override {
    RIDE_ASSIGN(auto topics, admin_->topics());
    std::vector<std::string> names;
    names.reserve(topics.size());
    for (const auto& topic : topics) names.push_back(topic.name);
    std::sort(names.begin(), names.end());
    return names;
  }

  std::optional<Error> refusal(const std::string& topic) override {
    const auto range = admin_->range({topic, PartitionId{0}});
    if (range.ok() || range.error().code != ErrorCode::permission) return std::nullopt;
    return range.error();
  }

  Result<int> read(const TapRequest& request, const std::function<bool(const Record&)>& on_record,
                   const std::function<bool()>& stopped) override {
    RIDE_ASSIGN(auto spans, spans_of(request));
    RIDE_ASSIGN(auto reader, open_reader());
    bool anything = false;
    for (const auto& [at, span] : spans) {
      RIDE_TRY(reader->assign(at, span.start));
      anything = anything || span.start < span.end;
    }
    if (request.from == TapFrom::last && anything) return read_last(*reader, spans, request, on_record, stopped);
    return read_on(*reader, request, on_record, stopped);
  }

  Result<stream::WholeFrame> join_chunks(const Record& record, const RecordHeader& header) override;

 private:
  Result<std::unique_ptr<kafka::KafkaReader>> open_reader() {
    return kafka::KafkaReader::open(config_, {.group = "ride-tap", .prefetch_bytes = 32 << 20});
  }

  Result<std::map<TopicPartition, Span>> spans_of(const TapRequest& request) {
    RIDE_ASSIGN(auto topics, admin_->topics());
    const auto topic =
        std::find_if(topics.begin(), topics.end(), [&](const auto& t) { return t.name == request.topic; });
    if (topic == topics.end()) return Error{ErrorCode::not_found, "there is no topic " + request.topic};
    if (request.partition && (request.partition->value < 0 || request.partition->value >= topic->partitions)) {
      return Error{ErrorCode::invalid_argument,
                   fmt::format("{} has the partitions 0 to {}", request.topic, topic->partitions - 1)};
    }
    std::map<TopicPartition, Span> spans;
    for (std::int32_t i = 0; i < topic->partitions; ++i) {
      if (request.partition && request.partition->value != i) continue;
      const TopicPartition at{request.topic, PartitionId{i}};
      RIDE_ASSIGN(const auto range, admin_->range(at));
      RIDE_ASSIGN(auto start, start_of(request, range));
      spans[at] = {start, range.end};
    }
    return spans;
  }

  static Result<Offset> start_of(const TapRequest& request, const stream::OffsetRange& range) {
    switch (request.from) {
      case TapFrom::beginning:
        return range.first;
      case TapFrom::end:
        return range.end;
      case TapFrom::last:
        return Offset{std::max(range.first.value, range.end.value - std::max(1, request.count))};
      case TapFrom::offset:
        break;
    }
    if (request.offset < range.first || request.offset > range.end) {
      return Error{ErrorCode::invalid_argument,
                   fmt::format("{} holds the offsets {} to {}, not {}", request.topic, range.first.value,
                               range.end.value - 1, request.offset.value)};
    }
    return request.offset;
  }

  // The newest of all partitions together, oldest first.
  static Result<int> read_last(kafka::KafkaReader& reader, const std::map<TopicPartition, Span>& spans,
                               const TapRequest& request, const std::function<bool(const Record&)>& on_record,
                               const std::function<bool()>& stopped) {
    std::map<TopicPartition, Offset> missing;
    for (const auto& [at, span] : spans)
      if (span.start < span.end) missing[at] = span.end;
    std::vector<Record> records;
    const std::size_t wanted = static_cast<std::size_t>(std::max(1, request.count));
    const auto older = [](const Record& a, const Record& b) { return a.timestamp < b.timestamp; };
    auto deadline = Clock::now() + request.timeout;
    while (!missing.empty() && !stopped() && Clock::now() < deadline) {
      auto record = reader.poll(kReaderPoll);
      if (!record.ok()) {
        if (record.error().retriable) continue;
        return record.error();
      }
      if (!*record) continue;
      deadline = Clock::now() + request.timeout;
      const auto open = missing.find((*record)->at);
      if (open != missing.end() && (*record)->offset.value + 1 >= open->second.value) missing.erase(open);
      records.push_back(std::move(**record));
      if (records.size() <= wanted) continue;
      records.erase(std::min_element(records.begin(), records.end(), older));  // few pictures are held at a time
    }
    std::stable_sort(records.begin(), records.end(), older);
    for (const Record& record : records)
      if (!on_record(record)) break;
    return static_cast<int>(records.size());
  }

  static Result<int> read_on(kafka::KafkaReader& reader, const TapRequest& request,
                             const std::function<bool(const Record&)>& on_record,
                             const std::function<bool()>& stopped) {
    int count = 0;
    auto deadline = Clock::now() + request.timeout;
    while (!stopped()) {
      auto record = reader.poll(kReaderPoll);
      if (!record.ok()) {
        if (!record.error().retriable) return record.error();
      } else if (*record) {
        deadline = Clock::now() + request.timeout;
        ++count;
        if (!on_record(**record) || count == request.count) return count;
      }
      if (request.count > 0 && Clock::now() >= deadline) return count;
    }
    return count;
  }

  kafka::ClientConfig config_;
  std::unique_ptr<stream::TopicAdmin> admin_;
};

bool same_picture(const RecordHeader& a, const RecordHeader& b) {
  return a.id == b.id && a.writer == b.writer && a.item == b.item && a.origin == b.origin;
}

Result<stream::WholeFrame> KafkaTap::join_chunks(const Record& record, const RecordHeader& header) {
  const auto& wanted = *header.chunk;
  RIDE_ASSIGN(auto reader, open_reader());
  RIDE_ASSIGN(auto range, admin_->range(record.at));
  // Earlier records stand before it, at least `index` records back; other writers' records may stand in between.
  const Offset start{std::max(range.first.value, record.offset.value - std::int64_t{4} * wanted.index)};
  RIDE_TRY(reader->assign(record.at, start));
  auto whole = std::make_shared<std::vector<std::uint8_t>>(static_cast<std::size_t>(wanted.total));
  std::vector<bool> have(static_cast<std::size_t>(wanted.count), false);
  int missing = wanted.count;
  const auto deadline = Clock::now() + kChunkPatience;
  while (missing > 0 && Clock::now() < deadline) {
    auto next = reader->poll(kReaderPoll);
    if (!next.ok()) {
      if (next.error().retriable) continue;
      return next.error();
    }
    if (!*next) continue;
    const auto other = stream::decode_header((*next)->headers);
    if (!other.ok() || !other->chunk || !same_picture(*other, header)) continue;
    const auto& chunk = *other->chunk;
    const auto index = static_cast<std::size_t>(chunk.index);
    const auto bytes = static_cast<std::int64_t>((*next)->value.size());
    if (index >= have.size() || have[index] || chunk.begin < 0 || chunk.begin + bytes > wanted.total) continue;
    std::memcpy(whole->data() + chunk.begin, (*next)->value.data(), (*next)->value.size());
    have[index] = true;
    --missing;
  }
  if (missing > 0) {
    return Error{ErrorCode::not_found, fmt::format("{} of the picture's {} chunks are not in {}", missing, wanted.count,
                                                   to_string(record.at))};
  }
  stream::WholeFrame frame{header, {}};
  frame.payload.bytes = {whole->data(), whole->size()};
  frame.payload.owner = whole;
  return frame;
}

}  // namespace

Result<std::unique_ptr<TapReader>> TapReader::open(const kafka::ClientConfig& config) {
  RIDE_ASSIGN(auto admin, kafka::open_admin(config, std::chrono::seconds(5)));
  return std::unique_ptr<TapReader>(new KafkaTap(config, std::move(admin)));
}

}  // namespace ride::cli
