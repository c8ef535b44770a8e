// What a request brings: judged by its head before a byte of it is read, then read within its limits, which count what
// comes out of a compression. Threads: any.
#pragma once

#include <httplib.h>

#include <atomic>
#include <optional>
#include <string>
#include <variant>

#include "master/api.h"

namespace ride::master {

inline constexpr std::size_t kMaxBody = 4 << 20;  // a topology is at most 1 MB

// Why no body can come of this head: its length is no number or too large, or it is encoded in a way that is not known.
std::optional<ApiResponse> refuse_head(const httplib::Request& request);

class BodyReader {
 public:
  explicit BodyReader(int at_once) : at_once_(at_once) {}
  // The body, or the answer to a client whose body is refused.
  std::variant<std::string, ApiResponse> read(const httplib::ContentReader& content);

 private:
  const int at_once_;
  std::atomic<int> now_ = 0;
};

}  // namespace ride::master
