// HTTP/1.1 as bytes: the head of a request, what frames its body, and responses. Strict: what two readers could read in
// two ways (bare line feeds, folded lines, blanks before a colon, two framings) is refused. Pure; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace ride {

struct HttpHead {
  std::string method, target;
  int minor = 1;                                            // of HTTP/1.x
  std::vector<std::pair<std::string, std::string>> fields;  // in their order; names in lower case

  std::string field(std::string_view name) const;  // the first of that name (in lower case); empty: none
  std::size_t count(std::string_view name) const;
  std::string_view path() const { return std::string_view(target).substr(0, target.find('?')); }
  bool keeps_alive() const;
};

// Why a request is not read: the status of the answer, and words for its sender.
struct HttpFault {
  int status = 400;
  std::string why;
};

// `text`: request line and fields, without the empty line behind them.
std::variant<HttpHead, HttpFault> parse_http_head(std::string_view text);

enum class BodyKind { none, length, chunked };
struct HttpFraming {
  BodyKind kind = BodyKind::none;
  std::size_t length = 0;
};
// `most`: bytes that a body may have.
std::variant<HttpFraming, HttpFault> http_framing(const HttpHead& head, std::size_t most);

// Takes a chunked body apart, as it comes.
class ChunkReader {
 public:
  explicit ChunkReader(std::size_t most) : most_(most) {}
  // Takes what it can from the front of `bytes` and adds content to `body`; the rest is to be given again with more
  // behind it. A fault ends the request.
  std::optional<HttpFault> consume(std::string& bytes, std::string& body);
  bool done() const { return stage_ == Stage::done; }

 private:
  enum class Stage { size, data, data_end, trailer, done };
  std::optional<HttpFault> consume_line(std::string_view line, std::size_t body_bytes);

  const std::size_t most_;
  Stage stage_ = Stage::size;
  std::size_t left_ = 0;      // of this chunk
  std::size_t overhead_ = 0;  // bytes that are no content
};

struct HttpField {
  std::string name, value;
};
// The bytes of a response. `body_is_shown` false: the answer to HEAD, with the length that GET would give.
std::string http_response(int status, const std::string& content_type, const std::string& body, bool close,
                          const std::vector<HttpField>& more = {}, bool body_is_shown = true);

}  // namespace ride
