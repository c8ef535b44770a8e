#include "master/http_body.h"

#include <spdlog/fmt/fmt.h>
#include <strings.h>

#include <algorithm>
#include <charconv>

namespace ride::master {
namespace {

ApiResponse too_large() {
  return problem(413, fmt::format("the body is larger than {} MB, uncompressed; a topology is at most 1 MB: send the "
                                  "YAML file and nothing else",
                                  kMaxBody >> 20));
}

std::optional<ApiResponse> refuse_length(const httplib::Request& request) {
  const auto count = request.get_header_value_count("Content-Length");
  if (count == 0) return std::nullopt;
  const auto text = request.get_header_value("Content-Length");
  std::uint64_t length = 0;
  const auto [rest, failed] = std::from_chars(text.data(), text.data() + text.size(), length);
  const bool digits =
      !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!digits || count > 1)
    return problem(400, fmt::format("Content-Length: {} is no number of bytes; leave the header to your client",
                                    count > 1 ? "several" : text));
  if (failed == std::errc::result_out_of_range || length > kMaxBody) return too_large();
  return std::nullopt;
}

// The share of those who may read at once.
class Place {
 public:
  Place(std::atomic<int>& now, int most) : now_(now), had_(++now <= most) {}
  ~Place() { --now_; }
  Place(const Place&) = delete;
  bool had() const { return had_; }

 private:
  std::atomic<int>& now_;
  const bool had_;
};

}  // namespace

std::optional<ApiResponse> refuse_head(const httplib::Request& request) {
  if (auto refused = refuse_length(request)) return refused;
  const auto transfer = request.get_header_value("Transfer-Encoding");
  if (!transfer.empty() && ::strcasecmp(transfer.c_str(), "chunked") != 0)
    return problem(
        501, fmt::format("Transfer-Encoding: {} is not understood; send 'chunked', or a Content-Length", transfer));
  const auto encoding = request.get_header_value("Content-Encoding");
  if (!encoding.empty() && encoding != "identity" && encoding != "gzip" && encoding != "deflate" && encoding != "br")
    return problem(
        415, fmt::format("Content-Encoding: {} is not understood; send the body as it is, or with gzip", encoding));
  if (request.is_multipart_form_data())
    return problem(415,
                   "a form is not understood; send the file itself as the body (curl --data-binary @FILE, not -F)");
  return std::nullopt;
}

std::variant<std::string, ApiResponse> BodyReader::read(const httplib::ContentReader& content) {
  const Place place(now_, at_once_);
  if (!place.had()) {
    auto busy = problem(503, "too many clients are sending bodies, slowly; try again in a moment");
    busy.retry_after_seconds = 1;
    return busy;
  }
  std::string body;
  bool large = false;
  const bool whole = content([&](const char* data, std::size_t size) {
    large = size > kMaxBody - body.size();
    if (!large) body.append(data, size);
    return !large;
  });
  if (large) return too_large();
  if (!whole) return problem(400, "the body broke off, came too slowly, or is not in its Content-Encoding");
  return body;
}

}  // namespace ride::master
