// What a request brings: judged by its head before a byte of it is read, then taken within its limits, which count what
// comes out of a compression. Threads: any.
#pragma once

#include <httplib.h>

#include <optional>
#include <string>
#include <variant>

#include "common/http_head.h"
#include "master/api.h"

namespace ride::master {

inline constexpr std::size_t kMaxBody = 4 << 20;  // a topology is at most 1 MB

// Why no body can come of this head: its length is no number or too large, or it is encoded in a way that is not known.
std::optional<ApiResponse> refuse_head(const HttpHead& head);
ApiResponse body_too_large();

// The body, or the answer to a client whose body is refused.
std::variant<std::string, ApiResponse> read_body(const httplib::ContentReader& content);

}  // namespace ride::master
