#include "common/http_head.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cctype>
#include <charconv>

#include "common/text.h"

namespace ride {
namespace {

constexpr std::size_t kMostTarget = 8190, kMostFields = 100, kMostMethod = 32;
constexpr std::size_t kMostChunkLine = 1024;
constexpr std::string_view kLineEnd = "\r\n";

bool is_token(std::string_view text) {
  constexpr std::string_view kSigns = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || kSigns.find(c) != std::string_view::npos;
  });
}

bool has_controls(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\t') || byte == 0x7F;
  });
}

std::string lower(std::string_view text) {
  std::string small(text);
  std::transform(small.begin(), small.end(), small.begin(), [](unsigned char c) { return std::tolower(c); });
  return small;
}

std::string_view trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

std::optional<HttpFault> parse_request_line(std::string_view line, HttpHead& head) {
  const HttpFault wrong{400, "the request line is not METHOD TARGET HTTP/1.1"};
  const auto first = line.find(' '), last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) return wrong;
  const auto method = line.substr(0, first), target = line.substr(first + 1, last - first - 1),
             version = line.substr(last + 1);
  if (!version.starts_with("HTTP/") || !is_token(method) || method.size() > kMostMethod) return wrong;
  if (version != "HTTP/1.1" && version != "HTTP/1.0") return HttpFault{505, "only HTTP/1.1 and HTTP/1.0 are supported"};
  if (target.size() > kMostTarget) return HttpFault{414, "the URL is too long"};
  if (target.empty() || target.find(' ') != std::string_view::npos || has_controls(target)) return wrong;
  head.method = method;
  head.target = target;
  head.minor = version.back() - '0';
  return std::nullopt;
}

std::optional<HttpFault> parse_field(std::string_view line, HttpHead& head) {
  const auto colon = line.find(':');
  if (colon == std::string_view::npos || !is_token(line.substr(0, colon)) || has_controls(line.substr(colon)))
    return HttpFault{400, "a header is not NAME: VALUE"};
  if (head.fields.size() == kMostFields) return HttpFault{431, fmt::format("more than {} headers", kMostFields)};
  head.fields.emplace_back(lower(line.substr(0, colon)), trimmed(line.substr(colon + 1)));
  return std::nullopt;
}

HttpFault too_large(std::size_t most) { return {413, fmt::format("the body has more than {} bytes", most)}; }

const char* reason_of(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 413:
      return "Payload Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Refused";
  }
}

}  // namespace

std::string HttpHead::field(std::string_view name) const {
  const auto found = std::find_if(fields.begin(), fields.end(), [&](const auto& one) { return one.first == name; });
  return found == fields.end() ? std::string() : found->second;
}

std::size_t HttpHead::count(std::string_view name) const {
  return static_cast<std::size_t>(
      std::count_if(fields.begin(), fields.end(), [&](const auto& one) { return one.first == name; }));
}

bool HttpHead::keeps_alive() const {
  const auto option = lower(field("connection"));
  return minor == 0 ? option.find("keep-alive") != std::string::npos : option.find("close") == std::string::npos;
}

std::variant<HttpHead, HttpFault> parse_http_head(std::string_view text) {
  HttpHead head;
  for (bool first = true; first || !text.empty(); first = false) {
    const auto end = std::min(text.find(kLineEnd), text.size());
    const auto line = text.substr(0, end);
    text.remove_prefix(std::min(end + kLineEnd.size(), text.size()));
    if (auto fault = first ? parse_request_line(line, head) : parse_field(line, head)) return *std::move(fault);
  }
  return head;
}

std::variant<HttpFraming, HttpFault> http_framing(const HttpHead& head, std::size_t most) {
  const auto lengths = head.count("content-length"), transfers = head.count("transfer-encoding");
  if (lengths > 1 || transfers > 1 || (lengths > 0 && transfers > 0))
    return HttpFault{400, "the headers state the body's length in more than one way; leave them to your client"};
  if (transfers == 1) {
    if (lower(head.field("transfer-encoding")) != "chunked")
      return HttpFault{501, "of transfer encodings, only 'chunked' is understood"};
    return HttpFraming{BodyKind::chunked, 0};
  }
  if (lengths == 0) return HttpFraming{};
  const auto digits = head.field("content-length");
  std::uint64_t length = 0;
  const auto [rest, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
  const bool number = !digits.empty() && digits.find_first_not_of("0123456789") == std::string::npos;
  if (!number) return HttpFault{400, fmt::format("Content-Length: {} is not a number of bytes", one_line(digits))};
  if (failed != std::errc() || length > most) return too_large(most);
  return HttpFraming{length == 0 ? BodyKind::none : BodyKind::length, static_cast<std::size_t>(length)};
}

std::optional<HttpFault> ChunkReader::consume_line(std::string_view line, std::size_t body_bytes) {
  overhead_ += line.size() + kLineEnd.size();
  if (overhead_ > most_ + kMostChunkLine) return too_large(most_);  // bytes around tiny chunks cost as much
  if (stage_ == Stage::data_end) {
    if (!line.empty()) return HttpFault{400, "a chunk is longer than it says"};
    stage_ = Stage::size;
  } else if (stage_ == Stage::trailer) {
    if (line.empty()) stage_ = Stage::done;
  } else {
    const auto digits = trimmed(line.substr(0, line.find(';')));
    std::uint64_t size = 0;
    const auto [rest, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), size, 16);
    if (digits.empty() || failed == std::errc::invalid_argument || rest != digits.data() + digits.size())
      return HttpFault{400, "a chunk does not begin with its size"};
    if (failed != std::errc() || size > most_ - std::min(most_, body_bytes)) return too_large(most_);
    left_ = static_cast<std::size_t>(size);
    stage_ = left_ == 0 ? Stage::trailer : Stage::data;
  }
  return std::nullopt;
}

std::optional<HttpFault> ChunkReader::consume(std::string& bytes, std::string& body) {
  std::size_t at = 0;
  std::optional<HttpFault> fault;
  while (!done() && !fault && at < bytes.size()) {
    if (stage_ == Stage::data) {
      const auto size = std::min(left_, bytes.size() - at);
      body.append(bytes, at, size);
      at += size;
      left_ -= size;
      if (left_ == 0) stage_ = Stage::data_end;
      continue;
    }
    const auto end = bytes.find(kLineEnd, at);
    if (end == std::string::npos) {
      if (bytes.size() - at > kMostChunkLine) fault = HttpFault{400, "a chunk does not begin with its size"};
      break;
    }
    fault = consume_line(std::string_view(bytes).substr(at, end - at), body.size());
    at = end + kLineEnd.size();
  }
  bytes.erase(0, at);
  return fault;
}

std::string http_response(int status, const std::string& content_type, const std::string& body, bool close,
                          const std::vector<HttpField>& more, bool body_is_shown) {
  std::string text = fmt::format("HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\n", status,
                                 reason_of(status), content_type, body.size());
  if (close) text += "Connection: close\r\n";
  for (const auto& [name, value] : more) text += fmt::format("{}: {}\r\n", name, one_line(value));
  text += kLineEnd;
  return body_is_shown ? text + body : text;
}

}  // namespace ride
