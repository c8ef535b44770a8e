#include "broker-config/probe.h"

#include <spdlog/fmt/fmt.h>

#include "process/tcp.h"

namespace ride::broker {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::int16_t kMetadataKey = 3;
constexpr std::int16_t kMetadataVersion = 1;  // the oldest that names the controller; Kafka 4 still speaks it
constexpr std::int32_t kCorrelation = 0x52494445;
constexpr std::int32_t kLargestAnswer = 8 << 20;

void put(std::vector<std::uint8_t>& out, std::int64_t value, int bytes) {
  for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8) out.push_back(static_cast<std::uint8_t>(value >> shift));
}

// Reads big-endian fields; after the first that is not there, everything is.
class Reader {
 public:
  explicit Reader(std::span<const std::uint8_t> bytes) : left_(bytes) {}
  std::int64_t integer(std::size_t bytes) {
    if (left_.size() < bytes) {
      good_ = false;
      left_ = {};
      return 0;
    }
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < bytes; ++i) value = (value << 8) | left_[i];
    left_ = left_.subspan(bytes);
    return bytes == 1   ? static_cast<std::int8_t>(value)
           : bytes == 2 ? static_cast<std::int16_t>(value)
                        : static_cast<std::int32_t>(value);
  }
  std::string text() {
    const std::int64_t length = integer(2);
    if (length <= 0) return {};  // -1 is null
    if (left_.size() < static_cast<std::size_t>(length)) {
      good_ = false;
      return {};
    }
    std::string value(left_.begin(), left_.begin() + length);
    left_ = left_.subspan(length);
    return value;
  }
  bool good() const { return good_; }

 private:
  std::span<const std::uint8_t> left_;
  bool good_ = true;
};

// Returns how many were in the list.
std::int64_t skip_ids(Reader& reader) {
  const std::int64_t count = reader.integer(4);
  for (std::int64_t i = 0; i < count && reader.good(); ++i) reader.integer(4);
  return count;
}

int out_of_sync_in_topic(Reader& reader) {
  reader.integer(2);  // error
  reader.text();
  reader.integer(1);  // internal
  int behind = 0;
  const std::int64_t partitions = reader.integer(4);
  for (std::int64_t i = 0; i < partitions && reader.good(); ++i) {
    reader.integer(2);  // error
    reader.integer(4);  // number
    reader.integer(4);  // leader
    const std::int64_t replicas = skip_ids(reader);
    if (skip_ids(reader) < replicas) ++behind;
  }
  return behind;
}

}  // namespace

std::vector<std::uint8_t> metadata_request(Ask ask) {
  std::vector<std::uint8_t> body;
  put(body, kMetadataKey, 2);
  put(body, kMetadataVersion, 2);
  put(body, kCorrelation, 4);
  put(body, 4, 2);
  for (const char c : {'r', 'i', 'd', 'e'}) body.push_back(static_cast<std::uint8_t>(c));
  put(body, ask == Ask::partitions ? -1 : 0, 4);  // all topics, or none
  return body;
}

Result<ClusterView> parse_metadata(std::span<const std::uint8_t> answer) {
  Reader reader(answer);
  const Error alien{ErrorCode::corrupt, "the answer is not Kafka's"};
  if (reader.integer(4) != kCorrelation) return alien;
  ClusterView view;
  const std::int64_t brokers = reader.integer(4);
  for (std::int64_t i = 0; i < brokers && reader.good(); ++i) {
    BrokerAddress broker;
    broker.id = static_cast<int>(reader.integer(4));
    broker.host = reader.text();
    broker.port = static_cast<int>(reader.integer(4));
    reader.text();  // rack
    view.brokers.push_back(std::move(broker));
  }
  view.controller = static_cast<int>(reader.integer(4));
  const std::int64_t topics = reader.integer(4);
  for (std::int64_t i = 0; i < topics && reader.good(); ++i) view.out_of_sync += out_of_sync_in_topic(reader);
  if (!reader.good()) return alien;
  return view;
}

namespace {

Result<ClusterView> ask_broker(const std::string& host, int port, std::chrono::milliseconds timeout, Ask ask) {
  const auto deadline = Clock::now() + timeout;
  const std::string place = fmt::format("{}:{}", host, port);
  const auto socket = process::open_connection(host, port, deadline);
  if (!socket.ok()) return Error{ErrorCode::unavailable, fmt::format("no broker answers on {}", place), true};

  std::vector<std::uint8_t> request;
  const auto body = metadata_request(ask);
  put(request, static_cast<std::int64_t>(body.size()), 4);
  request.insert(request.end(), body.begin(), body.end());
  std::uint8_t head[4] = {};
  if (!process::send_all(socket.get(), request, deadline) || !process::receive_all(socket.get(), head, deadline)) {
    return Error{ErrorCode::unavailable, fmt::format("{} accepted the connection, but did not answer", place), true};
  }
  const std::int64_t size = Reader(head).integer(4);
  if (size < 8 || size > kLargestAnswer)
    return Error{ErrorCode::corrupt, fmt::format("something other than Kafka listens on {}", place)};
  std::vector<std::uint8_t> answer(static_cast<std::size_t>(size));
  if (!process::receive_all(socket.get(), answer, deadline)) {
    return Error{ErrorCode::unavailable, fmt::format("{} closed the connection within its answer", place), true};
  }
  return parse_metadata(answer);
}

}  // namespace

Result<ClusterView> probe(const std::string& host, int port, std::chrono::milliseconds timeout) {
  return ask_broker(host, port, timeout, Ask::brokers);
}

Result<int> partitions_out_of_sync(const std::string& host, int port, std::chrono::milliseconds timeout) {
  RIDE_ASSIGN(auto view, ask_broker(host, port, timeout, Ask::partitions));
  return view.out_of_sync;
}

}  // namespace ride::broker
