#include "cli/core/master_answer.h"

#include <spdlog/fmt/fmt.h>

#include "cli/core/fields.h"

namespace ride::cli {
namespace {

// The member that an answer to a request always has (docs/openapi.json).
std::string member_of(const std::string& method, const std::string& path) {
  const std::string resource = path.substr(0, path.find('?')), first = resource.substr(1, resource.find('/', 1) - 1);
  if (first == "leader") return "leads";
  const bool is_list = method == "GET" && resource == "/" + first;
  return is_list ? first : "job";
}

}  // namespace

std::optional<std::string> why_no_master(const std::string& method, const std::string& path, int status,
                                         const Json& body) {
  const bool refusal = status < 200 || status >= 300;
  const std::string member = refusal ? "title" : member_of(method, path);
  if (body.is_object() && body.contains(member)) return std::nullopt;
  // Whichever of a master's layers refuses says why as problem+json (RFC 9457).
  return refusal ? "which is not how a master refuses" : fmt::format("without '{}'", member);
}

}  // namespace ride::cli
