// What comes over a connection to the master's API: heads, what frames a body, chunks, who may ask, and the request
// that is handed on. No socket. Requests one behind the other; an answer is a response whatever came.
#include "common/check.h"
#include "common/http_head.h"
#include "common/ip_address.h"
#include "master/http_access.h"
#include "master/http_body.h"
#include "master/http_exchange.h"
#include "tests/fuzz/records.h"

namespace ride::master {
namespace {

constexpr std::string_view kEndOfHead = "\r\n\r\n";
constexpr std::size_t kMost = 8192;  // bytes of a body

struct Chunked {
  bool done = false, fault = false;
  std::string body, left;
};

// The same bytes, so many at a time.
Chunked read_chunks(std::string_view bytes, std::size_t step) {
  ChunkReader reader(kMost);
  Chunked read;
  while (!bytes.empty() && !reader.done()) {
    const auto piece = bytes.substr(0, step);
    bytes.remove_prefix(piece.size());
    read.left += piece;
    if (reader.consume(read.left, read.body)) {
      read.fault = true;
      break;
    }
    RIDE_CHECK(read.body.size() <= kMost, "a body above the limit");
  }
  read.done = reader.done();
  read.left += bytes;
  return read;
}

// However the bytes arrive, the body is the same, and so is where the next request begins.
Chunked check_chunks(std::string_view bytes) {
  const auto whole = read_chunks(bytes, bytes.size());
  for (const std::size_t step : {std::size_t{1}, std::size_t{7}}) {
    const auto slow = read_chunks(bytes, step);
    if (!whole.done || !slow.done) continue;
    RIDE_CHECK(slow.body == whole.body && slow.left == whole.left, "a body depends on how it arrives");
  }
  return whole;
}

void check_answer(const std::string& answer) {
  RIDE_CHECK(answer.starts_with("HTTP/1.1 "), "an answer that is no response");
  const auto end = answer.find(kEndOfHead);
  RIDE_CHECK(end != answer.npos, "an answer without an end of its head");
}

void judge(const HttpHead& head) {
  const HttpAccess open{}, named{.on_loopback = false, .names = {"ride.example"}, .tokens = {"secret-token"}};
  for (const auto* access : {&open, &named})
    if (const auto no = refuse_access(*access, head)) check_answer(last_response(*no));
  const bool has_token = head.field("authorization").find("secret-token") != std::string::npos;
  const bool open_to_all = head.path() == "/healthz" || head.path() == "/readyz";
  RIDE_CHECK(has_token || open_to_all || refuse_access(named, head), "served without a token");
  if (const auto no = refuse_head(head)) check_answer(last_response(*no));
}

void answer(HttpHead head, std::string body) {
  static HttpExchange exchange([](const ApiRequest& request) {
    RIDE_CHECK(request.body.size() <= kMaxBody, "a body above the limit");
    return ApiResponse{.status = 200, .body = "{}", .location = "http://127.0.0.1:7800" + request.target};
  });
  check_answer(exchange.answer({std::move(head), std::move(body)}, false));
}

// The bytes behind the request; nothing: the connection ends.
std::optional<std::string> serve(std::string_view bytes) {
  const auto end = bytes.find(kEndOfHead);
  if (end == bytes.npos) return std::nullopt;
  auto parsed = parse_http_head(bytes.substr(0, end));
  if (!std::holds_alternative<HttpHead>(parsed)) return std::nullopt;
  auto& head = std::get<HttpHead>(parsed);
  for (const auto& [name, value] : head.fields)
    RIDE_CHECK(value.find_first_of("\r\n") == value.npos, "a field of two lines");
  judge(head);
  const auto framing = http_framing(head, kMost);
  if (!std::holds_alternative<HttpFraming>(framing)) return std::nullopt;
  bytes.remove_prefix(end + kEndOfHead.size());
  const auto& [kind, length] = std::get<HttpFraming>(framing);
  RIDE_CHECK(length <= kMost, "a body above the limit");
  std::string body, rest(bytes);
  if (kind == BodyKind::chunked) {
    auto read = check_chunks(bytes);
    if (!read.done) return std::nullopt;
    body = std::move(read.body);
    rest = std::move(read.left);
  } else if (kind == BodyKind::length) {
    if (bytes.size() < length) return std::nullopt;
    body = bytes.substr(0, length);
    rest = bytes.substr(length);
  }
  answer(std::move(head), std::move(body));
  return rest;
}

}  // namespace
}  // namespace ride::master

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ride::master;
  const auto text = ride::fuzz::as_text(data, size);
  const auto line = std::string(text.substr(0, text.find('\n')));
  if (ride::is_loopback_host(line)) RIDE_CHECK(line.find("evil") == line.npos, "a name passes as loopback");
  (void)host_of_authority(line);
  std::optional<std::string> rest(text);
  for (int left = 5; left > 0 && rest && !rest->empty(); --left) rest = serve(*rest);
  return 0;
}
