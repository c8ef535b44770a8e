#include "master/http_body.h"

#include <spdlog/fmt/fmt.h>
#include <strings.h>

#include <algorithm>
#include <charconv>

#include "common/text.h"

namespace ride::master {
namespace {

std::optional<ApiResponse> refuse_length(const HttpHead& head) {
  const auto count = head.count("content-length");
  if (count == 0) return std::nullopt;
  const auto text = head.field("content-length");
  std::uint64_t length = 0;
  const auto [rest, failed] = std::from_chars(text.data(), text.data() + text.size(), length);
  const bool digits =
      !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!digits || count > 1)
    return problem(400, fmt::format("Content-Length: {} is not a number of bytes; leave the header to your client",
                                    count > 1 ? "several" : one_line(text)));
  if (failed == std::errc::result_out_of_range || length > kMaxBody) return body_too_large();
  return std::nullopt;
}

}  // namespace

ApiResponse body_too_large() {
  return problem(413, fmt::format("the body is larger than {} MB, uncompressed; a topology is at most 1 MB: send the "
                                  "YAML file and nothing else",
                                  kMaxBody >> 20));
}

std::optional<ApiResponse> refuse_head(const HttpHead& head) {
  if (auto refused = refuse_length(head)) return refused;
  const auto transfer = head.field("transfer-encoding");
  if (head.count("transfer-encoding") > 0 && ::strcasecmp(transfer.c_str(), "chunked") != 0)
    return problem(501, fmt::format("Transfer-Encoding: {} is not understood; send 'chunked', or a Content-Length",
                                    one_line(transfer)));
  const auto encoding = head.field("content-encoding");
  if (!encoding.empty() && encoding != "identity" && encoding != "gzip" && encoding != "deflate" && encoding != "br")
    return problem(415, fmt::format("Content-Encoding: {} is not understood; send the body as it is, or with gzip",
                                    one_line(encoding)));
  constexpr std::string_view kForm = "multipart/form-data";
  if (::strncasecmp(head.field("content-type").c_str(), kForm.data(), kForm.size()) == 0)
    return problem(415,
                   "a form is not understood; send the file itself as the body (curl --data-binary @FILE, not -F)");
  return std::nullopt;
}

std::variant<std::string, ApiResponse> read_body(const httplib::ContentReader& content) {
  std::string body;
  bool large = false;
  const bool whole = content([&](const char* data, std::size_t size) {
    large = size > kMaxBody - body.size();
    if (!large) body.append(data, size);
    return !large;
  });
  if (large) return body_too_large();
  if (!whole) return problem(400, "the body is not in its Content-Encoding");
  return body;
}

}  // namespace ride::master
